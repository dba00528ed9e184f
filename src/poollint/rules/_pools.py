"""The size of a queue pool, as rules count and print it, and its options, as they are written."""

from __future__ import annotations

from poollint.facts import Known, Pool, value_of
from poollint.rules._guards import QUEUES


def slots(pool: Pool) -> int | None:
    """Return pool_size + max_overflow; None when it is no queue, not known, or without limit."""
    size, overflow = value_of(pool.pool_size), value_of(pool.max_overflow)
    if value_of(pool.pool_class) not in QUEUES or not isinstance(size, int) or not isinstance(overflow, int):
        return None
    return size + overflow if size > 0 and overflow >= 0 else None


def sizes(pool: Pool) -> str:
    """Return `5 + 10`."""
    return f"{value_of(pool.pool_size)} + {value_of(pool.max_overflow)}"


def written(pool: Pool, option: str, value: object) -> str:
    """Return how an option is given: create_engine refuses pool_pre_ping beside a finished pool, which takes pre_ping."""
    given = pool.arguments.get("pool")
    if given is None or (isinstance(given, Known) and given.value is None):
        return f"{option}={value}"
    return f"{option.removeprefix('pool_')}={value} in the pool that is passed"
