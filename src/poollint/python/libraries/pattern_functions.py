"""Readers for `re`: what `re.sub` makes of a text.

    re.sub(r"^postgres://", "postgresql://", url)      a pattern that is plain text replaces as `.replace()` does
    re.sub(r"^postgres(ql)?://", "x://", "known")      other simple patterns only where all of the text is known

Nothing that could take long is run: a pattern comes from a stranger.
"""

from __future__ import annotations

import re

from poollint.facts import Known
from poollint.python.evaluator import text
from poollint.python.evaluator.values import Arguments, Traced, Value, derived, failing
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


def _made_of(call: Call, pattern: str, new: str, value: Known) -> Value:
    is_simple = len(pattern) <= LONGEST_PATTERN and not _REPEATED.search(pattern)
    if not is_simple or len(value.value) > LONGEST_TEXT:
        return call.made()
    try:
        return derived(re.sub(pattern, new, value.value), value, origin=call.origin)
    except (re.error, IndexError):
        return failing(ValueError, call.origin)
