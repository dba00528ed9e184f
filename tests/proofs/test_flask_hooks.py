"""The methods of a project's own extension, in Flask-SQLAlchemy 2.4 and 2.5: the test environment itself holds 3."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import python_with, run_tests

BESIDE = ["flask<2.2", "werkzeug<2.1", "sqlalchemy<2", "psycopg2-binary", "pytest"]


@pytest.mark.parametrize("version", ["2.4.4", "2.5.1"])
def test_the_hooks_of_version_2_make_the_pools_that_are_read(tmp_path: Path, version: str) -> None:
    python = python_with([f"flask-sqlalchemy=={version}", *BESIDE], tmp_path / "environment")
    done = run_tests(python, Path(__file__).with_name("flask_hooks_of_2.py"))
    assert done.returncode == 0, done.stdout[-3000:]
    assert "skipped" not in done.stdout
