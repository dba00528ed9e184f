"""Knative on a cluster of one's own: no ceiling unless somebody sets one."""

from __future__ import annotations

import pytest

from places import at
from poollint.facts import NO_CEILING
from poollint.readers import knative


def service(annotations: str = "", concurrency: str = "") -> str:
    return f"""\
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {{name: orders, namespace: shop}}
spec:
  template:
    metadata:
      annotations: {{{annotations}}}
    spec:
      {concurrency}
      containers:
        - image: docker.io/me/orders
          envFrom: [{{configMapRef: {{name: settings}}}}]
"""


SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  POOL: '7'\n"


@pytest.fixture
def read(make_tree):
    return lambda text, **more: list(knative.read(make_tree({"k8s/service.yaml": text, **more})))


def test_without_a_maximum_there_is_no_ceiling(read):
    (orders,) = read(service())
    assert (orders.platform, orders.life) == ("knative", "scale-to-zero")
    assert orders.instances.value == NO_CEILING and orders.instances.origin.says == "no ceiling"
    assert orders.concurrency.value == NO_CEILING and not orders.concurrency_is_hard


def test_zero_is_no_ceiling_and_stands_where_it_is_written(read):
    (orders,) = read(service('autoscaling.knative.dev/max-scale: "0"'))
    assert orders.instances.value == NO_CEILING and str(orders.instances.origin.location) == "k8s/service.yaml:7"


def test_the_kebab_spelling_wins_over_the_old_one(read):
    (orders,) = read(service('autoscaling.knative.dev/maxScale: "50", autoscaling.knative.dev/max-scale: "5"'))
    assert (orders.instances.value, orders.instances.origin.says) == (5, "max-scale")


def test_container_concurrency_is_a_hard_limit(read):
    (orders,) = read(service(concurrency="containerConcurrency: 10"))
    assert (orders.concurrency.value, orders.concurrency_is_hard) == (10, True)


def test_the_config_map_of_the_cluster_changes_the_default(read):
    cluster = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-autoscaler, namespace: knative-serving}\ndata:\n"
    )
    (orders,) = read(service(), **{"cluster/config.yaml": cluster + "  max-scale: '20'\n"})
    assert at(orders.instances) == (20, "cluster/config.yaml:5")
    (orders,) = read(service(), **{"cluster/config.yaml": cluster + "  _example: |\n    max-scale: '20'\n"})
    assert orders.instances.value == NO_CEILING


def test_env_from_is_allowed(read):
    (orders,) = read(service(), **{"k8s/settings.yaml": SETTINGS})
    assert orders.variables.variables["POOL"].value == "7" and orders.variables.complete


def test_a_service_of_cloud_run_is_left_to_its_reader(read):
    assert read(service("run.googleapis.com/cpu-throttling: 'false'")) == []
