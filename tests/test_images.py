"""Containers of databases and poolers."""

from __future__ import annotations

import pytest

from poollint.facts import Database, Environment, Known, Location, Origin, Pooler, Unknown, Words
from poollint.images import kind_of, runs_no_python, server_of, version_of

PLACE = Location("k.yaml", 3)


def given(**variables: str) -> Environment:
    return Environment({name: Known(value, Origin(name, PLACE)) for name, value in variables.items()}, True)


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        ("postgres", "postgresql"),
        ("postgres:16-alpine", "postgresql"),
        ("docker.io/library/postgres@sha256:abc", "postgresql"),
        ("postgis/postgis:16-3.4", "postgresql"),
        ("timescale/timescaledb-ha:pg16", "postgresql"),
        ("pgvector/pgvector:pg16", "postgresql"),
        ("registry:5000/bitnami/postgresql:16.1.0-debian-11-r2", "postgresql"),
        ("supabase/postgres:15.1", "postgresql"),
        ("mysql:8.4", "mysql"),
        ("percona/percona-server:8.0", "mysql"),
        ("bitnami/mariadb:11", "mariadb"),
        ("mariadb", "mariadb"),
        ("edoburu/pgbouncer:1.23.1", "pgbouncer"),
        ("bitnami/pgbouncer", "pgbouncer"),
        ("pgbouncer/pgbouncer:latest", "pgbouncer"),
        ("ghcr.io/cloudnative-pg/pgbouncer:1.24.1", "pgbouncer"),
        ("ghcr.io/postgresml/pgcat:v1.2.0", "pgcat"),
        ("ghcr.io/pgdogdev/pgdog:main", "pgdog"),
        ("supabase/supavisor:2.5.1", "supavisor"),
        ("bitnami/pgpool:4", "pgpool"),
        ("proxysql/proxysql:2.6", "proxysql"),
        ("redis:7", None),
        ("prometheuscommunity/postgres-exporter", None),
        ("dpage/pgadmin4", None),
        ("postgrest/postgrest", None),
        ("example/postgres-backup:1", None),
        ("my/pgbouncer-exporter", None),
        ("me/docker-pgbouncer:1.23.1", "pgbouncer"),
        ("python:3.12", None),
    ],
)
def test_images_are_known_by_their_own_name(image, kind):
    assert kind_of(image) == kind


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("a/pgbouncer:1.23.1", "1.23.1"),
        ("a/pgbouncer:v1.21.0-p2", "1.21.0"),
        ("a/pgbouncer:1.24.1-debian-12-r0", "1.24.1"),
        ("postgres:16.4", "16.4"),
        ("a/pgbouncer:latest", None),
        ("a/pgbouncer", None),
        ("reg:5000/a/pgbouncer", None),
        ("postgres:16", None),
        ("a/pgbouncer@sha256:1", None),
    ],
)
def test_a_tag_is_a_version_only_when_it_is_one(image, version):
    setting = version_of(image)
    assert (setting.value if isinstance(setting, Known) else None) == version


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        (("postgres", "-c", "max_connections=200"), 200),
        (("-c", "max_connections=200", "-c", "max_connections=300"), 300),
        (("postgres", "-cmax_connections=200"), 200),
        (("postgres", "--max_connections=200"), 200),
        (("postgres", "--max-connections=200"), 200),
        (("postgres", "-N", "200"), 200),
        (("sh", "-c", "exec docker-entrypoint.sh postgres -c 'max_connections=200'"), 200),
        (("postgres", "-c", "shared_buffers=1GB"), 100),
    ],
)
def test_flags_of_the_server_beat_the_stock_default(words, limit):
    server = server_of("postgres:16", given(), Words(PLACE, words))
    assert isinstance(server, Database)
    assert server.max_connections.value == limit
    assert server.max_connections.origin.location == (PLACE if limit != 100 else None)


def test_a_limit_that_a_template_fills_in_is_unknown():
    server = server_of("postgres:16", given(), Words(PLACE, ("-c", "max_connections=${MAX}")))
    assert isinstance(server.max_connections, Unknown)


