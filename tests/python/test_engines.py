"""From a creation to the fact: defaults, drivers, pool classes, alternatives, engine_from_config, pings."""

from __future__ import annotations

from textwrap import dedent

import pytest
from evaluating import variables

from poollint.facts import Environment, Known, Origin, Target, Unknown, is_given, value_of
from poollint.python.code import Code
from poollint.readers import versions

SYNC = "from sqlalchemy import create_engine\n"
ASYNC = "from sqlalchemy.ext.asyncio import create_async_engine\n"


@pytest.fixture
def engine(make_tree):
    """Return the only engine of the files, with the versions they declare."""

    def engine(files, environment=None):
        tree = make_tree({"db.py": files} if isinstance(files, str) else files)
        code = Code(tree)
        code.declare(tuple(versions.read(tree)))
        (found,) = code.engines(environment) if environment else code.engines()
        return found

    return engine


@pytest.fixture
def pool(engine):
    """Return the only alternative of the only engine."""

    def pool(files, environment=None):
        (found,) = engine(files, environment).alternatives
        return found

    return pool


def test_what_is_written_is_exact_and_stands_where_it_is_written(pool):
    found = pool(SYNC + "SIZE = 20\nengine = create_engine('postgresql+psycopg2://db/orders', pool_size=SIZE)\n")
    assert (found.pool_size.value, found.pool_size.certainty, str(found.pool_size.origin.location)) == (
        20,
        "exact",
        "db.py:2",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("pool_size", 5), ("max_overflow", 10), ("pool_timeout", 30.0), ("pool_recycle", -1), ("pool_pre_ping", False)],
)
def test_what_is_left_out_holds_the_default_of_the_declared_version(pool, name, value):
    files = {
        "db.py": SYNC + "engine = create_engine('postgresql+psycopg2://db/orders')\n",
        "requirements.txt": "sqlalchemy==2.0.36\n",
    }
    found = getattr(pool(files), name)
    assert found == Known(value, Origin("default of SQLAlchemy 2.0"), "default")


@pytest.mark.parametrize(("pool_class", "has_size"), [("NullPool", False), ("StaticPool", False), ("QueuePool", True)])
def test_a_pool_without_sizes_holds_no_default_of_them(pool, pool_class, has_size):
    text = f"{SYNC}from sqlalchemy.pool import {pool_class}\nengine = create_engine('postgresql://db/a', poolclass={pool_class})\n"
    found = pool(text)
    assert [isinstance(found.pool_size, Known), isinstance(found.max_overflow, Known)] == [has_size] * 2
    assert isinstance(found.pool_recycle, Known)


def test_an_unread_spread_leaves_the_rest_unknown(pool):
    found = pool(
        SYNC + "import settings\nengine = create_engine('postgresql://db/a', pool_size=3, **settings.OPTIONS)\n"
    )
    assert not found.complete
    assert isinstance(found.pool_pre_ping, Unknown)


@pytest.mark.parametrize(
    ("factory", "url", "version", "driver"),
    [
        (SYNC, "postgresql+psycopg2://db/a", "", "psycopg2"),
        (SYNC, "postgresql://db/a", "sqlalchemy==2.0.36", "psycopg2"),
        (SYNC, "postgresql://db/a", "sqlalchemy>=1.4,<2.1", "psycopg2"),
        (SYNC, "postgresql://db/a", "sqlalchemy==2.1.0", "psycopg"),
        (SYNC, "postgresql://db/a", "sqlalchemy", None),
        (SYNC, "postgresql://db/a", "", None),
        (SYNC, "postgresql://db/a", "sqlalchemy\npsycopg2-binary", "psycopg2"),
        (SYNC, "postgresql://db/a", "sqlalchemy\npsycopg2\npsycopg", None),
        (SYNC, "mysql://db/a", "", "mysqldb"),
        (SYNC, "sqlite://", "", "pysqlite"),
        (ASYNC, "postgresql+asyncpg://db/a", "", "asyncpg"),
    ],
)
def test_the_driver_is_named_or_the_versions_default(pool, factory, url, version, driver):
    name = factory.split()[-1]
    found = pool({"db.py": f"{factory}engine = {name}('{url}')\n", "requirements.txt": version + "\n"}).driver
    assert (found.value if isinstance(found, Known) else None) == driver


def test_a_default_driver_is_no_surer_than_the_url_that_names_none(pool):
    text = SYNC + "import os\nengine = create_engine(os.getenv('DATABASE_URL', 'sqlite:///dev.db'))\n"
    assert (pool(text).driver.value, pool(text).driver.certainty) == ("pysqlite", "fallback")
    assert pool(SYNC + "engine = create_engine('sqlite:///dev.db')\n").driver.certainty == "default"


@pytest.mark.parametrize(
    ("also", "dialect"),
    [("", "postgresql"), ("aiosqlite\n", None), ("duckdb-engine\n", None), ("mariadb\n", None), ("pymysql\n", None)],
)
def test_declared_drivers_tell_the_server_unless_one_is_for_files(pool, also, dialect):
    text = SYNC + "import os\nengine = create_engine(os.environ['DATABASE_URL'])\n"
    found = pool({"db.py": text, "requirements.txt": "psycopg2-binary\n" + also}).dialect
    assert (found.value if isinstance(found, Known) else None) == dialect


POETRY = "[tool.poetry.dependencies]\npsycopg2-binary = '*'\n"


@pytest.mark.parametrize(
    ("files", "dialect"),
    [
        ({"requirements.txt": "psycopg2-binary\n", "requirements-dev.txt": "aiosqlite\n"}, "postgresql"),
        ({"pyproject.toml": POETRY + "[tool.poetry.group.dev.dependencies]\naiosqlite = '*'\n"}, "postgresql"),
        ({"pyproject.toml": POETRY + "[dependency-groups]\ntest = ['aiosqlite']\n"}, "postgresql"),
        ({"pyproject.toml": POETRY + "aiosqlite = { version = '*', optional = true }\n"}, None),
        ({"pyproject.toml": POETRY + "[project.optional-dependencies]\nlocal = ['aiosqlite']\n"}, None),
    ],
)
def test_a_driver_for_files_that_only_developers_install_says_nothing_of_the_server(pool, files, dialect):
    text = SYNC + "import os\nengine = create_engine(os.environ['DATABASE_URL'])\n"
    found = pool({"db.py": text, **files}).dialect
    assert (found.value if isinstance(found, Known) else None) == dialect


@pytest.mark.parametrize("url", ['f"postgresql+psycopg2://app@{HOST}/orders"', '"postgresql+psycopg2://app@db/orders"'])
def test_a_variable_that_only_adds_to_the_url_does_not_name_the_database(engine, url):
    text = f"""{SYNC}import os
HOST, MODE = os.environ["HOST"], os.environ.get("MODE")
url = {url}
if MODE:
    url += f"?sslmode={{MODE}}"
engine = create_engine(url)
"""
    assert {found.identities for found in engine(text).alternatives} == {()}


def test_a_driver_that_only_an_extra_brings_tells_nothing(pool):
    text = SYNC + "import os\nengine = create_engine(os.environ['DATABASE_URL'])\n"
    extra = "[project]\ndependencies = []\n[project.optional-dependencies]\npostgres = ['psycopg[binary]']\n"
    lock = "".join(f'[[package]]\nname = "{name}"\nversion = "3.2.1"\n' for name in ("psycopg", "psycopg-binary"))
    assert isinstance(pool({"db.py": text, "pyproject.toml": extra, "uv.lock": lock}).dialect, Unknown)


def test_a_driver_guessed_from_the_declared_packages_is_an_estimate(pool):
    found = pool(
        {"db.py": SYNC + "engine = create_engine('postgresql://db/a')\n", "requirements.txt": "psycopg2-binary\n"}
    )
    assert (found.driver.certainty, str(found.driver.origin.location)) == ("estimate", "requirements.txt:1")


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("'sqlite:///a.db'", Target("sqlite", None, None, "a.db")),
        ("'sqlite://'", Target("sqlite", None, None, None)),
        ("f'sqlite:///{FILE}'", None),
        ("f'postgresql+psycopg2://db/{NAME}'", Target("postgresql", "db", None, None)),
    ],
)
def test_a_file_whose_name_is_not_known_is_no_place_and_a_server_is_one(pool, url, target):
    assert value_of(pool(f"{SYNC}engine = create_engine({url})\n").target) == target


