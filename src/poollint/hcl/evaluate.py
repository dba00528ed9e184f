"""Evaluate simple expressions of Terraform's language, without running Terraform.

Everything is bounded: depth, the steps of one root module, the length of texts and lists.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from poollint.hcl.syntax import Expression, Source
from poollint.hcl.functions import call
from poollint.hcl.values import (
    LARGEST_NUMBER,
    LONGEST_LIST,
    LONGEST_TEXT,
    Reference,
    as_text,
    is_number,
    is_plain,
    numeric,
    operand,
    pairs_of,
    step_into,
    tidy,
)
from poollint.facts import Known, Origin, Setting, Unknown

DEEPEST = 60
MOST_STEPS = 300_000  # evaluated nodes per root module


class Budget:
    """What one root module may cost, shared by everything evaluated for it."""

    def __init__(self) -> None:
        self.steps = 0
        self.depth = 0


class Names(Protocol):
    """What names mean at some place; `path` is a traversal such as ("var", "tier")."""

    budget: Budget

    def resolve(self, path: tuple[str | int, ...]) -> tuple[Setting, int]:
        """Return the value of the longest known prefix, and how many steps it took."""
        ...

    def read(self, path: str) -> Known | None:
        """Return the text of a file of the tree, at its own place."""
        ...


@dataclass(frozen=True, slots=True)
class Bound:
    """Names with some bound by a `for`, a `dynamic` block, `count` or `for_each`."""

    outer: Names
    values: Mapping[str, Setting]

    @property
    def budget(self) -> Budget:
        return self.outer.budget

    def resolve(self, path: tuple[str | int, ...]) -> tuple[Setting, int]:
        bound = self.values.get(str(path[0]))
        return (bound, 1) if bound is not None else self.outer.resolve(path)

    def read(self, path: str) -> Known | None:
        return self.outer.read(path)


def evaluate(expression: Expression, names: Names) -> Setting:
    """Return the value of the expression, Unknown with a reason when it cannot be had from the text."""
    return _Evaluation(names, expression.source).of(expression.node)


class _Evaluation:
    """The expressions of one source under some names. Methods are named like the grammar's nodes."""

    def __init__(self, names: Names, source: Source) -> None:
        self.names = names
        self.source = source
        self.budget = names.budget

    def of(self, node: Any) -> Setting:
        self.budget.steps += 1
        if self.budget.steps > MOST_STEPS:
            return self.unknown(node, "the module takes too long to evaluate")
        if self.budget.depth >= DEEPEST:
            return self.unknown(node, "nested too deeply")
        self.budget.depth += 1
        try:
            method = getattr(self, node.type, None) if node.type in _NODES else None
            return method(node) if method else self.unknown(node, f"an expression poollint does not read ({node.type})")
        finally:
            self.budget.depth -= 1

    def unknown(self, node: Any, reason: str) -> Unknown:
        return Unknown(reason, Origin("", self.source.location(node)))

    def known(self, node: Any, value: Any) -> Known:
        return Known(value, Origin("", self.source.location(node)))

    def text(self, node: Any) -> str:
        return self.source.text(node.start_byte, node.end_byte)

    # -- terms

    def expression(self, node: Any) -> Setting:
        return self.sequence(node.children)

    def operation(self, node: Any) -> Setting:
        return self.of(node.named_children[0])

    def literal_value(self, node: Any) -> Setting:
        inner = node.named_children[0]
        if inner.type == "numeric_lit":
            return self.known(node, _number(self.text(inner)))
        if inner.type == "bool_lit":
            return self.known(node, self.text(inner) == "true")
        if inner.type == "null_lit":
            return self.known(node, None)
        return self.template(node, inner)

    def template_expr(self, node: Any) -> Setting:
        return self.template(node, node.named_children[0])

    def collection_value(self, node: Any) -> Setting:
        return self.of(node.named_children[0])

    def tuple(self, node: Any) -> Setting:
        items = [child for child in node.named_children if child.type == "expression"]
        return self.listed(node, [self.of(child) for child in items[:LONGEST_LIST]])

    def object(self, node: Any) -> Setting:
        entries: dict[str, Setting] = {}
        for element in node.named_children:
            if element.type != "object_elem":
                continue
            sides = [child for child in element.named_children if child.type == "expression"]
            if len(sides) != 2 or len(entries) >= LONGEST_LIST:
                return self.unknown(element, "an object poollint cannot read")
            key = self.key(sides[0])
            if key is None:
                return self.unknown(sides[0], "a key that is only known after an apply")
            entries[key] = self.of(sides[1])
        return self.known(node, entries)

    def key(self, node: Any) -> str | None:
        only = node.named_children[0] if len(node.named_children) == 1 else None
        if only is not None and only.type == "variable_expr" and len(node.children) == 1:
            return self.text(only)  # a bare word names itself
        return as_text(self.of(node))

    def listed(self, node: Any, items: list[Setting]) -> Setting:
        if len(items) > LONGEST_LIST:
            return self.unknown(node, "too long a list")
        return self.known(node, tuple(items))

    # -- traversals

    def sequence(self, children: list[Any]) -> Setting:
        """Evaluate a term with what follows it: `.name`, `[0]`, `[*]`."""
        parts = [child for child in children if child.type not in ("(", ")", "comment")]
        if not parts:
            return Unknown("an empty expression")
        head, rest = parts[0], parts[1:]
        if head.type != "variable_expr":
            return self.follow(self.of(head), rest)
        path, after = self.path(head, rest)
        value, taken = self.names.resolve(path)
        for step in path[taken:]:
            value = step_into(value, step)
        return self.follow(value, after)

    def path(self, head: Any, rest: list[Any]) -> tuple[tuple[str | int, ...], list[Any]]:
        """Return the plain steps of a traversal, and the nodes from the first splat or computed index on."""
        steps: list[str | int] = [self.text(head)]
        for position, node in enumerate(rest):
            step = self.step(node)
            if step is None:
                return tuple(steps), rest[position:]
            steps.append(step)
        return tuple(steps), []

    def step(self, node: Any) -> str | int | None:
        if node.type == "get_attr":
            return self.text(node.named_children[0])
        if node.type != "index":
            return None
        inner = node.named_children[0]
        if inner.type == "legacy_index":
            return self.text(inner).lstrip(".")
        key = self.of(inner.named_children[0])
        if isinstance(key, Known) and type(key.value) in (str, int):
            return key.value
        return None

    def follow(self, value: Setting, rest: list[Any]) -> Setting:
        for node in rest:
            if node.type == "splat":
                return self.splat(value, node)
            step = self.step(node)
            value = step_into(value, step) if step is not None else self.unknown(node, "an index that cannot be read")
        return value

    def splat(self, value: Setting, node: Any) -> Setting:
        inner = [child for child in node.named_children[0].children if child.type in ("get_attr", "index")]
        if isinstance(value, Known) and isinstance(value.value, Reference):
            return self.follow(step_into(value, "*"), inner)
        if isinstance(value, Known) and isinstance(value.value, tuple):
            return self.listed(node, [self.follow(item, inner) for item in value.value])
        return value if isinstance(value, Unknown) else self.unknown(node, "a splat over a single value")

    def variable_expr(self, node: Any) -> Setting:
        return self.sequence([node])

    # -- templates

    def template(self, node: Any, inner: Any) -> Setting:
        """Join the parts; one interpolation alone is its value, as in Terraform."""
        heredoc = inner.type == "heredoc_template"
        parts = inner.children
        first, last = (
            (parts[1].end_byte + 1, parts[-1].start_byte) if heredoc else (parts[0].end_byte, parts[-1].start_byte)
        )
        inside = [part for part in parts if first <= part.start_byte and part.end_byte <= last and part.is_named]
        if len(inside) == 1 and inside[0].type == "template_interpolation" and not heredoc:
            return self.of(inside[0])
        if any(part.type == "template_directive" for part in inside):
            return self.unknown(node, "a template with directives")
        return self.joined(node, inside, first, last, heredoc)

    def joined(self, node: Any, parts: list[Any], first: int, last: int, heredoc: bool) -> Setting:
        pieces: list[str] = []
        position = first
        for part in parts:
            if part.type == "template_interpolation":
                pieces += [self.literal(position, part.start_byte, heredoc), self.interpolated(part)]
                position = part.end_byte
        pieces.append(self.literal(position, last, heredoc))
        if sum(map(len, pieces)) > LONGEST_TEXT:
            return self.unknown(node, "too long a text")
        made = "".join(pieces)
        return self.known(node, Reference(made) if any(isinstance(p, Reference) for p in pieces) else made)

    def literal(self, start: int, end: int, heredoc: bool) -> str:
        raw = self.source.text(start, end).replace("$${", "${").replace("%%{", "%{")
        return raw if heredoc else _ESCAPE.sub(_unescape, raw)

    def interpolated(self, node: Any) -> str:
        setting = self.of(node)
        if isinstance(setting, Known) and isinstance(setting.value, Reference):
            return setting.value
        plain = as_text(setting)
        if plain is not None:
            return plain
        written = "".join(self.text(child) for child in node.named_children if child.type == "expression")
        return Reference("${" + re.sub(r"[^\w.*-]+", ".", written).strip(".")[:80] + "}")

    def template_interpolation(self, node: Any) -> Setting:
        inner = next((child for child in node.named_children if child.type == "expression"), None)
        return self.of(inner) if inner is not None else self.unknown(node, "an empty interpolation")

    # -- operators

    def conditional(self, node: Any) -> Setting:
        choices, otherwise = _chain(node)
        undecided, possible = None, []
        for condition, result in choices:
            decided = self.of(condition)
            is_decided = isinstance(decided, Known) and isinstance(decided.value, bool)
            if is_decided and not decided.value:  # type: ignore[union-attr]
                continue
            possible.append(result)
            if is_decided:
                break
            undecided = undecided or condition
        else:
            possible.append(otherwise)
        values = [self.of(result) for result in possible]
        first = values[0]
        if undecided is None or all(is_plain(v) and v.value == first.value for v in values):  # type: ignore[union-attr]
            return first
        return self.unknown(node, f"depends on {self.text(undecided)[:60]}")

    def unary_operation(self, node: Any) -> Setting:
        setting = self.sequence(node.children[1:])
        value = operand(setting)
        sign = node.children[0].type
        if sign == "!" and isinstance(value, bool):
            return self.known(node, not value)
        if sign == "-" and is_number(value):
            return self.known(node, -value)
        return setting if isinstance(setting, Unknown) else self.unknown(node, "an operand that is no plain value")

    def binary_operation(self, node: Any) -> Setting:
        children = [child for child in node.children if child.type != "comment"]
        place = next(i for i, child in enumerate(children) if child.type in _OPERATORS and i)
        left, right = self.sequence(children[:place]), self.sequence(children[place + 1 :])
        sign = children[place].type
        if sign in ("&&", "||"):
            return self.logical(node, sign, left, right)
        for side in (left, right):
            if isinstance(side, Unknown):
                return side
        if sign in ("==", "!=") and None in (left.value, right.value):
            # What an apply makes is something: only a written null is null.
            return self.known(node, (left.value is right.value) == (sign == "=="))
        if not (is_plain(left) and is_plain(right)):
            return self.unknown(node, "an operand that is only known after an apply")
        result = _apply(sign, left.value, right.value)
        return self.unknown(node, "operands that do not fit") if result is None else self.known(node, result)

    def logical(self, node: Any, sign: str, left: Setting, right: Setting) -> Setting:
        decisive = sign == "||"
        values = [operand(left), operand(right)]
        if decisive in values:
            return self.known(node, decisive)
        if values == [not decisive, not decisive]:
            return self.known(node, not decisive)
        return next(
            (s for s in (left, right) if isinstance(s, Unknown)), self.unknown(node, "operands that do not fit")
        )

    # -- loops and calls

    def for_expr(self, node: Any) -> Setting:
        inner = node.named_children[0]
        intro = next(child for child in inner.named_children if child.type == "for_intro")
        words = [self.text(child) for child in intro.named_children if child.type == "identifier"]
        subject = next(child for child in intro.named_children if child.type == "expression")
        pairs = pairs_of(self.of(subject))
        if pairs is None or not words:
            return self.unknown(node, f"loops over {self.text(subject)[:60]}, which cannot be read")
        results = [child for child in inner.named_children if child.type == "expression"]
        condition = next((child for child in inner.named_children if child.type == "for_cond"), None)
        return self.loop(node, words, pairs, results, condition, inner.type == "for_object_expr")

    def loop(
        self, node: Any, words: list[str], pairs: list, results: list[Any], condition: Any, is_object: bool
    ) -> Setting:
        items: list[Setting] = []
        entries: dict[str, Setting] = {}
        for key, value in pairs:
            bound = {words[-1]: value} if len(words) == 1 else {words[0]: key, words[1]: value}
            inner = _Evaluation(Bound(self.names, bound), self.source)
            kept = inner.kept(condition)
            if kept is None:
                return self.unknown(node, "a filter that cannot be decided")
            if not kept:
                continue
            if not is_object:
                items.append(inner.of(results[0]))
            elif (name := as_text(inner.of(results[0]))) is not None:
                entries[name] = inner.of(results[-1])
            else:
                return self.unknown(node, "a key that is only known after an apply")
        return self.known(node, entries) if is_object else self.listed(node, items)

    def read(self, name: str, values: list[Setting]) -> Setting:
        """Evaluate file() and templatefile()."""
        path = as_text(values[0]) if values else None
        text = self.names.read(path) if path else None
        if text is None:
            return Unknown(f"{name}() of a file that is not here")
        return text if name == "file" else rendered(text, values[1] if len(values) > 1 else Known({}, text.origin))

    def kept(self, condition: Any) -> bool | None:
        """Say whether a filter lets an element pass: `v != null` does so with a v nobody can read."""
        if condition is None:
            return True
        decided = self.of(condition.named_children[-1])
        if isinstance(decided, Known) and isinstance(decided.value, bool):
            return decided.value
        return True if "!= null" in self.text(condition) else None

    def function_call(self, node: Any) -> Setting:
        name = self.text(node.named_children[0])
        arguments = next((child for child in node.named_children if child.type == "function_arguments"), None)
        given = [child for child in arguments.named_children] if arguments is not None else []
        values = [self.of(child) for child in given if child.type == "expression"]
        if any(child.type == "ellipsis" for child in given):
            spread = values.pop() if values else Unknown("nothing to spread")
            if not (isinstance(spread, Known) and isinstance(spread.value, tuple)):
                return self.unknown(node, "a spread that cannot be read")
            values += spread.value
        result = self.read(name, values) if name in ("file", "templatefile") else call(name, values)
        if isinstance(result, Known) and not result.origin.location:
            return replace(result, origin=Origin("", self.source.location(node)))
        return result


