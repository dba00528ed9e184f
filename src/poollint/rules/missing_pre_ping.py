"""A long-running process takes pooled connections without testing them, so one that died while idle fails a request.

https://docs.sqlalchemy.org/en/20/core/pooling.html#pool-disconnects-pessimistic
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import (
    Client,
    Engine,
    Evidence,
    Finding,
    Known,
    Location,
    Pool,
    Project,
    Setting,
    Severity,
    about_engine,
    value_of,
)
from poollint.rules._guards import (
    QUEUES,
    environment_names,
    every,
    every_networked,
    first_networked,
    judged,
    keeps_connections,
    listing,
    path_evidence,
    runs_evidence,
    smallest_timeout,
    workload_names,
)
from poollint.rules._pools import written


def check(project: Project) -> Iterator[Finding]:
    found: dict[Location, tuple[Engine, tuple[Client, ...]]] = {}
    for engine, clients in judged(project):
        exposed = tuple(client for client in clients if client.survives and every_networked(client.live, _is_untested))
        if engine.role in ("service", "worker") and keeps_connections(engine) and exposed:
            found[engine.location] = engine, exposed
    for engine, exposed in found.values():
        default = found.get(engine.extension) if engine.extension else None
        # A bind with the options of its default engine is mended with it.
        if default is None or _options(default[0]) != _options(engine):
            yield _finding(engine, exposed)


def _options(engine: Engine) -> set[tuple[Setting, Setting]]:
    return {(pool.pool_pre_ping, pool.pool_recycle) for pool in engine.live}


def _is_untested(pool: Pool) -> bool:
    """Reusing, and known to be neither pre-pinged nor pinged by an event."""
    return (
        value_of(pool.pool_class) in QUEUES
        and isinstance(pool.pool_pre_ping, Known)
        and not pool.pool_pre_ping.value
        and not value_of(pool.pings)
    )


def _finding(engine: Engine, clients: tuple[Client, ...]) -> Finding:
    pool = first_networked(clients[0].live)
    names = workload_names(clients)
    extra = "; the ping costs asyncpg three to four round trips, others one" if value_of(pool.driver) == "asyncpg" else ""
    return Finding(
        severity=_severity(clients),
        message=f"connections are not tested at checkout: the first use of one that died while idle fails {_unit(clients)}",
        help=f"Add {written(pool, 'pool_pre_ping', True)}: it tests each connection at checkout{extra}.",
        location=engine.location,
        evidence=(
            Evidence("pool_pre_ping", pool.pool_pre_ping),
            _served(pool),
            *runs_evidence(clients),
            *path_evidence(clients),
        ),
        environments=environment_names(clients),
        workloads=names,
        about=about_engine(engine),
    )


def _served(pool: Pool) -> Evidence:
    """What shows that it is a server's database: the driver, or the dialect where the driver is a default and has no place."""
    is_placed = isinstance(pool.driver, Known) and (pool.driver.origin.location or not pool.dialect.origin.location)
    return Evidence("driver", pool.driver) if is_placed else Evidence("dialect", pool.dialect)


def _unit(clients: tuple[Client, ...]) -> str:
    """Name what fails: a request of what serves, a task of everything else."""
    served = {_serves(client) for client in clients}
    unit = "request or task" if len(served) > 1 else "request" if True in served else "task"
    names = workload_names(clients)
    return f"a {unit} of {listing(names)}" if names else f"the {unit}"


def _serves(client: Client) -> bool:
    """Say whether a client answers requests; where its command does not tell, the engine's role does."""
    kind = client.process.kind if client.process else "script"
    return client.engine.role == "service" if kind == "script" else kind == "web"


def _severity(clients: tuple[Client, ...]) -> Severity:
    """A recycle at or below half the smallest timeout bounds staleness well enough for a note."""
    return "note" if all(_is_bounded(client) for client in clients) else "warning"


def _is_bounded(client: Client) -> bool:
    hop = smallest_timeout(client)
    return hop is not None and every(
        client.live, lambda pool: 0 <= value_of(pool.pool_recycle, -1) <= hop.seconds.value / 2
    )
