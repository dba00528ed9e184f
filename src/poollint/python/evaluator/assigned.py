"""Variables of the process that the program itself sets while it is imported, before somebody reads them.

    os.environ["POOL_SIZE"] = "12"               the variable is this, whatever the deployment says
    os.environ.setdefault("POOL_SIZE", "12")     the variable's default, before any that its reader gives
    os.environ.pop("POOL_SIZE", None)            the variable is gone

What a function sets may be so from where a module calls it on: the variable is then not known. What functions set that no
module calls while it is imported counts for nobody: they may not run, or not before.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from poollint.facts import Location, Origin, Unknown
from poollint.python.evaluator import expressions, outside
from poollint.python.evaluator.values import FunctionRef, LibraryRef, Value
from poollint.python.source import names
from poollint.python.source.modules import Module, Modules
from poollint.python.source.scopes import FUNCTIONS

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World

_SETS = re.compile(rb"\benviron(?:\[[^\]\n]{1,80}\][ \t]*=(?!=)|\.(?:setdefault|update|pop)\()|\bdel[ \t][^\n]{0,40}environ\[")


@dataclass(frozen=True, slots=True)
class Assignment:
    """A statement at module level, or the call there of a function that holds it.

    value    None where the variable is taken away
    is_sure  no condition and no function decides whether it runs
    after    where it stands in a function: what comes before it there has read the variable as it was
    """

    module: Module
    node: ast.stmt | ast.Call
    kind: Literal["set", "default"]
    value: ast.expr | None
    is_sure: bool
    after: Location | None = None


class Assignments:
    """Finds the assignments of a project, by the names of the variables."""

    def __init__(self, modules: Modules) -> None:
        self.by_name: dict[str, list[Assignment]] = {}
        for path in modules.containing(b"environ"):
            if modules.is_for_tests(path) or not _SETS.search(modules.tree.bytes(path) or b""):
                continue
            module = modules.module(path)
            if module is not None and not module.is_test and not module.is_for_migrations:
                for name, assignment in _assignments(module):
                    self.by_name.setdefault(name, []).append(assignment)


def _assignments(module: Module) -> Iterator[tuple[str, Assignment]]:
    for stmt in module.near("environ"):
        if not isinstance(stmt, (ast.Assign, ast.Expr, ast.Delete)):
            continue
        if functions := module.enclosing_functions(stmt):
            for name, kind, value in _of_statement(module, stmt) if len(functions) == 1 else ():
                after = replace(module.location(functions[0]), end_line=stmt.lineno)
                for caller, call in _calls(module, functions[0]):
                    yield name, Assignment(caller, call, kind, value, False, after)
            continue
        around = [each for each in module.ancestors(stmt) if isinstance(each, (ast.If, ast.Try, ast.For, ast.While, ast.Match))]
        for name, kind, value in _of_statement(module, stmt):
            yield name, Assignment(module, stmt, kind, value, not around)


def _calls(module: Module, function: ast.AST) -> Iterator[tuple[Module, ast.Call]]:
    """Yield the calls of a function at module level, in its own file and where it is imported from there."""
    name = getattr(function, "name", "")
    importers = module.modules.graph.importers.get(module.path, ()) if name in module.scope.binds else ()
    for path in (module.path, *sorted(importers)):
        caller = None if module.modules.is_for_tests(path) else module.modules.module(path)
        for call in caller.calls_of(name) if caller is not None else ():
            found = names.resolve(caller, call.func) if not caller.enclosing_functions(call) else None
            if isinstance(found, FunctionRef) and found.node is function:
                yield caller, call


def _of_statement(module: Module, stmt: ast.stmt) -> Iterator[tuple[str, Literal["set", "default"], ast.expr | None]]:
    match stmt:
        case ast.Assign(targets=[ast.Subscript(value=base, slice=ast.Constant(value=str(name)))], value=value):
            found = [(base, name, "set", value)]
        case ast.Delete(targets=[ast.Subscript(value=base, slice=ast.Constant(value=str(name)))]):
            found = [(base, name, "set", None)]
        case ast.Expr(ast.Call(ast.Attribute(base, "setdefault"), [ast.Constant(value=str(name)), value])):
            found = [(base, name, "default", value)]
        case ast.Expr(ast.Call(ast.Attribute(base, "pop"), [ast.Constant(value=str(name)), *_])):
            found = [(base, name, "set", None)]
        case ast.Expr(ast.Call(ast.Attribute(base, "update"), [ast.Dict(keys=keys, values=values)])):
            pairs = zip(keys, values)
            found = [(base, key.value, "set", value) for key, value in pairs if isinstance(key, ast.Constant)]
        case ast.Expr(ast.Call(ast.Attribute(base, "update"), [], keywords)):
            found = [(base, keyword.arg, "set", keyword.value) for keyword in keywords if keyword.arg]
        case _:
            return
    for base, name, kind, value in found:
        target = names.resolve(module, base)
        if isinstance(target, LibraryRef) and target.name == "os.environ":
            yield name, kind, value  # type: ignore[misc]


def before(world: World, name: str, reader: Origin | None) -> tuple[Literal["set", "default"], Value | None] | None:
    """Return what the program has made of a variable before it is read: set to a value, or given a default.

    None when it has not. A variable that is taken away is set to None.
    """
    found = world.modules.shared(Assignments).by_name.get(name, ())
    if not found or reader is None or reader.location is None:
        return None
    here = reader.location
    earlier = [each for each in found if _is_before(world, each, here)]
    sets = [each for each in earlier if each.kind == "set"]
    last = (sets or earlier or [None])[-1]
    if last is None:
        return None
    place = Origin(name, last.module.location(last.node))
    waits = last.module.path == here.path and here.line < last.node.lineno
    if not last.is_sure or waits or len({each.module.path for each in sets}) > 1:
        return last.kind, Unknown(f"{name} may be set in {last.module.path}:{last.node.lineno}", place)
    return last.kind, expressions.evaluate(world, last.value, last.module, None) if last.value is not None else None


def _waits(module: Module, line: int) -> bool:
    """Say whether a line stands in a function: that may run later."""
    inner = [*module.scope.inner, *(stmt for cls in module.scope.inner if isinstance(cls, ast.ClassDef) for stmt in cls.body)]
    return any(isinstance(each, FUNCTIONS) and each.body[0].lineno <= line <= (each.end_lineno or 0) for each in inner)


def _is_before(world: World, assignment: Assignment, reader: Location) -> bool:
    module, after = assignment.module, assignment.after
    if after is not None and after.path == reader.path and after.line <= reader.line <= (after.end_line or 0):
        return False
    if module.path == reader.path:
        return assignment.node.lineno < reader.line or _waits(module, reader.line)
    if not world.modules.shared(outside.Outside).is_along(reader.path, module.path):
        return False
    graph = world.modules.graph
    lines = []
    for each in module.imports:
        path = module.modules.imported(module, each)
        if path and (path == reader.path or reader.path in graph.reach(path)):
            lines.append(each.line)
    return not lines or assignment.node.lineno < min(lines)
