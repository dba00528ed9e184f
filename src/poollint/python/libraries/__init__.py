"""What library functions return: the one place to teach poollint another library, by a module in here.

A reader is a small function that gets a `Call` and returns a value. `@reader(...)` names what it stands for, by canonical
names (`names.canonical`): a function, a class, or a method as "library.Class.method", whose receiver is `call.owner`.

    @reader("decouple.config")
    def _decouple(call: Call) -> Value:
        return call.variable(call.text(0), default=call.get("default", 1))

"library.Class.__getattr__" and "library.Class.__getitem__" answer for names that only the settings know; `dynaconf_settings`
is a whole library in one module.

A call without a reader gives a LibraryObject: it has a name and arguments, and nothing of it is known.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator.memo import NOTHING
from poollint.python.evaluator.values import Arguments, Frame, LibraryObject, LibraryRef, Traced, Value, shortened
from poollint.python.source.modules import Module

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World

# Methods that give the value itself, whatever it is: SecretStr, pydantic's Url types, strings.
PASSED_THROUGH = frozenset({"get_secret_value", "unicode_string", "human_repr", "as_posix", "__str__"})


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a library's function, as its reader sees it."""

    world: World
    name: str
    arguments: Arguments
    node: ast.Call
    module: Module
    frame: Frame | None
    owner: Value | None
    origin: Origin

    def get(self, name: str, position: int | None = None) -> Value | None:
        """Return an argument by name or position, None when it is not passed."""
        return self.arguments.get(name, position)

    def text(self, position: int, name: str = "") -> str | None:
        """Return an argument that is known text."""
        value = self.arguments.get(name, position)
        return value.value if isinstance(value, Known) and isinstance(value.value, str) else None

    def first(self) -> Value:
        """Return the first argument."""
        return self.arguments.positional[0] if self.arguments.positional else Unknown("nothing is passed", self.origin)

    def variable(self, name: str | None, default: Value | None = None) -> Value:
        """Return an environment variable, its default where the code gives one."""
        if name is None:
            return Unknown("the variable's name is not known", self.origin)
        return self.world.variable(name, default, self.origin)

    def call(self, function: Value, arguments: Arguments) -> Value:
        """Return what calling a value gives."""
        return self.world.call(function, arguments, self.node, self.module, self.frame)

    def call_each(self, number: int, function: Value, arguments: Arguments) -> Value:
        """Return what one of several calls of a function gives, that of this number."""
        before = self.frame.path if self.frame else ""
        path = shortened(f"{before}[{self.name} {self.node.lineno}:{self.node.col_offset}:{number}]")
        turn = Frame(self.node, {}, self.frame, path, self.frame.depth if self.frame else 0, NOTHING)
        return self.world.call(function, arguments, self.node, self.module, turn)

    def made(self, state: object = None) -> LibraryObject:
        """Return an object of the library that keeps `state` for later calls."""
        return LibraryObject(self.name, self.arguments, self.origin, self.node, state)

    def unknown(self, reason: str) -> Unknown:
        return Unknown(reason, self.origin)


Reader = Callable[[Call], Value]
READERS: dict[str, Reader] = {}
SUBCLASSED: set[str] = set()  # classes whose subclasses in a project are still what the reader makes of them


def reader(*names: str) -> Callable[[Reader], Reader]:
    """Register a function as the reader of these names."""

    def register(function: Reader) -> Reader:
        for name in names:
            READERS[name] = function
        return function

    return register


@cache
def _readers() -> dict[str, Reader]:
    """Return all readers: those of every module in here, and those that follow the hooks of Flask-SQLAlchemy."""
    for info in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{info.name}")
    importlib.import_module("poollint.python.flask.flask_hooks")
    return READERS


def call(
    world: World, function: LibraryRef, given: Arguments, node: ast.Call, module: Module, frame: Frame | None
) -> Value:
    """Return what a library's function gives."""
    origin = Origin(function.name, module.location(node))
    found = _readers().get(function.name)
    here = Call(world, function.name, given, node, module, frame, function.owner, origin)
    if found is not None:
        return found(here)
    if function.owner is not None:
        return Unknown(f"{function.name}() is not worked out", origin)
    return here.made()


def known_class(bases: Sequence[object]) -> str | None:
    """Return the library's class that the project's own class is, for those that a reader makes an object of."""
    _readers()
    return next((base for base in bases if isinstance(base, str) and base in SUBCLASSED), None)


