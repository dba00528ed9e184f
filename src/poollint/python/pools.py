"""What SQLAlchemy makes of the arguments of one engine call: the settings of one Pool, defaults included."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from poollint.facts import Certainty, Known, Origin, Pool, Setting, Target, Unknown, Version, value_of, weakest
from poollint.python.evaluator import urls
from poollint.python.evaluator.evaluate import World
from poollint.python.evaluator.values import (
    Arguments,
    ClassRef,
    LibraryObject,
    LibraryRef,
    Table,
    Url,
    Value,
    as_setting,
    origin_of,
    reason_of,
    setting_of,
)
from poollint.python.source import names
from poollint.sqlalchemy_tables import (
    AIOSQLITE_FILE_QUEUES_SINCE,
    ASYNC_DRIVERS,
    COERCED_BY_CONFIG,
    DEFAULT_DRIVERS,
    DEFAULTS,
    POOL_CLASSES,
    PSYCOPG_IS_DEFAULT_SINCE,
    REFUSED_BY_POOL,
    SQLITE_FILE_QUEUES_SINCE,
)
from poollint.versions import FURTHER_DRIVERS, TOOLKITS, at_least, version_setting


@dataclass(frozen=True, slots=True)
class Library:
    """The declared libraries as one engine's file sees them, and the server that the project speaks of around it."""

    declared: Callable[[str], tuple[Version, ...]]
    spoken: Callable[[tuple[str, ...]], Known | None] = lambda identities: None

    def at_least(self, bound: str, name: str = "sqlalchemy") -> bool | None:
        return at_least(self.declared(name), bound)

    def requires(self, name: str) -> bool:
        """Say whether the program is installed with a library: not by an extra or for development alone."""
        plain = name.removesuffix("-binary")  # psycopg[binary] is in a lock file as two distributions
        of_plain = self.declared(plain) if name != plain and name.startswith("psycopg-") else ()
        return any(version.required for version in (of_plain or self.declared(name))) and bool(self.declared(name))

    @property
    def sqlalchemy(self) -> Setting:
        return version_setting(self.declared("sqlalchemy"), "sqlalchemy")

    @property
    def says(self) -> str:
        """Name the version whose defaults hold: "default of SQLAlchemy 2.0"."""
        version = str(value_of(self.sqlalchemy, ""))
        series = ".".join(version.split(".")[:2])
        return f"default of SQLAlchemy {series}".strip()


def pool_of(world: World, arguments: Arguments, url: Value | None, is_async: bool, library: Library) -> Pool:
    """Return the pool that these arguments make; `url` is the database URL as a value."""
    parts = urls.as_url(world, url) if url is not None else None
    parts = parts or urls.unknown_url(url if url is not None else Unknown(arguments.reason or "no URL is passed"))
    parts = _plausible(parts, library)
    dialect = dialect_of(parts, library)
    driver = _driver(parts, dialect, is_async, library)
    given = _given(arguments)
    pool_class = _pool_class(given, parts, dialect, is_async or _is_asynchronous(driver), library)
    connect_args, complete = _connect_args(arguments)
    return Pool(
        dialect=dialect,
        driver=driver,
        target=_target(parts, dialect),
        pool_class=pool_class,
        **{name: _or_default(given, name, pool_class, library) for name in DEFAULTS},
        isolation_level=_isolation_level(arguments),
        arguments={name: setting_of(name, value) for name, value in arguments.keywords.items()},
        connect_args=connect_args,
        connect_args_complete=complete,
        query=dict(parts.query),
        complete=arguments.complete,
        identities=_identities(parts),
        user=parts.user,
        excludes=parts.excludes,
    )


# -- the URL -----------------------------------------------------------------------------------------------------------


def coerced(name: str, value: Value) -> Value:
    """Return an option as engine_from_config() passes it on: text becomes a number only under the keys it coerces."""
    if name in COERCED_BY_CONFIG and isinstance(value, Known) and isinstance(value.value, str):
        if re.fullmatch(r"\s*[+-]?\d+\s*", value.value):
            return replace(value, value=int(value.value))
    return value


