"""What a creation stands in, which role it plays, and whether it makes an engine again and again."""

from __future__ import annotations

import pytest

from poollint.facts import Known, Unknown
from poollint.python.code import Code

ENGINE = "from sqlalchemy import create_engine\n"
MAKE = "create_engine('postgresql+psycopg2://db/orders')"
APP = "from fastapi import Depends, FastAPI\napp = FastAPI()\n"


@pytest.fixture
def engine(make_tree):
    """Return the fact of the only engine of the files."""

    def engine(files):
        (found,) = Code(make_tree(files)).engines()
        return found

    return engine


# -- tasks

CELERY = "from celery import Celery\ncelery = Celery()\ncelery.autodiscover_tasks(['benchmark'])\n"
TASK = "from celery_app import celery\n@celery.task\ndef bill(): ...\n"
WEB = APP + "from benchmark.tasks import bill\n@app.post('/bills')\ndef post():\n    bill.delay()\n"


def test_the_engine_of_a_file_of_tasks_is_the_workers_even_where_the_web_imports_it_to_send_them(engine):
    tasks = {"celery_app.py": CELERY, "benchmark/tasks.py": f"{ENGINE}engine = {MAKE}\n{TASK}"}
    assert engine(tasks).role == "worker"
    assert engine({**tasks, "main.py": WEB}).role == "worker"


def test_the_engine_of_a_file_that_also_serves_is_the_services(engine):
    route = "@app.get('/')\ndef show(): ...\n"
    assert engine({"celery_app.py": CELERY, "main.py": f"{ENGINE}{APP}engine = {MAKE}\n{route}{TASK}"}).role == "service"


# -- place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"engine = {MAKE}\n", "module"),
        (f"class Config:\n    engine = {MAKE}\n", "class"),
        (f"if __name__ == '__main__':\n    engine = {MAKE}\n", "main-guard"),
        (f"def make():\n    return {MAKE}\n", "function"),
        (f"class Database:\n    def __init__(self):\n        self.engine = {MAKE}\n", "class"),
        (f"from functools import lru_cache\n@lru_cache\ndef make():\n    return {MAKE}\n", "cached-function"),
        (
            f"_e = None\ndef make():\n    global _e\n    if _e is None:\n        _e = {MAKE}\n    return _e\n",
            "cached-function",
        ),
        (
            f"_e = {{}}\ndef make(url):\n    if url not in _e:\n        _e[url] = {MAKE}\n    return _e[url]\n",
            "cached-function",
        ),
        (
            f"_e = {{}}\ndef make(u):\n    try:\n        return _e[u]\n    except KeyError:\n        _e[u] = {MAKE}\n",
            "cached-function",
        ),
        (
            f"_e = None\ndef make():\n    global _e\n    if _e:\n        return _e\n    _e = {MAKE}\n    return _e\n",
            "cached-function",
        ),
        (f"{APP}@app.get('/')\ndef show():\n    {MAKE}\n", "request-handler"),
        (
            f"{APP}def engine():\n    return {MAKE}\n@app.get('/')\ndef show(e=Depends(engine)): ...\n",
            "request-handler",
        ),
        (f"{APP}@app.on_event('startup')\ndef start():\n    {MAKE}\n", "lifespan"),
        (
            f"from fastapi import FastAPI\ndef lifespan(app):\n    {MAKE}\napp = FastAPI(lifespan=lifespan)\n",
            "lifespan",
        ),
        (
            f"from fastapi import FastAPI\ndef create_app():\n    app = FastAPI()\n    {MAKE}\n    return app\n",
            "lifespan",
        ),
        (f"from celery import shared_task\n@shared_task\ndef bill():\n    {MAKE}\n", "task"),
        (f"import dramatiq\n@dramatiq.actor(max_retries=3)\ndef bill():\n    {MAKE}\n", "task"),
        (f"async def bill(ctx):\n    {MAKE}\nclass WorkerSettings:\n    functions = [bill]\n", "task"),
        (f"import pytest\n@pytest.fixture\ndef database():\n    {MAKE}\n", "fixture"),
    ],
)
def test_the_place_is_read_from_structure(engine, text, place):
    assert engine({"app/db.py": ENGINE + text}).place == place


@pytest.mark.parametrize(
    "handler",
    [
        "from flask import Flask\napp = Flask(__name__)\n@app.route('/')\ndef show():\n    {}\n",
        "from flask import Blueprint\nbp = Blueprint('a', __name__)\n@bp.post('/')\ndef show():\n    {}\n",
        "from litestar import get\n@get('/')\nasync def show() -> None:\n    {}\n",
        "from aiohttp import web\nasync def show(request):\n    {}\n"
        "app = web.Application()\napp.router.add_get('/', show)\n",
        "from django.urls import path\ndef show(request):\n    {}\nurlpatterns = [path('', show)]\n",
        "from flask.views import MethodView\nclass Orders(MethodView):\n    def get(self):\n        {}\n",
        "from starlette.routing import Route\nasync def show(request):\n    {}\nroutes = [Route('/', show)]\n",
        "def lambda_handler(event, context):\n    {}\n",
        "import functions_framework\n@functions_framework.http\ndef show(request):\n    {}\n",
        "import azure.functions as func\napp = func.FunctionApp()\n@app.route(route='orders')\ndef show(request):\n    {}\n",
        "from pyramid.view import view_config\n@view_config(route_name='a')\ndef show(request):\n    {}\n",
        "def replica(request):\n    {}\ndef includeme(config):\n    config.add_request_method(replica, reify=True)\n",
    ],
)
def test_request_handlers_of_every_framework(engine, handler):
    found = engine({"app/web.py": ENGINE + handler.format(MAKE)})
    assert (found.place, found.per_call.value) == ("request-handler", True)


@pytest.mark.parametrize(
    ("decorator", "place"),
    [("app.queue_trigger(arg_name='m', queue_name='bills')", "task"), ("app.queue_output(arg_name='m')", "function")],
)
def test_what_azure_functions_runs_for_a_message_is_a_task(engine, decorator, place):
    text = f"import azure.functions as func\napp = func.FunctionApp()\n@{decorator}\ndef bill(m):\n    {MAKE}\n"
    found = engine({"function_app.py": ENGINE + text})
    assert (found.place, found.role) == (place, "worker" if place == "task" else "service")


def test_a_patched_name_is_no_route(engine):
    text = f"from unittest import mock\n@mock.patch('app.db.engine')\ndef check(engine):\n    {MAKE}\n"
    assert engine({"app/db.py": ENGINE + text}).place == "function"


# -- how often


def per_call(found):
    return found.per_call.value if isinstance(found.per_call, Known) else None


def test_a_factory_that_a_dependency_calls_makes_an_engine_per_request(engine):
    files = {
        "app/__init__.py": "",
        "app/db.py": f"{ENGINE}def make():\n    return {MAKE}\n",
        "app/web.py": f"from app.db import make\n{APP}def session():\n    yield make()\n"
        f"@app.get('/')\ndef show(s=Depends(session)): ...\n",
    }
    found = engine(files)
    assert per_call(found) is True
    assert found.per_call.origin.says == "runs in the request dependency session"
    assert str(found.per_call.origin.location) == "app/web.py:5"


@pytest.mark.parametrize(
    "use",
    [
        "from app.db import make\nengine = make()\n",
        f"from app.db import make\n{APP}@app.on_event('startup')\ndef start():\n    app.state.engine = make()\n",
        "from functools import cache\nfrom app.db import make\n@cache\ndef engine():\n    return make()\n"
        f"{APP}@app.get('/')\ndef show():\n    engine()\n",
        f"from app.db import make\n{APP}@app.get('/')\ndef show():\n    engine = make()\n    engine.dispose()\n",
        "from app.db import make\nif __name__ == '__main__':\n    make()\n",
    ],
)
def test_a_factory_called_once_kept_or_disposed_does_not(engine, use):
    files = {"app/__init__.py": "", "app/db.py": f"{ENGINE}def make():\n    return {MAKE}\n", "app/web.py": use}
    assert per_call(engine(files)) is False


@pytest.mark.parametrize(
    ("keeps", "again"), [("engines[key] = engine\n", False), ("engines = {key: engine}\n", None), ("print(engines)\n", None)]
)
def test_a_cache_may_be_filled_by_the_function_that_makes_the_engine(engine, keeps, again):
    text = (
        f"{ENGINE}{APP}engines = {{}}\ndef make(key):\n    engine = {MAKE}\n    {keeps}    return engine\n"
        "def get(key: str):\n    if key in engines:\n        return engines[key]\n    else:\n        return make(key)\n"
        "@app.get('/')\ndef show(engine=Depends(get)): ...\n"
    )
    assert per_call(engine({"web.py": text})) is again


@pytest.mark.parametrize(("sets", "again"), [("self.Session = self.engine = ", False), ("engine = ", True)])
def test_a_method_may_set_what_the_guard_of_its_call_asks_for(engine, sets, again):
    text = (
        f"{ENGINE}{APP}class Database:\n    Session = None\n    def start(self):\n        {sets}{MAKE}\n"
        "    def session(self):\n        if not self.Session:\n            self.start()\n        return self.Session()\n"
        "db = Database()\n@app.get('/')\ndef show():\n    db.session()\n"
    )
    assert per_call(engine({"web.py": text})) is again


@pytest.mark.parametrize(("guard", "again"), [("if self.made:\n            return\n        ", False), ("", True)])
def test_the_one_instance_that_new_gives_keeps_what_init_makes_only_once(engine, guard, again):
    text = (
        f"{ENGINE}{APP}class Database:\n    one = None\n    made = False\n    def __new__(cls):\n        if cls.one is None:\n"
        f"            cls.one = super().__new__(cls)\n        return cls.one\n    def __init__(self):\n        {guard}self.engine = {MAKE}\n"
        "        self.made = True\n@app.get('/')\ndef show():\n    Database()\n"
    )
    assert per_call(engine({"web.py": text})) is again


