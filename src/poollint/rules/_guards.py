"""What several rules ask before they judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from poollint.facts import Client, Engine, Pool, Project

REUSING = frozenset({"QueuePool", "AsyncAdaptedQueuePool", "FallbackAsyncAdaptedQueuePool", "SingletonThreadPool", "StaticPool"})
QUEUES = frozenset({"QueuePool", "AsyncAdaptedQueuePool", "FallbackAsyncAdaptedQueuePool"})


def judged(project: Project) -> Iterator[tuple[Engine, tuple[Client, ...]]]:
    """Yield every engine that may get a finding, with its clients: tests and samples never do."""
    for engine in project.engines:
        if engine.role not in ("test", "sample"):
            yield engine, project.clients_of(engine)


def every(pools: tuple[Pool, ...], holds: Callable[[Pool], bool]) -> bool:
    """A yes/no rule fires only when every alternative that can be live in production agrees."""
    return bool(pools) and all(holds(pool) for pool in pools)


def workload_names(clients: tuple[Client, ...]) -> tuple[str, ...]:
    """Return the names of the workloads, each once, in their order."""
    return tuple(dict.fromkeys(client.workload.name for client in clients if client.workload))


def environment_names(clients: tuple[Client, ...]) -> tuple[str, ...]:
    """Return the environments, each once; none when one of the clients belongs to all."""
    if any(client.environment is None for client in clients):
        return ()
    return tuple(dict.fromkeys(client.environment for client in clients if client.environment))
