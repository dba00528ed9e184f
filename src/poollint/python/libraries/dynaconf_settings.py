"""Readers for dynaconf: what `settings.X` is, by its files, their environments and the variables over them.

    settings = Dynaconf(envvar_prefix="SHOP", settings_files=["settings.toml", ".secrets.toml"], environments=True)
    settings.POOL_SIZE, settings.database.pool_size, settings.get("POOL_SIZE", 5)

Later files replace earlier ones key by key, and SHOP_POOL_SIZE or SHOP_DATABASE__POOL_SIZE replaces both. What is less
certain stays unknown: default files, files of other kinds, tokens such as `@format`, merging, validators.
"""

from __future__ import annotations

from dataclasses import replace

from poollint.facts import Known, Unknown
from poollint.python.evaluator.values import (
    Arguments,
    LibraryObject,
    LibraryRef,
    Listing,
    Open,
    Table,
    Traced,
    Value,
    derived,
    variables_of,
)
from poollint.python.libraries import Call, reader
from poollint.python.libraries.file_functions import file_named

_NAME = "dynaconf.Dynaconf"
_LOADERS = {".toml": "tomllib.load", ".yaml": "yaml.safe_load", ".yml": "yaml.safe_load", ".json": "json.load"}
_CERTAIN = frozenset({"settings_files", "settings_file", "envvar_prefix", "environments", "env", "env_switcher", "load_dotenv"})


@reader(_NAME, "dynaconf.LazySettings")
def _made(call: Call) -> Value:
    files = call.get("settings_files") or call.get("settings_file")
    named = files.items if isinstance(files, Listing) and files.complete else (files,)
    table = Table({}, call.origin)
    for name in named:
        table = table.merged(_file(call, name))
    if not call.arguments.complete or not call.arguments.keywords.keys() <= _CERTAIN:
        table = table.opened("an option of Dynaconf may change it")
    return LibraryObject(_NAME, call.arguments, call.origin, call.node, table)


def _file(call: Call, name: Value | None) -> Value:
    """Return the keys of a settings file in capitals; a file that is not here may hold any of them."""
    text = name.value if isinstance(name, Known) and isinstance(name.value, str) else ""
    path = file_named(call.world, call.module, text)
    loader = _LOADERS.get(text[text.rfind(".") :])
    if path is None or loader is None:
        return Unknown(f"{text or 'a settings file'} is not here" if path is None else f"{path} is not read", call.origin)
    opened = LibraryObject("builtins.open", Arguments(), call.origin, call.node, f"/{path}")
    found = call.call(LibraryRef(loader, call.origin), Arguments((opened,)))
    if not isinstance(found, Table):
        return found
    environments = call.get("environments")
    if environments is not None and not (isinstance(environments, Known) and not environments.value):
        found = _of_environment(call, found)
    table = Table({str(key).upper(): value for key, value in found.entries.items()}, found.origin, found.complete, found.reason)
    return table.opened("dynaconf merges it") if "DYNACONF_MERGE" in table.entries else table


def _of_environment(call: Call, file: Table) -> Table:
    """Return `[default]`, under the section of the current environment, under `[global]`."""
    switcher = call.get("env_switcher")
    variable = switcher.value if isinstance(switcher, Known) else "ENV_FOR_DYNACONF"
    current = call.get("env") or call.variable(str(variable), Traced("development", call.origin))
    sections = {str(name).lower(): section for name, section in file.entries.items()}
    found = Table({}, file.origin).merged(sections.get("default", Table({}, file.origin)))
    if not isinstance(current, Known) or variables_of(current):
        others = [section for name, section in sections.items() if name not in ("default", "global")]
        if others:
            unread = Table({}, file.origin, False, f"the environment of dynaconf ({variable}) is not known")
            keys = {key for section in others if isinstance(section, Table) for key in section.entries}
            kept = {key: value for key, value in found.entries.items() if key not in keys}
            found = replace(unread, entries=kept)
    else:
        found = found.merged(sections.get(str(current.value).lower(), Table({}, file.origin)))
    return found.merged(sections.get("global", Table({}, file.origin)))


# -- asking ------------------------------------------------------------------------------------------------------------


@reader(f"{_NAME}.__getattr__", f"{_NAME}.__getitem__", f"{_NAME}.get")
def _get(call: Call) -> Value:
    key = call.text(0, "key")
    if key is None or not isinstance(call.owner, LibraryObject) or not isinstance(call.owner.state, Table):
        return call.unknown("a key that is not known")
    prefix = call.owner.arguments.get("envvar_prefix")
    start = "DYNACONF" if prefix is None else prefix.value if isinstance(prefix, Known) else ""
    name = f"{start}_{key.upper()}" if start else key.upper()
    value = call.owner.state.get(key.upper())
    if value is None and call.name.endswith(".get"):
        value = call.get("default", 1) or Traced(None, call.origin)
    return _over(call, name, value)


def _over(call: Call, name: str, value: Value | None) -> Value:
    """Return a value with what the environment sets over it, dicts entry by entry."""
    if isinstance(value, Table):
        entries = {str(key).upper(): _over(call, f"{name}__{str(key).upper()}", entry) for key, entry in value.entries.items()}
        return replace(value, entries=entries | {key: entries[str(key).upper()] for key in value.entries})
    if isinstance(value, Known) and isinstance(value.value, str) and value.value.startswith("@"):
        value = Unknown("a token of dynaconf", value.origin)
    found = call.variable(name, value)
    if isinstance(found, Open) and found.absent:
        return replace(found, absent=False)  # dynaconf raises an error
    return _parsed(found) if name in call.world.environment.variables else found


def _parsed(value: Value) -> Value:
    """Return a variable's text as dynaconf reads it: a number, a flag, or itself."""
    if not isinstance(value, Known) or not isinstance(value.value, str):
        return value
    text = value.value.strip()
    if text.startswith(("@", "{", "[", '"', "'")):
        return Unknown("a value that dynaconf parses", value.origin)
    for cast in (int, float, {"true": True, "false": False}.__getitem__):
        try:
            return derived(cast(text), value)  # type: ignore[operator]
        except (ValueError, KeyError):
            continue
    return value
