"""Dockerfiles by hand: instructions with their places, stages, heredocs."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from poollint.facts import Location, Words

MOST_INSTRUCTIONS = 2_000


@dataclass(frozen=True, slots=True)
class Heredoc:
    """`<<EOF` ... `EOF`: `expands` is False when the word is quoted."""

    word: str
    text: str
    location: Location
    expands: bool


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction. `text` is what follows its name, with continuations (`\\` at line ends) and without comments."""

    name: str  # upper case
    text: str
    location: Location  # of the text; its end is the end of the instruction
    line: int  # of the name
    heredocs: tuple[Heredoc, ...] = ()

    @property
    def joined(self) -> str:
        """The text on one line."""
        return re.sub(r"[\\`][ \t]*\n", " ", self.text).strip()

    @property
    def words(self) -> list[str] | None:
        """The words of the exec form, or None when it is the shell form."""
        if not self.joined.startswith("["):
            return None
        try:
            words = json.loads(self.joined)
        except ValueError:
            return None
        return [str(word) for word in words] if isinstance(words, list) else None

    def command(self) -> Words:
        """Return the command of CMD, ENTRYPOINT or RUN."""
        words = self.words
        if words is not None:
            return Words(self.location, tuple(words))
        return Words(self.location, shell=self.text)


@dataclass(slots=True)
class Stage:
    """`base` is an image or the name or number of an earlier stage."""

    base: str
    name: str | None
    line: int
    instructions: list[Instruction] = field(default_factory=list)


@dataclass(slots=True)
class Dockerfile:
    path: str
    arguments: list[Instruction]  # ARG before the first FROM
    stages: list[Stage]

    def stage(self, target: str | None = None) -> Stage | None:
        """Return the stage that is built: the named one, else the last."""
        if target:
            for index, stage in enumerate(self.stages):
                if (stage.name or "").lower() == target.lower() or target == str(index):
                    return stage
            return None
        return self.stages[-1] if self.stages else None

    def parent(self, stage: Stage) -> Stage | None:
        """Return the earlier stage a stage is built on, or None when its base is an image."""
        for index, other in enumerate(self.stages):
            if other is stage:
                return None
            if stage.base.lower() == (other.name or "").lower() or stage.base == str(index):
                return other
        return None

    def lineage(self, stage: Stage) -> list[Stage]:
        """Return the stage and those it is built on, the oldest first."""
        chain = [stage]
        while (parent := self.parent(chain[0])) and len(chain) < 50:
            chain.insert(0, parent)
        return chain


def parse(path: str, text: str) -> Dockerfile:
    """Read a Dockerfile; what is no instruction is passed over."""
    found = Dockerfile(path, [], [])
    for instruction in _instructions(path, text):
        if instruction.name == "FROM":
            base, name = _from(instruction.joined, found.arguments)
            found.stages.append(Stage(base, name, instruction.line))
        elif not found.stages:
            if instruction.name == "ARG":
                found.arguments.append(instruction)
        else:
            found.stages[-1].instructions.append(instruction)
    return found


_INSTRUCTION = re.compile(r"[ \t]*([A-Za-z]+)(?:[ \t]+|$)")
_HEREDOC = re.compile(r"<<(-?)(['\"]?)([A-Za-z_]\w*)\2")


def _instructions(path: str, text: str) -> Iterator[Instruction]:
    lines = text.replace("\r\n", "\n").split("\n")
    escape = "`" if re.match(r"#\s*escape\s*=\s*`", text, re.IGNORECASE) else "\\"
    row = count = 0
    while row < len(lines) and count < MOST_INSTRUCTIONS:
        match = _INSTRUCTION.match(lines[row])
        if not match or lines[row].lstrip().startswith("#"):
            row += 1
            continue
        count += 1
        first = row
        kept = [lines[row][match.end() :]]
        while lines[row].rstrip().endswith(escape) and row + 1 < len(lines):
            row += 1
            # Docker drops comments and empty lines inside a continued instruction.
            while row + 1 < len(lines) and (not lines[row].strip() or lines[row].lstrip().startswith("#")):
                row += 1
            kept.append(lines[row])
        end = Location(path, first + 1, match.end() + 1, row + 1, len(lines[row]) + 1)
        name, body = match[1].upper(), "\n".join(kept)
        heredocs: list[Heredoc] = []
        if name in ("RUN", "COPY", "ADD"):
            row = _read_heredocs(path, lines, row, body, heredocs)
        row += 1
        yield Instruction(name, body, end, first + 1, tuple(heredocs))


def _read_heredocs(path: str, lines: list[str], row: int, body: str, into: list[Heredoc]) -> int:
    """Collect the heredocs that an instruction announces; return the row of the last line read."""
    for dash, quote, word in _HEREDOC.findall(body):
        start, kept = row + 1, []
        end = start
        while end < len(lines) and (lines[end].lstrip("\t") if dash else lines[end]).rstrip() != word:
            kept.append(lines[end].lstrip("\t") if dash else lines[end])
            end += 1
        if end >= len(lines):
            return row  # `<<` was something else
        into.append(Heredoc(word, "\n".join(kept) + "\n", Location(path, start + 1, 1, end + 1, 1), not quote))
        row = end
    return row


def _from(text: str, arguments: list[Instruction]) -> tuple[str, str | None]:
    words = [word for word in text.split() if not word.startswith("--")]
    base = words[0] if words else ""
    for argument in arguments:
        name, _, default = argument.joined.partition("=")
        default = default.strip("\"'")
        if default:
            base = base.replace(f"${{{name}}}", default)
            base = default.join(re.split(rf"\${re.escape(name)}\b", base))
    base = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", base)
    name = words[2] if len(words) >= 3 and words[1].lower() == "as" else None
    return base, name


def in_context(source: str) -> str:
    """Return a source of COPY or ADD as a path below the context: BuildKit takes away what would lead out of it.

    https://docs.docker.com/reference/cli/docker/buildx/build/#access-paths-outside-the-build-context
    """
    return posixpath.normpath("/" + source).lstrip("/")


def pairs(text: str) -> list[tuple[str, str, bool]]:
    """Split the text of ENV (`K=V K2="V 2"` or `K V`) into (name, value, whether it may hold `$`)."""
    text = text.strip()
    if not re.match(r"[\w.-]+=", text):
        name, _, value = text.partition(" ")
        return [(name, value.strip(), True)] if name else []
    found = []
    for match in re.finditer(r"(?<![\w.-])([\w.-]+)=((?:\"(?:\\.|[^\"\\])*\"|'[^']*'|\\.|[^\s\"'\\])*)", text):
        value = match[2]
        literal = value.startswith("'")
        value = re.sub(r"\"((?:\\.|[^\"\\])*)\"|'([^']*)'", lambda m: m[1] if m[1] is not None else m[2], value)
        found.append((match[1], re.sub(r"\\(.)", r"\1", value), not literal))
    return found
