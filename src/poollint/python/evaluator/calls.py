"""Calling things: arguments, functions and classes of the project, parameters by their callers.

What library functions return is in `libraries`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from types import NoneType
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python import libraries
from poollint.python.evaluator import branching, containers, expressions, fills, objects, results, returns, settings, text
from poollint.python.evaluator.memo import HOPS, NOTHING, Rests
from poollint.python.evaluator.values import (
    Arguments,
    ClassRef,
    Frame,
    FunctionRef,
    Instance,
    LibraryObject,
    LibraryRef,
    Listing,
    Member,
    Open,
    Partial,
    Pending,
    Table,
    Text,
    Url,
    Value,
    reason_of,
    shortened,
    symbol_of,
    unknown_as,
    unsettled,
    variables_of,
)
from poollint.python.libraries import pyramid_functions
from poollint.python.source import names, sharing
from poollint.python.source.modules import Module
from poollint.python.source.scopes import FUNCTIONS, Scope, default_of, dotted, parameters_of

if TYPE_CHECKING:
    from poollint.python.evaluator.callers import Calls
    from poollint.python.evaluator.evaluate import World

DEEPEST_CALLS = 14
MOST_CALLERS = 16  # as many as there are alternatives
MOST_HOPS = 3  # callers of callers
CALLER = "caller"  # the first word of the question which one of several callers passes it


def evaluate_call(world: World, node: ast.Call, module: Module, frame: Frame | None) -> Value:
    """Return what a call expression gives."""
    origin = Origin("", module.location(node))
    if isinstance(node.func, ast.Attribute):
        found = _method(world, node, node.func, module, frame)
        if found is not None:
            return found
    if isinstance(node.func, ast.Name) and node.func.id == "super" and len(node.args) in (0, 2):
        return objects.super_of(world, node, module, frame)
    function = expressions.evaluate(world, node.func, module, frame)
    if isinstance(function, Unknown) and not isinstance(function, Open):
        return unknown_as(function, origin)
    can_wait = not world.turns and _asks_when_read(world, function)
    parts = _changed_later(node, module) if isinstance(function, ClassRef) else {}
    given = waiting(world, node, module, frame) if can_wait and not parts else arguments(world, node, module, frame)
    return call(world, function, _as_left(given, parts), node, module, frame)


def _changed_later(node: ast.Call, module: Module) -> dict[int | str, list[sharing.Path]]:
    """Return what is changed after a call in the dicts that it passes to a class, which may keep them: position or name → keys."""
    scope, end = names.scope_at(module, node), node.end_lineno or node.lineno
    passed: list[tuple[int | str, ast.expr]] = [*enumerate(node.args), *((k.arg, k.value) for k in node.keywords if k.arg)]
    found: dict[int | str, list[sharing.Path]] = {}
    for place, argument in passed:
        name = dotted(argument) if isinstance(argument, (ast.Name, ast.Attribute)) else None
        if name is not None and sharing.is_changed(scope, name):
            if parts := list(fills.set_after(module, scope, name, end)):
                found[place] = parts
    return found


def _as_left(given: Arguments, parts: Mapping[int | str, list[sharing.Path]]) -> Arguments:
    """Return what is passed with what is changed later in it unknown."""
    if not parts:
        return given

    def left(place: int | str, value: Value | Pending) -> Value | Pending:
        for part in parts.get(place, ()) if isinstance(value, (Table, Listing)) else ():
            value = containers.spoiled(value, part, "it is changed after it is passed") or value  # type: ignore[arg-type]
        return value

    positional = tuple(left(number, value) for number, value in enumerate(given.positional))
    return replace(given, positional=positional, keywords={name: left(name, value) for name, value in given.keywords.items()})


def _asks_when_read(world: World, function: Value) -> bool:
    """Say whether a call only binds its arguments to parameters: each is worked out when a parameter is read."""
    is_class = isinstance(function, ClassRef)
    return isinstance(function, FunctionRef) or is_class and objects.is_made_by_init(world, function)


def _method(world: World, node: ast.Call, func: ast.Attribute, module: Module, frame: Frame | None) -> Value | None:
    """Return what a method of a plain value gives; None when the receiver is a thing with methods of its own."""
    # A module or class is looked up without evaluating: `os.getenv(...)` is by far the most frequent case.
    found = names.resolve(module, func)
    if found is not None and not (isinstance(found, LibraryRef) and found.name.startswith("os.environ.")):
        return None
    base = expressions.evaluate(world, func.value, module, frame)
    origin = expressions.origin_at(module, node)
    if isinstance(base, Member) and objects.method_of(world, base.cls, func.attr) is not None:
        return None
    if isinstance(base, Known) and not isinstance(base.value, str):
        return unsettled(f"{base.value!r}.{func.attr}()", base, origin=origin)
    if isinstance(base, Url) and base.is_object:
        return libraries.call_method(world, base, "sqlalchemy.engine.URL", func.attr, node, module, frame)
    if isinstance(base, (Known, Text, Url)) or (isinstance(base, Unknown) and symbol_of(base)):
        if func.attr in libraries.PASSED_THROUGH:
            return base
        return text.method(world, base, func.attr, arguments(world, node, module, frame), origin)
    if isinstance(base, Instance) and func.attr == "get" and node.args and objects.is_plain_settings(world, base):
        # `values.get("HOST")` in a validator
        return objects.field_or_default(world, base, arguments(world, node, module, frame), origin, node, module)
    if isinstance(base, Instance) and func.attr in objects.DUMPS and objects.is_dumped(world, base, func.attr):
        return settings.as_dict(world, base, arguments(world, node, module, frame), node, module)
    if isinstance(base, Instance) and func.attr in settings.COPIES and objects.is_dumped(world, base, func.attr):
        given = arguments(world, node, module, frame)
        changed = Table(dict(given.keywords), origin) if func.attr == "_replace" else given.get("update")
        if changed is None or isinstance(changed, Table) and changed.complete:
            return settings.copied(world, base, changed.entries if changed else {}, node, module)
    if isinstance(base, (Table, Listing)):
        return containers.container_method(world, base, func.attr, arguments(world, node, module, frame), origin)
    return None


def arguments(world: World, node: ast.Call, module: Module, frame: Frame | None) -> Arguments:
    """Return what a call passes, spreads unpacked."""
    outer = world.apart(frame.rests if frame else NOTHING)
    try:
        given = _arguments(world, node, module, frame)
    finally:
        rests = world.together(outer)
    return replace(given, rests=rests)


def waiting(world: World, node: ast.Call, module: Module, frame: Frame | None) -> Arguments:
    """Return what a call passes, each argument to be worked out when somebody asks; what is spread is at once."""
    if any(isinstance(each, ast.Starred) for each in node.args) or any(k.arg is None for k in node.keywords):
        return arguments(world, node, module, frame)
    positional = tuple(Pending(argument, module, frame) for argument in node.args)
    keywords = {keyword.arg: Pending(keyword.value, module, frame) for keyword in node.keywords if keyword.arg}
    return Arguments(positional, keywords, rests=NOTHING)


def _arguments(world: World, node: ast.Call, module: Module, frame: Frame | None) -> Arguments:
    positional: list[Value] = []
    keywords: dict[str, Value] = {}
    reason = ""
    for argument in node.args:
        world.refuel()
        if isinstance(argument, ast.Starred):
            inner = containers.items_of(world, expressions.evaluate(world, argument.value, module, frame))
            reason = reason or ("" if inner is not None else f"*{module.source(argument.value, 30)} could not be read")
            positional.extend(inner or ())
        else:
            positional.append(expressions.evaluate(world, argument, module, frame))
    for keyword in node.keywords:
        world.refuel()
        value = expressions.evaluate(world, keyword.value, module, frame)
        if keyword.arg is not None:
            keywords[keyword.arg] = value
            continue
        table = containers.as_table(world, value)
        if isinstance(table, Table):
            keywords.update({key: entry for key, entry in table.entries.items() if isinstance(key, str)})
        if not isinstance(table, Table) or not table.complete:
            reason = (
                reason
                or (table.reason if isinstance(table, Table) else reason_of(table))
                or "a spread could not be read"
            )
    return Arguments(tuple(positional), keywords, not reason, reason)


def call(world: World, function: Value, given: Arguments, node: ast.Call, module: Module, frame: Frame | None) -> Value:
    """Return what calling a value gives."""
    origin = Origin("", module.location(node))
    match function:
        case FunctionRef():
            running = frame_for(world, function, given, node, module, frame)
            if running is None:
                return Unknown("calls nested too deeply", origin)
            return results.as_left(world, function, returns.returned(world, function, running))
        case ClassRef():
            return objects.made(world, function, given, node, module, frame)
        case Partial(function=inner, arguments=first):
            keywords = {**first.keywords, **given.keywords}
            joined = Arguments((*first.positional, *given.positional), keywords, first.complete and given.complete)
            return call(world, inner, joined, node, module, frame)
        case LibraryRef():
            return libraries.call(world, function, given, node, module, frame)
        case LibraryObject(name=name):
            return libraries.call(
                world, LibraryRef(f"{name}.__call__", function.origin, function), given, node, module, frame
            )
        case Instance():
            method = objects.attribute(world, function, "__call__", node.func, module, frame)
            if isinstance(method, FunctionRef):
                return call(world, method, given, node, module, frame)
    return unknown_as(function, origin)


def frame_for(
    world: World, function: FunctionRef, given: Arguments, node: ast.AST, module: Module, frame: Frame | None
) -> Frame | None:
    """Return the frame of a call with these arguments; None when calls nest too deeply."""
    depth = (frame.depth if frame else 0) + 1
    if depth > DEEPEST_CALLS:
        return None
    owner = symbol_of(function.owner) if function.owner is not None else ""
    place = f"{module.path}:{getattr(node, 'lineno', 0)}:{getattr(node, 'col_offset', 0)}"
    rests = _rests_of_call(world, function, given)
    turns = [turn.number for loop, turn in world.turns.items() if loop in rests.moments]
    path = f"{frame.path if frame else ''}>{place}{turns or ''}{'@' + owner if owner else ''}"
    return Frame(function.node, bound(function, given), function.frame, shortened(path), depth, rests)


def _rests_of_call(world: World, function: FunctionRef, given: Arguments) -> Rests:
    """Return what the parameters of a call rest on, and what its function closes over."""
    owner = function.owner.frame if isinstance(function.owner, ClassRef) else function.owner
    if given.rests is None or not isinstance(owner, (Frame, Instance, NoneType)):
        return world.resting_on(world.rests.so_far(), function.frame)
    return world.resting_on(given.rests, function.frame, owner)


def bound(function: FunctionRef, given: Arguments) -> Mapping[str, Value | Pending]:
    """Return what each parameter holds in a call."""
    args = function.node.args
    positional = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    passed = ((function.owner,) if function.owner is not None else ()) + given.positional
    origin = Origin(function.name, function.module.location(function.node))
    found: dict[str, Value | Pending] = dict(zip(positional, passed))
    left = {key: value for key, value in given.keywords.items() if key not in positional}
    found.update({key: value for key, value in given.keywords.items() if key in positional})
    for arg in args.kwonlyargs:
        if arg.arg in left:
            found[arg.arg] = left.pop(arg.arg)
    if args.vararg:
        found[args.vararg.arg] = Listing(passed[len(positional) :], origin, given.complete)
    if args.kwarg:
        found[args.kwarg.arg] = Table(left, origin, given.complete, given.reason)
    for parameter in parameters_of(args):
        if parameter.arg not in found:
            found[parameter.arg] = _absent(function, parameter.arg, given)
    return found


def _absent(function: FunctionRef, name: str, given: Arguments) -> Value | Pending:
    if not given.complete:
        return Unknown(given.reason or f"{name} may be passed by a spread", Origin(name))
    default = default_of(function.node.args, name)
    if isinstance(default, (ast.List, ast.Dict, ast.Set)) and not isinstance(function.node, ast.Lambda):
        if fills.set_in(function.module, names.scope_for(function.module, function.node), name):
            reason = f"the default of {name} is one object for all calls, and {function.name}() changes it"
            return Unknown(reason, Origin(name, function.module.location(default)))
    if default is not None:
        return Pending(default, function.module, function.frame)
    return Unknown(f"{name} is not passed", Origin(name, function.module.location(function.node)))


def parameter_at(function: FunctionRef, number: int) -> str | None:
    """Return the name of the n-th positional parameter that a caller fills."""
    args = function.node.args
    positional = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    number += function.owner is not None
    return positional[number] if number < len(positional) else None


# -- parameters of a function nobody is seen to call -------------------------------------------------------------------


def parameter(world: World, scope: Scope, name: str, module: Module) -> Value:
    """Return a parameter when no call is being followed: as the function's callers pass it, else its default."""
    node = scope.node
    origin = Origin(name, module.location(scope.parameters[name]))
    if isinstance(node, ast.Lambda):
        return world.unknown(f"{name} is a parameter of a lambda", origin, _symbol(module, node, name))
    assert isinstance(node, FUNCTIONS)
    owner = objects.owner_of(module, node, name)
    if owner is not None:
        return owner
    made = _made_by(module, node)
    sites = callers_of(world, module, made or node)
    passed = _from_caller(world, scope, name, module, sites, origin) if sites else None
    # What a framework's object holds, `app.state.settings`, nobody knows: its type says more.
    is_told = not isinstance(passed, (Unknown, LibraryRef)) and passed is not None
    if is_told and not _is_none_for(passed, scope.parameters[name]):
        return passed
    by_framework = pyramid_functions.parameter(world, FunctionRef(module, node), name)
    if by_framework is not None:
        return by_framework
    by_type = objects.by_annotation(world, scope.parameters[name].annotation, module, origin)
    if isinstance(passed, LibraryRef) and not isinstance(by_type, Instance):
        return passed
    if passed is not None:
        return by_type or passed
    return _without_caller(world, node, name, module, by_type, origin)


