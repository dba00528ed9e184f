"""missing-pre-ping, missing-recycle, recycle-too-short: what happens to connections that die or grow old in the pool."""

from __future__ import annotations

import asyncio
import time

import pytest
from sqlalchemy import create_engine, exc, text
from sqlalchemy.ext.asyncio import create_async_engine

PID = text("SELECT pg_backend_pid()")
KILL_OTHERS = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name")
SYNC_DRIVERS = ["psycopg2", "psycopg", "pg8000"]


def pid(engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(PID)


@pytest.fixture
def kill(postgres):
    """End every connection with an application name, as a restart or an idle timeout of the server would."""
    admin = create_engine(postgres.url("psycopg2"), isolation_level="AUTOCOMMIT")

    def kill(name: str) -> None:
        with admin.connect() as connection:
            assert connection.execute(KILL_OTHERS, {"name": name}).rowcount > 0
        time.sleep(0.2)

    yield kill
    admin.dispose()


@pytest.mark.parametrize("driver", SYNC_DRIVERS)
def test_without_a_ping_the_first_use_fails_and_the_second_succeeds(postgres, kill, driver):
    engine = create_engine(postgres.url(driver), connect_args={"application_name": f"plain-{driver}"})
    pid(engine)
    kill(f"plain-{driver}")
    with pytest.raises(exc.DBAPIError) as problem:
        pid(engine)
    assert problem.value.connection_invalidated
    assert pid(engine)
    engine.dispose()


@pytest.mark.parametrize("driver", SYNC_DRIVERS)
def test_with_a_ping_the_first_use_succeeds(postgres, kill, driver):
    engine = create_engine(
        postgres.url(driver), pool_pre_ping=True, connect_args={"application_name": f"pinged-{driver}"}
    )
    before = pid(engine)
    kill(f"pinged-{driver}")
    assert pid(engine) != before
    engine.dispose()


@pytest.mark.parametrize("ping", [False, True])
def test_asyncpg_needs_the_ping_as_well(postgres, kill, ping):
    name = f"asyncpg-{ping}"

    async def use() -> None:
        settings = {"server_settings": {"application_name": name}}
        engine = create_async_engine(postgres.url("asyncpg"), pool_pre_ping=ping, connect_args=settings)
        async with engine.connect() as connection:
            await connection.scalar(PID)
        await asyncio.to_thread(kill, name)
        try:
            async with engine.connect() as connection:
                await connection.scalar(PID)
        finally:
            await engine.dispose()

    if ping:
        asyncio.run(use())
    else:
        # Not OperationalError: retry filters on that class let asyncpg's stale connections through.
        with pytest.raises(exc.DBAPIError) as problem:
            asyncio.run(use())
        assert not isinstance(problem.value, exc.OperationalError)


def test_recycle_looks_at_age_only_at_checkout(postgres):
    engine = create_engine(postgres.url("psycopg2"), pool_recycle=1)
    with engine.connect() as connection:
        held = connection.scalar(PID)
        time.sleep(1.3)
        assert connection.scalar(PID) == held
    assert pid(engine) != held
    engine.dispose()


def test_recycle_zero_reconnects_at_every_checkout(postgres):
    engine = create_engine(postgres.url("psycopg2"), pool_recycle=0)
    assert len({(time.sleep(0.01), pid(engine))[1] for _ in range(3)}) == 3
    engine.dispose()


def test_a_pool_without_recycle_keeps_its_connection(postgres):
    engine = create_engine(postgres.url("psycopg2"))
    assert len({pid(engine) for _ in range(3)}) == 1
    engine.dispose()
