"""What poollint saw and how it linked it: `poollint facts`, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from poollint.arithmetic import MULTIPLE
from poollint.escape import clean
from poollint.facts import (
    NOT_READ,
    Client,
    Database,
    Engine,
    Known,
    Pool,
    Pooler,
    Project,
    Setting,
    Unknown,
    Workload,
    value_of,
)
from poollint.report import _data
from poollint.report._values import place, shown, why

SETTINGS = (
    "pool_size", "max_overflow", "pool_timeout", "pool_recycle", "pool_pre_ping", "isolation_level", "pings",
)  # fmt: skip


# -- for programs --------------------------------------------------------------------------------------------------


def as_json(project: Project) -> str:
    return _data.dumps(
        {
            "version": _data.VERSION,
            "engines": [_engine(engine) for engine in project.engines],
            "workloads": [_workload(workload) for workload in project.workloads],
            "databases": [_database(database) for database in project.databases],
            "poolers": [_pooler(pooler) for pooler in project.poolers],
            "clients": [_client(client, project) for client in project.clients],
            "unknowns": [_data.unknown(missing) for missing in project.missing],
            "skipped": _data.skipped(project.skipped),
        }
    )


def _engine(engine: Engine) -> dict[str, Any]:
    return {
        **_data.place(engine.location),
        "factory": engine.factory,
        "async": engine.is_async,
        "place": engine.place,
        "role": engine.role,
        "driver": _word(engine, lambda pool: pool.driver),
        "target": _word(engine, lambda pool: pool.target),
        "pool_class": _word(engine, lambda pool: pool.pool_class),
        "settings": settings(engine),
    }


def settings(engine: Engine) -> dict[str, dict[str, Any]]:
    """Return the pool's settings as they hold for the alternatives that can be live."""
    return {name: _data.setting(agreed([getattr(pool, name) for pool in pooling(engine)])) for name in SETTINGS}


def pooling(engine: Engine) -> list[Pool]:
    """Return the alternatives whose settings mean something: NullPool takes no sizes, and a 5 there would be none."""
    return [pool for pool in engine.live if value_of(pool.pool_class) != "NullPool"] or list(engine.live)


def agreed(alternatives: list[Setting]) -> Setting:
    """Return the setting on which all alternatives agree, else Unknown with what they are."""
    first = alternatives[0]
    if all(isinstance(one, Known) for one in alternatives):
        values = list(dict.fromkeys(_spelled(one.value) for one in alternatives))  # type: ignore[union-attr]
        if len(values) == 1:
            return first
        return Unknown(f"depends on the run: {' or '.join(values)}", first.origin)
    return next(one for one in alternatives if not isinstance(one, Known))


def _spelled(value: Any) -> str:
    """Spell equal numbers alike: 30 seconds in the code are the 30.0 of SQLAlchemy."""
    return repr(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)


def _word(engine: Engine, of: Callable[[Pool], Setting]) -> str | None:
    value = value_of(agreed([of(pool) for pool in engine.live]))
    return None if value is None else str(value)


def _workload(workload: Workload) -> dict[str, Any]:
    return {
        "name": workload.name,
        "kind": workload.kind,
        "platform": workload.platform,
        "environment": workload.environment,
        "path": workload.location.path,
        "line": workload.location.line,
        "life": workload.life,
        "instances": _data.setting(workload.instances),
        "rollout_instances": _data.setting(workload.rollout_instances),
        "processes": _data.setting(_of_processes(workload, "processes")),
        "units": _data.setting(_of_processes(workload, "units")),
        "concurrency": _data.setting(workload.concurrency),
        "request_timeout": _data.setting(workload.request_timeout),
    }


def _of_processes(workload: Workload, name: str) -> Setting:
    """Return what its one command says; several commands have no common number."""
    if len(workload.run) == 1:
        return getattr(workload.run[0], name)
    if not workload.run:
        return Unknown("no command was read")
    return Unknown("several commands: " + ", ".join(process.server for process in workload.run))


def _database(database: Database) -> dict[str, Any]:
    numbers = {name: _data.setting(getattr(database, name)) for name in ("max_connections", "reserved", "idle_timeout")}
    return {
        "name": database.name,
        "provider": database.provider,
        "tier": _data.setting(database.tier),
        "environment": database.environment,
        **numbers,
        "path": database.location.path if database.location else None,
        "line": database.location.line if database.location else None,
    }


_POOLER = (
    "version", "mode", "prepared_statements", "max_client_connections", "pool_size", "reserve_pool_size",
    "max_db_connections", "replicas",
)  # fmt: skip


def _pooler(pooler: Pooler) -> dict[str, Any]:
    return {
        "name": pooler.name,
        "product": pooler.product,
        "environment": pooler.environment,
        "path": pooler.location.path if pooler.location else None,
        "line": pooler.location.line if pooler.location else None,
        **{name: _data.setting(getattr(pooler, name)) for name in _POOLER},
    }


def _client(client: Client, project: Project) -> dict[str, Any]:
    return {
        "engine": client.engine.name,
        "workload": client.workload.name if client.workload else None,
        "environment": client.environment,
        "database": client.database.name if client.database else None,
        "pooler": client.pooler.name if client.pooler else None,
        "connections": {**_data.setting(client.steady.lowered), "plain": _data.setting(client.steady.plain)},
        "rollout_connections": {**_data.setting(client.rollout.lowered), "plain": _data.setting(client.rollout.plain)},
        "settings": _changed(client, project),
        "hops": [
            {"name": hop.name, "seconds": _data.setting(hop.seconds), "effect": hop.effect} for hop in client.hops
        ],
        "how": client.how,
    }


