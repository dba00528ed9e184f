"""The functions of Terraform's language that decide numbers, texts and lists; the others are unknown."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from poollint.hcl.values import (
    LONGEST_LIST,
    LONGEST_TEXT,
    NO_KEY,
    Encoded,
    Reference,
    as_text,
    is_plain,
    numeric,
    operand,
)
from poollint.facts import Known, Origin, Setting, Unknown


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
    value = numeric(operand(argument))
    return replace(argument, value=value) if value is not None else None


def _tostring(argument: Setting) -> Setting | None:
    if isinstance(argument, Known) and isinstance(argument.value, Reference):
        return argument
    value = as_text(argument)
    return replace(argument, value=value) if value is not None else None


def _tobool(argument: Setting) -> Setting | None:
    value = {True: True, False: False, "true": True, "false": False}.get(operand(argument))
    return replace(argument, value=value) if value is not None else None


def _coalesce(*arguments: Setting) -> Setting | None:
    for argument in arguments:
        if isinstance(argument, Unknown) or argument.value not in (None, ""):
            return argument
    return None


def _try(*arguments: Setting) -> Setting | None:
    # An Unknown may be a value poollint cannot read; only one that fails for certain gives way to the next.
    left = [a for a in arguments if not (isinstance(a, Unknown) and a.reason.startswith(NO_KEY))]
    return left[0] if left and isinstance(left[0], Known) else None


def _lookup(table: Setting, key: Setting, *default: Setting) -> Setting | None:
    name = as_text(key)
    if not isinstance(table, Known) or not isinstance(table.value, dict) or name is None:
        return None
    return table.value.get(name) or (default[0] if default else None)


def _extreme(choose: Callable[..., Any]) -> Callable[..., Setting | None]:
    def extreme(*arguments: Setting) -> Setting | None:
        if not arguments or any(numeric(operand(a)) is None for a in arguments):
            return None
        chosen = choose(arguments, key=lambda a: numeric(a.value))
        return replace(chosen, value=numeric(chosen.value))

    return extreme


def _rounded(function: Callable[[float], int]) -> Callable[[Setting], Setting | None]:
    def rounded(argument: Setting) -> Setting | None:
        value = numeric(operand(argument))
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
            return (
                argument.value if isinstance(argument, Known) and isinstance(argument.value, Reference) else "${unread}"
            )
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
    words = [
        item.value if isinstance(item, Known) and isinstance(item.value, str) else as_text(item) for item in items.value
    ]
    if None in words or as_text(separator) is None or sum(map(len, words)) > LONGEST_TEXT:
        return None
    made = as_text(separator).join(words)
    return Known(Reference(made) if any(isinstance(w, Reference) for w in words) else made, Origin(""))


def _split(separator: Setting, text: Setting) -> Setting | None:
    mark = as_text(separator)
    if not mark or not isinstance(text, Known) or not isinstance(text.value, str):
        return None
    parts = text.value.split(mark)
    made = (Reference(part) if "${" in part else part for part in parts[:LONGEST_LIST])
    return replace(text, value=tuple(replace(text, value=part) for part in made))


def _flatten(items: Setting) -> Setting | None:
    if not isinstance(items, Known) or not isinstance(items.value, tuple):
        return None
    flat: list[Setting] = []
    for item in items.value:
        if isinstance(item, Unknown):
            return None
        flat += item.value if isinstance(item.value, tuple) else (item,)
    return replace(items, value=tuple(flat[:LONGEST_LIST]))


def _compact(items: Setting) -> Setting | None:
    if not isinstance(items, Known) or not isinstance(items.value, tuple):
        return None
    if any(isinstance(item, Unknown) for item in items.value):
        return None
    return replace(items, value=tuple(item for item in items.value if item.value not in (None, "")))


def _one(items: Setting) -> Setting | None:
    if not isinstance(items, Known) or not isinstance(items.value, tuple) or len(items.value) > 1:
        return None
    return items.value[0] if items.value else Known(None, items.origin)


def _element(items: Setting, index: Setting) -> Setting | None:
    place = numeric(operand(index))
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
    if not isinstance(items, Known) or not isinstance(items.value, tuple) or not is_plain(wanted):
        return None
    if not all(is_plain(item) for item in items.value):
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
    "trimprefix": _on_text(str.removeprefix),
    "trimsuffix": _on_text(str.removesuffix),
    "replace": _on_text(_replace_text),
    "format": _format,
    "length": _length,
    "merge": _merge,
    "concat": _concat,
    "join": _join,
    "split": _split,
    "flatten": _flatten,
    "compact": _compact,
    "one": _one,
    "element": _element,
    "keys": _keys,
    "values": _values,
    "contains": _contains,
    "jsonencode": _jsonencode,
}
