"""The libcst visitor: exact spans of calls, in code points. Imported only for files that create an engine.

libcst takes seconds for the positions of a large file, and an engine is made in one statement of it. So it is given that
statement alone: the lines of the function, class or assignment at the top level of the file.
"""

from __future__ import annotations

from collections.abc import Sequence

import libcst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from poollint.facts import Location

Place = tuple[int, int]  # line and column, from 1


def of_calls(path: str, lines: Sequence[str], statement: tuple[int, int], starts: set[Place]) -> dict[Place, Location]:
    """Return the spans of the calls that start at the given places of a statement (its first and last line).

    Several calls start at one place in `create_engine(url).connect()`: the shortest is the creation.
    """
    first, last = statement
    try:
        module = libcst.parse_module("\n".join(lines[first - 1 : last]) + "\n")
    except libcst.ParserSyntaxError:
        # The statement shares its first line with the end of another, or libcst is older than the syntax.
        return {}
    visitor = _Calls(path, starts, first - 1)
    MetadataWrapper(module, unsafe_skip_copy=True).visit(visitor)
    return visitor.found


class _Calls(libcst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, path: str, starts: set[Place], above: int) -> None:
        super().__init__()
        self.path = path
        self.starts = starts
        self.above = above  # lines before the statement
        self.found: dict[Place, Location] = {}

    def leave_Call(self, original_node: libcst.Call) -> None:  # noqa: N802 - libcst's name
        span = self.get_metadata(PositionProvider, original_node)
        if not isinstance(span, CodeRange):
            return
        start = (span.start.line + self.above, span.start.column + 1)
        # Inner calls are left first, so the first one that starts here is the shortest.
        if start in self.starts and start not in self.found:
            self.found[start] = Location(self.path, *start, span.end.line + self.above, span.end.column + 1)
