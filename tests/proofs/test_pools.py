"""unbounded-overflow, static-pool-on-networked-database, engine-per-request, engine-before-fork, the arithmetic:
how many connections a server really sees."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import os
import threading

import pytest
from proofs._server import count_connections
from sqlalchemy import create_engine, exc, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool, StaticPool

PID = text("SELECT pg_backend_pid()")


def hold(engine, wanted: int) -> int:
    """Check out up to `wanted` connections at once and return how many came."""
    with contextlib.ExitStack() as stack, contextlib.suppress(exc.TimeoutError):
        for count in range(1, wanted + 1):
            stack.enter_context(engine.connect()).scalar(PID)
            reached = count
    engine.dispose()
    return reached


@pytest.mark.parametrize(
    ("options", "reached"),
    [
        ({}, 15),
        ({"pool_size": 3, "max_overflow": 2}, 5),
        ({"pool_size": 3, "max_overflow": -1}, 30),  # unlimited
        ({"pool_size": 0}, 30),  # unlimited from 2.0 on
        ({"pool_size": 0, "max_overflow": 3}, 30),  # and max_overflow is ignored
        ({"poolclass": NullPool}, 30),  # no cap of its own
    ],
)
def test_one_process_reaches_exactly_the_cap_of_its_pool(postgres, options, reached):
    timeout = {} if "poolclass" in options else {"pool_timeout": 0}
    assert hold(create_engine(postgres.url("psycopg2"), **options, **timeout), 30) == reached


def _busy_process(url: str, name: str, ready, stop) -> None:
    engine = create_engine(url, pool_size=3, max_overflow=2, pool_timeout=0.2, connect_args={"application_name": name})

    def work() -> None:
        with contextlib.suppress(exc.TimeoutError), engine.connect() as connection:
            connection.scalar(PID)
            stop.wait(10)

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    threading.Event().wait(0.6)
    ready.release()
    for thread in threads:
        thread.join()


def test_processes_multiply_the_pool(postgres):
    """3 processes × (3 + 2) = 15 connections, whatever the 20 threads of each ask for."""
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Semaphore(0), context.Event()
    arguments = (postgres.url("psycopg2"), "multiplied", ready, stop)
    processes = [context.Process(target=_busy_process, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    try:
        assert all(ready.acquire(timeout=20) for _ in processes)
        assert count_connections(postgres, "multiplied") == 15
    finally:
        stop.set()
        for process in processes:
            process.join(20)


def test_a_static_pool_loses_another_requests_work(postgres):
    engine = create_engine(postgres.url("psycopg2"), poolclass=StaticPool)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS static_pool; CREATE TABLE static_pool (who text)"))
    mine, other = engine.connect(), engine.connect()
    mine.execute(text("INSERT INTO static_pool VALUES ('mine')"))
    other.rollback() if other.in_transaction() else other.connection.rollback()
    mine.commit()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM static_pool")) == 0
    engine.dispose()


def test_an_engine_for_each_call_keeps_its_connection_open(postgres):
    """12 calls at once leave 12 connections behind until the cyclic garbage collector runs; `dispose()` leaves none."""

    def call(dispose: bool, name: str) -> None:
        engine = create_engine(postgres.url("psycopg2"), connect_args={"application_name": name})
        with engine.connect() as connection:
            connection.scalar(PID)
        if dispose:
            engine.dispose()

    gc.disable()
    try:
        for _ in range(12):
            call(False, "per-call")
        assert count_connections(postgres, "per-call") == 12
        for _ in range(12):
            call(True, "disposed")
        assert count_connections(postgres, "disposed") == 0
    finally:
        gc.enable()
        gc.collect()


@pytest.mark.parametrize(
    ("remedy", "shared"), [(None, True), ("dispose-keep-open", False), ("dispose", False)]
)
def test_a_fork_after_use_shares_the_connection(postgres, remedy, shared):
    engine = create_engine(postgres.url("psycopg2"), pool_size=1, max_overflow=0)
    parent = ask(engine)
    child = _pid_in_child(engine, remedy)
    assert (child == parent) is shared
    if remedy == "dispose":
        with pytest.raises(exc.DBAPIError):  # the child's dispose() ended the parent's connection
            ask(engine)
    elif remedy:
        assert ask(engine) == parent


def test_a_fork_after_use_shares_nothing_of_a_pool_that_keeps_nothing(postgres):
    engine = create_engine(postgres.url("psycopg2"), poolclass=NullPool)
    parent = ask(engine)
    assert _pid_in_child(engine, None) != parent
    assert ask(engine)


def ask(engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(PID)


def _pid_in_child(engine, remedy: str | None) -> int:
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            if remedy:
                engine.dispose(close=remedy == "dispose")
            with engine.connect() as connection:
                os.write(write, str(connection.scalar(PID)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as stream:
        answer = int(stream.read())
    os.wait()
    return answer


@pytest.mark.parametrize("pool", [{}, {"poolclass": NullPool}])
def test_an_asyncpg_pool_does_not_survive_its_event_loop(postgres, pool):
    engine = create_async_engine(postgres.url("asyncpg"), **pool)

    async def task() -> int:
        async with engine.connect() as connection:
            return await connection.scalar(PID)

    assert asyncio.run(task())
    if pool:
        assert asyncio.run(task())
    else:
        with pytest.raises((RuntimeError, exc.DBAPIError)):
            asyncio.run(task())


def test_the_server_keeps_three_slots_for_superusers(postgres):
    """usable = max_connections − 3 for everybody else, as the table says of PostgreSQL."""
    admin = create_engine(postgres.url("psycopg2"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("DROP ROLE IF EXISTS ordinary"))
        connection.execute(text("CREATE ROLE ordinary LOGIN"))
        limit = int(connection.scalar(text("SHOW max_connections")))
        mine = connection.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
        url = postgres.url("psycopg2").replace("postgres@", "ordinary@")
        engine = create_engine(url, poolclass=NullPool)
        with contextlib.ExitStack() as stack:
            with pytest.raises(exc.OperationalError, match="reserved"):
                for count in range(limit):
                    stack.enter_context(engine.connect())
        assert count == limit - 3 - mine
    admin.dispose()
