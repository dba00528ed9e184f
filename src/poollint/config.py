"""What the user states: `[tool.poollint]`, `poollint.toml` and `--assume`.

Every stated number is `Known(value, Origin(says, place), "stated")`.
Unknown keys are an error with file, line and a suggestion.
The configuration silences and states; it names no output files, commands or plugins, and reaches nothing outside the root.
"""

from __future__ import annotations

import datetime
import difflib
import os
import stat
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from poollint.escape import clean
from poollint.facts import NOT_READ, SEVERITIES, Known, Location, Origin, Setting

FILES = ("poollint.toml", "pyproject.toml")  # the first that speaks of poollint wins
LARGEST_FILE = 2 * 1024 * 1024  # bytes
FAIL_LEVELS = (*SEVERITIES, "never")
POOL_MODES = ("session", "transaction", "statement")
POOLER_KINDS = ("pgbouncer", "supavisor", "pgcat", "pgdog", "odyssey", "rds-proxy", "pgpool", "proxysql")


@dataclass(frozen=True, slots=True)
class StatedPooler:
    """`[databases.NAME.pooler]`."""

    kind: str = "pgbouncer"
    mode: Setting = NOT_READ
    max_prepared_statements: Setting = NOT_READ
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class StatedDatabase:
    """`[databases.NAME]`; `environments` holds `[databases.NAME.in.ENV]`, with the parent's values where it has none."""

    name: str
    location: Location | None = None
    provider: str | None = None
    tier: Setting = NOT_READ
    max_connections: Setting = NOT_READ
    reserved: Setting = NOT_READ
    idle_timeout: Setting = NOT_READ
    headroom: Setting = NOT_READ
    match: tuple[str, ...] = ()  # variable names or host globs
    pooler: StatedPooler | None = None
    environments: Mapping[str, StatedDatabase] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatedService:
    """`[services.NAME]`: the workload of that name, or those in its manifests; if there is none, it is one."""

    name: str
    location: Location | None = None
    code: tuple[str, ...] = ()  # globs
    manifests: tuple[str, ...] = ()  # globs
    databases: tuple[str, ...] = ()
    instances: Setting = NOT_READ
    processes: Setting = NOT_READ
    concurrency: Setting = NOT_READ
    cpus: Setting = NOT_READ