def dialect_of(url: Url, library: Library) -> Setting:
    """Return what the URL names, or the one server whose drivers the project declares, or that it speaks of."""
    dialect = url.dialect
    if isinstance(dialect, Known) and dialect.value == "postgres":
        return Known("postgresql", dialect.origin, dialect.certainty)
    if isinstance(dialect, Known) and dialect.value is not None:
        return dialect
    declared = _declared(library, lambda dialect_, driver_, is_async_: dialect_) or library.spoken(url.identities)
    return declared if declared is not None and declared.value not in url.excludes else dialect


def _plausible(url: Url, library: Library) -> Url:
    """Return a URL without the server that only a condition speaks of, where the project declares no driver of it.

    `if "mysql" in url` says what the code could do; what is declared beside SQLAlchemy says what is installed.
    """
    named = value_of(url.dialect)
    is_asked = named is not None and isinstance(url.whole, Unknown) and url.dialect.certainty == "fallback"  # type: ignore[union-attr]
    servers = {row[0] for row in _DISTRIBUTIONS.values()}
    if not (is_asked and named in servers or named is None and url.excludes) or not any(map(library.declared, TOOLKITS)):
        return url
    drivers = [name for name, row in _DISTRIBUTIONS.items() if named in (None, row[0])]
    if any(map(library.declared, (*drivers, *FURTHER_DRIVERS))):
        return url
    unknown = Unknown(f"the URL may name {named or 'a server'}, and no driver of it is declared", url.dialect.origin)
    return replace(url, dialect=unknown, driver=unknown, excludes=frozenset())


# Distribution → (dialect, driver, async). A project that declares only drivers of one server talks to that server.
_DISTRIBUTIONS: Mapping[str, tuple[str, str, bool]] = {
    "psycopg2": ("postgresql", "psycopg2", False),
    "psycopg2-binary": ("postgresql", "psycopg2", False),
    "psycopg": ("postgresql", "psycopg", True),
    "psycopg-binary": ("postgresql", "psycopg", True),
    "asyncpg": ("postgresql", "asyncpg", True),
    "pg8000": ("postgresql", "pg8000", False),
    "pymysql": ("mysql", "pymysql", False),
    "mysqlclient": ("mysql", "mysqldb", False),
    "aiomysql": ("mysql", "aiomysql", True),
    "asyncmy": ("mysql", "asyncmy", True),
}


def may_be(dialect: str, library: Library) -> bool:
    """Say whether a project declares a driver of a server."""
    return any(row[0] == dialect and library.requires(name) for name, row in _DISTRIBUTIONS.items())


# Who declares one of these, and not for developers alone, may as well talk to a file.
_OF_FILES = ("aiosqlite", "duckdb-engine")
_OF_MYSQL = ("mysql-connector-python", "mariadb")  # drivers of it besides those of the table


def _declared(
    library: Library, pick: Callable[[str, str, bool], str], only_async: bool = False, dialect: str | None = None
) -> Known | None:
    """Return what all required drivers (of a dialect) agree on, as an estimate: this engine may use none of them."""
    found = {
        name: (library.declared(name)[0], row)
        for name, row in _DISTRIBUTIONS.items()
        if (row[2] or not only_async) and dialect in (None, row[0]) and library.requires(name)
    }
    answers = {pick(*row) for _, row in found.values()}
    of_files = (version for file_driver in _OF_FILES for version in library.declared(file_driver))
    is_open = dialect is None and any(not version.for_developers for version in of_files)
    is_other = dialect is None and any(map(library.requires, _OF_MYSQL)) and any(row[0] != "mysql" for _, row in found.values())
    if len(answers) != 1 or is_open or is_other:
        return None
    name, (version, _) = next(iter(found.items()))
    return Known(answers.pop(), Origin(f"{name} is declared", version.location), "estimate")


def _driver(url: Url, dialect: Setting, is_async: bool, library: Library) -> Setting:
    """Return the driver the URL names, or the one SQLAlchemy takes without a name."""
    server = value_of(url.dialect) and value_of(dialect)
    if server is None or isinstance(url.driver, Unknown):
        asynchronous = (
            _declared(library, lambda dialect_, driver, is_async_: driver, only_async=True, dialect=server)
            if is_async
            else None
        )
        return asynchronous or url.driver
    if url.driver.value is not None:
        return url.driver
    name = value_of(dialect)
    if name == "postgresql":
        return _postgresql_driver(url.driver, library)
    if name in DEFAULT_DRIVERS:
        return Known(DEFAULT_DRIVERS[name], Origin(library.says), _as_default(url.driver))
    return Unknown(f"the default driver of {name}", url.driver.origin)


