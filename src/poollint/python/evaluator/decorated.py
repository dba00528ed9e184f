"""What decorators make of functions, classes and attributes.

    functions   decorators of the project that only wrap a function leave its value alone, others are followed
    classes     what a decorator of the project sets in a class is not known
    properties  what is assigned through a setter is not known
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import calls, expressions, objects
from poollint.python.evaluator.values import Arguments, ClassRef, Frame, FunctionRef, Instance, LibraryRef, Partial, Value
from poollint.python.source import names
from poollint.python.source.modules import Module, Modules
from poollint.python.source.scopes import FUNCTIONS, MUTATORS, child_statements, walk

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World


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
        elif isinstance(target, LibraryRef) and target.name == "functools.singledispatch":
            value = Unknown(f"the type of what is passed decides what {function.name}() does", Origin(function.name))
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
    if len(inner) > 1 and _changes_what_it_passes(wrapper):
        return False
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


def _changes_what_it_passes(wrapper: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether a wrapper changes its arguments, or what a call gives it, in place: `kwargs["size"] = 9`."""
    args = wrapper.args
    own = {each.arg for each in (*args.args, args.vararg, args.kwarg) if each is not None} | set(_results(wrapper))
    for node in walk(wrapper):
        match node:
            case ast.Subscript(value=ast.Name(name), ctx=ast.Store()) if name in own:
                return True
            case ast.Call(ast.Attribute(ast.Name(name), method)) if name in own and method in MUTATORS:
                return True
    return False


def _results(wrapper: ast.AST) -> Iterator[str]:
    """Yield the names that a function gives to what a call returns."""
    for node in walk(wrapper):
        if isinstance(node, ast.Assign) and isinstance(node.value, (ast.Call, ast.Await)):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _is_call_of(value: ast.expr | None, given: set[str]) -> bool:
    value = value.value if isinstance(value, ast.Await) else value
    return isinstance(value, ast.Call) and getattr(value.func, "id", "") in given


def set_in_class(cls: ClassRef, name: str) -> Unknown | None:
    """Return what is left of a class's attribute that a decorator of the class sets, None where none does."""
    for decorator in cls.node.decorator_list:
        target = names.resolve(cls.module, decorator.func if isinstance(decorator, ast.Call) else decorator)
        if isinstance(target, FunctionRef) and any(_may_set(node, name) for node in walk(target.node)):
            return Unknown(f"{name} is set by @{target.name}", Origin(name, cls.module.location(decorator)))
    return None


def _may_set(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Attribute(attr=attribute, ctx=ast.Store()):
            return attribute == name
        case ast.Subscript(value=ast.Attribute(attr=attribute), ctx=ast.Store()):
            return attribute == name
        case ast.Call(ast.Attribute(ast.Attribute(attr=attribute), method)) if method in MUTATORS:
            return attribute == name
        case ast.Call(func=ast.Name("setattr")) | ast.ClassDef():
            return True
    return False


_SETTER = re.compile(rb"@(\w{1,80})\.setter\b")


class _Setters:
    """The names of properties that something sets, anywhere in a project."""

    def __init__(self, modules: Modules) -> None:
        contents = (modules.tree.bytes(path) or b"" for path in modules.containing(b".setter"))
        self.names = frozenset(found[1].decode() for content in contents for found in _SETTER.finditer(content))


def through_setter(world: World, target: ast.expr, module: Module, frame: Frame | None) -> Unknown | None:
    """Return what is known of an attribute after it is assigned through a property, None where there is none."""
    if not isinstance(target, ast.Attribute) or target.attr not in world.modules.shared(_Setters).names:
        return None
    base = expressions.evaluate(world, target.value, module, frame)
    if not isinstance(base, Instance) or objects.method_of(world, base.cls, target.attr) is None:
        return None
    return Unknown(f"{target.attr} is set through a property, and what its setter does is not followed", Origin(target.attr, module.location(target)))
