"""Manifests of Kubernetes and its kind: which documents stand together, and who refers to whom.

A bundle is what one `kubectl apply` would send: a folder of plain files, a kustomization, a chart with its values.
Names resolve inside a bundle first, then among the plain files of the same environment, the nearest folder first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from poollint.environments import environment_of
from poollint.facts import Location

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree
    from poollint.readers._helm.charts import Chart
    from poollint.readers._kustomize import Kustomized

NAMES = ("*.yaml", "*.yml", "*.yaml.tpl", "*.yml.tpl", "*.yaml.tmpl", "*.yaml.template", "*.yml.template", "*.yaml.j2")
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
CHARTS = ("Chart.yaml", "Chart.yml")
# Folders that hold one cluster's manifests, however they are divided below.
_ROOTS = frozenset(["k8s", "kube", "kubernetes", "manifests", "openshift", "okd"])
_MOST_DOCUMENTS = 5_000  # of one file, lists flattened


@dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """One object.

    group    the part of apiVersion before the slash, "" for core
    formers  its names before kustomizations put prefixes on them
    """

    node: Node
    kind: str
    group: str
    name: str
    namespace: str
    path: str
    formers: tuple[str, ...] = ()

    @property
    def location(self) -> Location:
        """The place of its name, else of the document."""
        name = self.node.at("metadata", "name")
        return name.location if name is not None else self.node.location

    def is_called(self, name: str) -> bool:
        """Say whether a reference by this name means it, before or after prefixes."""
        return name == self.name or name in self.formers


class Bundle:
    """Manifests that are applied together.

    around  every manifest of the same environment by kind, the bundle's own too: the plain files of other folders
    holes   lines of templates at which something unreadable would be inserted
    """

    def __init__(
        self,
        unit: str,
        environment: str | None,
        manifests: Iterable[Manifest],
        around: Mapping[str, list[Manifest]] | None = None,
        holes: frozenset[Location] = frozenset(),
    ) -> None:
        self.unit = unit
        self.environment = environment
        self.manifests = tuple(manifests)
        self.holes = holes
        self._own = by_kind(self.manifests)
        self._around = around if around is not None else self._own

    def of(self, *kinds: str, group: str | None = None) -> Iterator[Manifest]:
        """Yield the bundle's manifests of these kinds; `group` is compared without its version."""
        for kind in kinds:
            for manifest in self._own.get(kind, ()):
                if group is None or manifest.group == group:
                    yield manifest

    def all(self, *kinds: str) -> Iterator[Manifest]:
        """Yield the manifests of these kinds, here and elsewhere."""
        for kind in kinds:
            yield from self._around.get(kind, ())

    def find(self, kind: str, name: str, near: Manifest) -> Manifest | None:
        """Return the object that `near` means by this kind and name; None when there is none, or no telling which."""
        for manifests in (self._own, self._around):
            candidates = [m for m in manifests.get(kind, ()) if m.is_called(name) and share_namespace(m, near)]
            if candidates:
                return nearest(candidates, near.path)
        return None

    def is_whole(self, node: Node, owner: Manifest) -> bool:
        """Say whether nothing is missing inside a node of the owner: neither between its lines nor right after them."""
        holes = [hole for hole in self.holes if hole.path == node.location.path and hole.line >= node.location.line]
        if not holes:
            return True
        last = max(lines_of(node))
        after = min((line for line in lines_of(owner.node) if line > last), default=None)
        return not any(
            hole.line <= last or (hole.column >= node.location.column and (after is None or hole.line < after))
            for hole in holes
        )


def by_kind(manifests: Iterable[Manifest]) -> dict[str, list[Manifest]]:
    """Group manifests by their kind, in their order."""
    found: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        found.setdefault(manifest.kind, []).append(manifest)
    return found


