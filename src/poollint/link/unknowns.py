"""The inputs that nothing written gives, and that would decide: at most what a warning or an error needs."""

from __future__ import annotations

from collections.abc import Iterator

from poollint import environments
from poollint.arithmetic import grouped, instances_that_fit
from poollint.budget import Budget, budgets
from poollint.facts import Client, Known, Location, Missing, Project, Setting, Unknown, value_of

_RULE = "connections-exceed-limit"
SMALLEST_LIMIT = 20  # what the smallest plans of managed databases accept: less than that decides nothing
_STOCK_LIMIT = 97  # what a stock PostgreSQL leaves: stands for a limit that is not known
_MOST_COPIES = 40  # more instances or processes are rarely planned: where so many fit, their number decides nothing


def missing(project: Project) -> tuple[Missing, ...]:
    """Return one entry for each input, the most decisive first."""
    found: dict[str, Missing] = {}
    second: dict[str, bool] = {}  # of equals, what is named production comes first
    taken = frozenset(workload.name for workload in project.workloads)
    for budget in budgets(project):
        if environments.is_production(budget.environment):
            for entry in _of_budget(budget, taken):
                if entry.needs not in found or found[entry.needs].weight < entry.weight:
                    found[entry.needs] = entry
                    second[entry.needs] = environments.environment_word(budget.environment or "prod") != "prod"
    decisive = [entry for entry in found.values() if entry.weight]
    return tuple(sorted(decisive, key=lambda entry: (-entry.weight, second[entry.needs], entry.needs)))


def _of_budget(budget: Budget, taken: frozenset[str]) -> Iterator[Missing]:
    if budget.exceeds:
        return  # the verdict stands without them
    counted = [client for client in budget.clients if _is_judged(client)]
    open_ones = [client for client in counted if not isinstance(client.steady.lowered, Known)]
    most = budget.steady + sum(_MOST_COPIES * _one(client) for client in open_ones)
    matters = budget.steady > SMALLEST_LIMIT or most > _STOCK_LIMIT
    if counted and not isinstance(budget.usable, Known) and matters:
        yield _limit(budget, open_ones)
    free = value_of(budget.usable, _STOCK_LIMIT) - budget.steady
    for client in open_ones:
        if _MOST_COPIES * _one(client) > free and (entry := _factor(client, budget, taken)) is not None:
            yield entry


def _is_judged(client: Client) -> bool:
    return client.engine.role in ("service", "worker")


def _limit(budget: Budget, open_ones: list[Client]) -> Missing:
    name = budget.database.name
    # A name that no file defines is that of a variable, a URL's path or the module that connects.
    is_named = budget.database.location or budget.database.provider
    who = name if is_named else f"the database behind {name}"
    demand = f"its clients open up to {_connections(budget.steady)}"
    if open_ones:
        demand = "the demand is not fully known either" if not budget.steady else f"{demand}, as far as known"
    return Missing(
        setting="max_connections",
        reason=f"what {who} accepts is not known ({_reason(budget.database.max_connections)}); {demand}",
        needs=f"{name}.max-connections",
        rules=(_RULE,),
        location=budget.database.location,
        # Without it no other input decides anything; without a deployment it decides nothing itself.
        weight=2 * (budget.steady + sum(_one(client) for client in open_ones if client.workload)),
    )


def _factor(client: Client, budget: Budget, taken: frozenset[str]) -> Missing | None:
    """The first factor of a client's formula that is unknown, with what is known of the rest."""
    for name, setting in client.steady.factors:
        if isinstance(setting, Unknown) and name in ("instances", "processes", "concurrency"):
            return Missing(
                setting=name,
                reason=f"{_subject(client)}: {_reason(setting)}; {_demand(client, budget)}",
                needs=f"{_service(client, taken)}.{name}",
                rules=(_RULE,),
                location=_location(client),
                weight=_one(client),
            )
    return None


def _one(client: Client) -> int:
    """What one instance opens, as far as known; one process where even that is not."""
    if isinstance(client.one.lowered, Known):
        return int(client.one.lowered.value)
    factors = dict(client.steady.factors)
    pool = (value_of(factors.get("pool_size", _ZERO)) or 0) + (value_of(factors.get("max_overflow", _ZERO)) or 0)
    return int(pool * (value_of(factors.get("processes", _ZERO)) or 1))


_ZERO: Setting = Unknown("")


def _demand(client: Client, budget: Budget) -> str:
    factors = dict(client.steady.factors)
    each = _one(client)
    if not each:
        return "its demand depends on it"
    match factors.get("pool_size"), factors.get("max_overflow"):
        case Unknown(), Known(value=overflow):
            return f"each process opens up to {_connections(overflow)} beyond its pool"
        case Known(value=size), Unknown():
            return f"each process keeps up to {_connections(size)} in its pool"
    if not isinstance(factors.get("processes", _ZERO), Known):
        return f"each process opens up to {_connections(each)}"
    text = f"each instance opens up to {_connections(each)}"
    if isinstance(budget.usable, Known):
        fit = instances_that_fit(budget.usable.value - budget.steady, each)
        text += (
            f", so {grouped(fit) if fit else 'not even one'} fit{'' if fit > 1 else 's'} into {budget.database.name}"
        )
    return text


def _connections(count: int) -> str:
    return "1 connection" if count == 1 else f"{grouped(count)} connections"


def _subject(client: Client) -> str:
    return client.workload.name if client.workload else client.engine.name


def _service(client: Client, taken: frozenset[str]) -> str:
    """The name to state: the workload's, else one from the place of the engine that no workload has."""
    if client.workload:
        return client.workload.name
    *folders, file = client.engine.location.path.removesuffix(".py").split("/")
    names = [*(folder for folder in folders if folder not in ("src", "lib")), "app", file]
    return next((name for name in names if name not in taken), f"{file}-service")


def _location(client: Client) -> Location:
    return client.workload.location if client.workload else client.engine.location


def _reason(setting: Setting) -> str:
    return setting.reason if isinstance(setting, Unknown) and setting.reason else "not written"
