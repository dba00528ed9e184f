"""The engines can open more connections than their pooler lets in.

https://www.pgbouncer.org/config.html#max_client_conn
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.arithmetic import grouped
from poollint.budget import Budget, budgets, client_side
from poollint.facts import Client, Evidence, Finding, Known, Origin, Pooler, Project, Setting, value_of
from poollint.rules._budgets import factors, in_environment
from poollint.server_side import ServerSide


def check(project: Project) -> Iterator[Finding]:
    reported: set[tuple[str, str]] = set()
    for budget in budgets(project):
        for side in budget.poolers:
            key = (side.pooler.name, budget.database.name)
            if key not in reported and (door := _too_narrow(side)):
                reported.add(key)
                yield _finding(budget, side, *door)


def _too_narrow(side: ServerSide) -> tuple[str, Known] | None:
    """Return the limit that its clients exceed: what it lets in, in session mode the slots that each of them holds."""
    demand = client_side(_counted(side.clients))
    doors = [("max_client_conn", _times_replicas(side.pooler, side.pooler.max_client_connections))]
    if value_of(side.pooler.mode) == "session":
        doors.append(("server_slots", side.total))
    known = [(name, limit) for name, limit in doors if isinstance(limit, Known) and limit.value]
    narrow = min(known, key=lambda door: door[1].value, default=None)
    if narrow is None or not isinstance(demand, Known) or demand.value <= narrow[1].value:
        return None
    return narrow


def _counted(clients: tuple[Client, ...]) -> list[Client]:
    """The clients whose demand is known: if they alone exceed it, the others do not change that."""
    return [client for client in clients if isinstance(client.steady.lowered, Known)]


def _times_replicas(pooler: Pooler, limit: Setting) -> Setting:
    copies = value_of(pooler.replicas) or 1
    if not isinstance(limit, Known) or copies == 1:
        return limit
    says = f"{limit.origin.says}: {grouped(limit.value)} in each of {copies} replicas"
    return Known(limit.value * copies, Origin(says, limit.origin.location, limit.origin.url), limit.certainty)


def _finding(budget: Budget, side: ServerSide, door: str, limit: Known) -> Finding:
    clients = sorted(_counted(side.clients), key=lambda client: -value_of(client.steady.lowered))
    total = sum(value_of(client.steady.lowered) for client in clients)
    formula = " + ".join(client.steady.formula for client in clients[:3]) + (" + …" if len(clients) > 3 else "")
    refuses = (
        "lets in"
        if door == "max_client_conn"
        else "serves at once, because in session mode each client holds one of its connections,"
    )
    return Finding(
        severity="error",
        message=f"{formula} = {grouped(total)} connections, but {side.pooler.name} {refuses} {grouped(limit.value)}",
        help="Lower the pools or the instances, or raise max_client_conn."
        if door == "max_client_conn"
        else "Lower the pools, raise default_pool_size as far as the database allows, or use transaction mode.",
        location=clients[0].engine.location,
        evidence=(*factors(clients), Evidence(door, limit)),
        environments=in_environment(budget),
        workloads=tuple(dict.fromkeys(client.workload.name for client in clients if client.workload)),
        database=budget.database.name,
        about=(side.pooler.name, budget.database.name, budget.environment or ""),
        total=total,
    )
