"""The steady state fits, but during a roll-out old and new instances together open more than the database accepts.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.arithmetic import accepted, grouped
from poollint.budget import Budget, budgets
from poollint.facts import Client, Evidence, Finding, Known, Project, value_of
from poollint.rules import connections_exceed_limit
from poollint.rules._budgets import (
    about_budget,
    by_database,
    factors,
    fits,
    formula,
    in_environment,
    names,
    server_sides,
    unnamed,
    worst,
)


def check(project: Project) -> Iterator[Finding]:
    for group in by_database(budgets(project)):
        over = [budget for budget in group if _exceeds_while_rolling(budget)]
        if over and not any(connections_exceed_limit.verdict(budget) for budget in group):
            yield _finding(worst(over))


def _exceeds_while_rolling(budget: Budget) -> bool:
    return (
        bool(budget.counted)
        and isinstance(budget.usable, Known)
        and budget.steady <= budget.usable.value < budget.rollout
    )


def _finding(budget: Budget) -> Finding:
    database = budget.database
    assert isinstance(database.max_connections, Known)  # `check` asked
    text = formula(budget, budget.counted, when="rollout")
    return Finding(
        severity="warning",
        message=(
            f"while rolling out, {text} = {grouped(budget.rollout)} connections, "
            f"but {database.name} accepts {grouped(value_of(budget.usable))}; {grouped(budget.steady)} afterwards"
        ),
        help=f"{fits(budget)} Or let fewer instances overlap during a roll-out.",
        location=_growing(budget)[0].engine.location,
        evidence=(
            *factors(budget.counted, "rollout"),
            *server_sides(budget),
            Evidence("max_connections", accepted(database.max_connections, database.reserved, database.headroom)),
        ),
        details=unnamed(budget),
        environments=in_environment(budget),
        workloads=names(budget),
        database=database.name,
        about=about_budget(budget),
        total=budget.rollout,
    )


def _growing(budget: Budget) -> list[Client]:
    """The clients that overlap, the one that grows most first."""
    return sorted(budget.counted, key=lambda c: value_of(c.steady.lowered, 0) - value_of(c.rollout.lowered, 0))
