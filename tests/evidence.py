"""What tests of readers ask: the facts of a tree, the value of a setting with its evidence, or why it is unknown."""

from __future__ import annotations

from types import ModuleType

from poollint.discover import Tree
from poollint.facts import Known, Setting, Unknown, Workload


def facts(reader: ModuleType, tree: Tree, kind: type = Workload) -> list:
    """Return what a reader finds of one kind."""
    return [fact for fact in reader.read(tree) if isinstance(fact, kind)]


def only(reader: ModuleType, tree: Tree, kind: type = Workload):
    """Return the one fact of its kind."""
    (fact,) = facts(reader, tree, kind)
    return fact


def by_name(reader: ModuleType, tree: Tree) -> dict[str, Workload]:
    """Return the workloads by name."""
    return {fact.name: fact for fact in facts(reader, tree)}


def evidence(setting: Setting) -> tuple[object, str, str | None, str]:
    """Return (value, says, place, certainty) of a known setting."""
    assert isinstance(setting, Known), setting
    place = str(setting.origin.location) if setting.origin.location else None
    return setting.value, setting.origin.says, place, setting.certainty


def why(setting: Setting) -> str:
    """Return the reason of an unknown setting."""
    assert isinstance(setting, Unknown), setting
    return setting.reason
