"""What the statements of a scope make of a name, what a function returns, and whether a place is reached.

A name's value is found by running only the statements that touch it, from the last full assignment before the place
that asks. Conditions around those statements are decided, or asked of the world; nothing else is evaluated.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown, weakest
from poollint.python import calls, environment, expressions, names, objects, operators
from poollint.python.modules import Module
from poollint.python.scopes import COMPREHENSIONS, FUNCTIONS, MUTATORS, Scope, child_statements, dotted
from poollint.python.values import (
    ClassRef,
    Frame,
    FunctionRef,
    Listing,
    Open,
    Table,
    Traced,
    Value,
    origin_of,
    reason_of,
    variables_of,
)

if TYPE_CHECKING:
    from poollint.python.evaluate import World

ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
LOOPS = (ast.For, ast.AsyncFor)
RAISES = Unknown("raises an error")
_EITHER = Unknown("one of two branches")
_BREAK, _NEXT = Unknown("break"), Unknown("continue")


def name_in(
    world: World, scope: Scope, name: str, here: ast.AST | None, module: Module, running: Frame | None, frame: Frame | None
) -> Value:
    """Return what a name of a scope holds before the statement `here`, or when the scope has run when `here` is None."""
    if isinstance(scope.node, COMPREHENSIONS):
        return _turn_of(world, scope, name, module, running)
    at = _statement_of(module, scope, here) if here is not None else None
    key = ("name", scope.node, name, at, (running or frame).path if (running or frame) else "")  # type: ignore[union-attr]

    def compute() -> Value:
        initial = _initial(world, scope, name, module, running)
        value = _Slice(world, module, scope, name, running or frame, at, initial).result()
        if value is None or _is_none(value):
            value = _set_elsewhere(world, scope, name, module) or value
        if value is None:
            return Unknown(f"{name} is not set before it is used", place())
        return value

    def place() -> Origin:
        return Origin(name, module.location(here or scope.node))

    return world.once(key, compute, place, in_call=frame is not None or running is not None)


def _is_none(value: Value) -> bool:
    return isinstance(value, Known) and value.value is None and not variables_of(value)


def _initial(world: World, scope: Scope, name: str, module: Module, running: Frame | None) -> Callable[[], Value | None]:
    def initial() -> Value | None:
        if running is not None and name in running.bindings:
            return world.pending(running.bindings[name])
        if name in scope.parameters:
            return calls.parameter(world, scope, name, module)
        return None

    return initial


def _turn_of(world: World, scope: Scope, name: str, module: Module, running: Frame | None) -> Value:
    if running is not None and name in running.bindings:
        return world.pending(running.bindings[name])
    for generator in scope.node.generators:  # type: ignore[attr-defined]
        items = objects.items_of(world, expressions.evaluate(world, generator.iter, module, None))
        if items and name in (bound := unpacked(generator.target, _one_of(world, items, generator.iter, module, ""))):
            return bound[name]
    return Unknown(f"{name} is one of several", Origin(name, module.location(scope.node)))


def _one_of(world: World, items: list[Value], node: ast.AST, module: Module, path: str) -> Value:
    """Return one item of a loop: every item is an alternative."""
    from poollint.python.evaluate import Answer, Question

    if len(items) == 1:
        return items[0]
    key = f"turn {module.path}:{getattr(node, 'lineno', 0)}:{getattr(node, 'col_offset', 0)}|{path}"
    choice = world.ask(Question(key, tuple(Answer(number) for number in range(len(items))))) if len(items) <= 16 else None
    if choice is None or choice >= len(items):
        return Unknown("one of several items of a loop", Origin("", module.location(node)))
    return items[choice]


def _set_elsewhere(world: World, scope: Scope, name: str, module: Module) -> Value | None:
    """Return what functions with `global name` set it to: `_engine = None` at the top is only its absence."""
    if not isinstance(scope.node, ast.Module):
        return None
    found: Value | None = None
    for function in module.writers_of(name):
        inner = names.scope_for(module, function)
        value = _Slice(world, module, inner, name, None, None, lambda: None).result()
        if value is None or _is_none(value):
            continue
        if found is not None and found != value:
            return Unknown(f"{name} is set in several functions", origin_of(value))
        found = value
    return found


def global_here(
    world: World, scope: Scope, name: str, here: ast.AST | None, module: Module, running: Frame | None
) -> Value | None:
    """Return what this function has set its `global name` to before this place, None when it has not."""
    at = _statement_of(module, scope, here) if here is not None else None
    if not any(name in scope.touches.get(stmt, ()) for stmt in scope.body):
        return None
    return _Slice(world, module, scope, name, running, at, lambda: None).result()


def changed_in(
    world: World,
    scope: Scope,
    name: str,
    here: ast.AST,
    module: Module,
    frame: Frame | None,
    outer: Callable[[], Value],
) -> Value:
    """Return what a scope makes of a name that it changes but does not bind."""
    at = _statement_of(module, scope, here)
    key = ("changed", scope.node, name, at, frame.path if frame else "")

    def compute() -> Value:
        return _Slice(world, module, scope, name, frame, at, outer).result() or Unknown(f"{name} is not set", place())

    def place() -> Origin:
        return Origin(name, module.location(here))

    return world.once(key, compute, place, in_call=frame is not None)


def dotted_name(world: World, node: ast.Attribute, module: Module, frame: Frame | None) -> Value | None:
    """Return what the scope itself has set `self.options` or `app.config` to, None when it has not touched it."""
    name = dotted(node)
    if name is None or isinstance(node.value, ast.Subscript):
        return None
    scope = names.scope_at(module, node)
    if name not in scope.touched:
        return None
    running = frame if frame is not None and frame.scope is scope.node else None
    at = _statement_of(module, scope, node)

    def initial() -> Value | None:
        base = expressions.evaluate(world, node.value, module, frame)
        found = objects.attribute(world, base, node.attr, node, module, frame)
        return None if isinstance(found, Unknown) and not isinstance(found, Open) else found

    return _Slice(world, module, scope, name, running or frame, at, initial, needs_touch=True).result()


def attribute_set_in(
    world: World, function: FunctionRef, name: str, frame: Frame | None, before: Value | None = None
) -> Value | None:
    """Return what a method has set `self.name` to when it is done, `before` when it does not touch it."""
    if not isinstance(function.node, FUNCTIONS) or not function.node.args.args and not function.node.args.posonlyargs:
        return before
    scope = names.scope_for(function.module, function.node)
    own = next(iter(scope.parameters))
    if f"{own}.{name}" not in scope.touched:
        return before
    return _Slice(world, function.module, scope, f"{own}.{name}", frame, None, lambda: before).result()


def _statement_of(module: Module, scope: Scope, node: ast.AST) -> ast.AST:
    """Return the innermost statement of a scope that a node is part of."""
    if isinstance(node, ast.stmt) and node in scope.touches:
        return node
    for parent in module.ancestors(node):
        if parent in scope.touches or parent is scope.node:
            return node if parent is scope.node else parent
    return node


class _Slice:
    """Runs the statements that touch one name, up to a place."""

    def __init__(
        self,
        world: World,
        module: Module,
        scope: Scope,
        name: str,
        frame: Frame | None,
        at: ast.AST | None,
        initial: Callable[[], Value | None],
        needs_touch: bool = False,
    ) -> None:
        self.world, self.module, self.scope, self.name, self.frame = world, module, scope, name, frame
        self.path = {at, *module.ancestors(at)} if at is not None else set()
        self.initial = initial
        self.is_read = False  # the initial value has been asked for
        self.is_touched = False
        self.needs_touch = needs_touch
        self.turning = 0  # loops whose turns are being run
        self._value: Value | None = None

    def result(self) -> Value | None:
        self.run(self.scope.body)
        if self.needs_touch and not self.is_touched:
            return None
        return self.value

    @property
    def value(self) -> Value | None:
        if not self.is_read:
            self.is_read = True
            self._value = self.initial()
        return self._value

    @value.setter
    def value(self, value: Value | None) -> None:
        self.is_read = self.is_touched = True
        self._value = value

    # -- statements

    def run(self, body: list[ast.stmt]) -> str | None:
        """Run a block; "here" when it came to the place, "break" or "next" when it left the turn of a loop."""
        end = next((number for number, stmt in enumerate(body) if stmt in self.path), len(body))
        for stmt in body[self._start(body, end) : end]:
            matters = self.name in self.scope.touches.get(stmt, ()) or (self.turning and stmt in self.scope.jumps)
            if matters and (left := self.execute(stmt)):
                return left
        if end < len(body):
            self.enter(body[end])
            return "here"
        return None

    def _start(self, body: list[ast.stmt], end: int) -> int:
        """Return the last statement that sets the name whatever it was: what came before does not matter."""
        for number in range(end - 1, -1, -1):
            match body[number]:
                case ast.Assign(targets=targets) if any(self._is_name(target) for target in targets):
                    return number
                case ast.AnnAssign(target=target, value=ast.expr()) if self._is_name(target):
                    return number
        return 0

    def _is_name(self, target: ast.AST) -> bool:
        return isinstance(target, (ast.Name, ast.Attribute)) and dotted(target) == self.name

    def enter(self, stmt: ast.stmt) -> None:
        """Run the part of a statement that comes before the place inside it."""
        if any(child in self.path for child in child_statements(stmt)):
            self._effects(stmt)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(stmt, field, None)
            if isinstance(block, list) and any(child in self.path for child in block):
                if isinstance(stmt, LOOPS):
                    self._enter_loop(stmt)
                elif isinstance(stmt, ast.While) and self.name in self.scope.touches.get(stmt, ()):
                    self.value = self._changing(stmt)
                if isinstance(stmt, (ast.With, ast.AsyncWith)):
                    self._bind_items(stmt)
                if isinstance(stmt, ast.Try) and field != "body":
                    self.run(stmt.body)
                self.run(block)
                return
        for arm in (*getattr(stmt, "handlers", ()), *getattr(stmt, "cases", ())):
            if arm in self.path:
                self.run(arm.body)

    def execute(self, stmt: ast.stmt) -> str | None:
        self._effects(stmt)
        handler = _STATEMENTS.get(type(stmt))
        return handler(self, stmt) if handler is not None else None

    def _import(self, stmt: ast.Import | ast.ImportFrom) -> None:
        found = names.imported_as(self.module, stmt, self.name)
        if found is not None:
            self.value = objects.imported(self.world, self.module, found)

    def _define(self, stmt: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        if stmt.name == self.name:
            is_class = isinstance(stmt, ast.ClassDef)
            self.value = ClassRef(self.module, stmt, self.frame) if is_class else FunctionRef(self.module, stmt, self.frame)  # type: ignore[arg-type]

    def _assign(self, stmt: ast.Assign) -> None:
        for target in stmt.targets:
            self.assign(target, stmt.value)

    def _annotated(self, stmt: ast.AnnAssign) -> None:
        if stmt.value is not None:
            self.assign(stmt.target, stmt.value)

    def assign(self, target: ast.expr, expression: ast.expr) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            if self.name in (bound := unpacked(target, self._evaluate(expression))):
                self.value = bound[self.name]
        elif isinstance(target, ast.Subscript) and dotted(target) == self.name:
            keys = [self._key(key) for key in subscripts(target)]
            self.value = objects.put(self.value, keys, self._evaluate(expression), self._origin(target))
        elif self._is_name(target):
            self.value = self._evaluate(expression)

    def _augmented(self, stmt: ast.AugAssign) -> None:
        if self._is_name(stmt.target):
            before = self.value if self.value is not None else Unknown(f"{self.name} is not set", self._origin(stmt))
            self.value = operators.binary(stmt.op, before, self._evaluate(stmt.value), self._origin(stmt))
        elif dotted(stmt.target) == self.name:
            keys = [self._key(key) for key in subscripts(stmt.target)]
            self.value = objects.put(self.value, keys, Unknown("changed in place", self._origin(stmt)), self._origin(stmt))

    def _delete(self, stmt: ast.Delete) -> None:
        for target in stmt.targets:
            if isinstance(target, ast.Subscript) and dotted(target) == self.name and isinstance(self.value, Table):
                key = self._key(target.slice)
                self.value = self.value.without(key.value) if isinstance(key, Known) else self.value.opened("a key was deleted")

    def _if(self, stmt: ast.If) -> str | None:
        if self._is_not_taken(stmt.body):
            return self.run(stmt.orelse)
        if self._is_not_taken(stmt.orelse):
            return self.run(stmt.body)
        test = self._evaluate(stmt.test)
        if self._takes_default(stmt, test):
            return None
        holds = operators.truth(self.world, test, expressions.place(self.module, stmt.test, self.frame))
        if holds is None:
            self._either(stmt.body, stmt.orelse, reason_of(test))
            return None
        branch = stmt.body if holds else stmt.orelse
        before = self._value
        left = self.run(branch)
        if self._value is not before and self._value is not None:
            self.value = as_sure_as(self._value, test)
        return left or ("here" if _leaves(branch) else None)

    def _takes_default(self, stmt: ast.If, test: Value) -> bool:
        """`if size is None: size = 5` after `size = os.getenv("SIZE")`: 5 is the variable's default."""
        tested = environment.presence_tested(self.world, test)
        if tested is None or self.turning or any(child in self.scope.jumps for child in (stmt, *stmt.body)):
            return False
        name, when_present = tested
        before, found = self.value, {}
        for side, branch in ((True, stmt.body), (False, stmt.orelse)):
            self.value = before
            self.run(branch)
            found[side] = self.value
        self.value = before
        default = environment.default_by_absence(found[when_present], found[not when_present], name)
        if default is not None:
            self.value = default
        return default is not None

    def _is_not_taken(self, body: list[ast.stmt]) -> bool:
        """Whoever comes to the place has not taken a branch that leaves; nobody goes on after a `raise`."""
        if not _leaves(body) or _leaves_turn(body):
            return False
        return bool(self.path) or isinstance(body[-1], ast.Raise)

    def _either(self, body: list[ast.stmt], orelse: list[ast.stmt], reason: str) -> None:
        before = self.value
        self.run(body)
        one, self.value = self.value, before
        self.run(orelse)
        self.value = merged(one, self.value, reason)

    def _try(self, stmt: ast.Try) -> None:
        """What the body does holds, unless it needs a variable that may be absent and a handler says what then."""
        before = self.value
        self.run(stmt.body)
        value = self.value
        if isinstance(value, Open) and value.absent and value is not before:
            handler = next((h for h in stmt.handlers if any(self.name in self.scope.touches.get(s, ()) for s in h.body)), None)
            if handler is not None:
                self.run(handler.body)
                self.value = _default_of(self.value, value)
        elif isinstance(value, Unknown) and not isinstance(value, Open) and value is not before:
            for handler in stmt.handlers:
                if any(self.name in self.scope.touches.get(child, ()) for child in handler.body):
                    self.run(handler.body)
                    if isinstance(self.value, Unknown) or not value.reason.startswith("fails"):
                        self.value = value
                    break
        self.run(stmt.orelse)
        self.run(stmt.finalbody)

    def _with(self, stmt: ast.With | ast.AsyncWith) -> str | None:
        self._bind_items(stmt)
        return self.run(stmt.body)

    def _bind_items(self, stmt: ast.With | ast.AsyncWith) -> None:
        for item in stmt.items:
            if item.optional_vars is not None and dotted(item.optional_vars) == self.name:
                self.value = objects.entered(self.world, self._evaluate(item.context_expr))

    def _for(self, stmt: ast.For | ast.AsyncFor) -> str | None:
        items = objects.items_of(self.world, self._evaluate(stmt.iter))
        if items is None or len(items) > expressions.LARGEST_LOOP or self._loop(stmt) in self.world.turns:
            self.value = self._changing(stmt)
            return None
        for number in range(len(items)):
            if not self.world.burn():
                self.value = self._changing(stmt)
                return None
            left = self._turn(stmt, number, items)
            if left == "here":
                return left
            if left == "break":
                return None
        return self.run(stmt.orelse)

    def _turn(self, stmt: ast.For | ast.AsyncFor, number: int, items: list[Value]) -> str | None:
        self.turning += 1
        try:
            with turn_of(self.world, self._loop(stmt), number, items):
                if self.name in (bound := unpacked(stmt.target, items[number])):
                    self.value = bound[self.name]
                return self.run(stmt.body)
        finally:
            self.turning -= 1

    def _enter_loop(self, stmt: ast.For | ast.AsyncFor) -> None:
        """The place is inside the loop: run the turns before this one, then give the target its item."""
        number, items = self.world.turns.get(self._loop(stmt)) or (0, None)
        touched = self.name in self.scope.touches.get(stmt, ())
        if touched and not self._starts_afresh(stmt.body):
            path, self.path = self.path, set()
            for earlier in range(number):
                self._turn(stmt, earlier, items or [])
            self.path = path
            if items is None and self.name not in set(_names_of(stmt.target)):
                self.value = self._changing(stmt)  # nobody knows which turn this is
        if self.name in set(_names_of(stmt.target)):
            item = items[number] if items is not None else self._any_turn(stmt)
            self.value = unpacked(stmt.target, item).get(self.name) or Unknown("one of several", self._origin(stmt))

    def _starts_afresh(self, body: list[ast.stmt]) -> bool:
        """Every turn sets the name before the place: earlier turns leave nothing."""
        end = next((number for number, stmt in enumerate(body) if stmt in self.path), len(body))
        return any(isinstance(stmt, ast.Assign) and any(map(self._is_name, stmt.targets)) for stmt in body[:end])

    def _any_turn(self, stmt: ast.For | ast.AsyncFor) -> Value:
        items = objects.items_of(self.world, self._evaluate(stmt.iter))
        if not items:
            return Unknown("an item of something unknown", self._origin(stmt))
        return _one_of(self.world, items, stmt.iter, self.module, self.frame.path if self.frame else "")

    def _loop(self, stmt: ast.stmt) -> tuple:
        return (stmt, self.frame.path if self.frame else "")

    def _while(self, stmt: ast.While) -> None:
        self.value = self._changing(stmt)

    def _changing(self, stmt: ast.stmt) -> Value:
        """Return what is left of a value that a loop changes in a way that is not worked out."""
        if isinstance(self.value, Table):
            return self.value.opened(f"changed in a loop in line {stmt.lineno}")
        return Unknown("changed in a loop", self._origin(stmt))

    def _match(self, stmt: ast.Match) -> str | None:
        subject = self._evaluate(stmt.subject)
        for case in stmt.cases:
            holds = matches(self.world, subject, case, self.module, self.frame)
            if holds is None:
                self.value = Unknown(reason_of(subject), self._origin(stmt))
                return None
            if holds:
                return None if _leaves(case.body) else self.run(case.body)
        return None

    # -- effects of calls

    def _effects(self, stmt: ast.stmt) -> None:
        for node in self.scope.effects.get(stmt, ()):
            if isinstance(node, ast.NamedExpr) and node.target.id == self.name:
                self.value = self._evaluate(node.value)
            elif isinstance(node, ast.Call):
                self._call_effect(node, isinstance(stmt, ast.Expr) and stmt.value is node)

    def _call_effect(self, call: ast.Call, is_statement: bool) -> None:
        func = call.func
        if isinstance(func, ast.Attribute) and func.attr in MUTATORS and dotted(func.value) == self.name:
            keys = [self._key(key) for key in subscripts(func.value)]
            arguments = self.world.arguments(call, self.module, self.frame)
            self.value = objects.mutated(self.world, self.value, keys, func.attr, arguments, call, self.module)
        elif is_statement:
            self._filled_by(call)

    def _filled_by(self, call: ast.Call) -> None:
        """`add_defaults(options)`: a function of the project may fill the dict it is given."""
        for number, argument in enumerate(call.args):
            if self._is_name(argument) and isinstance(self.value, Table):
                function = names.resolve(self.module, call.func)
                if not isinstance(function, FunctionRef):
                    continue
                frame = calls.frame_for(self.world, function, self.world.arguments(call, self.module, self.frame), call,
                                        self.module, self.frame)
                parameter = calls.parameter_at(function, number)
                if frame is not None and parameter:
                    self.value = name_in(self.world, names.scope_for(function.module, function.node), parameter, None,
                                         function.module, frame, frame)

    # -- helpers

    def _evaluate(self, expression: ast.expr) -> Value:
        return expressions.evaluate(self.world, expression, self.module, self.frame)

    def _key(self, expression: ast.expr) -> Value:
        return self._evaluate(expression)

    def _origin(self, node: ast.AST) -> Origin:
        return expressions.origin_at(self.module, node)


