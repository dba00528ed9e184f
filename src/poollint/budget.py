"""Budgets: who may open how many connections to one database in one environment, and what it accepts.

The rules judge budgets, and `poollint budget` prints them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from poollint import environments
from poollint.arithmetic import Recommendation, pool_that_fits, recommended, usable
from poollint.facts import (
    NO_CEILING,
    Bound,
    Client,
    Database,
    Known,
    Origin,
    Pooler,
    Project,
    Setting,
    Unknown,
    Workload,
    value_of,
    weakest,
)
from poollint.link.workloads import Versions, is_one_step, versions_of
from poollint.server_side import ServerSide, server_side

_DIRECT = ("pgpool",)  # a pooler that gives each client a server connection of its own


@dataclass(frozen=True, slots=True)
class Budget:
    """One database in one environment.

    clients  everything that ends at this database, also through a pooler
    direct   the clients that hold its connections themselves
    poolers  the poolers that hold them for the others
    """

    database: Database
    environment: str | None
    clients: tuple[Client, ...]
    direct: tuple[Client, ...]
    poolers: tuple[ServerSide, ...]
    usable: Setting

    @property
    def steady(self) -> int:
        """The known demand, lowered by hard limits."""
        return self._sum("steady", "lowered") + self._server_side

    @property
    def plain(self) -> int:
        """The known demand by the plain formula."""
        return self._sum("steady", "plain") + self._server_side

    @property
    def rollout(self) -> int:
        """The known demand at the documented peak of a roll-out."""
        return self._sum("rollout", "lowered") + self._server_side

    @property
    def unknown(self) -> tuple[Client, ...]:
        """The clients whose demand is not known."""
        return tuple(client for client in self.direct if not isinstance(client.steady.lowered, Known))

    @property
    def counted(self) -> tuple[Client, ...]:
        """The clients whose demand is known, the largest first."""
        known = [client for client in self.direct if isinstance(client.steady.lowered, Known)]
        return tuple(
            sorted(known, key=lambda c: (-value_of(c.steady.lowered), -value_of(c.steady.plain), c.engine.name))
        )

    @property
    def exceeds(self) -> bool:
        """True when even the lowered demand exceeds what is usable."""
        return isinstance(self.usable, Known) and self.steady > self.usable.value

    @property
    def headroom(self) -> int | None:
        """What is left at steady state; None when it cannot be told."""
        return None if self.unknown or not isinstance(self.usable, Known) else self.usable.value - self.steady

    @property
    def _server_side(self) -> int:
        return sum(value_of(side.total, 0) for side in self.poolers)

    def _sum(self, when: str, which: str) -> int:
        return sum(value_of(getattr(getattr(client, when), which), 0) for client in self.direct)


def budgets(project: Project) -> tuple[Budget, ...]:
    """Return every database in every environment it is judged in, by name, production first."""
    by_name: dict[str, list[Client]] = {}
    for client in project.clients:
        if client.database is not None:
            by_name.setdefault(client.database.name, []).append(client)
    versions = versions_of(project.workloads)
    made = [
        _budget(project, name, environment, _present(environment, clients, versions))
        for name, clients in sorted(by_name.items())
        for environment in _judged(clients)
    ]
    return tuple(budget for budget in made if budget.clients)


def recommendations(budget: Budget) -> tuple[tuple[Client, Recommendation], ...]:
    """Return for each client with a pool of its own the pool that gives it its share, counted at roll-out."""
    if not isinstance(budget.usable, Known) or budget.usable.value == NO_CEILING:
        return ()
    free = budget.usable.value - sum(value_of(side.total, 0) for side in budget.poolers)
    found = []
    for client in budget.counted:
        factors = dict(client.rollout.factors)
        pool = [factors.get(name) for name in ("instances", "processes", "pool_size", "max_overflow")]
        if all(isinstance(setting, Known) for setting in pool):
            instances, processes = pool[0].value, pool[1].value  # type: ignore[union-attr]
            demand = value_of(client.rollout.lowered, 0)
            whole = budget.rollout - sum(value_of(side.total, 0) for side in budget.poolers)
            found.append((client, recommended(max(0, free), demand, whole, instances, processes)))
    return tuple(found)


def fitting_pool(budget: Budget, client: Client) -> int | None:
    """Return the largest pool per process that fits a client whose pool is unknown and whose deployment is not."""
    factors = dict(client.steady.factors)
    counts = [factors.get("instances"), factors.get("processes")]
    is_open = any(isinstance(factors.get(name), Unknown) for name in ("pool_size", "max_overflow"))
    if not is_open or not isinstance(budget.usable, Known) or not all(isinstance(count, Known) for count in counts):
        return None
    instances, processes = (value_of(count) for count in counts if count is not None)
    if NO_CEILING in (budget.usable.value, instances, processes):
        return None
    return pool_that_fits(budget.usable.value - budget.steady, instances, processes)


# -- one budget --------------------------------------------------------------------------------------------------------


def _budget(project: Project, name: str, environment: str | None, clients: Iterable[Client]) -> Budget:
    present = tuple(_with_steps_once(without_rivals(_without_alternatives(clients))))
    database = _database(name, environment, present, project)
    pooled = [client for client in present if client.pooler and client.pooler.product not in _DIRECT]
    return Budget(
        database=database,
        environment=environment,
        clients=present,
        direct=tuple(client for client in present if client not in pooled),
        poolers=tuple(_server_sides(pooled)),
        usable=usable(database.max_connections, database.reserved, database.headroom),
    )


def _judged(clients: Iterable[Client]) -> list[str | None]:
    """The environments to judge: those that are named; unmarked files alone only where no production is named."""
    named = sorted({client.environment for client in clients if client.environment is not None}, key=_by_weight)
    if any(environments.environment_word(name) == "prod" for name in named):
        return list(named)
    unmarked = any(client.environment is None for client in clients)
    return [*([None] if unmarked else []), *named]


def _by_weight(environment: str) -> tuple[bool, bool, str]:
    word = environments.environment_word(environment)
    return (word != "prod", not environments.is_production(environment), environment)


def _present(environment: str | None, clients: Iterable[Client], versions: Versions) -> Iterator[Client]:
    """Yield the clients of one environment: its own, and the unmarked ones that have no version of their own there."""
    for client in clients:
        if client.environment == environment:
            yield client
        elif client.environment is None:
            if client.workload is None or not versions.supersede(client.workload, environment):
                yield client


def _without_alternatives(clients: Iterable[Client]) -> Iterator[Client]:
    """Drop what one service would open on another platform: two descriptions of it are alternatives, not a sum."""
    clients = tuple(clients)
    largest: dict[str, tuple[str, str]] = {}
    for name in {client.workload.name for client in clients if client.workload}:
        sums: dict[tuple[str, str], int] = {}
        for client in clients:
            if client.workload and client.workload.name == name:
                place = _place(client.workload)
                sums[place] = sums.get(place, 0) + value_of(client.steady.lowered, 0)
        largest[name] = max(sums, key=lambda place: sums[place])
    for client in clients:
        if client.workload is None or _place(client.workload) == largest[client.workload.name]:
            yield client


def _with_steps_once(clients: Iterable[Client]) -> Iterator[Client]:
    """A release phase takes its steps one after the other: whatever engines they use, one connection at a time."""
    seen: set[Workload | None] = set()
    for client in clients:
        if not is_one_step(client.workload, client.process):
            yield client
        elif client.workload not in seen:
            seen.add(client.workload)
            yield client


def without_rivals(clients: Iterable[Client]) -> Iterator[Client]:
    """Of engines in different branches of the same code a process makes one: the largest counts."""
    clients = tuple(clients)
    for client in clients:
        others = [
            other for other in clients if other.engine.location in client.engine.rivals and _same_run(client, other)
        ]
        if not any(_size(other) > _size(client) for other in others):
            yield client


def _same_run(one: Client, other: Client) -> bool:
    return one.workload == other.workload and one.process == other.process


def _size(client: Client) -> tuple[float, float, int]:
    """Compare by demand, then by place, so that of two equals the first is kept."""
    lowered, plain = value_of(client.steady.lowered, -1), value_of(client.steady.plain, -1)
    one = value_of(client.one.lowered, -1)
    return (lowered, max(plain, one), -client.engine.location.line)


def _place(workload: Workload) -> tuple[str, str]:
    return (workload.platform, workload.unit)


def _database(name: str, environment: str | None, clients: Sequence[Client], project: Project) -> Database:
    """The database as it is in this environment, else the unmarked one, else the one a client knows."""
    variants = [database for database in project.databases if database.name == name]
    for at in (environment, None):
        if found := next((database for database in variants if database.environment == at), None):
            return found
    return next((client.database for client in clients if client.database), Database(name, None))


# -- poolers -----------------------------------------------------------------------------------------------------------


def _server_sides(clients: Sequence[Client]) -> Iterator[ServerSide]:
    by_pooler: dict[Pooler, list[Client]] = {}
    for client in clients:
        if client.pooler:
            by_pooler.setdefault(client.pooler, []).append(client)
    for pooler, behind in by_pooler.items():
        yield server_side(pooler, tuple(behind))


def client_side(clients: Iterable[Client]) -> Setting:
    """Return what clients open towards a pooler; Unknown when one of them is."""
    bounds: list[Bound] = [client.steady for client in clients]
    gaps = [bound.lowered for bound in bounds if isinstance(bound.lowered, Unknown)]
    if gaps:
        return gaps[0]
    settings = [bound.lowered for bound in bounds]
    return Known(sum(value_of(setting) for setting in settings), Origin("clients"), weakest(settings))
