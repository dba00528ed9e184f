"""What holds an engine: the variables, factories and classes through which the project's code comes to use it.

engine = create_engine(...)                 the variable
SessionLocal = sessionmaker(engine)         whatever is made of it at module level
def get_engine(): ... return _engine        the function that makes and keeps it
class Database: self.engine = ...           the class; and `db = Database()`, and `engine = db.engine`
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from poollint.python.evaluator.callers import class_around, function_around, passed_to
from poollint.python.evaluator.values import ClassRef, FunctionRef, ModuleRef
from poollint.python.sites import Site
from poollint.python.source import names
from poollint.python.source.graph import ImportGraph
from poollint.python.source.modules import Module, Modules, imports_of
from poollint.python.source.scopes import FUNCTIONS, dotted, walk

Variable = tuple[str, str]  # path of the module, name at its level
Code = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

DEEPEST = 8
MOST_FUNCTIONS = 400


@dataclass(slots=True)
class Holders:
    """The names and definitions that lead to one engine."""

    variables: set[Variable] = field(default_factory=set)
    definitions: set[ast.AST] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)  # of objects, without underscores in front: `self._engine = ...`
    paths: set[str] = field(default_factory=set)  # of the files that the variables and definitions stand in

    def __bool__(self) -> bool:
        return bool(self.variables or self.definitions)

    def importers(self, graph: ImportGraph) -> frozenset[str]:
        """Return the files that import a holder, maybe through others: no other file can name one."""
        return frozenset().union(*(graph.reached_by(path) for path in self.paths))


def holders_of(modules: Modules, site: Site) -> Holders:
    """Return what holds the engine of a site; empty when it lives in a local variable only."""
    found = Holders(paths={site.module.path})
    _add_first(found, site.module, site.call)
    for _ in range(DEEPEST):
        before = len(found.variables), len(found.definitions)
        for path in _files_of(modules, found):
            if module := modules.module(path):
                _add_further(found, module)
        if (len(found.variables), len(found.definitions)) == before:
            break
    return found


def _add_first(found: Holders, module: Module, call: ast.Call) -> None:
    function = function_around(module, call)
    if function is not None:
        cls = class_around(module, function)
        found.definitions.add(cls or function)
        found.attributes.update(_assigned_attributes(module, call))
        scope = module.scope_at(function.body[0])
        found.variables.update((module.path, name) for name in _assigned_names(module, call) if name in scope.globals)
    elif cls := class_around(module, call):
        found.definitions.add(cls)
    else:
        found.variables.update((module.path, name) for name in _assigned_names(module, call))


def _assigned_names(module: Module, node: ast.AST) -> Iterator[str]:
    yield from (target.id for target in _targets(module, node) if isinstance(target, ast.Name))


def _assigned_attributes(module: Module, node: ast.AST) -> Iterator[str]:
    yield from (target.attr.lstrip("_") for target in _targets(module, node) if isinstance(target, ast.Attribute))


def _targets(module: Module, node: ast.AST) -> list[ast.expr]:
    """Return what the statement around an expression assigns it to."""
    stmt = next((parent for parent in module.ancestors(node) if isinstance(parent, ast.stmt)), None)
    if isinstance(stmt, ast.Assign):
        return stmt.targets
    return [stmt.target] if isinstance(stmt, ast.AnnAssign) else []


def _files_of(modules: Modules, found: Holders) -> list[str]:
    """Return the files that may make something of a holder: those that mention one of its names."""
    words = {name.encode() for _, name in found.variables}
    words |= {definition.name.encode() for definition in found.definitions}  # type: ignore[attr-defined]
    importers = found.importers(modules.graph)
    paths = (path for path in modules.paths if path in importers)
    return [path for path in paths if any(word in (modules.tree.bytes(path) or b"") for word in words)]


def _add_further(found: Holders, module: Module) -> None:
    """Add the module's variables that are made of a holder, and its functions that only hand one on."""
    made_of = module.modules.shared(Makings).of(module)
    todo: list[Variable | ast.AST] = [*found.variables, *found.definitions]
    while todo:
        if made := made_of.get(todo.pop()):
            found.paths.add(module.path)
            todo += made - found.variables
            found.variables |= made
    for name, attribute in module.modules.shared(Makings).parts_of(module):
        if is_attribute(found, module, attribute):
            found.paths.add(module.path)
            found.variables.add((module.path, name))


