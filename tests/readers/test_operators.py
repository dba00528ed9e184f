"""Databases and poolers that Kubernetes operators run."""

from __future__ import annotations

import pytest

from places import at
from poollint.facts import Database, Pooler, Target, Unknown
from poollint.readers import kubernetes, operators


@pytest.fixture
def read(make_tree):
    return lambda text: list(operators.read(make_tree({"k8s/db.yaml": text})))


class TestCloudNativePG:
    CLUSTER = """\
        apiVersion: postgresql.cnpg.io/v1
        kind: Cluster
        metadata: {name: orders, namespace: shop}
        spec:
          instances: 3
          postgresql:
            parameters:
              max_connections: "200"
        """

    def test_a_cluster_is_a_database_behind_its_services(self, read):
        primary, replicas = read(self.CLUSTER)
        assert isinstance(primary, Database)
        assert (primary.name, primary.dialect, primary.provider) == ("orders", "postgresql", "cloudnative-pg")
        assert at(primary.max_connections) == (200, "k8s/db.yaml:8")
        assert "orders-rw" in primary.hosts and "orders-rw.shop.svc.cluster.local" in primary.hosts
        assert "orders-ro" in replicas.hosts and isinstance(replicas.max_connections, Unknown)

    @pytest.mark.parametrize("namespace", ["{{ .Release.Namespace }}", "{{ .Values.namespace }}"])
    def test_a_namespace_that_the_deploy_command_says_is_in_no_host(self, read, namespace):
        primary, _ = read(self.CLUSTER.replace("namespace: shop", f'namespace: "{namespace}"'))
        assert set(primary.hosts) == {"orders-rw"}

    def test_a_single_instance_has_no_replicas(self, read):
        (primary,) = read(self.CLUSTER.replace("instances: 3", "instances: 1"))
        assert primary.name == "orders"

    def test_a_pooler_answers_under_its_own_name(self, read):
        (pooler,) = read("""\
            apiVersion: postgresql.cnpg.io/v1
            kind: Pooler
            metadata: {name: orders-pool}
            spec:
              cluster: {name: orders}
              instances: 2
              pgbouncer:
                poolMode: transaction
                parameters: {max_client_conn: "500", default_pool_size: "30", max_prepared_statements: "0"}
              template:
                spec:
                  containers: [{name: pgbouncer, image: "ghcr.io/cloudnative-pg/pgbouncer:1.23.0"}]
            """)
        assert isinstance(pooler, Pooler) and pooler.product == "pgbouncer"
        assert (pooler.mode.value, pooler.mode.origin.says, str(pooler.mode.origin.location)) == (
            "transaction",
            "poolMode",
            "k8s/db.yaml:8",
        )
        assert (pooler.max_client_connections.value, pooler.pool_size.value, pooler.replicas.value) == (500, 30, 2)
        assert (pooler.prepared_statements.value, pooler.version.value) == (False, "1.23.0")
        assert pooler.hosts == ("orders-pool",) and pooler.ports == (5432,)
        assert pooler.backends == {"*": Target("postgresql", "orders-rw", 5432)}

    def test_a_silent_pooler_has_the_defaults_of_pgbouncer(self, read):
        (pooler,) = read(
            "apiVersion: postgresql.cnpg.io/v1\nkind: Pooler\nmetadata: {name: p}\n"
            "spec: {type: ro, cluster: {name: orders}, pgbouncer: {}}\n"
        )
        assert (pooler.mode.value, pooler.mode.certainty) == ("session", "default")
        assert (pooler.max_client_connections.value, pooler.pool_size.value, pooler.replicas.value) == (100, 20, 1)
        assert isinstance(pooler.version, Unknown) and isinstance(pooler.prepared_statements, Unknown)
        assert pooler.backends["*"].host == "orders-ro"

    def test_the_secret_of_a_cluster_says_where_it_points(self, make_tree):
        """The operator writes `orders-app`; its host follows from the cluster, its password does not."""
        app = (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop}\n"
            "spec:\n  template:\n    spec:\n"
            "      containers:\n        - name: api\n          image: registry/shop:1\n          env:\n"
            "            - {name: DATABASE_URL, valueFrom: {secretKeyRef: {name: orders-app, key: uri}}}\n"
            "            - {name: PGPASSWORD, valueFrom: {secretKeyRef: {name: orders-app, key: password}}}\n"
        )
        (api,) = kubernetes.read(make_tree({"k8s/db.yaml": self.CLUSTER, "k8s/app.yaml": app}))
        url = api.variables.variables["DATABASE_URL"]
        assert (url.value, url.certainty) == ("postgresql://***:***@orders-rw:5432/app", "default")
        assert str(url.origin.location) == "k8s/db.yaml:3"
        assert isinstance(api.variables.variables["PGPASSWORD"], Unknown)
        assert api.variables.secrets["DATABASE_URL"] == "secret/shop/orders-app/uri"


