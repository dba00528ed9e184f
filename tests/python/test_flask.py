"""The engine behind Flask-SQLAlchemy, by version and by the place of its options."""

from __future__ import annotations

import pytest
from evaluating import variables
from flask_hooks import DRIVER, HOOKED, HOOKS
from flask_lite import LITE
from flask_lite import START as LITE_START

from poollint.facts import Known, Unknown, value_of
from poollint.python.code import Code
from poollint.python.evaluator import evaluate
from poollint.readers import versions

URI = "postgresql+psycopg2://db/orders"
START = "from flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy\napp = Flask(__name__)\n"


@pytest.fixture
def engines(make_tree):
    def engines(files, version="3.1.1"):
        files = {"app.py": files} if isinstance(files, str) else files
        tree = make_tree(
            {"requirements.txt": f"flask-sqlalchemy=={version}\nsqlalchemy==2.0.36\n" if version else "", **files}
        )
        code = Code(tree)
        code.declare(tuple(versions.read(tree)))
        return code.engines()

    return engines


@pytest.fixture
def engine(engines):
    def engine(files, version="3.1.1"):
        (found,) = engines(files, version)
        return found

    return engine


def live(found):
    (pool,) = found.live
    return pool


PLACES = {
    "assigned": START + f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\n"
    "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 20}\ndb = SQLAlchemy(app)\n",
    "updated": START
    + f"app.config.update(SQLALCHEMY_DATABASE_URI='{URI}', SQLALCHEMY_ENGINE_OPTIONS={{'pool_size': 20}})\n"
    f"db = SQLAlchemy(app)\n",
    "mapped": START
    + f"app.config.from_mapping({{'SQLALCHEMY_DATABASE_URI': '{URI}', "
    + "'SQLALCHEMY_ENGINE_OPTIONS': {'pool_size': 20}})\n"
    "db = SQLAlchemy(app)\n",
    "constructed": START
    + f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\ndb = SQLAlchemy(app, engine_options={{'pool_size': 20}})\n",
    "a constant": START + f"OPTIONS = {{'pool_size': 20}}\napp.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\n"
    "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = OPTIONS\ndb = SQLAlchemy(app)\n",
}


@pytest.mark.parametrize("place", PLACES)
def test_options_are_found_in_every_place(engine, place):
    pool = live(engine(PLACES[place]))
    assert (pool.driver.value, pool.pool_size.value) == ("psycopg2", 20)


@pytest.mark.parametrize("assigned", ["config['SQLALCHEMY_DATABASE_URI'] = URI", "config.update(SQLALCHEMY_DATABASE_URI=URI)"])
def test_an_application_that_refuses_other_databases_has_the_one_it_takes(engine, assigned):
    refused = "from settings import URI\nif 'postgres' not in URI:\n    raise RuntimeError\n"
    text = f"{START}{refused}app.{assigned}\ndb = SQLAlchemy(app)\n"
    assert value_of(live(engine(text)).dialect) == "postgresql"


CONFIG = (
    f"class Base:\n    SQLALCHEMY_ENGINE_OPTIONS = {{'pool_size': 20}}\n"
    f"class Production(Base):\n    SQLALCHEMY_DATABASE_URI = '{URI}'\n"
)


@pytest.mark.parametrize("target", ["Production", "'config.Production'", "Production()"])
def test_a_configuration_class_with_what_it_inherits(engine, target):
    app = (
        START
        + f"from config import Production\ndb = SQLAlchemy()\napp.config.from_object({target})\ndb.init_app(app)\n"
    )
    pool = live(engine({"config.py": CONFIG, "app.py": app}))
    assert (pool.driver.value, pool.pool_size.value, str(pool.pool_size.origin.location)) == (
        "psycopg2",
        20,
        "config.py:2",
    )


def test_a_configuration_module(engine):
    files = {
        "config/__init__.py": "",
        "config/settings.py": f"SQLALCHEMY_DATABASE_URI = '{URI}'\nSQLALCHEMY_ENGINE_OPTIONS = {{'pool_size': 20}}\n",
        "app.py": START + "app.config.from_object('config.settings')\ndb = SQLAlchemy(app)\n",
    }
    assert live(engine(files)).pool_size.value == 20


def test_a_class_that_the_environment_chooses_makes_alternatives_without_the_tests(engine):
    config = (
        f"class Production:\n    SQLALCHEMY_DATABASE_URI = '{URI}'\n"
        f"    SQLALCHEMY_ENGINE_OPTIONS = {{'pool_size': 20}}\n"
        f"class Development:\n    SQLALCHEMY_DATABASE_URI = '{URI}'\n"
        "class Testing:\n    SQLALCHEMY_DATABASE_URI = 'sqlite://'\n"
    )
    app = START + "import unknown\napp.config.from_object(unknown.CHOICE)\ndb = SQLAlchemy(app)\n"
    found = engine({"config.py": config, "app.py": "import config\n" + app})
    assert sorted(pool.pool_size.value for pool in found.alternatives) == [5, 20]


OLD = (
    START + f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\n"
    f"app.config['SQLALCHEMY_POOL_SIZE'] = 20\ndb = SQLAlchemy(app)\n"
)


def test_version_2_honours_the_keys_that_version_3_ignores(engine):
    assert live(engine(OLD, "2.5.1")).pool_size.value == 20
    found = engine(OLD, "3.1.1")
    assert live(found).pool_size.value == 5
    assert [(dead.name, str(dead.value.origin.location)) for dead in found.dead_settings] == [
        ("SQLALCHEMY_POOL_SIZE", "app.py:5")
    ]


@pytest.mark.parametrize("version", ["2.5.1", "3.1.1", ""])
def test_an_index_inside_the_key_is_a_key_that_nothing_reads(engine, version):
    """`config["SQLALCHEMY_ENGINE_OPTIONS['pool_pre_ping']"] = True` looks like an item, and is none."""
    lines = (
        f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\n"
        "app.config[\"SQLALCHEMY_ENGINE_OPTIONS['pool_pre_ping']\"] = True\n"
        "app.config['SQLALCHEMY_ENGINE_OPTIONS.pool_size'] = int(input())\n"
        "db = SQLAlchemy(app)\n"
    )
    found = engine(START + lines, version)
    assert live(found).pool_pre_ping.value is False
    assert [(dead.name, str(dead.value.origin.location)) for dead in found.dead_settings] == [
        ("SQLALCHEMY_ENGINE_OPTIONS['pool_pre_ping']", "app.py:5"),
        ("SQLALCHEMY_ENGINE_OPTIONS.pool_size", "app.py:6"),
    ]


def test_an_unpinned_version_decides_nothing_of_what_only_version_2_reads(engine):
    found = engine(OLD, "")
    assert not isinstance(live(found).pool_size, Known)
    assert (live(found).max_overflow.value, live(found).pool_pre_ping.value) == (10, False)
    assert found.dead_settings == ()


def test_the_engine_options_win_over_the_keys_of_version_2_in_either_version(engine):
    both = OLD.replace("db =", "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 7}\ndb =")
    assert {live(engine(both, version)).pool_size.value for version in ("", "2.5.1", "3.1.1")} == {7}


CONSTRUCTED = (
    "import os\nclass Base:\n    def __init__(self):\n        self.DEBUG = False\n"
    f"class Production(Base):\n    def __init__(self):\n        super().__init__()\n        {{sets}}\n"
    f"        self.SQLALCHEMY_DATABASE_URI = '{URI}'\n"
    "def chosen():\n    return {'production': Production}[os.environ['STAGE']]()\n"
)


