"""What a function returns: the first `return` that a world comes to."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.facts import Origin, Unknown
from poollint.python.evaluator import branching, containers, environment, expressions, failures, objects, operators
from poollint.python.evaluator import patterns
from poollint.python.evaluator.values import Frame, FunctionRef, Traced, Value, reason_of, variables_of
from poollint.python.source import names
from poollint.python.source.modules import Module
from poollint.python.source.scopes import Scope

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World


RAISES = Unknown("raises an error")
_EITHER = Unknown("one of two branches")
_BREAK, _NEXT = Unknown("break"), Unknown("continue")


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
    if isinstance(value, Unknown) and node.returns is not None:
        return objects.settings_of(world, node.returns, module, origin) or value
    return value if value is not None else Traced(None, origin)


class _Returns:
    """Walks the statements of a function that hold a `return`; None means that the block runs to its end."""

    def __init__(self, world: World, module: Module, scope: Scope, frame: Frame) -> None:
        self.world, self.module, self.scope, self.frame = world, module, scope, frame
        self.turning = 0

    def run(self, body: list[ast.stmt]) -> Value | None:
        for number, stmt in enumerate(body):
            matters = stmt in self.scope.returns or (self.turning and stmt in self.scope.jumps)
            if isinstance(stmt, ast.If) and matters and not self._only_raises(stmt.body):
                if (default := self._default(stmt, body[number + 1 :])) is not None:
                    return default
                if self._raises_otherwise(stmt, body[number + 1 :]):
                    return self.run(stmt.body)
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
        branches = {True: stmt.body, False: stmt.orelse}
        present, is_read = self.world.reading(name, lambda: self._goes_on(branches[when_present], rest))
        absent = self._goes_on(branches[not when_present], rest)
        return environment.default_by_absence(present, absent, name, is_read)

    def _goes_on(self, branch: list[ast.stmt], rest: list[ast.stmt]) -> Value | None:
        value = self.run(branch)
        return value if value is not None else self.run(rest)

    def _either(self, stmt: ast.stmt, rest: list[ast.stmt]) -> Value:
        assert isinstance(stmt, ast.If)
        one, other = self.run(stmt.body), self.run(stmt.orelse)
        going_on = self.run(rest)
        reason = f"depends on {self.module.source(stmt.test)}"
        one, other = one if one is not None else going_on, other if other is not None else going_on
        if one is None or other is None:
            return Unknown(reason, Origin("", self.module.location(stmt)))
        return branching.merged(one, other, reason)

    def execute(self, stmt: ast.stmt) -> Value | None:
        match stmt:
            case ast.Return(value=None):
                return Traced(None, expressions.origin_at(self.module, stmt))
            case ast.Return(value=ast.expr() as value):
                return self._evaluate(value)
            case ast.Raise():
                origin = Origin("raise", self.module.location(stmt))
                return replace(RAISES, origin=origin, failure=failures.raised(self.world, stmt, self.module))
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
        if self._only_raises(stmt.body) and not self._raises_for_sure(stmt.test):
            return self.run(stmt.orelse)
        test = self._evaluate(stmt.test)
        holds = operators.truth(self.world, test, expressions.place(self.module, stmt.test, self.frame))
        if holds is None:
            return _EITHER
        value = self.run(stmt.body if holds else stmt.orelse)
        return value if value is None or value in (_BREAK, _NEXT) else branching.as_sure_as(value, test)

    def _raises_for_sure(self, test: ast.expr) -> bool:
        """Say whether a condition that raises holds in every environment; a question about it is not worth asking."""
        from poollint.python.evaluator.evaluate import Undecided

        try:
            value = self._evaluate(test)
        except Undecided:
            return False  # whoever comes further has not raised
        return bool(operators.plain_truth(value)) and not variables_of(value)

    def _raises_otherwise(self, stmt: ast.If, rest: list[ast.stmt]) -> bool:
        """Say whether only defaults keep a function from this branch, and the rest of it raises: who runs it has set more.

        `if all([settings.user, settings.password]): return url`, then `raise`
        """
        from poollint.python.evaluator.evaluate import Undecided

        if not branching.leaves(stmt.body) or not self._only_raises(stmt.orelse or rest) or self.turning:
            return False
        try:
            value = self._evaluate(stmt.test)
        except Undecided:
            return False  # it is asked, and who raises makes no engine
        return operators.plain_truth(value) is False and bool(variables_of(value))

    def _only_raises(self, body: list[ast.stmt]) -> bool:
        kinds = set().union(*(self.scope.returns.get(stmt, ()) for stmt in body))
        return kinds == {"raise"} and branching.leaves(body)

    def _try(self, stmt: ast.Try) -> Value | None:
        value = self._tried(stmt)
        last = self.run(stmt.finalbody)  # its `return` replaces any other
        return last if last is not None else value

    def _tried(self, stmt: ast.Try) -> Value | None:
        value = self._attempt(stmt.body)
        if isinstance(value, Unknown) and getattr(value, "absent", False):
            for handler in stmt.handlers:
                if (instead := self.run(handler.body)) is not None and not isinstance(instead, Unknown):
                    return branching.default_of(instead, value)
        failure = failures.failure_of(value)
        if failure and (caught := failures.handler_of(stmt.handlers, failure)) is not None:
            return self.run(caught.body)
        return value if value is not None else self.run(stmt.orelse)

    def _attempt(self, body: list[ast.stmt]) -> Value | None:
        """Run a block up to the statement that surely fails: then it gives what that fails with."""
        for number, stmt in enumerate(body):
            failure = failures.failure_in(self.world, stmt, self.scope, self.module, self.frame)
            if failure:
                return replace(RAISES, origin=Origin("raise", self.module.location(stmt)), failure=failure)
            if stmt in self.scope.returns or self.turning and stmt in self.scope.jumps:
                return self.run(body[number:])
        return None

    def _for(self, stmt: ast.For | ast.AsyncFor) -> Value | None:
        items = containers.items_of(self.world, self._evaluate(stmt.iter))
        key = (stmt, self.frame.path)
        if items is None or len(items) > expressions.LARGEST_LOOP or branching.running_turn(self.world, key) is not None:
            return Unknown("returned from a loop", Origin("", self.module.location(stmt)))
        for number in range(len(items)):
            if not self.world.burn():
                return Unknown("too much to work out", Origin("", self.module.location(stmt)))
            self.turning += 1
            try:
                with branching.turn_of(self.world, key, number, items):
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
            holds = patterns.matches(self.world, subject, case, self.module, self.frame)
            if holds is None:
                return Unknown(reason_of(subject), Origin("", self.module.location(stmt)))
            if holds:
                return self.run(case.body)
        return None

    def _evaluate(self, expression: ast.expr) -> Value:
        return expressions.evaluate(self.world, expression, self.module, self.frame)
