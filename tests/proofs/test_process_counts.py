"""Start the real gunicorn, uvicorn and Celery with the inputs that poollint reads, and compare the number of processes
and what their parents run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from poollint.commands import processes
from poollint.discover import discover
from poollint.facts import Build, Environment, Known, Location, Origin, Process, Workload

# Every process that imports the application, or that Celery forks for tasks, leaves a file named by its pid.
WEB = """\
import os
import pathlib

pathlib.Path(os.environ["SEEN"], str(os.getpid())).touch()


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})


def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b""]
"""
TASKS = """\
import os
import pathlib

from celery import Celery
from celery.signals import worker_process_init, worker_ready

app = Celery(broker="memory://", backend="cache+memory://")


def seen(**_):
    pathlib.Path(os.environ["SEEN"], str(os.getpid())).touch()


worker_process_init.connect(seen)
if os.environ.get("IN_MAIN"):
    worker_ready.connect(seen)
"""
CONFIG = "import os\n\nworkers = int(os.environ.get('N', 2))\n"
DOCKERFILE = "FROM python:3.12\nWORKDIR /srv\nCOPY . .\nCMD {command}\n"

GUNICORN = "gunicorn --no-control-socket -b 127.0.0.1:0"
UVICORN = "uvicorn --port 0"
CELERY = "celery -A tasks worker --without-mingle --without-gossip"
IN_MAIN = {"IN_MAIN": "1"}  # these pools fork no process, and the main one does the work


@pytest.mark.parametrize(
    ("command", "variables", "files"),
    [
        (f"{GUNICORN} web:wsgi", {}, {}),
        (f"{GUNICORN} -w 3 web:wsgi", {}, {}),
        (f"{GUNICORN} -w3 web:wsgi", {}, {}),
        (f"{GUNICORN} -w=3 web:wsgi", {}, {}),
        (f"{GUNICORN} --workers=2 -w 3 web:wsgi", {}, {}),
        (f"{GUNICORN} web:wsgi", {"WEB_CONCURRENCY": "3"}, {}),
        (f"{GUNICORN} web:wsgi", {"WEB_CONCURRENCY": "3"}, {"gunicorn.conf.py": CONFIG}),
        (f"{GUNICORN} web:wsgi", {"N": "4"}, {"gunicorn.conf.py": CONFIG}),
        (f"{GUNICORN} -c other.py web:wsgi", {"N": "4"}, {"gunicorn.conf.py": CONFIG, "other.py": "workers = 1\n"}),
        (f"{GUNICORN} web:wsgi", {"GUNICORN_CMD_ARGS": "--workers 3"}, {"gunicorn.conf.py": CONFIG}),
        (f"{GUNICORN} -w 1 web:wsgi", {"GUNICORN_CMD_ARGS": "--workers 3", "WEB_CONCURRENCY": "4"}, {}),
        (f"{GUNICORN} -w 2 --threads 3 web:wsgi", {}, {}),
        (f"{GUNICORN} -w ${{N:-3}} web:wsgi", {}, {}),
        (f"{GUNICORN} -w ${{N:-3}} web:wsgi", {"N": "2"}, {}),
        (f"{UVICORN} web:asgi", {}, {}),
        (f"{UVICORN} web:asgi --workers 3", {}, {}),
        (f"{UVICORN} web:asgi", {"WEB_CONCURRENCY": "3"}, {}),
        (f"{UVICORN} web:asgi", {"WEB_CONCURRENCY": "3", "UVICORN_WORKERS": "2"}, {}),
        (f"{UVICORN} web:asgi --workers 2", {"WEB_CONCURRENCY": "4", "UVICORN_WORKERS": "3"}, {}),
        (f"{UVICORN} web:asgi --reload --workers 3", {}, {}),
        (f"{CELERY} -c 3", {}, {}),
        (f"{CELERY} --concurrency=2 -c 3", {}, {}),
        (f"{CELERY}", {}, {}),
        (f"{CELERY} -P threads -c 3", IN_MAIN, {}),
        (f"{CELERY} --pool=solo -c 3", IN_MAIN, {}),
        ("sh ./start.sh", {"N": "2"}, {"start.sh": f"[ $N = 2 ] && exec {GUNICORN} -w $((N + 1)) web:wsgi\n"}),
    ],
)
def test_the_number_read_is_the_number_that_runs(tmp_path, command, variables, files):
    project, seen = tmp_path / "project", tmp_path / "seen"
    for folder in (project, seen):
        folder.mkdir()
    content = {"web.py": WEB, "tasks.py": TASKS, "Dockerfile": DOCKERFILE.format(command=command), **files}
    for name, text in content.items():
        (project / name).write_text(text, "utf-8")
    expected = _read(project, variables).processes
    assert isinstance(expected, Known), expected
    with _running(command, project, seen, variables):
        assert _settled(seen, expected.value) == expected.value


def _read(project: Path, variables: Mapping[str, str]) -> Process:
    place = Location("Dockerfile", 1)
    given = Environment({name: Known(value, Origin(name)) for name, value in variables.items()}, complete=True)
    cpus = Known(os.cpu_count(), Origin("cpus"), "stated")
    workload = Workload("api", "compose", "service", place, build=Build("."), variables=given, cpus=cpus)
    (process,) = processes(workload, discover([project]))
    return process


@contextmanager
def _running(command: str, project: Path, seen: Path, variables: Mapping[str, str]) -> Iterator[None]:
    program = command.split()[0]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    if shutil.which(program, path=path) is None:
        message = f"{program} is not installed: the project's test group holds it"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    environment = {"PATH": path, "SEEN": str(seen), "HOME": str(project), "PYTHONPATH": str(project), **variables}
    environment["C_FORCE_ROOT"] = "1"  # Celery warns root away
    with open(seen.parent / "log", "wb") as log:
        server = subprocess.Popen(
            ["/bin/sh", "-c", command], cwd=project, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            server.wait(10)
        with suppress(ProcessLookupError):  # a child that Celery was forking hears no polite signal
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _settled(seen: Path, expected: int) -> int:
    """Return how many processes left their file: as soon as the expected ones did, after a moment for one too many."""
    deadline = time.monotonic() + 30
    while len(list(seen.iterdir())) < expected and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.7)
    return len(list(seen.iterdir()))


# Every hook says what runs and in which process; what the parent process runs comes before the fork.
NOTES = """\
import os


