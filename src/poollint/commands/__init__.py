"""What a command starts: one reader for every place a command can stand.

    processes(workload, tree, images)

follows the whole chain: the manifest's override, else the image's ENTRYPOINT and CMD, then wrappers and entry-point
scripts, then the server's own options, config files and variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.facts import Build, Image, Process, Setting, Words, Workload

if TYPE_CHECKING:
    from poollint.discover import Tree

    from ._alternatives import Decisions
    from ._container import Container

__all__ = ["container_of", "processes"]


def processes(workload: Workload, tree: Tree, images: Sequence[Image] = ()) -> tuple[Process, ...]:
    """Return what a workload's command starts; nothing when no command is readable."""
    from . import _alternatives, _container, _given

    found: tuple[Process, ...] = ()
    with tree.guard(workload.location.path):
        container = _container.of(workload, tree, images) or _container.foreign(workload)
        command = _given.effective(workload, container)
        if command is None:
            return _of_image(workload, tree, container)
        outcomes = _alternatives.alternatives(lambda decide: _once(command, workload, tree, container, decide))
        found = _alternatives.merged(outcomes)
    return found


def container_of(build: Build, tree: Tree) -> Container | None:
    """Return what the image of a build holds: base, variables, command, files; None when its Dockerfile is not here."""
    from . import _container

    return _container.built(build, tree)


def _once(
    command: tuple[Words, ...], workload: Workload, tree: Tree, container: Container, decide: Decisions
) -> tuple[Process, ...]:
    """Run the command once, with one answer for every open condition."""
    from poollint._expand import Scope

    from ._given import EXPANDING, words_of
    from ._launch import launch, text
    from ._run import Ended, Run
    from ._shell import Returned

    container = replace(container, written=dict(container.written), read=list(container.read))
    variables: dict[str, Setting] = {**container.variables, **workload.variables.variables}
    directory = _directory(workload, container)
    scope = Scope(variables, workload.variables.complete, cpus=workload.cpus, directory=directory)
    run = Run(tree, container, scope, decide, platform=workload.platform)
    try:
        if len(command) == 1 and command[0].shell is not None:
            text(command[0].shell, command[0].location, run, [], "sh", {})
        else:
            expands = workload.platform in EXPANDING
            launch([word for part in command for word in words_of(part, run, expands)], run)
    except (Ended, Returned):
        pass
    return tuple(run.started)


def _directory(workload: Workload, container: Container) -> str:
    if workload.working_directory is None or container.is_checkout:
        return container.directory
    return container.path(workload.working_directory)


def _of_image(workload: Workload, tree: Tree, container: Container) -> tuple[Process, ...]:
    """Return what an image starts by itself: those of tiangolo are documented."""
    from . import _tiangolo

    return _tiangolo.processes(workload, tree, container)
