"""pgbouncer.ini: what it states, PgBouncer's defaults for the rest, and no password."""

from __future__ import annotations

import math

import pytest

from poollint.facts import Known, Target, Unknown
from poollint.readers import pgbouncer

INI = """\
;; pool_mode = statement
[databases]
shop = host=db.internal port=5433 dbname=shop_prod user=app password=hunter2
* = host=other auth_user=x

[users]
admin = pool_mode=session

[pgbouncer]
pool_mode = transaction
max_client_conn = 900
default_pool_size = 30
reserve_pool_size = 5
max_db_connections = 80
max_prepared_statements = 0
client_idle_timeout = 300
listen_port = 7432
ignore_startup_parameters = extra_float_digits, options
auth_file = /etc/pgbouncer/userlist.txt
"""


@pytest.fixture
def read(make_tree):
    def read(text: str, path: str = "deploy/prod/pgbouncer.ini"):
        tree = make_tree({path: text})
        found = list(pgbouncer.read(tree))
        assert tree.skipped == ()
        return found

    return read


def test_every_setting_stands_at_its_line(read):
    (pooler,) = read(INI)
    settings = {
        "mode": ("transaction", 10),
        "max_client_connections": (900, 11),
        "pool_size": (30, 12),
        "reserve_pool_size": (5, 13),
        "max_db_connections": (80, 14),
        "prepared_statements": (False, 15),
        "client_idle_timeout": (300, 16),
    }
    assert {
        name: (getattr(pooler, name).value, getattr(pooler, name).origin.location.line) for name in settings
    } == settings
    assert pooler.mode.origin.says == "pool_mode"
    assert pooler.listed_parameters == ("extra_float_digits", "options")
    assert pooler.backends == {
        "shop": Target("postgresql", "db.internal", 5433, "shop_prod"),
        "*": Target("postgresql", "other", 5432, None),
    }
    assert (pooler.ports, pooler.unit, pooler.environment) == ((7432,), "deploy/prod", "prod")


def test_an_orphan_has_no_hosts_and_no_version(read):
    (pooler,) = read(INI)
    assert pooler.hosts == ()
    assert isinstance(pooler.version, Unknown)
    assert str(pooler.location) == "deploy/prod/pgbouncer.ini:9"


def test_what_is_left_out_has_the_default_of_pgbouncer(read):
    (pooler,) = read("[pgbouncer]\n")
    assert [
        (s.value, s.certainty)
        for s in (pooler.mode, pooler.max_client_connections, pooler.pool_size, pooler.max_db_connections)
    ] == [
        ("session", "default"),
        (100, "default"),
        (20, "default"),
        (math.inf, "default"),
    ]
    assert isinstance(pooler.prepared_statements, Unknown)


def test_passwords_are_dropped(read):
    assert "hunter2" not in repr(read(INI))


def test_an_override_that_all_databases_share_is_the_mode(read):
    (same,) = read(
        "[databases]\na = host=x pool_mode=transaction\n"
        "b = host=y pool_mode=transaction\n[pgbouncer]\n"
        "pool_mode = session\n"
    )
    (mixed,) = read("[databases]\na = host=x pool_mode=transaction\nb = host=y\n[pgbouncer]\npool_mode = session\n")
    assert same.mode == Known("transaction", same.mode.origin)
    assert mixed.mode.reason == "pool_mode differs between the databases of this pooler"


def test_a_database_has_its_own_size_and_may_have_one_user(read):
    (pooler,) = read(
        "[databases]\na = host=x pool_size=5 user=app\nb = host=x auth_user=lookup pool_size=lots\n* = host=x user='app'\n"
        "[pgbouncer]\ndefault_pool_size = 30\nmax_user_connections = 0\n"
    )
    assert (pooler.sizes["a"].value, pooler.sizes["a"].origin.location.line) == (5, 2)
    assert isinstance(pooler.sizes["b"], Unknown)
    assert (pooler.pool_size.value, set(pooler.sizes)) == (30, {"a", "b"})
    assert pooler.single_users == {"a", "*"}
    assert pooler.max_user_connections.value == math.inf
    assert "app" not in repr(pooler)


def test_a_template_is_not_read_as_a_value(read):
    (pooler,) = read("[pgbouncer]\npool_mode = ${POOL_MODE}\nmax_client_conn = {{ n }}\n")
    assert isinstance(pooler.mode, Unknown)
    assert isinstance(pooler.max_client_connections, Unknown)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[pgbouncer",
        "[pgbouncer]\n= =\n===\n",
        "[pgbouncer]\nmax_client_conn = lots\nlisten_port = x\n[databases]\n= host=\nx=\n",
    ],
)
def test_broken_files_do_no_harm(read, text):
    read(text)


def test_other_ini_files_are_no_poolers(read):
    assert read("[alembic]\nscript_location = x\n", "alembic.ini") == []
    assert read("[alembic]\n", "pgbouncer.ini") == []
