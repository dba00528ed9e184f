"""An engine keeps a large pool of its own before a pooler that already shares connections.

https://www.pgbouncer.org/features.html
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import Client, Engine, Evidence, Finding, Pooler, Project, about_engine, value_of
from poollint.link.poolers import shares_connections
from poollint.rules._guards import environment_names, every, judged, keeps_connections, place, runs_evidence, workload_names
from poollint.rules._pools import sizes, slots

_ENOUGH = 2
_ENOUGH_FOR_RDS_PROXY = 10


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        doubled = tuple(client for client in clients if client.pooler and _pools_twice(client, client.pooler))
        # One call takes a connection of its engine, whatever its size is.
        is_used_once = bool(value_of(engine.per_call)) or not keeps_connections(engine)
        if doubled and engine.role in ("service", "worker") and not is_used_once:
            yield _finding(engine, doubled)


def _pools_twice(client: Client, pooler: Pooler) -> bool:
    if pooler.product != "rds-proxy" and shares_connections(pooler) is not True:
        return False
    return every(client.live, lambda pool: (slots(pool) or 0) > _enough(pooler))


def _enough(pooler: Pooler) -> int:
    return _ENOUGH_FOR_RDS_PROXY if pooler.product == "rds-proxy" else _ENOUGH


def _finding(engine: Engine, clients: tuple[Client, ...]) -> Finding:
    client = clients[0]
    pool, pooler = client.live[0], client.pooler
    assert pooler is not None  # `check` asked
    enough = _enough(pooler)
    mode = f" in {value_of(pooler.mode)} mode" if value_of(pooler.mode) else ""
    return Finding(
        severity="warning",
        message=(
            f"each process may hold {sizes(pool)} connections to {pooler.name}, "
            f"a {pooler.product}{mode}, which already shares its connections"
        ),
        help=(
            f"Keep at most {enough} per process, such as pool_size={enough} with max_overflow=0, or use NullPool: "
            "the pooler does the pooling."
        ),
        location=place(engine, pool.pool_size),
        evidence=(
            Evidence("pool_size", pool.pool_size),
            Evidence("max_overflow", pool.max_overflow),
            Evidence("mode", pooler.mode),
            *runs_evidence(clients),
        ),
        environments=environment_names(clients),
        workloads=workload_names(clients),
        about=about_engine(engine),
    )