def _as_default(plain: Known) -> Certainty:
    """Return how sure the library's own driver is: no surer than the URL that names none."""
    return weakest((plain, Known(None, Origin(""), "default")))


def _postgresql_driver(plain: Known, library: Library) -> Setting:
    """Return the driver of a plain `postgresql://`: psycopg2 up to SQLAlchemy 2.0, psycopg from 2.1 on."""
    is_new = library.at_least(PSYCOPG_IS_DEFAULT_SINCE)
    if is_new is not None:
        return Known("psycopg" if is_new else "psycopg2", Origin(library.says), _as_default(plain))
    old = library.declared("psycopg2") or library.declared("psycopg2-binary")
    new = library.declared("psycopg") or library.declared("psycopg-binary")
    if bool(old) != bool(new):
        chosen = (old or new)[0]
        return Known(
            "psycopg2" if old else "psycopg", Origin(f"{chosen.name} is declared", chosen.location), "estimate"
        )
    reason = (
        "plain postgresql:// is psycopg2 up to SQLAlchemy 2.0 and psycopg from 2.1 on, and the version is not pinned"
    )
    return Unknown(reason, plain.origin)


def _target(url: Url, dialect: Setting) -> Setting:
    if not isinstance(url.host, Known):
        return Unknown(url.host.reason, url.host.origin)
    parts = (url.host, url.port, url.database)
    if value_of(dialect) == "sqlite" and not isinstance(url.database, Known):
        return Unknown(url.database.reason, url.database.origin)  # its file is all there is to a place
    if value_of(dialect) != "sqlite" and all(isinstance(part, Known) and not part.value for part in parts):
        return Unknown("the URL names no server", url.origin)  # a creator does, or variables of the driver
    target = Target(value_of(dialect), url.host.value, value_of(url.port), value_of(url.database))
    return Known(target, url.host.origin, weakest(parts))


_INSTANCE = re.compile(r"/cloudsql/([\w.:-]+:[\w-]+:[\w-]+)(?:/|$)")


def _identities(url: Url) -> tuple[str, ...]:
    host = value_of(url.host)
    socket = _INSTANCE.search(host) if isinstance(host, str) else None
    return (*url.identities, f"cloudsql:{socket.group(1)}") if socket else url.identities


# -- the pool ----------------------------------------------------------------------------------------------------------


def _given(arguments: Arguments) -> Arguments:
    """Return the pool's arguments; those of a finished pool (`pool=QueuePool(...)`) stand for the engine's own."""
    pool = arguments.keywords.get("pool")
    if pool is None or (isinstance(pool, Known) and pool.value is None):
        return arguments
    name = pool.name.rpartition(".")[2] if isinstance(pool, LibraryObject) else ""
    if name not in POOL_CLASSES:
        return Arguments(complete=False, reason="a finished pool is passed")
    inner = pool.arguments  # type: ignore[union-attr]
    long = {"timeout": "pool_timeout", "recycle": "pool_recycle", "pre_ping": "pool_pre_ping"}
    keywords = {long.get(key, key): value for key, value in inner.keywords.items()}
    made = LibraryRef(f"sqlalchemy.pool.{name}", origin_of(pool))
    return Arguments((), {**keywords, "poolclass": made}, inner.complete, inner.reason)


def _or_default(given: Arguments, name: str, pool_class: Setting, library: Library) -> Setting:
    value = given.get(name)
    if value is not None:
        return as_setting(value)
    if name in REFUSED_BY_POOL.get(value_of(pool_class), ()):
        return Unknown(f"{value_of(pool_class)} has no {name}", pool_class.origin)
    return Known(DEFAULTS[name], Origin(library.says), "default")


