"""Readers for functions that stand for operators, and for what folds a list with them.

    reduce(or_, [DEFAULTS, {"size": 5}])      itemgetter("size")(config)      attrgetter("pool.size")(config)
"""

from __future__ import annotations

import ast

from poollint.facts import Known, Unknown
from poollint.python.evaluator import containers, objects, operators
from poollint.python.evaluator.values import Arguments, LibraryObject, Listing, Value, reason_of
from poollint.python.libraries import Call, reader

_OPERATORS: dict[str, ast.operator] = {
    "or_": ast.BitOr(), "ior": ast.BitOr(), "and_": ast.BitAnd(), "add": ast.Add(), "concat": ast.Add(), "sub": ast.Sub(),
    "mul": ast.Mult(), "floordiv": ast.FloorDiv(), "truediv": ast.Div(), "mod": ast.Mod(),
}  # fmt: skip


@reader(*(f"operator.{name}" for name in _OPERATORS))
def _operator(call: Call) -> Value:
    match call.arguments.positional:
        case (left, right):
            return operators.binary(_OPERATORS[call.name.rpartition(".")[2]], left, right, call.origin)
    return call.unknown("an operator without its operands")


@reader("operator.getitem")
def _getitem(call: Call) -> Value:
    match call.arguments.positional:
        case (base, key):
            return containers.item(call.world, base, key, call.origin, call.node, call.module, call.frame)
    return call.unknown("an operator without its operands")


@reader("operator.itemgetter.__call__", "operator.attrgetter.__call__")
def _getter(call: Call) -> Value:
    wanted = call.owner.arguments.positional if isinstance(call.owner, LibraryObject) else ()
    is_item = "itemgetter" in call.name
    found = [_item(call, key) if is_item else _attribute(call, key) for key in wanted]
    return found[0] if len(found) == 1 else Listing(tuple(found), call.origin)


def _item(call: Call, key: Value) -> Value:
    return containers.item(call.world, call.first(), key, call.origin, call.node, call.module, call.frame)


def _attribute(call: Call, path: Value) -> Value:
    if not isinstance(path, Known) or not isinstance(path.value, str):
        return call.unknown("an attribute whose name is not known")
    value = call.first()
    for name in path.value.split("."):
        value = objects.attribute(call.world, value, name, call.node, call.module, call.frame)
    return value


@reader("functools.reduce")
def _reduce(call: Call) -> Value:
    function, *given = call.arguments.positional or (call.unknown("nothing is passed"),)
    items = containers.items_of(call.world, given[0]) if given else None
    if items is None:
        return call.unknown(reason_of(given[0]) if given and isinstance(given[0], Unknown) else "a list that is not known")
    todo = [*given[1:2], *items]
    if not todo:
        return call.unknown("nothing to reduce")
    value = todo[0]
    for number, item in enumerate(todo[1:]):
        if not call.world.burn():
            return call.unknown("too much to work out")
        value = call.call_each(number, function, Arguments((value, item)))
    return value
