"""What a kustomization does to single objects: patches, names, counts, images, replacements, generated data."""

from __future__ import annotations

import re
from dataclasses import replace

from poollint._yaml import Mapping, Node, Scalar, Sequence
from poollint.readers import _manifests, _merge
from poollint.readers._manifests import Manifest

_COUNTED = ("Deployment", "ReplicationController", "ReplicaSet", "StatefulSet")
_LONGEST_NAME = 253  # of an object, by Kubernetes' own rules
# Kinds whose lists Kubernetes knows how to merge; to kustomize the others are plain data.
_BUILT_IN = ("", "apps", "batch", "autoscaling", "extensions", "policy", "networking.k8s.io")


def inline_documents(text: Scalar) -> list[Node]:
    """Return the documents of a patch that stands in the kustomization itself, with their places there."""
    from poollint._yaml import Unreadable, documents

    # A block scalar starts on the line after its `|`; empty lines in front keep the line numbers.
    is_block = text.location.end_line != text.location.line
    padding = "\n" * (text.location.line - (not is_block))
    try:
        return documents(text.location.path, padding + text.text)
    except Unreadable as problem:
        return problem.documents


def patched(manifests: tuple[Manifest, ...], patches: list[Node], target: Node | None) -> tuple[Manifest, ...]:
    """Return the objects after the patches; without a target, a patch names its object itself."""
    for patch in patches:
        changed: list[Manifest] = []
        for manifest in manifests:
            if not (_is_selected(manifest, target) if target is not None else _is_meant(manifest, patch)):
                changed.append(manifest)
                continue
            if isinstance(patch, Sequence):
                node: Node | None = _merge.json_patch(manifest.node, patch.items)
            else:
                # A patch with a target may name anything: it never renames.
                node = _merge.merge(manifest.node, _without_names(patch), manifest.group in _BUILT_IN)
            if node is not None:
                changed.append(replace(manifest, node=node))
        manifests = tuple(changed)
    return manifests


def with_replacement(manifests: tuple[Manifest, ...], item: Node) -> tuple[Manifest, ...]:
    """Copy a field of one object into fields of others."""
    source = item.at("source")
    found = next((m for m in manifests if _is_selected(m, source)), None) if source is not None else None
    path = _merge.field_path((source.text_at("fieldPath") if source else None) or "metadata.name")
    value = _merge.field_at(found.node, path) if found is not None else None
    for target in item.items_at("targets"):
        selector = target.at("select")
        # A part of a text, or a value that is not here: what comes out is not known.
        given = value if target.at("options") is None else None
        put = given if given is not None else _merge.scalar("{{ a replacement }}", target.location)
        for path in [_merge.field_path(field.text_at() or "") for field in target.items_at("fieldPaths")]:
            if selector is not None and path:
                manifests = tuple(
                    replace(m, node=_merge.with_field(m.node, path, put)) if _is_selected(m, selector) else m
                    for m in manifests
                )
    return manifests


def _without_names(patch: Node) -> Node:
    metadata = patch.at("metadata")
    if not isinstance(patch, Mapping) or not isinstance(metadata, Mapping):
        return patch
    for key in ("name", "namespace"):
        metadata = _merge.with_entry(metadata, key, None, metadata.location)
    return _merge.with_entry(patch, "metadata", metadata, metadata.location)


def _is_meant(manifest: Manifest, patch: Node) -> bool:
    """Say whether a patch without a target names this object."""
    if not isinstance(patch, Mapping):
        return False
    other = _manifests.manifest_of(patch, manifest.path)
    return (
        other.kind == manifest.kind
        and other.group == manifest.group
        and manifest.is_called(other.name)
        and _manifests.share_namespace(other, manifest)
    )


def _is_selected(manifest: Manifest, target: Node) -> bool:
    """Say whether a target selects an object: names are whole regular expressions, labels `key=value` lists."""
    group, kind, namespace = target.text_at("group"), target.text_at("kind"), target.text_at("namespace")
    if (kind and not _matches(kind, manifest.kind)) or (group and group != manifest.group):
        return False
    if namespace and manifest.namespace and not _matches(namespace, manifest.namespace):
        return False
    name = target.text_at("name")
    if name and not any(_matches(name, own) for own in (manifest.name, *manifest.formers)):
        return False
    for key, place in (("labelSelector", "labels"), ("annotationSelector", "annotations")):
        for part in filter(None, (target.text_at(key) or "").split(",")):
            label, equals, value = part.strip().partition("=")
            found = manifest.node.text_at("metadata", place, label)
            if found is None or (equals and found != value.lstrip("=")):
                return False
    return True


