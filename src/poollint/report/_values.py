"""Write values, places and severities for people."""

from __future__ import annotations

from poollint.escape import clean
from poollint.facts import NO_CEILING, Evidence, Finding, Known, Missing, Setting

LONGEST = 60  # characters of one printed value

# What stands for the value in an `--assume` line.
_PLACEHOLDERS = {"tier": "TIER", "provider": "NAME", "mode": "MODE"}


def shown(setting: Setting) -> str:
    """Return the value as a reader expects it: "2,400", "no ceiling", "not known"."""
    if not isinstance(setting, Known):
        return "?"
    value = setting.value
    if value == NO_CEILING:
        return "no ceiling"
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, (int, float)):
        return f"{value:,}"
    text = clean(str(value))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def place(setting: Setting) -> str:
    """Return `path:line` of where the value is written, or nothing."""
    return clean(str(setting.origin.location)) if setting.origin.location else ""


def why(setting: Setting) -> str:
    """Return why the value is believed, with a word on one that is not certain."""
    if not isinstance(setting, Known):
        return f"not known: {clean(setting.reason)}"
    doubt = f" ({setting.certainty})" if setting.certainty in ("estimate", "fallback") else ""
    return clean(setting.origin.says) + doubt


def evidence_lines(evidence: tuple[Evidence, ...]) -> list[str]:
    """Return one line per value, in the order of the formula, numbers and places in columns."""
    rows = [(shown(e.setting), place(e.setting), why(e.setting)) for e in evidence]
    number = max([6, *(len(value) for value, _, _ in rows)])
    places = max((len(where) for _, where, _ in rows), default=0)
    return [
        f"{value:>{number}}  {f'{where:<{places}}    ' if where else ''}{says}".rstrip() for value, where, says in rows
    ]


def sentences(finding: Finding) -> list[str]:
    """Return what follows the evidence: details, then the change that fits."""
    texts = [clean(text).strip() for text in (*finding.details, finding.help)]
    return [text if text.endswith((".", "?", "!")) else text + "." for text in texts if text]


def unknown_line(missing: Missing) -> str:
    """Return one line that names a missing input and how to state it."""
    stated = f"{missing.needs}={_PLACEHOLDERS.get(missing.needs.rpartition('.')[2], 'N')}"
    where = f" ({missing.location})" if missing.location and str(missing.location) not in missing.reason else ""
    return clean(f"unknown: {missing.reason}{where}; state it with --assume {stated}")


def whole(finding: Finding) -> str:
    """Return message, numbers and what to do, one line each."""
    return "\n".join([clean(finding.message), *evidence_lines(finding.evidence), *sentences(finding)])