@pytest.mark.parametrize(("caught", "again"), [("engines[key] = ", False), ("engine = ", True)])
def test_what_is_tried_and_returned_before_was_not_there(engine, caught, again):
    text = (
        f"{ENGINE}{APP}engines = {{}}\ndef get(key: str):\n    try:\n        return engines[key]\n    except KeyError:\n        pass\n"
        f"    {caught}{MAKE}\n@app.get('/')\ndef show(engine=Depends(get)): ...\n"
    )
    assert per_call(engine({"web.py": text})) is again


def test_rebinding_a_global_without_a_guard_keeps_nothing(engine):
    text = (
        f"{ENGINE}from celery import shared_task\nengine = None\ndef renew():\n    global engine\n    engine = {MAKE}\n"
    )
    assert per_call(engine({"app/tasks.py": text + "@shared_task\ndef bill():\n    renew()\n"})) is True


def test_an_engine_on_self_lives_as_long_as_its_object(engine):
    cls = f"{ENGINE}class Database:\n    def __init__(self):\n        self.engine = {MAKE}\n"
    kept = engine({"app/db.py": cls + "db = Database()\n"})
    assert per_call(kept) is False


def test_an_object_made_per_request_makes_an_engine_per_request(engine):
    cls = f"{ENGINE}{APP}class Database:\n    def __init__(self):\n        self.engine = {MAKE}\n"
    made = engine({"app/db.py": cls + "@app.get('/')\ndef show():\n    Database()\n"})
    assert per_call(made) is True


SESSION = f"def session(settings=None):\n    engine = {MAKE}\n    yield engine\n"


@pytest.mark.parametrize(
    ("alias", "use", "again"),
    [
        ("get_db = partial(session, SETTINGS)\n", "Depends(db.get_db)", True),
        ("get_db = session\n", "Depends(db.get_db)", True),
        ("get_db = contextmanager(session)\n", "None):\n    with db.get_db() as s: pass\ndef other(x=None", True),
        ("get_db = partial(session, SETTINGS)\n", "None", False),
        ("get_db = partial(session, SETTINGS)\nengine = next(get_db())\n", "None", False),
    ],
)
def test_a_function_is_called_by_the_name_it_gets_as_well(engine, alias, use, again):
    text = f"{ENGINE}from functools import partial\nfrom contextlib import contextmanager\n{SESSION}{alias}"
    web = f"{APP}import db\n@app.get('/')\ndef show(s={use}):\n    return 1\n"
    assert per_call(engine({"db.py": text, "web.py": web})) is again


MANAGED = (
    f"{ENGINE}class Database:\n    def __init__(self):\n        self.engine = {MAKE}\n    def __enter__(self):\n"
    "        return self.engine\n    def __exit__(self, *problem):\n        {leave}\n"
)


@pytest.mark.parametrize(
    ("leave", "use", "again"),
    [
        ("self.engine.dispose()", "with Database() as engine:\n        engine.connect()", False),
        ("pass", "with Database() as engine:\n        engine.connect()", True),
        ("self.engine.dispose()", "Database().engine.connect()", True),
        ("self.engine.dispose()", "with Orders() as engine:\n        engine.connect()", False),
    ],
)
def test_a_with_statement_may_dispose_the_engine_it_makes(engine, leave, use, again):
    text = f"{MANAGED.format(leave=leave)}class Orders(Database): ...\n{APP}@app.get('/')\ndef show():\n    {use}\n"
    assert per_call(engine({"web.py": text})) is again


@pytest.mark.parametrize(("options", "again"), [("", True), (", use_cache=True", False), (", use_cache=False", True)])
def test_litestar_keeps_a_dependency_that_it_is_told_to(engine, options, again):
    text = f"{ENGINE}from litestar import Litestar\nfrom litestar.di import Provide\ndef make():\n    return {MAKE}\n"
    made = engine({"web.py": f"{text}app = Litestar(dependencies={{'engine': Provide(make{options})}})\n"})
    assert per_call(made) is again


ABSENT = (
    f"{ENGINE}{APP}class DB:\n    @classmethod\n    def renew(cls):\n        cls.engine = {MAKE}\n"
    "    @classmethod\n    def session(cls):\n        try:\n            {}\n        except {}:\n            cls.renew()\n"
    "@app.get('/')\ndef show():\n    DB.session()\n"
)


@pytest.mark.parametrize(
    ("tried", "caught", "again"),
    [
        ("maker = cls.sessions()", "AttributeError", False),
        ("return cls.engine", "AttributeError", False),
        ("cls.engine.connect()", "(AttributeError, NameError)", False),
        ("cls.engine.connect()", "OperationalError", True),
        ("connect()", "AttributeError", True),
    ],
)
def test_an_engine_made_when_the_class_has_none_yet_is_kept(engine, tried, caught, again):
    assert per_call(engine({"app/db.py": ABSENT.format(tried, caught)})) is again


UNNAMED = (
    f"{ENGINE}{APP}def start():\n    global sessions\n    {{}} = {MAKE}\n"
    "def session():\n    try:\n        return sessions()\n    except {}:\n        start()\n    return sessions()\n"
    "@app.get('/')\ndef show():\n    session()\n"
)


@pytest.mark.parametrize(
    ("made", "caught", "again"),
    [("sessions", "NameError", False), ("engine", "NameError", True), ("sessions", "RuntimeError", True)],
)
def test_an_engine_made_when_the_module_has_none_yet_is_kept(engine, made, caught, again):
    assert per_call(engine({"app/db.py": UNNAMED.format(made, caught)})) is again


@pytest.mark.parametrize(
    ("holder", "guard", "again"),
    [
        ("source", "if source.engine is not None:\n        return source.engine", False),
        ("source", "source.close()", True),
        ("source", "if source is not None:\n        return source", True),
        ("ctx", "if ctx.engine is not None:\n        return ctx.engine", True),  # of one call
    ],
)
def test_an_engine_kept_on_the_callers_object_is_not_made_again(engine, holder, guard, again):
    text = (
        f"{ENGINE}{APP}def engine({holder}):\n    {guard}\n    {holder}.engine = {MAKE}\n    return {holder}.engine\n"
        "@app.get('/')\ndef show():\n    engine(SOURCES['orders'])\n"
    )
    assert per_call(engine({"app/web.py": text})) is again


def test_flask_g_lives_as_long_as_the_request(engine):
    text = (
        f"{ENGINE}from flask import Flask, g\napp = Flask(__name__)\ndef engine():\n    if 'engine' not in g:\n"
        f"        g.engine = {MAKE}\n    return g.engine\n@app.route('/')\ndef show():\n    engine()\n"
    )
    assert per_call(engine({"app/web.py": text})) is True


def test_a_creation_that_a_parameter_decides_about_is_not_certain(engine):
    text = (
        f"{ENGINE}{APP}def session(mode='app'):\n    if mode == 'check':\n        return {MAKE}\n    return None\n"
        "@app.get('/')\ndef show():\n    session('check')\n"
    )
    assert isinstance(engine({"app/web.py": text}).per_call, Unknown)


@pytest.mark.parametrize(
    ("body", "certain"),
    [
        ("if url:\n        found = {}\n    else:\n        found = other()", False),
        ("if url:\n        found = {}\n    else:\n        found = create_engine(url, poolclass=NullPool)", True),
        ("if url:\n        found = {}\n    elif old:\n        found = create_engine(old)\n"
         "    else:\n        found = create_engine(other)", True),
        ("if url:\n        found = {}\n    elif old:\n        found = create_engine(old)", False),
        ("if url:\n        found = {}\n    else:\n        found = create_engine(old) if old else None", False),
        ("found = {} if url else create_engine(old)", True),
        ("found = {} if url else None", False),
        ("asked = (url or '').strip()\n    if asked:\n        found = {}", False),
        ("asked = find(url)\n    if asked:\n        found = {}", True),
    ],
)  # fmt: skip
def test_a_parameter_that_chooses_between_two_engines_does_not_decide_whether_one_is_made(make_tree, body, certain):
    text = f"{ENGINE}{APP}def session(url=None, old=None):\n    {body.format(MAKE)}\n    return found\n"
    found, *_ = Code(make_tree({"app/web.py": f"{text}@app.get('/')\ndef show():\n    session('x')\n"})).engines()
    assert isinstance(found.per_call, Known) is certain


@pytest.mark.parametrize(
    ("choice", "certain"),
    [("if kind() == 'sql':\n        ", False), ("if ready():\n        ", True), ("", True)],
)
def test_a_store_that_a_configured_name_chooses_is_not_certain(engine, choice, certain):
    text = (
        f"{ENGINE}{APP}class SqlStore:\n    def __init__(self):\n        self.engine = {MAKE}\n"
        f"def store():\n    {choice}return SqlStore()\n@app.get('/')\ndef show():\n    store()\n"
    )
    assert isinstance(engine({"app/web.py": text}).per_call, Known if certain else Unknown)


def test_a_request_that_asks_for_its_own_method_still_makes_an_engine(engine):
    text = (
        f"{ENGINE}{APP}class SqlStore:\n    def __init__(self):\n        self.engine = {MAKE}\n"
        "@app.route('/')\ndef show():\n    if request.method == 'POST':\n        SqlStore()\n"
    )
    assert per_call(engine({"app/web.py": text})) is True


def test_calls_in_tests_do_not_count(engine):
    files = {
        "app/__init__.py": "",
        "app/db.py": f"{ENGINE}def make():\n    return {MAKE}\nengine = make()\n",
        "tests/test_web.py": f"from app.db import make\n{APP}@app.get('/')\ndef show():\n    make()\n",
    }
    assert per_call(engine(files)) is False


QUEUED = (
    f"{ENGINE}from flask import Flask\nfrom rq import Queue\napp = Flask(__name__)\n"
    "def jobs():\n    return Queue(connection=None)\n"
    f"def bill():\n    return {MAKE}\n"
    "@app.route('/')\ndef show():\n    jobs().enqueue(bill)\n"
)


def test_what_a_request_hands_to_a_queue_runs_as_a_task_of_its_worker(engine):
    found = engine({"app/web.py": QUEUED})
    assert (found.place, found.role) == ("task", "worker")


