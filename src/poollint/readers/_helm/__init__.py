"""Helm charts by their values: one bundle per release and environment.

values.yaml, then what the release lays over it; a subchart sees its section of its parent's values over its own.
Templates are read as far as `template` goes; what stays open is said once per chart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint._yaml import Mapping, Node, Unreadable
from poollint.facts import Location
from poollint.readers import _manifests, _merge
from poollint.readers._helm import commands, gitops, helmfile
from poollint.readers._helm.charts import Chart, charts, first_document, included
from poollint.readers._helm.releases import Release, uses_of
from poollint.readers._helm.syntax import Part, helpers_in
from poollint.readers._helm.template import Chart as Template
from poollint.readers._helm.template import merged_values, read_template
from poollint.readers._manifests import Bundle, Manifest

if TYPE_CHECKING:
    from poollint.discover import Tree

__all__ = ["DEPENDENCY", "bundles", "charts", "releases_written"]

DEPENDENCY = "helm dependency"  # the group of what a chart includes from elsewhere
_LARGEST_TEMPLATE = 200_000  # bytes
_DEEPEST = 5  # charts within charts
_ADVICE = "a Helm chart whose templates are read only in part: render it and pass the result as a PATH"
_RUNNING = frozenset(["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Rollout", "ScaledJob"])
_RUNS = re.compile(rf"^kind:\s*({'|'.join(sorted(_RUNNING))})\b", re.MULTILINE)


def bundles(tree: Tree, chart: Chart, every: list[Chart], written: list[Release]) -> Iterator[Bundle]:
    """Yield a chart once per use; a chart that another one includes is read with that one, and where it stands alone.

    written   the uses of charts that commands and GitOps objects tell
    """
    is_part = any(chart.folder in included(other, every) for other in every if other is not chart)
    if is_part and not any(release.chart == chart.folder for release in written):
        return
    reader = _Reader(tree, every)
    own = first_document(tree, chart.path("values.yaml")) or first_document(tree, chart.path("values.yml"))
    values = own or _merge.mapping((), chart.node.location)
    uses = uses_of(tree, chart, every, written)
    names = {release.name for release in uses if release.name}
    for release in uses:
        manifests = reader.manifests(chart, release.over(values), release.name or chart.name, 0)
        # One chart for several services: each release is a deployment unit of its own.
        unit = f"{chart.folder}/{release.name}" if release.name and len(names) > 1 else chart.folder
        settled = _manifests.settle_namespaces(manifests)
        yield Bundle(unit, release.environment, settled, holes=frozenset(reader.holes))
    if reader.is_partial:
        tree.skip(chart.file, _ADVICE, 1)


def releases_written(tree: Tree, charts: list[Chart], around: Iterable[Bundle]) -> list[Release]:
    """Return the uses of the charts that commands, helmfiles and the GitOps objects of other bundles tell."""
    if not charts:
        return []
    return [
        *commands.releases(tree, charts),
        *helmfile.releases(tree, charts),
        *gitops.releases(tree, charts, around),
    ]


# -- charts within charts ----------------------------------------------------------------------------------------------


class _Reader:
    """Reads one chart and those it includes; remembers what stayed open."""

    def __init__(self, tree: Tree, every: list[Chart]) -> None:
        self.tree = tree
        self.every = every
        self.is_partial = False
        self._known_helpers: dict[str, dict[str, list[Part]]] = {}
        self.holes: set[Location] = set()

    def manifests(self, chart: Chart, values: Node, release: str, depth: int) -> list[Manifest]:
        """Return the objects of a chart and of those it includes, as these values make them."""
        template = Template(chart.name, release, chart.version, values, self._helpers(chart))
        prefix = chart.path("templates") + "/"
        found: list[Manifest] = []
        for path in self.tree.named("*.yaml", "*.yml"):
            if path.startswith(prefix):
                with self.tree.guard(path):
                    found += self._template(path, template)
        for other in self.every if depth < _DEEPEST else ():
            if other.folder in included(chart, self.every):
                below = self._values_of(chart, other, values)
                if below is not None:
                    found += self.manifests(other, below, f"{release}-{other.name}", depth + 1)
        found += self._elsewhere(chart, values, release)
        return found

    def _helpers(self, chart: Chart) -> dict[str, list[Part]]:
        """Return the helper templates of a chart; those of its subcharts are shared by Helm, but rarely used."""
        if chart.folder in self._known_helpers:
            return self._known_helpers[chart.folder]
        found = self._known_helpers[chart.folder] = {}
        for path in self.tree.named("*.tpl"):
            if not path.startswith(chart.path("templates") + "/"):
                continue
            text = self.tree.text(path) or ""
            with self.tree.guard(path), suppress(Unreadable):
                found.update(helpers_in(text) if len(text) <= _LARGEST_TEMPLATE else {})
        return found

    def _elsewhere(self, chart: Chart, values: Node, release: str) -> Iterator[Manifest]:
        """Yield the dependencies from a registry, with their values as `spec`: `operators` knows some of them."""
        here = {other.name for other in self.every if other.folder in included(chart, self.every)}
        for dependency in chart.node.items_at("dependencies"):
            name = dependency.text_at("name") or ""
            alias = dependency.text_at("alias") or name
            if name and name not in here and not _is_off(dependency, values):
                empty = _merge.mapping((), dependency.location)
                node = _merge.with_value(empty, ("spec",), values.at(alias) or empty)
                yield Manifest(node, name, DEPENDENCY, f"{release}-{alias}", "", chart.file)

    def _values_of(self, chart: Chart, other: Chart, values: Node) -> Node | None:
        """Return what a subchart sees, or None when a condition of its parent turns it off."""
        listed = (d for d in chart.node.items_at("dependencies") if d.text_at("name") == other.name)
        dependency = next(listed, None)
        alias = (dependency.text_at("alias") if dependency else None) or other.name
        if dependency is not None and _is_off(dependency, values):
            return None
        own = first_document(self.tree, other.path("values.yaml"))
        section, shared = values.at(alias), values.at("global")
        layers: list[Node] = [node for node in (own, section) if isinstance(node, Mapping)]
        merged = merged_values(layers) or _merge.mapping((), other.node.location)
        if shared is not None and isinstance(merged, Mapping):
            merged = _merge.with_entry(merged, "global", shared, shared.location)
        return merged

    def _template(self, path: str, template: Template) -> list[Manifest]:
        text = self.tree.text(path) or ""
        if "kind:" not in text or len(text) > _LARGEST_TEMPLATE:
            return []
        try:
            read = read_template(path, text, template)
        except Unreadable:
            self.is_partial = self.is_partial or _RUNS.search(text) is not None
            return []
        found = [_named(manifest) for manifest in _manifests.manifests_of(read.documents, path)]
        if read.holes and any(manifest.kind in _RUNNING for manifest in found):
            self.is_partial = True
        self.holes.update(read.holes)
        return found


def _named(manifest: Manifest) -> Manifest:
    """Call an object after its file when a helper template makes its name."""
    if "{{" not in manifest.name:
        return manifest
    stem = manifest.path.rpartition("/")[2].partition(".")[0]
    return replace(manifest, name=re.sub(r"[-_]?(deployment|statefulset|cronjob|job)$", "", stem) or stem)


def _is_off(dependency: Node, values: Node) -> bool:
    """Say whether the condition of a dependency is false in the values of its parent."""
    conditions = (dependency.text_at("condition") or "").split(",")
    return any(c.strip() and values.text_at(*c.strip().split(".")) == "false" for c in conditions)
