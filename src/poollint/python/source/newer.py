"""Syntax of later Pythons, rewritten in place for the parser at hand: every token that stays keeps its line and column.

poollint reads with the parser of the Python it runs under, but the project may be written for a later one.

    3.12  def first[T](x: T), class Box[T]:     the type parameters become blanks
    3.12  type Row[T] = tuple[T, T]             an assignment
    3.12  f"{row["name"]}"                      the inner quotes become those of the other kind
    3.12  f"{"\\n".join(rows)}"                 a field that no earlier Python can spell becomes a call that nobody knows
    3.14  except OSError, ValueError:           `except OSError| ValueError:`; nobody asks what a handler catches
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field


def lowered(text: str) -> str:
    """Return the text without the syntax above; what is not understood stays as it is, for the parser to refuse."""
    scan = _Scan(text)
    scan.run()
    edits = [*_type_parameters(scan.words), *_aliases(scan.words), *_handlers(scan.words), *_fields(text, scan.fields)]
    parts, done = [], 0
    for start, end, replacement in sorted(edits):
        if start >= done:
            parts += [text[done:start], _joined(text[start:end]) if replacement is None else replacement]
            done = end
    return "".join([*parts, text[done:]])


@dataclass(frozen=True, slots=True)
class _Word:
    """A name, an operator's character, a string ("''") or a line break of the code; `depth` counts the open brackets."""

    text: str
    start: int
    end: int
    depth: int


# From, to, and what to write there; None for blanks.
_Edit = tuple[int, int, str | None]

_STRING = r"(?P<prefix>[a-zA-Z]{0,2})(?P<quote>\"\"\"|'''|\"|')"
_CODE = re.compile(rf"(?P<string>{_STRING})|(?P<space>[ \t\f\r]+|\\\r?\n|\#[^\n]*)|(?P<word>\w+|.)", re.DOTALL)
_BODIES = {
    quote: re.compile(rf"(?:[^\\{quote[0]}{newline}]|\\.|(?!{quote}){quote[0]})*+{quote}", re.DOTALL)
    for quote, newline in (('"', r"\n"), ("'", r"\n"), ('"""', ""), ("'''", ""))
}
_ESCAPES = r"\\N\{[^}\n]*\}|\\[^{}]|\{\{|[^\\{}\"']+"
_LITERALS = {
    quote: re.compile(rf"(?P<end>{quote})|(?P<text>{_ESCAPES})|(?P<open>\{{)|(?P<other>.)", re.DOTALL)
    for quote in _BODIES
} | {":": re.compile(r"(?P<end>\})|(?P<open>\{)|(?P<text>[^{}]+)")}
_CLOSERS = {")": "(", "]": "[", "}": "{"}


