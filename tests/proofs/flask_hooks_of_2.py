"""What the methods of a project's own extension do, in Flask-SQLAlchemy 2 itself: test_flask_hooks.py runs it there."""

from __future__ import annotations

import importlib.metadata

import pytest
from flask_hooks import HOOKED, HOOKS


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", HOOKS)
def test_flask_sqlalchemy_2_makes_the_pool_that_is_read(name: str) -> None:
    version = importlib.metadata.version("flask-sqlalchemy")
    hook, in_24, in_25 = HOOKS[name]
    assert _measured(HOOKED.format(hook=hook)) == (in_25 if version.startswith("2.5") else in_24)


def _measured(source: str) -> tuple | None:
    program: dict = {"__name__": __name__}
    exec(source, program)
    try:
        with program["app"].app_context():
            pool = program["db"].engine.pool
    except TypeError:  # 2.5 unpacks what the method returns
        return None
    size = pool.size() if hasattr(pool, "size") else None
    return type(pool).__name__, size, getattr(pool, "_max_overflow", None), pool._recycle, pool._pre_ping
