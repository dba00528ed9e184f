"""Kubernetes manifests: who runs how often, with which variables."""

from __future__ import annotations

import base64

import pytest

from places import at
from poollint.facts import NO_CEILING, Database, Known, Pooler, Unknown, Workload
from poollint.readers import kubernetes
from poollint.readers._scaling import cron_period, surge_of


def deployment(spec: str = "", container: str = "", kind: str = "Deployment", name: str = "api", pod: str = "") -> str:
    """A workload whose container list starts at line 10 + the lines of `spec`."""

    def block(text: str, indent: int) -> str:
        return "".join(" " * indent + line + "\n" for line in text.splitlines())

    return (
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n"
        + block(spec, 2)
        + f"  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n"
        + block(pod, 6)
        + f"      containers:\n        - name: {name}\n          image: registry/shop:1\n"
        + block(container, 10)
    )


HPA = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  minReplicas: 2
  maxReplicas: 10
"""
SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  POOL: '7'\n  HOST: db.internal\n"


@pytest.fixture
def read(make_tree):
    """Read the files given as k8s/0.yaml, k8s/1.yaml ..."""
    return lambda *texts: list(kubernetes.read(make_tree({f"k8s/{n}.yaml": text for n, text in enumerate(texts)})))


@pytest.fixture
def workload(read):
    def workload(*texts: str) -> Workload:
        (found,) = (fact for fact in read(*texts) if isinstance(fact, Workload))
        return found

    return workload


class TestReplicas:
    def test_are_counted_with_the_surge_of_a_roll_out(self, workload):
        api = workload(deployment("replicas: 4"))
        assert (api.name, api.platform, api.kind, api.life, api.unit) == (
            "api",
            "kubernetes",
            "deployment",
            "long-lived",
            "k8s",
        )
        assert (api.instances.value, api.instances.certainty) == (4, "exact")
        assert (api.instances.origin.says, str(api.instances.origin.location)) == ("replicas", "k8s/0.yaml:6")
        assert api.rollout_instances.value == 5 and api.rollout_documented
        assert api.rollout_instances.origin.says == "replicas plus maxSurge 25%"

    def test_are_one_when_absent(self, workload):
        api = workload(deployment())
        assert (api.instances.value, api.instances.certainty) == (1, "default")
        assert api.instances.origin.says == "default of Kubernetes"

    def test_zero_is_a_cold_standby(self, workload):
        assert workload(deployment("replicas: 0")).instances.value == 0

    def test_that_are_templated_are_unknown(self, workload):
        api = workload(deployment('replicas: "${REPLICAS}"'))
        assert isinstance(api.instances, Unknown) and isinstance(api.rollout_instances, Unknown)

    @pytest.mark.parametrize(
        ("replicas", "surge", "more"),
        [
            (1, "25%", 1),
            (4, "25%", 1),
            (5, "25%", 2),
            (10, "25%", 3),
            (15, "25%", 4),
            (10, "10%", 1),
            (10, "100%", 10),
            (10, "0", 0),
            (3, "2", 2),
        ],
    )
    def test_surge_is_a_number_or_a_share_rounded_up(self, replicas, surge, more):
        assert surge_of(replicas, surge) == more

    def test_recreate_has_no_overlap(self, workload):
        api = workload(deployment("replicas: 4\nstrategy: {type: Recreate}"))
        assert api.rollout_instances.value == 4 and api.rollout_documented

    def test_a_surge_of_its_own_replaces_the_default(self, workload):
        api = workload(deployment("replicas: 4\nstrategy: {rollingUpdate: {maxSurge: 3}}"))
        assert api.rollout_instances.value == 7

    def test_a_stateful_set_replaces_pod_by_pod(self, workload):
        api = workload(deployment("replicas: 3", kind="StatefulSet"))
        assert (api.kind, api.instances.value, api.rollout_instances.value) == ("stateful-set", 3, 3)

    def test_a_daemon_set_runs_on_nodes_no_manifest_counts(self, workload):
        assert isinstance(workload(deployment(kind="DaemonSet")).instances, Unknown)


class TestAnAutoscaler:
    def test_replaces_replicas_and_is_not_multiplied_by_them(self, workload):
        api = workload(deployment("replicas: 3"), HPA)
        assert (api.instances.value, api.instances.origin.says) == (10, "maxReplicas")
        assert str(api.instances.origin.location) == "k8s/1.yaml:7" == str(api.autoscaler)
        assert api.rollout_instances.value == 13

    def test_of_the_first_version_says_the_same(self, workload):
        assert (
            workload(deployment("replicas: 3"), HPA.replace("autoscaling/v2", "autoscaling/v1")).instances.value == 10
        )

    @pytest.mark.parametrize("other", ["name: web}", "name: api, namespace: other}"])
    def test_of_another_workload_changes_nothing(self, workload, other):
        hpa = HPA.replace("name: api}\n  min", "name: web}\n  min") if other == "name: web}" else None
        hpa = hpa or HPA.replace("metadata: {name: api}", "metadata: {name: api, namespace: other}")
        text = deployment("replicas: 3").replace("  name: api\n", "  name: api\n  namespace: shop\n", 1)
        assert workload(text, hpa).instances.value == 3

    def test_elsewhere_in_the_project_is_found(self, make_tree):
        tree = make_tree({"deploy/api/app.yaml": deployment("replicas: 3"), "deploy/scaling/hpa.yaml": HPA})
        (api,) = kubernetes.read(tree)
        assert str(api.instances.origin.location) == "deploy/scaling/hpa.yaml:7"

    def test_of_another_service_of_the_same_name_is_not(self, make_tree):
        tree = make_tree(
            {
                "a/k8s/app.yaml": deployment("replicas: 3"),
                "b/k8s/app.yaml": deployment("replicas: 2"),
                "b/k8s/hpa.yaml": HPA,
            }
        )
        assert [fact.instances.value for fact in kubernetes.read(tree)] == [3, 10]

    def test_of_another_environment_is_not(self, make_tree):
        tree = make_tree({"prod/app.yaml": deployment("replicas: 3"), "staging/hpa.yaml": HPA})
        (api,) = kubernetes.read(tree)
        assert (api.environment, api.instances.value) == ("prod", 3)

    def test_of_keda_has_a_documented_default(self, workload):
        scaled = (
            "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: s}\nspec:\n"
            "  scaleTargetRef: {name: api}\n"
        )
        api = workload(deployment("replicas: 3"), scaled)
        assert (api.instances.value, api.instances.certainty, api.instances.origin.says) == (
            100,
            "default",
            "default of KEDA",
        )
        assert api.autoscaler.path == "k8s/1.yaml"
        assert workload(deployment("replicas: 3"), scaled + "  maxReplicaCount: 12\n").instances.value == 12

    def test_twice_counts_the_larger_one_and_says_so(self, workload):
        api = workload(
            deployment(), HPA, HPA.replace("10", "20").replace("metadata: {name: api}", "metadata: {name: b}")
        )
        assert api.instances.value == 20 and "two autoscalers" in api.notes[0]


class TestJobs:
    def job(self, spec: str = "") -> str:
        return deployment(spec, kind="Job").replace("apps/v1", "batch/v1")

    def cron(self, spec: str = "", job: str = "") -> str:
        return (
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: report}\nspec:\n  schedule: '*/10 * * * *'\n"
            f"  {spec}\n  jobTemplate:\n    spec:\n      {job}\n      template:\n        spec:\n"
            "          containers: [{name: report, image: registry/shop:1}]\n"
        )

    @pytest.mark.parametrize(
        ("spec", "pods"),
        [("", 1), ("parallelism: 4", 4), ("parallelism: 4\ncompletions: 2", 2), ("parallelism: 4\nsuspend: true", 0)],
    )
    def test_run_the_smaller_of_parallelism_and_completions(self, workload, spec, pods):
        job = workload(self.job(spec))
        assert (job.kind, job.life, job.instances.value) == ("job", "one-off", pods)

    @pytest.mark.parametrize("policy", ["Forbid", "Replace"])
    def test_of_a_schedule_run_once_at_a_time_when_it_says_so(self, workload, policy):
        cron = workload(self.cron(f"concurrencyPolicy: {policy}"))
        assert (cron.kind, cron.instances.value, cron.rollout_instances.value) == ("cron-job", 1, 1)

    def test_of_a_schedule_overlap_without_end_when_nothing_stops_them(self, workload):
        """Allow is the default: one run is certain, how many overlap is not."""
        cron = workload(self.cron())
        assert (cron.instances.value, cron.rollout_instances.value) == (1, NO_CEILING)
        assert not cron.rollout_documented and cron.rollout_instances.origin.says == "no ceiling"

    def test_of_a_schedule_overlap_until_their_deadline(self, workload):
        cron = workload(self.cron("concurrencyPolicy: Allow", "activeDeadlineSeconds: 3600"))
        assert (cron.instances.value, cron.rollout_instances.value, cron.rollout_documented) == (1, 6, True)
        assert str(cron.rollout_instances.origin.location) == "k8s/0.yaml:9"

    @pytest.mark.parametrize(
        ("schedule", "seconds"),
        [
            ("*/5 * * * *", 300),
            ("0 * * * *", 3600),
            ("30 2 * * *", 86400),
            ("0,15 * * * *", 900),
            ("@hourly", 3600),
            ("H * * * *", None),
            ("*/0 * * * *", None),
        ],
    )
    def test_have_the_shortest_gap_of_their_schedule(self, schedule, seconds):
        assert cron_period(schedule) == seconds

    def test_of_keda_are_capped_at_a_hundred(self, workload):
        job = workload(
            "apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nmetadata: {name: j}\nspec:\n"
            "  jobTargetRef:\n    parallelism: 2\n"
            "    template: {spec: {containers: [{name: j, image: registry/shop:1}]}}\n"
        )
        assert (job.kind, job.life, job.instances.value, job.instances.certainty) == (
            "scaled-job",
            "one-off",
            200,
            "default",
        )


class TestArgoRollouts:
    def rollout(self, strategy: str) -> str:
        return deployment("replicas: 8\n" + strategy, kind="Rollout").replace("apps/v1", "argoproj.io/v1alpha1")

    @pytest.mark.parametrize(
        ("strategy", "peak"),
        [
            ("strategy: {canary: {}}", 10),
            ("strategy: {canary: {maxSurge: 1}}", 9),
            ("strategy: {canary: {trafficRouting: {nginx: {}}}}", 16),
            ("strategy: {canary: {trafficRouting: {nginx: {}}, dynamicStableScale: true}}", 10),
            ("strategy: {blueGreen: {activeService: a}}", 16),
            ("strategy: {blueGreen: {previewReplicaCount: 1}}", 9),
        ],
    )
    def test_have_a_second_set_beside_the_first(self, workload, strategy, peak):
        rollout = workload(self.rollout(strategy))
        assert (rollout.instances.value, rollout.rollout_instances.value) == (8, peak)

    def test_that_borrow_a_deployment_are_counted_once(self, workload):
        rollout = (
            "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: api}\nspec:\n  replicas: 8\n"
            "  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: api}\n"
        )
        found = workload(deployment("replicas: 0"), rollout)
        assert (found.kind, found.instances.value, found.image) == ("rollout", 8, "registry/shop:1")


class TestVariables:
    def test_come_from_config_maps_and_stand_where_they_are_written(self, workload):
        api = workload(deployment(container="envFrom: [{configMapRef: {name: settings}}]"), SETTINGS)
        pool = api.variables.variables["POOL"]
        assert (pool.value, pool.certainty, str(pool.origin.location)) == ("7", "exact", "k8s/1.yaml:5")
        assert api.variables.complete

    def test_one_by_one_too(self, workload):
        env = "env:\n  - name: POOL_SIZE\n    valueFrom: {configMapKeyRef: {name: settings, key: POOL}}"
        pool = workload(deployment(container=env), SETTINGS).variables.variables["POOL_SIZE"]
        assert at(pool) == ("7", "k8s/1.yaml:5")

    def test_env_beats_env_from_and_the_last_one_wins(self, workload):
        env = (
            "envFrom: [{prefix: A_, configMapRef: {name: settings}}]\nenv:\n"
            "  - {name: A_POOL, value: '8'}\n  - {name: A_POOL, value: '9'}"
        )
        assert workload(deployment(container=env), SETTINGS).variables.variables["A_POOL"].value == "9"

    def test_refer_to_earlier_ones(self, workload):
        env = (
            "envFrom: [{configMapRef: {name: settings}}]\nenv:\n"
            "  - {name: LATER, value: '$(HOST):$(PORT) $$(HOST)'}\n  - {name: PORT, value: '5432'}\n"
            "  - {name: ADDRESS, value: '$(HOST):$(PORT)'}"
        )
        variables = workload(deployment(container=env), SETTINGS).variables.variables
        assert variables["LATER"].value == "db.internal:$(PORT) $(HOST)"
        assert variables["ADDRESS"].value == "db.internal:5432"

    def test_that_hide_user_and_password_still_say_where_they_point(self, workload):
        env = (
            "env:\n  - {name: PW, valueFrom: {secretKeyRef: {name: db, key: password}}}\n"
            "  - {name: DATABASE_URL, value: 'postgresql://app:$(PW)@db.internal/shop'}\n"
            "  - {name: OTHER_URL, value: 'postgresql://app@$(PW)/shop'}"
        )
        api = workload(deployment(container=env))
        assert api.variables.variables["DATABASE_URL"].value == "postgresql://app:***@db.internal/shop"
        assert isinstance(api.variables.variables["OTHER_URL"], Unknown)
        assert api.variables.secrets == {"PW": "secret//db/password"}

    def test_of_a_config_map_that_is_not_here_leave_the_rest_open(self, workload):
        api = workload(deployment(container="envFrom: [{configMapRef: {name: elsewhere}}]"))
        assert not api.variables.complete
        env = "envFrom: [{configMapRef: {name: elsewhere, optional: true}}]"
        assert workload(deployment(container=env)).variables.complete

    def test_of_a_config_map_of_another_service_are_not_taken(self, make_tree):
        text = deployment(container="envFrom: [{configMapRef: {name: settings}}]")
        (api,) = kubernetes.read(make_tree({"a/k8s/app.yaml": text, "b/k8s/settings.yaml": SETTINGS}))
        assert not api.variables.complete and "POOL" not in api.variables.variables

    def test_of_a_config_map_in_a_folder_beside_are(self, make_tree):
        text = deployment(container="envFrom: [{configMapRef: {name: settings}}]")
        (api,) = kubernetes.read(make_tree({"k8s/api/app.yaml": text, "k8s/config/settings.yaml": SETTINGS}))
        assert str(api.variables.variables["POOL"].origin.location) == "k8s/config/settings.yaml:5"

    def test_of_a_secret_say_where_the_database_is(self, workload):
        url = base64.b64encode(b"postgresql://app:hunter2@db/shop\n").decode()
        secret = (
            f"apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\ndata: {{OTHER_URL: {url}, DB_HOST: b2xk}}\nstringData:\n"
            "  DATABASE_URL: postgresql+asyncpg://app:hunter2@db:6432/shop?ssl=require&sslpassword=hunter2\n"
            "  DB_HOST: db.internal\n  DB_PORT: '5432'\n  DB_PASSWORD: hunter2\n  NOTE: hunter2\n"
        )
        env = "envFrom: [{secretRef: {name: db}}]\nenv: [{name: URL, valueFrom: {secretKeyRef: {name: db, key: OTHER_URL}}}]"
        variables = workload(deployment(container=env), secret).variables
        known = {name: value.value for name, value in variables.variables.items() if isinstance(value, Known)}
        assert known == {
            "DATABASE_URL": "postgresql+asyncpg://***:***@db:6432/shop?ssl=require&sslpassword=***",
            "OTHER_URL": "postgresql://***:***@db/shop",
            "URL": "postgresql://***:***@db/shop",
            "DB_HOST": "db.internal",
            "DB_PORT": "5432",
        }
        assert variables.secrets["URL"] == variables.secrets["OTHER_URL"] == "secret//db/OTHER_URL"
        assert variables.secrets["DB_PASSWORD"] == "secret//db/DB_PASSWORD" and variables.complete
        assert "hunter2" not in repr(variables)

    @pytest.mark.parametrize(
        "entry",
        [
            "DATABASE_URL: ''",
            "DATABASE_URL: change-me",
            "DATABASE_URL: postgresql://app:hunter2@your-database.example.com/shop",
            "DATABASE_URL: postgresql://user:hunter2@<HOST>/shop",
            "DATABASE_URL: postgresql://user:hunter2@host:5432/shop",
            "DATABASE_URL: postgresql://app:hun?ter2@db/shop",
            "DATABASE_URL: postgresql://db/shop?password=p@hunter2",
            "DATABASE_URL: https://hooks.example.org/hunter2",
            "DB_HOST: CHANGE_ME",
            "SECRET_DB: hunter2",
        ],
    )
    def test_of_a_secret_that_is_to_be_filled_in_or_no_place_are_not_known(self, workload, entry):
        secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\nstringData:\n  {entry}\n"
        variables = workload(deployment(container="envFrom: [{secretRef: {name: db}}]"), secret).variables
        (setting,) = variables.variables.values()
        assert isinstance(setting, Unknown) and variables.secrets and variables.complete
        assert "hunter2" not in repr(variables)

    def test_of_an_external_secret_are_names_as_well(self, workload):
        secret = (
            "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: db}\n"
            "spec: {data: [{secretKey: DATABASE_URL, remoteRef: {key: x}}]}\n"
        )
        api = workload(deployment(container="envFrom: [{secretRef: {name: db}}]"), secret)
        assert "DATABASE_URL" in api.variables.secrets and api.variables.complete

    def test_of_the_cpu_limit_are_whole_cpus(self, workload):
        env = (
            "resources: {limits: {cpu: 1500m}}\nenv:\n"
            "  - {name: WORKERS, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}"
        )
        workers = workload(deployment(container=env)).variables.variables["WORKERS"]
        assert (workers.value, workers.origin.says, str(workers.origin.location)) == (
            "2",
            "limits.cpu",
            "k8s/0.yaml:12",
        )

    def test_do_not_cross_namespaces(self, workload):
        settings = SETTINGS.replace("{name: settings}", "{name: settings, namespace: other}")
        text = deployment(container="envFrom: [{configMapRef: {name: settings}}]").replace(
            "  name: api\n", "  name: api\n  namespace: shop\n", 1
        )
        assert not workload(text, settings).variables.complete

    def test_that_a_tool_fills_in_later_are_unknown(self, workload):
        api = workload(deployment(container='env: [{name: POOL, value: "${POOL}"}, {name: PRICE, value: "5$ each"}]'))
        assert isinstance(api.variables.variables["POOL"], Unknown)
        assert api.variables.variables["PRICE"].value == "5$ each"


class TestContainers:
    def test_commands_are_entry_points_with_their_places(self, workload):
        api = workload(
            deployment(
                container=(
                    "command: [gunicorn]\nargs:\n  - --workers\n  - $(WORKERS)\nenv: [{name: WORKERS, value: '4'}]"
                )
            )
        )
        assert api.entrypoint.words == ("gunicorn",)
        assert api.command.words == ("--workers", "4")
        assert [str(place) for place in api.command.locations] == ["k8s/0.yaml:14", "k8s/0.yaml:15"]

    def test_the_cpu_limit_is_not_what_cpu_count_sees(self, workload):
        assert isinstance(workload(deployment(container="resources: {limits: {cpu: 2}}")).cpus, Unknown)

    def test_side_by_side_are_workloads_each_and_proxies_are_none(self, read):
        sidecars = (
            "initContainers:\n  - {name: logs, image: registry/shop:1, restartPolicy: Always}\n"
            "  - {name: wait, image: busybox}\n"
            "  - {name: migrate, image: registry/shop:1, command: [alembic, upgrade, head]}"
        )
        text = (
            deployment(pod=sidecars, container="ports: [{containerPort: 80}]")
            + "        - {name: proxy, image: 'envoyproxy/envoy:v1'}\n"
        )
        assert [(fact.name, fact.kind, fact.life) for fact in read(text)] == [
            ("api", "deployment", "long-lived"),
            ("api/logs", "deployment", "long-lived"),
            ("api/migrate", "init", "one-off"),
        ]

    @pytest.mark.parametrize(
        "image", ["redis:7", "quay.io/fedora/redis-7", "bitnami/redis@sha256:0", "datadog/agent:7", "nginx"]
    )
    def test_of_other_peoples_programs_are_no_workloads(self, read, image):
        assert read(deployment(name="cache").replace("registry/shop:1", image)) == []

    @pytest.mark.parametrize(
        "image", ["registry/agent:1", "registry/kafka-consumer", "registry/nginx-admin:1", "localhost:5000/shop"]
    )
    def test_of_ones_own_programs_are(self, read, image):
        assert [fact.image for fact in read(deployment().replace("registry/shop:1", image))] == [image]


class TestRequests:
    INGRESS = (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: shop\n  annotations:\n"
        "    nginx.ingress.kubernetes.io/proxy-read-timeout: '20'\nspec:\n  rules:\n    - http:\n        paths:\n"
        "          - {path: /, backend: {service: {name: api, port: {number: 80}}}}\n"
    )
    SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: api}\nspec: {selector: {app: api}}\n"

    def test_end_when_the_ingress_in_front_stops_waiting(self, workload):
        timeout = workload(deployment(), self.SERVICE, self.INGRESS).request_timeout
        assert (timeout.value, timeout.origin.says, str(timeout.origin.location)) == (
            20,
            "proxy-read-timeout",
            "k8s/2.yaml:6",
        )

    def test_to_another_service_are_none_of_its_business(self, workload):
        assert isinstance(
            workload(deployment(), self.SERVICE, self.INGRESS.replace("name: api", "name: web")).request_timeout,
            Unknown,
        )


class TestAuthProxies:
    @pytest.mark.parametrize(
        "proxy",
        [
            "{name: proxy, image: 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14', args: [--port=5432, 'shop-prod:europe-west1:orders']}",
            "{name: proxy, image: 'gcr.io/cloudsql-docker/gce-proxy:1.33', command: [/cloud_sql_proxy, '-instances=shop-prod:europe-west1:orders=tcp:5432']}",
        ],
    )
    def test_lead_to_an_instance(self, workload, proxy):
        assert workload(deployment() + f"        - {proxy}\n").instance_connections == (
            "shop-prod:europe-west1:orders",
        )

    def test_that_are_not_there_lead_nowhere(self, workload):
        assert workload(deployment(container="args: ['shop-prod:europe-west1:orders']")).instance_connections == ()


class TestServers:
    SERVICE = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: orders-db, namespace: shop}\n"
        "spec: {selector: {app: postgres}}\n"
    )

    def test_are_databases_under_the_names_of_their_services(self, read):
        text = deployment(name="postgres", kind="StatefulSet", container='args: ["-c", "max_connections=200"]')
        (database,) = read(text.replace("registry/shop:1", "postgres:16"), self.SERVICE)
        assert isinstance(database, Database) and database.dialect == "postgresql"
        assert at(database.max_connections) == (200, "k8s/0.yaml:12")
        assert database.hosts == (
            "orders-db",
            "orders-db.shop",
            "orders-db.shop.svc",
            "orders-db.shop.svc.cluster.local",
        )
        assert database.unit == "k8s"

    def test_are_poolers_as_often_as_their_pods(self, read):
        text = deployment("replicas: 2", name="postgres", container="env: [{name: POOL_MODE, value: transaction}]")
        (pooler,) = read(text.replace("registry/shop:1", "edoburu/pgbouncer:v1.24.0"), self.SERVICE)
        assert isinstance(pooler, Pooler)
        assert (pooler.product, pooler.mode.value, pooler.replicas.value) == ("pgbouncer", "transaction", 2)
        assert "orders-db.shop" in pooler.hosts

    def test_read_what_config_maps_mount(self, read):
        pod = "volumes: [{name: conf, configMap: {name: bouncer}}]"
        text = deployment(name="postgres", pod=pod, container="volumeMounts: [{name: conf, mountPath: /etc/pgbouncer}]")
        ini = (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bouncer}\ndata:\n  pgbouncer.ini: |\n"
            "    [databases]\n    * = host=db\n    [pgbouncer]\n    pool_mode = transaction\n"
            "    default_pool_size = 40\n"
        )
        (pooler,) = read(text.replace("registry/shop:1", "edoburu/pgbouncer:v1.24.0"), ini)
        assert (pooler.mode.value, pooler.pool_size.value) == ("transaction", 40)
        assert str(pooler.pool_size.origin.location) == "k8s/1.yaml:10"

    def test_are_no_servers_where_their_image_dumps_or_waits(self, read):
        backup = (
            deployment(kind="Job", name="backup")
            .replace("apps/v1", "batch/v1")
            .replace("registry/shop:1", "postgres:16")
        )
        dump = deployment(container="command: [sh, -c, 'while true; do pg_dump; sleep 60; done']", name="dump")
        assert read(backup, dump.replace("registry/shop:1", "postgres:16")) == []

    def test_with_an_exporter_beside_them_are_still_alone(self, read):
        text = (
            deployment(name="postgres").replace("registry/shop:1", "postgres:16")
            + "        - {name: metrics, image: quay.io/prometheuscommunity/postgres-exporter}\n"
        )
        (database,) = read(text, self.SERVICE)
        assert database.name == "postgres" and "localhost" not in database.hosts

    def test_beside_the_application_are_reached_at_localhost(self, read):
        text = (
            deployment(container="ports: [{containerPort: 80}]")
            + "        - {name: bouncer, image: 'edoburu/pgbouncer:v1.24.0'}\n"
        )
        pooler, api = sorted(read(text), key=lambda fact: isinstance(fact, Workload))
        assert pooler.name == "api/bouncer" and {"localhost", "127.0.0.1"} <= set(pooler.hosts)
        assert api.name == "api"


class TestFiles:
    def test_lists_hold_manifests(self, read):
        inner = deployment("replicas: 3").replace("\n", "\n    ").rstrip()
        (api,) = read(f"apiVersion: v1\nkind: List\nitems:\n  - {inner}\n")
        assert at(api.instances) == (3, "k8s/0.yaml:9")

    def test_json_is_read_where_manifests_are(self, make_tree):
        text = '{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "api", "image": "registry/shop:1"}]}}}}'
        (api,) = kubernetes.read(make_tree({"k8s/app.json": text, "fixtures/app.json": text}))
        assert at(api.instances) == (3, "k8s/app.json:1")

    def test_one_broken_document_leaves_the_others(self, make_tree):
        tree = make_tree(
            {
                "k8s/app.yaml": deployment("replicas: 3", name="one")
                + "---\nkind: [\n---\n"
                + deployment("replicas: 4", name="two")
            }
        )
        facts = list(kubernetes.read(tree))
        assert [(fact.name, str(fact.instances.origin.location)) for fact in facts] == [
            ("one", "k8s/app.yaml:6"),
            ("two", "k8s/app.yaml:21"),
        ]
        assert [(skipped.path, skipped.line) for skipped in tree.skipped] == [("k8s/app.yaml", 15)]

    def test_templates_are_said_and_not_guessed(self, make_tree):
        tree = make_tree({"k8s/app.yaml": "{{ if .Enabled }}\n" + deployment("replicas: 3") + "{{ end }}\n"})
        assert list(kubernetes.read(tree)) == []
        assert "template" in tree.skipped[0].reason

    def test_a_templated_number_is_unknown(self, workload):
        assert isinstance(workload(deployment("replicas: {{ replicas }}")).instances, Unknown)

    def test_other_yaml_is_none_of_its_business(self, read):
        assert read("kind: pipeline\nsteps: []\n", "- a\n", "") == []

    def test_odd_shapes_end_nothing(self, make_tree):
        odd = (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: []\n"
            "spec: {replicas: {a: b}, strategy: x, template: {spec: {containers: [1, {name: a, env: [1], envFrom: x, command: {}}]}}}\n"
        )
        tree = make_tree(
            {
                "k8s/a.yaml": odd,
                "k8s/b.yaml": "apiVersion: apps/v1\nkind: Deployment\n",
                "k8s/c.yaml": "apiVersion: v1\nkind: List\nitems: 3\n",
            }
        )
        (found,) = kubernetes.read(tree)
        assert isinstance(found.instances, Unknown) and found.image is None
        assert tree.skipped == ()
