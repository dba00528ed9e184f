"""Silence what the project asks to silence, and report every suppression that silences nothing.

A suppression is a comment `poollint: ignore[rule-name] reason` on a line that the finding cites, or an `[[ignore]]` entry
of the configuration. There is no blanket form.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from poollint import rulebook
from poollint.comments import Comment, comments
from poollint.config import Configuration, StatedIgnore
from poollint.discover import Tree
from poollint.facts import Finding, Known, Location

JUDGE = "unused-suppression"

Flaw = Literal["", "no-rule", "unknown-rule", "no-reason", "expired"]


@dataclass(frozen=True, slots=True)
class Suppression:
    """One rule, silenced at some lines.

    lines  None when it holds for the whole file (an `[[ignore]]` entry)
    flaw   why it silences nothing whatever the findings are, or ""
    """

    rule: str
    path: str
    lines: frozenset[int] | None
    reason: str
    location: Location
    flaw: Flaw = ""
    stated_in: Literal["comment", "configuration"] = "comment"

    def silences(self, finding: Finding) -> bool:
        """Say whether the finding cites this place and is of this rule."""
        if self.flaw or finding.rule != self.rule:
            return False
        return any(
            fnmatchcase(path, self.path)
            if self.lines is None
            else path == self.path and not self.lines.isdisjoint(lines)
            for path, lines in _cited(finding)
        )


def suppress(
    findings: Iterable[Finding],
    tree: Tree,
    configuration: Configuration,
    select: frozenset[str] | None = None,
    ignore: frozenset[str] = frozenset(),
    today: datetime.date | None = None,
) -> tuple[Finding, ...]:
    """Return the findings, suppressed ones marked, and those about suppressions that silence nothing."""
    stated = [*_from_comments(tree, configuration), *_from_configuration(configuration, today or datetime.date.today())]
    judged, used = _mark(findings, stated)
    if not _runs(JUDGE, configuration, select, ignore):
        return judged
    ran = frozenset(rule for rule in rulebook.names() if _runs(rule, configuration, select, ignore))
    unused = [one for one in stated if one not in used and (one.flaw or one.rule in ran - {JUDGE})]
    about, used = _mark(_unused(unused, configuration), stated)
    idle = [one for one in stated if one.rule == JUDGE and one not in used and not one.flaw]
    return (*judged, *about, *_unused(idle, configuration))


def _mark(findings: Iterable[Finding], stated: Collection[Suppression]) -> tuple[tuple[Finding, ...], set[Suppression]]:
    """Mark what is silenced; return as well which suppressions did it."""
    marked, used = [], set()
    for finding in findings:
        silent = [one for one in stated if one.silences(finding)]
        used.update(silent)
        marked.append(replace(finding, suppressed=True, reason=silent[0].reason) if silent else finding)
    return tuple(marked), used


def _unused(suppressions: Iterable[Suppression], configuration: Configuration) -> Iterator[Finding]:
    from poollint.rules import unused_suppression

    configured = configuration.severity.get(JUDGE)
    for finding in unused_suppression.check_suppressions(suppressions):
        yield replace(finding, rule=JUDGE, severity=configured or finding.severity)  # type: ignore[arg-type]


def _runs(rule: str, configuration: Configuration, select: frozenset[str] | None, ignore: frozenset[str]) -> bool:
    return configuration.severity.get(rule) != "off" and rule not in ignore and (select is None or rule in select)


def _cited(finding: Finding) -> Iterator[tuple[str, frozenset[int] | range]]:
    """Yield the lines a finding cites: its own place from first to last line, and the line of every value."""
    at = finding.location
    yield at.path, range(at.line, (at.end_line or at.line) + 1)
    for evidence in finding.evidence:
        if isinstance(evidence.setting, Known) and (place := evidence.setting.origin.location):
            yield place.path, range(place.line, place.line + 1)


# -- where suppressions are stated ---------------------------------------------------------------------------------

_IGNORE = re.compile(r"ignore\s*\[([^\[\]]*)\]\s*(.*)", re.DOTALL)
_NAME = re.compile(r"[a-z]+(-[a-z]+)*")


def _from_comments(tree: Tree, configuration: Configuration) -> Iterator[Suppression]:
    for comment in comments(tree):
        yield from parse(comment, configuration.require_reasons)


def parse(comment: Comment, require_reasons: bool = False) -> Iterator[Suppression]:
    """Yield one suppression per rule of a comment; a comment that tries to ignore and names no rule is flawed."""
    place = (comment.location.path, comment.covers)
    match = _IGNORE.fullmatch(comment.text)
    if match is None:
        if comment.text[:6].lower() == "ignore":
            yield Suppression("", *place, "", comment.location, "no-rule")
        return
    reason = match[2].strip(" \t-–—:")
    for name in [word.strip() for word in match[1].split(",")]:
        flaw: Flaw = "" if reason or not require_reasons else "no-reason"
        if name not in rulebook.names():
            flaw = "unknown-rule" if _NAME.fullmatch(name) else "no-rule"
        yield Suppression(name, *place, reason, comment.location, flaw)


def _from_configuration(configuration: Configuration, today: datetime.date) -> Iterator[Suppression]:
    for entry in configuration.ignores:
        place = entry.location or Location("", 1)
        flaw = _flaw(entry, configuration, today)
        yield Suppression(entry.rule, entry.path, None, entry.reason, place, flaw, "configuration")


def _flaw(entry: StatedIgnore, configuration: Configuration, today: datetime.date) -> Flaw:
    if entry.until and today >= datetime.date.fromisoformat(entry.until):
        return "expired"
    return "no-reason" if configuration.require_reasons and not entry.reason else ""
