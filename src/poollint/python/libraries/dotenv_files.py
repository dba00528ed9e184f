"""`.env` files of the repository that its code loads: weak evidence, as each machine may have its own.

    load_dotenv()      env.read_env()      Config(".env")      decouple's config("X")      env_file=".env" of settings classes

What such a file says is no value. But a default that it replaces is none either, where the file is there. Of the files
that show what to set, `.env.example`, only the kind of server of a URL is taken, as an estimate.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from poollint.environments import EXAMPLE_WORDS, environment_word, is_production
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


_WORDS = "|".join(EXAMPLE_WORDS)
_ENV_FILE = re.compile(rf"(^|/)(\.env[\w.-]*|[\w.-]+\.env(\.[\w-]+)?|env[._-]({_WORDS})|\.?({_WORDS})[_-]env)$")
_URL = r"^[ \t]*(?:export[ \t]+)?%s[ \t]*=[ \t]*[\"']?([a-z0-9]{2,20})(?:\+(\w{1,20}))?://"


class ShownUrl(NamedTuple):
    """What a file that shows variables says of a database URL."""

    dialect: str
    driver: str | None
    origin: Origin


class ShownUrls:
    """Finds which server the project's files of variables show a URL of: `DATABASE_URL=postgresql+asyncpg://user@db/orders`."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self._found: dict[str, ShownUrl | None] = {}

    def of(self, variable: str) -> ShownUrl | None:
        """Return what all of them agree on, or those that are named for production; None for a file and where they differ."""
        if variable not in self._found:
            shown = list(self._shown(variable))
            named = [each for each in shown if _is_named_for_production(each.origin)]
            agreed = next((each for each in (shown, named) if len({url.dialect for url in each}) == 1), [])
            self._found[variable] = next((url for url in agreed if url.dialect != "sqlite"), None)
        return self._found[variable]

    def _shown(self, variable: str) -> Iterator[ShownUrl]:
        wanted = re.compile((_URL % re.escape(variable)).encode(), re.M | re.I)
        for path, content in self._files:
            for each in wanted.finditer(content):
                dialect, driver = each[1].decode().lower(), each[2].decode().lower() if each[2] else None
                place = Location(path, content.count(b"\n", 0, each.start()) + 1)
                yield ShownUrl({"postgres": "postgresql"}.get(dialect, dialect), driver, Origin(variable, place))

    @cached_property
    def _files(self) -> list[tuple[str, bytes]]:
        return list(self.modules.beside(_ENV_FILE))


def _is_named_for_production(origin: Origin) -> bool:
    word = environment_word(posixpath.basename(origin.location.path)) if origin.location else None
    return word is not None and is_production(word)


def _plain(text: str) -> str:
    if text[:1] in ("'", '"') and text[1:].find(text[0]) >= 0:
        return text[1 : text.index(text[0], 1)]
    return text.partition(" #")[0].strip()