def test_a_job_of_rq_takes_its_connections_with_its_process(engine):
    decorated = f"{ENGINE}from rq.decorators import job\n@job('low')\ndef bill():\n    return {MAKE}\n"
    assert [per_call(engine({"app/web.py": text})) for text in (QUEUED, decorated)] == [False, False]


@pytest.mark.parametrize(
    "files",
    [
        {"app/web.py": QUEUED, "work.py": "from rq import SimpleWorker\nSimpleWorker(['low']).work()\n"},
        {"app/web.py": QUEUED.replace("from rq import Queue", "from queues import Queue")},
    ],
)
def test_a_job_in_the_process_of_its_worker_leaves_them_behind(engine, files):
    assert per_call(engine(files)) is True


# -- role

DB = f"{ENGINE}engine = {MAKE}\n"


@pytest.mark.parametrize(
    ("files", "role"),
    [
        ({"app/db.py": DB}, "service"),
        (
            {
                "app/db.py": DB,
                "app/main.py": "from app.db import engine\nfrom flask import Flask\napp = Flask(__name__)\n",
            },
            "service",
        ),
        (
            {"app/db.py": DB, "app/work.py": "from app.db import engine\nfrom celery import Celery\nc = Celery()\n"},
            "worker",
        ),
        (
            {
                "app/db.py": DB,
                "app/seed.py": "from app.db import engine\nif __name__ == '__main__':\n    engine.connect()\n",
            },
            "script",
        ),
        (
            {
                "app/db.py": DB,
                "app/cli.py": "import click\nfrom app.db import engine\n@click.command()\ndef go(): ...\n",
            },
            "script",
        ),
        (
            {
                "app/db.py": DB,
                "app/api.py": "import connexion\nfrom app.db import engine\ndef make():\n    return connexion.FlaskApp('a')\n",
                "work.py": "from app.api import make\nfrom kafka import KafkaConsumer\napp, c = make(), KafkaConsumer()\n",
            },
            "service",
        ),
        ({"app/db.py": DB, "dags/load.py": "from airflow.decorators import dag\nfrom app.db import engine\n"}, "script"),
        ({"app/db.py": "from airflow.hooks.base import BaseHook\n" + DB}, "script"),
        (
            {
                "app/db.py": DB,
                "app/jobs.py": "from dagster import asset\nfrom app.db import engine\n",
                "app/api.py": APP + "from app.db import engine\nfrom prefect import get_client\n",
            },
            "service",
        ),
        ({"app/db.py": DB, "app/run.py": "from prefect.runner import x\nfrom app.db import engine\n", "prefect/runner.py": ""}, "service"),
        ({"seed.py": DB + "with engine.connect() as c:\n    c.close()\n"}, "script"),
        ({"scripts/seed.py": DB}, "script"),
        ({"bot.py": DB + "if __name__ == '__main__':\n    bot.run_polling()\n"}, "worker"),
        ({"alembic/env.py": "from alembic import context\n" + DB}, "migration"),
        ({"migrations/versions/1.py": DB}, "migration"),
        ({"tests/test_db.py": DB}, "test"),
        ({"conftest.py": DB}, "test"),
        ({"app/checks.py": "import pytest\n" + DB}, "test"),
        ({"app/checks.py": "from unittest import TestCase\n" + DB}, "test"),
        ({"app/dry_run.py": "from unittest.mock import MagicMock\n" + DB}, "service"),
        ({"app/dry_run.py": "from unittest import mock\n" + DB}, "service"),
        ({"examples/orders.py": DB}, "sample"),
    ],
)
def test_the_role_follows_what_loads_the_file(engine, files, role):
    if any(path.startswith("app/") for path in files):
        files = {"app/__init__.py": "", **files}
    assert engine(files).role == role


JOB = """\
from flask import Flask
from app.db import engine

def create_app():
    return Flask(__name__)

if __name__ == "__main__":
    app = create_app()
    with app.app_context():
        report(engine)
"""


@pytest.mark.parametrize(
    ("job", "role"),
    [
        (JOB, "script"),
        (JOB + "    app.run()\n", "service"),
        (JOB.replace("    with", "    while True:\n     with").replace("        report", "         report"), "service"),
        (JOB.replace("if __name__", "application = create_app()\nif __name__"), "service"),
        (JOB.partition("if __name__")[0], "service"),
    ],
)
def test_a_job_that_makes_an_application_for_its_context_serves_nothing(engine, job, role):
    assert engine({"app/__init__.py": "", "app/db.py": DB, "app/job.py": job}).role == role


def test_path_words_above_the_given_path_mean_nothing(write):
    from poollint.discover import discover

    folder = write({"examples/shop/db.py": DB})
    (folder / ".git").mkdir()
    (found,) = Code(discover([folder / "examples" / "shop"])).engines()
    assert found.role == "service"


def test_an_engine_that_only_its_users_call_is_a_librarys(engine):
    files = {
        "pyproject.toml": "[build-system]\nrequires = []\n[project]\nname = 'orm'\n",
        "src/orm/__init__.py": "",
        "src/orm/storage.py": f"{ENGINE}class Storage:\n    def __init__(self, url, **options):\n"
        f"        self.engine = create_engine(url, **options)\n",
    }
    assert engine(files).role == "library"


def test_of_several_engines_in_a_librarys_file_those_that_nothing_here_uses_are_its_users(make_tree):
    storage = f"""{ENGINE}
class Storage:
    def __init__(self, engine):
        self.engine = engine

    @classmethod
    def __made(cls, url):
        return cls(create_engine(url))

    @classmethod
    def of_url(cls, url):
        return cls.__made(url)

    @classmethod
    def of_host(cls, host):
        return cls(create_engine(f"postgresql://{{host}}/app"))
"""
    files = {
        "pyproject.toml": "[build-system]\nrequires = []\n[project]\nname = 'orm'\n",
        "src/orm/__init__.py": "from orm.storage import Storage\n",
        "src/orm/storage.py": storage,
        "src/orm/table.py": "from orm.storage import Storage\n\ndef table(storage: Storage): ...\n",
    }
    assert [engine.role for engine in Code(make_tree(files)).engines()] == ["library", "library"]


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ("test_engine = create_engine(settings.url)", "test"),
        ("engine = create_engine(settings.test_url.unicode_string())", "test"),
        ("engine = create_engine(str(settings.TEST_URL))", "test"),
        ("engine = create_engine(settings.TEST_URL.get_secret_value())", "test"),
        ("engine = create_engine(str(settings.latest_url))", "service"),
        ("contest_engine = create_engine(settings.url)", "service"),
    ],
)
def test_an_engine_called_test_or_for_a_database_called_test_is_a_tests(engine, line, role):
    files = {"app.py": f"{ENGINE}from fastapi import FastAPI\nfrom config import settings\napp = FastAPI()\n{line}\n"}
    assert engine(files).role == role


@pytest.mark.parametrize(
    ("packaging", "reason"),
    [
        ("plugins/sql/pyproject.toml", "its users are outside the project"),
        ("pyproject.toml", "only tests and samples use it here"),
    ],
)
def test_a_package_of_a_monorepo_has_no_program_because_another_package_has_one(engine, packaging, reason):
    files = {
        packaging: "[build-system]\nrequires = []\n",
        "plugins/sql/connector.py": f"{ENGINE}class Connector:\n    def get_engine(self, url):\n        return {MAKE}\n",
        "plugins/server/app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
        "plugins/sql/tests/test_connector.py": "from connector import Connector\nConnector().get_engine('sqlite://')\n",
    }
    assert engine(files).reasons[-1] == reason


@pytest.mark.parametrize(
    ("used", "role"), [("", "library"), ("from app.db import Storage\nstorage = Storage()\n", "service")]
)
def test_what_only_tests_make_although_the_program_holds_it_is_a_librarys(engine, used, role):
    files = {
        "app/__init__.py": "",
        "app/db.py": f"{ENGINE}class Storage:\n    def __init__(self):\n        self.engine = {MAKE}\n"
        "def build():\n    return Storage()\n",
        "app/main.py": f"{APP}{used}",
        "tests/test_db.py": "from app.db import Storage\nStorage()\n",
    }
    assert engine(files).role == role


PUBLISHED = "[build-system]\nrequires = []\n[project]\nclassifiers = ['Development Status :: 5 - Production/Stable']\n"
FOR_OTHERS = {
    "src/flow/__init__.py": "",
    "src/flow/storage.py": f"{ENGINE}class Storage:\n    def __init__(self, url):\n        self.engine = create_engine(url)\n",
    "src/flow/server.py": "from fastapi import FastAPI\nfrom flow.storage import Storage\n\n"
    "def serve(url):\n    app = FastAPI()\n    app.state.storage = Storage(url)\n    return app\n",
}


def test_a_published_package_makes_engines_for_its_users_also_where_it_holds_a_server(engine):
    assert engine({"pyproject.toml": PUBLISHED, **FOR_OTHERS}).role == "library"


def test_a_published_class_that_is_made_with_parameters_of_its_base_is_for_its_users_too(engine):
    files = {
        "pyproject.toml": PUBLISHED,
        "flow/__init__.py": "",
        "flow/storage.py": f"{ENGINE}class Storage:\n    def __init__(self, url):\n        self.url = url\n"
        "class Postgres(Storage):\n    def migrate(self):\n        create_engine(self.url)\n",
        "flow/server.py": FOR_OTHERS["src/flow/server.py"],
    }
    assert engine(files).role == "library"


@pytest.mark.parametrize(
    "more",
    [
        {"pyproject.toml": "[build-system]\nrequires = []\n"},
        {"pyproject.toml": PUBLISHED.replace("[build-system]", "[tool.uv]")},
        {"pyproject.toml": PUBLISHED, "Dockerfile": "FROM python\nCMD uvicorn flow.server:app\n"},
    ],
)
def test_a_package_that_is_not_published_or_is_deployed_here_is_no_library(engine, more):
    assert engine({**more, **FOR_OTHERS}).role == "service"


def test_a_branch_that_only_tests_take_is_a_tests(engine):
    files = {
        "app/__init__.py": "",
        "app/db.py": f"{ENGINE}def make(check=False):\n    if check:\n        return {MAKE}\nengine = make()\n",
        "tests/test_db.py": "from app.db import make\nmake(check=True)\n",
    }
    assert engine(files).role == "test"


