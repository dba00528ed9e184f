"""TOML with the line of every key: `tomllib` gives the values, a small scanner the places."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from poollint.facts import Location

Keys = tuple[str | int, ...]


class Unreadable(Exception):
    """The text is not TOML."""

    def __init__(self, reason: str, line: int | None) -> None:
        super().__init__(reason)
        self.reason, self.line = reason, line


class Document:
    """`data` as tomllib reads it; `location(*keys)` says where a key is written, an index counting arrays of tables."""

    def __init__(self, path: str, data: dict[str, Any], places: dict[Keys, tuple[int, int]]) -> None:
        self.path, self.data, self._places = path, data, places

    def location(self, *keys: str | int) -> Location:
        """Return the place of a key, or of the nearest key above it that has one."""
        for length in range(len(keys), -1, -1):
            if (place := self._places.get(keys[:length])) is not None:
                return Location(self.path, *place)
        return Location(self.path, 1)


def parse(path: str, text: str) -> Document:
    """Read a TOML text. Raises Unreadable."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        told = re.search(r"\(at line (\d+)", str(problem))
        line = int(told[1]) if told else len(text.splitlines()) or 1  # else: at the end of the document
        reason = re.sub(r"\s*\(at .*\)$", "", str(problem))
        raise Unreadable(f"not TOML: {reason}", line) from None
    except RecursionError:
        raise Unreadable("nested too deeply", None) from None
    return Document(path, data, _places(text))


# What may stand between the places that matter. Strings come first: they may hold anything.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|\[\[|\]\]|[\[\]{}=,.\n]|[^\s\[\]{}=,.#"\']+',
    re.DOTALL,
)


_DEPTH = {"[": 1, "[[": 2, "{": 1, "]": -1, "]]": -2, "}": -1}


def _places(text: str) -> dict[Keys, tuple[int, int]]:
    """Return the (line, column) of every table and key, where it is mentioned first. The text is known to be TOML."""
    header: Keys = ()
    counts: dict[Keys, int] = {}
    places: dict[Keys, tuple[int, int]] = {}
    for line, column, tokens in _statements(text):
        if tokens[0] in ("[", "[["):
            keys = header = _numbered(tuple(map(_bare, tokens[1:-1:2])), counts, tokens[0] == "[[")
        else:
            keys = (*header, *map(_bare, tokens[: tokens.index("=") : 2]))
        for length in range(1, len(keys) + 1):
            places.setdefault(keys[:length], (line, column))
    return places


def _statements(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yield (line, column, tokens) of each header or assignment; brackets keep one open over line ends."""
    tokens: list[str] = []
    depth, line, start = 0, 1, 0
    first = (1, 1)
    for match in _TOKEN.finditer(text):
        token = match[0]
        line += text.count("\n", start, match.start())
        start = match.start()
        if token == "\n" and depth == 0:
            if tokens:
                yield *first, tokens
            tokens = []
            continue
        if token == "\n" or token.startswith("#"):
            continue
        if not tokens:
            first = (line, start - text.rfind("\n", 0, start))
        depth += _DEPTH.get(token, 0)
        tokens.append(token)
    if tokens:
        yield *first, tokens


def _numbered(keys: tuple[str, ...], counts: dict[Keys, int], is_array: bool) -> Keys:
    """Put the index of the current item after every key that names an array of tables."""
    path: Keys = ()
    for position, key in enumerate(keys):
        path = (*path, key)
        if is_array and position == len(keys) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _bare(token: str) -> str:
    if token[:1] in "\"'":
        return tomllib.loads(f"key = {token}")["key"]
    return token
