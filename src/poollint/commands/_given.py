"""The command that a workload is given, as words with their places and what is known of each."""

from __future__ import annotations

import re
from dataclasses import replace

from poollint._words import Word, places
from poollint.facts import Setting, Words, Workload, value_of

from ._container import Container
from ._run import Run

# Formats whose commands may hold `$(NAME)`, expanded from the container's variables before the process starts.
EXPANDING = frozenset({"kubernetes", "knative", "helm", "kustomize"})
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][\w.-]*)\)")


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


def words_of(part: Words, run: Run, expands: bool) -> list[Word]:
    """Turn the words of a command into words with places."""
    if part.shell is not None:
        # `CMD uvicorn ...` behind an exec-form ENTRYPOINT is handed over as `/bin/sh -c TEXT`.
        return [Word("/bin/sh", part.location), Word("-c", part.location), Word(part.shell, part.location)]
    placed = part.locations
    if len(placed) != len(part.words):
        placed = places(part.words, part.location, run.tree.text(part.location.path))
    words = [Word(text, place) for text, place in zip(part.words, placed)]
    if len(part.parts) == len(words):
        words = [word.filled(parts) for word, parts in zip(words, part.parts)]
    return [_expanded(word, run) for word in words] if expands else words


def _expanded(word: Word, run: Run) -> Word:
    """Expand Kubernetes' `$(NAME)`; a name that is not set stays as it is, and `$$(NAME)` is literal."""
    if "$(" not in word.text:
        return word
    parts: list[str | Setting] = []
    position = 0
    for match in _REFERENCE.finditer(word.text):
        setting = run.scope.variables.get(match[1]) if match[1] else None
        parts += [word.text[position : match.start()], "$" if match[0] == "$$" else setting or match[0]]
        position = match.end()
    parts.append(word.text[position:])
    text = "".join(part if isinstance(part, str) else str(value_of(part, "")) for part in parts)
    return replace(word, text=text).filled(part for part in parts if part != "")
