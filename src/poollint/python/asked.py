"""What the code on the way to a URL asks of its dialect: branches that are taken, and exceptions that are not raised."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from poollint.facts import Known, value_of
from poollint.python.evaluator import reach
from poollint.python.evaluator.environment import url_of_dialect
from poollint.python.evaluator.evaluate import World
from poollint.python.evaluator.urls import as_url, dialect_named
from poollint.python.evaluator.values import Value, variables_of
from poollint.python.source.modules import Module


def is_open(world: World, url: Value) -> bool:
    """Say whether a URL's dialect is not known, or that of a variable's default: what a variable may replace is open."""
    return not isinstance(as_url(world, url).dialect, Known) or bool(variables_of(url))


def asked_of(world: World, url: Value, given: ast.expr, place: ast.AST, module: Module) -> Value:
    """Return a URL with what is asked of it before a place is reached, where nothing surer tells its dialect.

    given  how the place writes it
    """
    if not is_open(world, url):
        return url
    parts, written = as_url(world, url), _forms(given, module)
    tests = (*reach.conditions(place, module), *reach.refusals(place, module))
    asked = [found for test, holds in tests for found in _asked(test, written, holds, module)]
    if dialect := next((named for named, is_that in asked if is_that), None):
        return url_of_dialect(dialect, url) if dialect != value_of(parts.dialect) else url
    excluded = {named for named, _ in asked if not isinstance(parts.dialect, Known)}
    return replace(parts, excludes=parts.excludes | excluded) if excluded else url


def _asked(test: ast.expr, given: set[str], holds: bool, module: Module) -> Iterator[tuple[str, bool]]:
    """Yield a dialect, and whether a URL is of it: `url.startswith("sqlite")`, `"sqlite" in url`, `url.drivername == "sqlite"`."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from _asked(operand, given, not holds, module)
        case ast.BoolOp(op=op, values=values) if isinstance(op, ast.And if holds else ast.Or):
            for value in values:
                yield from _asked(value, given, holds, module)
        case ast.Call(func=ast.Attribute(value=url, attr="startswith"), args=[ast.Constant(value=str(wanted))]):
            if (named := dialect_named(wanted)) and not given.isdisjoint(_forms(url, module)):
                yield named, holds
        case ast.Compare(left=ast.Constant(value=str(wanted)), ops=[ast.In() | ast.NotIn() as op], comparators=[url]):
            if (named := dialect_named(wanted)) and not given.isdisjoint(_forms(url, module)):
                yield named, holds == isinstance(op, ast.In)
        case ast.Compare(left=url, ops=[ast.Eq() | ast.NotEq() as op], comparators=[ast.Constant(value=str(wanted))]):
            # That a driver is another one says nothing of the dialect.
            if (named := dialect_named(wanted)) and not given.isdisjoint(_forms(url, module)):
                if (is_that := holds == isinstance(op, ast.Eq)) or _is_backend(url):
                    yield named, is_that


def _is_backend(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get_backend_name"


_NAMES = frozenset({"drivername", "get_backend_name", "lower"})


def _forms(node: ast.expr, module: Module) -> set[str]:
    """Return a URL as it is written, and what it is made of: `url` for `parsed.drivername`, where `parsed = make_url(url)`."""
    found: set[str] = set()
    while (written := ast.dump(node)) not in found:
        found.add(written)
        match node:
            case ast.Attribute(value=owner, attr=name) if name in _NAMES:
                node = owner
            case ast.Call(func=ast.Attribute(attr=name) as method, args=[]) if name in _NAMES:
                node = method
            case ast.Call(func=ast.Name("make_url" | "str") | ast.Attribute(attr="make_url"), args=[url]):
                node = url
            case ast.Name(id=name):
                match module.scope_at(node).binds.get(name):
                    case [ast.Assign(targets=[ast.Name()], value=ast.Call() as value)]:
                        node = value
    return found
