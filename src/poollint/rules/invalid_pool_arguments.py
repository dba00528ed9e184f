"""Arguments that SQLAlchemy refuses when the engine is made, or at its first checkout.

https://docs.sqlalchemy.org/en/20/core/engines.html#sqlalchemy.create_engine
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from poollint.facts import Engine, Evidence, Finding, Known, Pool, Project, Setting, about_engine, is_given, value_of
from poollint.rules._engines import Problem, others, with_problems
from poollint.rules._guards import place, workload_names
from poollint.sqlalchemy_tables import (
    ASYNC_ONLY_POOLS,
    MEANT,
    POOL_KIND_REFUSED_SINCE,
    REFUSED_BESIDE_POOL,
    REFUSED_BY_POOL,
    SYNC_ONLY_POOLS,
    WRONG_TYPES,
    accepts,
)
from poollint.versions import at_least, declared


def check(project: Project) -> Iterator[Finding]:
    def is_recent(engine: Engine) -> bool | None:
        return at_least(declared(project.versions, "sqlalchemy", engine.location.path), POOL_KIND_REFUSED_SINCE)

    for found in with_problems(project, lambda engine, pool: _problems(engine, pool, is_recent)):
        engine, pool, (name, setting, what) = found.engine, found.pool, found.problems[0]
        evidence = [Evidence(name, setting)]
        if name != "poolclass":
            evidence.append(Evidence("pool_class", pool.pool_class))
        yield Finding(
            severity="error",
            message=what,
            help=_help(name, what, pool),
            location=place(engine, setting),
            evidence=tuple(evidence),
            details=others(found.problems),
            environments=found.environments,
            workloads=workload_names(found.clients),
            about=about_engine(engine),
        )


def _problems(engine: Engine, pool: Pool, is_recent: Callable[[Engine], bool | None]) -> Iterator[Problem]:
    yield from _refused_sizes(pool)
    yield from _wrong_types(pool)
    yield from _wrong_kind(engine, pool, is_recent)
    yield from _unknown_names(pool)


def _refused_sizes(pool: Pool) -> Iterator[Problem]:
    """NullPool keeps nothing, so it takes no size; a finished pool takes nothing at all."""
    if "pool" in pool.arguments and not _is_none(pool.arguments["pool"]):
        for name in REFUSED_BESIDE_POOL:
            if is_given(pool.arguments.get(name)):
                yield name, pool.arguments[name], f"{name} beside a finished pool is refused when the engine is made"
        return
    pool_class = value_of(pool.pool_class)
    for name in REFUSED_BY_POOL.get(pool_class, ()):
        if is_given(pool.arguments.get(name)):
            yield name, pool.arguments[name], f"{pool_class} takes no {name}: create_engine raises a TypeError"


def _wrong_types(pool: Pool) -> Iterator[Problem]:
    for (name, kind), when in WRONG_TYPES.items():
        setting = pool.arguments.get(name)
        if not isinstance(setting, Known) or when == "when the pool is exhausted":
            continue
        if (kind == "text" and isinstance(setting.value, str)) or (kind == "None" and setting.value is None):
            # Whatever the environment puts there, it is text: the value may change, the mistake does not.
            certain = Known(setting.value, setting.origin)
            yield name, certain, f"{name} needs a number and gets {_article(kind)}: a TypeError {when}"


def _wrong_kind(engine: Engine, pool: Pool, is_recent: Callable[[Engine], bool | None]) -> Iterator[Problem]:
    """Up to 2.0.27 a QueuePool under asyncio was accepted, and blocked the event loop: an error in every version."""
    pool_class, given = value_of(pool.pool_class), pool.arguments.get("poolclass")
    if given is None:
        return
    if engine.is_async and pool_class in SYNC_ONLY_POOLS:
        yield "poolclass", pool.pool_class, f"{pool_class} cannot be used with an asyncio engine"
    if not engine.is_async and pool_class in ASYNC_ONLY_POOLS and is_recent(engine):
        yield "poolclass", pool.pool_class, f"{pool_class} cannot be used with a non-asyncio engine"


def _unknown_names(pool: Pool) -> Iterator[Problem]:
    """A plugin may take names of its own, and so may dialects that are not SQLAlchemy's."""
    if "plugins" in pool.arguments or "plugin" in pool.query:
        return
    for name, setting in pool.arguments.items():
        if accepts(str(value_of(pool.dialect)), name) is False and is_given(setting):
            yield name, setting, f"create_engine knows no {name}: it raises a TypeError"


def _help(name: str, what: str, pool: Pool) -> str:
    if name in MEANT:
        return f"Write {MEANT[name]}."
    if "needs a number" in what:
        return f"Convert it: {name}=int(...)."
    if "asyncio engine" in what:
        return "Leave poolclass out: SQLAlchemy chooses the right queue."
    if "takes no" in what:
        return f"Remove {name}, or the poolclass."
    return f"Remove {name}."


def _is_none(setting: Setting) -> bool:
    return isinstance(setting, Known) and setting.value is None


def _article(kind: str) -> str:
    return "text" if kind == "text" else "None"
