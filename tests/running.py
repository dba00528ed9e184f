"""Run the command as users do, on small projects."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import poollint as package

SERVICE = {
    "app/db.py": """\
        from fastapi import FastAPI
        from sqlalchemy import create_engine

        app = FastAPI()
        engine = create_engine("postgresql+psycopg2://app@db.internal/orders")
        """
}
CLEAN = {"app/db.py": SERVICE["app/db.py"].replace('orders"', 'orders", pool_pre_ping=True')}
# Nothing about it is unknown: a file has no connections to run out of.
FILE = {"app/db.py": 'from sqlalchemy import create_engine\n\nengine = create_engine("sqlite:///orders.db")\n'}
# Variables by which the machine that runs the tests would change what they see.
FOREIGN = ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "NO_COLOR", "FORCE_COLOR", "PRE_COMMIT")


# The package under test, also when it is not installed.
SOURCE = str(Path(package.__file__).parents[1])


def poollint(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "poollint", *map(str, arguments), cwd=cwd, **variables)


def python(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    environment |= {"PYTHONPATH": os.pathsep.join([SOURCE, environment.get("PYTHONPATH", "")]), **variables}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=60)
