"""How many pods of a workload run at once, in the steady state and at the documented peak of a roll-out.

Deployment    maxReplicas of its autoscaler, else replicas, else 1; plus maxSurge (25 %, rounded up) while it rolls out
StatefulSet   the same without a surge: a pod must end before its successor starts
DaemonSet     one per node, which no manifest says
Job           the smaller of parallelism and completions
CronJob       one run; with Allow as many as fit into activeDeadlineSeconds, without a deadline no ceiling
Rollout       canary plus its surge, blue/green twice
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poollint.facts import NO_CEILING, NOT_READ, Known, Location, Origin, Setting, Unknown, value_of
from poollint.readers._numbers import count_of, whole

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.readers._manifests import Bundle, Manifest

_DEFAULT_SURGE = "25%"  # kubernetes/api apps/v1 DeploymentStrategy; Argo Rollouts utils/defaults has the same
_KEDA_MAXIMUM = 100


@dataclass(frozen=True, slots=True)
class Scale:
    steady: Setting
    rollout: Setting = NOT_READ
    documented: bool = False
    autoscaler: Location | None = None
    notes: tuple[str, ...] = ()


def scale_of(manifest: Manifest, bundle: Bundle) -> Scale:
    """Return the scale of a workload, by its kind."""
    match manifest.kind:
        case "Deployment":
            return _surging(_replicated(manifest, bundle), manifest.node.at("spec", "strategy"))
        case "Rollout":
            return _rollout(_replicated(manifest, bundle), manifest.node.at("spec", "strategy"))
        case "StatefulSet" | "ReplicaSet" | "ReplicationController":
            scale = _replicated(manifest, bundle)
            return replace(scale, rollout=scale.steady, documented=True)
        case "DaemonSet":
            return Scale(Unknown("a DaemonSet runs one pod per node"), Unknown("a DaemonSet runs one pod per node"))
        case "Job":
            pods = job_pods(manifest.node.at("spec"))
            return Scale(pods, pods)
        case "CronJob":
            return _cron_job(manifest)
        case "ScaledJob":
            return _scaled_job(manifest)
        case _:
            one = Known(1, Origin("one pod", manifest.location))
            return Scale(one, one)


# -- replicas and autoscalers ------------------------------------------------------------------------------------------


def _replicated(manifest: Manifest, bundle: Bundle) -> Scale:
    # An autoscaler replaces `replicas`: counting both would count every pod twice.
    scalers = [m for m in bundle.all("HorizontalPodAutoscaler", "ScaledObject") if _targets(m, manifest, bundle)]
    ceilings = [(_ceiling(scaler), scaler) for scaler in scalers]
    if not ceilings:
        replicas = manifest.node.at("spec", "replicas")
        return Scale(count_of(replicas, "replicas", Known(1, Origin("default of Kubernetes"), "default")))
    # One that is not known comes first, then the largest.
    ceiling, scaler = max(ceilings, key=lambda pair: value_of(pair[0], NO_CEILING))
    notes = ("two autoscalers target it; the larger maximum counts",) if len(ceilings) > 1 else ()
    place = ceiling.origin.location or scaler.location
    return Scale(ceiling, autoscaler=place, notes=notes)


def _targets(scaler: Manifest, manifest: Manifest, bundle: Bundle) -> bool:
    target = scaler.node.at("spec", "scaleTargetRef")
    name = target.text_at("name") if target is not None else None
    if target is None or not name or not manifest.is_called(name):
        return False
    default = "Deployment" if scaler.kind == "ScaledObject" else ""
    return (target.text_at("kind") or default) == manifest.kind and bundle.find(manifest.kind, name, scaler) is manifest


def _ceiling(scaler: Manifest) -> Setting:
    if scaler.kind == "ScaledObject":
        absent = Known(_KEDA_MAXIMUM, Origin("default of KEDA", scaler.location), "default")
        return count_of(scaler.node.at("spec", "maxReplicaCount"), "maxReplicaCount", absent)
    return count_of(scaler.node.at("spec", "maxReplicas"), "maxReplicas")


# -- roll-outs ---------------------------------------------------------------------------------------------------------


def _surging(scale: Scale, strategy: Node | None) -> Scale:
    if strategy is not None and strategy.text_at("type") == "Recreate":
        return replace(scale, rollout=scale.steady, documented=True)
    node = strategy.at("rollingUpdate", "maxSurge") if strategy is not None else None
    return replace(scale, rollout=_with_surge(scale.steady, node), documented=True)


def _with_surge(steady: Setting, node: Node | None) -> Setting:
    text = node.text_at() if node is not None else _DEFAULT_SURGE
    if isinstance(steady, Unknown):
        return steady
    surge = surge_of(steady.value, text or "")
    if surge is None:
        return Unknown("maxSurge is no plain number", Origin("maxSurge", node.location if node is not None else None))
    says = f"{steady.origin.says} plus maxSurge {text}"
    return Known(steady.value + surge, Origin(says, steady.origin.location), steady.certainty)


def surge_of(replicas: int, text: str) -> int | None:
    """Return the pods above `replicas` that `maxSurge` allows: a number, or a share rounded up."""
    text = text.strip()
    try:
        if text.endswith("%"):
            # Whole numbers throughout: 100 × 1.1 would round up once too often.
            return -(-replicas * whole(text[:-1]) // 100)
        return whole(text)
    except ValueError:
        return None


def _rollout(scale: Scale, strategy: Node | None) -> Scale:
    """Argo Rollouts: blue/green and canaries behind a traffic router keep the old pods whole beside the new ones."""
    blue_green = strategy.at("blueGreen") if strategy is not None else None
    canary = strategy.at("canary") if strategy is not None else None
    if blue_green is not None:
        preview = count_of(blue_green.at("previewReplicaCount"), "previewReplicaCount", scale.steady)
        return replace(scale, rollout=_sum(scale.steady, preview, "blue/green"), documented=True)
    is_routed = canary is not None and canary.at("trafficRouting") is not None
    if canary is not None and is_routed and canary.text_at("dynamicStableScale") != "true":
        return replace(scale, rollout=_sum(scale.steady, scale.steady, "canary with traffic routing"), documented=True)
    surge = canary.at("maxSurge") if canary is not None else None
    return replace(scale, rollout=_with_surge(scale.steady, surge), documented=True)


def _sum(steady: Setting, more: Setting, why: str) -> Setting:
    if isinstance(steady, Unknown) or isinstance(more, Unknown):
        return steady if isinstance(steady, Unknown) else more
    says = f"{steady.origin.says}, {why}"
    return Known(steady.value + more.value, Origin(says, steady.origin.location), steady.certainty)


# -- jobs --------------------------------------------------------------------------------------------------------------


def job_pods(spec: Node | None) -> Setting:
    """Return the pods of one Job that run at once."""
    one = Known(1, Origin("default of Kubernetes"), "default")
    if spec is None:
        return one
    if spec.text_at("suspend") == "true":
        return Known(0, Origin("suspend", spec.at("suspend").location))  # type: ignore[union-attr]
    parallelism = count_of(spec.at("parallelism"), "parallelism", one)
    completions = count_of(spec.at("completions"), "completions", parallelism)
    if isinstance(parallelism, Known) and isinstance(completions, Known):
        return min(parallelism, completions, key=lambda known: known.value)
    return parallelism


def _cron_job(manifest: Manifest) -> Scale:
    spec = manifest.node.at("spec")
    pods = job_pods(manifest.node.at("spec", "jobTemplate", "spec"))
    if spec is None or not isinstance(pods, Known):
        return Scale(pods, pods)
    if spec.text_at("suspend") == "true":
        off = Known(0, Origin("suspend", spec.at("suspend").location))  # type: ignore[union-attr]
        return Scale(off, off)
    policy = spec.text_at("concurrencyPolicy") or "Allow"
    if policy != "Allow":
        return Scale(pods, pods, documented=True)
    overlap = _overlap(spec, pods)
    return Scale(pods, overlap, documented=isinstance(overlap, Known) and overlap.value != NO_CEILING)


def _overlap(spec: Node, pods: Known) -> Setting:
    """Allow starts the next run whatever the last one does; only a deadline ends it."""
    deadline = spec.at("jobTemplate", "spec", "activeDeadlineSeconds")
    if deadline is None:
        policy = spec.at("concurrencyPolicy")
        return Known(NO_CEILING, Origin("no ceiling", policy.location if policy is not None else None), "default")
    seconds = count_of(deadline, "activeDeadlineSeconds")
    period = cron_period(spec.text_at("schedule") or "")
    if isinstance(seconds, Unknown):
        return seconds
    if period is None:
        return Unknown("the schedule gives no plain period", seconds.origin)
    return Known(max(1, math.ceil(seconds.value / period)) * pods.value, seconds.origin)


_DAY = 86400
_MACROS = {
    "@hourly": 3600,
    "@daily": _DAY,
    "@midnight": _DAY,
    "@weekly": 7 * _DAY,
    "@monthly": 28 * _DAY,
    "@yearly": 365 * _DAY,
    "@annually": 365 * _DAY,
}


def cron_period(schedule: str) -> int | None:
    """Return the shortest time between two runs in seconds, or None when minute and hour do not say it plainly."""
    words = schedule.split()
    if len(words) == 1:
        return _MACROS.get(words[0])
    if len(words) != 5:
        return None
    minutes, hours = _cron_field(words[0], 60), _cron_field(words[1], 24)
    if not minutes or not hours:
        return None
    runs = sorted((hour * 60 + minute) * 60 for hour in hours for minute in minutes)
    gaps = [later - earlier for earlier, later in zip(runs, [*runs[1:], runs[0] + _DAY])]
    return min(gaps)


def _cron_field(text: str, size: int) -> list[int] | None:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        try:
            width = int(step) if step else 1
            if span == "*":
                start, end = 0, size - 1
            elif "-" in span:
                start, end = (int(word) for word in span.split("-", 1))
            else:
                start = int(span)
                end = size - 1 if step else start
        except ValueError:
            return None
        if width < 1 or not 0 <= start <= end < size:
            return None
        found.update(range(start, end + 1, width))
    return sorted(found)


def _scaled_job(manifest: Manifest) -> Scale:
    """KEDA caps the jobs that run at once; `gradual` lets those of the old definition finish beside the new ones."""
    spec = manifest.node.at("spec")
    absent = Known(_KEDA_MAXIMUM, Origin("default of KEDA", manifest.location), "default")
    jobs = count_of(spec.at("maxReplicaCount") if spec else None, "maxReplicaCount", absent)
    target = spec.at("jobTargetRef") if spec else None
    pods = count_of(target.at("parallelism") if target else None, "parallelism", Known(1, Origin(""), "default"))
    if isinstance(jobs, Unknown) or isinstance(pods, Unknown):
        unknown = jobs if isinstance(jobs, Unknown) else pods
        return Scale(unknown, unknown)
    steady = replace(jobs, value=jobs.value * pods.value)
    gradual = spec is not None and spec.text_at("rollout", "strategy") == "gradual"
    peak = _sum(steady, steady, "jobs of the old definition run on") if gradual else steady
    return Scale(steady, peak, documented=True, autoscaler=manifest.location)
