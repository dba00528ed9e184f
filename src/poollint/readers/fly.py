"""Fly.io: fly.toml. The number of Machines is not in it; `fly scale count` decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from poollint.facts import Build, Environment, Known, Origin, Setting, Unknown, Words, Workload
from poollint.readers._platform import below, environment_of, folder_of
from poollint.readers._variables import Variables, literal

if TYPE_CHECKING:
    from poollint._toml import Document
    from poollint.discover import Tree


def read(tree: Tree) -> Iterator[Workload]:
    """Yield one workload per process group, and the release command."""
    for path in tree.named("fly.toml", "fly.*.toml", "fly-*.toml"):
        found: list[Workload] = []
        with tree.guard(path):
            document = toml(tree, path)
            if document is not None and ("app" in document.data or "build" in document.data):
                found = list(_workloads(tree, path, document))
        yield from found


def toml(tree: Tree, path: str) -> Document | None:
    """Parse a TOML file; what is not TOML is under `skipped`."""
    from poollint import _toml

    text = tree.text(path)
    if text is None:
        return None
    try:
        return _toml.parse(path, text)
    except _toml.Unreadable as problem:
        tree.skip(path, str(problem), problem.line)
        return None


def _workloads(tree: Tree, path: str, document: Document) -> Iterator[Workload]:
    data = document.data
    app = data["app"] if isinstance(data.get("app"), str) else folder_of(path).rpartition("/")[2] or "app"
    environment = environment_of(tree, path) or environment_of(tree, f"{folder_of(path)}/{app}".lstrip("/"))
    base = Workload(
        name=app,
        platform="fly",
        kind="service",
        location=document.location("app"),
        unit=folder_of(path),
        environment=environment,
        variables=_variables(document),
        build=_build(tree, path, data),
        image=_dig(data, "build", "image"),
    )
    groups = _dig(data, "processes")
    groups = {k: v for k, v in groups.items() if isinstance(v, str)} if isinstance(groups, dict) else {}
    for group, text in groups.items():
        place = document.location("processes", group)
        command = Words(place, shell=text) if text else None
        name = app if len(groups) == 1 or group == "app" else f"{app}/{group}"
        yield _scaled(replace(base, name=name, location=place, command=command), document, group)
    if not groups:
        yield _scaled(base, document, "app")
    if release := _dig(data, "deploy", "release_command"):
        yield _release(base, document, str(release))


def _scaled(workload: Workload, document: Document, group: str) -> Workload:
    service, keys = _service(document.data, group)
    hard = _dig(service, "concurrency", "hard_limit") if service else None
    place = document.location(*keys, "concurrency", "hard_limit") if keys else None
    return replace(
        workload,
        instances=Unknown("the number of Machines is not in fly.toml (fly scale count)", Origin("fly scale count")),
        life="scale-to-zero" if _stops(service) else "long-lived",
        concurrency=Known(hard, Origin("hard_limit", place))
        if isinstance(hard, int)
        else Unknown("hard_limit is not set"),
        concurrency_is_hard=isinstance(hard, int),
        cpus=_cpus(document),
    )


def _service(data: dict, group: str) -> tuple[dict[str, Any] | None, tuple[str | int, ...]]:
    """Return the service that serves a process group, and where it stands."""
    http, others = _dig(data, "http_service"), _dig(data, "services")
    if _serves(http, group):
        return http, ("http_service",)
    for index, service in enumerate(others if isinstance(others, list) else ()):
        if _serves(service, group):
            return service, ("services", index)
    return None, ()


def _serves(service: Any, group: str) -> bool:
    """Say whether a service is this group's: one without `processes` is everybody's."""
    if not isinstance(service, dict):
        return False
    groups = service.get("processes")
    return group in groups if isinstance(groups, list) and groups else True


def _stops(service: dict[str, Any] | None) -> bool:
    if service is None:
        return False
    stops = service.get("auto_stop_machines")
    return stops not in (None, False, "off") and not service.get("min_machines_running")


def _cpus(document: Document) -> Setting:
    machines = document.data.get("vm")
    machine = machines[0] if isinstance(machines, list) and machines and isinstance(machines[0], dict) else {}
    if isinstance(machine.get("cpus"), int):
        return Known(machine["cpus"], Origin("cpus", document.location("vm", 0, "cpus")))
    return Unknown("cpus is not set")


def _variables(document: Document) -> Environment:
    """Return [env]; secrets are set with `fly secrets`, so the rest is never known."""
    found = Variables()
    found.complete = False
    given = document.data.get("env")
    for name, value in (given if isinstance(given, dict) else {}).items():
        if isinstance(value, (str, int, float, bool)):
            found.set(name, literal(name, str(value), document.location("env", name)))
    return found.frozen()


def _build(tree: Tree, path: str, data: dict) -> Build | None:
    if _dig(data, "build", "image"):
        return None
    folder = folder_of(path)
    written = _dig(data, "build", "dockerfile")
    dockerfile = below(folder, written if isinstance(written, str) else "Dockerfile")
    target = _dig(data, "build", "build-target")
    return Build(folder, dockerfile, target if isinstance(target, str) else None) if dockerfile in tree else None


def _release(base: Workload, document: Document, text: str) -> Workload:
    place = document.location("deploy", "release_command")
    one = Known(1, Origin("release_command", place))
    name = f"{base.name}/release"
    return replace(
        base, name=name, kind="job", life="one-off", location=place, instances=one, command=Words(place, shell=text)
    )


def _dig(data: Any, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data
