"""A process that lives long opens a new connection for every unit of work, and nothing limits how many at once.

https://docs.sqlalchemy.org/en/20/core/pooling.html#sqlalchemy.pool.NullPool
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import Client, Engine, Evidence, Finding, Known, Project, about_engine, value_of
from poollint.link.hosts import is_local
from poollint.rules._guards import environment_names, every, judged, keeps_connections, place, runs_evidence, workload_names


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        paying = tuple(client for client in clients if _reconnects(project, client) and not _may_pool(project, client))
        is_right = _starts_loops(engine) or not keeps_connections(engine)
        if paying and engine.role in ("service", "worker") and not is_right:
            yield _finding(engine, paying)


def _reconnects(project: Project, client: Client) -> bool:
    return (
        client.life == "long-lived"
        and client.pooler is None
        and (_is_direct(client) or _is_beside_its_server(project, client))
        and (client.process is None or client.process.kind in ("web", "worker", "task-runner"))
        and every(client.live, lambda pool: pool.is_networked is True and value_of(pool.pool_class) == "NullPool")
    )


def _may_pool(project: Project, client: Client) -> bool:
    """Say whether the same workload may make an engine with a pool instead: another branch has it, and nobody knows which."""
    instead = (each for each in project.clients if each.engine.location in client.engine.rivals and each.workload == client.workload)
    return any(pool.is_networked and value_of(pool.pool_class) != "NullPool" for each in instead for pool in each.live)


def _is_direct(client: Client) -> bool:
    """Say whether it is known where the connection goes: behind an unread URL there may be a pooler."""
    if client.database is not None and client.database.location is not None:
        return True
    targets = [value_of(pool.target) for pool in client.live]
    return all(target is not None and target.host and not is_local(target.host) for target in targets)


def _is_beside_its_server(project: Project, client: Client) -> bool:
    """Say whether an unread URL leads to the server that the same Compose project brings: nothing here is a pooler."""
    workload, targets = client.workload, [value_of(pool.target) for pool in client.live]
    if workload is None or project.poolers or any(target is not None and target.host for target in targets):
        return False
    brought = [each for each in project.databases if each.platform == workload.platform == "compose" and each.unit == workload.unit]
    return {value_of(pool.dialect) for pool in client.live} == {each.dialect for each in brought}


def _starts_loops(engine: Engine) -> bool:
    """A connection belongs to the event loop that opened it: with a loop per task, NullPool is right."""
    return any(use.kind == "new-loop" for use in engine.uses)


def _finding(engine: Engine, clients: tuple[Client, ...]) -> Finding:
    pool = clients[0].live[0]
    trips = "nine" if value_of(pool.driver) == "asyncpg" else "eight"
    server = clients[0].database
    target = server.name if server and _is_direct(clients[0]) else "the database"
    return Finding(
        severity="warning",
        message=(
            f"NullPool opens a new connection to {target} for every unit of work: {trips} round trips before the first "
            "statement instead of none, and no limit on how many at once"
        ),
        help="Leave poolclass out: a pool keeps connections for the next request and limits how many are open.",
        location=place(engine, pool.pool_class),
        evidence=(Evidence("pool_class", pool.pool_class), *_processes(clients), *runs_evidence(clients)),
        environments=environment_names(clients),
        workloads=workload_names(clients),
        about=about_engine(engine),
    )


def _processes(clients: tuple[Client, ...]) -> Iterator[Evidence]:
    for client in clients:
        if client.process and isinstance(client.process.processes, Known):
            yield Evidence("processes", client.process.processes)
