"""A suppression silences nothing, or names no rule.

It has no `check`: what a suppression silences is known only when every other rule has spoken, and `suppress` asks then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from poollint import rulebook
from poollint.config import meant
from poollint.facts import Finding
from poollint.suppress import Suppression


def check_suppressions(suppressions: Iterable[Suppression]) -> Iterator[Finding]:
    """Yield one finding per suppression, all of which are known to silence nothing."""
    seen: Counter[tuple[str, str]] = Counter()
    for suppression in suppressions:
        message, remedy = _verdict(suppression)
        key = (suppression.location.path, suppression.rule)
        yield Finding("warning", message, remedy, suppression.location, about=(*key, str(seen[key])))
        seen[key] += 1


def _verdict(suppression: Suppression) -> tuple[str, str]:
    rule = suppression.rule
    match suppression.flaw:
        case "no-rule":
            return (
                "the comment names no rule, so it silences nothing",
                "Write poollint: ignore[rule-name] and the reason",
            )
        case "unknown-rule":
            return f"there is no rule {rule}{meant(rule, rulebook.names())}", "Name a rule that `poollint rules` lists"
        case "no-reason":
            return f"ignoring {rule} needs a reason, so it silences nothing", "Write the reason after the bracket"
        case "expired":
            return (
                f"the time for ignoring {rule} is over, so it silences nothing",
                "Remove the entry, or mend what it hides",
            )
    what = "the comment" if suppression.stated_in == "comment" else "the entry"
    return f"{what} ignores {rule}, but nothing here is found by it", "Remove it"