@dataclass(frozen=True, slots=True)
class StatedIgnore:
    """`[[ignore]]`: a suppression for a file that cannot hold a comment."""

    rule: str
    path: str
    reason: str = ""
    until: str | None = None  # an ISO date; from that day on it no longer suppresses
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything stated. `assume` holds each `--assume` by key; those of a configured name are merged in as well."""

    exclude: tuple[str, ...] = ()
    fail_on: str = "warning"
    require_reasons: bool = False
    severity: Mapping[str, str] = field(default_factory=dict)  # rule → error, warning, note or off
    environments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name → globs
    databases: Mapping[str, StatedDatabase] = field(default_factory=dict)
    services: Mapping[str, StatedService] = field(default_factory=dict)
    ignores: tuple[StatedIgnore, ...] = ()
    assume: Mapping[str, Known] = field(default_factory=dict)
    location: Location | None = None


class ConfigurationError(click.ClickException):
    """The configuration cannot be used: said with file, line and what was probably meant."""

    exit_code = 2

    def format_message(self) -> str:
        return clean(self.message)


def load(
    root: Path, file: Path | None = None, *, isolated: bool = False, assume: Mapping[str, str] | None = None
) -> Configuration:
    """Return the configuration of the project at `root`, with the assumptions on top.

    file      read this one instead of searching; its place may be anywhere, because the user typed it
    isolated  read none

    Raises ConfigurationError.
    """
    stated = Configuration() if isolated else _from_files(root, file)
    return _assuming(stated, assume or {})


# -- files ---------------------------------------------------------------------------------------------------------


def _from_files(root: Path, file: Path | None) -> Configuration:
    if file is not None:
        inside = os.path.relpath(file, root)
        entry = _table_of(file, str(file) if inside.startswith("..") else Path(inside).as_posix())
        if entry is None:
            raise ConfigurationError(f"{file}: holds no [tool.poollint] table")
        return _configuration(entry)
    for name in FILES:
        if stat.S_ISREG(_mode(root / name)) and (entry := _table_of(root / name, name)):
            return _configuration(entry)
    return Configuration()


def _mode(path: Path) -> int:
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


def _table_of(file: Path, path: str) -> Entry | None:
    """Return poollint's table of a TOML file, or None when it has none."""
    try:
        with open(file, "rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as problem:
        raise ConfigurationError(f"{path}: {problem.strerror}") from None
    if len(content) > LARGEST_FILE:
        raise ConfigurationError(f"{path}: larger than 2 MiB")
    is_project = file.name == "pyproject.toml"
    if is_project and b"poollint" not in content:
        return None  # not parsed: a broken pyproject.toml that never speaks of poollint is not our business
    from poollint import _toml

    try:
        document = _toml.parse(path, content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: not UTF-8 text") from None
    except _toml.Unreadable as problem:
        where = f"{path}:{problem.line}" if problem.line else path
        raise ConfigurationError(f"{where}: {problem.reason}") from None
    top = Entry(document.data, document, ())
    if not is_project:
        return top
    tool = document.data.get("tool")
    stated = tool.get("poollint") if isinstance(tool, dict) else None
    return None if stated is None else Entry(stated, document, ("tool", "poollint"))


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of the configuration file with its place: asked for as what it should be, and an error when it is not."""

    value: Any
    document: Any
    keys: tuple[str | int, ...]

    @property
    def name(self) -> str:
        return str(self.keys[-1]) if self.keys else ""

    @property
    def location(self) -> Location:
        return self.document.location(*self.keys)

    def fail(self, problem: str) -> ConfigurationError:
        return ConfigurationError(f"{self.location}: {problem}")

    def table(self, *known: str) -> dict[str, Entry]:
        """Return the entries of a table by key; any key but the `known` ones is an error, if some are given."""
        if not isinstance(self.value, dict):
            raise self.fail(f"`{self.name}` must be a table")
        entries = {key: Entry(value, self.document, (*self.keys, key)) for key, value in self.value.items()}
        for key, entry in entries.items():
            if known and key not in known:
                raise entry.fail(f"unknown key `{key}`{meant(key, known)}")
        return entries

    def tables(self, *known: str) -> list[tuple[Entry, dict[str, Entry]]]:
        if not isinstance(self.value, list):
            raise self.fail(f"`{self.name}` must be an array of tables, [[{self.name}]]")
        items = [Entry(value, self.document, (*self.keys, index)) for index, value in enumerate(self.value)]
        return [(item, item.table(*known)) for item in items]

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value:
            raise self.fail(f"`{self.name}` must be a text")
        return self.value

    def word(self, allowed: Collection[str]) -> str:
        """Return one of the allowed words."""
        text = self.text()
        if text not in allowed:
            raise self.fail(f"`{self.name}` cannot be {text!r}{meant(text, allowed)}")
        return text

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.fail(f"`{self.name}` must be true or false")
        return self.value

    def texts(self) -> tuple[str, ...]:
        if not isinstance(self.value, list) or not all(isinstance(item, str) and item for item in self.value):
            raise self.fail(f"`{self.name}` must be a list of texts")
        return tuple(self.value)

    def globs(self) -> tuple[str, ...]:
        """Return patterns of paths; the configuration reaches nothing outside the root."""
        for glob in self.texts():
            if glob.startswith(("/", "~")) or ".." in glob.split("/"):
                raise self.fail(f"`{self.name}` must stay below the root: {glob!r}")
        return self.texts()

    def stated(self, value: Any) -> Known:
        return Known(value, Origin(self.name, self.location), "stated")


def meant(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean …?" or the list of what is allowed."""
    words = sorted(known)
    near = difflib.get_close_matches(word.replace("_", "-").lower(), words, n=1)
    if near:
        return f"; did you mean `{near[0]}`?"
    return f"; it is one of {', '.join(words)}" if len(words) <= 16 else ""


# -- the whole -----------------------------------------------------------------------------------------------------


def _configuration(top: Entry) -> Configuration:
    table = top.table(*_READERS)
    made = Configuration(location=top.location)
    for key, entry in table.items():
        made = _READERS[key](made, entry)
    return made


def _required_version(made: Configuration, entry: Entry) -> Configuration:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    from poollint import __version__

    try:
        if not SpecifierSet(entry.text()).contains(__version__, prereleases=True):
            raise entry.fail(f"this is poollint {__version__}, but {entry.text()} is required")
    except InvalidSpecifier:
        raise entry.fail(
            f'not a version specifier: {entry.text()!r}; write required-version = ">={__version__}"'
        ) from None
    return made


def _severities(made: Configuration, entry: Entry) -> Configuration:
    from poollint import rulebook

    table = entry.table(*rulebook.names())
    return replace(made, severity={rule: level.word((*SEVERITIES, "off")) for rule, level in table.items()})


def _ignores(made: Configuration, entry: Entry) -> Configuration:
    return replace(made, ignores=tuple(_ignore(*item) for item in entry.tables("rule", "path", "reason", "until")))


def _ignore(item: Entry, table: Mapping[str, Entry]) -> StatedIgnore:
    from poollint import rulebook

    for key in ("rule", "path"):
        if key not in table:
            raise item.fail(f"an ignore needs a `{key}`")
    return StatedIgnore(
        rule=table["rule"].word(rulebook.names()),
        path=_plain_path(table["path"]),
        reason=table["reason"].text() if "reason" in table else "",
        until=_date(table["until"]) if "until" in table else None,
        location=item.location,
    )


def _plain_path(entry: Entry) -> str:
    path = entry.text().removeprefix("./")
    if path.startswith(("/", "~")) or ".." in path.split("/"):
        raise entry.fail(f"`{entry.name}` must stay below the root: {path!r}")
    return path


def _date(entry: Entry) -> str:
    value = entry.value
    if isinstance(value, datetime.datetime):
        value = value.date()
    if isinstance(value, str):
        try:
            value = datetime.date.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime.date):
        raise entry.fail(f"`{entry.name}` must be a date: {entry.name} = 2027-03-01")
    return value.isoformat()


_READERS: dict[str, Callable[[Configuration, Entry], Configuration]] = {
    "required-version": _required_version,
    "exclude": lambda made, entry: replace(made, exclude=entry.globs()),
    "fail-on": lambda made, entry: replace(made, fail_on=entry.word(FAIL_LEVELS)),
    "require-reasons": lambda made, entry: replace(made, require_reasons=entry.flag()),
    "severity": _severities,
    "environments": lambda made, entry: replace(
        made, environments={name: globs.globs() for name, globs in entry.table().items()}
    ),
    "databases": lambda made, entry: replace(
        made, databases={name: _database(name, stated) for name, stated in entry.table().items()}
    ),
    "services": lambda made, entry: replace(
        made, services={name: _service(name, stated) for name, stated in entry.table().items()}
    ),
    "ignore": _ignores,
}


# -- databases and services ----------------------------------------------------------------------------------------


def _count(least: int) -> Callable[[Any], int | None]:
    return lambda value: value if isinstance(value, int) and not isinstance(value, bool) and value >= least else None


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


# What a stated value must be: key → (what to say, how to accept it). The same for files and --assume.
_VALUES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "provider": ("a name that `poollint providers` lists", lambda value: value if value in _providers() else None),
    "tier": ("a text", _name),
    "max-connections": ("a whole number above 0", _count(1)),
    "reserved": ("a whole number", _count(0)),
    "idle-timeout": ("a whole number of seconds above 0", _count(1)),
    "headroom": ("a whole number", _count(0)),
    "mode": ("session, transaction or statement", lambda value: value if value in POOL_MODES else None),
    "max-prepared-statements": ("a whole number", _count(0)),
    "instances": ("a whole number above 0", _count(1)),
    "processes": ("a whole number above 0", _count(1)),
    "concurrency": ("a whole number above 0", _count(1)),
    "cpus": ("a whole number above 0", _count(1)),
}
_DATABASE = ("tier", "max-connections", "reserved", "idle-timeout", "headroom")
_POOLER = ("mode", "max-prepared-statements")
_SERVICE = ("instances", "processes", "concurrency", "cpus")


