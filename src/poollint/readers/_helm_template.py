"""The readable part of a chart's template: plain values, defaults, conditions and loops over what values files say.

This is no rendering: helper templates, lookups and most functions stay unknown. What is unknown inside a line makes the
value unknown; what would insert whole lines leaves a hole, whose line is remembered. Every value that comes from a
values file keeps its place there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from poollint._yaml import Mapping, Node, Scalar, Sequence, Unreadable, documents
from poollint.facts import Location
from poollint.readers import _merge

_ACTION = re.compile(
    r"""\{\{(-?)                                               # -, to take away the blanks before it
    (\s*/\*.*?\*/\s*|(?:"(?:\\.|[^"\\])*"|`[^`]*`|[^"`])*?)  # a comment, or code with strings
    (-?)\}\}""",
    re.DOTALL | re.VERBOSE,
)
_TOKEN = re.compile(r'\s*("(?:\\.|[^"\\])*"|`[^`]*`|\(|\)|\||:=|=|,|[^\s()|,=:"`]+)')
_MARK = re.compile("\ue000(\\d+)\ue001")
_DEEPEST = 40
_MOST_TEXT = 500_000  # characters of one template's outcome
_MOST_ROUNDS = 200  # of one loop
_MOST_ACTIONS = 20_000
_ANY_COLUMN = 1_000  # of a hole whose indentation is not known: it may be inside anything


class _Absent:
    """A path that no values file has: false in a condition, unknown as a value."""


class _Hidden:
    """Something that only Helm itself can tell."""

    def __init__(self, text: str = "") -> None:
        self.text = text


class _List:
    """What `list` gives to a helper template; only its words matter, as parts of a name."""

    def __init__(self, words: list[str]) -> None:
        self.words = words


class _Root:
    """The dot of a whole template, and `$` everywhere."""


ABSENT, ROOT = _Absent(), _Root()
Value = Node | _Absent | _Hidden | _List | _Root


@dataclass(frozen=True, slots=True)
class Chart:
    """What a template may refer to: its own name and version, and its values."""

    name: str
    release: str
    version: str
    values: Node


@dataclass(slots=True)
class Read:
    """The documents of one template, and the lines of it that could not be read."""

    documents: list[Node]
    holes: set[Location]


def read_template(path: str, text: str, chart: Chart) -> Read:
    """Read one template. Raises Unreadable when what is left of it is no YAML."""
    writer = _Writer(path, chart)
    writer.write(_parsed(path, text))
    found = documents(path, "".join(writer.out))
    places = _Places(path, writer.lines(), writer.inserted)
    return Read([node for document in found if (node := places.of(document)) is not None], writer.holes)


# -- the template's structure ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Text:
    text: str
    line: int


@dataclass(slots=True)
class _Action:
    code: str
    line: int


@dataclass(slots=True)
class _Block:
    """`if`, `with`, `range` or `define`: branches of (condition, body); an `else` has the condition ""."""

    kind: str
    line: int
    branches: list[tuple[str, list[_Part]]] = field(default_factory=list)


_Part = _Text | _Action | _Block


def _parsed(path: str, text: str) -> list[_Part]:
    root: list[_Part] = []
    bodies, blocks = [root], []
    for part in _pieces(text):
        word, _, rest = part.code.partition(" ") if isinstance(part, _Action) else ("", "", "")
        if word in ("if", "with", "range", "define", "block"):
            if len(blocks) >= _DEEPEST:
                raise Unreadable(f"blocks nested more than {_DEEPEST} deep", part.line, [])
            block = _Block(word, part.line, [(rest.strip(), [])])
            bodies[-1].append(block)
            blocks.append(block)
            bodies.append(block.branches[0][1])
        elif word == "else" and blocks:
            blocks[-1].branches.append((rest.strip().removeprefix("if ").removeprefix("with "), []))
            bodies[-1] = blocks[-1].branches[-1][1]
        elif word == "end" and blocks:
            blocks.pop()
            bodies.pop()
        else:
            bodies[-1].append(part)
    return root


def _pieces(text: str) -> Iterator[_Text | _Action]:
    """Yield texts and actions in order; `{{-` and `-}}` take the blanks beside them away."""
    position, line, trims = 0, 1, False
    for count, match in enumerate(_ACTION.finditer(text)):
        if count >= _MOST_ACTIONS:
            raise Unreadable("too many template actions", line, [])
        before = text[position : match.start()]
        yield from _text_piece(before, line, trims, bool(match[1]))
        line += before.count("\n")
        code = match[2].strip()
        if not code.startswith("/*"):
            yield _Action(" ".join(code.split()) if "\n" in code else code, line)
        line += match[0].count("\n")
        position, trims = match.end(), bool(match[3])
    yield from _text_piece(text[position:], line, trims, False)


def _text_piece(text: str, line: int, left: bool, right: bool) -> Iterator[_Text]:
    if left:
        kept = text.lstrip()
        line += text[: len(text) - len(kept)].count("\n")
        text = kept
    if right:
        text = text.rstrip()
    if text:
        yield _Text(text, line)


# -- writing what is readable ------------------------------------------------------------------------------------------


class _Writer:
    """Writes YAML with a mark for every inserted value, and remembers which template line each of its lines comes from."""

    def __init__(self, path: str, chart: Chart) -> None:
        self.path = path
        self.chart = chart
        self.out: list[str] = []
        self.sources: list[tuple[int, int]] = []  # of each piece in `out`: its template line, and 1 if its lines are the template's
        self.inserted: list[Value] = []
        self.holes: set[Location] = set()
        self.variables: dict[str, Value] = {}
        self.size = 0
        self.doubts = 0  # branches around the current place that may or may not be taken

    def write(self, parts: list[_Part], dot: Value = ROOT) -> None:
        for part in parts:
            if isinstance(part, _Text):
                self._emit(part.text, part.line, step=1)
            elif isinstance(part, _Action):
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

    def _write_branch(self, block: _Block, dot: Value) -> None:
        for condition, body in block.branches:
            value = self.value(condition, dot, block.line) if condition else ROOT
            holds = _holds(value)
            if holds is False:
                continue
            inner = value if block.kind == "with" and condition and isinstance(value, Node) else dot
            # What a cluster is capable of changes an apiVersion; anything else may change what is applied.
            doubt = holds is None and ".Capabilities" not in condition
            if doubt:
                self._leave_open(block.line)
            self.doubts += doubt
            self.write(body, inner)
            self.doubts -= doubt
            return

    def _write_loop(self, block: _Block, dot: Value) -> None:
        condition, body = block.branches[0]
        names, assigns, code = condition.rpartition(":=")
        value = self.value(code, dot, block.line)
        variables = [name.strip() for name in names.split(",")] if assigns else []
        if isinstance(value, Mapping):
            rounds: list[tuple[Value, Node]] = [(_merge.scalar(key, node.location), node) for key, node in value.pairs()]
        elif isinstance(value, Sequence):
            rounds = [(_merge.scalar(str(number), node.location), node) for number, node in enumerate(value.items)]
        else:
            if not isinstance(value, _Absent):
                self._leave_open(block.line)
            return
        for key, item in rounds[:_MOST_ROUNDS]:
            self.variables.update(zip(variables, (key, item) if len(variables) > 1 else (item,)))
            self.write(body, item)

    # -- actions

    def _write_action(self, action: _Action, dot: Value) -> None:
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

    def _insert_lines(self, value: Value, start: str, indent: int, action: _Action) -> None:
        """Write a whole value where lines are expected, in the shape that its kind needs."""
        start += " " * indent
        if isinstance(value, _Hidden) and value.text:  # labels of a helper: enough to compare selectors
            self._emit(f"{start}{value.text!r}: ''", action.line)
        elif isinstance(value, (Mapping, Sequence, Scalar)):
            mark = self._mark(value, action)
            shape = {Mapping: f"{mark}: {mark}", Sequence: f"- {mark}", Scalar: mark}[type(value)]
            self._emit(start + shape, action.line)
        elif not isinstance(value, _Absent):
            self._leave_open(action.line, indent + 1)

    def _mark(self, value: Value, action: _Action) -> str:
        in_doubt = self.doubts and isinstance(value, Node) and value.location.path != self.path
        if in_doubt or not isinstance(value, Node):
            value = Scalar("{{ " + action.code.replace("{{", "").replace("}}", "") + " }}", True, None, self._place(action.line))
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
        return result if result is not None else _Hidden()

    def _stage(self, tokens: list[str], piped: Value | None, dot: Value, line: int, depth: int) -> Value:
        if not tokens or depth > _DEEPEST:
            return _Hidden()
        arguments = [self._term(term, dot, line, depth) for term in _terms(tokens)]
        first = tokens[0]
        if first == "(" or first[0] in '."`$' or first[0].isdigit() or first in ("true", "false", "nil"):
            return arguments[0] if len(arguments) == 1 and piped is None else _Hidden()
        rest = arguments[1:] + ([piped] if piped is not None else [])
        return self._call(first, rest, line)

    def _term(self, term: list[str], dot: Value, line: int, depth: int) -> Value:
        if term[0] == "(":
            return self._pipeline(term[1:-1], dot, line, depth + 1)
        word = term[0]
        if word[0] in '"`':
            return _merge.scalar(word[1:-1], self._place(line))
        if word[0] in ".$":
            return self._path(word, dot, line)
        return Scalar(word, False, None, self._place(line))

    def _path(self, word: str, dot: Value, line: int) -> Value:
        start, *keys = word.split(".")
        value: Value = dot if not start else ROOT if start == "$" else self.variables.get(start, _Hidden())
        keys = [key for key in keys if key]
        if isinstance(value, _Root) and keys:
            value, keys = self._of_root(keys, line)
        if isinstance(value, Node):
            below = value.at(*keys)
            return ABSENT if below is None or (isinstance(below, Scalar) and below.value is None) else below
        return value

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
        return (_merge.scalar(text, self._place(line)), []) if text else (_Hidden(), [])

    def _call(self, name: str, arguments: list[Value], line: int) -> Value:
        if name == "include" or name == "template":
            return self._include(arguments, line)
        if name in _SAME and arguments:
            return arguments[-1]
        function = _FUNCTIONS.get(name)
        result = function(arguments) if function is not None and arguments else _Hidden()
        return Scalar(str(result).lower(), False, None, self._place(line)) if isinstance(result, bool) else result

    def _include(self, arguments: list[Value], line: int) -> Value:
        """Helper templates are not read; by convention `x.fullname` is the release's name, and `x.labels` select pods."""
        name = arguments[0].text if arguments and isinstance(arguments[0], Scalar) else ""
        words = arguments[1].words if len(arguments) > 1 and isinstance(arguments[1], _List) else []
        if name.endswith((".fullname", ".name")) or (name.lower().endswith("name") and words):
            return _merge.scalar("-".join([self.chart.release, *words]), self._place(line))
        labels = re.fullmatch(r"(.*?)[._-]?(?:selector|match|common|pod)?labels", name, re.IGNORECASE)
        return _Hidden(f"labels of {labels[1]}" if labels else "")


def _split(tokens: list[str], separator: str) -> Iterator[list[str]]:
    part: list[str] = []
    depth = 0
    for token in tokens:
        depth += (token == "(") - (token == ")")
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
        depth += (token == "(") - (token == ")")
        part.append(token)
        if depth <= 0:
            yield part
            part = []


# -- functions ---------------------------------------------------------------------------------------------------------

_SAME = frozenset("quote squote int int64 float64 toString trim toYaml toJson tpl lower trunc trimSuffix print".split())


def _holds(value: Value) -> bool | None:
    """Say whether a condition holds as Go's templates see it; None when it cannot be told."""
    if isinstance(value, (_Hidden, _Absent, _List)):
        return False if isinstance(value, _Absent) else None
    if isinstance(value, Scalar):
        return bool(value.value)
    if isinstance(value, Mapping):
        return bool(value.pairs())
    return bool(value.items) if isinstance(value, Sequence) else True


def _default(arguments: list[Value]) -> Value:
    """`default X value`: X when the value is empty."""
    holds = _holds(arguments[-1])
    if holds is None:
        return arguments[-1]
    return arguments[-1] if holds else arguments[0]


def _required(arguments: list[Value]) -> Value:
    return arguments[-1] if isinstance(arguments[-1], Node) else _Hidden()


def _not(arguments: list[Value]) -> Value | bool:
    holds = _holds(arguments[0])
    return _Hidden() if holds is None else not holds


def _and(arguments: list[Value]) -> Value:
    """The first that does not hold, else the last; one that cannot be told decides nothing unless another is false."""
    if any(_holds(value) is False for value in arguments):
        return next(value for value in arguments if _holds(value) is False)
    return next((value for value in arguments if _holds(value) is None), arguments[-1])


def _or(arguments: list[Value]) -> Value:
    if any(_holds(value) for value in arguments):
        return next(value for value in arguments if _holds(value))
    return next((value for value in arguments if _holds(value) is None), arguments[-1])


def _equal(arguments: list[Value]) -> Value | bool:
    texts = [value.text if isinstance(value, Scalar) else None for value in arguments]
    if any(isinstance(value, _Absent) for value in arguments):
        return False
    return _Hidden() if None in texts or len(texts) < 2 else texts[0] in texts[1:]


def _differs(arguments: list[Value]) -> Value | bool:
    equal = _equal(arguments)
    return not equal if isinstance(equal, bool) else equal


def _greater(arguments: list[Value]) -> Value | bool:
    numbers = [v.value if isinstance(v, Scalar) and isinstance(v.value, (int, float)) else None for v in arguments]
    return numbers[0] > numbers[1] if len(numbers) == 2 and None not in numbers else _Hidden()


def _ternary(arguments: list[Value]) -> Value:
    holds = _holds(arguments[-1])
    if holds is None or len(arguments) != 3:
        return _Hidden()
    return arguments[0] if holds else arguments[1]


def _list(arguments: list[Value]) -> Value:
    return _List([value.text for value in arguments if isinstance(value, Scalar)])


def _printf(arguments: list[Value]) -> Value:
    """Fill in `%s` and `%d`; one word that is not known makes the text unknown."""
    words = [value for value in arguments if isinstance(value, Scalar)]
    if len(words) < len(arguments) or not words:
        return _Hidden()
    pieces = re.split(r"%[sdv]", words[0].text)
    if len(pieces) != len(words) or any("%" in piece for piece in pieces):
        return _Hidden()
    text = "".join(piece + word.text for piece, word in zip(pieces, [*words[1:], Scalar("", True, None, words[0].location)]))
    return _merge.scalar(text, words[0].location)


_FUNCTIONS = {
    "list": _list,
    "printf": _printf,
    "default": _default,
    "coalesce": lambda arguments: next((v for v in arguments if _holds(v)), ABSENT),
    "required": _required,
    "not": _not,
    "empty": _not,
    "and": _and,
    "or": _or,
    "eq": _equal,
    "ne": _differs,
    "gt": _greater,
    "lt": lambda arguments: _greater(arguments[::-1]),
    "ternary": _ternary,
}


# -- putting the values in ---------------------------------------------------------------------------------------------


class _Places:
    """Replaces the marks in parsed documents by what they stand for, and moves every place to the template's own lines."""

    def __init__(self, path: str, lines: list[int], inserted: list[Value]) -> None:
        self.path = path
        self.lines = lines
        self.inserted = inserted

    def of(self, node: Node) -> Node:
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


