"""The workloads of the project, each once: environments named, commands read, what is stated put on top.

Several files often describe one thing. A manifest and a workflow that name the same Cloud Run service are merged;
a bare Dockerfile or Procfile is a workload only when nothing else runs what it describes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.config import Configuration, StatedService
from poollint.discover import Tree
from poollint.facts import NOT_READ, Build, Image, Known, Location, Origin, Process, Setting, Unknown, Workload
from poollint.link import stated

if TYPE_CHECKING:
    from poollint.python.code import Code

# Formats that describe how to start something, and leave it to others to say whether it is deployed.
_FALLBACKS = ("procfile", "systemd", "supervisor", "docker")
# One project or account has one service of a name, whichever file describes it.
_GLOBAL_NAMES = frozenset({"cloud-run", "cloud-functions", "lambda", "app-engine", "ecs", "app-runner"})
_NUMBERS = ("instances", "rollout_instances", "concurrency", "request_timeout", "cpus")


def deployed(
    tree: Tree, read: Iterable[Workload], images: Sequence[Image], configuration: Configuration, code: Code
) -> tuple[Workload, ...]:
    """Return the workloads that run, in the order of their places."""
    placed = [_placed(workload, configuration) for workload in read]

    def start(workload: Workload) -> Workload:
        return _started(workload, tree, images, configuration)

    made = [start(workload) for workload in _merged(placed)]
    built = [_built(workload, made, start, code) for workload in made]
    kept = list(_without_fallbacks(built))
    kept += _only_stated(kept, configuration, code)
    return tuple(sorted(kept, key=lambda w: (w.location, w.name, w.environment or "")))


def superseded(workload: Workload, environment: str | None, among: Iterable[Workload]) -> bool:
    """Say whether an unmarked workload has a version of its own in this environment: an alternative, not a summand."""
    return workload.environment is None and any(
        other.environment == environment and _key(replace(other, environment=None)) == _key(workload)
        for other in among
        if environment is not None
    )


def _placed(workload: Workload, configuration: Configuration) -> Workload:
    named = stated.environment_of(configuration, workload.location.path)
    return replace(workload, environment=named) if named else workload


# -- several files, one thing ------------------------------------------------------------------------------------------


def _key(workload: Workload) -> tuple[str | None, ...]:
    unit = None if workload.platform in _GLOBAL_NAMES else workload.unit
    return (workload.platform, workload.name, workload.environment, unit)


def _merged(workloads: Iterable[Workload]) -> Iterator[Workload]:
    groups: dict[tuple[str | None, ...], list[Workload]] = {}
    for workload in workloads:
        groups.setdefault(_key(workload), []).append(workload)
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

        workload = replace(workload, run=commands.processes(workload, tree, images))
    return _with_stated(workload, service) if service else workload


# Registries that hold the images of one owner, and what other owners publish there.
_OWN_REGISTRY = re.compile(
    r"^([\w-]+\.)*(gcr\.io|pkg\.dev|azurecr\.io|amazonaws\.com|registry\.digitalocean\.com|registry\.gitlab\.com|"
    r"registry\.heroku\.com|registry\.fly\.io)/"
)
_PUBLISHED = re.compile(r"^gcr\.io/(google|cloudsql|cloud-sql|distroless|kaniko)|^public\.ecr\.aws/")


def _built(
    workload: Workload, among: Sequence[Workload], start: Callable[[Workload], Workload], code: Code
) -> Workload:
    """Find the build of an image that no build step names.

    In this order: the one build whose folder or service the image is named after; the only one there is, when the image
    is the project's own or the command's entry point exists in it.
    """
    if workload.build or not workload.image or _is_found(workload, code):
        return workload
    builds = _builds(among)
    tail = _plain(_untagged(workload.image).rpartition("/")[2])
    for is_named in (lambda name: name in (tail, _plain(workload.name)), lambda name: tail.endswith(f"-{name}")):
        named = [build for build, names in builds.items() if any(map(is_named, names))]
        if len(named) == 1:
            return start(replace(workload, build=named[0], run=()))
        if named:
            return workload
    if len(builds) != 1:
        return workload
    made = start(replace(workload, build=next(iter(builds)), run=()))
    # Several images of the project's own cannot all be the one that is built here.
    own = {_untagged(other.image) for other in among if other.image and not other.build and _is_own(other.image)}
    is_the_one = own == {_untagged(workload.image)}
    return made if is_the_one or (workload.run and _is_found(made, code)) else workload


def _is_found(workload: Workload, code: Code) -> bool:
    """Say whether an entry point of its command is a file of the project."""
    from poollint.link.running import reach_of

    return any(reach_of(process, code) for process in workload.run)


def _builds(workloads: Sequence[Workload]) -> dict[Build, set[str]]:
    """Return the builds that start something, with the names they go by."""
    found: dict[Build, set[str]] = {}
    for workload in workloads:
        if workload.build and workload.run:
            # The first file that was read on the way to a command in an image is its Dockerfile.
            file = next((process.files[0] for process in workload.run if process.files), None)
            build = replace(workload.build, dockerfile=workload.build.dockerfile or file)
            found.setdefault(build, set()).add(_plain(workload.name))
    return found


def _untagged(image: str) -> str:
    return re.sub(r"[:@][^/]*$", "", image)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _is_own(image: str) -> bool:
    """Say whether an image is the project's own: a placeholder for what is built, or in a registry of one owner."""
    return bool(re.search(r"[${<]|PROJECT", image) or (_OWN_REGISTRY.search(image) and not _PUBLISHED.search(image)))


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


# -- fallbacks ---------------------------------------------------------------------------------------------------------


def _without_fallbacks(workloads: list[Workload]) -> Iterator[Workload]:
    """Drop a Dockerfile, Procfile or unit whose code another workload runs."""
    for workload in workloads:
        others = [other for other in workloads if _rank(other) < _rank(workload)]
        if not any(_describes(workload, other) for other in others):
            yield workload


def _rank(workload: Workload) -> int:
    return _FALLBACKS.index(workload.platform) + 1 if workload.platform in _FALLBACKS else 0


def _describes(fallback: Workload, other: Workload) -> bool:
    """Say whether the other workload runs what the fallback describes: its Dockerfile, or the same entry point."""
    if fallback.build and fallback.build.dockerfile:
        if other.build and other.build.dockerfile == fallback.build.dockerfile:
            return True
        if any(fallback.build.dockerfile in process.files for process in other.run):
            return True
    entries = {(process.entry, process.kind) for process in fallback.run if process.entry}
    return bool(entries) and entries <= {(process.entry, process.kind) for process in other.run}


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