def rendered(text: Known, variables: Setting) -> Setting:
    """Fill the variables of a template file in; what is no plain name stays a token."""
    if "%{" in text.value or not isinstance(variables, Known) or not isinstance(variables.value, dict):
        return Unknown("a template with directives, or variables that cannot be read", text.origin)

    def put(match: re.Match[str]) -> str:
        setting = variables.value.get(match[1])
        plain = as_text(setting) if setting is not None else None
        is_reference = isinstance(setting, Known) and isinstance(setting.value, Reference)
        return str(setting.value) if is_reference else plain if plain is not None else match[0]  # type: ignore[union-attr]

    made = re.sub(r"\$\{\s*(\w+)\s*\}", put, text.value)
    if len(made) > LONGEST_TEXT:
        return Unknown("too long a text", text.origin)
    return replace(text, value=Reference(made) if "${" in made else made)


def _chain(node: Any) -> tuple[list[tuple[Any, Any]], Any]:
    """Return ([(condition, result)], otherwise): the grammar reads `a ? b : c ? d : e` as `(a ? b : c) ? d : e`."""
    later: list[tuple[Any, Any]] = []
    condition, result, otherwise = _sides(node)
    while (inner := condition.children[0] if len(condition.children) == 1 else None) and inner.type == "conditional":
        head, value, last = _sides(inner)
        later.append((last, result))
        condition, result = head, value
    return [(condition, result), *reversed(later)], otherwise


