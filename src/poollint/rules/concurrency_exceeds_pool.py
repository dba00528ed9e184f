"""Many more requests get into one process than its pool has connections, so most of them wait in line.

https://docs.sqlalchemy.org/en/20/errors.html#error-3o7r
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import (
    NO_CEILING,
    Client,
    Engine,
    Evidence,
    Finding,
    Known,
    Pool,
    Project,
    Setting,
    about_engine,
    value_of,
)
from poollint.rules._guards import environment_names, every, judged, keeps_connections, place, workload_names
from poollint.rules._pools import sizes, slots

TIMES = 4


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        crowded = tuple(client for client in clients if every(client.live, lambda pool: _is_crowded(client, pool)))
        if crowded and engine.role in ("service", "worker") and keeps_connections(engine):
            yield _finding(engine, crowded)


def _is_crowded(client: Client, pool: Pool) -> bool:
    room = slots(pool)
    return bool(pool.is_networked) and room is not None and TIMES * room < _requests(client) < NO_CEILING


def _requests(client: Client) -> float:
    """Return the requests that hard limits let into one process; 0 when no hard limit is known.

    The limit of an instance is shared by its processes: less than its share into one of them is the usual case.
    """
    limits = [value for value in (_of_instance(client), _of_server(client)) if value is not None]
    units = value_of(client.process.units, 0) if client.process else 0
    return min(*limits, units, NO_CEILING) if limits else 0


def _of_instance(client: Client) -> float | None:
    workload, process = client.workload, client.process
    if workload is None or process is None or not workload.concurrency_is_hard or process.kind != "web":
        return None
    concurrency, processes = value_of(workload.concurrency), value_of(process.processes)
    return concurrency / processes if concurrency and processes else None


def _of_server(client: Client) -> float | None:
    return value_of(client.process.concurrency) if client.process else None


def _finding(engine: Engine, clients: tuple[Client, ...]) -> Finding:
    client = max(clients, key=_requests)
    pool = client.live[0]
    requests = int(_requests(client))
    limit = _limit(client)
    return Finding(
        severity="note",
        message=(
            f"{requests:,} requests can be in one process at once, more than {TIMES} times its pool of {sizes(pool)}: "
            "the others wait up to pool_timeout and then fail"
        ),
        help="Lower the request concurrency toward the pool, or enlarge the pool as far as the database allows.",
        location=place(engine, pool.pool_size),
        evidence=(
            Evidence("concurrency", limit),
            Evidence("processes", client.process.processes if client.process else limit),
            Evidence("pool_size", pool.pool_size),
            Evidence("max_overflow", pool.max_overflow),
        ),
        environments=environment_names(clients),
        workloads=workload_names(clients),
        about=about_engine(engine),
    )


def _limit(client: Client) -> Setting:
    if client.process and isinstance(client.process.concurrency, Known):
        return client.process.concurrency
    assert client.workload is not None  # one of the two limits is known
    return client.workload.concurrency
