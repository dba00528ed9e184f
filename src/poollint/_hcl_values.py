"""Evaluate simple expressions of Terraform's language, without running Terraform.

A value is a Setting whose Known value is None, a bool, a number, a str, a tuple of Settings, a dict of Settings, or
`Encoded` (what jsonencode was given). Its origin is where the literal is written, wherever it is used.

What only exists after an apply stays a reference: `google_sql_database_instance.main.private_ip_address` is the text
`${google_sql_database_instance.main.private_ip_address}`, and so is an unreadable part inside a longer text, so that a
URL keeps the parts that can be read. Such a text is a `Reference`: never a number, a word or an operand.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from poollint._hcl import Expression, Source
from poollint.facts import Known, Origin, Setting, Unknown

DEEPEST = 60
LONGEST_TEXT = 20_000
LONGEST_LIST = 2_000
LARGEST_NUMBER = 10**15
MOST_STEPS = 300_000  # evaluated nodes per root module


class Reference(str):
    """Text that holds `${...}`: something only an apply, or nobody, knows."""

    __slots__ = ()

    def at(self, step: str | int) -> Reference:
        """Return the reference to what lies below: `.0` stands for `[0]`, which a URL's host could not hold."""
        return Reference(f"{self[:-1]}.{step}}}")


def reference(*steps: str | int) -> Reference:
    """Return the reference to a traversal."""
    return Reference("${" + ".".join(str(step) for step in steps) + "}")


@dataclass(frozen=True, slots=True)
class Encoded:
    """The argument of jsonencode, kept as a value so that its parts keep their places."""

    setting: Setting


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


def evaluate(expression: Expression, names: Names) -> Setting:
    """Return the value of the expression, Unknown with a reason when it cannot be had from the text."""
    return _Evaluation(names, expression.source).of(expression.node)


def step_into(setting: Setting, step: str | int) -> Setting:
    """Return what `.step` or `[step]` of a value is."""
    if isinstance(setting, Unknown):
        return setting
    value = setting.value
    if isinstance(value, Reference):
        return replace(setting, value=value.at(step)) if _is_single(value) else Unknown("part of a text", setting.origin)
    if isinstance(value, dict):
        found = value.get(str(step))
        return found if found is not None else Unknown(f"no key {step!s:.40}", setting.origin)
    if isinstance(value, tuple) and (index := _index(step)) is not None and -len(value) <= index < len(value):
        return value[index]
    return Unknown(f"nothing at {step!s:.40}", setting.origin)


def _is_single(text: str) -> bool:
    return text.startswith("${") and text.endswith("}") and text.count("${") == 1


def _index(step: str | int) -> int | None:
    try:
        return int(step)
    except ValueError:
        return None


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
        first, last = (parts[1].end_byte + 1, parts[-1].start_byte) if heredoc else (parts[0].end_byte, parts[-1].start_byte)
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
        condition, yes, no = [child for child in node.named_children if child.type == "expression"][:3]
        decided = self.of(condition)
        if isinstance(decided, Known) and isinstance(decided.value, bool):
            return self.of(yes if decided.value else no)
        first, second = self.of(yes), self.of(no)
        if isinstance(first, Known) and isinstance(second, Known) and _plain(first) and first.value == second.value:
            return first
        return self.unknown(node, f"depends on {self.text(condition)[:60]}")

    def unary_operation(self, node: Any) -> Setting:
        operand = self.sequence(node.children[1:])
        value = _operand(operand)
        sign = node.children[0].type
        if sign == "!" and isinstance(value, bool):
            return self.known(node, not value)
        if sign == "-" and _is_number(value):
            return self.known(node, -value)
        return operand if isinstance(operand, Unknown) else self.unknown(node, "an operand that is no plain value")

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
        if not (_plain(left) and _plain(right)):
            return self.unknown(node, "an operand that is only known after an apply")
        result = _apply(sign, left.value, right.value)
        return self.unknown(node, "operands that do not fit") if result is None else self.known(node, result)

    def logical(self, node: Any, sign: str, left: Setting, right: Setting) -> Setting:
        decisive = sign == "||"
        values = [_operand(left), _operand(right)]
        if decisive in values:
            return self.known(node, decisive)
        if values == [not decisive, not decisive]:
            return self.known(node, not decisive)
        return next((s for s in (left, right) if isinstance(s, Unknown)), self.unknown(node, "operands that do not fit"))

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
            kept = inner.of(condition.named_children[-1]) if condition is not None else None
            if kept is not None and not (isinstance(kept, Known) and isinstance(kept.value, bool)):
                return self.unknown(node, "a filter that cannot be decided")
            if kept is not None and not kept.value:
                continue
            if not is_object:
                items.append(inner.of(results[0]))
            elif (name := as_text(inner.of(results[0]))) is not None:
                entries[name] = inner.of(results[-1])
            else:
                return self.unknown(node, "a key that is only known after an apply")
        return self.known(node, entries) if is_object else self.listed(node, items)

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
        result = call(name, values)
        if isinstance(result, Known) and not result.origin.location:
            return replace(result, origin=Origin("", self.source.location(node)))
        return result


