"""Where the servers' programs are, and questions the proofs ask a server."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool


def program(name: str) -> str:
    """Return the newest installed program; Debian keeps PostgreSQL's own beside the version."""
    packaged = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    found = packaged[-1] if packaged else shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    if found:
        return str(found)
    message = f"{name} is not installed: apt-get install postgresql pgbouncer"
    # A machine without the servers may skip these tests and says so; CI installs them and may not.
    pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)


def count_connections(server, name: str) -> int:
    """Return how many connections with an application name the server holds, after it had time to notice closed ones."""
    time.sleep(0.3)
    engine = create_engine(server.url("psycopg2"), poolclass=NullPool)
    with engine.connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :n"), {"n": name})
