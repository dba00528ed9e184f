"""From a command to processes: every server's options, variables and files, in the order that the real servers have."""

from __future__ import annotations

import math

import pytest

from poollint.commands import processes
from poollint.facts import Build, Environment, Known, Location, Origin, Process, Setting, Unknown, Words, Workload

APP = {"app/main.py": "", "app/__init__.py": ""}


@pytest.fixture
def run(make_tree):
    """Run a command in an image that holds the whole repository, and return what starts."""

    def run(
        told="", files=None, variables=None, complete=True, docker="WORKDIR /srv\nCOPY . .\n", **workload
    ) -> tuple[Process, ...]:
        tree = make_tree({**APP, "Dockerfile": f"FROM python:3.12\n{docker}\nCMD {told}\n", **(files or {})})
        given = {name: Known(value, Origin(name, Location("env.yaml", 7))) for name, value in (variables or {}).items()}
        found = processes(_workload(Environment(given, complete), **workload), tree)
        assert tree.skipped == ()
        return found

    return run


def _workload(variables: Environment, **changes) -> Workload:
    changes.setdefault("build", Build("."))
    return Workload("api", "compose", "service", Location("Dockerfile", 1), variables=variables, **changes)


def said(setting: Setting) -> str:
    """`4 --workers Dockerfile:4 exact`"""
    assert isinstance(setting, Known), setting
    return f"{setting.value} {setting.origin.says} {setting.origin.location} {setting.certainty}"


# -- gunicorn


@pytest.mark.parametrize(
    ("command", "variables", "files", "expected"),
    [
        ("ddtrace-run python -m gunicorn.app.wsgiapp -w 3 app.main:app", {}, {}, "3 --workers Dockerfile:5 exact"),
        ("gunicorn app.main:app", {}, {}, "1 default of gunicorn None default"),
        ("gunicorn app.main:app", {"WEB_CONCURRENCY": "7"}, {}, "7 WEB_CONCURRENCY env.yaml:7 exact"),
        (
            "gunicorn app.main:app",
            {"WEB_CONCURRENCY": "7"},
            {"gunicorn.conf.py": "workers = 5\n"},
            "5 workers gunicorn.conf.py:1 exact",
        ),
        (
            "gunicorn app.main:app",
            {"GUNICORN_CMD_ARGS": "-w 3"},
            {"gunicorn.conf.py": "workers = 5\n"},
            "3 GUNICORN_CMD_ARGS env.yaml:7 exact",
        ),
        (
            "gunicorn -w 4 app.main:app",
            {"GUNICORN_CMD_ARGS": "-w 3", "WEB_CONCURRENCY": "7"},
            {"gunicorn.conf.py": "workers = 5"},
            "4 --workers Dockerfile:5 exact",
        ),
        (
            "gunicorn -c other.py app.main:app",
            {},
            {"gunicorn.conf.py": "workers = 5\n", "other.py": "workers = 6\n"},
            "6 workers other.py:1 exact",
        ),
        ("gunicorn -c file:other.py app.main:app", {}, {"other.py": "\nworkers = 6\n"}, "6 workers other.py:2 exact"),
        (
            "gunicorn -c python:app.conf app.main:app",
            {},
            {"app/conf.py": "workers = 2\n"},
            "2 workers app/conf.py:1 exact",
        ),
        (
            "gunicorn -c python:app.conf app.main:app",
            {},
            {"app/conf/__init__.py": "workers = 2\n"},
            "2 workers app/conf/__init__.py:1 exact",
        ),
        ("gunicorn app.main:app", {}, {"gunicorn.conf.py": "threads = 2\n"}, "1 default of gunicorn None default"),
    ],
)
def test_gunicorn_workers_come_from_line_then_arguments_then_file_then_variable(
    run, command, variables, files, expected
):
    (process,) = run(command, files, variables)
    assert said(process.processes) == expected
    assert (process.server, process.kind, process.entry) == ("gunicorn", "web", "app.main:app")


@pytest.mark.parametrize("spelling", ["-w 4", "-w4", "-w=4", "--workers 4", "--workers=4", "-w 9 -w 4"])
def test_gunicorn_accepts_every_measured_spelling(run, spelling):
    (process,) = run(f"gunicorn {spelling} app.main:app")
    assert said(process.processes) == "4 --workers Dockerfile:5 exact"


def test_a_config_file_that_is_not_here_leaves_workers_unknown(run):
    (process,) = run("gunicorn -c /etc/missing.py app.main:app")
    assert process.processes == Unknown(
        "set in /etc/missing.py, which is not here", Origin("--config", Location("Dockerfile", 5, 17))
    )


