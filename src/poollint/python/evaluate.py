"""The value of an expression, without running anything: one evaluator of one value in one World.

A condition that nobody can decide is a question. A World answers questions, and a new one ends the evaluation and makes
one World per answer, which starts again with that answer (`Evaluator.alternatives`). So the evaluator never handles
sets of values, and alternatives that belong together stay together: `if SQLITE:` here and `if SQLITE:` there agree.

What the parts do:

    evaluate     worlds and questions; which function evaluates which kind of expression
    flow         what a name holds: slices runs the statements that touch it, branching is what loops and branches share
    returns      what a function returns
    reach        whether a place is reached
    operators    arithmetic, comparisons, truth
    text         strings and URLs of which parts are known
    objects      classes, instances, attributes; settings: pydantic and dataclass fields
    calls        calling functions of the project
    libraries    what library functions return: one small function per name. A new library goes there.
    environment  variables of the process
    files        ini, YAML and TOML files that the code reads

Values are bounded: fuel per evaluation, depth, size. Whatever exceeds them is Unknown, with that reason.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TypeVar

from poollint.facts import NO_ENVIRONMENT, Environment, Origin, Unknown
from poollint.python import calls, environment, expressions, reach
from poollint.python.modules import Module, Modules
from poollint.python.values import Arguments, Frame, Listing, Open, Pending, Table, Value

T = TypeVar("T")

FUEL = 10_000  # expressions of one question to a World; real engines take some hundred
DEEPEST = 70  # evaluations inside each other
LIMIT = 16  # alternatives


@dataclass(frozen=True, slots=True)
class Lesson:
    """What an answer teaches about a value: it is this, or it is a URL of this dialect, or it is not its default."""

    symbol: str
    value: Value | None = None  # None: whatever it is, the default is wrong
    dialect: str | None = None
    not_dialects: frozenset[str] = frozenset()

    def joined(self, other: Lesson | None) -> Lesson:
        """Return both lessons about one value: what it is says more than what it is not."""
        if other is None or self.value is not None:
            return self
        if other.value is not None:
            return other
        return Lesson(self.symbol, None, self.dialect or other.dialect, self.not_dialects | other.not_dialects)


@dataclass(frozen=True, slots=True)
class Answer:
    choice: int
    lessons: tuple[Lesson, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """Something no file decides: `key` says what is asked, wherever it is asked."""

    key: str
    answers: tuple[Answer, ...]


class Undecided(BaseException):
    """A World met a question it has no answer to. Not an Exception: no guard may take it for a failure."""

    def __init__(self, question: Question) -> None:
        super().__init__(question.key)
        self.question = question


class Dead(BaseException):
    """The answers of this World contradict each other: it cannot be."""


class Evaluator:
    """Evaluates expressions of some modules as one environment makes them.

    follows_callers  parameters are what the function's callers pass. Off for whoever looks for callers: telling whose
                     method a call means needs its receiver, and must not look for callers in turn
    """

    def __init__(
        self,
        modules: Modules,
        environment: Environment = NO_ENVIRONMENT,
        *,
        follows_callers: bool = True,
        fuel: int = FUEL,
    ) -> None:
        self.modules = modules
        self.environment = environment
        self.follows_callers = follows_callers
        self.fuel = fuel
        self.cache: dict[tuple, Value] = {}  # values that depend on no answer
        self.read: set[str] = set()  # the environment variables asked for so far, in small letters
        self.reads: dict[tuple, set[str]] = {}  # key of a cached value → the variables that it rests on
        self.meanings: dict[
            str, tuple[tuple[Lesson, ...], tuple[Lesson, ...]]
        ] = {}  # condition → what True, False teach

    def alternatives(self, compute: Callable[[World], T], limit: int = LIMIT) -> list[T]:
        """Return `compute(world)` for every world that the undecided conditions make, the likeliest first.

        Never more than `limit`: a world that would exceed it decides nothing further, so what depends on more
        conditions is Unknown. `compute` may be called again and again and must have no effects.
        """
        results: list[tuple[tuple[int, ...], T]] = []
        todo = deque([World(self)])
        while todo:
            world = todo.popleft()
            try:
                results.append((world.path, compute(world)))
            except Dead:
                continue
            except Undecided as undecided:
                room = limit - len(results) - len(todo)
                todo.extend(world.split(undecided.question, room))
        return [result for _, result in sorted(results, key=itemgetter(0))]

    def somewhere(self, holds: Callable[[World], bool], limit: int = LIMIT) -> bool | None:
        """Say whether something holds in one of those worlds; None when the answers always contradict each other.

        One is enough, so each is followed to its end before the next begins: there may be many, and each may be dear.
        """
        todo, done = [World(self)], 0
        while todo:
            world = todo.pop()
            try:
                if holds(world):
                    return True
                done += 1
            except Dead:
                continue
            except Undecided as undecided:
                todo.extend(reversed(world.split(undecided.question, limit - done - len(todo))))
        return False if done else None

    def world(self) -> World:
        """Return a world that decides nothing: what depends on an undecided condition is Unknown."""
        return World(self, closed=True)

    def value(self, expression: ast.expr, module: Module, frame: Frame | None = None) -> Value:
        """Return the value of an expression where it needs no decision."""
        return self.world().value(expression, module, frame)


class World:
    """One way the undecided conditions can turn out, and what is known in it."""

    def __init__(
        self,
        evaluator: Evaluator,
        answers: Mapping[str, Answer] | None = None,
        path: tuple[int, ...] = (),
        closed: bool = False,
    ) -> None:
        self.evaluator = evaluator
        self.modules = evaluator.modules
        self.environment = evaluator.environment
        self.answers = dict(answers or {})
        self.path = path  # which answer was taken each time: worlds in the order of their likelihood
        self.closed = closed
        self.lessons: dict[str, Lesson] = {}
        self.cache: dict[tuple, Value] = {}
        self.learn(tuple(lesson for answer in self.answers.values() for lesson in answer.lessons))
        self.asked = 0  # answers used so far: what needed none is the same in every world
        self.fuel = evaluator.fuel
        self.depth = 0
        self.hops = 0  # from parameter to caller, right now
        self.cuts = 0  # evaluations that were cut short: their results are not for everybody
        self.running: set[tuple] = set()  # what is being evaluated: a value may not need itself
        self.application: Callable[[str], Value | None] | None = None  # what `app.config["KEY"]` holds, while it is read
        self.turns: dict[
            tuple, tuple[int, list[Value]]
        ] = {}  # (loop, frame) → which turn over which items is being run

    # -- for the outside

    def value(self, expression: ast.expr, module: Module, frame: Frame | None = None) -> Value:
        """Return what an expression is, evaluated where it stands; `frame` holds the parameters of the running call."""
        if self.depth == 0:
            self.fuel = self.evaluator.fuel
        return expressions.evaluate(self, expression, module, frame)

    def arguments(self, call: ast.Call, module: Module, frame: Frame | None = None) -> Arguments:
        """Return what a call passes, spreads unpacked."""
        return calls.arguments(self, call, module, frame)

    def reachable(
        self, node: ast.AST, module: Module, frame: Frame | None = None, about: frozenset[str] | None = None
    ) -> bool:
        """Say whether this world comes to a node: the conditions around it and the returns before it allow it.

        `about` leaves out the conditions that name none of these things.
        """
        return reach.reachable(self, node, module, frame, about)

    def call(
        self, function: Value, arguments: Arguments, call: ast.Call, module: Module, frame: Frame | None = None
    ) -> Value:
        """Return what calling a value gives; `call` is where."""
        return calls.call(self, function, arguments, call, module, frame)

    def variable(self, name: str, default: Value | None = None, origin: Origin | None = None) -> Value:
        """Return an environment variable as the process sees it, or its default."""
        return environment.variable(self, name, default, origin)

    # -- questions

    def ask(self, question: Question) -> int | None:
        """Return the answer's choice; None in a world that decides nothing more."""
        self.asked += 1
        if question.key in self.answers:
            return self.answers[question.key].choice
        if self.closed:
            return None
        raise Undecided(question)

    def split(self, question: Question, room: int) -> list[World]:
        """Return the worlds that a question makes of this one; without room for them, one that asks no more."""
        if len(question.answers) > room:
            return [World(self.evaluator, self.answers, self.path, closed=True)]
        return [
            World(self.evaluator, {**self.answers, question.key: answer}, (*self.path, number))
            for number, answer in enumerate(question.answers)
        ]

    # -- for the evaluator's parts

    def unknown(self, reason: str, origin: Origin, symbol: str = "") -> Value:
        """Return an unknown value, or what the answers have taught about it."""
        return self.taught(Open(reason, origin, symbol))

    def learn(self, lessons: tuple[Lesson, ...]) -> None:
        """Take lessons in; what was worked out before is forgotten."""
        for lesson in lessons:
            self.lessons[lesson.symbol] = lesson.joined(self.lessons.get(lesson.symbol))
            self.cache.clear()

    def taught(self, value: Value) -> Value:
        """Return a value with what the answers of this world say about it."""
        symbol = getattr(value, "symbol", "")
        if not symbol:
            return value
        self.asked += 1  # another world may have learnt something about it
        lesson = self.lessons.get(symbol)
        return environment.taught(value, lesson) if lesson else value

    def pending(self, value: Value | Pending) -> Value:
        """Return the value behind an argument, or behind those that `*args` and `**kwargs` collect."""
        match value:
            case Pending():
                return expressions.evaluate(self, value.expression, value.module, value.frame)
            case Table(entries=entries) if any(isinstance(entry, Pending) for entry in entries.values()):
                return replace(value, entries={key: self.pending(entry) for key, entry in entries.items()})
            case Listing(items=items) if any(isinstance(item, Pending) for item in items):
                return replace(value, items=tuple(map(self.pending, items)))
        return value

    def once(self, key: tuple, compute: Callable[[], Value], place: Callable[[], Origin], *, in_call: bool) -> Value:
        """Return a value from the caches, or compute it; Unknown when it needs itself or too much work.

        in_call  inside a call or an instance: its arguments may rest on answers, so other worlds do not share the value
        """
        if self.hops:
            key = (*key, self.hops)  # from further away less is known
        if self.turns:
            key = (*key, tuple((loop, number) for loop, (number, _) in self.turns.items()))
        for cache in (self.cache, self.evaluator.cache):
            if key in cache:
                if cache is self.cache:
                    self.asked += 1  # it may rest on an answer
                self.evaluator.read |= self.evaluator.reads[key]
                return cache[key]
        if key in self.running or self.depth >= DEEPEST:
            self.cuts += 1
            return Unknown("refers to itself" if key in self.running else "nested too deeply", place())
        asked, cuts = self.asked, self.cuts
        outer, self.evaluator.read = self.evaluator.read, set()
        self.running.add(key)
        self.depth += 1
        try:
            value = compute()
        except RecursionError:
            self.cuts += 1
            value = Unknown("nested too deeply", place())
        finally:
            self.running.discard(key)
            self.depth -= 1
            read, self.evaluator.read = self.evaluator.read, outer
            outer |= read
        self.evaluator.reads.setdefault(key, set()).update(read)
        shared = asked == self.asked and cuts == self.cuts and not in_call
        (self.evaluator.cache if shared else self.cache)[key] = value
        return value

    def burn(self) -> bool:
        """Use one unit of fuel; False when there is none left."""
        self.fuel -= 1
        self.cuts += self.fuel <= 0
        return self.fuel > 0
