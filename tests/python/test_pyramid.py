"""Settings that PasteDeploy and Pyramid hand to the code: which file they stand in, and where they arrive."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from poollint.facts import Known, value_of
from poollint.python.code import Code
from poollint.python.libraries.paste import Applications
from poollint.readers import versions

INI = """
[DEFAULT]
shared = 1
sqlalchemy.max_overflow = 3

[app:main]
use = egg:Orders_App
sqlalchemy.url = postgresql+psycopg2://db/orders
sqlalchemy.pool_size = 20
sqlalchemy.pool_recycle = 900
sqlalchemy.max_overflow = 7
shared = 2
get retries = shared
set shared = 9

[server:main]
use = egg:waitress#main
"""
SETUP = (
    "from setuptools import setup\n"
    "setup(name='orders.app', entry_points={'paste.app_factory': ['main = orders:main']})\n"
)
MAIN = (
    "from pyramid.config import Configurator\nfrom sqlalchemy import engine_from_config\n"
    "def main(global_config, **settings):\n    engine = engine_from_config(settings, 'sqlalchemy.')\n"
    "    return Configurator(settings=settings).make_wsgi_app()\n"
)
VERSIONS = "sqlalchemy==2.0.36\n"
PROJECT = {"setup.py": SETUP, "production.ini": INI, "orders/__init__.py": MAIN, "requirements.txt": VERSIONS}


@pytest.fixture
def pools(make_tree):
    """Return the alternatives of the only engine."""

    def pools(files):
        tree = make_tree(files)
        code = Code(tree)
        code.declare(tuple(versions.read(tree)))
        (found,) = code.engines()
        return found.alternatives

    return pools


@pytest.fixture
def pool(pools):
    def pool(files):
        (found,) = pools(files)
        return found

    return pool


def four(pool):
    names = ("driver", "pool_size", "max_overflow", "pool_recycle")
    return tuple(value_of(getattr(pool, name)) for name in names)


def test_a_factory_gets_the_settings_of_the_file_that_starts_it(pool):
    """`sqlalchemy.max_overflow` also stands in `[DEFAULT]`: PasteDeploy then passes neither."""
    found = pool(PROJECT)
    assert four(found) == ("psycopg2", 20, 10, 900)
    assert (found.pool_size.certainty, str(found.pool_size.origin.location)) == ("exact", "production.ini:9")


def test_pastedeploy_passes_what_is_read(tmp_path: Path, make_tree):
    loadwsgi = pytest.importorskip("paste.deploy.loadwsgi")
    probe = "call:orders_probe:main"
    (tmp_path / "probe.ini").write_text(INI.replace("egg:Orders_App", probe), "utf-8")
    (tmp_path / "orders_probe.py").write_text("def main(global_config, **settings):\n    return settings\n", "utf-8")
    sys.path.insert(0, str(tmp_path))
    try:
        passed = loadwsgi.loadapp(f"config:{tmp_path}/probe.ini")
    finally:
        sys.path.remove(str(tmp_path))
    settings = Applications(Code(make_tree({})).modules).settings_in("probe.ini")
    assert settings is not None
    assert {key: value_of(value) for key, value in settings.entries.items()} == passed


PLACES = {
    "setup.py with text": {
        "setup.py": "from setuptools import setup\nsetup(name='orders-app', entry_points='''\n"
        "    [paste.app_factory]\n    main = orders:main\n    [console_scripts]\n    x = orders:x\n''')\n"
    },
    "setup.cfg": {
        "setup.py": "from setuptools import setup\nsetup()\n",
        "setup.cfg": "[metadata]\nname = orders_app\n"
        "[options.entry_points]\npaste.app_factory =\n    main = orders:main\n",
    },
    "pyproject": {
        "setup.py": "",
        "pyproject.toml": '[project]\nname = "orders-app"\n'
        '[project.entry-points."paste.app_factory"]\nmain = "orders:main"\n',
    },
    "poetry": {
        "setup.py": "",
        "pyproject.toml": '[tool.poetry]\nname = "orders-app"\n'
        '[tool.poetry.plugins."paste.app_factory"]\nmain = "orders:main"\n',
    },
    "by name": {"setup.py": "", "production.ini": INI.replace("egg:Orders_App", "call:orders:main")},
    "by protocol": {
        "setup.py": "",
        "production.ini": INI.replace("use = egg:Orders_App", "paste.app_factory = orders:main"),
    },
    "a pipeline": {
        "production.ini": INI.replace("[app:main]", "[app:orders]") + "[pipeline:main]\npipeline = orders\n",
    },
    "over another file": {
        "base.ini": INI.replace("pool_size = 20", "pool_size = 2"),
        "production.ini": "[app:main]\nuse = config:base.ini\nsqlalchemy.pool_size = 20\n",
    },
    "over another section": {
        "production.ini": INI.replace("[app:main]", "[app:base]")
        + "[app:main]\nuse = base\nsqlalchemy.pool_size = 20\n",
    },
}


@pytest.mark.parametrize("place", PLACES)
def test_a_section_leads_to_its_function(pool, place):
    assert four(pool({**PROJECT, **PLACES[place]}))[:2] == ("psycopg2", 20)


def test_a_distribution_may_be_built_from_src(pool):
    files = {path: text for path, text in PROJECT.items() if not path.startswith("orders/")}
    assert four(pool({**files, "src/orders/__init__.py": MAIN}))[:2] == ("psycopg2", 20)


ELSEWHERE = {
    "another distribution": {"setup.py": SETUP.replace("orders.app", "other")},
    "another entry point": {"production.ini": INI.replace("egg:Orders_App", "egg:Orders_App#api")},
    "another function": {"setup.py": SETUP.replace("orders:main", "orders:other")},
    "a file for tests": {"production.ini": "", "testing.ini": INI},
    "a filter": {"production.ini": INI.replace("[app:main]", "[filter:main]")},
    "sections that use each other": {
        "production.ini": "[app:main]\nuse = other\n[app:other]\nuse = main\nsqlalchemy.pool_size = 20\n"
    },
}


@pytest.mark.parametrize("place", ELSEWHERE)
def test_what_leads_elsewhere_says_nothing(pool, place):
    found = pool({**PROJECT, **ELSEWHERE[place]})
    assert not isinstance(found.pool_size, Known)
    assert not isinstance(found.pool_pre_ping, Known)


def test_the_file_for_production_counts(pool):
    files = {**PROJECT, "development.ini": INI.replace("pool_size = 20", "pool_size = 1"), "testing.ini": INI}
    assert four(pool(files))[:2] == ("psycopg2", 20)


def test_a_developers_file_alone_is_weak_and_says_nothing_of_what_it_leaves_out(pool):
    files = {path: text for path, text in PROJECT.items() if path != "production.ini"}
    found = pool({**files, "development.ini": INI})
    assert (found.pool_size.value, found.pool_size.certainty) == (20, "fallback")
    assert not isinstance(found.pool_pre_ping, Known)


def test_two_files_for_production_are_alternatives(pools):
    files = {**PROJECT, "eu/production.ini": INI.replace("pool_size = 20", "pool_size = 2")}
    assert {four(pool)[1] for pool in pools(files)} == {2, 20}


# -- where Pyramid hands them on ---------------------------------------------------------------------------------------

# The shape of Pyramid's own starter with SQLAlchemy.
STARTER = {
    **PROJECT,
    "orders/__init__.py": "from pyramid.config import Configurator\ndef main(global_config, **settings):\n"
    "    with Configurator(settings=settings) as config:\n        config.include('.models')\n        config.scan()\n"
    "    return config.make_wsgi_app()\n",
    "orders/models/__init__.py": "from sqlalchemy import engine_from_config\n"
    "def get_engine(settings, prefix='sqlalchemy.'):\n    return engine_from_config(settings, prefix)\n"
    "def includeme(config):\n    settings = config.get_settings()\n"
    "    settings['tm.manager_hook'] = 'pyramid_tm.explicit_manager'\n"
    "    dbengine = settings.get('dbengine')\n    if not dbengine:\n        dbengine = get_engine(settings)\n",
}


def test_the_starter_of_pyramid(pool):
    found = pool(STARTER)
    assert four(found) == ("psycopg2", 20, 10, 900)
    assert str(found.pool_size.origin.location) == "production.ini:9"


@pytest.mark.parametrize("settings", ["config.registry.settings", "config.get_settings()"])
def test_a_configurator_hands_the_settings_on(pool, settings):
    models = "from sqlalchemy import engine_from_config\ndef includeme(config):\n"
    models += f"    engine = engine_from_config({settings})\n"
    assert four(pool({**STARTER, "orders/models/__init__.py": models}))[:2] == ("psycopg2", 20)


def test_a_factory_may_change_the_settings_first(pool):
    main = STARTER["orders/__init__.py"].replace(
        "    with",
        "    settings['sqlalchemy.pool_size'] = '4'\n    settings.setdefault('sqlalchemy.pool_pre_ping', True)\n    with",
    )
    found = pool({**STARTER, "orders/__init__.py": main})
    assert (found.pool_size.value, found.pool_pre_ping.value) == (4, True)


@pytest.mark.parametrize(
    "line",
    [
        "config.add_settings({'sqlalchemy.pool_size': 4})",
        "config.registry.settings['sqlalchemy.pool_size'] = 4",
        "config.add_settings(load())",
    ],
)
def test_what_is_added_to_the_configurator_leaves_the_value_unknown(pool, line):
    main = STARTER["orders/__init__.py"].replace("config.scan()", line)
    assert not isinstance(pool({**STARTER, "orders/__init__.py": main}).pool_size, Known)


def test_two_configurators_of_a_package_say_nothing(pool):
    other = "from pyramid.config import Configurator\nc = Configurator(settings={'a': 1})\n"
    assert not isinstance(pool({**STARTER, "orders/other.py": other}).pool_size, Known)


def test_an_includeme_of_another_package_gets_nothing(pool):
    files = {**STARTER, "plugin/__init__.py": STARTER["orders/models/__init__.py"]}
    files["orders/models/__init__.py"] = ""
    assert not isinstance(pool(files).pool_size, Known)


def test_a_script_gets_the_settings_of_the_file_it_names(pool):
    script = (
        "from pyramid.paster import get_appsettings\nfrom sqlalchemy import engine_from_config\n"
        "engine = engine_from_config(get_appsettings('production.ini'), 'sqlalchemy.')\n"
    )
    files = {**STARTER, "orders/models/__init__.py": "", "script.py": script}
    assert four(pool(files)) == ("psycopg2", 20, 10, 900)
    assert not isinstance(pool({**files, "script.py": script.replace("'production.ini'", "argv[1]")}).pool_size, Known)


def test_pyramid_gives_a_script_what_is_read(tmp_path: Path):
    paster = pytest.importorskip("pyramid.paster")
    file = tmp_path / "production.ini"
    file.write_text(INI.replace("egg:Orders_App", "call:json:loads"), "utf-8")
    found = paster.get_appsettings(str(file))
    assert (found["sqlalchemy.pool_size"], "sqlalchemy.max_overflow" in found) == ("20", False)
