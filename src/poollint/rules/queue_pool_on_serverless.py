"""A function instance serves one request at a time, so its pool only keeps a connection open while it is frozen.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from poollint.facts import Client, Engine, Evidence, Finding, Pool, Project, Unknown, about_engine, value_of
from poollint.rules._guards import QUEUES, environment_names, every, judged, keeps_connections, place, runs_evidence, workload_names
from poollint.rules._pools import sizes


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        alone = (client for client in clients if _is_frozen(client) and not any(map(_is_told_of_a_proxy, client.live)))
        frozen = tuple(client for client in alone if every(client.live, _keeps_several))
        if frozen and keeps_connections(engine):
            yield _finding(engine, frozen)


def _is_frozen(client: Client) -> bool:
    return client.life == "per-invocation" and client.pooler is None


# What an address is called that no file gives: `module.rds.proxy_endpoint`, `POOLER_URL`.
_PROXY = re.compile(r"proxy|pooler|pooled|bouncer", re.IGNORECASE)


def _is_told_of_a_proxy(pool: Pool) -> bool:
    """Say whether the name of an address that is not readable speaks of a pooler: there may be one."""
    unread = pool.target.reason if isinstance(pool.target, Unknown) else ""
    return any(_PROXY.search(text) for text in (unread, *pool.identities))


def _keeps_several(pool: Pool) -> bool:
    size, overflow = value_of(pool.pool_size), value_of(pool.max_overflow)
    return (
        pool.is_networked is True
        and value_of(pool.pool_class) in QUEUES
        and isinstance(size, int)
        and isinstance(overflow, int)
        and (size == 0 or overflow < 0 or size + overflow > 1)
    )


def _finding(engine: Engine, clients: tuple[Client, ...]) -> Finding:
    pool = clients[0].live[0]
    return Finding(
        severity="warning",
        message=(
            f"a pool of {sizes(pool)} in a function that serves one request at a time: every frozen instance holds "
            "one idle connection, not pool_size, and nothing closes it while it is frozen"
        ),
        help=(
            "Use NullPool, or pool_size=1 with max_overflow=0 and pool_pre_ping=True, "
            "or put a pooler in front of the database."
        ),
        location=place(engine, pool.pool_size),
        evidence=(
            Evidence("pool_size", pool.pool_size),
            Evidence("max_overflow", pool.max_overflow),
            *runs_evidence(clients),
        ),
        environments=environment_names(clients),
        workloads=workload_names(clients),
        about=about_engine(engine),
    )
