"""Readers for `re`: what `re.sub` makes of a text, and whether one is matched.

    re.sub(r"^postgres://", "postgresql://", url)      a pattern that is plain text replaces as `.replace()` does
    re.match("sqlite", url)                            and asks what `.startswith()` asks
    re.sub(r"^postgres(ql)?://", "x://", "known")      other simple patterns only where all of the text is known

Nothing that could take long is run: a pattern comes from a stranger.
"""

from __future__ import annotations

import re
from dataclasses import replace

from poollint.facts import Known
from poollint.python.evaluator import text
from poollint.python.evaluator.values import Arguments, Traced, Value, derived, failing, operation, reason_of, unsettled
from poollint.python.libraries import Call, reader

_SPECIAL = re.compile(r"[.^$*+?{}\[\]\\|()]")
_ESCAPED = re.compile(r"\\([^\w\s])")
_REPEATED = re.compile(r"[*+{]|\?.*\?.*\?")  # what can make a search go back and forth
LONGEST_PATTERN, LONGEST_TEXT = 200, 2_000


@reader("re.sub")
def _sub(call: Call) -> Value:
    pattern, new, value = call.text(0, "pattern"), call.text(1, "repl"), call.get("string", 2)
    if pattern is None or new is None or value is None or call.get("count", 3) or call.get("flags", 4):
        return call.made()
    is_first, literal = pattern.startswith("^"), _ESCAPED.sub("", pattern.removeprefix("^"))
    if not _SPECIAL.search(literal) and "\\" not in new and pattern.strip("^"):
        old = Traced(_ESCAPED.sub(r"\1", pattern.removeprefix("^")), call.origin)
        if is_first and isinstance(value, Known) and not str(value.value).startswith(old.value):
            return value
        given = (old, Traced(new, call.origin), *((Traced(1, call.origin),) if is_first else ()))
        return text.method(call.world, value, "replace", Arguments(given), call.origin)
    if isinstance(value, Known) and isinstance(value.value, str):
        return _made_of(call, pattern, new, value)
    return call.made()


@reader("re.match", "re.search", "re.fullmatch")
def _matched(call: Call) -> Value:
    """Return whether a text is matched: True stands for the match, of which nothing else is known."""
    pattern, value = call.text(0, "pattern"), call.get("string", 1)
    if pattern is None or value is None or call.get("flags", 2):
        return call.made()
    literal = _ESCAPED.sub("", pattern.removeprefix("^"))
    is_first = call.name == "re.match" or pattern.startswith("^")
    if is_first and call.name != "re.fullmatch" and literal and not _SPECIAL.search(literal):
        wanted = Traced(_ESCAPED.sub(r"\1", pattern.removeprefix("^")), call.origin)
        begins = text.method(call.world, value, "startswith", Arguments((wanted,)), call.origin)
        return replace(begins, value=begins.value or None) if isinstance(begins, Known) else begins
    if isinstance(value, Known) and isinstance(value.value, str) and _is_simple(pattern, value):
        try:
            found = getattr(re, call.name.removeprefix("re."))(pattern, value.value)
        except (re.error, IndexError):
            return failing(ValueError, call.origin)
        return derived(True if found else None, value, origin=call.origin, symbol=_asked(call, pattern, value))
    return unsettled(reason_of(value), value, origin=call.origin, symbol=_asked(call, pattern, value))


def _asked(call: Call, pattern: str, value: Value) -> str:
    return operation(call.name, Traced(pattern, call.origin), value)


def _is_simple(pattern: str, value: Known) -> bool:
    return len(pattern) <= LONGEST_PATTERN and not _REPEATED.search(pattern) and len(value.value) <= LONGEST_TEXT


def _made_of(call: Call, pattern: str, new: str, value: Known) -> Value:
    if not _is_simple(pattern, value) or len(new) > LONGEST_PATTERN:
        return call.made()
    try:
        return derived(re.sub(pattern, new, value.value), value, origin=call.origin)
    except (re.error, IndexError):
        return failing(ValueError, call.origin)
