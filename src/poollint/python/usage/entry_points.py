"""Entry points that the project's own distributions declare in setup.py, setup.cfg, pyproject.toml: `main = orders:main`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poollint.facts import Known, Origin
from poollint.python.evaluator.values import Listing, Table, Value
from poollint.python.libraries import ini_functions

if TYPE_CHECKING:
    from poollint.python.source.modules import Modules


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One entry point; `folder` is where its distribution is built."""

    distribution: str
    name: str
    target: str
    folder: str


class EntryPoints:
    """Reads each group once."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.tree = modules.tree
        self._groups: dict[str, tuple[EntryPoint, ...]] = {}

    def nearest(self, path: str, distribution: str, group: str, name: str) -> EntryPoint | None:
        """Return an entry point of a distribution; of two with that name the one that is built nearer to a file."""
        wanted = (_normalised(distribution), name)
        found = [point for point in self._of(group) if (point.distribution, point.name) == wanted]
        folder = posixpath.dirname(path)
        return max(found, key=lambda point: len(posixpath.commonpath((point.folder, folder))), default=None)

    def _of(self, group: str) -> tuple[EntryPoint, ...]:
        if group not in self._groups:
            found: list[EntryPoint] = []
            for path in self.tree.named("setup.py", "setup.cfg", "pyproject.toml"):
                if group.encode() in (self.tree.bytes(path) or b""):
                    with self.tree.guard(path):
                        found.extend(self._in_file(path, group))
            self._groups[group] = tuple(found)
        return self._groups[group]

    def _in_file(self, path: str, group: str) -> Iterator[EntryPoint]:
        kinds = {"setup.py": self._of_setup_py, "setup.cfg": self._of_setup_cfg, "pyproject.toml": self._of_pyproject}
        read = kinds.get(posixpath.basename(path))
        distribution, lines = read(path, group) if read else ("", ())
        for line in lines:
            name, _, target = line.partition("=")
            yield EntryPoint(_normalised(distribution), name.strip(), target.strip(), posixpath.dirname(path))

    def _of_setup_py(self, path: str, group: str) -> tuple[str, Iterable[str]]:
        from poollint.python.evaluator.evaluate import Evaluator

        module = self.modules.module(path)
        for call in module.calls_of("setup") if module else ():
            given = Evaluator(self.modules).world().arguments(call, module)  # type: ignore[arg-type]
            points = given.keywords.get("entry_points")
            found = points.entries.get(group) if isinstance(points, Table) else _group_of(_text(points), group)
            return _text(given.keywords.get("name")), _lines(found)
        return "", ()

    def _of_setup_cfg(self, path: str, group: str) -> tuple[str, Iterable[str]]:
        sections = ini_functions.sections_of(self.tree, path)
        name = sections.get("metadata", {}).get("name")
        return _text(name), _lines(sections.get("options.entry_points", {}).get(group))

    def _of_pyproject(self, path: str, group: str) -> tuple[str, Iterable[str]]:
        from poollint import _toml

        try:
            data = _toml.parse(path, self.tree.text(path) or "").data
        except _toml.Unreadable:
            return "", ()
        project, poetry = _dict(data, "project"), _dict(data, "tool", "poetry")
        points = _dict(project, "entry-points", group) or _dict(poetry, "plugins", group)
        return str(project.get("name") or poetry.get("name") or ""), [f"{k} = {v}" for k, v in points.items()]


def _text(value: Value | None) -> str:
    return value.value if isinstance(value, Known) and isinstance(value.value, str) else ""


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _lines(value: Value | None) -> list[str]:
    """Return the entry points of a group: a list of them, or text with one a line."""
    texts = [_text(item) for item in value.items] if isinstance(value, Listing) else [_text(value)]
    return [line for text in texts for line in text.splitlines() if "=" in line]


def _group_of(text: str, group: str) -> Value | None:
    """Return the lines of one group where all are written as one text with sections."""
    match = re.search(rf"\[{re.escape(group)}\]([^\[]*)", text)
    return Known(match[1], Origin("")) if match else None


def _dict(data: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}