def _changed(client: Client, project: Project) -> dict[str, dict[str, Any]]:
    """Return the settings that this workload's environment gives another value than the code alone."""
    alone = next((e for e in project.engines if e.location == client.engine.location), client.engine)
    before = settings(alone)
    return {name: value for name, value in settings(client.engine).items() if value != before[name]}


# -- for people ----------------------------------------------------------------------------------------------------


def as_text(project: Project, verbose: bool = False) -> str:
    sections = (
        ("engines", [_engine_lines(engine, verbose) for engine in project.engines]),
        ("workloads", [_workload_lines(workload, verbose) for workload in project.workloads]),
        ("databases", [_database_lines(database) for database in project.databases]),
        ("poolers", [_pooler_lines(pooler) for pooler in project.poolers]),
        ("clients", [_client_lines(client) for client in project.clients]),
    )
    blocks = [
        f"{title}\n" + "".join(f"  {line}\n" for lines in items for line in lines) for title, items in sections if items
    ]
    return "\n".join(blocks)


def _engine_lines(engine: Engine, verbose: bool) -> list[str]:
    factory = f"{engine.factory} bind {engine.bind}" if engine.bind else engine.factory
    kind = f"{factory}, {'async, ' if engine.is_async else ''}{engine.place}, {engine.role}"
    driver = _word(engine, lambda pool: pool.driver) or _word(engine, lambda pool: pool.dialect) or "unknown driver"
    is_file = _word(engine, lambda pool: pool.dialect) == "sqlite"
    target = _word(engine, lambda pool: pool.target) or ("an unknown file" if is_file else "an unknown server")
    pool_class = _word(engine, lambda pool: pool.pool_class)
    lines = [clean(f"{engine.name}  {kind}; {driver} to {target}; {pool_class or 'unknown pool class'}")]
    if pool_class != "NullPool":  # it has no sizes, and keeps nothing to test
        lines += _rows((name, agreed([getattr(pool, name) for pool in pooling(engine)])) for name in SETTINGS[:5])
    return lines + [f"    {clean(reason)}" for reason in engine.reasons if verbose]


def _workload_lines(workload: Workload, verbose: bool) -> list[str]:
    where = f" in {workload.environment}" if workload.environment else ""
    lines = [
        clean(f"{workload.name}{where}  {workload.platform} {workload.kind}, {workload.life}; {workload.location}")
    ]
    lines += _rows([("instances", workload.instances), ("concurrency", workload.concurrency)])
    for process in workload.run:
        entry = process.entry if process.entry and process.entry != process.server else ""
        lines.append(clean(f"    runs {process.server} {entry}".rstrip()))
        lines += [f"  {row}" for row in _rows([("processes", process.processes), ("units", process.units)])]
    return lines + [f"    {clean(note)}" for note in workload.notes if verbose]


def _database_lines(database: Database) -> list[str]:
    where = f" in {database.environment}" if database.environment else ""
    place = f"; {database.location}" if database.location else ""
    head = clean(f"{database.name}{where}  {database.provider or database.dialect or 'provider not known'}{place}")
    names = ("tier", "max_connections", "reserved", "idle_timeout")
    return [head, *_rows((name, getattr(database, name)) for name in names)]


def _pooler_lines(pooler: Pooler) -> list[str]:
    where = f" in {pooler.environment}" if pooler.environment else ""
    head = clean(f"{pooler.name}{where}  {pooler.product}{f'; {pooler.location}' if pooler.location else ''}")
    return [head, *_rows((name, getattr(pooler, name)) for name in _POOLER[1:])]


def _client_lines(client: Client) -> list[str]:
    ends = [client.workload.name if client.workload else "nobody known", client.engine.name]
    ends += [client.pooler.name] if client.pooler else []
    ends.append(client.database.name if client.database else "a database that is not known")
    where = f" in {client.environment}" if client.environment else ""
    lines = [clean(f"{' → '.join(ends)}{where}")]
    if client.how:
        lines.append(clean(f"    because {client.how}"))
    return [*lines, f"    {clean(_opens(client))}"]


def _opens(client: Client) -> str:
    """Say what a client opens: in all, else in one instance, else in one process, and what is missing for more."""
    steady, one = client.steady, client.one
    if isinstance(steady.lowered, Known):
        return f"opens at most {f'{steady.formula} = ' if steady.formula else ''}{shown(steady.lowered)}"
    missing = _missing(steady.lowered.reason)
    if isinstance(one.lowered, Known):
        return f"each instance opens at most {one.formula.removeprefix(f'1 instance {MULTIPLE} ')} = {shown(one.lowered)}; {missing}"
    factors = dict(steady.factors)
    size, overflow = (value_of(factors.get(name, NOT_READ)) for name in ("pool_size", "max_overflow"))
    if size is not None and overflow is not None:
        return f"each process opens at most {size} + {overflow}; {missing}"
    return f"opens a number of connections that is not known; {missing}"


def _missing(reason: str) -> str:
    """Return the reason of an unknown factor as a clause: "instances: no manifest says how many" needs only the latter."""
    name, _, why_not = reason.partition(": ")
    if name not in ("instances", "processes"):
        return reason
    return why_not if why_not.startswith("no ") else f"the number of {name} is not known: {why_not}"


def _rows(settings: Iterable[tuple[str, Setting]]) -> list[str]:
    """Lay the settings out in columns; what nothing could have said is left out."""
    rows = [(name, shown(given), place(given), why(given)) for name, given in settings if given != NOT_READ]
    name, value, where = (max((len(row[i]) for row in rows), default=0) for i in range(3))
    return [f"    {r[0]:<{name}}  {r[1]:>{value}}  {r[2]:<{where}}{'  ' if where else ''}{r[3]}".rstrip() for r in rows]