@pytest.mark.parametrize("given", ["Production()", "chosen()"])
@pytest.mark.parametrize(
    ("sets", "size"), [("self.SQLALCHEMY_ENGINE_OPTIONS = {'pool_size': 20}", 20), ("self.TESTING = False", 5)]
)
def test_what_a_constructor_of_the_configuration_sets_is_loaded_with_it(engine, given, sets, size):
    app = START + f"from config import Production, chosen\napp.config.from_object({given})\ndb = SQLAlchemy(app)\n"
    found = live(engine({"config.py": CONSTRUCTED.replace("{sets}", sets), "app.py": app}))
    assert (found.pool_size.value, found.dialect.value) == (size, "postgresql")


PLAIN = {
    "settings.py": f"DATABASE_URL = '{URI}'\nDB_POOL_SIZE = 20\npool = 20\n",
    "app.py": "from flask import Flask\nfrom db import database\ndef create_app():\n    app = Flask(__name__)\n"
    "    app.config.from_object('settings')\n    database.init_app(app)\n    return app\n",
}
EXTENSION = (
    "from sqlalchemy import create_engine\nclass Database:\n    def init_app(self, app):\n        {first}\n"
    "        self.engine = create_engine(app.config['DATABASE_URL'], pool_size=app.config[{key!r}])\n"
    "database = Database()\n"
)


@pytest.mark.parametrize(
    ("first", "key", "size"),
    [
        ("self.app = app", "DB_POOL_SIZE", 20),
        ("app.config.setdefault('DB_POOL_SIZE', 5)", "DB_POOL_SIZE", 20),
        ("app.config.setdefault('POOL', 5)", "POOL", 5),
        ("app.config['DB_POOL_SIZE'] = 7", "DB_POOL_SIZE", 7),
        ("self.app = app", "pool", None),
    ],
)
def test_an_engine_without_the_extension_reads_the_configuration_of_its_application(engine, first, key, size):
    found = live(engine({**PLAIN, "db.py": EXTENSION.format(first=first, key=key)}))
    assert (value_of(found.pool_size), found.dialect.value) == (size, "postgresql")


def test_the_configuration_of_what_is_no_application_is_not_flasks(engine):
    plain = {name: text.replace("Flask", "Server") for name, text in PLAIN.items()}
    found = live(engine({**plain, "db.py": EXTENSION.format(first="self.app = app", key="DB_POOL_SIZE")}))
    assert not isinstance(found.pool_size, Known)


def test_the_class_itself_has_nothing_that_its_constructor_sets(engine):
    sets = "self.SQLALCHEMY_ENGINE_OPTIONS = {'pool_size': 20}"
    app = START + "from config import Production\napp.config.from_object(Production)\ndb = SQLAlchemy(app)\n"
    assert live(engine({"config.py": CONSTRUCTED.replace("{sets}", sets), "app.py": app})).pool_size.value == 5


@pytest.mark.parametrize(("version", "size"), [("2.5.1", 7), ("3.1.1", 20)])
def test_who_wins_between_constructor_and_configuration(engine, version, size):
    text = PLACES["assigned"].replace("SQLAlchemy(app)", "SQLAlchemy(app, engine_options={'pool_size': 7})")
    assert live(engine(text, version)).pool_size.value == size


@pytest.mark.parametrize(("version", "size", "recycle"), [("2.5.1", 10, 7200), ("3.1.1", 5, 7200)])
def test_mysql_gets_defaults_of_its_own(engine, version, size, recycle):
    pool = live(
        engine(
            PLACES["assigned"].replace("postgresql+psycopg2", "mysql+pymysql").replace("{'pool_size': 20}", "{}"),
            version,
        )
    )
    assert (pool.pool_size.value, pool.pool_recycle.value) == (size, recycle)


SECRET = START + "import os\napp.config['SQLALCHEMY_DATABASE_URI'] = os.environ['URL']\ndb = SQLAlchemy(app)\n"


@pytest.mark.parametrize(("version", "size"), [("2.5.1", 10), ("3.1.1", 5)])
def test_the_defaults_of_mysql_hold_where_only_its_drivers_are_declared(engine, version, size):
    library = f"flask-sqlalchemy=={version}\nsqlalchemy==1.4.54\n"
    pool = live(engine({"app.py": SECRET, "requirements.txt": library + "pymysql==1.1.0\n"}, ""))
    assert (pool.pool_recycle.value, pool.pool_recycle.certainty) == (7200, "estimate")
    assert pool.pool_size.value == size


def test_no_default_of_mysql_is_told_where_the_options_may_replace_it(engine):
    text = SECRET.replace("import os\n", "import os\napp.config.from_pyfile(os.environ['SETTINGS'])\n")
    requirements = {"requirements.txt": "flask-sqlalchemy\nsqlalchemy==2.0.36\npymysql\n"}
    assert value_of(live(engine({"app.py": text, **requirements}, "")).pool_recycle) is None
    assert value_of(live(engine({"app.py": SECRET, **requirements}, "")).pool_recycle) == 7200


@pytest.mark.parametrize(("drivers", "recycle"), [("pymysql\npsycopg2\n", None), ("psycopg2\n", -1), ("", -1)])
def test_an_unknown_url_may_have_the_defaults_of_mysql_only_where_a_driver_of_it_is_declared(engine, drivers, recycle):
    library = "flask-sqlalchemy==3.1.1\nsqlalchemy==2.0.36\n"
    pool = live(engine({"app.py": SECRET, "requirements.txt": library + drivers}, ""))
    assert value_of(pool.pool_recycle) == recycle


def test_a_branch_on_the_url_makes_alternatives(engine):
    text = (
        START + "import os\nurl = os.getenv('DATABASE_URL')\nif url is not None:\n"
        "    app.config['SQLALCHEMY_DATABASE_URI'] = url\n"
    )
    text += "else:\n    app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///a.db'\ndb = SQLAlchemy(app)\n"
    found = engine(text)
    assert {pool.is_networked for pool in found.alternatives} == {None, False}


def test_the_configuration_of_another_program_is_not_taken(engine):
    other = (
        "from flask import Flask\napp = Flask(__name__)\napp.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 99}\n"
    )
    assert live(engine({"app.py": PLACES["assigned"], "tools/other.py": other})).pool_size.value == 20


def test_options_after_init_are_dead_in_version_3(engine):
    text = START + f"db = SQLAlchemy()\napp.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\ndb.init_app(app)\n"
    text += "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 20}\n"
    found = engine(text)
    assert live(found).pool_size.value == 5
    assert [dead.name for dead in found.dead_settings] == ["SQLALCHEMY_ENGINE_OPTIONS"]


def five(pool):
    names = ("pool_class", "pool_size", "max_overflow", "pool_recycle", "pool_pre_ping")
    values = tuple(value_of(getattr(pool, name)) for name in names)
    return values if isinstance(pool.pool_class, Known) else None


@pytest.mark.parametrize("name", HOOKS)
def test_the_methods_of_a_subclass_change_the_options_of_version_2(engine, name):
    """The application sets SQLALCHEMY_POOL_SIZE 9, SQLALCHEMY_MAX_OVERFLOW 2 and the engine option pool_recycle 900."""
    hook, in_24, in_25 = HOOKS[name]
    text = HOOKED.format(hook=hook)
    assert five(live(engine(text, "2.4.4"))) == in_24
    assert five(live(engine(text, "2.5.1"))) == in_25
    assert five(live(engine(text, "3.1.1"))) == ("QueuePool", 5, 10, 900, False)


def test_a_hook_of_an_unpinned_version_leaves_the_options_unknown(engine):
    hook = HOOKS["a driver hack that hands on"][0]
    assert not isinstance(live(engine(HOOKED.format(hook=hook), "")).pool_pre_ping, Known)


@pytest.mark.parametrize(
    ("name", "ping"), [("a driver hack that hands on", True), ("what is returned counts since 2.5", None)]
)
def test_a_range_around_2_5_decides_where_both_agree(engines, name, ping):
    files = {"app.py": HOOKED.format(hook=HOOKS[name][0]), "requirements.txt": "flask-sqlalchemy>=2.4,<3\n"}
    (found,) = engines(files)
    assert value_of(live(found).pool_pre_ping) is ping


