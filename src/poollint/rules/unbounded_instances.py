"""The autoscaler has no ceiling, so no pool is small enough for the database.

https://knative.dev/docs/serving/autoscaling/scale-bounds/
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import NO_CEILING, Client, Evidence, Finding, Project, Setting, Workload, value_of
from poollint.rules._guards import judged


def check(project: Project) -> Iterator[Finding]:
    seen: dict[tuple[str, str | None], tuple[Workload, list[Client]]] = {}
    for _, clients in judged(project):
        for client in clients:
            if client.workload and _ceiling(client.workload) is not None and _is_networked(client):
                key = (client.workload.name, client.workload.environment)
                seen.setdefault(key, (client.workload, []))[1].append(client)
    for workload, clients_of in seen.values():
        yield _finding(workload, clients_of)


def _ceiling(workload: Workload) -> Setting | None:
    """Return the number without a ceiling: of instances, or of the runs of a CronJob that may overlap."""
    numbers = [workload.instances]
    if workload.kind == "cron-job":
        numbers.append(workload.rollout_instances)
    return next((number for number in numbers if value_of(number) == NO_CEILING), None)


def _is_networked(client: Client) -> bool:
    return any(pool.is_networked for pool in client.live)


def _finding(workload: Workload, clients: list[Client]) -> Finding:
    is_cron = workload.kind == "cron-job"
    number = _ceiling(workload)
    assert number is not None  # `check` asked
    return Finding(
        severity="note" if is_cron else "warning",
        message=_OVERLAPS.format(workload.name) if is_cron else _SCALES.format(workload.name),
        help="Set activeDeadlineSeconds, or concurrencyPolicy: Forbid."
        if is_cron
        else "Set a maximum number of instances.",
        location=workload.autoscaler or number.origin.location or workload.location,
        evidence=(
            Evidence("instances", number),
            *(Evidence("pool_size", client.live[0].pool_size) for client in clients[:3]),
        ),
        environments=(workload.environment,) if workload.environment else (),
        workloads=(workload.name,),
        about=(workload.location.path, workload.name, workload.environment or ""),
    )


_SCALES = "{} scales without a ceiling: each instance opens its own pool, so no pool size fits any database"
_OVERLAPS = "{} starts a run even while earlier ones last, and no deadline ends them: each opens its own pool"