def _setting(entry: Entry) -> Known:
    what, accept = _VALUES[entry.name]
    value = accept(entry.value)
    if value is None:
        raise entry.fail(f"`{entry.name}` must be {what}")
    return entry.stated(value)


def _settings(table: Mapping[str, Entry], keys: tuple[str, ...]) -> dict[str, Known]:
    return {key.replace("-", "_"): _setting(table[key]) for key in keys if key in table}


def _database(name: str, entry: Entry, parent: StatedDatabase | None = None) -> StatedDatabase:
    table = entry.table("provider", *_DATABASE, "match", "pooler", *(() if parent else ("in",)))
    made = replace(parent or StatedDatabase(name), location=entry.location, **_settings(table, _DATABASE))
    if "provider" in table:
        made = replace(made, provider=table["provider"].word(_providers()))
    if "match" in table:
        made = replace(made, match=table["match"].texts())
    if "pooler" in table:
        made = replace(made, pooler=_pooler(table["pooler"], made.pooler))
    if "in" in table:
        inner = {key: _database(name, stated, made) for key, stated in table["in"].table().items()}
        made = replace(made, environments=inner)
    return made


def _providers() -> tuple[str, ...]:
    from poollint import providers

    return tuple(providers.table())


def _pooler(entry: Entry, parent: StatedPooler | None) -> StatedPooler:
    table = entry.table("kind", *_POOLER)
    made = replace(parent or StatedPooler(), location=entry.location, **_settings(table, _POOLER))
    return replace(made, kind=table["kind"].word(POOLER_KINDS)) if "kind" in table else made


