"""Real servers on loopback for the claims that rules make about runtime behaviour.

PostgreSQL and PgBouncer come from the operating system (`apt-get install postgresql pgbouncer`); they start on free
ports, and the tests stop them. Both refuse to run as root, so root hands them to the user `postgres`.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from proofs._server import program

MAX_CONNECTIONS = 60


@dataclass(frozen=True)
class Server:
    """Where a server listens. It trusts every local user, so there is no password to leak."""

    port: int

    def url(self, driver: str, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql+{driver}://{user}@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of this test run."""
    with _folder() as folder:
        data, port = folder / "data", _free_port()
        _run([program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"])
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off -c max_connections={MAX_CONNECTIONS}"
        _run([program("pg_ctl"), "-D", data, "-w", "-o", options, "-l", folder / "log", "start"])
        try:
            yield Server(port)
        finally:
            _run([program("pg_ctl"), "-D", data, "-m", "immediate", "stop"])


@pytest.fixture
def pgbouncer(postgres: Server) -> Iterator[Callable[..., Server]]:
    """Start PgBouncers in front of the server: `pgbouncer(pool_mode="transaction", default_pool_size=2)`.

    `entries` are lines of its [databases] that leave the users to the clients: postgres and app.
    """
    with contextlib.ExitStack() as stack:

        def start(**settings: object) -> Server:
            folder, port = stack.enter_context(_folder()), _free_port()
            _write_pgbouncer_ini(folder, port, postgres.port, settings)
            process = subprocess.Popen(_as_user([program("pgbouncer"), folder / "pgbouncer.ini"]), stderr=subprocess.DEVNULL)
            stack.callback(_stop, process)
            _wait_for(port)
            return Server(port)

        yield start


def _write_pgbouncer_ini(folder: Path, port: int, backend: int, settings: dict[str, object]) -> None:
    # auth_type=any needs the user of the server side stated; trust needs a list of those who may come.
    entries = settings.pop("entries", None)
    auth = f"auth_type=trust\nauth_file={folder}/users" if entries else "auth_type=any"
    (folder / "users").write_text('"postgres" ""\n"app" ""\n')
    (folder / "users").chmod(0o644)
    databases = [f"{entry} host=127.0.0.1 port={backend}" for entry in entries or ("* = user=postgres",)]
    lines = ["[databases]", *databases, "[pgbouncer]", "listen_addr=127.0.0.1", f"listen_port={port}", auth]
    lines += ["unix_socket_dir=", "log_connections=0"]
    lines += [f"{name}={value}" for name, value in settings.items()]
    ini = folder / "pgbouncer.ini"
    ini.write_text("\n".join(lines) + "\n")
    ini.chmod(0o644)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="poollint-proof-"))
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_user(command: list[object]) -> list[str]:
    prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    return [*prefix, *map(str, command)]


def _run(command: list[object]) -> None:
    done = subprocess.run(_as_user(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", timeout=60)
    assert done.returncode == 0, done.stdout


def _stop(process: subprocess.Popen) -> None:
    process.kill()  # its polite way out waits for the clients
    process.wait(5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port}")
