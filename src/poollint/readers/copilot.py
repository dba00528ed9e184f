"""AWS Copilot: copilot/<service>/manifest.yml, with the overrides of its environments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint._yaml import Mapping, Scalar
from poollint.facts import Build, Environment, Known, Origin, Setting, Unknown, Workload
from poollint.readers import _ecs
from poollint.readers._platform import command, count, default, environment_of, folder_of, plain
from poollint.readers._variables import Variables

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

ONE_TASK = default(1, "Copilot")
_SERVICES = ("Load Balanced Web Service", "Backend Service", "Worker Service", "Request-Driven Web Service")
_JOB = "Scheduled Job"


def read(tree: Tree) -> Iterator[Workload]:
    """Yield each service, once per environment that its manifest overrides."""
    for path in tree.named("manifest.yml", "manifest.yaml"):
        if b"type:" not in (tree.bytes(path) or b""):
            continue
        for document in tree.yaml(path)[:1]:
            if document.text_at("type") not in (*_SERVICES, _JOB):
                continue
            found: list[Workload] = []
            with tree.guard(path):
                names = [name for name, _ in document.pairs_at("environments")]
                found = [_workload(tree, path, document, name) for name in names[:20] or [None]]
            yield from found


def _workload(tree: Tree, path: str, root: Node, environment: str | None) -> Workload:
    over = root.at("environments", environment) if environment else None
    is_job = root.text_at("type") == _JOB
    runs_in_app_runner = root.text_at("type") == _SERVICES[3]
    instances = _instances(_pick(root, over, "count")) if not is_job else Known(1, Origin("a scheduled job"), "default")
    if runs_in_app_runner:
        instances = Unknown("the scaling configuration of App Runner is not in the manifest")
    return Workload(
        name=root.text_at("name") or folder_of(path).rpartition("/")[2],
        platform="app-runner" if runs_in_app_runner else "ecs",
        kind="job" if is_job else "service",
        location=root.location,
        unit=path,
        environment=environment_of(tree, path, environment),
        life="one-off" if is_job else "long-lived",
        instances=instances,
        rollout_instances=_rollout(root, over, instances),
        rollout_documented=not is_job,
        variables=_variables(root, over),
        entrypoint=command(_pick(root, over, "entrypoint")),
        command=command(_pick(root, over, "command")),
        image=root.text_at("image", "location"),
        build=_build(tree, root),
    )


def _pick(root: Node, over: Node | None, *keys: str) -> Node | None:
    found = over.at(*keys) if over is not None else None
    return found if found is not None else root.at(*keys)


def _instances(node: Node | None) -> Setting:
    """Return the most tasks: `count: 3`, or the end of `count.range: 1-10`."""
    if not isinstance(node, Mapping):
        return count(node, "count", ONE_TASK)
    within = node.at("range")
    if isinstance(within, Scalar):
        match = re.fullmatch(r"\s*\d+\s*-\s*(\d+)\s*", within.text)
        origin = Origin("range", within.location)
        return Known(int(match[1]), origin) if match else Unknown("range is no range", origin)
    return count(node.at("range", "max"), "max", Unknown("count has no range", Origin("count", node.location)))


def _rollout(root: Node, over: Node | None, instances: Setting) -> Setting:
    """`default` may double the tasks, `recreate` stops them first."""
    rolling = _pick(root, over, "deployment", "rolling")
    if rolling is not None and rolling.text_at() == "recreate":
        return instances
    return _ecs.rollout(instances, _ecs.DEFAULT_PERCENT)


def _variables(root: Node, over: Node | None) -> Environment:
    found = Variables()
    for node in filter(None, (root, over)):
        for name, value in node.pairs_at("variables"):
            found.set(name, plain(name, value))
        for name, value in node.pairs_at("secrets"):
            identity = f"aws-secret//{value.text_at()}" if value.text_at() else None
            found.set(name, Unknown(f"{name} comes from a secret", Origin(name, value.location)), identity)
        if node.at("env_file") is not None:
            found.complete = False
    return found.frozen()


def _build(tree: Tree, root: Node) -> Build | None:
    node = root.at("image", "build")
    if node is None:
        return None
    dockerfile = node.text_at() or node.text_at("dockerfile") or "Dockerfile"
    context = node.text_at("context") or folder_of(dockerfile)
    clean = dockerfile.removeprefix("./")
    return (
        Build(context.removeprefix("./").strip("/").removeprefix("."), clean, node.text_at("target"))
        if clean in tree
        else None
    )
