"""Which engine calls exclude each other: a process that runs one branch does not run the other."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from poollint.facts import Location


class _Turn(NamedTuple):
    """One decision on the way to a statement: which block of which compound statement it stands in."""

    statement: ast.AST
    block: str
    leaves: bool  # the block always ends in return or raise


def rivals(tree: ast.AST, scope: Sequence[Location]) -> dict[Location, tuple[Location, ...]]:
    """Return for each call of one scope the calls of which a process makes at most one beside it.

    Two calls exclude each other when they stand in different branches of one `if` or `match`, or when the branch of the
    earlier one returns before the later one is reached.
    """
    if len(scope) < 2:
        return {}
    ways = {place: tuple(_way(tree, place)) for place in scope}
    return {
        place: tuple(other for other in scope if other != place and _exclude(ways[place], ways[other], place < other))
        for place in scope
    }


def _exclude(one: tuple[_Turn, ...], other: tuple[_Turn, ...], one_is_first: bool) -> bool:
    for mine, theirs in zip(one, other):
        if mine.statement is not theirs.statement:
            return (mine if one_is_first else theirs).leaves
        if mine.block != theirs.block:
            return True
    # One stands deeper than the other, in a branch that may return before or skip what follows.
    deeper = one[len(other) :] if len(one) > len(other) else other[len(one) :]
    first = one if one_is_first else other
    return bool(deeper) and len(first) > min(len(one), len(other)) and deeper[0].leaves


def _way(tree: ast.AST, place: Location) -> Iterator[_Turn]:
    """Walk down to a call and yield the branches on the way, from the innermost function on."""
    turns: list[_Turn] = []
    node: ast.AST | None = tree
    while node is not None:
        inside = None
        for block, child in _children(node):
            if _holds(child, place):
                inside = child
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                    turns.clear()
                elif block and isinstance(node, _DECISIONS):
                    turns.append(_Turn(node, block, _leaves(node, block)))
                break
        node = inside
    yield from turns


_DECISIONS = (ast.If, ast.IfExp, ast.Match, ast.Try, ast.TryStar)


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield the children with the name of their block."""
    for name, value in ast.iter_fields(node):
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(child, ast.AST):
                yield _block(node, name, index), child


def _block(node: ast.AST, name: str, index: int) -> str:
    """Name the block a child stands in; each `case` and `except` is one, and `else` of a `try` runs after its body."""
    if name in ("cases", "handlers"):
        return f"{name}{index}"
    if isinstance(node, (ast.Try, ast.TryStar)):
        return "body" if name in ("body", "orelse") else ""
    return name if name in ("body", "orelse") else ""


def _holds(node: ast.AST, place: Location) -> bool:
    if isinstance(node, ast.match_case):  # it has no place of its own
        return any(_holds(child, place) for child in ast.iter_child_nodes(node))
    if not hasattr(node, "lineno"):
        return False
    # Columns of the call are code points and those of the tree are bytes: lines decide, then the order within one.
    first, last = node.lineno, node.end_lineno or node.lineno  # type: ignore[attr-defined]
    if first == last == place.line:
        return node.col_offset <= _byte_column(place) < (node.end_col_offset or 0)  # type: ignore[attr-defined]
    return first <= place.line <= last


def _byte_column(place: Location) -> int:
    return place.column - 1


def _leaves(node: ast.AST, block: str) -> bool:
    body = getattr(node, block, None)
    return isinstance(body, list) and bool(body) and isinstance(body[-1], (ast.Return, ast.Raise))
