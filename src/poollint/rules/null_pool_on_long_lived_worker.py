"""A process that lives long opens a new connection for every unit of work, and nothing limits how many at once.

https://docs.sqlalchemy.org/en/20/core/pooling.html#sqlalchemy.pool.NullPool
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import Client, Database, Engine, Evidence, Finding, Known, Origin, Project, about_engine, value_of
from poollint.link.hosts import is_local
from poollint.rules._guards import environment_names, every, judged, keeps_connections, place, runs_evidence, workload_names


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        paying = tuple(client for client in clients if _reconnects(project, client) and not _may_pool(project, client))
        is_right = _starts_loops(engine) or not keeps_connections(engine)
        if paying and engine.role in ("service", "worker") and not is_right:
            yield _finding(project, engine, paying)


def _reconnects(project: Project, client: Client) -> bool:
    return (
        client.life == "long-lived"
        and client.pooler is None
        and (_is_direct(client) or bool(_servers_beside(project, client)))
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


def _servers_beside(project: Project, client: Client) -> tuple[Database, ...]:
    """Return what an unread URL leads to, where the same Compose project brings the server: nothing here is a pooler."""
    workload, targets = client.workload, [value_of(pool.target) for pool in client.live]
    if workload is None or project.poolers or any(target is not None and target.host for target in targets):
        return ()
    brought = [each for each in project.databases if each.platform == workload.platform == "compose" and each.unit == workload.unit]
    is_known = {value_of(pool.dialect) for pool in client.live} == {each.dialect for each in brought}
    return tuple(brought) if is_known else ()


def _starts_loops(engine: Engine) -> bool:
    """A connection belongs to the event loop that opened it: with a loop per task, NullPool is right."""
    return any(use.kind == "new-loop" for use in engine.uses)


def _finding(project: Project, engine: Engine, clients: tuple[Client, ...]) -> Finding:
    pool = clients[0].live[0]
    trips = "nine" if value_of(pool.driver) == "asyncpg" else "eight"
    server = clients[0].database
    is_direct = _is_direct(clients[0])
    target = server.name if server and is_direct else "the database"
    beside = () if is_direct else _servers_beside(project, clients[0])
    return Finding(
        severity="warning",
        message=(
            f"NullPool opens a new connection to {target} for every unit of work: {trips} round trips before the first "
            "statement instead of none, and no limit on how many at once"
        ),
        help="Leave poolclass out: a pool keeps connections for the next request and limits how many are open.",
        location=place(engine, pool.pool_class),
        evidence=(Evidence("pool_class", pool.pool_class), *_processes(clients), *_brought(beside), *runs_evidence(clients)),
        environments=environment_names(clients),
        workloads=workload_names(clients),
        about=about_engine(engine),
    )


def _brought(servers: tuple[Database, ...]) -> Iterator[Evidence]:
    for server in servers:
        yield Evidence("server", Known(server.name, Origin("the server of the same Compose project", server.location)))


def _processes(clients: tuple[Client, ...]) -> Iterator[Evidence]:
    for client in clients:
        if client.process and isinstance(client.process.processes, Known):
            yield Evidence("processes", client.process.processes)
