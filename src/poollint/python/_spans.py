"""The libcst visitor: exact spans of calls, in code points. Imported only for files that create an engine.

libcst takes seconds for the positions of a large file. So it is given the one call that creates an engine, and nothing
around it.
"""

from __future__ import annotations

import libcst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from poollint.facts import Location


def of_call(text: str, at: Location) -> Location | None:
    """Return the span of the call that a text begins with; `at` is where the text stands.

    Several calls start at one place in `create_engine(url).connect()`: the shortest is the creation.
    """
    try:
        # In parentheses, as what stands in some may break its lines where a statement may not.
        module = libcst.parse_module(f"({text}\n)\n")
    except libcst.ParserSyntaxError:
        return None  # libcst is older than the syntax
    visitor = _Calls()
    MetadataWrapper(module, unsafe_skip_copy=True).visit(visitor)
    return visitor.placed(at)


class _Calls(libcst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: CodeRange | None = None

    def leave_Call(self, original_node: libcst.Call) -> None:  # noqa: N802 - libcst's name
        span = self.get_metadata(PositionProvider, original_node)
        # Inner calls are left first, so the first one that starts the text is the shortest.
        if self.found is None and isinstance(span, CodeRange) and (span.start.line, span.start.column) == (1, 1):
            self.found = span

    def placed(self, at: Location) -> Location | None:
        if self.found is None:
            return None
        end = self.found.end
        column = end.column + (at.column - 1 if end.line == 1 else 0)  # of the first line, the parenthesis goes
        return Location(at.path, at.line, at.column, at.line + end.line - 1, column + (end.line > 1))
