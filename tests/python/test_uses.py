"""What the project does with an engine: use at import, disposal, new event loops, session state."""

from __future__ import annotations

import pytest

from poollint.python.code import Code

DB = (
    "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n"
    "engine = create_engine('postgresql+psycopg2://db/a')\nSession = sessionmaker(engine)\n"
)
ASYNC = (
    "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n"
    "engine = create_async_engine('postgresql+asyncpg://db/a')\nSession = async_sessionmaker(engine)\n"
)


@pytest.fixture
def uses(make_tree):
    """Return (kind, place) of the uses of the only engine."""

    def uses(files, kind=None):
        (engine,) = Code(make_tree({"app/__init__.py": "", **files})).engines()
        return [(use.kind, str(use.location)) for use in engine.uses if kind in (None, use.kind)]

    return uses


# -- before a fork


@pytest.mark.parametrize(
    "line",
    [
        "Base.metadata.create_all(engine)",
        "Base.metadata.create_all(bind=engine)",
        "with engine.connect() as c: c.close()",
        "with engine.begin() as c: c.close()",
        "import pandas as pd; frame = pd.read_sql('select 1', engine)",
        "import app.db; app.db.engine.connect()",
    ],
)
def test_using_the_engine_while_the_application_is_imported(uses, line):
    files = {"app/db.py": DB, "app/main.py": f"from app.db import Base, engine\n{line}\napplication = make()\n"}
    assert uses(files) == [("before-fork", "app/main.py:2")]


@pytest.mark.parametrize(
    "line",
    [
        "Session = sessionmaker(engine)",
        "admin = Admin(engine)",
        "def start():\n    Base.metadata.create_all(engine)",
        "if __name__ == '__main__':\n    Base.metadata.create_all(engine)",
        "OTHER.connect()",
    ],
)
def test_creating_things_of_the_engine_is_not_using_it(uses, line):
    files = {"app/db.py": DB, "app/main.py": f"from app.db import Base, engine\n{line}\napplication = make()\n"}
    assert uses(files) == []


@pytest.mark.parametrize(
    ("line", "is_use"),
    [
        ("with Session() as s: s.execute(text('select 1'))", True),
        ("with Session.begin() as s: s.commit()", True),
        ("s = Session(); s.query(Order).filter(Order.id > 1).first()", True),
        ("ORDERS = Session().query(Order).count()", True),
        ("def seed():\n    s = Session()\n    s.scalars(ORDERS).all()\nseed()", True),
        ("with Session() as s: s.add(Order())", False),
        ("s = Session(); s.query(Order)", False),
        ("s = Other(); s.execute(1); s.query(Order).first()", False),
        ("first = ORDERS.get(Session)", False),
    ],
)
def test_a_session_of_the_engine_uses_it_where_it_asks_for_something(uses, line, is_use):
    files = {"app/db.py": DB, "app/main.py": f"from app.db import Session\n{line}\napplication = make()\n"}
    assert bool(uses(files, "before-fork")) is is_use


def test_a_function_that_is_called_at_import_uses_it_there(uses):
    files = {
        "app/db.py": DB + "def prepare():\n    Base.metadata.create_all(engine)\n",
        "app/main.py": "from app.db import prepare\nprepare()\napplication = make()\n",
    }
    assert uses(files) == [("before-fork", "app/main.py:2")]


def test_a_route_that_the_function_only_defines_does_not_run_at_import(uses):
    """`create_app()` defines the health check; requests run it."""
    factory = """
def create_app():
    app = Flask(__name__)

    @app.route("/health")
    def health():
        with engine.connect() as connection:
            return str(connection)

    return app
"""
    files = {"app/db.py": DB + factory, "app/main.py": "from app.db import create_app\napplication = create_app()\n"}
    assert uses(files) == []


def found(make_tree, files):
    """Return (code, when, doubt) of the uses before a fork."""
    (engine,) = Code(make_tree({"app/__init__.py": "", **files})).engines()
    return [(use.says, use.when, use.doubt) for use in engine.uses if use.kind == "before-fork"]


