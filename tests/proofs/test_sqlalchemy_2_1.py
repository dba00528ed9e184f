"""The rows of sqlalchemy_tables.py once more, against SQLAlchemy 2.1: the test environment itself holds 2.0."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PACKAGES = [
    "sqlalchemy[asyncio]>=2.1,<2.2", "pytest", "asyncpg", "psycopg[binary]", "psycopg2-binary", "pg8000", "pymysql",
    "aiosqlite", "aiomysql", "asyncmy", "click", "PyYAML", "packaging",
]  # fmt: skip


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with SQLAlchemy 2.1 and the drivers."""
    folder = tmp_path_factory.mktemp("sqlalchemy-2.1")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    done = subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], capture_output=True, text=True, timeout=300)
    if done.returncode:
        message = f"SQLAlchemy 2.1 could not be installed: {done.stderr[-300:]}"
        # Without a package index there is nothing to compare with; CI has one and may not skip.
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return python


def test_every_row_holds_on_2_1(python: Path) -> None:
    # Not the project's own test folder as a root: its conftest needs all of poollint.
    command = [python, "-m", "pytest", "-q", "--import-mode=importlib", "--noconftest", "-p", "no:cacheprovider"]
    source = HERE.parents[1] / "src"
    done = subprocess.run(
        [*command, "-c", os.devnull, "--rootdir", HERE, HERE / "test_sqlalchemy_tables.py"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(source)},
        cwd=HERE,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    version = subprocess.run(
        [python, "-c", "import sqlalchemy; print(sqlalchemy.__version__)"], capture_output=True, text=True
    )
    assert version.stdout.startswith("2.1."), version.stdout
