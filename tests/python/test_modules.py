"""Names across modules: source roots, imports of every kind, and what is no module of the project."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from evaluating import Project
from poollint.facts import Location
from poollint.python.source.modules import Module


def module_of(tmp_path: Path, files: dict[str, str], path: str) -> Module:
    module = Project(tmp_path, files).modules.module(path)
    assert module is not None
    return module


def callee(module: Module, name: str) -> str | None:
    return module.qualified(module.calls_of(name)[0].func)


IMPORTS = [
    ("from sqlalchemy import create_engine\ncreate_engine()", "sqlalchemy.create_engine"),
    ("import sqlalchemy\nsqlalchemy.create_engine()", "sqlalchemy.create_engine"),
    ("import sqlalchemy as sa\nsa.create_engine()", "sqlalchemy.create_engine"),
    ("import sqlalchemy as db\nmake = db.create_engine\nmake.create_engine()", "sqlalchemy.create_engine.create_engine"),
    ("from sqlalchemy.engine import create_engine\ncreate_engine()", "sqlalchemy.create_engine"),
    ("from sqlalchemy.engine.create import create_engine\ncreate_engine()", "sqlalchemy.create_engine"),
    ("from sqlalchemy.future import create_engine\ncreate_engine()", "sqlalchemy.create_engine"),
    ("from sqlmodel import create_engine\ncreate_engine()", "sqlalchemy.create_engine"),
    ("import sqlmodel\nsqlmodel.create_engine()", "sqlalchemy.create_engine"),
    ("from sqlalchemy import *\ncreate_engine()", "sqlalchemy.create_engine"),
    ("from sqlalchemy import create_engine as make\nmake.create_engine()", "sqlalchemy.create_engine.create_engine"),
    ("import sqlalchemy.engine\nsqlalchemy.engine.create_engine()", "sqlalchemy.create_engine"),
    ("def f():\n    from sqlalchemy import create_engine\n    create_engine()", "sqlalchemy.create_engine"),
    ("try:\n    from sqlalchemy import create_engine\nexcept ImportError:\n    create_engine = None\ncreate_engine()",
     "sqlalchemy.create_engine"),
    ("def create_engine():\n    pass\ncreate_engine()", "main.create_engine"),
    ("from sqlalchemy import create_engine\ndef create_engine():\n    pass\ncreate_engine()", "main.create_engine"),
    ("def f(create_engine):\n    create_engine()", None),
    ("client = object()\nclient.create_engine()", None),
    ("from elsewhere import client\nclient.create_engine()", "elsewhere.client.create_engine"),
    ("class C:\n    def create_engine(self):\n        self.create_engine()", None),
    ("create_engine()", None),
]  # fmt: skip


@pytest.mark.parametrize(("program", "name"), IMPORTS)
def test_a_callee_is_named_after_its_import(tmp_path: Path, program: str, name: str | None) -> None:
    assert callee(module_of(tmp_path, {"main.py": program}, "main.py"), "create_engine") == name


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("from sqlalchemy.ext.asyncio import create_async_engine as f", "sqlalchemy.ext.asyncio.create_async_engine"),
        (
            "from sqlalchemy.ext.asyncio.engine import create_async_engine as f",
            "sqlalchemy.ext.asyncio.create_async_engine",
        ),
        ("from sqlalchemy.pool.impl import NullPool as f", "sqlalchemy.pool.NullPool"),
        ("from sqlalchemy import NullPool as f", "sqlalchemy.pool.NullPool"),
        ("from sqlalchemy.pool import NullPool as f", "sqlalchemy.pool.NullPool"),
        ("from sqlmodel.pool import StaticPool as f", "sqlalchemy.pool.StaticPool"),
        ("from sqlalchemy.engine.url import make_url as f", "sqlalchemy.engine.make_url"),
        ("from sqlalchemy import engine_from_config as f", "sqlalchemy.engine_from_config"),
        (
            "from sqlalchemy.ext.asyncio import async_engine_from_config as f",
            "sqlalchemy.ext.asyncio.async_engine_from_config",
        ),
        ("from pydantic.v1 import BaseSettings as f", "pydantic.BaseSettings"),
        ("from pydantic_settings import BaseSettings as f", "pydantic_settings.BaseSettings"),
    ],
)
def test_every_path_to_a_thing_gives_one_name(tmp_path: Path, expression: str, name: str) -> None:
    assert callee(module_of(tmp_path, {"main.py": f"{expression}\nf()"}, "main.py"), "f") == name


# -- values across modules ---------------------------------------------------------------------------------------------

LAYOUTS = [
    ("a sibling", {"main.py": "import config\nresult = config.SIZE", "config.py": "SIZE = 5"}),
    ("a package", {"main.py": "from app.config import SIZE\nresult = SIZE", "app/__init__.py": "", "app/config.py": "SIZE = 5"}),
    ("import a.b as c", {"main.py": "import app.config as c\nresult = c.SIZE", "app/__init__.py": "", "app/config.py": "SIZE = 5"}),
    ("import a.b", {"main.py": "import app.config\nresult = app.config.SIZE", "app/__init__.py": "", "app/config.py": "SIZE = 5"}),
    ("from a import b", {"main.py": "from app import config\nresult = config.SIZE", "app/__init__.py": "", "app/config.py": "SIZE = 5"}),
    ("a namespace package", {"main.py": "from app.core import config\nresult = config.SIZE", "app/core/config.py": "SIZE = 5"}),
    ("import of a namespace package", {"main.py": "import app.core.config\nresult = app.core.config.SIZE", "app/core/config.py": "SIZE = 5"}),
    ("a re-export", {"main.py": "from app import SIZE\nresult = SIZE", "app/__init__.py": "from .config import SIZE", "app/config.py": "SIZE = 5"}),
    ("a re-export under another name", {"main.py": "from app import N\nresult = N", "app/__init__.py": "from .config import SIZE as N", "app/config.py": "SIZE = 5"}),
    ("a star import", {"main.py": "from app.config import *\nresult = SIZE", "app/__init__.py": "", "app/config.py": "SIZE = 5"}),
    ("stars of stars", {"main.py": "from a import *\nresult = SIZE", "a.py": "from b import *", "b.py": "SIZE = 5"}),
    ("a conditional import", {"main.py": "try:\n    from local import SIZE\nexcept ImportError:\n    SIZE = 1\nresult = SIZE", "local.py": "SIZE = 5"}),
    ("an instance", {"main.py": "from app import settings\nresult = settings.size", "app.py": "class S:\n    size = 5\nsettings = S()"}),
    ("imports in a circle", {"main.py": "import a\nresult = a.SIZE", "a.py": "import b\nSIZE = b.HALF * 2 + 1", "b.py": "import a\nHALF = 2"}),
]  # fmt: skip


@pytest.mark.parametrize("files", [row[1] for row in LAYOUTS], ids=[row[0] for row in LAYOUTS])
def test_a_constant_is_found_through(tmp_path: Path, files: dict[str, str]) -> None:
    value = Project(tmp_path, files).value()
    assert getattr(value, "value", value) == 5


RELATIVE = [
    ("from .config import SIZE", "app/api/config.py"),
    ("from . import config\nSIZE = config.SIZE", "app/api/config.py"),
    ("from ..config import SIZE", "app/config.py"),
    ("from ..core.config import SIZE", "app/core/config.py"),
    ("from app.core.config import SIZE", "app/core/config.py"),
]


@pytest.mark.parametrize(("line", "path"), RELATIVE)
def test_relative_imports_count_from_the_importing_file(tmp_path: Path, line: str, path: str) -> None:
    packages = {"app/__init__.py": "", "app/api/__init__.py": "", "app/core/__init__.py": ""}
    project = Project(tmp_path, {**packages, "app/api/main.py": f"{line}\nresult = SIZE", path: "SIZE = 5"})
    (value,) = project.alternatives(path="app/api/main.py")
    assert getattr(value, "value", value) == 5


def test_the_same_package_name_twice_means_the_one_of_the_own_service(tmp_path: Path) -> None:
    files = {
        f"services/{name}/app/{file}": text.format(size=size)
        for name, size in (("a", 1), ("b", 2))
        for file, text in (
            ("__init__.py", ""),
            ("config.py", "SIZE = {size}"),
            ("main.py", "from app.config import SIZE\nresult = SIZE"),
        )
    }
    project = Project(tmp_path, files)
    sizes = [project.alternatives(path=f"services/{name}/app/main.py") for name in ("a", "b")]
    assert [value[0].value for value in sizes] == [1, 2]  # type: ignore[union-attr]


@pytest.mark.parametrize(("init", "found"), [("", None), ("__path__ = extend_path(__path__, __name__)", "b/app/jobs.py")])
def test_what_the_own_package_lacks_is_not_taken_from_another_service(
    tmp_path: Path, init: str, found: str | None
) -> None:
    files = {"a/app/__init__.py": init, "a/app/main.py": "", "b/app/__init__.py": init, "b/app/jobs.py": ""}
    modules = Project(tmp_path, files).modules
    assert modules.path_of("app.jobs", "a/app/main.py") == found
    assert modules.path_of("app.jobs", "b/app/__init__.py") == "b/app/jobs.py"


def test_a_package_of_the_same_name_further_out_hides_only_what_it_has(tmp_path: Path) -> None:
    files = {"src/__init__.py": "", "src/other.py": "", "backend/src/db.py": "SIZE = 3", "backend/src/main.py": ""}
    modules = Project(tmp_path, files).modules
    assert modules.path_of("src.db", "backend/src/main.py") == "backend/src/db.py"
    assert modules.path_of("src.db", "src/other.py") is None


def test_a_test_finds_the_package_in_src(tmp_path: Path) -> None:
    project = Project(tmp_path, {"src/app/__init__.py": "", "src/app/db.py": "", "tests/test_db.py": "import app.db"})
    assert project.modules.path_of("app.db", "tests/test_db.py") == "src/app/db.py"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"api/src/shop/__init__.py": ""}, "api/src/shop/__init__.py"),
        ({"libs/shop/pyproject.toml": "", "libs/shop/shop/__init__.py": ""}, "libs/shop/shop/__init__.py"),
        ({"libs/shop/setup.py": "", "libs/shop/shop/__init__.py": ""}, "libs/shop/shop/__init__.py"),
        ({"api/vendor/shop/__init__.py": ""}, None),
        ({"api/src/shop.py": ""}, None),
        ({"api/src/__init__.py": "", "api/src/shop/__init__.py": ""}, None),
        ({"libs/a/src/shop/__init__.py": "", "libs/b/src/shop/__init__.py": ""}, None),
    ],
)
def test_a_package_of_a_source_root_is_found_by_its_name_alone(tmp_path: Path, files: dict[str, str], found: str | None) -> None:
    modules = Project(tmp_path, {**files, "api/wsgi.py": "from shop import create_app"}).modules
    assert modules.path_of("shop", "api/wsgi.py") == found
    assert modules.graph.imports("api/wsgi.py") == frozenset({found} if found else ())


@pytest.mark.parametrize("importer", ["app/main.py", "worker/main.py"])
def test_a_module_hides_the_folder_of_its_name_unless_that_is_a_package(tmp_path: Path, importer: str) -> None:
    files = {"app/__init__.py": "", "app/db.py": "", "app/db/session.py": "", importer: ""}
    modules = Project(tmp_path / "module", files).modules
    assert (modules.path_of("app.db", importer), modules.path_of("app.db.session", importer)) == ("app/db.py", None)
    assert modules.relative("app/main.py", 1, "db.session") is None
    modules = Project(tmp_path / "package", {**files, "app/db/__init__.py": ""}).modules
    paths = modules.path_of("app.db", importer), modules.path_of("app.db.session", importer)
    assert paths == ("app/db/__init__.py", "app/db/session.py")


def test_two_roots_that_are_equally_far_are_nobodys(tmp_path: Path) -> None:
    project = Project(tmp_path, {"a/app/db.py": "", "b/app/db.py": "", "tests/test_db.py": ""})
    assert project.modules.path_of("app.db", "tests/test_db.py") is None


RENAMED = {
    "setup.py": "from setuptools import setup\nsetup(packages=['shop'], package_dir={'shop': 'core'})\n",
    "pyproject.toml": "[tool.setuptools.package-dir]\nshop = 'core'\n",
}


@pytest.mark.parametrize("name", RENAMED)
def test_a_package_may_be_installed_under_another_name_than_its_folders(tmp_path: Path, name: str) -> None:
    files = {f"lib/{name}": RENAMED[name], "lib/core/db.py": "", "lib/core/__init__.py": "", "web/app.py": ""}
    modules = Project(tmp_path, files).modules
    assert modules.path_of("shop.db", "web/app.py") == "lib/core/db.py"
    assert modules.path_of("shop", "web/app.py") == "lib/core/__init__.py"
    assert modules.path_of("shop.other", "web/app.py") is None


def test_a_source_root_renames_nothing_and_two_packages_of_one_name_are_nobodys(tmp_path: Path) -> None:
    root = {"setup.py": "setup(package_dir={'': 'src'})", "src/core/db.py": "", "web/app.py": ""}
    assert Project(tmp_path / "root", root).modules.path_of("shop.db", "web/app.py") is None
    two = {f"{at}/{path}": text for at in "ab" for path, text in {"setup.py": RENAMED["setup.py"], "core/db.py": ""}.items()}
    assert Project(tmp_path / "two", {**two, "web/app.py": ""}).modules.path_of("shop.db", "web/app.py") is None


def test_a_setup_file_that_is_no_python_renames_nothing(tmp_path: Path) -> None:
    files = {"setup.py": "setup(package_dir={'shop': 'core'}", "core/db.py": "", "web/app.py": ""}
    assert Project(tmp_path, files).modules.path_of("shop.db", "web/app.py") is None


@pytest.mark.parametrize("name", ["sqlalchemy", "logging", "pydantic"])
def test_a_file_named_like_a_library_does_not_shadow_it(tmp_path: Path, name: str) -> None:
    project = Project(tmp_path, {"app/__init__.py": "", f"app/core/{name}.py": "", "app/core/main.py": ""})
    assert project.modules.path_of(name, "app/core/main.py") is None


def test_a_file_deep_in_another_package_is_no_top_level_module(tmp_path: Path) -> None:
    project = Project(
        tmp_path, {"app/__init__.py": "", "app/cache/__init__.py": "", "app/cache/redis.py": "", "app/main.py": ""}
    )
    assert project.modules.path_of("redis", "app/main.py") is None


def test_a_module_is_no_import_of_itself(tmp_path: Path) -> None:
    project = Project(tmp_path, {"redis.py": "import redis"})
    assert project.modules.path_of("redis", "redis.py") is None


def test_a_module_has_the_name_from_its_root(tmp_path: Path) -> None:
    files = {"src/app/__init__.py": "", "src/app/db/__init__.py": "", "src/app/db/session.py": ""}
    assert module_of(tmp_path, files, "src/app/db/session.py").name == "app.db.session"
    assert module_of(tmp_path, files, "src/app/db/__init__.py").name == "app.db"


# -- files that cannot be read -----------------------------------------------------------------------------------------

HOSTILE = [
    ("print 'python 2'", "not Python 3.", 1),
    ("x = 1\nclass {{ name }}:\n    pass", "not Python 3.", 2),
    ("x = '\0'", "null byte", None),
    ("(" * 60_000, "not Python 3.", 1),
    ("x = " + "[" * 60_000 + "]" * 60_000, "not Python 3.", 1),
    ("x = " + "-" * 100_000 + "1", "nested too deeply", None),
    ("x = " + "not " * 50_000 + "1", "nested too deeply", None),
    ("x = a" + ".b" * 50_000, "nested too deeply", None),
    ("x = 1" + " + 1" * 50_000, "nested too deeply", None),
    ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), None, None),
]


@pytest.mark.parametrize(("text", "reason", "line"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_file_that_does_not_parse_is_said_and_ends_nothing(
    tmp_path: Path, text: str, reason: str | None, line: int | None
) -> None:
    project = Project(tmp_path, {"bad.py": text, "main.py": "import bad\nresult = bad.SIZE"})
    value = project.value()
    assert not hasattr(value, "value")
    skipped = [skipped for skipped in project.modules.tree.skipped if skipped.path == "bad.py"]
    if reason is not None:
        assert [(reason in found.reason, found.line) for found in skipped] == [(True, line)]


def test_columns_count_characters_not_bytes(tmp_path: Path) -> None:
    module = module_of(tmp_path, {"main.py": "ä = 'ö'; f(ä)\n"}, "main.py")
    assert module.location(module.calls_of("f")[0]) == Location("main.py", 1, 10, 1, 14)


def test_carriage_returns_and_form_feeds_move_no_line(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_bytes(b"a = 1\r\nb = '\x0c'\r\nf()\r\n")
    module = Project(tmp_path, {}).modules.module("main.py")
    assert module is not None
    assert module.location(module.calls_of("f")[0]).line == 3
    assert module.source(module.calls_of("f")[0]) == "f()"


def test_imports_are_listed_with_their_lines(tmp_path: Path) -> None:
    module = module_of(tmp_path, {"main.py": "import a.b\nfrom ..c import d as e\ndef f():\n    import g\n"}, "main.py")
    assert [(i.module, i.name, i.alias, i.level, i.line) for i in module.imports] == [
        ("a.b", None, "a", 0, 1),
        ("c", "d", "e", 2, 2),
        ("g", None, "g", 0, 4),
    ]


def test_the_scope_of_a_node_is_the_innermost_one_that_runs_it(tmp_path: Path) -> None:
    program = "@dec(1)\ndef f(a=default):\n    return [inner for inner in outer]\n"
    module = module_of(tmp_path, {"main.py": program}, "main.py")
    kinds = {node.id: type(module.scope_at(node).node) for node in ast.walk(module.tree) if isinstance(node, ast.Name)}
    assert kinds == {"dec": ast.Module, "default": ast.Module, "inner": ast.ListComp, "outer": ast.FunctionDef}
