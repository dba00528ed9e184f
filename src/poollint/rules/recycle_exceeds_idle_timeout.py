"""`pool_recycle` is not below the time after which the path to the database ends connections.

https://docs.sqlalchemy.org/en/20/core/pooling.html#setting-pool-recycle
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import Client, Engine, Evidence, Finding, Hop, Pool, Project, Severity, about_engine, value_of
from poollint.rules._guards import (
    QUEUES,
    environment_names,
    every,
    every_networked,
    first_networked,
    hop_evidence,
    judged,
    keeps_connections,
    place,
    recommended_recycle,
    runs_evidence,
    seconds,
    verb,
    workload_names,
)
from poollint.rules._pools import written


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        exposed = tuple(client for client in clients if client.survives and _worst_hop(client))
        if engine.role in ("service", "worker") and keeps_connections(engine) and exposed:
            yield _finding(engine, exposed)


def _worst_hop(client: Client) -> Hop | None:
    """The hop that ends connections before they are recycled: one that a ping cannot repair before one that it can."""
    late = [hop for hop in client.hops if every_networked(client.live, lambda pool: _is_late(pool, hop))]
    return min(late, key=lambda hop: (_is_healed(client, hop), hop.seconds.value), default=None)


def _is_late(pool: Pool, hop: Hop) -> bool:
    # Equality counts: time passes between the checkout and the first statement.
    recycle = value_of(pool.pool_recycle, -1)
    return (
        value_of(pool.pool_class) in QUEUES
        and isinstance(recycle, int | float)
        and recycle >= hop.seconds.value
    )


def _is_healed(client: Client, hop: Hop) -> bool:
    return hop.effect == "closes" and every(
        client.live, lambda pool: bool(value_of(pool.pool_pre_ping) or value_of(pool.pings))
    )


def _finding(engine: Engine, clients: tuple[Client, ...]) -> Finding:
    client = min(clients, key=lambda c: _is_healed(c, _worst_hop(c)))  # type: ignore[arg-type]
    hop = _worst_hop(client)
    assert hop is not None  # `check` asked for it
    healed = _is_healed(client, hop)
    severity: Severity = "warning" if healed else "error"
    pool = first_networked(client.live)
    recycle = pool.pool_recycle
    ping = " (pool_pre_ping notices a closed one, at the price of a reconnect)" if healed else ""
    hang = " A ping to a forgotten connection hangs as well." if hop.effect == "forgets" else ""
    return Finding(
        severity=severity,
        message=f"pool_recycle is {seconds(value_of(recycle))}, but {hop.name} {verb(hop)} {seconds(hop.seconds.value)}{ping}",
        help=f"Set {written(pool, 'pool_recycle', recommended_recycle(hop))}, half the timeout at most: age is looked at only at checkout.{hang}",
        location=place(engine, recycle),
        evidence=(
            Evidence("pool_recycle", recycle),
            hop_evidence(hop),
            Evidence("pool_pre_ping", pool.pool_pre_ping),
            *runs_evidence(clients),
        ),
        environments=environment_names(clients),
        workloads=workload_names(clients),
        about=about_engine(engine),
    )
