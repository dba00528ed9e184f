"""Vercel: says that Python runs as functions, one invocation at a time, as many as the platform likes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import Environment, Known, Location, Origin, Unknown, Workload
from poollint.readers._platform import count, environment_of, folder_of, function, variables

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree


def read(tree: Tree) -> Iterator[Workload]:
    """Yield one function per vercel.json whose builds, functions or `api` folder hold Python."""
    for path in tree.named("vercel.json", "now.json"):
        for document in tree.yaml(path)[:1]:
            found: list[Workload] = []
            with tree.guard(path):
                if (place := _python(tree, path, document)) is not None:
                    found.append(_workload(tree, path, document, place))
            yield from found


def _python(tree: Tree, path: str, root: Node) -> Location | None:
    """Return the place that says Python, None when only a front end is deployed."""
    for build in root.items_at("builds"):
        if "python" in (build.text_at("use") or "") or (build.text_at("src") or "").endswith(".py"):
            return build.location
    for pattern, node in root.pairs_at("functions"):
        if pattern.endswith(".py") or "python" in (node.text_at("runtime") or ""):
            return node.location
    api = f"{folder_of(path)}/api/".lstrip("/")
    is_python = any(file.startswith(api) and file.endswith(".py") for file in tree.files)
    return root.location if is_python else None


def _workload(tree: Tree, path: str, root: Node, place: Location) -> Workload:
    folder = folder_of(path)
    longest = next((node.at("maxDuration") for _, node in root.pairs_at("functions") if node.at("maxDuration")), None)
    given = root.pairs_at("env")
    return Workload(
        name=root.text_at("name") or folder.rpartition("/")[2] or "vercel",
        platform="vercel",
        kind="function",
        location=place,
        unit=folder,
        environment=environment_of(tree, path),
        life="per-invocation",
        instances=Unknown("the platform decides how many run", Origin("instances", place)),
        concurrency=Known(1, Origin("one invocation at a time"), "estimate"),
        request_timeout=count(longest, "maxDuration"),
        # The dashboard adds to them, and `@name` refers to what it holds.
        variables=variables([(n, v) for n, v in given if not (v.text_at() or "").startswith("@")], False)
        if given
        else Environment(),
        sources=(folder,),
        run=function("vercel", place),
    )
