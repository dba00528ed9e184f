"""Every row of sqlalchemy_tables.py against the real SQLAlchemy and the real drivers, as they are installed here.

The tests run with whatever versions there are: in a second environment with SQLAlchemy 2.1 they check the same rows.
Connections go to a port that nobody listens on: a driver refuses a wrong argument before it tries to connect.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import inspect

import pytest

from poollint import sqlalchemy_tables as tables

sqlalchemy = pytest.importorskip("sqlalchemy")
pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.filterwarnings("ignore:coroutine")]

from sqlalchemy import pool as pools  # noqa: E402
from sqlalchemy.ext import asyncio as async_sqlalchemy  # noqa: E402

VERSION = tuple(int(part) for part in sqlalchemy.__version__.split(".")[:3] if part.isdigit())
CLOSED = "127.0.0.1:1"
SQLITE = "sqlite:///file.db"
ASYNC_SQLITE = "sqlite+aiosqlite:///file.db"

DIALECT_OF = {
    "psycopg2": "postgresql", "psycopg": "postgresql", "pg8000": "postgresql", "asyncpg": "postgresql",
    "pymysql": "mysql", "aiomysql": "mysql", "asyncmy": "mysql", "pysqlite": "sqlite", "aiosqlite": "sqlite",
}  # fmt: skip
VALUES = {
    "pool_size": 5,
    "max_overflow": 5,
    "pool_timeout": 5,
    "pool_use_lifo": True,
    "pool_recycle": 5,
    "pool_pre_ping": True,
}


def needs(*modules: str) -> None:
    for module in modules:
        pytest.importorskip({"pysqlite": "sqlite3"}.get(module, module))


# -- factories


@pytest.mark.parametrize("name", tables.FACTORIES)
def test_every_factory_exists(name: str) -> None:
    module, _, function = name.rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize("name", sorted(tables.ASYNC_WRAPPERS))
def test_every_wrapper_exists(name: str) -> None:
    module, _, cls = name.rpartition(".")
    assert inspect.isclass(getattr(importlib.import_module(module), cls))


# -- pools


@pytest.mark.parametrize(("name", "value"), tables.DEFAULTS.items())
def test_the_defaults(name: str, value: object) -> None:
    needs("psycopg2")
    engine = sqlalchemy.create_engine("postgresql+psycopg2://h/d")
    attributes = {
        "pool_size": "size",
        "max_overflow": "_max_overflow",
        "pool_timeout": "_timeout",
        "pool_recycle": "_recycle",
    }
    found = getattr(engine.pool, attributes.get(name, "_pre_ping"))
    assert (found() if callable(found) else found) == value


REFUSED = [(cls, name) for cls, names in tables.REFUSED_BY_POOL.items() for name in names]
ACCEPTED = [
    (cls, name) for cls, names in tables.REFUSED_BY_POOL.items() for name in tables.QUEUE_ARGUMENTS if name not in names
]


@pytest.mark.parametrize(("cls", "name"), REFUSED)
def test_a_pool_without_a_size_refuses_it(cls: str, name: str) -> None:
    with pytest.raises(TypeError, match="Invalid argument"):
        sqlalchemy.create_engine(SQLITE, poolclass=getattr(pools, cls), **{name: VALUES[name]})


@pytest.mark.parametrize(("cls", "name"), ACCEPTED)
def test_the_other_pools_take_it(cls: str, name: str) -> None:
    if cls in tables.ASYNC_ONLY_POOLS:
        needs("aiosqlite")
        async_sqlalchemy.create_async_engine(ASYNC_SQLITE, poolclass=getattr(pools, cls), **{name: VALUES[name]})
    else:
        sqlalchemy.create_engine(SQLITE, poolclass=getattr(pools, cls), **{name: VALUES[name]})


@pytest.mark.parametrize("name", tables.REFUSED_BESIDE_POOL)
def test_a_finished_pool_takes_no_options(name: str) -> None:
    finished = pools.NullPool(lambda: None)
    value = VALUES | {"poolclass": pools.NullPool, "pool_reset_on_return": "rollback"}
    with pytest.raises(TypeError, match="Invalid argument"):
        sqlalchemy.create_engine(SQLITE, pool=finished, **{name: value[name]})


@pytest.mark.skipif(VERSION < (2, 0, 28), reason="earlier versions accept it and block")
@pytest.mark.parametrize("cls", sorted(tables.SYNC_ONLY_POOLS))
def test_a_pool_for_threads_is_refused_under_asyncio(cls: str) -> None:
    needs("aiosqlite")
    with pytest.raises(sqlalchemy.exc.ArgumentError, match="cannot be used with asyncio engine"):
        async_sqlalchemy.create_async_engine(ASYNC_SQLITE, poolclass=getattr(pools, cls))


@pytest.mark.skipif(VERSION < (2, 0, 28), reason="earlier versions accept it")
@pytest.mark.parametrize("cls", sorted(tables.ASYNC_ONLY_POOLS))
def test_a_pool_for_asyncio_is_refused_without(cls: str) -> None:
    with pytest.raises(sqlalchemy.exc.ArgumentError, match="cannot be used with non-asyncio engine"):
        sqlalchemy.create_engine(SQLITE, poolclass=getattr(pools, cls))


# -- types


@pytest.mark.parametrize(("row", "when"), tables.WRONG_TYPES.items(), ids=str)
def test_a_value_that_is_no_number(row: tuple[str, str], when: str) -> None:
    name, kind = row
    arguments = {"poolclass": pools.QueuePool, name: "10" if kind == "text" else None}
    if when == "at start":
        with pytest.raises(TypeError):
            sqlalchemy.create_engine(SQLITE, **arguments)
        return
    if when == "when the pool is exhausted":
        arguments |= {"pool_size": 1, "max_overflow": 0}
    engine = sqlalchemy.create_engine("sqlite://", **arguments, connect_args={"check_same_thread": False})
    if when == "at the first checkout":
        with pytest.raises(TypeError):
            _check_out_twice(engine, hold=name == "max_overflow")
    else:
        with engine.connect(), pytest.raises(TypeError):
            engine.connect()


def _check_out_twice(engine, hold: bool) -> None:
    """Text in max_overflow is compared when the queue is empty, in pool_recycle when a connection is used again."""
    held = []
    for _ in range(2):
        connection = engine.connect()
        held.append(connection) if hold else connection.close()


@pytest.mark.parametrize("name", tables.COERCED_BY_CONFIG)
def test_engine_from_config_coerces(name: str) -> None:
    config = {
        "sqlalchemy.url": SQLITE,
        f"sqlalchemy.{name}": "true" if name in ("echo", "echo_pool", "future") else "7",
    }
    sqlalchemy.engine_from_config(config, poolclass=pools.QueuePool)


@pytest.mark.parametrize("word", sorted(tables.FALSE_WORDS))
@pytest.mark.parametrize("name", tables.NOT_COERCED_BY_CONFIG)
def test_engine_from_config_leaves_flags_as_text(name: str, word: str) -> None:
    config = {"sqlalchemy.url": SQLITE, f"sqlalchemy.{name}": word}
    engine = sqlalchemy.engine_from_config(config, poolclass=pools.QueuePool)
    if name == "pool_pre_ping":
        assert engine.pool._pre_ping
    else:
        assert engine.pool._pool.use_lifo


# -- keywords


@pytest.mark.parametrize(
    "driver", ["psycopg2", "psycopg", "asyncpg", "pg8000", "pymysql", "aiomysql", "asyncmy", "pysqlite"]
)
def test_the_tables_know_every_keyword_of_the_dialect(driver: str) -> None:
    needs(driver)
    dialect = DIALECT_OF[driver]
    try:
        module = importlib.import_module(f"sqlalchemy.dialects.{dialect}.{driver}")
    except ImportError:
        pytest.skip(f"this SQLAlchemy has no {driver}")
    taken = sqlalchemy.util.get_cls_kwargs(module.dialect) | sqlalchemy.util.get_cls_kwargs(sqlalchemy.engine.Engine)
    assert {name for name in taken if tables.accepts(dialect, name) is False} == set()


@pytest.mark.parametrize("name", sorted(tables.MEANT))
def test_the_names_people_write_instead_are_refused(name: str) -> None:
    needs("psycopg2")
    assert tables.accepts("postgresql", name) is False
    with pytest.raises(TypeError, match="Invalid argument"):
        sqlalchemy.create_engine("postgresql+psycopg2://h/d", **{name: 1})


# -- drivers


@pytest.mark.parametrize("driver", sorted(tables.SYNC_DRIVERS & DIALECT_OF.keys()))
def test_a_synchronous_driver_is_refused_under_asyncio(driver: str) -> None:
    needs(driver)
    url = "sqlite+pysqlite://" if driver == "pysqlite" else f"{DIALECT_OF[driver]}+{driver}://{CLOSED}/d"
    with pytest.raises(sqlalchemy.exc.InvalidRequestError, match="requires an async driver"):
        async_sqlalchemy.create_async_engine(url)


@pytest.mark.parametrize("driver", sorted(tables.ASYNC_DRIVERS & DIALECT_OF.keys()))
def test_an_asynchronous_driver_fails_without_asyncio(driver: str) -> None:
    needs(driver)
    url = "sqlite+aiosqlite://" if driver == "aiosqlite" else f"{DIALECT_OF[driver]}+{driver}://{CLOSED}/d"
    with pytest.raises(sqlalchemy.exc.MissingGreenlet):
        sqlalchemy.create_engine(url).connect()


def test_psycopg_serves_both() -> None:
    needs("psycopg")
    assert "psycopg" not in tables.SYNC_DRIVERS | tables.ASYNC_DRIVERS
    if VERSION >= (2, 0):
        sqlalchemy.create_engine("postgresql+psycopg://h/d")
        async_sqlalchemy.create_async_engine("postgresql+psycopg://h/d")


def test_the_driver_of_a_plain_postgresql_url() -> None:
    needs("psycopg2", "psycopg")
    is_new = VERSION >= tuple(int(part) for part in tables.PSYCOPG_IS_DEFAULT_SINCE.split("."))
    assert sqlalchemy.create_engine("postgresql://h/d").dialect.driver == ("psycopg" if is_new else "psycopg2")


def test_the_pool_of_a_sqlite_file() -> None:
    since = tuple(int(part) for part in tables.SQLITE_FILE_QUEUES_SINCE.split("."))
    queues = VERSION >= since
    assert type(sqlalchemy.create_engine(SQLITE).pool).__name__ == ("QueuePool" if queues else "NullPool")
    assert type(sqlalchemy.create_engine("sqlite://").pool).__name__ == "SingletonThreadPool"


def test_the_pool_of_an_asynchronous_sqlite_file() -> None:
    needs("aiosqlite")
    since = tuple(int(part) for part in tables.AIOSQLITE_FILE_QUEUES_SINCE.split("."))
    wanted = "AsyncAdaptedQueuePool" if VERSION >= since else "NullPool"
    assert type(async_sqlalchemy.create_async_engine(ASYNC_SQLITE).pool).__name__ == wanted
    assert type(async_sqlalchemy.create_async_engine("sqlite+aiosqlite://").pool).__name__ == "StaticPool"


@pytest.mark.parametrize("url", ["postgresql+asyncpg://h/d", "mysql+aiomysql://h/d", "mysql+asyncmy://h/d"])
def test_a_driver_of_asyncio_brings_its_queue_to_a_plain_engine_too(url: str) -> None:
    needs(url.partition("://")[0].partition("+")[2])
    assert type(sqlalchemy.create_engine(url).pool).__name__ == "AsyncAdaptedQueuePool"


# -- arguments of the drivers

REFUSALS = [
    (driver, name)
    for driver in tables.DRIVER_ARGUMENTS
    for name in sorted(frozenset().union(*tables.DRIVER_ARGUMENTS.values(), {"check_same_thread"}, tables.MISPLACED))
    if tables.driver_takes(driver, name) is False
]


def connect(driver: str, query: str = "", **connect_args: object) -> Exception:
    """Return why the connect failed: nobody listens, so it always does."""
    url = f"{DIALECT_OF[driver]}+{driver}://u:p@{CLOSED}/d{query}"
    try:
        if driver in tables.ASYNC_DRIVERS:
            asyncio.run(_connect_async(url, connect_args))
        else:
            sqlalchemy.create_engine(url, connect_args=connect_args).connect()
    except Exception as problem:  # noqa: BLE001 - the kind of failure is what is asked
        return problem
    raise AssertionError("somebody listens on port 1")


async def _connect_async(url: str, connect_args: dict[str, object]) -> None:
    async with async_sqlalchemy.create_async_engine(url, connect_args=connect_args).connect():
        pass


def is_refusal(problem: Exception) -> bool:
    text = str(problem)
    return "unexpected keyword argument" in text or "invalid connection option" in text or "invalid dsn" in text


@pytest.mark.parametrize(("driver", "name"), REFUSALS)
def test_the_driver_refuses_the_argument(driver: str, name: str) -> None:
    needs(driver)
    if driver == "psycopg" and VERSION < (2, 0):
        pytest.skip("SQLAlchemy 1.4 has no psycopg 3")
    problem = connect(driver, **{name: "1"})
    assert is_refusal(problem), f"{type(problem).__name__}: {problem}"


@pytest.mark.parametrize(
    ("driver", "name", "value"),
    [
        ("psycopg2", "connect_timeout", 2), ("psycopg2", "keepalives_idle", 5), ("psycopg2", "tcp_user_timeout", 5),
        ("psycopg2", "options", "-c jit=off"), ("psycopg2", "sslmode", "prefer"), ("psycopg2", "application_name", "a"),
        ("psycopg2", "target_session_attrs", "any"), ("psycopg", "connect_timeout", 2),
        ("psycopg", "prepare_threshold", None),
        ("psycopg", "sslmode", "prefer"), ("psycopg", "keepalives_idle", 5), ("asyncpg", "timeout", 2.0),
        ("asyncpg", "command_timeout", 2), ("asyncpg", "server_settings", {"jit": "off"}),
        ("asyncpg", "statement_cache_size", 0),
        ("asyncpg", "prepared_statement_cache_size", 0), ("asyncpg", "prepared_statement_name_func", str),
        ("asyncpg", "ssl", False), ("asyncpg", "target_session_attrs", "any"), ("pg8000", "timeout", 2),
        ("pg8000", "tcp_keepalive", True), ("pg8000", "application_name", "a"), ("pymysql", "connect_timeout", 2),
        ("pymysql", "read_timeout", 2), ("pymysql", "write_timeout", 2), ("aiomysql", "connect_timeout", 2),
        ("asyncmy", "connect_timeout", 2), ("asyncmy", "read_timeout", 2),
    ],
)  # fmt: skip
def test_the_driver_takes_the_argument(driver: str, name: str, value: object) -> None:
    needs(driver)
    if VERSION < (2, 0) and (driver == "psycopg" or name == "prepared_statement_name_func"):
        pytest.skip("SQLAlchemy 1.4 has neither psycopg 3 nor the name function")
    assert tables.driver_takes(driver, name) is True
    assert not is_refusal(connect(driver, **{name: value}))


@pytest.mark.parametrize(
    ("driver", "name"),
    [
        (driver, name)
        for driver in ("psycopg2", "asyncpg", "pymysql", "pg8000")
        for name in ("pool_size", "pool_pre_ping")
    ]
    + [("asyncpg", name) for name in ("sslmode", "application_name", "connect_timeout", "options")],
)
def test_the_url_passes_its_query_to_the_driver(driver: str, name: str) -> None:
    needs(driver)
    assert tables.driver_takes(driver, name, in_query=True) is False
    assert is_refusal(connect(driver, f"?{name}=1"))


@pytest.mark.parametrize("name", sorted(tables.BREAKS_AS_TEXT["asyncpg"]))
def test_a_number_of_asyncpg_in_the_url_is_text(name: str) -> None:
    needs("asyncpg")
    assert isinstance(connect("asyncpg", f"?{name}=0"), TypeError)
    assert not isinstance(connect("asyncpg", **{name: 1}), TypeError)


def test_a_number_of_psycopg_in_the_url_is_text() -> None:
    """The comparison happens with the first statement: what arrives is looked at here, without a server."""
    needs("psycopg")
    if VERSION < (2, 0):
        pytest.skip("SQLAlchemy 1.4 has no psycopg 3")
    engine = sqlalchemy.create_engine("postgresql+psycopg://h/d?prepare_threshold=0")
    _, arguments = engine.dialect.create_connect_args(engine.url)
    assert tables.BREAKS_AS_TEXT["psycopg"] == {"prepare_threshold"}
    assert arguments["prepare_threshold"] == "0"


@pytest.mark.parametrize("word", sorted(tables.SSL_WORDS))
def test_asyncpg_knows_the_ssl_words(word: str) -> None:
    needs("asyncpg")
    assert "sslmode" not in str(connect("asyncpg", f"?ssl={word}"))


@pytest.mark.parametrize("word", ["false", "true", "0"])
def test_asyncpg_knows_no_other_ssl_words(word: str) -> None:
    needs("asyncpg")
    assert "sslmode" in str(connect("asyncpg", f"?ssl={word}"))


# -- Flask-SQLAlchemy


@pytest.mark.parametrize("key", sorted({**tables.FLASK_2_KEYS, **tables.FLASK_NEVER_KEYS}))
def test_flask_sqlalchemy_3_ignores_the_key(key: str) -> None:
    needs("psycopg2")
    flask = pytest.importorskip("flask")
    try:
        import flask_sqlalchemy
    except ImportError:
        pytest.skip("no Flask-SQLAlchemy that works with this Flask")
    if importlib.metadata.version("flask-sqlalchemy").startswith("2."):
        pytest.skip("version 2 honours some of them")
    app = flask.Flask(__name__)
    app.config[tables.FLASK_URI] = "postgresql+psycopg2://h/d"
    app.config[key] = 1
    database = flask_sqlalchemy.SQLAlchemy(app)
    with app.app_context():
        pool = database.engine.pool
        assert (pool.size(), pool._max_overflow, pool._timeout, pool._recycle, pool._pre_ping) == (
            5,
            10,
            30.0,
            -1,
            False,
        )
