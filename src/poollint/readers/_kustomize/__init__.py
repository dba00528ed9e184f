"""Kustomizations, evaluated as far as their files say it: an overlay is an environment of its own.

Every folder that is nobody's resource is built once, with its bases and components:
resources, generators, components, then patches, namespace, prefix and suffix, JSON patches, replicas, images.
Nothing outside the project is followed; remote resources are said once and left out.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from poollint._yaml import Node, Scalar, Sequence
from poollint.environments import environment_of
from poollint.facts import Location
from poollint.readers._kustomize import objects as _objects
from poollint.readers import _manifests, _merge
from poollint.readers._manifests import Bundle, Manifest

if TYPE_CHECKING:
    from poollint.discover import Tree

_DEEPEST = 20  # bases of bases
_MOST_STEPS = 500  # kustomizations built for one environment, each as often as it is included
_MOST_MANIFESTS = 20_000  # of one of them
_REMOTE = re.compile(r"://|^git@|\?ref=|^(github|gitlab|bitbucket)\.(com|org)/|\.git(//|$)")


@dataclass
class Kustomized:
    """What the kustomizations of a project make: bundles, and the files that are theirs."""

    bundles: list[Bundle] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)

    @cached_property
    def _names(self) -> set[tuple[str, str]]:
        return {(m.kind, name) for bundle in self.bundles for m in bundle.manifests for name in (m.name, *m.formers)}

    def shadows(self, manifest: Manifest) -> bool:
        """Say whether a file beside a kustomization that does not list it describes an object that it makes anyway."""
        if (manifest.kind, manifest.name) not in self._names:
            return False
        folder = manifest.path.rpartition("/")[0]
        return any(folder == own or folder.startswith(own + "/") for own in self.folders if own)


def evaluate(tree: Tree) -> Kustomized:
    """Build every kustomization that no other one includes."""
    files = {path.rpartition("/")[0]: path for path in tree.named(*_manifests.KUSTOMIZATIONS)}
    result = Kustomized(folders=set(files))
    builder = _Builder(tree, files)
    included = {other for folder in files for other in builder.folders_of(folder)}
    roots = [folder for folder in sorted(files) if folder not in included and not builder.is_component(folder)]
    for folder in roots:
        with tree.guard(files[folder]):
            builder.steps = 0
            manifests = builder.build(folder, ())
            settled = _manifests.settle_namespaces(manifests)
            result.bundles.append(Bundle(folder, builder.environment(folder, roots), settled))
    for folder in files:  # a base that only a loop reaches is read by nobody, but it is no plain manifest either
        result.files.update(builder.files_of(folder))
    return result


class _Builder:
    def __init__(self, tree: Tree, files: dict[str, str]) -> None:
        self.tree = tree
        self.files = files
        self.building: list[str] = []
        self._reached: dict[str, frozenset[str]] = {}
        self.steps = 0

    # -- what a kustomization names

    def node(self, folder: str) -> Node | None:
        """Return the kustomization of a folder."""
        documents = self.tree.yaml(self.files[folder])
        return documents[0] if documents else None

    def is_component(self, folder: str) -> bool:
        """Say whether it is nothing by itself, and changes what its user has."""
        node = self.node(folder)
        return node is not None and node.text_at("kind") == "Component"

    def folders_of(self, folder: str) -> list[str]:
        """Return the kustomizations that this one includes directly."""
        node = self.node(folder)
        paths = [self.path(folder, item) for item in _listed(node, "resources", "bases", "components")]
        return [path for path in paths if path in self.files and path != folder]

    def reached(self, folder: str) -> frozenset[str]:
        """Return every kustomization below this one."""
        if folder in self._reached:
            return self._reached[folder]
        found: set[str] = set()
        pending = [folder]
        while pending:
            for other in self.folders_of(pending.pop()):
                if other not in found:
                    found.add(other)
                    pending.append(other)
        self._reached[folder] = frozenset(found)
        return self._reached[folder]

    def path(self, folder: str, item: Node) -> str | None:
        """Return the path that an entry names, below the project's root; None when it is remote or leaves it."""
        text = item.text_at() or ""
        if not text or _REMOTE.search(text) or text.startswith("/"):
            return None
        path = posixpath.normpath(posixpath.join(folder, text))
        if path == ".." or path.startswith("../"):
            return None
        return "" if path == "." else path

    def files_of(self, folder: str) -> Iterator[str]:
        """Yield the files that belong to a kustomization, used or not."""
        yield self.files[folder]
        node = self.node(folder)
        entries = list(_listed(node, "resources", "bases", "patchesStrategicMerge", "configurations", "crds"))
        entries += [at for item in _listed(node, "patches", "patchesJson6902") if (at := item.at("path")) is not None]
        entries += [item for item in _listed(node, "patches") if isinstance(item, Scalar)]
        for item in entries:
            if path := self.path(folder, item):
                yield path

    # -- environments

    def environment(self, folder: str, roots: Iterable[str]) -> str | None:
        """Return the environment of a root; overlays of one base that share a word are told apart by their folders."""
        bases = self.reached(folder)
        name = posixpath.basename(folder)
        found = environment_of(self.tree, self.files[folder])
        is_overlay = any(not base.startswith(folder + "/") for base in bases) if folder else False
        if not is_overlay:
            return found
        if found is None:
            return name
        siblings = [
            other
            for other in roots
            if other != folder and environment_of(self.tree, self.files[other]) == found and bases & self.reached(other)
        ]
        return f"{found}-{name}" if siblings and name != found else found

    # -- building

    def build(self, folder: str, given: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
        """Return the objects of a kustomization; a component starts from those its user has `given`."""
        node = self.node(folder)
        if node is None:
            return given
        if reason := self._refused(folder, len(given)):
            self.tree.skip(self.files[folder], reason, node.location.line)
            return given
        self.building.append(folder)
        try:
            manifests = (*given, *self._resources(folder, node))
            for generator, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
                for item in node.items_at(generator):
                    manifests = self._generated(folder, manifests, item, kind)
            for item in node.items_at("components"):
                path = self.path(folder, item)
                if path in self.files:
                    manifests = self.build(path, manifests)
            return self._transformed(folder, node, manifests)
        finally:
            self.building.pop()

    def _refused(self, folder: str, size: int) -> str | None:
        """Say why a kustomization is not built: bases that include a base twice double with every level."""
        self.steps += 1
        if folder in self.building:
            return "kustomizations include each other"
        if len(self.building) >= _DEEPEST:
            return f"more than {_DEEPEST} kustomizations on top of each other"
        if self.steps > _MOST_STEPS or size > _MOST_MANIFESTS:
            return "kustomizations that include each other too often"
        return None

    def _resources(self, folder: str, node: Node) -> Iterator[Manifest]:
        seen: set[str] = set()
        for item in _listed(node, "resources", "bases"):
            path = self.path(folder, item)
            if path in seen:
                continue
            seen.add(path or "")
            if path in self.files:
                yield from islice(self.build(path, ()), _MOST_MANIFESTS)
            elif path and path in self.tree:
                yield from _manifests.manifests_in(self.tree, path)
            else:
                self._say_unread(folder, item)
        for item in node.items_at("helmCharts"):
            reason = "a Helm chart is inflated here: render it and pass the result as a PATH"
            self.tree.skip(self.files[folder], reason, item.location.line)

    def _say_unread(self, folder: str, item: Node) -> None:
        text = item.text_at() or ""
        remote = bool(_REMOTE.search(text))
        reason = "a remote resource is not read" if remote else f"the resource {text} is not among the files read"
        self.tree.skip(self.files[folder], reason, item.location.line)

    # -- generators

    def _generated(self, folder: str, manifests: tuple[Manifest, ...], item: Node, kind: str) -> tuple[Manifest, ...]:
        name = item.text_at("name") or ""
        data = dict(self._generated_data(folder, item))
        behavior = item.text_at("behavior") or "create"
        result: list[Manifest] = []
        for manifest in manifests:
            if behavior in ("merge", "replace") and manifest.kind == kind and manifest.is_called(name):
                kept = dict(manifest.node.pairs_at(_objects.data_of(kind))) if behavior == "merge" else {}
                manifest = replace(manifest, node=_objects.with_data(manifest.node, {**kept, **data}))
                data, name = {}, ""
            result.append(manifest)
        if name:
            result.append(_manifests.manifest_of(_objects.made(kind, item, data), self.files[folder]))
        return tuple(result)

    def _generated_data(self, folder: str, item: Node) -> Iterator[tuple[str, Node]]:
        for literal in item.items_at("literals"):
            key, equals, value = (literal.text_at() or "").partition("=")
            if equals:
                yield key.strip(), _merge.scalar(value.strip("'\""), literal.location)
        one = item.at("env")
        for source in (*item.items_at("envs"), *((one,) if one is not None else ())):
            yield from self._env_file(self.path(folder, source))
        for source in item.items_at("files"):
            key, equals, path = (source.text_at() or "").rpartition("=")
            target = self.path(folder, _merge.scalar(path, source.location))
            text = self.tree.text(target) if target and target in self.tree else None
            if text is not None and target:
                yield key or posixpath.basename(path), _merge.scalar(text, Location(target, 1))

    def _env_file(self, path: str | None) -> Iterator[tuple[str, Node]]:
        for number, line in enumerate((self.tree.text(path) or "").splitlines() if path else (), start=1):
            key, equals, value = line.strip().partition("=")
            if equals and not key.startswith("#"):
                yield key, _merge.scalar(value, Location(path or "", number, line.index("=") + 2))

    # -- transformers, in kustomize's order

    def _transformed(self, folder: str, node: Node, manifests: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
        for item in node.items_at("patchesStrategicMerge"):
            manifests = _objects.patched(manifests, self._patch(folder, item, inline=item), None)
        for item in node.items_at("patches"):
            path = item if isinstance(item, Scalar) else item.at("path")
            manifests = _objects.patched(manifests, self._patch(folder, path, item.at("patch")), item.at("target"))
        namespace, prefix, suffix = (node.text_at(key) for key in ("namespace", "namePrefix", "nameSuffix"))
        manifests = tuple(_objects.renamed(m, namespace, prefix or "", suffix or "") for m in manifests)
        for item in node.items_at("patchesJson6902"):
            patches = self._patch(folder, item.at("path"), item.at("patch"))
            manifests = _objects.patched(manifests, patches, item.at("target"))
        for item in node.items_at("replicas"):
            manifests = tuple(_objects.counted(manifest, item) for manifest in manifests)
        for item in node.items_at("images"):
            manifests = tuple(replace(m, node=_objects.with_image(m.node, item)) for m in manifests)
        for item in self._replacements(folder, node):
            manifests = _objects.with_replacement(manifests, item)
        return manifests

    def _replacements(self, folder: str, node: Node) -> Iterator[Node]:
        for item in node.items_at("replacements"):
            path = self.path(folder, at) if (at := item.at("path")) is not None else None
            for document in self.tree.yaml(path) if path and path in self.tree else (item,):
                yield from document.items if isinstance(document, Sequence) else (document,)

    def _patch(self, folder: str, item: Node | None, inline: Node | None) -> list[Node]:
        """Return the documents of a patch: those of its file, or of the text in place."""
        path = self.path(folder, item) if item is not None else None
        if path and path in self.tree:
            return list(self.tree.yaml(path))
        if isinstance(inline, Scalar) and (inline is not item or "\n" in inline.text):
            return _objects.inline_documents(inline)
        if item is not None:
            self._say_unread(folder, item)
        return []


def _listed(node: Node | None, *keys: str) -> Iterator[Node]:
    for key in keys:
        yield from node.items_at(key) if node is not None else ()
