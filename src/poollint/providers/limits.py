"""Numbers that depend on what was bought: the default limit for a tier, evaluated from a provider's table or formula.

A limit is a list of blocks; the first block that fits the tier, the version and the dialect gives the number.
Named tuples, here and in `schema`: making a data class takes seven times as long, and every run pays for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from poollint import _formula
from poollint.facts import Certainty, Known, Origin

Grade = Literal[
    "documented",  # read in the vendor's documentation or source
    "documented_secondhand",  # the vendor's page as somebody else quotes it
    "measured",  # run by us
    "measured_public",  # read from a running instance, and published
    "reported",  # said by users or third parties
    "derived",  # computed from other figures of the table
    "seed",  # a blog article only
    "uncertain",  # believed, no source seen
]
SURE: frozenset[str] = frozenset({"documented", "documented_secondhand", "measured", "measured_public"})
UNDECIDED = "undecided"


class Source(NamedTuple):
    """Where a number was read.

    name  as its file calls it; date: the page's own where it has one, else when the file was put together
    """

    name: str
    title: str
    url: str | None
    date: str


class Figure(NamedTuple):
    """One number (or word) with its source; a value of None is a number that nobody publishes."""

    value: Any
    grade: Grade
    source: Source
    note: str = ""

    @property
    def certainty(self) -> Certainty:
        return "default" if self.grade in SURE else "estimate"

    def setting(self, says: str) -> Known:
        return Known(self.value, Origin(says, url=self.source.url), self.certainty)


class Size(NamedTuple):
    """What the name of a tier says: `pattern` matches it whole, its groups and `variables` feed steps and formulas."""

    pattern: str
    variables: Mapping[str, str]
    figure: Figure  # value unused: grade and source of the claim

    def read(self, tier: str) -> dict[str, float] | None:
        """Return the variables of a tier, or None when the pattern does not match it."""
        match = re.fullmatch(self.pattern, tier, re.IGNORECASE)
        if not match:
            return None
        found = {name: float(text) for name, text in match.groupdict().items() if text}
        for name, expression in self.variables.items():
            found[name] = _formula.evaluate(expression, found)
        return found


class Step(NamedTuple):
    """The value from `bound` on, or (exact) at `bound` only."""

    bound: float
    exact: bool
    figure: Figure


class Block(NamedTuple):
    """One way to come to a number. What it leaves empty it does not use.

    dialects, versions, only   when it holds: dialects, "<10.5", a pattern of tiers
    key                        a pattern whose first group is the tier as `tiers` spells it
    tiers                      tier → value; sizes, then steps over `by`, then the formula for the rest
    constant                   a value that needs no tier
    per                        "node": the number holds for a part of the whole, and cannot be compared as it is
    """

    base: Figure
    dialects: tuple[str, ...] = ()
    versions: str = ""
    only: str = ""
    key: str = ""
    per: str = ""
    constant: Figure | None = None
    tiers: Mapping[str, Figure] = MappingProxyType({})
    sizes: tuple[Size, ...] = ()
    classes: Mapping[str, float] = MappingProxyType({})  # tier → GiB, of a file in sizes/
    classes_name: str = ""
    by: str = "memory"
    steps: tuple[Step, ...] = ()
    formula: str = ""

    def fits(self, version: str | None, dialect: str | None) -> bool | None:
        """Say whether the block holds; None when the version or the dialect would decide and is not known."""
        if self.dialects and dialect is None:
            return None
        if self.dialects and dialect not in self.dialects:
            return False
        return version_fits(version, self.versions)

    def figure(self, tier: str | None, given: Mapping[str, float]) -> Figure | None:
        """Return the number for a tier, or None when this block does not have it."""
        name = self._name(tier)
        if name is None:
            return None if self.only else self._computed(dict(given), self.base)
        if self.only and not re.search(self.only, name, re.IGNORECASE):
            return None
        if name in self.tiers:
            return self.tiers[name]
        variables, claim = self._size(name) or ({}, self.base)
        return self._computed({**given, **variables}, claim)

    def lists(self, tier: str | None) -> bool:
        """Say whether the tier has a number of its own here, rather than one that its size gives."""
        return self._name(tier) in self.tiers

    def _name(self, tier: str | None) -> str | None:
        if tier is None:
            return None
        tier = tier.strip().lower()
        match = re.fullmatch(self.key, tier, re.IGNORECASE) if self.key else None
        name = match[1] if match else tier
        # A capacity is 16, 16.0 or 0.50, as the file that gives it writes its numbers.
        return name.rstrip("0").rstrip(".") if re.fullmatch(r"\d+\.\d+", name) else name

    def _size(self, name: str) -> tuple[dict[str, float], Figure] | None:
        if name in self.classes:
            return {"memory": self.classes[name]}, self.base
        for size in self.sizes:
            variables = size.read(name)
            if variables is not None:
                return variables, size.figure
        return None

    def _computed(self, variables: dict[str, float], claim: Figure) -> Figure | None:
        found = self._step(variables.get(self.by))
        if found is None and self.formula and _formula.names(self.formula) <= variables.keys():
            found = self.base._replace(value=int(_formula.evaluate(self.formula, variables)))
        if found is None:
            return self.constant
        # A sure step for a memory that is only believed gives a number that is only believed.
        return found if claim.grade in SURE else found._replace(grade=claim.grade)

    def _step(self, amount: float | None) -> Figure | None:
        if amount is None:
            return None
        reached = [s for s in self.steps if s.bound == amount or (not s.exact and s.bound < amount)]
        return max(reached, key=lambda step: step.bound).figure if reached else None


def evaluate(
    blocks: tuple[Block, ...],
    tier: str | None = None,
    version: str | None = None,
    dialect: str | None = None,
    given: Mapping[str, float] | None = None,
) -> Figure | str | None:
    """Return the number of the first block that has one; UNDECIDED when the version or dialect would tell which."""
    for block in blocks:
        fits = block.fits(version, dialect)
        if fits is None:
            return UNDECIDED
        figure = block.figure(tier, given or {}) if fits else None
        if figure is not None:
            return figure
    return None


def version_fits(version: str | None, condition: str) -> bool | None:
    """Say whether a version meets a condition such as ">=1.21,<1.24"; None when it is missing or too vague to tell."""
    if not condition:
        return True
    written = version and re.match(r"v?(\d+(?:\.\d+)*)", version.strip())
    if not written:
        return None
    release = tuple(int(part) for part in written[1].split("."))
    answers = [_meets(release, clause) for clause in condition.split(",")]
    if False in answers:
        return False
    return None if None in answers else True


def _meets(release: tuple[int, ...], clause: str) -> bool | None:
    operator, bound = re.fullmatch(r"\s*(<|>=)\s*([\d.]+)\s*", clause).groups()  # type: ignore[union-attr]
    wanted = tuple(int(part) for part in bound.split("."))
    # An image tag `1` may be any 1.x: it does not tell on which side of 1.24 it stands.
    if len(release) < len(wanted) and release == wanted[: len(release)] and any(wanted[len(release) :]):
        return None
    width = max(len(release), len(wanted))
    below = release + (0,) * (width - len(release)) < wanted + (0,) * (width - len(wanted))
    return below if operator == "<" else not below

