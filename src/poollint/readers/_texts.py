"""Commands inside any text, a script, a Makefile or a workflow: words with their places, variables filled in.

Not a shell: a command is found by its name and read to its end, whatever stands around it. What a variable holds is
taken from plain assignments of the same text; two different ones leave it unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from poollint.facts import Certainty, Known, Location, Origin, Setting, Unknown

LONGEST_COMMAND = 20_000  # characters
DEEPEST_VARIABLE = 5
_END = frozenset(";|&)`")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command. `text` still holds `$NAME` where nobody knows it; then it is not `complete`."""

    text: str
    location: Location
    complete: bool = True
    certainty: Certainty = "exact"

    def setting(self, says: str) -> Setting:
        """Return it as a value."""
        origin = Origin(says, self.location)
        if not self.complete:
            return Unknown(f"{says} is {self.text[:60]}, which no file gives", origin)
        return Known(self.text, origin, self.certainty)


@dataclass(frozen=True, slots=True)
class Value:
    """What a variable holds, and whether the environment may say otherwise."""

    text: str
    certainty: Certainty = "exact"


Variables = Mapping[str, Value]


def commands(path: str, text: str, start: re.Pattern[str], variables: Variables) -> Iterator[list[Word]]:
    """Yield the words of every command that `start` finds, which must match the first word."""
    lines = _Lines(path, text)
    end = 0
    for match in start.finditer(text):
        if match.start() < end or _is_talk(text, match.start()):
            continue
        words, end = _words(text, match.start(), lines)
        yield [expanded(word, variables) for word in words]


def _is_talk(text: str, position: int) -> bool:
    """Say whether a command only stands in a comment or in what is printed."""
    before = text[text.rfind("\n", 0, position) + 1 : position].lstrip(" \t-@")
    return before.startswith(("#", "//")) or re.match(r"(echo|printf|info|log)\b", before) is not None


@dataclass(slots=True)
class _Lines:
    """Offsets into places."""

    path: str
    text: str
    starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.starts = [0, *(match.end() for match in re.finditer("\n", self.text))]

    def at(self, start: int, end: int) -> Location:
        from bisect import bisect_right

        row = bisect_right(self.starts, start) - 1
        column = start - self.starts[row] + 1
        return Location(self.path, row + 1, column, row + 1, column + end - start)


_PIECE = re.compile(
    r"""(?P<join>\\\r?\n)|(?P<line>\r?\n)|(?P<space>[ \t]+)|'(?P<single>[^']*)'|"(?P<double>(?:\\.|[^"\\])*)"
    |(?P<hole>\$\{\{[^\n]*?\}\}|\$\{[^}\n]*\}|\$\([^)\n]*\))|\\(?P<escaped>.)|(?P<plain>[^\s'"\\$;|&)`]+|.)""",
    re.VERBOSE,
)
_CONTINUES = re.compile(r"[ \t]*-{1,2}[A-Za-z]")


def _words(text: str, start: int, lines: _Lines) -> tuple[list[Word], int]:
    """Split from `start` to the end of the command; a quote around the whole command ends it."""
    closing = text[start - 1] if start and text[start - 1] in "'\"" else ""
    words: list[Word] = []
    made, began, position = "", -1, start
    limit = min(len(text), start + LONGEST_COMMAND)

    def finish() -> None:
        nonlocal made, began
        if began >= 0:
            words.append(Word(made, lines.at(began, position)))
        made, began = "", -1

    while position < limit:
        if closing and text[position] == closing:
            break
        match = _PIECE.match(text, position)
        assert match is not None
        kind, piece = match.lastgroup, match[match.lastgroup or 0]
        if kind == "line" and not _CONTINUES.match(text, match.end()) or kind == "plain" and piece in _END:
            break
        if kind == "plain" and piece.startswith("#") and began < 0:
            break
        if kind in ("line", "join", "space"):
            finish()
        else:
            began = position if began < 0 else began
            made += re.sub(r"\\(.)", r"\1", piece) if kind == "double" else piece
        position = match.end()
    finish()
    return words, position


# -- variables ---------------------------------------------------------------------------------------------------------

