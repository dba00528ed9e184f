"""Bicep's blocks and values: braces with what they hold, properties by their names.

Not a parser of the language: a value that is more than a literal, a parameter or a variable is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from poollint.facts import Known, Location, Origin, Setting, Unknown
from poollint.hcl.values import Reference, reference
from poollint.readers._passwords import hide

MOST_RESOURCES = 200
_RESOURCE = re.compile(
    r"^[ \t]*resource[ \t]+(\w+)[ \t]+'([\w./]+)@[^'\n]*'[ \t]*(?:existing[ \t]*)?="
    r"[ \t]*(?:if[ \t]*\([^\n]*\)[ \t]*)?\{",
    re.MULTILINE,
)
_PARAMETER = re.compile(
    r"^[ \t]*(?:param[ \t]+(\w+)[ \t]+[\w'| ]{1,80}?|var[ \t]+(\w+))[ \t]*=[ \t]*([^\n]+)$", re.MULTILINE
)
_PROPERTY = re.compile(r"^[ \t]*'?([\w.]+)'?[ \t]*:[ \t]*([^\n]*)$", re.MULTILINE)
_COMMENT = re.compile(r"('(?:[^'\\]|\\.)*')|//.*$")


@dataclass(frozen=True, eq=False)
class File:
    path: str
    text: str
    overrides: dict[str, tuple[str, Location]]
    environment: str | None

    def line(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1

    def named(self, name: str, depth: int = 0) -> Setting:
        """Return what a parameter or variable holds."""
        if name in self.overrides:
            text, place = self.overrides[name]
            return self.value(text, place, name, depth + 1)
        for match in _PARAMETER.finditer(self.text):
            if name in (match[1], match[2]):
                place = Location(self.path, self.line(match.start(3)))
                return self.value(match[3].strip(), place, name, depth + 1)
        return Unknown(f"{name} has no default", Origin(name))

    def value(self, text: str, place: Location, says: str, depth: int = 0) -> Setting:
        """Return the value of an expression: a literal, a name, or a text with names in it."""
        text = _COMMENT.sub(lambda match: match[1] or "", text).strip()
        origin = Origin(says, place)
        if re.fullmatch(r"-?\d{1,15}", text):
            return Known(int(text), origin)
        if text in ("true", "false"):
            return Known(text == "true", origin)
        if match := re.fullmatch(r"json\('([\d.]+)'\)", text):
            return Known(float(match[1]), origin)
        if re.fullmatch(r"'(?:[^'\\]|\\.)*'", text):
            return self.interpolated(text[1:-1], origin, depth)
        if re.fullmatch(r"[A-Za-z_]\w*", text) and depth < 8:
            return self.named(text, depth)
        if re.fullmatch(r"[A-Za-z_]\w*(\.\w+)+", text):
            return Known(reference(text), origin)
        return Unknown(f"{says} is {text[:60]}, which is not evaluated", origin)

    def interpolated(self, text: str, origin: Origin, depth: int) -> Setting:
        values = {name: self.named(name, depth + 1) for name in re.findall(r"\$\{(\w+)\}", text)} if depth < 8 else {}
        for name, setting in values.items():
            if isinstance(setting, Known) and isinstance(setting.value, (str, int)):
                text = text.replace("${" + name + "}", str(setting.value))
        text = text[:2000]
        return Known(Reference(text) if "${" in text else text, origin)


@dataclass(frozen=True, eq=False)
class Block:
    """A brace and what it holds: offsets into the file."""

    file: File
    start: int
    end: int
    symbol: str = ""
    kind: str = ""

    @property
    def location(self) -> Location:
        return Location(self.file.path, self.file.line(self.start))

    def get(self, *names: str) -> Setting | None:
        """Return a property at a path of nested objects."""
        block: Block | None = self
        for name in names[:-1]:
            block = block.inner(name) if block else None
        return block.own(names[-1]) if block else None

    def own(self, name: str) -> Setting | None:
        for match, depth in self.properties():
            if depth == 0 and match[1] == name and match[2].strip() not in ("", "{", "["):
                place = Location(self.file.path, self.file.line(match.start(1)))
                return self.file.value(match[2], place, name)
        inside = self.file.text[self.start : self.end]
        if "\n" not in inside and (match := re.search(rf"[{{,\s]{name}\s*:\s*('[^']*'|[\w.]+)", inside)):
            return self.file.value(match[1], self.location, name)
        return None

    def word_after(self, name: str) -> str | None:
        """Return the symbol that a property names: `parent: site`."""
        match = re.search(rf"^[ \t]*{name}[ \t]*:[ \t]*(\w+)", self.file.text[self.start : self.end], re.MULTILINE)
        return match[1] if match else None

    def inner(self, name: str) -> Block | None:
        for match, depth in self.properties():
            if depth == 0 and match[1] == name and match[2].strip()[:1] in ("{", "["):
                start = match.start(2) + len(match[2]) - len(match[2].lstrip())
                return Block(self.file, start, _closing(self.file.text, start))
        return None

    def properties(self) -> Iterator[tuple[re.Match[str], int]]:
        """Yield every property below with how many brackets stand around it."""
        depth, position = 0, self.start + 1
        for match in _PROPERTY.finditer(self.file.text, self.start + 1, self.end):
            depth += _balance(self.file.text, position, match.start())
            position = match.start()
            yield match, depth

    def items(self) -> Iterator[Block]:
        """Yield the objects of an array."""
        position = self.start + 1
        while position < self.end:
            start = self.file.text.find("{", position, self.end)
            if start < 0:
                return
            end = _closing(self.file.text, start)
            yield Block(self.file, start, end)
            position = end + 1


_TOKEN = re.compile(r"'''.*?'''|'(?:[^'\\\n]|\\.)*'|//[^\n]*|[{}\[\]]", re.DOTALL)


def _balance(text: str, start: int, end: int) -> int:
    return sum({"{": 1, "[": 1, "}": -1, "]": -1}.get(m[0], 0) for m in _TOKEN.finditer(text, start, end))


def _closing(text: str, start: int) -> int:
    depth = 0
    for match in _TOKEN.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(match[0], 0)
        if depth == 0:
            return match.start()
    return len(text)


def resources(file: File) -> list[Block]:
    """Return the resources of a file."""
    return [
        Block(file, match.end() - 1, _closing(file.text, match.end() - 1), match[1], match[2])
        for match in islice(_RESOURCE.finditer(file.text), MOST_RESOURCES)
    ]


# -- values ------------------------------------------------------------------------------------------------------------


def text_of(setting: Setting | None) -> str | None:
    """Return a value that can be read in full."""
    plain = isinstance(setting, Known) and not isinstance(setting.value, Reference)
    return str(setting.value) if plain else None  # type: ignore[union-attr]


def variable(name: str, value: Known) -> Setting:
    """Return a variable's value without its password; a text that is one token other than a host's is unknown."""
    origin = Origin(name, value.origin.location)
    text = value.value
    if isinstance(text, Reference) and text.is_single and not text.endswith(".fullyQualifiedDomainName}"):
        return Unknown(f"{name} is {text[2:-1]}, which only a deployment knows", origin)
    return Known(hide(name, str(text)), origin)


def number(setting: Setting | None, says: str) -> Setting:
    if setting is None:
        return Unknown(f"{says} is not set", Origin(says))
    if isinstance(setting, Known) and str(setting.value).isdigit():
        return Known(int(setting.value), Origin(says, setting.origin.location))
    return setting if isinstance(setting, Unknown) else Unknown(f"{says} is no number", setting.origin)
