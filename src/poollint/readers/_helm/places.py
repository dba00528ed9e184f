"""Paths in commands: from which folder they are meant, and which file or chart they lead to."""

from __future__ import annotations

import re
from posixpath import join, normpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poollint.discover import Tree
    from poollint.readers._helm.charts import Chart

# `$PWD/chart`, `${{ github.workspace }}/chart`: somewhere above.
_SOMEWHERE = re.compile(r"^(?:\$\{\{[^}]*\}\}|\$\{[^}]*\}|\$\([^)]*\)|\$\w+)/")


class Places:
    """The folders that a command may run in, the likeliest first; finding its chart may tell a further one."""

    def __init__(self, tree: Tree, folders: tuple[str, ...]) -> None:
        self._tree = tree
        self._folders = list(folders)

    def file(self, text: str) -> str | None:
        """Return the file that a relative path means, None when there is none."""
        return next((path for path in self._seen(text) if path in self._tree), None)

    def chart(self, text: str, charts: list[Chart]) -> Chart | None:
        """Return the chart of the project at a path; after a `cd` that nobody reads it is the only one whose path ends so."""
        by_folder = {chart.folder: chart for chart in charts}
        for path in self._seen(text):
            if path in by_folder:
                return by_folder[path]
        is_path = text.startswith(".") or "/" not in text or _SOMEWHERE.match(text) is not None
        written = normpath(_SOMEWHERE.sub("", text))
        tail = re.sub(r"^(\.\./)+", "", written)
        ends = [chart for chart in charts if f"/{chart.folder}".endswith(f"/{tail}")]
        if not is_path or "$" in tail or tail in ("", ".", "..") or len(ends) != 1:
            return None
        # `../chart` is seen from some folder beside the chart; its name does not matter.
        above = ends[0].folder[: -len(tail)] + "_/" * written.count("../")
        self._folders.append(above.rstrip("/"))
        return ends[0]

    def fitting(self, text: str, hole: str) -> list[str]:
        """Return what can stand for the hole in a path so that it means a file of the tree."""
        if not re.search(r"\w", re.sub(r"\.ya?ml$", "", text.replace(hole, ""))):
            return []
        found: dict[str, None] = {}
        for folder in self._folders:
            first, *rest = normpath(join(folder, text.replace(hole, "\0"))).split("\0")
            pattern = re.compile(re.escape(first) + r"([\w.-]+)" + r"\1".join(map(re.escape, rest)))
            found |= {match[1]: None for file in self._tree.files if (match := pattern.fullmatch(file))}
        return list(found)

    def _seen(self, text: str) -> list[str]:
        written = _SOMEWHERE.sub("", text)
        paths = [normpath(join(folder, written)) for folder in self._folders]
        return ["" if path == "." else path for path in paths if not path.startswith(("..", "/"))]
