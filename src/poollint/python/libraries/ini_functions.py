"""Readers for ini files: `configparser` with its interpolations, sections and fallbacks.

    parser = ConfigParser(); parser.read("app.ini"), parser.read_dict({...}), parser.read_string("[database] ...")
    parser["database"]["pool_size"], parser.getint("database", "pool_size", fallback=5), dict(parser["database"])

A project's own interpolation that looks the option up in the environment is followed: the file's value is then what the
variable replaces. A project's own parser is the library's wherever it overrides nothing that is asked of it.
"""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from poollint.facts import Known, Location, Origin, Unknown
from poollint.python.evaluator import branching, calls, objects, returns
from poollint.python.evaluator.values import (
    Arguments,
    Frame,
    FunctionRef,
    Instance,
    LibraryObject,
    Listing,
    Table,
    Traced,
    Value,
    derived,
    failing,
)
from poollint.python.libraries import Call, SUBCLASSED, changer, reader
from poollint.python.libraries.file_functions import file_named, path_text
from poollint.python.source.modules import Module

if TYPE_CHECKING:
    from poollint.discover import Tree
    from poollint.python.evaluator.evaluate import World

_PARSER = "configparser.ConfigParser"
_KINDS: Mapping[str, type[configparser.Interpolation]] = {
    "configparser.BasicInterpolation": configparser.BasicInterpolation,
    "configparser.ExtendedInterpolation": configparser.ExtendedInterpolation,
}

Sections = dict[str, dict[str, Value]]
_NOT_KNOWN = "a file that is not known"


@dataclass(frozen=True, slots=True)
class _Parsed:
    """What a parser has read.

    keeps_case  True after `parser.optionxform = str`
    is_whole    False when something unknown was read: what is not here may be there
    """

    sections: Sections = field(default_factory=dict)
    keeps_case: bool = False
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _Section(Table):
    """A section, whose keys are looked up in small letters."""

    def get(self, key: Any) -> Value | None:
        lowered = key.lower() if isinstance(key, str) and key not in self.entries else key
        return Table.get(self, lowered)

    def __hash__(self) -> int:
        return Table.__hash__(self)


# -- reading -----------------------------------------------------------------------------------------------------------


SUBCLASSED.update((_PARSER, "configparser.SafeConfigParser", "configparser.RawConfigParser"))


@reader(_PARSER, "configparser.SafeConfigParser", "configparser.RawConfigParser")
def _parser(call: Call) -> Value:
    given = call.arguments
    if call.name.endswith("RawConfigParser"):  # it expands nothing
        given = replace(given, keywords={"interpolation": Known(None, call.origin), **given.keywords})
    return LibraryObject(_PARSER, given, call.origin, call.node, None)


def _before(call: Call) -> _Parsed:
    """Return what the parser of a call holds before it: at first the defaults that it was made with."""
    assert isinstance(call.owner, LibraryObject)
    if isinstance(call.owner.state, _Parsed):
        return call.owner.state
    keeps_case = _keeps_case(call.owner, call.module)
    given = call.owner.arguments.get("defaults", 0)
    entries = _option_texts(call, given, keeps_case) if isinstance(given, Table) else {}
    return _Parsed({configparser.DEFAULTSECT: entries}, keeps_case)


def _with(call: Call, before: _Parsed, read: Sections) -> LibraryObject:
    """Return the parser of a call after it has read further sections: their options win."""
    assert isinstance(call.owner, LibraryObject)
    sections = dict(before.sections)
    for name, entries in read.items():
        sections[name] = {**sections.get(name, {}), **entries}
    return replace(call.owner, state=replace(before, sections=sections))


def _unread(call: Call) -> LibraryObject:
    """Return the parser of a call after it has read what is not known."""
    assert isinstance(call.owner, LibraryObject)
    return replace(call.owner, state=_Parsed({}, _before(call).keeps_case, is_whole=False))


