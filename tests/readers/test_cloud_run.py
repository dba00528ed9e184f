"""Cloud Run as YAML: what limits its instances, and what its containers see."""

from __future__ import annotations

import textwrap

import pytest

from places import at
from poollint.facts import Known, Unknown, Workload
from poollint.readers import cloud_run

SERVICE = """\
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: orders
  annotations:
    run.googleapis.com/ingress: all
spec:
  template:
    metadata:
      annotations:
        autoscaling.knative.dev/maxScale: "40"
    spec:
      containerConcurrency: 20
      timeoutSeconds: 60
      containers:
        - image: us-docker.pkg.dev/p/r/orders:1
          ports: [{containerPort: 8000}]
          resources: {limits: {cpu: "2", memory: 1Gi}}
"""


def service(annotations: str = "", template: str = "", spec: str = "", container: str = "", below: str = "") -> str:
    """A service of Cloud Run with the given lines in their places."""

    def block(text: str, indent: int) -> str:
        return textwrap.indent(textwrap.dedent(text), " " * indent)

    return (
        "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata:\n  name: orders\n  annotations:\n"
        "    run.googleapis.com/ingress: all\n" + block(annotations, 4) + "spec:\n" + block(below, 2) + "  template:\n"
        "    metadata:\n      annotations:\n        run.googleapis.com/client-name: gcloud\n"
        + block(template, 8)
        + "    spec:\n"
        + block(spec, 6)
        + "      containers:\n        - image: gcr.io/p/orders\n"
        + block(container, 10)
    )


@pytest.fixture
def read(make_tree):
    return lambda text, **more: list(cloud_run.read(make_tree({"deploy/service.yaml": text, **more})))


@pytest.fixture
def instances(read):
    return lambda text: read(text)[0].instances


class TestAService:
    def test_says_every_number_with_its_place(self, read):
        """Annotations are quoted numbers; their place is the value's."""
        (orders,) = read(SERVICE)
        assert (orders.name, orders.platform, orders.kind, orders.life) == (
            "orders",
            "cloud-run",
            "service",
            "scale-to-zero",
        )
        assert orders.instances.value == 40 and orders.instances.certainty == "exact"
        assert orders.instances.origin.says == "maxScale"
        assert str(orders.instances.origin.location) == "deploy/service.yaml:11"
        assert at(orders.concurrency) == (20, "deploy/service.yaml:13")
        assert orders.concurrency_is_hard
        assert at(orders.request_timeout) == (60, "deploy/service.yaml:14")
        assert (orders.cpus.value, orders.cpus.certainty) == (2, "estimate")
        assert orders.image == "us-docker.pkg.dev/p/r/orders:1"
        assert (orders.unit, orders.environment) == ("deploy", None)

    def test_has_the_defaults_of_the_platform_when_it_says_nothing(self, read):
        (orders,) = read(service())
        assert (orders.instances.value, orders.instances.certainty) == (100, "default")
        assert orders.instances.origin.says == "default of Cloud Run" and orders.instances.origin.location is None
        assert (orders.concurrency.value, orders.concurrency.certainty) == (80, "default")
        assert (orders.request_timeout.value, orders.request_timeout.certainty) == (300, "default")

    def test_overlap_during_a_roll_out_is_not_documented(self, read):
        (orders,) = read(SERVICE)
        assert orders.rollout_instances == orders.instances and not orders.rollout_documented

    def test_with_less_than_one_cpu_takes_one_request(self, read):
        (orders,) = read(service(container="resources: {limits: {cpu: 500m}}\n"))
        assert orders.concurrency.value == 1

    def test_concurrency_zero_is_the_default_not_unlimited(self, read):
        (orders,) = read(service(spec="containerConcurrency: 0\n"))
        assert orders.concurrency.value == 80

    def test_a_placeholder_is_unknown_not_the_default(self, instances):
        setting = instances(service(template="autoscaling.knative.dev/maxScale: ${MAX}\n"))
        assert isinstance(setting, Unknown)

    def test_exported_yaml_reads_like_written_yaml(self, read):
        """`gcloud run services describe --format export` writes the defaults down, with a namespace and a label."""
        (orders,) = read("""\
            apiVersion: serving.knative.dev/v1
            kind: Service
            metadata:
              name: orders
              namespace: '123456789'
              labels:
                cloud.googleapis.com/location: europe-west1
            spec:
              template:
                metadata:
                  annotations:
                    autoscaling.knative.dev/maxScale: '100'
                spec:
                  containerConcurrency: 80
                  timeoutSeconds: 300
                  containers:
                    - image: example.com/orders@sha256:0123
              traffic:
                - percent: 100
                  latestRevision: true
            """)
        assert (orders.instances.value, orders.instances.certainty) == (100, "exact")


