"""One instance can open more connections than the platform's built-in database connection carries.

https://cloud.google.com/sql/docs/quotas#cloud-run-limits
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint import providers
from poollint.arithmetic import grouped
from poollint.budget import without_rivals
from poollint.facts import Client, Evidence, Finding, Known, Project, Workload, value_of
from poollint.rules._budgets import factors


def check(project: Project) -> Iterator[Finding]:
    groups: dict[Workload, list[Client]] = {}
    for client in project.clients:
        if client.workload and _uses_connector(client) and isinstance(client.one.lowered, Known):
            groups.setdefault(client.workload, []).append(client)
    for workload, group in groups.items():
        clients = list(without_rivals(group))
        cap = providers.instance_cap(workload.platform, "cloud-sql")
        total = sum(value_of(client.one.lowered, 0) for client in clients)
        if isinstance(cap, Known) and total > cap.value:
            yield _finding(workload, clients, cap, total)


def _uses_connector(client: Client) -> bool:
    """Say whether its connections are sockets below /cloudsql/, by the URL or because nothing else is attached."""
    hosts = [target.host for pool in client.live if (target := value_of(pool.target)) and target.host]
    if hosts:
        return all(host.startswith("/cloudsql/") for host in hosts)
    return bool(client.workload and client.workload.instance_connections and client.database)


def _finding(workload: Workload, clients: list[Client], cap: Known, total: int) -> Finding:
    largest = max(clients, key=lambda client: value_of(client.one.lowered, 0))
    formula = " + ".join(client.one.formula.removeprefix("1 instance × ") for client in clients)
    return Finding(
        severity="error",
        message=(
            f"{formula} = {grouped(total)} connections in one instance of {workload.name}, but its built-in Cloud SQL "
            f"connection carries {grouped(cap.value)}"
        ),
        help="Lower the pool or the processes of an instance, or connect by private IP or a Cloud SQL connector.",
        location=largest.engine.location,
        evidence=(
            *(line for line in factors(clients, "one") if line.name != "instances"),
            Evidence("connector_cap", cap),
        ),
        environments=(workload.environment,) if workload.environment else (),
        workloads=(workload.name,),
        database=largest.database.name if largest.database else None,
        about=(workload.name, workload.environment or ""),
        total=total,
    )