def test_a_file_that_a_command_imports_is_a_script(engine):
    files = {
        "app/__init__.py": "",
        "app/cleanup.py": DB,
        "manage.py": "from flask import Flask\nimport click\napp = Flask(__name__)\n"
        "@click.command()\ndef clean():\n    from app import cleanup\n",
    }
    assert engine(files).role == "script"


# -- several engines in one file

TWO = f"{ENGINE}from sqlalchemy.orm import sessionmaker\nengine = {MAKE}\ntask_engine = {MAKE}\n"
SESSIONS = f"{TWO}Session = sessionmaker(engine)\nTaskSession = sessionmaker(bind=task_engine)\n"
FACTORIES = f"{ENGINE}def for_web():\n    return {MAKE}\ndef for_tasks():\n    return {MAKE}\n"
CLASS = f"""{ENGINE}class Engines:
    _reader = None
    @classmethod
    def start(cls):
        cls._engine = {MAKE}
    @classmethod
    def start_reader(cls):
        cls._reader = {MAKE}
"""
WEB = f"from app.tasks import bill\n{APP}@app.get('/')\ndef show():\n    {{}}\n    bill.delay()\n"
TASKS = "from celery import Celery\ncelery = Celery()\n@celery.task\ndef bill():\n    {}\n"


def of_two(make_tree, database, web, tasks, more=None):
    """Return (role, the files that use it) of both engines of app/db.py, used by a web application and by its tasks."""
    files = {
        "app/__init__.py": "",
        "app/db.py": database,
        "app/main.py": "from app import db\n" + WEB.format(web),
        "app/tasks.py": "from app import db\n" + TASKS.format(tasks),
        **(more or {}),
    }
    return [(engine.role, engine.used_in) for engine in Code(make_tree(files)).engines()]


@pytest.mark.parametrize(
    ("database", "web", "tasks"),
    [
        (TWO, "db.engine.connect()", "db.task_engine.connect()"),
        (SESSIONS, "db.Session()", "db.TaskSession()"),
        (f"{SESSIONS}def get_session():\n    yield Session()\n", "db.get_session()", "db.TaskSession()"),
        (f"{SESSIONS}class Unit:\n    session = Session()\n", "db.Unit()", "db.TaskSession()"),
        (f"{SESSIONS}if True:\n    Other = TaskSession\n", "db.Session()", "db.Other()"),
        (FACTORIES, "db.for_web()", "db.for_tasks()"),
        (CLASS, "db.Engines.start()", "db.Engines.start_reader()"),
    ],
)
def test_of_two_engines_in_one_file_each_has_the_role_of_the_code_that_reaches_it(make_tree, database, web, tasks):
    assert of_two(make_tree, database, web, tasks) == [
        ("service", ("app/main.py",)),
        ("worker", ("app/tasks.py",)),
    ]


@pytest.mark.parametrize(
    "used_at_import",
    ["connection = task_engine.connect()", "task_engine.connect()", "with task_engine.begin() as c: ...", "print(task_engine)"],
)
def test_an_engine_that_its_own_file_uses_when_imported_is_everybodys(make_tree, used_at_import):
    _, (role, used_in) = of_two(make_tree, f"{TWO}{used_at_import}\n", "db.engine", "db.task_engine")
    assert (role, used_in) == ("service", ())


def test_what_a_framework_runs_in_the_file_itself_is_a_use(make_tree):
    database = f"{TWO}{APP}@app.get('/')\ndef health():\n    task_engine.connect()\n"
    _, (role, used_in) = of_two(make_tree, database, "db.engine", "db.task_engine")
    assert (role, used_in) == ("service", ("app/db.py", "app/tasks.py"))


def test_a_decorator_that_nobody_knows_may_run_the_function_anywhere(make_tree):
    database = f"{TWO}import registry\n@registry.add\ndef job():\n    task_engine.connect()\n"
    assert of_two(make_tree, database, "db.engine", "db.task_engine")[1] == ("service", ())


def test_an_engine_that_only_scripts_use_is_a_scripts(make_tree):
    seed = "from app.db import task_engine as engine\nif __name__ == '__main__':\n    engine.connect()\n"
    found = of_two(make_tree, TWO, "db.engine", "pass", {"app/seed.py": seed})
    assert found[1] == ("script", ("app/seed.py",))


def test_a_local_variable_of_the_same_name_is_no_use(make_tree):
    found = of_two(make_tree, TWO, "engine = 1; print(engine, db.engine)", "task_engine = 1; print(task_engine)")
    assert [used_in for _, used_in in found] == [("app/main.py",), ()]


# -- an engine whose file is loaded for something else

BASE = f"{ENGINE}from sqlalchemy.orm import declarative_base\nBase = declarative_base()\nengine = {MAKE}\n"
MODELS = "from app.db import Base\nclass Order(Base): ...\n"
USER = f"from app import db, models\n{APP}@app.get('/')\ndef show():\n    {{}}\n"


def of_one(make_tree, files):
    """Return (role, the files that use it) of the engine of app/db.py."""
    engines = Code(make_tree({"app/__init__.py": "", "app/models.py": MODELS, **files})).engines()
    return next((engine.role, engine.used_in) for engine in engines if engine.location.path == "app/db.py")


def test_who_takes_only_the_models_does_not_use_the_engine_beside_their_base(make_tree):
    work = "from app import models\nwhile True:\n    print(models.Order)\n"
    files = {"app/db.py": BASE, "app/main.py": USER.format("db.engine.connect()"), "app/work.py": work}
    assert of_one(make_tree, files) == ("service", ("app/main.py",))


ANOTHER = {"app/session.py": DB, "app/main.py": f"from app import session\n{USER.format('session.engine.connect()')}"}


def test_an_engine_that_nothing_uses_is_no_services_where_another_is_used(make_tree):
    assert of_one(make_tree, {**ANOTHER, "app/db.py": BASE}) == ("script", ())
    assert of_one(make_tree, {"app/db.py": BASE, "app/main.py": USER.format("pass")}) == ("service", ())


@pytest.mark.parametrize(
    ("parameters", "role"),
    [("url: str", "script"), ("url: str, echo=True", "script"), ("", "script"), ("server", "service"), ("server: Server", "service"), ("*given", "service")],
)
def test_what_takes_only_a_text_is_no_hook_that_a_server_calls(make_tree, parameters, role):
    made = f"{ENGINE}def make({parameters}):\n    engine = {MAKE}\n    return engine\n"
    assert of_one(make_tree, {**ANOTHER, "app/db.py": made + "Base = object\n"})[0] == role


@pytest.mark.parametrize(("function", "used"), [("def run(engine):\n    engine.connect()\n", False), ("def run():\n    engine.connect()\n", True)])
def test_a_parameter_of_a_name_is_not_the_engine_of_that_name(make_tree, function, used):
    main = f"from app.score import run\n{APP}@app.get('/')\ndef show():\n    run({'' if used else 'OTHER'})\n"
    engines = Code(make_tree({"app/__init__.py": "", "app/score.py": f"{ENGINE}{function}engine = {MAKE}\n", "app/main.py": main})).engines()
    assert ("app/main.py" in engines[0].used_in) is used


FLASK = "from flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy\nfrom flask_migrate import Migrate\napp = Flask(__name__)\n"
MODELS = "from app.ext import db\nclass Order(db.Model): ...\n"


@pytest.mark.parametrize(
    ("unused", "role"),
    [
        (f"{FLASK}db = SQLAlchemy(app)\n", "script"),
        (f"{FLASK}db = SQLAlchemy(app)\nmigrate = Migrate(app, db)\n", "script"),
        (f"{FLASK}db = SQLAlchemy(app)\nMigrate(app, db)\n", "script"),
        (f"{FLASK}db = SQLAlchemy(app)\nwith app.app_context():\n    db.create_all()\n", "service"),
        (f"{FLASK}db = SQLAlchemy(app)\nclass User(db.Model): ...\n@app.get('/')\ndef show():\n    User.query.all()\n", "service"),
    ],
)
def test_an_extension_that_nothing_uses_is_no_services_where_another_is_used(make_tree, unused, role):
    files = {"app/ext.py": "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\n", "app/models.py": MODELS}
    main = "from flask import Flask\nfrom app.models import Order, db\napp = Flask(__name__)\ndb.init_app(app)\n@app.get('/')\ndef go():\n    Order.query.all()\n"
    found = Code(make_tree({**files, "app/main.py": main, "manage.py": unused})).engines()
    assert {made.location.path: made.role for made in found} == {"app/ext.py": "service", "manage.py": role}


def test_a_use_in_a_function_that_nothing_calls_is_none(make_tree):
    check = "from app.db import engine\ndef check():\n    engine.connect()\n"
    assert of_one(make_tree, {**ANOTHER, "app/db.py": BASE, "app/check.py": check}) == ("script", ())
    assert of_one(make_tree, {**ANOTHER, "app/db.py": BASE, "app/check.py": f"{check}check()\n"})[1] == ("app/check.py",)


def test_a_method_that_something_unknown_may_have_called_is_a_use(make_tree):
    repo = "from app.db import engine\nclass Orders:\n    def open_ones(self):\n        engine.connect()\n"
    bills = "class Bills:\n    def open_ones(self): ...\ndef show(service):\n    service.repo.open_ones()\n"
    files = {**ANOTHER, "app/db.py": BASE, "app/orders.py": repo}
    assert of_one(make_tree, files) == ("script", ())
    assert of_one(make_tree, {**files, "app/bills.py": bills}) == ("service", ("app/orders.py",))


