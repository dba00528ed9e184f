"""The nodes of a file, walked a piece at a time: most files of a project are asked about a line or two.

A piece is a statement of the module, or of a class that stands at the top of it; the head of such a class is another.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property

from poollint.python.source.scopes import FIELDS, children, walk


class Piece:
    """A part of a file, from one line to another; `roots` are its outermost nodes."""

    def __init__(self, first: int, last: int, parent: ast.AST, roots: list[ast.AST]) -> None:
        self.first, self.last, self.parent, self.roots = first, last, parent, roots

    def walk(self, parents: dict[ast.AST, ast.AST]) -> list[ast.AST]:
        """Return the nodes of the piece, parents before children; whose child each is goes to `parents`."""
        parents.update((root, self.parent) for root in self.roots)
        return walked(list(self.roots), parents)


def walked(found: list[ast.AST], parents: dict[ast.AST, ast.AST]) -> list[ast.AST]:
    """Add everything below some nodes to them, parents before children."""
    note = found.append
    for node in found:  # grows while it is walked; `children` written out: this runs for every node of many files
        for name in FIELDS[node.__class__]:
            child = getattr(node, name, None)
            for each in child if child.__class__ is list else (child,):
                if isinstance(each, ast.AST):
                    parents[each] = node
                    note(each)
    return found


class Pieces:
    """The pieces of one file."""

    def __init__(self, tree: ast.Module, parents: dict[ast.AST, ast.AST]) -> None:
        self._tree = tree
        self._parents = parents
        self._nodes: dict[Piece, list[ast.AST]] = {}  # of those that were walked
        self._loads: dict[Piece, dict[str, list[ast.expr]]] = {}

    @cached_property
    def _all(self) -> list[Piece]:
        found: list[Piece] = []
        todo: list[tuple[ast.AST, ast.stmt]] = [(self._tree, stmt) for stmt in reversed(self._tree.body)]
        while todo:
            parent, stmt = todo.pop()
            first = min((each.lineno for each in getattr(stmt, "decorator_list", ())), default=stmt.lineno)
            if isinstance(stmt, ast.ClassDef):
                self._parents[stmt] = parent
                todo.extend((stmt, each) for each in reversed(stmt.body))
                head = [each for each in children(stmt) if each not in stmt.body]
                found.append(Piece(min(first, stmt.lineno), stmt.body[0].lineno, stmt, head))
            else:
                found.append(Piece(min(first, stmt.lineno), stmt.end_lineno or stmt.lineno, parent, [stmt]))
        return found

    @cached_property
    def _firsts(self) -> list[int]:
        return [piece.first for piece in self._all]

    def at(self, line: int) -> Iterator[Piece]:
        """Yield the pieces that a line belongs to."""
        for number in range(bisect_right(self._firsts, line) - 1, -1, -1):
            if self._all[number].last < line:
                return
            yield self._all[number]

    def walk_around(self, node: ast.AST) -> None:
        """Walk the pieces that a node of the file may stand in."""
        line = next((each.lineno for each in walk(node) if hasattr(each, "lineno")), 0)
        for piece in self.at(line):
            self.nodes(piece)

    def nodes(self, piece: Piece) -> list[ast.AST]:
        """Return the nodes of a piece."""
        if piece not in self._nodes:
            self._nodes[piece] = piece.walk(self._parents)
        return self._nodes[piece]

    def loads(self, name: str, lines: Iterable[int]) -> Iterator[ast.expr]:
        """Yield the nodes that load a name, or an attribute of that name, in the pieces that some lines belong to."""
        for piece in self._with(lines):
            if piece not in self._loads:
                self._loads[piece] = _loads(self.nodes(piece))
            yield from self._loads[piece].get(name, ())

    def near(self, lines: Iterable[int]) -> Iterator[ast.AST]:
        """Yield the nodes of the pieces that some lines belong to."""
        for piece in self._with(lines):
            yield from self.nodes(piece)

    def _with(self, lines: Iterable[int]) -> Iterable[Piece]:
        return dict.fromkeys(piece for line in lines for piece in self.at(line))


def _loads(nodes: list[ast.AST]) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        kind = node.__class__  # this runs for every node of many files
        if (kind is ast.Name or kind is ast.Attribute) and node.ctx.__class__ is ast.Load:
            found.setdefault(node.id if kind is ast.Name else node.attr, []).append(node)
    return found
