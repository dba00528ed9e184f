"""How the arithmetic rules speak: the formula with its numbers, one line per factor, and what would fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from poollint import environments
from poollint.arithmetic import MULTIPLE, grouped, instances_that_fit, most, per_instance
from poollint.budget import Budget, recommendations
from poollint.facts import NO_CEILING, NOT_READ, Bound, Client, Evidence, Known, Origin, Setting, value_of
from poollint.rules._guards import bind_evidence

MOST_TERMS = 3


def by_database(budgets: Iterable[Budget]) -> Iterator[tuple[Budget, ...]]:
    """Yield the budgets of each database together: it is judged once per environment and reported once."""
    groups: dict[str, list[Budget]] = {}
    for budget in budgets:
        groups.setdefault(budget.database.name, []).append(budget)
    yield from (tuple(group) for group in groups.values())


def worst(budgets: Iterable[Budget]) -> Budget:
    """Return the budget to report: a production one before others, then the fullest."""
    return max(budgets, key=lambda b: (environments.is_production(b.environment), b.steady / max(1, _free(b)), b.plain))


def _free(budget: Budget) -> float:
    return value_of(budget.usable, 1)


def names(budget: Budget) -> tuple[str, ...]:
    """The workloads of a budget, each once."""
    return tuple(dict.fromkeys(client.workload.name for client in budget.clients if client.workload))


def in_environment(budget: Budget) -> tuple[str, ...]:
    return (budget.environment,) if budget.environment else ()


def about_budget(budget: Budget) -> tuple[str, ...]:
    return (budget.database.name, budget.environment or "")


# -- the formula -------------------------------------------------------------------------------------------------------


def formula(budget: Budget, clients: Sequence[Client], which: str = "lowered", when: str = "steady") -> str:
    """Return `40 instances × 4 processes × (5 + 10)`, or `api 40 × … + worker 5 × …` for several clients."""
    terms = [_formula_of(getattr(client, when), which) for client in clients]
    if len(terms) == 1 and not budget.poolers:
        return terms[0]
    named = [f"{name} {term}" for name, term in zip(_told_apart(clients), terms, strict=True)]
    named += [f"{side.pooler.name} {side.formula}" for side in budget.poolers if isinstance(side.total, Known)]
    if len(named) > MOST_TERMS:
        named = [*named[: MOST_TERMS - 1], f"{len(named) - MOST_TERMS + 1} more"]
    return " + ".join(named)


def _formula_of(bound: Bound, which: str) -> str:
    return bound.formula if which == "lowered" else bound.plain_formula or bound.formula


def _told_apart(clients: Sequence[Client]) -> list[str]:
    """Name the clients; those of one workload by their engines as well."""
    names = [_name(client) for client in clients]
    return [
        name if names.count(name) == 1 else f"{name} ({client.engine.bind or client.engine.name})"
        for name, client in zip(names, clients, strict=True)
    ]


def _name(client: Client) -> str:
    return client.workload.name if client.workload else client.engine.name


# -- the evidence ------------------------------------------------------------------------------------------------------


def factors(clients: Iterable[Client], when: str = "steady") -> Iterator[Evidence]:
    """Yield one line for each factor, in the order of the formula; a bind, which stands apart from what makes it, is named."""
    for client in clients:
        yield from bind_evidence((client,))
        for name, setting in getattr(client, when).factors:
            if isinstance(setting, Known):
                yield Evidence(name, setting)


def server_sides(budget: Budget) -> Iterator[Evidence]:
    for side in budget.poolers:
        if isinstance(side.total, Known):
            for name, setting in side.factors:
                yield Evidence(name, _owned(setting, side.pooler.name))


def _owned(setting: Setting, owner: str) -> Setting:
    if isinstance(setting, Known):
        return Known(
            setting.value, Origin(f"{setting.origin.says} ({owner})", setting.origin.location), setting.certainty
        )
    return setting


def unnamed(budget: Budget) -> tuple[str, ...]:
    """The sentence that names the clients whose demand is not known, if there are any."""
    if not budget.unknown:
        return ()
    who = list(dict.fromkeys(f"{_name(client)} ({client.engine.name})" for client in budget.unknown))
    more = f" and {len(who) - MOST_TERMS} more" if len(who) > MOST_TERMS else ""
    return (f"Not counted, because a factor is unknown: {', '.join(who[:MOST_TERMS])}{more}.",)


def guides_product(clients: Iterable[Client]) -> tuple[int, str] | None:
    """Return the guides' product, request concurrency × instances × pool_size, of the largest client that has one."""
    found = []
    for client in clients:
        numbers = dict(client.steady.factors)
        parts = (
            client.workload.concurrency if client.workload else None,
            numbers.get("instances"),
            numbers.get("pool_size"),
        )
        values = [value_of(part) for part in parts if part is not None]
        if len(values) == 3 and all(isinstance(value, int) and value > 0 for value in values):
            product = values[0] * values[1] * values[2]
            found.append((product, f" {MULTIPLE} ".join(grouped(value) for value in values)))
    return max(found, default=None)


