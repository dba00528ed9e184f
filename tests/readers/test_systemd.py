"""systemd units: ExecStart without a shell, variables, the folder on the server."""

from __future__ import annotations

import pytest

from poollint.commands import processes
from poollint.facts import Unknown
from poollint.readers import systemd

UNIT = """\
[Unit]
Description=shop

[Service]
Type=notify
User=shop
WorkingDirectory=/opt/shop/backend
Environment="WORKERS=3" DB_PASSWORD=hunter2
Environment=MODE=web
# ExecStart=/opt/venv/bin/gunicorn -w 9 app.main:app
ExecStart=/opt/venv/bin/gunicorn \\
    --workers ${WORKERS} \\
    --threads 2 \\
    app.main:app
Restart=always
"""


@pytest.fixture
def read(make_tree):
    def read(text=UNIT, files=None, path="deploy/shop.service"):
        tree = make_tree({path: text, "backend/app/main.py": "", **(files or {})})
        found = list(systemd.read(tree))
        assert tree.skipped == ()
        return tree, found

    return read


def test_the_unit_is_a_workload_on_an_unknown_number_of_hosts(read):
    tree, (workload,) = read()
    assert (workload.name, workload.kind, workload.life, str(workload.location)) == (
        "shop",
        "service",
        "long-lived",
        "deploy/shop.service:11",
    )
    assert isinstance(workload.instances, Unknown)
    (process,) = processes(workload, tree)
    assert (process.processes.value, str(process.processes.origin.location)) == (3, "deploy/shop.service:8")
    assert (process.units.value, str(process.units.origin.location)) == (2, "deploy/shop.service:13")
    assert (process.directory, process.entry) == ("backend", "app.main:app")
    assert "hunter2" not in repr(workload)


def test_no_shell_expands_a_default(read):
    tree, (workload,) = read("[Service]\nExecStart=gunicorn -w $NOPE app.main:app\nWorkingDirectory=/x/backend\n")
    assert isinstance(processes(workload, tree)[0].processes, Unknown)


def test_a_shell_in_the_unit_is_a_shell(read):
    tree, (workload,) = read("[Service]\nExecStart=/bin/bash -c 'cd /srv/backend && exec gunicorn -w 4 app.main:app'\n")
    assert processes(workload, tree)[0].processes.value == 4


def test_an_environment_file_that_lies_beside_the_unit_is_read(read):
    text = "[Service]\nEnvironmentFile=/etc/shop/shop.env\nExecStart=gunicorn app.main:app\n"
    tree, (known,) = read(text, {"deploy/shop.env": "WEB_CONCURRENCY=6\n"})
    _, (unknown,) = read(text.replace("shop.env", "other.env"))
    assert processes(known, tree)[0].processes.value == 6
    assert (known.variables.complete, unknown.variables.complete) == (True, False)


def test_a_one_shot_unit_is_a_job_and_an_empty_start_clears(read):
    _, (job,) = read("[Service]\nType=oneshot\nExecStart=old\nExecStart=\nExecStart=alembic upgrade head\n")
    assert (job.life, job.command.words) == ("one-off", ("alembic", "upgrade", "head"))
    assert read("[Service]\nExecStart=\n")[1] == []


def test_core_service_files_of_other_kinds_are_none(read):
    assert read("just text\n")[1] == []
