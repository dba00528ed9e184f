"""The libcst visitor: exact spans of calls, in code points. Imported only for files that create an engine."""

from __future__ import annotations

import libcst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from poollint.facts import Location


def of_calls(path: str, text: str, starts: set[tuple[int, int]]) -> dict[tuple[int, int], Location]:
    """Return the spans of the calls that start at the given (line, column) places.

    Several calls start at one place in `create_engine(url).connect()`: the shortest is the creation.
    """
    try:
        module = libcst.parse_module(text)
    except (
        libcst.ParserSyntaxError
    ):  # what the standard library accepts and libcst does not: rare, and no reason to stop
        return {}
    visitor = _Calls(path, starts)
    MetadataWrapper(module, unsafe_skip_copy=True).visit(visitor)
    return visitor.found


class _Calls(libcst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, path: str, starts: set[tuple[int, int]]) -> None:
        super().__init__()
        self.path = path
        self.starts = starts
        self.found: dict[tuple[int, int], Location] = {}

    def leave_Call(self, original_node: libcst.Call) -> None:  # noqa: N802 - libcst's name
        span = self.get_metadata(PositionProvider, original_node)
        if not isinstance(span, CodeRange):
            return
        start = (span.start.line, span.start.column + 1)
        # Inner calls are left first, so the first one that starts here is the shortest.
        if start in self.starts and start not in self.found:
            self.found[start] = Location(self.path, *start, span.end.line, span.end.column + 1)