def product_sentence(clients: Iterable[Client]) -> tuple[str, ...]:
    product = guides_product(clients)
    if product is None:
        return ()
    total, text = product
    return (f"The guides' product of request concurrency, instances and pool_size is {text} = {grouped(total)}.",)


# -- what fits ---------------------------------------------------------------------------------------------------------


def fits(budget: Budget) -> str:
    """Return the change that fits: fewer instances of the largest client, smaller pools, or a pool where there is none."""
    pools = _smaller_pools(budget) if _has_pool(budget.counted[0]) else _new_pool(budget)
    options = [option for option in (_instances_option(budget), pools) if option]
    if options:
        return f"Fits: {', or '.join(options)}."
    processes = sum(_pools(client) for client in budget.counted)
    if processes <= _free(budget):
        return "No single change fits: give every engine a pool, and lower the pools and instances together, or use a pooler."
    return (
        f"Even one connection per process is too many: {grouped(processes)} processes hold a pool, and "
        f"{grouped(_free(budget))} connections are usable; only fewer instances or processes, or a pooler, help."
    )


def _instances_option(budget: Budget) -> str | None:
    largest = budget.counted[0]
    instances = dict(largest.steady.factors).get("instances")
    total = value_of(largest.steady.lowered, 0)
    if not isinstance(instances, Known) or instances.value <= 1:
        return None
    free = int(_free(budget)) - (budget.steady - total)
    count = instances_that_fit(free, -(-total // instances.value))
    if count < 1 or count >= instances.value:
        return None
    owner = f" for {_name(largest)}" if len(budget.counted) > 1 else ""
    return f"{_word(instances)} {grouped(count)}{owner}"


def _new_pool(budget: Budget) -> str | None:
    """What fits instead of an engine without a limit of its own, while everything else stays as it is."""
    largest = budget.counted[0]
    instances = value_of(dict(largest.steady.factors).get("instances", NOT_READ))
    rest = budget.steady - value_of(largest.steady.lowered, 0)
    share = int((_free(budget) - rest) // instances) if instances else 0
    return f"a pool of at most {grouped(share)} in each instance of {_name(largest)}" if share >= 1 else None


def _has_pool(client: Client) -> bool:
    return "pool_size" in dict(client.steady.factors)


def _word(setting: Known) -> str:
    """The word at the place, when it is one: `maxScale`; else "instances"."""
    says = setting.origin.says
    return says if says and " " not in says and len(says) <= 24 else "instances"


def _smaller_pools(budget: Budget) -> str | None:
    """An engine that several workloads run has one pool for all of them; else every client can have its share."""
    engines = [client.engine.location for client in budget.counted]
    if len(set(engines)) < len(engines) and (option := _pool_option(budget)):
        return option
    return _shares_option(budget) or _pool_option(budget) or _filled_option(budget) or _running_option(budget)


def _shares_option(budget: Budget) -> str | None:
    """Every client gets its share. An engine has one pool however many workloads run it: its smallest share decides."""
    smallest: dict[str, tuple[int, int, int]] = {}
    for client, pool in recommendations(budget):
        given = (pool.share, pool.pool_size, pool.max_overflow)
        smallest[client.engine.name] = min(smallest.get(client.engine.name, given), given)
    if not smallest or any(share < 1 for share, _, _ in smallest.values()):
        return None
    several = len(smallest) > 1
    parts = [_pool_text(size, overflow, engine if several else "") for engine, (_, size, overflow) in smallest.items()]
    return " and ".join(parts)


def _pool_option(budget: Budget) -> str | None:
    """The largest pool of the largest client's engine that fits by the plain formula, while everything else stays.

    By the plain formula, so that nothing is left to warn of.
    """
    own = _of_largest_engine(budget)
    pools = sum(_pools(client) for client in own)
    others = budget.plain - sum(value_of(client.steady.plain, 0) for client in own)
    return _largest_pool(budget, int((_free(budget) - others) // pools)) if pools else None


def _filled_option(budget: Budget) -> str | None:
    """Every pool as large as a process of its engine can fill, if that fits by the plain formula."""
    own = [client for client in budget.counted if _pools(client)]
    sizes: dict[str, int] = {}
    for client in own:
        numbers = dict(client.steady.factors)
        size = min(_most_at_once(client), value_of(numbers["pool_size"]) + value_of(numbers["max_overflow"]))
        sizes[client.engine.name] = max(sizes.get(client.engine.name, 0), int(size))
    others = budget.plain - sum(value_of(client.steady.plain, 0) for client in own)
    demand = sum(_pools(client) * sizes[client.engine.name] for client in own)
    if not sizes or others + demand > _free(budget):
        return None
    several = len(sizes) > 1
    return " and ".join(_pool_text(size, 0, engine if several else "") for engine, size in sizes.items())


def _running_option(budget: Budget) -> str | None:
    """The largest pool of the largest client's engine that fits by what can run at once."""
    own = _of_largest_engine(budget)
    if not own:
        return None
    free = _free(budget) - budget.steady + sum(value_of(client.steady.lowered, 0) for client in own)
    highest = int(min(1000, max(map(_most_at_once, own))))
    return _largest_pool(budget, most(lambda pool: sum(_with_pool(client, pool) for client in own) <= free, highest))


def _of_largest_engine(budget: Budget) -> list[Client]:
    """The clients that use the engine of the largest one; none, if one of them has no pool of its own."""
    engine = budget.counted[0].engine
    own = [client for client in budget.counted if client.engine.location == engine.location]
    return own if all(_pools(client) for client in own) else []


def _largest_pool(budget: Budget, largest: int) -> str | None:
    if largest < 1:
        return None
    several = len({client.engine.location for client in budget.counted}) > 1
    name = budget.counted[0].engine.name
    return _pool_text(max(1, largest * 7 // 10), largest * 3 // 10, name if several else "")


def _most_at_once(client: Client) -> float:
    """What one process of the client can hold at once, however large its pool is."""
    numbers = dict(client.steady.factors)
    return min(value_of(numbers[name]) if name in numbers else NO_CEILING for name in ("units", "concurrency"))


def _pools(client: Client) -> int:
    """How many pools a client has: one in each process of each instance."""
    numbers = dict(client.steady.factors)
    counts = [value_of(numbers[name]) for name in ("instances", "processes") if name in numbers]
    return counts[0] * counts[1] if len(counts) == 2 and "pool_size" in numbers and None not in counts else 0


def _with_pool(client: Client, pool: int) -> int:
    """What the client would open with a pool of that size and no overflow."""
    numbers = {name: value_of(setting) for name, setting in client.steady.factors}
    limits = numbers.get("concurrency", NO_CEILING), numbers.get("units", NO_CEILING)
    return numbers["instances"] * per_instance(numbers["processes"], pool, 0, *limits)


def _pool_text(size: int, overflow: int, engine: str) -> str:
    return f"pool_size={size} with max_overflow={overflow}" + (f" at {engine}" if engine else "")