@dataclass(slots=True)
class _Scan:
    """Tells code from strings and comments.

    words   the code outside every string
    fields  the replacement fields of outermost f-strings: quote of the string, start and end of what the braces hold
    """

    text: str
    words: list[_Word] = field(default_factory=list)
    fields: list[tuple[str, int, int]] = field(default_factory=list)
    # What is open, outermost first: a bracket, the quote of an f-string, "field", ":" of a field's format.
    _open: list[str] = field(default_factory=list)
    _outermost: int = 0  # how much is open inside the outermost f-string; 0 outside of any
    _field: int = 0

    def run(self) -> None:
        position = 0
        while position < len(self.text):
            mode = self._open[-1] if self._open else ""
            pattern = _LITERALS.get(mode, _CODE)
            match = pattern.match(self.text, position)
            if match is None:
                return
            position = self._literal(match) if pattern is not _CODE else self._code(match)

    def _literal(self, match: re.Match[str]) -> int:
        if match["open"]:
            self._open.append("field")
            if len(self._open) == self._outermost + 1:
                self._field = match.end()
        elif match["end"] and self._open.pop() == ":":
            self._close_field(match.start())
        elif match["end"] and len(self._open) < self._outermost:
            self._outermost = 0
        return match.end()

    def _code(self, match: re.Match[str]) -> int:
        if match["string"]:
            return self._string(match)
        word, top = match["word"], self._open[-1] if self._open else ""
        if top == "field" and word == "}":
            self._close_field(match.start())
        elif top == "field" and word == ":":
            self._open.append(":")
        elif word:
            if word in _CLOSERS and top == _CLOSERS[word]:
                self._open.pop()
            if not self._outermost:
                self.words.append(_Word(word, match.start(), match.end(), len(self._open)))
            if word in _CLOSERS.values():
                self._open.append(word)
        return match.end()

    def _string(self, match: re.Match[str]) -> int:
        if not self._outermost:
            self.words.append(_Word("''", match.start(), match.end(), len(self._open)))
        if "f" in match["prefix"].lower():
            self._open.append(match["quote"])
            self._outermost = self._outermost or len(self._open)
            return match.end()
        body = _BODIES[match["quote"]].match(self.text, match.end())
        return body.end() if body else len(self.text)

    def _close_field(self, end: int) -> None:
        self._open.pop()
        if len(self._open) == self._outermost:
            self.fields.append((self._open[-1], self._field, end))


def _statements(words: list[_Word]) -> Iterator[int]:
    """Yield the index of each word that begins a line of code."""
    for index, word in enumerate(words):
        if word.text != "\n" and (not index or (words[index - 1].text == "\n" and not words[index - 1].depth)):
            yield index


def _closing(words: list[_Word], index: int) -> int | None:
    """Return the index of the bracket that closes the one at an index, None when the word there opens none."""
    if words[index].text != "[":
        return None
    closers = (i for i in range(index + 1, len(words)) if words[i].depth == words[index].depth and words[i].text == "]")
    return next(closers, None)


def _type_parameters(words: list[_Word]) -> Iterator[_Edit]:
    for index, word in enumerate(words[:-2]):
        if word.text in ("def", "class") and (end := _closing(words, index + 2)) is not None:
            yield words[index + 2].start, words[end].end, None


def _aliases(words: list[_Word]) -> Iterator[_Edit]:
    for index in _statements(words):
        if words[index].text != "type" or index + 2 >= len(words) or not words[index + 1].text.isidentifier():
            continue
        closing = _closing(words, index + 2)
        equals = words[index + 2 if closing is None else closing + 1]
        if equals.text == "=":
            # The name goes where the statement began, for a line of code cannot begin with blanks.
            name, start = words[index + 1], words[index].start
            yield start, name.end, name.text.ljust(name.end - start)
            yield name.end, equals.start, None


def _handlers(words: list[_Word]) -> Iterator[_Edit]:
    for index in _statements(words):
        if words[index].text != "except":
            continue
        for word in words[index:]:
            if word.text in (":", "\n") and word.depth == words[index].depth:
                break
            if word.text == "," and word.depth == words[index].depth:
                yield word.start, word.end, "|"


def _fields(text: str, fields: list[tuple[str, int, int]]) -> Iterator[_Edit]:
    for quote, start, end in fields:
        inside = text[start:end]
        other = "'" if quote[0] == '"' else '"'
        if "\\" in inside or "#" in inside or (quote in inside and other in inside):
            yield start, end, "_()" + "\n".join(_blanks(inside))[3:]
        elif quote in inside:
            yield start, end, inside.replace(quote[0], other)


def _blanks(text: str) -> Iterator[str]:
    """Yield blanks for each line, as wide as it is in UTF-8, in which the parser counts."""
    return (" " * len(line.encode()) for line in text.split("\n"))


def _joined(text: str) -> str:
    """Return blanks for a text outside of strings; backslashes join its lines, as its brackets did."""
    *lines, last = _blanks(text)
    return "".join(f"{line[:-1]}\\\n" for line in lines) + last
