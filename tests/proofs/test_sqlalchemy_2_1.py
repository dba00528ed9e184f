"""The rows of sqlalchemy_tables.py once more, against SQLAlchemy 2.1: the test environment itself holds 2.0."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from environments import python_with, run_tests

PACKAGES = [
    "sqlalchemy[asyncio]>=2.1,<2.2", "pytest", "asyncpg", "psycopg[binary]", "psycopg2-binary", "pg8000", "pymysql",
    "aiosqlite", "aiomysql", "asyncmy", "advanced-alchemy", "click", "PyYAML", "packaging",
]  # fmt: skip


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with SQLAlchemy 2.1 and the drivers."""
    return python_with(PACKAGES, tmp_path_factory.mktemp("sqlalchemy-2.1"))


def test_every_row_holds_on_2_1(python: Path) -> None:
    done = run_tests(python, Path(__file__).with_name("test_sqlalchemy_tables.py"))
    assert done.returncode == 0, done.stdout[-3000:]
    version = subprocess.run(
        [python, "-c", "import sqlalchemy; print(sqlalchemy.__version__)"], capture_output=True, text=True
    )
    assert version.stdout.startswith("2.1."), version.stdout