_STATEMENTS: dict[type, Callable[..., str | None]] = {
    ast.Import: _Slice._import,
    ast.ImportFrom: _Slice._import,
    ast.FunctionDef: _Slice._define,
    ast.AsyncFunctionDef: _Slice._define,
    ast.ClassDef: _Slice._define,
    ast.Assign: _Slice._assign,
    ast.AnnAssign: _Slice._annotated,
    ast.AugAssign: _Slice._augmented,
    ast.Delete: _Slice._delete,
    ast.If: _Slice._if,
    ast.Try: _Slice._try,
    ast.With: _Slice._with,
    ast.AsyncWith: _Slice._with,
    ast.For: _Slice._for,
    ast.AsyncFor: _Slice._for,
    ast.While: _Slice._while,
    ast.Match: _Slice._match,
    ast.Break: lambda _, __: "break",
    ast.Continue: lambda _, __: "next",
}


# -- what a function returns -------------------------------------------------------------------------------------------


def returned(world: World, function: FunctionRef, frame: Frame) -> Value:
    """Return what a call gives: the first `return` that this world comes to."""
    node, module = function.node, function.module
    if isinstance(node, ast.Lambda):
        return expressions.evaluate(world, node.body, module, frame)
    scope = names.scope_for(module, node)
    origin = Origin(node.name, module.location(node))
    if scope.yields:
        return Unknown(f"{node.name}() is a generator", origin)
    value = _Returns(world, module, scope, frame).run(scope.body)
    return value if value is not None else Traced(None, origin)