_NODES = frozenset(
    "expression operation literal_value template_expr collection_value tuple object variable_expr template_interpolation "
    "conditional unary_operation binary_operation for_expr function_call".split()
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


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _plain(setting: Setting) -> bool:
    """True for a value that compares: no reference, no collection of settings."""
    return isinstance(setting, Known) and not isinstance(setting.value, (Reference, tuple, dict, Encoded))


def _operand(setting: Setting) -> Any:
    return setting.value if isinstance(setting, Known) and _plain(setting) else None


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


def tidy(value: float) -> int | float:
    """Return an int for a whole number: Terraform has one kind of number."""
    return int(value) if float(value).is_integer() else value


def numeric(value: Any) -> int | float | None:
    """Return the number that a number or a text of digits is to Terraform, else None."""
    if isinstance(value, str) and not isinstance(value, Reference) and re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", value):
        return tidy(float(value))
    return value if _is_number(value) else None


def as_text(setting: Setting) -> str | None:
    """Return how Terraform prints a plain value inside a text, or None when it does not."""
    value = _operand(setting)
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def pairs_of(setting: Setting) -> list[tuple[Known, Setting]] | None:
    """Return (key, value) of a list or map, or None when it is neither or unknown."""
    if not isinstance(setting, Known):
        return None
    if isinstance(setting.value, dict):
        return [(Known(key, value.origin), value) for key, value in setting.value.items()]
    if isinstance(setting.value, tuple):
        return [(Known(index, value.origin), value) for index, value in enumerate(setting.value)]
    return None


# -- functions ---------------------------------------------------------------------------------------------------------


def call(name: str, arguments: list[Setting]) -> Setting:
    """Return the result of a function of Terraform's, Unknown for one that poollint does not know."""
    function = _FUNCTIONS.get(name)
    if function is None:
        return Unknown(f"{name}() is not evaluated")
    try:
        result = function(*arguments)
    except (TypeError, ValueError, IndexError):
        result = None
    if result is not None:
        return result
    return next((a for a in arguments if isinstance(a, Unknown)), Unknown(f"{name}() of values that cannot be read"))


def _same(argument: Setting, *_: Setting) -> Setting:
    return argument


def _tonumber(argument: Setting) -> Setting | None:
    value = numeric(_operand(argument))
    return replace(argument, value=value) if value is not None else None


def _tostring(argument: Setting) -> Setting | None:
    if isinstance(argument, Known) and isinstance(argument.value, Reference):
        return argument
    value = as_text(argument)
    return replace(argument, value=value) if value is not None else None


def _tobool(argument: Setting) -> Setting | None:
    value = {True: True, False: False, "true": True, "false": False}.get(_operand(argument))
    return replace(argument, value=value) if value is not None else None


def _coalesce(*arguments: Setting) -> Setting | None:
    for argument in arguments:
        if isinstance(argument, Unknown) or argument.value not in (None, ""):
            return argument
    return None


def _try(*arguments: Setting) -> Setting | None:
    # An Unknown may be a failing lookup or a value poollint cannot read: only a first that is known decides.
    return arguments[0] if arguments and isinstance(arguments[0], Known) else None


def _lookup(table: Setting, key: Setting, *default: Setting) -> Setting | None:
    name = as_text(key)
    if not isinstance(table, Known) or not isinstance(table.value, dict) or name is None:
        return None
    return table.value.get(name) or (default[0] if default else None)


def _extreme(choose: Callable[..., Any]) -> Callable[..., Setting | None]:
    def extreme(*arguments: Setting) -> Setting | None:
        if not arguments or any(numeric(_operand(a)) is None for a in arguments):
            return None
        chosen = choose(arguments, key=lambda a: numeric(a.value))
        return replace(chosen, value=numeric(chosen.value))

    return extreme


def _rounded(function: Callable[[float], int]) -> Callable[[Setting], Setting | None]:
    def rounded(argument: Setting) -> Setting | None:
        value = numeric(_operand(argument))
        return replace(argument, value=function(value)) if value is not None else None

    return rounded


def _on_text(function: Callable[..., str]) -> Callable[..., Setting | None]:
    """A function of texts; one that holds a reference passes unchanged, its name matters more than its spelling."""

    def on_text(first: Setting, *others: Setting) -> Setting | None:
        if isinstance(first, Known) and isinstance(first.value, Reference):
            return first
        words = [as_text(argument) for argument in (first, *others)]
        if None in words:
            return None
        made = function(*words)
        return replace(first, value=made) if len(made) <= LONGEST_TEXT else None

    return on_text


def _replace_text(text: str, old: str, new: str) -> str:
    if old.startswith("/") and old.endswith("/") and len(old) > 1:
        raise ValueError("a regular expression from strangers is not run")
    if len(new) > 100 or not old:
        raise ValueError("too long")
    return text.replace(old, new)


_VERB = re.compile(r"%(?:%|[sdvq]|(?P<other>.))")


def _format(spec: Setting, *arguments: Setting) -> Setting | None:
    text = as_text(spec)
    if text is None:
        return None
    rest = list(arguments)
    has_reference = False

    def fill(match: re.Match[str]) -> str:
        nonlocal has_reference
        if match[0] == "%%":
            return "%"
        if match["other"]:
            raise ValueError("a verb that is not read")
        argument = rest.pop(0)
        plain = as_text(argument)
        has_reference |= plain is None
        if plain is None:
            return argument.value if isinstance(argument, Known) and isinstance(argument.value, Reference) else "${unread}"
        return plain

    made = _VERB.sub(fill, text)
    return Known(Reference(made) if has_reference else made, Origin("")) if len(made) <= LONGEST_TEXT else None


def _length(argument: Setting) -> Setting | None:
    countable = isinstance(argument, Known) and isinstance(argument.value, (tuple, dict, str))
    return Known(len(argument.value), Origin("")) if countable and not isinstance(argument.value, Reference) else None


def _merge(*tables: Setting) -> Setting | None:
    merged: dict[str, Setting] = {}
    for table in tables:
        if isinstance(table, Known) and table.value is None:
            continue
        if not isinstance(table, Known) or not isinstance(table.value, dict):
            return None
        merged.update(table.value)
    return Known(merged, Origin("")) if len(merged) <= LONGEST_LIST else None


def _concat(*lists: Setting) -> Setting | None:
    joined: list[Setting] = []
    for items in lists:
        if not isinstance(items, Known) or not isinstance(items.value, tuple):
            return None
        joined += items.value
        if len(joined) > LONGEST_LIST:
            return None
    return Known(tuple(joined), Origin(""))


def _join(separator: Setting, items: Setting) -> Setting | None:
    if not isinstance(items, Known) or not isinstance(items.value, tuple):
        return None
    words = [item.value if isinstance(item, Known) and isinstance(item.value, str) else as_text(item) for item in items.value]
    if None in words or as_text(separator) is None or sum(map(len, words)) > LONGEST_TEXT:
        return None
    made = as_text(separator).join(words)
    return Known(Reference(made) if any(isinstance(w, Reference) for w in words) else made, Origin(""))


def _element(items: Setting, index: Setting) -> Setting | None:
    place = numeric(_operand(index))
    if not isinstance(items, Known) or not isinstance(items.value, tuple) or not items.value or place is None:
        return None
    return items.value[int(place) % len(items.value)]


def _keys(table: Setting) -> Setting | None:
    if not isinstance(table, Known) or not isinstance(table.value, dict):
        return None
    return Known(tuple(Known(key, value.origin) for key, value in sorted(table.value.items())), Origin(""))


def _values(table: Setting) -> Setting | None:
    if not isinstance(table, Known) or not isinstance(table.value, dict):
        return None
    return Known(tuple(value for _, value in sorted(table.value.items())), Origin(""))


def _contains(items: Setting, wanted: Setting) -> Setting | None:
    if not isinstance(items, Known) or not isinstance(items.value, tuple) or not _plain(wanted):
        return None
    if not all(_plain(item) for item in items.value):
        return None
    return Known(any(item.value == wanted.value for item in items.value), Origin(""))


def _jsonencode(argument: Setting) -> Setting:
    return Known(Encoded(argument), Origin(""))


_FUNCTIONS: dict[str, Callable[..., Setting | None]] = {
    **dict.fromkeys(("tolist", "toset", "tomap", "sensitive", "nonsensitive", "urlencode"), _same),
    "tonumber": _tonumber,
    "tostring": _tostring,
    "tobool": _tobool,
    "coalesce": _coalesce,
    "try": _try,
    "lookup": _lookup,
    "max": _extreme(max),
    "min": _extreme(min),
    "floor": _rounded(math.floor),
    "ceil": _rounded(math.ceil),
    "lower": _on_text(str.lower),
    "upper": _on_text(str.upper),
    "trimspace": _on_text(str.strip),
    "replace": _on_text(_replace_text),
    "format": _format,
    "length": _length,
    "merge": _merge,
    "concat": _concat,
    "join": _join,
    "element": _element,
    "keys": _keys,
    "values": _values,
    "contains": _contains,
    "jsonencode": _jsonencode,
}