def _is_none_for(passed: Value, parameter: ast.arg) -> bool:
    """Say whether None is passed for what is annotated as something else: some field waits for what only runs know."""
    if not isinstance(passed, Known) or passed.value is not None or parameter.annotation is None:
        return False
    return settings.plain_annotation(parameter.annotation) is parameter.annotation


def _made_by(module: Module, node: ast.AST) -> ast.ClassDef | None:
    """Return the class whose calls pass the parameters of a function: that of an `__init__`."""
    around = module.parent(node)
    return around if isinstance(around, ast.ClassDef) and getattr(node, "name", "") == "__init__" else None


def _without_caller(
    world: World,
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    name: str,
    module: Module,
    by_type: Value | None,
    origin: Origin,
) -> Value:
    """Return a parameter of a function that nobody is seen to call: its default, else what its annotation makes."""
    default = default_of(node.args, name)
    found = expressions.evaluate(world, default, module, None) if default is not None else None
    made = _made_by(module, node)
    if isinstance(found, Known) and _is_handed_on(world, module, node):
        reason = f"{(made or node).name} is handed on, and whoever calls it may pass {name}"
        return world.unknown(reason, origin, _symbol(module, node, name))
    if isinstance(found, Known) and found.value is None and made is not None and by_type is None:
        # What is found by its name, `getattr(module, "Store")(settings)`, is seldom made of nothing.
        reason = f"nothing here makes a {made.name}, and who does may pass {name}"
        return world.unknown(reason, origin, _symbol(module, node, name))
    if found is not None and not isinstance(found, (Unknown, LibraryObject)):
        # A framework that calls a decorated function passes what it likes.
        return branching.as_sure_as(found, _BY_FRAMEWORK) if _is_framework(node) else found
    if by_type is not None:
        return by_type
    if node.args.kwarg and node.args.kwarg.arg == name:
        return Table({}, origin, False, f"**{name} comes from callers that are not known")
    if node.args.vararg and node.args.vararg.arg == name:
        return Listing((), origin, False)
    reason = f"parameter {name} of {node.name}(), which no call here gives"
    return world.unknown(reason, origin, _symbol(module, node, name))


