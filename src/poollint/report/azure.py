"""Azure Pipelines: the text report, and one logging command for each error and warning.

https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands
"""

from __future__ import annotations

from poollint.escape import clean
from poollint.facts import Finding
from poollint.report import Report, text
from poollint.report._values import whole

MOST_PER_LEVEL = 10  # the agent keeps no more of a task
# The percent sign is first: the others bring their own.
ESCAPES = (("%", "%AZP25"), ("\r", "%0D"), ("\n", "%0A"), ("]", "%5D"), (";", "%3B"))


def render(report: Report) -> str:
    lines = []
    for level in ("error", "warning"):
        findings = [finding for finding in report.findings if finding.severity == level]
        lines += [command(finding) for finding in findings[:MOST_PER_LEVEL]]
        if len(findings) > MOST_PER_LEVEL:
            lines.append(f"{len(findings) - MOST_PER_LEVEL:,} more of level {level} in the log above.")
    return text.render(report) + "".join(line + "\n" for line in lines)


def command(finding: Finding) -> str:
    at = finding.location
    properties = {
        "type": finding.severity,
        "sourcepath": clean(at.path),
        "linenumber": str(at.line),
        "columnnumber": str(at.column),
        "code": finding.rule,
    }
    header = ";".join(f"{key}={_escaped(value)}" for key, value in properties.items())
    message = whole(finding).replace("##", r"#\#")  # one command in a line
    return f"##vso[task.logissue {header};]{_escaped(message)}"


def _escaped(value: str) -> str:
    for character, escape in ESCAPES:
        value = value.replace(character, escape)
    return value