def lines_of(node: Node) -> set[int]:
    """Return the lines of a node's file on which it has a value."""
    from poollint._yaml import Mapping, Sequence

    found: set[int] = set()
    pending = [node]
    while pending:
        below = pending.pop()
        if below.location.path == node.location.path:
            found.add(below.location.line)
        if isinstance(below, Mapping):
            pending.extend(value for _, value in below.pairs())
        elif isinstance(below, Sequence):
            pending.extend(below.items)
    return found


def share_namespace(one: Manifest, other: Manifest) -> bool:
    """An absent namespace is whatever the deploy command says, so it equals any."""
    return one.namespace == other.namespace or not one.namespace or not other.namespace


def nearest(candidates: list[Manifest], path: str) -> Manifest | None:
    """Return the candidate in the folder of `path`, else the nearest of those beside, above or below it.

    None when two are equally near: a file of the same name elsewhere in a monorepo is another service's.
    """
    folder = path.rpartition("/")[0]
    ranked = sorted(
        (m for m in candidates if _are_neighbours(m.path.rpartition("/")[0], folder)),
        key=lambda m: _shared(m.path, path),
        reverse=True,
    )
    if len(ranked) > 1 and _shared(ranked[0].path, path) == _shared(ranked[1].path, path):
        same = [m for m in ranked if m.path.rpartition("/")[0] == folder]
        return same[0] if len(same) == 1 or (same and len({m.path for m in same}) == 1) else None
    return ranked[0] if ranked else None


def _are_neighbours(one: str, other: str) -> bool:
    """Say whether two folders are the same, nested, or have a parent in common below the project's root."""
    if one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/") or not (one and other):
        return True
    if unit_of(one + "/x") == unit_of(other + "/x"):
        return True
    parent = one.rpartition("/")[0]
    return parent != "" and parent == other.rpartition("/")[0]


def _shared(one: str, other: str) -> int:
    count = 0
    for left, right in zip(one.split("/")[:-1], other.split("/")[:-1]):
        if left != right:
            break
        count += 1
    return count


# -- documents ---------------------------------------------------------------------------------------------------------


def manifests_in(tree: Tree, path: str) -> list[Manifest]:
    """Return the objects of one file, lists flattened; whatever is no object is left out."""
    if not _may_hold_manifests(tree, path):
        return []
    return list(manifests_of(_documents(tree, path), path))


def manifests_of(documents: Iterable[Node], path: str) -> Iterator[Manifest]:
    """Yield the objects among the documents; `kind: List` holds further ones."""
    pending = list(reversed(list(documents)))
    count = 0
    while pending and count < _MOST_DOCUMENTS:
        node = pending.pop()
        count += 1
        kind, version = node.text_at("kind"), node.text_at("apiVersion")
        if not kind or not version:
            continue
        items = node.items_at("items")
        if kind.endswith("List") and items:
            pending.extend(reversed(items))
            continue
        yield manifest_of(node, path)


def manifest_of(node: Node, path: str) -> Manifest:
    """Wrap a document that has a kind and an apiVersion."""
    version = node.text_at("apiVersion") or ""
    namespace = node.text_at("metadata", "namespace") or ""
    return Manifest(
        node=node,
        kind=node.text_at("kind") or "",
        group=version.rpartition("/")[0],
        name=node.text_at("metadata", "name") or "",
        # `{{ .Release.Namespace }}` is whatever the deploy command says, as if none were written.
        namespace="" if "{{" in namespace else namespace,
        path=path,
    )


def _may_hold_manifests(tree: Tree, path: str) -> bool:
    content = tree.bytes(path)
    return content is not None and b"kind" in content and b"apiVersion" in content


def _documents(tree: Tree, path: str) -> list[Node]:
    """Return the documents of a file; when one of them is broken, the others all the same."""
    documents = list(tree.yaml(path))
    text = tree.text(path) or ""
    if "\n---" not in text or not any(skipped.path == path for skipped in tree.skipped):
        return documents
    with tree.guard(path):
        return list(_documents_one_by_one(path, text))
    return documents


