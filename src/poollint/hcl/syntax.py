"""Terraform's language as blocks and attributes with their places, through tree-sitter; `_hcl_evaluate` evaluates it.

One broken block loses only itself: a text with errors is cut at its top-level blocks, each is parsed alone, and a block
that holds an error anywhere is left out, because an attribute lost in the wreck would look like an absent one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

from poollint.facts import Location

LARGEST = 512 * 1024  # bytes; worst input measured: 2 seconds for a megabyte of quotes
DEEPEST_BLOCK = 20


class Unreadable(Exception):
    """The text is too large to be somebody's infrastructure."""


@dataclass(frozen=True, slots=True)
class Source:
    """One parsed piece of a file; `row` is what its first line is in the file, from 0."""

    path: str
    content: bytes
    lines: tuple[bytes, ...]
    row: int = 0

    def text(self, start: int, end: int) -> str:
        return self.content[start:end].decode("utf-8", "replace")

    def location(self, node: Any) -> Location:
        (row, column), (end_row, end_column) = node.start_point, node.end_point
        return Location(
            self.path,
            self.row + row + 1,
            self._column(row, column),
            self.row + end_row + 1,
            self._column(end_row, end_column),
        )

    def _column(self, row: int, column: int) -> int:
        line = self.lines[row] if row < len(self.lines) else b""
        return len(line[:column].decode("utf-8", "replace")) + 1


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """An expression nobody has evaluated yet: a tree-sitter node and where it comes from."""

    node: Any
    source: Source

    @property
    def location(self) -> Location:
        return self.source.location(self.node)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """What stands between the braces; the last of two equal attributes wins."""

    attributes: Mapping[str, Expression] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """`resource "aws_db_instance" "main" { ... }`: type "resource", two labels."""

    type: str
    labels: tuple[str, ...]
    body: Body
    location: Location


@dataclass(frozen=True, slots=True)
class File:
    """A parsed file; `broken` are the places of the blocks that could not be read."""

    body: Body
    broken: tuple[Location, ...] = ()


def parse(path: str, text: str) -> File:
    """Parse a .tf or .tfvars text.

    Raises Unreadable for a text above the size limit.
    """
    content = text.encode()
    if len(content) > LARGEST:
        raise Unreadable(f"larger than {LARGEST // 1024} KiB")
    whole = _source(path, content)
    root = _parser().parse(content).root_node
    if not root.has_error:
        return File(_body(whole, root))
    return _pieces(path, content)


@lru_cache(maxsize=1)
def _parser() -> Any:
    import tree_sitter
    import tree_sitter_hcl

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))


_TOP = re.compile(
    rb"^(?:(?:resource|data|module|variable|locals|output|provider|terraform)\b|[a-z_]\w*[ \t]*=)", re.MULTILINE
)


def _pieces(path: str, content: bytes) -> File:
    attributes: dict[str, Expression] = {}
    blocks: list[Block] = []
    broken: list[Location] = []
    starts = [match.start() for match in _TOP.finditer(content)] or [0]
    row, before = 0, 0
    for start, end in pairwise([*starts, len(content)]):
        row += content.count(b"\n", before, start)
        before = start
        piece = _source(path, content[start:end], row)
        root = _parser().parse(piece.content).root_node
        if root.has_error:
            broken.append(Location(path, row + 1))
            continue
        body = _body(piece, root)
        attributes.update(body.attributes)
        blocks.extend(body.blocks)
    return File(Body(attributes, tuple(blocks)), tuple(broken))


def _source(path: str, content: bytes, row: int = 0) -> Source:
    return Source(path, content, tuple(content.split(b"\n")), row)


def _body(source: Source, node: Any, depth: int = 0) -> Body:
    attributes: dict[str, Expression] = {}
    blocks: list[Block] = []
    for child in _statements(node):
        if child.type == "attribute":
            name, value = child.named_children[0], child.named_children[-1]
            attributes[source.text(name.start_byte, name.end_byte)] = Expression(value, source)
        elif child.type == "block" and depth < DEEPEST_BLOCK:
            blocks.append(_block(source, child, depth))
    return Body(attributes, tuple(blocks))


def _statements(node: Any) -> Iterator[Any]:
    for child in node.named_children:
        if child.type == "body":
            yield from child.named_children
        else:
            yield child


def _block(source: Source, node: Any, depth: int) -> Block:
    head = [child for child in node.named_children if child.type in ("identifier", "string_lit")]
    words = [source.text(child.start_byte, child.end_byte).strip('"') for child in head]
    body = next((child for child in node.named_children if child.type == "body"), None)
    inner = _body(source, body, depth + 1) if body is not None else Body()
    return Block(words[0] if words else "", tuple(words[1:]), inner, source.location(head[0] if head else node))