@pytest.mark.parametrize(
    "more",
    [
        {"app/db.py": BASE, "settings.yaml": "engine: app.db:engine\n"},
        {"app/db.py": BASE, "app/load.py": "from app import models\nload('app.db:engine')\n"},
        {"app/db.py": BASE, "app/other.py": "from app.db import *\nengine.connect()\n"},
        {"app/db.py": f"{BASE}def on_starting(server):\n    engine.connect()\n"},
        {"app/db.py": f"{BASE}from jobs import Job\nclass Clean(Job):\n    def work(self):\n        engine.connect()\n"},
        {"app/db.py": f"{BASE}from app.sessions import Session\nSession.configure(bind=engine)\n"},
        {"app/db.py": f"{BASE}import registry\nregistry.register(engine)\n"},
    ],
)
def test_what_a_text_a_star_or_a_server_may_lead_to_may_be_used(make_tree, more):
    assert of_one(make_tree, {**ANOTHER, **more})[0] == "service"


@pytest.mark.parametrize(
    ("sends", "wanted"),
    [("bill.delay()", ("worker", ("app/db.py",))), ("send(bill)", ("worker", ("app/db.py",))), ("bill()", ("service", ("app/db.py", "app/main.py")))],
)
def test_who_hands_a_task_to_its_workers_does_not_use_the_tasks_engine(make_tree, sends, wanted):
    tasks = f"{BASE}from celery import Celery\ncelery = Celery()\n@celery.task\ndef bill():\n    engine.connect()\n"
    main = f"from app.db import bill\n{USER.format(sends)}"
    assert of_one(make_tree, {"app/db.py": tasks, "app/main.py": main}) == wanted


@pytest.mark.parametrize(
    ("front", "role"),
    [
        ("from discord.ext import commands\nbot = commands.Bot('!')\n@bot.tree.command()\nasync def show(it): ", "worker"),
        ("from discord.ext import commands\nclass Orders(commands.Cog):\n    @commands.hybrid_command()\n    async def show(self, it): ", "worker"),
        ("import dash\napp = dash.Dash()\n@app.callback(dash.Output('a', 'b'))\ndef show(it): ", "service"),
        ("import click, discord\nbot = discord.Client()\n@click.command()\ndef show(it): ", "script"),
    ],
)
def test_a_command_of_a_chat_and_a_callback_of_dash_are_no_scripts(make_tree, front, role):
    front = f"from app import db\n{front}db.engine.connect()\n"
    assert of_one(make_tree, {"app/db.py": BASE, "app/front.py": front}) == (role, ("app/front.py",))


def test_an_engine_that_a_package_keeps_for_its_users_is_a_librarys(engine):
    kept = f"{ENGINE}_engine = None\ndef get_engine():\n    global _engine\n    if _engine is None:\n        _engine = {MAKE}\n    return _engine\n"
    files = {"lib/__init__.py": "from lib.db import get_engine\n", "lib/db.py": kept, "lib/backup.py": "import lib\nwhile True: ...\n"}
    assert engine({**files, "pyproject.toml": "[build-system]\nrequires = []\n"}).role == "library"


def test_a_function_below_the_main_guard_is_the_programs(engine):
    example = "from app.db import make\nif __name__ == '__main__':\n    def example(config):\n        make()\n"
    files = {"app/db.py": f"{ENGINE}def make():\n    return {MAKE}\n", "app/repo.py": example, "bot.py": APP}
    assert engine(files).role == "script"


@pytest.mark.parametrize(
    ("main", "role"),
    [
        ("from app.cli import main\nmain()\n", "script"),
        ("from app.cli import main\nfrom fastapi import FastAPI\napp = FastAPI()\nmain()\n", "service"),
    ],
)
def test_what_the_main_file_of_a_package_does_is_the_program(engine, main, role):
    cli = f"{ENGINE}def main():\n    {MAKE}.connect()\n"
    assert engine({"app/__init__.py": "", "app/cli.py": cli, "app/__main__.py": main}).role == role


# -- engines for tests

HELPER = f"{ENGINE}class Helper:\n    def __init__(self):\n        self.engine = {MAKE}\n"
IN_TESTS = {"test/test_api.py": "import db\ndef test():\n    db.Helper()\n"}
SERVER = {"main.py": f"{APP}import db\n"}


@pytest.mark.parametrize(
    ("files", "role"),
    [
        ({"db.py": HELPER, **SERVER, **IN_TESTS}, "test"),
        ({"db.py": HELPER, **SERVER}, "script"),  # nobody at all
        ({"db.py": HELPER + "default = Helper()\n", **SERVER, **IN_TESTS}, "service"),
        ({"db.py": HELPER, **SERVER, **IN_TESTS, "conf.py": "BACKEND = 'db.Helper'\n"}, "service"),
    ],
)
def test_an_engine_that_nothing_but_tests_makes_is_a_tests(engine, files, role):
    assert engine(files).role == role


PACKAGE = {
    "service/server.py": "from fastapi import FastAPI\nfrom service import db\nclass Api(FastAPI):\n"
    "    def configure(self):\n        self.engine = db.make('postgresql://db/orders')\n",
    "service/__init__.py": "from service.server import Api\n",
    "service/db.py": f"{ENGINE}def make(url):\n    return create_engine(url)\n",
    "test_service.py": "from service.db import make\ndef test_make():\n    make('sqlite://')\n",
}
PROGRAM = "import service\napp = service.Api()\napp.configure()\n"


GIVES = f"{ENGINE}def make_engine():\n    return {MAKE}\n"


@pytest.mark.parametrize(
    ("files", "role"),
    [
        ({"db/engine.py": GIVES}, "script"),
        ({"db/engine.py": GIVES, "db/__init__.py": "from .engine import make_engine\n__all__ = ['make_engine']\n"}, "script"),
        ({"db/engine.py": GIVES, "reset.sh": "python -c 'from db import make_engine; make_engine()'\n"}, "script"),
        ({"db/engine.py": GIVES, "conf.yaml": "engine: db.engine.make_engine\n"}, "service"),
        ({"db/engine.py": GIVES, "conf.py": "ENGINE = 'db.engine.make_engine'\n"}, "service"),
        ({"db/engine.py": GIVES, "conf.py": "import db.engine\nengine = getattr(db.engine, 'make_engine')()\n"}, "service"),
        ({"db/engine.py": GIVES.replace("()", "(server)", 1)}, "service"),  # a hook of the server, perhaps
        ({"db/engine.py": GIVES.replace("def", "@hook\ndef")}, "service"),
    ],
)
def test_an_engine_that_nothing_makes_is_no_services(engine, files, role):
    main = {"main.py": f"{APP}import db.engine\n"}
    assert engine({**main, **files}).role == role


def test_an_application_whose_class_a_package_gives_on_serves(engine):
    assert engine({**PACKAGE, "main.py": PROGRAM}).role == "service"


def test_what_a_package_gives_on_beside_what_is_taken_from_it_makes_no_service(engine):
    assert engine({**PACKAGE, "main.py": PROGRAM.replace("Api", "Other")}).role != "service"


def test_a_class_that_a_package_gives_on_and_that_serves_nothing_makes_no_service(engine):
    plain = {"service/server.py": PACKAGE["service/server.py"].replace("(FastAPI)", "")}
    plain["service/server.py"] = plain["service/server.py"].replace("from fastapi import FastAPI\n", "")
    assert engine({**PACKAGE, **plain, "main.py": PROGRAM}).role != "service"


@pytest.mark.parametrize(("call", "role"), [("app.add_url_rule('/', view_func=show)", "service"), ("blueprint = app\nblueprint.add_url_rule('/', view_func=show)", "script"), ("app.note(show)", "script")])
def test_what_registers_its_views_one_by_one_serves_whatever_its_application_is(engine, call, role):
    text = f"from company.web import Base\nfrom db import engine\napp = Base(__name__)\ndef show(): ...\n{call}\n"
    command = "import argparse\nfrom db import engine\nif __name__ == '__main__':\n    argparse.ArgumentParser()\n"
    assert engine({"db.py": f"{ENGINE}engine = {MAKE}\n", "views.py": text, "load.py": command}).role == role


SHARED = """
class Database:
    {shared}
    def __init__(self):
        {begin}
    def get(self):
        if "main" not in self.engines:
            self.engines["main"] = {make}
        return self.engines["main"]
"""


@pytest.mark.parametrize(
    ("shared", "begin", "again"),
    [
        ("engines = {}", "pass", False),
        ("engines: dict = dict()", "pass", False),
        ("engines = {}", "self.engines = {}", True),
        ("engines = None", "self.engines = {}", True),
        ("engines = {}", "self.__dict__ = self.engines", False),
    ],
)
def test_a_dict_of_the_class_is_one_for_the_objects_of_all_requests(engine, shared, begin, again):
    db = ENGINE + SHARED.format(make=MAKE, shared=shared, begin=begin)
    use = APP + "from db import Database\n@app.get('/')\ndef show():\n    Database().get()\n"
    assert per_call(engine({"db.py": db, "main.py": use})) is again


@pytest.mark.parametrize(("given", "again"), [("request.app.state", False), ("request.state", True)])
def test_what_is_asked_for_on_the_application_is_kept_there(engine, given, again):
    text = (
        f"{ENGINE}{APP}def get_engine(request: Request):\n    engine = getattr({given}, 'engine', None)\n"
        f"    if engine is None:\n        engine = {MAKE}\n        {given}.engine = engine\n    return engine\n"
        "@app.get('/')\ndef show(engine=Depends(get_engine)): ...\n"
    )
    assert per_call(engine({"web.py": text})) is again


@pytest.mark.parametrize(
    ("parameter", "again"),
    [
        ("db: Database = Depends()", True),
        ("page: int = 1, *, db: Database = Depends(use_cache=True)", True),
        ("db: Annotated[Database, Depends()]", True),
        ("db: Database = Depends(other)", False),
        ("db: Database", False),
    ],
)
def test_a_class_that_a_parameter_asks_for_is_made_for_each_request(engine, parameter, again):
    text = (
        f"{ENGINE}{APP}from typing import Annotated\nfrom other import other\nclass Database:\n    def __init__(self):\n"
        f"        self.engine = {MAKE}\n@app.get('/')\ndef show({parameter}): ...\n"
    )
    assert per_call(engine({"web.py": text})) is again