@pytest.mark.parametrize(
    ("lines", "doubt"),
    [
        ("if True:", ""),
        ("if FLAG:", "FLAG decides, and what it is cannot be read"),
        ("if not settings.skip:", "not settings.skip decides, and what it is cannot be read"),
        ("try:\n    risky()\nexcept OSError:", "it runs only when what is tried before fails"),
        ("match FLAG:\n  case 1:", "the subject of a match decides"),
        ("if FLAG in ('development', 'production'):", "FLAG in ('development', 'production') decides, and what it is cannot be read"),
    ],
)
def test_a_condition_that_nobody_can_decide_is_a_doubt(make_tree, lines, doubt):
    main = f"from app.db import Base, engine\nfrom other import FLAG, settings\n{lines}\n    Base.metadata.create_all(engine)\n"
    files = {"app/db.py": DB, "app/main.py": f"{main}application = make()\n"}
    assert found(make_tree, files) == [("create_all()", "import", doubt)]


@pytest.mark.parametrize(
    "line",
    [
        "if False:",
        "if TESTING:",
        "if DATABASE_URL.startswith('sqlite'):",
        "if settings.environment == 'development':",
        "if settings.environment != 'production':",
        "if settings.environment in ('development', 'testing'):",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:",
    ],
)
def test_what_no_deployment_comes_to_is_no_use(make_tree, line):
    main = f"from app.db import Base, engine\nfrom other import *\n{line}\n    Base.metadata.create_all(engine)\n"
    assert not found(make_tree, {"app/db.py": DB, "app/main.py": f"{main}application = make()\n"})


def test_the_arguments_of_the_call_decide_inside_the_function(make_tree):
    prepare = "def prepare(create=False):\n    if not create:\n        return\n    Base.metadata.create_all(engine)\n"
    for call, uses in (("prepare()", []), ("prepare(True)", [("create_all() in prepare()", "import", "")])):
        main = f"from app.db import prepare\n{call}\napplication = make()\n"
        assert found(make_tree, {"app/db.py": DB + prepare, "app/main.py": main}) == uses


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("    service = Service()\n    service.start()\n", "create_all() in load() in start() in prepare()"),
        ("    with Service() as service:\n        service.start()\n", "create_all() in load() in start() in prepare()"),
        ("    KEPT.start()\n", "create_all() in load() in start() in prepare()"),
        ("    service = Service()\n    service.wait()\n", None),
        ("    service = other()\n    service.start()\n", None),
        ("    service = Service()\n    service = other()\n    service.start()\n", None),
    ],
)
def test_a_method_of_an_object_that_is_made_there_comes_to_the_use(make_tree, text, code):
    service = (
        "from app.db import Base, engine\nfrom elsewhere import other\nclass Service:\n    def start(self):\n        self.load()\n"
        "    def load(self):\n        Base.metadata.create_all(engine)\n    def wait(self): ...\nKEPT = Service()\n"
    )
    main = f"from app.service import KEPT, Service\nfrom elsewhere import other\ndef prepare():\n{text}prepare()\napplication = make()\n"
    uses = found(make_tree, {"app/db.py": DB, "app/service.py": service, "app/main.py": main})
    assert uses == ([(code, "import", "")] if code else [])


def test_a_use_two_functions_deep_and_what_handlers_do_later(make_tree):
    text = (
        "def create():\n    Base.metadata.create_all(engine)\n"
        "def make_app():\n    def health():\n        engine.connect()\n    return health\n"
        "def prepare():\n    create()\n"
    )
    main = "from app.db import make_app, prepare\nprepare()\napplication = make_app()\n"
    assert found(make_tree, {"app/db.py": DB + text, "app/main.py": main}) == [
        ("create_all() in create() in prepare()", "import", "")
    ]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("database = Database()\ndatabase.create_tables()", "create_all() in create_tables()"),
        ("database = Database()", None),
        ("import asyncio\ndatabase = Database()\nasyncio.run(database.ask())", "connect() in ask()"),
    ],
)
def test_a_method_of_the_class_that_makes_the_engine(make_tree, call, says):
    db = (
        "from sqlalchemy import create_engine\nclass Database:\n    def __init__(self):\n"
        "        self._engine = create_engine('postgresql+psycopg2://db/a')\n"
        "    def create_tables(self):\n        Base.metadata.create_all(self._engine)\n"
        "    async def ask(self):\n        self._engine.connect()\n"
    )
    main = f"from app.db import Database\n{call}\napplication = make()\n"
    assert [use for use, *_ in found(make_tree, {"app/db.py": db, "app/main.py": main})] == [says] * bool(says)