class _Returns:
    """Walks the statements of a function that hold a `return`; None means that the block runs to its end."""

    def __init__(self, world: World, module: Module, scope: Scope, frame: Frame) -> None:
        self.world, self.module, self.scope, self.frame = world, module, scope, frame
        self.turning = 0

    def run(self, body: list[ast.stmt]) -> Value | None:
        for number, stmt in enumerate(body):
            matters = stmt in self.scope.returns or (self.turning and stmt in self.scope.jumps)
            if isinstance(stmt, ast.If) and matters and (default := self._default(stmt, body[number + 1 :])) is not None:
                return default
            if matters and (value := self.execute(stmt)) is not None:
                if value is _EITHER:  # one branch returned, the other went on
                    return self._either(stmt, body[number + 1 :])
                return value
        return None

    def _default(self, stmt: ast.If, rest: list[ast.stmt]) -> Value | None:
        """`if value is None: return 5`, then `return int(value)`: 5 is the variable's default."""
        tested = environment.presence_tested(self.world, self._evaluate(stmt.test))
        if tested is None or self.turning:
            return None
        name, when_present = tested
        found = {}
        for side, branch in ((True, stmt.body), (False, stmt.orelse)):
            value = self.run(branch)
            found[side] = value if value is not None else self.run(rest)
        return environment.default_by_absence(found[when_present], found[not when_present], name)

    def _either(self, stmt: ast.stmt, rest: list[ast.stmt]) -> Value:
        assert isinstance(stmt, ast.If)
        one, other = self.run(stmt.body), self.run(stmt.orelse)
        going_on = self.run(rest)
        reason = f"depends on {self.module.source(stmt.test)}"
        one, other = one if one is not None else going_on, other if other is not None else going_on
        if one is None or other is None:
            return Unknown(reason, Origin("", self.module.location(stmt)))
        return merged(one, other, reason)

    def execute(self, stmt: ast.stmt) -> Value | None:
        match stmt:
            case ast.Return(value=None):
                return Traced(None, expressions.origin_at(self.module, stmt))
            case ast.Return(value=ast.expr() as value):
                return self._evaluate(value)
            case ast.Raise():
                return replace(RAISES, origin=Origin("raise", self.module.location(stmt)))
            case ast.Break():
                return _BREAK
            case ast.Continue():
                return _NEXT
            case ast.If():
                return self._if(stmt)
            case ast.With(body=body) | ast.AsyncWith(body=body):
                return self.run(body)
            case ast.Try():
                return self._try(stmt)
            case ast.For() | ast.AsyncFor():
                return self._for(stmt)
            case ast.Match():
                return self._match(stmt)
        return Unknown("returned from a loop", Origin("", self.module.location(stmt)))

    def _if(self, stmt: ast.If) -> Value | None:
        test = self._evaluate(stmt.test)
        if self._only_raises(stmt.body) and not (operators.plain_truth(test) and not variables_of(test)):
            return self.run(stmt.orelse)
        holds = operators.truth(self.world, test, expressions.place(self.module, stmt.test, self.frame))
        if holds is None:
            return _EITHER
        value = self.run(stmt.body if holds else stmt.orelse)
        return value if value is None or value in (_BREAK, _NEXT) else as_sure_as(value, test)

    def _only_raises(self, body: list[ast.stmt]) -> bool:
        kinds = set().union(*(self.scope.returns.get(stmt, ()) for stmt in body))
        return kinds == {"raise"} and _leaves(body)

    def _try(self, stmt: ast.Try) -> Value | None:
        value = self.run(stmt.body)
        if isinstance(value, Unknown) and (getattr(value, "absent", False) or value.reason.startswith("raises")):
            for handler in stmt.handlers:
                if (instead := self.run(handler.body)) is not None and not isinstance(instead, Unknown):
                    return _default_of(instead, value)
        if value is None:
            value = self.run(stmt.orelse)
        return value if value is not None else self.run(stmt.finalbody)

    def _for(self, stmt: ast.For | ast.AsyncFor) -> Value | None:
        items = objects.items_of(self.world, self._evaluate(stmt.iter))
        key = (stmt, self.frame.path)
        if items is None or len(items) > expressions.LARGEST_LOOP or key in self.world.turns:
            return Unknown("returned from a loop", Origin("", self.module.location(stmt)))
        for number in range(len(items)):
            if not self.world.burn():
                return Unknown("too much to work out", Origin("", self.module.location(stmt)))
            self.turning += 1
            try:
                with turn_of(self.world, key, number, items):
                    value = self.run(stmt.body)
            finally:
                self.turning -= 1
            if value is _BREAK:
                return None
            if value is not None and value is not _NEXT:
                return value
        return self.run(stmt.orelse)

    def _match(self, stmt: ast.Match) -> Value | None:
        subject = self._evaluate(stmt.subject)
        for case in stmt.cases:
            holds = matches(self.world, subject, case, self.module, self.frame)
            if holds is None:
                return Unknown(reason_of(subject), Origin("", self.module.location(stmt)))
            if holds:
                return self.run(case.body)
        return None

    def _evaluate(self, expression: ast.expr) -> Value:
        return expressions.evaluate(self.world, expression, self.module, self.frame)


