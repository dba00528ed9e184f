"""Railway: railway.json and railway.toml. What the file says wins over the dashboard; what it leaves out is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from poollint.facts import Build, Known, Location, Origin, Setting, Unknown, Words, Workload
from poollint.readers._platform import below, environment_of, folder_of
from poollint.readers.fly import toml

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree


class _File:
    """JSON or TOML, with values and places alike."""

    def __init__(self, data: Mapping[str, Any], place: Any) -> None:
        self.data, self._place = data, place

    def at(self, *keys: str) -> Any:
        found: Any = self.data
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    def location(self, *keys: str) -> Location:
        return self._place(*keys)


def read(tree: Tree) -> Iterator[Workload]:
    """Yield the service of each file, once per environment that overrides it."""
    for path in tree.named("railway.json", "railway.toml", "railway.*.json", "railway.*.toml"):
        found: list[Workload] = []
        with tree.guard(path):
            file = _open(tree, path)
            if file is not None and ("deploy" in file.data or "build" in file.data):
                names = file.at("environments")
                overriding = [name for name in names if isinstance(names, Mapping)] if names else []
                found = [_workload(tree, path, file, name) for name in overriding[:20] or [None]]
        yield from found


def _open(tree: Tree, path: str) -> _File | None:
    if path.endswith(".toml"):
        document = toml(tree, path)
        return _File(document.data, document.location) if document else None
    documents = tree.yaml(path)
    return _File(_values(documents[0]), partial(_place, documents[0])) if documents else None


def _values(node: Node) -> Any:
    """Return plain values (at most as deep as `_yaml` reads)."""
    from poollint import _yaml

    if isinstance(node, _yaml.Mapping):
        return {key: _values(value) for key, value in node.pairs()}
    if isinstance(node, _yaml.Sequence):
        return [_values(item) for item in node.items]
    return node.value  # type: ignore[attr-defined]


def _place(root: Node, *keys: str) -> Location:
    for length in range(len(keys), -1, -1):
        if (node := root.at(*keys[:length])) is not None:
            return node.location
    return root.location


def _workload(tree: Tree, path: str, file: _File, environment: str | None) -> Workload:
    folder = folder_of(path)
    start, place = _deploy(file, environment, "startCommand")
    dockerfile = below(folder, file.at("build", "dockerfilePath") or "Dockerfile")
    cron, _ = _deploy(file, environment, "cronSchedule")
    instances = _replicas(file, environment)
    return Workload(
        name=folder.rpartition("/")[2] or "railway",
        platform="railway",
        kind="cron-job" if cron else "service",
        location=Location(path, 1),
        unit=folder,
        environment=environment_of(tree, path, environment),
        life="one-off" if cron else "long-lived",
        instances=instances,
        rollout_instances=instances if cron else _overlapping(instances),
        rollout_documented=not cron,
        command=Words(place, shell=start) if isinstance(start, str) and start else None,
        build=Build(folder, dockerfile) if dockerfile in tree else None,
        sources=(folder,),
    )


def _deploy(file: _File, environment: str | None, key: str) -> tuple[Any, Location]:
    """Return a key of `deploy`, the environment's own first."""
    paths = [("environments", environment, "deploy", key)] if environment else []
    for keys in (*paths, ("deploy", key)):
        if (value := file.at(*keys)) is not None:
            return value, file.location(*keys)
    return None, Location("", 1)


def _overlapping(instances: Setting) -> Setting:
    """The new deployment starts before the old one stops: https://docs.railway.com/deployments/deployment-teardown"""
    if isinstance(instances, Unknown):
        return instances
    says = f"{instances.origin.says}, twice while a deployment replaces another"
    return replace(
        instances, value=2 * instances.value, origin=replace(instances.origin, says=says), certainty="default"
    )


def _replicas(file: _File, environment: str | None) -> Setting:
    regions, place = _deploy(file, environment, "multiRegionConfig")
    if isinstance(regions, Mapping):
        counts = [region.get("numReplicas") for region in regions.values() if isinstance(region, Mapping)]
        if counts and all(isinstance(number, int) for number in counts):
            return Known(sum(counts), Origin("numReplicas", place))
    number, place = _deploy(file, environment, "numReplicas")
    if isinstance(number, int):
        return Known(number, Origin("numReplicas", place))
    return Unknown("numReplicas is not in the file, so the dashboard decides", Origin("numReplicas"))
