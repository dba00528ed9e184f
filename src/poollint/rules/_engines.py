"""What the rules about one engine's own arguments ask: which clients agree, and what the finding then says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from poollint.facts import Client, Engine, Evidence, Known, Pool, Project, Setting
from poollint.rules._guards import environment_names, judged

Problem = tuple[str, Setting, str]  # (the argument, its value, what happens)


def agreed(pools: tuple[Pool, ...], find: Callable[[Pool], Iterator[Problem]]) -> tuple[Problem, ...]:
    """Return the problems that every alternative has, by argument."""
    found = [tuple(find(pool)) for pool in pools]
    if not found or not all(found):
        return ()
    shared = set.intersection(*({name for name, _, _ in problems} for problems in found))
    return tuple(problem for problem in found[0] if problem[0] in shared)


@dataclass(frozen=True, slots=True)
class Affected:
    """An engine with problems.

    clients       those that have them; none when the code alone tells
    environments  where: none when the code has them whatever the environment is
    """

    engine: Engine
    clients: tuple[Client, ...]
    problems: tuple[Problem, ...]
    environments: tuple[str, ...]

    @property
    def pool(self) -> Pool:
        return (self.clients[0].live if self.clients else self.engine.live)[0]


def with_problems(project: Project, find: Callable[[Engine, Pool], Iterator[Problem]]) -> Iterator[Affected]:
    """Yield the engines with problems: what the code says in every environment, else what it says in one is enough."""
    for engine, clients in judged(project):
        always = agreed(engine.live, lambda pool: find(engine, pool))
        affected = [(client, agreed(client.live, lambda pool: find(engine, pool))) for client in clients]
        affected = [(client, problems) for client, problems in affected if problems]
        where = tuple(client for client, _ in affected)
        if affected:
            yield Affected(engine, where, affected[0][1], () if always else environment_names(where))
        elif always and not clients:
            yield Affected(engine, (), always, ())


def driver_evidence(pool: Pool) -> Iterator[Evidence]:
    """Yield the driver, and the URL that names none where it is the default of its dialect."""
    yield Evidence("driver", pool.driver)
    if isinstance(pool.driver, Known) and pool.driver.origin.location is None and pool.dialect.origin.location:
        yield Evidence("dialect", pool.dialect)


def is_certain(setting: Setting) -> bool:
    """Say whether a value is known by more than an estimate: a guess about the driver proves no mistake."""
    return isinstance(setting, Known) and setting.certainty != "estimate"


def others(problems: tuple[Problem, ...]) -> tuple[str, ...]:
    """Return a sentence about the problems beside the first, for the details of a finding."""
    names = [name for name, _, _ in problems[1:]]
    return (f"The same holds for {', '.join(names)}.",) if names else ()