def _option_texts(call: Call, given: Table, keeps_case: bool) -> dict[str, Value]:
    """Return the options of a dict as the text that a parser makes of them."""
    found = {}
    for key, value in given.entries.items():
        if isinstance(value, Known):
            is_plain = not re.search("[%$]", str(value.value)) or _interpolation(call.owner) is None  # type: ignore[arg-type]
            text = value if isinstance(value.value, str) else derived(str(value.value), value)
            value = text if is_plain else Unknown("an interpolation in a dict", value.origin)
        found[str(key) if keeps_case else str(key).lower()] = value
    return found


@changer(f"{_PARSER}.set", f"{_PARSER}.__setitem__")
def _parser_set(call: Call) -> Value:
    """`parser.set("database", "pool_size", "8")`, `parser["database"] = {...}`, `parser["database"]["pool_size"] = "8"`"""
    section, option, value, before = call.text(0, "section"), call.get("option", 1), call.get("value", 2), _before(call)
    if call.owner is None or section is None:
        return _unread(call)
    if value is None and isinstance(option, Table) and option.complete:
        sections = {**before.sections, section: _option_texts(call, option, before.keeps_case)}
        return replace(call.owner, state=replace(before, sections=sections))  # type: ignore[type-var]
    if value is None or not isinstance(option, Known) or not isinstance(option.value, str):
        return _unread(call)
    return _with(call, before, {section: _option_texts(call, Table({option.value: value}, call.origin), before.keeps_case)})


@changer(f"{_PARSER}.add_section")
def _parser_add(call: Call) -> Value:
    section, before = call.text(0, "section"), _before(call)
    return _unread(call) if section is None else _with(call, before, {section: {}})


@changer(f"{_PARSER}.read_dict")
def _parser_read_dict(call: Call) -> Value:
    given, before = call.get("dictionary", 0), _before(call)
    sections = given.entries if isinstance(given, Table) and given.complete else {"": given}
    if not all(isinstance(entries, Table) and entries.complete for entries in sections.values()):
        return _unread(call)
    read = {str(name): _option_texts(call, entries, before.keeps_case) for name, entries in sections.items()}  # type: ignore[arg-type]
    return _with(call, before, read)


@changer(f"{_PARSER}.read_string")
def _parser_read_string(call: Call) -> Value:
    """What is read stands where the text is written; its lines are not told apart."""
    given, before = call.get("string", 0), _before(call)
    if not isinstance(given, Known) or not isinstance(given.value, str):
        return _unread(call)
    parser = _parsed(given.value, _interpolation(call.owner), before.keeps_case, {})  # type: ignore[arg-type]
    read = _sections(parser, lambda _, key: replace(given.origin, says=key))
    return _with(call, before, {
        section: {key: branching.as_sure_as(value, given) for key, value in entries.items()} for section, entries in read.items()
    })  # fmt: skip


@changer(f"{_PARSER}.read", f"{_PARSER}.read_file")
def _parser_read(call: Call) -> Value:
    """`parser.read("app.ini")`, also with a list of files: later ones win."""
    first, before = call.first(), _before(call)
    values = first.items if isinstance(first, Listing) else (first,)
    paths = [file_named(call.world, call.module, path_text(value)) for value in values]
    assert isinstance(call.owner, LibraryObject)
    for path in paths:
        if path is None:
            before = _unread(call).state
            continue
        read = sections_of(call.world.modules.tree, path, _interpolation(call.owner), keeps_case=before.keeps_case)
        before = _with(call, before, read).state
    return replace(call.owner, state=before)


def _keeps_case(parser: LibraryObject, module: Module) -> bool:
    """Say whether the options' names stay as written: `parser.optionxform = str`, or so in a subclass."""
    inside = ast.walk(parser.cls.node) if parser.cls else iter(())
    targets = (node.targets[0] for node in (*module.nodes, *inside) if isinstance(node, ast.Assign))
    return any(getattr(target, "attr", getattr(target, "id", "")) == "optionxform" for target in targets)


