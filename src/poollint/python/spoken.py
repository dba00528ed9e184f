"""Which server a project speaks of, where no URL and no driver tells.

    from sqlalchemy.dialects.postgresql import JSONB         a column type that only one server has
    DATABASE_URL=postgresql+asyncpg://user@db/orders         in `.env.example`, for the variable that gives the URL

Measured with SQLAlchemy 2.0 and 2.1: CREATE TABLE with one of these types compiles for its own server and for no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from poollint.facts import Known, Location, Origin
from poollint.python.libraries.dotenv_files import ShownUrls
from poollint.python.source.graph import ImportGraph
from poollint.python.source.modules import Modules

TYPES: Mapping[str, frozenset[str]] = {
    "postgresql": frozenset(
        "ARRAY BYTEA CIDR CITEXT DATEMULTIRANGE DATERANGE HSTORE INET INT4MULTIRANGE INT4RANGE INT8MULTIRANGE INT8RANGE INTERVAL "
        "JSONB MACADDR MACADDR8 MONEY NUMMULTIRANGE NUMRANGE OID REGCLASS REGCONFIG TSMULTIRANGE TSQUERY TSRANGE "
        "TSTZMULTIRANGE TSTZRANGE TSVECTOR".split()
    ),
    "mysql": frozenset("LONGBLOB LONGTEXT MEDIUMBLOB MEDIUMINT MEDIUMTEXT TINYBLOB TINYINT TINYTEXT YEAR".split()),
}
_IMPORTED = re.compile(rb"\bsqlalchemy\.dialects\.(postgresql|mysql)[ \t]+import[ \t]+(\([^)]{1,2000}\)|[^\n]{1,500})")
_DOTTED = re.compile(rb"\b(postgresql|mysql)\.([A-Z0-9]{3,20})\b")
_WORD = re.compile(rb"\w+")
# Who writes these knows of another server that may run the same models.
_OF_SEVERAL = re.compile(rb"\bwith_variant\(|@compiles\(|\bload_dialect_impl\b|\bdialect\.name\b|sqlite", re.I)


class Spoken:
    """Reads the files of a project by their bytes, and only where an engine's server is not known."""

    def __init__(self, modules: Modules, graph: ImportGraph) -> None:
        self.modules = modules
        self.graph = graph
        self._found: dict[str, Known | None] = {}

    def of(self, path: str, identities: tuple[str, ...]) -> Known | None:
        """Return the dialect that the files around one speak of, for a URL that some variables give."""
        shown = self.modules.shared(ShownUrls)
        given = (shown.of(each.removeprefix("env:")) for each in identities if each.startswith("env:"))
        found = next((url for url in given if url is not None), None)
        return self.server(path) or (Known(found.dialect, found.origin, "estimate") if found else None)

    def server(self, path: str) -> Known | None:
        """Return the dialect that the models around a file are written for, as an estimate; None for none or several."""
        if path not in self._found:
            files = {each for each in self.graph.reached_by(path) | self.graph.reach(path).paths if not self.modules.is_for_tests(each)}
            spoken: dict[str, Known] = {}
            for each in sorted(files):
                content = self.modules.tree.bytes(each) or b""
                if _OF_SEVERAL.search(content):
                    spoken = {}
                    break
                for server, name, line in _types(content) if b"dialects" in content else ():
                    origin = Origin(f"{name}, a type of {server} alone", Location(each, line))
                    spoken.setdefault(server, Known(server, origin, "estimate"))
            self._found[path] = spoken.popitem()[1] if len(spoken) == 1 else None
        return self._found[path]


def _types(content: bytes) -> Iterator[tuple[str, str, int]]:
    """Yield (dialect, type, line) for the types of one server that a text names."""
    for found in (*_IMPORTED.finditer(content), *_DOTTED.finditer(content)):
        server = found[1].decode()
        named = (word.decode() for word in _WORD.findall(found[2]))
        if name := next((name for name in named if name in TYPES[server]), None):
            yield server, name, content.count(b"\n", 0, found.start()) + 1
