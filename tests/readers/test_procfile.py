"""Procfiles: one workload per process type."""

from __future__ import annotations

import pytest

from poollint.commands import processes
from poollint.facts import Known, Unknown
from poollint.readers import procfile

TEXT = """\
web: gunicorn app.main:app --workers ${WORKERS:-3}
# old: gunicorn -w 9 app.main:app
worker: celery -A app.tasks worker -c 2
release: alembic upgrade head
"""


@pytest.fixture
def read(make_tree):
    def read(files):
        tree = make_tree({"Procfile": TEXT, "app/main.py": "", **files})
        found = {workload.name: workload for workload in procfile.read(tree)}
        assert tree.skipped == ()
        return tree, found

    return read


def test_every_line_is_a_workload_and_release_runs_once(read):
    tree, found = read({})
    assert list(found) == ["web", "worker", "release"]
    assert {name: (workload.life, workload.kind, str(workload.location)) for name, workload in found.items()} == {
        "web": ("long-lived", "service", "Procfile:1"),
        "worker": ("long-lived", "service", "Procfile:3"),
        "release": ("one-off", "job", "Procfile:4"),
    }
    assert found["web"].instances == Unknown("the Procfile does not say how many run", found["web"].instances.origin)
    assert found["release"].instances.value == 1
    (web,) = processes(found["web"], tree)
    assert (web.processes.value, web.processes.certainty, str(web.processes.origin.location), web.entry) == (
        3,
        "fallback",
        "Procfile:1",
        "app.main:app",
    )
    assert processes(found["release"], tree)[0].kind == "migration"


def test_app_json_makes_it_heroku_and_says_how_many(read):
    tree, found = read(
        {
            "app.json": '{"formation": {"web": {"quantity": 4}}}\n',
            "Procfile": "web: gunicorn app.main:app\n",
        }
    )
    web = found["web"]
    assert (web.platform, web.instances) == ("heroku", Known(4, web.instances.origin))
    assert str(web.instances.origin.location) == "app.json:1"
    assert isinstance(processes(web, tree)[0].processes, Unknown)


def test_a_procfile_in_a_folder_runs_there(read):
    tree, _ = read({})
    tree, found = read({"backend/Procfile": "api: uvicorn app.api:app\n", "backend/app/api.py": ""})
    (process,) = processes(found["api"], tree)
    assert (found["api"].unit, process.directory, process.entry) == ("backend", "backend", "app.api:app")


def test_a_procfile_for_developers_is_marked(read):
    _, found = read({"Procfile.dev": "js: npm start\n"})
    assert found["js"].environment == "dev"


def test_the_size_of_a_dyno_decides_how_many_workers_heroku_starts(read):
    app = '{"formation": {"web": {"quantity": 2, "size": "Standard-2X"}}, "env": {"DB_POOL": {"value": "7"}}}\n'
    tree, found = read({"app.json": app, "Procfile": "web: gunicorn app.main:app\n"})
    (process,) = processes(found["web"], tree)
    assert (process.processes.value, process.processes.certainty, process.processes.origin.says) == (
        4,
        "default",
        "Heroku's WEB_CONCURRENCY for Standard-2X",
    )
    assert (found["web"].variables.variables["DB_POOL"].value, found["web"].variables.complete) == ("7", False)
