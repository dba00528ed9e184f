"""App Engine: app.yaml, standard and flexible."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import Build, Known, Origin, Setting, Unknown, Workload
from poollint.readers._platform import command, count, default, environment_of, folder_of, variables

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

DISABLED = 2147483647  # the API's word for "no maximum"
_FLEX_MAXIMUM = default(20, "App Engine flexible", "estimate")  # believed, no page read


def read(tree: Tree) -> Iterator[Workload]:
    """Yield the service of every app.yaml with a Python or custom runtime."""
    for path in tree.named(
        "app.yaml", "app.yml", "app-*.yaml", "app.*.yaml", "*-app.yaml", "service.yaml", "worker.yaml"
    ):
        if b"runtime" not in (tree.bytes(path) or b""):
            continue
        for document in tree.yaml(path)[:1]:
            runtime = document.text_at("runtime") or ""
            if not re.match(r"python|custom", runtime) or document.at("kind") is not None:
                continue
            found: list[Workload] = []
            with tree.guard(path):
                found.append(_workload(tree, path, document))
            yield from found


def _workload(tree: Tree, path: str, root: Node) -> Workload:
    folder = folder_of(path)
    flexible = root.text_at("env") in ("flex", "flexible") or root.text_at("vm") == "true"
    dockerfile = f"{folder}/Dockerfile".lstrip("/")
    limits = root.at("automatic_scaling", "max_concurrent_requests")
    connections = root.text_at("beta_settings", "cloud_sql_instances") or ""
    return Workload(
        name=root.text_at("service") or root.text_at("module") or "default",
        platform="app-engine",
        kind="service",
        location=root.location,
        unit=path,
        environment=environment_of(tree, path),
        life="long-lived" if flexible or root.at("manual_scaling") is not None else "scale-to-zero",
        instances=_instances(root, flexible),
        concurrency=count(limits, "max_concurrent_requests"),
        variables=variables(root.pairs_at("env_variables"), root.at("includes") is None),
        command=command(root.at("entrypoint")),
        build=Build(folder, dockerfile) if root.text_at("runtime") == "custom" and dockerfile in tree else None,
        sources=(folder,),
        instance_connections=tuple(c.partition("=")[0].strip() for c in connections.split(",") if c.strip()),
        egress="vpc" if root.at("vpc_access_connector") is not None else None,
    )


def _instances(root: Node, flexible: bool) -> Setting:
    """Return the most instances of this version: manual, basic or automatic scaling."""
    manual = root.at("manual_scaling", "instances")
    if manual is not None:
        return count(manual, "instances")
    basic = root.at("basic_scaling", "max_instances")
    if basic is not None:
        return count(basic, "max_instances")
    key = "max_num_instances" if flexible else "max_instances"
    written = root.at("automatic_scaling", key)
    if written is None and flexible:
        return _FLEX_MAXIMUM
    found = count(written, key)
    if isinstance(found, Known) and found.value == DISABLED:
        return Unknown(f"{key} is switched off", Origin(key, found.origin.location))
    return found
