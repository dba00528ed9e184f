"""For programs: version 1 of the JSON, described by `schemas/poollint-1.json`."""

from __future__ import annotations

from poollint import __version__, rulebook
from poollint.report import Report, _data


def render(report: Report) -> str:
    outcome, project = report.outcome, report.outcome.project
    return _data.dumps(
        {
            "version": _data.VERSION,
            "tool": {"name": "poollint", "version": __version__},
            "findings": [
                _data.finding(finding, report.fingerprints[id(finding)], rulebook.rule(finding.rule).url)
                for finding in (*report.findings, *report.suppressed)
            ],
            "unknowns": [_data.unknown(missing) for missing in report.missing],
            "skipped": _data.skipped(outcome.skipped),
            "summary": {
                "files": project.files,
                "engines": len(project.engines),
                "workloads": len(project.workloads),
                "databases": len(project.databases),
                "errors": report.count("error"),
                "warnings": report.count("warning"),
                "notes": report.count("note"),
                "suppressed": len(report.suppressed),
            },
        }
    )
