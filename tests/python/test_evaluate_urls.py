"""URLs by their parts: each one known or not, never a user or a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluating import MAIN, Project, plain, variables
from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import objects, urls
from poollint.python.evaluator.evaluate import Evaluator
from poollint.python.evaluator.values import Url, as_setting


def parts(url: Url) -> tuple[object, ...]:
    """Return dialect, driver, host, port and database; None for "not given", "?" for "not known"."""
    settings = (url.dialect, url.driver, url.host, url.port, url.database)
    return tuple(setting.value if isinstance(setting, Known) else "?" for setting in settings)


def url_of(tmp_path: Path, program: str, **given: str | None) -> Url:
    found = Project(tmp_path, program).urls(environment=variables(**given) if given else variables(complete=False))
    assert len(found) == 1, [parts(url) for url in found]
    return found[0]


PREAMBLE = """
import os
from urllib.parse import quote_plus, urlparse, urlsplit, urlunsplit
from pydantic import PostgresDsn, SecretStr
from sqlalchemy import URL
from sqlalchemy.engine import make_url
X = os.environ["DATABASE_URL"]
HOST = os.environ["HOST"]
"""

URLS = [
    ("'postgresql://u:p@DB:5432/app'", ("postgresql", None, "db", 5432, "app")),
    ("'postgresql+asyncpg://db/app'", ("postgresql", "asyncpg", "db", None, "app")),
    ("'postgresql://u:p@[::1]:5432/app'", ("postgresql", None, "::1", 5432, "app")),
    ("'sqlite:///app.db'", ("sqlite", None, None, None, "app.db")),
    ("'sqlite://'", ("sqlite", None, None, None, None)),
    ("'postgresql://u@/app?host=/cloudsql/p:r:i'", ("postgresql", None, "/cloudsql/p:r:i", None, "app")),
    ("'postgresql://u@/app?host=one:5432&host=other:5433'", ("postgresql", None, "?", "?", "app")),
    ("'mysql+pymysql://u@/app?unix_socket=/cloudsql/p:r:i'", ("mysql", "pymysql", "/cloudsql/p:r:i", None, "app")),
    ("'postgresql://u:' + quote_plus('p@/:?') + '@db/app'", ("postgresql", None, "db", None, "app")),
    ("'postgresql+asyncpg://%s:%s@%s:5432/%s' % ('u', 'p', HOST, 'app')", ("postgresql", "asyncpg", "?", 5432, "app")),
    ("f'postgresql+asyncpg://u:p@{HOST}:5432/app'", ("postgresql", "asyncpg", "?", 5432, "app")),
    ("f'postgresql://{HOST}-rw:5432/app'", ("postgresql", None, "?", 5432, "app")),
    ("'postgresql://u@{}:{}/app'.format(HOST, 5433)", ("postgresql", None, "?", 5433, "app")),
    ("'mysql+pymysql://u:p@' + HOST + '/app'", ("mysql", "pymysql", "?", "?", "app")),
    ("X", ("?", "?", "?", "?", "?")),
    ("str(X)", ("?", "?", "?", "?", "?")),
    ("make_url(X)", ("?", "?", "?", "?", "?")),
    ("X.replace('postgresql://', 'postgresql+asyncpg://')", ("postgresql", "asyncpg", "?", "?", "?")),
    ("X.replace('postgres://', 'postgresql://', 1)", ("postgresql", "?", "?", "?", "?")),
    ("X.replace('+asyncpg', '')", ("?", "?", "?", "?", "?")),
    ("'postgresql+asyncpg://db/app'.replace('+asyncpg', '')", ("postgresql", None, "db", None, "app")),
    ("f'{X}?ssl=require'", ("?", "?", "?", "?", "?")),
    ("f'postgresql+psycopg://{X}'", ("postgresql", "psycopg", "?", "?", "?")),
    ("make_url('postgresql://db/app').set(drivername='postgresql+asyncpg')", ("postgresql", "asyncpg", "db", None, "app")),
    ("make_url(X).set(drivername='postgresql+asyncpg')", ("postgresql", "asyncpg", "?", "?", "?")),
    ("make_url('postgresql://db/app').set(database='test')", ("postgresql", None, "db", None, "test")),
    ("make_url('postgresql://u:p@db/app').render_as_string(hide_password=False)", ("postgresql", None, "db", None, "app")),
    ("URL.create('postgresql+psycopg', 'u', 'p', 'db', 5432, 'app')", ("postgresql", "psycopg", "db", 5432, "app")),
    ("URL.create(drivername='postgresql', host=HOST, port=int(os.getenv('PORT', '5432')))", ("postgresql", None, "?", 5432, None)),
    ("URL.create('postgresql+pg8000', query={'unix_sock': '/cloudsql/p:r:i'})", ("postgresql", "pg8000", None, None, None)),
    ("PostgresDsn.build(scheme='postgresql+asyncpg', host='db', port=5432, path='/app')", ("postgresql", "asyncpg", "db", 5432, "app")),
    ("PostgresDsn('postgresql://db/app').unicode_string()", ("postgresql", None, "db", None, "app")),
    ("SecretStr('postgresql://db/app').get_secret_value()", ("postgresql", None, "db", None, "app")),
    ("urlparse(X)._replace(scheme='postgresql+asyncpg').geturl()", ("postgresql", "asyncpg", "?", "?", "?")),
    ("urlunsplit(('postgresql+asyncpg', urlsplit('postgresql://db/app').netloc, '/app', '', ''))",
     ("postgresql", "asyncpg", "db", None, "app")),
    ("f'postgresql+asyncpg://{HOST}/a'.split('://', maxsplit=1)[0].split('+', maxsplit=1)[0] + '://db/b'", ("postgresql", None, "db", None, "b")),
    ("f'postgresql+asyncpg://{HOST}/a'.split('://')[0] + '://db/b'", ("postgresql", "asyncpg", "db", None, "b")),
    ("f'postgresql+asyncpg://{HOST}/a'.partition('+')[0] + '://db/b'", ("postgresql", None, "db", None, "b")),
    ("URL.create('postgresql', host=HOST).render_as_string().split('://')[0] + '://db/b'", ("postgresql", None, "db", None, "b")),
    ("'postgresql://db/b?x=1'.split(sep='?', maxsplit=1)[0]", ("postgresql", None, "db", None, "b")),
    ("'postgresql://db/b x'.split(maxsplit=1)[0]", ("postgresql", None, "db", None, "b")),
    ("f'postgresql://{HOST}/a'.split(':')[0] + '://db/b'", ("?", "?", "?", "?", "?")),  # how often it is cut is not known
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), URLS)
def test_a_url_is_known_part_by_part(tmp_path: Path, expression: str, expected: tuple[object, ...]) -> None:
    assert parts(url_of(tmp_path, f"{PREAMBLE}result = {expression}")) == expected


IDENTITIES = [
    ("X", ("env:DATABASE_URL",)),
    ("X.replace('postgresql://', 'postgresql+asyncpg://')", ("env:DATABASE_URL",)),
    ("make_url(X).set(drivername='postgresql+asyncpg')", ("env:DATABASE_URL",)),
    ("f'{X}?ssl=require'", ("env:DATABASE_URL",)),
    ("str(make_url(X))", ("env:DATABASE_URL",)),
    ("make_url(X).set(database='other')", ()),
    ("f'{X}/other'", ()),
    ("f'postgresql://u@{HOST}/app'", ()),
    ("'postgresql://db/app'", ()),
    ("os.getenv('DATABASE_URL', 'postgresql://db/app')", ("env:DATABASE_URL",)),
]


@pytest.mark.parametrize(("expression", "identities"), IDENTITIES)
def test_a_url_that_comes_whole_from_a_variable_is_named_by_it(
    tmp_path: Path, expression: str, identities: tuple[str, ...]
) -> None:
    assert url_of(tmp_path, f"{PREAMBLE}result = {expression}").identities == identities


@pytest.mark.parametrize(
    "expression",
    [
        "f'postgresql://u@{os.getenv(\"DB_HOST\")}:5432/{os.getenv(\"DB_NAME\")}'",
        "'postgresql://u@{}:5432/{}'.format(os.getenv('DB_HOST'), os.getenv('DB_NAME'))",
        "'postgresql://u@%s:5432/%s' % (os.getenv('DB_HOST'), os.getenv('DB_NAME'))",
    ],
)
def test_a_variable_that_is_not_set_is_no_host_of_the_name_none(tmp_path: Path, expression: str) -> None:
    program = f"import os\nresult = {expression}"
    assert parts(url_of(tmp_path, program, OTHER="1")) == ("postgresql", None, "?", 5432, "?")
    assert parts(url_of(tmp_path, program, DB_HOST="db", DB_NAME="app")) == ("postgresql", None, "db", 5432, "app")


def test_a_secret_names_the_database_too(tmp_path: Path) -> None:
    environment = variables(secrets={"DATABASE_URL": "Secret/prod/db/url"}, DATABASE_URL=None, HOST="x")
    (url,) = Project(tmp_path, f"{PREAMBLE}result = X").urls(environment=environment)
    assert url.identities == ("env:DATABASE_URL", "secret:Secret/prod/db/url")
    assert isinstance(url.host, Unknown)
    assert url.host.reason == "DATABASE_URL comes from a secret"


def test_a_url_of_the_environment_is_known_in_full(tmp_path: Path) -> None:
    url = url_of(tmp_path, f"{PREAMBLE}result = X", DATABASE_URL="postgresql://u:p@orders-db:5432/orders", HOST="x")
    assert parts(url) == ("postgresql", None, "orders-db", 5432, "orders")
    assert str(url.host.origin.location) == "deploy.yaml:1"


def test_the_query_is_kept_key_by_key(tmp_path: Path) -> None:
    url = url_of(tmp_path, f"{PREAMBLE}result = f'postgresql://db/app?sslmode=require&application_name={{HOST}}'")
    assert plain(url.query["sslmode"]) == "require"
    assert isinstance(url.query["application_name"], Unknown)


BRANCHES = [
    ("X.startswith('sqlite')", "sqlite"),
    ("'sqlite' in X", "sqlite"),
    ("make_url(X).get_backend_name() == 'sqlite'", None),
    ("make_url(X).get_dialect().name == 'sqlite'", None),
    ("X.split('://')[0] == 'sqlite'", None),
]


@pytest.mark.parametrize(("condition", "dialect"), BRANCHES)
def test_a_branch_on_the_text_of_a_url_makes_two_worlds(tmp_path: Path, condition: str, dialect: str | None) -> None:
    program = f"{PREAMBLE}if {condition}:\n    a = 1\nresult = X"
    project = Project(tmp_path, program + f"\nresult = (X, 1 if {condition} else 2)")
    assert len(project.alternatives()) == 2


def test_the_branch_for_sqlite_knows_its_url_and_the_other_one_what_it_is_not(tmp_path: Path) -> None:
    program = f"{PREAMBLE}\ndef f():\n    if X.startswith('sqlite'):\n        return X\n    return str(X)\nresult = f()"
    one, other = Project(tmp_path, program).urls()
    assert plain(one.dialect) == "sqlite"
    assert isinstance(other.dialect, Unknown)
    assert other.excludes == {"sqlite"}


def test_a_default_that_the_branch_rules_out_is_not_the_url(tmp_path: Path) -> None:
    program = """
        import os
        URL = os.getenv("DATABASE_URL", "sqlite:///app.db")
        result = URL if URL.startswith("sqlite") else URL
    """
    one, other = Project(tmp_path, program).urls()
    assert parts(one)[0] == "sqlite"
    assert parts(other)[0] == "?"
    assert other.identities == ("env:DATABASE_URL",)


SCHEMES = [
    "make_url(URL).get_backend_name() == 'sqlite'",
    "make_url(URL).get_dialect().name == 'sqlite'",
    "make_url(URL).drivername == 'sqlite'",
    "make_url(URL).drivername.startswith('sqlite')",
    "urlparse(URL).scheme == 'sqlite'",
]


@pytest.mark.parametrize("condition", SCHEMES)
def test_a_branch_on_the_scheme_of_a_default_is_a_question_like_one_on_its_text(tmp_path: Path, condition: str) -> None:
    """Production replaces the default: the branch of the other servers is no dead code."""
    program = f"""
        import os
        from urllib.parse import urlparse
        from sqlalchemy.engine import make_url
        URL = os.getenv("DATABASE_URL", "sqlite:///app.db")
        result = (URL, 1) if {condition} else (URL, 2)
    """
    one, other = Project(tmp_path, program).alternatives()
    assert plain(one) == ["sqlite:///app.db", 1]
    assert plain(other) == ["<set by DATABASE_URL, which no file gives>", 2]
    (only,) = Project(tmp_path, program).alternatives(environment=variables(DATABASE_URL="postgresql://db/app"))
    assert plain(only) == ["postgresql://db/app", 2]


@pytest.mark.parametrize("condition", SCHEMES[:2])
def test_the_branch_of_another_scheme_knows_what_its_url_is_not(tmp_path: Path, condition: str) -> None:
    program = f"{PREAMBLE}URL = os.getenv('D', 'sqlite:///a.db')\nresult = URL if {condition} else URL"
    one, other = Project(tmp_path, program).urls()
    assert (plain(one.dialect), other.excludes) == ("sqlite", {"sqlite"})


IS_FALSE = ["D.startswith('sqlite') is False", "('sqlite' in D) == False", "not D.startswith('sqlite')"]


@pytest.mark.parametrize("condition", IS_FALSE)
def test_a_condition_compared_with_false_is_its_contrary(tmp_path: Path, condition: str) -> None:
    program = f"{PREAMBLE}D = os.getenv('D', 'sqlite:///a.db')\nresult = D if {condition} else D"
    one, other = Project(tmp_path, program).urls()
    assert (plain(one.dialect), other.excludes) == ("sqlite", {"sqlite"})


def test_the_presence_of_a_text_is_no_flag(tmp_path: Path) -> None:
    """`if not URL` asks whether the variable is set: where it is, the text is not known, but it is not True."""
    program = f"""{PREAMBLE}