@pytest.mark.parametrize(
    ("options", "units", "preloads", "timeout"),
    [
        ("", "1 default of gunicorn None default", False, 30),
        ("--threads 3", "3 --threads Dockerfile:5 exact", False, None),
        ("-k gthread --threads=8", "8 --threads Dockerfile:5 exact", False, None),
        ("-k gevent", "1000 worker_connections, default of gunicorn None default", False, None),
        ("-k gevent --worker-connections 60", "60 --worker-connections Dockerfile:5 exact", False, None),
        ("-k uvicorn.workers.UvicornWorker", "inf --worker-class Dockerfile:5 exact", False, None),
        ("-k asgi", "inf --worker-class Dockerfile:5 exact", False, None),
        ("--preload --timeout 120", "1 default of gunicorn None default", True, 120),
    ],
)
def test_gunicorn_units_follow_worker_class_and_threads(run, options, units, preloads, timeout):
    (process,) = run(f"gunicorn -w 2 {options} app.main:app")
    assert said(process.units) == units
    assert process.preloads.value is preloads
    assert (process.request_timeout.value if isinstance(process.request_timeout, Known) else None) == timeout


def test_an_unknown_worker_class_is_not_guessed(run):
    (process,) = run("gunicorn -k mine.Worker app.main:app")
    assert process.units.reason == "worker class mine.Worker is not known"


CONFIG = """\
import multiprocessing
import os

workers = {workers}
"""


@pytest.mark.parametrize(
    ("workers", "variables", "complete", "expected"),
    [
        ("int(os.environ.get('N', 4))", {}, True, "4 workers gunicorn.conf.py:4 exact"),
        ("int(os.environ.get('N', 4))", {}, False, "4 workers gunicorn.conf.py:4 fallback"),
        ("int(os.environ.get('N', 4))", {"N": "9"}, True, "9 N env.yaml:7 exact"),
        ("int(os.getenv('N') or 3)", {}, True, "3 workers gunicorn.conf.py:4 exact"),
        ("min(8, int(os.environ['N']) * 2 + 1)", {"N": "2"}, True, "5 workers gunicorn.conf.py:4 exact"),
        ("2 if os.getenv('N') == 'x' else 6", {"N": "y"}, True, "6 workers gunicorn.conf.py:4 exact"),
    ],
)
def test_expressions_of_a_config_file_are_evaluated_in_the_environment_of_the_workload(
    run, workers, variables, complete, expected
):
    (process,) = run("gunicorn app.main:app", {"gunicorn.conf.py": CONFIG.format(workers=workers)}, variables, complete)
    assert said(process.processes) == expected


def test_the_number_of_cpus_stays_unknown_until_something_states_it(run):
    files = {"gunicorn.conf.py": CONFIG.format(workers="multiprocessing.cpu_count() * 2 + 1")}
    (unknown,) = run("gunicorn app.main:app", files)
    (stated,) = run("gunicorn app.main:app", files, cpus=Known(2, Origin("cpus"), "stated"))
    (platform,) = run("gunicorn app.main:app", files, cpus=Known(0.5, Origin("limits.cpu"), "exact"))
    assert unknown.processes == Unknown(
        "computed from the number of CPUs, which no file gives", Origin("workers", Location("gunicorn.conf.py", 4, 11))
    )
    assert said(stated.processes) == "5 workers gunicorn.conf.py:4 stated"
    assert said(platform.processes) == "3 workers gunicorn.conf.py:4 estimate"


def test_a_branch_of_a_config_file_that_nothing_decides_leaves_the_value_unknown(run):
    config = "import os\nif os.environ['MODE'] == 'big':\n    workers = 8\nelse:\n    workers = 2\n"
    (unknown,) = run("gunicorn app.main:app", {"gunicorn.conf.py": config})
    (decided,) = run("gunicorn app.main:app", {"gunicorn.conf.py": config}, {"MODE": "big"})
    assert unknown.processes.reason == "workers depends on os.environ['MODE'] == 'big'"
    assert said(decided.processes) == "8 workers gunicorn.conf.py:3 exact"


def test_a_config_file_that_counts_without_end_is_refused_and_not_computed(run):
    (process,) = run("gunicorn app.main:app", {"gunicorn.conf.py": "workers = 9 ** 9 ** 9\nthreads = 'a' * 10 ** 9\n"})
    assert isinstance(process.processes, Unknown)
    assert isinstance(process.units, Unknown)


def test_a_commented_out_worker_line_counts_for_nothing(run):
    (process,) = run(
        "gunicorn app.main:app",
        {"gunicorn.conf.py": "# workers = 9\n"},
        docker="WORKDIR /srv\nCOPY . .\n# CMD gunicorn -w 9 app.main:app\n",
    )
    assert said(process.processes) == "1 default of gunicorn None default"


def test_minus_c_is_a_config_file_for_gunicorn_and_a_count_for_celery(run):
    (server,) = run("gunicorn -c 3 app.main:app")
    (worker,) = run("celery -A app.tasks worker -c 3")
    assert server.processes.reason == "set in 3.py, which is not here"
    assert said(worker.processes) == "3 --concurrency Dockerfile:5 exact"


