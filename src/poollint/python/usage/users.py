"""Who uses an engine: the code that names what leads to it.

engine = create_engine(...)                       the variable
Session = sessionmaker(engine)                    what is made of it at module level
def get_session(): return Session()               a function of the file that names one of these
def init_reader(): cls._reader = create_engine()  the function that makes the engine: without its call there is none

Names are followed inside the file, and looked for in all others. Where the file itself runs or registers something that
leads to the engine, nobody can tell, and every importer counts as a user. Nor can it be told that nobody uses one, where
a text names what leads to it, or a program may find a function by its name.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from poollint.python.evaluator.callers import Callers, class_around, reference_at
from poollint.python.evaluator.values import ClassRef, FunctionRef, LibraryRef, ModuleRef
from poollint.python.sites import Site
from poollint.python.source import names
from poollint.python.source.modules import Module
from poollint.python.source.scopes import FUNCTIONS, children, dotted, walk
from poollint.python.usage import contexts
from poollint.python.usage.holders import variable
from poollint.python.usage.lifecycle import requires

# Decorators that leave a function what its callers call.
_PLAIN = frozenset(
    "staticmethod classmethod property cached_property contextmanager asynccontextmanager lru_cache cache wraps "
    "overload abstractmethod inject".split()
)
CONFIGURES = (".yaml", ".yml", ".toml", ".ini", ".cfg", ".json", ".conf")  # what may name the code that a framework loads
_STARTS = re.compile(r"(^|/)([\w.-]*Dockerfile[^/]*|Containerfile|Procfile[^/]*|Makefile|[^/]+\.(sh|service|tf))$")
# Statements at module level that tell a library about an engine without opening a connection.
_TELLING = frozenset("listen listens_for instrument init_app Migrate".split())


@dataclass(frozen=True, slots=True, eq=False)
class Mention:
    """One place that names what leads to an engine; `is_sent` where it only tells a worker to run that: `bill.delay()`."""

    module: Module
    node: ast.AST
    is_sent: bool = False


class Users:
    """Finds the users of a site's engine; `is_aside` tells tests and samples, which use nothing."""

    def __init__(self, callers: Callers, is_aside: Callable[[str], bool]) -> None:
        self.callers = callers
        self.is_aside = is_aside
        self._files: dict[str, _File] = {}

    def of(self, site: Site) -> tuple[Mention, ...] | None:
        """Return every place that uses the engine, outside tests; None when that cannot be told."""
        path = site.module.path
        if path not in self._files:
            self._files[path] = _read(site.module)
        trail = _Trail(site.module, self._files[path])
        if not trail.start(site) or not trail.follow():
            return None
        inside = [_mention(site.module, node, trail) for node in trail.run_here]
        found = (*inside, *(mention for path in self._paths(trail) for mention in self._in_file(path, trail)))
        return found if found or not (trail.may_be_a_hook or self._is_addressed(trail)) else None

    def _is_addressed(self, trail: _Trail) -> bool:
        """Say whether a text names what leads to an engine, or the file where nothing imports it: "app.db:engine"."""
        modules, path = trail.module.modules, trail.module.path
        folder, stem = posixpath.split(path.removesuffix("/__init__.py").removesuffix(".py"))
        address = rf"\b{re.escape(stem)}[.:](?:{'|'.join(map(re.escape, sorted(trail.names)))})\b"
        importers = modules.graph.importers.get(path, ())
        if folder and not importers:
            address += rf"|\b{re.escape(posixpath.basename(folder))}\.{re.escape(stem)}\b"
        word = re.compile(address.encode())
        texts = (other for other in modules.tree.files if other in importers and not self.is_aside(other) or _names_code(other))
        return any(word.search(modules.tree.bytes(other) or b"") for other in texts)

    def _paths(self, trail: _Trail) -> Iterator[str]:
        tree, importers = trail.module.modules.tree, trail.module.modules.graph.reached_by(trail.module.path)
        for path in sorted(importers):
            content = tree.bytes(path) or b""
            if path != trail.module.path and not self.is_aside(path):
                if any(name.encode() in content for name in trail.names):
                    yield path

    def _in_file(self, path: str, trail: _Trail) -> Iterator[Mention]:
        if module := trail.module.modules.module(path):
            for name in sorted(trail.names):
                for node in self.callers.named(module, name):
                    if _may_mean(module, node, trail):
                        yield _mention(module, node, trail)


