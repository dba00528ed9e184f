"""`.env` files: NAME=value lines with their places.

A helper for `env_file` and interpolation, not a reader of facts: a `.env.example` beside the code is weak evidence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from poollint._expand import Scope, glued, interpolate, setting_of
from poollint.facts import Known, Location, Origin, Setting

if TYPE_CHECKING:
    from poollint.discover import Tree

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*(?:=|:\s)\s*(.*)")
MOST_LINES = 5_000


def variables(tree: Tree, path: str) -> dict[str, Setting] | None:
    """Return the variables of a file, or None when it cannot be read."""
    text = tree.text(path) if path in tree else None
    return None if text is None else parse(text, path)


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
