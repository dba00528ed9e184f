"""Cloud SQL and AlloyDB instances that Config Connector makes."""

from __future__ import annotations

import pytest

from places import at
from poollint.facts import Unknown
from poollint.readers import config_connector


@pytest.fixture
def read(make_tree):
    return lambda text: list(config_connector.read(make_tree({"k8s/db.yaml": text})))


SQL = """\
    apiVersion: sql.cnrm.cloud.google.com/v1beta1
    kind: SQLInstance
    metadata: {name: orders, annotations: {cnrm.cloud.google.com/project-id: p}}
    spec:
      databaseVersion: POSTGRES_15
      region: europe-west1
      settings:
        tier: db-custom-4-16384
        databaseFlags: [{name: max_connections, value: "400"}]
    """


def test_an_instance_has_a_tier_flags_and_a_connection_name(read):
    (database,) = read(SQL)
    assert (database.provider, database.dialect, database.version.value) == ("cloud-sql-postgresql", "postgresql", "15")
    assert at(database.tier) == ("db-custom-4-16384", "k8s/db.yaml:8")
    assert (database.max_connections.value, database.max_connections.origin.location.line) == (400, 9)
    assert database.identities == ("cloudsql:p:europe-west1:orders",)


def test_mysql_is_another_provider(read):
    (database,) = read(SQL.replace("POSTGRES_15", "MYSQL_8_0"))
    assert (database.provider, database.version.value) == ("cloud-sql-mysql", "8.0")


def test_sql_server_is_none_of_ours(read):
    assert read(SQL.replace("POSTGRES_15", "SQLSERVER_2019_STANDARD")) == []


def test_alloydb_counts_its_cpus(read):
    (database,) = read("""\
        apiVersion: alloydb.cnrm.cloud.google.com/v1beta1
        kind: AlloyDBInstance
        metadata: {name: orders}
        spec:
          machineConfig: {cpuCount: 4}
          databaseFlags: [{name: max_connections, value: "1200"}]
        """)
    assert (database.provider, database.tier.value, database.max_connections.value) == ("alloydb", "4", 1200)


def test_a_silent_instance_has_a_tier_of_its_own_that_nobody_knows(read):
    (database,) = read(
        "apiVersion: sql.cnrm.cloud.google.com/v1beta1\nkind: SQLInstance\n"
        "metadata: {name: o}\nspec: {databaseVersion: POSTGRES_16}\n"
    )
    assert isinstance(database.tier, Unknown) and isinstance(database.max_connections, Unknown)
    assert database.identities == ()


@pytest.mark.parametrize(
    "spec",
    ["", "spec: []", "spec: {databaseVersion: POSTGRES_15, settings: x}", "spec: {machineConfig: 3, databaseFlags: x}"],
)
@pytest.mark.parametrize("kind", ["SQLInstance", "AlloyDBInstance"])
def test_odd_shapes_end_nothing(make_tree, kind, spec):
    group = config_connector._READERS[kind][0]
    tree = make_tree({"k8s/db.yaml": f"apiVersion: {group}/v1\nkind: {kind}\nmetadata: {{name: n}}\n{spec}\n"})
    assert all(isinstance(fact.max_connections, Unknown) for fact in config_connector.read(tree))
    assert tree.skipped == ()
