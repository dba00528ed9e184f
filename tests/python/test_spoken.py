"""The server that models are written for, by the column types that only it has."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.exc import CompileError
from sqlalchemy.schema import CreateTable

from poollint.facts import value_of
from poollint.python.code import Code
from poollint.python.spoken import TYPES
from poollint.readers import versions

SERVERS = {"postgresql": postgresql, "mysql": mysql, "sqlite": sqlite}
DB = "import os\nfrom sqlalchemy import create_engine\nengine = create_engine(os.environ['DATABASE_URL'])\n"
JSONB = "from sqlalchemy.dialects.postgresql import JSONB, UUID\nfrom app.db import engine\n"


@pytest.mark.parametrize(("server", "name"), [(server, name) for server, names in TYPES.items() for name in sorted(names)])
def test_no_other_server_makes_a_table_with_the_type(server: str, name: str) -> None:
    kind = getattr(SERVERS[server], name)
    table = Table("t", MetaData(), Column("a", kind(Integer) if name == "ARRAY" else kind()))
    assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=SERVERS[server].dialect()))
    for other in SERVERS.keys() - {server}:
        with pytest.raises(CompileError):
            CreateTable(table).compile(dialect=SERVERS[other].dialect())


@pytest.fixture
def dialect(make_tree):
    def dialect(files: dict[str, str]) -> str | None:
        tree = make_tree({"app/db.py": DB, "app/__init__.py": "", **files})
        code = Code(tree)
        code.declare(tuple(versions.read(tree)))
        (engine,) = code.engines()
        return value_of(engine.live[0].dialect)

    return dialect


@pytest.mark.parametrize(
    ("models", "server"),
    [
        (JSONB, "postgresql"),
        ("from sqlalchemy.dialects.postgresql import (\n    ENUM,\n    TSVECTOR,\n)\nimport app.db\n", "postgresql"),
        ("from sqlalchemy.dialects import postgresql as pg, postgresql\nimport app.db\nx = postgresql.ARRAY\n", "postgresql"),
        ("from sqlalchemy.dialects.mysql import LONGTEXT\nimport app.db\n", "mysql"),
        ("from sqlalchemy.dialects.postgresql import UUID, insert\nimport app.db\n", None),  # every server has a UUID
        ("from sqlalchemy.dialects.postgresql import JSONB\n", None),  # of another program
        (f"{JSONB}from sqlalchemy.dialects.mysql import LONGTEXT\n", None),
        (f"{JSONB}TYPE = JSON().with_variant(JSONB, 'postgresql')\n", None),
        (f"{JSONB}if str(engine.url).startswith('sqlite'): ...\n", None),
        (f"{JSONB}@compiles(JSONB, 'sqlite')\ndef text(*args, **kwargs): ...\n", None),
    ],
)
def test_models_that_load_the_engine_tell_its_server(dialect, models, server):
    assert dialect({"app/models.py": models}) == server


def test_what_is_declared_or_written_comes_first(dialect):
    assert dialect({"app/models.py": JSONB, "requirements.txt": "pymysql\n"}) == "mysql"
    url = "import os\nfrom sqlalchemy import create_engine\nengine = create_engine('sqlite:///a.db')\n"
    assert dialect({"app/models.py": JSONB, "app/db.py": url}) == "sqlite"


def test_tests_say_nothing(dialect):
    assert dialect({"tests/test_models.py": JSONB}) is None


URL = "DATABASE_URL=postgresql+asyncpg://user@db/orders\n"


@pytest.mark.parametrize(
    ("files", "server"),
    [
        ({".env.example": URL}, "postgresql"),
        ({".example_env": URL}, "postgresql"),
        ({"env-template": URL}, "postgresql"),
        ({"environment": URL}, None),
        ({"backend/.env": "export DATABASE_URL = 'postgres://user@db/orders'\n"}, "postgresql"),
        ({"conf/api.env": "# DATABASE_URL=sqlite://\nDATABASE_URL=mysql+pymysql://user@db/orders\n"}, "mysql"),
        ({".env.example": URL, ".env.test": URL.replace("postgresql", "mysql")}, None),
        ({".env.example": "DATABASE_URL=sqlite:///dev.db\n"}, None),
        ({".env.example": URL.replace("DATABASE", "OTHER")}, None),
        ({"tests/.env": URL}, None),
        ({"environment.md": URL}, None),
        ({".env.example": URL, "app/models.py": "from sqlalchemy.dialects.mysql import LONGTEXT\nimport app.db\n"}, "mysql"),
        ({".env.example": URL, "requirements.txt": "pymysql\n"}, "mysql"),
    ],
)
def test_files_of_variables_tell_the_server_of_the_variable_that_gives_the_url(dialect, files, server):
    assert dialect(files) == server
