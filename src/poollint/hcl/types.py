"""Type constraints of Terraform's variables, as far as they give values: `optional(number, 5)` in an object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from poollint.hcl.syntax import Expression
from poollint.hcl.evaluate import Names, evaluate
from poollint.facts import Known, Origin, Setting

DEEPEST = 10


def with_defaults(value: Setting, constraint: Expression, names: Names) -> Setting:
    """Return the value with the optional attributes it leaves out."""
    return _filled(value, constraint.node, constraint, names, 0)


def _filled(value: Setting, node: Any, constraint: Expression, names: Names, depth: int) -> Setting:
    name, arguments = _call(node, constraint)
    if depth > DEEPEST or not isinstance(value, Known) or not arguments:
        return value
    if name in ("map", "list", "set") and isinstance(value.value, (dict, tuple)):
        inner = arguments[0]
        if isinstance(value.value, dict):
            items = {k: _filled(v, inner, constraint, names, depth + 1) for k, v in value.value.items()}
            return replace(value, value=items)
        return replace(value, value=tuple(_filled(v, inner, constraint, names, depth + 1) for v in value.value))
    if name == "object" and isinstance(value.value, dict):
        return replace(value, value=_object(value.value, arguments[0], constraint, names, depth))
    return value


def _object(
    given: dict[str, Setting], node: Any, constraint: Expression, names: Names, depth: int
) -> dict[str, Setting]:
    filled = dict(given)
    for key, kind in _attributes(node, constraint):
        name, arguments = _call(kind, constraint)
        value = filled.get(key)
        if name == "optional" and arguments:
            kind = arguments[0]
            if value is None or isinstance(value, Known) and value.value is None:
                value = _default(arguments, constraint, names)
        if value is not None:
            filled[key] = _filled(value, kind, constraint, names, depth + 1)
    return filled


def _default(arguments: list[Any], constraint: Expression, names: Names) -> Setting:
    if len(arguments) < 2:
        return Known(None, Origin("", constraint.source.location(arguments[0])))
    return evaluate(Expression(arguments[1], constraint.source), names)


def _call(node: Any, constraint: Expression) -> tuple[str, list[Any]]:
    """Return (name, arguments) of `map(...)`, ("", []) for a plain word such as `string`."""
    while node.type == "expression" and len(node.named_children) == 1:
        node = node.named_children[0]
    if node.type != "function_call":
        return "", []
    name = node.named_children[0]
    arguments = next((child for child in node.named_children if child.type == "function_arguments"), None)
    given = [child for child in arguments.named_children if child.type == "expression"] if arguments is not None else []
    return constraint.source.text(name.start_byte, name.end_byte), given


def _attributes(node: Any, constraint: Expression) -> list[tuple[str, Any]]:
    """Return the (name, type) pairs of an object type."""
    while node.type in ("expression", "collection_value") and len(node.named_children) == 1:
        node = node.named_children[0]
    found = []
    for element in node.named_children if node.type == "object" else ():
        sides = [child for child in element.named_children if child.type == "expression"]
        if element.type == "object_elem" and len(sides) == 2:
            key = constraint.source.text(sides[0].start_byte, sides[0].end_byte).strip('"')
            found.append((key, sides[1]))
    return found
