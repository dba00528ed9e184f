"""JUnit XML: one suite, one failed case per error and warning; a note is a case that passed and says so."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from poollint.escape import clean
from poollint.facts import Finding
from poollint.report import Report
from poollint.report._values import whole


def render(report: Report) -> str:
    failures = report.count("error") + report.count("warning")
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<testsuites>",
        f'  <testsuite name="poollint" tests="{max(1, len(report.findings))}" failures="{failures}" errors="0">',
    ]
    for finding in report.findings:
        lines += _case(finding)
    if not report.findings:
        lines.append('    <testcase classname="poollint" name="nothing found"/>')
    return "\n".join([*lines, "  </testsuite>", "</testsuites>", ""])


def _case(finding: Finding) -> list[str]:
    at = finding.location
    name = f"{finding.rule} {clean(str(at))}"
    path = quoteattr(clean(at.path))
    head = f'    <testcase classname={path} name={quoteattr(name)} file={path} line="{at.line}">'
    message = quoteattr(clean(finding.message))
    if finding.severity == "note":
        body = f"      <system-out>{escape(whole(finding))}</system-out>"
    else:
        body = f'      <failure type="{finding.severity}" message={message}>{escape(whole(finding))}</failure>'
    return [head, body, "    </testcase>"]