@pytest.mark.parametrize(
    ("of", "is_used"), [("engine", True), ("database.engine", True), ("replica", False), ("database.replica", False), ("size", False)]
)
def test_what_an_object_keeps_is_the_engine_that_its_class_makes(uses, of, is_used):
    db = (
        "from sqlalchemy import create_engine\nclass Database:\n    def __init__(self, replica):\n"
        "        self._engine = create_engine('postgresql+psycopg2://db/a')\n        self.replica = replica\n        self.size = 5\n"
        "    @property\n    def engine(self):\n        return self._engine\n"
        "database = Database(other())\nengine = database.engine\nreplica = database.replica\nsize = database.size\n"
    )
    main = f"from app.db import Base, database, engine, replica, size\nBase.metadata.create_all(bind={of})\napplication = make()\n"
    assert uses({"app/db.py": db, "app/main.py": main}, "before-fork") == [("before-fork", "app/main.py:2")] * is_used


@pytest.mark.parametrize("name", ["on_starting", "when_ready", "pre_fork"])
def test_a_hook_of_the_arbiter_runs_before_the_fork(make_tree, name):
    conf = f"def {name}(server, *_):\n    from app.db import engine\n    engine.connect()\n"
    assert found(make_tree, {"app/db.py": DB, "gunicorn.conf.py": conf}) == [("connect()", "hook", "")]


@pytest.mark.parametrize("name", ["post_fork", "post_worker_init", "worker_exit"])
def test_a_hook_of_the_child_does_not(make_tree, name):
    conf = f"def {name}(server, worker):\n    from app.db import engine\n    engine.connect()\n"
    assert not found(make_tree, {"app/db.py": DB, "gunicorn.conf.py": conf})


@pytest.mark.parametrize(
    ("body", "uses"),
    [
        ("create_all(engine)\nengine.dispose()\n", []),
        ("engine.dispose()\ncreate_all(engine)\n", [("create_all()", "import", "")]),
        ("create_all(engine)\ndef close():\n    engine.dispose()\n", [("create_all()", "import", "")]),
    ],
)
def test_a_pool_that_is_emptied_after_the_use_shares_nothing(make_tree, body, uses):
    main = f"from app.db import engine\nfrom other import create_all\n{body}application = make()\n"
    assert found(make_tree, {"app/db.py": DB, "app/main.py": main}) == uses


def test_what_functions_import_is_not_imported_at_start(make_tree):
    files = {
        "app/__init__.py": "",
        "app/tasks.py": "from typing import TYPE_CHECKING\nfrom app import kept\nif TYPE_CHECKING:\n    from app import typed\n"
        "def ship():\n    from app import late\ndef setup():\n    from app import early\nsetup()\n",
        **{f"app/{name}.py": "" for name in ("kept", "typed", "late", "early")},
        "app/db.py": DB,
    }
    at_start = Code(make_tree(files)).imported_at_start("app.tasks")
    assert at_start == {"app/__init__.py", "app/tasks.py", "app/kept.py", "app/early.py"}


def test_what_tests_and_scripts_do_at_import_does_not_count(uses):
    files = {
        "app/db.py": DB,
        "tests/test_db.py": "from app.db import engine\nengine.connect()\n",
        "seed.py": "from app.db import engine\nengine.connect()\n",
    }
    assert uses(files) == []


# -- dispose


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ("engine.dispose()", "dispose"),
        ("engine.dispose(close=False)", "dispose-keep-open"),
        ("engine.dispose(close=True)", "dispose"),
    ],
)
def test_disposal_in_a_hook(uses, call, kind):
    files = {
        "app/db.py": DB,
        "gunicorn.conf.py": f"def post_fork(server, worker):\n    from app.db import engine\n    {call}\n",
    }
    assert uses(files) == [(kind, "gunicorn.conf.py:3")]


def test_disposal_of_something_else_is_not_the_engines(uses):
    assert uses({"app/db.py": DB, "app/gui.py": "window.dispose()\nfrom other import engine\nengine.dispose()\n"}) == []


# -- event loops

TASK = (
    "import asyncio\nfrom celery import shared_task\nfrom app.db import Session\n"
    "async def work():\n    async with Session() as s: ...\n"
)


