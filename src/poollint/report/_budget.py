"""Who may open how many connections to which database: `poollint budget`, for people, programs and pull requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from poollint.arithmetic import Recommendation, accepted
from poollint.budget import Budget, budgets, fitting_pool, recommendations
from poollint.escape import clean
from poollint.facts import NO_CEILING, Client, Database, Known, Missing, Origin, Project, Setting, Unknown, weakest
from poollint.report import _data
from poollint.report._markdown import escaped
from poollint.report._values import shown, unknown_line, why
from poollint.server_side import ServerSide


def steady(budget: Budget) -> Setting:
    return _demand(budget, budget.steady)


def rollout(budget: Budget) -> Setting:
    return _demand(budget, budget.rollout)


def headroom(budget: Budget) -> Setting:
    """What is left of the usable connections at steady state."""
    if not isinstance(budget.usable, Known):
        return budget.usable
    demand = steady(budget)
    if not isinstance(demand, Known):
        return demand
    return Known(budget.usable.value - demand.value, Origin("usable less steady"), weakest((budget.usable, demand)))


def _demand(budget: Budget, number: int) -> Setting:
    if budget.unknown:
        names = ", ".join(dict.fromkeys(map(_who, budget.unknown)))
        others = f"; the others open up to {number:,}" if number else ""
        return Unknown(f"how many {names} opens is not known{others}")
    settings = [client.steady.lowered for client in budget.direct] + [side.total for side in budget.poolers]
    return Known(number, Origin("sum of its clients"), weakest(settings))


def _who(client: Client) -> str:
    return client.workload.name if client.workload else client.engine.name


def _missing(budget: Budget, project: Project) -> list[Missing]:
    names = {budget.database.name, *map(_who, budget.clients)}
    places = {client.engine.location for client in budget.clients}
    return [one for one in project.missing if one.needs.rpartition(".")[0] in names or one.location in places]


def notes(budget: Budget) -> Iterator[str]:
    """Yield what is worth a line and is no finding: slots that can never be used, the pool that would fit."""
    for client in budget.direct:
        plain, lowered = client.steady.plain, client.steady.lowered
        if isinstance(plain, Known) and isinstance(lowered, Known) and plain.value > lowered.value:
            unused = plain.value - lowered.value
            yield f"{_who(client)} can never use {unused:,} of the {plain.value:,} connections its pools allow"
    for client in budget.unknown:
        if (pool := fitting_pool(budget, client)) is not None:
            yield f"{_who(client)}: a pool of {pool:,} connections per process fits, but its size is not known"


def idle_poolers(project: Project) -> list[str]:
    """Return the poolers that no client goes through."""
    used = {client.pooler.name for client in project.clients if client.pooler}
    return sorted({pooler.name for pooler in project.poolers} - used)


# -- for programs --------------------------------------------------------------------------------------------------


def as_json(project: Project) -> str:
    databases = [_database(budget, project) for budget in budgets(project)]
    return _data.dumps({"version": _data.VERSION, "databases": databases, "unused_poolers": idle_poolers(project)})


def _database(budget: Budget, project: Project) -> dict[str, Any]:
    database = budget.database
    return {
        "name": database.name,
        "environment": budget.environment,
        "max_connections": _data.setting(database.max_connections),
        "reserved": _data.setting(database.reserved),
        "headroom_reserved": _data.setting(database.headroom),
        "usable": _data.setting(budget.usable),
        "steady": _data.setting(steady(budget)),
        "rollout": _data.setting(rollout(budget)),
        "headroom": _data.setting(headroom(budget)),
        "clients": [_client(client) for client in budget.clients],
        "poolers": [_pooler(side) for side in budget.poolers],
        "recommended": [
            {
                "engine": client.engine.name,
                "workload": client.workload.name if client.workload else None,
                "pool_size": one.pool_size,
                "max_overflow": one.max_overflow,
            }
            for client, one in recommendations(budget)
            if one.share >= 1
        ],
        "notes": list(notes(budget)),
        "unknowns": [_data.unknown(one) for one in _missing(budget, project)],
    }


def _client(client: Client) -> dict[str, Any]:
    return {
        "engine": client.engine.name,
        "workload": client.workload.name if client.workload else None,
        "pooler": client.pooler.name if client.pooler else None,
        "formula": client.steady.formula,
        "connections": {**_data.setting(client.steady.lowered), "plain": _data.setting(client.steady.plain)},
        "rollout_connections": _data.setting(client.rollout.lowered),
        "factors": [{"name": name, **_data.setting(factor)} for name, factor in client.steady.factors],
        "how": client.how,
    }


def _pooler(side: ServerSide) -> dict[str, Any]:
    names = [_who(client) for client in side.clients]
    return {
        "name": side.pooler.name,
        "formula": side.formula,
        "connections": _data.setting(side.total),
        "clients": names,
    }


# -- for people ----------------------------------------------------------------------------------------------------


def as_text(project: Project) -> str:
    blocks = ["\n".join(map(clean, _lines(budget, project))) for budget in budgets(project)]
    blocks += [clean(f"{name}: a pooler that no client goes through") for name in idle_poolers(project)]
    return "".join(f"{block}\n" for block in "\n\n".join(blocks).split("\n")) if blocks else ""


def _lines(budget: Budget, project: Project) -> Iterator[str]:
    yield _title(budget)
    rows = list(_rows(budget))
    number, name = (max(len(row[i]) for row in rows) for i in range(2))
    for row in rows:
        yield f"  {row[0]:>{number}}  {row[1]:<{name}}  {row[2]}".rstrip()
    for client, one in recommendations(budget):
        yield f"  {_who(client)} ({client.engine.name}): {_fits(one)}"
    yield from (f"  {note}" for note in notes(budget))
    yield from (f"  {unknown_line(one)}" for one in _missing(budget, project))


def _fits(one: Recommendation) -> str:
    if one.share >= 1:
        return f"pool_size={one.pool_size} with max_overflow={one.max_overflow} is its share"
    return "its share is less than one connection: only fewer instances, fewer processes or a pooler helps"


def _title(budget: Budget) -> str:
    where = f" in {budget.environment}" if budget.environment else ""
    return f"{budget.database.name}{where}{_provider(budget.database)}"


def _provider(database: Database) -> str:
    named = database.provider or database.dialect
    return f", {named}" if named else ""


def _rows(budget: Budget) -> Iterator[tuple[str, str, str]]:
    """Yield (number, what, why) for each client, then the sum, then what the database accepts."""
    for client in budget.direct:
        yield shown(client.steady.lowered), _who(client), _formula(client)
    for side in budget.poolers:
        behind = ", ".join(dict.fromkeys(map(_who, side.clients)))
        yield shown(side.total), side.pooler.name, f"{side.formula or why(side.total)}, for {behind}"
    at_rollout = rollout(budget)
    more = f"{shown(at_rollout)} at roll-out" if shown(at_rollout) != shown(steady(budget)) else ""
    yield shown(steady(budget)), "steady", more or ("" if isinstance(steady(budget), Known) else why(steady(budget)))
    yield shown(budget.usable), "usable", why(_accepted(budget))
    yield shown(headroom(budget)), "headroom", ""


def _accepted(budget: Budget) -> Setting:
    limit = budget.database.max_connections
    if not isinstance(limit, Known) or limit.value == NO_CEILING:
        return budget.usable
    return accepted(limit, budget.database.reserved, budget.database.headroom)


def _formula(client: Client) -> str:
    return f"{client.steady.formula or why(client.steady.lowered)}, {client.engine.name}"


# -- for a pull request --------------------------------------------------------------------------------------------


def as_markdown(project: Project) -> str:
    return "\n".join(_table(budget, project) for budget in budgets(project))


def _table(budget: Budget, project: Project) -> str:
    lines = [f"### {escaped(_title(budget))}", "", "| connections | of | how |", "|---:|---|---|"]
    lines += [f"| {escaped(number)} | {escaped(name)} | {escaped(says)} |" for number, name, says in _rows(budget)]
    lines += ["", *(f"- {escaped(note)}" for note in notes(budget))]
    lines += [f"- {escaped(unknown_line(one))}" for one in _missing(budget, project)]
    return "\n".join(lines).rstrip() + "\n"
