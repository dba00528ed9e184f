"""No file gives the limit of a database that needs more connections than a stock server accepts.

https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-MAX-CONNECTIONS
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint import environments, providers
from poollint.arithmetic import grouped, limit_needed
from poollint.budget import Budget, budgets
from poollint.facts import Evidence, Finding, Known, Project, Unknown, value_of
from poollint.rules import connections_exceed_limit
from poollint.rules._budgets import about_budget, by_database, factors, formula, in_environment, names, unnamed, worst


def check(project: Project) -> Iterator[Finding]:
    for group in by_database(budgets(project)):
        open_ones = [budget for budget in group if _needs_more_than_stock(budget)]
        if open_ones and not any(connections_exceed_limit.verdict(budget) for budget in group):
            yield _finding(worst(open_ones))


def _needs_more_than_stock(budget: Budget) -> bool:
    stock = providers.stock_default(budget.database.dialect)
    return (
        isinstance(budget.usable, Unknown)
        and environments.is_production(budget.environment)
        and any(client.engine.role != "library" for client in budget.counted)  # what its users connect to is theirs
        and isinstance(stock, Known)
        and budget.steady > stock.value
    )


def _finding(budget: Budget) -> Finding:
    database = budget.database
    stock = providers.stock_default(database.dialect)
    needed = limit_needed(budget.steady, database.reserved, database.headroom)
    return Finding(
        severity="note",
        message=(
            f"{formula(budget, budget.counted)} = {grouped(budget.steady)} connections: {database.name} needs a server "
            f"that accepts {grouped(needed)}, and no file says what it accepts"
        ),
        help=(
            f"State it with --assume {database.name}.max-connections=N; "
            f"a stock server accepts {grouped(value_of(stock))}."
        ),
        location=budget.counted[0].engine.location,
        evidence=(*factors(budget.counted), Evidence("max_connections", stock)),
        details=unnamed(budget),
        environments=in_environment(budget),
        workloads=names(budget),
        database=database.name,
        about=about_budget(budget),
        total=budget.steady,
    )