def _matches(pattern: str, text: str) -> bool:
    # Written by strangers: anything beyond plain words and `.*` is compared as text, so that nothing can hang.
    if re.fullmatch(r"[\w.|*-]*", pattern) and pattern.count("*") <= 3 and len(text) <= _LONGEST_NAME:
        try:
            return re.fullmatch(pattern, text) is not None
        except re.error:
            return False
    return pattern == text


def renamed(manifest: Manifest, namespace: str | None, prefix: str, suffix: str) -> Manifest:
    """Put an object into a namespace and prefix and suffix on its name; references by the old name still mean it."""
    if namespace:
        manifest = replace(manifest, namespace=namespace)
    if not (prefix or suffix):
        return manifest
    return replace(manifest, name=f"{prefix}{manifest.name}{suffix}", formers=(*manifest.formers, manifest.name))


def counted(manifest: Manifest, item: Node) -> Manifest:
    """Set the replicas of an object that an entry of `replicas` names."""
    count = item.at("count")
    if manifest.kind not in _COUNTED or count is None or not manifest.is_called(item.text_at("name") or ""):
        return manifest
    return replace(manifest, node=_merge.with_value(manifest.node, ("spec", "replicas"), count))


def with_image(node: Node, item: Node) -> Node:
    """Return the node with the image's new name, tag or digest in every container list below."""
    if isinstance(node, Mapping):
        entries = []
        for key, value in _merge.entries_of(node):
            if key.text in ("containers", "initContainers") and isinstance(value, Sequence):
                value = _merge.sequence([_with_image_of(container, item) for container in value.items], value)
            else:
                value = with_image(value, item)
            entries.append((key, value))
        return _merge.mapping(entries, node.location, node.tag)
    return node


def _with_image_of(container: Node, item: Node) -> Node:
    image = container.at("image")
    if not isinstance(container, Mapping) or not isinstance(image, Scalar):
        return container
    name, tag = _image_parts(image.text)
    if name != item.text_at("name"):
        return container
    if digest := item.text_at("digest"):
        tag = f"@{digest}"
    elif new_tag := item.text_at("newTag"):
        tag = f":{new_tag}"
    text = (item.text_at("newName") or name) + tag
    return _merge.with_entry(container, "image", _merge.scalar(text, image.location), image.location)


def _image_parts(image: str) -> tuple[str, str]:
    """Split an image into its name and its tag or digest, with the separator."""
    if "@" in image:
        name, _, digest = image.partition("@")
        return name, f"@{digest}"
    folder, slash, last = image.rpartition("/")
    base, colon, tag = last.partition(":")
    return f"{folder}{slash}{base}", f"{colon}{tag}"


# -- generated objects -------------------------------------------------------------------------------------------------


def made(kind: str, item: Node, data: dict[str, Node]) -> Node:
    """Return the ConfigMap or Secret that a generator makes. Its hash suffix is left out: references get it too."""
    place = item.location
    name = item.at("name") or _merge.scalar("", place)
    entries = {
        "apiVersion": _merge.scalar("v1", place),
        "kind": _merge.scalar(kind, place),
        "metadata": _merge.mapping([(_merge.scalar("name", place), name)], place),
    }
    node = _merge.mapping([(_merge.scalar(key, place), value) for key, value in entries.items()], place)
    return with_data(node, data)


def with_data(node: Node, data: dict[str, Node]) -> Node:
    """Return a ConfigMap or Secret with other data."""
    entries = [(_merge.scalar(key, value.location), value) for key, value in data.items()]
    return _merge.with_value(node, (data_of(node.text_at("kind")),), _merge.mapping(entries, node.location))


def data_of(kind: str | None) -> str:
    """Return the field that holds text as it is written."""
    return "stringData" if kind == "Secret" else "data"
