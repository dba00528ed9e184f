"""Arguments of the connection that the driver refuses at every connect.

https://docs.sqlalchemy.org/en/20/core/engines.html#custom-dbapi-connect-arguments-on-connect-routines
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import Engine, Evidence, Finding, Known, Pool, Project, about_engine, is_given, value_of
from poollint.rules._engines import Problem, driver_evidence, is_certain, others, with_problems
from poollint.rules._guards import place, workload_names
from poollint.sqlalchemy_tables import BREAKS_AS_TEXT, INSTEAD, MISPLACED, SSL_WORDS, SYNC_DRIVERS, driver_takes


def check(project: Project) -> Iterator[Finding]:
    for found in with_problems(project, _refused):
        engine, (name, setting, what) = found.engine, found.problems[0]
        yield Finding(
            severity="error",
            message=what,
            help=_help(str(value_of(found.pool.driver)), name, what),
            location=place(engine, setting),
            evidence=(Evidence(name, setting), *driver_evidence(found.pool)),
            details=others(found.problems),
            environments=found.environments,
            workloads=workload_names(found.clients),
            about=about_engine(engine),
        )


def _refused(engine: Engine, pool: Pool) -> Iterator[Problem]:
    """`creator=` makes the connection itself: nothing of this reaches a driver."""
    if not is_certain(pool.driver) or not pool.complete or {"creator", "async_creator", "pool"} & pool.arguments.keys():
        return
    driver = str(value_of(pool.driver))
    if engine.is_async and driver in SYNC_DRIVERS:
        return  # the engine is never made; another driver is meant, and the arguments may be right for that one
    for name, setting in pool.connect_args.items() if pool.connect_args_complete else ():
        if driver_takes(driver, name) is False and is_given(setting):
            yield name, setting, f"{driver} takes no {name}: every connect fails"
    for name, setting in pool.query.items():
        if driver_takes(driver, name, in_query=True) is False:
            yield name, setting, f"{driver} takes no {name}, which the URL passes to it: every connect fails"
        elif name in BREAKS_AS_TEXT.get(driver, ()):
            yield (
                name,
                setting,
                f"{name} in the URL reaches {driver} as text, and it needs a number: every connection fails",
            )
        elif driver == "asyncpg" and name == "ssl" and isinstance(setting, Known) and setting.value not in SSL_WORDS:
            yield name, setting, f"ssl={setting.value} in the URL is no word that asyncpg knows: every connect fails"


def _help(driver: str, name: str, what: str) -> str:
    if name in MISPLACED:
        return f"Remove {name} from the URL; options of the pool are arguments of create_engine."
    if "as text" in what:
        return f'Move it out of the URL: connect_args={{"{name}": ...}}.'
    if "no word" in what:
        return f"Write one of {', '.join(sorted(SSL_WORDS))}."
    if (driver, name) in INSTEAD:
        return f"Rename it: {INSTEAD[driver, name]}."
    return f"Remove {name}: it belongs to another driver."
