"""Cloud Run: services, jobs and worker pools, as the YAML of `gcloud run services replace` and of its export."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint._yaml import setting
from poollint.facts import NOT_READ, Database, Environment, Known, Origin, Pooler, Setting, Unknown, Workload
from poollint.readers import _containers, _manifests, _serving, _variables
from poollint.readers._numbers import count_of, whole

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree
    from poollint.readers._containers import Container
    from poollint.readers._manifests import Bundle, Manifest

Fact = Workload | Database | Pooler

_DOCS = "https://docs.cloud.google.com/run/docs"
_MAXIMUM = Known(100, Origin("default of Cloud Run", url=f"{_DOCS}/configuring/max-instances"), "default")
_TIMEOUT = Known(300, Origin("default of Cloud Run", url=f"{_DOCS}/configuring/request-timeout"), "default")
_CONCURRENCY_URL = f"{_DOCS}/about-concurrency"
_ONE_TASK = Known(1, Origin("default of Cloud Run jobs"), "default")
_CLOUD_SQL = "run.googleapis.com/cloudsql-instances"
_NETWORKS = ("run.googleapis.com/vpc-access-connector", "run.googleapis.com/network-interfaces")
# Seen in public files only, not in the API's description.
_ONE_WORKER = Known(1, Origin("default of Cloud Run worker pools"), "estimate")


def read(tree: Tree) -> Iterator[Fact]:
    """Yield the services, jobs and worker pools, and the poolers that run beside them."""
    for bundle in _manifests.bundles(tree):
        for manifest in bundle.of("Service", "Job", "WorkerPool"):
            if not is_ours(tree, manifest):
                continue
            facts: list[Fact] = []
            with tree.guard(manifest.path):
                facts.extend(_facts(manifest, bundle))
            yield from facts


def is_ours(tree: Tree, manifest: Manifest) -> bool:
    """Say whether an object is Cloud Run's: by its group, its annotations, or a script that sends the file there."""
    if manifest.group == _serving.RUN:
        return True
    if manifest.kind != "Service" or manifest.group != _serving.SERVING:
        return False
    return _serving.is_cloud_run(manifest) or _is_replaced_by_gcloud(tree, manifest.path)


def _is_replaced_by_gcloud(tree: Tree, path: str) -> bool:
    name = re.escape(path.rpartition("/")[2])
    sends = re.compile(rf"run\s+services\s+replace\s[^\n]*{name}|metadata:\s*['\"]?[^\n'\"]*{name}")
    for script in tree.named("*.sh", "Makefile", "*.mk", "justfile", "Taskfile*", "*.yml", "*.yaml"):
        content = tree.bytes(script)
        may_send = content and (b"services replace" in content or b"deploy-cloudrun" in content)
        if may_send and sends.search(tree.text(script) or ""):
            return True
    return False


def _facts(manifest: Manifest, bundle: Bundle) -> Iterator[Fact]:
    match manifest.kind:
        case "Job":
            yield from _job(manifest, bundle)
        case "WorkerPool":
            yield from _worker_pool(manifest, bundle)
        case _:
            yield from _service(manifest, bundle)


# -- the three kinds ---------------------------------------------------------------------------------------------------


def _service(manifest: Manifest, bundle: Bundle) -> Iterator[Fact]:
    instances = service_instances(manifest, bundle)
    spec = manifest.node.at("spec", "template", "spec")
    base = replace(
        _base(manifest, bundle, "service", spec, instances),
        life="scale-to-zero",
        request_timeout=count_of(spec.at("timeoutSeconds") if spec else None, "timeoutSeconds", _TIMEOUT),
    )
    yield from _of_containers(base, manifest, spec)


def _job(manifest: Manifest, bundle: Bundle) -> Iterator[Fact]:
    execution = manifest.node.at("spec", "template", "spec")
    tasks = count_of(execution.at("taskCount") if execution else None, "taskCount", _ONE_TASK)
    parallelism = count_of(execution.at("parallelism") if execution else None, "parallelism", tasks)
    pod = manifest.node.at("spec", "template", "spec", "template", "spec")
    base = replace(_base(manifest, bundle, "job", pod, _tasks_at_once(tasks, parallelism)), life="one-off")
    yield from _of_containers(base, manifest, pod)


def _tasks_at_once(tasks: Setting, parallelism: Setting) -> Setting:
    # 0 means "as many as possible".
    if isinstance(parallelism, Known) and parallelism.value == 0:
        return tasks
    if isinstance(parallelism, Known) and isinstance(tasks, Known):
        return min(parallelism, tasks, key=lambda known: known.value)
    return parallelism