def is_attribute(found: Holders, module: Module, node: ast.AST) -> bool:
    """Say whether an expression is the engine that an object keeps: `db.engine`, where `db = Database()`."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr.lstrip("_") in found.attributes
        and holds(found, module, node.value)
    )


class Named(NamedTuple):
    """The variables and definitions of the project that some expressions name."""

    variables: frozenset[Variable]
    definitions: frozenset[ast.AST]

    def leads_to(self, found: Holders) -> bool:
        """Say whether a holder is among them."""
        return not (self.variables.isdisjoint(found.variables) and self.definitions.isdisjoint(found.definitions))


def named(module: Module, nodes: Iterable[ast.AST]) -> Named:
    """Return what names and dotted names mean, those of `nodes` that are such."""
    expressions = [node for node in nodes if isinstance(node, (ast.Name, ast.Attribute))]
    variables = {meant for node in expressions if (meant := variable(module, node)) is not None}
    resolved = (names.resolve(module, node) for node in expressions)
    return Named(frozenset(variables), frozenset(r.node for r in resolved if isinstance(r, (FunctionRef, ClassRef))))


class Makings:
    """What the module-level names of each file are made of by a call; each file is read once, for all engines."""

    def __init__(self, modules: Modules) -> None:
        self._found: dict[str, dict[Variable | ast.AST, set[Variable]]] = {}
        self._parts: dict[str, list[tuple[str, ast.Attribute]]] = {}

    def parts_of(self, module: Module) -> list[tuple[str, ast.Attribute]]:
        """Return the variables of a module that are attributes of something: `engine = db.engine`."""
        if module.path not in self._parts:
            self._parts[module.path] = [
                (target.id, stmt.value)
                for stmt in module.tree.body
                if isinstance(stmt, ast.Assign) and isinstance(stmt.value, ast.Attribute)
                for target in stmt.targets
                if isinstance(target, ast.Name)
            ]
        return self._parts[module.path]

    def of(self, module: Module) -> dict[Variable | ast.AST, set[Variable]]:
        """Return which variables of a module are made of a variable or definition."""
        if module.path not in self._found:
            found = self._found[module.path] = {}
            for made, of in _makings(module):
                for each in (*of.variables, *of.definitions):
                    found.setdefault(each, set()).update(made)
        return self._found[module.path]


def _makings(module: Module) -> Iterator[tuple[list[Variable], Named]]:
    for stmt in module.tree.body:
        if isinstance(stmt, (ast.Assign, ast.AnnAssign)) and isinstance(stmt.value, (ast.Call, ast.Name)):
            targets = stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]
            inside = _inside(stmt.value)
            made = [(module.path, target.id) for target in targets if isinstance(target, ast.Name)]
            yield made, named(module, inside)


def _inside(value: ast.Call | ast.Name) -> tuple[ast.expr, ...]:
    """Return what a thing is made of; another name for a thing is made of it: `session_factory = SessionLocal`."""
    if isinstance(value, ast.Name):
        return (value,)
    return (value.func, *value.args, *(keyword.value for keyword in value.keywords))


def holds(found: Holders, module: Module, node: ast.AST) -> bool:
    """Say whether an expression is a holder: a variable by any import, or a definition."""
    return named(module, (node,)).leads_to(found)


def variable(module: Module, node: ast.expr, depth: int = 0) -> Variable | None:
    """Return which module-level variable an expression names, following imports: ("app/db.py", "engine")."""
    if depth > DEEPEST:
        return None
    if isinstance(node, ast.Attribute):
        owner = names.resolve(module, node.value)
        return _in_module(owner.module, node.attr, depth) if isinstance(owner, ModuleRef) else None
    if not isinstance(node, ast.Name):
        return None
    for scope in names.scopes_around(module, node):
        if node.id in scope.parameters:
            return None
        if node.id in scope.binds:
            imported = next((s for s in scope.binds[node.id] if isinstance(s, (ast.Import, ast.ImportFrom))), None)
            if imported is not None:
                return _imported(module, imported, node.id, depth)
            return (module.path, node.id) if scope.node is module.tree or node.id in scope.globals else None
    return None


def _imported(module: Module, stmt: ast.stmt, name: str, depth: int) -> Variable | None:
    found = next((i for i in imports_of(stmt) if i.alias == name), None)
    target = names.import_target(module, found) if found else None
    if isinstance(target, tuple) and target[1] is not None:
        return _in_module(target[0], target[1], depth)
    return None


def _in_module(module: Module, name: str, depth: int) -> Variable | None:
    """Return the variable behind `from module import name`, through re-exports, which may run in a circle."""
    if depth > DEEPEST:
        return None
    for stmt in module.scope.binds.get(name, ()):
        if isinstance(stmt, ast.ImportFrom):
            return _imported(module, stmt, name, depth + 1)
    if name in module.scope.binds:
        return (module.path, name)
    for stmt in module.scope.stars:
        target = names.import_target(module, next(imports_of(stmt)))
        if isinstance(target, tuple) and (found := _in_module(target[0], name, depth + 1)):
            return found
    return None


# -- what a piece of code uses -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """What one function or class names: variables and definitions of the project, and whether it disposes something.

    may_be_unpooled  a condition in it gives an engine without a pool
    """

    variables: frozenset[Variable]
    definitions: tuple[tuple[Module, ast.AST], ...]
    disposes: bool
    may_be_unpooled: bool = False


class Follower:
    """Follows code through the project; each function is read once, whoever asks."""

    def __init__(self) -> None:
        self._summaries: dict[ast.AST, Summary] = {}

    def comes_to(self, found: Holders, module: Module, start: ast.AST) -> bool:
        """Say whether running a piece of code comes to a holder, and nothing on the way disposes an engine."""
        todo: deque[tuple[Module, ast.AST, int]] = deque([(module, start, 0)])
        seen: set[ast.AST] = {start}
        called, skipped = _left_out(module, start)
        if called is not None and skipped:  # nor does what stands beside it in its class
            seen.update(parent for parent in called.module.ancestors(called.node) if isinstance(parent, ast.ClassDef))
        uses = False
        while todo and len(seen) < MOST_FUNCTIONS:
            here, node, depth = todo.popleft()
            summary = _summary(here, node, skipped) if called and node is called.node and skipped else self.summary(here, node)
            if summary.disposes:
                return False
            uses = uses or bool(summary.variables & found.variables)
            for further in summary.definitions:
                if further[1] not in found.definitions and self.summary(*further).may_be_unpooled:
                    continue
                uses = uses or further[1] in found.definitions
                if depth < DEEPEST and further[1] not in seen:
                    seen.add(further[1])
                    todo.append((*further, depth + 1))
        return uses

    def forgets(self, found: Holders, module: Module, node: ast.AST) -> bool:
        """Say whether code calls what forgets the engine, so that the next use makes one: `global engine; engine = None`."""
        kept = {name for _, name in found.variables}
        further = (definition for _, definition in self.summary(module, node).definitions if definition not in found.definitions)
        return any(not kept.isdisjoint(_set_to_none(definition)) for definition in further if isinstance(definition, FUNCTIONS))

    def summary(self, module: Module, node: ast.AST) -> Summary:
        if node not in self._summaries:
            self._summaries[node] = _summary(module, node)
        return self._summaries[node]


def _chooses_null_pool(module: Module, node: ast.AST) -> bool:
    """Say whether a condition in a function gives an engine without a pool: `if in_worker: return make(poolclass=NullPool)`.

    Whoever starts a loop for each task may well be the one that gets it.
    """
    for mention in module.loads("NullPool"):
        keyword = module.parent(mention)
        if isinstance(keyword, ast.keyword) and keyword.arg == "poolclass":
            for parent in module.ancestors(keyword):
                if parent is node:
                    break
                if isinstance(parent, ast.If) and function_around(module, parent) is node:
                    return True
    return False


def _set_to_none(function: ast.AST) -> set[str]:
    """Return the names of the module that a function sets to None."""
    shared = {name for node in walk(function) if isinstance(node, ast.Global) for name in node.names}
    assigned = (node for node in walk(function) if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant))
    return {target.id for node in assigned if node.value.value is None for target in node.targets if isinstance(target, ast.Name)} & shared


def _left_out(module: Module, call: ast.AST) -> tuple[FunctionRef | None, frozenset[ast.AST]]:
    """Return the function of a call, and what in it does not run because an argument is passed: `if session is None: ...`."""
    target = names.resolve(module, call.func) if isinstance(call, ast.Call) else None
    if not isinstance(call, ast.Call) or not isinstance(target, FunctionRef) or isinstance(target.node, ast.Lambda):
        return None, frozenset()
    passed = {name for name, value in passed_to(target.node, call) if not isinstance(value, (ast.Constant, ast.Starred))}
    skipped: set[ast.AST] = set()
    for node in walk(target.node):
        match node:
            case ast.If(test=ast.Compare(left=ast.Name(id=name), ops=[ast.Is()], comparators=[ast.Constant(value=None)]), body=body):
                skipped.update(part for stmt in body if name in passed for part in ast.walk(stmt))
    return target, frozenset(skipped)


def _summary(module: Module, node: ast.AST, skipped: frozenset[ast.AST] = frozenset()) -> Summary:
    variables: set[Variable] = set()
    definitions: dict[ast.AST, Module] = {}
    disposes = False
    named_here = _names_in(node, skipped)
    if any(name.endswith("run_coroutine_threadsafe") for name in named_here):
        return Summary(frozenset(), (), False)  # the coroutines run in the loop of another thread, whoever waits for them
    unpooled = any(name.endswith("NullPool") for name in named_here) and _chooses_null_pool(module, node)
    for name, part in named_here.items():
        disposes = disposes or name.endswith(".dispose")
        if (found := variable(module, part)) is not None:
            variables.add(found)
        for other, definition in _definitions(module, part, found):
            definitions[definition] = other
    return Summary(frozenset(variables), tuple((other, d) for d, other in definitions.items()), disposes, unpooled)


def _names_in(node: ast.AST, skipped: frozenset[ast.AST]) -> dict[str, ast.expr]:
    """Return the names and dotted names that code loads, each once: within one function they mean the same."""
    found: dict[str, ast.expr] = {}
    for part in walk(node):
        if part in skipped:
            continue
        if isinstance(part, (ast.Name, ast.Attribute)) and isinstance(part.ctx, ast.Load):
            name = dotted(part) or (f".{part.attr}" if isinstance(part, ast.Attribute) else None)
            if name:
                found.setdefault(name, part)
    return found


def _definitions(module: Module, node: ast.expr, found: Variable | None) -> Iterator[tuple[Module, ast.AST]]:
    """Yield the functions and classes of the project that a name refers to; `self.method` is a method of the class."""
    resolved = names.resolve(module, node)
    if isinstance(resolved, (FunctionRef, ClassRef)):
        yield resolved.module, resolved.node
    elif isinstance(node, ast.Attribute) and (dotted(node) or "").startswith("self."):
        function = function_around(module, node)
        cls = class_around(module, function) if function else None
        for stmt in cls.body if cls else ():
            if isinstance(stmt, FUNCTIONS) and stmt.name == node.attr:
                yield module, stmt
    elif found is not None and (other := module.modules.module(found[0])):
        # `service = ReviewService()` at module level: its methods are what will run.
        for stmt in other.scope.binds.get(found[1], ()):
            if isinstance(stmt, ast.Assign) and isinstance(stmt.value, ast.Call):
                made = names.resolve(other, stmt.value.func)
                if isinstance(made, ClassRef):
                    yield made.module, made.node
