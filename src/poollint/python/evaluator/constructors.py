"""Constructors that hand on to the one they inherit.

    class Orders(Storage):
        def __init__(self, url):
            super().__init__(url, size=7)       or Storage.__init__(self, url, size=7)
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.facts import Origin, Unknown
from poollint.python.evaluator import calls, flow, objects
from poollint.python.evaluator.values import ClassRef, Frame, FunctionRef, Instance, Value
from poollint.python.source import names
from poollint.python.source.scopes import FUNCTIONS

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World


def attribute_set_by(
    world: World, base: Instance, method: FunctionRef, frame: Frame | None, name: str, before: Value | None
) -> Value | None:
    """Return `self.name` as a method that makes the instance leaves it, and the constructor that it hands on to."""
    call = inner_call(method)
    inner = _inherited(world, base, method, frame, call) if call is not None else None
    if call is None or inner is None:
        return flow.attribute_set_in(world, replace(method, owner=base), name, frame, before)
    match _own_comes_first(method, call, name):
        case True:
            before = flow.attribute_set_in(world, replace(method, owner=base), name, frame, before)
            return attribute_set_by(world, base, *inner, name, before)
        case False:
            before = attribute_set_by(world, base, *inner, name, before)
            return flow.attribute_set_in(world, replace(method, owner=base), name, frame, before)
    says = f"{name} is set before and after the inherited constructor"
    return Unknown(says, Origin(name, method.module.location(call)))


def attribute_before(
    world: World, base: Instance, method: FunctionRef, frame: Frame | None, name: str, before: Value | None
) -> Value | None:
    """Return `self.name` as a method that makes the instance finds it: the constructor that it hands on to has run."""
    call = inner_call(method)
    inner = _inherited(world, base, method, frame, call) if call is not None else None
    return attribute_set_by(world, base, *inner, name, before) if inner is not None else before


def inner_call(method: FunctionRef) -> ast.Call | None:
    """Return the call of the inherited constructor, if it always runs."""
    if not isinstance(method.node, FUNCTIONS) or method.node.name not in ("__init__", "__post_init__"):
        return None
    for stmt in method.node.body:
        match stmt:
            case ast.Expr(ast.Call(ast.Attribute(receiver, name)) as call) if name == method.node.name and (
                _is_super(receiver) or isinstance(names.resolve(method.module, receiver), ClassRef)
            ):
                return call
    return None


def _is_super(receiver: ast.expr) -> bool:
    return isinstance(receiver, ast.Call) and isinstance(receiver.func, ast.Name) and receiver.func.id == "super"


def _own_comes_first(method: FunctionRef, call: ast.Call, name: str) -> bool | None:
    """Say whether a constructor sets `self.name` itself before that call; None when it does before and after."""
    scope = names.scope_for(method.module, method.node)
    body = scope.body
    at = next(number for number, stmt in enumerate(body) if isinstance(stmt, ast.Expr) and stmt.value is call)
    before = {number < at for number in scope.touching(body, f"{next(iter(scope.parameters), '')}.{name}")}
    return None if len(before) > 1 else True in before


def _inherited(
    world: World, base: Instance, method: FunctionRef, frame: Frame | None, call: ast.Call
) -> tuple[FunctionRef, Frame] | None:
    """Return the next constructor above a method's own class, and its frame in that call."""
    lineage = [each for each in objects.lineage(world, base.cls) if isinstance(each, ClassRef)]
    own = next((number for number, each in enumerate(lineage) if method.node in each.node.body), len(lineage))
    above = (FunctionRef(each.module, stmt, each.frame) for each in lineage[own + 1 :] for stmt in each.node.body
             if isinstance(stmt, FUNCTIONS) and stmt.name == method.name)  # fmt: skip
    inherited = next(above, None)
    if inherited is None:
        return None
    given = calls.waiting(world, call, method.module, frame)
    if not _is_super(call.func.value):  # type: ignore[attr-defined]
        given = replace(given, positional=given.positional[1:])
    running = calls.frame_for(world, replace(inherited, owner=base), given, call, method.module, frame)
    return (inherited, running) if running is not None else None