def note(what):
    with open(os.environ["SEEN"], "a") as file:
        print(what, os.getpid(), file=file)


note("start")
"""
HOOKED_WEB = """\
import notes

notes.note("import")


def create_app():
    notes.note("factory")
    return lambda environ, start_response: start_response("200 OK", []) and []
"""
HOOKED_CONFIG = """\
from notes import note


def on_starting(server):
    import web

    note("on_starting")


def when_ready(server):
    note("when_ready")


def pre_fork(server, worker):
    note("pre_fork")


def post_fork(server, worker):
    note("post_fork")


def post_worker_init(worker):
    note("post_worker_init")
"""
HOOKED_TASKS = """\
from celery import Celery, signals

from notes import note

app = Celery(broker="memory://", backend="cache+memory://")
note("import")
for name in ("celeryd_init", "worker_init", "worker_process_init"):
    getattr(signals, name).connect(lambda name=name, **_: note(name), weak=False)
app.on_after_configure.connect(lambda *_, **__: note("on_after_configure"), weak=False)
app.on_after_finalize.connect(lambda *_, **__: note("on_after_finalize"), weak=False)
"""


@pytest.mark.parametrize(
    ("command", "last", "parents"),
    [
        (f"{GUNICORN} 'web:create_app()'", "post_worker_init", {"import", "on_starting", "when_ready", "pre_fork"}),
        (
            f"{GUNICORN} --preload 'web:create_app()'",
            "post_worker_init",
            {"import", "factory", "on_starting", "when_ready", "pre_fork"},
        ),
        (
            f"{CELERY} -c 1",
            "worker_process_init",
            {"import", "celeryd_init", "worker_init", "on_after_configure", "on_after_finalize"},
        ),
    ],
)
def test_what_the_parent_process_runs_before_it_forks(tmp_path, command, last, parents):
    """Also: what a hook of gunicorn's arbiter imports is imported once, and the workers inherit it without --preload."""
    files = {"notes.py": NOTES, "web.py": HOOKED_WEB, "gunicorn.conf.py": HOOKED_CONFIG, "tasks.py": HOOKED_TASKS}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    seen = tmp_path / "seen"
    with _running(command, tmp_path, seen, {}):
        found = _noted(seen, last)
    parent = next(pid for what, pid in found if what == "start")
    assert {what for what, pid in found if pid == parent} - {"start"} == parents
    assert sum(what == "import" for what, _ in found) == 1


def _noted(seen: Path, last: str) -> list[tuple[str, str]]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = [tuple(line.split()) for line in seen.read_text().splitlines()] if seen.exists() else []
        if any(what == last for what, _ in found):
            return found
        time.sleep(0.1)
    raise AssertionError(f"{last} never ran")
