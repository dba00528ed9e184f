"""The facade: when Python is read at all, entry points, and what they reach."""

from __future__ import annotations

import pytest

from poollint.facts import Environment, Known, Origin, value_of
from poollint.python.code import Code

DB = "from sqlalchemy import create_engine\nengine = create_engine('postgresql+psycopg2://db/a')\n"


def test_a_tree_without_the_words_has_no_engines(make_tree):
    assert Code(make_tree({"a.py": "print(1)\n", "b.txt": "create_engine"})).has_engines is False
    assert Code(make_tree({"a.py": "# create_engine\n"})).has_engines is True
    assert Code(make_tree({"a.py": "# create_engine\n"})).engines() == ()


def test_engines_are_the_same_places_in_every_environment(make_tree):
    code = Code(make_tree({"db.py": DB.replace("'postgresql+psycopg2://db/a'", "__import__('os').environ['URL']")}))
    one, other = code.engines(), code.engines(Environment({"URL": Known("sqlite://", Origin("x"))}, complete=True))
    assert [engine.location for engine in one] == [engine.location for engine in other]
    assert code.engines()[0] is one[0]


@pytest.mark.parametrize(
    ("entry", "directory", "path"),
    [
        ("app.main:app", "", "app/main.py"),
        ("app.main", "", "app/main.py"),
        ("app.main.app", "", "app/main.py"),
        ("app/main.py", "", "app/main.py"),
        ("./app/main.py", "", "app/main.py"),
        ("main:app", "app", "app/main.py"),
        ("main.py", "app", "app/main.py"),
        ("app:create_app()", "", "app/__init__.py"),
        ("app", "", "app/__main__.py"),
        ("shop.web:app", "", "src/shop/web.py"),
        ("nothing.here:app", "", None),
        ("/uwsgi/admin.wsgi", "", "uwsgi/admin.wsgi"),
        ("admin.wsgi", "uwsgi", "uwsgi/admin.wsgi"),
        ("/etc/passwd", "", None),
        ("", "", None),
    ],
)
def test_entry_points(make_tree, entry, directory, path):
    files = "app/__init__.py app/__main__.py app/main.py src/shop/__init__.py src/shop/web.py uwsgi/admin.wsgi".split()
    assert Code(make_tree({file: "" for file in files})).entry_module(entry, directory) == path


def test_an_entry_point_reaches_what_it_imports_and_says_how(make_tree):
    code = Code(
        make_tree(
            {
                "app/__init__.py": "",
                "app/main.py": "from fastapi import FastAPI\nfrom .routes import (\n    orders,  # all of them\n)\n",
                "app/routes/__init__.py": "",
                "app/routes/orders.py": "def show():\n    from app.db import engine\n",
                "app/db.py": DB,
                "app/other.py": DB,
            }
        )
    )
    reach = code.reaches("app.main:app")
    assert "app/db.py" in reach.paths and "app/other.py" not in reach.paths
    assert reach.how("app/db.py") == "entry point app.main:app imports app/db.py through app/routes/orders.py"
    assert reach.how("app/main.py") == "entry point app.main:app"
    assert code.reaches("missing:app") is None


@pytest.mark.parametrize(
    ("call", "path"),
    [
        ("autodiscover_tasks(['app.orders'])", "app/orders/tasks.py"),
        ("autodiscover_tasks(packages=('app.orders', 'app'))", "app/orders/tasks.py"),
        ("autodiscover_tasks(\n    lambda: ['app.orders'],\n)", "app/orders/tasks.py"),
        ("autodiscover_tasks(['app.orders'], related_name='jobs')", "app/orders/jobs.py"),
        ("autodiscover_tasks(['app.orders'], 'jobs', force=True)", "app/orders/jobs.py"),
        ("autodiscover_tasks(['app'])", "app/tasks.py"),
        ("autodiscover_tasks()", None),
        ("autodiscover_tasks(settings.APPS)", None),
    ],
)
def test_a_worker_discovers_tasks_and_a_web_server_does_not(make_tree, call, path):
    celery = f"from celery import Celery\ncelery = Celery()\ncelery.{call}\n"
    tasks = dict.fromkeys(("app/tasks.py", "app/orders/tasks.py", "app/orders/jobs.py"), DB)
    packages = {"app/__init__.py": "", "app/orders/__init__.py": ""}
    code = Code(make_tree({**packages, **tasks, "app/celery.py": celery, "app/web.py": "from app.celery import celery"}))
    found = code.reaches("app.celery", finds_tasks=True).paths & tasks.keys()
    assert path in found if path else not found
    assert not code.reaches("app.web:app").paths & tasks.keys()


def test_dotted_strings_load_modules_too(make_tree):
    files = {
        "app/__init__.py": "",
        "app/celery.py": "from celery import Celery\ncelery = Celery(include=['app.tasks'])\n",
        "app/tasks.py": "from app import db\n",
        "app/db.py": DB,
        "run.py": "import uvicorn\nuvicorn.run('app.tasks:app')\n",
    }
    code = Code(make_tree(files))
    assert "app/db.py" in code.reaches("app.celery").paths
    assert "app/db.py" in code.reaches("run.py").paths


