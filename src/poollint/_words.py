"""Words of a command with the place of each, and settings made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from poollint.facts import Certainty, Known, Location, Origin, Setting, Unknown, weakest

NO_PLACE = Location("", 1)
_NO_SHELL = re.compile(r"[\w.:/@%+,=~-]*")
LONGEST_EMBEDDED = 20_000  # characters of a command inside another format in which words are still looked for


@dataclass(frozen=True, slots=True)
class Word:
    """One word as the process gets it.

    unknown    why the text, or a part of it, cannot be known; "" when it is known
    written    where a variable that made the text got its value, if one did
    opaque     an unquoted, unreadable expansion: it may hold any number of words
    parts      what it is made of where a format filled in variables: written text, and what each variable made
    """

    text: str
    location: Location = NO_PLACE
    certainty: Certainty = "exact"
    unknown: str = ""
    written: Origin | None = None
    opaque: bool = False
    parts: tuple[str | Setting, ...] = ()

    def part(self, text: str) -> Word:
        """Return a word for a part of this one: the value of `--workers=4`."""
        return replace(self, text=text, opaque=False, parts=())

    def filled(self, parts: Iterable[str | Setting]) -> Word:
        """Return the word with what is known of its parts; what makes a part unknown makes the whole unknown."""
        whole = tuple(parts)
        made = [part for part in whole if not isinstance(part, str)]
        unknown = next((part.reason for part in made if isinstance(part, Unknown)), "")
        if unknown:
            return replace(self, unknown=unknown, opaque=not self.text, parts=whole)
        origins = [part.origin for part in made if part.origin.location]
        written = origins[0] if len(origins) == 1 else None
        return replace(self, certainty=weakest(made), written=written, parts=whole)  # type: ignore[arg-type]

    def script(self) -> tuple[str, dict[str, Setting]] | None:
        """Return the word as text that a shell reads, and what the variables in it hold; None where it is not known.

        A shell gets the text with the format's variables filled in. Here each of them keeps its place and certainty, as
        a variable of the shell, unless what it holds is shell itself.
        """
        if not self.parts:
            return None if self.unknown else (self.text, {})
        text, variables = "", {}
        for part in self.parts:
            if isinstance(part, Unknown) or isinstance(part, Known) and _NO_SHELL.fullmatch(str(part.value)):
                name = f"__filled_{len(variables)}"
                variables[name] = part
                text += f"${{{name}}}"
            else:
                text += part if isinstance(part, str) else str(part.value)
        return text, variables


def as_setting(word: Word, says: str, cast: Callable[[str], Any] = str) -> Setting:
    """Turn a word into the value of the option `says`; the evidence stands where the value is written."""
    origin = Origin(says, word.location)
    if word.unknown:
        return Unknown(word.unknown, origin)
    if word.written and word.written.location:
        origin = word.written
    try:
        return Known(cast(word.text.strip()), origin, word.certainty)
    except ValueError:
        return Unknown(f"{says} is not a plain number", origin)


def weaker(*certainties: Certainty) -> Certainty:
    """Return the weakest of the certainties."""
    return weakest(Known(0, Origin(""), certainty) for certainty in set(certainties))


class Source:
    """A text taken out of a file, and where each of its characters stands there.

    YAML folds and indents, Dockerfiles continue lines, JSON escapes: so a word is found again by itself, as the n-th of
    its spelling behind `start`, instead of by counting characters.
    """

    def __init__(self, text: str, start: Location, file: str | None) -> None:
        self.text, self.start = text, start
        self._slice = _between(file, start) if file is not None else ""
        self._direct = bool(self._slice) and self._slice.startswith(text)
        self._rows = [0, *(match.end() for match in re.finditer("\n", self._slice))]

    def at(self, offset: int) -> Location:
        """Return the place of the character at `offset` of the text, or the start when it cannot be found again."""
        if self._direct:
            return self._place(offset)
        spelling = _PLAIN.match(self.text, offset) if len(self.text) <= LONGEST_EMBEDDED else None
        if not spelling:
            return self.start
        word = spelling[0]
        found = -1
        for _ in range(self.text.count(word, 0, offset) + 1):
            found = self._slice.find(word, found + 1)
            if found < 0:
                return self.start
        return self._place(found)

    def _place(self, offset: int) -> Location:
        from bisect import bisect_right

        row = bisect_right(self._rows, offset) - 1
        before = self.start.column if row == 0 else 1
        return Location(self.start.path, self.start.line + row, offset - self._rows[row] + before)


_PLAIN = re.compile(r"[\w./:=@%+,~${}-]+")


def _between(file: str, start: Location) -> str:
    lines = file.split("\n")
    last = start.end_line if start.end_line and start.end_line > start.line else start.line
    chosen = lines[start.line - 1 : last]
    if not chosen:
        return ""
    if start.end_line == last and start.end_column and last > start.line:
        chosen[-1] = chosen[-1][: start.end_column - 1]
    chosen[0] = chosen[0][start.column - 1 :]
    return "\n".join(chosen)


def places(words: tuple[str, ...], start: Location, file: str | None) -> tuple[Location, ...]:
    """Return where the words of a command stand, each found again behind the one before it."""
    source = Source("\n".join(words), start, file)
    offset, found = 0, []
    for word in words:
        found.append(source.at(offset))
        offset += len(word) + 1
    return tuple(found)