# -- whether a place is reached ----------------------------------------------------------------------------------------


def reachable(world: World, node: ast.AST, module: Module, frame: Frame | None) -> bool:
    """Say whether this world comes to a node: conditions around it hold, no branch before it has left."""
    child = node
    for parent in module.ancestors(node):
        running = frame_at(module, parent, frame)
        for test, wanted in _conditions(parent, child, module):
            value = expressions.evaluate(world, test, module, running)
            holds = operators.truth(world, value, expressions.place(module, test, running))
            if holds is not None and holds is not wanted:
                return False
        child = parent
    return True


def frame_at(module: Module, node: ast.AST, frame: Frame | None) -> Frame | None:
    """Return the frame that runs at a node: those of the functions inside it have not begun."""
    while frame is not None and node is not frame.scope and frame.scope not in set(module.ancestors(node)):
        frame = frame.parent
    return frame


def _conditions(parent: ast.AST, child: ast.AST, module: Module) -> Iterator[tuple[ast.expr, bool]]:
    """Yield the tests that must come out so for the child of a node to run."""
    match parent:
        case ast.If(test=test, body=body) if child is not test:
            yield test, child in body
        case ast.IfExp(test=test, body=body) if child is not test:
            yield test, child is body
        case ast.BoolOp(op=op, values=values):
            for value in values[: values.index(child)]:  # type: ignore[arg-type]
                yield value, isinstance(op, ast.And)
    for block in (getattr(parent, name, None) for name in ("body", "orelse", "finalbody")):
        if isinstance(block, list) and child in block:
            for before in block[: block.index(child)]:
                if isinstance(before, ast.If) and before.body and not isinstance(before.body[-1], ast.Raise):
                    if _leaves(before.body) and not before.orelse:
                        yield before.test, False


