"""What the code on the way to a URL asks of its dialect: branches that are taken, and exceptions that are not raised."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from poollint.facts import Known, value_of
from poollint.python.evaluator import reach
from poollint.python.evaluator.callers import class_around
from poollint.python.evaluator.calls import MOST_HOPS
from poollint.python.evaluator.environment import url_of_dialect
from poollint.python.evaluator.evaluate import World
from poollint.python.evaluator.urls import as_url, dialect_named
from poollint.python.evaluator.values import FunctionRef, Value, as_setting, variables_of
from poollint.python.source import names
from poollint.python.source.modules import Module
from poollint.python.source.scopes import dotted


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
    asked = [found for test, holds in tests for found in _asked(world, test, written, holds, module)]
    if dialect := next((named for named, is_that in asked if is_that), None):
        return url_of_dialect(dialect, url) if dialect != value_of(parts.dialect) else url
    excluded = {named for named, _ in asked if not isinstance(parts.dialect, Known)}
    return replace(parts, excludes=parts.excludes | excluded) if excluded else url


def _asked(
    world: World, test: ast.expr, given: set[str], holds: bool, module: Module, hops: int = 0
) -> Iterator[tuple[str, bool]]:
    """Yield a dialect, and whether a URL is of it: `url.startswith("sqlite")`, `"sqlite" in url`, `url.drivername == "sqlite"`.

    Also where a name or a function of the project stands for the question: `is_sqlite(url)`.
    """

    def is_asked(of: ast.expr) -> bool:
        return not given.isdisjoint(_forms(of, module))

    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from _asked(world, operand, given, not holds, module, hops)
        case ast.BoolOp(op=op, values=values) if isinstance(op, ast.And if holds else ast.Or):
            for value in values:
                yield from _asked(world, value, given, holds, module, hops)
        case ast.Call(func=ast.Attribute(value=url, attr="startswith"), args=[wanted]):
            if is_asked(url) and (named := _dialect(world, wanted, module)):
                yield named, holds
        case ast.Compare(left=wanted, ops=[ast.In() | ast.NotIn() as op], comparators=[url]):
            if is_asked(url) and (named := _dialect(world, wanted, module)):
                yield named, holds == isinstance(op, ast.In)
        case ast.Compare(left=url, ops=[ast.Eq() | ast.NotEq() as op], comparators=[wanted]):
            # That a driver is another one says nothing of the dialect.
            if is_asked(url) and (named := _dialect(world, wanted, module)):
                if (is_that := holds == isinstance(op, ast.Eq)) or _is_whole_dialect(url):
                    yield named, is_that
        case ast.Call(args=arguments) if hops < MOST_HOPS and (found := _answer(test, module)):
            answer, parameters, home = found
            passed = {ast.dump(ast.Name(name, ast.Load())) for name, each in zip(parameters, arguments) if is_asked(each)}
            if passed:
                yield from _asked(world, answer, passed, holds, home, hops + 1)
        case ast.Name() if hops < MOST_HOPS and (value := names.only_value(module, test)):
            yield from _asked(world, value, given, holds, module, hops + 1)


def _dialect(world: World, wanted: ast.expr, module: Module) -> str | None:
    """Return the dialect that a text names: one that is written, or a constant of a module or class."""
    if isinstance(wanted, ast.Attribute) and dotted(wanted.value) in ("self", "cls"):
        cls = class_around(module, wanted)
        wanted = next((each for stmt in (cls.body if cls else ()) if (each := _assigned(stmt, wanted.attr))), wanted)
    text = value_of(as_setting(world.value(wanted, module)))
    return dialect_named(text) if isinstance(text, str) else None


def _assigned(stmt: ast.stmt, name: str) -> ast.expr | None:
    match stmt:
        case ast.Assign(targets=[ast.Name(id=found)], value=value) | ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value):
            return value if found == name else None
    return None


def _answer(call: ast.Call, module: Module) -> tuple[ast.expr, list[str], Module] | None:
    """Return what a function of the project returns whatever happens, its parameters, and its module."""
    function = names.resolve(module, call.func)
    if not isinstance(function, FunctionRef) or not isinstance(function.node, ast.FunctionDef):
        return None
    match [stmt for stmt in function.node.body if not isinstance(stmt, (ast.Expr, ast.Assign, ast.AnnAssign))]:
        case [ast.Return(value=ast.expr() as answer)]:
            return answer, [parameter.arg for parameter in function.node.args.args], function.module
    return None


def _is_whole_dialect(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get_backend_name"


_NAMES = frozenset({"drivername", "get_backend_name", "scheme", "lower", "split", "partition"})
_PARSERS = frozenset({"make_url", "urlparse", "urlsplit", "str"})


def _forms(node: ast.expr, module: Module, hops: int = 0) -> set[str]:
    """Return a URL as it is written, and what it is made of: `url` for `parsed.drivername`, where `parsed = make_url(url)`.

    A part of it asks the same where it is compared with a dialect: `url.split("://")[0]`, `dialect_of(url)`.
    """
    found: set[str] = set()
    while (written := ast.dump(node)) not in found:
        found.add(written)
        match node:
            case ast.Attribute(value=owner, attr=name) if name in _NAMES:
                node = owner
            case ast.Call(func=ast.Attribute(attr=name) as method) if name in _NAMES:
                node = method
            case ast.Subscript(value=ast.Call(func=ast.Attribute(attr="split" | "partition")) as pieces):
                node = pieces
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[url]) if name in _PARSERS:
                node = url
            case ast.Call(args=[url]) if hops < MOST_HOPS and (told := _answer(node, module)):
                answer, parameters, home = told
                if {ast.dump(ast.Name(name, ast.Load())) for name in parameters[:1]} & _forms(answer, home, hops + 1):
                    node = url
            case ast.Name():
                node = names.only_value(module, node) or node
    return found