class TestZalando:
    CLUSTER = """\
        apiVersion: acid.zalan.do/v1
        kind: postgresql
        metadata: {name: acid-orders}
        spec:
          numberOfInstances: 2
          postgresql: {version: "16", parameters: {max_connections: "150"}}
          POOLER
        """

    def test_a_cluster_answers_under_its_name(self, read):
        (database,) = read(self.CLUSTER.replace("POOLER", ""))
        assert (database.name, database.max_connections.value, database.version.value) == ("acid-orders", 150, "16")
        assert database.hosts == ("acid-orders",)

    def test_its_pooler_divides_the_connections_among_its_pods(self, read):
        _, pooler = read(self.CLUSTER.replace("POOLER", "enableConnectionPooler: true"))
        assert (pooler.mode.value, pooler.mode.certainty, pooler.replicas.value) == ("transaction", "default", 2)
        assert (pooler.max_db_connections.value, pooler.pool_size.value, pooler.reserve_pool_size.value) == (30, 15, 7)
        assert pooler.max_client_connections.value == 10_000
        assert pooler.hosts == ("acid-orders-pooler",) and isinstance(pooler.prepared_statements, Unknown)

    def test_its_pooler_is_on_when_it_is_described(self, read):
        _, pooler = read(
            self.CLUSTER.replace(
                "POOLER",
                "connectionPooler: {numberOfInstances: 4, maxDBConnections: 100, mode: session, "
                "dockerImage: ghcr.io/zalando/postgres-operator/pgbouncer:1}",
            )
        )
        assert (pooler.mode.value, pooler.replicas.value, pooler.max_db_connections.value) == ("session", 4, 25)
        assert pooler.prepared_statements.value is True

    def test_its_pooler_is_off_when_that_is_said(self, read):
        assert (
            len(
                read(
                    self.CLUSTER.replace(
                        "POOLER", "enableConnectionPooler: false\n          connectionPooler: {mode: session}"
                    )
                )
            )
            == 1
        )


class TestCrunchy:
    CLUSTER = """\
        apiVersion: postgres-operator.crunchydata.com/v1beta1
        kind: PostgresCluster
        metadata: {name: hippo, namespace: db}
        spec:
          postgresVersion: 16
          patroni: {dynamicConfiguration: {postgresql: {parameters: {max_connections: 300}}}}
          proxy:
            pgBouncer:
              replicas: 2
              config: {global: {pool_mode: transaction, default_pool_size: "40", max_client_conn: "1000"}}
        """

    def test_a_cluster_is_a_database_and_its_proxy_a_pooler(self, read):
        primary, _, pooler = read(self.CLUSTER)
        assert (primary.provider, primary.max_connections.value, primary.version.value) == ("crunchy-pgo", 300, "16")
        assert "hippo-primary.db.svc" in primary.hosts
        assert (pooler.name, pooler.mode.value, pooler.pool_size.value, pooler.replicas.value) == (
            "hippo-pgbouncer",
            "transaction",
            40,
            2,
        )
        assert "hippo-pgbouncer.db.svc" in pooler.hosts and pooler.backends["*"].host == "hippo-primary"

    def test_without_a_mode_the_pooler_keeps_sessions(self, read):
        *_, pooler = read(self.CLUSTER.replace("pool_mode: transaction, ", ""))
        assert (pooler.mode.value, pooler.mode.certainty) == ("session", "default")

    def test_without_a_proxy_there_is_no_pooler(self, read):
        assert not any(isinstance(fact, Pooler) for fact in read(self.CLUSTER.partition("  proxy:")[0]))


def test_clusters_of_other_groups_are_none_of_ours(read):
    assert read("apiVersion: cluster.x-k8s.io/v1beta1\nkind: Cluster\nmetadata: {name: c}\nspec: {}\n") == []


@pytest.mark.parametrize(
    "spec", ["", "spec: []", "spec: {proxy: 1, pgbouncer: [], postgresql: x, settings: {databaseFlags: {a: b}}}"]
)
@pytest.mark.parametrize(("group", "kind"), operators._READERS)
def test_odd_shapes_end_nothing(make_tree, group, kind, spec):
    tree = make_tree({"k8s/db.yaml": f"apiVersion: {group}/v1\nkind: {kind}\nmetadata: {{name: n}}\n{spec}\n"})
    assert all(isinstance(fact.max_connections, Unknown) for fact in operators.read(tree) if isinstance(fact, Database))
    assert tree.skipped == ()