def _interpolation(parser: LibraryObject) -> configparser.Interpolation | None:
    """Return what the parser expands by itself; the project's own interpolations build on the basic one."""
    given = parser.arguments.get("interpolation")
    if isinstance(given, Known) and given.value is None:
        return None
    return _KINDS.get(getattr(given, "name", ""), configparser.BasicInterpolation)()


def sections_of(
    tree: Tree,
    path: str,
    interpolation: configparser.Interpolation | None = configparser.BasicInterpolation(),  # noqa: B008 - it has no state
    *,
    keeps_case: bool = True,
    defaults: Mapping[str, str] = MappingProxyType({}),
) -> Sections:
    """Return section → key → value of an ini file, each with its line; `defaults` are those that the reader adds."""
    content = tree.text(path) or ""
    lines = _lines(content)
    parser = _parsed(content, interpolation, keeps_case, defaults)
    return _sections(parser, lambda section, key: _origin(lines, path, section, key))


def _parsed(
    content: str, interpolation: configparser.Interpolation | None, keeps_case: bool, defaults: Mapping[str, str]
) -> configparser.ConfigParser:
    """Return the parser of a text; an empty one where it is no ini file."""
    parser = configparser.ConfigParser(defaults, strict=False, allow_no_value=True, interpolation=interpolation)
    if keeps_case:
        parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(content)
    except (configparser.Error, ValueError):
        return configparser.ConfigParser()
    return parser


def _sections(parser: configparser.ConfigParser, place: Callable[[str, str], Origin]) -> Sections:
    return {
        section: {key: _value(parser, section, key, place(section, key)) for key in parser[section]}
        for section in (parser.default_section, *parser.sections())
    }


def _value(parser: configparser.ConfigParser, section: str, key: str, origin: Origin) -> Value:
    try:
        return Traced(parser.get(section, key), origin)
    except configparser.InterpolationError:
        return Unknown("an interpolation that needs something unknown", origin)


def _origin(lines: Mapping[tuple[str, str], int], path: str, section: str, key: str) -> Origin:
    name = key.lower()
    return Origin(key, Location(path, lines.get((section, name)) or lines.get(("DEFAULT", name)) or 1))


