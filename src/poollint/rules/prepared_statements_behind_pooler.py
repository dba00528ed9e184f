"""A driver keeps prepared statements on a server connection that the pooler hands to other clients in turn.

https://magicstack.github.io/asyncpg/current/faq.html#why-am-i-getting-prepared-statement-errors
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint import versions
from poollint.facts import (
    Client,
    Engine,
    Evidence,
    Finding,
    Known,
    Pool,
    Pooler,
    Project,
    Setting,
    Severity,
    about_engine,
    value_of,
)
from poollint.rules._guards import environment_names, every, judged, place, runs_evidence, workload_names

# Poolers whose clients share server connections between transactions; RDS Proxy pins, ProxySQL keeps them apart.
_SHARING = frozenset({"pgbouncer", "supavisor", "pgcat", "pgdog", "odyssey"})
_OTHERWISE = "or let the pooler keep statements apart (PgBouncer 1.24, or 1.21 with max_prepared_statements)."
_ENOUGH = "0.31"  # the first asyncpg whose prepare() names nothing while the cache is off


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        exposed = tuple(client for client in clients if _is_exposed(project, client))
        if exposed:
            yield _finding(project, engine, exposed)


def _is_exposed(project: Project, client: Client) -> bool:
    return _severity(client) is not None and every(client.live, lambda pool: _is_unsafe(project, client, pool))


def _severity(client: Client) -> Severity | None:
    """Error where the pooler surely shares without support; warning where its mode or version is not readable."""
    pooler = client.pooler
    if pooler is None or not _can_share(pooler):
        return None
    mode, support = value_of(pooler.mode), value_of(pooler.prepared_statements)
    if mode == "session":
        return None
    if support is True and not _never_helped(client):
        return None
    return "error" if mode is not None and (support is False or _never_helped(client)) else "warning"


def _can_share(pooler: Pooler) -> bool:
    return pooler.product in _SHARING or value_of(pooler.prepared_statements) is False


def _never_helped(client: Client) -> bool:
    """Measured: in AUTOCOMMIT pg8000 splits a statement over several round trips; no pooler keeps those together."""
    return every(client.live, _is_autocommitting_pg8000)


def _is_autocommitting_pg8000(pool: Pool) -> bool:
    return value_of(pool.driver) == "pg8000" and str(value_of(pool.isolation_level)).upper() == "AUTOCOMMIT"


# -- the truth table of the drivers ------------------------------------------------------------------------------------


def _is_unsafe(project: Project, client: Client, pool: Pool) -> bool:
    driver = value_of(pool.driver)
    if driver == "asyncpg":
        return _asyncpg_is_unsafe(project, client.engine, pool)
    if driver in ("psycopg", "psycopg_async"):
        threshold = _argument(pool, "prepare_threshold")
        return threshold is not None and threshold.value is not None
    return _is_autocommitting_pg8000(pool)


def _asyncpg_is_unsafe(project: Project, engine: Engine, pool: Pool) -> bool:
    """Measured with PgBouncer 1.18 and 1.24, asyncpg 0.29 to 0.32:

    from 0.31  statement_cache_size=0 is enough, unless names are given and kept (a name function with a reusing pool)
    below      a name function with both caches off, or with NullPool and statement_cache_size=0
    """
    statements, dialect, names = (
        _argument(pool, name)
        for name in ("statement_cache_size", "prepared_statement_cache_size", "prepared_statement_name_func")
    )
    if statements is None or dialect is None or names is None:
        return False
    off, both_off = statements.value == 0, statements.value == 0 and dialect.value == 0
    named, kept = names.value is not None, value_of(pool.pool_class) != "NullPool"
    autocommits = str(value_of(pool.isolation_level)).upper() == "AUTOCOMMIT"
    if named and not kept:
        new = versions.at_least(_versions(project, engine), _ENOUGH)
        return not off and new is False
    if named:
        return not both_off or autocommits
    if not off:
        return True
    return versions.at_least(_versions(project, engine), _ENOUGH) is False


def _versions(project: Project, engine: Engine) -> tuple:
    return versions.declared(project.versions, "asyncpg", engine.location.path)


_UNSET = {"statement_cache_size": 100, "prepared_statement_cache_size": 100, "prepare_threshold": 5}


def _argument(pool: Pool, name: str) -> Known | None:
    """Return what reaches the driver, its default when nothing is written, or None when that cannot be told."""
    setting: Setting | None = pool.connect_args.get(name, pool.query.get(name))
    if setting is None:
        origin = pool.driver.origin
        return Known(_UNSET.get(name), origin, "default") if pool.connect_args_complete else None
    if isinstance(setting, Known):
        return Known(_number(setting.value), setting.origin, setting.certainty)
    # A function is never a plain value: that it is given is all that matters.
    return Known("given", setting.origin) if name.endswith("_func") else None


def _number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdigit() else value


# -- the finding -------------------------------------------------------------------------------------------------------


def _finding(project: Project, engine: Engine, clients: tuple[Client, ...]) -> Finding:
    client = next((client for client in clients if _severity(client) == "error"), clients[0])
    pooler, pool = client.pooler, client.live[0]
    assert pooler is not None  # `check` asked
    severity = _severity(client)
    assert severity is not None
    driver = str(value_of(pool.driver))
    cache = _cache(pool)
    return Finding(
        severity=severity,
        message=(
            f"{driver} keeps prepared statements, but {pooler.name} ({_how_sure(pooler)}) gives the connection "
            "to other clients between transactions: statements fail, and rows of another query can come back"
        ),
        help=_help(project, engine, driver),
        location=place(engine, cache) if cache else engine.location,
        evidence=(
            Evidence("driver", pool.driver),
            *([Evidence(_cache_name(pool), cache)] if cache else []),
            Evidence("mode", pooler.mode),
            Evidence("prepared_statements", pooler.prepared_statements),
            *_version_evidence(project, engine, driver),
            *runs_evidence(clients),
        ),
        environments=environment_names(clients),
        workloads=workload_names(clients),
        about=about_engine(engine),
    )


def _how_sure(pooler: Pooler) -> str:
    mode = value_of(pooler.mode)
    return f"{pooler.product}, {mode} mode" if mode else f"{pooler.product}, its mode is not readable here"


def _cache_name(pool: Pool) -> str:
    return "statement_cache_size" if value_of(pool.driver) == "asyncpg" else "prepare_threshold"


def _cache(pool: Pool) -> Setting | None:
    return pool.connect_args.get(_cache_name(pool))


def _version_evidence(project: Project, engine: Engine, driver: str) -> Iterator[Evidence]:
    if driver == "asyncpg":
        yield Evidence("asyncpg", versions.version_setting(_versions(project, engine), "asyncpg"))


def _help(project: Project, engine: Engine, driver: str) -> str:
    if driver == "pg8000":
        return (
            "Leave AUTOCOMMIT out, or use another driver: no pooler keeps pg8000's statements together in AUTOCOMMIT."
        )
    if driver != "asyncpg":
        return f'Add connect_args={{"prepare_threshold": None}}, {_OTHERWISE}'
    if versions.at_least(_versions(project, engine), _ENOUGH) is False:
        return (
            f'Raise asyncpg to {_ENOUGH} and set connect_args={{"statement_cache_size": 0}}; below it, '
            "prepared_statement_name_func and prepared_statement_cache_size=0 are needed as well."
        )
    return f'Add connect_args={{"statement_cache_size": 0}}, {_OTHERWISE}'
