"""What a function of the project sets in the dicts it is given: `def fill(options): options["pool_size"] = 3`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import partial

from poollint.python.evaluator.values import ClassRef, FunctionRef
from poollint.python.source import names, sharing
from poollint.python.source.modules import Module
from poollint.python.source.scopes import FUNCTIONS, MUTATORS, Scope, dotted
from poollint.python.source.sharing import ANY, Path

_SETTING = frozenset({"operator.setitem", "operator.delitem", "operator.ior"})  # they change what they are given first

Function = ast.FunctionDef | ast.AsyncFunctionDef


def filled(
    module: Module, call: ast.Call, name: str, function: FunctionRef | None = None
) -> Iterator[Path]:
    """Yield the keys, from the name on, that lead to what a call sets in the objects of a name that it is given."""
    function = function or called(module, call)
    if function is None:
        most = len(call.args) if _is_chosen_elsewhere(module, call.func) else module.qualified(call.func) in _SETTING
        yield from ((*sharing.path_of(each), ANY) for each in call.args[:most] if dotted(each) == name)
        return
    for parameter, inside, at in _given(function, call, name):
        for path in _set_in(function, parameter):
            if rest := sharing.after(path, inside):
                yield (*at, *rest)


def _is_chosen_elsewhere(module: Module, function: ast.expr) -> bool:
    """Say whether what is called was handed over or looked up: `for hook in hooks: hook(options)`. It may do anything."""
    if isinstance(function, ast.Subscript):
        return True
    if not isinstance(function, ast.Name):
        return False
    scope = names.scope_at(module, function)
    if isinstance(module.parent(scope.node), ast.ClassDef) and function.id == next(iter(scope.parameters), None):
        return False  # `cls(options)`
    bound = scope.binds.get(function.id, ())
    return function.id in scope.parameters or any(isinstance(each, (ast.For, ast.AsyncFor)) for each in bound)


def _filled_by(module: Module, name: str, call: ast.Call) -> tuple[Path, ...]:
    return tuple(filled(module, call, name))


def runs_own(module: Module, call: ast.Call) -> bool:
    """Say whether a call runs a function of the project."""
    return isinstance(names.resolve(module, call.func), FunctionRef)


def called(module: Module, call: ast.Call) -> FunctionRef | None:
    """Return the function that a call runs: a function, a lambda that a name holds, the file's method of that name."""
    function = names.resolve(module, call.func)
    if isinstance(function, FunctionRef):
        return function
    if isinstance(function, ClassRef):
        own = (stmt for stmt in function.node.body if isinstance(stmt, FUNCTIONS) and stmt.name == "__init__")
        return next((FunctionRef(function.module, stmt) for stmt in own), None)
    if isinstance(call.func, ast.Name):
        for stmt in module.scope.binds.get(call.func.id, ()):
            if isinstance(stmt, ast.Assign) and isinstance(stmt.value, ast.Lambda):
                return FunctionRef(module, stmt.value)
    if function is None and isinstance(call.func, ast.Attribute) and not _is_super(call.func.value):
        classes = (cls for cls in module.scope.inner if isinstance(cls, ast.ClassDef))
        methods = (stmt for cls in classes for stmt in cls.body if isinstance(stmt, FUNCTIONS))
        return next((FunctionRef(module, stmt) for stmt in methods if stmt.name == call.func.attr), None)
    return None


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "super"


def _given(function: FunctionRef, call: ast.Call, name: str) -> Iterator[tuple[str, Path, Path]]:
    """Yield (parameter, inside, at): what the parameter holds under `inside` is what the name holds under `at`."""
    args = function.node.args
    positional = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    if positional[:1] in (["self"], ["cls"]):
        del positional[0]
    for number, argument in enumerate(call.args):
        if isinstance(argument, ast.Starred):
            if dotted(argument.value) == name:
                at = (*sharing.path_of(argument.value), ANY)
                yield from ((parameter, (), at) for parameter in positional[number:])
                yield (args.vararg.arg, (ANY,), at) if args.vararg else ("", (), at)
        elif (at := _within(argument, name)) is not None:
            if number < len(positional):
                yield positional[number], (), at
            elif args.vararg:
                yield args.vararg.arg, (number - len(positional),), at
    own = {*positional, *(arg.arg for arg in args.kwonlyargs)}
    for keyword in call.keywords:
        if (at := _within(keyword.value, name)) is not None:
            if keyword.arg in own:
                yield str(keyword.arg), (), at
            elif keyword.arg is None:
                yield from ((parameter, (), (*at, parameter)) for parameter in sorted(own))
                yield (args.kwarg.arg, (ANY,), (*at, ANY)) if args.kwarg else ("", (), at)
            elif args.kwarg:
                yield args.kwarg.arg, (keyword.arg,), at


def _within(argument: ast.expr, name: str) -> Path | None:
    """Return the keys to what is passed of what a name holds: of it, an item of it, or `options.setdefault("pool", {})`."""
    if not isinstance(argument, ast.Call):
        return sharing.path_of(argument) if dotted(argument) == name else None
    held = (there for path, other, there, call in sharing.held(argument) if other == name and not path and call is None)
    return next(held, None)


