"""One run of a command: what starts, with the variables and files it finds, and answers for what nothing decides."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from poollint._expand import Piece, Scope
from poollint._words import Word, weaker
from poollint.facts import Certainty, Known, Location, Process, Setting, Unknown

from ._alternatives import Decisions
from ._container import Container

if TYPE_CHECKING:
    from poollint.discover import Tree

MOST_STEPS = 3_000  # commands of one run
MOST_STARTED = 40  # processes of one container
DEEPEST = 12  # scripts that call scripts


class Ended(Exception):
    """The shell is replaced or gone: `exec`, `exit`, or a server that stays in the foreground."""


@dataclass(slots=True)
class Run:
    """The state of one run.

    scope      variables, positional parameters, CPUs, working directory (as the process sees it)
    exported   what the command itself puts into the environment
    certainty  of the path taken: weaker after a condition that rested on a fallback
    """

    tree: Tree
    container: Container
    scope: Scope
    decide: Decisions
    started: list[Process] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    exported: dict[str, Setting] = field(default_factory=dict)
    functions: dict[str, object] = field(default_factory=dict)
    arrays: dict[str, list[Word]] = field(default_factory=dict)
    certainty: Certainty = "exact"
    depth: int = 0
    steps: int = 0
    in_background: bool = False
    exporting: bool = False  # after `set -a`
    platform: str = ""

    def step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS or len(self.started) > MOST_STARTED:
            raise Ended

    def variable(self, name: str) -> Setting | None:
        """Return an environment variable's value; None when nothing readable sets it."""
        setting = self.scope.variables.get(name)
        return None if isinstance(setting, Known) and setting.value == "" else setting

    def set(self, name: str, setting: Setting, *, export: bool = False) -> None:
        self.scope.variables[name] = setting
        if export or name in self.exported:
            self.exported[name] = setting

    def weaken(self, certainty: Certainty) -> None:
        self.certainty = weaker(self.certainty, certainty)

    def path(self, path: str) -> str:
        return self.container.path(path, self.scope.directory or "/")

    def source(self, path: str) -> str | None:
        """Return the path in the repository of what stands at `path` for the process."""
        return self.container.source(self.path(path), self.tree)

    def text_at(self, path: str) -> tuple[str, Location] | None:
        """Return the text of a file as the process finds it, and where it starts."""
        full = self.path(path)
        if full in self.container.written:
            return self.container.written[full]
        source = self.source(path)
        text = self.tree.text(source) if source is not None and source in self.tree else None
        if source is None or text is None:
            return None
        self.read.append(source)
        return text, Location(source, 1, 1, text.count("\n") + 1, len(text) - text.rfind("\n"))

    def within(
        self, directory: str | None = None, arguments: tuple[Word, ...] | None = None, name: str | None = None
    ) -> Scope:
        """Return a scope that shares the variables, for a script or a subshell."""
        scope = self.scope
        pieces = scope.arguments if arguments is None else tuple(as_argument(word) for word in arguments)
        return replace(
            scope,
            variables=dict(scope.variables),
            arguments=pieces,
            name=scope.name if name is None else name,
            directory=scope.directory if directory is None else posixpath.normpath(directory),
        )

    def start(self, process: Process) -> None:
        """Record what starts; the path taken may have weakened its numbers."""
        environment: Mapping[str, Setting] = {**self.container.variables, **self.exported, **process.environment}
        files = tuple(dict.fromkeys((*self.container.read, *self.read, *process.files)))
        process = replace(process, environment=environment, files=files)
        if self.in_background or any(other.beside for other in self.started):
            process = replace(process, beside="started")
        if self.certainty != "exact":
            process = replace(
                process,
                processes=_weakened(process.processes, self.certainty),
                units=_weakened(process.units, self.certainty),
            )
        self.started.append(process)


def as_argument(word: Word) -> Piece:
    return Piece(word.text, word.certainty, word.unknown, word.written, place=word.location)


def _weakened(setting: Setting, certainty: Certainty) -> Setting:
    if isinstance(setting, Unknown):
        return setting
    return replace(setting, certainty=weaker(setting.certainty, certainty))
