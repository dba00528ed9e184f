"""Prove the bound of one instance against SQLAlchemy's own QueuePool: never exceeded, and reached.

A load is a sequence of check-outs and check-ins over the processes of one instance with at most D connections in use.
Connections open only when no idle one is left, and idle ones beyond pool_size are closed at check-in.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest

from poollint.arithmetic import per_instance

pool_module = pytest.importorskip("sqlalchemy.pool")


class Socket:
    """What a pool needs of a DBAPI connection."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        instance.open += 1
        instance.peak = max(instance.peak, instance.open)

    def rollback(self) -> None: ...

    def close(self) -> None:
        self.instance.open -= 1


class Instance:
    """P processes, each with a QueuePool of S + O, and at most D connections in use at once."""

    def __init__(self, processes: int, size: int, overflow: int, in_flight: int) -> None:
        self.open = self.peak = 0
        self.capacity, self.in_flight = size + overflow, in_flight
        self.pools = [
            pool_module.QueuePool(lambda: Socket(self), pool_size=size, max_overflow=overflow, timeout=0)
            for _ in range(processes)
        ]
        self.used: list[list] = [[] for _ in self.pools]

    def check_out(self, process: int) -> bool:
        if sum(map(len, self.used)) >= self.in_flight or len(self.used[process]) >= self.capacity:
            return False
        self.used[process].append(self.pools[process].connect())
        return True

    def check_in(self, process: int) -> bool:
        if not self.used[process]:
            return False
        self.used[process].pop().close()
        return True


def _fill(instance: Instance, process: int) -> None:
    while instance.check_out(process):
        pass


def _drain_to(instance: Instance, process: int, keep: int) -> None:
    while len(instance.used[process]) > keep and instance.check_in(process):
        pass


def adversary(instance: Instance, processes: int, size: int, overflow: int, in_flight: int) -> int:
    """Drive the instance to its worst: fill one process after the other, keep in use what lies above pool_size."""
    spare = max(0, in_flight - size)
    for process in range(processes):
        wanted = size + min(overflow, spare)
        while len(instance.used[process]) < wanted and instance.check_out(process):
            pass
        above = max(0, len(instance.used[process]) - size)
        spare -= above
        _drain_to(instance, process, above)
    return instance.peak


COMBINATIONS = list(itertools.product(range(1, 5), (1, 2, 5), (0, 1, 4, 10), (1, 2, 3, 5, 8, 10, 16, 25, 40, 60, 80)))


def test_528_combinations_are_covered() -> None:
    assert len(COMBINATIONS) == 528


def test_the_bound_is_reached_in_every_combination() -> None:
    for processes, size, overflow, in_flight in COMBINATIONS:
        instance = Instance(processes, size, overflow, in_flight)
        peak = adversary(instance, processes, size, overflow, in_flight)
        assert peak == per_instance(processes, size, overflow, in_flight), (processes, size, overflow, in_flight)


def _loads(processes: int, seed: int, steps: int) -> Iterator[tuple[str, int]]:
    """Random loads with a liking for bursts: long runs on one process, then a release."""
    chance = random.Random(seed)
    while steps > 0:
        process, burst = chance.randrange(processes), chance.randrange(1, 18)
        action = chance.choice(("out", "out", "in"))
        for _ in range(min(burst, steps)):
            yield action, process
        steps -= burst


def test_the_bound_is_never_exceeded_by_random_loads() -> None:
    for number, (processes, size, overflow, in_flight) in enumerate(COMBINATIONS):
        instance = Instance(processes, size, overflow, in_flight)
        for action, process in _loads(processes, number, 200):
            (instance.check_out if action == "out" else instance.check_in)(process)
        assert instance.peak <= per_instance(processes, size, overflow, in_flight), (
            processes,
            size,
            overflow,
            in_flight,
        )


def _exhaustive_peak(processes: int, size: int, overflow: int, in_flight: int) -> int:
    """Visit every state (in use, idle) that any order of check-outs and check-ins can reach, by the pool's rules."""
    start = ((0, 0),) * processes
    seen, todo, peak = {start}, [start], 0
    while todo:
        state = todo.pop()
        peak = max(peak, sum(used + idle for used, idle in state))
        for process, (used, idle) in enumerate(state):
            following = []
            if sum(u for u, _ in state) < in_flight and used < size + overflow:
                following.append((used + 1, max(0, idle - 1)))
            if used:
                following.append((used - 1, idle + 1 if idle < size else idle))
            for after in following:
                made = (*state[:process], after, *state[process + 1 :])
                if made not in seen:
                    seen.add(made)
                    todo.append(made)
    return peak


@pytest.mark.parametrize(
    ("processes", "size", "overflow", "in_flight"),
    list(itertools.product((1, 2), (1, 2, 3), (0, 1, 3), (1, 2, 3, 4, 6, 9))),
)
def test_no_order_of_events_exceeds_it(processes: int, size: int, overflow: int, in_flight: int) -> None:
    assert _exhaustive_peak(processes, size, overflow, in_flight) == per_instance(processes, size, overflow, in_flight)


def test_the_model_of_the_exhaustive_search_is_queue_pools_own() -> None:
    """The two rules the search uses, checked on the real pool."""
    instance = Instance(1, 2, 3, 5)
    _fill(instance, 0)
    assert instance.open == 5
    _drain_to(instance, 0, 0)
    assert instance.open == 2
    instance.check_out(0)
    assert instance.open == 2
