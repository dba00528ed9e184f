"""Where engines are created: the calls of SQLAlchemy's factories, of Flask-SQLAlchemy's extension and of Advanced Alchemy's classes.

A byte filter picks the files, the standard library's parser accepts them, import resolution says which calls are
SQLAlchemy's; only then is libcst imported, whose visitor gives the exact spans that findings and fixes stand on.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from poollint.facts import Location
from poollint.python.evaluator.values import ClassRef, LibraryRef
from poollint.python.source import names
from poollint.python.source.modules import Module, Modules
from poollint.sqlalchemy_tables import ASYNC_FACTORIES, ASYNC_WRAPPERS, CONFIGURED, FACTORIES, FLASK_EXTENSION, FLASK_LITE_EXTENSION

# libcst's compiled parser ends the process with a segmentation fault on what is nested some thousand levels deep, also
# on `a and b and ...` and comprehensions, which the standard library keeps flat; its visitor runs into Python's
# recursion limit some hundred levels deep. Calls that people write stay below 20.
DEEPEST = 100

MOST_IN_FILE = 200  # engines; a file with more is no program

# What is called with a factory and its arguments, and makes the engine when it is called itself.
_PROVIDERS = ("Callable", "Factory", "Resource", "Singleton", "ThreadSafeSingleton")
_PASSING = frozenset({"functools.partial", *(f"dependency_injector.providers.{name}" for name in _PROVIDERS)})

_FACTORY_NAMES = frozenset(name.rpartition(".")[2] for name in FACTORIES)
_PASSING_NAMES = frozenset(name.rpartition(".")[2] for name in _PASSING)
_NEEDLES = (b"flask_sqlalchemy", *(name.encode() for name in sorted(_FACTORY_NAMES)))
# What a configuration is given where it makes no engine of its own.
_MADE_ELSEWHERE = frozenset({"engine_instance", "create_engine_callable"})


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """One call that creates an engine.

    call           in the standard library's tree; its first `skip` arguments are not the factory's (functools.partial, providers)
    location       the call's span, from the first character of the callee
    is_configured  the call makes a configuration, which makes the engine and keeps it
    """

    module: Module
    call: ast.Call
    factory: str
    location: Location
    is_async: bool
    ordinal: int = 0
    skip: int = 0
    is_configured: bool = False

    @property
    def qualname(self) -> str:
        return self.module.qualname(self.call)


class Sites:
    """Finds the engine creations of a project; nothing is read before somebody asks."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules

    @cached_property
    def candidates(self) -> tuple[str, ...]:
        """The files whose bytes may create an engine."""
        return tuple(path for path in self.modules.paths if self._mentions(path, _NEEDLES))

    @cached_property
    def found(self) -> tuple[Site, ...]:
        """Every creation, in the order of path and place."""
        paths = dict.fromkeys((*self.candidates, *self._users_of_subclasses()))
        return tuple(site for path in sorted(paths) for site in self._in_file(path))

    @cached_property
    def _has_extension(self) -> bool:
        """Whether Flask-SQLAlchemy is imported anywhere: else no class of the project is a subclass of its extension."""
        return any(self._mentions(path, (b"flask_sqlalchemy",)) for path in self.candidates)

    def _mentions(self, path: str, needles: tuple[bytes, ...]) -> bool:
        content = self.modules.tree.bytes(path)
        return content is not None and any(needle in content for needle in needles)

    def _users_of_subclasses(self) -> Iterator[str]:
        """Yield the files that may construct a project's own subclass of Flask-SQLAlchemy's extension."""
        subclasses = {b"SQLAlchemy("} if self._has_extension else set()
        for path in self.candidates:
            if self._mentions(path, (b"flask_sqlalchemy",)) and (module := self.modules.module(path)):
                classes = (node for node in module.nodes if isinstance(node, ast.ClassDef))
                subclasses.update(f"{c.name}(".encode() for c in classes if extension_of(ClassRef(module, c)))
        if subclasses:
            yield from (path for path in self.modules.paths if self._mentions(path, tuple(subclasses)))

    def _in_file(self, path: str) -> list[Site]:
        sites: list[Site] = []
        with self.modules.tree.guard(path):
            if module := self.modules.module(path):
                creations = list(islice(_creations(module, self._has_extension), MOST_IN_FILE + 1))
                if len(creations) > MOST_IN_FILE:
                    self.modules.tree.skip(path, f"creates more than {MOST_IN_FILE} engines: the rest is not read")
                if creations:
                    sites.extend(_located(module, creations[:MOST_IN_FILE]))
        return sites


@dataclass(frozen=True, slots=True, eq=False)
class _Creation:
    call: ast.Call
    factory: str
    skip: int = 0
    is_configured: bool = False


