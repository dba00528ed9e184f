"""For GitHub Actions: the text report, annotations on the lines, and a summary of the job in Markdown.

The runner reads every line of the log: one that begins with `::` is a command, and a file name may hold a line end.
So names and messages are escaped as the runner unescapes them, and everything else is made inert.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from poollint.escape import visible
from poollint.facts import Finding
from poollint.report import Report, text
from poollint.report._markdown import summary
from poollint.report._values import whole

MOST_PER_LEVEL = 10  # the runner drops what comes after them
LONGEST = 4000  # characters of a message; the runner cuts at 4,096
COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
# Notes would push real findings out of sight: only those in the diff are shown on a line.
ANNOTATED = ("error", "warning")


def render(report: Report) -> str:
    annotations = [line for level in ANNOTATED for line in _annotations(report, level)]
    return text.render(report) + "".join(line + "\n" for line in annotations)


def publish(report: Report) -> None:
    """Append the Markdown report to the file that GitHub names."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if file:
        with open(file, "a", encoding="utf-8") as stream:
            stream.write(summary(report))


def _annotations(report: Report, level: str) -> Iterator[str]:
    findings = [finding for finding in report.findings if finding.severity == level]
    yield from map(annotation, findings[:MOST_PER_LEVEL])
    if len(findings) > MOST_PER_LEVEL:
        more = len(findings) - MOST_PER_LEVEL
        yield f"{more:,} more {level}{'s' if more > 1 else ''} in the log above."


def annotation(finding: Finding) -> str:
    """Return one workflow command: message, evidence and help, on one line of the log."""
    at = finding.location
    # Line ends are escaped, so that GitHub finds the file; what else is hidden is shown, and finds none.
    path = re.sub(r"[^\r\n]+", lambda part: visible(part[0]), at.path)
    properties = {"file": path, "line": str(at.line)}
    if at.end_column and at.end_line == at.line:
        # Columns survive only on one line; GitHub's end column is the last character's.
        properties |= {
            "endLine": str(at.line),
            "col": str(at.column),
            "endColumn": str(max(at.column, at.end_column - 1)),
        }
    properties["title"] = finding.rule
    header = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    command = f"::{COMMANDS[finding.severity]} {header}::{_data(whole(finding)[:LONGEST])}"
    # The runner finds its older command syntax anywhere in a line.
    return command.replace("##[", r"#\#[")


def _data(message: str) -> str:
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