def _is_handed_on(world: World, module: Module, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether something that is no framework may call a function, or make its class, and pass what nobody sees."""
    from poollint.python.evaluator.callers import may_pass
    from poollint.python.usage.contexts import of_reference

    if not world.evaluator.follows_callers:
        return False
    modules, called = world.modules, _made_by(module, node) or node
    references = modules.callers.of(module, called, None if module.is_test else modules.is_for_tests)
    return any(may_pass(reference) and of_reference(reference) is None for reference in references)


def _symbol(module: Module, node: ast.AST, name: str) -> str:
    """Name a parameter whatever it holds."""
    return f"param:{module.path}:{node.lineno}:{name}"  # type: ignore[attr-defined]


_BY_FRAMEWORK = Known(True, Origin("called by a framework"), "fallback")
_TRANSPARENT = frozenset(
    {
        "lru_cache",
        "cache",
        "cached_property",
        "property",
        "staticmethod",
        "classmethod",
        "contextmanager",
        "asynccontextmanager",
        "wraps",
        "computed_field",
    }
)


def _is_framework(node: ast.AST) -> bool:
    return bool(objects.decorators(node) - _TRANSPARENT)


def _from_caller(
    world: World, scope: Scope, name: str, module: Module, sites: Calls, origin: Origin
) -> Value:
    """Return a parameter as one of the callers passes it."""
    world.rests_on("moments", HOPS)
    if world.hops >= MOST_HOPS:
        return Unknown(f"{name} comes from too far away", origin)
    symbol = _symbol(module, scope.node, name)
    frame = _one_caller(world, module, scope.node, sites)
    if frame is None:
        default = default_of(scope.node.args, name)  # type: ignore[union-attr]
        if default is not None and sites.leave_out(name, scope.node.args):  # type: ignore[union-attr]
            return expressions.evaluate(world, default, module, None)
        reason = f"{name} differs from caller to caller"
        return _collected(scope.node, name, sites, Unknown(reason, origin)) or world.unknown(reason, origin, symbol)
    if name not in frame.bindings:
        return Unknown(f"{name} is not passed", origin)
    with world.one_hop_further():
        passed = world.pending(frame.bindings[name])
    # Whatever is passed, it is one value: the conditions on the way say what they know of it.
    if not isinstance(passed, Unknown) or symbol_of(passed):
        return passed
    absent = isinstance(passed, Open) and passed.absent
    return world.taught(Open(passed.reason, passed.origin, symbol, variables_of(passed), absent))


def _collected(node: ast.AST, name: str, sites: Calls, differing: Unknown) -> Table | None:
    """Return what `**name` may hold: no key that no caller writes, unless one of them spreads what is not seen here."""
    args: ast.arguments = node.args  # type: ignore[attr-defined]
    keys = {keyword.arg for _, call in sites for keyword in call.keywords}
    if args.kwarg is None or args.kwarg.arg != name or None in keys:
        return None
    taken = {parameter.arg for parameter in parameters_of(args)}
    return Table({key: differing for key in sorted(keys - taken)}, differing.origin, True)  # type: ignore[type-var]


def callers_of(world: World, module: Module, node: ast.AST) -> Calls:
    """Return the calls of a function that the project holds."""
    from poollint.python.evaluator.callers import Calls

    found = world.modules.callers_of(module, node) if world.evaluator.follows_callers else Calls()
    if found is None:
        world.cut()  # asked while the same question is being answered
        return Calls()
    return found


def _one_caller(world: World, module: Module, node: ast.AST, sites: Calls) -> Frame | None:
    """Return the frame of one caller: every caller that passes something else is an alternative."""
    from poollint.python.evaluator.evaluate import Answer, Dead, Question

    groups = sites.groups
    number: int | None = 0
    if len(groups) > 1:
        key = f"{CALLER} {module.path}:{node.lineno}"  # type: ignore[attr-defined]
        answers = tuple(Answer(number) for number in range(len(groups)))
        number = world.ask(Question(key, answers)) if len(groups) <= MOST_CALLERS else None
    if number is None:
        return None
    if not world.closed and len(groups) == 1:
        # Whether the only caller is reached counts where the same thing decides about it and is passed.
        if not any(world.reachable(call, other, about=sites.passed) for other, call in sites):
            raise Dead
    elif len(groups) > 1 and not any(world.reachable(call, other) for other, call in groups[number]):
        raise Dead
    other, call = groups[number][0]
    around = next((p for p in module.ancestors(node) if isinstance(p, ast.ClassDef)), None)
    is_method = around is not None and node in around.body and not objects.is_static(node)
    owner: Value | None = Unknown("self") if is_method else None
    function = FunctionRef(module, node, None, owner)  # type: ignore[arg-type]
    with world.one_hop_further():
        given = waiting(world, call, other, None)
    path = f"caller {other.path}:{call.lineno}:{call.col_offset}"
    return Frame(node, bound(function, given), None, path, 0, NOTHING)  # what it passes is pending
