"""The charts of a project: folders with a Chart.yaml, the files that are theirs, and the charts they include."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poollint._yaml import Mapping, Node
from poollint.readers import _manifests

if TYPE_CHECKING:
    from poollint.discover import Tree

VALUES_FOLDERS = ("values", "environments", "envs", "env")


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

    def inside(self, path: str) -> str | None:
        """Return the path as seen from the chart's folder, None for a file elsewhere."""
        if self.folder and not path.startswith(self.folder + "/"):
            return None
        return path[len(self.folder) + 1 :] if self.folder else path

    def owns(self, path: str) -> bool:
        """Say whether a file is the chart's, and so no plain manifest."""
        inside = self.inside(path)
        if inside is None:
            return False
        first = inside.partition("/")[0]
        return first in ("templates", "charts", "crds", "ci") or path == self.file or is_values_file(inside)


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


def first_document(tree: Tree, path: str) -> Node | None:
    documents = tree.yaml(path) if path in tree else ()
    return documents[0] if documents and isinstance(documents[0], Mapping) else None


def is_values_file(inside: str) -> bool:
    name = inside.rpartition("/")[2]
    if not name.endswith((".yaml", ".yml")) or inside.startswith(("templates/", "charts/")):
        return False
    return "values" in re.split(r"[^a-z]+", inside.lower()) or inside.partition("/")[0] in VALUES_FOLDERS


def included(chart: Chart, every: list[Chart]) -> set[str]:
    """Return the folders of the charts that this one includes from the project."""
    found = {other.folder for other in every if posixpath.dirname(other.folder) == chart.path("charts")}
    for dependency in chart.node.items_at("dependencies"):
        where = dependency.text_at("repository") or ""
        if where.startswith("file://"):
            found.add(posixpath.normpath(chart.path(where.removeprefix("file://"))))
    return found - {chart.folder}
