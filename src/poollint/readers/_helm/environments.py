"""The environments of a chart: its values files by their names, as `values-prod.yaml` is laid over values.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint._yaml import Node
from poollint.environments import environment_of, environment_word
from poollint.readers._helm.charts import VALUES_FOLDERS, Chart, first_document, is_values_file

if TYPE_CHECKING:
    from poollint.discover import Tree

# Files that are laid over the values of every environment, or hold no environment's.
_NO_ENVIRONMENT = frozenset(
    ["default", "defaults", "common", "base", "global", "secret", "secrets", "override", "overrides", "schema"]
)


def by_values_files(
    tree: Tree, chart: Chart, every: list[Chart]
) -> Iterator[tuple[str | None, list[Node], list[str]]]:
    """Yield (environment, values, their files) for each that has a values file; without one, the chart is for all.

    `values-prod.yaml` is laid under `values-prod-eu.yaml` and `api-prod.yaml`, which are environments of their own.
    """
    found: dict[tuple[str, str], list[tuple[str, Node]]] = {}
    for path, inside in _values_files(tree, chart, every):
        key = of_values_file(tree, path, inside)
        node = first_document(tree, path) if key else None
        if key and node is not None:
            found.setdefault(key, []).append((path, node))
    # values.yaml alone may be what production runs; a file of production's own replaces it.
    if not any(environment_word(word) == "prod" for word, _ in found):
        yield None, [], []
    for (word, rest), own in found.items():
        layers = [*(found.get((word, ""), []) if rest else []), *own]
        yield label(word, rest), [node for _, node in layers], [path for path, _ in layers]


def label(word: str, rest: str) -> str | None:
    """Join an environment and what else tells it apart: "prod-eu"."""
    return "-".join(filter(None, (word, rest))) or None


def split(name: str) -> tuple[str, str]:
    """Split the name of an environment into its word and what else tells it apart; either may be ""."""
    words = [word for word in re.split(r"[-_./]+", name.lower()) if word]
    return environment_word(name) or "", "-".join(word for word in words if environment_word(word) is None)


def _values_files(tree: Tree, chart: Chart, every: list[Chart]) -> Iterator[tuple[str, str]]:
    """Yield the chart's values files, with their paths inside the chart."""
    prefix = chart.folder + "/" if chart.folder else ""
    others = tuple(f"{c.folder}/" for c in every if c is not chart and c.folder.startswith(prefix))
    for path in tree.named("*.yaml", "*.yml"):
        inside = path[len(prefix) :]
        if not path.startswith(prefix) or path.startswith(others) or not is_values_file(inside):
            continue
        # A chart at the root of a project shares its folder with everything else.
        if chart.folder or "/" not in inside or inside.partition("/")[0] in VALUES_FOLDERS:
            yield path, inside


def of_values_file(tree: Tree, path: str, inside: str) -> tuple[str, str] | None:
    """Return (environment, what else tells it apart), either may be ""; None when the file is for all of them.

    inside   the part of the path whose words count: as seen from the chart, or the file's name
    """
    stem = inside.rpartition(".")[0].lower()
    words = [word for word in re.split(r"[-_./]+", stem) if word not in ("values", "environments", "envs", "env", "")]
    if not words or set(words) & _NO_ENVIRONMENT:
        return None
    return environment_of(tree, path) or "", split("-".join(words))[1]
