"""GitLab Code Quality: a JSON array, shown in the merge request.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import json
from typing import Any

from poollint.facts import Finding
from poollint.report import Report
from poollint.report._values import whole

SEVERITIES = {"error": "critical", "warning": "major", "note": "info"}


def render(report: Report) -> str:
    return (
        json.dumps([_issue(finding, report.fingerprints[id(finding)]) for finding in report.findings], indent=2) + "\n"
    )


def _issue(finding: Finding, fingerprint: str) -> dict[str, Any]:
    at = finding.location
    return {
        "check_name": finding.rule,
        "description": whole(finding),
        "severity": SEVERITIES[finding.severity],
        "fingerprint": fingerprint,
        "location": {
            "path": at.path,
            "positions": {"begin": {"line": at.line, "column": at.column}},
            "lines": {"begin": at.line},
        },
    }
