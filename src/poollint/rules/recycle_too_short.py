"""`pool_recycle` is so short that the pool reconnects about as often as it is used.

https://docs.sqlalchemy.org/en/20/core/pooling.html#setting-pool-recycle
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import Engine, Evidence, Finding, Pool, Project, about_engine, value_of
from poollint.rules._guards import QUEUES, every, judged, place, seconds, workload_names

SHORTEST = 60  # seconds: less than one reconnect a minute for each connection is what pooling is for


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        if engine.role != "migration" and every(engine.live, _is_hasty):
            recycle = engine.live[0].pool_recycle
            yield Finding(
                severity="warning",
                message=f"pool_recycle is {seconds(recycle.value)}: {_effect(engine)}",
                help="Set pool_recycle to half the smallest timeout on the path, at most 1800, or leave it out.",
                location=place(engine, recycle),
                evidence=(Evidence("pool_recycle", recycle),),
                workloads=workload_names(clients),
                about=about_engine(engine),
            )


def _is_hasty(pool: Pool) -> bool:
    recycle = value_of(pool.pool_recycle, -1)
    return (
        pool.is_networked is not False
        and value_of(pool.pool_class) in QUEUES
        and isinstance(recycle, int | float)
        and 0 <= recycle < SHORTEST
    )


def _effect(engine: Engine) -> str:
    if engine.live[0].pool_recycle.value == 0:
        return "every checkout opens a new connection"
    return "a connection that old is replaced at its next checkout, so the pool hardly saves a reconnect"
