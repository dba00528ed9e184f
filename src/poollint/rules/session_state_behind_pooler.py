"""Session state is set on a connection that the pooler gives to another client after the transaction.

https://www.pgbouncer.org/features.html#sql-feature-map-for-pooling-modes
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import Client, Engine, Evidence, Finding, Known, Origin, Project, Use, about_engine, value_of
from poollint.link.poolers import shares_connections
from poollint.rules._guards import environment_names, judged, runs_evidence, workload_names


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        uses = [use for use in engine.uses if use.kind == "session-state"]
        sharing = tuple(client for client in clients if client.pooler and _shares(client))
        if uses and sharing:
            yield _finding(engine, sharing, uses)


def _shares(client: Client) -> bool:
    # RDS Proxy pins a session that has state, and so keeps it apart.
    return (
        client.pooler is not None and client.pooler.product != "rds-proxy" and shares_connections(client.pooler) is True
    )


def _finding(engine: Engine, clients: tuple[Client, ...], uses: list[Use]) -> Finding:
    pooler = clients[0].pooler
    assert pooler is not None  # `check` asked
    return Finding(
        severity="warning",
        message=(
            f"{uses[0].says} outlives the transaction, but {pooler.name} "
            f"({pooler.product}, {value_of(pooler.mode)} mode) gives "
            "the connection to other clients: they inherit it, and this one loses it"
        ),
        help="Use SET LOCAL, pg_advisory_xact_lock, or a direct connection (or session mode) for what needs a session.",
        location=engine.location,
        evidence=(
            *(Evidence("session_state", Known(use.kind, Origin(use.says, use.location))) for use in uses[:5]),
            Evidence("mode", pooler.mode),
            *runs_evidence(clients),
        ),
        environments=environment_names(clients),
        workloads=workload_names(clients),
        about=about_engine(engine),
    )