# -- shared ------------------------------------------------------------------------------------------------------------


@contextmanager
def turn_of(world: World, loop: tuple, number: int, items: list[Value]) -> Iterator[None]:
    """Let the world be in the n-th turn of a loop."""
    before = world.turns.get(loop)
    world.turns[loop] = number, items
    try:
        yield
    finally:
        if before is None:
            del world.turns[loop]
        else:
            world.turns[loop] = before


def merged(one: Value | None, other: Value | None, reason: str) -> Value:
    """Return what two branches agree on; a world that decides nothing more knows no more than that."""
    if isinstance(one, Table) and isinstance(other, Table):
        entries = {}
        for key in {**one.entries, **other.entries}:
            entries[key] = merged(one.get(key), other.get(key), reason)
        return Table(entries, one.origin, one.complete and other.complete, one.reason or other.reason)
    if one is not None and other is not None and (one == other or _plain(one) == _plain(other) is not None):
        return one
    why = reason if reason.startswith("depends on ") else f"depends on a condition: {reason}"
    return Unknown(why[:200], origin_of(one if one is not None else other))


def _plain(value: Value) -> tuple | None:
    return (value.value,) if isinstance(value, Known) else None


def as_sure_as(value: Value, test: Value) -> Value:
    """Return a value that a branch chose: it is no surer than the condition."""
    if isinstance(test, Known) and isinstance(value, Known) and test.certainty in ("fallback", "estimate"):
        return replace(value, certainty=weakest((value, test)))
    return value


