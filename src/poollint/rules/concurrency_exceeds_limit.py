"""The guides' product of request concurrency, instances and pool_size exceeds a limit that the pools respect.

https://cloud.google.com/sql/docs/postgres/manage-connections
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.arithmetic import accepted, grouped
from poollint.budget import Budget, budgets
from poollint.facts import Client, Evidence, Finding, Known, Project, value_of
from poollint.rules import connections_exceed_limit
from poollint.rules._budgets import about_budget, by_database, factors, guides_product, in_environment, names, worst


def check(project: Project) -> Iterator[Finding]:
    for group in by_database(budgets(project)):
        if any(connections_exceed_limit.verdict(budget) for budget in group):
            continue  # that finding carries the product
        over = [budget for budget in group if _exceeds(budget)]
        if over:
            yield _finding(worst(over))


def _exceeds(budget: Budget) -> bool:
    product = guides_product(budget.counted)
    return product is not None and isinstance(budget.usable, Known) and product[0] > budget.usable.value


def _finding(budget: Budget) -> Finding:
    database = budget.database
    product = guides_product(budget.counted)
    assert product and isinstance(database.max_connections, Known)  # `check` asked
    total, text = product
    client = _of(budget, total)
    return Finding(
        severity="note",
        message=(
            f"request concurrency × instances × pool_size = {text} = {grouped(total)} exceeds the "
            f"{grouped(value_of(budget.usable))} that {database.name} accepts, but the pools open at most "
            f"{grouped(budget.steady)}: requests beyond a pool wait in line"
        ),
        help="Nothing breaks at the database; lower the request concurrency if waiting for pool_timeout is too long.",
        location=client.engine.location,
        evidence=(
            Evidence("concurrency", client.workload.concurrency),  # type: ignore[union-attr]
            *factors(budget.counted),
            Evidence("max_connections", accepted(database.max_connections, database.reserved, database.headroom)),
        ),
        environments=in_environment(budget),
        workloads=names(budget),
        database=database.name,
        about=about_budget(budget),
        total=total,
    )


def _of(budget: Budget, total: int) -> Client:
    return next(client for client in budget.counted if (guides_product([client]) or (0, ""))[0] == total)