# -- uvicorn and its kind


@pytest.mark.parametrize(
    ("command", "variables", "expected"),
    [
        ("uvicorn app.main:app", {}, "1 default of uvicorn None default"),
        ("uvicorn app.main:app", {"WEB_CONCURRENCY": "5"}, "5 WEB_CONCURRENCY env.yaml:7 exact"),
        (
            "uvicorn app.main:app",
            {"WEB_CONCURRENCY": "5", "UVICORN_WORKERS": "2"},
            "2 UVICORN_WORKERS env.yaml:7 exact",
        ),
        (
            "uvicorn app.main:app --workers 3",
            {"WEB_CONCURRENCY": "5", "UVICORN_WORKERS": "2"},
            "3 --workers Dockerfile:5 exact",
        ),
        ("uvicorn app.main:app --workers 3 --reload", {}, "1 --reload Dockerfile:5 exact"),
        ("python -m uvicorn app.main:app --workers=3", {}, "3 --workers Dockerfile:5 exact"),
        ("uv run uvicorn app.main:app --workers=3", {}, "3 --workers Dockerfile:5 exact"),
        ("fastapi run app/main.py --workers 2", {}, "2 --workers Dockerfile:5 exact"),
        ("fastapi run app/main.py", {"WEB_CONCURRENCY": "6"}, "6 WEB_CONCURRENCY env.yaml:7 exact"),
        ("fastapi dev app/main.py", {"WEB_CONCURRENCY": "6"}, "1 fastapi dev Dockerfile:5 exact"),
        ("hypercorn -w 3 app.main:app", {"WEB_CONCURRENCY": "6"}, "3 --workers Dockerfile:5 exact"),
        ("hypercorn app.main:app", {"WEB_CONCURRENCY": "6"}, "1 default of hypercorn None default"),
        ("hypercorn --workers 0 app.main:app", {}, "1 --workers Dockerfile:5 exact"),
        ("granian --interface asgi --workers 4 app.main:app", {}, "4 --workers Dockerfile:5 exact"),
        ("granian --interface asgi app.main:app", {"GRANIAN_WORKERS": "3"}, "3 GRANIAN_WORKERS env.yaml:7 exact"),
        ("daphne -b 0.0.0.0 app.main:app", {}, "1 default of daphne None default"),
    ],
)
def test_asynchronous_servers_take_their_workers_as_measured(run, command, variables, expected):
    (process,) = run(command, variables=variables)
    assert said(process.processes) == expected
    assert process.units.value == math.inf
    assert process.entry in ("app.main:app", "app/main.py")


def test_limit_concurrency_lets_one_fewer_in_than_it_says(run):
    (process,) = run("uvicorn app.main:app --limit-concurrency 5")
    assert said(process.concurrency) == "4 --limit-concurrency Dockerfile:5 exact"


@pytest.mark.parametrize(
    ("command", "reloads"),
    [
        ("uvicorn app.main:app --reload", True),
        ("gunicorn --reload app.main:app", True),
        ("fastapi dev app/main.py", True),
        ("flask --app app.main --debug run", True),
        ("watchmedo auto-restart -d app -- celery -A app.main worker", True),
        ("python serve.py", True),
        ("uvicorn app.main:app", False),
        ("fastapi run app/main.py", False),
        ("hypercorn --debug app.main:app", False),
    ],
)
def test_a_developers_server_starts_anew_when_its_source_changes(run, command, reloads):
    program = 'import uvicorn\n\nuvicorn.run("app.main:app", reload=True)\n'
    (process,) = run(command, files={"serve.py": program})
    assert process.reloads is reloads


@pytest.mark.parametrize(
    ("command", "processes", "units"),
    [
        ("waitress-serve app.main:app", "1 default of waitress None default", "4 default of waitress None default"),
        (
            "waitress-serve --threads=9 app.main:app",
            "1 default of waitress None default",
            "9 --threads Dockerfile:5 exact",
        ),
        (
            "granian --interface wsgi --workers 2 app.main:app",
            "2 --workers Dockerfile:5 exact",
            "256 default of granian None default",
        ),
        (
            "uwsgi --http :80 --module app.main:app",
            "1 default of uwsgi None default",
            "1 default of uwsgi None default",
        ),
        (
            "uwsgi -p 4 --threads 2 --wsgi-file app/main.py",
            "4 --processes Dockerfile:5 exact",
            "2 --threads Dockerfile:5 exact",
        ),
        (
            "uwsgi --workers=4 --module app.main:app",
            "4 --workers Dockerfile:5 exact",
            "1 default of uwsgi None default",
        ),
        (
            "mod_wsgi-express start-server app.wsgi",
            "1 default of mod_wsgi-express None default",
            "5 default of mod_wsgi-express None default",
        ),
        (
            "flask --app app.main run",
            "1 default of flask run None default",
            "inf flask run serves every request in a thread None estimate",
        ),
    ],
)
def test_blocking_servers_have_the_units_of_their_threads(run, command, processes, units):
    (process,) = run(command)
    assert (said(process.processes), said(process.units)) == (processes, units)


