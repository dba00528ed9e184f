"""The JSON of version 1, shared by `check`, `facts` and what reads them: a frozen shape, not a dump of the facts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from poollint.escape import HIDDEN, redact
from poollint.facts import NO_CEILING, Evidence, Finding, Fix, Known, Location, Missing, Setting, Skipped

VERSION = 1


def dumps(data: Any) -> str:
    """Return JSON text in which every hidden character is an escape and no URL has a password."""
    text = json.dumps(_redacted(data), ensure_ascii=False, indent=2, allow_nan=False)
    return HIDDEN.sub(_escape, text) + "\n"


def _escape(match: re.Match[str]) -> str:
    return match[0] if match[0] == "\n" else json.dumps(match[0])[1:-1]


def _redacted(data: Any) -> Any:
    if isinstance(data, str):
        return redact(data)
    if isinstance(data, dict):
        return {key: _redacted(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_redacted(item) for item in data]
    return data


def plain(value: Any) -> Any:
    """Return a value as JSON holds it; "no ceiling" and what has no JSON form become null and text."""
    if value == NO_CEILING:
        return None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value == value else None
    return str(value)


def setting(setting: Setting) -> dict[str, Any]:
    """Return the shape of every number in `facts` and `budget`."""
    at = setting.origin.location
    place = {"path": at.path if at else None, "line": at.line if at else None}
    if not isinstance(setting, Known):
        return {"value": None, "known": False, "certainty": None, "says": setting.reason, **place}
    says = "no ceiling" if setting.value == NO_CEILING else setting.origin.says
    return {"value": plain(setting.value), "known": True, "certainty": setting.certainty, "says": says, **place}


def span(at: Location) -> dict[str, Any]:
    end = {"end_line": at.end_line or at.line, "end_column": at.end_column or at.column}
    return {"path": at.path, "line": at.line, "column": at.column, **end}


def place(at: Location | None) -> dict[str, Any]:
    return (
        {"path": at.path, "line": at.line, "column": at.column} if at else {"path": None, "line": None, "column": None}
    )


def evidence(item: Evidence) -> dict[str, Any]:
    given, origin = item.setting, item.setting.origin
    known = isinstance(given, Known)
    says = origin.says if known else given.reason
    if known and given.value == NO_CEILING:
        says = "no ceiling"
    return {
        "name": item.name,
        "value": plain(given.value) if known else None,
        "says": says,
        "certainty": given.certainty if known else None,
        **place(origin.location),
        "url": origin.url,
    }


def fix(given: Fix | None) -> dict[str, Any] | None:
    if given is None:
        return None
    fields = ("path", "line", "column", "end_line", "end_column", "text")
    edits = [{name: getattr(edit, name) for name in fields} for edit in given.edits]
    return {"safe": given.safe, "summary": given.summary, "edits": edits}


def finding(given: Finding, fingerprint: str, url: str | None) -> dict[str, Any]:
    return {
        "rule": given.rule,
        "severity": given.severity,
        "message": given.message,
        "help": given.help,
        "url": url,
        **span(given.location),
        "fingerprint": fingerprint,
        "suppressed": given.suppressed,
        "environments": list(given.environments),
        "workloads": list(given.workloads),
        "database": given.database,
        "evidence": [evidence(item) for item in given.evidence],
        "fix": fix(given.fix),
    }


def unknown(given: Missing) -> dict[str, Any]:
    return {
        "setting": given.setting,
        "reason": given.reason,
        "needs": given.needs,
        "rules": list(given.rules),
        **place(given.location),
    }


def skipped(given: Iterable[Skipped]) -> list[dict[str, Any]]:
    return [{"path": one.path, "line": one.line, "reason": one.reason} for one in given]
