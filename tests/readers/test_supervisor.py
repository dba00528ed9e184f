"""supervisord's configuration outside an image."""

from __future__ import annotations

from poollint.commands import processes
from poollint.facts import Unknown
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
