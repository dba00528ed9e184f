"""discover → read → link → check → suppress: the whole run, as one function of its input."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from poollint import environments
from poollint.config import Configuration, load
from poollint.discover import Tree, discover, root_of
from poollint.facts import Finding, Project, Severity, Skipped, Version, is_shaky, milder


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run found. Suppressed findings are among `findings`, marked."""

    tree: Tree
    configuration: Configuration
    project: Project
    findings: tuple[Finding, ...]

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        return self.tree.skipped


def run(
    paths: list[Path],
    *,
    configuration_file: Path | None = None,
    isolated: bool = False,
    assume: Mapping[str, str] | None = None,
    select: frozenset[str] | None = None,
    ignore: frozenset[str] = frozenset(),
    tracked_only: bool = False,
) -> Outcome:
    """Judge the project under `paths`.

    Raises FileNotFoundError for a missing path, config.ConfigurationError for a configuration that cannot be used.
    """
    tree, configuration, project = read(
        paths, configuration_file=configuration_file, isolated=isolated, assume=assume, tracked_only=tracked_only
    )
    if not project.engines:  # nothing to judge: neither the rules nor the files they speak of are opened
        return Outcome(tree, configuration, project, ())
    from poollint.suppress import suppress

    findings = suppress(check(project, configuration, select, ignore), tree, configuration, select, ignore)
    return Outcome(tree, configuration, project, tuple(sorted(findings, key=_order)))


def read(
    paths: list[Path],
    *,
    configuration_file: Path | None = None,
    isolated: bool = False,
    assume: Mapping[str, str] | None = None,
    tracked_only: bool = False,
) -> tuple[Tree, Configuration, Project]:
    """Read and link the project without judging it: what `facts` and `budget` need."""
    configuration = load(root_of(paths), configuration_file, isolated=isolated, assume=assume or {})
    tree = discover(paths, exclude=configuration.exclude, tracked_only=tracked_only)
    project = _project(tree, configuration)
    return tree, configuration, replace(project, skipped=tree.skipped, files=len(tree.files))


def _project(tree: Tree, configuration: Configuration) -> Project:
    from poollint.python.code import Code

    code = Code(tree)
    if not code.has_engines:  # no engine, no client: nothing that the other files say would be judged
        return Project()
    facts = [fact for reader in modules("readers") for fact in _facts(reader, tree)]
    code.declare(tuple(fact for fact in facts if isinstance(fact, Version)))
    from poollint.link import link

    return replace(link(tree, facts, code, configuration), dead_settings=code.dead_settings)


def _facts(reader: ModuleType, tree: Tree) -> Iterator[Any]:
    """Yield a reader's facts; a reader that breaks is said, and the others go on."""
    found: list[Any] = []
    with tree.guard(reader.__name__.rpartition(".")[2] + " files"):
        for fact in reader.read(tree):
            found.append(fact)
    yield from found


def check(
    project: Project, configuration: Configuration, select: frozenset[str] | None, ignore: frozenset[str]
) -> Iterator[Finding]:
    """Yield the findings of every selected rule, named, with the configured severity and what lowers it."""
    for module in modules("rules"):
        name = rule_name(module)
        configured = configuration.severity.get(name)
        judge: Callable[[Project], Iterator[Finding]] | None = getattr(module, "check", None)
        if judge is None or configured == "off" or name in ignore or (select is not None and name not in select):
            continue
        for finding in judge(project):
            yield replace(finding, rule=name, severity=_severity(finding, configured))


def modules(package: str) -> Iterator[ModuleType]:
    """Import and yield the public modules of a sub-package, by name: adding one edits nothing."""
    parent = importlib.import_module(f"poollint.{package}")
    for info in sorted(pkgutil.iter_modules(parent.__path__), key=lambda info: info.name):
        if not info.name.startswith("_"):
            yield importlib.import_module(f"poollint.{package}.{info.name}")


def rule_name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2].replace("_", "-")


def _severity(finding: Finding, configured: str | None) -> Severity:
    severity: Severity = configured or finding.severity  # type: ignore[assignment]
    if is_shaky(evidence.setting for evidence in finding.evidence):
        severity = milder(severity, "warning")
    if finding.environments and not any(environments.is_production(name) for name in finding.environments):
        severity = "note"
    return severity


def _order(finding: Finding) -> tuple[Any, ...]:
    at = finding.location
    return (at.path, at.line, at.column, finding.rule, finding.database or "", finding.message)