def test_uwsgi_reads_its_ini_and_preloads_unless_lazy(run):
    ini = "[uwsgi]\nmodule = app.main:app\nprocesses = 6\n; threads = 99\nthreads = 3\n"
    (eager,) = run("uwsgi --ini uwsgi.ini", {"uwsgi.ini": ini})
    (lazy,) = run("uwsgi uwsgi.ini --lazy-apps", {"uwsgi.ini": ini})
    assert said(eager.processes) == "6 processes uwsgi.ini:3 exact"
    assert said(eager.units) == "3 threads uwsgi.ini:5 exact"
    assert (eager.preloads.value, lazy.preloads.value) == (True, False)
    assert eager.entry == "app.main:app"


def test_a_script_that_calls_uvicorn_run_is_that_server(run):
    script = (
        'import os\nimport uvicorn\n\nif __name__ == "__main__":\n'
        '    uvicorn.run("app.main:app", workers=int(os.getenv("N", "3")))\n'
    )
    (process,) = run("python serve.py", {"serve.py": script})
    (object_given,) = run(
        "python serve.py", {"serve.py": "import uvicorn\nfrom app.main import app\nuvicorn.run(app, workers=4)\n"}
    )
    assert said(process.processes) == "3 workers= serve.py:5 exact"
    assert (process.server, process.entry) == ("uvicorn", "app.main:app")
    assert said(object_given.processes) == "1 uvicorn.run(app) without an import string serve.py:3 default"
    assert object_given.entry == "serve.py"


def test_the_tiangolo_image_counts_its_own_way(run):
    base = "FROM tiangolo/uvicorn-gunicorn-fastapi:python3.11\nCOPY ./app /app/app\n"
    (unknown,) = run("", {"Dockerfile": base})
    (capped,) = run("", {"Dockerfile": base}, {"MAX_WORKERS": "1"})
    (counted,) = run("", {"Dockerfile": base + "ENV WEB_CONCURRENCY=3\n"}, {"MAX_WORKERS": "1"})
    (stated,) = run("", {"Dockerfile": base}, cpus=Known(4, Origin("cpus"), "stated"))
    assert unknown.processes.reason == "WORKERS_PER_CORE times the number of CPUs, which no file gives"
    assert said(capped.processes) == "1 MAX_WORKERS env.yaml:7 exact"
    assert said(counted.processes) == "3 WEB_CONCURRENCY Dockerfile:3 exact"
    assert stated.processes.value == 4
    assert unknown.entry == "app.main:app"


# -- task workers


@pytest.mark.parametrize(
    ("command", "processes", "units"),
    [
        (
            "celery -A app.tasks worker -c 4",
            "4 --concurrency Dockerfile:5 exact",
            "1 default of celery prefork None default",
        ),
        (
            "celery -A app.tasks worker --concurrency=4 -c 6",
            "6 --concurrency Dockerfile:5 exact",
            "1 default of celery prefork None default",
        ),
        (
            "celery -A app.tasks worker --autoscale=4,1 -c 2",
            "4 --autoscale Dockerfile:5 exact",
            "1 default of celery prefork None default",
        ),
        (
            "celery -A app.tasks worker --autoscale 1,6",
            "6 --autoscale Dockerfile:5 exact",
            "1 default of celery prefork None default",
        ),
        (
            "celery -A app.tasks worker -P threads -c 10",
            "1 --pool threads Dockerfile:5 exact",
            "10 --concurrency Dockerfile:5 exact",
        ),
        (
            "celery -A app.tasks worker -P gevent -c 100",
            "1 --pool gevent Dockerfile:5 exact",
            "100 --concurrency Dockerfile:5 exact",
        ),
        (
            "celery -A app.tasks worker --pool=solo -c 9",
            "1 --pool solo Dockerfile:5 exact",
            "1 --pool solo Dockerfile:5 exact",
        ),
        (
            "celery -A app.tasks multi start 3 -c 2",
            "6 celery multi: 3 × 2 Dockerfile:5 exact",
            "1 default of celery prefork None default",
        ),
        ("celery -A app.tasks beat", "1 default of celery beat None default", "1 default of celery beat None default"),
        ("rq worker high low", "1 default of rq worker None default", "1 default of rq worker None default"),
        ("rq worker-pool -n 3 high", "3 --num-workers Dockerfile:5 exact", "1 default of rq worker-pool None default"),
        ("dramatiq app.tasks --processes 2", "2 --processes Dockerfile:5 exact", "8 default of dramatiq None default"),
        ("dramatiq app.tasks -p 2 -t 4", "2 --processes Dockerfile:5 exact", "4 --threads Dockerfile:5 exact"),
        ("arq app.worker.WorkerSettings", "1 default of arq None default", "10 default of arq None default"),
        ("huey_consumer.py app.tasks.huey -w 3", "1 default of huey None default", "3 --workers Dockerfile:5 exact"),
        (
            "huey_consumer app.tasks.huey -w 3 -k process",
            "3 --workers Dockerfile:5 exact",
            "1 default of huey None default",
        ),
        ("taskiq worker app.tasks:broker", "2 default of taskiq None default", "100 default of taskiq None default"),
        (
            "taskiq worker app.tasks:broker --workers 4 --max-async-tasks 5",
            "4 --workers Dockerfile:5 exact",
            "5 --max-async-tasks Dockerfile:5 exact",
        ),
    ],
)
def test_task_workers_count_as_measured(run, command, processes, units):
    (process,) = run(command)
    assert (said(process.processes), said(process.units)) == (processes, units)
    assert process.kind in ("worker", "scheduler")