def _service(name: str, entry: Entry) -> StatedService:
    table = entry.table("code", "manifests", "databases", *_SERVICE)
    globs = {key: table[key].globs() for key in ("code", "manifests") if key in table}
    databases = table["databases"].texts() if "databases" in table else ()
    return StatedService(name, entry.location, databases=databases, **globs, **_settings(table, _SERVICE))


# -- assumptions ---------------------------------------------------------------------------------------------------


def _assuming(stated: Configuration, assume: Mapping[str, str]) -> Configuration:
    """Merge what `--assume` states; it is stronger than the file, because it was typed for this run."""
    settings = {_key(written): _assumed(written, text) for written, text in assume.items()}
    made = replace(stated, assume=settings)
    for key, setting in settings.items():
        name, _, what = key.rpartition(".")
        made = _merged(made, name, what.replace("-", "_"), setting)
    return made


def _key(written: str) -> str:
    name, _, setting = written.rpartition(".")
    return f"{name}.{setting.replace('_', '-')}"


def _assumed(written: str, text: str) -> Known:
    name, _, setting = _key(written).rpartition(".")
    if not name:
        raise click.UsageError(f"--assume {written}={text}: write NAME.SETTING=VALUE, such as api.instances=20")
    if setting not in _VALUES:
        raise click.UsageError(f"--assume {written}={text}: unknown setting `{setting}`{meant(setting, _VALUES)}")
    what, accept = _VALUES[setting]
    value = accept(int(text)) if text.isascii() and text.isdigit() and len(text) < 19 else None
    value = accept(text) if value is None else value
    if value is None:
        raise click.UsageError(f"--assume {written}={text}: must be {what}")
    return Known(value, Origin(f"--assume {written}"), "stated")


def _merged(made: Configuration, name: str, what: str, setting: Known) -> Configuration:
    """Put one assumption where the file already speaks of its name; the others are for `link` to place."""
    if name in made.services and what in StatedService.__slots__:
        return replace(made, services={**made.services, name: replace(made.services[name], **{what: setting})})
    database = made.databases.get(name.removesuffix(".pooler"))
    if database is None or not (name.endswith(".pooler") or what in StatedDatabase.__slots__):
        return made
    change = _pooler_change if name.endswith(".pooler") else _database_change
    inner = {at: change(one, what, setting) for at, one in database.environments.items()}
    stated = replace(change(database, what, setting), environments=inner)
    return replace(made, databases={**made.databases, database.name: stated})


def _database_change(stated: StatedDatabase, what: str, setting: Known) -> StatedDatabase:
    return replace(stated, **{what: setting.value if what == "provider" else setting})


def _pooler_change(stated: StatedDatabase, what: str, setting: Known) -> StatedDatabase:
    if what not in StatedPooler.__slots__:
        return stated
    return replace(stated, pooler=replace(stated.pooler or StatedPooler(), **{what: setting}))
