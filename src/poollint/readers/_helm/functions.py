"""The functions of Helm's templates that `template` knows, over values that keep their places.

Each takes its arguments as Go's templates pass them, the piped one last; what is not known makes its outcome unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from poollint._yaml import Mapping, Node, Scalar, Sequence
from poollint.readers import _merge


class Absent:
    """A path that no values file has: false in a condition, unknown as a value."""


class Hidden:
    """Something that only Helm itself can tell."""

    def __init__(self, text: str = "") -> None:
        self.text = text


class Text:
    """What a helper template writes: text in which `\ue000n\ue001` stands for the n-th value inserted so far."""

    def __init__(self, text: str) -> None:
        self.text = text


class Words:
    """What `list` gives to a helper template; only its words matter, as parts of a name."""

    def __init__(self, words: list[str]) -> None:
        self.words = words


class Root:
    """The dot of a whole template, and `$` everywhere."""


ABSENT, ROOT = Absent(), Root()
Value = Node | Absent | Hidden | Text | Words | Root


SAME = frozenset(
    [
        "quote",
        "squote",
        "int",
        "int64",
        "float64",
        "toString",
        "trim",
        "toYaml",
        "toJson",
        "lower",
        "trunc",
        "trimSuffix",
    ]
)


def holds(value: Value) -> bool | None:
    """Say whether a condition holds as Go's templates see it; None when it cannot be told."""
    if isinstance(value, (Hidden, Absent, Text, Words)):
        return False if isinstance(value, Absent) else None
    if isinstance(value, Scalar):
        return bool(value.value)
    if isinstance(value, Mapping):
        return bool(value.pairs())
    return bool(value.items) if isinstance(value, Sequence) else True


def _default(arguments: list[Value]) -> Value:
    """`default X value`: X when the value is empty."""
    is_set = holds(arguments[-1])
    if is_set is None:
        return arguments[-1]
    return arguments[-1] if is_set else arguments[0]


def _required(arguments: list[Value]) -> Value:
    return arguments[-1] if isinstance(arguments[-1], Node) else Hidden()


def _not(arguments: list[Value]) -> Value | bool:
    is_set = holds(arguments[0])
    return Hidden() if is_set is None else not is_set


def _and(arguments: list[Value]) -> Value:
    """The first that does not hold, else the last; one that cannot be told decides nothing unless another is false."""
    if any(holds(value) is False for value in arguments):
        return next(value for value in arguments if holds(value) is False)
    return next((value for value in arguments if holds(value) is None), arguments[-1])


def _or(arguments: list[Value]) -> Value:
    if any(holds(value) for value in arguments):
        return next(value for value in arguments if holds(value))
    return next((value for value in arguments if holds(value) is None), arguments[-1])


def _equal(arguments: list[Value]) -> Value | bool:
    texts = [value.text if isinstance(value, Scalar) else None for value in arguments]
    if any(isinstance(value, Absent) for value in arguments):
        return False
    return Hidden() if None in texts or len(texts) < 2 else texts[0] in texts[1:]


def _differs(arguments: list[Value]) -> Value | bool:
    equal = _equal(arguments)
    return not equal if isinstance(equal, bool) else equal


def _greater(arguments: list[Value]) -> Value | bool:
    numbers = [v.value for v in arguments if isinstance(v, Scalar) and isinstance(v.value, int | float)]
    return numbers[0] > numbers[1] if len(numbers) == len(arguments) == 2 else Hidden()


def _contains(arguments: list[Value]) -> Value | bool:
    """`contains part text`."""
    texts = [value.text for value in arguments if isinstance(value, Scalar)]
    return texts[0] in texts[1] if len(texts) == len(arguments) == 2 else Hidden()


def _ternary(arguments: list[Value]) -> Value:
    is_set = holds(arguments[-1])
    if is_set is None or len(arguments) != 3:
        return Hidden()
    return arguments[0] if is_set else arguments[1]


def _list(arguments: list[Value]) -> Value:
    return Words([value.text for value in arguments if isinstance(value, Scalar)])


def _printf(arguments: list[Value]) -> Value:
    """Fill in `%s` and `%d`; one word that is not known makes the text unknown."""
    words = [value for value in arguments if isinstance(value, Scalar)]
    if len(words) < len(arguments) or not words:
        return Hidden()
    pieces = re.split(r"%[sdv]", words[0].text)
    if len(pieces) != len(words) or any("%" in piece for piece in pieces):
        return Hidden()
    text = pieces[0] + "".join(word.text + piece for word, piece in zip(words[1:], pieces[1:]))
    return _merge.scalar(text, words[0].location)


def _index(arguments: list[Value]) -> Value:
    """`index .Values.settings "KEY" 0`: what stands below the keys and positions."""
    node, *keys = arguments
    texts = [key.text for key in keys if isinstance(key, Scalar)]
    if not isinstance(node, Node) or len(texts) < len(keys):
        return node if isinstance(node, Absent) else Hidden()
    for text in texts:
        below = node.at(int(text) if isinstance(node, Sequence) and text.isdecimal() else text)
        if below is None:
            return ABSENT
        node = below
    return node


def _has_key(arguments: list[Value]) -> Value | bool:
    found = _index(arguments)
    return found if isinstance(found, Hidden) else not isinstance(found, Absent)


_KINDS: dict[str, Callable[[Value], bool]] = {
    "invalid": lambda value: isinstance(value, Absent),  # Go's name for the kind of nil
    "map": lambda value: isinstance(value, Mapping),
    "slice": lambda value: isinstance(value, Sequence),
    "string": lambda value: isinstance(value, Scalar) and isinstance(value.value, str),
    "bool": lambda value: isinstance(value, Scalar) and isinstance(value.value, bool),
}


def _kind_is(arguments: list[Value]) -> Value | bool:
    """`kindIs "map" value`."""
    kind, value = arguments[0], arguments[-1]
    known = _KINDS.get(kind.text) if isinstance(kind, Scalar) and len(arguments) == 2 else None
    return known(value) if known and isinstance(value, Node | Absent) else Hidden()


def _tpl(arguments: list[Value]) -> Value:
    """`tpl text .`: the text itself, when nothing in it is a template."""
    text = arguments[0]
    return text if isinstance(text, Scalar) and "{{" not in text.text else Hidden()


FUNCTIONS: dict[str, Callable[[list[Value]], Value | bool]] = {
    "index": _index,
    "get": _index,
    "hasKey": _has_key,
    "list": _list,
    "printf": _printf,
    "default": _default,
    "coalesce": lambda arguments: next((v for v in arguments if holds(v)), ABSENT),
    "required": _required,
    "not": _not,
    "empty": _not,
    "and": _and,
    "or": _or,
    "eq": _equal,
    "ne": _differs,
    "gt": _greater,
    "lt": lambda arguments: _greater(arguments[::-1]),
    "ternary": _ternary,
    "contains": _contains,
    "kindIs": _kind_is,
    "tpl": _tpl,
}