@pytest.mark.parametrize(
    ("command", "loads"),
    [
        ("dramatiq app.broker app.jobs app.mail", ("app.jobs", "app.mail")),
        ("celery -A app.tasks worker -c 2 --include app.jobs,app.mail", ("app.jobs", "app.mail")),
        ("taskiq worker app.tasks:broker app.jobs", ("app.jobs",)),
        ("taskiq worker app.tasks:broker -fsd", ("app/tasks.py",)),
        ("taskiq worker --fs-discover --tasks-pattern 'app/**/task.py' app.tasks:broker", ("app/mail/task.py", "app/task.py")),
    ],
)
def test_workers_load_more_than_their_entry(run, command, loads):
    files = {"app/tasks.py": "", "app/task.py": "", "app/mail/task.py": "", "other/task.py": ""}
    (process,) = run(command, files)
    assert tuple(sorted(process.loads)) == loads


def test_a_celery_worker_without_a_count_has_the_cpus_of_its_host(run):
    (unknown,) = run("celery -A app.tasks worker")
    (stated,) = run("celery -A app.tasks worker", cpus=Known(2, Origin("cpus", Location("poollint.toml", 3)), "stated"))
    assert unknown.processes.reason == "the default of celery is the number of CPUs, which no file gives"
    assert said(stated.processes) == "2 default of celery: the number of CPUs poollint.toml:3 stated"


def test_worker_concurrency_of_the_application_counts_below_the_command_line(run):
    tasks = {
        "app/tasks.py": "from celery import Celery\napp = Celery()\napp.conf.update(\n    worker_concurrency=5,\n)\n"
    }
    (configured,) = run("celery -A app.tasks worker", tasks)
    (given,) = run("celery -A app.tasks worker -c 2", tasks)
    assert said(configured.processes) == "5 worker_concurrency app/tasks.py:4 exact"
    assert said(given.processes) == "2 --concurrency Dockerfile:5 exact"


def test_a_worker_with_an_embedded_beat_is_both(run):
    worker, beat = run("celery -A app.tasks worker -B -c 2")
    assert (worker.server, worker.processes.value, worker.preloads.value) == ("celery", 2, True)
    assert (beat.server, beat.kind, beat.processes.value) == ("celery beat", "scheduler", 1)


def test_arq_takes_max_jobs_from_its_settings_class(run):
    (process,) = run("arq app.worker.WorkerSettings", {"app/worker.py": "class WorkerSettings:\n    max_jobs = 25\n"})
    assert said(process.units) == "25 max_jobs app/worker.py:2 exact"
    assert process.entry == "app.worker"


# -- migrations and scripts


@pytest.mark.parametrize(
    ("command", "server", "kind"),
    [
        ("alembic upgrade head", "alembic", "migration"),
        ("alembic -c db/alembic.ini upgrade head", "alembic", "migration"),
        ("flask db upgrade", "flask", "migration"),
        ("python manage.py migrate", "manage.py", "migration"),
        ("python manage.py runserver", "manage.py", "web"),
        ("python manage.py import_orders --all", "manage.py", "script"),
        ("python app/main.py", "python", "script"),
        ("python -m app.main", "python", "script"),
    ],
)
def test_programs_are_told_apart_by_kind(run, command, server, kind):
    (process,) = run(command, {"manage.py": ""})
    assert (process.server, process.kind, process.processes.value) == (server, kind, 1)


@pytest.mark.parametrize(
    "command",
    ["pytest", "python -m pytest", "python -c 'print(1)'", "bash", "sleep infinity", "npm start", "alembic history"],
)
def test_commands_that_start_nothing_of_the_project_give_nothing(run, command):
    assert run(command) == ()


def test_a_console_script_leads_to_its_module(run):
    project = {"pyproject.toml": '[project.scripts]\nshop = "app.cli:main"\n', "app/cli.py": "def main(): ...\n"}
    (process,) = run("shop", project)
    assert (process.server, process.entry, process.directory) == ("python", "app.cli:main", "")


