"""Whether a function keeps what it makes, so that it makes it only the first time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from poollint.python.evaluator.callers import class_around
from poollint.python.evaluator.values import FunctionRef
from poollint.python.source import names
from poollint.python.source.modules import Module
from poollint.python.source.scopes import FUNCTIONS, dotted, walk

Kept = Literal["process", "instance", ""]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def kept(module: Module, node: ast.AST, function: Function) -> Kept:
    """Say where a function keeps what it made, when it makes it only the first time.

    if _engine is None: _engine = create_engine(...)      process
    if url in cache: return cache[url]                    process
    if self._engine is None: self._engine = ...           instance
    if url in cache: return cache[url]; return make(url)  process, where make() fills the cache
    if self._made is None: self.connect()                 instance, where connect() sets it
    """
    changed = _changed(function) | _filled_by(module, node)
    for test in _guards(module, node, function):
        for subject in _subjects(test):
            if how := _keeper(module, subject, function, changed):
                return "process" if how == "instance" and _is_of_class(module, subject, function) else how
    return ""


def _filled_by(module: Module, node: ast.AST) -> set[str]:
    """Return the names of the module, or of self, that a function of it changes, which is called here."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        methods = (stmt for cls in module.ancestors(node) if isinstance(cls, ast.ClassDef) for stmt in cls.body)
        called = (stmt for stmt in methods if isinstance(stmt, FUNCTIONS) and stmt.name == node.attr)
        return {name for method in called for name in _changed(method) if name.startswith("self.")}
    made_by = names.resolve(module, node)
    if not isinstance(made_by, FunctionRef) or made_by.module is not module or not isinstance(made_by.node, FUNCTIONS):
        return set()
    scope = names.scope_for(module, made_by.node)
    roots = {name: name.partition(".")[0] for name in _changed(made_by.node)}
    return {name for name, root in roots.items() if root not in scope.binds and root not in scope.parameters}


def _guards(module: Module, node: ast.AST, function: Function) -> Iterator[ast.expr]:
    """Yield what was tested before coming here: conditions around, and conditions whose branch left the function."""
    around = []
    for parent in module.ancestors(node):
        if parent is function:
            break
        around.append(parent)
    for parent in around:
        if isinstance(parent, (ast.If, ast.IfExp)):
            yield parent.test
        elif isinstance(parent, ast.BoolOp) and isinstance(parent.op, ast.Or):
            yield parent.values[0]
        elif isinstance(parent, ast.Try):
            yield from _returned(parent)
            if any(handler in around and _catches_absence(handler) for handler in parent.handlers):
                yield from _tried(parent.body)
    line = getattr(node, "lineno", 0)
    for leaving in _leaving(function):
        if leaving.lineno < line and leaving not in around:
            yield from (leaving.test,) if isinstance(leaving, ast.If) else _returned(leaving)


_ABSENCE = frozenset("AttributeError KeyError LookupError NameError".split())


def _catches_absence(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type] if handler.type else []
    return any((dotted(each) or "") in _ABSENCE for each in caught)


def _tried(body: list[ast.stmt]) -> Iterator[ast.expr]:
    """Yield what is missing when a try fails for its absence: `make = cls._sessions()`."""
    for stmt in body:
        value = getattr(stmt, "value", None)
        value = value.value if isinstance(value, ast.Await) else value
        if isinstance(value, ast.Call):
            yield value.func
        elif isinstance(value, (ast.Name, ast.Attribute, ast.Subscript)):
            yield value


def _returned(tried: ast.Try) -> Iterator[ast.expr]:
    return (stmt.value for stmt in tried.body if isinstance(stmt, ast.Return) and stmt.value is not None)


@lru_cache(maxsize=4096)
def _leaving(function: Function) -> tuple[ast.If | ast.Try, ...]:
    """Return the conditions whose branch leaves the function, and what is tried and returned if it is there.

    Those of a function inside it leave only that one.
    """
    inside = {part for node in walk(function) if isinstance(node, FUNCTIONS) and node is not function for part in walk(node)}
    return tuple(node for node in walk(function) if node not in inside and _leaves(node))  # type: ignore[misc]


