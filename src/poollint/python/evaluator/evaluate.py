"""The value of an expression, without running anything: one evaluator of one value in one World.

A condition that nobody can decide is a question. A World answers questions, and a new one ends the evaluation and makes
one World per answer, which starts again with that answer (`Evaluator.alternatives`). So the evaluator never handles
sets of values, and alternatives that belong together stay together: `if SQLITE:` here and `if SQLITE:` there agree.

What the parts do:

    evaluate     worlds and questions
    memo         what a value rests on, so that worlds and environments that agree on it share the value
    expressions  which function evaluates which kind of expression
    flow         what a name holds: slices runs the statements that touch it, branching is what loops and branches share
    returns      what a function returns; results: what its callers change in that; patterns: what a `case` takes and binds
    reach        whether a place is reached; failures: what surely raises, and which `except` catches it
    operators    arithmetic, comparisons, truth
    text         strings and URLs of which parts are known
    objects      classes, instances, attributes; settings: pydantic and dataclass fields; validation: their types, validators
    containers   dicts, lists and sets
    outside      what other code sets in things that stand elsewhere; heirs: what classes below a class set
    presence     whether something has an attribute; kinds: whether it is of a type
    calls        calling functions of the project
    environment  variables of the process; assigned: those that the program sets itself

What library functions return, files and settings that they read among it, is in the package `libraries` beside this one.

Values are bounded: fuel per evaluation, depth, size. Whatever exceeds them is Unknown, with that reason.
"""

from __future__ import annotations

import ast
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import NamedTuple, TypeVar

from poollint.facts import NO_ENVIRONMENT, Environment, Origin, Unknown
from poollint.python.evaluator import calls, environment, expressions, reach
from poollint.python.evaluator.memo import HOPS, NOTHING, Kept, Memo, Noted, Rests, Variables
from poollint.python.evaluator.values import Arguments, Frame, Instance, Listing, Open, Pending, Table, Value
from poollint.python.source.modules import Module, Modules

T = TypeVar("T")

FUEL = 1_000  # expressions of one argument in one World; where conditions are decided, 300 repositories take 550 at most
MOST_WORK = 6_000  # values and statements worked out for one question in all its worlds; then nothing is decided any more
DEEPEST = 70  # evaluations inside each other
LIMIT = 16  # alternatives
FEWER = 8  # where there are more: the last conditions of so many would have no room either, and cost as much
RETRIES = 2  # how often a value is worked out that circles cut short; then the last one is good enough for its world


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