# -- wrappers


@pytest.mark.parametrize(
    "wrapper",
    [
        "exec",
        "tini --",
        "/usr/bin/tini -g --",
        "dumb-init --",
        "gosu app",
        "su-exec app:app",
        "uv run",
        "uv run --frozen --no-dev",
        "poetry run",
        "pipenv run",
        "opentelemetry-instrument",
        "ddtrace-run",
        "newrelic-admin run-program",
        "doppler run --",
        "env A=1 B=2",
        "nice -n 10",
        "./wait-for-it.sh db:5432 -t 30 --",
        "./wait-for-it.sh db:5432",
        "/wait-for-service.sh db:5432 -s --",
        'sh -c \'exec "$0" "$@"\'',
        "timeout 30",
        "sudo -E -u app",
        "A=1",
        "python -m",
        "python -m debugpy --listen 0.0.0.0:5678 -m",
        "debugpy --listen 5678 --wait-for-client --configure-subProcess false -m",
        "coverage run -p --source app -m",
        "bash -lc 'exec \"$@\"' --",
        "ENV=x exec",
    ],
)
def test_what_merely_wraps_a_command_is_skipped(run, wrapper):
    (process,) = run(f"{wrapper} gunicorn -w 4 app.main:app")
    assert (process.server, process.processes.value, process.entry) == ("gunicorn", 4, "app.main:app")


def test_variables_set_in_front_of_a_command_hold_for_it_and_are_handed_on(run):
    (process,) = run("env WEB_CONCURRENCY=5 DB_POOL=3 gunicorn app.main:app")
    assert said(process.processes) == "5 WEB_CONCURRENCY Dockerfile:5 exact"
    assert said(process.environment["DB_POOL"]) == "3 DB_POOL Dockerfile:5 exact"


# -- the chain of overrides


def test_exec_form_does_not_expand_variables_and_shell_form_does(run):
    (words,) = run('["gunicorn", "-w", "${N:-4}", "app.main:app"]')
    (text,) = run('gunicorn -w "${N:-4}" app.main:app')
    (shell,) = run('["sh", "-c", "gunicorn -w ${N:-4} app.main:app"]')
    assert words.processes == Unknown(
        "--workers is not a plain number", Origin("--workers", Location("Dockerfile", 5, 25))
    )
    assert said(text.processes) == said(shell.processes) == "4 --workers Dockerfile:5 exact"


def test_a_fallback_is_exact_only_when_the_environment_is_complete(run):
    (complete,) = run("gunicorn -w ${N:-4} app.main:app")
    (partly,) = run("gunicorn -w ${N:-4} app.main:app", complete=False)
    (given,) = run("gunicorn -w ${N:-4} app.main:app", variables={"N": "8"})
    (absent,) = run("gunicorn -w $N app.main:app", complete=False)
    assert said(complete.processes) == "4 --workers Dockerfile:5 exact"
    assert said(partly.processes) == "4 --workers Dockerfile:5 fallback"
    assert said(given.processes) == "8 N env.yaml:7 exact"
    assert absent.processes.reason == "set by N, which no file gives"


def test_an_override_of_the_entrypoint_drops_the_command_of_the_image(run):
    place = Location("compose.yaml", 3)
    docker = 'COPY . /srv\nWORKDIR /srv\nENTRYPOINT ["gunicorn"]'
    (own,) = run('["-w", "4", "app.main:app"]', docker=docker)
    (command,) = run('["-w", "4", "app.main:app"]', docker=docker, command=Words(place, ("-w", "2", "app.main:app")))
    (both,) = run('["-w", "4", "app.main:app"]', docker=docker, entrypoint=Words(place, ("uvicorn", "app.main:app")))
    assert [own.processes.value, command.processes.value] == [4, 2]
    assert (both.server, both.processes.value) == ("uvicorn", 1)
    assert run("x", docker=docker, entrypoint=Words(place, ()), command=Words(place, ())) == ()


def test_kubernetes_fills_variables_into_its_words(make_tree):
    tree = make_tree({**APP, "k.yaml": "x"})
    words = Words(Location("k.yaml", 1), ("gunicorn", "-w", "$(WORKERS)", "--threads=$(OTHER)", "app.main:app"))
    variables = Environment({"WORKERS": Known("6", Origin("WORKERS", Location("k.yaml", 9)))}, True)
    (process,) = processes(
        Workload("api", "kubernetes", "deployment", words.location, variables=variables, entrypoint=words, image="x"),
        tree,
    )
    assert said(process.processes) == "6 WORKERS k.yaml:9 exact"
    assert isinstance(process.units, Unknown)