@pytest.mark.parametrize(
    ("call", "version", "pool_class"),
    [
        ("create_engine('postgresql+psycopg2://db/a')", "", "QueuePool"),
        ("create_async_engine('postgresql+asyncpg://db/a')", "", "AsyncAdaptedQueuePool"),
        ("create_engine('postgresql+asyncpg://db/a')", "", "AsyncAdaptedQueuePool"),
        ("create_engine('postgresql+psycopg://db/a')", "", "QueuePool"),
        ("create_engine('postgresql+psycopg_async://db/a')", "", "AsyncAdaptedQueuePool"),
        ("create_engine('sqlite+aiosqlite://')", "", "StaticPool"),
        ("create_engine('sqlite://')", "", "SingletonThreadPool"),
        ("create_engine('sqlite:///a.db')", "sqlalchemy==1.4.54", "NullPool"),
        ("create_engine('sqlite:///a.db')", "sqlalchemy==2.0.1", "QueuePool"),
        ("create_engine('sqlite:///a.db')", "", None),
        ("create_async_engine('sqlite+aiosqlite:///a.db')", "sqlalchemy==2.0.37", "NullPool"),
        ("create_async_engine('sqlite+aiosqlite:///a.db')", "sqlalchemy==2.0.38", "AsyncAdaptedQueuePool"),
        ("create_async_engine('sqlite+aiosqlite://')", "", "StaticPool"),
        ("create_engine('postgresql+psycopg2://db/a', poolclass=NullPool)", "", "NullPool"),
        ("create_engine('postgresql+psycopg2://db/a', poolclass=pool.StaticPool)", "", "StaticPool"),
        ("create_engine('postgresql+psycopg2://db/a', poolclass=None)", "", "QueuePool"),
        ("create_engine('postgresql+psycopg2://db/a', poolclass=Mine)", "", "QueuePool"),
        ("create_engine('postgresql+psycopg2://db/a', pool=NullPool(connect))", "", "NullPool"),
    ],
)
def test_the_pool_class_is_given_or_sqlalchemys_choice(pool, call, version, pool_class):
    text = (
        f"{SYNC}{ASYNC}from sqlalchemy import pool\nfrom sqlalchemy.pool import NullPool, QueuePool\n"
        f"class Mine(QueuePool): ...\nconnect = print\n"
    )
    found = pool({"db.py": f"{text}engine = {call}\n", "requirements.txt": version + "\n"}).pool_class
    assert (found.value if isinstance(found, Known) else None) == pool_class


def test_a_finished_pool_brings_its_own_numbers(pool):
    text = (
        SYNC + "from sqlalchemy.pool import QueuePool\n"
        "engine = create_engine('postgresql+psycopg2://', pool=QueuePool(print, pool_size=3, recycle=60))\n"
    )
    found = pool(text)
    assert (found.pool_size.value, found.pool_recycle.value, found.max_overflow.value) == (3, 60, 10)


def test_the_target_has_no_user_and_no_password(pool):
    found = pool(
        SYNC + "engine = create_engine('postgresql+psycopg2://me:secret@DB.internal:6432/orders?sslmode=require')\n"
    )
    assert found.target.value == Target("postgresql", "db.internal", 6432, "orders")
    assert "secret" not in repr(found)
    assert found.query["sslmode"].value == "require"


def test_a_url_that_names_no_server_points_nowhere(pool):
    found = pool(SYNC + "engine = create_engine('postgresql+pg8000://', creator=connect)")
    assert found.target == Unknown("the URL names no server", found.target.origin)
    assert pool(SYNC + "engine = create_engine('postgresql+pg8000:///orders')").target.value.database == "orders"


@pytest.mark.parametrize(("url", "dialect"), [("url", "sqlite"), ("'postgresql+psycopg2://db/a'", "postgresql")])
def test_a_creator_that_opens_a_file_of_sqlite_tells_the_dialect_that_the_url_does_not(pool, url, dialect):
    text = (
        SYNC + "import sqlite3\ndef make(url, path):\n    def creator():\n"
        f"        return sqlite3.connect(path, uri=True)\n    return create_engine({url}, creator=creator)\n"
    )
    assert pool(text).dialect.value == dialect


def test_another_creator_tells_nothing(pool):
    text = SYNC + "def make(url):\n    return create_engine(url, creator=lambda: connect(url))\n"
    assert not isinstance(pool(text).dialect, Known)


OF_PARTS = "f\"postgresql+psycopg2://me@{os.getenv('HOST', 'db')}/a\""


@pytest.mark.parametrize("condition", ["url.startswith('sqlite')", "':memory:' in url", "'sqlite' in url"])
@pytest.mark.parametrize(
    ("url", "sizes"), [(OF_PARTS, {("exact", 20)}), (f"os.getenv('URL', {OF_PARTS})", {("default", 5), ("exact", 20)})]
)
def test_a_scheme_that_is_written_is_sure_whatever_variables_make_of_the_rest(engine, condition, url, sizes):
    text = SYNC + f"import os\nurl = {url}\nsize = {{}} if {condition} else {{'pool_size': 20}}\nengine = create_engine(url, **size)\n"
    found = {(pool.pool_size.certainty, pool.pool_size.value) for pool in engine({"db.py": text}).alternatives}
    assert found == sizes


def test_a_database_in_memory_is_one_of_sqlite(engine):
    text = SYNC + "import os\nurl = os.environ['URL']\nif ':memory:' in url:\n    engine = create_engine(url)\n"
    assert [pool.dialect.value for pool in engine({"db.py": text}).alternatives] == ["sqlite"]


def test_branches_are_alternatives_and_equal_ones_count_once(engine):
    text = (
        SYNC + "import os\nfrom sqlalchemy.pool import NullPool\noptions = {}\n"
        "if os.getenv('SERVERLESS'):\n    options['poolclass'] = NullPool\nelif os.getenv('DEBUG'):\n    pass\n"
        "engine = create_engine('postgresql+psycopg2://db/a', **options)\n"
    )
    assert [pool.pool_class.value for pool in engine({"db.py": text}).alternatives] == ["NullPool", "QueuePool"]


CHECKED = """
import os
from sqlalchemy import create_engine
def url():
    given = os.environ["DB"]
    if "postgresql://" in given:
        return given.replace("postgresql://", "postgresql+psycopg://")
    if "sqlite://" in given:
        return given
    {otherwise}
sizes = {{"pool_size": 67}} if "postgresql" in url() else {{}}
engine = create_engine(url(), **sizes)
"""


@pytest.mark.parametrize(("otherwise", "sizes"), [('raise ValueError("not supported")', {67}), ("return given", {67, 5})])
def test_a_url_that_ends_in_an_error_makes_no_engine(engine, otherwise, sizes):
    live = engine({"db.py": CHECKED.format(otherwise=otherwise)}).live
    assert {value_of(pool.pool_size) for pool in live} == sizes


def test_a_url_that_always_ends_in_an_error_is_an_engine_all_the_same(engine):
    found = engine({"db.py": "from sqlalchemy import create_engine\ndef url():\n    raise ValueError\ncreate_engine(url())\n"})
    assert isinstance(found.live[0].dialect, Unknown)


UNBOUND = """
import os
from sqlalchemy import NullPool, create_engine
mode = os.environ["MODE"]
{before}
if mode == "BATCH":
    OPTIONS = {{"pool_size": 2}}
elif mode in {{"DEV", "PROD"}}:
    OPTIONS = {{"pool_size": 20}}
engine = create_engine("postgresql+psycopg2://db/orders", {passed})
"""


