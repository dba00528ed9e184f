"""What Flask-SQLAlchemy-Lite itself makes of a configuration: test_flask_lite.py runs it there."""

from __future__ import annotations

import pytest
from flask_lite import LITE, START


@pytest.mark.parametrize("name", LITE)
def test_the_extension_makes_the_pools_that_are_read(name: str) -> None:
    source, expected = LITE[name]
    program: dict = {"__name__": __name__}
    exec(START + source, program)
    with program["app"].app_context():
        made = dict(program["db"].engines)
        made |= {f"async {key}": engine.sync_engine for key, engine in program["db"].async_engines.items()}
    assert {key: _measured(engine.pool) for key, engine in made.items()} == expected


def _measured(pool) -> tuple:
    size = pool.size() if hasattr(pool, "size") else None
    return type(pool).__name__, size, getattr(pool, "_max_overflow", None), pool._recycle, pool._pre_ping