def test_a_shell_finds_the_variables_that_kubernetes_fills_in(make_tree):
    tree = make_tree({**APP, "k.yaml": "x"})
    text = "migrate $(URL); exec gunicorn -w $(WORKERS) --threads=$$(nproc) app.main:app"
    words = Words(Location("k.yaml", 1), ("sh", "-c", text))
    variables = Environment(
        {"WORKERS": Known("6", Origin("WORKERS", Location("k.yaml", 9)), "estimate"), "URL": Unknown("a secret")}, True
    )
    (process,) = processes(
        Workload("api", "kubernetes", "deployment", words.location, variables=variables, entrypoint=words, image="x"),
        tree,
    )
    assert said(process.processes) == "6 WORKERS k.yaml:9 estimate"
    assert process.units.reason == "computed from the number of CPUs, which no file gives"


def test_a_foreign_image_with_its_own_command_is_not_readable(make_tree):
    tree = make_tree({"k.yaml": "x"})
    assert (
        processes(Workload("api", "kubernetes", "deployment", Location("k.yaml", 1), image="example/api:1"), tree) == ()
    )


def test_heroku_sets_web_concurrency_by_itself(make_tree):
    tree = make_tree({"Procfile": "web: gunicorn app:app"})
    words = Words(Location("Procfile", 1, 6), shell="gunicorn app:app")
    (process,) = processes(Workload("web", "heroku", "service", words.location, command=words), tree)
    assert process.processes.reason == "Heroku's buildpack sets WEB_CONCURRENCY by the size of the dyno"


# -- supervisord, honcho


SUPERVISOR = """\
[supervisord]
nodaemon=true

[program:web]
command=gunicorn -w 3 app.main:app
directory=/srv

[program:worker]
command=celery -A app.tasks worker
    -c 2
numprocs=2
environment=DB_POOL="4",MODE='x'
; command=celery -A app.tasks worker -c 50

[program:off]
command=celery -A app.tasks beat
autostart=false
"""


def test_supervisord_starts_every_program_as_often_as_it_says(run):
    web, worker = run("supervisord -c supervisord.conf", {"supervisord.conf": SUPERVISOR})
    assert said(web.processes) == "3 --workers supervisord.conf:5 exact"
    assert said(worker.processes) == "4 numprocs 2 × 2 --concurrency supervisord.conf:11 exact"
    assert said(worker.environment["DB_POOL"]) == "4 DB_POOL supervisord.conf:12 exact"
    assert "DB_POOL" not in web.environment


def test_honcho_starts_the_lines_of_the_procfile(run):
    files = {"Procfile": "web: uvicorn app.main:app --workers 2\nworker: celery -A app.tasks worker -c 3\n"}
    both = run("honcho start", files)
    (one,) = run("honcho start worker", files)
    assert [said(process.processes) for process in both] == [
        "2 --workers Procfile:1 exact",
        "3 --concurrency Procfile:2 exact",
    ]
    assert one.server == "celery"


# -- programs that serve

CLI = """\
import click
import uvicorn


@click.group()
def cli(): ...


@cli.command()
def serve():
    uvicorn.run("app.main:app", workers=5)


@cli.command("run-jobs")
def jobs():
    print("one process")


if __name__ == "__main__":
    cli()
"""


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python cli.py serve", ("uvicorn", "web", 5)),
        ("python cli.py run-jobs", ("python", "script", 1)),
        ("python cli.py", ("python", "script", 1)),
        ("python -m cli serve", ("uvicorn", "web", 5)),
        ("shop serve", ("uvicorn", "web", 5)),
        ("shop run-jobs", ("python", "script", 1)),
    ],
)
def test_only_the_subcommand_that_is_called_serves(run, command, expected):
    (process,) = run(command, {"cli.py": CLI, "pyproject.toml": '[project.scripts]\nshop = "cli:cli"\n'})
    assert (process.server, process.kind, process.processes.value) == expected


@pytest.mark.parametrize(
    "program",
    [
        "import uvicorn\nuvicorn.run('app.main:app', workers=3)\n",
        (
            "import uvicorn as u\n\ndef main():\n"
            "    u.run('app.main:app', workers=3)\n\nif __name__ == '__main__':\n"
            "    main()\n"
        ),
        (
            "from uvicorn import run\nN = 3\n\ndef go():\n"
            "    run('app.main:app', workers=N)\n\ndef main():\n    go()\n\n"
            "main()\n"
        ),
        "from app.serving import serve\n\nserve()\n",
        "import asyncio\nfrom app.serving import serve\n\nasync def main():\n    serve()\n\nasyncio.run(main())\n",
    ],
)
def test_calls_are_followed_to_the_server_they_start(run, program):
    serving = (
        "import uvicorn\nfrom .limits import N\n\ndef serve():\n"
        "    uvicorn.run('app.main:app', workers=3)\n\ndef other():\n"
        "    uvicorn.run('x:y', workers=9)\n"
    )
    (process,) = run("python start.py", {"start.py": program, "app/serving.py": serving, "app/limits.py": "N = 3\n"})
    assert (process.server, process.processes.value, process.entry) == ("uvicorn", 3, "app.main:app")