@pytest.mark.parametrize(
    ("before", "passed", "sizes"),
    [
        ("", "**OPTIONS", {2, 20}),
        ("", "pool_size=OPTIONS['pool_size']", {2, 20}),
        ("OPTIONS = {'pool_size': 9}", "**OPTIONS", {2, 20, 9}),
        ("from elsewhere import *", "**OPTIONS", {2, 20, None}),
    ],
)
def test_a_branch_that_leaves_a_name_unbound_makes_no_engine(engine, before, passed, sizes):
    live = engine({"db.py": UNBOUND.format(before=before, passed=passed)}).live
    assert {value_of(pool.pool_size) for pool in live} == sizes


def test_a_name_that_is_never_bound_is_an_engine_all_the_same(engine):
    text = SYNC + "if False:\n    SIZE = 5\nengine = create_engine('postgresql://db/orders', pool_size=SIZE)\n"
    assert isinstance(engine({"db.py": text}).live[0].pool_size, Unknown)


def test_a_global_that_a_function_sets_is_bound(engine):
    text = SYNC + (
        "import os\ndef configure():\n    global SIZE\n    SIZE = 7\nconfigure()\n"
        "if os.environ['MODE'] == 'BATCH':\n    SIZE = 2\nengine = create_engine('postgresql://db/orders', pool_size=SIZE)\n"
    )
    assert 7 in {value_of(pool.pool_size) for pool in engine({"db.py": text}).live}


def test_the_environment_of_a_workload_decides(pool):
    text = (
        SYNC + "import os\nengine = create_engine(os.environ['DATABASE_URL'], pool_size=int(os.getenv('SIZE', '5')))\n"
    )
    assert pool(text).pool_size.certainty == "fallback"
    variables = {
        "DATABASE_URL": Known("postgresql+psycopg2://db/a", Origin("compose")),
        "SIZE": Known("9", Origin("compose")),
    }
    found = pool(text, Environment(variables, complete=True))
    assert (found.pool_size.value, found.driver.value, found.identities) == (9, "psycopg2", ("env:DATABASE_URL",))


def test_a_url_that_is_not_sqlite_is_networked_whatever_it_is(engine):
    text = SYNC + "import os\nurl = os.environ['URL']\nif url.startswith('sqlite'):\n    engine = create_engine(url)\n"
    sqlite = engine(text + "else:\n    engine = None\n")
    assert [pool.is_networked for pool in sqlite.alternatives] == [False]
    other = engine({"db.py": text.replace("if url", "if not url")})
    assert [pool.is_networked for pool in other.alternatives] == [True]


def test_the_instance_a_connector_connects_to_names_the_database(pool):
    text = (
        SYNC + "from google.cloud.sql.connector import Connector\nconnector = Connector()\n"
        "def getconn():\n    return connector.connect('shop:europe-west1:orders', 'pg8000', db='orders')\n"
        "engine = create_engine('postgresql+pg8000://', creator=getconn)\n"
    )
    assert pool(text).identities == ("cloudsql:shop:europe-west1:orders",)


def test_a_socket_of_cloud_sql_names_the_database(pool):
    found = pool(
        SYNC + "engine = create_engine('postgresql+psycopg2://me@/orders?host=/cloudsql/shop:europe-west1:orders')\n"
    )
    assert "cloudsql:shop:europe-west1:orders" in found.identities


def test_nested_connect_args_keep_their_keys(pool):
    found = pool(
        ASYNC + "ARGS = {'server_settings': {'jit': 'off'}}\n"
        "engine = create_async_engine('postgresql+asyncpg://db/a', connect_args=ARGS)\n"
    )
    assert found.connect_args["server_settings"].value["jit"].value == "off"


# -- engine_from_config


def test_a_configuration_is_read_by_its_prefix_and_coerced(engine):
    text = (
        "from sqlalchemy import engine_from_config\n"
        "CONFIG = {'db.url': 'postgresql+psycopg2://db/a', 'db.pool_size': '7', "
        "'other.pool_size': '9', 'db.pool_pre_ping': 'false'}\n"
        "engine = engine_from_config(CONFIG, 'db.', max_overflow=1)\n"
    )
    found = engine(text)
    (pool,) = found.alternatives
    assert (pool.pool_size.value, pool.max_overflow.value, pool.driver.value) == (7, 1, "psycopg2")
    assert [dead.name for dead in found.dead_settings] == ["pool_pre_ping"]


def test_a_configuration_that_cannot_be_read_says_so(pool):
    found = pool(
        "from sqlalchemy import engine_from_config\nimport settings\nengine = engine_from_config(settings.INI)\n"
    )
    assert isinstance(found.pool_size, Unknown)
    assert not found.complete


BRANCHES = (
    "import os\nfrom sqlalchemy import create_engine\nurl = os.environ.get('DATABASE_URL', 'sqlite:///dev.db')\n"
    "if url.startswith('sqlite'):\n    engine = create_engine(url)\nelse:\n    engine = create_engine(url, pool_size=9)\n"
)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, [True, False]),
        ({"DATABASE_URL": "postgresql+psycopg2://db/a"}, [False, True]),
        ({"DATABASE_URL": "sqlite:///x.db"}, [True, False]),
        (None, [True, True]),
    ],
)
def test_an_environment_decides_which_engine_is_made(make_tree, given, made):
    code = Code(make_tree({"app.py": BRANCHES}))
    engines = code.engines() if given is None else code.engines(variables(**given))
    assert [engine.is_made for engine in engines] == made


SCHEMES = (
    "import os\nfrom sqlalchemy import create_engine\nurl = os.environ.get('DATABASE_URL')\n"
    "if not url:\n    url = 'sqlite:///dev.db'\n"
    "if url.startswith('postgres://'):\n    url = url.replace('postgres://', 'postgresql+psycopg2://', 1)\n"
    "if url.startswith('sqlite'):\n    engine = create_engine(url)\nelse:\n    engine = create_engine(url, pool_size=9)\n"
)


def by_default(text, start=""):
    return Environment({"DATABASE_URL": Known(text, Origin("DATABASE_URL"), "fallback", start=start)}, complete=True)


def test_a_scheme_that_is_written_decides_whatever_replaces_the_user(make_tree):
    code = Code(make_tree({"app.py": SCHEMES, "requirements.txt": "psycopg2\n"}))
    engines = code.engines(by_default("postgresql://app@db/a", "postgresql://"))
    assert [engine.is_made for engine in engines] == [False, True]


def test_the_first_part_of_a_url_is_as_sure_as_its_scheme(make_tree):
    plain = SCHEMES.replace("startswith('postgres://')", "startswith('postgresql://') and '+' not in url.split('://')[0]")
    code = Code(make_tree({"app.py": plain.replace("replace('postgres:", "replace('postgresql:"), "requirements.txt": "psycopg2\n"}))
    engines = code.engines(by_default("postgresql://app@db/a", "postgresql://"))
    assert [engine.is_made for engine in engines] == [False, True]


def test_a_url_that_is_there_stays_a_text_when_its_scheme_is_replaced(make_tree):
    """`if not url` was answered for it: that is no answer to what it is."""
    code = Code(make_tree({"app.py": SCHEMES, "requirements.txt": "psycopg2\n"}))
    first, second = code.engines(by_default("postgres://app@db/a"))
    assert {value_of(pool.dialect) for pool in first.alternatives} == {"sqlite"}
    assert {value_of(pool.dialect) for pool in second.alternatives} == {"postgresql"}


@pytest.mark.parametrize("test", ["url.startswith('sqlite')", "'sqlite' in url", "fast and url.startswith('sqlite:///')"])
def test_a_branch_says_what_a_url_is_that_nobody_can_read(make_tree, test):
    text = (
        "from sqlalchemy import create_engine\nfrom somewhere import url_of, fast\nurl = url_of()\n"
        f"if {test}:\n    engine = create_engine(url)\nelse:\n    engine = create_engine(url, pool_size=9)\n"
    )
    first, second = Code(make_tree({"app.py": text, "requirements.txt": "psycopg2\n"})).engines()
    assert {value_of(pool.dialect) for pool in first.alternatives} == {"sqlite"}
    assert "sqlite" not in {value_of(pool.dialect) for pool in second.alternatives}