def _names_code(path: str) -> bool:
    """Say whether a file may tell a framework or a command what to load."""
    return path.endswith(CONFIGURES) or _STARTS.search(path) is not None


def _mention(module: Module, node: ast.AST, trail: _Trail) -> Mention:
    """Return a mention; of a task, what does not call it hands it to something that sends it."""
    is_handed = isinstance(node, ast.expr) and _name_of(node) in trail.tasks and reference_at(module, node).call is None
    return Mention(module, node, is_handed or _is_sent(module, node))


def _is_sent(module: Module, node: ast.AST) -> bool:
    """Say whether a name is given to a queue, whose worker runs it."""
    context = contexts.of_reference(reference_at(module, node)) if isinstance(node, ast.expr) else None
    return context is not None and context.kind == "task"


def _may_mean(module: Module, node: ast.expr, trail: _Trail) -> bool:
    """Say whether a name may be one of the trail's; an attribute of something unknown may always be."""
    resolved = names.resolve(module, node)
    if isinstance(resolved, (FunctionRef, ClassRef)):
        return resolved.module is trail.module and getattr(resolved.node, "name", "") in trail.names
    if isinstance(resolved, (LibraryRef, ModuleRef)):
        return False
    found = variable(module, node)
    if found is not None:
        return found[0] == trail.module.path and found[1] in trail.names
    return isinstance(node, ast.Attribute) or _is_of_a_star(module, node)


def _is_of_a_star(module: Module, node: ast.expr) -> bool:
    """Say whether a name that nothing binds comes by `from app.db import *`."""
    scopes = names.scopes_around(module, node)
    assert isinstance(node, ast.Name)
    is_bound = any(node.id in scope.binds or node.id in scope.parameters for scope in scopes)
    return not is_bound and any(scope.stars for scope in scopes)


class _File(NamedTuple):
    """Which parts of a file mention a name; read once for all its engines.

    outermost   its functions and methods that stand in no other
    functions   name → those of them that mention it
    at_import   name → the statements that run at import and mention it, with the nodes that load names in them
    guarded     what is named below `if __name__ == "__main__":`
    """

    outermost: frozenset[ast.AST]
    functions: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]]
    at_import: dict[str, list[tuple[ast.stmt, list[ast.AST]]]]
    guarded: list[ast.AST]


def _read(module: Module) -> _File:
    outermost = [node for node in module.nodes if isinstance(node, FUNCTIONS) and not module.enclosing_functions(node)]
    file = _File(frozenset(outermost), {}, {}, [])
    for function in outermost:
        for name in _names_in(function.args, *function.body):
            file.functions.setdefault(name, []).append(function)
    for statement, parts in _at_import(module):
        loads = [node for part in parts for node in walk(part) if _name_of(node) and isinstance(node.ctx, ast.Load)]  # type: ignore[attr-defined]
        for name in dict.fromkeys(filter(None, map(_name_of, loads))):
            file.at_import.setdefault(name, []).append((statement, loads))
    for statement in module.tree.body:
        if isinstance(statement, ast.If) and contexts.is_main_guard(statement):
            file.guarded.extend(node for node in walk(statement) if _name_of(node))
    return file


