"""Something on the way to the database ends idle or old connections, and `pool_recycle` does not replace them first.

https://docs.sqlalchemy.org/en/20/core/pooling.html#setting-pool-recycle
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import Client, Engine, Evidence, Finding, Known, Pool, Project, about_engine, value_of
from poollint.rules._guards import (
    QUEUES,
    environment_names,
    every_networked,
    first_networked,
    hop_evidence,
    judged,
    keeps_connections,
    recommended_recycle,
    runs_evidence,
    seconds,
    smallest_timeout,
    verb,
    workload_names,
)
from poollint.rules._pools import written


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        exposed = tuple(c for c in clients if c.survives and c.hops and every_networked(c.live, _is_never_recycled))
        if engine.role in ("service", "worker") and keeps_connections(engine) and exposed:
            yield _finding(engine, exposed)


def _is_never_recycled(pool: Pool) -> bool:
    return (
        value_of(pool.pool_class) in QUEUES
        and isinstance(pool.pool_recycle, Known)
        and pool.pool_recycle.value == -1
    )


def _finding(engine: Engine, clients: tuple[Client, ...]) -> Finding:
    forgetful = [c for c in clients if any(hop.effect == "forgets" for hop in c.hops)]
    client = (forgetful or list(clients))[0]
    hop = smallest_timeout(client, "forgets" if forgetful else None)
    assert hop is not None  # `check` asked for hops
    recycle = recommended_recycle(hop)
    return Finding(
        severity="warning" if forgetful else "note",
        message=f"pool_recycle is unset, but {hop.name} {verb(hop)} {seconds(hop.seconds.value)}",
        help=f"Set {written(first_networked(client.live), 'pool_recycle', recycle)}: a connection older than that is replaced at checkout.",
        location=engine.location,
        evidence=(
            Evidence("pool_recycle", first_networked(client.live).pool_recycle),
            hop_evidence(hop),
            *runs_evidence(clients),
        ),
        environments=environment_names(clients),
        workloads=workload_names(clients),
        about=about_engine(engine),
    )
