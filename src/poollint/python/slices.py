"""Run the statements that touch one name, from its last full assignment up to the place that asks.

Conditions around those statements are decided, or asked of the world; nothing else is evaluated.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python import branching, calls, environment, expressions, flow, libraries, names, objects, operators
from poollint.python.modules import Module
from poollint.python.scopes import MUTATORS, Scope, child_statements, dotted, target_names
from poollint.python.values import ClassRef, Frame, FunctionRef, Open, Table, Value, reason_of

if TYPE_CHECKING:
    from poollint.python.evaluate import World


LOOPS = (ast.For, ast.AsyncFor)


class Slice:
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
        if self.name in self.scope.aliases and isinstance(self.value, Table) and (other := self._changed_through()):
            return self.value.opened(f"{other} is another name for it, and changes it")
        return self.value

    def _changed_through(self) -> str | None:
        """Return the other name through which this object was changed, between the sharing and the place that asks."""
        places = [node.lineno for node in self.path if isinstance(node, ast.stmt)]
        end = max(places, default=sys.maxsize)
        for line, other in self.scope.aliases[self.name]:
            if any(line < changed < end for changed in self.scope.mutated.get(other, ())):
                return other
        return None

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
            self.value = (
                ClassRef(self.module, stmt, self.frame) if is_class else FunctionRef(self.module, stmt, self.frame)
            )  # type: ignore[arg-type]

    def _assign(self, stmt: ast.Assign) -> None:
        for target in stmt.targets:
            self.assign(target, stmt.value)

    def _annotated(self, stmt: ast.AnnAssign) -> None:
        if stmt.value is not None:
            self.assign(stmt.target, stmt.value)

    def assign(self, target: ast.expr, expression: ast.expr) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            if self.name in (bound := branching.unpacked(target, self._evaluate(expression))):
                self.value = bound[self.name]
        elif isinstance(target, ast.Subscript) and dotted(target) == self.name:
            keys = [self._key(key) for key in branching.subscripts(target)]
            self.value = objects.put(self.value, keys, self._evaluate(expression), self._origin(target))
        elif self._is_name(target):
            self.value = self._evaluate(expression)

    def _augmented(self, stmt: ast.AugAssign) -> None:
        if self._is_name(stmt.target):
            before = self.value if self.value is not None else Unknown(f"{self.name} is not set", self._origin(stmt))
            self.value = operators.binary(stmt.op, before, self._evaluate(stmt.value), self._origin(stmt))
        elif dotted(stmt.target) == self.name:
            keys = [self._key(key) for key in branching.subscripts(stmt.target)]
            self.value = objects.put(
                self.value, keys, Unknown("changed in place", self._origin(stmt)), self._origin(stmt)
            )

    def _delete(self, stmt: ast.Delete) -> None:
        for target in stmt.targets:
            if isinstance(target, ast.Subscript) and dotted(target) == self.name and isinstance(self.value, Table):
                key = self._key(target.slice)
                self.value = (
                    self.value.without(key.value) if isinstance(key, Known) else self.value.opened("a key was deleted")
                )

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
            self.value = branching.as_sure_as(self._value, test)
        return left or ("here" if branching.leaves(branch) else None)

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
        if not branching.leaves(body) or branching.leaves_turn(body):
            return False
        return bool(self.path) or isinstance(body[-1], ast.Raise)

    def _either(self, body: list[ast.stmt], orelse: list[ast.stmt], reason: str) -> None:
        before = self.value
        self.run(body)
        one, self.value = self.value, before
        self.run(orelse)
        self.value = branching.merged(one, self.value, reason)

    def _try(self, stmt: ast.Try) -> None:
        """What the body does holds, unless it needs a variable that may be absent and a handler says what then."""
        before = self.value
        self.run(stmt.body)
        value = self.value
        if isinstance(value, Open) and value.absent and value is not before:
            handler = next(
                (h for h in stmt.handlers if any(self.name in self.scope.touches.get(s, ()) for s in h.body)), None
            )
            if handler is not None:
                self.run(handler.body)
                self.value = branching.default_of(self.value, value)
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
            with branching.turn_of(self.world, self._loop(stmt), number, items):
                if self.name in (bound := branching.unpacked(stmt.target, items[number])):
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
            if items is None and self.name not in set(target_names(stmt.target)):
                self.value = self._changing(stmt)  # nobody knows which turn this is
        if self.name in set(target_names(stmt.target)):
            item = items[number] if items is not None else self._any_turn(stmt)
            self.value = branching.unpacked(stmt.target, item).get(self.name) or Unknown(
                "one of several", self._origin(stmt)
            )

    def _starts_afresh(self, body: list[ast.stmt]) -> bool:
        """Every turn sets the name before the place: earlier turns leave nothing."""
        end = next((number for number, stmt in enumerate(body) if stmt in self.path), len(body))
        return any(isinstance(stmt, ast.Assign) and any(map(self._is_name, stmt.targets)) for stmt in body[:end])

    def _any_turn(self, stmt: ast.For | ast.AsyncFor) -> Value:
        items = objects.items_of(self.world, self._evaluate(stmt.iter))
        if not items:
            return Unknown("an item of something unknown", self._origin(stmt))
        return branching.one_of(self.world, items, stmt.iter, self.module, self.frame.path if self.frame else "")

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
            holds = branching.matches(self.world, subject, case, self.module, self.frame)
            if holds is None:
                self.value = Unknown(reason_of(subject), self._origin(stmt))
                return None
            if holds:
                return None if branching.leaves(case.body) else self.run(case.body)
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
            keys = [self._key(key) for key in branching.subscripts(func.value)]
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
                    self.value = libraries.filled(self.world, call, self.module, self.frame) or self.value
                    continue
                frame = calls.frame_for(
                    self.world,
                    function,
                    self.world.arguments(call, self.module, self.frame),
                    call,
                    self.module,
                    self.frame,
                )
                parameter = calls.parameter_at(function, number)
                if frame is not None and parameter:
                    self.value = flow.name_in(
                        self.world,
                        names.scope_for(function.module, function.node),
                        parameter,
                        None,
                        function.module,
                        frame,
                        frame,
                    )

    # -- helpers

    def _evaluate(self, expression: ast.expr) -> Value:
        return expressions.evaluate(self.world, expression, self.module, self.frame)

    def _key(self, expression: ast.expr) -> Value:
        return self._evaluate(expression)

    def _origin(self, node: ast.AST) -> Origin:
        return expressions.origin_at(self.module, node)


_STATEMENTS: dict[type, Callable[..., str | None]] = {
    ast.Import: Slice._import,
    ast.ImportFrom: Slice._import,
    ast.FunctionDef: Slice._define,
    ast.AsyncFunctionDef: Slice._define,
    ast.ClassDef: Slice._define,
    ast.Assign: Slice._assign,
    ast.AnnAssign: Slice._annotated,
    ast.AugAssign: Slice._augmented,
    ast.Delete: Slice._delete,
    ast.If: Slice._if,
    ast.Try: Slice._try,
    ast.With: Slice._with,
    ast.AsyncWith: Slice._with,
    ast.For: Slice._for,
    ast.AsyncFor: Slice._for,
    ast.While: Slice._while,
    ast.Match: Slice._match,
    ast.Break: lambda _, __: "break",
    ast.Continue: lambda _, __: "next",
}


def statement_of(module: Module, scope: Scope, node: ast.AST) -> ast.AST:
    """Return the innermost statement of a scope that a node is part of."""
    if isinstance(node, ast.stmt) and node in scope.touches:
        return node
    for parent in module.ancestors(node):
        if parent in scope.touches or parent is scope.node:
            return node if parent is scope.node else parent
    return node
