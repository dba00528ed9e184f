"""The autoscaler has no ceiling, so no pool is small enough for the database.

https://knative.dev/docs/serving/autoscaling/scale-bounds/
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import NO_CEILING, Client, Evidence, Finding, Project, Workload, value_of
from poollint.rules._guards import judged


def check(project: Project) -> Iterator[Finding]:
    seen: dict[tuple[str, str | None], tuple[Workload, list[Client]]] = {}
    for _, clients in judged(project):
        for client in clients:
            if client.workload and value_of(client.workload.instances) == NO_CEILING and _is_networked(client):
                key = (client.workload.name, client.workload.environment)
                seen.setdefault(key, (client.workload, []))[1].append(client)
    for workload, clients_of in seen.values():
        yield _finding(workload, clients_of)


def _is_networked(client: Client) -> bool:
    return any(pool.is_networked for pool in client.live)


def _finding(workload: Workload, clients: list[Client]) -> Finding:
    is_cron = workload.kind == "cron-job"
    what = "starts a run before the last one ended, and sets no deadline" if is_cron else "scales without a ceiling"
    return Finding(
        severity="note" if is_cron else "warning",
        message=f"{workload.name} {what}: each instance opens its own pool, so no pool size fits any database",
        help="Set activeDeadlineSeconds, or concurrencyPolicy: Forbid."
        if is_cron
        else "Set a maximum number of instances.",
        location=workload.autoscaler or workload.instances.origin.location or workload.location,
        evidence=(
            Evidence("instances", workload.instances),
            *(Evidence("pool_size", client.live[0].pool_size) for client in clients[:3]),
        ),
        environments=(workload.environment,) if workload.environment else (),
        workloads=(workload.name,),
        about=(workload.location.path, workload.name, workload.environment or ""),
    )
