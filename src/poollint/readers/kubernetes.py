"""Kubernetes: Deployments and their kin, with their autoscalers, ConfigMaps, Secrets' names and Services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint._yaml import setting
from poollint.facts import NOT_READ, Database, Life, Pooler, Setting, Unknown, Workload
from poollint.readers import _containers, _manifests, _variables
from poollint.readers._numbers import whole
from poollint.readers._scaling import scale_of

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree
    from poollint.readers._containers import Container
    from poollint.readers._manifests import Bundle, Manifest

Fact = Workload | Database | Pooler

# kind → (its API groups, kind of workload, life, where its pods are described)
_TEMPLATE = ("spec", "template", "spec")
_KINDS: dict[str, tuple[tuple[str, ...], str, Life, tuple[str, ...]]] = {
    "Deployment": (("apps", "extensions"), "deployment", "long-lived", _TEMPLATE),
    "StatefulSet": (("apps",), "stateful-set", "long-lived", _TEMPLATE),
    "DaemonSet": (("apps", "extensions"), "daemon-set", "long-lived", _TEMPLATE),
    "ReplicaSet": (("apps", "extensions"), "replica-set", "long-lived", _TEMPLATE),
    "ReplicationController": (("",), "replica-set", "long-lived", _TEMPLATE),
    "Rollout": (("argoproj.io",), "rollout", "long-lived", _TEMPLATE),
    "Pod": (("",), "pod", "long-lived", ("spec",)),
    "Job": (("batch",), "job", "one-off", _TEMPLATE),
    "CronJob": (("batch",), "cron-job", "one-off", ("spec", "jobTemplate", "spec", "template", "spec")),
    "ScaledJob": (("keda.sh",), "scaled-job", "one-off", ("spec", "jobTargetRef", "template", "spec")),
}
NODE_CORES = Unknown("os.cpu_count() counts the cores of the node, whatever limits.cpu says")


def read(tree: Tree) -> Iterator[Fact]:
    """Yield the workloads, database containers and pooler containers of every bundle of manifests."""
    for bundle in _manifests.bundles(tree):
        for manifest in bundle.of(*_KINDS):
            if manifest.group in _KINDS[manifest.kind][0]:
                facts: list[Fact] = []
                with tree.guard(manifest.path):
                    facts.extend(facts_of(manifest, bundle))
                yield from facts


def facts_of(manifest: Manifest, bundle: Bundle) -> Iterator[Fact]:
    """Yield what one object runs: a Workload per container of ours, a Database or Pooler per server."""
    if _is_template_of_a_rollout(manifest, bundle):
        return
    _, kind, life, where = _KINDS[manifest.kind]
    template = _workload_ref(manifest, bundle) or manifest
    pod = template.node.at(*where)
    if pod is None:
        return
    scale = scale_of(manifest, bundle)
    base = Workload(
        name=_containers.readable_name(manifest, pod),
        platform="kubernetes",
        kind=kind,
        location=manifest.location,
        unit=bundle.unit,
        environment=bundle.environment,
        life=life,
        instances=scale.steady,
        rollout_instances=scale.rollout,
        rollout_documented=scale.documented,
        request_timeout=_ingress_timeout(manifest, bundle),
        cpus=NODE_CORES,
        autoscaler=scale.autoscaler,
        notes=scale.notes,
    )
    yield from of_pod(base, pod, manifest, bundle)


def of_pod(base: Workload, pod: Node, manifest: Manifest, bundle: Bundle) -> Iterator[Fact]:
    """Yield what the containers of a pod are; `base` is what holds for all of them."""
    inits = _containers.containers(pod, "initContainers")
    # A restartable init container is a sidecar, and runs as long as the pod.
    sidecars = [c for c in inits if c.node.text_at("restartPolicy") == "Always"]
    running = _containers.containers(pod, "containers") + sidecars
    applications = [c for c in running if not _containers.is_infrastructure(c.image)]
    applications = [c for c in applications if not _containers.is_server_image(c.image)]
    # A job with a database's image dumps, restores or waits: it is a client.
    servers = [c for c in running if base.life != "one-off" and not _containers.is_client_tool(c)]
    for container in servers:
        server = _server(container, pod, manifest, bundle)
        if server is not None:
            yield _placed(server, container, base, hosts_of(manifest, bundle), bool(applications))
    base = replace(base, instance_connections=_containers.proxied_instances(running))
    main = next((c for c in applications if c.has_ports), applications[0] if applications else None)
    for container in applications:
        name = base.name if container is main else f"{base.name}/{container.name}"
        yield _workload(replace(base, name=name), container, manifest, bundle)
    for container in inits:
        if container not in sidecars and _containers.migrates(container):
            init = replace(base, name=f"{base.name}/{container.name}", kind="init", life="one-off")
            yield _workload(init, container, manifest, bundle)


def _server(container: Container, pod: Node, manifest: Manifest, bundle: Bundle) -> Database | Pooler | None:
    variables = _variables.variables_of(container, manifest, bundle)
    files = _containers.mounted_files(container, pod, manifest, bundle)
    return _containers.server_of(container, variables, files)


def _workload(base: Workload, container: Container, manifest: Manifest, bundle: Bundle) -> Workload:
    variables = _variables.variables_of(container, manifest, bundle)
    entrypoint, command = _containers.command_of(container, variables.values)
    return replace(
        base,
        image=container.image,
        variables=variables.frozen(),
        entrypoint=entrypoint,
        command=command,
        working_directory=container.node.text_at("workingDir"),
    )


def _placed(
    server: Database | Pooler, container: Container, base: Workload, hosts: tuple[str, ...], beside: bool
) -> Database | Pooler:
    """Give a server the names that reach it. Beside an application in one pod, it is reached through localhost too."""
    if beside:
        hosts = (*hosts, "localhost", "127.0.0.1")
    name = f"{base.name}/{container.name}" if beside else base.name
    placed = replace(
        server, name=name, location=base.location, unit=base.unit, environment=base.environment, hosts=hosts
    )
    return replace(placed, replicas=base.instances) if isinstance(placed, Pooler) else placed


# -- Argo Rollouts may borrow a Deployment's template ------------------------------------------------------------------


def _workload_ref(manifest: Manifest, bundle: Bundle) -> Manifest | None:
    name = manifest.node.text_at("spec", "workloadRef", "name") if manifest.kind == "Rollout" else None
    return bundle.find("Deployment", name, manifest) if name else None


def _is_template_of_a_rollout(manifest: Manifest, bundle: Bundle) -> bool:
    if manifest.kind != "Deployment":
        return False
    return any(_workload_ref(rollout, bundle) is manifest for rollout in bundle.all("Rollout"))


# -- names -------------------------------------------------------------------------------------------------------------


def hosts_of(manifest: Manifest, bundle: Bundle) -> tuple[str, ...]:
    """Return the names of the Services that select the pods of a workload, short and in full."""
    found: list[str] = []
    for service in _services_of(manifest, bundle):
        found += service_hosts(service.name, service.namespace)
        if service.node.text_at("spec", "clusterIP") == "None" and manifest.kind == "StatefulSet":
            found += service_hosts(f"{manifest.name}-0.{service.name}", service.namespace)
    return tuple(dict.fromkeys(found))


def _services_of(manifest: Manifest, bundle: Bundle) -> list[Manifest]:
    labels = dict(_labels(manifest))
    own = [service for service in bundle.of("Service") if _selects(service, manifest, labels)]
    # A Service elsewhere with the same labels may be another bundle's: it counts when there is none here.
    return own or [service for service in bundle.all("Service") if _selects(service, manifest, labels)]


def _selects(service: Manifest, manifest: Manifest, labels: Mapping[str, str | None]) -> bool:
    selector = {key: value.text_at() for key, value in service.node.pairs_at("spec", "selector")}
    if service.group or not selector or not _manifests.share_namespace(service, manifest):
        return False
    return all(labels.get(key) == value for key, value in selector.items())


def service_hosts(name: str, namespace: str) -> list[str]:
    """Return the spellings of a Service's name: inside its namespace, and from outside."""
    name = name.lower()
    if not namespace:
        return [name]
    return [name, f"{name}.{namespace}", f"{name}.{namespace}.svc", f"{name}.{namespace}.svc.cluster.local"]


