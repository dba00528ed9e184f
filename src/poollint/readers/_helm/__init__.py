"""Helm charts by their values: one bundle per environment that has a values file.

values.yaml, then the file of the environment over it; a subchart sees its section of its parent's values over its own.
Templates are read as far as `template` goes; what stays open is said once per chart.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poollint._yaml import Mapping, Node, Unreadable
from poollint.environments import environment_of, environment_word
from poollint.facts import Location
from poollint.readers import _manifests, _merge
from poollint.readers._helm.syntax import Part, helpers_in
from poollint.readers._helm.template import Chart as Template
from poollint.readers._helm.template import merged_values, read_template
from poollint.readers._manifests import Bundle, Manifest

if TYPE_CHECKING:
    from poollint.discover import Tree

DEPENDENCY = "helm dependency"  # the group of what a chart includes from elsewhere
_LARGEST_TEMPLATE = 200_000  # bytes
_DEEPEST = 5  # charts within charts
_ADVICE = "a Helm chart whose templates are read only in part: render it and pass the result as a PATH"
_RUNNING = frozenset(["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Rollout", "ScaledJob"])
_RUNS = re.compile(rf"^kind:\s*({'|'.join(sorted(_RUNNING))})\b", re.MULTILINE)
_VALUES_FOLDERS = ("values", "environments", "envs", "env")
# Files that are laid over the values of every environment, or hold no environment's.
_NO_ENVIRONMENT = frozenset(
    ["default", "defaults", "common", "base", "global", "secret", "secrets", "override", "overrides", "schema"]
)


@dataclass(frozen=True, slots=True)
class Chart:
    """A folder with a Chart.yaml. `folder` is "" for a chart at the project's root."""

    folder: str
    file: str
    name: str
    version: str
    node: Node

    def path(self, *parts: str) -> str:
        """Return a path inside the chart, below the project's root."""
        return posixpath.join(self.folder, *parts)

    def owns(self, path: str) -> bool:
        """Say whether a file is the chart's, and so no plain manifest."""
        if self.folder and not path.startswith(self.folder + "/"):
            return False
        inside = path[len(self.folder) + 1 :] if self.folder else path
        first = inside.partition("/")[0]
        return first in ("templates", "charts", "crds", "ci") or path == self.file or _is_values_file(inside)


def charts(tree: Tree) -> list[Chart]:
    """Return every chart of the project."""
    found: list[Chart] = []
    for file in tree.named(*_manifests.CHARTS):
        documents = tree.yaml(file)
        if documents and isinstance(documents[0], Mapping):
            node = documents[0]
            folder = file.rpartition("/")[0]
            name = node.text_at("name") or posixpath.basename(folder)
            found.append(Chart(folder, file, name, node.text_at("appVersion") or "", node))
    return found


def bundles(tree: Tree, chart: Chart, every: list[Chart]) -> Iterator[Bundle]:
    """Yield a chart once per environment; a chart that another one includes is read with that one."""
    if any(chart.folder in _included(other, every) for other in every if other is not chart):
        return
    reader = _Reader(tree, every)
    own = _first(tree, chart.path("values.yaml")) or _first(tree, chart.path("values.yml"))
    values = own or _merge.mapping((), chart.node.location)
    for environment, layers in _environments(tree, chart, every):
        merged = merged_values([values, *layers]) or values
        manifests = reader.manifests(chart, merged, chart.name, 0)
        yield Bundle(chart.folder, environment, _manifests.settle_namespaces(manifests), holes=frozenset(reader.holes))
    if reader.is_partial:
        tree.skip(chart.file, _ADVICE, 1)


def _first(tree: Tree, path: str) -> Node | None:
    documents = tree.yaml(path) if path in tree else ()
    return documents[0] if documents and isinstance(documents[0], Mapping) else None


# -- environments ------------------------------------------------------------------------------------------------------


def _is_values_file(inside: str) -> bool:
    name = inside.rpartition("/")[2]
    if not name.endswith((".yaml", ".yml")) or inside.startswith(("templates/", "charts/")):
        return False
    return "values" in re.split(r"[^a-z]+", inside.lower()) or inside.partition("/")[0] in _VALUES_FOLDERS


def _environments(tree: Tree, chart: Chart, every: list[Chart]) -> list[tuple[str | None, list[Node]]]:
    """Return the environments that have a values file, each with its files in order; without one, the chart is for all.

    `values-prod.yaml` is laid under `values-prod-eu.yaml` and `api-prod.yaml`, which are environments of their own.
    """
    found: dict[tuple[str, str], list[Node]] = {}
    for path, inside in _values_files(tree, chart, every):
        key = _environment(tree, path, inside)
        node = _first(tree, path) if key else None
        if key and node is not None:
            found.setdefault(key, []).append(node)
    # values.yaml alone may be what production runs; a file of production's own replaces it.
    is_for_all = not any(environment_word(name) == "prod" for name, _ in found)
    return [
        *([(None, [])] if is_for_all else []),
        *(
            (f"{name}-{rest}" if rest else name, [*(found.get((name, ""), []) if rest else []), *nodes])
            for (name, rest), nodes in found.items()
        ),
    ]


def _values_files(tree: Tree, chart: Chart, every: list[Chart]) -> Iterator[tuple[str, str]]:
    """Yield the chart's values files, with their paths inside the chart."""
    prefix = chart.folder + "/" if chart.folder else ""
    others = tuple(f"{c.folder}/" for c in every if c is not chart and c.folder.startswith(prefix))
    for path in tree.named("*.yaml", "*.yml"):
        inside = path[len(prefix) :]
        if not path.startswith(prefix) or path.startswith(others) or not _is_values_file(inside):
            continue
        # A chart at the root of a project shares its folder with everything else.
        if chart.folder or "/" not in inside or inside.partition("/")[0] in _VALUES_FOLDERS:
            yield path, inside


def _environment(tree: Tree, path: str, inside: str) -> tuple[str, str] | None:
    """Return (environment, what else tells it apart) of a values file; None when it is for all of them."""
    stem = inside.rpartition(".")[0].lower()
    words = [word for word in re.split(r"[-_./]+", stem) if word not in ("values", "environments", "envs", "env", "")]
    if not words or set(words) & _NO_ENVIRONMENT:
        return None
    found = environment_of(tree, path)
    if found is None:
        return "-".join(words), ""
    return found, "-".join(word for word in words if environment_word(word) is None)


# -- charts within charts ----------------------------------------------------------------------------------------------


def _included(chart: Chart, every: list[Chart]) -> set[str]:
    """Return the folders of the charts that this one includes from the project."""
    found = {other.folder for other in every if posixpath.dirname(other.folder) == chart.path("charts")}
    for dependency in chart.node.items_at("dependencies"):
        where = dependency.text_at("repository") or ""
        if where.startswith("file://"):
            found.add(posixpath.normpath(chart.path(where.removeprefix("file://"))))
    return found - {chart.folder}


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
            if other.folder in _included(chart, self.every):
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
        here = {other.name for other in self.every if other.folder in _included(chart, self.every)}
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
        own = _first(self.tree, other.path("values.yaml"))
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
