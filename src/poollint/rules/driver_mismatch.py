"""A driver that cannot serve this kind of engine: a synchronous one under asyncio, or the reverse.

https://docs.sqlalchemy.org/en/20/errors.html#the-asyncio-extension-requires-an-async-driver
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import Engine, Evidence, Finding, Known, Pool, Project, Severity, about_engine, value_of
from poollint.rules._engines import Problem, driver_evidence, is_certain, with_problems
from poollint.rules._guards import workload_names
from poollint.sqlalchemy_tables import ASYNC_DRIVERS, SYNC_DRIVERS

_BY_HAND = ("script", "migration")
_SIBLINGS = {
    "postgresql": ("psycopg2", "asyncpg"),
    "mysql": ("pymysql", "aiomysql"),
    "sqlite": ("pysqlite", "aiosqlite"),
}


def check(project: Project) -> Iterator[Finding]:
    for found in with_problems(project, _mismatch):
        engine, (_, _, what) = found.engine, found.problems[0]
        yield Finding(
            severity=_severity(engine, found.pool),
            message=what,
            help=_help(engine, value_of(found.pool.dialect)),
            location=engine.location,
            evidence=(*driver_evidence(found.pool), Evidence("sqlalchemy", engine.sqlalchemy)),
            environments=found.environments,
            workloads=workload_names(found.clients),
            about=about_engine(engine),
        )


def _mismatch(engine: Engine, pool: Pool) -> Iterator[Problem]:
    """A driver that is only a guess from the declared packages, or that the caller replaces, proves nothing."""
    if not is_certain(pool.driver) or {"module", "dialect", "pool"} & pool.arguments.keys():
        return
    driver = value_of(pool.driver)
    if engine.is_async and driver in SYNC_DRIVERS:
        yield (
            "driver",
            pool.driver,
            f"{engine.factory} needs an asynchronous driver, and {driver} is not one: it fails at start",
        )
    if not engine.is_async and driver in ASYNC_DRIVERS:
        yield (
            "driver",
            pool.driver,
            f"{engine.factory} needs a synchronous driver, and {driver} is not one: the first connect fails",
        )


def _severity(engine: Engine, pool: Pool) -> Severity:
    """A fallback in the code that production is unlikely to use is worth a note: a file's URL, or that of a program run by hand."""
    is_fallback = isinstance(pool.driver, Known) and pool.driver.certainty == "fallback"
    return "note" if is_fallback and (engine.role in _BY_HAND or pool.is_networked is False) else "error"


def _help(engine: Engine, dialect: object) -> str:
    synchronous, asynchronous = _SIBLINGS.get(str(dialect), ("a synchronous driver", "an asynchronous one"))
    if engine.is_async:
        return f"Name an asynchronous driver in the URL: {dialect}+{asynchronous}://, or use create_engine."
    return f"Name a synchronous driver in the URL: {dialect}+{synchronous}://, or use create_async_engine."
