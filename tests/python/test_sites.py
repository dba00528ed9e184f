"""Which calls create engines, where exactly they stand, and what hostile files do to the finder."""

from __future__ import annotations

import subprocess
import sys

import pytest

from poollint.python.sites import DEEPEST, MOST_IN_FILE, Sites
from poollint.python.source.modules import Modules


@pytest.fixture
def sites(make_tree):
    return lambda files: Sites(Modules(make_tree(files))).found


@pytest.fixture
def found(sites):
    """Return (place, factory) of every creation."""
    return lambda files: [(str(site.location), site.factory) for site in sites(files)]


@pytest.mark.parametrize(
    ("statement", "call", "factory"),
    [
        ("from sqlalchemy import create_engine", "create_engine", "create_engine"),
        ("from sqlalchemy import create_engine as connect", "connect", "create_engine"),
        ("import sqlalchemy", "sqlalchemy.create_engine", "create_engine"),
        ("import sqlalchemy as sa", "sa.create_engine", "create_engine"),
        ("import sqlalchemy.engine", "sqlalchemy.engine.create_engine", "create_engine"),
        ("from sqlalchemy.engine import create_engine", "create_engine", "create_engine"),
        ("from sqlalchemy.engine.create import create_engine", "create_engine", "create_engine"),
        ("from sqlalchemy.future import create_engine", "create_engine", "create_engine"),
        ("from sqlmodel import create_engine", "create_engine", "create_engine"),
        ("from sqlalchemy import engine_from_config", "engine_from_config", "engine_from_config"),
        ("from sqlalchemy.ext.asyncio import create_async_engine", "create_async_engine", "create_async_engine"),
        ("from sqlalchemy.ext.asyncio.engine import create_async_engine", "create_async_engine", "create_async_engine"),
        ("from sqlalchemy.ext import asyncio as sa", "sa.async_engine_from_config", "async_engine_from_config"),
        ("from flask_sqlalchemy import SQLAlchemy", "SQLAlchemy", "flask-sqlalchemy"),
    ],
)
def test_a_factory_is_found_by_every_name_it_can_be_imported_by(found, statement, call, factory):
    assert found({"db.py": f"{statement}\nengine = {call}('x')\n"}) == [("db.py:2", factory)]


def test_another_strategy_than_mock_is_an_engine(found):
    text = "from sqlalchemy import create_engine\ncreate_engine('x', strategy='threadlocal')\n"
    assert found({"db.py": text}) == [("db.py:2", "create_engine")]


@pytest.mark.parametrize(
    "text",
    [
        "def create_engine(): ...\ncreate_engine()\n",
        "from search import create_engine\ncreate_engine('x')\n",
        "client.create_engine('x')\n",
        "class Client:\n    def create_engine(self): ...\n    def run(self): self.create_engine()\n",
        "# create_engine('x') from sqlalchemy\n",
        "TEXT = 'from sqlalchemy import create_engine; create_engine(1)'\n",
        "from sqlalchemy import create_engine\n",
        "from sqlalchemy import create_engine\ndef f(create_engine): create_engine('x')\n",
        "from sqlalchemy import create_mock_engine\ncreate_mock_engine('x', None)\n",
        "from sqlalchemy import create_engine\ncreate_engine('x', strategy='mock', executor=print)\n",
    ],
)
def test_what_only_looks_like_it_is_not(found, text):
    assert found({"db.py": text}) == []


def test_a_function_of_the_project_that_wraps_it_is_found_inside(found):
    files = {
        "app/db.py": "import sqlalchemy\ndef create_engine(url):\n    return sqlalchemy.create_engine(url)\n",
        "app/main.py": "from app.db import create_engine\nengine = create_engine('x')\n",
        "app/__init__.py": "",
    }
    assert found(files) == [("app/db.py:3", "create_engine")]


def test_a_re_export_is_followed(found):
    files = {
        "app/__init__.py": "",
        "app/sql.py": "from sqlalchemy import create_engine\n",
        "app/db.py": "from app.sql import create_engine\nengine = create_engine('x')\n",
    }
    assert found(files) == [("app/db.py:2", "create_engine")]


def test_a_subclass_of_flask_sqlalchemy_counts_wherever_it_is_constructed(found):
    files = {
        "app/__init__.py": "",
        "app/routing.py": "from flask_sqlalchemy import SQLAlchemy\nclass Routing(SQLAlchemy): ...\n",
        "app/db.py": "from app.routing import Routing\ndb = Routing()\n",
    }
    assert found(files) == [("app/db.py:2", "flask-sqlalchemy")]


def test_a_partial_of_the_factory_is_a_creation(sites):
    (site,) = sites(
        {
            "db.py": "from functools import partial\nfrom sqlalchemy import create_engine\n"
            "make = partial(create_engine, 'x')\n"
        }
    )
    assert (site.factory, site.skip) == ("create_engine", 1)


@pytest.mark.parametrize(
    ("provider", "count"),
    [
        ("Singleton(create_engine, 'x', pool_size=3)", 1),
        ("Resource(create_engine, 'x')", 1),
        ("Singleton(Database, 'x')", 0),
        ("Object(create_engine)", 0),
    ],
)
def test_a_provider_of_the_factory_is_a_creation(sites, provider, count):
    text = "from dependency_injector import containers, providers\nfrom sqlalchemy import create_engine\n"
    text += f"class Container(containers.DeclarativeContainer):\n    engine = providers.{provider}\n"
    found = sites({"db.py": text})
    assert [(site.factory, site.skip) for site in found] == [("create_engine", 1)] * count