OF_2 = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

class Database(SQLAlchemy):
    def apply_pool_defaults(self, app, options):
        super().apply_pool_defaults(app, options)
        options["pool_pre_ping"] = True
        options.setdefault("pool_size", 9)
        options["echo"] = True
{more}
app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql+psycopg2://db/orders"
db = Database(app)
"""
CALLED = "    def _make_engine(self, bind, options, app):\n        self.apply_pool_defaults(app, options)\n"


OF_2_DRIVER = OF_2.replace("apply_pool_defaults(self, app, options)", "apply_driver_hacks(self, app, info, options)").replace(
    "super().apply_pool_defaults(app, options)", "super().apply_driver_hacks(app, info, options)"
)


@pytest.mark.parametrize("program", [OF_2, OF_2_DRIVER])
def test_what_a_hook_of_version_2_sets_is_dead_under_3(engine, program):
    found = engine(program.format(more=""), "3.1.1")
    assert [(dead.name, dead.value.value, str(dead.place)) for dead in found.dead_settings] == [
        ("pool_pre_ping", True, "app.py:7"),
        ("pool_size", 9, "app.py:8"),
    ]
    assert not engine(program.format(more=""), "2.5.1").dead_settings


def test_a_hook_that_the_project_calls_itself_is_not_dead(engine):
    assert not engine(OF_2.format(more=CALLED), "3.1.1").dead_settings


@pytest.mark.parametrize("source", [OF_2, OF_2_DRIVER])
def test_version_3_calls_no_hook_of_version_2(source):
    program: dict = {"__name__": __name__}
    exec(source.format(more=""), program)
    with program["app"].app_context():
        pool = program["db"].engine.pool
    assert (pool._pre_ping, pool.size()) == (False, 5)


def test_a_hook_asks_for_the_url(engine):
    hook = (
        DRIVER + "        if info.drivername.startswith('postgresql'):\n            options['pool_size'] = 3\n"
        "        return super().apply_driver_hacks(app, info, options)\n"
    )
    assert live(engine(HOOKED.format(hook=hook), "2.5.1")).pool_size.value == 3
    mysql = HOOKED.format(hook=hook).replace("postgresql+psycopg2", "mysql+pymysql")
    assert live(engine(mysql, "2.5.1")).pool_size.value == 9


def test_a_hook_sees_the_url_of_each_bind(engines):
    hook = (
        DRIVER + "        if info.drivername.startswith('mysql'):\n            options['pool_size'] = 3\n"
        "        return super().apply_driver_hacks(app, info, options)\n"
    )
    binds = "app.config['SQLALCHEMY_BINDS'] = {\n    'a': 'mysql+pymysql://one/a',\n    'b': 'postgresql://two/b',\n}\ndb ="
    found = engines(HOOKED.format(hook=hook).replace("db =", binds), "2.5.1")
    assert {engine.bind: live(engine).pool_size.value for engine in found} == {"": 9, "a": 3, "b": 9}


@pytest.mark.parametrize(
    "hook",
    [
        DRIVER + "        return changed(self, app, info, options)\n",
        DRIVER + "        return app.extensions['x'].options(info, options)\n",
        "    def create_engine(self, sa_url, engine_opts):\n        return special(sa_url, engine_opts)\n",
    ],
)
def test_a_hook_that_cannot_be_followed_leaves_the_options_unknown(engine, hook):
    pool = live(engine(HOOKED.format(hook=hook), "2.5.1"))
    assert not any(isinstance(each, Known) for each in (pool.pool_class, pool.pool_size, pool.max_overflow))


def test_hooks_on_two_levels_are_not_followed(engine):
    """What `super()` of the lower one means is another method of the project."""
    text = HOOKED.format(hook=HOOKS["a driver hack that hands on"][0]).replace("db = Mine", "db = Ours")
    text = text.replace("app = Flask", "class Ours(Mine):\n" + HOOKS["another pool class"][0] + "app = Flask")
    assert five(live(engine(text, "2.5.1"))) is None


def test_options_without_the_extension_belong_to_no_engine(make_tree):
    files = {
        "config.py": "class Settings:\n    SQLALCHEMY_ENGINE_OPTIONS = {'pool_size': 20}\n",
        "migrate.py": "import config\nfrom sqlalchemy import create_engine\nengine = create_engine('postgresql://db/a')\n",
    }
    (dead,) = Code(make_tree(files)).dead_settings
    assert (dead.name, str(dead.value.origin.location)) == ("SQLALCHEMY_ENGINE_OPTIONS", "config.py:2")
    # `superset_config.py`, say: another program reads what nothing here imports.
    assert not Code(make_tree({**files, "migrate.py": files["migrate.py"].replace("import config", "")})).dead_settings


def test_options_that_the_code_reads_itself_are_not_dead(make_tree):
    files = {
        "config.py": "class Settings:\n    SQLALCHEMY_ENGINE_OPTIONS = {'pool_size': 20}\n",
        "db.py": "from sqlalchemy import create_engine\nfrom config import Settings\n"
        "engine = create_engine('postgresql://db/a', **Settings.SQLALCHEMY_ENGINE_OPTIONS)\n",
    }
    assert Code(make_tree(files)).dead_settings == ()


# -- binds -------------------------------------------------------------------------------------------------------------

BINDS = START + (
    f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\n"
    "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 20, 'pool_pre_ping': True}\n"
    "app.config['SQLALCHEMY_BINDS'] = {\n"
    "    'reader': 'postgresql+psycopg2://replica/orders',\n"
    "    'legacy': 'mysql+pymysql://legacy/shop',\n"
    "}\ndb = SQLAlchemy(app)\n"
)


def by_bind(found):
    return {each.bind: live(each) for each in found}


def test_every_bind_is_an_engine_of_its_own_at_the_line_of_its_key(engines):
    found = engines(BINDS)
    assert [(each.bind, str(each.location), each.code) for each in found] == [
        ("", "app.py:10", "app.py"),
        ("reader", "app.py:7", "app.py"),
        ("legacy", "app.py:8", "app.py"),
    ]
    assert {key: pool.target.value.host for key, pool in by_bind(found).items()} == {
        "": "db",
        "reader": "replica",
        "legacy": "legacy",
    }


@pytest.mark.parametrize(
    ("version", "reader", "legacy"),
    [("2.5.1", (20, True, -1), (20, True, 7200)), ("3.1.1", (5, False, -1), (5, False, 7200))],
)
def test_version_2_applies_the_options_to_binds_and_version_3_does_not(engines, version, reader, legacy):
    pools = by_bind(engines(BINDS, version))
    for key, wanted in {"reader": reader, "legacy": legacy}.items():
        pool = pools[key]
        assert (pool.pool_size.value, pool.pool_pre_ping.value, pool.pool_recycle.value) == wanted


def test_an_unpinned_version_leaves_the_options_of_a_bind_open(engines):
    assert not isinstance(by_bind(engines(BINDS, ""))["reader"].pool_size, Known)


def test_the_constructors_options_reach_every_bind(engines):
    pools = by_bind(engines(BINDS.replace("SQLAlchemy(app)", "SQLAlchemy(app, engine_options={'pool_recycle': 300})")))
    assert pools["reader"].pool_recycle.value == pools["legacy"].pool_recycle.value == 300


DICT = BINDS.replace(
    "'postgresql+psycopg2://replica/orders'", "{'url': 'postgresql+psycopg2://replica/orders', 'pool_size': 3}"
)


@pytest.mark.parametrize("version", ["3.1.1", ""])
def test_a_bind_with_a_dict_has_its_own_options(engines, version):
    pool = by_bind(engines(DICT, version))["reader"]
    assert (pool.target.value.host, pool.pool_size.value, pool.pool_pre_ping.value) == ("replica", 3, False)


def test_version_2_takes_no_dict_for_a_bind(engines):
    pool = by_bind(engines(DICT, "2.5.1"))["reader"]
    assert pool.is_networked is None and not isinstance(pool.pool_size, Known)


def test_version_3_makes_no_default_engine_without_a_uri(engines):
    text = BINDS.replace(f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\n", "")
    assert list(by_bind(engines(text))) == ["reader", "legacy"]
    assert list(by_bind(engines(text, "2.5.1"))) == ["", "reader", "legacy"]


def test_a_bind_that_only_some_deployments_set_is_no_sure_pool(engines):
    config = (
        "import os\nfrom flask_sqlalchemy import SQLAlchemy\nclass Config:\n"
        f"    SQLALCHEMY_DATABASE_URI = '{URI}'\n    READER = os.getenv('READER_URL')\n"
        "    if READER:\n        SQLALCHEMY_BINDS = {'reader': READER}\n"
    )
    app = START + "from config import Config\napp.config.from_object(Config)\ndb = SQLAlchemy(app)\n"
    found = engines({"config.py": config, "app.py": app})
    reader = next(each for each in found if each.bind)
    assert (str(reader.location), reader.code) == ("config.py:7", "app.py")
    assert live(reader).pool_size.certainty == "fallback"
    assert live(reader).identities == ("env:READER_URL",)


def test_an_environment_without_the_variable_makes_no_such_bind(make_tree):
    app = START + (
        f"import os\napp.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\n"
        "if os.getenv('READER_URL'):\n    app.config['SQLALCHEMY_BINDS'] = {'reader': os.environ['READER_URL']}\n"
        "db = SQLAlchemy(app)\n"
    )
    code = Code(make_tree({"app.py": app, "requirements.txt": "flask-sqlalchemy==3.1.1\n"}))
    code.declare(tuple(versions.read(code.modules.tree)))
    assert [each.bind for each in code.engines(variables(OTHER="x"))] == [""]
    assert [each.bind for each in code.engines(variables(READER_URL="postgresql://replica/orders"))] == ["", "reader"]


def test_a_dict_of_binds_that_stands_elsewhere_is_found_by_its_keys(engines):
    text = BINDS.replace("app.config['SQLALCHEMY_BINDS'] = {", "ALL = {").replace(
        "db = SQLAlchemy(app)", "app.config['SQLALCHEMY_BINDS'] = ALL\ndb = SQLAlchemy(app)"
    )
    assert [str(each.location) for each in engines(text)[1:]] == ["app.py:7", "app.py:8"]


def test_a_bind_stands_where_more_than_tests_set_it(engines):
    factory = (
        "def create_app():\n    app = Flask(__name__)\n    app.config.from_object('config.Config')\n"
        "    if os.getenv('APP_ENV', 'development') == 'test':\n"
        "        app.config['SQLALCHEMY_BINDS'] = {'reader': 'postgresql://here/one'}\n    db.init_app(app)\n    return app\n"
    )
    app = "import os\nfrom flask import Flask\nimport config\nfrom flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\n" + factory
    config = (
        f"import os\nclass Config:\n    SQLALCHEMY_DATABASE_URI = '{URI}'\n"
        "    SQLALCHEMY_BINDS = {'reader': os.environ['READER_URL']}\n"
    )
    found = engines({"app.py": app, "config.py": config})
    assert [str(each.location) for each in found if each.bind] == ["config.py:4"]


def test_binds_that_are_none_make_no_engine(engines):
    assert list(by_bind(engines(PLACES["assigned"] + "app.config['SQLALCHEMY_BINDS'] = None\n"))) == [""]


# -- what the application's own code reads -----------------------------------------------------------------------------


@pytest.mark.parametrize("read", ["app.config['SIZE']", "app.config.get('SIZE', 5)", "2 * int(app.config['HALF'])"])
def test_options_made_of_other_keys_of_the_configuration(engine, read):
    text = PLACES["assigned"].replace("{'pool_size': 20}", f"{{'pool_size': {read}}}")
    text = text.replace("app = Flask(__name__)\n", "app = Flask(__name__)\napp.config['SIZE'], HALF = 20, '10'\n")
    text = text.replace("app.config['SIZE'], HALF = 20, '10'", "app.config['SIZE'] = 20\napp.config['HALF'] = '10'")
    assert live(engine(text)).pool_size.value == 20


def test_a_key_that_is_set_from_itself_holds_what_was_set_before(engine):
    key = "app.config['SQLALCHEMY_DATABASE_URI']"
    text = PLACES["assigned"].replace("db = SQLAlchemy(app)", f'{key} = f"{{{key}}}2"\ndb = SQLAlchemy(app)')
    assert live(engine(text)).target.value.database == "orders2"


def test_a_key_that_the_branch_taken_does_not_set_is_left_out(engine):
    config = (
        f"import os\nclass Config:\n    SQLALCHEMY_DATABASE_URI = '{URI}'\n"
        "    if os.getenv('LARGE') == 'yes':\n        SQLALCHEMY_ENGINE_OPTIONS = {'pool_size': 20}\n"
    )
    app = START + "from config import Config\napp.config.from_object(Config)\ndb = SQLAlchemy(app)\n"
    found = engine({"config.py": config, "app.py": app})
    assert sorted(pool.pool_size.value for pool in found.alternatives) == [5, 20]


# -- files and order ---------------------------------------------------------------------------------------------------

LOADED = (
    f"SQLALCHEMY_DATABASE_URI = '{URI}'\nSQLALCHEMY_ENGINE_OPTIONS = {{'pool_size': 20}}\n",
    f'{{"SQLALCHEMY_DATABASE_URI": "{URI}", "SQLALCHEMY_ENGINE_OPTIONS": {{"pool_size": 20}}}}',
    f'SQLALCHEMY_DATABASE_URI = "{URI}"\n[SQLALCHEMY_ENGINE_OPTIONS]\npool_size = 20\n',
)
LOADS = {
    "from_pyfile('settings.cfg')": ("settings.cfg", LOADED[0]),
    "from_pyfile('settings.py')": ("settings.py", LOADED[0]),
    "from_file('settings.json', load=json.load)": ("settings.json", LOADED[1]),
    "from_file('settings.yaml', yaml.safe_load)": ("settings.yaml", LOADED[1]),
    "from_file('settings.toml', load=tomllib.load, text=False)": ("settings.toml", LOADED[2]),
    "from_json('settings.json')": ("settings.json", LOADED[1]),
}


@pytest.mark.parametrize("load", LOADS)
def test_a_configuration_that_stands_in_a_file(engine, load):
    path, content = LOADS[load]
    text = START + f"import json, tomllib, yaml\napp.config.{load}\ndb = SQLAlchemy(app)\n"
    pool = live(engine({"app.py": text, path: content}))
    assert (pool.target.value.host, pool.pool_size.value) == ("db", 20)
    assert pool.pool_size.origin.location.path == path


def test_the_instance_folder_comes_first_where_the_application_looks_there(engine):
    text = START.replace("Flask(__name__)", "Flask(__name__, instance_relative_config=True)")
    text += "app.config.from_pyfile('settings.py')\ndb = SQLAlchemy(app)\n"
    files = {"app.py": text, "settings.py": LOADED[0].replace("20", "7"), "instance/settings.py": LOADED[0]}
    assert live(engine(files)).pool_size.value == 20
    assert live(engine({**files, "app.py": text.replace(", instance_relative_config=True", "")})).pool_size.value == 7


@pytest.mark.parametrize("load", ["from_pyfile('local.py')", "from_envvar('APP_SETTINGS')", "from_object(unknown)"])
def test_a_file_that_is_not_here_may_hold_anything(engine, load):
    text = PLACES["mapped"].replace("app.config.from_mapping", f"app.config.from_object('base')\napp.config.{load}\n#")
    pool = live(engine({"app.py": text, "base.py": LOADED[0]}))
    assert not isinstance(pool.pool_size, Known) and not isinstance(pool.target, Known)


def test_an_optional_file_that_is_not_here_makes_values_less_sure(engine):
    text = f"{START}app.config.from_object('base')\napp.config.from_pyfile('local.py', silent=True)\ndb = SQLAlchemy(app)\n"
    pool = live(engine({"app.py": text, "base.py": LOADED[0]}))
    assert (pool.pool_size.value, pool.pool_size.certainty) == (20, "fallback")


def test_the_environment_names_the_file(make_tree):
    text = START + "app.config.from_envvar('APP_SETTINGS')\ndb = SQLAlchemy(app)\n"
    code = Code(make_tree({"app.py": text, "conf/production.cfg": LOADED[0]}))
    (found,) = code.engines(variables(APP_SETTINGS="conf/production.cfg"))
    assert live(found).pool_size.value == 20
    (found,) = code.engines(variables(APP_SETTINGS="/etc/app.cfg"))
    assert not isinstance(live(found).pool_size, Known)


ASSIGNED = "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 7}\n"
OBJECT = "app.config.from_object('base')\n"


@pytest.mark.parametrize(("lines", "size"), [(ASSIGNED + OBJECT, 20), (OBJECT + ASSIGNED, 7)])
def test_what_is_set_later_in_the_same_function_wins(engine, lines, size):
    text = f"{START}{lines}db = SQLAlchemy(app)\n"
    assert live(engine({"app.py": text, "base.py": LOADED[0]})).pool_size.value == size


@pytest.mark.parametrize("call", ["update(SETTINGS)", "from_mapping(SETTINGS)", "update(**SETTINGS)"])
def test_a_dict_of_settings_by_its_name(engine, call):
    text = START + (
        f"SETTINGS = {{'SQLALCHEMY_DATABASE_URI': '{URI}', 'SQLALCHEMY_ENGINE_OPTIONS': {{'pool_size': 20}}}}\n"
        f"app.config.{call}\ndb = SQLAlchemy(app)\n"
    )
    assert live(engine(text)).pool_size.value == 20


def test_a_class_looked_up_in_a_dict_by_the_environment(make_tree):
    config = (
        f"class Production:\n    SQLALCHEMY_DATABASE_URI = '{URI}'\n    SQLALCHEMY_ENGINE_OPTIONS = {{'pool_size': 20}}\n"
        f"class Development:\n    SQLALCHEMY_DATABASE_URI = '{URI}'\n"
        "config = {'production': Production, 'development': Development}\n"
    )
    app = (
        "import os\nfrom flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy\nfrom config import config\n"
        "db = SQLAlchemy()\ndef create_app(settings):\n    app = Flask(__name__)\n    app.config.from_object(settings)\n"
        "    db.init_app(app)\n    return app\napp = create_app(config[os.getenv('FLASK_CONFIG', 'development')])\n"
    )
    code = Code(make_tree({"config.py": config, "app.py": app}))
    (found,) = code.engines(variables(FLASK_CONFIG="production"))
    assert live(found).pool_size.value == 20
    (found,) = code.engines(variables(OTHER="x"))
    assert live(found).pool_size.value == 5


# -- variables with a prefix -------------------------------------------------------------------------------------------

PREFIXED = (
    START
    + f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\n"
    + "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 7, 'connect_args': {'connect_timeout': 3}}\n"
    + "app.config.from_prefixed_env()\ndb = SQLAlchemy(app)\n"
)
OPTIONS = "FLASK_SQLALCHEMY_ENGINE_OPTIONS"
GIVEN = [
    {},
    {OPTIONS: '{"pool_size": 20, "pool_pre_ping": true}'},
    {f"{OPTIONS}__pool_size": "20", f"{OPTIONS}__connect_args__connect_timeout": "9"},
    {OPTIONS: '{"max_overflow": 0}', f"{OPTIONS}__pool_size": "20"},
    {"FLASK_SQLALCHEMY_DATABASE_URI": "postgresql+psycopg2://other/orders"},
    {f"MY{OPTIONS}__pool_size": "20"},
]


@pytest.mark.parametrize("given", GIVEN)
def test_variables_with_the_prefix_are_read_as_flask_reads_them(make_tree, monkeypatch, given):
    flask = pytest.importorskip("flask")
    app = flask.Flask("orders")
    app.config["SQLALCHEMY_DATABASE_URI"] = URI
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 7, "connect_args": {"connect_timeout": 3}}
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    app.config.from_prefixed_env()
    options = app.config["SQLALCHEMY_ENGINE_OPTIONS"]

    (found,) = prefixed(make_tree).engines(variables(**given))
    pool = live(found)
    assert pool.target.value.host == app.config["SQLALCHEMY_DATABASE_URI"].partition("//")[2].partition("/")[0]
    assert {name: value_of(setting) for name, setting in pool.connect_args.items()} == options.get("connect_args", {})
    expected = {"pool_size": 5, "max_overflow": 10, "pool_pre_ping": False, **options}
    assert {name: getattr(pool, name).value for name in ("pool_size", "max_overflow", "pool_pre_ping")} == {
        name: expected[name] for name in ("pool_size", "max_overflow", "pool_pre_ping")
    }


def prefixed(make_tree, text=PREFIXED):
    code = Code(make_tree({"app.py": text, "requirements.txt": "flask-sqlalchemy==3.1.1\nsqlalchemy==2.0.36\n"}))
    code.declare(tuple(versions.read(code.modules.tree)))
    return code


def test_what_a_variable_with_the_prefix_gives_stands_in_the_manifest(make_tree):
    (found,) = prefixed(make_tree).engines(variables(**{f"{OPTIONS}__pool_size": "20"}))
    assert str(live(found).pool_size.origin.location) == "deploy.yaml:1"


def test_what_no_environment_sets_stays_a_fallback(make_tree):
    code = prefixed(make_tree)
    (found,) = code.engines()
    assert (live(found).pool_size.value, live(found).pool_size.certainty) == (7, "fallback")
    (found,) = code.engines(variables(OTHER="x"))
    assert (live(found).pool_size.value, live(found).pool_size.certainty) == (7, "exact")


def test_one_more_variable_with_the_prefix_is_another_environment(make_tree):
    """Which entries a variable may set cannot be told beforehand."""
    code = prefixed(make_tree)
    sizes = [{}, {f"{OPTIONS}__pool_size": "20"}, {f"{OPTIONS}__pool_size": "20", f"{OPTIONS}__max_overflow": "1"}]
    found = [live(code.engines(variables(X="1", **given))[0]) for given in sizes]
    assert [(pool.pool_size.value, pool.max_overflow.value) for pool in found] == [(7, 10), (20, 10), (20, 1)]


def test_another_prefix_is_another_variable(make_tree):
    text = PREFIXED.replace("from_prefixed_env()", "from_prefixed_env('SHOP')")
    given = {f"{OPTIONS}__pool_size": "20", "SHOP_SQLALCHEMY_ENGINE_OPTIONS__pool_size": "30"}
    (found,) = prefixed(make_tree, text).engines(variables(**given))
    assert live(found).pool_size.value == 30


def test_a_url_that_only_a_variable_can_give_is_named_by_it(make_tree):
    text = START + "app.config.from_prefixed_env()\ndb = SQLAlchemy(app)\n"
    (found,) = prefixed(make_tree, text).engines()
    assert live(found).identities == ("env:FLASK_SQLALCHEMY_DATABASE_URI",)


@pytest.mark.parametrize(("version", "size"), [("2.5.1", 20), ("3.1.1", 7)])
def test_what_follows_the_initialisation_counts_with_version_2_only(make_tree, version, size):
    """Version 2 reads the configuration when it makes the engine; measured with 2.4.4, 2.5.1 and 3.1.1."""
    late = START + f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\n"
    late += "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 7}\ndb = SQLAlchemy(app)\n"
    for line in ("app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 20}\n", "app.config.from_prefixed_env()\n"):
        code = Code(make_tree({"app.py": late + line, "requirements.txt": f"flask-sqlalchemy=={version}\n"}))
        code.declare(tuple(versions.read(code.modules.tree)))
        (found,) = code.engines(variables(**{f"{OPTIONS}__pool_size": "20"}))
        assert live(found).pool_size.value == size


def test_what_follows_the_initialisation_is_not_told_without_a_version(engine):
    """Version 3 refuses to start without a URL (measured with 3.0.0 and 3.1.1): such a program runs with version 2."""
    with_url = START + f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\ndb = SQLAlchemy(app)\n" + SIZED
    size = live(engine(with_url, "")).pool_size
    assert not isinstance(size, Known) and "its version is not pinned" in size.reason
    without = START + "db = SQLAlchemy(app)\n" + f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\n" + SIZED
    found = engine(without, "")
    assert (live(found).driver.value, live(found).pool_size.value, found.dead_settings) == ("psycopg2", 20, ())
    assert engine(without).dead_settings


@pytest.mark.parametrize(
    ("required", "names"),
    [
        ("flask-sqlalchemy\n", {"SQLALCHEMY_POOL_SIZE"}),
        ("flask-sqlalchemy>=2.5\nflask\n", {"SQLALCHEMY_POOL_SIZE"}),
        ("flask-sqlalchemy==2.5.1\n", set()),
        ("flask-sqlalchemy<3\n", set()),
        ("flask-sqlalchemy\nflask==1.1.4\n", set()),
        ("flask-sqlalchemy\nsqlalchemy<1.4\n", set()),
        ("flask\n", set()),
    ],
)
def test_the_keys_of_version_2_are_dead_where_an_open_requirement_installs_3(make_tree, required, names):
    sized = f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\napp.config['SQLALCHEMY_POOL_SIZE'] = 3\ndb = SQLAlchemy(app)\n"
    code = Code(make_tree({"app.py": START + sized, "requirements.txt": required}))
    code.declare(tuple(versions.read(code.modules.tree)))
    (found,) = code.engines()
    assert {dead.name for dead in found.dead_settings} == names
    assert all("which the requirement at requirements.txt:1 installs today" in dead.why for dead in found.dead_settings)


@pytest.mark.parametrize(
    ("text", "is_dead"),
    [
        ("app.config['SQLALCHEMY_POOL_SIZE'] = take('SQLALCHEMY_POOL_SIZE')\n", True),
        ("app.config['SQLALCHEMY_POOL_SIZE'] = 3\ndef use(app):\n    return app.config[KEY]\n", True),
        ("app.config['SQLALCHEMY_POOL_SIZE'] = 3\ntake('SQLALCHEMY_POOL_SIZE')\n", True),  # of the environment
        ("app.config['SQLALCHEMY_POOL_SIZE'] = 3\nread('pool_size', 'SQLALCHEMY_POOL_SIZE')\n", False),
        ("app.config.setdefault('SQLALCHEMY_POOL_SIZE', None)\n", False),
    ],
)
def test_a_key_that_a_function_of_the_project_looks_up_is_read(engine, text, is_dead):
    functions = (
        "import os\ndef take(name):\n    return int(os.getenv(name, '3'))\ndef read(option, name):\n    return option, app.config.get(name)\n"
    )
    found = engine(f"{START}app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\n{functions}{text}db = SQLAlchemy(app)\n")
    assert bool(found.dead_settings) is is_dead


SHOP = START + f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\napp.config['SQLALCHEMY_ENGINE_OPTIONS'] = {{'pool_size': 7}}\n"
SIZED = "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 20}\n"


@pytest.mark.parametrize(
    ("shop", "run", "size"),
    [
        (SHOP + "db = SQLAlchemy(app)\n", "from shop import app\n" + SIZED, 7),
        (SHOP + "db = SQLAlchemy()\ndb.init_app(app)\n", "from shop import app\n" + SIZED, 7),
        (SHOP + "db = SQLAlchemy()\n", "from shop import app, db\n" + SIZED + "db.init_app(app)\n", 20),
        (SHOP + "db = SQLAlchemy()\ndef start():\n    db.init_app(app)\n", "from shop import app, start\n" + SIZED + "start()\n", 20),
    ],
)
def test_what_follows_the_import_of_what_initialises_comes_too_late(engine, shop, run, size):
    found = engine({"shop.py": shop, "run.py": run})
    assert live(found).pool_size.value == size
    assert bool(found.dead_settings) is (size == 7)


def test_what_comes_before_the_import_of_what_initialises_counts(engine):
    base = START.replace("from flask_sqlalchemy import SQLAlchemy\n", "") + f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\n"
    models = "from flask_sqlalchemy import SQLAlchemy\nfrom base import app\ndb = SQLAlchemy(app)\n"
    found = engine({"base.py": base, "models.py": models, "run.py": f"from base import app\n{SIZED}from models import db\n"})
    assert live(found).pool_size.value == 20


DEFAULTS = f"class Config:\n    SQLALCHEMY_DATABASE_URI = '{URI}'\n    SQLALCHEMY_ENGINE_OPTIONS = {{'pool_size': 20}}\n"
FACTORY = (
    "import os\nfrom flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy\nfrom config import Config\n"
    "db = SQLAlchemy()\ndef create_app():\n    app = Flask(__name__)\n    app.config.from_object(Config)\n"
)


@pytest.mark.parametrize(
    "lines",
    [
        "if 'SITE_CONFIG' in os.environ:\n        app.config.from_envvar('SITE_CONFIG')",
        "if os.getenv('SITE_CONFIG'):\n        app.config.from_envvar('SITE_CONFIG')",
        "if os.path.isfile('/etc/site.cfg'):\n        app.config.from_pyfile('/etc/site.cfg')",
        "if os.path.exists('site_config.py'):\n        app.config.from_object('site_config')",
        "try:\n        app.config.from_pyfile('/etc/site.cfg')\n    except FileNotFoundError:\n        print('none')",
    ],
)
def test_a_file_that_the_code_asks_for_first_may_replace_the_values_that_hold_without_it(engine, lines):
    found = engine({"config.py": DEFAULTS, "app.py": f"{FACTORY}    {lines}\n    db.init_app(app)\n"})
    assert {(p.pool_size.value, p.pool_size.certainty) for p in found.live} <= {(20, "fallback"), (20, "exact")}


@pytest.mark.parametrize(
    "lines",
    [
        "app.config.from_envvar('SITE_CONFIG')",
        "if SITE:\n        app.config.from_pyfile('/etc/site.cfg')",
        "try:\n        app.config.from_pyfile('/etc/site.cfg')\n    except FileNotFoundError:\n        raise SystemExit",
    ],
)
def test_a_file_that_the_code_cannot_do_without_may_set_anything(engine, lines):
    found = engine({"config.py": DEFAULTS, "app.py": f"{FACTORY}    {lines}\n    db.init_app(app)\n"})
    assert any(not isinstance(pool.pool_size, Known) for pool in found.live)


EXAMPLE = "SQLALCHEMY_DATABASE_URI = 'postgresql://user@db/site'\nSECRET_KEY = 'change'\n"


@pytest.mark.parametrize(
    ("example", "size"),
    [
        ({"site.cfg.example": EXAMPLE}, (5, "fallback")),
        ({"docker/settings.py": EXAMPLE.replace("SQLALCHEMY_", "")}, (5, "fallback")),
        ({"site.cfg.example": EXAMPLE + "SQLALCHEMY_ENGINE_OPTIONS = {}\n"}, None),
        ({"site.cfg.example": "SECRET_KEY = 'change'\n"}, None),
        ({"tests/settings.py": EXAMPLE}, None),
        ({}, None),
    ],
)
def test_an_option_that_no_shown_settings_file_speaks_of_has_its_default(engine, example, size):
    app = f"{FACTORY}    app.config.from_envvar('SITE_CONFIG')\n    db.init_app(app)\n"
    pools = engine({"config.py": "class Config: ...\n", "app.py": app, **example}).live
    sizes = {(p.pool_size.value, p.pool_size.certainty) if isinstance(p.pool_size, Known) else None for p in pools}
    assert sizes == {size}


def test_a_default_of_the_configuration_keeps_what_is_set(engine):
    filled = "app.config.setdefault('SQLALCHEMY_ENGINE_OPTIONS', {'pool_size': 3, 'pool_recycle': 60})"
    found = live(engine({"config.py": DEFAULTS, "app.py": f"{FACTORY}    {filled}\n    db.init_app(app)\n"}))
    assert (found.pool_size.value, found.pool_recycle.value) == (20, -1)
    bare = DEFAULTS.replace("    SQLALCHEMY_ENGINE_OPTIONS = {'pool_size': 20}\n", "")
    found = live(engine({"config.py": bare, "app.py": f"{FACTORY}    {filled}\n    db.init_app(app)\n"}))
    assert (found.pool_size.value, found.pool_recycle.value) == (3, 60)


@pytest.mark.parametrize(
    "held",
    ["app.config.setdefault('SQLALCHEMY_ENGINE_OPTIONS', {})", "app.config['SQLALCHEMY_ENGINE_OPTIONS']"],
)
def test_what_a_name_holds_of_the_configuration_is_changed_through_it(engine, held):
    lines = f"    options = {held}\n    options['pool_recycle'] = 60\n    options.setdefault('pool_size', 3)\n"
    found = live(engine({"config.py": DEFAULTS, "app.py": f"{FACTORY}{lines}    db.init_app(app)\n"}))
    assert (found.pool_size.value, found.pool_recycle.value) == (20, 60)
    copied = lines.replace(held, f"dict({held})")
    found = live(engine({"config.py": DEFAULTS, "app.py": f"{FACTORY}{copied}    db.init_app(app)\n"}))
    assert (found.pool_size.value, found.pool_recycle.value) == (20, -1)


def test_where_all_configuration_classes_agree_nobody_needs_to_know_which(engine):
    classes = (
        "class Base:\n    SQLALCHEMY_ENGINE_OPTIONS = {'pool_size': 20}\n"
        f"class Staging(Base):\n    SQLALCHEMY_DATABASE_URI = '{URI}'\n"
        f"class Production(Base):\n    SQLALCHEMY_DATABASE_URI = '{URI}2'\n"
    )
    text = START + "import config\napp.config.from_object(chosen())\ndb = SQLAlchemy(app)\n"
    found = engine({"config.py": classes, "app.py": text})
    assert {pool.pool_size.value for pool in found.live} == {20}
    differing = classes.replace(f"'{URI}2'", f"'{URI}2'\n    SQLALCHEMY_ENGINE_OPTIONS = {{'pool_size': 30}}")
    found = engine({"config.py": differing, "app.py": text})
    assert {pool.pool_size.value for pool in found.live} == {20, 30}


# -- who configures the application

OWN_APPLICATION = """
def {name}():
    app = Flask(__name__)
    app.config['SQLALCHEMY_DATABASE_URI'] = '{uri}'
    app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {{'pool_size': {size}}}
    db.init_app(app)
    return app
