"""Flask-SQLAlchemy-Lite, in an environment of its own."""

from __future__ import annotations

from pathlib import Path

from environments import python_with, run_tests

PACKAGES = ["flask-sqlalchemy-lite==0.2.1", "sqlalchemy<2.1", "psycopg2-binary", "asyncpg", "pymysql", "pytest"]


def test_the_extension_makes_the_pools_that_are_read(tmp_path: Path) -> None:
    python = python_with(PACKAGES, tmp_path / "environment")
    done = run_tests(python, Path(__file__).with_name("flask_lite_pools.py"))
    assert done.returncode == 0, done.stdout[-3000:]
    assert "skipped" not in done.stdout
