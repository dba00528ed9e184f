"""The workloads of the project, each once: environments named, commands read, what is stated put on top.

Several files often describe one thing. A manifest and a workflow that name the same Cloud Run service are merged;
a bare Dockerfile or Procfile is a workload only when nothing else runs what it describes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poollint.config import Configuration, StatedService
from poollint.discover import Tree
from poollint.facts import (
    NOT_READ,
    Database,
    Image,
    Known,
    Location,
    Origin,
    Pooler,
    Process,
    Setting,
    Unknown,
    Workload,
)
from poollint.link import builds, stated
from poollint.link.builds import built, speaks_for

if TYPE_CHECKING:
    from poollint.python.code import Code

# Formats that describe how to start something, and leave it to others to say whether it is deployed.
_FALLBACKS = ("procfile", "systemd", "supervisor", "docker")
# Those of them that say how a machine or a platform serves: a developer's own server beside them does not replace them.
_SERVED = ("procfile", "systemd")
# One project or account has one service of a name, whichever file describes it.
_GLOBAL_NAMES = frozenset({"cloud-run", "cloud-functions", "lambda", "app-engine", "ecs", "app-runner"})
Thing = tuple[str, str, str | None]  # platform, name, unit
_NUMBERS = ("instances", "rollout_instances", "concurrency", "request_timeout", "cpus")


def deployed(
    tree: Tree, read: Iterable[Workload], images: Sequence[Image], configuration: Configuration, code: Code
) -> tuple[Workload, ...]:
    """Return the workloads that run, in the order of their places."""
    placed = [stated.placed(workload, configuration) for workload in read]

    def start(workload: Workload) -> Workload:
        return _started(workload, tree, images, configuration)

    described = list(_merged(placed))
    stages = builds.deployed_stages(described, images)
    made = [start(_as_deployed(workload, stages)) for workload in described]
    found = [built(workload, made, stages, start, code) for workload in made]
    kept = list(_without_fallbacks(found))
    kept += _only_stated(kept, configuration, code)
    return tuple(sorted(kept, key=lambda w: (w.location, w.name, w.environment or "")))


@dataclass(frozen=True, slots=True)
class Versions:
    """What an environment has of its own, so that what is unmarked is an alternative to it, not a summand.

    things   workloads that are described for the environment
    projects (unit, environment) of Compose projects that have files of their own for it: only those run there
    """

    things: frozenset[tuple[Thing, str | None]]
    projects: frozenset[tuple[str, str]]

    def supersede(self, workload: Workload, environment: str | None) -> bool:
        """Say whether an unmarked workload does not run in this environment as it is described."""
        if workload.environment is not None or environment is None:
            return False
        return (_thing(workload), environment) in self.things or (
            workload.platform == "compose" and (workload.unit, environment) in self.projects
        )

    def hide(self, server: Database | Pooler, environment: str | None) -> bool:
        """Say whether an unmarked container of a Compose project does not run in this environment."""
        is_unmarked = server.platform == "compose" and server.environment is None and environment is not None
        return is_unmarked and (server.unit, environment) in self.projects


def versions_of(workloads: Iterable[Workload]) -> Versions:
    """Return what the environments have of their own."""
    workloads = tuple(workloads)
    things = frozenset((_thing(workload), workload.environment) for workload in workloads)
    composed = [workload for workload in workloads if workload.platform == "compose"]
    unmarked = {(workload.unit, workload.location.path) for workload in composed if workload.environment is None}
    projects = frozenset(
        (workload.unit, workload.environment)
        for workload in composed
        # A service that a profile marks stands beside unmarked ones, in their file.
        if workload.environment is not None and (workload.unit, workload.location.path) not in unmarked
    )
    return Versions(things, projects)


# -- several files, one thing ------------------------------------------------------------------------------------------


def _thing(workload: Workload) -> Thing:
    """What a workload is in every environment."""
    return (workload.platform, workload.name, None if workload.platform in _GLOBAL_NAMES else workload.unit)


def _merged(workloads: Iterable[Workload]) -> Iterator[Workload]:
    groups: dict[tuple[Thing, str | None], list[Workload]] = {}
    for workload in workloads:
        groups.setdefault((_thing(workload), workload.environment), []).append(workload)
    for group in groups.values():
        group.sort(key=lambda w: -sum(isinstance(getattr(w, name), Known) for name in _NUMBERS))
        first, *others = group
        for other in others:
            first = _filled(first, other)
        yield first


def _filled(workload: Workload, other: Workload) -> Workload:
    """Fill what one file leaves open with what the other says."""
    changes: dict[str, object] = {}
    for name in _NUMBERS:
        if not isinstance(getattr(workload, name), Known) and isinstance(getattr(other, name), Known):
            changes[name] = getattr(other, name)
    if "concurrency" in changes:
        changes["concurrency_is_hard"] = other.concurrency_is_hard
    if "rollout_instances" in changes:
        changes["rollout_documented"] = other.rollout_documented
    for name in ("entrypoint", "command", "working_directory", "image", "build", "egress"):
        if getattr(workload, name) is None and getattr(other, name) is not None:
            changes[name] = getattr(other, name)
    for name in ("sources", "instance_connections"):
        if not getattr(workload, name):
            changes[name] = getattr(other, name)
    if not workload.variables.variables:
        changes["variables"] = other.variables
    return replace(workload, **changes)  # type: ignore[arg-type]


# -- what it starts ----------------------------------------------------------------------------------------------------


def _started(workload: Workload, tree: Tree, images: Sequence[Image], configuration: Configuration) -> Workload:
    """Read the workload's command, with what is stated of it: CPUs before, because worker counts follow them."""
    service = stated.service_of(configuration, workload)
    if service and isinstance(service.cpus, Known):
        workload = replace(workload, cpus=service.cpus)
    if not workload.run:
        from poollint import commands

        workload = _as_it_ends(replace(workload, run=commands.processes(workload, tree, images)))
    return _with_stated(workload, service) if service else workload


