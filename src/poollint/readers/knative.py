"""Knative Serving on a cluster of one's own: unlike on Cloud Run, nothing limits instances or requests by default."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint._yaml import Scalar
from poollint.facts import NO_CEILING, Database, Known, Origin, Pooler, Setting, Unknown, Workload
from poollint.readers import _containers, _manifests, _serving, cloud_run, kubernetes
from poollint.readers._numbers import count_of

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree
    from poollint.readers._manifests import Bundle, Manifest

Fact = Workload | Database | Pooler

_TIMEOUT = Known(300, Origin("default of Knative"), "default")


def read(tree: Tree) -> Iterator[Fact]:
    """Yield the services that are not Cloud Run's."""
    for bundle in _manifests.bundles(tree):
        for manifest in bundle.of("Service", group=_serving.SERVING):
            if cloud_run.is_ours(tree, manifest):
                continue
            facts: list[Fact] = []
            with tree.guard(manifest.path):
                facts.extend(_facts(manifest, bundle))
            yield from facts


def _facts(manifest: Manifest, bundle: Bundle) -> Iterator[Fact]:
    pod = manifest.node.at("spec", "template", "spec")
    if pod is None:
        return
    shares = _serving.shares(manifest, bundle)
    instances = _serving.add([_maximum(share, bundle) for share in shares], f"max-scale of {len(shares)} revisions")
    key = "containerConcurrency"
    concurrency = _limit(pod.at(key), key, bundle, "config-defaults", "container-concurrency")
    base = Workload(
        name=_containers.readable_name(manifest, pod),
        platform="knative",
        kind="service",
        location=manifest.location,
        unit=bundle.unit,
        environment=bundle.environment,
        life="scale-to-zero",
        instances=instances,
        rollout_instances=instances,
        concurrency=concurrency,
        concurrency_is_hard=isinstance(concurrency, Known) and concurrency.value != NO_CEILING,
        request_timeout=count_of(pod.at("timeoutSeconds"), "timeoutSeconds", _TIMEOUT),
        cpus=kubernetes.NODE_CORES,
    )
    yield from kubernetes.of_pod(base, pod, manifest, bundle)


def _maximum(share: _serving.Share, bundle: Bundle) -> Setting:
    """Return a revision's max-scale; the kebab spelling wins over the old one."""
    if share.manifest is None:
        place = share.node.location if share.node is not None else None
        return Unknown(f"{share.says} gets traffic, and no file describes it", Origin("traffic", place))
    node = _serving.template_annotation(
        share.manifest, "autoscaling.knative.dev/max-scale", "autoscaling.knative.dev/maxScale"
    )
    return _limit(node, "max-scale", bundle, "config-autoscaler", "max-scale")


def _limit(node: Node | None, says: str, bundle: Bundle, config_map: str, key: str) -> Setting:
    """Return a limit of a service, else of the cluster's ConfigMap; 0 means that there is none."""
    if node is None:
        node = _cluster_default(bundle, config_map, key)
    limit = count_of(node, says, Known(0, Origin("no ceiling"), "default"))
    if isinstance(limit, Known) and limit.value == 0:
        return replace(limit, value=NO_CEILING, origin=Origin("no ceiling", limit.origin.location))
    return limit


def _cluster_default(bundle: Bundle, name: str, key: str) -> Scalar | None:
    for manifest in bundle.all("ConfigMap"):
        if manifest.is_called(name) and manifest.namespace in ("", "knative-serving"):
            # What stands below `_example` is text, and inert.
            node = manifest.node.at("data", key)
            return node if isinstance(node, Scalar) else None
    return None
