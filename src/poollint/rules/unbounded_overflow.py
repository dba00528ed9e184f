"""A pool on a server database has no upper limit, so nothing but load decides how many connections it opens.

https://docs.sqlalchemy.org/en/20/core/pooling.html#sqlalchemy.pool.QueuePool.params.max_overflow
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.arithmetic import cap_of, grouped
from poollint.facts import Client, Engine, Evidence, Finding, Known, Pool, Project, Setting, about_engine, value_of
from poollint.rules._guards import environment_names, every, judged, place, runs_evidence, workload_names


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        open_ones = tuple(client for client in clients if every(client.live, lambda pool: _is_unlimited(engine, pool)))
        if open_ones and engine.role not in ("migration", "script"):
            yield _finding(engine, open_ones)


def _is_unlimited(engine: Engine, pool: Pool) -> bool:
    # An engine per call has no cap either, but that is a problem of its own.
    cap = cap_of(pool, sqlalchemy=engine.sqlalchemy)
    return pool.is_networked is True and cap.uncapped in ("unlimited overflow", "pool_size=0")


def _finding(engine: Engine, clients: tuple[Client, ...]) -> Finding:
    pool = clients[0].live[0]
    setting, what = _cause(pool)
    capped = all(isinstance(client.steady.lowered, Known) for client in clients)
    demand = sum(value_of(client.steady.lowered, 0) for client in clients)
    effect = (
        f"only what runs at once limits it, {grouped(demand)} connections"
        if capped
        else "every burst opens as many as it asks for"
    )
    return Finding(
        severity="warning" if capped else "error",
        message=f"{what} lets the pool open connections without limit: {effect}",
        help="Set max_overflow to a number (default: 10): a burst then waits instead of exhausting the server.",
        location=place(engine, setting),
        evidence=(Evidence("max_overflow" if "overflow" in what else "pool_size", setting), *runs_evidence(clients)),
        environments=environment_names(clients),
        workloads=workload_names(clients),
        about=about_engine(engine),
    )


def _cause(pool: Pool) -> tuple[Setting, str]:
    if value_of(pool.pool_size) == 0:
        return pool.pool_size, "pool_size=0"
    return pool.max_overflow, f"max_overflow={value_of(pool.max_overflow)}"