def _default_of(value: Value | None, variable: Value) -> Value | None:
    """Return the value of an `except` that stands in for an absent variable."""
    if isinstance(value, Known) and isinstance(variable, Open):
        found: Value = value
        for name in sorted(variable.variables):
            found = environment.replaceable_by(found, name)
        return found
    return value


def unpacked(target: ast.expr, value: Value) -> dict[str, Value]:
    """Return what an assignment to a target gives to each of its names."""
    if not isinstance(target, (ast.Tuple, ast.List)):
        name = dotted(target)
        return {name: value} if name else {}
    found: dict[str, Value] = {}
    starred = any(isinstance(element, ast.Starred) for element in target.elts)
    for number, element in enumerate(target.elts):
        if isinstance(value, Listing) and value.complete and not starred and len(value.items) == len(target.elts):
            part: Value = value.items[number]
        else:
            part = Unknown(f"a part of {reason_of(value)}" if isinstance(value, Unknown) else "a part of something",
                           origin_of(value))
        found.update(unpacked(element.value if isinstance(element, ast.Starred) else element, part))
    return found


def _names_of(target: ast.expr) -> Iterator[str]:
    from poollint.python.scopes import target_names

    return target_names(target)


def subscripts(node: ast.AST) -> list[ast.expr]:
    """Return the keys of `d[a][b]`, outermost dict first."""
    found: list[ast.expr] = []
    while isinstance(node, ast.Subscript):
        found.append(node.slice)
        node = node.value
    return found[::-1]