"""
TWO = START + "db = SQLAlchemy()\n" + "".join(
    OWN_APPLICATION.format(name=name, uri=URI, size=size) for name, size in (("create_app", 20), ("create_batch", 5))
)


def test_two_functions_that_make_an_application_each_are_two_ways(engine):
    assert {pool.pool_size.value for pool in engine(TWO).live} == {20, 5}


def test_one_application_that_two_functions_configure_keeps_what_is_set_last(engine):
    text = START + "db = SQLAlchemy()\n"
    for name, size in (("first", 5), ("second", 20)):
        text += f"def {name}(app):\n    app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {{'pool_size': {size}}}\n"
    text += f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\nfirst(app)\nsecond(app)\ndb.init_app(app)\n"
    assert live(engine(text)).pool_size.value == 20


@pytest.mark.parametrize(("condition", "dialects"), [("is_test()", {"sqlite", "mysql", None}), ("True", {"sqlite"})])
def test_what_a_function_sets_holds_where_its_only_call_is_reached(engine, condition, dialects):
    """Elsewhere a file that is not here gives the URI, and the code's own question tells what it is."""
    text = START + (
        "from tests import is_test\n"
        "def configure_for_tests(app):\n    app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///here.db'\n"
        f"if {condition}:\n    configure_for_tests(app)\nelse:\n    app.config.from_pyfile('absent.cfg')\n"
        "if 'mysql' in app.config['SQLALCHEMY_DATABASE_URI'].lower():\n"
        "    app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 20}\ndb = SQLAlchemy(app)\n"
    )
    needs = "flask-sqlalchemy==3.1.1\nsqlalchemy==2.0.36\npymysql\n"
    found = engine({"app.py": text, "requirements.txt": needs})
    assert {value_of(pool.dialect) for pool in found.alternatives} == dialects
    assert all(value_of(pool.pool_size) == 20 for pool in found.alternatives if value_of(pool.dialect) == "mysql")