def test_a_branch_rules_out_the_server_that_only_the_declared_drivers_speak_for(make_tree):
    text = (
        "from sqlalchemy import create_engine\nfrom somewhere import url_of, slow\nurl = url_of()\n"
        "if url.startswith('postgresql') or slow:\n    engine = create_engine(url)\nelse:\n    engine = create_engine(url, pool_size=9)\n"
    )
    code = Code(make_tree({"app.py": text, "requirements.txt": "psycopg2\nsqlalchemy\n"}))
    code.declare(tuple(versions.read(code.modules.tree)))
    first, second = code.engines()
    assert [{value_of(pool.dialect) for pool in each.alternatives} for each in (first, second)] == [{"postgresql"}, {None}]


ASKED = (
    "import os\nfrom sqlalchemy import create_engine\nurl = os.getenv('DATABASE_URL', 'sqlite:///dev.db')\n"
    "options = {}\nif 'sqlite' in url:\n    options = {'connect_args': {}}\nelif 'mysql' in url.lower():\n    options = {'echo': True}\n"
    "engine = create_engine(url, **options)\n"
)


@pytest.mark.parametrize(
    ("declared", "networked"),
    [
        ("sqlalchemy\npymysql\n", True),
        ("sqlalchemy\npyodbc\n", True),
        ("sqlalchemy\n", False),
        ("flask-sqlalchemy\naiosqlite\n", False),
        ("", True),
    ],
)
def test_a_server_that_only_a_condition_names_needs_a_driver(make_tree, declared, networked):
    """What the project installs is known where it declares SQLAlchemy."""
    tree = make_tree({"app.py": ASKED, "requirements.txt": declared})
    code = Code(tree)
    code.declare(tuple(versions.read(tree)))
    assert any(pool.is_networked for pool in code.engines()[0].alternatives) is networked


# -- dead settings


@pytest.mark.parametrize(("value", "dead"), [("bool('False')", 1), ("'false'", 1), ("False", 0), ("True", 0)])
def test_text_that_is_always_true(engine, value, dead):
    found = engine(SYNC + f"engine = create_engine('postgresql+psycopg2://db/a', pool_pre_ping={value})\n")
    assert len(found.dead_settings) == dead


# -- pings

PING = (
    "from sqlalchemy import event\n@event.listens_for({target}, '{event}')\ndef ping(connection, *args):\n    {body}\n"
)


@pytest.mark.parametrize(
    ("target", "event", "body", "pings"),
    [
        ("engine", "checkout", "connection.cursor().execute('SELECT 1')", True),
        ("engine", "engine_connect", "connection.scalar(select(1))", True),
        ("Engine", "engine_connect", "connection.scalar(select(1))", True),
        ("Pool", "checkout", "connection.ping()", True),
        ("engine", "checkout", "count()", False),
        ("engine", "connect", "connection.cursor().execute('SELECT 1')", False),
        ("other", "checkout", "connection.ping()", False),
    ],
)
def test_a_listener_that_tests_the_connection_is_a_ping(pool, target, event, body, pings):
    text = (
        SYNC + "from sqlalchemy import select\nfrom sqlalchemy.engine import Engine\nfrom sqlalchemy.pool import Pool\n"
    )
    text += "engine = create_engine('postgresql+psycopg2://db/a')\nother = object()\n"
    assert pool(text + PING.format(target=target, event=event, body=body)).pings.value is pings


def test_nothing_hostile_in_the_arguments_ends_the_run(engine):
    text = SYNC + "a = {}\na['x'] = a\nengine = create_engine(a, pool_size=a, connect_args=a, **a)\n"
    assert engine(text).alternatives


def test_what_the_only_caller_decides_about_an_argument_holds_in_the_function(make_tree):
    settings = "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n    url: str = ''\n    debug: bool = False\n"
    text = f"""{ASYNC}from app.settings import Settings
def is_file(url):
    return url.startswith("sqlite")
def connect(settings: Settings):
    if settings.debug:
        return None
    if settings.url:
        if is_file(settings.url):
            return of_file(settings.url)
        return of_server(settings.url)
def of_file(url):
    return create_async_engine(url.replace("sqlite://", "sqlite+aiosqlite://"))
def of_server(url):
    return create_async_engine(url)
engine = connect(Settings())
"""
    engines = Code(make_tree({"app/__init__.py": "", "app/settings.py": settings, "app/db.py": text})).engines()
    of_file, of_server = (engine.alternatives for engine in engines)
    assert {pool.dialect.value for pool in of_file} == {"sqlite"}
    assert [(pool.is_networked, pool.excludes) for pool in of_server] == [(True, {"sqlite"})]


# -- factories that pass on what they get

PASSED_ON = "    return create_engine('postgresql+psycopg2://db/orders', **{})\n"
CALLER = "from db import make\nengine = make(pool_size=20, max_overflow=0)\n"


@pytest.mark.parametrize(
    "body",
    [
        PASSED_ON.format("options"),
        "    options = options.copy()\n    options.pop('connect_args', {})\n" + PASSED_ON.format("options"),
        "    options['pool_timeout'] = 5\n" + PASSED_ON.format("options"),
        PASSED_ON.format("{'max_overflow': 3, **options}"),
    ],
)
def test_options_that_a_factory_collects_are_those_of_its_caller(pool, body):
    found = pool({"db.py": f"{SYNC}def make(**options):\n{body}", "main.py": CALLER})
    assert (found.pool_size.value, found.max_overflow.value) == (20, 0)
    assert found.pool_size.origin.location.path == "main.py"


@pytest.mark.parametrize(("also", "sizes"), [("", (20, 30)), ("make(pool_timeout=9)\n", (20, None)), ("make(**seen)\n", (None, None))])
def test_of_more_callers_than_are_followed_only_what_one_of_them_writes_is_unknown(pool, also, sizes):
    """None stands for what is not known: a spread may hold anything."""
    many = "".join(f"make(echo={number} > 1)\n" for number in range(20))
    made = "def make(**options):\n    return create_engine('postgresql+psycopg2://db/orders', **{'pool_size': 20, **options})\n"
    found = pool({"db.py": f"{SYNC}{made}", "main.py": f"from db import make\nfrom settings import seen\n{many}{also}"})
    assert (value_of(found.pool_size), value_of(found.pool_timeout)) == sizes


def test_arguments_that_a_factory_collects_are_those_of_its_caller(pool):
    found = pool(f"{SYNC}def make(*args, **kw):\n    return create_engine(*args, **kw)\nmake('mysql+pymysql://db/x', pool_size=7)")
    assert (found.dialect.value, found.pool_size.value) == ("mysql", 7)


def test_collected_options_that_the_caller_does_not_show_stay_unknown(pool):
    found = pool(f"{SYNC}import json\ndef make(**kw):\n    return create_engine('mysql://db/x', **kw)\nmake(**json.load(open(X)))")
    assert isinstance(found.pool_size, Unknown)


MIGRATION = "from alembic import context\nfrom sqlalchemy.pool import NullPool\nfrom db import make\nmake(poolclass=NullPool)\n"


@pytest.mark.parametrize(("beside", "pool_class"), [({"main.py": CALLER}, "QueuePool"), ({}, "NullPool")])
def test_how_migrations_call_a_factory_says_nothing_about_what_serves(pool, beside, pool_class):
    factory = f"{SYNC}def make(**options):\n{PASSED_ON.format('options')}"
    assert pool({"db.py": factory, "migrations/env.py": MIGRATION, **beside}).pool_class.value == pool_class


@pytest.mark.parametrize(("path", "sizes"), [("app/migrations/migrate.py", {20}), ("app/jobs/migrate.py", {20, 5})])
def test_a_call_in_a_folder_of_migrations_says_nothing_of_what_serves(engine, path, sizes):
    make = f"{SYNC}def make(**options):\n    return create_engine('postgresql://db/a', **options)\n"
    files = {"app/db.py": make, "app/main.py": "from app.db import make\nmake(pool_size=20)\n"}
    found = engine({**files, path: "from app.db import make\nmake()\n"})
    assert {pool.pool_size.value for pool in found.alternatives} == sizes