@pytest.mark.parametrize(
    "body",
    [
        "    asyncio.run(work())",
        "    loop = asyncio.new_event_loop(); loop.run_until_complete(work())",
        "    from asgiref.sync import async_to_sync; async_to_sync(work)()",
        "    import anyio; anyio.run(work)",
    ],
)
def test_a_task_that_starts_a_loop_and_reaches_the_engine(uses, body):
    found = uses({"app/db.py": ASYNC, "app/tasks.py": f"{TASK}@shared_task\ndef bill():\n{body}\n"})
    assert found == [("new-loop", "app/tasks.py:8")]


def test_another_name_for_the_session_factory_leads_to_the_engine(uses):
    task = f"{TASK.replace('Session', 'TaskSession')}@shared_task\ndef bill():\n    asyncio.run(work())\n"
    assert uses({"app/db.py": f"{ASYNC}TaskSession = Session\n", "app/tasks.py": task}) == [("new-loop", "app/tasks.py:8")]


KEPT = (
    "from sqlalchemy.ext.asyncio import create_async_engine\n_engine = None\ndef get_engine():\n    global _engine\n"
    "    if _engine is None:\n        _engine = create_async_engine('postgresql+asyncpg://db/a')\n    return _engine\n"
    "def reset():\n    global _engine\n    _engine = {}\n"
)


@pytest.mark.parametrize(("value", "reset", "is_used"), [("None", "reset()", False), ("None", "pass", True), ("1", "reset()", True)])
def test_a_task_that_forgets_the_engine_before_it_starts_a_loop_uses_another_each_time(uses, value, reset, is_used):
    task = "import asyncio\nfrom celery import shared_task\nfrom app.db import get_engine, reset\nasync def work():\n    get_engine()\n"
    files = {"app/db.py": KEPT.format(value), "app/tasks.py": f"{task}@shared_task\ndef bill():\n    {reset}\n    asyncio.run(work())\n"}
    assert bool(uses(files, "new-loop")) is is_used


@pytest.mark.parametrize(
    ("call", "is_used"),
    [
        ("Service.add(1, other())", False),
        ("Service.add(1, sessions=other())", False),
        ("Service.add(1)", True),
        ("Service.add(1, None)", True),
        ("Service.add(other())", True),
    ],
)
def test_what_runs_only_without_an_argument_does_not_run_with_it(uses, call, is_used):
    text = (
        f"{TASK}from elsewhere import other\nclass Service:\n    @classmethod\n    async def add(cls, row, sessions=None):\n"
        "        if sessions is None:\n            sessions = Session\n        async with sessions() as s: ...\n"
        f"@shared_task\ndef bill():\n    asyncio.run({call})\n"
    )
    assert bool(uses({"app/db.py": ASYNC, "app/tasks.py": text}, "new-loop")) is is_used


RUN_ASYNC = (
    "import asyncio\nfrom functools import wraps\nfrom celery import shared_task\n"
    "def plain(func):\n    @wraps(func)\n    def run(*args):\n        return asyncio.run(func(*args))\n    return run\n"
    "def async_task(**options):\n    def decorator(func):\n        @shared_task(**options)\n        @wraps(func)\n"
    "        def run(*args):\n            return asyncio.run(func(*args))\n        return run\n    return decorator\n"
)


@pytest.mark.parametrize(
    ("decorators", "line"),
    [
        ("@async_task(name='bill')", 14),
        ("@shared_task\n@plain", 7),
        ("@plain", None),  # by what, and how often, is it run?
        ("@click.command()\n@plain", None),
        ("@shared_task", None),
    ],
)
@pytest.mark.parametrize("name", ["Session", "Other"])
def test_a_decorator_that_runs_what_it_decorates_in_a_loop_of_its_own(uses, decorators, line, name):
    task = f"import click\nfrom celery import shared_task\nfrom app.loops import async_task, plain\nfrom app.db import {name}\n"
    task += f"{decorators}\nasync def bill():\n    async with {name}() as s: ...\n"
    found = uses({"app/db.py": f"{ASYNC}Other = object\n", "app/loops.py": RUN_ASYNC, "app/tasks.py": task})
    assert found == ([("new-loop", f"app/loops.py:{line}")] if line and name == "Session" else [])


