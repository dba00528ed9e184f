"""The report as Markdown, for the summary of a job."""

from __future__ import annotations

import re

from poollint.escape import clean
from poollint.facts import Finding
from poollint.report import Report
from poollint.report._values import evidence_lines, sentences, unknown_line

LARGEST = 900 * 1024  # bytes; GitHub uploads nothing of a summary above 1 MiB


def summary(report: Report) -> str:
    """Return the whole report, cut below what GitHub accepts."""
    blocks = [_head(report), *(_block(finding) for finding in report.findings)]
    if report.missing:
        blocks.append(
            "### Not known\n\n" + "".join(f"- {escaped(unknown_line(one))}\n" for one in report.missing) + "\n"
        )
    size, kept = 0, []
    for number, block in enumerate(blocks):
        size += len(block.encode("utf-8", "replace"))
        if size > LARGEST:
            kept.append(f"{len(blocks) - number:,} more in the log.\n")
            break
        kept.append(block)
    return "".join(kept)


def _head(report: Report) -> str:
    counts = [(report.count(level), level) for level in ("error", "warning", "note")]
    told = ", ".join(f"{number} {level}{'' if number == 1 else 's'}" for number, level in counts if number)
    return f"## poollint: {told or 'nothing found'}\n\n"


def _block(finding: Finding) -> str:
    rows = "".join(f"    {line}\n" for line in evidence_lines(finding.evidence))
    evidence = f"{rows}\n" if rows else ""
    told = "".join(f"{escaped(sentence)}\n" for sentence in sentences(finding))
    head = f"### {finding.severity}: {finding.rule}\n\n`{clean(str(finding.location)).replace('`', '′')}`\n\n"
    return f"{head}{escaped(finding.message)}\n\n{evidence}{told}\n"


def escaped(text: str) -> str:
    """Return text in which nothing is markup: names come from strangers, and a pull request may bring them."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!@&])", r"\\\1", clean(text))
