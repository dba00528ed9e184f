"""Run the statements that touch one name, from its last full assignment up to the place that asks.

Conditions around those statements are decided, or asked of the world; nothing else is evaluated.
"""

from __future__ import annotations

import ast
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python import libraries
from poollint.python.evaluator import branching, calls, containers, decorated, environment, expressions, failures, fills
from poollint.python.evaluator import flow, objects, operators, patterns, results
from poollint.python.evaluator.values import Arguments, ClassRef, Frame, FunctionRef, Instance, LibraryObject, Listing, Open, Table, Text, Value, reason_of
from poollint.python.source import names, sharing
from poollint.python.source.modules import Module
from poollint.python.source.scopes import MUTATORS, Scope, child_statements, dotted, set_by_name, target_names

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import Turn, World


LOOPS = (ast.For, ast.AsyncFor)


def _way_to(module: Module, scope: Scope, at: ast.AST) -> tuple[frozenset[ast.AST], dict[int, int]]:
    """Return what is around a place, and block → the number of its statement that holds the place; worked out once."""
    if at not in scope.ways:
        path = frozenset((at, *module.ancestors(at)))
        scope.ways[at] = path, dict(scope.places[node] for node in path if node in scope.places)
    return scope.ways[at]


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
        self.path, self.ends = _way_to(module, scope, at) if at is not None else (frozenset(), {})
        self.at, self.initial = at, initial
        self.is_read = False  # the initial value has been asked for
        self.is_touched = False
        self.needs_touch = needs_touch
        # What is given to a function is as it leaves it, wherever it returns; `if _engine: return _engine` is no setting.
        self.is_given = at is None and name.partition(".")[0] in scope.parameters
        self.exits: list[tuple[Value | None, str]] = []  # values with which branches return that may be taken, and why
        self.turning = 0  # loops whose turns are being run
        self.guarded = 0  # `try` and the like around what is being run
        self.failure: failures.Failure = ()  # why the block that was run last ended with "raised"
        self._value: Value | None = None

    def result(self) -> Value | None:
        self.run(self.scope.body)
        for value, reason in self.exits:
            if value is not None:  # who reads an attribute that is not set there has not left there
                self.value = branching.merged(self.value, value, reason)
        if isinstance(self.value, Table):
            self.value = self._with_attributes(self.value)
        matters = sharing.is_changed(self.scope, self.name) or self.scope.inner
        if matters and isinstance(self.value, (Table, Listing)):  # what else is there does not change in place
            for why, part in self._changed_through():
                self.value = containers.spoiled(self.value, part, why)
                if part in ((), (sharing.ANY,)):
                    break  # nothing is left that could be spoiled
        return None if self.needs_touch and not self.is_touched else self.value

    def _with_attributes(self, table: Table) -> Table:
        """Return what `SimpleNamespace` and the like hold with the attributes that are set in them; a dict has none."""
        begin = f"{self.name}."
        for target in sorted(name for name in self.scope.touched if name.startswith(begin)):
            name = target.removeprefix(begin)
            inner = Slice(self.world, self.module, self.scope, target, self.frame, self.at, partial(table.entries.get, name))
            value = inner.result() if name.isidentifier() else None
            table = table.put(name, value) if value is not None else table
        return table

    def _changed_through(self) -> Iterator[tuple[str, sharing.Path]]:
        """Yield what changed this object otherwise than the statements that were run: how, and the keys to the part."""
        places = [node.lineno for node in self.path if isinstance(node, ast.stmt)]
        end = max(places, default=sys.maxsize)
        for function, part in fills.set_by_inner(self.module, self.scope, self.name, end):
            yield f"{function}() changes it", part
        for function, part in results.returned_outside(self.module, self.scope, self.name):
            yield f"what {function}() returns is changed", part
        is_own = partial(fills.runs_own, self.module)
        for other, change, part in sharing.changes(self.scope, self.name, end, self._filled, is_own):
            if change.call is not None:
                yield f"it is given to {self.module.source(change.call.func, 40)}(), which may change it", part
            elif other == self.name:
                yield f"changed in line {change.lines.first} in a way that is not worked out", part
            else:
                yield f"{other} is another name for it, and changes it", part

    def _filled(self, name: str, call: ast.Call) -> tuple[sharing.Path, ...]:
        """Return what a call sets in what it is given by a name, unless the slice has worked out what it does."""
        function = self._function(call)
        is_run = name == self.name and self._is_statement(call)
        if is_run and function is not None and self._filled_parameter(function, call):
            return ()
        return tuple(fills.filled(self.module, call, name, function))

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
        """Run a block.

        "here" when it came to the place, "break" or "next" when it left the turn of a loop, "raised" out of a `try`.
        """
        end = self._end(body)
        for stmt in self._mattering(body, end):
            if left := self.execute(stmt):
                return left
        if end < len(body):
            if self.name in self.scope.touches.get(body[end], ()):
                self.enter(body[end])
            return "here"
        return None

    def _end(self, body: list[ast.stmt]) -> int:
        """Return the number of the statement that holds the place, their count when the place is not in this block."""
        return self.ends.get(id(body), len(body)) if self.path else len(body)

    def _mattering(self, body: list[ast.stmt], end: int) -> list[ast.stmt]:
        """Return the statements that matter: from the last that sets the name whatever it was, those that touch it.

        Also those that leave: a turn of a loop, and the function that is given what it may fill.
        """
        touching = self.scope.touching(body, self.name)
        before = touching[: bisect_left(touching, end)]
        leaving: set[ast.stmt] = set()
        first = end  # the first statement that may end the function before all is set
        if before and self.is_given:
            returning = [n for n in range(before[-1]) if "return" in self.scope.returns.get(body[n], ())]
            first = returning[0] if returning else end
            leaving |= {body[number] for number in returning}
        setting = self.scope.setting(body, self.name)
        start = setting[last - 1] if (last := bisect_left(setting, first)) else 0
        if self.turning:
            leaving |= {stmt for stmt in body[start:end] if stmt in self.scope.jumps}
        if leaving:
            touched = set(before)
            return [body[n] for n in range(start, end) if n in touched or body[n] in leaving]
        return [body[number] for number in before if number >= start]

    def _is_name(self, target: ast.AST) -> bool:
        return isinstance(target, (ast.Name, ast.Attribute)) and dotted(target) == self.name

    def enter(self, stmt: ast.stmt) -> None:
        """Run the part of a statement that comes before the place inside it; the statement touches the name."""
        if any(child in self.path for child in child_statements(stmt)):
            self._effects(stmt)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(stmt, field, None)
            if isinstance(block, list) and any(child in self.path for child in block):
                if isinstance(stmt, LOOPS):
                    self._enter_loop(stmt)
                elif isinstance(stmt, ast.While):
                    self.value = self._changing(stmt)
                if isinstance(stmt, (ast.With, ast.AsyncWith)):
                    self._bind_items(stmt)
                if isinstance(stmt, ast.Try) and field == "finalbody":
                    self._tried(stmt)
                elif isinstance(stmt, ast.Try) and field == "orelse":
                    self._attempt(stmt.body)
                self.run(block)
                return
        for arm in (*getattr(stmt, "handlers", ()), *getattr(stmt, "cases", ())):
            if arm in self.path:
                self._capture(stmt, arm)
                if isinstance(stmt, ast.Try):
                    self._fall_into(stmt)
                self.run(arm.body)

    def execute(self, stmt: ast.stmt) -> str | None:
        self.world.work += 1
        self._effects(stmt)
        handler = _STATEMENTS.get(type(stmt))
        return handler(self, stmt) if handler is not None else None

    def _import(self, stmt: ast.Import | ast.ImportFrom) -> None:
        found = names.imported_as(self.module, stmt, self.name)
        if found is not None:
            self.value = objects.imported(self.world, self.module, found)

    def _define(self, stmt: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        if stmt.name == self.name:
            if isinstance(stmt, ast.ClassDef):
                self.value = ClassRef(self.module, stmt, self.frame)
            else:
                function = FunctionRef(self.module, stmt, self.frame)
                self.value = decorated.made_of(self.world, function, self.module, self.frame)

    def _assign(self, stmt: ast.Assign) -> None:
        for target in stmt.targets:
            self.assign(target, stmt.value)

    def _annotated(self, stmt: ast.AnnAssign) -> None:
        if stmt.value is not None:
            self.assign(stmt.target, stmt.value)

    def assign(self, target: ast.expr, expression: ast.expr) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            value = containers.as_tuple(self.world, self._evaluate(expression), expression, self.module)
            for part, given in branching.parts_of(target, value):
                if isinstance(part, ast.Subscript) and dotted(part) == self.name:
                    self._put(part, given)
                elif self._is_name(part):
                    self.value = given
        elif isinstance(target, ast.Subscript) and dotted(target) == self.name:
            self._put(target, self._evaluate(expression))
        elif self._is_name(target):
            value = decorated.through_setter(self.world, target, self.module, self.frame)
            self.value = value if value is not None else self._evaluate(expression)

    def _put(self, target: ast.Subscript, value: Value) -> None:
        keys = [self._key(key) for key in branching.subscripts(target)]
        after: Value | None = None
        if isinstance(self.value, LibraryObject):
            given = Arguments((*keys, value))
            after = libraries.changed(self.world, self.value, "__setitem__", given, target, self.module)
        self.value = after or containers.put(self.value, keys, value, self._origin(target))

    def _augmented(self, stmt: ast.AugAssign) -> None:
        if self._is_name(stmt.target):
            before = self.value if self.value is not None else Unknown(f"{self.name} is not set", self._origin(stmt))
            self.value = operators.binary(stmt.op, before, self._evaluate(stmt.value), self._origin(stmt))
        elif dotted(stmt.target) == self.name:
            keys = [self._key(key) for key in branching.subscripts(stmt.target)]
            before: Value = self.value if self.value is not None else Unknown(f"{self.name} is not set")
            for key in keys:
                before = containers.item(self.world, before, key, self._origin(stmt), stmt, self.module, self.frame)
            before = expressions.configured(self.world, stmt.target, self.module, before)
            after = operators.binary(stmt.op, before, self._evaluate(stmt.value), self._origin(stmt))
            self.value = containers.put(self.value, keys, after, self._origin(stmt))

    def _delete(self, stmt: ast.Delete) -> None:
        for target in stmt.targets:
            if self._is_name(target):
                # Of an attribute, what its class sets may be left.
                self.value = Unknown(f"{self.name} is deleted", self._origin(target)) if "." in self.name else None
            if isinstance(target, ast.Subscript) and dotted(target) == self.name:
                *keys, last = [self._key(key) for key in branching.subscripts(target)]
                self.value = containers.deleted(self.value, keys, last)

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
        before, branches = self.value, {True: stmt.body, False: stmt.orelse}
        present, is_read = self.world.reading(name, lambda: self._after(branches[when_present]))
        self.value = before
        absent = self._after(branches[not when_present])
        self.value = before
        default = environment.default_by_absence(present, absent, name, is_read)
        if default is not None:
            self.value = default
        return default is not None

    def _after(self, branch: list[ast.stmt]) -> Value | None:
        self.run(branch)
        return self.value

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
        # A branch that returns leaves its value to the end of the function, not to the next statement.
        for branch, value, other in ((body, one, self.value), (orelse, self.value, one)):
            if branching.leaves(branch) and not branching.leaves_turn(branch):
                if self.is_given:
                    self.exits.append((value, reason))
                self.value = other
                return
        self.value = branching.merged(one, self.value, reason)

    def _try(self, stmt: ast.Try) -> str | None:
        left = self._tried(stmt)
        return self.run(stmt.finalbody) or left

    def _tried(self, stmt: ast.Try) -> str | None:
        """What the body does holds, unless it fails, or needs a variable that may be absent, and a handler says what then."""
        before = self.value
        left = self._attempt(stmt.body)
        if left is None and (missing := failures.may_be_missing(self.module, stmt)) is not None:
            self._perhaps_missing(before, *missing)
        if left == "raised":
            caught = failures.handler_of(stmt.handlers, self.failure)
            if caught is not None:
                return self._attempt(caught.body) if self.guarded else self.run(caught.body)
            return left if self.guarded else self._go_on_from(before, stmt)
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
                    if isinstance(self.value, Unknown) or not value.failure:
                        self.value = value
                    break
        return left or self.run(stmt.orelse)

    def _perhaps_missing(self, before: Value | None, library: str, handler: ast.ExceptHandler) -> None:
        """What a library's absence makes of plain data may hold as well: `HAS_UVLOOP = False`. What it brings is there."""
        present, self.value = self.value, before
        self.run(handler.body)
        absent, self.value = self.value, present
        if all(isinstance(each, (Known, Text, Table, Listing)) for each in (present, absent)) and present is not absent:
            self.value = branching.merged(present, absent, f"depends on whether {library} is installed")

    def _attempt(self, body: list[ast.stmt]) -> str | None:
        """Run a block up to the statement that surely fails, if there is one: "raised", with the failure."""
        self.guarded += 1
        try:
            for stmt in body:
                before = self.value
                self.failure = failures.failure_in(self.world, stmt, self.scope, self.module, self.frame)
                if self.failure:
                    return "raised"
                matters = self.name in self.scope.touches.get(stmt, ()) or self.turning and stmt in self.scope.jumps
                left = self.execute(stmt) if matters else None
                if left is None and self.value is not before and (failure := failures.failure_of(self.value)):
                    self.value, self.failure, left = before, failure, "raised"
                if left:
                    return left
        finally:
            self.guarded -= 1
        return None

    def _go_on_from(self, before: Value | None, stmt: ast.Try) -> str | None:
        """Nobody catches what the body raises, and yet somebody asks what comes after it: it did not raise."""
        self.value = before
        return self.run(stmt.body) or self.run(stmt.orelse)

    def _fall_into(self, stmt: ast.Try) -> None:
        """The place is in a handler: the body ran up to what failed; where that is not known, nothing of it did."""
        before = self.value
        if self._attempt(stmt.body) != "raised":
            self.value = before

    def _with(self, stmt: ast.With | ast.AsyncWith) -> str | None:
        self._bind_items(stmt)
        ignored = failures.suppressed(self.module, stmt)
        if not ignored:
            return self.run(stmt.body)
        left = self._attempt(stmt.body)
        return None if left == "raised" and failures.catches(ignored, self.failure) else left

    def _bind_items(self, stmt: ast.With | ast.AsyncWith) -> None:
        for item in stmt.items:
            if item.optional_vars is not None and dotted(item.optional_vars) == self.name:
                self.value = containers.entered(self.world, self._evaluate(item.context_expr))

    def _for(self, stmt: ast.For | ast.AsyncFor) -> str | None:
        items = containers.items_of(self.world, self._evaluate(stmt.iter))
        if items is None or len(items) > expressions.LARGEST_LOOP or self._turn_at(stmt) is not None:
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
        """The place is inside the loop: a target has this turn's item; else the turns before this one are run."""
        turn = self._turn_at(stmt)
        number, items = (turn.number, turn.items) if turn else (0, None)
        if self.name in set(target_names(stmt.target)):
            item = items[number] if items is not None else self._any_turn(stmt)
            self.value = branching.unpacked(stmt.target, item).get(self.name) or Unknown(
                "one of several", self._origin(stmt)
            )
        elif not self._starts_afresh(stmt.body):
            path, self.path = self.path, frozenset()
            for earlier in range(number):
                self._turn(stmt, earlier, items or [])
            self.path = path
            if items is None:
                self.value = self._changing(stmt)  # nobody knows which turn this is

    def _starts_afresh(self, body: list[ast.stmt]) -> bool:
        """Every turn sets the name before the place: earlier turns leave nothing."""
        return any(number < self._end(body) for number in self.scope.setting(body, self.name))

    def _any_turn(self, stmt: ast.For | ast.AsyncFor) -> Value:
        items = containers.items_of(self.world, self._evaluate(stmt.iter))
        if not items:
            return Unknown("an item of something unknown", self._origin(stmt))
        return branching.one_of(self.world, items, stmt.iter, self.module, self.frame.path if self.frame else "")

    def _turn_at(self, stmt: ast.stmt) -> Turn | None:
        """Return the turn of a loop that is being run; the value then rests on that."""
        return branching.running_turn(self.world, self._loop(stmt))

    def _loop(self, stmt: ast.stmt) -> tuple:
        return (stmt, self.frame.path if self.frame else "")

    def _while(self, stmt: ast.While) -> None:
        self.value = self._changing(stmt)

    def _changing(self, stmt: ast.stmt) -> Value:
        """Return what is left of a value that a loop changes in a way that is not worked out."""
        if isinstance(self.value, Table):
            return self.value.opened(f"changed in a loop in line {stmt.lineno}")
        lines = range(stmt.lineno, (stmt.end_lineno or stmt.lineno) + 1)
        is_bound = any(getattr(node, "lineno", 0) in lines for node in self.scope.binds.get(self.name, ()))
        if isinstance(self.value, Instance) and not is_bound:
            return self.value  # it is the same one: who asks for an attribute learns what sets it
        return Unknown("changed in a loop", self._origin(stmt))

    def _match(self, stmt: ast.Match) -> str | None:
        subject = self._evaluate(stmt.subject)
        for case in stmt.cases:
            holds = patterns.matches(self.world, subject, case, self.module, self.frame)
            if holds is None:
                self.value = Unknown(reason_of(subject), self._origin(stmt))
                return None
            if holds:
                self._capture(stmt, case)
                return None if branching.leaves(case.body) else self.run(case.body)
        return None

    def _capture(self, stmt: ast.stmt, arm: ast.AST) -> None:
        """Give the name what a `case` that it stands in binds it to."""
        if isinstance(stmt, ast.Match) and isinstance(arm, ast.match_case):
            captured = patterns.captured(self.world, self._evaluate(stmt.subject), arm.pattern, self.module, self.frame)
            if self.name in captured:
                self.value = captured[self.name]

    # -- effects of calls

    def _effects(self, stmt: ast.stmt) -> None:
        for node in self.scope.effects.get(stmt, ()):
            if isinstance(node, ast.NamedExpr) and node.target.id == self.name:
                self.value = self._evaluate(node.value)
            elif isinstance(node, ast.Call):
                self._call_effect(node)

    def _call_effect(self, call: ast.Call) -> None:
        func = call.func
        if set_by_name(call) == self.name:
            self.value = self._evaluate(call.args[2])
        elif isinstance(func, ast.Attribute) and func.attr in MUTATORS and dotted(func.value) == self.name:
            keys = [self._key(key) for key in branching.subscripts(func.value)]
            arguments = self.world.arguments(call, self.module, self.frame)
            self.value = containers.mutated(self.world, self.value, keys, func.attr, arguments, call, self.module)
        elif self._is_statement(call):
            self._filled_by(call)

    def _filled_by(self, call: ast.Call) -> None:
        """`add_defaults(options)`: a function of the project may fill the dict it is given."""
        if not isinstance(self.value, Table) or not any(
            self._is_name(argument) for argument in (*call.args, *(keyword.value for keyword in call.keywords))
        ):
            return
        if (function := self._function(call)) is None:
            self.value = libraries.filled(self.world, call, self.module, self.frame) or self.value
            return
        parameter = self._filled_parameter(function, call)
        given = self.world.arguments(call, self.module, self.frame) if parameter else None
        frame = calls.frame_for(self.world, function, given, call, self.module, self.frame) if given else None
        if frame is not None and parameter:
            scope = names.scope_for(function.module, function.node)
            self.value = flow.name_in(self.world, scope, parameter, None, function.module, frame, frame)

    def _is_statement(self, call: ast.Call) -> bool:
        """Say whether a call, maybe awaited, is called for its effect."""
        parent = self.module.parent(call)
        return isinstance(self.module.parent(parent) if isinstance(parent, ast.Await) else parent, ast.Expr)

    def _function(self, call: ast.Call) -> FunctionRef | None:
        """Return the function of the project that a call runs, or the method of the same object: `self.fill(d)`."""
        found = names.resolve(self.module, call.func)
        if isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") in self.scope.parameters:
            found = self._evaluate(call.func)
        return found if isinstance(found, FunctionRef) else None

    def _filled_parameter(self, function: FunctionRef, call: ast.Call) -> str | None:
        """Return the parameter that holds this object to the end of the function; None when it is not that simple."""
        given = [calls.parameter_at(function, n) for n, argument in enumerate(call.args) if self._is_name(argument)]
        given += [keyword.arg for keyword in call.keywords if self._is_name(keyword.value)]
        scope = names.scope_for(function.module, function.node)
        parameter = given[0] if len(given) == 1 else None
        is_simple = parameter in scope.parameters and parameter not in scope.binds
        return parameter if is_simple and not isinstance(function.node, ast.Lambda) else None

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