@pytest.mark.parametrize(
    "text",
    [
        "def main():\n    asyncio.run(work())\nif __name__ == '__main__':\n    main()\n",
        "@shared_task\ndef bill():\n    asyncio.run(asyncio.sleep(0))\n",
        "@shared_task\ndef bill():\n    loop = asyncio.get_event_loop(); loop.run_until_complete(work())\n",
        "from app.db import engine\ndef run(coroutine):\n    loop = asyncio.new_event_loop()\n    try:\n"
        "        return loop.run_until_complete(coroutine)\n    finally:\n        loop.run_until_complete(engine.dispose())\n"
        "@shared_task\ndef bill():\n    run(work())\n",
        "class Loop:\n    one = None\n    @classmethod\n    def run(cls, coroutine):\n        if cls.one is None:\n"
        "            cls.one = asyncio.new_event_loop()\n        return cls.one.run_until_complete(coroutine)\n"
        "@shared_task\ndef bill():\n    Loop.run(work())\n",
        "@shared_task\ndef bill():\n    try:\n        loop = asyncio.get_event_loop()\n    except RuntimeError:\n"
        "        loop = asyncio.new_event_loop()\n    loop.run_until_complete(work())\n",
        "async def disposed():\n    await work()\n    await engine.dispose()\n"
        "@shared_task\ndef bill():\n    asyncio.run(disposed())\n",
    ],
)
def test_one_loop_another_subject_or_disposal_is_no_use(uses, text):
    assert uses({"app/db.py": ASYNC, "app/tasks.py": TASK + text}, "new-loop") == []


CONSUMER = (
    "import asyncio\nfrom kafka import KafkaConsumer\nfrom app.db import Session\n"
    "async def work():\n    async with Session() as s: ...\n"
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def main():\n    while True:\n        asyncio.run(work())\nmain()\n", 8),
        ("def handle(m):\n    asyncio.run(work())\ndef main():\n    for m in KafkaConsumer('a'):\n        handle(m)\nmain()\n", 7),
        (
            "class Consumer:\n    def __init__(self):\n        self.messages = KafkaConsumer('a')\n    def run(self):\n"
            "        for m in self.messages:\n            self.handle(m)\n    def handle(self, m):\n        asyncio.run(work())\n",
            13,
        ),
    ],
)
def test_an_endless_loop_that_starts_an_event_loop_in_each_turn(uses, text, line):
    assert uses({"app/db.py": ASYNC, "app/consumer.py": CONSUMER + text}) == [("new-loop", f"app/consumer.py:{line}")]


@pytest.mark.parametrize(
    "text",
    [
        "def main():\n    asyncio.run(work())\n    while True:\n        poll()\nmain()\n",
        "def main():\n    for row in rows:\n        asyncio.run(work())\nmain()\n",
        "def main():\n    while True:\n        try:\n            asyncio.run(work())\n            break\n        except OSError:\n            pass\nmain()\n",
        "def start():\n    asyncio.run(work())\nwhile True:\n    poll(start)\n",
    ],
)
def test_a_loop_that_ends_or_stands_elsewhere_starts_no_loops(uses, text):
    assert uses({"app/db.py": ASYNC, "app/consumer.py": CONSUMER + text}) == []


def test_what_is_handed_to_the_loop_of_another_thread_runs_there(uses):
    text = (
        "import asyncio, threading\nfrom celery import shared_task\nfrom sqlalchemy.ext.asyncio import create_async_engine\n"
        "_engine = _loop = None\ndef make():\n    global _engine, _loop\n    if _engine is None:\n"
        "        _loop = asyncio.new_event_loop()\n        _engine = create_async_engine('postgresql+asyncpg://db/a')\n"
        "        threading.Thread(target=_loop.run_forever, daemon=True).start()\n    return _engine, _loop\n"
        "def ask():\n    engine, loop = make()\n    async def work():\n        async with engine.connect() as c: ...\n"
        "    return {}.result()\nasync def bill():\n    ask()\n@shared_task\ndef task():\n    asyncio.run(bill())\n"
    )
    assert uses({"app/db.py": text.format("asyncio.run_coroutine_threadsafe(work(), loop)")}) == []
    assert uses({"app/db.py": text.format("loop.create_task(work())")}) == [("new-loop", "app/db.py:21")]


CHOSEN = (
    "import sys\nfrom functools import lru_cache\nfrom sqlalchemy.ext.asyncio import create_async_engine\n"
    "from sqlalchemy.pool import NullPool\nURL = 'postgresql+asyncpg://db/x'\n"
    "def get_engine():\n    if 'celery' in sys.argv:\n        return create_async_engine(URL, poolclass=NullPool)\n"
    "    return kept()\n@lru_cache\ndef kept():\n    return create_async_engine(URL)\n"
)