def test_what_decides_whether_the_only_application_is_made_says_nothing_of_its_settings(engine):
    text = START + (
        "import sys\nfrom tool import arguments\ndb = SQLAlchemy()\n"
        f"def create_app():\n    app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\n"
        "    app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 7}\n    db.init_app(app)\n    return app\n"
        "if arguments.list:\n    sys.exit(0)\nif arguments.scan:\n    print(1)\nelse:\n    create_app()\n"
    )
    assert {value_of(pool.pool_size) for pool in engine(text).alternatives} == {7}


def test_a_dialect_that_a_branch_rules_out_is_not_the_declared_drivers(engine):
    text = START + (
        "app.config.from_pyfile('absent.cfg')\nif 'mysql' in app.config['SQLALCHEMY_DATABASE_URI']:\n"
        "    app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 20}\ndb = SQLAlchemy(app)\n"
    )
    required = "flask-sqlalchemy==3.1.1\nsqlalchemy==2.0.36\npymysql\n"
    pools = engine({"app.py": text, "requirements.txt": required}).alternatives
    assert {(value_of(pool.dialect), "mysql" in pool.excludes) for pool in pools} == {("mysql", False), (None, True)}


@pytest.mark.parametrize("version", ["2.4.1", "3.1.1"])
@pytest.mark.parametrize(("uri", "pool_class", "size"), [("sqlite://", "StaticPool", None), ("sqlite:///a.db", "QueuePool", 5)])
def test_sqlite_in_memory_has_one_connection_and_no_size(engine, version, uri, pool_class, size):
    pool = live(engine(f"{START}app.config['SQLALCHEMY_DATABASE_URI'] = '{uri}'\ndb = SQLAlchemy(app)\n", version))
    assert (value_of(pool.pool_class), value_of(pool.pool_size)) == (pool_class, size)
    assert value_of(pool.pool_pre_ping) is False


