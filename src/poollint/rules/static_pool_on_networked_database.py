"""A pool of one connection on a server database: requests share it and lose each other's work.

https://docs.sqlalchemy.org/en/20/core/pooling.html#sqlalchemy.pool.StaticPool
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint import environments
from poollint.facts import Client, Engine, Evidence, Finding, Pool, Project, about_engine, value_of
from poollint.rules._guards import environment_names, every, judged, place, workload_names
from poollint.versions import declared

_WHAT = {
    "StaticPool": "all requests share one connection, and a rollback of one undoes the work of another",
    "SingletonThreadPool": "connections that other threads are using are closed",
    "AssertionPool": "the second request at a time fails",
}


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        affected = tuple(client for client in clients if every(client.live, _is_single))
        if engine.role not in ("service", "worker", "library") or not (
            affected or (not clients and every(engine.live, _is_single))
        ):
            continue
        if _serves_one_at_a_time(project, engine, clients):
            continue
        pool = (affected[0].live if affected else engine.live)[0]
        name = value_of(pool.pool_class)
        yield Finding(
            severity="error",
            message=f"{name} on {value_of(pool.dialect, 'a server database')}: {_WHAT[name]}",
            help="Leave poolclass out on a server database, and keep it for SQLite.",
            location=place(engine, pool.pool_class),
            evidence=(Evidence("pool_class", pool.pool_class), Evidence("dialect", pool.dialect)),
            environments=() if every(engine.live, _is_single) else environment_names(affected),
            workloads=workload_names(affected),
            about=about_engine(engine),
        )


def _serves_one_at_a_time(project: Project, engine: Engine, clients: tuple[Client, ...]) -> bool:
    """Say whether only functions run it: nobody else is there to share the connection with.

    Mangum adapts an application to AWS Lambda, and to nothing else.
    """
    deployed = [client for client in clients if client.workload and environments.is_production(client.environment)]
    if deployed:
        return all(client.life == "per-invocation" for client in deployed)
    return any(version.required for version in declared(project.versions, "mangum", engine.location.path))


def _is_single(pool: Pool) -> bool:
    return pool.is_networked is True and value_of(pool.pool_class) in _WHAT