def test_where_a_condition_gives_an_engine_without_a_pool_the_other_is_not_surely_used(make_tree):
    task = "import asyncio\nfrom celery import shared_task\nfrom app.db import get_engine\nasync def work():\n    get_engine()\n"
    files = {"app/tasks.py": f"{task}@shared_task\ndef bill():\n    asyncio.run(work())\n"}
    unpooled, pooled = Code(make_tree({**files, "app/db.py": CHOSEN})).engines()
    assert [use.kind for use in unpooled.uses] == ["new-loop"] and pooled.uses == ()
    other = CHOSEN.replace(", poolclass=NullPool", ", pool_size=1")
    assert all(engine.uses for engine in Code(make_tree({**files, "app/db.py": other})).engines())


def test_a_helper_that_runs_what_it_is_given_stands_for_its_callers(uses):
    text = "def run(coroutine):\n    return asyncio.run(coroutine)\n@shared_task\ndef bill():\n    run(work())\n"
    assert uses({"app/db.py": ASYNC, "app/tasks.py": TASK + text}) == [("new-loop", "app/tasks.py:10")]


def test_the_engine_is_found_through_classes_and_other_modules(uses):
    files = {
        "app/db.py": ASYNC,
        "app/service.py": "from app import db\nclass Billing:\n"
        "    async def run(self):\n        return await self.load()\n"
        "    async def load(self):\n        async with db.Session() as s: ...\n",
        "app/tasks.py": "import asyncio\nfrom celery import shared_task\nfrom app.service import Billing\n"
        "@shared_task\ndef bill():\n    asyncio.run(Billing().run())\n",
    }
    assert uses(files) == [("new-loop", "app/tasks.py:6")]


def test_a_synchronous_engine_has_no_loops(uses):
    assert uses({"app/db.py": DB, "app/tasks.py": f"{TASK}@shared_task\ndef bill():\n    asyncio.run(work())\n"}) == []


# -- session state


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_try_advisory_lock(:key)",
        "LISTEN orders",
        "CREATE TEMP TABLE t (id int)",
    ],
)
def test_sql_that_changes_the_session(uses, sql):
    text = f"from app.db import Session\ndef work():\n    Session().execute(text('{sql}'))\n"
    assert uses({"app/db.py": DB, "app/work.py": text}) == [("session-state", "app/work.py:3")]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT pg_advisory_xact_lock(1)",
        "SET LOCAL statement_timeout = 5",
        "SET statement_timeout = 5",
        "CREATE TEMP TABLE t (id int) ON COMMIT DROP",
        "SELECT 1",
    ],
)
def test_sql_that_ends_with_the_transaction_or_is_not_in_a_connect_event(uses, sql):
    text = f"from app.db import Session\ndef work():\n    Session().execute(text('{sql}'))\n"
    assert uses({"app/db.py": DB, "app/work.py": text}) == []


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SET statement_timeout = 5", True),
        ("SET SESSION search_path TO shop", True),
        ("SET LOCAL statement_timeout = 5", False),
        ("SET TIME ZONE 'UTC'", False),
        ("SET application_name = 'a'", False),
    ],
)
def test_set_in_a_connect_event(uses, sql, found):
    text = (
        f'{DB}from sqlalchemy import event\n@event.listens_for(engine, "connect")\n'
        f'def prepare(c, r):\n    c.execute("{sql}")\n'
    )
    assert bool(uses({"app/db.py": text})) is found


def test_a_docstring_is_no_sql(uses):
    assert uses({"app/db.py": DB + "def lock():\n    '''SELECT pg_advisory_lock(1)'''\n"}) == []


def test_names_that_are_imported_in_a_circle_end_somewhere(uses):
    files = {
        "app/a.py": "from app.b import thing\n",
        "app/b.py": "from app.a import thing\n",
        "app/db.py": ASYNC,
        "app/tasks.py": "import asyncio\nfrom app.a import thing\nfrom app.db import Session\n\n"
        "async def work():\n    thing()\n    async with Session() as s: pass\n\n"
        "@app.task\ndef run():\n    asyncio.run(work())\n",
    }
    assert uses(files, "new-loop") == [("new-loop", "app/tasks.py:11")]