# -- which application an extension is given

MADE = "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\n"
CONFIGURED = "from flask import Flask\n{imports}\ndef create_app():\n    app = Flask(__name__)\n{lines}\n    return app\n"


def application(imports, *lines):
    return CONFIGURED.format(imports=imports, lines="\n".join(f"    {line}" for line in lines))


UNUSED = {
    "shop/models/db.py": MADE,
    "shop/views/db.py": MADE,
    "shop/views/orders.py": "from shop.views.db import db\nclass Order(db.Model): ...\n",
}
OWN = "from shop.models.db import db\nimport shop.views.orders"


@pytest.mark.parametrize(
    ("files", "role"),
    [
        ({"app.py": application(OWN, "db.init_app(app)")}, "test"),
        ({"app.py": application(OWN, "db.init_app(app)", "shop.views.orders.db.init_app(app)")}, "service"),
        ({"app.py": application(OWN, "db.init_app(app)", "for each in found():", "    each.init_app(app)")}, "test"),
        (
            {
                "app.py": application(OWN, "db.init_app(app)", "start(app)")
                + "from shop.views.db import db as second\nfor each in [second]:\n    each.init_app(app)\n"
            },
            "service",
        ),
        ({"app.py": application("import shop.views.orders, shop.models.db", "start(app)")}, "service"),
        (
            {
                "app.py": application("import shop.views.orders", "start(app)"),
                "other/app.py": application("from shop.models.db import db", "db.init_app(app)"),
            },
            "service",
        ),
        (  # a job beside the application uses the models, and opens its connections by itself
            {"app.py": application("from shop.models.db import db", "db.init_app(app)"), "job.py": "import shop.views.orders\n"},
            "test",
        ),
    ],
)
def test_an_extension_that_no_application_is_given_makes_no_engine(engines, files, role):
    found = {found.location.path: found.role for found in engines({**UNUSED, **files})}
    assert found == {"shop/models/db.py": "service", "shop/views/db.py": role}


