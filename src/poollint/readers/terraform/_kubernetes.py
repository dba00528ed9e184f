"""Kubernetes objects that Terraform makes: Deployments and StatefulSets with their autoscalers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from poollint.facts import Environment, Known, Location, Origin, Setting, Unknown, Words, Workload
from poollint.readers._containers import is_infrastructure
from poollint.readers.terraform._env import environment, variable
from poollint.readers.terraform._google import words
from poollint.readers.terraform._part import Part, Reader

ONE_REPLICA = Known(1, Origin("default of Kubernetes"), "default")
_SCALERS = (
    "kubernetes_horizontal_pod_autoscaler",
    "kubernetes_horizontal_pod_autoscaler_v1",
    "kubernetes_horizontal_pod_autoscaler_v2",
    "kubernetes_horizontal_pod_autoscaler_v2beta2",
)


def deployment(part: Part) -> Iterator[Workload]:
    """kubernetes_deployment, with a surge of a quarter during a roll-out."""
    instances, autoscaler = _replicas(part)
    yield from _workloads(part, "deployment", instances, _surged(part, instances), autoscaler)


def stateful_set(part: Part) -> Iterator[Workload]:
    """kubernetes_stateful_set: a pod must end before its successor starts."""
    instances, autoscaler = _replicas(part)
    yield from _workloads(part, "stateful-set", instances, instances, autoscaler)


def _workloads(
    part: Part, kind: str, instances: Setting, rollout: Setting, autoscaler: Location | None
) -> Iterator[Workload]:
    pod = part.first("spec", "template", "spec")
    ours = [c for c in (pod.blocks("container") if pod else []) if not is_infrastructure(c.text("image"))]
    name = _name(part)
    for container in ours:
        entrypoint, command = words(container, "command"), words(container, "args")
        if entrypoint and not command:
            command = Words(entrypoint.location)  # `command` alone drops the image's CMD too
        yield Workload(
            name=name if len(ours) == 1 else f"{name}/{container.text('name')}",
            platform="kubernetes",
            kind=kind,
            location=part.location,
            unit=part.unit,
            environment=part.environment,
            instances=instances,
            rollout_instances=rollout,
            rollout_documented=True,
            variables=_variables(part, container),
            entrypoint=entrypoint,
            command=command,
            working_directory=container.word("working_dir"),
            image=container.text("image"),
            autoscaler=autoscaler,
        )


def _name(part: Part) -> str:
    metadata = part.first("metadata")
    return (metadata.word("name") if metadata else None) or part.label


def _replicas(part: Part) -> tuple[Setting, Location | None]:
    """Return (pods, place of the autoscaler): an autoscaler replaces `replicas`."""
    for scaler in part.scope.everywhere(*_SCALERS):
        target = scaler.first("spec", "scale_target_ref")
        if target is None:
            continue
        wanted = target.get("name")
        is_name = isinstance(wanted, Known) and wanted.value == _name(part)
        if is_name or part.is_meant_by(wanted):
            spec = scaler.first("spec") or scaler
            return spec.number("max_replicas"), scaler.location
    spec = part.first("spec")
    return (spec.number("replicas", ONE_REPLICA) if spec else ONE_REPLICA), None


def _surged(part: Part, instances: Setting) -> Setting:
    strategy = part.first("spec", "strategy")
    if strategy is not None and strategy.word("type") == "Recreate":
        return instances
    rolling = strategy.first("rolling_update") if strategy else None
    written = rolling.get("max_surge", says="max_surge") if rolling else None
    surge = written or Known("25%", Origin("maxSurge, default of Kubernetes"), "default")
    if not isinstance(instances, Known) or not isinstance(surge, Known):
        return instances if isinstance(instances, Unknown) else surge
    text = str(surge.value)
    if not text.rstrip("%").isdigit():
        return Unknown("max_surge is no number", surge.origin)
    number = int(text.rstrip("%"))
    extra = math.ceil(instances.value * number / 100) if text.endswith("%") else number
    origin = Origin(f"{instances.origin.says} and {text} more ({surge.origin.says})", instances.origin.location)
    return replace(instances, value=instances.value + extra, origin=origin)


def _variables(part: Part, container: Part) -> Environment:
    entries, unread = [], container.unread("env")
    for env in container.blocks("env"):
        name = env.text("name")
        if not name:
            continue
        source = env.first("value_from")
        if source is None:
            entries.append(variable(env, name, env.get("value", says=name) or Known("", Origin(name, env.location))))
            continue
        secret = source.first("secret_key_ref")
        identity = f"secret/{part.unit}/{secret.text('name')}/{secret.text('key')}" if secret else None
        reason = Unknown(f"{name} comes from {'Secret' if secret else 'a reference'}", Origin(name, env.location))
        entries.append((name, reason, identity))
    if container.blocks("env_from"):
        unread = Unknown("env_from is not read")
    return environment(entries, unread)


READERS: dict[str, Reader] = {
    "kubernetes_deployment": deployment,
    "kubernetes_deployment_v1": deployment,
    "kubernetes_stateful_set": stateful_set,
    "kubernetes_stateful_set_v1": stateful_set,
}
