"""helmfile.yaml: releases of the project's charts, once per environment.

https://helmfile.readthedocs.io/en/latest/#configuration. Of its templates, the name and the values of the environment
are filled in; whatever else they say stays open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import join, normpath
from typing import TYPE_CHECKING

from poollint._yaml import Mapping, Node, Scalar
from poollint.environments import environment_of, environment_of_name, environment_word
from poollint.readers import _merge
from poollint.readers._helm.charts import Chart, first_document
from poollint.readers._helm.commands import key_path
from poollint.readers._helm.releases import Release, Use
from poollint.readers._helm.template import merged_values

if TYPE_CHECKING:
    from poollint.discover import Tree

_MOST_ENVIRONMENTS = 20
_VALUE = re.compile(r"\{\{-?\s*\.(?:(Environment)\.Name|(?:State)?Values\.([\w.]+))(?:\s*\|\s*(?:quote|int|toString))?\s*-?\}\}")


def releases(tree: Tree, charts: list[Chart]) -> Iterator[Release]:
    """Yield what the helmfiles of the tree install of these charts."""
    for path in tree.named("helmfile*.yaml", "helmfile*.yml", "*.yaml", "*.yml"):
        if not _is_helmfile(path):
            continue
        found: list[Release] = []
        with tree.guard(path):
            found.extend(_in_file(tree, path, charts))
        yield from found


def _is_helmfile(path: str) -> bool:
    *folders, file = path.split("/")
    return file.startswith("helmfile") or folders[-1:] == ["helmfile.d"]


def _in_file(tree: Tree, path: str, charts: list[Chart]) -> Iterator[Release]:
    parts = tree.yaml(path)
    listed = [pair for part in parts for pair in part.pairs_at("environments")]
    for name, node in listed[:_MOST_ENVIRONMENTS] or [("", None)]:
        file = _Helmfile(tree, path, name, _values(tree, path, node))
        for item in (item for part in parts for item in part.items_at("releases")):
            release = file.release(item, charts)
            if release is not None:
                yield release


def _values(tree: Tree, path: str, environment: Node | None) -> Node | None:
    """Return the values of an environment of the helmfile, which are not those of a chart."""
    layers = []
    for item in environment.items_at("values") if environment is not None else ():
        node = item if isinstance(item, Mapping) else first_document(tree, _beside(path, item.text_at() or ""))
        layers += [node] if node is not None else []
    return merged_values(layers)


def _beside(path: str, written: str) -> str:
    clean = normpath(join(path.rpartition("/")[0], written))
    return "" if clean == "." else clean


class _Helmfile:
    """One helmfile in one environment; "" and "default" are none."""

    def __init__(self, tree: Tree, path: str, environment: str, values: Node | None) -> None:
        self.tree, self.path, self.values = tree, path, values
        self.environment = environment

    def release(self, item: Node, charts: list[Chart]) -> Release | None:
        """Return a release of a chart of the project; None for others, and for one that is switched off."""
        place = self._filled(item.text_at("chart") or "")
        folder = _beside(self.path, place)
        chart = next((chart for chart in charts if place and chart.folder == folder), None)
        if chart is None or self._is_off(item) or item.at("inherit") is not None:
            return None
        use = Use(chart, self._filled(item.text_at("name") or ""))
        may_miss = item.text_at("missingFileHandler") not in (None, "Error")
        for layer in item.items_at("values"):
            self._lay(use, layer, may_miss)
        for setting in item.items_at("set"):
            value, keys = setting.at("value"), key_path(setting.text_at("name") or "")
            if isinstance(value, Scalar) and keys:
                use.sets[keys] = self._scalar(value)
        named = self.environment if self.environment != "default" else ""
        hints = (
            named,
            environment_of(self.tree, self.path),
            environment_word(item.text_at("namespace") or ""),
            environment_of_name(use.name),
        )
        return use.release(self.tree, *hints)

    def _is_off(self, item: Node) -> bool:
        condition = item.text_at("condition")
        states = [self._filled(item.text_at("installed") or "true")]
        if condition and self.values is not None:
            states.append(self.values.text_at(*condition.split(".")) or "")
        return "false" in states

    def _lay(self, use: Use, layer: Node, may_miss: bool) -> None:
        if isinstance(layer, Mapping):
            use.layers.append(self._node(layer))
            return
        written = self._filled(layer.text_at() or "")
        path = _beside(self.path, written)
        if path in self.tree or not may_miss or "{{" in written:
            use.add_file(self.tree, path if path in self.tree and not path.endswith(".gotmpl") else None, written)

    def _node(self, node: Node) -> Node:
        """Fill in the templates of inline values, to the depth that `_yaml` allows."""
        if isinstance(node, Scalar):
            return self._scalar(node)
        if isinstance(node, Mapping):
            return _merge.mapping([(key, self._node(value)) for key, value in _merge.entries_of(node)], node.location)
        return _merge.sequence([self._node(item) for item in node.items_at()], node)

    def _scalar(self, node: Scalar) -> Scalar:
        if "{{" not in node.text:
            return node
        return Scalar(self._filled(node.text), False, None, node.location)

    def _filled(self, text: str) -> str:
        def put(match: re.Match[str]) -> str:
            if match[1]:
                return self.environment or "default"
            found = self.values.text_at(*match[2].split(".")) if self.values is not None else None
            return found if found is not None else match[0]

        return _VALUE.sub(put, text)
