"""Attributes that `__getattr__` gives: settings that are made when somebody first asks.

    class LazySettings:                                     def __getattr__(name):  # of a module
        def __getattr__(self, name):                            if name == "engine":
            return getattr(get_settings(), name)                    return make_engine()

Asked only where an attribute is not found otherwise. A class's method is read where it ends in `getattr(thing, name)`:
the thing is then worked out once for all attributes. A module's function is followed like any other.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python import calls, expressions, names, objects, returns
from poollint.python.modules import Module
from poollint.python.values import Arguments, Frame, FunctionRef, Instance, Traced, Value, shortened

if TYPE_CHECKING:
    from poollint.python.evaluate import World


def of_instance(world: World, base: Instance, name: str, node: ast.AST, module: Module) -> Value | None:
    """Return an attribute of what the instance forwards to, None when it forwards nothing."""
    method = None if name.startswith("_") else objects.method_of(world, base.cls, "__getattr__")
    target = _forwards_to(method) if method else None
    if method is None or target is None:
        return None
    asked = Arguments((Unknown("the name that is asked for", Origin(name)),))
    bindings = calls.bound(replace(method, owner=base), asked)
    rests = world.resting_on(base.rests, method.frame)
    frame = Frame(method.node, bindings, method.frame, shortened(f"{base.symbol}.__getattr__"), 1, rests)
    thing = expressions.evaluate(world, target, method.module, frame)
    return None if isinstance(thing, Unknown) else objects.attribute(world, thing, name, node, module, None)


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