_HOLE = re.compile(
    r"\$\{\{\s*(?:env|vars|inputs|secrets|steps|needs|github|matrix)\.(?P<github>[\w.-]+)\s*\}\}|\$\{(?P<brace>\w+)(?::?-(?P<default>[^}]*))?\}"
    r"|\$\((?P<make>\w+)\)|\$\$?(?P<bare>[A-Za-z_]\w*)|\$[({][^})]*[})]?|\$[0-9@*#]"
)
_ASSIGNMENT = re.compile(
    r"^[ \t]*(?:-[ \t]+)?(?:export[ \t]+|readonly[ \t]+|local[ \t]+|declare[ \t]+)?([A-Za-z_]\w*)"
    r"(?:=|[ \t]*(?P<weak>\?)=[ \t]*|[ \t]*:=[ \t]*|[ \t]+=[ \t]*)(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s#;&|]*)",
    re.MULTILINE,
)


def assignments(text: str) -> dict[str, Value]:
    """Return what plain assignments of a script or Makefile give; a name with two different values is left out."""
    found: dict[str, Value] = {}
    torn: set[str] = set()
    for match in _ASSIGNMENT.finditer(text):
        name, text_ = match[1], match["value"].strip("'\"")
        value = Value(text_, "fallback" if match["weak"] else "exact")
        if found.setdefault(name, value).text != value.text:
            torn.add(name)
    return {name: value for name, value in found.items() if name not in torn}


def expanded(word: Word, variables: Variables) -> Word:
    """Fill in the variables of a word."""
    if "$" not in word.text:
        return word
    text, complete, certainty = fill(word.text, variables)
    return replace(word, text=text, complete=complete, certainty=certainty)


def fill(text: str, variables: Variables, depth: int = 0) -> tuple[str, bool, Certainty]:
    """Return (text, whether every variable was known, certainty): a default after `:-` is a fallback."""
    complete, certainty = True, "exact"

    def put(match: re.Match[str]) -> str:
        nonlocal complete, certainty
        name = match["github"] or match["brace"] or match["make"] or match["bare"]
        value = variables.get(name) if name and depth < DEEPEST_VARIABLE else None
        if value is None and match["default"] is not None:
            value = Value(match["default"], "fallback")
        if value is None:
            complete = False
            return match[0]
        inner, known, sure = fill(value.text, variables, depth + 1)
        complete = complete and known
        if "fallback" in (sure, value.certainty):
            certainty = "fallback"
        return inner

    made = _HOLE.sub(put, text)
    return made[:LONGEST_COMMAND], complete, certainty  # type: ignore[return-value]


# -- flags -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Flags:
    """`--name=value`, `--name value` and what is neither."""

    values: Mapping[str, Word]
    words: tuple[Word, ...]

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def get(self, *names: str) -> Word | None:
        """Return the value of the first of these flags that is given."""
        return next((self.values[name] for name in names if name in self.values), None)


def flags(words: list[Word], switches: frozenset[str] = frozenset()) -> Flags:
    """Sort words into flags and others, the last of two equal flags winning."""
    given = list(options(words, switches))
    return Flags({name: word for name, word in given if name}, tuple(word for name, word in given if not name))


def options(words: list[Word], switches: frozenset[str] = frozenset()) -> Iterator[tuple[str, Word]]:
    """Yield (flag, value) in the order of the words, ("", word) for what is no flag.

    `switches`, `--no-...` and `--clear-...` take no value: theirs is empty.
    """
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if not word.text.startswith("-") or len(word.text) < 2:
            yield "", word
            continue
        name, equals, value = word.text.partition("=")
        following = words[index] if index < len(words) else None
        if equals:
            yield name, _tail(word, value)
        elif (
            name in switches or name.startswith(("--no-", "--clear-")) or following is None or following.text[:1] == "-"
        ):
            yield name, replace(word, text="")
        else:
            yield name, following
            index += 1


def _tail(word: Word, text: str) -> Word:
    """The part of a word after its first `=`, at its own place as long as nothing was filled in before it."""
    place = word.location
    width = (place.end_column or place.column) - place.column
    column = place.column + (width - len(text) if width >= len(text) else 0)
    return replace(word, text=text, location=replace(place, column=column))
