"""What a value rests on, and the values that are kept for whoever agrees on that.

A value is worked out in one world, of one environment, in one turn of a loop. It rests on little of that: the questions
whose answers it needed, the variables it read. Another world, or the world of another workload, that would say the same
about these gets the same value, so it is worked out once for all of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from poollint.facts import Environment

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import Lesson, Meaning, World
    from poollint.python.evaluator.values import Value


class Rests(NamedTuple):
    """Everything that a value rests on. Most of it a world says nothing about, so what it says is compared.

    variables  names of environment variables in small letters
    lessons    symbols of values about which an answer may teach something
    asked      questions; a world that decides nothing more has no answer to them
    answered   questions that were not asked where a world has no answer
    meanings   conditions that teach something when they are true or false: no need, but something to pass on
    moments    loops of which a turn is run, and HOPS: how many callers away from the question it is
    """

    variables: frozenset[str] = frozenset()
    lessons: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()
    meanings: frozenset[str] = frozenset()
    moments: frozenset[Hashable] = frozenset()

    @property
    def is_too_much(self) -> bool:
        """Say whether nobody else will agree on all of this, and keeping it would cost more than working it out again."""
        return len(self.lessons) + len(self.asked) + len(self.answered) > MOST

    def without_decisions(self) -> Rests:
        """Return what is left for a world to pass on when the value is none for others."""
        return self._replace(lessons=frozenset(), asked=frozenset(), answered=frozenset())


Answers = frozenset[tuple[str, int]]  # question, choice

NOTHING = Rests()
HOPS = "hops"
MOST = 500  # lessons, questions and answers that one value rests on; in 300 repositories it is 300 at most


class Noted:
    """What a value rests on, as far as it is worked out: what its parts rest on, put together when somebody asks."""

    __slots__ = ("_memo", "_parts")

    def __init__(self, memo: Memo, start: Rests = NOTHING) -> None:
        self._memo = memo
        self._parts: set[Rests] = set() if start is NOTHING else {start}

    def add(self, rests: Rests) -> None:
        if rests is not NOTHING:
            self._parts.add(rests)

    def forget(self, moment: Hashable) -> None:
        rests = self.so_far()
        self._parts = {self._memo.interned(rests._replace(moments=rests.moments - {moment}))}

    def so_far(self) -> Rests:
        if len(self._parts) > 1:
            self._parts = {self._memo.joined(frozenset(self._parts))}
        for rests in self._parts:
            return rests
        return NOTHING


class Kept(NamedTuple):
    """A value and what it rests on.

    meanings  what its conditions teach
    moments   which turns, and how many hops away, it was worked out in
    cuts      what cut it short: values that were being worked out, so that it is good only while they still are
    """

    value: Value
    rests: Rests
    meanings: Mapping[str, Meaning]
    moments: frozenset[Hashable]
    cuts: frozenset[Hashable] = frozenset()


class Memo:
    """The values that are kept, by what was worked out where. One memo serves all environments of a project."""

    def __init__(self) -> None:
        # What was worked out → the answers it needs, what it rests on → what that said → value
        self._kept: dict[Hashable, dict[tuple[Answers, Rests], dict[tuple, Kept]]] = {}
        self._tokens: dict[Hashable, int] = {}
        self._sets: dict[frozenset, frozenset] = {}
        self._rests: dict[Rests, Rests] = {NOTHING: NOTHING}  # thousands of values rest on the same
        self._joined: dict[frozenset[Rests], Rests] = {}
        self._single: dict[tuple[str, Hashable], Rests] = {}

    def find(self, key: Hashable, world: World) -> Kept | None:
        """Return what was worked out where everything that matters was as it is here."""
        groups = self._kept.get(key)
        for (answers, rests), by_said in groups.items() if groups else ():
            # Most groups belong to other answers, and that is told soonest.
            if answers <= world.answered and (kept := by_said.get(said_by(world, rests))) is not None:
                return kept
        return None

    def keep(self, key: Hashable, kept: Kept, world: World) -> None:
        """Keep a value for whoever agrees with this world on what it rests on."""
        group = _answers(kept.rests, world), kept.rests
        self._kept.setdefault(key, {}).setdefault(group, {})[said_by(world, kept.rests)] = kept

    def interned(self, rests: Rests) -> Rests:
        """Return the same, kept once."""
        if (known := self._rests.get(rests)) is None:
            known = self._rests[rests] = Rests(*(self._sets.setdefault(each, each) for each in rests))
        return known

    def joined(self, parts: frozenset[Rests]) -> Rests:
        """Return what several values rest on together; many values are made of the same."""
        if parts not in self._joined:
            self._joined[parts] = self.interned(Rests(*(frozenset().union(*sets) for sets in zip(*parts))))
        return self._joined[parts]

    def single(self, kind: str, name: Hashable) -> Rests:
        """Return what rests on one thing of a kind: a field of Rests."""
        if (kind, name) not in self._single:
            self._single[kind, name] = self.interned(Rests(**{kind: frozenset((name,))}))
        return self._single[kind, name]

    def token(self, said: Hashable) -> int:
        """Return a number for something that is compared again and again."""
        return self._tokens.setdefault(said, len(self._tokens))


def said_by(world: World, rests: Rests) -> tuple:
    """Return what a world says about all that a value rests on; but for moments it says the same until it learns more."""
    said = world.said.get(rests)
    if said is None:
        said = world.said[rests] = _said(rests, world)
    return (said, world.moments(rests.moments)) if rests.moments else said


def _said(rests: Rests, world: World) -> tuple:
    lessons: frozenset[tuple[str, Lesson]] = frozenset()
    if not rests.lessons.isdisjoint(world.lessons):
        lessons = frozenset((name, lesson) for name, lesson in world.lessons.items() if name in rests.lessons)
    decides = rests.asked <= world.answers.keys() or not world.closed
    variables = world.evaluator.variables.says_of(rests.variables)
    return variables, lessons, _answers(rests, world), decides


def _answers(rests: Rests, world: World) -> Answers:
    return frozenset(each for each in world.answered if each[0] in rests.asked or each[0] in rests.answered)


class Variables:
    """What one environment says about names in small letters, as tokens: settings classes ignore case."""

    def __init__(self, environment: Environment, memo: Memo) -> None:
        said: dict[str, tuple] = {}
        for name in sorted(environment.variables):
            here = (name, environment.variables[name], environment.secrets.get(name))
            said[name.lower()] = (*said.get(name.lower(), ()), here)
        for switch in sorted(environment.elsewhere.items()):
            said[switch[0].lower()] = (*said.get(switch[0].lower(), ()), switch)
        self._memo = memo
        self._tokens: dict[str, int] = {
            name: memo.token((environment.complete, here)) for name, here in said.items()
        }
        self._unset = memo.token((environment.complete, ()))
        self._together: dict[frozenset[str], int] = {}

    def says(self, lowered: str) -> int:
        """Return a token for what is said about a name, or about all names that begin so: "flask_db__*"."""
        if lowered.endswith("*"):
            said = ((name, token) for name, token in self._tokens.items() if name.startswith(lowered[:-1]))
            return self._memo.token((self._unset, frozenset(said)))
        return self._tokens.get(lowered, self._unset)

    def says_of(self, names: frozenset[str]) -> int:
        """Return one token for what is said about several names."""
        if names not in self._together:
            self._together[names] = self._memo.token(frozenset((name, self.says(name)) for name in names))
        return self._together[names]
