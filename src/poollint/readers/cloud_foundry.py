"""Cloud Foundry: manifest.yml with its applications; `((name))` is a variable of a vars file.

An application without a command runs what its Procfile says of the process; of what the Procfile names beside, no instance
is started: https://docs.cloudfoundry.org/devguide/multiple-processes.html
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import Environment, Known, Origin, Setting, Unknown, Words, Workload
from poollint.readers._passwords import hide
from poollint.readers._platform import below, command, default, environment_of, folder_of
from poollint.readers._variables import Variables

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

ONE_INSTANCE = default(1, "Cloud Foundry", "estimate")  # believed, no page read
_COUNT = re.compile(r"^[ \t-]*instances:[ \t]*\(\(([\w.-]+)\)\)", re.MULTILINE)
_VARIABLE = re.compile(r"\(\(([\w.-]+)\)\)")


def read(tree: Tree) -> Iterator[Workload]:
    """Yield the applications of each manifest, once per vars file beside it."""
    for path in tree.named("manifest*.yml", "manifest*.yaml"):
        if b"applications:" not in (tree.bytes(path) or b""):
            continue
        for document in tree.yaml(path)[:1]:
            found: list[Workload] = []
            with tree.guard(path):
                for name, given in _variable_files(tree, path).items():
                    for node in document.items_at("applications"):
                        found += _processes(tree, path, node, given, name)
            yield from found


def _variable_files(tree: Tree, path: str) -> dict[str | None, dict[str, Node]]:
    """Return environment → variables of the files below the manifest that define what its counts name."""
    folder = folder_of(path)
    found: dict[str | None, dict[str, Node]] = {}
    wanted = _COUNT.findall(tree.text(path) or "")
    for file in tree.named("*.yml", "*.yaml") if wanted else ():
        content = tree.bytes(file) or b""
        if not file.startswith(f"{folder}/" if folder else "") or not all(f"{w}:".encode() in content for w in wanted):
            continue
        for document in tree.yaml(file)[:1]:
            given = dict(document.pairs_at())
            if set(wanted) <= set(given):
                found[environment_of(tree, file) or file.rpartition("/")[2].split(".")[0]] = given
    return found or {None: {}}


def _processes(
    tree: Tree, path: str, node: Node, given: dict[str, Node], environment: str | None
) -> Iterator[Workload]:
    """An application is one process, or one per entry of `processes`."""
    name = _filled(node.text_at("name") or "app", given)
    processes = node.items_at("processes") or (node,)
    for process in processes:
        kind = process.text_at("type") if process is not node else None
        folder = _folder(path, node)
        image = node.text_at("docker", "image")
        yield Workload(
            name=name if kind in (None, "web") else f"{name}/{kind}",
            platform="cloud-foundry",
            kind="service",
            location=process.location,
            unit=path,
            environment=environment_of(tree, path, environment),
            instances=_count(process.at("instances"), given),
            variables=_variables(node, given),
            command=command(process.at("command")) or (None if image else _of_procfile(tree, folder, kind or "web")),
            image=image,
            working_directory=folder,
            sources=(folder,),
        )


def _folder(path: str, application: Node) -> str:
    return below(folder_of(path), application.text_at("path") or "") or ""


def _of_procfile(tree: Tree, folder: str, kind: str) -> Words | None:
    from poollint.readers import procfile

    path = posixpath.join(folder, "Procfile")
    text = tree.text(path) if path in tree else None
    return next((Words(at, shell=line) for name, line, at in procfile.lines(text or "", path) if name == kind), None)


def runs_procfile(tree: Tree, folder: str) -> bool:
    """Say whether an application of a manifest runs what the Procfile in a folder says."""
    for path in tree.named("manifest*.yml", "manifest*.yaml"):
        for document in tree.yaml(path)[:1] if b"applications:" in (tree.bytes(path) or b"") else ():
            for node in document.items_at("applications"):
                started = node.items_at("processes") or (node,)
                is_without = any(process.at("command") is None for process in started)
                if is_without and node.at("docker") is None and _folder(path, node) == folder:
                    return True
    return False


def _filled(text: str, given: dict[str, Node]) -> str:
    return _VARIABLE.sub(lambda match: (given[match[1]].text_at() or match[0]) if match[1] in given else match[0], text)


def _count(node: Node | None, given: dict[str, Node]) -> Setting:
    if node is None:
        return ONE_INSTANCE
    text = (node.text_at() or "").strip()
    match = _VARIABLE.fullmatch(text)
    if match and match[1] in given:
        node = given[match[1]]
        text = (node.text_at() or "").strip()
    origin = Origin("instances", node.location)
    return (
        Known(int(text), origin)
        if text.isdigit()
        else Unknown(f"instances is {text[:40]}, which no file gives", origin)
    )


def _variables(node: Node, given: dict[str, Node]) -> Environment:
    found = Variables()
    # Bound services add VCAP_SERVICES, and DATABASE_URL with some buildpacks.
    found.complete = not node.items_at("services")
    for name, value in node.pairs_at("env"):
        text, origin = _filled(value.text_at() or "", given), Origin(name, value.location)
        unread = _VARIABLE.search(text)
        found.set(
            name,
            Unknown(f"{name} is {unread[0]}, which no file gives", origin)
            if unread
            else Known(hide(name, text), origin),
        )
    return found.frozen()
