"""A pool of one connection on a server database: requests share it and lose each other's work.

https://docs.sqlalchemy.org/en/20/core/pooling.html#sqlalchemy.pool.StaticPool
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import Evidence, Finding, Pool, Project, about_engine, value_of
from poollint.rules._guards import environment_names, every, judged, place, workload_names

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


def _is_single(pool: Pool) -> bool:
    return pool.is_networked is True and value_of(pool.pool_class) in _WHAT