D = os.getenv("D", "")
if not D:
    D = f"sqlite:///{{HOST}}.db" if HOST else "sqlite:///a.db"
result = D
"""
    found = Project(tmp_path, program).alternatives()
    assert not any(isinstance(value, Known) and value.value is True for value in found)
    assert any(isinstance(value, Unknown) and value.reason == "set by D, which no file gives" for value in found)


def test_the_scheme_of_a_written_url_is_no_question(tmp_path: Path) -> None:
    program = f"{PREAMBLE}result = 1 if make_url('sqlite:///a.db').get_backend_name() == 'sqlite' else 2"
    assert plain(Project(tmp_path, program).value()) == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("url.set(host='there')", ("postgresql", "asyncpg", "?", 5432, "shop")),
        ("url.set(drivername='postgresql+psycopg')", ("postgresql", "?", "db", 5432, "shop")),
        ("url.set(drivername='sqlite', database='file')", ("?", "?", "db", 5432, "?")),
    ],
)
def test_what_no_branch_changes_of_a_url_stays_known_when_nobody_decides(
    tmp_path: Path, change: str, expected: tuple[object, ...]
) -> None:
    """A world that answers no question takes both branches for possible."""
    made = f"url = make_url('postgresql+asyncpg://db:5432/shop')\nif read('9'):\n    url = {change}\nresult = url\n"
    module = Project(tmp_path, f"from sqlalchemy import make_url\nfrom library import read\n{made}").modules.module(MAIN)
    assert module is not None
    world = Evaluator(module.modules).world()
    assert parts(urls.as_url(world, objects.member(world, module, "result", Origin("result")))) == expected


def test_a_driver_that_replace_puts_in_is_an_estimate(tmp_path: Path) -> None:
    url = url_of(tmp_path, f"{PREAMBLE}result = X.replace('postgresql://', 'postgresql+asyncpg://')")
    assert isinstance(url.driver, Known)
    assert url.driver.certainty == "estimate"


SECRET = "hunter2"


@pytest.mark.parametrize(
    "expression",
    [
        f"'postgresql://user:{SECRET}@db/app'",
        f"f'postgresql://user:{SECRET}@{{HOST}}/app'",
        f"make_url('postgresql://user:{SECRET}@db/app')",
        f"URL.create('postgresql', 'user', '{SECRET}', 'db')",
        f"PostgresDsn.build(scheme='postgresql', user='user', password='{SECRET}', host='db')",
        f"os.getenv('DATABASE_URL', 'postgresql://user:{SECRET}@db/app')",
        f"'postgresql://user:{SECRET}@db/app?password={SECRET}'",
        f"'postgresql://user:{SECRET}@' + HOST",
    ],
)
def test_no_password_is_in_the_parts_of_a_url_or_in_a_setting(tmp_path: Path, expression: str) -> None:
    project = Project(tmp_path, f"{PREAMBLE}result = {expression}")
    (url,) = project.urls()
    for setting in (url.dialect, url.driver, url.host, url.port, url.database, *url.query.values()):
        assert SECRET not in repr(setting)
    assert SECRET not in repr(as_setting(project.value()))