def _labels(manifest: Manifest) -> Iterator[tuple[str, str | None]]:
    where = ("metadata",) if manifest.kind == "Pod" else ("spec", "template", "metadata")
    for key, value in manifest.node.pairs_at(*where, "labels"):
        yield key, value.text_at()


# -- requests ----------------------------------------------------------------------------------------------------------

_READ_TIMEOUT = "nginx.ingress.kubernetes.io/proxy-read-timeout"


def _ingress_timeout(manifest: Manifest, bundle: Bundle) -> Setting:
    """Return how long an Ingress in front of a workload waits for an answer, where it says so."""
    ingresses = [m for m in bundle.of("Ingress") if m.node.at("metadata", "annotations", _READ_TIMEOUT) is not None]
    services = {service.name for service in _services_of(manifest, bundle)} if ingresses else set()
    for ingress in ingresses:
        if services & set(_backends(ingress)):
            node = ingress.node.at("metadata", "annotations", _READ_TIMEOUT)
            return setting(node, "proxy-read-timeout", _seconds)
    return NOT_READ


def _seconds(text: str) -> int:
    return whole(text.removesuffix("s"))


def _backends(ingress: Manifest) -> Iterator[str]:
    for rule in ingress.node.items_at("spec", "rules"):
        for path in rule.items_at("http", "paths"):
            name = path.text_at("backend", "service", "name") or path.text_at("backend", "serviceName")
            if name:
                yield name
    if name := ingress.node.text_at("spec", "defaultBackend", "service", "name"):
        yield name