def _creations(module: Module, has_extension: bool) -> Iterator[_Creation]:
    """Yield the calls that import resolution knows as SQLAlchemy's, in the order of the text."""
    calls = sorted(
        (call for name in _names(module, has_extension) for call in module.calls_of(name)),
        key=lambda call: (call.lineno, call.col_offset),
    )
    for call in calls:
        if _is_mock(call):
            continue
        if factory := factory_of(module, call.func):
            is_configured = names.qualified(module, call.func) in CONFIGURED
            if not is_configured or _MADE_ELSEWHERE.isdisjoint(keyword.arg for keyword in call.keywords):
                yield _Creation(call, factory, is_configured=is_configured)
        elif call.args and names.qualified(module, call.func) in _PASSING:
            if (factory := factory_of(module, call.args[0])) and factory != "flask-sqlalchemy":
                yield _Creation(call, factory, skip=1)


def _is_mock(call: ast.Call) -> bool:
    """Say whether `strategy="mock"` makes what create_mock_engine makes: an object that prints, and never connects."""
    strategies = (each.value for each in call.keywords if each.arg == "strategy")
    return any(isinstance(value, ast.Constant) and value.value == "mock" for value in strategies)


def _names(module: Module, has_extension: bool) -> set[str]:
    """Return the last parts of callees worth resolving in this file: the factories' names and their aliases."""
    aliases = {
        found.alias
        for found in module.imports
        if found.name in _FACTORY_NAMES or (found.name or "").endswith("SQLAlchemy") or found.name in _PASSING_NAMES
    }
    # A subclass of Flask-SQLAlchemy's extension may have any name, but it is constructed by one that is a class here.
    called = module.called if has_extension else ()
    classes = {name for name in called if name[:1].isupper() or "SQLAlchemy" in name}
    return _FACTORY_NAMES | aliases | classes | _PASSING_NAMES


def factory_of(module: Module, callee: ast.expr) -> str | None:
    """Return which factory a callee is, None when it is something else, however it is called."""
    resolved = names.resolve(module, callee)
    if extension_of(resolved):
        return "flask-sqlalchemy"
    return FACTORIES.get(resolved.name) if isinstance(resolved, LibraryRef) else None


def extension_of(resolved: names.Resolved | None, depth: int = 0) -> str | None:
    """Return which extension something is, or which one a class of the project descends from."""
    if isinstance(resolved, LibraryRef):
        return resolved.name if resolved.name in (FLASK_EXTENSION, FLASK_LITE_EXTENSION) else None
    if not isinstance(resolved, ClassRef) or depth > 5:
        return None
    bases = (names.resolve(resolved.module, base) for base in resolved.node.bases)
    others = (base for base in bases if getattr(base, "node", None) is not resolved.node)
    return next(filter(None, (extension_of(base, depth + 1) for base in others)), None)


def _located(module: Module, creations: list[_Creation]) -> Iterator[Site]:
    """Yield the creations as sites, each with the span libcst gives it and its number in its scope."""
    ordinals: dict[str, int] = {}
    for at, creation in {module.location(creation.call): creation for creation in creations}.items():
        if too_deep(creation.call):
            module.modules.tree.skip(module.path, "nested too deeply")
            continue
        qualname = module.qualname(creation.call)
        ordinal = ordinals.get(qualname, 0)
        ordinals[qualname] = ordinal + 1
        is_async = creation.factory in ASYNC_FACTORIES or _is_wrapped(module, creation.call)
        span = _span_of(module, at)
        yield Site(module, creation.call, creation.factory, span, is_async, ordinal, creation.skip, creation.is_configured)


def _span_of(module: Module, at: Location) -> Location:
    """Return the span of a call as libcst sees it, or as the standard library does where libcst cannot read it."""
    from poollint.python import _spans

    return _spans.of_call(module.text_at(at), at) or at


def _is_wrapped(module: Module, call: ast.Call) -> bool:
    """Say whether `AsyncEngine(...)` wraps the engine, directly or by the name it is assigned to."""
    parent = module.parent(call)
    if isinstance(parent, ast.Call) and module.qualified(parent.func) in ASYNC_WRAPPERS:
        return True
    if not isinstance(parent, ast.Assign) or not isinstance(parent.targets[0], ast.Name):
        return False
    name = parent.targets[0].id
    return any(
        isinstance(wrapper.args[0], ast.Name)
        and wrapper.args[0].id == name
        and module.qualified(wrapper.func) in ASYNC_WRAPPERS
        for wrapper in module.calls_of("AsyncEngine")
        if wrapper.args
    )


def too_deep(tree: ast.AST) -> bool:
    """Say whether a syntax tree is nested deeper than libcst survives; the walk itself is iterative."""
    todo: list[tuple[ast.AST, int]] = [(tree, 0)]
    while todo:
        node, depth = todo.pop()
        # libcst nests the operands of `and` and `<`, and the `for`s of a comprehension, one inside the other.
        depth += max(1, len(getattr(node, "values", ())) if isinstance(node, ast.BoolOp) else 1)
        if isinstance(node, ast.comprehension):
            depth += 1
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            depth += len(node.generators)
        if depth > DEEPEST:
            return True
        todo.extend((child, depth) for child in ast.iter_child_nodes(node))
    return False
