"""The connection arithmetic: how many connections a client can open, what a database accepts, and what would fit.

Pure functions over numbers and settings; nothing here knows a file format or a provider.
The symbols are those of the formula: P processes, S pool_size, O max_overflow, D requests in flight in one instance,
T units at once in one process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from poollint.facts import NO_CEILING, NOT_READ, Bound, Known, Origin, Pool, Setting, Unknown, value_of, weakest

QUEUES = frozenset({"QueuePool", "AsyncAdaptedQueuePool", "FallbackAsyncAdaptedQueuePool"})
SINGLE = frozenset({"StaticPool", "AssertionPool"})
MULTIPLE = "×"


# -- one instance, as numbers ------------------------------------------------------------------------------------------


def per_instance(
    processes: int, size: int, overflow: int, in_flight: float = NO_CEILING, units: float = NO_CEILING
) -> int:
    """Return the most connections the pools of one instance can hold at once.

    A process with v > 0 connections above S had all S + v in use when it opened the last of them, and at least v
    ever since. Look at the process that opened last: S + sum(v) <= D, so all overflow together is at most D - S.
    """
    by_units = processes * min(size + overflow, units)
    if in_flight == NO_CEILING:
        return int(by_units)
    by_flight = processes * min(size, in_flight) + min(processes * overflow, max(0, in_flight - size))
    return int(min(by_units, by_flight))


def uncapped_per_instance(processes: float, units: float, in_flight: float = NO_CEILING) -> float:
    """Return what pools without a cap of their own open in one instance: what runs at once in it."""
    return min(in_flight, processes * units)


# -- one client --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cap:
    """What one pool may hold: `size` and `overflow` when it has a cap, else why it has none."""

    size: Setting
    overflow: Setting
    uncapped: str = ""  # "NullPool", "unlimited overflow", "an engine per call"


def cap_of(pool: Pool, per_call: Setting = Unknown(""), sqlalchemy: Setting = Unknown("")) -> Cap:
    """Return the cap of one process' pool.

    QueuePool           pool_size + max_overflow; -1 overflow has none, nor has pool_size 0 from SQLAlchemy 2.0 on
    NullPool            none of its own
    StaticPool …        1
    an engine per call  none: every call brings its own pool
    """
    if value_of(per_call) is True:
        return Cap(per_call, per_call, "an engine per call")
    kind = value_of(pool.pool_class)
    if kind == "NullPool":
        return Cap(pool.pool_class, pool.pool_class, "NullPool")
    if kind in SINGLE:
        return Cap(Known(1, pool.pool_class.origin), _nothing(pool.pool_class))
    if kind not in QUEUES:
        unknown = Unknown(
            "its pool class is not known" if kind is None else f"a {kind} holds one connection per thread"
        )
        return Cap(unknown, unknown)
    return _queue_cap(pool, sqlalchemy)


def _queue_cap(pool: Pool, sqlalchemy: Setting) -> Cap:
    size, overflow = _count(pool.pool_size), _count(pool.max_overflow)
    if value_of(size) == 0 and not _before_two(sqlalchemy):
        return Cap(size, overflow, "pool_size=0")
    if value_of(overflow, 0) < 0 or value_of(overflow) == NO_CEILING:
        return Cap(size, overflow, "unlimited overflow")
    return Cap(size, overflow)


def _before_two(version: Setting) -> bool:
    """SQLAlchemy 1.4 reads pool_size=0 as "no pooled connections, max_overflow in all"."""
    return str(value_of(version, "")).startswith(("0.", "1."))


def _count(setting: Setting) -> Setting:
    if isinstance(setting, Known) and (isinstance(setting.value, bool) or not isinstance(setting.value, (int, float))):
        return Unknown("not a number", setting.origin)
    return setting


def _nothing(like: Setting) -> Known:
    return Known(0, like.origin, like.certainty if isinstance(like, Known) else "default")


@dataclass(frozen=True, slots=True)
class Deployment:
    """The deployment's side of the formula.

    in_flight  requests that can be in one instance, only where that is a hard limit; else Unknown
    units      what runs at once in one process, NO_CEILING for asynchronous servers; NOT_READ where nothing is known to limit
               it, any other Unknown where something does that nobody gives
    """

    instances: Setting
    processes: Setting
    units: Setting = NOT_READ
    in_flight: Setting = Unknown("")


def bound(
    pool: Pool, deployment: Deployment, per_call: Setting = Unknown(""), sqlalchemy: Setting = Unknown("")
) -> Bound:
    """Return what one client can open, with the formula and its factors in order."""
    cap = cap_of(pool, per_call, sqlalchemy)
    return _uncapped_bound(cap, deployment) if cap.uncapped else _capped_bound(cap, deployment)


def largest(bounds: Sequence[Bound]) -> Bound:
    """Return the bound of a client whose engine has alternatives: the largest that is known, else an unknown one."""
    sure = [each for each in bounds if isinstance(each.lowered, Known)]
    if not sure:
        return bounds[0]
    return max(sure, key=lambda each: (each.lowered.value, each.plain.value))


def _capped_bound(cap: Cap, deployment: Deployment) -> Bound:
    factors = (
        ("instances", deployment.instances),
        ("processes", deployment.processes),
        ("pool_size", cap.size),
        ("max_overflow", cap.overflow),
    )
    settings = tuple(setting for _, setting in factors)
    if isinstance(deployment.units, Unknown) and deployment.units != NOT_READ:
        factors = (*factors, ("units", deployment.units))
    if (gap := _gap(factors)) is not None:
        return Bound(gap, gap, factors, formula(*settings))
    instances, processes, size, overflow = (setting.value for setting in settings)
    plain = instances * processes * (size + overflow)
    text = formula(*settings)
    units, in_flight = _limit(deployment.units), _limit(deployment.in_flight)
    one = per_instance(processes, size, overflow, in_flight, units)
    whole = _sum_setting(plain, settings)
    if instances * one >= plain:
        return Bound(whole, whole, factors, text, text)
    by_units = one == processes * min(size + overflow, units)
    limit = ("units", deployment.units) if by_units else ("concurrency", deployment.in_flight)
    lowered = _sum_setting(instances * one, (*settings, limit[1]))
    lowered_text = _lowered_formula(instances, processes, size, overflow, one, units, in_flight, by_units)
    return Bound(lowered, whole, (*factors, limit), lowered_text, text)


def _uncapped_bound(cap: Cap, deployment: Deployment) -> Bound:
    instances, processes, units, in_flight = (
        deployment.instances,
        deployment.processes,
        deployment.units,
        deployment.in_flight,
    )
    by_units = value_of(processes, NO_CEILING) * value_of(units, NO_CEILING)
    flight = value_of(in_flight, NO_CEILING)
    if min(by_units, flight) == NO_CEILING:
        gap = Unknown(f"{cap.uncapped}: nothing written limits what runs at once in one instance", cap.size.origin)
        return Bound(gap, gap, (("instances", instances), ("pool_class", cap.size)))
    if flight <= by_units:
        factors = (("instances", instances), ("concurrency", in_flight))
        text = f"{_instances(instances)} {MULTIPLE} {_number(flight)} at once"
    else:
        factors = (("instances", instances), ("processes", processes), ("units", units))
        text = f"{_instances(instances)} {MULTIPLE} {_processes(processes)} {MULTIPLE} {_number(units.value)} at once"
    if (gap := _gap(factors)) is not None:
        return Bound(gap, gap, (*factors, ("pool_class", cap.size)), text, text)
    total = _sum_setting(int(instances.value * min(by_units, flight)), [setting for _, setting in factors])
    return Bound(total, total, (*factors, ("pool_class", cap.size)), text, text)


def _gap(factors: Iterable[tuple[str, Setting]]) -> Unknown | None:
    """Return why the product is unknown: its first factor that is, or that nothing caps."""
    for name, setting in factors:
        if isinstance(setting, Unknown):
            return Unknown(f"{name}: {setting.reason}", setting.origin)
        if setting.value == NO_CEILING:
            return Unknown(f"{name}: no ceiling", setting.origin)
    return None


def _limit(setting: Setting) -> float:
    """An unknown limit limits nothing."""
    return value_of(setting, NO_CEILING)


def _sum_setting(value: int, settings: Iterable[Setting]) -> Known:
    return Known(value, Origin("arithmetic"), weakest(settings))


# -- the formula as text -----------------------------------------------------------------------------------------------


def grouped(number: float) -> str:
    """Return a number as people read it: `2,400`."""
    return "no ceiling" if number == NO_CEILING else f"{number:,}"


def formula(instances: Setting, processes: Setting, size: Setting, overflow: Setting) -> str:
    """Return `40 instances × 4 processes × (5 + 10)`; an unknown factor is a question mark."""
    pool = f"({_number(value_of(size))} + {_number(value_of(overflow))})"
    return f" {MULTIPLE} ".join((_instances(instances), _processes(processes), pool))


def _lowered_formula(
    instances: int, processes: int, size: int, overflow: int, one: int, units: float, in_flight: float, by_units: bool
) -> str:
    several = f"{_counted(instances, 'instance')} {MULTIPLE} "
    if by_units:
        pool = f"min({size} + {overflow}, {grouped(units)} at once)"
        return f"{several}{_counted(processes, 'process')} {MULTIPLE} {pool}"
    pool = f"{_counted(processes, 'process')} {MULTIPLE} ({size} + {overflow})"
    return f"{several}{grouped(one)} ({pool}, but {grouped(in_flight)} requests at once in an instance)"


def _instances(setting: Setting) -> str:
    return _counted(value_of(setting), "instance")


def _processes(setting: Setting) -> str:
    return _counted(value_of(setting), "process")


def _counted(number: float | None, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{_number(number)} {noun if number == 1 else plural}"


def _number(number: float | None) -> str:
    return "?" if number is None else grouped(number)


# -- the database's side -----------------------------------------------------------------------------------------------


def usable(max_connections: Setting, reserved: Setting, headroom: Setting) -> Setting:
    """Return the connections the application may use; what is not known to be reserved is not."""
    if not isinstance(max_connections, Known):
        return max_connections
    if max_connections.value == NO_CEILING:
        return max_connections
    kept = [setting for setting in (reserved, headroom) if isinstance(setting, Known) and setting.value]
    left = max(0, max_connections.value - sum(setting.value for setting in kept))
    return Known(left, max_connections.origin, weakest((max_connections, *kept)))


def accepted(max_connections: Known, reserved: Setting, headroom: Setting) -> Known:
    """Return the usable connections as an evidence line: `495  Cloud SQL db-custom-4-16384: 500, less 5 reserved`."""
    left = usable(max_connections, reserved, headroom)
    origin = max_connections.origin
    less = [f"{grouped(value_of(reserved))} reserved"] if value_of(reserved) else []
    less += [f"{grouped(value_of(headroom))} kept free"] if value_of(headroom) else []
    if not less:
        return Known(left.value, origin, left.certainty)
    written = grouped(max_connections.value)
    says = origin.says if origin.says.endswith(written) else f"{origin.says}: {written}"
    return Known(left.value, Origin(f"{says}, less {' and '.join(less)}", origin.location, origin.url), left.certainty)


# -- the question turned round -----------------------------------------------------------------------------------------


def limit_needed(total: int, reserved: Setting, headroom: Setting) -> int:
    """Return the max_connections a database needs for `total` connections."""
    return total + (value_of(reserved) or 0) + (value_of(headroom) or 0)


def instances_that_fit(free: int, one: int) -> int:
    """Return the most instances that fit into `free` connections when each opens `one`."""
    return max(0, free) // one if one > 0 else 0


def pool_that_fits(free: int, instances: int, processes: int) -> int:
    """Return the largest pool_size + max_overflow that fits into `free` connections."""
    return max(0, free) // (instances * processes) if instances * processes > 0 else 0


def most(fits: Callable[[int], bool], highest: int) -> int:
    """Return the largest number from 0 to `highest` for which a condition that only turns false holds, or 0."""
    low, high = 0, highest
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The pool that gives a client its share; a `share` below 1 has no fitting pool."""

    share: int
    pool_size: int
    max_overflow: int


def recommended(usable: int, demand: int, all_demand: int, instances: int, processes: int) -> Recommendation:
    """Return a client's share of the usable connections per process: seven tenths kept, three tenths overflow."""
    pools = instances * processes
    share = usable * demand // (all_demand * pools) if all_demand > 0 and pools > 0 else 0
    return Recommendation(share, max(1, share * 7 // 10), share * 3 // 10)
