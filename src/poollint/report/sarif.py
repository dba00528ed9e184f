"""SARIF 2.1.0, as GitHub code scanning reads it: the rule's page is the help, the numbers are related locations."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from poollint import __version__, rulebook
from poollint.escape import clean
from poollint.facts import Evidence, Finding, Location
from poollint.report import Report
from poollint.report._values import sentences, shown, why

SCHEMA = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/main/sarif-2.1/schema/sarif-schema-2.1.0.json"


def render(report: Report) -> str:
    used = sorted({finding.rule for finding in report.findings})
    run = {
        "tool": {
            "driver": {"name": "poollint", "semanticVersion": __version__, "rules": [_rule(name) for name in used]}
        },
        "automationDetails": {"id": "poollint/"},
        # Columns are counted in characters, also where a line holds more than ASCII.
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, used, report) for finding in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(name: str) -> dict[str, Any]:
    rule = rulebook.rule(name)
    described: dict[str, Any] = {
        "id": name,
        "name": name,
        "shortDescription": {"text": rule.summary[:1024]},
        "fullDescription": {"text": rule.summary[:1024]},
        "defaultConfiguration": {"level": rule.severity},
        "help": {"text": rule.page, "markdown": rule.page},
        "properties": {"tags": ["database", "reliability"], "precision": "high"},
    }
    if rule.url:
        described["helpUri"] = rule.url
    return described


def _result(finding: Finding, used: list[str], report: Report) -> dict[str, Any]:
    related = [_related(item, finding) for item in finding.evidence if item.setting.origin.location]
    for number, one in enumerate(related, 1):
        one["id"] = number
    fingerprint = report.fingerprints[id(finding)]
    return {
        "ruleId": finding.rule,
        "ruleIndex": used.index(finding.rule),
        "level": finding.severity,
        "message": {"text": _message(finding)},
        "locations": [_location(finding.location)],
        "relatedLocations": related,
        "partialFingerprints": {"primaryLocationLineHash": f"{fingerprint}:1", "poollint/v1": fingerprint},
    }


def _message(finding: Finding) -> str:
    """Return the message, one line per number with a link to where it is written, and what to do."""
    lines = [_unlinked(clean(finding.message)) + "."]
    number = 0
    for item in finding.evidence:
        line = _unlinked(f"{shown(item.setting)}: {why(item.setting)}")
        if at := item.setting.origin.location:
            number += 1
            line += f" ([{_unlinked(clean(str(at)))}]({number}))"
        lines.append(line)
    return "\n".join([*lines, *(_unlinked(sentence) for sentence in sentences(finding))])


def _unlinked(text: str) -> str:
    """SARIF reads `[text](id)` in a plain message as a link."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _related(item: Evidence, finding: Finding) -> dict[str, Any]:
    at = item.setting.origin.location or finding.location
    return {**_location(at), "message": {"text": f"{item.name}: {shown(item.setting)}, {why(item.setting)}"}}


def _location(at: Location) -> dict[str, Any]:
    """Return a region of one line: on a pull request GitHub shows a result only if all its lines are in the diff."""
    end = at.end_column if at.end_column and at.end_line in (None, at.line) else None
    region = {
        "startLine": at.line,
        "startColumn": at.column,
        "endLine": at.line,
        "endColumn": max(end or 0, at.column + 1),
    }
    uri = quote(at.path.encode("utf-8", "surrogateescape"))
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
