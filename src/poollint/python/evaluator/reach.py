"""Whether a world comes to a place: the conditions around it hold, no branch before it has left."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from poollint.python.evaluator import branching, calls, expressions, operators
from poollint.python.evaluator.values import Frame, variables_of
from poollint.python.source.modules import Module
from poollint.python.source.scopes import FUNCTIONS, names_in

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World


def reachable(
    world: World, node: ast.AST, module: Module, frame: Frame | None, about: frozenset[str] | None = None
) -> bool:
    """Say whether this world comes to a node: conditions around it hold, no branch before it has left.

    `about` leaves out the conditions that name none of these things.
    """
    for test, wanted in conditions(node, module):
        if about is not None and about.isdisjoint(names_in(test)):
            continue
        running = frame_at(module, test, frame)
        value = expressions.evaluate(world, test, module, running)
        holds = operators.truth(world, value, expressions.place(module, test, running))
        if holds is not None and holds is not wanted:
            return False
    return True


def is_decided(world: World, node: ast.AST, module: Module) -> bool:
    """Say whether a world knows how all conditions come out on the way to a node, and on the only way to its function."""
    for place, where in only_ways(world, node, module):
        for test, _ in conditions(place, where):
            value = expressions.evaluate(world, test, where, None)
            if operators.truth(world, value, expressions.place(where, test, None)) is None:
                return False
    return True


def learn(world: World, node: ast.AST, module: Module) -> bool:
    """Teach a world what it can know because it stands at this node: the conditions on the way hold.

    `if "sqlite" in url:` around the creation says what the URL is, whoever passes it; so it does around the only call of
    the function that creates. Nothing is asked. Return False where what the world knows already rules them out.
    """
    from poollint.python.evaluator.evaluate import Undecided

    for place, where in only_ways(world, node, module):
        for test, wanted in conditions(place, where):
            try:
                value = expressions.evaluate(world, test, where, None)
            except Undecided:
                continue
            if not variables_of(value) and operators.plain_truth(value) is (not wanted):
                return False
            symbol = operators.truth_symbol(value) if operators.plain_truth(value) is None else ""
            flipped = symbol.startswith("not(")
            when_true, when_false = world.evaluator.meanings.get(symbol[4:-1] if flipped else symbol, ((), ()))
            world.learn(when_true if wanted != flipped else when_false)
    return True


def only_ways(world: World, node: ast.AST, module: Module) -> Iterator[tuple[ast.AST, Module]]:
    """Yield a node, the only call of the function around it, the only call of the function around that, and so on."""
    for _ in range(calls.MOST_HOPS):
        yield node, module
        function = next((parent for parent in module.ancestors(node) if isinstance(parent, FUNCTIONS)), None)
        callers = calls.callers_of(world, module, function) if function is not None else []
        if len(callers) != 1:
            return
        module, node = callers[0]


def conditions(node: ast.AST, module: Module) -> tuple[tuple[ast.expr, bool], ...]:
    """Return the tests on the way to a node, from the inside out, with how they must come out; looked for once."""
    if node not in module.conditions:
        around = (node, *module.ancestors(node))
        found = (_conditions(parent, child) for child, parent in pairwise(around))
        module.conditions[node] = tuple(chain.from_iterable(found))
    return module.conditions[node]


def refusals(node: ast.AST, module: Module) -> Iterator[tuple[ast.expr, bool]]:
    """Yield the tests before a node, from the inside out, with which something is raised, and that they do not hold."""
    for child, parent in pairwise((node, *module.ancestors(node))):
        for before in _before(parent, child):
            if not before.orelse and isinstance(before.body[-1], ast.Raise):
                yield before.test, False


def reached_from_outside(world: World, node: ast.AST, module: Module) -> bool:
    """Say whether a world comes to a node and, as far as it has only one caller, to the calls that lead there."""
    return all(reachable(world, place, where, None) for place, where in only_ways(world, node, module))


def frame_at(module: Module, node: ast.AST, frame: Frame | None) -> Frame | None:
    """Return the frame that runs at a node: those of the functions inside it have not begun."""
    while frame is not None and node is not frame.scope and frame.scope not in set(module.ancestors(node)):
        frame = frame.parent
    return frame


def _conditions(parent: ast.AST, child: ast.AST) -> Iterator[tuple[ast.expr, bool]]:
    """Yield the tests that must come out so for the child of a node to run."""
    match parent:
        case ast.If(test=test, body=body) if child is not test:
            yield test, child in body
        case ast.IfExp(test=test, body=body) if child is not test:
            yield test, child is body
        case ast.BoolOp(op=op, values=values):
            for value in values[: values.index(child)]:  # type: ignore[arg-type]
                yield value, isinstance(op, ast.And)
    for before in _before(parent, child):
        if not isinstance(before.body[-1], ast.Raise) and branching.leaves(before.body) and not before.orelse:
            yield before.test, False


def _before(parent: ast.AST, child: ast.AST) -> Iterator[ast.If]:
    """Yield every `if` that stands before the child of a node in the same block."""
    for block in (getattr(parent, name, None) for name in ("body", "orelse", "finalbody")):
        if isinstance(block, list) and child in block:
            yield from (stmt for stmt in block[: block.index(child)] if isinstance(stmt, ast.If) and stmt.body)