def _worker_pool(manifest: Manifest, bundle: Bundle) -> Iterator[Fact]:
    count = _serving.service_annotation(manifest, "run.googleapis.com/manualInstanceCount")
    pod = manifest.node.at("spec", "template", "spec")
    instances = count_of(count, "manualInstanceCount", _ONE_WORKER)
    base = _base(manifest, bundle, "worker-pool", pod, instances)
    yield from _of_containers(base, manifest, pod)


def _base(manifest: Manifest, bundle: Bundle, kind: str, pod: Node | None, instances: Setting) -> Workload:
    # How long instances of the old revision stay during a roll-out is not documented.
    return Workload(
        name=_containers.readable_name(manifest, pod),
        platform="cloud-run",
        kind=kind,
        location=manifest.location,
        unit=bundle.unit,
        environment=bundle.environment,
        instances=instances,
        rollout_instances=instances,
        rollout_documented=False,
    )


# -- instances ---------------------------------------------------------------------------------------------------------


def service_instances(manifest: Manifest, bundle: Bundle) -> Setting:
    """Return the most instances of a service.

    manual scaling   exactly the count
    service level    the sum over revisions stays below it; a revision's own smaller maximum counts by its share
    revision level   each revision in `traffic` has its own maximum, 100 when it says none: they add up
    """
    mode = _serving.service_annotation(manifest, "run.googleapis.com/scalingMode")
    if mode is not None and mode.text_at() == "manual":
        count = _serving.service_annotation(manifest, "run.googleapis.com/manualInstanceCount")
        return count_of(count, "manualInstanceCount")
    shares = _serving.shares(manifest, bundle)
    ceiling = _serving.service_annotation(manifest, "run.googleapis.com/maxScale")
    if ceiling is not None:
        return _below_service_level(setting(ceiling, "maxScale", _positive), shares)
    return _serving.add([_revision_maximum(share) for share in shares], f"maxScale of {len(shares)} revisions")


def _revision_maximum(share: _serving.Share) -> Setting:
    if share.manifest is None:
        place = share.node.location if share.node is not None else None
        return Unknown(f"{share.says} gets traffic, and no file describes it", Origin("traffic", place))
    return setting(_revision_annotation(share.manifest), "maxScale", _positive, _MAXIMUM)


def _revision_annotation(manifest: Manifest) -> Node | None:
    return _serving.template_annotation(
        manifest, "autoscaling.knative.dev/maxScale", "autoscaling.knative.dev/max-scale"
    )