def _leaves(body: list[ast.stmt]) -> bool:
    """Say whether a block never runs to its end."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, ast.If):
        return _leaves(last.body) and _leaves(last.orelse)
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        return ast.unparse(last.value.func) in ("sys.exit", "exit", "quit", "os._exit")
    return isinstance(last, ENDS)


def _leaves_turn(body: list[ast.stmt]) -> str | None:
    if body and isinstance(body[-1], ast.Break):
        return "break"
    return "next" if body and isinstance(body[-1], ast.Continue) else None


def matches(world: World, subject: Value, case: ast.match_case, module: Module, frame: Frame | None) -> bool | None:
    """Say whether a `case` takes the subject; None when nobody can tell."""
    holds = _pattern(world, subject, case.pattern, module, frame)
    if holds and case.guard is not None:
        test = expressions.evaluate(world, case.guard, module, frame)
        return operators.truth(world, test, expressions.place(module, case.guard, frame))
    return holds


def _pattern(world: World, subject: Value, pattern: ast.pattern, module: Module, frame: Frame | None) -> bool | None:
    match pattern:
        case ast.MatchAs(pattern=None):
            return True
        case ast.MatchAs(pattern=ast.pattern() as inner):
            return _pattern(world, subject, inner, module, frame)
        case ast.MatchOr(patterns=patterns):
            answers = [_pattern(world, subject, inner, module, frame) for inner in patterns]
            return True if True in answers else None if None in answers else False
        case ast.MatchValue(value=expression):
            wanted = expressions.evaluate(world, expression, module, frame)
        case ast.MatchSingleton(value=constant):
            wanted = Traced(constant, Origin("", module.location(pattern)))
        case _:
            return None
    result = operators.compare(world, ast.Eq(), subject, wanted, Origin("", module.location(pattern)))
    return operators.truth(world, result, expressions.place(module, pattern, frame))

