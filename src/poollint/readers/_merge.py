"""Changed copies of YAML nodes: strategic merge and JSON patches, every value keeping the place where it is written.

Nodes are never changed in place; what is not touched is shared. Depth is that of the documents, which `_yaml` limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial

from poollint._yaml import Mapping, Node, Scalar, Sequence
from poollint.facts import Location

# Lists that Kubernetes merges item by item, with the field that names an item; every other list is replaced.
_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
}
_DEEPEST_POINTER = 40


def scalar(text: str, location: Location) -> Scalar:
    """Make a text, which stays text whatever it looks like."""
    return Scalar(text, True, None, location)


def mapping(entries: Iterable[tuple[Scalar, Node]], location: Location, tag: str | None = None) -> Mapping:
    """Make a mapping of (key, value) pairs."""
    made = Mapping(tag, location)
    made._fill([node for entry in entries for node in entry])
    return made


def sequence(items: Iterable[Node], like: Node) -> Sequence:
    """Make a sequence that stands where `like` does."""
    made = Sequence(like.tag, like.location)
    made.items = tuple(items)
    return made


def entries_of(node: Mapping) -> list[tuple[Scalar, Node]]:
    """Return the (key, value) pairs of a mapping, the keys with their places."""
    # Quoted, so that a key `<<` is not merged a second time.
    return [(_quoted(node.key(key)), value) for key, value in node.pairs()]


def _quoted(key: Scalar | None) -> Scalar:
    assert key is not None
    return key if key.text != "<<" else scalar(key.text, key.location)


def with_entry(node: Mapping, key: str, value: Node | None, place: Location) -> Mapping:
    """Return the mapping with one entry set, or removed when `value` is None."""
    entries = [(k, v) for k, v in entries_of(node) if k.text != key or value is not None]
    if value is None:
        return mapping(entries, node.location, node.tag)
    replaced = [(k, value if k.text == key else v) for k, v in entries]
    if key not in node:
        replaced.append((scalar(key, place), value))
    return mapping(replaced, node.location, node.tag)


def with_value(node: Node, path: tuple[str, ...], value: Node) -> Node:
    """Return the node with `value` at the path, making mappings on the way; a number means an item of a list."""
    if not path:
        return value
    if isinstance(node, Sequence) and (item := _child(node, path[0])) is not None:
        return _put(node, path[0], with_value(item, path[1:], value), inserts=False)
    if not isinstance(node, Mapping):
        return node
    below = node.get(path[0])
    if len(path) > 1 and not isinstance(below, (Mapping, Sequence)):
        below = mapping((), value.location)
    return with_entry(node, path[0], with_value(below if below is not None else value, path[1:], value), value.location)


# -- strategic merge ---------------------------------------------------------------------------------------------------


def merge(base: Node, patch: Node, keyed: bool = True, field: str = "") -> Node | None:
    """Return `base` with the patch laid over it; None when the patch deletes it.

    keyed  merge the lists of Kubernetes' own kinds by key; the lists of other kinds are replaced
    """
    if isinstance(base, Mapping) and isinstance(patch, Mapping):
        return _merge_mappings(base, patch, keyed)
    if isinstance(base, Sequence) and isinstance(patch, Sequence) and keyed and field in _MERGE_KEYS:
        return _merge_lists(base, patch, _MERGE_KEYS[field])
    return patch


def _merge_mappings(base: Mapping, patch: Mapping, keyed: bool) -> Node | None:
    directive = patch.text_at("$patch")
    if directive == "delete":
        return None
    if directive == "replace":
        return mapping([(k, v) for k, v in entries_of(patch) if k.text != "$patch"], patch.location)
    result = {key.text: (key, value) for key, value in entries_of(base)}
    for key, value in entries_of(patch):
        if key.text == "$patch" or key.text.startswith("$setElementOrder"):
            continue
        before = result.get(key.text)
        merged: Node | None = value
        if before is not None:
            merged = merge(before[1], value, keyed, key.text)
        if merged is None or _is_null(merged):
            result.pop(key.text, None)
        else:
            result[key.text] = (key, merged)
    return mapping(result.values(), base.location, base.tag)


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _merge_lists(base: Sequence, patch: Sequence, key: str) -> Node:
    if any(item.text_at("$patch") == "replace" and item.text_at(key) is None for item in patch.items):
        return sequence([item for item in patch.items if item.text_at(key) is not None], patch)
    changes = {item.text_at(key): item for item in patch.items}
    known = {item.text_at(key) for item in base.items}
    # Kustomize puts new items in front.
    result = [item for item in patch.items if item.text_at(key) not in known and item.text_at("$patch") != "delete"]
    for item in base.items:
        change = changes.get(item.text_at(key))
        merged = merge(item, change) if change is not None else item
        if merged is not None:
            result.append(merged)
    return sequence(result, base)


# -- JSON patches (RFC 6902) -------------------------------------------------------------------------------------------


def json_patch(node: Node, operations: Iterable[Node]) -> Node:
    """Return the node after `add`, `replace` and `remove`; an operation that does not fit changes nothing."""
    for operation in operations:
        pointer = operation.text_at("path") or ""
        keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
        kind, value = operation.text_at("op"), operation.at("value")
        if not keys or len(keys) > _DEEPEST_POINTER:
            continue
        if kind == "remove":
            node = _change(node, keys, _removed)
        elif kind in ("add", "replace") and value is not None:
            node = _change(node, keys, partial(_put, value=value, inserts=kind == "add"))
    return node


def _change(node: Node, keys: list[str], change: Callable[[Node, str], Node]) -> Node:
    """Apply `change` to the parent that the keys lead to, and rebuild the way there."""
    if len(keys) == 1:
        return change(node, keys[0])
    below = _child(node, keys[0])
    if below is None:
        return node
    return _put(node, keys[0], _change(below, keys[1:], change), inserts=False)


def _child(node: Node, key: str) -> Node | None:
    if isinstance(node, Sequence):
        return node.at(int(key)) if key.isdecimal() else None
    return node.at(key)


def _put(parent: Node, key: str, value: Node, inserts: bool) -> Node:
    if isinstance(parent, Mapping):
        return with_entry(parent, key, value, value.location)
    if not isinstance(parent, Sequence):
        return parent
    items = list(parent.items)
    if key == "-":
        items.append(value)
    elif key.isdecimal() and int(key) <= len(items) and inserts:
        items.insert(int(key), value)
    elif key.isdecimal() and int(key) < len(items):
        items[int(key)] = value
    return sequence(items, parent)


def _removed(parent: Node, key: str) -> Node:
    if isinstance(parent, Mapping):
        return with_entry(parent, key, None, parent.location)
    if isinstance(parent, Sequence) and key.isdecimal():
        return sequence([item for n, item in enumerate(parent.items) if n != int(key)], parent)
    return parent


# -- field paths of kustomize replacements -----------------------------------------------------------------------------

_FIELD = re.compile(r"\[[^\]]*\]|(?:\\.|[^.\[\\])+")


def field_path(text: str) -> list[str]:
    """Split `spec.containers.[name=api].env.0`: names, positions, `*` and `[key=value]`."""
    return [part.replace("\\.", ".") for part in _FIELD.findall(text)][:_DEEPEST_POINTER]


def field_at(node: Node, path: list[str]) -> Node | None:
    """Return the first node at a field path."""
    for part in path:
        found = next((child for _, child in _selected(node, part)), None)
        if found is None:
            return None
        node = found
    return node


def with_field(node: Node, path: list[str], value: Node) -> Node:
    """Return the node with `value` wherever the field path leads; a path that leads nowhere changes nothing."""
    if not path:
        return value
    for key, child in _selected(node, path[0]):
        node = _put(node, key, with_field(child, path[1:], value), inserts=False)
    return node


def _selected(node: Node, part: str) -> list[tuple[str, Node]]:
    """Return the children that one part of a field path means, with their keys or positions."""
    if isinstance(node, Mapping):
        child = node.get(part)
        return node.pairs() if part == "*" else [(part, child)] if child is not None else []
    if not isinstance(node, Sequence):
        return []
    numbered = [(str(number), item) for number, item in enumerate(node.items)]
    if part.startswith("["):
        key, _, wanted = part[1:-1].partition("=")
        return [(number, item) for number, item in numbered if item.text_at(key) == wanted]
    return numbered if part == "*" else [pair for pair in numbered if pair[0] == part]
