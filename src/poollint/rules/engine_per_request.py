"""A new engine, with a pool of its own, is made for every request, task or call, and nobody keeps or disposes it.

https://docs.sqlalchemy.org/en/20/core/connections.html#basic-usage
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import (
    SEVERITIES,
    Engine,
    Evidence,
    Finding,
    Known,
    Location,
    Pool,
    Project,
    Severity,
    Setting,
    about_engine,
    value_of,
)
from poollint.rules._guards import every, judged, workload_names


def check(project: Project) -> Iterator[Finding]:
    found: set[Location] = set()
    # Where a call makes one of two engines, it is mended for both at once: the worse one tells it.
    for engine, clients in sorted(judged(project), key=lambda of_engine: SEVERITIES.index(_severity(of_engine[0].live))):
        if engine.role not in ("service", "worker") or not value_of(engine.per_call):
            continue
        if every(engine.live, lambda pool: pool.is_networked is False) or found.intersection(engine.rivals):
            continue
        found.add(engine.location)
        pool = engine.live[0]
        yield Finding(
            severity=_severity(engine.live),
            message=f"a new engine is made for every call of the {_where(engine)}, and nothing keeps or disposes it",
            help=_help(pool),
            location=engine.location,
            evidence=(
                Evidence("engine per call", engine.per_call),
                # Where only the declared drivers speak for a server, the finding is no surer than they are.
                *([Evidence("dialect", pool.dialect)] if _is_estimate(pool.dialect) else []),
                Evidence("pool_class", pool.pool_class),
                *_sizes(pool),
            ),
            workloads=workload_names(clients),
            about=about_engine(engine),
        )


def _is_estimate(setting: Setting) -> bool:
    return isinstance(setting, Known) and setting.certainty == "estimate"


def _severity(pools: tuple[Pool, ...]) -> Severity:
    """NullPool leaves no connection behind: what remains is the price of a connect per call."""
    if every(pools, lambda pool: value_of(pool.pool_class) == "NullPool"):
        return "note"
    return "error" if every(pools, lambda pool: isinstance(pool.pool_class, Known)) else "warning"


def _where(engine: Engine) -> str:
    assert isinstance(engine.per_call, Known)
    return engine.per_call.origin.says.removeprefix("runs in the ")


def _help(pool: Pool) -> str:
    if value_of(pool.pool_class) == "NullPool":
        return "Make the engine once, at module level or at start-up; keep NullPool if a pooler keeps the connections."
    return "Make the engine once, at module level or at start-up, and share it; or dispose it when the call ends."


def _sizes(pool: Pool) -> Iterator[Evidence]:
    if value_of(pool.pool_class) != "NullPool":
        yield Evidence("pool_size", pool.pool_size)
        yield Evidence("max_overflow", pool.max_overflow)
