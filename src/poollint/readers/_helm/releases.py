"""Uses of a chart: what is laid over its values.yaml, under which name, for which environment.

The values files of a chart name environments by themselves; commands, helmfiles and GitOps objects say it outright. Where
they do, values.yaml is a base, and a values file that none of them mentions stays an environment of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from poollint._yaml import Node
from poollint.environments import environment_of, environment_word, is_production
from poollint.readers import _merge
from poollint.readers._helm.charts import Chart, first_document, is_values_file
from poollint.readers._helm.environments import by_values_files, label, of_values_file, split
from poollint.readers._helm.template import merged_values

if TYPE_CHECKING:
    from poollint.discover import Tree

DEEPEST_KEY = 40
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """One use of a chart. `name` is "" where only the running command knows it; `sets` come after all layers."""

    chart: str
    name: str = ""
    environment: str | None = None
    layers: tuple[Node, ...] = ()
    sets: tuple[tuple[Path, Node], ...] = ()
    files: tuple[str, ...] = ()

    def over(self, values: Node) -> Node:
        """Return the values that the templates see."""
        merged = merged_values([values, *self.layers]) or values
        for path, node in self.sets:
            merged = _merge.with_value(merged, path, node)
        return merged


@dataclass(slots=True)
class Use:
    """A release while it is read. `is_whole` is False once something that could replace any value is not readable."""

    chart: Chart
    name: str = ""
    layers: list[Node] = field(default_factory=list)
    sets: dict[Path, Node] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    is_whole: bool = True

    def add_file(self, tree: Tree, path: str | None, written: str) -> None:
        """Lay a values file over; one that holds secrets by its name is kept elsewhere and decides no number."""
        node = first_document(tree, path) if path else None
        if path and node is not None:
            self.layers.append(node)
            self.files.append(path)
        elif path is None and "secret" not in written.lower():
            self.is_whole = False

    def release(self, tree: Tree, *hints: str | None) -> Release | None:
        """Return the release, None when it is not readable as a whole.

        Its environment is that of its values files; the first of the hints that names one completes it.
        """
        if not self.is_whole:
            return None
        word, rest = self._environment(tree)
        stated, further = split(next((hint for hint in hints if hint and not set(hint) & set("${")), ""))
        word, rest = word or stated, rest or (further if word in ("", stated) else "")
        sets, layers, files = tuple(self.sets.items()), tuple(self.layers), tuple(self.files)
        return Release(self.chart.folder, self.name, label(word, rest), layers, sets, files)

    def _environment(self, tree: Tree) -> tuple[str, str]:
        """Return (environment, what else tells it apart) of the last values file that is one's."""
        own = {*self.name.lower().split("-"), *self.chart.name.lower().split("-")}
        word, rest = "", ""
        for path in self.files:
            inside = self.chart.inside(path)
            found = of_values_file(tree, path, inside or path.rpartition("/")[2])
            if found is None and inside is None or found and not found[0] and not is_values_file(inside or path):
                found = environment_of(tree, path) or "", ""  # `deploy/prod/values.yaml`, `more.yaml`
            if found is not None:
                word = found[0] or word
                # A values file named for the release tells no environments apart.
                rest = "-".join(part for part in found[1].split("-") if part not in own) or rest
        return word, rest


def uses_of(tree: Tree, chart: Chart, every: list[Chart], written: Iterable[Release]) -> list[Release]:
    """Return every use of a chart, those that are written before those that only the names of files tell."""
    found = _agreed([release for release in written if release.chart == chart.folder])
    if any(environment_word(release.environment or "") == "prod" for release in found):
        found = [release for release in found if release.environment is not None]
    used = {path for release in found for path in release.files}
    environments = {release.environment for release in found}
    by_names = [
        Release(chart.folder, environment=environment, layers=tuple(layers), files=tuple(files))
        for environment, layers, files in by_values_files(tree, chart, every)
        if environment not in environments and not (used & set(files[-1:]))
    ]
    if any(is_production(release.environment) for release in found):
        by_names = [release for release in by_names if release.environment is not None]
    return found + by_names


def _agreed(releases: list[Release]) -> list[Release]:
    """Join the uses of one release in one environment; where they contradict each other, none of them counts."""
    groups: dict[tuple[str, str | None], list[Release]] = {}
    for release in releases:
        groups.setdefault((release.name, release.environment), []).append(release)
    return [joined for group in groups.values() if (joined := _joined(group)) is not None]


def _joined(group: list[Release]) -> Release | None:
    """A script and a workflow that deploy the same: what only one of them sets holds, what they set apart is open."""
    first = group[0]
    if any(_written(other.layers) != _written(first.layers) for other in group):
        return None
    sets: dict[Path, Node] = {}
    for path, node in (pair for release in group for pair in release.sets):
        before = sets.get(path)
        if before is not None and before.text_at() != node.text_at():
            node = _merge.scalar("{{ differs between two deployments }}", node.location)
        sets[path] = node
    return replace(first, sets=tuple(sets.items()))


def _written(layers: tuple[Node, ...]) -> list[tuple[str, int]]:
    return [(node.location.path, node.location.line) for node in layers]
