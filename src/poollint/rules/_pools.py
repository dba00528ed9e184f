"""The size of a queue pool, as rules count and print it."""

from __future__ import annotations

from poollint.facts import Pool, value_of
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