class _Trail:
    """The names in one file that lead to an engine.

    tasks          those of the names that are tasks
    run_here       what leads to it in this file and is run by others than its callers: `@app.get("/") def show():`
    may_be_a_hook  a function that leads to it takes something, or is a method of more than its own class: a server may find
                   it by its name, `def post_fork(worker)`
    """

    def __init__(self, module: Module, file: _File) -> None:
        self.module = module
        self.names: set[str] = set()
        self.tasks: set[str] = set()
        self.run_here: list[ast.AST] = []
        self.may_be_a_hook = False
        self._file = file

    def start(self, site: Site) -> bool:
        """Take the names that the creation itself gives; False when it gives none."""
        around = [node for node in self.module.ancestors(site.call) if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.stmt))]
        functions = [node for node in around if node in self._file.outermost]
        if functions:
            return self._add(functions[-1])
        self.names.update(_targets(around[0]))
        return bool(self.names) and not any(isinstance(node, ast.ClassDef) for node in around)

    def follow(self) -> bool:
        """Follow the names through the file; False when the file itself runs what leads to the engine."""
        seen: set[ast.AST] = set()
        todo = list(self.names)
        while todo:
            name, before = todo.pop(), set(self.names)
            for function in self._file.functions.get(name, ()):
                mentions = [node for node in walk(function) if _name_of(node) == name and not self._is_another(node)]
                sent = [node for node in mentions if _is_sent(self.module, node)]
                self.run_here += sent
                if function not in seen and len(sent) < len(mentions):
                    seen.add(function)
                    if not self._add(function):
                        return False
            if not all(self._is_told(statement, loads) for statement, loads in self._file.at_import.get(name, ())):
                return False
            todo += self.names - before
        self.run_here.sort(key=lambda node: getattr(node, "lineno", 0))
        self.run_here += [node for node in self._file.guarded if _name_of(node) in self.names]
        return True

    def _is_another(self, node: ast.AST) -> bool:
        """Say whether a name is a function's own: a parameter `engine` is not the file's `engine`."""
        if isinstance(node, ast.Name):
            for scope in names.scopes_around(self.module, node):
                if node.id in scope.globals:
                    return False
                if node.id in scope.binds or node.id in scope.parameters:
                    return scope is not self.module.scope
        return False

    def _add(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        """Add a function by the name its users write; False when something unknown runs it."""
        cls = class_around(self.module, function)
        if not function.name.startswith("__"):
            self.names.add(function.name)
        elif cls is not None:
            self.names.add(cls.name)
        if context := contexts.of_function(self.module, function):
            self.run_here.append(function.body[0])
            self.tasks.update({function.name} if context.kind == "task" else ())
            return True
        inherits = cls is not None and bool(cls.bases or cls.keywords or cls.decorator_list)
        self.may_be_a_hook |= inherits or requires(function, is_method=cls is not None)
        is_plain = all(_last(decorator) in _PLAIN | _TELLING for decorator in function.decorator_list)
        return is_plain and (cls is not None or not function.name.startswith("__"))

    def _is_told(self, statement: ast.stmt, loads: list[ast.AST]) -> bool:
        """Take the names that a statement at module level makes; False when it uses the engine there and then."""
        mentions = [node for node in loads if _name_of(node) in self.names]
        if isinstance(statement, ast.ClassDef):
            self.names.add(statement.name)
            return True
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and not any(map(self._is_called_on, mentions)):
            targets = set(_targets(statement))
            self.names.update(targets)
            return bool(targets)
        return isinstance(statement, ast.Expr) and (_last(statement.value) in _TELLING or self._is_configured(statement.value))

    def _is_configured(self, call: ast.expr) -> bool:
        """Take the name that `Session.configure(bind=engine)` gives an engine; False where that is another file's.

        `zope.sqlalchemy.register(Session)` says what to do with its transactions.
        """
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="configure")):
                bound = self.module.scope.binds.get(owner, ())
                self.names.add(owner)
                return bool(bound) and not any(isinstance(stmt, (ast.Import, ast.ImportFrom)) for stmt in bound)
            case ast.Call(func=func):
                return (self.module.qualified(func) or "").startswith("zope.sqlalchemy.register")
        return False

    def _is_called_on(self, node: ast.AST) -> bool:
        """Say whether a method is called: `engine.connect()` at module level opens a connection."""
        parent = self.module.parent(node)
        around = self.module.parent(parent) if isinstance(parent, ast.Attribute) else None
        return isinstance(around, ast.Call) and around.func is parent


def _at_import(module: Module) -> Iterator[tuple[ast.stmt, list[ast.AST]]]:
    """Yield the statements that run when the file is imported, with the parts of them that hold no further statement."""
    todo: list[ast.AST] = [
        stmt for stmt in module.tree.body if not (isinstance(stmt, ast.If) and contexts.is_main_guard(stmt))
    ]
    while todo:
        statement = todo.pop()
        if isinstance(statement, FUNCTIONS):
            continue
        inner = [child for child in children(statement) if isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case))]
        parts = [child for child in children(statement) if child not in inner]
        if isinstance(statement, ast.ClassDef):
            parts += [child for child in inner if not isinstance(child, FUNCTIONS)]
        else:
            todo.extend(inner)
        if isinstance(statement, ast.stmt):
            yield statement, parts


def _targets(statement: ast.AST) -> Iterator[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    yield from (node.id for target in targets if target for node in ast.walk(target) if isinstance(node, ast.Name))


def _names_in(*nodes: ast.AST) -> set[str]:
    return {name for node in nodes for part in walk(node) if (name := _name_of(part))}


def _name_of(node: ast.AST) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def _last(expression: ast.expr) -> str:
    callee = expression.func if isinstance(expression, ast.Call) else expression
    return (dotted(callee) or "").rpartition(".")[2]
