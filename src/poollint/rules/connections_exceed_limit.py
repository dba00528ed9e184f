"""The workloads can open more connections than the database accepts.

https://docs.sqlalchemy.org/en/20/core/pooling.html#sqlalchemy.pool.QueuePool
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from poollint import providers
from poollint.arithmetic import accepted, grouped
from poollint.budget import Budget, budgets
from poollint.facts import NO_CEILING, Client, Evidence, Finding, Known, Project, Setting, Severity, is_shaky, value_of
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
    if not isinstance(budget.usable, Known) and any(map(_has_ceiling_nobody_wrote, budget.counted)):
        return None
    return "warning" if max(budget.plain, budget.steady) - alone > min(limit, low) else None


def _has_ceiling_nobody_wrote(client: Client) -> bool:
    """Say whether a number that nobody wrote makes the demand: gunicorn's 1,000 greenlets, or an account's 1,000 functions.

    Against a limit that is written this is said; two figures of which neither is written prove nothing.
    """
    numbers = dict(client.steady.factors)
    units, instances = numbers.get("units"), numbers.get("instances")
    opens_what_runs = "pool_size" not in numbers and isinstance(units, Known) and units.certainty == "default" and units.value > 1
    return opens_what_runs or isinstance(instances, Known) and instances.certainty == "estimate"


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
    clients = _sure(budget)
    left_out = budget.steady - sum(value_of(client.steady.lowered) for client in clients)
    left_out -= sum(value_of(side.total, 0) for side in budget.poolers)
    which = "lowered" if budget.steady > min(_limit(budget) or 0, _low(budget)) else "plain"
    total = budget.steady - left_out if which == "lowered" else budget.plain
    text, limit = formula(budget, clients, which), _limit_line(budget, total)
    return Finding(
        severity=severity,
        message=f"{text} = {grouped(total)} connections, {_but(budget, total, which)}",
        help=fits(budget) if isinstance(budget.usable, Known) else _state(budget),
        location=clients[0].engine.location,
        evidence=(*factors(clients), *server_sides(budget), Evidence("max_connections", limit), *_guessed(clients)),
        details=(*_while_rolling(budget), *product_sentence(clients), *_doubtful(left_out), *unnamed(budget)),
        environments=in_environment(budget),
        workloads=names(budget),
        database=budget.database.name,
        about=about_budget(budget),
        total=total,
    )


def _sure(budget: Budget) -> tuple[Client, ...]:
    """The clients to name: those whose numbers are sure, if they exceed the limit alone; else all that are known.

    A finding need not rest on an estimate when the rest is enough.
    """
    sure = tuple(
        c for c in budget.counted if not is_shaky(setting for _, setting in c.steady.factors) and not _guess(c)
    )
    total = sum(value_of(client.steady.lowered) for client in sure)
    enough = isinstance(budget.usable, Known) and total > budget.usable.value
    return sure if enough else budget.counted


def _guess(client: Client) -> Known | None:
    """Return where a client of Compose connects to, when only the example of an env file says so.

    Of the URLs that other platforms fill in, it is the driver that is an estimate: which database they mean is certain.
    """
    if client.workload is None or client.workload.platform != "compose":
        return None
    targets = (pool.target for pool in client.live)
    return next((t for t in targets if isinstance(t, Known) and t.certainty == "estimate"), None)


def _guessed(clients: tuple[Client, ...]) -> tuple[Evidence, ...]:
    """Return the first estimate that makes clients of the database: no finding is surer than it."""
    guesses = [guess for guess in map(_guess, clients) if guess]
    return tuple(Evidence("target", replace(guess, value=str(guess.value))) for guess in guesses[:1])


def _doubtful(count: int) -> tuple[str, ...]:
    return (f"Further clients, whose numbers are less sure, open up to {grouped(count)} more.",) if count > 0 else ()


def _but(budget: Budget, total: int, which: str) -> str:
    database = budget.database
    if not isinstance(budget.usable, Known):
        largest = _largest_default(budget)
        return f"more than the {largest.origin.says}, and no file gives the limit of {database.name}"
    limit = f"but {database.name} accepts {grouped(value_of(budget.usable))}"
    if total <= value_of(budget.usable):
        limit = f"but {database.name} may accept as few as {grouped(_low(budget))}"
    return f"{limit}; {_at_once(budget)}: {grouped(budget.steady)} in all" if which == "plain" else limit


def _at_once(budget: Budget) -> str:
    """Say what lowers the bound: a pool opens a connection only for what runs, unless the code opens more."""
    limits = [(name, value_of(setting)) for client in budget.counted for name, setting in client.steady.factors]
    if any(name == "concurrency" for name, _ in limits):
        return "an instance holds no more than its requests in flight, unless its code opens more"
    if all(value == 1 for name, value in limits if name == "units"):
        return "a process that runs one request or task at a time holds 1, unless its code opens more"
    return "a process holds no more than run in it at once, unless its code opens more"


def _while_rolling(budget: Budget) -> tuple[str, ...]:
    if budget.rollout <= budget.steady:
        return ()
    return (f"During a roll-out old and new instances together hold {grouped(budget.rollout)} instead of {grouped(budget.steady)}.",)


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