Meaning = tuple[tuple[Lesson, ...], tuple[Lesson, ...]]


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
    memo             values that evaluators of the same kind share; one for each kind of `follows_callers` and `fuel`
    """

    def __init__(
        self,
        modules: Modules,
        environment: Environment = NO_ENVIRONMENT,
        *,
        follows_callers: bool = True,
        fuel: int = FUEL,
        memo: Memo | None = None,
    ) -> None:
        self.modules = modules
        self.environment = environment
        self.follows_callers = follows_callers
        self.fuel = fuel
        self.memo = memo if memo is not None else Memo()
        self.variables = Variables(environment, self.memo)
        self.read: set[str] = set()  # the environment variables that the values asked for so far rest on, in small letters
        self.meanings: dict[str, Meaning] = {}  # condition → what True, False teach

    def alternatives(self, compute: Callable[[World], T], limit: int = LIMIT) -> list[T]:
        """Return `compute(world)` for every world that the undecided conditions make, the likeliest first.

        Never more than `limit`: where that is not enough there are FEWER, unless one question has more answers, and a
        world that would exceed them decides nothing further, so what depends on more conditions is Unknown. So is all
        that depends on any where the worlds together are too much work. `compute` may be called again and again and must
        have no effects.
        """
        results: list[tuple[tuple[int, ...], T]] = []
        todo, left, most = deque([World(self)]), MOST_WORK, 0
        while todo:
            world = todo.popleft()
            if left <= 0:
                results, todo, world = [], deque(), self.world()
            try:
                results.append((world.path, compute(world)))
            except Dead:
                continue
            except Undecided as undecided:
                answers, room = len(undecided.question.answers), limit - len(results) - len(todo)
                most = max(most, answers)
                if answers > room and limit > FEWER >= most:
                    limit, results, todo = FEWER, [], deque([World(self)])
                else:
                    todo.extend(world.split(undecided.question, room))
            finally:
                left -= world.work
        return [result for _, result in sorted(results, key=itemgetter(0))]

    def somewhere(self, holds: Callable[[World], bool], limit: int = LIMIT) -> bool | None:
        """Say whether something holds in one of those worlds; None when the answers always contradict each other, or where
        there is no room for all of them.

        One is enough, so each is followed to its end before the next begins: there may be many, and each may be dear. Where
        they are too much work, a world that decides nothing says it.
        """
        todo, done, left, is_cut = [World(self)], 0, MOST_WORK, False
        while todo:
            world = todo.pop()
            if left <= 0:
                todo, done, world = [], 0, self.world()
            try:
                if holds(world):
                    return True
                done += 1
            except Dead:
                continue
            except Undecided as undecided:
                room = limit - len(todo)
                is_cut = is_cut or len(undecided.question.answers) > room
                todo.extend(reversed(world.split(undecided.question, room)))
            finally:
                left -= world.work
        return False if done and not is_cut else None

    def world(self) -> World:
        """Return a world that decides nothing: what depends on an undecided condition is Unknown."""
        return World(self, closed=True)

    def value(self, expression: ast.expr, module: Module, frame: Frame | None = None) -> Value:
        """Return the value of an expression where it needs no decision."""
        return self.world().value(expression, module, frame)


class Turn(NamedTuple):
    """One turn of a loop; `rests` are what the items rest on."""

    number: int
    items: list[Value]
    rests: Rests


# Why a value is cut short whatever is being worked out: it is good for this world only.
_FOR_THIS_WORLD = "for this world"


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
        self.answered = frozenset((key, answer.choice) for key, answer in self.answers.items())
        self.path = path  # which answer was taken each time: worlds in the order of their likelihood
        self.closed = closed
        self.lessons: dict[str, Lesson] = {}
        self.rests = Noted(evaluator.memo)  # what the value rests on that is being worked out
        self.cuts: set[Hashable] = set()  # what cut it short
        self.settled: dict[Hashable, Kept] = {}  # kept values that suit this world in their moment, as long as it learns nothing
        self.provisional: dict[Hashable, Kept] = {}  # values that were cut short
        self.said: dict[Rests, tuple] = {}  # what this world says about what values rest on
        self.retries: Counter[Hashable] = Counter()  # how often each of them was worked out
        self.learn(tuple(lesson for answer in self.answers.values() for lesson in answer.lessons))
        self.fuel = evaluator.fuel
        self.work = 0  # values and statements worked out so far
        self.depth = 0
        self.hops = 0  # from parameter to caller, right now
        self.running: set[Hashable] = set()  # what is being evaluated: a value may not need itself
        self.application: Callable[[str], Value | None] | None = None  # what `app.config["KEY"]` holds, while it is read
        self.turns: dict[tuple, Turn] = {}  # (loop, frame) → which turn over which items is being run
        self.now: dict[frozenset[Hashable], frozenset[Hashable]] = {}  # what `moments` says until a turn or a hop ends

    # -- for the outside

    def value(self, expression: ast.expr, module: Module, frame: Frame | None = None) -> Value:
        """Return what an expression is, evaluated where it stands; `frame` holds the parameters of the running call."""
        self.refuel()
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
        self.rests_on("asked", question.key)
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
            self.settled.clear()
            self.provisional.clear()
            self.said.clear()

    def taught(self, value: Value) -> Value:
        """Return a value with what the answers of this world say about it."""
        symbol = getattr(value, "symbol", "")
        if not symbol:
            return value
        self.rests_on("lessons", symbol)
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

    def once(
        self,
        key: Hashable,
        compute: Callable[[], Value],
        place: Callable[[], Origin],
        rests: Rests = NOTHING,
    ) -> Value:
        """Return a value that is kept, or compute it; Unknown when it needs itself or too much work.

        rests  what the arguments rest on when it is worked out inside a call or an instance
        """
        if (kept := self._kept(key)) is not None:
            return kept.value
        running = self._as_running(key)
        if running in self.running or self.depth >= DEEPEST:
            self.cuts.add(running if running in self.running else _FOR_THIS_WORLD)
            return Unknown("refers to itself" if running in self.running else "nested too deeply", place())
        outer = self.apart(rests)
        outer_cuts, self.cuts = self.cuts, set()
        self.running.add(running)
        self.depth += 1
        self.work += 1
        try:
            value = compute()
        except RecursionError:
            self.cuts.add(_FOR_THIS_WORLD)
            value = Unknown("nested too deeply", place())
        finally:
            self.running.discard(running)
            self.depth -= 1
            rested = self.together(outer)
            self.cuts.discard(running)  # whoever asks for it first meets the same circle
            cuts, self.cuts = self.cuts, outer_cuts
            self.cuts |= cuts
        meanings = {name: self.evaluator.meanings[name] for name in rested.meanings}
        kept = Kept(value, rested, meanings, self.moments(rested.moments), frozenset(cuts))
        if cuts:
            self.provisional[key] = kept
            self.retries[key] += 1
        else:
            self.evaluator.memo.keep(key, kept, self)
        return value

    def _as_running(self, key: Hashable) -> Hashable:
        """Return the name of a computation: the next turn of a loop, or a caller further away, is another one."""
        if not self.turns and not self.hops:
            return key
        return (key, self.hops, *((loop, turn.number) for loop, turn in self.turns.items()))

    def _kept(self, key: Hashable) -> Kept | None:
        """Return what is kept of a value and good here; what it rests on is noted."""
        kept = self.settled.get(key)
        if kept is not None and kept.moments == self.moments(kept.rests.moments):
            self.note(kept.rests)
            return kept
        if (kept := self.evaluator.memo.find(key, self)) is None:
            kept = self.provisional.get(key)
            # A value that was cut short where a circle closes is another one when the circle is entered elsewhere.
            if kept is None or self.retries[key] < RETRIES and not kept.cuts <= self.running | {_FOR_THIS_WORLD}:
                return None
            if kept.moments != self.moments(kept.rests.moments):
                return None
        else:
            self.settled[key] = kept
        for name, meaning in kept.meanings.items():
            self.evaluator.meanings.setdefault(name, meaning)
        self.note(kept.rests)
        self.cuts |= kept.cuts
        return kept

    def apart(self, start: Rests = NOTHING) -> Noted:
        """Note from now on only what the next value rests on; `together` takes what is returned and ends that."""
        outer, self.rests = self.rests, Noted(self.evaluator.memo, start)
        return outer

    def together(self, outer: Noted) -> Rests:
        """Return what the value worked out since `apart` rests on; the outer one rests on it, too."""
        rested, self.rests = self.rests.so_far(), outer
        if rested.is_too_much:
            self.cut()
            rested = rested.without_decisions()
        rested = self.evaluator.memo.interned(rested)
        self.note(rested)
        return rested

    def note(self, rests: Rests) -> None:
        """Note what the value being worked out rests on."""
        self.rests.add(rests)
        if not self.depth:
            self.evaluator.read |= rests.variables

    def resting_on(self, rests: Rests, *around: Frame | Instance | None) -> Rests:
        """Return what something rests on that is made inside a call or of an instance."""
        return self.evaluator.memo.joined(frozenset((rests, *(each.rests for each in around if each is not None))))

    def rests_on(self, kind: str, name: Hashable) -> None:
        """Note that the value being worked out rests on one thing of a kind: a field of Rests."""
        self.rests.add(self.evaluator.memo.single(kind, name))

    def rests_on_variable(self, name: str) -> None:
        """Note that the value being worked out rests on an environment variable; `X*` are all that begin so."""
        self.rests_on("variables", name.lower())
        if not self.depth:
            self.evaluator.read.add(name.lower())

    def reading(self, variable: str, compute: Callable[[], T]) -> tuple[T, bool]:
        """Return what is computed, and whether that reads an environment variable."""
        outer = self.apart()
        try:
            value = compute()
        finally:
            rested = self.together(outer)
        return value, variable.lower() in rested.variables

    def cut(self) -> None:
        """Say that the value being worked out is none for other worlds: something was left out for lack of means."""
        self.cuts.add(_FOR_THIS_WORLD)

    def be_in(self, loop: tuple, turn: Turn | None) -> None:
        """Begin a turn of a loop, or go back to the one before; None leaves the loop."""
        self.now.clear()
        if turn is None:
            del self.turns[loop]
        else:
            self.turns[loop] = turn

    @contextmanager
    def one_hop_further(self) -> Iterator[None]:
        """Be one caller further away from the question."""
        self.hops += 1
        self.now.clear()
        try:
            yield
        finally:
            self.hops -= 1
            self.now.clear()

    def moments(self, names: frozenset[Hashable]) -> frozenset[Hashable]:
        """Return which turn of some loops is being run, and how far away the question is."""
        if names not in self.now:
            turns = frozenset((loop, turn.number) for loop, turn in self.turns.items() if loop in names)
            self.now[names] = turns | {(HOPS, self.hops)} if HOPS in names else turns
        return self.now[names]

    def turns_so_far(self) -> str:
        """Name the turns of loops that what is being worked out rests on: in each a condition is a question of its own."""
        moments = self.rests.so_far().moments if self.turns else ()
        return "".join(f"[{turn.number}]" for loop, turn in self.turns.items() if loop in moments)

    def teach(self, condition: str, meaning: Meaning) -> None:
        """Note what a condition teaches when it is true, and when it is false; the first time it is met decides."""
        self.rests_on("meanings", condition)
        self.evaluator.meanings.setdefault(condition, meaning)

    def refuel(self) -> None:
        """Begin another value that is asked for from outside: what one cannot be found in is no reason for the next."""
        if self.depth == 0:
            self.fuel = self.evaluator.fuel

    def burn(self) -> bool:
        """Use one unit of fuel; False when there is none left."""
        self.fuel -= 1
        if self.fuel <= 0:
            self.cut()
        return self.fuel > 0
