"""What is changed in what a function returns, where every call returns the same object.

    def options():              @lru_cache
        return OPTIONS          def options():
                                    return {"pool_size": 5}

    options()["pool_size"] = 9      options().update(pool_size=9)      found = options(); found["pool_size"] = 9

What is changed so is then not known. A function that makes a new dict at each call returns it as it is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.python.evaluator import calls, containers, fills, objects
from poollint.python.evaluator.values import FunctionRef, Listing, Table, Value
from poollint.python.source import names, sharing
from poollint.python.source.modules import Module
from poollint.python.source.scopes import FUNCTIONS, MUTATORS, Scope, dotted

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World

_CACHES = frozenset({"lru_cache", "cache", "cached_property", "cached"})


def as_left(world: World, function: FunctionRef, value: Value) -> Value:
    """Return what a function returns, or what its callers leave of it."""
    if not isinstance(value, (Table, Listing)) or not is_shared(function):
        return value
    left: Value | None = value
    for module, call in calls.callers_of(world, function.module, function.node):
        for part in _changed_through(module, call):
            left = containers.spoiled(left, part, f"what {function.name}() returns is changed in {module.path}:{call.lineno}")
    return left if left is not None else value


def is_shared(function: FunctionRef) -> bool:
    """Say whether several calls of a function may return one object: it is cached, or stands outside."""
    if isinstance(function.node, ast.Lambda):
        return False
    if _CACHES & objects.decorators(function.node):
        return True
    scope = names.scope_for(function.module, function.node)
    return any(True for _ in _outer_names(scope))


def returned_outside(module: Module, scope: Scope, name: str) -> Iterator[tuple[str, sharing.Path]]:
    """Yield what is changed in what a name holds through the functions inside its scope that return it: function, part."""
    for inner in scope.inner:
        if isinstance(inner, FUNCTIONS):
            for held, there in _outer_names(names.scope_for(module, inner)):
                for call in module.calls_of(inner.name) if held == name else ():
                    yield from ((inner.name, (*there, *part)) for part in _changed_through(module, call))


def _outer_names(scope: Scope) -> Iterator[tuple[str, sharing.Path]]:
    """Yield (name, there): a function returns what a name holds under some keys that it does not make itself."""
    for statement in scope.returns:
        value = statement.value if isinstance(statement, ast.Return) else None
        if not isinstance(value, (ast.Name, ast.Attribute, ast.Subscript)) or (name := dotted(value)) is None:
            continue
        keys = sharing.path_of(value)
        if name not in scope.binds and name not in scope.parameters:
            yield name, keys
            continue
        for link in scope.links.get(name, ()) if name in scope.binds else ():
            if link.path == () and not keys and link.other not in scope.binds and link.other not in scope.parameters:
                yield link.other, link.there


def _changed_through(module: Module, call: ast.Call) -> Iterator[sharing.Path]:
    """Yield the keys that lead to what is changed in what a call returns."""
    node: ast.AST = call
    keys: sharing.Path = ()
    parent = module.parent(node)
    while isinstance(parent, ast.Await) or isinstance(parent, ast.Subscript) and parent.value is node:
        if isinstance(parent, ast.Subscript):
            keys = (*keys, *sharing.path_of(parent)[-1:])
            if not isinstance(parent.ctx, ast.Load):
                yield keys
        node, parent = parent, module.parent(parent)
    match parent:
        case ast.Attribute(attr=method) if method in MUTATORS and isinstance(module.parent(parent), ast.Call):
            yield (*keys, sharing.ANY)
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            yield from ((*keys, *part) for part in fills.set_in(module, names.scope_at(module, call), name))