SPREADING = """
class Manager:
    def __init__(self, url, **options):
        self.url, self.options = url, options
    def engine(self):
        config = {"pool_size": 100, "pool_pre_ping": True}
        config.update(self.options)
        return create_engine(self.url, **config)
class Databases:
    def __init__(self, url, config=None):
        self.url, self.config = url, config or {}
    def manager(self):
        return Manager(self.url, **self.config)
"""


@pytest.mark.parametrize(
    ("call", "size"),
    [
        ("Databases('mysql+pymysql://db/x', {'pool_size': 7})", 7),
        ("Databases('mysql+pymysql://db/x')", 100),
        ("Databases('mysql+pymysql://db/x', json.load(open(X)))", None),
    ],
)
def test_what_a_caller_spreads_is_read(engine, call, size):
    pools = engine(f"{SYNC}import json{SPREADING}{call}.manager().engine()\n").alternatives
    assert {value_of(found.pool_size) for found in pools} - {100} == {size} - {100}


def test_positional_arguments_that_a_caller_spreads_are_read(pool):
    found = pool(f"{SYNC}ADDRESS = ('mysql+pymysql', 'db')\ndef make(scheme, host):\n    return create_engine(f'{{scheme}}://{{host}}/x')\nmake(*ADDRESS)\n")
    assert found.target.value == Target("mysql", "db", None, "x")


BY_TYPE = """
from dataclasses import dataclass
@dataclass
class PoolConfig:
    size: int = 5
class Provider:
    def engine(self, config: PoolConfig):
        return create_engine("postgresql+psycopg2://db/orders", pool_size=config.size)
"""


@pytest.mark.parametrize(
    ("made", "size", "certainty"),
    [
        ("", 5, "fallback"),  # a library makes it, perhaps of a file
        ("config = PoolConfig()\n", 5, "exact"),
        ("config = PoolConfig(20)\n", 20, "exact"),
        ("one, other = PoolConfig(), PoolConfig()\n", 5, "exact"),
        ("one, other = PoolConfig(), PoolConfig(size=9)\n", None, None),
        ("import json\none = PoolConfig(**json.load(open(X)))\n", None, None),
    ],
)
def test_a_parameter_known_by_its_class_holds_what_those_pass_who_make_it(pool, made, size, certainty):
    found = pool(f"{SYNC}{BY_TYPE}{made}").pool_size
    assert (value_of(found), getattr(found, "certainty", None)) == (size, certainty)


# -- what a test of the URL says about it, wherever the URL comes from

UNREAD = "def read(name):\n    for line in lines:\n        return line\nURL = read('url')\n"


def of_dialects(found):
    """Return the alternatives as (dialect, pool_size), an unknown dialect as what it excludes."""
    return {
        (pool.dialect.value if isinstance(pool.dialect, Known) else f"not {'/'.join(sorted(pool.excludes))}",
         pool.pool_size.value)
        for pool in found.alternatives
    }  # fmt: skip


@pytest.mark.parametrize(
    "test",
    [
        "URL.startswith('sqlite')",
        "'sqlite' in URL",
        "'sqlite:' in URL.lower()",
        "make_url(URL).drivername.startswith('sqlite')",
        "make_url(URL).get_backend_name() == 'sqlite'",
        "make_url(URL).get_dialect().name == 'sqlite'",
    ],
)
def test_a_url_of_which_nothing_is_known_is_one_url(engine, test):
    text = f"{SYNC}from sqlalchemy.engine import make_url\n{UNREAD}size = 1 if {test} else 20\nengine = create_engine(URL, pool_size=size)\n"
    assert of_dialects(engine(text)) == {("sqlite", 1), ("not sqlite", 20)}


@pytest.mark.parametrize(
    "test",
    [
        "URL.startswith('sqlite')",
        "make_url(URL).get_backend_name() == 'sqlite'",
        "URL.split(':')[0] == 'sqlite'",
        "URL.partition('://')[0] == 'sqlite'",
        "re.match('sqlite', URL)",
        "re.match(r'sqlite.*x', URL)",
    ],
)
@pytest.mark.parametrize("url", [UNREAD, "import aws\nURL = aws.Client().read('x')['Parameter']['Value']\n", "import os\nURL = os.environ['URL']\n"])
def test_conditions_on_a_value_that_is_not_known_agree_wherever_they_stand(engine, url, test):
    text = (
        f"{SYNC}import re\nfrom sqlalchemy.engine import make_url\nfrom sqlalchemy.pool import NullPool\n{url}options = {{}}\n"
        f"if {test}:\n    options['poolclass'] = NullPool\nif not ({test}):\n    options['pool_size'] = 7\n"
        "engine = create_engine(URL, **options)\n"
    )
    found = {(value_of(pool.pool_class), value_of(pool.pool_size)) for pool in engine(text).alternatives}
    assert found == {("NullPool", None), ("QueuePool", 7)}


@pytest.mark.parametrize(("given", "dialects"), [("postgresql://db/a", {"sqlite"}), ("sqlite:///a.db", {"sqlite"})])
def test_what_a_branch_asks_of_a_url_holds_there_whatever_a_variable_has_by_default(engine, given, dialects):
    text = (
        f"{SYNC}import os\ndef find():\n    url = os.environ['URL']\n    if url.startswith('postgres://'):\n"
        "        return 'postgresql://' + url[len('postgres://') :]\n    return url\n"
        "def make():\n    url = find()\n    if url.startswith('sqlite:///'):\n        return create_engine(url)\nmake()\n"
    )
    found = engine(text, Environment({"URL": Known(given, Origin("compose"), "fallback")}, complete=True))
    assert {value_of(pool.dialect) for pool in found.alternatives} == dialects


def test_where_too_many_conditions_decide_what_is_under_one_is_not_surely_there(engine):
    names = [f"a{number}" for number in range(6)]
    keys = "".join(f"    if {name}:\n        given['{name}'] = 1\n" for name in names)
    text = (
        f"{SYNC}from settings import {', '.join(names)}\ndef arguments():\n    given = {{'always': 1}}\n{keys}    return given\n"
        "engine = create_engine('postgresql://db/a', connect_args=arguments())\n"
    )
    found = [pool.connect_args for pool in engine(text).alternatives]
    assert all(is_given(each["always"]) for each in found)
    assert all(not is_given(each["a5"]) for each in found)


@pytest.mark.parametrize(
    ("refused", "dialect"),
    [
        ("'postgres' not in URL", "postgresql"),
        ("not URL.startswith('postgresql')", "postgresql"),
        ("URL is None or not URL.startswith('mysql+pymysql://')", "mysql"),
        ("STRICT and not URL.startswith('postgresql')", None),  # it may not be asked for
        ("'postgres' in URL", None),
    ],
)
def test_what_is_refused_is_never_the_url(engine, refused, dialect):
    text = f"{SYNC}from settings import URL, STRICT\nif {refused}:\n    raise RuntimeError('no')\nengine = create_engine(URL)\n"
    (pool,) = engine(text).alternatives
    assert value_of(pool.dialect) == dialect


@pytest.mark.parametrize(
    ("asked", "dialect"),
    [
        ("parsed.drivername.startswith('sqlite')", "sqlite"),
        ("parsed.get_backend_name() == 'sqlite'", "sqlite"),
        ("parsed.drivername == 'sqlite+aiosqlite'", "sqlite"),
        ("'sqlite' in str(parsed).lower()", "sqlite"),
        ("parsed.get_backend_name() != 'sqlite'", None),
        ("parsed.database == 'sqlite'", None),
        ("make_url(other()).drivername == 'sqlite'", None),
    ],
)
def test_what_is_asked_of_the_parsed_url_is_asked_of_the_url(engine, asked, dialect):
    text = (
        f"{SYNC}from sqlalchemy.engine import make_url\nfrom helpers import URL, rewritten, other\n"
        "def make():\n    url = rewritten(URL)\n    parsed = make_url(url)\n"
        f"    if {asked}:\n        return create_engine(url)\nengine = make()\n"
    )
    (pool,) = engine({"db.py": text, "requirements.txt": "sqlalchemy\npsycopg2\n"}).alternatives
    assert value_of(pool.dialect) == (dialect or "postgresql")


