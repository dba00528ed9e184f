"""Readers for files: paths, ini by `configparser`, YAML, TOML and JSON. Only the tree's files are read, as data."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from poollint.facts import Known, Location, Origin, Unknown
from poollint.python.libraries import Call, attribute_reader, changer, reader
from poollint.python.values import Arguments, LibraryObject, Listing, Table, Traced, Value, derived, origin_of

if TYPE_CHECKING:
    from poollint import _toml
    from poollint.python.evaluate import World
    from poollint.python.modules import Module

_PATH = "pathlib.Path"


# -- paths -------------------------------------------------------------------------------------------------------------


def path_text(value: Value | None) -> str | None:
    """Return a path as text, absolute ones from the tree's root: `__file__` is "/app/db.py"."""
    if isinstance(value, Known) and isinstance(value.value, str):
        return value.value
    if isinstance(value, LibraryObject) and isinstance(value.state, str):
        return value.state
    return None


@reader(_PATH, "pathlib.PurePath", "pathlib.PosixPath")
def _path(call: Call) -> Value:
    parts = [path_text(value) for value in call.arguments.positional]
    text = None if None in parts else posixpath.join(*(parts or ["."]))  # type: ignore[arg-type]
    return LibraryObject(_PATH, call.arguments, call.origin, call.node, text)


@reader(f"{_PATH}.resolve", f"{_PATH}.absolute", f"{_PATH}.expanduser")
def _resolved(call: Call) -> Value:
    return call.owner or call.made()


@reader(f"{_PATH}.joinpath")
def _joinpath(call: Call) -> Value:
    parts = [path_text(call.owner), *(path_text(value) for value in call.arguments.positional)]
    text = None if None in parts else posixpath.join(*parts)  # type: ignore[arg-type]
    return LibraryObject(_PATH, Arguments(), call.origin, call.node, text)


@attribute_reader(f"{_PATH}.parent")
def _parent(base: Value, origin: Origin) -> Value:
    text = path_text(base)
    return LibraryObject(_PATH, Arguments(), origin, None, posixpath.dirname(text) if text else None)


@attribute_reader(f"{_PATH}.parents")
def _parents(base: Value, origin: Origin) -> Value:
    text, found = path_text(base), []
    while text and posixpath.dirname(text) != text:
        text = posixpath.dirname(text)
        found.append(LibraryObject(_PATH, Arguments(), origin, None, text))
    return Listing(tuple(found), origin)


@reader(
    "os.path.dirname",
    "os.path.abspath",
    "os.path.realpath",
    "os.path.normpath",
    "os.path.join",
    "os.path.expanduser",
    "os.fspath",
)
def _os_path(call: Call) -> Value:
    parts = [path_text(value) for value in call.arguments.positional]
    name = call.name.rpartition(".")[2]
    if not parts or None in parts:
        return call.unknown("a path that is not known")
    known = [part for part in parts if part is not None]
    if name == "join":
        return Traced(posixpath.join(*known), call.origin)
    return Traced(posixpath.dirname(known[0]) if name == "dirname" else known[0], call.origin)


@reader("builtins.open", f"{_PATH}.open", "io.open", "codecs.open")
def _open(call: Call) -> Value:
    target = call.owner if call.owner is not None else call.get("file", 0)
    return LibraryObject("builtins.open", call.arguments, call.origin, call.node, path_text(target))


@reader("builtins.open.read", f"{_PATH}.read_text", f"{_PATH}.read_bytes")
def _read(call: Call) -> Value:
    return LibraryObject("text of a file", Arguments(), call.origin, call.node, path_text(call.owner))


def file_named(world: World, module: Module, text: str | None) -> str | None:
    """Return the file of the tree that a path in the code means.

    Absolute paths count from the root (`__file__` does too). Relative ones depend on where the process starts: the
    nearest folder above the module that has the file.
    """
    if not text:
        return None
    tree = world.modules.tree
    if text.startswith("/"):
        path = posixpath.normpath(text).lstrip("/")
        return path if path in tree else None
    folder = module.path.rpartition("/")[0]
    while True:
        path = posixpath.normpath(posixpath.join(folder, text))
        if path in tree:
            return path
        if not folder:
            return None
        folder = folder.rpartition("/")[0]


def _file(call: Call, value: Value | None) -> str | None:
    return file_named(call.world, call.module, path_text(value))


# -- YAML, TOML, JSON --------------------------------------------------------------------------------------------------


@reader("yaml.safe_load", "yaml.load", "yaml.full_load", "json.load", "json.loads")
def _yaml(call: Call) -> Value:
    path = _file(call, call.first())
    if path is None or not isinstance(call.first(), LibraryObject):
        return call.unknown("a file that is not known")
    documents = call.world.modules.tree.yaml(path)
    return _of_node(documents[0]) if len(documents) == 1 else call.unknown(f"{path} could not be read")


def _of_node(node: Any) -> Value:
    """Return a YAML node as a value; its depth is limited where it was read."""
    from poollint import _yaml

    origin = Origin("", node.location)
    if isinstance(node, _yaml.Mapping):
        entries = {key: _of_node(value) for key, value in node.pairs()}
        return Table({key: _said(value, key) for key, value in entries.items()}, origin)
    if isinstance(node, _yaml.Sequence):
        return Listing(tuple(_of_node(item) for item in node.items), origin)
    return Traced(node.value, origin) if node.tag is None else Unknown(f"tagged {node.tag}", origin)


