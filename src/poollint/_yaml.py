"""YAML (and JSON) with the place of every value, safe for input from strangers.

Nodes are built from PyYAML's events with limits on depth and on what aliases expand to, without recursion:
60 KB of nested brackets end PyYAML's C composer with a segmentation fault, 1 KB of merge keys keeps it busy for minutes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from poollint.facts import Known, Location, Origin, Setting, Unknown

DEEPEST = 100
TOO_DEEP = f"nested more than {DEEPEST} levels deep"
QUOTES = frozenset("'\"|>")  # styles in which a scalar is text whatever it looks like
LARGEST = 200_000  # nodes of one document, aliases expanded

Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unreadable(Exception):
    """The text is not YAML that poollint reads; `documents` are those before the bad one."""

    def __init__(self, reason: str, line: int | None, documents: list[Node]) -> None:
        super().__init__(reason)
        self.reason, self.line, self.documents = reason, line, documents


class Node:
    """A value with its place. `at()` walks into it, and never raises."""

    __slots__ = ("location", "tag", "weight")
    location: Location
    tag: str | None  # "!Ref"; None when the text has none
    weight: int

    def at(self, *keys: str | int) -> Node | None:
        """Return the node below: `at("spec", "containers", 0)`; None when something on the way is absent."""
        node: Node | None = self
        for key in keys:
            if isinstance(node, Mapping) and isinstance(key, str):
                node = node.get(key)
            elif isinstance(node, Sequence) and isinstance(key, int):
                node = node.items[key] if -len(node.items) <= key < len(node.items) else None
            else:
                return None
        return node

    def text_at(self, *keys: str | int) -> str | None:
        """Return the scalar below as it is written, or None."""
        node = self.at(*keys)
        return node.text if isinstance(node, Scalar) and node.value is not None else None

    def items_at(self, *keys: str | int) -> tuple[Node, ...]:
        """Return the items of the sequence below, or none."""
        node = self.at(*keys)
        return node.items if isinstance(node, Sequence) else ()

    def pairs_at(self, *keys: str | int) -> list[tuple[str, Node]]:
        """Return the (key, node) pairs of the mapping below, or none."""
        node = self.at(*keys)
        return node.pairs() if isinstance(node, Mapping) else []


class Scalar(Node):
    """`value` is typed as YAML 1.1 core types it (never a date or a sexagesimal number); `text` is what is written."""

    __slots__ = ("value", "text", "quoted")

    def __init__(self, text: str, quoted: bool, tag: str | None, location: Location) -> None:
        self.text, self.quoted, self.tag, self.location, self.weight = text, quoted, tag, location, 1
        self.value: Any = text if quoted or tag else _plain(text)


class Sequence(Node):
    __slots__ = ("items",)

    def __init__(self, tag: str | None, location: Location) -> None:
        self.items: tuple[Node, ...] = ()
        self.tag, self.location, self.weight = tag, location, 1


class Mapping(Node):
    """Keys are strings; the last of two equal keys wins, as in every YAML library; `<<` is merged in."""

    __slots__ = ("_entries",)

    def __init__(self, tag: str | None, location: Location) -> None:
        self._entries: dict[str, tuple[Scalar, Node]] = {}
        self.tag, self.location, self.weight = tag, location, 1

    def get(self, key: str) -> Node | None:
        entry = self._entries.get(key)
        return entry[1] if entry else None

    def key(self, key: str) -> Scalar | None:
        """Return the node of the key itself, for its place."""
        entry = self._entries.get(key)
        return entry[0] if entry else None

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def pairs(self) -> list[tuple[str, Node]]:
        return [(key, node) for key, (_, node) in self._entries.items()]

    def _fill(self, children: list[Node]) -> None:
        merged: list[Mapping] = []
        for key, node in zip(children[::2], children[1::2]):
            if not isinstance(key, Scalar):
                continue  # a mapping as a key: `{{ x }}` unquoted, nothing we read
            if key.text == "<<" and not key.quoted:
                merged.extend(m for m in (node.items if isinstance(node, Sequence) else (node,)) if isinstance(m, Mapping))
            else:
                self._entries[key.text] = (key, node)
        for other in merged:
            for text, entry in other._entries.items():
                self._entries.setdefault(text, entry)


def documents(path: str, text: str) -> list[Node]:
    """Return the documents of a YAML or JSON text; empty ones are left out.

    Raises Unreadable, with the documents before the bad one.
    """
    found: list[Node] = []
    try:
        for root in _compose(path, text):
            found.append(root)
    except Unreadable as problem:
        raise Unreadable(problem.reason, problem.line, found) from None
    except yaml.MarkedYAMLError as problem:
        line = problem.problem_mark.line + 1 if problem.problem_mark else None
        raise Unreadable(_reason(text, problem), line, found) from None
    except (yaml.YAMLError, ValueError) as problem:
        raise Unreadable(f"not YAML: {str(problem).splitlines()[0]}", None, found) from None
    return found


def setting(node: Node | None, says: str, cast: Callable[[str], Any] = str, absent: Setting | None = None) -> Setting:
    """Turn a scalar into a Setting: Known with its place, or Unknown when absent, templated or not castable."""
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return absent if absent is not None else Unknown(f"{says} is not set", Origin(says))
    origin = Origin(says, node.location)
    if not isinstance(node, Scalar):
        return Unknown(f"{says} is not a single value", origin)
    try:
        return Known(cast(node.text.strip()), origin)
    except (ValueError, TypeError):
        return Unknown(f"{says} is not a plain number or word", origin)


def _compose(path: str, text: str) -> Iterator[Node]:
    anchors: dict[str, Node] = {}
    stack: list[tuple[Node, list[Node], str | None]] = []
    root: Node | None = None
    for event in yaml.parse(text, Loader=Parser):
        node: Node | None = None
        if isinstance(event, yaml.ScalarEvent):
            node = Scalar(event.value, event.style in QUOTES, _tag(event), _location(path, event))
            if event.anchor:
                anchors[event.anchor] = node
        elif isinstance(event, yaml.AliasEvent):
            node = anchors.get(event.anchor)
            if node is None:  # also an alias inside its own anchor
                raise Unreadable(f"alias *{event.anchor} refers to nothing before it", event.start_mark.line + 1, [])
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if len(stack) >= DEEPEST:
                raise Unreadable(TOO_DEEP, event.start_mark.line + 1, [])
            made = (Mapping if isinstance(event, yaml.MappingStartEvent) else Sequence)(_tag(event), _location(path, event))
            stack.append((made, [], event.anchor))
            continue
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            node, children, anchor = stack.pop()
            node.weight += sum(child.weight for child in children)
            if node.weight > LARGEST:
                raise Unreadable("its aliases expand to too much", event.start_mark.line + 1, [])
            if isinstance(node, Mapping):
                node._fill(children)
            elif isinstance(node, Sequence):
                node.items = tuple(children)
            if anchor:
                anchors[anchor] = node
        elif isinstance(event, yaml.DocumentStartEvent):
            anchors, root = {}, None
            continue
        elif isinstance(event, yaml.DocumentEndEvent):
            if root is not None and not (isinstance(root, Scalar) and root.value is None):
                yield root
            continue
        else:
            continue
        if stack:
            stack[-1][1].append(node)
        else:
            root = node


def _location(path: str, event: yaml.Event) -> Location:
    start, end = event.start_mark, event.end_mark
    return Location(path, start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _tag(event: yaml.Event) -> str | None:
    tag = event.tag
    return tag if tag and tag.startswith("!") and tag != "!" else None


_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*)$|0o[0-7]+$|0x[0-9a-fA-F]+$|0[0-7]+$")
_FLOAT = re.compile(r"[-+]?([0-9][0-9_]*)?\.[0-9]+([eE][-+]?[0-9]+)?$|[-+]?[0-9]+[eE][-+]?[0-9]+$|[-+]?[0-9]+\.$")
_WORDS = {"": None, "~": None, "null": None, "true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def _plain(text: str) -> Any:
    word = text.lower()
    if word in _WORDS:
        return _WORDS[word]
    if _INTEGER.match(text):
        digits = text.replace("_", "")
        if re.match(r"0[0-7]+$", digits):
            return int(digits, 8)
        return int(digits, 0)
    if _FLOAT.match(text):
        return float(text.replace("_", ""))
    return text


class _PyYaml(yaml.constructor.SafeConstructor, yaml.resolver.Resolver):
    """What PyYAML makes of one scalar."""

    def __init__(self) -> None:
        yaml.constructor.SafeConstructor.__init__(self)
        yaml.resolver.Resolver.__init__(self)


def as_pyyaml(text: str) -> Any:
    """Return a plain scalar as PyYAML reads it, which knows sexagesimal numbers and dates; ValueError where it fails."""
    reading = _PyYaml()
    tag = reading.resolve(yaml.ScalarNode, text, (True, False))
    try:
        return reading.construct_object(yaml.ScalarNode(tag, text))
    except yaml.constructor.ConstructorError as problem:
        raise ValueError(text) from problem


def _reason(text: str, problem: yaml.MarkedYAMLError) -> str:
    if "{{" in text or "{%" in text:
        return "a template, not YAML: render it and pass the result as a PATH"
    if "nesting depth" in (problem.problem or ""):  # newer libyaml has a limit of its own, reached while it looks ahead
        return TOO_DEEP
    return f"not YAML: {problem.problem or problem.context or 'syntax error'}"