def _lines(content: str) -> dict[tuple[str, str], int]:
    """Return (section, key in small letters) → line, the last one where a key is repeated."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(content.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("[") and "]" in stripped:
            section = stripped[1 : stripped.index("]")]
        elif not line[:1].isspace():
            found[section, stripped.replace(":", "=").partition("=")[0].strip().lower()] = number
    return found


# -- asking ------------------------------------------------------------------------------------------------------------


def _section(call: Call, name: str | None) -> Table | None:
    """Return a section as the parser gives it, None when its file or name is not known."""
    parser = call.owner
    if not isinstance(parser, LibraryObject) or not isinstance(parser.state, _Parsed) or name is None:
        return None
    entries = {**parser.state.sections.get(configparser.DEFAULTSECT, {}), **parser.state.sections.get(name, {})}
    own = parser.arguments.get("interpolation")
    if isinstance(own, Instance):
        entries = {key: _looked_up(call, own, name, key, value) for key, value in entries.items()}
    kind = Table if parser.state.keeps_case else _Section
    return kind(entries, parser.origin, parser.state.is_whole, "" if parser.state.is_whole else _NOT_KNOWN)


@reader(f"{_PARSER}.__getitem__")
def _parser_item(call: Call) -> Value:
    return _section(call, call.text(0)) or call.unknown(_NOT_KNOWN)


@reader(f"{_PARSER}.items", f"{_PARSER}._sections")
def _parser_items(call: Call) -> Value:
    section = _section(call, call.text(0, "section"))
    if section is None:
        return call.unknown(_NOT_KNOWN)
    pairs = (Listing((Traced(key, section.origin), value), section.origin) for key, value in section.entries.items())
    return Listing(tuple(pairs), section.origin, section.complete, section.reason)


@reader(f"{_PARSER}.has_section", f"{_PARSER}.has_option")
def _has(call: Call) -> Value:
    section, state = call.text(0, "section"), getattr(call.owner, "state", None)
    if section is None or not isinstance(state, _Parsed):
        return call.unknown(_NOT_KNOWN)
    found = section in state.sections and section != configparser.DEFAULTSECT
    if call.name.endswith("has_option"):
        name, entries = call.text(1, "option") or "", state.sections.get(section, {})
        found = (name if state.keeps_case else name.lower()) in entries
    return Traced(found, call.origin) if found or state.is_whole else call.unknown(_NOT_KNOWN)


def _ini_get(call: Call) -> Value:
    section, key = _section(call, call.text(0, "section")), call.text(1, "option")
    if section is None or key is None:
        return call.unknown(_NOT_KNOWN)
    value = section.get(key) or call.get("fallback")
    if value is None:
        return failing(configparser.NoOptionError, call.origin, f"[{call.text(0)}] has no {key}")
    return cast(call.name.rpartition(".")[2], value)


def cast(method: str, value: Value) -> Value:
    """Return an option as `getint()` and its kind read its text."""
    if not isinstance(value, Known) or not isinstance(value.value, str):
        return value
    try:
        return derived(CASTS[method](value.value), value)
    except (ValueError, KeyError):
        return failing(ValueError, value.origin, f"fails with ValueError: {value.origin.says}")


_FLAGS = {"1": True, "yes": True, "true": True, "on": True, "0": False, "no": False, "false": False, "off": False}
CASTS: Mapping[str, Any] = {
    "get": str,
    "getint": int,
    "getfloat": float,
    "getboolean": lambda text: _FLAGS[text.lower()],
}
for _name in CASTS:
    reader(f"{_PARSER}.{_name}")(_ini_get)


# -- a project's own interpolation -------------------------------------------------------------------------------------


@reader(*(f"{name}.before_get" for name in _KINDS), "configparser.Interpolation.before_get")
def _before_get(call: Call) -> Value:
    """`super().before_get(parser, section, option, value, defaults)`: expanded already when the file was read."""
    return call.get("value", 3) or call.unknown("a value that is not passed")


def _looked_up(call: Call, own: Instance, section: str, key: str, value: Value) -> Value:
    """Return an option as the project's interpolation makes it.

    Where the environment is known the method is followed. Else a variable that it reads, found by the option's name, may
    replace the file's value, whichever the method prefers.
    """
    method = objects.method_of(call.world, own.cls, "before_get")
    if method is None:
        return value
    origin = Origin(key, call.origin.location)
    passed = (call.owner, Traced(section, origin), Traced(key, origin), value, Table({}, origin))
    bound = replace(method, owner=own)
    frame = calls.frame_for(call.world, bound, Arguments(tuple(passed)), call.node, call.module, call.frame)  # type: ignore[arg-type]
    if frame is None:
        return Unknown("calls nested too deeply", origin)
    frame = replace(frame, path=f"{frame.path}[{section}.{key}]")  # one place asks for many options
    names = list(_variables(call.world, bound, frame))
    environment = call.world.environment
    for name in names:
        call.world.rests_on_variable(name or "")
    if None not in names and (environment.complete or any(name in environment.variables for name in names)):
        return returns.returned(call.world, bound, frame)
    if len(names) == 1 and names[0] is not None:
        return call.world.variable(names[0], value, origin)
    return Unknown(f"{own.cls.node.name} of the project changes {key}", origin)


def _variables(world: World, method: FunctionRef, frame: Frame) -> Iterator[str | None]:
    """Yield the environment variables that a method reads, None for one whose name is not known."""
    for node in ast.walk(method.node):
        name: ast.expr | None = None
        if isinstance(node, ast.Call) and method.module.qualified(node.func) in ("os.getenv", "os.environ.get"):
            name = node.args[0] if node.args else None
        elif isinstance(node, ast.Subscript) and method.module.qualified(node.value) == "os.environ":
            name = node.slice
        if name is not None:
            value = world.value(name, method.module, frame)
            yield value.value if isinstance(value, Known) and isinstance(value.value, str) else None
