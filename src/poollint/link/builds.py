"""Which Dockerfile an image is built from, where no build step names it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint import environments
from poollint.facts import Build, Workload

if TYPE_CHECKING:
    from poollint.python.code import Code

# Registries that hold the images of one owner, and what other owners publish there.
_OWN_REGISTRY = re.compile(
    r"^([\w-]+\.)*(gcr\.io|pkg\.dev|azurecr\.io|amazonaws\.com|registry\.digitalocean\.com|registry\.gitlab\.com|"
    r"registry\.heroku\.com|registry\.fly\.io)/"
)
_PUBLISHED = re.compile(r"^gcr\.io/(google|cloudsql|cloud-sql|distroless|kaniko)|^public\.ecr\.aws/")


def built(workload: Workload, among: Sequence[Workload], start: Callable[[Workload], Workload], code: Code) -> Workload:
    """Find the build of an image that no build step names.

    In this order: the one build whose folder or service the image is named after; the only one there is, when the image
    is the project's own or the command's entry point exists in it.
    """
    if workload.build or not workload.image or _is_found(workload, code):
        return workload
    builds = _builds(other for other in among if speaks_for(other, workload))
    tail = _plain(_untagged(workload.image).rpartition("/")[2])
    exact = {tail, _plain(workload.name)} if is_own(workload.image) else {tail}
    for is_named in (exact.__contains__, lambda name: tail.endswith(f"-{name}")):
        named = [build for build, names in builds.items() if any(map(is_named, names))]
        if len(named) == 1:
            return start(replace(workload, build=named[0], run=()))
        if named:
            return workload
    if len(builds) != 1:
        return workload
    made = start(replace(workload, build=next(iter(builds)), run=()))
    # Several images of the project's own cannot all be the one that is built here.
    own = {_untagged(other.image) for other in among if other.image and not other.build and is_own(other.image)}
    is_the_one = own == {_untagged(workload.image)}
    return made if is_the_one or (workload.run and _is_found(made, code)) else workload


def _is_found(workload: Workload, code: Code) -> bool:
    """Say whether an entry point of its command is a file of the project."""
    from poollint.link.running import reach_of

    return any(reach_of(process, code) for process in workload.run)


def speaks_for(other: Workload, workload: Workload) -> bool:
    """Say whether what one file says of the code holds for another's workload: a development file speaks for itself."""
    return environments.is_production(other.environment) or other.environment == workload.environment


def _builds(workloads: Iterable[Workload]) -> dict[Build, set[str]]:
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


def is_own(image: str) -> bool:
    """Say whether an image is the project's own: a placeholder for what is built, or in a registry of one owner."""
    return bool(re.search(r"[${<]|PROJECT", image) or (_OWN_REGISTRY.search(image) and not _PUBLISHED.search(image)))