def _as_it_ends(workload: Workload) -> Workload:
    """What Compose is told not to restart does its work once, unless it serves: then a developer wants to see it fail."""
    if workload.platform != "compose" or workload.kind != "job":
        return workload
    ends = bool(workload.run) and not any(process.kind in SERVING for process in workload.run)
    return replace(workload, life="one-off") if ends else replace(workload, kind="service")


def _as_deployed(workload: Workload, stages: builds.Stages) -> Workload:
    """A Dockerfile alone does not say which of its stages is deployed."""
    if workload.platform != "docker" or not workload.build:
        return workload
    return replace(workload, build=builds.deployed(workload.build, stages))


def _with_stated(workload: Workload, service: StatedService) -> Workload:
    if isinstance(service.instances, Known):
        workload = replace(
            workload, instances=service.instances, rollout_instances=service.instances, rollout_documented=False
        )
    if isinstance(service.concurrency, Known):
        # Where no manifest says what its number means, the stated one is meant as a limit.
        is_hard = workload.concurrency_is_hard or not isinstance(workload.concurrency, Known)
        workload = replace(workload, concurrency=service.concurrency, concurrency_is_hard=is_hard)
    if isinstance(service.processes, Known):
        workload = replace(workload, run=_with_processes(workload.run, service.processes))
    return workload


def _with_processes(run: tuple[Process, ...], processes: Setting) -> tuple[Process, ...]:
    """The stated number is that of the server; a migration before it stays one process."""
    servers = [process for process in run if process.kind in SERVING]
    if not run:
        return (Process("stated", "web", processes, NOT_READ),)
    chosen = servers or list(run)
    return tuple(replace(process, processes=processes) if process in chosen else process for process in run)


SERVING = ("web", "worker", "task-runner")

# Platforms whose job beside the services is the release phase, or a step that runs once when they start.
_RELEASING = ("procfile", "heroku", "fly", "compose")


def is_one_step(workload: Workload | None, process: Process | None) -> bool:
    """Say whether it is a migration or a release phase: beside the services, once, one thing at a time."""
    if process is not None and process.kind in SERVING:
        return False
    is_release = workload is not None and workload.platform in _RELEASING and workload.kind == "job"
    return is_release or (process is not None and process.kind == "migration")


# -- fallbacks ---------------------------------------------------------------------------------------------------------


def _without_fallbacks(workloads: list[Workload]) -> Iterator[Workload]:
    """Drop a Dockerfile, Procfile or unit whose code another workload runs."""
    for workload in workloads:
        others = [other for other in workloads if _rank(other) < _rank(workload) and speaks_for(other, workload)]
        if not any(_describes(workload, other) for other in others):
            yield workload


def _rank(workload: Workload) -> int:
    return _FALLBACKS.index(workload.platform) + 1 if workload.platform in _FALLBACKS else 0


def _describes(fallback: Workload, other: Workload) -> bool:
    """Say whether the other workload runs what the fallback describes: its Dockerfile, or the same entry point."""
    if fallback.life == "per-invocation" != other.life:
        return False  # Compose starts a function's image in an emulator
    if fallback.build and fallback.build.dockerfile:
        if other.build and other.build.dockerfile == fallback.build.dockerfile:
            return True
        if any(fallback.build.dockerfile in process.files for process in other.run):
            return True
    entries = {(process.entry, process.kind) for process in fallback.run if process.entry}
    is_served = fallback.platform in _SERVED and not any(process.reloads for process in fallback.run)
    started = {(process.entry, process.kind) for process in other.run if not (is_served and process.reloads)}
    return bool(entries) and entries <= started


# -- services that no file describes -----------------------------------------------------------------------------------


def _only_stated(known: Sequence[Workload], configuration: Configuration, code: Code) -> list[Workload]:
    """A stated service that is no workload's name, nor holds a manifest, is a workload of its own."""
    spoken_for = {s.name for w in known if (s := stated.service_of(configuration, w))}
    missing = [s for s in stated.stated_services(configuration) if s.name not in spoken_for]
    names = {w.name for w in known}
    return [_from_statement(service, code) for service in missing if service.name not in names]


def _from_statement(service: StatedService, code: Code) -> Workload:
    at = service.location or next((engine.location for engine in code.engines()), Location("", 1))
    processes = service.processes if isinstance(service.processes, Known) else _unstated(service.name)
    process = Process("stated", "web", processes, Unknown("the server is not known"), location=service.location)
    return Workload(
        name=service.name,
        platform="stated",
        kind="service",
        location=at,
        instances=service.instances,
        concurrency=service.concurrency,
        concurrency_is_hard=True,
        sources=service.code,
        run=(process,),
    )


def _unstated(name: str) -> Unknown:
    return Unknown(f"the configuration states no processes for {name}", Origin("processes"))