@pytest.mark.parametrize(
    ("library", "decorator", "again"),
    [
        ("from aiogram import Router\nrouter = Router()\n", "@router.message()", True),
        ("from aiogram import Dispatcher\ndp = Dispatcher()\n", "@dp.callback_query(lambda query: True)", True),
        ("import telebot\nbot = telebot.TeleBot('')\n", "@bot.message_handler(commands=['start'])", True),
        ("from other import router\n", "@router.message()", False),
        ("from aiogram import Router\nrouter = Router()\n", "@router.startup()", False),
    ],
)
def test_what_handles_the_updates_of_a_messenger_runs_for_each_of_them(engine, library, decorator, again):
    text = f"{ENGINE}{library}def make():\n    return {MAKE}\n{decorator}\nasync def show(message):\n    make().connect()\n"
    assert per_call(engine({"bot.py": text})) is again


PRIVATE = """
from pydantic import BaseModel, PrivateAttr
class Database(BaseModel):
    _engine: object = PrivateAttr({default})
    def get(self):
        if self._engine:
            return self._engine
        self._engine = {make}
        return self._engine
"""


@pytest.mark.parametrize("default", ["None", "default=None", "default_factory=find"])
def test_a_private_attribute_of_a_model_begins_with_its_default(engine, default):
    model = ENGINE + PRIVATE.format(default=default, make=MAKE)
    use = APP + "from model import Database\ndatabase = Database()\n@app.get('/')\ndef show():\n    database.get()\n"
    assert engine({"model.py": model, "main.py": use}).role == "service"


# -- how long it lasts

FACTORY = {"db.py": f"{ENGINE}def make():\n    return {MAKE}\n"}
REQUEST = {"main.py": f"{APP}from db import make\n@app.get('/')\ndef show():\n    make()\n"}


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"migrations/env.py": "from alembic import context\nfrom db import make\nengine = make()\n"},
        {"cli.py": "import click\nfrom db import make\n@click.command()\ndef load():\n    make()\n"},
        {"db.py": FACTORY["db.py"] + "def forgotten():\n    return make()\n"},
    ],
)
def test_an_engine_of_each_request_lasts_no_longer_because_a_script_or_nobody_makes_one_too(engine, beside):
    found = engine({**FACTORY, **REQUEST, **beside})
    assert isinstance(found.lasts, Known) and found.lasts.value is False


@pytest.mark.parametrize(
    "beside",
    [
        {"main.py": REQUEST["main.py"] + "engine = make()\n"},
        {"main.py": REQUEST["main.py"] + "@app.on_event('startup')\ndef start():\n    app.state.engine = make()\n"},
        {"main.py": f"{APP}import db\n"},
    ],
)
def test_an_engine_that_the_process_makes_for_itself_as_well_lasts(engine, beside):
    found = engine({**FACTORY, **beside})
    assert isinstance(found.lasts, Known) and found.lasts.value is True


LOCAL = {
    "engine.connect()": False,
    "Base.metadata.create_all(engine)": False,
    "look_into(engine)": False,
    "inspect = keep; inspect(engine)": True,
    "return engine": True,
    "app.state.engine = engine": True,
    "unknown(engine)": True,
    "wait_for(engine)": False,
    "wait_for(seconds=3, bind=engine)": False,
    "keep(engine)": True,
    "wait_for(*[engine])": True,
    "decorated(engine)": True,
    "retried(engine)": False,
    "cached_and_retried(engine)": True,
    "def ask():\n        engine.connect()\n    ask()": False,
    "def ask():\n        engine.connect()\n    return ask": True,
    "def ask():\n        engine.connect()\n    app.add_route('/', ask)": True,
    "@app.get('/')\n    def ask():\n        engine.connect()": True,
    "app.state.ask = lambda: engine.connect()": True,
    "@event.listens_for(engine, 'connect')\n    def tune(connection, record):\n        connection.cursor()": False,
}
CALLED = """
from sqlalchemy import inspect as look_into
STATE = {}
def wait_for(bind, seconds=1):
    with bind.connect() as connection:
        ping(connection)
def keep(bind):
    STATE['bind'] = bind
@cache
def decorated(bind):
    bind.connect()
from tenacity import retry, stop_after_attempt
@retry(stop=stop_after_attempt(3))
def retried(bind):
    bind.connect()
@cache
@retry
def cached_and_retried(bind):
    bind.connect()
"""


@pytest.mark.parametrize(("use", "lasts"), LOCAL.items())
def test_an_engine_that_never_leaves_what_makes_it_does_not_last(engine, use, lasts):
    text = f"{ENGINE}{APP}{CALLED}@app.on_event('startup')\ndef start():\n    engine = {MAKE}\n    {use}\n"
    assert engine({"main.py": text}).lasts.value is lasts


UPGRADES = f"{ENGINE}from app.upgrades import upgrade\nengine = {MAKE}\n"
DISPOSES = "try:\n    upgrade(engine)\nfinally:\n    engine.dispose()\n"


@pytest.mark.parametrize(
    ("text", "lasts"),
    [
        (f"{UPGRADES}{DISPOSES}{APP}", False),
        (f"{UPGRADES}try:\n  upgrade(engine)\n  engine.dispose()\n  store = Store()\nexcept Exception:\n  raise\n", False),
        (f"{UPGRADES}{APP}", True),
        (f"{UPGRADES}{APP}app.mount(upgrade(engine))\n{DISPOSES}", True),  # at the end of what it does
        (f"{UPGRADES}while True:\n    {DISPOSES.replace(chr(10), chr(10) + '    ')}\napp = 1\n", True),
        (f"{UPGRADES}{DISPOSES}{APP}@app.get('/')\ndef show():\n    engine.connect()\n", True),
    ],
)
def test_an_engine_that_its_file_disposes_before_it_goes_on_does_not_last(engine, text, lasts):
    assert engine({"main.py": text}).lasts.value is lasts


def test_an_engine_that_another_file_takes_lasts_although_its_own_disposes_it(engine):
    files = {"db.py": f"{UPGRADES}{DISPOSES}session = 1\n", "main.py": f"{APP}from db import engine\n"}
    assert engine(files).lasts.value is True


MIGRATES = """
from flask_migrate import Migrate, upgrade
from flask_sqlalchemy import SQLAlchemy
def update(app):
    db = SQLAlchemy(app)
    {use}
"""


@pytest.mark.parametrize(
    ("use", "lasts"),
    [
        ("Migrate(app, db)\n    upgrade()", False),
        ("Migrate(app, db)\n    return db", True),
        ("register(app, db)", True),
    ],
)
def test_an_extension_that_only_migrates_does_not_last(engine, use, lasts):
    assert engine({"main.py": MIGRATES.format(use=use)}).lasts.value is lasts


# -- what serves, and what runs as a program

USE = f"{ENGINE}def init(url):\n    return create_engine(url)\n"


@pytest.mark.parametrize(
    "application",
    [
        "import falcon\napplication = falcon.App()\n",
        "import connexion\nwsgi = connexion.App(__name__).app\n",
        "import cherrypy\ndef start():\n    cherrypy.tree.mount(Root(), '/')\n",
        "from company.web import CustomFlask\napp = CustomFlask(__name__)\n",
        "from django.urls import path\nurlpatterns = []\n",
    ],
)
def test_what_makes_a_server_of_any_library_makes_its_engine_a_services(engine, application):
    files = {"app/db.py": USE, "app/main.py": f"{application}from app.db import init\ninit('mysql://db/orders')\n"}
    assert engine(files).role == "service"


@pytest.mark.parametrize("call", ["import tkinter\nApp = tkinter.Tk\nApp()\n", "disk.mount('/data')\n"])
def test_a_common_name_of_another_library_makes_no_server(engine, call):
    files = {"app/db.py": USE, "app/job.py": f"from app.db import init\nif __name__ == '__main__':\n    {call.replace(chr(10), chr(10) + '    ')}init('x')\n"}
    assert engine(files).role == "script"


def test_a_wsgi_file_is_python_and_a_server(engine):
    files = {
        "app/db.py": USE,
        "app/web.py": "import flask\ndef create_app():\n    return flask.Flask(__name__)\n",
        "deploy/admin.wsgi": "from app.web import create_app\nfrom app.db import init\napplication = create_app()\ninit('x')\n",
    }
    assert engine(files).role == "service"


@pytest.mark.parametrize(
    ("body", "role"),
    [
        ("while 1:\n        work()", "worker"),
        ("for item in todo:\n        work()", "script"),
        ("web.serve_forever()", "service"),
    ],
)
def test_a_program_that_never_ends_is_no_script(engine, body, role):
    job = f"from app.db import init\ndef main():\n    init('mysql://db/orders')\n    {body}\nif __name__ == '__main__':\n    main()\n"
    assert engine({"app/db.py": USE, "app/job.py": job}).role == role


@pytest.mark.parametrize(("waits", "role"), [("await asyncio.Future()", "worker"), ("await load()", "script")])
def test_an_engine_that_a_program_imports_has_the_role_of_what_that_does(engine, waits, role):
    main = f"import asyncio\nfrom db import engine\nif __name__ == '__main__':\n    async def main():\n        {waits}\n    asyncio.run(main())\n"
    assert engine({"db.py": f"{ENGINE}engine = {MAKE}\n", "consume.py": main}).role == role


def test_the_main_file_of_a_package_is_a_program(engine):
    cli = f"import argparse\n{ENGINE}def main():\n    return create_engine(argparse.ArgumentParser().parse_args().url)\n"
    assert engine({"tool/cli.py": cli, "tool/__main__.py": "from tool.cli import main\nmain()\n"}).role == "script"


@pytest.mark.parametrize(
    ("maker", "guard", "role"),
    [
        ("create_app_for_tools", "if __name__ == '__main__':\n    print(engine)\n", "script"),
        ("create_app", "if __name__ == '__main__':\n    app.run()\n", "service"),
        ("create_app", "", "service"),
    ],
)
def test_a_tool_that_makes_an_application_for_its_context_is_a_script(engine, maker, guard, role):
    web = f"import flask\ndef {maker}():\n    return flask.Flask(__name__)\n"
    tool = f"{ENGINE}from app.web import {maker}\napp = {maker}()\nengine = {MAKE}\n{guard}"
    assert engine({"app/web.py": web, "tools/copy.py": tool}).role == role