@pytest.mark.parametrize(
    ("asked", "dialect"),
    [
        ("is_file(url)", "sqlite"),
        ("dialect_of(url) == 'sqlite'", "sqlite"),
        ("helpers.is_file(url)", "sqlite"),
        ("url.split('://')[0] == 'sqlite'", "sqlite"),
        ("urlparse(url).scheme == 'sqlite'", "sqlite"),
        ("flag", "sqlite"),
        ("not is_file(url)", None),
        ("is_file(other)", None),
        ("sometimes(url)", None),
        ("is_file()", None),
        ("loops(url)", None),
        ("loops(url) == 'sqlite'", None),
        ("settings['kind'] == 'sqlite'", None),
        ("changing", None),
    ],
)
def test_a_function_or_a_name_that_asks_the_url_asks_the_url(engine, asked, dialect):
    helpers = """
        def dialect_of(url):
            scheme = url.split('://', 1)[0].partition('+')[0]
            return scheme

        def is_file(url: str = ''):
            'Say whether it is a file.'
            return dialect_of(url) == 'sqlite'

        def sometimes(url):
            if url:
                return is_file(url)
            return True

        def loops(url):
            return loops(url)
    """
    text = f"""
        import helpers
        from urllib.parse import urlparse
        from helpers import dialect_of, is_file, loops, sometimes
        from sqlalchemy import create_engine
        from unread import other, settings

        def make():
            url = settings['url']
            flag = is_file(url)
            changing = is_file(url)
            changing = other
            if {asked}:
                return create_engine(url)

        engine = make()
    """
    (pool,) = engine({"db.py": dedent(text), "helpers.py": dedent(helpers), "requirements.txt": "sqlalchemy\npsycopg2\n"}).alternatives
    assert value_of(pool.dialect) == (dialect or "postgresql")


@pytest.mark.parametrize(
    ("asked", "dialect"),
    [("self.PREFIX in url", "sqlite"), ("url.startswith(KIND)", "sqlite"), ("url.split(':')[0] == KIND", "sqlite"), ("self.OTHER in url", None)],
)
def test_what_is_asked_for_may_have_a_name(engine, asked, dialect):
    text = (
        f"{SYNC}from unread import URL\nKIND = 'sqlite'\nclass Database:\n    PREFIX: str = 'sqlite://'\n    OTHER = make()\n"
        f"    def __init__(self, url):\n        if {asked}:\n            self.engine = create_engine(url)\ndatabase = Database(URL)\n"
    )
    (pool,) = engine({"db.py": text, "requirements.txt": "sqlalchemy\npsycopg2\n"}).alternatives
    assert value_of(pool.dialect) == (dialect or "postgresql")


@pytest.mark.parametrize(
    ("kind", "other", "url", "dialect"),
    [
        ("settings.kind == 'postgresql'", "create_engine(url)", "os.getenv('URL', 'postgresql://db/a')", "sqlite"),
        ("settings.kind == 'postgresql'", "create_engine(url, pool_size=9)", "settings.url", "sqlite"),
        ("settings.kind == 'postgresql'", "print(url)", "os.getenv('URL', 'postgresql://db/a')", "postgresql"),
        ("settings.kind == 'postgresql'", "create_engine(url)", "'postgresql://db/a'", "postgresql"),
    ],
)
def test_a_branch_that_passes_what_only_sqlite_takes_is_sqlites(make_tree, kind, other, url, dialect):
    text = (
        f"{SYNC}import os\nfrom elsewhere import settings\nurl = {url}\nif {kind}:\n    {other}\n"
        "else:\n    engine = create_engine(url, connect_args={'check_same_thread': False})\n"
    )
    *_, found = sorted(Code(make_tree({"db.py": text})).engines(), key=lambda each: each.location)
    assert {value_of(pool.dialect) for pool in found.alternatives} == {dialect}


def test_the_callers_of_a_factory_are_told_apart_by_their_files(make_tree):
    files = {
        "make.py": f"{SYNC}def make(ping=False, size=5):\n    return create_engine('postgresql+psycopg://db/a', pool_pre_ping=ping, pool_size=size)\n",
        "web.py": "from make import make\nengine = make()\n",
        "job.py": "from make import make\nengine = make(True)\nother = make(True, 9)\n",
        "cli.py": "from make import make\nengine = make()\n",
    }
    (found,) = Code(make_tree(files)).engines()
    told = {(value_of(pool.pool_pre_ping), value_of(pool.pool_size)): set().union(*pool.callers) for pool in found.alternatives}
    assert told == {(False, 5): {"web.py", "cli.py"}, (True, 5): {"job.py"}, (True, 9): {"job.py"}}


SHOWN = "DATABASE_URL=postgresql+asyncpg://user:secret@db/a\n"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, ("sqlite", "aiosqlite")),
        ({".env.example": SHOWN}, ("postgresql", "asyncpg")),
        ({".env.example": SHOWN.replace("+asyncpg", "")}, ("postgresql", "asyncpg")),  # the only asynchronous driver that is declared
        ({".env.example": "# " + SHOWN}, ("sqlite", "aiosqlite")),
        ({".env.example": SHOWN, ".env.sample": "DATABASE_URL=sqlite:///a.db\n"}, ("sqlite", "aiosqlite")),
        ({".env.production.example": SHOWN, ".env.example": "DATABASE_URL=sqlite:///a.db\n"}, ("postgresql", "asyncpg")),
        ({".env.test.example": SHOWN, ".env.example": "DATABASE_URL=sqlite:///a.db\n"}, ("sqlite", "aiosqlite")),
    ],
)
def test_a_file_by_default_is_the_server_that_the_examples_of_variables_show(engine, files, found):
    text = f"{ASYNC}import os\nengine = create_async_engine(os.getenv('DATABASE_URL', 'sqlite+aiosqlite:///a.db'))\n"
    given = {"db.py": text, "requirements.txt": "sqlalchemy==2.0.30\nasyncpg\naiosqlite\n", **files}
    (pool,) = engine(given).alternatives
    assert (value_of(pool.dialect), value_of(pool.driver)) == found
    assert "secret" not in str(pool)
    # Where nothing else is set, the default holds.
    (pool,) = engine(given, Environment({}, complete=True)).alternatives
    assert value_of(pool.dialect) == "sqlite"


def test_a_server_by_default_is_none_of_another_kind(engine):
    text = f"{SYNC}import os\nengine = create_engine(os.getenv('DATABASE_URL', 'mysql+pymysql://db/a'))\n"
    (pool,) = engine({"db.py": text, ".env.example": SHOWN}).alternatives
    assert value_of(pool.driver) == "pymysql"


def test_what_is_read_anew_may_come_out_otherwise(engine):
    text = (
        f"{SYNC}import aws\nfrom sqlalchemy.pool import NullPool\noptions = {{}}\nkind = aws.Client().read('kind')['Value']\n"
        "if kind.startswith('file'):\n    options['poolclass'] = NullPool\nkind = aws.Client().read('other')['Value']\n"
        "if kind.startswith('file'):\n    options['echo'] = True\nengine = create_engine(URL, **options)\n"
    )
    assert len(engine(text).alternatives) == 4


def test_only_a_url_of_sqlite_ends_in_memory(engine):
    text = (
        f"{SYNC}from sqlalchemy.pool import StaticPool\n{UNREAD}options = {{}}\nif URL.endswith(':memory:'):\n    options['poolclass'] = StaticPool\n"
        "if URL.startswith('postgresql'):\n    options['echo'] = True\nengine = create_engine(URL, **options)\n"
    )
    found = {(value_of(pool.dialect), value_of(pool.pool_class), "echo" in pool.arguments) for pool in engine(text).alternatives}
    assert found == {("sqlite", "StaticPool", False), ("postgresql", "QueuePool", True), (None, "QueuePool", False)}