def sized(name, size, *more):
    options = f"app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {{'pool_size': {size}}}"
    uri = f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URI}{name}'"
    return application(f"from {name}.db import db", uri, options, *more)


@pytest.mark.parametrize(
    ("given", "sizes"), [("db.init_app(app)", {"shop": {20}, "bills": {5}}), ("start(app)", {"shop": {5, 20}, "bills": {5, 20}})]
)
def test_an_application_that_is_given_another_extension_configures_nothing_for_this_one(engines, given, sizes):
    files = {
        "shop/db.py": MADE,
        "shop/app.py": sized("shop", 20, given),
        "bills/db.py": MADE,
        "bills/app.py": sized("bills", 5, given),
        "job.py": "import shop.app, bills.app\n",
    }
    found = {e.location.path.partition("/")[0]: {p.pool_size.value for p in e.live} for e in engines(files)}
    assert found == sizes


def test_two_applications_that_load_a_configuration_each_are_two_ways(engine):
    classes = f"class {{}}:\n    SQLALCHEMY_DATABASE_URI = '{URI}'\n    SQLALCHEMY_ENGINE_OPTIONS = {{{{'pool_size': {{}}}}}}\n"
    files = {"db.py": MADE, "config.py": classes.format("Web", 20) + classes.format("Job", 5)}
    for name in ("Web", "Job"):
        lines = f"app.config.from_object({name})", "db.init_app(app)"
        files[f"{name.lower()}.py"] = application(f"from db import db\nfrom config import {name}", *lines)
    assert {pool.pool_size.value for pool in engine(files).live} == {20, 5}


