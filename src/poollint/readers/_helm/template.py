"""The readable part of a chart's template: plain values, defaults, conditions and loops over what values files say.

This is no rendering: what a cluster, a lookup or one of Helm's many other functions would tell stays unknown. What is
unknown inside a line makes its value unknown; what would insert whole lines leaves a hole, whose line is remembered.
Every value that comes from a values file keeps its place there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as Names
from dataclasses import dataclass, field

from poollint._yaml import Mapping, Node, Scalar, Sequence, Unreadable, documents
from poollint.facts import Location
from poollint.readers import _merge
from poollint.readers._helm.functions import (
    ABSENT,
    FUNCTIONS,
    ROOT,
    SAME,
    Absent,
    Hidden,
    Root,
    Text,
    Value,
    Words,
    holds,
)
from poollint.readers._helm.syntax import Action, Block, Literal, Part, parse

# A closing parenthesis and the path right behind it are one: `(default dict .Values.api).replicas`.
_TOKEN = re.compile(r'\s*("(?:\\.|[^"\\])*"|`[^`]*`|\(|\)(?:\.[\w.]+)?|\||:=|=|,|[^\s()|,=:"`]+)')
_MARK = re.compile("\ue000(\\d+)\ue001")
_DEEPEST = 40  # parentheses within parentheses
_MOST_TEXT = 500_000  # characters of one template's outcome
_MOST_ROUNDS = 200  # of one loop
_MOST_STEPS = 50_000  # texts, actions and blocks visited, one in a loop as often as it runs
_DEEPEST_HELPER = 8  # helper templates that include others
_ANY_COLUMN = 1_000  # of a hole whose indentation is not known: it may be inside anything


@dataclass(frozen=True, slots=True)
class Chart:
    """What a template may refer to: its own name and version, its values, and the helper templates beside it."""

    name: str
    release: str
    version: str
    values: Node
    helpers: Names[str, list[Part]] = field(default_factory=dict)


@dataclass(slots=True)
class Read:
    """The documents of one template, and the lines of it that could not be read."""

    documents: list[Node]
    holes: set[Location]


def read_template(path: str, text: str, chart: Chart) -> Read:
    """Read one template. Raises Unreadable when what is left of it is no YAML."""
    writer = _Writer(path, chart)
    writer.write(parse(text))
    found = documents(path, "".join(writer.out))
    places = _Places(path, writer.lines(), writer.inserted)
    return Read([node for document in found if (node := places.of(document)) is not None], writer.holes)


# -- writing what is readable ------------------------------------------------------------------------------------------


class _Writer:
    """Writes YAML with a mark for every inserted value, and remembers which lines of the template it comes from."""

    def __init__(self, path: str, chart: Chart) -> None:
        self.path = path
        self.chart = chart
        self.out: list[str] = []
        # Of each piece in `out`: its line in the template, and 1 if its further lines are the template's too, else 0.
        self.sources: list[tuple[int, int]] = []
        self.inserted: list[Value] = []
        self.holes: set[Location] = set()
        self.variables: dict[str, Value] = {}
        self.size = 0
        self.steps = 0
        self.doubts = 0  # branches around the current place that may or may not be taken
        self.depth = 0  # helper templates within helper templates

    def write(self, parts: list[Part], dot: Value = ROOT) -> None:
        """Write the parts that are readable; `dot` is what `.` means in them."""
        for part in parts:
            self.steps += 1
            if self.steps > _MOST_STEPS:
                raise Unreadable("its loops take too long", 1, [])
            if isinstance(part, Literal):
                self._emit(part.text, part.line, step=1)
            elif isinstance(part, Action):
                self._write_action(part, dot)
            elif part.kind in ("if", "with"):
                self._write_branch(part, dot)
            elif part.kind == "range":
                self._write_loop(part, dot)

    def lines(self) -> list[int]:
        """Return the template line of every line written."""
        found: list[int] = []
        current: int | None = None
        source = 1
        for text, (source, step) in zip(self.out, self.sources):
            for number, piece in enumerate(text.split("\n")):
                if number:
                    found.append(current or source)
                    current = None
                if current is None and piece.strip():
                    current = source + number * step
        return [*found, current or source]

    def _emit(self, text: str, line: int, step: int = 0) -> None:
        self.size += len(text)
        if self.size > _MOST_TEXT:
            raise Unreadable("its loops make too much text", line, [])
        self.out.append(text)
        self.sources.append((line, step))

    # -- blocks

    def _write_branch(self, block: Block, dot: Value) -> None:
        for condition, body in block.branches:
            value = self._plain(self.value(condition, dot, block.line), block.line) if condition else ROOT
            taken = holds(value)
            if taken is False:
                continue
            inner = value if block.kind == "with" and condition and isinstance(value, Node) else dot
            # What a cluster is capable of changes an apiVersion; anything else may change what is applied.
            doubt = taken is None and ".Capabilities" not in condition
            if doubt:
                self._leave_open(block.line)
            self.doubts += doubt
            self.write(body, inner)
            self.doubts -= doubt
            return

    def _write_loop(self, block: Block, dot: Value) -> None:
        condition, body = block.branches[0]
        names, assigns, code = condition.rpartition(":=")
        value = self.value(code, dot, block.line)
        variables = [name.strip() for name in names.split(",")] if assigns else []
        if isinstance(value, Mapping):
            items = value.pairs()
        elif isinstance(value, Sequence):
            items = [(str(number), node) for number, node in enumerate(value.items)]
        else:
            if not isinstance(value, Absent):
                self._leave_open(block.line)
            return
        for key, item in items[:_MOST_ROUNDS]:
            both = (_merge.scalar(key, item.location), item)
            self.variables.update(zip(variables, both if len(variables) > 1 else (item,)))
            self.steps += 1
            self.write(body, item)

    # -- actions

    def _write_action(self, action: Action, dot: Value) -> None:
        name, assigns, code = action.code.partition(":=")
        if name.startswith("$") and (assigns or action.code.partition("=")[1]):
            name, _, code = action.code.partition(":=" if assigns else "=")
            self.variables[name.strip()] = self.value(code, dot, action.line)
            return
        indent = re.search(r"\|\s*(n?)indent\s+(\d{1,3})\s*$", action.code)
        value = self.value(action.code[: indent.start()] if indent else action.code, dot, action.line)
        if indent:
            self._insert_lines(value, "\n" if indent[1] else "", int(indent[2]), action)
        else:
            self._emit(self._mark(value, action), action.line)

    def _leave_open(self, line: int, column: int = _ANY_COLUMN) -> None:
        self.holes.add(Location(self.path, line, column))

    def _insert_lines(self, value: Value, start: str, indent: int, action: Action) -> None:
        """Write a whole value where lines are expected, in the shape that its kind needs."""
        if isinstance(value, Text):
            self._emit(start + "\n".join(" " * indent + line for line in value.text.split("\n")), action.line)
            return
        start += " " * indent
        if isinstance(value, Hidden) and value.text:  # labels of a helper: enough to compare selectors
            self._emit(f"{start}{value.text!r}: ''", action.line)
        elif isinstance(value, (Mapping, Sequence, Scalar)):
            mark = self._mark(value, action)
            shape = {Mapping: f"{mark}: {mark}", Sequence: f"- {mark}", Scalar: mark}[type(value)]
            self._emit(start + shape, action.line)
        elif not isinstance(value, Absent):
            self._leave_open(action.line, indent + 1)

    def _mark(self, value: Value, action: Action) -> str:
        if isinstance(value, Text):
            return value.text
        in_doubt = self.doubts and isinstance(value, Node) and value.location.path != self.path
        if in_doubt or not isinstance(value, Node):
            code = action.code.replace("{{", "").replace("}}", "")
            value = _merge.scalar("{{ " + code + " }}", self._place(action.line))
        self.inserted.append(value)
        return f"\ue000{len(self.inserted) - 1}\ue001"

    def _place(self, line: int) -> Location:
        return Location(self.path, line)

    # -- expressions

    def value(self, code: str, dot: Value, line: int) -> Value:
        """Return what a pipeline gives."""
        tokens = _TOKEN.findall(code)
        return self._pipeline(tokens, dot, line, 0)

    def _pipeline(self, tokens: list[str], dot: Value, line: int, depth: int) -> Value:
        result: Value | None = None
        for stage in _split(tokens, "|"):
            result = self._stage(stage, result, dot, line, depth)
        return result if result is not None else Hidden()

    def _stage(self, tokens: list[str], piped: Value | None, dot: Value, line: int, depth: int) -> Value:
        if not tokens or depth > _DEEPEST:
            return Hidden()
        arguments = [self._term(term, dot, line, depth) for term in _terms(tokens)]
        first = tokens[0]
        if first == "(" or first[0] in '."`$' or first[0].isdigit() or first in ("true", "false", "nil"):
            return arguments[0] if len(arguments) == 1 and piped is None else Hidden()
        rest = arguments[1:] + ([piped] if piped is not None else [])
        return self._call(first, [self._plain(value, line) for value in rest], line)

    def _term(self, term: list[str], dot: Value, line: int, depth: int) -> Value:
        if term[0] == "(":
            return _below(self._pipeline(term[1:-1], dot, line, depth + 1), term[-1].split(".")[1:])
        word = term[0]
        if word == "dict":
            return _merge.mapping([], self._place(line))
        if word[0] in '"`':
            return _merge.scalar(word[1:-1], self._place(line))
        if word[0] in ".$":
            return self._path(word, dot, line)
        return Scalar(word, False, None, self._place(line))

    def _path(self, word: str, dot: Value, line: int) -> Value:
        start, *keys = word.split(".")
        value: Value = dot if not start else ROOT if start == "$" else self.variables.get(start, Hidden())
        keys = [key for key in keys if key]
        if isinstance(value, Root) and keys:
            value, keys = self._of_root(keys, line)
        return _below(value, keys)

    def _of_root(self, keys: list[str], line: int) -> tuple[Value, list[str]]:
        chart = self.chart
        known = {
            ("Chart", "Name"): chart.name,
            ("Chart", "AppVersion"): chart.version,
            ("Release", "Name"): chart.release,
            ("Release", "Service"): "Helm",
        }
        if keys[0] == "Values":
            return chart.values, keys[1:]
        text = known.get((keys[0], keys[1] if len(keys) > 1 else ""))
        return (_merge.scalar(text, self._place(line)), []) if text else (Hidden(), [])

    def _call(self, name: str, arguments: list[Value], line: int) -> Value:
        if name == "include" or name == "template":
            return self._include(arguments, line)
        if name in SAME and arguments:
            return arguments[-1]
        function = FUNCTIONS.get(name)
        result = function(arguments) if function is not None and arguments else Hidden()
        return Scalar(str(result).lower(), False, None, self._place(line)) if isinstance(result, bool) else result

    def _plain(self, value: Value, line: int) -> Value:
        """Turn what a helper wrote into a value that functions understand: one text, or nothing that is known."""
        if not isinstance(value, Text):
            return value
        parts = [self.inserted[int(number)] for number in _MARK.findall(value.text)]
        if not all(isinstance(part, Scalar) and "{{" not in part.text for part in parts):
            return Hidden()
        if len(parts) == 1 and _MARK.fullmatch(value.text):
            return parts[0]
        texts = iter(parts)
        text = _MARK.sub(lambda _: next(texts).text, value.text)  # type: ignore[union-attr]
        return _merge.scalar(text, self._place(line))

    def _include(self, arguments: list[Value], line: int) -> Value:
        """Return what a helper template writes.

        One that is not here, or not readable, is what its name says by convention: `x.fullname` is the name of the
        release, `x.labels` are labels that select pods.
        """
        name = arguments[0].text if arguments and isinstance(arguments[0], Scalar) else ""
        if (written := self._written(name, arguments[1] if len(arguments) > 1 else ROOT)) is not None:
            return written
        words = arguments[1].words if len(arguments) > 1 and isinstance(arguments[1], Words) else []
        if name.endswith((".fullname", ".name")) or (name.lower().endswith("name") and words):
            return _merge.scalar("-".join([self.chart.release, *words]), self._place(line))
        labels = re.fullmatch(r"(.*?)[._-]?(?:selector|match|common|pod)?labels", name, re.IGNORECASE)
        return Hidden(f"labels of {labels[1]}" if labels else "")

    def _written(self, name: str, dot: Value) -> Text | None:
        """Run a helper template as far as it is readable; None when something in it is not."""
        body = self.chart.helpers.get(name)
        if body is None or self.depth >= _DEEPEST_HELPER or isinstance(dot, (Words, Hidden)):
            return None
        inner = _Writer(self.path, self.chart)
        inner.inserted, inner.steps, inner.size = self.inserted, self.steps, self.size
        inner.depth, inner.doubts = self.depth + 1, self.doubts
        inner.write(body, dot)
        self.steps, self.size = inner.steps, inner.size
        return None if inner.holes else Text("".join(inner.out).strip())


def _below(value: Value, keys: list[str]) -> Value:
    """Return what stands below a value; below nothing is nothing: `((.Values.a).b).c`."""
    if not isinstance(value, Node):
        return value if isinstance(value, Absent) or not keys else Hidden()
    below = value.at(*keys)
    return ABSENT if below is None or (isinstance(below, Scalar) and below.value is None) else below


def _split(tokens: list[str], separator: str) -> Iterator[list[str]]:
    part: list[str] = []
    depth = 0
    for token in tokens:
        depth += (token == "(") - token.startswith(")")
        if token == separator and depth == 0:
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _terms(tokens: list[str]) -> Iterator[list[str]]:
    """Yield the words of a call; a parenthesis is one word."""
    part: list[str] = []
    depth = 0
    for token in tokens:
        depth += (token == "(") - token.startswith(")")
        part.append(token)
        if depth <= 0:
            yield part
            part = []


# -- putting the values in ---------------------------------------------------------------------------------------------


class _Places:
    """Replaces the marks in parsed documents by what they stand for, and moves every place to the template's lines."""

    def __init__(self, path: str, lines: list[int], inserted: list[Value]) -> None:
        self.path = path
        self.lines = lines
        self.inserted = inserted

    def of(self, node: Node) -> Node:
        """Return the node as the template means it."""
        if isinstance(node, Scalar):
            return self._scalar(node)
        if isinstance(node, Sequence):
            return self._moved(_merge.sequence(self._items(node), node))
        assert isinstance(node, Mapping)
        entries: list[tuple[Scalar, Node]] = []
        for key, value in _merge.entries_of(node):
            inserted = self._inserted(key)
            if isinstance(inserted, Mapping):
                entries += _merge.entries_of(inserted)
            else:
                moved = self._scalar(key)
                entries.append((moved if isinstance(moved, Scalar) else key, self.of(value)))
        return _merge.mapping(entries, self._place(node.location), node.tag)

    def _items(self, node: Sequence) -> Iterator[Node]:
        for item in node.items:
            inserted = self._inserted(item) if isinstance(item, Scalar) else None
            if isinstance(inserted, Sequence):
                yield from inserted.items
            else:
                yield self.of(item)

    def _inserted(self, node: Scalar) -> Value | None:
        match = _MARK.fullmatch(node.text)
        return self.inserted[int(match[1])] if match else None

    def _scalar(self, node: Scalar) -> Node:
        inserted = self._inserted(node)
        if isinstance(inserted, Scalar):
            return Scalar(inserted.text, node.quoted or inserted.quoted, None, inserted.location)
        if isinstance(inserted, Node):
            return inserted
        text = _MARK.sub(self._text, node.text)
        return Scalar(text, node.quoted, node.tag, self._place(node.location))

    def _text(self, match: re.Match[str]) -> str:
        inserted = self.inserted[int(match[1])]
        return inserted.text if isinstance(inserted, Scalar) else "{{ a list or mapping }}"

    def _moved(self, node: Sequence) -> Sequence:
        node.location = self._place(node.location)
        return node

    def _place(self, place: Location) -> Location:
        end = self._line(place.end_line) if place.end_line is not None else None
        return Location(self.path, self._line(place.line), place.column, end, place.end_column)

    def _line(self, number: int) -> int:
        return self.lines[min(number, len(self.lines)) - 1]


def merged_values(values: list[Node]) -> Node | None:
    """Lay values files over each other, the last one on top: mappings merge, everything else is replaced."""
    result: Node | None = None
    for node in values:
        result = node if result is None else _merge.merge(result, node, keyed=False)
    return result
