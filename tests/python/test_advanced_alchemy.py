"""Engines that Advanced Alchemy's configurations make: what is read of a program is what the library itself makes of it."""

from __future__ import annotations

import pytest

from poollint.facts import value_of
from poollint.python.code import Code

URL = "postgresql+asyncpg://db/orders"
CONFIG = "from advanced_alchemy.config import EngineConfig, SQLAlchemyAsyncConfig, SQLAlchemySyncConfig\n"
MADE = f"{CONFIG}config = SQLAlchemyAsyncConfig(connection_string='{URL}'"


@pytest.fixture
def engines(make_tree):
    return lambda text: Code(make_tree({"app/db.py": text, "app/main.py": "from litestar import Litestar\n"})).engines()


@pytest.mark.parametrize(
    "text",
    [
        f"{MADE})\n",
        f"{MADE}, engine_config=EngineConfig(pool_size=9, pool_pre_ping=True))\n",
        f"{CONFIG}options = EngineConfig(max_overflow=2, pool_recycle=60)\n"
        f"config = SQLAlchemyAsyncConfig(connection_string='{URL}', engine_config=options)\n",
        f"{CONFIG}config = SQLAlchemySyncConfig(connection_string='postgresql+psycopg2://db/orders')\n",
        f"{CONFIG}from sqlalchemy import NullPool\n"
        f"config = SQLAlchemyAsyncConfig(connection_string='{URL}', engine_config=EngineConfig(poolclass=NullPool))\n",
        f"from advanced_alchemy.extensions.starlette import EngineConfig, SQLAlchemyAsyncConfig as Config\n"
        f"config = Config(connection_string='{URL}', engine_config=EngineConfig(pool_timeout=3))\n",
    ],
)
def test_a_configuration_makes_the_pool_that_is_read(engines, text):
    (engine,) = engines(text)
    (read,) = engine.alternatives
    program: dict = {}
    exec(text, program)
    made = program["config"].get_engine()
    pool = made.pool
    assert engine.is_async == hasattr(made, "sync_engine")
    assert value_of(read.pool_class) == type(pool).__name__
    assert value_of(read.driver) == made.dialect.driver
    assert (value_of(read.pool_pre_ping), value_of(read.pool_recycle)) == (pool._pre_ping, pool._recycle)
    assert [value_of(read.pool_size), value_of(read.max_overflow), value_of(read.pool_timeout)] == (
        [pool.size(), pool._max_overflow, pool._timeout] if hasattr(pool, "size") else [None] * 3
    )


@pytest.mark.parametrize(
    "package", ["litestar.plugins.sqlalchemy", "litestar.contrib.sqlalchemy.plugins", "advanced_alchemy.extensions.litestar"]
)
def test_litestar_passes_the_classes_on(engines, package):
    call = f"SQLAlchemyAsyncConfig(connection_string='{URL}', engine_config=EngineConfig(pool_size=7))"
    (engine,) = engines(f"from {package} import EngineConfig, SQLAlchemyAsyncConfig\nconfig = {call}\n")
    assert (engine.factory, value_of(engine.alternatives[0].pool_size)) == ("create_async_engine", 7)


@pytest.mark.parametrize("given", ["engine_instance=engine", "connection_string=url, create_engine_callable=make"])
def test_a_configuration_that_is_given_an_engine_makes_none(engines, given):
    assert not engines(f"{CONFIG}config = SQLAlchemyAsyncConfig({given})\n")


def test_options_that_are_not_known_leave_the_pool_open(engines):
    (engine,) = engines(f"import unknown\n{MADE}, engine_config=unknown.options())\n")
    assert value_of(engine.alternatives[0].pool_pre_ping) is None


@pytest.mark.parametrize(
    ("kept", "lasts"), [("ctx['engine'] = config.get_engine()", True), ("ctx['url'] = config.connection_string", False)]
)
def test_a_configuration_lasts_where_its_engine_does(engines, kept, lasts):
    made = f"config = SQLAlchemyAsyncConfig(connection_string='{URL}')"
    (engine,) = engines(f"{CONFIG}async def startup(ctx):\n    {made}\n    {kept}\n")
    assert value_of(engine.lasts) is lasts