@pytest.mark.parametrize(
    ("text", "is_async"),
    [
        ("engine = create_engine('x')", False),
        ("engine = AsyncEngine(create_engine('x'))", True),
        ("engine = create_engine('x')\nasync_engine = AsyncEngine(engine)", True),
        ("engine = create_async_engine('x')", True),
        ("from sqlmodel.ext.asyncio.session import AsyncEngine\nengine = AsyncEngine(create_engine('x'))", True),
        ("from sqlalchemy.ext.asyncio.engine import AsyncEngine\nengine = AsyncEngine(create_engine('x'))", True),
    ],
)
def test_an_async_engine_is_known_by_its_factory_or_its_wrapper(sites, text, is_async):
    imports = (
        "from sqlalchemy import create_engine\nfrom sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine\n"
    )
    (site,) = sites({"db.py": imports + text + "\n"})
    assert site.is_async is is_async


def test_a_place_counts_code_points_and_ends_after_the_bracket(sites):
    (site,) = sites({"db.py": "import sqlalchemy as sa\nnäme, engine = 'ä🙂', sa.create_engine(\n    'x',\n)\n"})
    at = site.location
    assert (at.line, at.column, at.end_line, at.end_column) == (2, 22, 4, 2)


def test_the_shortest_of_several_calls_that_start_together_is_the_creation(sites):
    (site,) = sites({"db.py": "from sqlalchemy import create_engine\nc = create_engine('x').connect()\n"})
    assert (site.location.column, site.location.end_column) == (5, 23)


def test_creations_of_one_scope_are_numbered(sites):
    text = (
        "from sqlalchemy import create_engine\na = create_engine('x')\n"
        "b = create_engine('y')\ndef f(): return create_engine('z')\n"
    )
    assert [(s.qualname, s.ordinal) for s in sites({"db.py": text})] == [("<module>", 0), ("<module>", 1), ("f", 0)]


def test_a_file_that_does_not_parse_is_skipped_and_the_others_are_read(make_tree):
    tree = make_tree({"a.py": "create_engine(\n", "b.py": "from sqlalchemy import create_engine\ncreate_engine('x')\n"})
    assert [str(site.location) for site in Sites(Modules(tree)).found] == ["b.py:2"]
    assert [skipped.path for skipped in tree.skipped] == ["a.py"]


def test_a_file_full_of_engines_is_read_up_to_a_limit(make_tree):
    text = "from sqlalchemy import create_engine\n" + "create_engine('x')\n" * (MOST_IN_FILE + 5)
    tree = make_tree({"a.py": text})
    assert len(Sites(Modules(tree)).found) == MOST_IN_FILE
    assert [skipped.path for skipped in tree.skipped] == ["a.py"]


KILLERS = {
    "brackets": "x = " + "(" * 1500 + ")" * 1500,
    "a list of lists": "x = " + "[" * 190 + "]" * 190,
    "calls of calls": "x = " + "f(" * 190 + ")" * 190,
    "and": "x = 1" + " and 1" * 50_000,
    "sum": "x = 1" + " + 1" * 2_000,
    "not": "x = " + "not " * 900 + "1",
    "attributes": "x = a" + ".b" * 900,
    "elif": "if a:\n    pass\n" + "elif a:\n    pass\n" * 900,
    "comprehension": "x = [a" + " for a in b" * 5_000 + "]",
    "strings": "x = " + "'a' " * 5_000,
    "lambda": "x = " + "lambda: " * 900 + "1",
}


@pytest.mark.parametrize("name", KILLERS)
def test_no_nesting_ends_the_process(tmp_path, name):
    """libcst's compiled parser has no limit of its own: this runs in a process of its own, which must end by itself."""
    text = f"from sqlalchemy import create_engine\nengine = create_engine('x')\n{KILLERS[name]}\n"
    (tmp_path / "a.py").write_text(text)
    (tmp_path / "b.py").write_text("from sqlalchemy import create_engine\nengine = create_engine('x')\n")
    program = (
        "import sys; from pathlib import Path; from poollint.discover import discover\n"
        "from poollint.python.source.modules import Modules; from poollint.python.sites import Sites\n"
        "tree = discover([Path(sys.argv[1])])\n"
        "print([s.location.path for s in Sites(Modules(tree)).found], tree.skipped)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-500:]
    assert "'b.py'" in done.stdout


def test_what_people_write_is_far_from_the_limit(found):
    deep = "f(" * (DEEPEST // 4) + ")" * (DEEPEST // 4)
    assert found({"db.py": f"from sqlalchemy import create_engine\ncreate_engine('x')\ny = {deep}\n"}) == [
        ("db.py:2", "create_engine")
    ]


def test_libcst_is_not_imported_without_an_engine(tmp_path):
    (tmp_path / "a.py").write_text("# create_engine\ndef create_engine(): ...\ncreate_engine()\n")
    program = (
        "import sys; from pathlib import Path; from poollint.discover import discover\n"
        "from poollint.python.code import Code\n"
        "code = Code(discover([Path(sys.argv[1])])); print(code.engines(), 'libcst' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["()", "False"], done.stderr[-500:]


def test_what_pip_has_put_into_the_tree_is_not_the_projects(found):
    makes = "from sqlalchemy import create_engine\nengine = create_engine('sqlite://')\n"
    record = "../../bin/tool,,\ntool/db.py,sha256=x,12\n../app.py,,\ntool-1.0.dist-info/RECORD,,\n"
    files = {"libs/tool/db.py": makes, "libs/own.py": makes, "app.py": makes, "libs/tool-1.0.dist-info/RECORD": record}
    assert [place for place, _ in found(files)] == ["app.py:2", "libs/own.py:2"]