def _set_in(function: FunctionRef, parameter: str) -> Iterator[Path]:
    """Yield the keys that lead to what a function sets in what a parameter holds."""
    if isinstance(function.node, ast.Lambda):
        for node in ast.walk(function.node.body):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MUTATORS:
                if dotted(node.func.value) == parameter:
                    yield from ((*sharing.path_of(node.func.value), key) for key in sharing.keys_set(node, node.func.attr))
        return
    scope = names.scope_for(function.module, function.node)
    yield from set_in(function.module, scope, parameter)
    yield from _set_in_kept(function, scope, parameter)


def _set_in_kept(function: FunctionRef, scope: Scope, parameter: str) -> Iterator[Path]:
    """Yield what the methods of a class set in what its constructor keeps of a parameter: `self.options = options`."""
    module, cls = function.module, function.module.parent(function.node)
    if getattr(function.node, "name", "") != "__init__" or not isinstance(cls, ast.ClassDef):
        return
    begin = f"{next(iter(scope.parameters))}."
    for link in scope.links.get(parameter, ()):
        for method in cls.body if link.other.startswith(begin) else ():
            if isinstance(method, FUNCTIONS) and method is not function.node:
                own = names.scope_for(module, method)
                name = f"{next(iter(own.parameters), '')}.{link.other.removeprefix(begin)}"
                for path in set_in(module, own, name):
                    if rest := sharing.after(path, link.there):
                        yield (*link.path, *rest)


def set_in(module: Module, scope: Scope, name: str) -> tuple[Path, ...]:
    """Return the keys that lead to what code of a scope sets in what a name of it holds; worked out once."""
    key = scope.node, name
    if key not in module.filled:
        module.filled[key] = ()  # what functions that call each other set is what one of them sets itself
        module.filled[key] = set_after(module, scope, name, -1)
    return module.filled[key]


def set_after(module: Module, scope: Scope, name: str, line: int) -> tuple[Path, ...]:
    """Return the keys that lead to what code of a scope sets after a line in what a name of it holds."""
    fill, is_own = partial(_filled_by, module), partial(runs_own, module)
    every = sharing.changes(scope, name, sys.maxsize, fill, is_own, and_own=True, since=line)
    return tuple(dict.fromkeys(found.part for found in every))


def set_by_inner(module: Module, scope: Scope, name: str, before: float) -> Iterator[tuple[str, Path]]:
    """Yield what functions inside a scope set in a name of it: the function, and the keys that lead to what it sets.

    before  only functions that the scope itself calls before this line count; sys.maxsize: all of them, whoever calls
    """
    for inner in scope.inner:
        if not isinstance(inner, FUNCTIONS):
            continue
        own = names.scope_for(module, inner)
        for parameter in _by_default(inner, name):
            # One that the function binds anew mostly holds a copy: `options = dict(options)`.
            if parameter not in own.binds and (before == sys.maxsize or _is_mentioned(module, inner, before)):
                yield from ((inner.name, part) for part in set_in(module, own, parameter))
        changing = [each for each in _with_inner(module, own, name) if name in each.changes or name in each.links]
        if changing and (before == sys.maxsize or _is_mentioned(module, inner, before)):
            yield from ((inner.name, part) for each in changing for part in set_in(module, each, name))


def _with_inner(module: Module, scope: Scope, name: str) -> Iterator[Scope]:
    """Yield a function's scope and those of functions inside it, as far as a name of none of them hides the one outside."""
    todo = [scope]
    while todo:
        each = todo.pop()
        if name not in each.binds and name not in each.parameters:
            yield each
            todo += [names.scope_for(module, inner) for inner in each.inner if isinstance(inner, FUNCTIONS)]


def _by_default(function: Function, name: str) -> Iterator[str]:
    """Yield the parameters that hold what a name holds unless something is passed: `def make(options=OPTIONS)`."""
    args = function.args
    positional = [*args.posonlyargs, *args.args]
    pairs = [*zip(reversed(positional), reversed(args.defaults)), *zip(args.kwonlyargs, args.kw_defaults)]
    yield from (arg.arg for arg, default in pairs if isinstance(default, ast.Name) and default.id == name)


def _is_mentioned(module: Module, function: Function, before: float) -> bool:
    """Say whether a function may run before a line: it is called or handed on there."""
    own = range(function.lineno, (function.end_lineno or function.lineno) + 1)
    return any(node.lineno < before and node.lineno not in own for node in module.loads(function.name))


def rebinders(module: Module, scope: Scope, name: str, before: float) -> Iterator[Function]:
    """Yield the functions inside a scope that set a name of it through `global` or `nonlocal`; see `set_by_inner`."""
    inner = module.writers_of(name) if scope.node is module.tree else scope.inner
    for node in inner:
        if isinstance(node, FUNCTIONS) and name in (own := names.scope_for(module, node)).globals | own.nonlocals:
            if before == sys.maxsize or is_called(module, node, scope, before):
                yield node


def is_called(module: Module, function: Function, scope: Scope, before: float) -> bool:
    """Say whether a scope itself calls a function by its name before a line."""
    calls = module.calls_of(function.name)
    return any(call.lineno < before and names.scope_at(module, call) is scope for call in calls)