def _leaves(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return isinstance(node.body[-1], (ast.Return, ast.Raise))
    return isinstance(node, ast.Try) and isinstance(node.body[-1], ast.Return)


def _subjects(test: ast.expr) -> Iterator[ast.expr]:
    """Yield the things whose presence a condition tests."""
    todo = [test]
    while todo:
        node = todo.pop()
        match node:
            case ast.BoolOp(values=values):
                todo.extend(values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                todo.append(operand)
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() | ast.Eq() | ast.NotEq()]):
                todo.append(left)
            case ast.Compare(comparators=[container], ops=[ast.In() | ast.NotIn()]):
                yield container
            case ast.NamedExpr(value=value):
                todo.append(value)
            case ast.Call(func=ast.Attribute(attr="get", value=container)):
                yield container
            case ast.Call(func=ast.Name(id="hasattr" | "getattr"), args=[owner, *_]):
                yield owner
            case ast.Name() | ast.Attribute() | ast.Subscript():
                yield node


# What a framework makes for each call, as a name of its own and as a parameter.
_OF_ONE_CALL = frozenset({"g", "request"})
_GIVEN_TO_ONE_CALL = _OF_ONE_CALL | frozenset("req websocket ws info ctx context scope event message update".split())


def _keeper(module: Module, subject: ast.expr, function: Function, changed: set[str]) -> Kept:
    """Say how long the tested thing lives, if the function also changes it."""
    name = dotted(subject)
    if name is None:
        return ""
    root, _, rest = name.partition(".")
    scope = module.scope_at(function.body[0])
    if root == "self":
        return "instance" if any(item == name or item.startswith("self.") for item in changed) else ""
    is_given = root in scope.parameters and root != "cls"
    if root in (_GIVEN_TO_ONE_CALL if is_given else _OF_ONE_CALL) and "app" not in name.split("."):
        return ""  # Flask's g lives as long as the request; `request.app.state.engine` outlives it
    if is_given:
        # `runtime.engine` lives as long as the caller's object; `engine=None` is the caller's.
        return "process" if rest and any(item == name or item.startswith(f"{name}.") for item in changed) else ""
    if root in scope.binds:
        value = _assigned(scope.binds[root])
        source = next(iter(_subjects(value)), None) if value is not None and not rest else None
        return _keeper(module, source, function, changed) if source is not None and dotted(source) != name else ""
    return "process" if name in changed or any(item.startswith(f"{name}.") for item in changed) or root == "cls" else ""


def _is_of_class(module: Module, subject: ast.expr, function: Function) -> bool:
    """Say whether `self.engines` is one dict for all instances: made in the body of the class, and never on self."""
    cls, name = class_around(module, function), dotted(subject) or ""
    if cls is None or not any(_makes_dict(stmt, name.removeprefix("self.")) for stmt in cls.body):
        return False
    return not any(isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store) and dotted(n) == name for n in walk(cls))


def _makes_dict(stmt: ast.stmt, name: str) -> bool:
    match stmt:
        case ast.Assign(targets=[ast.Name(id=target)], value=value) | ast.AnnAssign(target=ast.Name(id=target), value=value):
            is_dict = isinstance(value, ast.Dict) or isinstance(value, ast.Call) and dotted(value.func) == "dict"
            return is_dict and target == name
    return False


def _assigned(statements: list[ast.AST]) -> ast.expr | None:
    """Return what a local name is first made of: `engine = cache.get(url)`."""
    first = statements[0]
    value = getattr(first, "value", None) if isinstance(first, (ast.Assign, ast.AnnAssign)) else None
    return value.value if isinstance(value, ast.Await) else value


@lru_cache(maxsize=4096)
def _changed(function: Function) -> set[str]:
    """Return the dotted names that a function assigns to, or into: `cache[url] = engine` changes "cache"."""
    found: set[str] = set()
    for node in walk(function):
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store):
            if name := dotted(node):
                found.add(name)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setattr" and node.args:
            if name := dotted(node.args[0]):
                found.add(name)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setdefault":
            if name := dotted(node.func.value):
                found.add(name)
    return found
