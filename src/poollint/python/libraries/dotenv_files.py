"""`.env` files of the repository that its code loads: weak evidence, as each machine may have its own.

    load_dotenv()      env.read_env()      Config(".env")      decouple's config("X")      env_file=".env" of settings classes

What such a file says is no value. But a default that it replaces is none either, where the file is there.
"""

from __future__ import annotations

import re

from poollint.facts import Location, Origin
from poollint.python.source.modules import Modules

_LOADS = re.compile(rb"\b(?:load_dotenv|read_env|env_file|decouple)\b|\bConfig\([\"'][^\"'\n]{0,40}\.env")
_HINTS = (b"load_dotenv", b"read_env", b"env_file", b"decouple", b".env")  # one of them is in whatever that finds
_LINE = re.compile(r"\s*(?:export\s+)?(\w{1,100})\s*=\s*(.*?)\s*$")


class DotEnv:
    """Finds what a `.env` file beside or above a module says about a variable."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self._files: dict[str, dict[str, tuple[str, int]]] = {}
        contents = (modules.tree.bytes(path) or b"" for path in modules.paths if not modules.is_for_tests(path))
        self._is_loaded = any(any(hint in each for hint in _HINTS) and _LOADS.search(each) for each in contents)

    def says(self, name: str, reader: str) -> tuple[str, Origin] | None:
        """Return the text that the nearest `.env` file gives a variable and where; None when it is not loaded or silent."""
        folder = reader.rpartition("/")[0] if self._is_loaded else None
        while folder is not None:
            path = f"{folder}/.env" if folder else ".env"
            if path in self.modules.tree:
                found = self._read(path).get(name.lower())
                return (found[0], Origin(name, Location(path, found[1]))) if found else None
            folder = folder.rpartition("/")[0] if folder else None
        return None

    def _read(self, path: str) -> dict[str, tuple[str, int]]:
        """Return variable in small letters → its text and line."""
        if path not in self._files:
            lines = enumerate((self.modules.tree.text(path) or "").splitlines(), 1)
            found = ((match, number) for number, line in lines if (match := _LINE.match(line)))
            self._files[path] = {match[1].lower(): (_plain(match[2]), number) for match, number in found}
        return self._files[path]


def _plain(text: str) -> str:
    if text[:1] in ("'", '"') and text[1:].find(text[0]) >= 0:
        return text[1 : text.index(text[0], 1)]
    return text.partition(" #")[0].strip()
