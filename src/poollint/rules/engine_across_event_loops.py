"""An asyncpg engine keeps connections of one event loop, and code that starts a new loop per task, call or iteration uses it.

https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#using-multiple-asyncio-event-loops
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint import environments
from poollint.facts import Client, Evidence, Finding, Known, Origin, Pool, Project, Use, about_engine, value_of
from poollint.rules._guards import QUEUES, every, judged, workload_names


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        loops = [use for use in engine.uses if use.kind == "new-loop"]
        # An engine that is made anew for each task keeps nothing from one loop to the next.
        if not loops or engine.role not in ("service", "worker") or value_of(engine.per_call):
            continue
        # Where the code leaves driver or pool open, production says what they are.
        pools = next((live for live in (engine.live, *_running(clients)) if every(live, _keeps_connections)), None)
        if pools is None:
            continue
        pool = pools[0]
        yield Finding(
            severity="error",
            message=f"{_count(loops)} a new event loop for each task, call or iteration on this asyncpg pool, "
            "whose connections belong to the loop that opened them",
            help="Use poolclass=NullPool for this engine, or dispose it before the loop ends.",
            location=engine.location,
            evidence=(Evidence("driver", pool.driver), Evidence("pool_class", pool.pool_class), *_evidence(loops)),
            workloads=workload_names(clients),
            about=about_engine(engine),
        )


def _running(clients: tuple[Client, ...]) -> list[tuple[Pool, ...]]:
    """Return the pools of production that the loops use: those of its workers, where it has any."""
    served = [client for client in clients if environments.is_production(client.environment)]
    workers = [client for client in served if client.process and client.process.kind == "worker"]
    return [client.live for client in workers or served]


def _keeps_connections(pool: Pool) -> bool:
    """psycopg survives a change of loops; NullPool has nothing to carry over."""
    return value_of(pool.driver) == "asyncpg" and value_of(pool.pool_class) in QUEUES


def _count(loops: list[Use]) -> str:
    return "1 place starts" if len(loops) == 1 else f"{len(loops)} places start"


def _evidence(loops: list[Use]) -> Iterator[Evidence]:
    for use in loops:
        yield Evidence("event loop", Known("new", Origin(use.says, use.location)))
