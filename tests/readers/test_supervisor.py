"""supervisord's configuration outside an image."""

from __future__ import annotations

from dataclasses import replace

import pytest

from poollint.commands import processes
from poollint.facts import Environment, Known, Origin, Unknown
from poollint.readers import supervisor

TEXT = (
    "[program:web]\ncommand=gunicorn -w 3 app:app\n\n[program:jobs]\n"
    "command=celery -A app worker -c 2\nnumprocs=%(ENV_N)s\n"
)


def test_a_configuration_is_one_workload_with_all_its_programs(make_tree):
    tree = make_tree({"deploy/supervisord.conf": TEXT, "app.py": ""})
    (workload,) = supervisor.read(tree)
    assert (workload.name, workload.platform, str(workload.location)) == (
        "deploy",
        "supervisor",
        "deploy/supervisord.conf:1",
    )
    assert isinstance(workload.instances, Unknown)
    web, jobs = processes(workload, tree)
    assert (web.processes.value, str(web.processes.origin.location)) == (3, "deploy/supervisord.conf:2")
    assert jobs.processes == Unknown("set by N, which no file gives", jobs.processes.origin)


def test_a_configuration_that_an_image_copies_is_read_there(make_tree):
    tree = make_tree(
        {
            "supervisord.conf": TEXT,
            "Dockerfile": "FROM python:3.12\nCOPY supervisord.conf /etc/\nCMD supervisord -c /etc/supervisord.conf\n",
        }
    )
    assert list(supervisor.read(tree)) == []


def test_a_file_without_programs_is_none(make_tree):
    tree = make_tree({"supervisord.conf": "[supervisord]\nnodaemon=true\n"})
    assert list(supervisor.read(tree)) == []


def test_programs_run_in_the_project_above_the_configuration(make_tree):
    tree = make_tree(
        {
            "shop/conf/supervisord.conf": "[program:web]\ncommand=gunicorn -c conf/gunicorn.py app:app\n",
            "shop/conf/gunicorn.py": "workers = 6\n",
            "shop/pyproject.toml": "",
            "shop/app.py": "",
        }
    )
    (workload,) = supervisor.read(tree)
    (process,) = processes(workload, tree)
    assert (process.processes.value, process.directory) == (6, "shop")


def programs(make_tree, options: str) -> list[tuple[str, str, int]]:
    text = f"[program:web]\ncommand=gunicorn app:app\n[program:feed]\ncommand=python -m feed\n{options}"
    tree = make_tree({"supervisord.conf": text, "app.py": "", "feed.py": ""})
    (workload,) = supervisor.read(tree)
    workload = replace(workload, variables=Environment({"ON": Known("true", Origin("ON"))}))
    return [(each.server, each.beside, each.processes.value) for each in processes(workload, tree)]


@pytest.mark.parametrize(
    ("options", "feed"),
    [
        ("", ("python", "started", 1)),
        ("numprocs=3\n", ("python", "started", 3)),
        ("autorestart=true\n", ("python", "kept", 1)),
        ("autorestart=unexpected\n", ("python", "started", 1)),
        ("autostart=%(ENV_ON)s\nautorestart=%(ENV_ON)s\n", ("python", "kept", 1)),
        ("autostart=%(ENV_UNKNOWN)s\n", ("python", "started", 1)),
        ("autostart=no\n", None),
        ("autostart=False ; by hand\n", None),
    ],
)
def test_a_program_beside_the_server_says_whether_it_is_started_and_kept(make_tree, options, feed):
    assert programs(make_tree, options) == [("gunicorn", "started", 1), *([feed] if feed else [])]
