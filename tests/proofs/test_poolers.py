"""prepared-statements-behind-pooler, startup-parameters-behind-pooler, session-state-behind-pooler,
clients-exceed-pooler: what PgBouncer does to its clients."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import subprocess
import time

import pytest
from proofs._server import program
from sqlalchemy import create_engine, exc, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

TRANSACTION = {"pool_mode": "transaction", "default_pool_size": 2}


@pytest.fixture(scope="module")
def supports_prepared_statements() -> bool:
    """True for PgBouncer 1.21 and later, which has `max_prepared_statements` (Debian 12 ships 1.18)."""
    text_ = subprocess.run([program("pgbouncer"), "--version"], capture_output=True, text=True).stdout
    major, minor = map(int, re.search(r"(\d+)\.(\d+)", text_).groups())
    return (major, minor) >= (1, 21)


@pytest.fixture
def pooler(pgbouncer, supports_prepared_statements):
    """A transaction-mode pooler without prepared-statement support."""
    return pgbouncer(**TRANSACTION, **({"max_prepared_statements": 0} if supports_prepared_statements else {}))


def _client(url: str, driver: str, connect_args: dict, statements) -> None:
    """A process with one connection: run each statement that arrives, answer with its first value."""

    async def serve_async() -> None:
        engine = create_async_engine(url, connect_args=connect_args)
        async with engine.connect() as connection:
            while statement := await asyncio.to_thread(statements.recv):
                done = await (connection.commit() if statement == "COMMIT" else connection.scalar(text(statement)))
                statements.send(done)

    def serve() -> None:
        with create_engine(url, connect_args=connect_args).connect() as connection:
            while statement := statements.recv():
                statements.send(connection.commit() if statement == "COMMIT" else connection.scalar(text(statement)))

    asyncio.run(serve_async()) if driver == "asyncpg" else serve()


def value_given(server, driver: str, **connect_args) -> int:
    """Return what a client is given that asks for 111 while another client asks for 222.

    A prepares its statement on the first server connection, B prepares one of the same name on the second, because each
    process counts its names from one. While the first is held by somebody else, A repeats its statement on the second.
    """
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in "ab"]
    processes = [
        context.Process(target=_client, args=(server.url(driver), driver, connect_args, theirs), daemon=True)
        for _, theirs in pipes
    ]
    (a, _), (b, _) = pipes

    def run(client, statement: str):
        client.send(statement)
        assert client.poll(20), "the client gave no answer"
        return client.recv()

    holder = create_engine(server.url("psycopg2"), poolclass=NullPool)
    try:
        with holder.connect() as connection:
            processes[0].start()
            run(a, "SELECT 111")  # A takes the first server connection
            processes[1].start()
            run(b, "SELECT 222")  # so B gets the second
            run(a, "COMMIT")
            connection.execute(text("SELECT 1"))  # somebody holds the first
            run(b, "COMMIT")
            return run(a, "SELECT 111")
    finally:
        for process in processes:
            if process.pid:
                process.kill()
                process.join(5)


def test_asyncpg_is_given_the_row_of_another_query(pooler):
    assert value_given(pooler, "asyncpg") == 222


def test_without_the_statement_cache_asyncpg_is_given_its_own_row(pooler):
    assert value_given(pooler, "asyncpg", statement_cache_size=0) == 111


@pytest.mark.parametrize(("driver", "options"), [("psycopg", {"prepare_threshold": None}), ("psycopg2", {})])
def test_drivers_without_named_statements_are_safe(pooler, driver, options):
    assert value_given(pooler, driver, **options) == 111


def test_session_mode_keeps_the_clients_apart(pgbouncer):
    session = pgbouncer(pool_mode="session", default_pool_size=4)
    assert value_given(session, "asyncpg") == 111


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_a_startup_option_is_refused(pooler, driver):
    engine = create_engine(pooler.url(driver), connect_args={"options": "-c statement_timeout=5000"})
    with pytest.raises(exc.OperationalError, match="unsupported startup parameter"):
        engine.connect()


def test_server_settings_are_refused_and_an_ignored_one_has_no_effect(pooler, pgbouncer):
    async def jit(server) -> str:
        settings = {"server_settings": {"jit": "off"}, "statement_cache_size": 0}
        engine = create_async_engine(server.url("asyncpg"), poolclass=NullPool, connect_args=settings)
        async with engine.connect() as connection:
            return await connection.scalar(text("SHOW jit"))

    with pytest.raises(Exception, match="unsupported startup parameter: jit"):
        asyncio.run(jit(pooler))
    assert asyncio.run(jit(pgbouncer(**TRANSACTION, ignore_startup_parameters="jit"))) == "on"


def test_session_state_leaks_to_the_next_client(pgbouncer):
    one = pgbouncer(pool_mode="transaction", default_pool_size=1)
    first, second = (create_engine(one.url("psycopg2")) for _ in range(2))
    with first.begin() as connection:
        connection.execute(text("SET statement_timeout = '77s'"))
    with second.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "77s"


def test_set_local_does_not_leak(pgbouncer):
    one = pgbouncer(pool_mode="transaction", default_pool_size=1)
    first, second = (create_engine(one.url("psycopg2")) for _ in range(2))
    with first.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = '77s'"))
    with second.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) != "77s"


def test_a_session_level_advisory_lock_protects_nothing(pgbouncer):
    one = pgbouncer(pool_mode="transaction", default_pool_size=1)
    first, second = (create_engine(one.url("psycopg2")) for _ in range(2))
    with first.begin() as connection:
        assert connection.scalar(text("SELECT pg_try_advisory_lock(7)"))
    with second.begin() as connection:
        assert connection.scalar(text("SELECT pg_try_advisory_lock(7)"))


def test_clients_above_max_client_conn_are_refused(pgbouncer):
    small = pgbouncer(pool_mode="transaction", max_client_conn=3)
    engine = create_engine(small.url("psycopg2"), poolclass=NullPool)
    held = [engine.connect() for _ in range(3)]
    with pytest.raises(exc.OperationalError, match="no more connections allowed"):
        engine.connect()
    for connection in held:
        connection.close()


@pytest.mark.parametrize(
    ("settings", "seats", "served"),
    [
        # Each user and each database has a pool of its own,
        ({"default_pool_size": 2, "entries": ["* ="]}, ["postgres/postgres", "app/postgres"], 4),
        ({"default_pool_size": 2, "entries": ["* ="]}, ["postgres/postgres", "postgres/template1"], 4),
        ({"default_pool_size": 2, "entries": ["* =", "postgres = pool_size=3"]}, ["app/postgres", "app/template1"], 5),
        # but a database line that names the user has one pool.
        ({"default_pool_size": 2, "entries": ["* = user=postgres"]}, ["postgres/postgres", "app/postgres"], 2),
        # One cap is per database, the other per user.
        (
            {"default_pool_size": 4, "max_db_connections": 3, "entries": ["* ="]},
            ["postgres/postgres", "app/postgres", "app/template1"],
            6,
        ),
        (
            {"default_pool_size": 4, "max_user_connections": 3, "entries": ["* ="]},
            ["app/postgres", "app/template1", "postgres/postgres"],
            6,
        ),
    ],
)
def test_the_pools_of_a_pgbouncer(postgres, pgbouncer, settings, seats, served):
    with create_engine(postgres.url("psycopg2")).begin() as connection:
        connection.execute(
            text("DO $$ BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        )
    pooler = pgbouncer(pool_mode="transaction", query_wait_timeout=1, **settings)
    held = []
    for user, database in (seat.split("/") for seat in seats):
        engine = create_engine(pooler.url("psycopg2", database, user), poolclass=NullPool)
        for _ in range(5):
            try:
                connection = engine.connect()
                connection.execute(text("SELECT 1"))  # the transaction stays open, and holds a server connection
            except exc.OperationalError:
                break
            held.append(connection)
    assert len(held) == served
    for connection in held:
        connection.close()


def test_in_session_mode_an_idle_pooled_connection_holds_its_server_slot(pgbouncer):
    tight = pgbouncer(pool_mode="session", default_pool_size=1, query_wait_timeout=1)
    first, second = (create_engine(tight.url("psycopg2")) for _ in range(2))
    with first.connect() as connection:
        connection.scalar(text("SELECT 1"))  # returned to the pool, idle, and still bound to its slot
    with pytest.raises(exc.OperationalError):
        second.connect()
    first.dispose()


@pytest.mark.parametrize(("mode", "cut"), [("transaction", True), ("session", False)])
def test_client_idle_timeout_cuts_pooled_connections_in_transaction_mode(pgbouncer, mode, cut):
    impatient = pgbouncer(pool_mode=mode, client_idle_timeout=1)
    engine = create_engine(impatient.url("psycopg2"))
    with engine.connect() as connection:
        connection.scalar(text("SELECT 1"))
    time.sleep(2.5)
    if cut:
        with pytest.raises(exc.OperationalError), engine.connect() as connection:
            connection.scalar(text("SELECT 1"))
    else:
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1


@pytest.mark.parametrize("setting", ["server_idle_timeout", "server_lifetime"])
def test_the_poolers_server_side_timers_never_touch_a_client(pgbouncer, setting):
    pooler = pgbouncer(pool_mode="transaction", **{setting: 1})
    engine = create_engine(pooler.url("psycopg2"))
    with engine.connect() as connection:
        connection.scalar(text("SELECT 1"))
    time.sleep(2.5)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
