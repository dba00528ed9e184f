"""Conditions that nothing readable decides: every answer is tried, and the outcomes are joined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from poollint.facts import Process, Unknown, value_of

MOST_ALTERNATIVES = 16
MOST_CONDITIONS = 30

T = TypeVar("T")

Outcome = tuple[tuple[Process, ...], dict[str, bool]]
"""What started, and the answers to open conditions under which it did."""


class Decisions:
    """Answers for conditions that depend on something unreadable; the same condition gets the same answer."""

    def __init__(self, prefix: tuple[bool, ...] = (), otherwise: bool = True, flipped: str | None = None) -> None:
        self._prefix, self._otherwise, self._flipped = prefix, otherwise, flipped
        self.answers: dict[str, bool] = {}

    def __call__(self, condition: str) -> bool:
        if condition not in self.answers:
            index = len(self.answers)
            answer = self._prefix[index] if index < len(self._prefix) else self._otherwise
            self.answers[condition] = answer is not (condition == self._flipped)
        return self.answers[condition]


def alternatives(compute: Callable[[Decisions], T]) -> list[tuple[T, dict[str, bool]]]:
    """Compute once for every combination of answers.

    With too many of them: for all true, all false, and every single condition turned round in both.
    """
    found: list[tuple[T, dict[str, bool]]] = []
    prefix: tuple[bool, ...] = ()
    while len(found) < MOST_ALTERNATIVES:
        decisions = Decisions(prefix)
        found.append((compute(decisions), decisions.answers))
        trail = list(decisions.answers.values())
        while trail and not trail[-1]:
            trail.pop()
        if not trail:
            return found
        prefix = (*trail[:-1], False)
    conditions = list(dict.fromkeys(condition for _, answers in found for condition in answers))
    for otherwise in (True, False):
        for flipped in (None, *conditions[:MOST_CONDITIONS]):
            decisions = Decisions((), otherwise, flipped)
            found.append((compute(decisions), decisions.answers))
    return found


def merged(outcomes: list[Outcome]) -> tuple[Process, ...]:
    """Join the outcomes of undecided branches: equal ones are one, and where they disagree the number is Unknown."""
    serving = _serving(outcomes)
    distinct: list[tuple[Process, ...]] = []
    for started, _ in serving:
        if not any(_alike(started, other) for other in distinct):
            distinct.append(started)
    if not distinct:
        return ()
    if len(distinct) == 1:
        return distinct[0]
    reason = _reason(serving)
    found: dict[tuple[str, str | None], list[Process]] = {}
    for started in distinct:
        for process in started:
            found.setdefault((process.kind, process.entry), []).append(process)
    return tuple(_joined(group, len(group) == len(distinct), reason) for group in found.values())


def _serving(outcomes: list[Outcome]) -> list[Outcome]:
    """Leave out the branches in which nothing stays: a check that fails, a one-off, help text."""
    passing = ("migration", "script", "shell")
    serving = [outcome for outcome in outcomes if any(process.kind not in passing for process in outcome[0])]
    return serving or [outcome for outcome in outcomes if outcome[0]]


def _alike(one: tuple[Process, ...], other: tuple[Process, ...]) -> bool:
    return [_shape(process) for process in one] == [_shape(process) for process in other]


def _shape(process: Process) -> tuple[object, ...]:
    numbers = (process.processes, process.units, process.preloads)
    names = (process.server, process.kind, process.entry, process.directory, process.reloads)
    return (*names, *(value_of(number, "unknown") for number in numbers))


def _reason(outcomes: list[Outcome]) -> str:
    """Name the first condition whose answer changes what starts."""
    conditions = list(dict.fromkeys(condition for _, answers in outcomes for condition in answers))
    for condition in conditions:
        sides = {True: set(), False: set()}  # type: dict[bool, set[object]]
        for started, answers in outcomes:
            if condition in answers:
                sides[answers[condition]].add(tuple(map(_shape, started)))
        if sides[True] and sides[False] and sides[True] != sides[False]:
            return f"depends on {' '.join(condition.split())[:80]}"
    return f"depends on {' '.join(conditions[0].split())[:80]}" if conditions else "depends on a condition"


def _joined(group: list[Process], everywhere: bool, reason: str) -> Process:
    """Return one process for those of the same kind and entry.

    A number that differs is Unknown, and so is the count of a process that some branch does not start.
    """
    first = group[0]
    if first.kind == "migration":
        return first
    changes: dict[str, object] = {
        "server": " or ".join(dict.fromkeys(process.server for process in group)),
        "reloads": all(process.reloads for process in group),
    }
    for name in ("processes", "units", "preloads"):
        values = {value_of(getattr(process, name), reason) for process in group}
        if len(values) > 1 or name == "processes" and not everywhere:
            origin = replace(getattr(first, name).origin, location=first.location)
            changes[name] = Unknown(reason, origin)
    return replace(first, **changes)  # type: ignore[arg-type]