def test_a_development_container_deploys_nothing(engine):
    published = {"setup.py": "setup(classifiers=['Development Status :: 4 - Beta'])\n", "lib/db.py": USE}
    assert engine({**published, ".devcontainer/docker-compose.yml": "services: {}\n"}).role == "library"
    served = {"app.py": "from flask import Flask\nfrom lib.db import init\napp = Flask(__name__)\ninit(URL)\n"}
    assert engine({**published, **served, ".devcontainer/docker-compose.yml": "services: {}\n"}).role == "library"
    assert engine({**published, **served, "docker-compose.yml": "services: {}\n"}).role == "service"


# -- disposed under the name that it is kept under

DATABASE = (
    f"{ENGINE}class Database:\n    def engine(self):\n        if not hasattr(self, '_engine'):\n"
    f"            self._engine = {MAKE}\n        return self._engine\n"
    "    def close_all(self):\n        self._engine.dispose()\n"
)


def test_what_is_kept_for_the_request_and_closed_after_it_leaks_nothing(engine):
    before = "from flask import Flask, g\nfrom app.db import Database\napp = Flask(__name__)\n@app.before_request\ndef start():\n    g.database = Database()\n"
    after = "@app.teardown_request\ndef end(error):\n    g.database.close_all()\n"
    assert per_call(engine({"app/db.py": DATABASE, "app/web.py": before + after})) is False
    assert per_call(engine({"app/db.py": DATABASE, "app/web.py": before})) is True
    other = after.replace("g.database", "g.cache")
    assert per_call(engine({"app/db.py": DATABASE, "app/web.py": before + other})) is True


def test_a_method_that_would_dispose_what_self_keeps_is_called_by_nobody(engine):
    database = f"{ENGINE}class Database:\n    def __init__(self):\n        self.engine = {MAKE}\n    def close(self):\n        self.engine.dispose()\n"
    web = "from flask import Flask\nfrom app.db import Database\napp = Flask(__name__)\n@app.get('/')\ndef show():\n    Database()\n"
    assert per_call(engine({"app/db.py": database, "app/web.py": web})) is True


@pytest.mark.parametrize(
    ("body", "role"),
    [
        ("while True:\n        engine.connect()", "worker"),
        ("asyncio.run(server.wait_for_termination())", "service"),
        ("engine.connect()", "script"),
    ],
)
def test_an_engine_beside_a_main_guard_has_the_role_of_what_the_program_does(engine, body, role):
    program = f"{ENGINE}engine = {MAKE}\ndef main():\n    {body}\nif __name__ == '__main__':\n    main()\n"
    assert engine({"main.py": program}).role == role


DISHKA = f"""\
from dishka import Provider, Scope, provide
{ENGINE}
class Connection(Provider):
    {{scope}}
    {{decorator}}
    def engine(self):
        return {MAKE}
    def close(self): ...
"""


@pytest.mark.parametrize(
    ("scope", "decorator", "place"),
    [
        ("scope = Scope.REQUEST", "@provide", "request-handler"),
        ("scope = Scope.APP", "@provide", "cached-function"),
        ("scope = Scope.APP", "@provide(scope=Scope.REQUEST)", "request-handler"),
        ("scope = Scope.REQUEST", "@provide(scope=Scope.APP)", "cached-function"),
        ("", "@provide", "class"),
    ],
)
def test_dishka_makes_what_it_provides_once_for_a_scope(engine, scope, decorator, place):
    found = engine({"ioc.py": DISHKA.format(scope=scope, decorator=decorator)})
    assert found.place == place
    assert per_call(found) is (place == "request-handler")


@pytest.mark.parametrize(("scope", "again"), [("REQUEST", True), ("APP", False)])
def test_dishka_is_given_a_function_and_its_scope(engine, scope, again):
    text = (
        f"from dishka import Provider, Scope\n{ENGINE}def make():\n    return {MAKE}\n"
        f"provider = Provider()\nprovider.provide(make, scope=Scope.{scope})\n"
    )
    assert per_call(engine({"ioc.py": text})) is again


def test_metadata_of_one_call_keeps_the_engine_no_longer_than_the_call(engine):
    body = f"engine = {MAKE}\n    metadata = MetaData(engine)\n    metadata.reflect()\n"
    names = f"{APP}{ENGINE}from sqlalchemy import MetaData\ndef tables():\n    {body}    return %s\n"
    kept = engine({"app.py": names % "metadata"})
    gone = engine({"app.py": names % "[name for name in metadata.tables]"})
    assert (kept.lasts.value, gone.lasts.value) == (True, False)


IN_A_PACKAGE = {"pyproject.toml": "[build-system]\nrequires = []\n", "web/__init__.py": "", "web/kinds.py": ""}
APPLICATION_FACTORY = "from flask import Flask\nclass ShopFlask(Flask): ...\ndef make_app():\n    return ShopFlask(__name__)\n"


@pytest.mark.parametrize(
    ("body", "role"),
    [
        ("app = make_app()\n    {make}\n    return app", "service"),
        ("{make}\n    return make_app()", "service"),
        ("{make}\n    return other()", "library"),
    ],
)
def test_who_completes_the_application_of_another_function_is_its_factory(engine, body, role):
    text = f"from web import make_app\n{ENGINE}def prepare():\n    {body.format(make=MAKE)}\n"
    assert engine({**IN_A_PACKAGE, "web/__init__.py": APPLICATION_FACTORY, "server/run.py": text}).role == role


# -- one instance a process

SINGLETON = (
    "class Singleton(type):\n    _instances = {}\n    def __call__(cls, *args, **kwargs):\n        if cls not in cls._instances:\n"
    "            cls._instances[cls] = super(Singleton, cls).__call__(*args, **kwargs)\n        return cls._instances[cls]\n"
)
DECORATOR = (
    "def singleton(cls):\n    made = {}\n    def get(*args):\n        if cls not in made:\n            made[cls] = cls(*args)\n"
    "        return made[cls]\n    return get\n"
)
CLASS = f"class Database{{}}:\n    def __init__(self):\n        self.engine = {MAKE}\n"
ROUTE = "@app.get('/')\ndef show():\n    return Database().engine\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CLASS.format(""), True),
        (SINGLETON + CLASS.format("(metaclass=Singleton)"), False),
        (SINGLETON + "class Base(metaclass=Singleton): ...\n" + CLASS.format("(Base)"), False),
        ("class Named(type):\n    def __call__(cls):\n        return super().__call__()\n" + CLASS.format("(metaclass=Named)"), True),
        (DECORATOR + "@singleton\n" + CLASS.format(""), False),
        ("def named(cls):\n    def get():\n        return cls()\n    return get\n@named\n" + CLASS.format(""), True),
    ],
)
def test_a_class_that_is_made_once_makes_one_engine_whoever_calls_it(engine, text, expected):
    assert per_call(engine({"main.py": ENGINE + APP + text + ROUTE})) is expected


@pytest.mark.parametrize(
    ("model", "role"),
    [
        ("class Server(Base):\n    __tablename__ = 'servers'\n", "script"),
        ("class Server(SQLModel, table=True):\n    host: str\n", "script"),
        ("class Server:\n    ...\n", "service"),
    ],
)
def test_a_row_that_is_named_like_an_application_serves_nothing(engine, model, role):
    adds = f"{ENGINE}from models import Server\nengine = {MAKE}\nserver = Server()\nsession(engine).add(server)\n"
    assert engine({"models.py": model, "add.py": adds}).role == role


# -- bots

BOT = "from discord.ext import commands\nimport db\nbot = commands.Bot('!')\nbot.run('token')\n"
COG = "from discord.ext import commands\nimport db\nclass Listeners(commands.Cog): ...\n"


@pytest.mark.parametrize(
    ("files", "role"),
    [
        ({"bot.py": BOT}, "worker"),
        ({"exts/listeners.py": COG}, "worker"),
        ({"bot.py": "import discord, db\nclass Mine(discord.Client): ...\nMine().run('token')\n"}, "worker"),
        ({"send.py": "from shop import Client\nimport db\nif __name__ == '__main__':\n    Client().send()\n"}, "script"),
    ],
)
def test_a_bot_waits_for_who_talks_to_it(engine, files, role):
    assert engine({"db.py": f"{ENGINE}engine = {MAKE}\n", **files}).role == role


# -- the verb "test"

CHECK = "def test_connection(url):\n    engine = create_engine(url)\n    engine.connect().close()\n"
GIVEN = "def test_engine(url):\n    return create_engine(url)\n"


@pytest.mark.parametrize(("text", "role"), [(CHECK, "service"), (GIVEN, "test"), (CHECK.replace("(url)", "(TEST_URL)", 2), "test")])
def test_a_function_that_tests_a_connection_is_no_test(engine, text, role):
    route = "@app.post('/check')\ndef check(url):\n    return test_connection(url)\n"
    assert engine({"main.py": ENGINE + APP + text + route}).role == role


def test_a_class_of_a_library_that_only_its_migrations_use_is_its_users(engine):
    made = f"{ENGINE}class Connection:\n    def __init__(self, url):\n        self.engine = create_engine(url)\n"
    uses = "from alembic import context\nfrom lib.connection import Connection\nConnection('sqlite://')\n"
    files = {"lib/connection.py": made, "lib/migrations/env.py": uses}
    assert engine(files).role == "migration"
    assert engine({**files, "setup.py": "setup(name='lib')\n"}).role == "library"


def test_a_way_of_a_library_that_only_its_users_take_is_no_tests(make_tree):
    text = (
        f"{ENGINE}class Store:\n    def __init__(self, url=None):\n        if url is not None:\n"
        "            self.engine = create_engine(url)\n        else:\n            self.engine = create_engine('sqlite:///x.db')\n"
    )
    files = {"lib/store.py": text, "lib/main.py": "from lib.store import Store\nstore = Store()\n"}
    assert [engine.role for engine in Code(make_tree(files)).engines()] == ["test", "service"]
    assert [engine.role for engine in Code(make_tree({**files, "pyproject.toml": PUBLISHED})).engines()] == ["library"] * 2