def _sides(node: Any) -> list[Any]:
    return [child for child in node.named_children if child.type == "expression"][:3]


_NODES = frozenset(
    "expression operation literal_value template_expr collection_value tuple object variable_expr "
    "template_interpolation conditional unary_operation binary_operation for_expr function_call".split()
)
_OPERATORS = frozenset(("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||"))
_ESCAPE = re.compile(r'\\([nrt"\\])')


def _unescape(match: re.Match[str]) -> str:
    return {"n": "\n", "r": "\r", "t": "\t"}.get(match[1], match[1])


def _number(text: str) -> int | float | None:
    value = float(text) if len(text) < 30 else math.inf
    if not math.isfinite(value) or abs(value) > LARGEST_NUMBER:
        return None
    return int(value) if value.is_integer() else value


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COUNT: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
}


def _apply(sign: str, left: Any, right: Any) -> Any:
    if sign in ("==", "!="):
        same = left == right if isinstance(left, bool) == isinstance(right, bool) else False
        return same if sign == "==" else not same
    left, right = numeric(left), numeric(right)
    if left is None or right is None or (sign in "/%" and right == 0):
        return None
    if sign in _COMPARE:
        return _COMPARE[sign](left, right)
    result = _COUNT[sign](left, right)
    return tidy(result) if abs(result) <= LARGEST_NUMBER else None