def _said(value: Value, key: str) -> Value:
    return replace(value, origin=replace(value.origin, says=key)) if isinstance(value, (Known, Unknown)) else value


@reader("tomllib.load", "tomllib.loads", "toml.load", "toml.loads")
def _toml(call: Call) -> Value:
    path = _file(call, call.first())
    text = call.world.modules.tree.text(path) if path else None
    if path is None or text is None:
        return call.unknown("a file that is not known")
    from poollint import _toml

    try:
        document = _toml.parse(path, text)
    except _toml.Unreadable:
        return call.unknown(f"{path} is not TOML")
    return _of_toml(document, document.data, ())


def _of_toml(document: _toml.Document, value: Any, keys: _toml.Keys) -> Value:
    origin = Origin(str(keys[-1]) if keys else "", document.location(*keys))
    if isinstance(value, dict):
        return Table({key: _of_toml(document, inner, (*keys, key)) for key, inner in value.items()}, origin)
    if isinstance(value, list):
        return Listing(tuple(_of_toml(document, item, (*keys, number)) for number, item in enumerate(value)), origin)
    return Traced(value, origin) if isinstance(value, (str, int, float, bool)) else Unknown("a date", origin)


# -- ini ---------------------------------------------------------------------------------------------------------------

_PARSER = "configparser.ConfigParser"


@reader(_PARSER, "configparser.SafeConfigParser", "configparser.RawConfigParser")
def _parser(call: Call) -> Value:
    return LibraryObject(_PARSER, call.arguments, call.origin, call.node, None)


@changer(f"{_PARSER}.read", f"{_PARSER}.read_file")
def _parser_read(call: Call) -> Value:
    """`parser.read("app.ini")`, also with a list of files: later ones win."""
    first = call.first()
    values = first.items if isinstance(first, Listing) else (first,)
    paths = [file_named(call.world, call.module, path_text(value)) for value in values]
    assert isinstance(call.owner, LibraryObject)
    state = dict(call.owner.state or {})
    for path in paths:
        if path is None:
            return replace(call.owner, state=None)
        for section, entries in read_ini(call.world, path).items():
            state[section] = {**state.get(section, {}), **entries}
    return replace(call.owner, state=state)


def read_ini(world: World, path: str) -> dict[str, dict[str, Value]]:
    """Return section → key → value of an ini file, each with its line."""
    import configparser

    text = world.modules.tree.text(path) or ""
    parser = configparser.ConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except (configparser.Error, ValueError):
        return {}
    lines = text.splitlines()
    found: dict[str, dict[str, Value]] = {}
    for section in (parser.default_section, *parser.sections()):
        entries = {}
        for key in parser[section]:
            try:
                value: Value = Traced(
                    parser.get(section, key), Origin(key, Location(path, _ini_line(lines, section, key)))
                )
            except configparser.InterpolationError:
                value = Unknown("an interpolation that needs something unknown", Origin(key, Location(path, 1)))
            entries[key] = value
        found[section] = entries
    return found


def _ini_line(lines: list[str], section: str, key: str) -> int:
    inside = default = 0
    current = ""
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if stripped.startswith("[") and "]" in stripped:
            current = stripped[1 : stripped.index("]")]
        elif stripped.replace(":", "=").partition("=")[0].strip().lower() == key and not line[:1].isspace():
            inside = number if current == section else inside
            default = number if current == "DEFAULT" else default
    return inside or default or 1


def _section(base: Value | None, name: str | None) -> Table | None:
    state = getattr(base, "state", None)
    if state is None or name is None:
        return None
    entries = state.get(name)
    return Table(entries, origin_of(base)) if entries is not None else Table({}, origin_of(base))


@reader(f"{_PARSER}.__getitem__")
def _parser_item(call: Call) -> Value:
    return _section(call.owner, call.text(0)) or call.unknown("a file that is not known")


@reader(f"{_PARSER}.items", f"{_PARSER}._sections")
def _parser_items(call: Call) -> Value:
    section = _section(call.owner, call.text(0, "section"))
    if section is None:
        return call.unknown("a file that is not known")
    pairs = (Listing((Traced(key, section.origin), value), section.origin) for key, value in section.entries.items())
    return Listing(tuple(pairs), section.origin)


def _ini_get(call: Call) -> Value:
    method = call.name.rpartition(".")[2]
    section, key = _section(call.owner, call.text(0, "section")), call.text(1, "option")
    if section is None or key is None:
        return call.unknown("a file that is not known")
    value = section.get(key.lower()) or call.get("fallback")
    if value is None:
        return call.unknown(f"[{call.text(0)}] has no {key}")
    if not isinstance(value, Known) or not isinstance(value.value, str):
        return value
    try:
        return derived(_INI_CASTS[method](value.value), value)
    except (ValueError, KeyError):
        return Unknown(f"fails with ValueError: {key}", value.origin)


_FLAGS = {"1": True, "yes": True, "true": True, "on": True, "0": False, "no": False, "false": False, "off": False}
_INI_CASTS: dict[str, Any] = {
    "get": str,
    "getint": int,
    "getfloat": float,
    "getboolean": lambda text: _FLAGS[text.lower()],
}
for _name in _INI_CASTS:
    reader(f"{_PARSER}.{_name}")(_ini_get)
