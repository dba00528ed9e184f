"""Whether something made in a function outlives the call: it is returned, kept elsewhere, or handed to who may keep it.

    engine = create_engine(url); return engine            outlives
    self.engine = create_engine(url)                      outlives
    with create_engine(url).connect() as connection: ...  does not
    engine = create_engine(url); Base.metadata.create_all(engine)   does not
    engine = create_engine(url); wait_for(engine)         as wait_for() of the project says
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from poollint.python.evaluator.values import FunctionRef, LibraryRef
from poollint.python.source import names
from poollint.python.source.modules import Module
from poollint.python.source.scopes import FUNCTIONS

# They use an engine and are done with it; everybody else may keep what he is given.
_USERS = frozenset(
    "create_all drop_all reflect inspect read_sql read_sql_query read_sql_table to_sql Table configure print str repr "
    "isinstance len URL make_url listen listens_for Migrate".split()
)
# What they return holds the engine: it outlives the call if that does.
_HOLDERS = frozenset(
    "Session AsyncSession sessionmaker async_sessionmaker scoped_session async_scoped_session MetaData".split()
)

# What Advanced Alchemy's configurations give: the engine they make, and what holds it.
_GIVING = frozenset({"get_engine", "create_session_maker"})

# Decorators of libraries that call the function again where it fails, and keep nothing of what it is given.
_RETRYING = frozenset("tenacity.retry backoff.on_exception backoff.on_predicate retrying.retry retry.retry stamina.retry".split())

MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class _Local:
    """A name of a function that holds the value: a variable, or the parameter it is passed as."""

    module: Module
    function: ast.AST
    name: str


_Place = tuple[Module, ast.expr, ast.AST]  # an expression that holds the value, and the function around it


def outlives(module: Module, made: ast.expr, function: ast.AST) -> bool:
    """Say whether the value of an expression may be alive after the function that holds it has ended."""
    seen: set[_Local] = set()
    todo: list[bool | _Local | _Place] = [(module, made, function)]
    while todo and len(seen) < MOST_NAMES:
        match todo.pop():
            case bool():
                return True
            case _Local() as local:
                todo.extend(() if local in seen else _reads(local))
                seen.add(local)
            case (where, value, around):
                outcomes = _outcomes(where, value, around)
                todo.extend((where, each, around) if isinstance(each, ast.expr) else each for each in outcomes)
    return len(seen) >= MOST_NAMES


def _outcomes(module: Module, value: ast.expr, function: ast.AST) -> Iterator[bool | _Local | ast.expr]:
    """Yield what becomes of a value: True when it leaves, the local name it gets, or the expression that holds it."""
    parent = module.parent(value)
    match parent:
        case ast.Return() | ast.Yield() | ast.YieldFrom() | ast.Lambda():
            yield True
        case ast.Assign(targets=targets):
            yield from (_name_of(target, module, function) for target in targets)
        case ast.AnnAssign(target=target) | ast.NamedExpr(target=target):
            yield _name_of(target, module, function)
        case ast.Await() | ast.IfExp() | ast.BoolOp() | ast.Tuple() | ast.List() | ast.Dict() | ast.Starred():
            yield parent
        case ast.withitem(optional_vars=ast.Name(id=name)):
            yield _Local(module, function, name)
        case ast.keyword():
            yield from _given(module, module.parent(parent), parent)
        case ast.Call() if value is not parent.func:
            yield from _given(module, parent, value)
        case ast.Attribute(attr=method) if method in _GIVING and isinstance(call := module.parent(parent), ast.Call):
            yield call


def _given(module: Module, call: ast.AST | None, argument: ast.AST) -> Iterator[bool | _Local | ast.expr]:
    if not isinstance(call, ast.Call):
        yield True
        return
    callee = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    match names.resolve(module, call.func):
        case LibraryRef(name=name):  # `from sqlalchemy import inspect as sa_inspect`
            callee = name.rpartition(".")[2]
        case FunctionRef():  # the project's own, whatever it is called
            callee = ""
    if callee in _HOLDERS:
        yield call
    elif callee not in _USERS:
        yield _parameter(module, call, argument) or True


def _parameter(module: Module, call: ast.Call, argument: ast.AST) -> _Local | None:
    """Return the parameter that a plain function of the project gets the argument as."""
    target = names.resolve(module, call.func)
    if not isinstance(target, FunctionRef) or not isinstance(target.module.parent(target.node), ast.Module):
        return None
    if isinstance(target.node, ast.Lambda) or not all(
        _only_retries(target.module, decorator) for decorator in target.node.decorator_list
    ):
        return None
    args = target.node.args
    positional = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    if isinstance(argument, ast.keyword):
        named = argument.arg if argument.arg in (*positional, *(arg.arg for arg in args.kwonlyargs)) else None
    else:
        before = call.args[: call.args.index(argument) + 1]  # type: ignore[arg-type]
        is_plain = not any(isinstance(each, ast.Starred) for each in before) and len(before) <= len(positional)
        named = positional[len(before) - 1] if is_plain else None
    return _Local(target.module, target.node, named) if named else None


def _only_retries(module: Module, decorator: ast.expr) -> bool:
    named = decorator.func if isinstance(decorator, ast.Call) else decorator
    return module.qualified(named) in _RETRYING


def _name_of(target: ast.expr, module: Module, function: ast.AST) -> bool | _Local:
    """A local name keeps the value inside; an attribute, an item or a global does not."""
    if not isinstance(target, ast.Name):
        return True
    shared = (node for node in ast.walk(function) if isinstance(node, (ast.Global, ast.Nonlocal)))
    return True if any(target.id in node.names for node in shared) else _Local(module, function, target.id)


def _reads(local: _Local) -> Iterator[bool | _Local | _Place]:
    """Yield where a name is read; a function inside that reads it takes it along, wherever that goes."""
    for node in ast.walk(local.function):
        if isinstance(node, ast.Name) and node.id == local.name and isinstance(node.ctx, ast.Load):
            match _inner(local, node):
                case None:
                    yield local.module, node, local.function
                case ast.Lambda() as taking:
                    yield local.module, taking, local.function
                case taking:
                    yield bool(taking.decorator_list) or _Local(local.module, local.function, taking.name)


def _inner(local: _Local, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | None:
    """Return the outermost function inside the local's own whose body holds a node; decorators and defaults run outside."""
    found, child = None, node
    for parent in local.module.ancestors(node):
        if parent is local.function:
            break
        if isinstance(parent, (*FUNCTIONS, ast.Lambda)):
            body = parent.body if isinstance(parent.body, list) else [parent.body]
            found = parent if child in body else found
        child = parent
    return found
