"""The command that a workload is given, as words with their places and what is known of each."""

from __future__ import annotations

import re
from dataclasses import replace

from poollint._expand import Piece, as_piece, glued
from poollint._words import Word, places
from poollint.facts import Setting, Unknown, Words, Workload

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
    if len(part.values) == len(words):
        words = [_valued(word, value) for word, value in zip(words, part.values)]
    return [_expanded(word, run) for word in words] if expands else words


def _valued(word: Word, value: Setting) -> Word:
    """Take over what the format's own interpolation says of a word."""
    if isinstance(value, Unknown):
        return replace(word, unknown=value.reason, opaque=not word.text)
    return replace(word, certainty=value.certainty, written=value.origin if value.origin.location else None)


def _expanded(word: Word, run: Run) -> Word:
    """Expand Kubernetes' `$(NAME)`; a name that is not set stays as it is, and `$$(NAME)` is literal."""
    if "$(" not in word.text:
        return word
    pieces: list[Piece] = []
    position = 0
    for match in _REFERENCE.finditer(word.text):
        pieces.append(Piece(word.text[position : match.start()]))
        setting = run.scope.variables.get(match[1]) if match[1] else None
        pieces.append(Piece("$") if match[0] == "$$" else as_piece(setting) if setting is not None else Piece(match[0]))
        position = match.end()
    piece = glued(
        [piece for piece in [*pieces, Piece(word.text[position:])] if piece.text or piece.unknown] or [Piece()]
    )
    return replace(word, text=piece.text, unknown=piece.unknown, certainty=piece.certainty, written=piece.written)
