"""One small function per kind of expression. `evaluate` is the only way in; it counts the work, keeps results."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import branching, calls, containers, environment, flow, objects, operators, outside, text
from poollint.python.evaluator.memo import NOTHING
from poollint.python.evaluator.values import (
    Frame,
    FunctionRef,
    LibraryRef,
    Listing,
    Open,
    Table,
    Traced,
    Value,
    derived,
    failing,
    operation,
    origin_of,
    reason_of,
    shortened,
    unsettled,
    variables_of,
)
from poollint.python.source import names
from poollint.python.source.modules import Module
from poollint.python.source.scopes import COMPREHENSIONS, FUNCTIONS, Scope, names_in

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World

LARGEST_LOOP = 64  # turns that are worked out


def evaluate(world: World, node: ast.expr, module: Module, frame: Frame | None) -> Value:
    """Return what an expression is, where it stands."""
    if isinstance(node, ast.Constant):
        return constant(node, module)
    if not world.burn():
        return Unknown("too much to work out", Origin("", module.location(node)))
    handler = _HANDLERS.get(type(node))
    if handler is None:
        return Unknown(f"{module.source(node)} is not worked out", Origin("", module.location(node)))
    if handler in _KEPT_WITHIN:
        return handler(world, node, module, frame)
    return kept(world, node, module, frame, lambda: handler(world, node, module, frame))


def kept(world: World, node: ast.expr, module: Module, frame: Frame | None, compute: Callable[[], Value]) -> Value:
    """Return what an expression is, computed once for all worlds that agree on what it rests on."""
    return world.once(
        (node, frame.path if frame else ""),
        compute,
        lambda: Origin("", module.location(node)),
        frame.rests if frame else NOTHING,
    )


def constant(node: ast.Constant, module: Module) -> Value:
    """Return a literal, standing where it is written, under the name a reader searches there."""
    if (found := module.literals.get(node)) is None:
        found = module.literals[node] = _literal(node, module)
    return found


def _literal(node: ast.Constant, module: Module) -> Value:
    origin = Origin(says(module, node), module.location(node))
    if isinstance(node.value, (str, int, float, bool, bytes)) or node.value is None:
        if isinstance(node.value, int) and abs(node.value) > operators.LARGEST_NUMBER:
            return Unknown("a number out of all proportion", origin)
        return Traced(node.value, origin)
    return Unknown("a literal of an unusual kind", origin)


# Keywords that say nothing about what the value is for: `Field(default=5)`, `getenv("X", default=5)`.
_MUTE = frozenset({"default", "default_factory", "cast", "value", "key", "factory", "fallback"})


def says(module: Module, node: ast.AST) -> str:
    """Return the name that stands for a value where it is written: keyword, key, field or constant."""
    child: ast.AST = node
    for parent in module.ancestors(node):
        match parent:
            case ast.keyword(arg=str(name)) if name not in _MUTE:
                return name
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values):
                    if value is child and isinstance(key, ast.Constant):
                        return str(key.value)
                return ""
            case ast.Assign(targets=[target, *_]) | ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                return _target_name(target)
            case ast.arguments():
                return _parameter_name(parent, child)
            case ast.Return():
                return next((p.name for p in module.ancestors(parent) if isinstance(p, FUNCTIONS)), "return")
            case ast.Expr(value=ast.Call(func=func)):
                return f"{module.source(func, 40)}()"
            case ast.stmt():
                return module.source(node)
            case ast.Call(func=func) if (
                isinstance(func, ast.Attribute) and func.attr == "setdefault" and len(parent.args) == 2
            ):
                if isinstance(parent.args[0], ast.Constant):
                    return str(parent.args[0].value)
        child = parent
    return module.source(node)


def _target_name(target: ast.expr) -> str:
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def _parameter_name(arguments: ast.arguments, default: ast.AST) -> str:
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(reversed(positional), reversed(arguments.defaults)),
        *zip(arguments.kwonlyargs, arguments.kw_defaults),
    ]
    return next((arg.arg for arg, value in pairs if value is default), "")


def origin_at(module: Module, node: ast.AST) -> Origin:
    """Return the origin of a value that is worked out at this place."""
    return Origin(says(module, node), module.location(node))


# -- names and what hangs on them --------------------------------------------------------------------------------------


def _name(world: World, node: ast.Name, module: Module, frame: Frame | None) -> Value:
    return name_at(world, node.id, node, module, frame)


def name_at(world: World, name: str, node: ast.AST, module: Module, frame: Frame | None) -> Value:
    """Return what a name holds at a place: the innermost scope that binds it decides, as in Python."""
    return _in_scopes(world, name, node, node, names.scopes_around(module, node), module, frame)


def _in_scopes(
    world: World,
    name: str,
    node: ast.AST,
    here: ast.AST | None,
    scopes: list[Scope],
    module: Module,
    frame: Frame | None,
) -> Value:
    writer: ast.AST | None = None
    function: ast.AST | None = None  # the outermost that the name is looked up from
    for number, scope in enumerate(scopes):
        running = frame if frame is not None and frame.scope is scope.node else None
        if name in scope.binds or name in scope.parameters or (running and name in running.bindings):
            found = flow.name_in(world, scope, name, here, module, running, frame, writer)
            if function is not None and len(scope.binds.get(name, ())) > 1 and isinstance(scope.node, ast.Module):
                found = outside.of_function(module, name, function, found)
            # A name that the class sets only later is that of the module.
            if not (isinstance(scope.node, ast.ClassDef) and here is not None and flow.is_unset(found)):
                return found
            continue
        if here is not None and name in scope.touched and name not in scope.globals:
            # `config["key"] = value` in a function: still the outer name, changed here.
            rest, outer = scopes[number + 1 :], running.parent if running else frame
            return flow.changed_in(
                world, scope, name, here, module, running or frame,
                lambda: _in_scopes(world, name, node, None, rest, module, outer),
            )  # fmt: skip
        if name in scope.globals:
            if (found := flow.global_here(world, scope, name, here, module, running)) is not None:
                return found
            writer = scope.node
        if running:
            frame = running.parent
        if isinstance(scope.node, (*FUNCTIONS, ast.Lambda)):
            function = scope.node
            here = None  # what surrounds a function is what it has become when the function runs
        if scope.stars and (starred := _from_stars(world, scope, name, module)) is not None:
            return starred
    origin = Origin(name, module.location(node))
    if name == "__file__":
        return Traced(f"/{module.path}", origin)  # absolute paths count from the root of the tree
    if name in ("__name__", "__package__") and not isinstance(module.parent(node), ast.Compare):
        # Whether the file is the program is nothing its name tells: `if __name__ == "__main__":`
        is_package = module.path.endswith("__init__.py")
        return Traced(module.name if name == "__name__" or is_package else module.name.rpartition(".")[0], origin)
    if name in names.BUILTINS:
        return LibraryRef(f"builtins.{name}", origin)
    return Unknown(f"{name} is not defined here", origin)


def starred_later(world: World, scope: Scope, name: str, here: ast.AST | None, module: Module) -> Value | None:
    """Return what `from x import *` gives a name after all that binds it before a place, None when there is no such."""
    if not scope.stars:
        return None
    end = getattr(here, "lineno", sys.maxsize) if here is not None else sys.maxsize
    last = max((line for stmt in scope.binds.get(name, ()) if (line := getattr(stmt, "lineno", 0)) < end), default=0)
    later = [stmt for stmt in scope.stars if last < stmt.lineno < end]
    if not later or not any(_exports(module, stmt, name) and world.reachable(stmt, module) for stmt in later):
        return None
    return _from_stars(world, scope, name, module, later)


def _exports(module: Module, stmt: ast.ImportFrom, name: str) -> bool:
    """Say whether a star import brings a name: what begins with `_`, and what `__all__` leaves out, it does not."""
    from poollint.python.source.modules import imports_of

    target = names.import_target(module, next(imports_of(stmt)))
    if not isinstance(target, tuple) or name not in target[0].scope.binds:
        return False
    listed = [each.value for each in target[0].scope.binds.get("__all__", ()) if isinstance(each, ast.Assign)]
    if listed and isinstance(listed[-1], (ast.List, ast.Tuple)):
        return any(isinstance(each, ast.Constant) and each.value == name for each in listed[-1].elts)
    return not name.startswith("_")


def _from_stars(world: World, scope: Scope, name: str, module: Module, stars: list[ast.ImportFrom] | None = None) -> Value | None:
    from poollint.python.source.modules import imports_of

    for stmt in reversed(scope.stars if stars is None else stars):
        if isinstance(module.parent(stmt), ast.If) and not world.reachable(stmt, module):
            continue
        target = names.import_target(module, next(imports_of(stmt)))
        if (
            isinstance(target, tuple)
            and target[0] is not module
            and (name in target[0].scope.binds or target[0].scope.stars)
        ):
            found = objects.member(world, target[0], name, Origin(name))
            if not (isinstance(found, Unknown) and found.reason.endswith("not defined there")):
                return found
    found = names._from_stars(module, scope, name, 0)
    return found if isinstance(found, LibraryRef) else None


def _attribute(world: World, node: ast.Attribute, module: Module, frame: Frame | None) -> Value:
    """`a.b.c`: from the innermost part, or the outermost that the scope itself has set, to the end."""
    after: list[ast.Attribute] = []
    part: ast.expr = node
    while isinstance(part, ast.Attribute) and not flow.is_touched(module, part):
        after.append(part)
        part = part.value
    if isinstance(part, ast.Attribute):
        value = kept(world, part, module, frame, partial(flow.dotted_name, world, part, module, frame))
    else:
        value = evaluate(world, part, module, frame)
    for part in reversed(after):
        value = objects.attribute(world, value, part.attr, part, module, frame)
    return value


def _subscript(world: World, node: ast.Subscript, module: Module, frame: Frame | None) -> Value:
    base = evaluate(world, node.value, module, frame)
    if isinstance(node.slice, ast.Slice):
        return _slice(world, base, node.slice, module, frame)
    key = evaluate(world, node.slice, module, frame)
    return configured(world, node, module, containers.item(world, base, key, origin_at(module, node), node, module, frame))


def configured(world: World, node: ast.AST, module: Module, found: Value) -> Value:
    """Return `app.config["KEY"]` as the application being read sets it, where the code around does not show it."""
    is_shown = isinstance(found, Known) and (found.certainty != "fallback" or not module.calls_of("setdefault"))
    key = next(looked_up(node), None) if not is_shown else None
    if key is None or (not isinstance(found, Unknown) and not _is_set_by_default(module, key)):
        return found
    world.cut()  # another application may hold something else
    value = world.application(key) if world.application else None
    return value if value is not None else found


def _is_set_by_default(module: Module, key: str) -> bool:
    """Say whether a file has `app.config.setdefault("KEY", 5)`: that keeps what the application has set."""
    calls = (call for call in module.calls_of("setdefault") if isinstance(call.func, ast.Attribute) and call.args)
    held = (call.args[0] for call in calls if getattr(call.func.value, "attr", "") == "config")  # type: ignore[attr-defined]
    return any(isinstance(first, ast.Constant) and first.value == key for first in held)


def looked_up(node: ast.AST) -> Iterator[str]:
    """Yield the key of `app.config["KEY"]` or `app.config.get("KEY")`."""
    match node:
        case ast.Subscript(value=ast.Attribute(attr="config"), slice=ast.Constant(value=str(key))):
            yield key
        case ast.Call(
            func=ast.Attribute(attr="get", value=ast.Attribute(attr="config")), args=[ast.Constant(value=str(key)), *_]
        ):
            yield key


def _slice(world: World, base: Value, node: ast.Slice, module: Module, frame: Frame | None) -> Value:
    origin = Origin("", module.location(node))
    bounds = [
        evaluate(world, part, module, frame) if part else Known(None, origin)
        for part in (node.lower, node.upper, node.step)
    ]
    if not all(isinstance(bound, Known) and isinstance(bound.value, (int, type(None))) for bound in bounds):
        return unsettled("a slice with unknown bounds", base, origin=origin)
    cut = slice(*(bound.value for bound in bounds if isinstance(bound, Known)))
    if cut.step == 0:
        return failing(ValueError, origin)
    if isinstance(base, Known) and isinstance(base.value, str):
        return derived(base.value[cut], base)
    if isinstance(base, Listing) and base.complete:
        return Listing(base.items[cut], base.origin)
    return unsettled(reason_of(base), base, origin=origin)


# -- operators ---------------------------------------------------------------------------------------------------------


def _binary(world: World, node: ast.BinOp, module: Module, frame: Frame | None) -> Value:
    left = evaluate(world, node.left, module, frame)
    right = evaluate(world, node.right, module, frame)
    return operators.binary(node.op, left, right, origin_at(module, node))


def _unary(world: World, node: ast.UnaryOp, module: Module, frame: Frame | None) -> Value:
    value = evaluate(world, node.operand, module, frame)
    origin = origin_at(module, node)
    if isinstance(node.op, ast.Not):
        return operators.negated(world, value, origin)
    return operators.unary(node.op, value, origin if not variables_of(value) else origin_of(value))


def _boolean(world: World, node: ast.BoolOp, module: Module, frame: Frame | None) -> Value:
    """`a or b`, `a and b`: the first value that decides."""
    is_or = isinstance(node.op, ast.Or)
    value: Value = Unknown("an empty condition")
    for number, operand in enumerate(node.values):
        value = evaluate(world, operand, module, frame)
        if number == len(node.values) - 1:
            break
        if is_or and _may_be_absent(value):
            rest = _boolean_rest(world, node, number + 1, module, frame)
            if environment.is_plain_default(rest):
                return _instead(rest, value)
        if is_or and isinstance(value, Known) and value.value:
            return value  # whatever replaces it is hardly empty
        if not _is_named(value) and (decisive := _decisive(world, node, number + 1, module, frame)) is not None:
            return decisive
        holds = operators.truth(world, value, place(module, operand, frame))
        if holds is None:
            rest = _boolean_rest(world, node, number + 1, module, frame)
            same = operation("or" if is_or else "and", value, rest)
            return unsettled(reason_of(value), value, rest, origin=origin_at(module, node), symbol=same)
        if holds is is_or:
            return value if is_or and not isinstance(value, Unknown) else _as_asked(value, place(module, operand, frame))
    return value if not isinstance(value, Unknown) else _as_asked(value, place(module, node.values[-1], frame))


def _as_asked(value: Value, asked: str) -> Value:
    """Return an operand under the name by which its truth is asked: what is asked of the whole is the same question."""
    if _is_named(value):
        return value
    return Open(reason_of(value), origin_of(value), asked, variables_of(value))


def _is_named(value: Value) -> bool:
    """Say whether the truth of a value is known, or is a question with a name: not only what some call came to."""
    return bool(operators.truth_symbol(value)) or operators.plain_truth(value) is not None


def _decisive(world: World, node: ast.BoolOp, start: int, module: Module, frame: Frame | None) -> Value | None:
    """Return a later operand that decides whatever the one before comes to: `unknown() and isinstance(5, str)`."""
    for operand in node.values[start:]:
        value = evaluate(world, operand, module, frame)
        if isinstance(value, Known) and value.value is isinstance(node.op, ast.Or):
            return value
    return None


def _may_be_absent(value: Value) -> bool:
    """A variable that is not set, or a field whose default is nothing: what follows `or` is its default."""
    if isinstance(value, Known):
        return not value.value and isinstance(value.value, (str, type(None))) and bool(variables_of(value))
    return isinstance(value, Open) and value.absent


def _boolean_rest(world: World, node: ast.BoolOp, start: int, module: Module, frame: Frame | None) -> Value:
    if start == len(node.values) - 1:
        return evaluate(world, node.values[start], module, frame)
    for operand in node.values[start:]:
        value = evaluate(world, operand, module, frame)
        if not _may_be_absent(value):
            break
    return value


def _instead(rest: Value, variable: Value) -> Value:
    """`os.getenv("X") or 5`: 5 is the default of X."""
    for name in sorted(variables_of(variable)):
        rest = environment.replaceable_by(rest, name)
    return rest


def _compare(world: World, node: ast.Compare, module: Module, frame: Frame | None) -> Value:
    left = evaluate(world, node.left, module, frame)
    origin = Origin(module.source(node), module.location(node))
    results = []
    for op, comparator in zip(node.ops, node.comparators):
        right = evaluate(world, comparator, module, frame)
        results.append(operators.compare(world, op, left, right, origin))
        left = right
    for result in results:
        if not (isinstance(result, Known) and result.value):
            return result
    return results[0]


def _conditional(world: World, node: ast.IfExp, module: Module, frame: Frame | None) -> Value:
    test = evaluate(world, node.test, module, frame)
    if tested := environment.presence_tested(world, test):
        name, when_present = tested
        branches = {True: node.body, False: node.orelse}
        present, is_read = world.reading(name, lambda: evaluate(world, branches[when_present], module, frame))
        absent = evaluate(world, branches[not when_present], module, frame)
        if (default := environment.default_by_absence(present, absent, name, is_read)) is not None:
            return default
    if isinstance(test, Known) and (_constant(node.body), _constant(node.orelse)) == (True, False):
        return derived(bool(test.value), test)  # `True if FLAG else False` is the flag, no question
    holds = operators.truth(world, test, place(module, node.test, frame))
    if holds is None:
        return branching.merged(
            evaluate(world, node.body, module, frame), evaluate(world, node.orelse, module, frame), reason_of(test)
        )
    value = evaluate(world, node.body if holds else node.orelse, module, frame)
    return branching.as_sure_as(value, test)


def _constant(node: ast.expr) -> bool | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, bool) else None


def place(module: Module, node: ast.AST, frame: Frame | None) -> str:
    """Return the name of a question that has no better one: where it is asked."""
    line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
    whole = "*" if isinstance(node, ast.BoolOp) else ""  # it begins where its first operand does
    return shortened(f"{module.path}:{line}:{column}{whole}|{frame.path if frame else ''}")


# -- displays ----------------------------------------------------------------------------------------------------------


def _dict(world: World, node: ast.Dict, module: Module, frame: Frame | None) -> Value:
    table = Table({}, origin_at(module, node))
    for key, value in zip(node.keys, node.values):
        if key is None:
            table = table.merged(containers.as_table(world, evaluate(world, value, module, frame)))
            continue
        name = evaluate(world, key, module, frame)
        hashed = containers.key_of(name)
        if hashed is containers.NO_KEY:
            table = table.opened("a key is not known")
        else:
            table = table.put(hashed, evaluate(world, value, module, frame))
    return table


def _listing(world: World, node: ast.List | ast.Tuple | ast.Set, module: Module, frame: Frame | None) -> Value:
    items: list[Value] = []
    complete = True
    for element in node.elts[:2000]:
        if isinstance(element, ast.Starred):
            inner = evaluate(world, element.value, module, frame)
            complete &= isinstance(inner, Listing) and inner.complete
            items.extend(inner.items if isinstance(inner, Listing) else ())
        else:
            items.append(evaluate(world, element, module, frame))
    complete = complete and len(node.elts) <= 2000
    if isinstance(node, ast.Set):
        return containers.as_set(items, origin_at(module, node), complete)
    return Listing(tuple(items), origin_at(module, node), complete)


def _fstring(world: World, node: ast.JoinedStr, module: Module, frame: Frame | None) -> Value:
    pieces: list[Value | str] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            pieces.append(_formatted(evaluate(world, part.value, module, frame), part, module))
        elif isinstance(part, ast.Constant):
            pieces.append(str(part.value))
    return text.joined(pieces, origin_at(module, node))


def _formatted(value: Value, part: ast.FormattedValue, module: Module) -> Value:
    """Return `{value!r:>3}` of an f-string."""
    spec = part.format_spec.values if isinstance(part.format_spec, ast.JoinedStr) else []
    if part.conversion in (-1, 115) and not spec:
        return value
    if not all(isinstance(each, ast.Constant) for each in spec):
        return Unknown("a format that is not known", origin_at(module, part))
    conversion = "" if part.conversion == -1 else f"!{chr(part.conversion)}"
    return text.as_formatted(value, conversion, "".join(str(each.value) for each in spec if isinstance(each, ast.Constant)))


def _comprehension(world: World, node: ast.expr, module: Module, frame: Frame | None) -> Value:
    origin = origin_at(module, node)
    table, items = Table({}, origin), []
    for turn, doubt in _turns(world, node, 0, module, frame):
        if turn is None or (doubt and not isinstance(node, ast.DictComp)):
            reason = "a loop over something unknown"
            return (
                Table({}, origin, False, reason)
                if isinstance(node, ast.DictComp)
                else Listing((), origin, False, reason)
            )
        if isinstance(node, ast.DictComp):
            key = evaluate(world, node.key, module, turn)
            value = Unknown(doubt, origin) if doubt else evaluate(world, node.value, module, turn)
            hashed = containers.key_of(key)
            is_key = hashed is not containers.NO_KEY
            table = table.put(hashed, value) if is_key else table.opened("a key is not known")
        else:
            items.append(evaluate(world, node.elt, module, turn))  # type: ignore[attr-defined]
    return table if isinstance(node, ast.DictComp) else Listing(tuple(items), origin)


def _turns(
    world: World, node: ast.expr, number: int, module: Module, frame: Frame | None, doubt: str = ""
) -> Iterator[tuple[Frame | None, str]]:
    """Yield one frame per turn of a comprehension, None once when the turns cannot be told.

    With it stands why nobody knows whether an `if` leaves the turn out, "" where that is known.
    """
    generators = node.generators  # type: ignore[attr-defined]
    if number == len(generators):
        yield frame, doubt
        return
    generator = generators[number]
    items = containers.items_of(world, evaluate(world, generator.iter, module, frame))
    if items is None or len(items) > LARGEST_LOOP:
        yield None, ""
        return
    for index, item in enumerate(items):
        if not world.burn():
            yield None, ""
            return
        bindings = dict(frame.bindings) if frame is not None and frame.scope is node else {}
        bindings.update(branching.unpacked(generator.target, item))
        outer = frame.parent if frame is not None and frame.scope is node else frame
        path = shortened(
            f"{frame.path if frame else ''}[{getattr(node, 'lineno', 0)}:{node.col_offset}:{number}:{index}]"
        )
        turn = Frame(node, bindings, outer, path, frame.depth + 1 if frame else 1, world.rests.so_far())
        values = [evaluate(world, test, module, turn) for test in generator.ifs]
        tests = [
            operators.truth(world, value, place(module, test, turn)) for value, test in zip(values, generator.ifs)
        ]
        if False not in tests:
            unsure = next((reason_of(value) for value, test in zip(values, tests) if test is None), "")
            further = f"depends on a condition: {unsure}"[:200] if unsure else doubt
            yield from _turns(world, node, number + 1, module, turn, further)


# -- the rest ----------------------------------------------------------------------------------------------------------


def _call(world: World, node: ast.Call, module: Module, frame: Frame | None) -> Value:
    return configured(world, node, module, calls.evaluate_call(world, node, module, frame))


def _inner(world: World, node: ast.Await | ast.NamedExpr | ast.Starred, module: Module, frame: Frame | None) -> Value:
    return evaluate(world, node.value, module, frame)


def _lambda(world: World, node: ast.Lambda, module: Module, frame: Frame | None) -> Value:
    if frame is not None and isinstance(frame.scope, COMPREHENSIONS):
        read = {name.partition(".")[0] for name in names_in(node.body)} - names.scope_for(module, node).parameters.keys()
        if read & frame.bindings.keys():
            return Unknown("a function that is called after the loop it reads from", origin_at(module, node))
    return FunctionRef(module, node, frame)


_HANDLERS: dict[type, Callable[..., Value]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: _call,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.IfExp: _conditional,
    ast.Dict: _dict,
    ast.List: _listing,
    ast.Tuple: _listing,
    ast.Set: _listing,
    ast.JoinedStr: _fstring,
    ast.Await: _inner,
    ast.NamedExpr: _inner,
    ast.Starred: _inner,
    ast.Lambda: _lambda,
    **dict.fromkeys(COMPREHENSIONS, _comprehension),
}

# What these come to is kept where it is worked out: the value of a name, the attribute of an instance.
_KEPT_WITHIN = frozenset({_name, _attribute, _inner, _lambda})
