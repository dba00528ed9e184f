"""What branches and loops share: which block leaves, what two branches agree on, which item a turn has."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import compress
from operator import is_not
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown, weakest
from poollint.python.evaluator import environment, urls
from poollint.python.evaluator.values import Listing, Open, Table, Traced, Url, Value, origin_of, reason_of
from poollint.python.source.modules import Module
from poollint.python.source.scopes import dotted

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import Turn, World


ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


@contextmanager
def turn_of(world: World, loop: tuple, number: int, items: list[Value]) -> Iterator[None]:
    """Let the world be in the n-th turn of a loop."""
    from poollint.python.evaluator.evaluate import Turn

    before = world.turns.get(loop)
    rests = world.rests.so_far()
    world.be_in(loop, Turn(number, items, rests))
    try:
        yield
    finally:
        if loop not in rests.moments:
            world.rests.forget(loop)  # what the loop leaves behind rests on all of its turns
        world.be_in(loop, before)


def running_turn(world: World, loop: tuple) -> Turn | None:
    """Return the turn of a loop that is being run; what asks for it rests on it, and on what its items rest on."""
    world.rests_on("moments", loop)
    turn = world.turns.get(loop)
    if turn is not None:
        world.note(turn.rests)
    return turn


def merged(one: Value | None, other: Value | None, reason: str) -> Value:
    """Return what two branches agree on; a world that decides nothing more knows no more than that."""
    if one is other is not None:
        return one
    if isinstance(one, Table) and isinstance(other, Table):
        entries, there = dict(one.entries), other.entries
        differs = map(is_not, map(entries.get, there), there.values())  # most of a long dict is the same in both
        for key in (*compress(there, differs), *(one.entries.keys() - there.keys())):
            entries[key] = merged(one.get(key), other.get(key), reason)
        return Table(entries, one.origin, one.complete and other.complete, one.reason or other.reason)
    if one is not None and other is not None and (one == other or _plain(one) == _plain(other) is not None):
        return one
    why = (reason if reason.startswith("depends on ") else f"depends on a condition: {reason}")[:200]
    if isinstance(one, Url) and isinstance(other, Url):
        return urls.common(one, other, why)
    maybe = any(value is None or (isinstance(value, Unknown) and value.maybe) for value in (one, other))
    return Unknown(why, origin_of(one if one is not None else other), maybe=maybe)


def _plain(value: Value) -> tuple | None:
    return (value.value,) if isinstance(value, Known) else None


def as_sure_as(value: Value, test: Value) -> Value:
    """Return a value that a branch chose: it is no surer than the condition."""
    if isinstance(test, Known) and isinstance(value, Known) and test.certainty in ("fallback", "estimate"):
        weaker = replace(value, certainty=weakest((value, test)))
        return replace(weaker, start="") if isinstance(weaker, Traced) else weaker
    return value


def default_of(value: Value | None, variable: Value) -> Value | None:
    """Return the value of an `except` that stands in for an absent variable."""
    if isinstance(value, Known) and isinstance(variable, Open):
        found: Value = value
        for name in sorted(variable.variables):
            found = environment.replaceable_by(found, name)
        return found
    return value


def unpacked(target: ast.expr, value: Value) -> dict[str, Value]:
    """Return what an assignment to a target gives to each of its names."""
    return {name: given for part, given in parts_of(target, value) if (name := dotted(part))}


def parts_of(target: ast.expr, value: Value) -> Iterator[tuple[ast.expr, Value]]:
    """Yield each single target of an assignment with what it is given: `size, options["a"] = 5, 7`."""
    if not isinstance(target, (ast.Tuple, ast.List)):
        yield target, value
        return
    starred = any(isinstance(element, ast.Starred) for element in target.elts)
    spread = _spread(target, value) if starred else None
    for number, element in enumerate(target.elts):
        if spread is not None:
            part: Value = spread[number]
        elif isinstance(value, Listing) and value.complete and not starred and len(value.items) == len(target.elts):
            part = value.items[number]
        else:
            part = Unknown(
                f"a part of {reason_of(value)}" if isinstance(value, Unknown) else "a part of something",
                origin_of(value),
            )
        yield from parts_of(element.value if isinstance(element, ast.Starred) else element, part)


def _spread(target: ast.Tuple | ast.List, value: Value) -> list[Value] | None:
    """Return what each element of `first, *rest, last = value` gets, None when that is not known."""
    count = len(target.elts) - 1
    if not isinstance(value, Listing) or not value.complete or len(value.items) < count:
        return None
    at = next(number for number, element in enumerate(target.elts) if isinstance(element, ast.Starred))
    after = len(value.items) - (count - at)
    return [*value.items[:at], Listing(value.items[at:after], value.origin), *value.items[after:]]


def subscripts(node: ast.AST) -> list[ast.expr]:
    """Return the keys of `d[a][b]`, outermost dict first."""
    found: list[ast.expr] = []
    while isinstance(node, ast.Subscript):
        found.append(node.slice)
        node = node.value
    return found[::-1]


def leaves(body: list[ast.stmt]) -> bool:
    """Say whether a block never runs to its end."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, ast.If):
        return leaves(last.body) and leaves(last.orelse)
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        return ast.unparse(last.value.func) in ("sys.exit", "exit", "quit", "os._exit")
    return isinstance(last, ENDS)


def leaves_turn(body: list[ast.stmt]) -> str | None:
    if body and isinstance(body[-1], ast.Break):
        return "break"
    return "next" if body and isinstance(body[-1], ast.Continue) else None


def one_of(world: World, items: list[Value], node: ast.AST, module: Module, path: str) -> Value:
    """Return one item of a loop: every item is an alternative."""
    from poollint.python.evaluator.evaluate import Answer, Question

    if len(items) == 1:
        return items[0]
    key = f"turn {module.path}:{getattr(node, 'lineno', 0)}:{getattr(node, 'col_offset', 0)}|{path}"
    choice = (
        world.ask(Question(key, tuple(Answer(number) for number in range(len(items))))) if len(items) <= 16 else None
    )
    if choice is None or choice >= len(items):
        return Unknown("one of several items of a loop", Origin("", module.location(node)))
    return items[choice]
