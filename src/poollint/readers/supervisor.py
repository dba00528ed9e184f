"""supervisord outside a container: one workload that runs every program of a configuration.

A configuration that a Dockerfile mentions is read with that image's command, not here.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.environments import environment_of
from poollint.facts import Location, Origin, Setting, Unknown, Words, Workload

if TYPE_CHECKING:
    from poollint.discover import Tree


def read(tree: Tree) -> Iterator[Workload]:
    """Yield a workload for every configuration that no Dockerfile of the tree mentions."""
    paths = list(tree.named("supervisord*.conf", "supervisor*.conf", "*.supervisor.conf", "supervisord.ini"))
    if not paths:
        return
    mentioned = _mentioned(tree)
    for path in paths:
        with tree.guard(path):
            text = tree.text(path)
            if text is not None and "[program:" in text and posixpath.basename(path).encode() not in mentioned:
                yield _workload(tree, path, text)


def _mentioned(tree: Tree) -> bytes:
    """Return the text of every Dockerfile: one that names the file copies it into its image."""
    return b"\n".join(tree.bytes(path) or b"" for path in tree.named("*Dockerfile*", "*Containerfile*"))


def _workload(tree: Tree, path: str, text: str) -> Workload:
    row = next(index for index, line in enumerate(text.splitlines(), 1) if "[program:" in line)
    place = Location(path, row)
    instances: Setting = Unknown(
        "supervisord's configuration does not say on how many hosts it runs", Origin("supervisord", place)
    )
    folder = posixpath.dirname(path)
    return Workload(
        name=posixpath.basename(folder) or tree.root.name,
        platform="supervisor",
        kind="service",
        location=place,
        unit=folder,
        environment=environment_of(tree, path),
        instances=instances,
        rollout_instances=instances,
        command=Words(place, ("supervisord", "-c", "/" + path)),
        working_directory=project_of(tree, folder),
    )


_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile", "manage.py")


def project_of(tree: Tree, folder: str) -> str:
    """Return the folder a configuration is started from: the nearest above it that holds a Python project."""
    while folder and not any(f"{folder}/{mark}" in tree for mark in _MARKS):
        folder = posixpath.dirname(folder)
    return folder
