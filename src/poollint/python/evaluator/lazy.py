"""Attributes that `__getattr__` gives: settings that are made when somebody first asks.

    class LazySettings:                                     def __getattr__(name):  # of a module
        def __getattr__(self, name):                            if name == "engine":
            return getattr(get_settings(), name)                    return make_engine()

Asked only where an attribute is not found otherwise. Where a class's method ends in `getattr(thing, name)`, the thing is
worked out once for all attributes. A method that is no more than one `return`, and a module's function, are followed.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import calls, expressions, objects, returns
from poollint.python.evaluator.values import Arguments, Frame, FunctionRef, Instance, Traced, Value, shortened
from poollint.python.source import names
from poollint.python.source.modules import Module

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World


def of_instance(world: World, base: Instance, name: str, node: ast.AST, module: Module) -> Value | None:
    """Return what `__getattr__` makes of an attribute, None when that is not known."""
    method = None if name.startswith("_") else objects.method_of(world, base.cls, "__getattr__")
    if method is None:
        return None
    target = _forwards_to(method)
    if target is None and not _is_plain(method):
        return None
    asked: Value = Traced(name, Origin(name)) if target is None else Unknown("the name that is asked for", Origin(name))
    bindings = calls.bound(replace(method, owner=base), Arguments((asked,)))
    rests = world.resting_on(base.rests, method.frame)
    path = shortened(f"{base.symbol}.__getattr__{'' if target else f'.{name}'}")
    frame = Frame(method.node, bindings, method.frame, path, 1, rests)
    if target is None:
        found = returns.returned(world, method, frame)
        return None if isinstance(found, Unknown) else found
    thing = expressions.evaluate(world, target, method.module, frame)
    return None if isinstance(thing, Unknown) else objects.attribute(world, thing, name, node, module, None)


def _is_plain(method: FunctionRef) -> bool:
    """Say whether a method gives one thing or fails: one that chooses would put a question for each attribute."""
    body = method.node.body if isinstance(method.node.body, list) else []
    match [stmt for stmt in body if not (isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant))]:
        case [ast.Return()] | [ast.If(body=[ast.Return()], orelse=[]), ast.Raise()]:
            return True
    return False


def _forwards_to(method: FunctionRef) -> ast.expr | None:
    """Return the thing of `return getattr(thing, name)` at a method's end."""
    parameters = [arg.arg for arg in method.node.args.args]
    match method.node.body:
        case [*_, ast.Return(ast.Call(ast.Name("getattr"), [target, ast.Name(asked), *_]))] if asked == parameters[-1]:
            return target
    return None


def of_module(world: World, module: Module, name: str) -> Value | None:
    """Return what a module's own `__getattr__(name)` gives, None when it raises."""
    function = names.member(module, "__getattr__")
    if name.startswith("__") or not isinstance(function, FunctionRef):
        return None
    asked = Traced(name, Origin(name, module.location(function.node)))
    frame = calls.frame_for(world, function, Arguments((asked,)), function.node, function.module, None)
    if frame is None:
        return None
    found = returns.returned(world, function, replace(frame, path=shortened(f"{frame.path}.{name}")))
    return None if isinstance(found, Unknown) or _is_none(found) else found


def _is_none(value: Value) -> bool:
    return isinstance(value, Known) and value.value is None
