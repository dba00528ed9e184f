"""A request gives up before the pool does, so the line for a connection is full of requests nobody waits for.

https://docs.sqlalchemy.org/en/20/core/pooling.html#sqlalchemy.pool.QueuePool.params.timeout
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import (
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
from poollint.rules._guards import environment_names, every, judged, place, seconds, workload_names
from poollint.rules._pools import slots


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        late = tuple(client for client in clients if every(client.live, lambda pool: _outlasts(client, pool)))
        if late and engine.role == "service":
            yield _finding(engine, late)


def _outlasts(client: Client, pool: Pool) -> bool:
    limit, timeout = value_of(_request_timeout(client)), value_of(pool.pool_timeout)
    return (
        isinstance(limit, int | float)
        and isinstance(timeout, int | float)
        and timeout >= limit > 0
        and pool.is_networked is True
        and _can_queue(client, pool)
    )


def _request_timeout(client: Client) -> Setting:
    """What the platform or router gives a request, or what the server itself enforces, the smaller."""
    assert client.workload or not client.process  # a process belongs to a workload
    known = [
        setting
        for setting in (
            client.workload.request_timeout if client.workload else None,
            client.process.request_timeout if client.process and client.process.kind == "web" else None,
        )
        if isinstance(setting, Known)
    ]
    return min(known, key=lambda setting: setting.value) if known else client.live[0].target


def _can_queue(client: Client, pool: Pool) -> bool:
    """Say whether more can run at once in one process than its pool has slots; not knowing is no."""
    room = slots(pool)
    if room is None or client.process is None or client.process.kind != "web":
        return False
    units = value_of(client.process.units)
    limits = [units, value_of(client.process.concurrency)]
    if client.workload and client.workload.concurrency_is_hard:
        limits.append(value_of(client.workload.concurrency))
    return units is not None and room < min(limit for limit in limits if limit is not None)


def _finding(engine: Engine, clients: tuple[Client, ...]) -> Finding:
    client = clients[0]
    pool, limit = client.live[0], _request_timeout(client)
    return Finding(
        severity="warning",
        message=(
            f"pool_timeout is {seconds(value_of(pool.pool_timeout))}, "
            f"but a request ends after {seconds(value_of(limit))}: "
            "under load, connections go to requests that nobody waits for any more"
        ),
        help="Set pool_timeout well below the request timeout: a full pool then fails fast and the line stays short.",
        location=place(engine, pool.pool_timeout),
        evidence=(
            Evidence("pool_timeout", pool.pool_timeout),
            Evidence("request_timeout", limit),
            Evidence("pool_size", pool.pool_size),
            Evidence("max_overflow", pool.max_overflow),
        ),
        environments=environment_names(clients),
        workloads=workload_names(clients),
        about=about_engine(engine),
    )
