"""Settings that the code takes from a variable only where it is set: what holds without it is their default.

    if settings.pool_size is not None:
        options["pool_size"] = settings.pool_size

is `pool_size=int(os.getenv("POOL_SIZE", 5))` written otherwise, where 5 is SQLAlchemy's own. The evaluator makes two worlds of
it, and in the one in which the variable is set nothing else is known of the setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poollint.facts import Environment, Known, Origin, Pool, Setting, weakest
from poollint.python.evaluator import environment
from poollint.python.evaluator.values import Arguments, Open
from poollint.sqlalchemy_tables import DEFAULTS

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import Answer

_REPLACEABLE = Known(None, Origin("a variable may replace it"), "fallback")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one world makes of an engine, and the answers that it rests on."""

    pool: Pool
    arguments: Arguments
    answers: Mapping[str, Answer]


def with_defaults(outcomes: Sequence[Outcome], given: Environment) -> list[Pool]:
    """Return the pools; a setting that is known only to come from a variable is its default, as a fallback."""
    pools = [outcome.pool for outcome in outcomes]
    present = {name.lower() for name in given.variables}
    for number, outcome in enumerate(outcomes):
        for name, variable in _taken(outcome.arguments):
            without = [n for n, other in enumerate(outcomes) if _is_without(variable, outcome, other)]
            default = _agreed([getattr(outcomes[n].pool, name) for n in without])
            if default is None or variable.lower() in present:
                continue
            for n in (number, *without):
                pools[n] = replace(pools[n], **{name: default})
            arguments = {key: value for key, value in pools[number].arguments.items() if key != name}
            pools[number] = replace(pools[number], arguments=arguments)
    return pools


def _taken(arguments: Arguments) -> Iterator[tuple[str, str]]:
    """Yield the settings of a pool that one variable gives, each with the variable."""
    for name in DEFAULTS:
        value = arguments.keywords.get(name)
        if isinstance(value, Open) and len(value.variables) == 1:
            yield name, next(iter(value.variables))


def _is_without(variable: str, one: Outcome, other: Outcome) -> bool:
    """Say whether two worlds differ in nothing but that a variable is set in the one and not in the other."""
    differing = [key for key in one.answers.keys() & other.answers.keys() if one.answers[key].choice != other.answers[key].choice]
    tests = [(environment.presence_asked(key), bool(one.answers[key].choice)) for key in differing]
    return bool(tests) and all(test == (variable, answer) for test, answer in tests)


def _agreed(settings: list[Setting]) -> Setting | None:
    """Return the one value that some settings have, as sure as a variable's default is."""
    known = [setting for setting in settings if isinstance(setting, Known)]
    if not known or len(known) < len(settings) or len({setting.value for setting in known}) > 1:
        return None
    return replace(known[0], certainty=weakest((known[0], _REPLACEABLE)))
