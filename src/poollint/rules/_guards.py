"""What several rules ask before they judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from poollint import environments
from poollint.facts import Client, Engine, Evidence, Hop, Known, Location, Origin, Pool, Project, Setting, Workload, value_of

REUSING = frozenset({"QueuePool", "AsyncAdaptedQueuePool", "FallbackAsyncAdaptedQueuePool", "SingletonThreadPool", "StaticPool"})
QUEUES = frozenset({"QueuePool", "AsyncAdaptedQueuePool", "FallbackAsyncAdaptedQueuePool"})


def judged(project: Project) -> Iterator[tuple[Engine, tuple[Client, ...]]]:
    """Yield every engine that may get a finding, with its clients: tests and samples never do."""
    for engine in project.engines:
        if engine.role not in ("test", "sample"):
            yield engine, project.clients_of(engine)


def keeps_connections(engine: Engine) -> bool:
    """False for an engine that does not outlive the call that makes it: its connections do not live to grow stale."""
    return value_of(engine.lasts) is not False


def every(pools: tuple[Pool, ...], holds: Callable[[Pool], bool]) -> bool:
    """A yes/no rule fires only when every alternative that can be live in production agrees."""
    return bool(pools) and all(holds(pool) for pool in pools)


def every_networked(pools: tuple[Pool, ...], holds: Callable[[Pool], bool]) -> bool:
    """`every`, where one alternative is surely a server's: one of unknown dialect is another server's, or a file's."""
    served = any(pool.is_networked for pool in pools)
    return served and every(pools, lambda pool: pool.is_networked is not False and holds(pool))


def first_networked(pools: tuple[Pool, ...]) -> Pool:
    return next((pool for pool in pools if pool.is_networked), pools[0])


def workload_names(clients: tuple[Client, ...]) -> tuple[str, ...]:
    """Return the names of the workloads, each once, in their order: those of production, unless all are in development."""
    live = [client for client in clients if environments.is_production(client.environment)]
    return tuple(dict.fromkeys(client.workload.name for client in live or clients if client.workload))


MOST_NAMES = 3


def listing(names: tuple[str, ...]) -> str:
    """Print names as a sentence does: "api, web and worker", or "api, web and 4 more"."""
    shown = names if len(names) <= MOST_NAMES + 1 else (*names[:MOST_NAMES], f"{len(names) - MOST_NAMES} more")
    return " and ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part)


def environment_names(clients: tuple[Client, ...]) -> tuple[str, ...]:
    """Return the environments, each once; none when one of the clients belongs to all."""
    if any(client.environment is None for client in clients):
        return ()
    return tuple(dict.fromkeys(client.environment for client in clients if client.environment))


def place(engine: Engine, setting: Setting) -> Location:
    """Return the line of a setting inside the engine's call, else the call: where a reviewer would change it."""
    at, call = setting.origin.location, engine.location
    if at and at.path == call.path and call.line <= at.line <= (call.end_line or call.line):
        return at
    return call


def smallest_timeout(client: Client, effect: str | None = None) -> Hop | None:
    """Return the hop that ends connections first, of one effect if given."""
    hops = [hop for hop in client.hops if effect is None or hop.effect == effect]
    return min(hops, key=lambda hop: hop.seconds.value, default=None)


def recommended_recycle(hop: Hop) -> int:
    """Half the timeout, at most half an hour."""
    return min(1800, int(hop.seconds.value // 2))


def verb(hop: Hop) -> str:
    """Say what a hop does: "forgets connections idle for"."""
    action = {"closes": "closes", "forgets": "forgets", "unknown": "ends"}[hop.effect]
    return f"{action} connections {'idle for' if hop.measures == 'idle' else 'older than'}"


def seconds(count: float) -> str:
    """Print seconds as a reader counts them: 900 s, 1,200 s."""
    return f"{count:,.10g} s"


def hop_evidence(hop: Hop) -> Evidence:
    return Evidence("idle_timeout" if hop.measures == "idle" else "lifetime", hop.seconds)


def path_evidence(clients: tuple[Client, ...]) -> Iterator[Evidence]:
    """Yield the smallest timeout of the path, if one is known."""
    hops = [hop for hop in map(smallest_timeout, clients) if hop]
    if hops:
        yield hop_evidence(min(hops, key=lambda hop: hop.seconds.value))


def bind_evidence(clients: tuple[Client, ...]) -> Iterator[Evidence]:
    """Yield what makes a bind, which stands in the configuration; any other engine stands where it is made."""
    for bind, extension in dict.fromkeys((client.engine.bind, client.engine.extension) for client in clients):
        if bind:
            yield Evidence("extension", Known(bind, Origin("bind of Flask-SQLAlchemy", extension)))


def runs_evidence(clients: tuple[Client, ...]) -> Iterator[Evidence]:
    """Yield what makes and what runs the engine: one line for each workload, production's where several files describe it."""
    yield from bind_evidence(clients)
    described: dict[str, Workload] = {}
    for workload in (client.workload for client in clients if client.workload):
        what = f"{workload.platform} {workload.kind} {workload.name}"
        shown = described.setdefault(what, workload)
        if not environments.is_production(shown.environment) and environments.is_production(workload.environment):
            described[what] = workload
    for what, workload in described.items():
        yield Evidence("workload", Known(workload.life, Origin(what, workload.location)))