QUEUE = f"{ENGINE}from celery import Celery\napp = Celery('jobs')\nengine = {MAKE}\n"
JOBS = "from jobs.queue import app, engine\n@app.task\ndef embed():\n    engine.connect()\n"
SENDS = "from fastapi import FastAPI\nfrom jobs.tasks import embed\nweb = FastAPI()\n@web.get('/')\ndef show():\n    embed.delay()\n"


@pytest.mark.parametrize(
    ("web", "role"),
    [(SENDS, "worker"), (f"{SENDS}@web.get('/all')\ndef all():\n    from jobs.queue import engine\n    engine.connect()\n", "service")],
)
def test_who_sends_tasks_does_not_use_the_engine_beside_their_application(engine, web, role):
    found = engine({"jobs/queue.py": QUEUE, "jobs/tasks.py": JOBS, "main.py": web})
    assert found.role == role
    assert found.used_in == (("jobs/tasks.py",) if role == "worker" else ("jobs/tasks.py", "main.py"))


def test_a_proxy_of_werkzeug_makes_what_it_stands_for_in_each_request(engine):
    text = f"""{ENGINE}from flask import g
from werkzeug.local import LocalProxy
class Store:
    _db = None
    @property
    def db(self):
        if self._db is None:
            self._db = {MAKE}
        return self._db
def get_store():
    if not hasattr(g, "store"):
        g.store = Store()
    return g.store
store = LocalProxy(get_store)
"""
    assert isinstance(found := engine({"app/db.py": text}).per_call, Known) and found.value
    kept = text.replace("g.store", "current_app.store").replace("(g,", "(current_app,").replace("import g", "import current_app")
    assert isinstance(found := engine({"app/db.py": kept}).per_call, Known) and not found.value


@pytest.mark.parametrize(
    ("entry", "role"),
    [
        ("import site_of\napp = site_of.create_app()\n", "service"),
        ("import site_of\napp = site_of.create_app()\nif __name__ == '__main__':\n    app.run()\n", "service"),
        ("import site_of\napp = site_of.create_app()\nwith app.app_context():\n    site_of.engine.connect()\n", "script"),
        ("import site_of\nsite = site_of.load()\n", "script"),
    ],
)
def test_what_a_server_loads_says_that_the_engine_serves(engine, entry, role):
    """The application itself is made by somebody else's code; a command of the package uses the engine, too."""
    package = f"{ENGINE}from elsewhere import create_app, load\nengine = {MAKE}\n"
    cli = "import argparse\nfrom site_of import engine\nif __name__ == '__main__':\n    argparse.ArgumentParser()\n"
    assert engine({"site_of.py": package, "wsgi.py": entry, "tool.py": cli}).role == role


USED = f"{ENGINE}engine = {MAKE}\n"


def test_a_function_that_nobody_calls_does_not_hide_who_uses_the_engine(make_tree):
    files = {
        "db/__init__.py": "",
        "db/check.py": "from database import engine\ndef check():\n    engine.connect()\nif __name__ == '__main__':\n    check()\n",
        "db/crud.py": "from .database import engine\ndef insert(model):\n    session = sessionmaker(bind=engine)()\n    session.add(model())\n",
        "db/database.py": f"{USED}def get_db():\n    yield engine\n",
        "db/old.py": f"from sqlalchemy.orm import sessionmaker\n{USED}session = sessionmaker(engine)()\n",
        "main.py": f"{APP}from db import crud\nfrom db.database import get_db\n@app.get('/')\ndef show(db=Depends(get_db)):\n    crud.find(db)\n",
    }
    used, old = sorted(Code(make_tree(files)).engines(), key=lambda found: found.location.path)
    assert (used.role, old.role) == ("service", "script")


@pytest.mark.parametrize(
    ("model", "role"),
    [
        ("metadata.create_all(engine)\n", "script"),
        ("while True:\n    engine.connect()\n", "worker"),
        ("sessions = sessionmaker(engine)\n", "service"),  # by whom it is imported stands elsewhere
        ("import functions_framework\nmetadata.create_all(engine)\n@functions_framework.cloud_event\ndef handle(event): ...\n", "service"),
    ],
)
def test_an_engine_that_only_programs_of_their_own_use_has_their_role(engine, model, role):
    files = {"db.py": USED, "models.py": f"from elsewhere import metadata\nfrom sqlalchemy.orm import sessionmaker\nfrom db import engine\n{model}"}
    assert engine(files).role == role


@pytest.mark.parametrize(("call", "per_call"), [("app.add_api_route('/orders', Orders)", True), ("registry.get(Orders)", None)])
def test_a_class_that_is_registered_for_requests_is_made_for_each(engine, call, per_call):
    text = (
        f"{ENGINE}{APP}from elsewhere import registry\nclass Orders:\n    def __init__(self):\n        self.engine = {MAKE}\n"
        f"    def get(self):\n        return self.engine.connect()\n{call}\n"
    )
    found = engine({"main.py": text}).per_call
    assert (found.value if isinstance(found, Known) and found.value else None) is per_call


@pytest.mark.parametrize(
    ("base", "method", "per_call"),
    [
        ("from flask_restful import Resource as Base", "__init__", True),
        ("from flask.views import MethodView as Base", "__init__", True),
        ("from tornado.web import RequestHandler as Base", "initialize", True),
        ("from rest_framework.views import APIView as Base", "__init__", True),
        ("from flask_admin.contrib.sqla import ModelView as Base", "__init__", False),  # there is one of it
        ("from flask.views import MethodView as Base", "__init__(self): ...\n    init_every_request = False\n    def __init__", False),
        ("from resources import Resource as Base", "__init__", False),
        ("from flask_restful import Resource as Base", "close", False),
    ],
)
def test_the_constructor_of_what_a_framework_makes_for_each_request_runs_for_each(engine, base, method, per_call):
    text = (
        f"{ENGINE}{APP}{base}\nclass Orders(Base):\n    def {method}(self):\n        self.engine = {MAKE}\n"
        "    def get(self):\n        return self.engine.connect()\n"
    )
    found = engine({"main.py": text}).per_call
    assert isinstance(found, Known) and found.value is per_call


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("Depends(Database)", True),
        ("Depends(get_database)", None),
    ],
)
def test_who_names_a_class_to_a_container_makes_none_of_it(engine, given, kind):
    """`inject` gives the instance that was bound, or the one that it made the first time."""
    text = (
        f"import inject\n{ENGINE}{APP}class Database:\n    def __init__(self):\n        self.engine = {MAKE}\n"
        f"def get_database():\n    return inject.instance(Database)\n@app.get('/')\ndef show(db={given}): ...\n"
    )
    found = engine({"main.py": text}).per_call
    assert (found.value if isinstance(found, Known) else None) is kind


@pytest.mark.parametrize(
    ("test", "call", "per_call"),
    [
        ("session is None", "read()", True),
        ("not session", "read(None)", True),
        ("session is None", "read(kind=1)", True),
        ("session is None", "read(other())", None),
        ("session is None", "read(session=other())", None),
        ("session is None", "read(**other())", None),
        ("session is None and kind", "read()", None),
        ("session is not None", "read()", None),
    ],
)
def test_a_parameter_that_a_request_leaves_out_makes_the_engine_that_stands_in_for_it(engine, test, call, per_call):
    text = (
        f"{ENGINE}{APP}from elsewhere import other\ndef make():\n    return {MAKE}\ndef read(session=None, kind=0):\n"
        f"    if {test}:\n        session = make()\n    return session.all()\n@app.get('/')\ndef show():\n    return {call}\n"
    )
    found = engine({"main.py": text}).per_call
    assert (found.value if isinstance(found, Known) else None) is per_call


@pytest.mark.parametrize(
    ("path", "importer", "role"),
    [
        ("backup_2024/db.py", "", "sample"),
        ("old/shop/db.py", "", "sample"),
        ("backup_2024/db.py", "from backup_2024.db import make\n", "service"),  # in use, whatever it is called
        ("golden/db.py", "", "service"),
    ],
)
def test_what_is_put_aside_and_loaded_by_nothing_is_no_service(engine, path, importer, role):
    files = {path: f"{ENGINE}def make(url: object):\n    return {MAKE}\n", "main.py": f"{APP}{importer}"}
    assert engine(files).role == role


SERVERS = ("Postgres", "MySQL", "Snowflake", "Oracle", "Redshift")


@pytest.mark.parametrize(
    ("names", "role"),
    [
        (SERVERS, "library"),
        (SERVERS[:4], "service"),
        (("PostgresOrders", "PostgresUsers", "PostgresMail", "PostgresLogs", "PostgresJobs"), "service"),  # services that share a base
    ],
)
def test_many_kinds_of_one_base_are_connectors_to_what_their_users_name(make_tree, names, role):
    kinds = "".join(
        f"class {name}({'Mixin, ' * (not number)}Connector):\n    def connect(self):\n        return {MAKE}\n" for number, name in enumerate(names)
    )
    text = (
        f"{ENGINE}{APP}class Connector: ...\nclass Mixin:\n    def other(self):\n        return {MAKE}\n{kinds}"
        f"own = {MAKE}\n@app.get('/')\ndef show(kind: str):\n    return globals()[kind]().connect(), own\n"
    )
    mixin, *others, own = sorted(Code(make_tree({"main.py": text})).engines(), key=lambda found: found.location.line)
    assert ({each.role for each in others}, own.role) == ({role}, "service")
    assert (mixin.role == "library") is (role == "library")


@pytest.mark.parametrize(
    ("compose", "role"), [("FLASK_APP: scripts.run:prepare", "service"), ("FLASK_APP: web:prepare", "script"), ("", "script")]
)
def test_a_factory_among_the_scripts_serves_where_a_configuration_names_it(engine, compose, role):
    run = f"from web import make\n{ENGINE}def prepare():\n    app = make()\n    app.engine = {MAKE}\n    return app\n"
    files = {"scripts/run.py": run, "compose.yml": f"services:\n  web:\n    environment:\n      {compose or 'A: 1'}\n"}
    assert engine({**files, "web.py": "from flask import Flask\ndef make():\n    app = Flask(__name__)\n    return app\n"}).role == role
