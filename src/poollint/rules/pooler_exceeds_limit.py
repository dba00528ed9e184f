"""A pooler may open more connections to the database than it accepts.

https://www.pgbouncer.org/config.html#default_pool_size
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.arithmetic import accepted, grouped
from poollint.budget import Budget, budgets
from poollint.facts import Evidence, Finding, Known, Location, Project, value_of
from poollint.rules._budgets import in_environment, names
from poollint.server_side import ServerSide


def check(project: Project) -> Iterator[Finding]:
    reported: set[tuple[str, str]] = set()
    for budget in budgets(project):
        for side in budget.poolers:
            key = (side.pooler.name, budget.database.name)
            if key not in reported and _exceeds(budget, side):
                reported.add(key)
                yield _finding(budget, side)


def _exceeds(budget: Budget, side: ServerSide) -> bool:
    return (
        isinstance(budget.usable, Known)
        and isinstance(side.total, Known)
        and _place(budget, side) is not None
        and side.total.value > budget.usable.value
    )


def _place(budget: Budget, side: ServerSide) -> Location | None:
    sizes = (setting.origin.location for name, setting in side.factors if name.endswith("pool_size"))
    return next((place for place in sizes if place), side.pooler.location)


def _finding(budget: Budget, side: ServerSide) -> Finding:
    limit, place = budget.database.max_connections, _place(budget, side)
    assert isinstance(limit, Known) and place  # `check` asked
    usable, total = value_of(budget.usable), value_of(side.total)
    fitting = max(1, usable // (value_of(side.pooler.replicas) or 1) // side.databases)
    written = grouped(total) if side.formula == grouped(total) else f"{side.formula} = {grouped(total)}"
    return Finding(
        severity="error",
        message=(
            f"{side.pooler.name} may open {written} connections, but {budget.database.name} accepts {grouped(usable)}"
        ),
        help=f"Set max_db_connections={fitting}, or a smaller default_pool_size.",
        location=place,
        evidence=(
            *(Evidence(name, setting) for name, setting in side.factors),
            Evidence("max_connections", accepted(limit, budget.database.reserved, budget.database.headroom)),
        ),
        environments=in_environment(budget),
        workloads=names(budget),
        database=budget.database.name,
        about=(side.pooler.name, budget.database.name, budget.environment or ""),
        total=total,
    )