@pytest.mark.parametrize(
    "loads",
    ["app = Celery(include=['jobs'])", "app = Celery()\napp.conf.update(imports=('jobs',))", "CELERY_IMPORTS = ('jobs',)"],
)
def test_a_module_that_celery_includes_needs_no_dot(make_tree, loads):
    files = {f"{folder}/{name}.py": "" for folder in ("mail", "web") for name in ("jobs", "other")}
    code = Code(make_tree({**files, "mail/worker.py": f"from celery import Celery\n{loads}\nlabels = ['other']\n"}))
    assert code.reaches("worker", "mail").paths == {"mail/worker.py", "mail/jobs.py"}


def test_two_services_with_packages_of_one_name_stay_apart(make_tree):
    files = {
        f"services/{name}/app/{file}": text
        for name in ("api", "worker")
        for file, text in (("__init__.py", ""), ("main.py", "from app.db import engine\n"), ("db.py", DB))
    }
    code = Code(make_tree(files))
    reach = code.reaches("app.main:app", "services/worker")
    assert {path for path in reach.paths if path.endswith("db.py")} == {"services/worker/app/db.py"}


def test_the_folder_of_a_script_leads_its_imports(make_tree):
    code = Code(
        make_tree(
            {
                "app/__init__.py": "",
                "app/main.py": "import app.db\n",
                "app/db.py": "",
                "jobs/__init__.py": "",
                "jobs/main.py": "from app.start import run\n",
                "jobs/app/__init__.py": "",
                "jobs/app/start.py": "import app.db\n",
                "jobs/app/db.py": "",
            }
        )
    )
    assert {"jobs/app/start.py", "jobs/app/db.py"} <= code.reaches("jobs/main.py").paths
    assert "app/db.py" not in code.reaches("jobs/main.py").paths
    assert "app/db.py" in code.reaches("app.main:app").paths


def test_importing_a_package_runs_its_init(make_tree):
    code = Code(make_tree({"app/__init__.py": "from app import db\n", "app/web.py": "", "app/db.py": DB}))
    assert "app/db.py" in code.reaches("app.web:app").paths


def test_environments_that_agree_on_what_an_engine_asks_for_share_one_reading(make_tree):
    call = DB.replace("/a')", "/a', pool_size=int(os.environ['SIZE']))")
    code = Code(make_tree({"db.py": f"import os\n{call}"}))

    def engine(size: str, level: str):
        given = {"SIZE": Known(size, Origin("x")), "LEVEL": Known(level, Origin("x"))}
        return code.engines(Environment(given, complete=True))[0]

    assert engine("3", "info") is engine("3", "debug")
    assert [value_of(engine(size, "info").live[0].pool_size) for size in ("3", "8")] == [3, 8]


def test_imports_that_share_a_line_are_seen_and_words_of_comments_and_texts_are_not(make_tree):
    source = """
    import app.a; import app.b
    if True: from app import c; import app.d
    from app import \\
        e, f
    try: import app.g  # if x: import app.no1
    except ImportError: pass
    print("if x: import app.no2; import app.no3")  # import this; import app.no4
    '''Note: import app.no5'''
    """
    names = [*"abcdefg", *(f"no{n}" for n in range(1, 6))]
    code = Code(make_tree({"main.py": source, "app/__init__.py": "", **{f"app/{name}.py": "" for name in names}}))
    found = code.graph.imports("main.py")
    assert found == {"app/__init__.py", *(f"app/{letter}.py" for letter in "abcdefg")}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_they_do_for_python(make_tree, end):
    source = end.join(["import logging", "from app import db", "app = db.app", ""])
    code = Code(make_tree({"main.py": source, "app/__init__.py": "", "app/db.py": "", "app/logging.py": ""}))
    assert code.graph.imports("main.py") == {"app/__init__.py", "app/db.py"}


FEED = "from sqlalchemy import create_engine\nclass Feed:\n    def __init__(self, url):\n        self.engine = create_engine(url)\n"


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("from feed import Feed\nfeed = Feed('postgresql://db/x')\n", True),
        ("from feed import Feed\nif __name__ == '__main__':\n    Feed('postgresql://db/x')\n", True),
        ("import feed\n", False),  # it imports the class, and makes no engine
        ("import click\nfrom feed import Feed\n@click.command()\ndef run():\n    Feed('postgresql://db/x')\n", False),
    ],
)
def test_a_program_that_makes_an_engine_while_it_starts(make_tree, start, expected):
    code = Code(make_tree({"feed.py": FEED, "run.py": start, "tool.py": "from feed import Feed\nFeed('postgresql://db/y')\n"}))
    (engine,) = code.engines()
    assert code.is_started_by(engine, "run.py") is expected
    assert code.is_started_by(engine, "tool.py")