@pytest.mark.parametrize("test", ["URL.split(':')[0] == 'sqlite'", "URL.lower().startswith('sqlite')", "re.match('sqlite', URL)"])
@pytest.mark.parametrize("url", ["os.getenv('URL', 'sqlite:///a.db')", "f\"{os.getenv('KIND', 'sqlite')}://{os.getenv('HOST', 'h')}/a\""])
def test_a_default_is_not_the_value_where_a_condition_on_it_comes_out_otherwise(engine, url, test):
    text = f"{SYNC}import os\nimport re\nURL = {url}\nsize = 1 if {test} else 20\nengine = create_engine(URL, pool_size=size)\n"
    found = {(value_of(pool.dialect), pool.pool_size.value) for pool in engine(text).alternatives}
    assert {("sqlite", 1), (None, 20)} <= found and ("sqlite", 20) not in found


def test_the_name_of_a_driver_that_differs_says_nothing_of_the_dialect(engine):
    text = f"{SYNC}from sqlalchemy.engine import make_url\n{UNREAD}size = 1 if make_url(URL).drivername == 'sqlite' else 20\nengine = create_engine(URL, pool_size=size)\n"
    assert of_dialects(engine(text)) == {("sqlite", 1), ("not ", 20)}


def test_a_parameter_that_is_completed_is_one_url_from_then_on(engine):
    text = f"{SYNC}{UNREAD}def make(url=None):\n    url = url or URL\n    options = {{}}\n    if 'mysql' in url:\n        options = {{'pool_size': 20}}\n    return create_engine(url, **options)\n"
    assert of_dialects(engine(text)) == {("mysql", 20), ("not mysql", 5)}


def test_a_name_that_a_loop_binds_is_another_url_each_time(engine):
    text = f"{SYNC}{UNREAD}url = read('0')\nfor name in names:\n    size = 1 if url.startswith('sqlite') else 20\n    url = read(name)\n    engine = create_engine(url, pool_size=size)\n"
    assert all(dialect == "not " for dialect, _ in of_dialects(engine(text)))


def test_a_name_that_is_bound_anew_is_another_url(engine):
    text = f"{SYNC}{UNREAD}size = 1 if URL.startswith('sqlite') else 20\nURL = read('other')\nengine = create_engine(URL, pool_size=size)\n"
    assert of_dialects(engine(text)) == {("not ", 1), ("not ", 20)}


def test_what_stands_in_a_branch_knows_its_condition_however_many_callers_there_are(make_tree):
    make = "def make(url):\n    if 'sqlite:' in url.lower():\n        return create_engine(url)\n    return create_engine(url, pool_size=20)\n"
    callers = "".join(f"def use_{n}():\n    return make(read_{n}())\n" for n in range(30))
    first, second = Code(make_tree({"db.py": SYNC + make + callers})).engines()
    assert {value for value, _ in of_dialects(first)} == {"sqlite"}
    assert {value for value, _ in of_dialects(second)} == {"not sqlite"}


CHOOSES = """
def make(name):
    url = make_url(name)
    backend = Backend(url.get_backend_name())
    {seconds}
    if backend is Backend.FILE:
        return of_file(url)
    elif backend is Backend.SERVER:
        return of_server(url)
def of_file(url):
    if url.query:
        url = url.set(query={{**url.query, "cache": "shared"}})
    return create_engine(url, pool_size=1)
def of_server(url):
    return create_engine(url, pool_size=20)
"""
BACKEND = """
import enum
from sqlalchemy import make_url
class Backend(enum.Enum):
    FILE = "sqlite"
    SERVER = "postgresql"
"""


@pytest.mark.parametrize("seconds", ["", "if url.host == 'here': url = url.set(host='there')"])
def test_the_only_call_of_a_factory_knows_its_condition_however_many_callers_stand_behind(make_tree, seconds):
    callers = "".join(f"def use_{n}():\n    return make(read_{n}())\n" for n in range(30))
    of_file, of_server = Code(make_tree({"db.py": SYNC + BACKEND + CHOOSES.format(seconds=seconds) + callers})).engines()
    assert {value for value, _ in of_dialects(of_file)} == {"sqlite"}
    assert {value for value, _ in of_dialects(of_server)} == {"postgresql"}


def test_a_factory_with_another_call_knows_the_condition_of_neither(make_tree):
    callers = "".join(f"def use_{n}():\n    return make(read_{n}())\n" for n in range(30)) + "of_file(read_again())\n"
    of_file, of_server = Code(make_tree({"db.py": SYNC + BACKEND + CHOOSES.format(seconds="") + callers})).engines()
    assert {value for value, _ in of_dialects(of_file)} != {"sqlite"}
    assert {value for value, _ in of_dialects(of_server)} == {"postgresql"}


@pytest.mark.parametrize(
    ("made", "is_known"), [("", False), ("store = Store()\n", True), ("class Own(Store): ...\nstore = Own()\n", True)]
)
def test_who_makes_an_object_that_nothing_here_makes_may_pass_its_options(engine, made, is_known):
    text = (
        f"{SYNC}class Store:\n    def __init__(self, config=None):\n        self.config = config or {{}}\n"
        "    def connect(self):\n        options = {'pool_size': 7}\n        options.update(self.config.get('OPTIONS', {}))\n"
        f"        return create_engine('postgresql://db/a', **options)\n{made}"
    )
    found = {isinstance(pool.pool_pre_ping, Known) for pool in engine(text).alternatives}
    assert (False not in found) is is_known


REFUSED = "{}import aws\nurl = aws.url()\ntry:\n    engine = create_engine(url, {})\nexcept {}:\n    engine = create_engine(url)\n"


@pytest.mark.parametrize(
    ("options", "caught", "dialect"),
    [
        ("pool_size=9", "TypeError", "sqlite"),  # its pool takes no size, as sqlalchemy_tables has it
        ("max_overflow=9, pool_recycle=60", "TypeError", "sqlite"),
        ("echo=True", "TypeError", "postgresql"),
        ("pool_size=9", "Exception", "postgresql"),
    ],
)
def test_what_is_made_where_a_pool_refuses_a_size_is_no_servers(make_tree, options, caught, dialect):
    tree = make_tree({"db.py": REFUSED.format(SYNC, options, caught), "requirements.txt": "psycopg2\n"})
    code = Code(tree)
    code.declare(tuple(versions.read(tree)))
    first, second = code.engines()
    assert [value_of(made.live[0].dialect) for made in (first, second)] == ["postgresql", dialect]


def test_an_empty_text_in_a_constructor_keeps_a_place_for_what_another_method_sets(engine):
    text = (
        f"{SYNC}class Store:\n    def __init__(self):\n        self.path = ''\n{{}}"
        "    def start(self):\n        return create_engine(f'sqlite:///{{self.path}}')\n"
    )
    setter = "    def configure(self, folder):\n        self.path = str(folder / 'orders.sqlite')\n"
    sqlalchemy = {"requirements.txt": "sqlalchemy==2.0.36\n"}
    (found,) = engine({"db.py": text.format(setter).replace("{{", "{").replace("}}", "}"), **sqlalchemy}).alternatives
    assert not isinstance(found.pool_class, Known) or found.pool_class.value == "QueuePool"
    (found,) = engine({"db.py": text.format("").replace("{{", "{").replace("}}", "}"), **sqlalchemy}).alternatives
    assert found.pool_class.value == "SingletonThreadPool"


FLAGS = f"""
import os, sys
from pydantic_settings import BaseSettings
from sqlalchemy.pool import NullPool
class Settings(BaseSettings):
    TESTING: bool = {{default}}
    ENV: str = "local"
    DEBUG: bool = False
    LATEST: bool = False
settings = Settings()
if {{condition}}:
    kwargs = {{{{"poolclass": NullPool}}}}
else:
    kwargs = {{{{}}}}
{SYNC}engine = create_engine("postgresql+psycopg2://db/orders", **kwargs)
"""
OF_TESTS = [
    "settings.TESTING",
    "settings.TESTING is True",
    "os.getenv('TESTING')",
    "os.getenv('PYTEST_CURRENT_TEST') is not None",
    "os.environ.get('APP_IS_TEST', '0') == '1'",
    "settings.ENV == 'test'",
    "'pytest' in sys.modules",
]


