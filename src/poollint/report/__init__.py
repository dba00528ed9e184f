"""The output formats: one module each, found by walking this package, named as `--format` names it.

A format has `render(report)`, which returns what is printed; one for a CI system may have `summary(report)` too.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

from poollint.facts import SEVERITIES, Finding, Missing
from poollint.fingerprint import fingerprints
from poollint.pipeline import Outcome


@dataclass(frozen=True)
class Report:
    """What a format is given: the outcome of a run, and how the user wants to see it.

    verbose  also what is suppressed, and every unknown
    """

    outcome: Outcome
    verbose: bool = False
    color: bool = False

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What counts, worst first; the run has put them in the order of their places."""
        counted = (finding for finding in self.outcome.findings if not finding.suppressed)
        return tuple(sorted(counted, key=lambda finding: SEVERITIES.index(finding.severity)))

    @cached_property
    def suppressed(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.outcome.findings if finding.suppressed)

    @cached_property
    def fingerprints(self) -> dict[int, str]:
        """The fingerprint of each finding, by `id(finding)`: findings hold mappings and have no hash."""
        findings = self.outcome.findings
        return dict(zip(map(id, findings), fingerprints(findings)))

    @cached_property
    def missing(self) -> tuple[Missing, ...]:
        """Every input that would decide something, the most decisive first."""
        return tuple(sorted(self.outcome.project.missing, key=lambda m: (-m.weight, m.needs)))

    def count(self, severity: str) -> int:
        return sum(finding.severity == severity for finding in self.findings)


def formats() -> tuple[str, ...]:
    """Return the names of the formats; none is imported."""
    names = (info.name for info in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in names if not name.startswith("_")))


def format_named(name: str) -> ModuleType:
    return importlib.import_module(f"poollint.report.{name}")
