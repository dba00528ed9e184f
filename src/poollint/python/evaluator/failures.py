"""What raises, and which `except` catches it: statements that surely fail, as far as reading them tells.

    raise ConfigError("no size")      this class and what it descends from
    int("x"), {}["a"], check(5)       what working it out ends in: see `Unknown.failure`
    if size > limit: raise ...        where the condition is known
"""

from __future__ import annotations

import ast
import builtins
import sys
from typing import TYPE_CHECKING

from poollint.facts import Unknown
from poollint.python.evaluator import expressions, objects, operators
from poollint.python.evaluator.values import ClassRef, Frame, FunctionRef, LibraryRef, Value
from poollint.python.source import names
from poollint.python.source.modules import Module, imports_of
from poollint.python.source.scopes import Scope, dotted, walk

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World

Failure = tuple[str, ...]  # the names of an exception's class and of those above it; () for none

_ANY: Failure = ("Exception", "BaseException")
_CASTS = frozenset({"int", "float", "Decimal"})


def failure_of(value: Value | None) -> Failure:
    """Return the exception that making a value ends in, () where it is none that is known."""
    return value.failure if isinstance(value, Unknown) else ()


def handler_of(handlers: list[ast.ExceptHandler], failure: Failure) -> ast.ExceptHandler | None:
    """Return the `except` that catches a failure, None where none does."""
    for handler in handlers:
        named = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if None in named or catches([each for each in named if each is not None], failure):
            return handler
    return None


def catches(classes: list[ast.expr], failure: Failure) -> bool:
    """Say whether one of some classes of exceptions is that of a failure, or above it."""
    return any((dotted(each) or "").rpartition(".")[2] in failure for each in classes)


def suppressed(module: Module, stmt: ast.With | ast.AsyncWith) -> list[ast.expr]:
    """Return the exceptions that `with suppress(KeyError, ValueError):` ends without an error."""
    found: list[ast.expr] = []
    for item in stmt.items:
        if isinstance(item.context_expr, ast.Call) and module.qualified(item.context_expr.func) == "contextlib.suppress":
            found += item.context_expr.args
    return found


def raised(world: World, stmt: ast.Raise, module: Module) -> Failure:
    """Return what a `raise` raises."""
    made = stmt.exc.func if isinstance(stmt.exc, ast.Call) else stmt.exc
    match names.resolve(module, made) if made is not None else None:
        case ClassRef() as cls:
            bases = objects.lineage(world, cls)
            return tuple(name for base in bases for name in ((base.node.name,) if isinstance(base, ClassRef) else _above(base)))
        case LibraryRef(name=name):
            return _above(name)
    return _ANY


def _above(name: str) -> Failure:
    last = name.rpartition(".")[2]
    kind = getattr(builtins, last, None)
    return tuple(each.__name__ for each in kind.__mro__) if isinstance(kind, type) else (last, *_ANY)


def may_be_missing(module: Module, stmt: ast.Try) -> tuple[str, ast.ExceptHandler] | None:
    """Return the library that a `try` imports although it may be missing, and the `except` that says what then."""
    handler = handler_of(stmt.handlers, ("ModuleNotFoundError", "ImportError"))
    if handler is None or handler.type is None:
        return None
    for each in stmt.body:
        for found in imports_of(each) if isinstance(each, (ast.Import, ast.ImportFrom)) else ():
            library = found.module.partition(".")[0]
            if isinstance(names.import_target(module, found), LibraryRef) and library not in sys.stdlib_module_names:
                return library, handler
    return None


def failure_in(world: World, stmt: ast.stmt, scope: Scope, module: Module, frame: Frame | None) -> Failure:
    """Return what a statement surely raises, () when nothing says that it does; no question is asked for that."""
    match stmt:
        case ast.Raise():
            return raised(world, stmt, module)
        case ast.If() if "raise" in scope.returns.get(stmt, ()):
            holds = operators.plain_truth(_unasked(world, stmt.test, module, frame))
            branch = [] if holds is None else stmt.body if holds else stmt.orelse
            return next((found for each in branch if (found := failure_in(world, each, scope, module, frame))), ())
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value) | ast.AugAssign(value=value) | ast.Expr(
            value=value
        ) | ast.Return(value=ast.expr() as value) if _may_fail(module, value):
            return failure_of(_unasked(world, value, module, frame))
    return ()


def _may_fail(module: Module, expression: ast.expr) -> bool:
    """Say whether an expression is worth working out: most that raise are casts, items, and functions that raise."""
    for node in walk(expression):
        if isinstance(node, ast.Subscript):
            return True
        if isinstance(node, ast.Call) and (dotted(node.func) or "").rpartition(".")[2] in _CASTS:
            return True
        called = names.resolve(module, node.func) if isinstance(node, ast.Call) else None
        if isinstance(called, FunctionRef) and not isinstance(called.node, ast.Lambda):
            own = names.scope_for(called.module, called.node)
            if any("raise" in own.returns.get(each, ()) for each in own.body):
                return True
    return False


def _unasked(world: World, expression: ast.expr, module: Module, frame: Frame | None) -> Value:
    """Return what an expression is where no question decides about it."""
    from poollint.python.evaluator.evaluate import Undecided

    try:
        return expressions.evaluate(world, expression, module, frame)
    except Undecided:
        return Unknown("depends on a condition")
