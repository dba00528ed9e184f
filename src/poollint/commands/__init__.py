"""What a command starts: one reader for every place a command can stand.

    processes(workload, tree, images)

follows the whole chain: the manifest's override, else the image's ENTRYPOINT and CMD, then wrappers and entry-point
scripts, then the server's own options, config files and variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.facts import Image, Process, Setting, Unknown, Words, Workload, value_of

if TYPE_CHECKING:
    from poollint.discover import Tree

    from poollint._words import Word

    from ._container import Container
    from ._run import Decisions

__all__ = ["processes"]

# Formats whose commands may hold `$(NAME)`, expanded from the container's variables before the process starts.
_EXPANDING = frozenset({"kubernetes", "knative", "helm", "kustomize"})


def processes(workload: Workload, tree: Tree, images: Sequence[Image] = ()) -> tuple[Process, ...]:
    """Return what a workload's command starts; nothing when no command is readable."""
    from . import _container, _run

    found: tuple[Process, ...] = ()
    with tree.guard(workload.location.path):
        container = _container.of(workload, tree, images) or _container.foreign(workload)
        command = effective(workload, container)
        if command is None:
            return _of_image(workload, tree, container)
        outcomes, all_tried = _run.alternatives(lambda decide: _once(command, workload, tree, container, decide))
        found = merged([started for started, _ in outcomes], [answers for _, answers in outcomes], all_tried)
    return found


def effective(workload: Workload, container: Container) -> tuple[Words, ...] | None:
    """Return ENTRYPOINT and CMD as they hold together, or None when there is neither.

    An overriding entrypoint drops the image's CMD; a shell-form ENTRYPOINT ignores any CMD.
    """
    entrypoint, command = workload.entrypoint, workload.command
    if entrypoint is None:
        entrypoint = container.entrypoint
        command = command if command is not None else container.command
    parts = [part for part in (entrypoint, command) if part is not None and (part.words or part.shell)]
    if entrypoint is not None and entrypoint.shell is not None:
        parts = parts[:1]
    return tuple(parts) or None


def _once(command: tuple[Words, ...], workload: Workload, tree: Tree, container: Container, decide: Decisions) -> tuple[Process, ...]:
    """Run the command once, with one answer for every open condition."""
    from poollint._expand import Scope
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
            text(command[0].shell, command[0].location, run, [], "sh")
        else:
            launch([word for part in command for word in _placed(part, run, workload.platform in _EXPANDING)], run)
    except (Ended, Returned):
        pass
    return tuple(run.started)


def _directory(workload: Workload, container: Container) -> str:
    if workload.working_directory is None or container.is_checkout:
        return container.directory
    return container.path(workload.working_directory)


def _placed(part: Words, run: object, expands: bool) -> list:
    """Turn the words of a command into words with places."""
    from ._run import Run
    from poollint._words import Word, places

    assert isinstance(run, Run)
    if part.shell is not None:
        # `CMD uvicorn ...` behind an exec-form ENTRYPOINT is handed over as `/bin/sh -c TEXT`.
        return [Word("/bin/sh", part.location), Word("-c", part.location), Word(part.shell, part.location)]
    placed = part.locations
    if len(placed) != len(part.words):
        placed = places(part.words, part.location, run.tree.text(part.location.path))
    words = [Word(text, place) for text, place in zip(part.words, placed)]
    if len(part.values) == len(words):
        words = [_valued(word, value) for word, value in zip(words, part.values)]
    return [_expanded(word, run) for word in words] if expands else words


def _valued(word: Word, value: Setting) -> Word:
    """Take over what the format's own interpolation says of a word."""
    if isinstance(value, Unknown):
        return replace(word, unknown=value.reason, opaque=not word.text)
    return replace(word, certainty=value.certainty, written=value.origin if value.origin.location else None)