class TestTheCeiling:
    def test_of_the_service_wins_when_it_is_smaller(self, instances):
        setting = instances(service('run.googleapis.com/maxScale: "10"\n', 'autoscaling.knative.dev/maxScale: "40"\n'))
        assert at(setting) == (10, "deploy/service.yaml:7")

    def test_of_the_revision_wins_when_it_is_smaller(self, instances):
        setting = instances(service('run.googleapis.com/maxScale: "40"\n', 'autoscaling.knative.dev/maxScale: "10"\n'))
        assert at(setting) == (10, "deploy/service.yaml:13")

    def test_of_the_service_stands_alone_above_the_default_of_a_revision(self, instances):
        assert instances(service('run.googleapis.com/maxScale: "250"\n')).value == 250

    def test_is_the_count_of_manual_scaling(self, instances):
        setting = instances(
            service(
                "run.googleapis.com/scalingMode: manual\nrun.googleapis.com/manualInstanceCount: '6'\n",
                'autoscaling.knative.dev/maxScale: "40"\n',
            )
        )
        assert (setting.value, setting.origin.says) == (6, "manualInstanceCount")


class TestTraffic:
    SPLIT = """\
        traffic:
          - {revisionName: orders-00007, percent: 50}
          - {latestRevision: true, percent: 50}
        """

    def test_to_a_revision_no_file_describes_has_an_unknown_maximum(self, instances):
        setting = instances(service(template='autoscaling.knative.dev/maxScale: "40"\n', below=self.SPLIT))
        assert isinstance(setting, Unknown) and "orders-00007" in setting.reason
        assert str(setting.origin.location) == "deploy/service.yaml:9"

    def test_stays_below_the_service_level_maximum_whatever_the_revisions_say(self, instances):
        assert instances(service('run.googleapis.com/maxScale: "30"\n', below=self.SPLIT)).value == 30

    def test_to_revisions_that_files_describe_adds_their_maxima(self, make_tree):
        old = service(template='autoscaling.knative.dev/maxScale: "25"\n')
        old = old.replace(
            "    metadata:\n      annotations", "    metadata:\n      name: orders-00007\n      annotations"
        )
        new = service(template='autoscaling.knative.dev/maxScale: "40"\n', below=self.SPLIT)
        facts = list(cloud_run.read(make_tree({"new/service.yaml": new, "old/service.yaml": old})))
        assert facts[0].instances.value == 65

    def test_a_tag_without_a_share_adds_nothing(self, instances):
        tagged = """\
            traffic:
              - {latestRevision: true, percent: 100}
              - {revisionName: orders-00007, tag: old}
            """
        assert instances(service(template='autoscaling.knative.dev/maxScale: "40"\n', below=tagged)).value == 40

    def test_to_the_revision_this_file_names_is_its_own(self, instances):
        text = service(template='autoscaling.knative.dev/maxScale: "40"\n', below=self.SPLIT)
        text = text.replace(
            "    metadata:\n      annotations", "    metadata:\n      name: orders-00007\n      annotations"
        )
        assert instances(text).value == 40


class TestVariables:
    def test_are_not_expanded_and_the_last_of_two_wins(self, read):
        (orders,) = read(
            service(
                container="""\
            env:
              - {name: HOST, value: db}
              - {name: URL, value: "postgresql://$(HOST)/app"}
              - {name: POOL, value: "5"}
              - {name: POOL, value: "7"}
            """
            )
        )
        variables = orders.variables.variables
        assert variables["URL"].value == "postgresql://$(HOST)/app"
        assert at(variables["POOL"]) == ("7", "deploy/service.yaml:19")
        assert orders.variables.complete

    def test_from_secrets_are_identified_and_never_known(self, read):
        (orders,) = read(
            service(
                container="""\
            env:
              - name: DATABASE_URL
                valueFrom: {secretKeyRef: {name: orders-url, key: latest}}
            """
            )
        )
        assert isinstance(orders.variables.variables["DATABASE_URL"], Unknown)
        assert orders.variables.secrets["DATABASE_URL"] == "secret-manager//orders-url/latest"

    def test_carry_no_password(self, read):
        (orders,) = read(
            service(
                container="""\
            env:
              - {name: DATABASE_URL, value: "postgresql://app:hunter2@10.0.0.5:5432/orders"}
              - {name: DB_PASSWORD, value: hunter2}
            """
            )
        )
        assert orders.variables.variables["DATABASE_URL"].value == "postgresql://app:***@10.0.0.5:5432/orders"
        assert "hunter2" not in repr(orders)

    def test_of_env_from_are_not_there_and_said(self, read):
        (orders,) = read(service(container="envFrom: [{configMapRef: {name: settings}}]\n"))
        assert not orders.variables.complete and "envFrom" in orders.notes[0]

    def test_tell_that_it_is_cloud_run(self, read):
        (orders,) = read(service())
        assert orders.variables.variables["K_SERVICE"].value == "orders"
        assert orders.variables.variables["PORT"].value == "8080"


