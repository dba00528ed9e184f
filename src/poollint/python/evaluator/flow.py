"""What a name holds at a place: set here, changed here, or set by functions elsewhere."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeGuard

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import branching, calls, containers, expressions, fills, objects, outside, settings, slices
from poollint.python.evaluator.memo import NOTHING
from poollint.python.evaluator.values import Frame, FunctionRef, Holder, Instance, Open, Value, origin_of, variables_of
from poollint.python.source import names, sharing
from poollint.python.source.modules import Module
from poollint.python.source.scopes import COMPREHENSIONS, FUNCTIONS, Scope, dotted

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World


NOT_SET = "is not set before it is used"


def is_unset(value: Value) -> bool:
    """Say whether no statement that this world runs gives the name a value."""
    return isinstance(value, Unknown) and value.reason.endswith(NOT_SET)


def name_in(
    world: World,
    scope: Scope,
    name: str,
    here: ast.AST | None,
    module: Module,
    running: Frame | None,
    frame: Frame | None,
    writer: ast.AST | None = None,
) -> Value:
    """Return what a name of a scope holds before the statement `here`, or in the end when `here` is None.

    writer  a function that will set it and asks before: the first time it runs, it has not
    """
    if isinstance(scope.node, COMPREHENSIONS):
        return _turn_of(world, scope, name, module, running)
    if scope.stars and (starred := expressions.starred_later(world, scope, name, here, module)) is not None:
        return starred
    at = slices.statement_of(module, scope, here) if here is not None else None
    call = running or frame
    key = ("name", scope.node, name, at, call.path if call else "", writer)

    def compute() -> Value:
        return _named(world, found(), scope, name, at, module, call)

    def found() -> Value:
        initial = _initial(world, scope, name, module, running)
        value = slices.Slice(world, module, scope, name, running or frame, at, initial).result()
        if value is None or _is_none(value):
            value = _set_elsewhere(world, scope, name, module, writer) or value
        elif rebinding := _rebound(world, scope, name, module, at, value):
            return Unknown(f"{name} is also set in {rebinding}()", origin_of(value))
        if value is None and scope.stars:
            return Unknown(f"{name} may come from an import of *", place())
        if value is None:
            return Unknown(f"{name} {NOT_SET}", place())
        return value

    def place() -> Origin:
        return Origin(name, module.location(here or scope.node))

    value = world.once(key, compute, place, call.rests if call else NOTHING)
    if isinstance(scope.node, ast.Module) and (line := outside.rewritten(module, name, at)):
        return Unknown(f"{name} may be set through globals() or the like in line {line}", origin_of(value))
    return value


def _named(
    world: World,
    value: Value,
    scope: Scope,
    name: str,
    at: ast.AST | None,
    module: Module,
    call: Frame | None,
) -> Value:
    """Return a value that nobody knows under the name that holds it: what one test of `url` says, the next knows, too.

    A name that is bound several times holds one thing between two bindings, but not in a loop that binds it.
    """
    if not _is_nameless(value) or is_unset(value):
        return value
    lines = [getattr(node, "lineno", 0) for node in scope.binds.get(name, ())]
    number = len(lines)
    if at is not None and number + (name in scope.parameters) > 1:
        if any(_binds_in_loop(around, lines) for around in (at, *module.ancestors(at))):
            return value
        number = sum(line < getattr(at, "lineno", 0) for line in lines)
    return _under_name(world, value, scope, name, module, call, number)


def _binds_in_loop(node: ast.AST, lines: list[int]) -> bool:
    is_loop = isinstance(node, (ast.For, ast.AsyncFor, ast.While))
    return is_loop and any(node.lineno <= line <= (node.end_lineno or 0) for line in lines)  # type: ignore[attr-defined]


def _under_name(
    world: World, value: Value, scope: Scope, name: str, module: Module, call: Frame | None, number: int = 0
) -> Value:
    """Return an unknown value with a symbol: scope, name, and after how many of its bindings."""
    if not _is_nameless(value):
        return value
    symbol = f"name:{module.path}:{getattr(scope.node, 'lineno', 0)}:{name}@{number}{call.path if call else ''}"
    if isinstance(value, Open):
        return world.taught(replace(value, symbol=symbol))
    return world.unknown(value.reason, value.origin, symbol)


def _is_nameless(value: Value) -> TypeGuard[Unknown]:
    """Say whether nothing is known of a value, not even that it is the same as another one."""
    return type(value) is Unknown or isinstance(value, Open) and not value.symbol


def _is_none(value: Value) -> bool:
    return isinstance(value, Known) and value.value is None and not variables_of(value)


def _initial(
    world: World, scope: Scope, name: str, module: Module, running: Frame | None
) -> Callable[[], Value | None]:
    def initial() -> Value | None:
        if running is not None and name in running.bindings:
            return world.pending(running.bindings[name])
        if name in scope.parameters:
            return _under_name(world, calls.parameter(world, scope, name, module), scope, name, module, running)
        return None

    return initial


def _turn_of(world: World, scope: Scope, name: str, module: Module, running: Frame | None) -> Value:
    if running is not None and name in running.bindings:
        return world.pending(running.bindings[name])

    def compute() -> Value:
        for generator in scope.node.generators:  # type: ignore[attr-defined]
            items = containers.items_of(world, expressions.evaluate(world, generator.iter, module, None))
            item = branching.one_of(world, items, generator.iter, module, "") if items else None
            if item is not None and name in (bound := branching.unpacked(generator.target, item)):
                return bound[name]
        return Unknown(f"{name} is one of several", place())

    def place() -> Origin:
        return Origin(name, module.location(scope.node))

    return world.once(("turn", scope.node, name), compute, place)


def _set_elsewhere(
    world: World, scope: Scope, name: str, module: Module, writer: ast.AST | None
) -> Value | None:
    """Return what functions with `global name` set it to: `_engine = None` at the top is only its absence."""
    if not isinstance(scope.node, ast.Module):
        return None
    found: Value | None = None
    for function in module.writers_of(name):
        if function is writer:
            continue
        inner = names.scope_for(module, function)
        value = slices.Slice(world, module, inner, name, None, None, lambda: None).result()
        if value is None or _is_none(value):
            continue
        if found is not None and found != value:
            return Unknown(f"{name} is set in several functions", origin_of(value))
        found = value
    return found


def _rebound(
    world: World, scope: Scope, name: str, module: Module, at: ast.AST | None, value: Value
) -> str | None:
    """Return the function inside a scope that gives its name another value, before the place that asks; a flag is as
    it begins."""
    if isinstance(value, Known) and isinstance(value.value, bool):
        return None
    for function in fills.rebinders(module, scope, name, getattr(at, "lineno", sys.maxsize)):
        inner = names.scope_for(module, function)
        other = slices.Slice(world, module, inner, name, None, None, lambda: None).result()
        if other is not None and other != value and not _is_none(other):
            return function.name
    return None


def global_here(
    world: World, scope: Scope, name: str, here: ast.AST | None, module: Module, running: Frame | None
) -> Value | None:
    """Return what this function has set its `global name` to before this place, None when it has not."""
    at = slices.statement_of(module, scope, here) if here is not None else None
    if not any(name in scope.touches.get(stmt, ()) for stmt in scope.body):
        return None
    return slices.Slice(world, module, scope, name, running, at, lambda: None).result()


def changed_in(
    world: World,
    scope: Scope,
    name: str,
    here: ast.AST,
    module: Module,
    frame: Frame | None,
    outer: Callable[[], Value],
) -> Value:
    """Return what a scope makes of a name that it changes but does not bind."""
    at = slices.statement_of(module, scope, here)
    key = ("changed", scope.node, name, at, frame.path if frame else "")

    def compute() -> Value:
        return slices.Slice(world, module, scope, name, frame, at, outer).result() or Unknown(f"{name} is not set", place())

    def place() -> Origin:
        return Origin(name, module.location(here))

    return world.once(key, compute, place, frame.rests if frame else NOTHING)


def is_touched(module: Module, node: ast.Attribute) -> bool:
    """Say whether the scope of a place itself sets `self.options` or `app.config`, or may change what it holds."""
    name = dotted(node)
    if name is None or isinstance(node.value, ast.Subscript):
        return False
    scope = names.scope_at(module, node)
    return name in scope.touched or sharing.is_changed(scope, name)


def dotted_name(world: World, node: ast.Attribute, module: Module, frame: Frame | None) -> Value:
    """Return what `self.options` is where the scope itself touches it."""
    name = dotted(node) or ""
    scope = names.scope_at(module, node)
    running = frame if frame is not None and frame.scope is scope.node else None
    at = slices.statement_of(module, scope, node)

    base = partial(expressions.evaluate, world, node.value, module, frame)
    if isinstance(made := base(), Instance) and objects.makes_afresh(world, made, node.attr):
        return objects.attribute(world, made, node.attr, node, module, frame)

    def initial() -> Value | None:
        untouched = _untouched(base(), scope) if name in scope.touched else base()
        found = objects.attribute(world, untouched, node.attr, node, module, frame)
        return None if isinstance(found, Unknown) and not isinstance(found, Open) else found

    found = slices.Slice(world, module, scope, name, running or frame, at, initial, needs_touch=True).result()
    if isinstance(found, Known) and isinstance(found.value, str) and isinstance(made, Instance):
        found = settings.assigned_to(world, made, objects.lineage(world, made.cls), node.attr, found)
    found = found if found is not None else initial()
    return found if found is not None else objects.attribute(world, base(), node.attr, node, module, frame)


def _untouched(base: Value, scope: Scope) -> Value:
    """Return an instance as it was made: what its own scope sets on it later is read statement by statement."""
    is_held = isinstance(base, Instance) and base.holder is not None and base.holder.scope is scope
    return replace(base, holder=None) if is_held else base  # type: ignore[type-var]


def attribute_set_in(
    world: World, function: FunctionRef, name: str, frame: Frame | None, before: Value | None = None
) -> Value | None:
    """Return what a method has set `self.name` to when it is done, `before` when it does not touch it."""
    own = _touched(function, name)
    if own is None:
        return before
    scope = names.scope_for(function.module, function.node)
    return slices.Slice(world, function.module, scope, own, frame, None, lambda: before).result()


def touches(function: FunctionRef, name: str) -> bool:
    """Say whether a method has a statement about `self.name`."""
    return _touched(function, name) is not None


def _touched(function: FunctionRef, name: str) -> str | None:
    if not isinstance(function.node, FUNCTIONS) or not function.node.args.args and not function.node.args.posonlyargs:
        return None
    scope = names.scope_for(function.module, function.node)
    own = f"{next(iter(scope.parameters))}.{name}"
    return own if own in scope.touched else None


def set_through(world: World, holder: Holder, name: str, before: Value | None) -> Value | None:
    """Return what the scope that made an instance has set its attribute to when it is done, `before` when nothing."""
    target = f"{holder.name}.{name}"
    if target not in holder.scope.touched:
        return before
    return slices.Slice(world, holder.module, holder.scope, target, holder.frame, None, lambda: before).result()
