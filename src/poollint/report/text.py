"""For people: each finding with its formula, one line per number, and at the end what could not be read."""

from __future__ import annotations

from poollint.escape import clean, inert
from poollint.facts import Finding
from poollint.report import Report
from poollint.report._values import evidence_lines, sentences, unknown_line

MOST_UNKNOWNS = 5
COLORS = {"error": "31;1", "warning": "33;1", "note": "36;1"}


def render(report: Report) -> str:
    blocks = [_block(finding, report.color) for finding in report.findings]
    if report.verbose and report.suppressed:
        blocks.append("\n".join(_suppressed(finding) for finding in report.suppressed))
    unknowns = report.missing if report.verbose else report.missing[:MOST_UNKNOWNS]
    if unknowns:
        blocks.append("\n".join(inert(unknown_line(missing)) for missing in unknowns))
    return "".join(block + "\n" for block in "\n\n".join(blocks).split("\n")) if blocks else ""


def _block(finding: Finding, color: bool) -> str:
    severity = f"\x1b[{COLORS[finding.severity]}m{finding.severity}\x1b[0m" if color else finding.severity
    lines = [
        f"{severity}: {finding.rule}  {clean(str(finding.location))}",
        inert(clean(finding.message)),
        *(inert(line) for line in evidence_lines(finding.evidence)),
        *(inert(line) for line in sentences(finding)),
    ]
    return "\n".join(lines)


def _suppressed(finding: Finding) -> str:
    reason = f": {clean(finding.reason)}" if finding.reason else ""
    return f"suppressed: {finding.rule}  {clean(str(finding.location))}{reason}"