def _pool_class(given: Arguments, url: Url, dialect: Setting, is_async: bool, library: Library) -> Setting:
    """Return the class by its name: the one that is passed, else SQLAlchemy's choice for the dialect."""
    value = given.get("poolclass")
    if value is None or (isinstance(value, Known) and value.value is None):
        return _default_class(url, dialect, is_async, library)
    if name := pool_class_name(value):
        return Known(name, origin_of(value))
    overflow = given.get("max_overflow")
    if isinstance(value, Unknown) and isinstance(overflow, Known) and overflow.value is not None:
        return Known(_queue(is_async), Origin("no other pool takes max_overflow", overflow.origin.location), "default")
    return Unknown(f"the pool class: {reason_of(value)}", origin_of(value))


def pool_class_name(value: Value) -> str | None:
    """Return which of SQLAlchemy's pools a class is, or descends from."""
    if isinstance(value, LibraryRef):
        name = value.name.rpartition(".")[2]
        return name if value.name.startswith("sqlalchemy.pool.") and name in POOL_CLASSES else None
    depth = 0
    while isinstance(value, ClassRef) and value.node.bases and depth < 5:
        resolved, depth = names.resolve(value.module, value.node.bases[0]), depth + 1
        if isinstance(resolved, LibraryRef):
            return pool_class_name(resolved)
        value = resolved  # type: ignore[assignment]
    return None


def _default_class(url: Url, dialect: Setting, is_async: bool, library: Library) -> Setting:
    name = value_of(dialect)
    if name != "sqlite":
        # What is not known here is SQLite at most, which no rule judges.
        return Known(_queue(is_async), Origin(library.says), "default")
    return _sqlite_class(url, is_async, library)


def _sqlite_class(url: Url, is_async: bool, library: Library) -> Setting:
    database = url.database
    if not isinstance(database, Known):
        return Unknown("depends on whether SQLite uses a file", database.origin)
    if database.value in (None, "", ":memory:") or "mode=memory" in str(database.value):
        return Known("StaticPool" if is_async else "SingletonThreadPool", Origin(library.says), "default")
    queues = library.at_least(AIOSQLITE_FILE_QUEUES_SINCE if is_async else SQLITE_FILE_QUEUES_SINCE)
    if queues is None:
        return Unknown("depends on the version of SQLAlchemy, which is not pinned")
    return Known(_queue(is_async) if queues else "NullPool", Origin(library.says), "default")


def _is_asynchronous(driver: Setting) -> bool:
    """Say whether a driver is one of asyncio's: its dialect brings its queue, also where a plain `create_engine` takes it."""
    name = str(value_of(driver))
    return name in ASYNC_DRIVERS or name.endswith("_async")


def _queue(is_async: bool) -> str:
    return "AsyncAdaptedQueuePool" if is_async else "QueuePool"


# -- the rest ----------------------------------------------------------------------------------------------------------


def _connect_args(arguments: Arguments) -> tuple[Mapping[str, Setting], bool]:
    value = arguments.get("connect_args")
    if value is None or (isinstance(value, Known) and value.value is None):
        return {}, True
    if not isinstance(value, Table):
        return {}, False
    return {str(key): _nested(str(key), entry) for key, entry in value.entries.items()}, value.complete


def _nested(name: str, value: Value) -> Setting:
    """Return an entry of connect_args; `server_settings` and `ssl` may be dicts of their own."""
    if isinstance(value, Table) and value.complete:
        entries = {str(key): setting_of(str(key), entry) for key, entry in value.entries.items()}
        return Known(entries, value.origin)
    return setting_of(name, value)


def _isolation_level(arguments: Arguments) -> Setting:
    value = arguments.get("isolation_level")
    options = arguments.get("execution_options")
    if value is None and isinstance(options, Table):
        value = options.get("isolation_level")
    return as_setting(value) if value is not None else Known(None, Origin("the server's default"), "default")


def merged(pools: Iterable[Pool]) -> tuple[Pool, ...]:
    """Return the pools, equal ones once, in their order; one that several ways lead to has the callers of all."""
    found: list[Pool] = []
    for pool in pools:
        if pool not in found:
            found.append(pool)
            continue
        number = found.index(pool)
        ways = (found[number].callers, pool.callers)
        together = (ways[0][0] | ways[1][0],) if len(ways[0]) == len(ways[1]) == 1 else ()
        found[number] = replace(found[number], callers=ways[0] if ways[0] == ways[1] else together)
    return tuple(found)
