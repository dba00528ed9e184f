"""Functions under decorators of the project: those that only wrap a function leave its value alone, others are followed."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from poollint.facts import Known
from poollint.python import calls, expressions, names
from poollint.python.modules import Module
from poollint.python.scopes import FUNCTIONS, child_statements
from poollint.python.values import Arguments, ClassRef, Frame, FunctionRef, Instance, Partial, Value

if TYPE_CHECKING:
    from poollint.python.evaluate import World


def made_of(world: World, function: FunctionRef, module: Module, frame: Frame | None) -> Value:
    """Return what a name holds after `@decorator def name(): ...`."""
    value: Value = function
    for decorator in reversed(function.node.decorator_list):  # type: ignore[union-attr]
        target = names.resolve(module, decorator.func if isinstance(decorator, ast.Call) else decorator)
        if isinstance(target, ClassRef) or isinstance(target, FunctionRef) and not _hands_on(target.node):
            call = ast.copy_location(ast.Call(decorator, [], []), decorator)
            found = calls.call(
                world, expressions.evaluate(world, decorator, module, frame), Arguments((value,)), call, module, frame
            )
            # What cannot be followed is taken for a wrapper that changes nothing: most are.
            value = found if isinstance(found, (FunctionRef, Partial, Instance, Known)) else value
    return value


def _hands_on(decorator: ast.AST) -> bool:
    """Say whether what a decorator returns gives what the decorated function gives, or the decorator returns it itself."""
    inner, function = [], decorator
    while isinstance(function, FUNCTIONS):  # `def decorator(option): def inner(f): def wrapper(): ...`
        inner.append(function)
        function = next((stmt for stmt in function.body if isinstance(stmt, FUNCTIONS)), None)  # type: ignore[assignment]
    given = {arg.arg for each in inner for arg in each.args.args}
    wrapper = inner[-1] if inner else None
    if wrapper is None:
        return True
    held = set(given) if len(inner) == 1 else set()
    todo: list[ast.stmt] = list(wrapper.body)
    returned: list[ast.expr | None] = []
    while todo:
        stmt = todo.pop(0)
        match stmt:
            case ast.Return(value=value):
                returned.append(value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_call_of(value, given):
                held.add(name)
            case ast.Assign(targets=targets):
                held -= {target.id for target in targets if isinstance(target, ast.Name)}
        todo = [*child_statements(stmt), *todo] if not isinstance(stmt, FUNCTIONS) else todo
    return all(getattr(value, "id", "") in held or _is_call_of(value, given) for value in returned if value is not None)


def _is_call_of(value: ast.expr | None, given: set[str]) -> bool:
    value = value.value if isinstance(value, ast.Await) else value
    return isinstance(value, ast.Call) and getattr(value.func, "id", "") in given
