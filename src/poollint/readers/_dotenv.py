"""`.env` files: NAME=value lines with their places.

A helper for `env_file` and interpolation, not a reader of facts. Few commit the file itself: the example they commit
instead is weak evidence of what stands in it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint._expand import Scope, glued, interpolate, setting_of
from poollint.environments import EXAMPLE_WORDS, environment_word, words_of
from poollint.facts import Known, Location, Origin, Setting

if TYPE_CHECKING:
    from poollint.discover import Tree

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*(?:=|:\s)\s*(.*)")
MOST_LINES = 5_000


def variables(tree: Tree, path: str) -> dict[str, Setting] | None:
    """Return the variables of a file, or None when it cannot be read."""
    text = tree.text(path) if path in tree else None
    return None if text is None else parse(text, path)


def example(tree: Tree, path: str, environment: str | None = None) -> dict[str, Setting]:
    """Return the variables of the example of an env file, as estimates; what it leaves empty is not known.

    The one that is named for the environment speaks for it: `.env.production.example` before `.env.example`.
    """
    folder, name = posixpath.split(path)
    files = (posixpath.join(folder, n) for n in (*_named_for(environment, name), *_examples(name)))
    given = next((g for file in files if (g := variables(tree, file)) is not None), {})
    return {
        name: replace(setting, certainty="estimate")
        for name, setting in given.items()
        if isinstance(setting, Known) and setting.value != ""
    }


def _named_for(environment: str | None, name: str) -> Iterator[str]:
    """Yield what an env file of an environment and its example are called; one that names an environment itself has no others."""
    if environment is not None and environment_word(name) is None:
        for word in words_of(environment):
            yield f"{name}.{word}"
            yield from _examples(f"{name}.{word}")
            yield from (f"{each}.{word}" for each in _suffixed(name))


def _examples(name: str) -> Iterator[str]:
    """Yield what people call the example of an env file: `.env.example`, `env.example`, `.env_example`, `example.env`."""
    plain = name.lstrip(".")
    for stem in (name, plain):
        yield from _suffixed(stem)
    for dot in ("", "."):
        yield from (f"{dot}{word}{mark}{plain}" for mark in "._-" for word in EXAMPLE_WORDS)


def _suffixed(stem: str) -> Iterator[str]:
    yield from (f"{stem}{mark}{word}" for mark in "._-" for word in EXAMPLE_WORDS)


def parse(text: str, path: str) -> dict[str, Setting]:
    """Read the text of an env file; single quotes keep `$` literal, an unquoted ` #` starts a comment."""
    found: dict[str, Setting] = {}
    scope = Scope(found)
    for row, line in enumerate(text.splitlines()[:MOST_LINES]):
        match = _LINE.match(line.rstrip())
        if not match or line.lstrip().startswith("#"):
            continue
        name, value = match[1], match[2]
        origin = Origin(name, Location(path, row + 1, match.start(1) + 1))
        if value[:1] == "'" and "'" in value[1:]:
            found[name] = Known(value[1 : value.index("'", 1)], origin)
            continue
        if value[:1] == '"' and '"' in value[1:]:
            value = value[1 : value.index('"', 1)]
        else:
            value = re.split(r"(?:^|\s)#", value, maxsplit=1)[0].rstrip()
        pieces = interpolate(value, scope)
        setting = setting_of(glued(pieces), name, origin) if pieces else Known("", origin)
        found[name] = Known(setting.value, origin, setting.certainty) if isinstance(setting, Known) else setting
    return found