def call_method(
    world: World, owner: Value, class_name: str, method: str, node: ast.Call, module: Module, frame: Frame | None
) -> Value:
    """Return what a method of a library's object gives."""
    reference = LibraryRef(f"{class_name}.{method}", Origin(method, module.location(node)), owner)
    return call(world, reference, world.arguments(node, module, frame), node, module, frame)


def attribute(world: World, base: Value, name: str, node: ast.AST, module: Module, frame: Frame | None) -> Value:
    """Return an attribute of a library's object: what its reader `Class.name` says, else a method to be called."""
    class_name = base.name if isinstance(base, LibraryObject) else "sqlalchemy.engine.URL"
    origin = Origin(name, module.location(node))
    found = _attributes().get(f"{class_name}.{name}")
    if found is not None:
        return found(base, origin)
    anything = _readers().get(f"{class_name}.__getattr__")
    if anything is not None and f"{class_name}.{name}" not in _readers():
        given = Arguments((Traced(name, origin),))
        return anything(Call(world, f"{class_name}.__getattr__", given, node, module, frame, base, origin))  # type: ignore[arg-type]
    return LibraryRef(f"{class_name}.{name}", origin, base)


def item(
    world: World, base: LibraryRef | LibraryObject, key: Value, node: ast.AST, module: Module, frame: Frame | None
) -> Value:
    """Return `base[key]` of a library's object: what its reader `Class.__getitem__` says."""
    owner = base if isinstance(base, LibraryObject) else base.owner
    name = f"{base.name}.__getitem__"
    origin = Origin(base.name, module.location(node))
    found = _readers().get(name)
    if found is None or not isinstance(node, ast.Subscript):
        return Unknown(f"an item of {base.name}", origin)
    return found(Call(world, name, Arguments((key,)), node, module, frame, owner, origin))


def changed(
    world: World, base: LibraryObject | LibraryRef, method: str, given: Arguments, node: ast.expr, module: Module
) -> Value | None:
    """Return a library's object after a method changed it, as the changer `Class.method` says, if there is one."""
    name = f"{base.name}.{method}"
    found = _CHANGERS.get(name) if _readers() else None
    if found is None:
        return None
    return found(Call(world, name, given, node, module, None, base, Origin(method, module.location(node))))  # type: ignore[arg-type]


def filled(world: World, call: ast.Call, module: Module, frame: Frame | None) -> Value | None:
    """Return the dict that a library's function fills, as the filler of its name says, if there is one."""
    name = getattr(call.func, "attr", "")
    if not _readers() or not any(filler.endswith(f".{name}") for filler in _FILLERS):
        return None
    function = world.value(call.func, module, frame)
    found = _FILLERS.get(function.name) if isinstance(function, LibraryRef) else None
    if found is None or not isinstance(function, LibraryRef):
        return None
    given = world.arguments(call, module, frame)
    return found(Call(world, function.name, given, call, module, frame, function.owner, Origin(name, module.location(call))))


def as_table(world: World, base: LibraryObject) -> Value | None:
    """Return what `**base` or `dict(base)` spreads, None when that is not known."""
    found = _attributes().get(f"{base.name}.**")
    return found(base, base.origin) if found else None


AttributeReader = Callable[[Value, Origin], Value]
_ATTRIBUTES: dict[str, AttributeReader] = {}
_CHANGERS: dict[str, Reader] = {}
_FILLERS: dict[str, Reader] = {}


def attribute_reader(*names: str) -> Callable[[AttributeReader], AttributeReader]:
    """Register what an attribute of a library's object is: "library.Class.attribute", or "library.Class.**"."""

    def register(function: AttributeReader) -> AttributeReader:
        for name in names:
            _ATTRIBUTES[name] = function
        return function

    return register


def changer(*names: str) -> Callable[[Reader], Reader]:
    """Register what an object is after a method changed it: `parser.read("app.ini")`."""

    def register(function: Reader) -> Reader:
        for name in names:
            _CHANGERS[name] = function
        return function

    return register


def filler(*names: str) -> Callable[[Reader], Reader]:
    """Register what a function called for its effect makes of the one dict that it is given."""

    def register(function: Reader) -> Reader:
        for name in names:
            _FILLERS[name] = function
        return function

    return register


def _attributes() -> dict[str, AttributeReader]:
    _readers()
    return _ATTRIBUTES