def test_a_function_that_nothing_calls_serves_nothing(run):
    program = "import uvicorn\n\ndef debug():\n    uvicorn.run('app.main:app', workers=9)\n\nprint('job')\n"
    (process,) = run("python job.py", {"job.py": program})
    assert (process.server, process.kind) == ("python", "script")


def test_flask_run_by_its_application_is_one_process(run):
    program = "from flask import Flask\napp = Flask(__name__)\nif __name__ == '__main__':\n    app.run(port=80)\n"
    (process,) = run("python main.py", {"main.py": program})
    assert (process.server, process.processes.value, process.units.certainty) == ("flask", 1, "estimate")
    (other,) = run("python main.py", {"main.py": "from bot import app\napp.start()\n"})
    assert other.server == "python"


# -- make

MAKEFILE = """\
WORKERS ?= 3
APP := app.main:app

.PHONY: serve
serve: migrate  ## run the server
\t@echo starting
\tgunicorn \\
\t  --workers $(WORKERS) ${APP}

migrate:
\talembic upgrade head

worker:
\tcelery -A app.tasks worker -c $${N:-2}
"""


def test_make_runs_the_recipe_of_its_target_behind_what_it_needs(run):
    migration, server = run("make serve", {"Makefile": MAKEFILE})
    (given,) = [process for process in run("make serve WORKERS=5", {"Makefile": MAKEFILE}) if process.kind == "web"]
    (worker,) = run("make -s worker", {"Makefile": MAKEFILE})
    (first,) = [process for process in run("make", {"Makefile": MAKEFILE}) if process.kind == "web"]
    assert migration.kind == "migration"
    assert said(server.processes) == said(first.processes) == "3 WORKERS Makefile:1 exact"
    assert (server.entry, str(server.location)) == ("app.main:app", "Makefile:7")
    assert said(given.processes) == "5 WORKERS Dockerfile:5 exact"
    assert said(worker.processes) == "2 --concurrency Makefile:14 exact"


@pytest.mark.parametrize(
    "makefile", ["a: b\nb: a\n\tx\n", "serve: serve\n\tmake serve\n", ":\n\t\n=\n", "a" * 5000 + ":\n"]
)
def test_odd_makefiles_end(run, makefile):
    assert run("make serve", {"Makefile": makefile}) == ()


def test_the_configuration_that_celery_loads_is_followed_to_where_the_number_is_written(run):
    files = {
        "app/tasks.py": "from celery import Celery\napp = Celery()\napp.config_from_object('app.celeryconfig')\n",
        "app/celeryconfig.py": "from app.limits import CHILDREN\n\nworker_concurrency = CHILDREN\n",
        "app/limits.py": "import os\n\nCHILDREN = int(os.environ.get('CHILDREN') or 6)\n",
    }
    (process,) = run("celery -A app.tasks worker", files)
    (given,) = run("celery -A app.tasks worker", files, {"CHILDREN": "3"})
    (missing,) = run("celery -A app.tasks worker", {"app/tasks.py": files["app/tasks.py"].replace("app.celery", "x.")})
    assert said(process.processes) == "6 worker_concurrency app/limits.py:3 exact"
    assert said(given.processes) == "3 CHILDREN env.yaml:7 exact"
    assert missing.processes.reason == "set in x.config, which is not here"


def test_supervisord_takes_numprocs_from_the_environment(run):
    conf = "[program:web]\ncommand=celery -A app.tasks worker -c 2\nnumprocs=%(ENV_COPIES)s\n"
    (given,) = run("supervisord -c s.conf", {"s.conf": conf}, {"COPIES": "3"})
    (unset,) = run("supervisord -c s.conf", {"s.conf": conf})
    assert given.processes.value == 6
    assert unset.processes.reason == "set by COPIES, which no file gives"


def test_quotes_around_a_default_are_the_shells(run):
    (process,) = run("gunicorn -w ${N:-\"3\"} ${APP:-'app.main:app'}")
    assert (process.processes.value, process.entry) == (3, "app.main:app")


def test_an_application_made_out_of_sight_may_have_its_own_concurrency(run):
    hidden = {
        "app/tasks.py": "from app.plugins import load\napp = load('x')\n",
        "app/plugins.py": "def load(name): ...\n",
    }
    shown = {"app/tasks.py": "from app.made import app\n", "app/made.py": "from celery import Celery\napp = Celery()\n"}
    cpus = Known(2, Origin("cpus"), "stated")
    (unknown,) = run("celery -A app.tasks worker", hidden, cpus=cpus)
    (default,) = run("celery -A app.tasks worker", shown, cpus=cpus)
    assert unknown.processes.reason == "set where the application is made, which is not readable"
    assert default.processes.value == 2