class TestConnections:
    def test_to_cloud_sql_stand_at_the_revision(self, read):
        (orders,) = read(service(template="run.googleapis.com/cloudsql-instances: p:r:one,p:r:two\n"))
        assert orders.instance_connections == ("p:r:one", "p:r:two") and orders.egress == "internet"

    def test_at_the_service_are_ignored(self, read):
        (orders,) = read(service("run.googleapis.com/cloudsql-instances: p:r:one\n"))
        assert orders.instance_connections == ()

    @pytest.mark.parametrize("key", ["vpc-access-connector", "network-interfaces"])
    def test_through_a_network_leave_into_it(self, read, key):
        (orders,) = read(service(template=f"run.googleapis.com/{key}: net\n"))
        assert orders.egress == "vpc"


class TestContainers:
    def test_each_with_code_of_its_own_is_a_workload(self, read):
        """Requests reach the one with a port; the auth proxy has no pool."""
        facts = read("""\
            apiVersion: serving.knative.dev/v1
            kind: Service
            metadata: {name: orders, annotations: {run.googleapis.com/launch-stage: BETA}}
            spec:
              template:
                spec:
                  containers:
                    - {name: worker, image: gcr.io/p/worker, command: [celery, -A, tasks, worker]}
                    - {name: web, image: gcr.io/p/orders, ports: [{containerPort: 8080}]}
                    - {name: proxy, image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14}
            """)
        assert [fact.name for fact in facts] == ["orders/worker", "orders"]
        assert facts[0].entrypoint.words == ("celery", "-A", "tasks", "worker")
        assert [place.line for place in facts[0].entrypoint.locations] == [8, 8, 8, 8]
        assert facts[0].command.words == (), "command alone drops the image's CMD"
        assert facts[1].entrypoint is None and facts[1].command is None
        assert facts[1].concurrency_is_hard and not facts[0].concurrency_is_hard, "no request reaches the worker"

    def test_arguments_alone_keep_the_entry_point(self, read):
        (orders,) = read(service(container='args: ["--workers", "4"]\n'))
        assert orders.entrypoint is None and orders.command.words == ("--workers", "4")


class TestAJob:
    JOB = """\
        apiVersion: run.googleapis.com/v1
        kind: Job
        metadata: {name: import}
        spec:
          template:
            metadata:
              annotations:
                run.googleapis.com/cloudsql-instances: p:r:i
            spec:
              taskCount: 10
              PARALLELISM
              template:
                spec:
                  containers:
                    - image: gcr.io/p/import
                      env: [{name: BATCH, value: "5"}]
        """

    @pytest.mark.parametrize(
        ("parallelism", "instances", "line"),
        [("parallelism: 4", 4, 11), ("parallelism: 20", 10, 10), ("parallelism: 0", 10, 10), ("", 10, 10)],
    )
    def test_runs_as_many_tasks_at_once_as_both_numbers_allow(self, read, parallelism, instances, line):
        (job,) = read(self.JOB.replace("PARALLELISM", parallelism))
        assert (job.kind, job.life) == ("job", "one-off")
        assert (job.instances.value, job.instances.origin.location.line) == (instances, line)
        assert job.instance_connections == ("p:r:i",)
        assert job.variables.variables["BATCH"].value == "5"


def test_a_worker_pool_has_the_instances_it_is_given(read):
    (pool,) = read("""\
        apiVersion: run.googleapis.com/v1
        kind: WorkerPool
        metadata:
          name: consumer
          annotations:
            run.googleapis.com/scalingMode: manual
            run.googleapis.com/manualInstanceCount: '3'
        spec:
          template:
            spec:
              containers: [{image: gcr.io/p/consumer}]
        """)
    assert (pool.kind, pool.life, pool.instances.value) == ("worker-pool", "long-lived", 3)
    assert not isinstance(pool.concurrency, Known)


@pytest.mark.parametrize(
    ("container", "path", "name"),
    [
        ("name: web", "deploy/service.yaml", "web"),
        ("", "deploy/orders.yaml", "orders"),
        ("", "orders/service.yaml", "orders"),
        ("name: ${NAME}", "orders/service.yaml", "orders"),
    ],
)
def test_a_name_that_is_filled_in_later_gives_way_to_the_next_best(make_tree, container, path, name):
    text = SERVICE.replace("name: orders", "name: ${SERVICE}").replace("ports:", f"{container}\n          ports:")
    (found,) = cloud_run.read(make_tree({path: text}))
    assert found.name == name


class TestWhatIsNotCloudRun:
    def test_a_core_service(self, read):
        assert read("apiVersion: v1\nkind: Service\nmetadata: {name: orders}\nspec: {selector: {app: a}}\n") == []

    def test_a_knative_service_without_a_sign_of_google(self, read):
        assert read(PLAIN) == []

    def test_unless_a_script_sends_it_there(self, read):
        facts = read(PLAIN, **{"deploy.sh": "gcloud run services replace deploy/service.yaml --region r\n"})
        assert [type(fact) for fact in facts] == [Workload]


PLAIN = """\
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: orders}
spec:
  template:
    spec:
      containers: [{image: docker.io/me/orders}]
"""