def _documents_one_by_one(path: str, text: str) -> Iterator[Node]:
    from poollint._yaml import Unreadable, documents

    chunk: list[str] = []
    start = 0
    lines = text.splitlines()
    for number, line in enumerate([*lines, "---"]):
        if not line.startswith("---"):
            chunk.append(line)
            continue
        try:
            # Empty lines in front keep the line numbers.
            yield from documents(path, "\n" * start + "\n".join(chunk))
        except Unreadable as problem:
            yield from problem.documents
        chunk, start = [], number + 1


# -- bundles -----------------------------------------------------------------------------------------------------------

_BUNDLES: WeakKeyDictionary[Tree, tuple[Bundle, ...]] = WeakKeyDictionary()


def bundles(tree: Tree) -> tuple[Bundle, ...]:
    """Return every bundle of the project, made once per tree."""
    if tree not in _BUNDLES:
        _BUNDLES[tree] = tuple(_bundles(tree))
    return _BUNDLES[tree]


def _bundles(tree: Tree) -> Iterator[Bundle]:
    from poollint.readers import _helm, _kustomize

    charts = _helm.charts(tree)
    kustomized = _kustomize.evaluate(tree)
    plain = list(_plain(tree, kustomized, charts))
    yield from kustomized.bundles
    written = _helm.releases_written(tree, charts, [*kustomized.bundles, *plain])
    for chart in charts:
        yield from _helm.bundles(tree, chart, charts, written)
    yield from plain


def _plain(tree: Tree, kustomized: Kustomized, charts: list[Chart]) -> Iterator[Bundle]:
    """Yield the files that no kustomization and no chart owns, one bundle per folder and environment."""
    groups: dict[tuple[str, str | None], list[Manifest]] = {}
    for path in _candidates(tree):
        if path in kustomized.files or any(chart.owns(path) or _is_template(tree, chart, path) for chart in charts):
            continue
        for manifest in manifests_in(tree, path):
            if kustomized.shadows(manifest):
                continue
            groups.setdefault((unit_of(path), environment_of(tree, path)), []).append(manifest)
    settled = {key: settle_namespaces(manifests) for key, manifests in groups.items()}
    around = {
        environment: by_kind(
            manifest
            for (_, its), manifests in settled.items()
            if its is None or environment in (None, its)
            for manifest in manifests
        )
        for environment in {environment for _, environment in settled}
    }
    for (unit, environment), manifests in settled.items():
        yield Bundle(unit, environment, manifests, around[environment])


def _candidates(tree: Tree) -> Iterator[str]:
    """Yield the files that may hold manifests: YAML anywhere, JSON in folders that are named for manifests."""
    yield from tree.named(*NAMES)
    for path in tree.named("*.json"):
        if _ROOTS.intersection(path.lower().split("/")[:-1]):
            yield path


def _is_template(tree: Tree, chart: Chart, path: str) -> bool:
    """Say whether a file in a chart's folder is a template put aside."""
    return bool(chart.folder) and path.startswith(chart.folder + "/") and b"{{" in (tree.bytes(path) or b"")


def unit_of(path: str) -> str:
    """Return the manifest folder of a file: the outermost `k8s`, `manifests` ... above it, else its own folder."""
    folders = path.split("/")[:-1]
    for depth, folder in enumerate(folders):
        if folder.lower() in _ROOTS:
            return "/".join(folders[: depth + 1])
    return "/".join(folders)


def settle_namespaces(manifests: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """Give objects without a namespace the one that all their neighbours of Kubernetes' own kinds have."""
    manifests = tuple(manifests)
    named = {m.namespace for m in manifests if m.namespace and m.group in ("", "apps", "batch")}
    if len(named) != 1:
        return manifests
    (namespace,) = named
    return tuple(m if m.namespace else replace(m, namespace=namespace) for m in manifests)
