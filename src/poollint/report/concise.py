"""One line per finding, as compilers write them."""

from __future__ import annotations

from poollint.escape import clean, inert
from poollint.report import Report


def render(report: Report) -> str:
    lines = []
    for finding in report.findings:
        at = finding.location
        place = f"{clean(at.path)}:{at.line}:{at.column}"
        lines.append(inert(f"{place}: {finding.severity}: {clean(finding.message)} [{finding.rule}]") + "\n")
    return "".join(lines)