BY_FILE = (
    "from flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\n"
    "def create_app():\n    app = Flask(__name__)\n    configure(app)\n{later}    db.init_app(app)\n    return app\n"
    "def configure(app):\n    if app.config['TESTING']:\n        of_tests(app)\n    else:\n        app.config.from_pyfile(FILE)\n"
    "def of_tests(app):\n    app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite://'\n"
)


def test_what_nobody_decides_any_more_is_not_the_one_that_is_written_down(engine, monkeypatch):
    """Too many conditions: then a database that only tests use is not the database."""
    assert {value_of(pool.dialect) for pool in engine(BY_FILE.format(later="")).alternatives} == {"sqlite", None}
    monkeypatch.setattr(evaluate, "MOST_WORK", 0)
    assert {value_of(pool.dialect) for pool in engine(BY_FILE.format(later="")).alternatives} == {None}


def test_a_uri_that_gets_an_ending_is_still_the_configured_one(engine):
    ending = "    app.config['SQLALCHEMY_DATABASE_URI'] += '?charset=utf8mb4'\n"
    options = "    if 'mysql' in app.config['SQLALCHEMY_DATABASE_URI']:\n        app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 20}\n"
    found = engine(BY_FILE.format(later=ending + options)).alternatives
    assert {(value_of(pool.dialect), value_of(pool.pool_size)) for pool in found} == {("sqlite", None), (None, 20), (None, None)}


def test_the_application_that_migrations_make_is_none_of_its_own(engine):
    web = f"class Web:\n    SQLALCHEMY_DATABASE_URI = '{URI}'\n    SQLALCHEMY_ENGINE_OPTIONS = {{'pool_size': 20}}"
    further = "if os.getenv('SETTINGS'):\n        app.config.from_envvar('SETTINGS')"
    files = {
        "app/db.py": MADE,
        "app/web.py": application(f"import os\nfrom app.db import db\n{web}", "app.config.from_object(Web)", further, "db.init_app(app)"),
        "users/env.py": application("import os\nfrom alembic import context\nfrom app.db import db", further),
    }
    assert {pool.pool_size.value for pool in engine(files).live} == {20}


RELOADED = {
    "config.py": "import os\nclass Config:\n    SQLALCHEMY_DATABASE_URI = os.environ['DATABASE_URL']\n"
    "    SQLALCHEMY_ENGINE_OPTIONS = {'pool_size': 7}\nclass Production(Config):\n    LOUD = False\n"
    "class Trial(Config):\n    SQLALCHEMY_DATABASE_URI = os.environ['TRIAL_URL']\n    SQLALCHEMY_ENGINE_OPTIONS = {'pool_size': 1}\n",
    "settings.py": "from flask import current_app\ndef change(row):\n    if row.trial and not current_app.config['TRIAL']:\n"
    "        current_app.config.from_object('config.Trial')\n    if row.live:\n        current_app.config.from_object('config.Production')\n",
}


@pytest.mark.parametrize("version", ["2.5.1", "3.1.1"])
def test_what_a_running_application_loads_comes_after_its_engine(engine, version):
    app = START + "import settings\napp.config.from_object('config.Production')\ndb = SQLAlchemy(app)\n"
    (pool,) = engine({"app.py": app, **RELOADED}, version).alternatives
    assert (pool.pool_size.value, pool.identities) == (7, ("env:DATABASE_URL",))


def test_what_only_a_running_application_loads_counts(engine):
    app = START + "import settings\ndb = SQLAlchemy(app)\n"
    text = "from flask import current_app\ncurrent_app.config.from_object('config.Trial')\n"
    assert live(engine({"app.py": app, **RELOADED, "settings.py": text})).pool_size.value == 1


class TestLite:
    """Flask-SQLAlchemy-Lite, as tests/proofs/test_flask_lite.py measures it."""

    @pytest.mark.parametrize("name", LITE)
    def test_every_entry_is_an_engine_with_its_options(self, engines, name):
        source, expected = LITE[name]
        found = {}
        for engine in engines(LITE_START + source):
            pool = live(engine)
            numbers = (pool.pool_size, pool.max_overflow, pool.pool_recycle, pool.pool_pre_ping)
            key = f"{'async ' if engine.is_async else ''}{engine.bind or 'default'}"
            found[key] = (pool.pool_class.value, *map(value_of, numbers))
        assert found == expected

    def test_a_configuration_that_is_not_here_leaves_the_options_open(self, engine):
        source = LITE_START + "app.config.from_object('elsewhere')\ndb = SQLAlchemy(app, engine_options={'pool_size': 3})\n"
        pool = live(engine(source))
        assert isinstance(pool.pool_pre_ping, Unknown) and not pool.complete

    def test_a_class_below_it_is_one_as_well(self, engine):
        source, expected = LITE["an entry's options go over the constructor's"]
        source = source.replace("db = SQLAlchemy", "class Mine(SQLAlchemy):\n    pass\ndb = Mine")
        assert live(engine(LITE_START + source)).pool_size.value == expected["default"][1]