def test_a_limit_whose_variable_no_file_gives_is_unknown():
    """The words of a Compose command hold only what is readable of them."""
    server = server_of("postgres:16", given(), Words(PLACE, ("postgres", "-c", "max_connections=")))
    assert isinstance(server.max_connections, Unknown)
    assert server.max_connections.origin.location == PLACE


def test_only_images_that_listen_to_the_variable_get_it():
    bitnami = server_of("bitnami/postgresql:16", given(POSTGRESQL_MAX_CONNECTIONS="250"))
    official = server_of("postgres:16", given(POSTGRESQL_MAX_CONNECTIONS="250"))
    assert (bitnami.max_connections.value, bitnami.max_connections.origin.says) == (250, "POSTGRESQL_MAX_CONNECTIONS")
    assert official.max_connections.value == 100


def test_mysql_has_its_own_defaults_and_flags():
    stock = server_of("mysql:8.4", given())
    flag = server_of("mysql:8.4", given(), Words(PLACE, ("mysqld", "--max-connections=500")))
    assert (stock.max_connections.value, stock.ports, stock.dialect) == (151, (3306,), "mysql")
    assert flag.max_connections.value == 500


@pytest.mark.parametrize(
    ("image", "variables", "mode", "port"),
    [
        ("edoburu/pgbouncer:v1.23.1", {}, "session", 5432),
        ("edoburu/pgbouncer:v1.23.1", {"POOL_MODE": "Transaction"}, "transaction", 5432),
        ("bitnami/pgbouncer:1.23.1", {"PGBOUNCER_POOL_MODE": "statement"}, "statement", 6432),
        ("bitnami/pgbouncer:1.23.1", {"PGBOUNCER_PORT": "7000"}, "session", 7000),
        ("pgbouncer/pgbouncer:1.15.0", {"PGBOUNCER_POOL_MODE": "transaction"}, "transaction", 6432),
        ("ghcr.io/postgresml/pgcat:v1.2.0", {}, "transaction", 6432),
    ],
)
def test_the_mode_of_a_pooler_is_its_variable_else_its_default(image, variables, mode, port):
    pooler = server_of(image, given(**variables))
    assert isinstance(pooler, Pooler)
    assert (pooler.mode.value, pooler.ports) == (mode, (port,))


@pytest.mark.parametrize(
    ("tag", "variables", "support"),
    [
        ("1.23.1", {}, False),
        ("1.24.1", {}, True),
        ("1.18.0", {}, False),
        ("1.23.1", {"MAX_PREPARED_STATEMENTS": "100"}, True),
        ("1.24.1", {"MAX_PREPARED_STATEMENTS": "0"}, False),
        ("latest", {}, None),
    ],
)
def test_prepared_statements_follow_setting_and_version(tag, variables, support):
    setting = server_of(f"edoburu/pgbouncer:{tag}", given(**variables)).prepared_statements
    assert (setting.value if isinstance(setting, Known) else None) is support


def test_an_unreadable_mode_is_no_default():
    environment = Environment({"POOL_MODE": Unknown("set by MODE, which no file gives")}, True)
    assert server_of("edoburu/pgbouncer:v1.23.1", environment).mode == Unknown("set by MODE, which no file gives")


def test_a_url_of_a_backend_leaves_its_password_behind():
    pooler = server_of("edoburu/pgbouncer:v1.23.1", given(DATABASE_URL="postgres://app:hunter2@DB:5433/shop?x=1"))
    assert [(name, str(target)) for name, target in pooler.backends.items()] == [("shop", "db:5433/shop")]
    assert "hunter2" not in repr(pooler)


@pytest.mark.parametrize(
    ("image", "other"),
    [
        ("node:22", True),
        ("nginx", True),
        ("python:3.12", False),
        ("ubuntu:24.04", False),
        ("nikolaik/python-nodejs:x", False),
    ],
)
def test_images_of_other_languages(image, other):
    assert runs_no_python(image) is other
