"""Whether something made in a function outlives the call: it is returned, kept elsewhere, or handed to who may keep it.

    engine = create_engine(url); return engine            outlives
    self.engine = create_engine(url)                      outlives
    with create_engine(url).connect() as connection: ...  does not
    engine = create_engine(url); Base.metadata.create_all(engine)   does not
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from poollint.python.modules import Module
from poollint.python.scopes import FUNCTIONS

# They use an engine and are done with it; everybody else may keep what he is given.
_USERS = frozenset(
    "create_all drop_all reflect inspect read_sql read_sql_query read_sql_table to_sql Table configure print str repr "
    "isinstance len URL make_url".split()
)
# What they return holds the engine: it outlives the call if that does.
_HOLDERS = frozenset("Session AsyncSession sessionmaker async_sessionmaker scoped_session async_scoped_session".split())

MOST_NAMES = 20


def outlives(module: Module, made: ast.expr, function: ast.AST) -> bool:
    """Say whether the value of an expression may be alive after the function that holds it has ended."""
    names: set[str] = set()
    todo: list[ast.expr] = [made]
    while todo and len(names) < MOST_NAMES:
        for outcome in _outcomes(module, todo.pop(), function):
            if outcome is True:
                return True
            if isinstance(outcome, str) and outcome not in names:
                names.add(outcome)
                todo.extend(_reads(module, outcome, function))
            elif isinstance(outcome, ast.expr):
                todo.append(outcome)
    return len(names) >= MOST_NAMES


def _outcomes(module: Module, value: ast.expr, function: ast.AST) -> Iterator[bool | str | ast.expr]:
    """Yield what becomes of a value: True when it leaves, the local name it gets, or the expression that holds it."""
    parent = module.parents.get(value)
    match parent:
        case ast.Return() | ast.Yield() | ast.YieldFrom() | ast.Lambda():
            yield True
        case ast.Assign(targets=targets):
            yield from (_name_of(target, function) for target in targets)
        case ast.AnnAssign(target=target) | ast.NamedExpr(target=target):
            yield _name_of(target, function)
        case ast.Await() | ast.IfExp() | ast.BoolOp() | ast.Tuple() | ast.List() | ast.Dict() | ast.Starred():
            yield parent
        case ast.withitem(optional_vars=ast.Name(id=name)):
            yield name
        case ast.keyword():
            yield from _given(module, module.parents.get(parent))
        case ast.Call() if value is not parent.func:
            yield from _given(module, parent)


def _given(module: Module, call: ast.AST | None) -> Iterator[bool | ast.expr]:
    if not isinstance(call, ast.Call):
        yield True
        return
    callee = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if callee in _HOLDERS:
        yield call
    elif callee not in _USERS:
        yield True


def _name_of(target: ast.expr, function: ast.AST) -> bool | str:
    """A local name keeps the value inside; an attribute, an item or a global does not."""
    if not isinstance(target, ast.Name):
        return True
    shared = (node for node in ast.walk(function) if isinstance(node, (ast.Global, ast.Nonlocal)))
    return True if any(target.id in node.names for node in shared) else target.id


def _reads(module: Module, name: str, function: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            inner = next((f for f in module.ancestors(node) if isinstance(f, (*FUNCTIONS, ast.Lambda))), None)
            # A function inside that uses the name takes it along.
            yield node if inner is function else ast.Lambda(args=None, body=node)
