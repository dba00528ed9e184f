"""The workloads can open more connections than the database accepts.

https://docs.sqlalchemy.org/en/20/core/pooling.html#sqlalchemy.pool.QueuePool
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint import providers
from poollint.arithmetic import accepted, grouped
from poollint.budget import Budget, budgets
from poollint.facts import NO_CEILING, Evidence, Finding, Known, Project, Setting, Severity, value_of
from poollint.rules._budgets import (
    about_budget,
    by_database,
    factors,
    fits,
    formula,
    in_environment,
    names,
    product_sentence,
    server_sides,
    unnamed,
    worst,
)


def check(project: Project) -> Iterator[Finding]:
    for group in by_database(budgets(project)):
        over = [budget for budget in group if verdict(budget)]
        if over:
            yield _finding(worst(over))


def verdict(budget: Budget) -> Severity | None:
    """Error when even the lowered bound exceeds; warning when only the plain one does, or only a doubtful limit."""
    if not budget.counted:
        return None
    # A pooler that is too large by itself is a finding of its own.
    alone = sum(_too_large_alone(budget))
    limit, low = _limit(budget), _low(budget)
    if limit is None:
        return None
    if isinstance(budget.usable, Known) and budget.steady - alone > limit:
        return "error"
    return "warning" if max(budget.plain, budget.steady) - alone > min(limit, low) else None


def _too_large_alone(budget: Budget) -> Iterator[int]:
    for side in budget.poolers:
        if isinstance(budget.usable, Known) and value_of(side.total, 0) > budget.usable.value:
            yield side.total.value  # type: ignore[union-attr]


def _limit(budget: Budget) -> float | None:
    """What is usable; with the limit unknown, the largest default that the product, or any with the dialect, has."""
    if isinstance(budget.usable, Known):
        return budget.usable.value if budget.usable.value != NO_CEILING else None
    largest = _largest_default(budget)
    return largest.value if isinstance(largest, Known) and largest.value != NO_CEILING else None


def _low(budget: Budget) -> float:
    low = value_of(budget.database.low_estimate)
    return NO_CEILING if low is None else low - (value_of(budget.database.reserved) or 0)


def _largest_default(budget: Budget) -> Setting:
    database = budget.database
    provider = providers.get(database.provider) if database.provider else None
    if provider and isinstance(provider.largest_default, Known):
        return provider.largest_default
    return providers.largest_default_of_dialect(database.dialect)


def _finding(budget: Budget) -> Finding:
    severity = verdict(budget)
    assert severity  # `check` asked
    which = "lowered" if budget.steady > min(_limit(budget) or 0, _low(budget)) else "plain"
    total = budget.steady if which == "lowered" else budget.plain
    limit = _limit_line(budget, total)
    text, lead = formula(budget, budget.counted, which), budget.counted[0]
    return Finding(
        severity=severity,
        message=f"{text} = {grouped(total)} connections, {_but(budget, total, which)}",
        help=fits(budget) if isinstance(budget.usable, Known) else _state(budget),
        location=lead.engine.location,
        evidence=(*factors(budget.counted), *server_sides(budget), Evidence("max_connections", limit)),
        details=(*product_sentence(budget.counted), *unnamed(budget)),
        environments=in_environment(budget),
        workloads=names(budget),
        database=budget.database.name,
        about=about_budget(budget),
        total=total,
    )


def _but(budget: Budget, total: int, which: str) -> str:
    database = budget.database
    if not isinstance(budget.usable, Known):
        largest = _largest_default(budget)
        return f"more than the {largest.origin.says}, and no file gives the limit of {database.name}"
    limit = f"but {database.name} accepts {grouped(value_of(budget.usable))}"
    if total <= value_of(budget.usable):
        limit = f"but {database.name} may accept as few as {grouped(_low(budget))}"
    return f"{limit}; what can run at once needs {grouped(budget.steady)} of them" if which == "plain" else limit


def _limit_line(budget: Budget, total: int) -> Known:
    database = budget.database
    if not isinstance(database.max_connections, Known):
        largest = _largest_default(budget)
        assert isinstance(largest, Known)  # the verdict rests on it
        return Known(largest.value, largest.origin, "default")
    if total <= value_of(budget.usable):
        return accepted(database.low_estimate, database.reserved, database.headroom)  # type: ignore[arg-type]
    # What exceeds even without the doubtful part of the reserve does not rest on that part.
    sure = accepted(database.max_connections, database.sure_reserved, database.headroom)
    line = accepted(database.max_connections, database.reserved, database.headroom)
    return Known(line.value, line.origin, sure.certainty) if total > sure.value else line


def _state(budget: Budget) -> str:
    return f"State what it accepts: --assume {budget.database.name}.max-connections=N, or its tier."