def _expanded(word: object, run: object) -> object:
    """Expand Kubernetes' `$(NAME)`; a name that is not set stays as it is, and `$$(NAME)` is literal."""
    import re

    from poollint._expand import Piece, as_piece, glued
    from ._run import Run
    from poollint._words import Word

    assert isinstance(word, Word) and isinstance(run, Run)
    if "$(" not in word.text:
        return word
    pieces: list[Piece] = []
    position = 0
    for match in re.finditer(r"\$\$|\$\(([A-Za-z_][\w.-]*)\)", word.text):
        pieces.append(Piece(word.text[position : match.start()]))
        setting = run.scope.variables.get(match[1]) if match[1] else None
        pieces.append(Piece("$") if match[0] == "$$" else as_piece(setting) if setting is not None else Piece(match[0]))
        position = match.end()
    piece = glued([piece for piece in [*pieces, Piece(word.text[position:])] if piece.text or piece.unknown] or [Piece()])
    return replace(word, text=piece.text, unknown=piece.unknown, certainty=piece.certainty, written=piece.written)


def _of_image(workload: Workload, tree: Tree, container: Container) -> tuple[Process, ...]:
    """Return what an image starts by itself: those of tiangolo are documented."""
    from . import _tiangolo

    return _tiangolo.processes(workload, tree, container)


# -- alternatives


def merged(outcomes: list[tuple[Process, ...]], answers: list[dict[str, bool]], all_tried: bool) -> tuple[Process, ...]:
    """Join the outcomes of all undecided branches: equal ones are one, and where they disagree the number is Unknown."""
    reason = _reason(answers)
    kept = _serving(outcomes)
    if not kept:
        return ()
    if all_tried and all(_alike(kept[0], other) for other in kept[1:]):
        return kept[0]
    found: dict[tuple[str, str | None], list[Process]] = {}
    for outcome in kept:
        for process in outcome:
            found.setdefault((process.kind, process.entry), []).append(process)
    return tuple(_joined(group, len(kept), reason, all_tried) for group in found.values())


def _serving(outcomes: list[tuple[Process, ...]]) -> list[tuple[Process, ...]]:
    """Leave out the branches in which nothing stays: a check that fails, a one-off, help text."""
    serving = [outcome for outcome in outcomes if any(process.kind not in ("migration", "script", "shell") for process in outcome)]
    kept = serving or [outcome for outcome in outcomes if outcome]
    distinct: list[tuple[Process, ...]] = []
    for outcome in kept:
        if not any(_alike(outcome, other) for other in distinct):
            distinct.append(outcome)
    return distinct


def _alike(one: tuple[Process, ...], other: tuple[Process, ...]) -> bool:
    return [_shape(process) for process in one] == [_shape(process) for process in other]


def _shape(process: Process) -> tuple[object, ...]:
    def shown(setting: Setting) -> object:
        return value_of(setting, "unknown")

    return (process.server, process.kind, process.entry, process.directory, shown(process.processes), shown(process.units), shown(process.preloads))


def _reason(answers: list[dict[str, bool]]) -> str:
    conditions = list(dict.fromkeys(condition for answer in answers for condition in answer))
    return f"depends on {' '.join(conditions[0].split())[:80]}" if conditions else "depends on a condition"


def _joined(group: list[Process], outcomes: int, reason: str, all_tried: bool) -> Process:
    first = group[0]
    if first.kind == "migration":
        return first
    if len(group) == outcomes and all_tried and all(_shape(process) == _shape(first) for process in group):
        return first
    servers = " or ".join(dict.fromkeys(process.server for process in group))
    same = len(group) == outcomes
    processes: Setting = first.processes
    if not same or len({value_of(process.processes, reason) for process in group}) > 1:
        processes = Unknown(reason, replace(first.processes.origin, location=first.location))
    units: Setting = first.units
    if len({value_of(process.units) for process in group}) > 1:
        units = Unknown(reason)
    preloads: Setting = first.preloads
    if len({value_of(process.preloads) for process in group}) > 1:
        preloads = Unknown(reason)
    return replace(first, server=servers, processes=processes, units=units, preloads=preloads)
