"""reviewdog's rdjson: one DiagnosticResult, columns in UTF-8 bytes, safe and unsafe fixes as suggestions.

https://github.com/reviewdog/reviewdog/tree/master/proto/rdf
"""

from __future__ import annotations

import json
from typing import Any

from poollint.discover import Tree
from poollint.facts import Edit, Finding, Location
from poollint.report import Report
from poollint.report._values import shown, whole, why

SEVERITIES = {"error": "ERROR", "warning": "WARNING", "note": "INFO"}


def render(report: Report) -> str:
    tree = report.outcome.tree
    result = {
        "source": {"name": "poollint"},
        "severity": "WARNING",
        "diagnostics": [_diagnostic(finding, tree) for finding in report.findings],
    }
    return json.dumps(result, indent=2) + "\n"


def _diagnostic(finding: Finding, tree: Tree) -> dict[str, Any]:
    made: dict[str, Any] = {
        "message": whole(finding),
        "location": _location(finding.location, tree),
        "severity": SEVERITIES[finding.severity],
        "code": {"value": finding.rule},
        "related_locations": [
            {"message": f"{item.name}: {shown(item.setting)}, {why(item.setting)}", "location": _location(at, tree)}
            for item in finding.evidence
            if (at := item.setting.origin.location)
        ],
    }
    # A suggestion belongs to the file of its diagnostic.
    if finding.fix and all(edit.path == finding.location.path for edit in finding.fix.edits):
        made["suggestions"] = [{"range": _range(edit, tree), "text": edit.text} for edit in finding.fix.edits]
    return made


def _location(at: Location, tree: Tree) -> dict[str, Any]:
    return {"path": at.path, "range": _range(at, tree)}


def _range(at: Location | Edit, tree: Tree) -> dict[str, Any]:
    found = {"start": {"line": at.line, "column": _bytes(tree, at.path, at.line, at.column)}}
    if at.end_line and at.end_column:
        found["end"] = {"line": at.end_line, "column": _bytes(tree, at.path, at.end_line, at.end_column)}
    return found


def _bytes(tree: Tree, path: str, line: int, column: int) -> int:
    """Count a column in UTF-8 bytes; in a line that cannot be read again, characters are the best guess."""
    lines = (tree.text(path) or "").split("\n") if path in tree else []
    return len(lines[line - 1][: column - 1].encode("utf-8")) + 1 if line <= len(lines) else column