@pytest.mark.parametrize("condition", OF_TESTS)
def test_what_only_tests_set_is_not_set_in_production(pool, condition):
    assert pool(FLAGS.format(condition=condition, default=False)).pool_class.value == "QueuePool"


@pytest.mark.parametrize("condition", OF_TESTS)
def test_production_is_where_no_test_runs(pool, condition):
    assert pool(FLAGS.format(condition=f"not ({condition})", default=False)).pool_class.value == "NullPool"


@pytest.mark.parametrize(
    ("condition", "default"),
    [("settings.DEBUG", False), ("settings.LATEST", False), ("settings.ENV == 'production'", False), ("settings.TESTING", True)],
)
def test_every_other_flag_may_be_set(engine, condition, default):
    found = engine(FLAGS.format(condition=condition, default=default)).alternatives
    assert {pool.pool_class.value for pool in found} == {"QueuePool", "NullPool"}


def test_an_engine_that_only_a_flag_of_tests_leads_to_is_a_tests(make_tree):
    text = f"{SYNC}import os\nif os.getenv('TESTING'):\n    one = create_engine('mysql://t/x')\nelse:\n    two = create_engine('mysql://p/x')\n"
    assert [found.role for found in Code(make_tree({"app.py": text})).engines()] == ["test", "service"]


def test_none_that_is_passed_for_something_else_waits_for_it(engine):
    text = (
        f"{SYNC}class Place:\n    host: str\n    def url(self):\n        return f'postgresql+psycopg2://{{self.host}}/a'\n"
        "class Config:\n    place: Place = None\n"
        "def make(place: Place):\n    return create_engine(place.url())\nmake(Config().place)\n"
    )
    (found,) = engine(text).alternatives
    assert found.driver.value == "psycopg2"
    (found,) = engine(text.replace("def make(place: Place)", "def make(place: Place | None)")).alternatives
    assert not isinstance(found.driver, Known)


CONVERTED = SYNC + """import os
def wanted(key, default):
    text = os.getenv(key)
    if text is None:
        return default
    kind = type(default)
    if kind is bool:
        return text == "yes"
    return kind(text) if text.isdigit() else {sizes}
engine = create_engine("postgresql://db/a", pool_size=wanted("SIZE", 7))
"""


def test_a_default_is_the_value_of_an_absent_variable_however_its_text_is_converted(engine):
    found = [pool.pool_size for pool in engine({"db.py": CONVERTED.replace("{sizes}", "SIZES[text]")}).alternatives]
    assert [(value.value, value.certainty, value.origin.says) for value in found] == [(7, "fallback", "SIZE")]


def test_a_default_beside_something_else_than_the_variable_is_one_of_two(engine):
    text = SYNC + "import os\nfrom sizes import read\ndef wanted():\n    if os.getenv('PROD') is None:\n        return 7\n"
    text += "    return read()\nengine = create_engine('postgresql://db/a', pool_size=wanted())\n"
    found = [pool.pool_size for pool in engine({"db.py": text}).alternatives]
    assert sorted(isinstance(value, Unknown) for value in found) == [False, True]


MANY = "from db import session\n" + "".join(f"URL{n} = 'postgresql+psycopg2://db{n}/x'\nsession(URL{n}.lower())\n" for n in range(20))
OPTIONAL = f"{SYNC}def session(url, recycle=None):\n    recycle = recycle or 3600\n    return create_engine(url, pool_recycle=recycle)\n"


@pytest.mark.parametrize(
    ("last", "recycle"),
    [
        ("", {3600}),
        ("session(URL1, echo=True)\n", {3600}),
        ("session(URL1, 60)\n", {3600, None}),
        ("session(URL1, **options())\n", {3600, None}),
    ],
)
def test_what_no_caller_passes_has_its_default_however_many_there_are(engine, last, recycle):
    found = engine({"db.py": OPTIONAL, "main.py": MANY + last}).alternatives
    assert {value_of(pool.pool_recycle) for pool in found} == recycle


@pytest.mark.parametrize(
    ("options", "pool_class"),
    [
        ("max_overflow=4", "QueuePool"),
        ("pool_size=4", None),  # the pool of threads takes one, too
        ("max_overflow=None", None),
        ("max_overflow=4, poolclass=NullPool", "NullPool"),
    ],
)
def test_what_takes_an_overflow_is_a_queue_whatever_is_spread_beside_it(pool, options, pool_class):
    text = f"{SYNC}from sqlalchemy.pool import NullPool\nfrom other import OPTIONS\n"
    found = pool(f"{text}engine = create_engine('postgresql+psycopg2://db/a', {options}, **OPTIONS)\n")
    assert value_of(found.pool_class) == pool_class


def test_an_argument_that_is_too_much_to_work_out_takes_nothing_from_the_next(pool):
    parts = ", ".join(f"'k{number}': str(BASE + {number})" for number in range(1_500))
    program = (
        f"import os\nBASE = int(os.environ['BASE'])\nPARTS = {{{parts}}}\n\n"
        "def url():\n    return 'postgresql://db/' + '-'.join(PARTS.values())\n\n"
    )
    found = pool(SYNC + program + "engine = create_engine(url(), pool_size=4 + 3, max_overflow=len(url()))\n")
    assert found.pool_size.value == 7
    assert isinstance(found.max_overflow, Unknown)


def test_callers_that_are_more_than_half_the_alternatives_are_all_followed(engine):
    program = (
        "import os\n\ndef make(size):\n    options = {}\n    if os.getenv('SLOW'):\n        options['pool_timeout'] = 60\n"
        "    return create_engine('postgresql+psycopg2://db/orders', pool_size=size, **options)\n\n"
    )
    calls = "".join(f"engine_{size} = make({size})\n" for size in range(1, 16))
    found = engine(SYNC + program + calls)
    assert {value_of(way.pool_size) for way in found.alternatives} == set(range(1, 16))


MAKER = (
    "from sqlalchemy import create_engine\ndef make(url):\n    if url.startswith('sqlite'):\n        return create_engine(url, pool_size=9)\n"
    "    return create_engine(url)\n"
)
CONFIG = "class Settings:\n    url = 'postgresql+psycopg://db/orders'\n"


@pytest.mark.parametrize(
    "call",
    [
        "from config import settings\nmake(settings.url)\n",
        "import config\nurl = config.settings.url\nmake(url=url)\n",
        "from config import Settings\ndef start():\n    settings = Settings()\n    return make(settings.url)\nstart()\n",
    ],
)
def test_callers_that_pass_the_same_thing_are_one_caller_however_many_there_are(make_tree, call):
    programs = {f"program_{n}.py": f"from db import make\n{call}" for n in range(20)}
    code = Code(make_tree({"db.py": MAKER, "config.py": CONFIG + "settings = Settings()\n", **programs}))
    pools = [pool for engine in code.engines() if engine.is_made for pool in engine.live]
    assert [value_of(pool.dialect) for pool in pools] == ["postgresql"]


def test_a_name_of_two_functions_is_not_the_same_thing(make_tree):
    files = {
        "one.py": "from db import make\nurl = 'postgresql+psycopg://db/a'\ndef start(url):\n    return make(url)\nstart('sqlite://')\n",
        "two.py": "from db import make\nurl = 'postgresql+psycopg://db/b'\nmake(url)\n",
        "three.py": "from db import make\nfrom two import url\nmake(url)\n",
    }
    code = Code(make_tree({"db.py": MAKER, **files}))
    assert [sorted({value_of(pool.dialect) for pool in engine.alternatives}) for engine in code.engines()] == [["sqlite"], ["postgresql"]]


@pytest.mark.parametrize("path", ["str(Path(FOLDER) / 'a.db')", "FOLDER", "folder()", "str(Path(folder()).resolve())"])
def test_a_scheme_before_what_a_library_makes_is_the_scheme(pool, path):
    text = f"{SYNC}from pathlib import Path\nfrom elsewhere import FOLDER, folder\nengine = create_engine('sqlite:///' + {path})\n"
    assert pool({"db.py": text, "requirements.txt": "pymysql\n"}).dialect.value == "sqlite"
