"""Which file of the project imports which: a fast scan of the import lines, without parsing.

Conditional imports and imports inside functions count: they can happen. So do dotted strings that name a module of the
project, because that is how Celery's `include=`, `uvicorn.run("app.main:app")` and `import_module` load code. What
`autodiscover_tasks(["app.orders"])` finds is apart: a worker imports `app.orders.tasks`, a web server does not.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from poollint.python.source.modules import Modules

# The length limits keep hostile files linear. A statement begins a line, or follows `;` or the `:` of `if x: import y`.
_IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*(?:"
    r"from[ \t]+(?P<dots>\.*)[ \t]*(?P<base>[\w.]{0,200})[ \t]*\bimport\b[ \t]*"
    r"(?P<names>\([^)]{0,5000}\)|[^\n#;]{0,1000})"
    r"|import[ \t]+(?P<modules>[\w., \t]{1,1000}))",
    re.M,
)
_BLOCK = re.compile(r"\s*(?:if|elif|else|try|except|finally|with|for|while|case|def|class|async)\b")
_DOTTED = re.compile(r"""["']([A-Za-z_]\w{0,80}(?:\.[A-Za-z_]\w{0,80}){1,8})(?::\w{1,80})?["']""")
_INCLUDED = re.compile(r"\b(?:include|imports|CELERY_IMPORTS)\s*=\s*[\[(]([^\])]{0,2000})[\])]")
_AUTODISCOVER = b"autodiscover_tasks"
_DISCOVERY = re.compile(
    r"\bautodiscover_tasks\(\s*(?:packages\s*=\s*)?(?:lambda\s*:\s*)?[\[(]([^\])]{0,2000})[\])]([^)]{0,200})"
)
_RELATED = re.compile(r"""\A\s*,\s*(?:related_name\s*=\s*)?["'](\w{1,80})["']""")
_QUOTED = re.compile(r"""["']([\w.]{1,200})["']""")


@dataclass(frozen=True, slots=True)
class Reach:
    """What an entry point imports, directly or not.

    came_from  path → the path that imports it first; None for the entry itself
    silent     lines of the entry's file that do not run, by the words that the program is told
    """

    entry: str
    came_from: Mapping[str, str | None]
    silent: frozenset[int] = frozenset()

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(self.came_from)

    def __contains__(self, path: object) -> bool:
        return path in self.came_from

    def with_(self, other: Reach) -> Reach:
        """Return what this and another entry point import together."""
        return Reach(self.entry, {**other.came_from, **self.came_from}, self.silent)

    def runs(self, path: str, line: int) -> bool:
        """Say whether a line of a file may run."""
        return path in self.came_from and not (line in self.silent and self.came_from[path] is None)

    def how(self, path: str) -> str:
        """Say how a file is reached: "entry point app/main.py imports app/db.py"."""
        if self.came_from.get(path) is None:
            return f"entry point {self.entry}"
        chain = [path]
        while (before := self.came_from[chain[-1]]) is not None:
            chain.append(before)
        between = f" through {chain[1]}" if len(chain) > 2 else ""
        return f"entry point {self.entry} imports {path}{between}"


class _Written(NamedTuple):
    """`from ..base import names` or `import base`, as a file writes it; or a string that may name a module."""

    level: int
    base: str
    names: tuple[str, ...] = ()
    is_import: bool = True


class ImportGraph:
    """The imports of all files, each read once, when somebody asks."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self._imports: dict[tuple[str, str | None], frozenset[str]] = {}
        self._written: dict[str, tuple[_Written, ...]] = {}
        self._reached_by: dict[str, frozenset[str]] = {}
        self._circles: dict[str, frozenset[str]] = {}
        self._discovered: dict[str, frozenset[str]] = {}

    def imports(self, path: str, first: str | None = None) -> frozenset[str]:
        """Return the files of the project that a file imports, with the packages around them.

        `first` is the folder that leads `sys.path`, if that is known: what it holds hides what other roots hold.
        """
        if (path, first) not in self._imports:
            found: set[str] = set()
            with self.modules.tree.guard(path):
                for written in self._written_in(path):
                    found.update(self._meant(path, written, first))
            self._imports[path, first] = frozenset(found - {path})
        return self._imports[path, first]

    def discovers(self, path: str) -> frozenset[str]:
        """Return the files of the project that a Celery worker imports for a file, with the packages around them."""
        if path not in self._discovered:
            content = self.modules.tree.bytes(path) or b""
            names = _discovered(content.decode("utf-8", "replace")) if _AUTODISCOVER in content else ()
            self._discovered[path] = frozenset(
                found for name in names for found in self._from(path, 0, name, [], None) if found != path
            )
        return self._discovered[path]

    @cached_property
    def discoverers(self) -> Mapping[str, frozenset[str]]:
        """File → the files for which a Celery worker imports it."""
        found: dict[str, set[str]] = {}
        for path in self.modules.containing(_AUTODISCOVER):
            for discovered in self.discovers(path):
                found.setdefault(discovered, set()).add(path)
        return {path: frozenset(paths) for path, paths in found.items()}

    @cached_property
    def importers(self) -> Mapping[str, frozenset[str]]:
        """File → the files that import it."""
        found: dict[str, set[str]] = {}
        for path in self.modules.paths:
            for imported in self.imports(path):
                found.setdefault(imported, set()).add(path)
        return {path: frozenset(importers) for path, importers in found.items()}

    def reach(
        self,
        start: str,
        entry: str | None = None,
        first: str | None = None,
        *,
        finds_tasks: bool = True,
        silent: frozenset[int] = frozenset(),
    ) -> Reach:
        """Return everything that running a file can import; packages run their `__init__` first.

        first        the folder that leads `sys.path`: a script's own
        silent       lines of the file that do not run
        finds_tasks  False for what is no Celery worker: it imports the application without its discovered tasks
        """
        came_from: dict[str, str | None] = {start: None}
        todo = deque([start])
        for package in self._packages(start):
            came_from.setdefault(package, start)
            todo.append(package)
        while todo:
            path = todo.popleft()
            meant = self._imported_beside(path, silent, first) if silent and path == start else self.imports(path, first)
            for imported in sorted(meant | (self.discovers(path) if finds_tasks else frozenset())):
                if imported not in came_from:
                    came_from[imported] = path
                    todo.append(imported)
        return Reach(entry or start, came_from, silent)

    def reached_by(self, path: str) -> frozenset[str]:
        """Return every file that imports `path`, directly or not, or discovers its tasks, and itself."""
        if path not in self._reached_by:
            self._reached_by[path] = self._search_importers(path)
        return self._reached_by[path]

    def _search_importers(self, path: str) -> frozenset[str]:
        found = {path}
        todo = [path]
        while todo:
            for importer in self.importers.get(todo.pop(), ()):
                if importer not in found:
                    found.add(importer)
                    todo.append(importer)
        # Not climbed further: whoever imports the application of a worker does not import the tasks.
        return frozenset(found.union(*(self.discoverers.get(each, ()) for each in found)))

    def circle(self, path: str) -> frozenset[str]:
        """Return what the programs that load a file load: the files that can take part in one process with it."""
        if path not in self._circles:
            loaders = self.reached_by(path)
            programs = [loader for loader in loaders if not self.importers.get(loader)] or sorted(loaders)
            self._circles[path] = frozenset(loaded for program in programs for loaded in self.reach(program).paths)
        return self._circles[path]

    # -- inside

    def _imported_beside(self, path: str, silent: frozenset[int], first: str | None) -> frozenset[str]:
        """Return what a file imports outside some of its lines."""
        lines = (self.modules.tree.bytes(path) or b"").decode("utf-8", "replace").split("\n")
        text = "\n".join("" if number in silent else line for number, line in enumerate(lines, 1))
        found = (self._meant(path, written, first) for written in _scanned(text))
        return frozenset(each for meant in found for each in meant if each != path)

    def _written_in(self, path: str) -> tuple[_Written, ...]:
        if path not in self._written:
            self._written[path] = ()  # a failure below is said once
            text = (self.modules.tree.bytes(path) or b"").decode("utf-8", "replace")
            self._written[path] = tuple(_scanned(text.replace("\r", "\n") if "\r" in text else text))
        return self._written[path]

    def _meant(self, path: str, written: _Written, first: str | None) -> Iterator[str]:
        """Yield the files that an import or a dotted string of a file means."""
        if not written.is_import:
            target = self._absolute(written.base, path, first)
            return iter((target,) if target else ())
        return self._from(path, written.level, written.base, written.names, first)

    def _absolute(self, dotted: str, path: str, first: str | None) -> str | None:
        led = self.modules.below(first, dotted) if first is not None else None
        return led if led is not None and led != path else self.modules.path_of(dotted, path)

    def _from(self, path: str, level: int, dotted: str, names: Sequence[str], first: str | None) -> Iterator[str]:
        for below in (dotted, *(f"{dotted}.{name}".strip(".") for name in names)):
            target = self.modules.relative(path, level, below) if level else self._absolute(below, path, first)
            if target:
                yield target
                yield from self._packages(target)

    def _packages(self, path: str) -> Iterator[str]:
        """Yield the `__init__.py` of the packages around a file: importing it runs them."""
        folder = path.rpartition("/")[0]
        while folder and self.modules.is_package(folder):
            init = f"{folder}/__init__.py"
            if init != path:
                yield init
            folder = folder.rpartition("/")[0]


def _scanned(text: str) -> Iterator[_Written]:
    """Yield what a file may import, as its text writes it."""
    text = text.replace("\r\n", "\n").replace("\\\n", " ")  # statements continued on the next line
    for found in _IMPORT.finditer(text):
        if not _is_statement(text, found.start()):
            continue
        if (modules := found["modules"]) is None:
            parts = re.sub(r"#[^\n]*|[()]", " ", found["names"]).split(",")
            names = tuple(words[0] for part in parts if (words := part.split()))
            yield _Written(len(found["dots"]), found["base"], names)
        for part in modules.split(",") if modules else ():
            if words := part.split():
                yield _Written(0, words[0])
    for named in dict.fromkeys((*(found.group(1) for found in _DOTTED.finditer(text)), *_included(text))):
        yield _Written(0, named, is_import=False)


def _included(text: str) -> Iterator[str]:
    """Yield the modules of Celery's `include=["tasks"]`, which need no dot to be modules."""
    if "celery" in text.lower():
        for found in _INCLUDED.finditer(text):
            yield from _QUOTED.findall(found.group(1))


def _discovered(text: str) -> Iterator[str]:
    """Yield the modules that Celery's `autodiscover_tasks([...], related_name="tasks")` imports."""
    for found in _DISCOVERY.finditer(text):
        related = _RELATED.match(found.group(2))
        for package in _QUOTED.findall(found.group(1)):
            yield f"{package}.{related.group(1) if related else 'tasks'}"


def _is_statement(text: str, start: int) -> bool:
    """Say whether an import that does not begin its line follows another statement, no words of a comment or a text."""
    if text[start] not in ";:":
        return True
    before = text[text.rfind("\n", 0, start) + 1 : start]
    if "#" in before or before.count('"') % 2 or before.count("'") % 2:
        return False
    return text[start] == ";" or _BLOCK.match(before) is not None