def _below_service_level(ceiling: Setting, shares: list[_serving.Share]) -> Setting:
    """Effective per revision is the smaller of its own maximum and its share of the service's."""
    if isinstance(ceiling, Unknown):
        return ceiling
    parts: list[Known] = []
    for share in shares:
        portion = -(-ceiling.value * share.percent // 100)
        own = _revision_maximum(share) if share.manifest and _revision_annotation(share.manifest) else None
        # The default of 100 is not known to cap a larger service-level maximum.
        smaller = isinstance(own, Known) and own.value < portion
        parts.append(own if smaller else replace(ceiling, value=portion))  # type: ignore[arg-type]
    total = _serving.add(list(parts), "maxScale by shares of traffic")
    return ceiling if isinstance(total, Unknown) or total.value >= ceiling.value else total


def _positive(text: str) -> int:
    number = whole(text)
    if number == 0:
        raise ValueError(text)
    return number


# -- containers --------------------------------------------------------------------------------------------------------


def _of_containers(base: Workload, manifest: Manifest, pod: Node | None) -> Iterator[Fact]:
    """Every container with code of its own has pools of its own; requests reach the one with a port."""
    if pod is None:
        return
    running = _containers.containers(pod, "containers")
    base = replace(
        base,
        instance_connections=_instance_connections(_serving.template_annotation(manifest, _CLOUD_SQL)),
        egress=_egress(manifest),
    )
    applications: list[Container] = []
    for container in running:
        server = _containers.server_of(container, _environment(container, manifest))
        if server is not None:
            yield _sidecar(server, container, base)
        elif not _containers.is_infrastructure(container.image):
            applications.append(container)
    main = next((c for c in applications if c.has_ports), applications[0] if applications else None)
    for container in applications:
        if container is main:
            yield _workload(base, container, manifest, pod if base.kind == "service" else None)
        else:
            yield _workload(replace(base, name=f"{base.name}/{container.name}"), container, manifest, None)


def _sidecar(server: Database | Pooler, container: Container, base: Workload) -> Database | Pooler:
    placed = replace(
        server,
        name=f"{base.name}/{container.name}",
        location=container.node.location,
        unit=base.unit,
        environment=base.environment,
        hosts=("localhost", "127.0.0.1"),
    )
    return replace(placed, replicas=base.instances) if isinstance(placed, Pooler) else placed


def _workload(base: Workload, container: Container, manifest: Manifest, requests: Node | None) -> Workload:
    """Fill in what one container says; `requests` is the revision's spec when requests reach it."""
    # Cloud Run replaces no $(NAME), in variables, command or arguments.
    entrypoint, command = _containers.command_of(container, None)
    cpus = _cpus(container)
    variables = _environment(container, manifest)
    return replace(
        base,
        image=container.image,
        cpus=cpus,
        concurrency=_concurrency(requests, cpus) if requests is not None else NOT_READ,
        concurrency_is_hard=requests is not None,
        variables=_with_injected(variables.frozen(), manifest.name, base.kind, container),
        entrypoint=entrypoint,
        command=command,
        working_directory=container.node.text_at("workingDir"),
        notes=_notes(container),
    )


def _cpus(container: Container) -> Setting:
    limit = container.node.at("resources", "limits", "cpu")
    if limit is None:
        return Known(1, Origin("default of Cloud Run"), "estimate")
    number = _containers.cpu_count(limit.text_at())
    if number is None:
        return Unknown("limits.cpu is no plain number", Origin("limits.cpu", limit.location))
    # That os.cpu_count() sees these is general knowledge, in no source.
    return Known(int(number) if number == int(number) else number, Origin("limits.cpu", limit.location), "estimate")


def _concurrency(pod: Node, cpus: Setting) -> Setting:
    """Return containerConcurrency; absent and 0 mean 80, or 1 with less than one CPU."""
    written = count_of(pod.at("containerConcurrency"), "containerConcurrency", Known(0, Origin("")))
    if isinstance(written, Unknown) or written.value:
        return written
    if isinstance(cpus, Unknown):
        return Unknown("the default concurrency depends on limits.cpu", cpus.origin)
    if cpus.value < 1:
        origin = Origin("default of Cloud Run below 1 CPU", cpus.origin.location, _CONCURRENCY_URL)
        return Known(1, origin, "default")
    return Known(80, Origin("default of Cloud Run", written.origin.location, _CONCURRENCY_URL), "default")


# -- variables and connections -----------------------------------------------------------------------------------------


def _environment(container: Container, manifest: Manifest) -> _variables.Variables:
    """The last of two equal names wins; there is no envFrom, no configMapKeyRef, and nothing is replaced in values."""
    found = _variables.Variables()
    found.complete = container.node.at("envFrom") is None
    for item in container.node.items_at("env"):
        name = item.text_at("name")
        if not name:
            continue
        reference = item.at("valueFrom")
        if reference is None:
            place = (item.at("value") or item).location
            found.set(name, _variables.literal(name, item.text_at("value") or "", place))
            continue
        secret = reference.text_at("secretKeyRef", "name")
        version = reference.text_at("secretKeyRef", "key") or "latest"
        reason = f"{name} comes from {f'Secret {secret}' if secret else 'a source that Cloud Run does not support'}"
        identity = _variables.secret_identity(secret, version, manifest.namespace, "secret-manager") if secret else None
        found.set(name, Unknown(reason, Origin(name, item.location)), identity)
    return found


def _with_injected(variables: Environment, service: str, kind: str, container: Container) -> Environment:
    """Add what Cloud Run itself sets for a service; the file cannot replace these names."""
    if kind != "service":
        return variables
    origin = Origin("set by Cloud Run")
    ports = container.node.items_at("ports")
    injected: dict[str, Setting] = {
        "K_SERVICE": Known(service, origin, "default"),
        "K_CONFIGURATION": Known(service, origin, "default"),
        "K_REVISION": Unknown("set by Cloud Run", origin),
        "PORT": Known((ports[0].text_at("containerPort") if ports else None) or "8080", origin, "default"),
    }
    return replace(variables, variables={**variables.variables, **injected})


def _notes(container: Container) -> tuple[str, ...]:
    source = container.node.at("envFrom")
    return (f"envFrom ({source.location}) is not supported by Cloud Run",) if source is not None else ()


def _instance_connections(node: Node | None) -> tuple[str, ...]:
    names = (node.text_at() or "").split(",") if node is not None else []
    return tuple(name.strip() for name in names if name.strip())


def _egress(manifest: Manifest) -> str:
    return "internet" if _serving.template_annotation(manifest, *_NETWORKS) is None else "vpc"
