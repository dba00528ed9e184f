"""Find the comments of a file that speak to poollint, in every language it reads.

A comment is one for the language: not the same words in a string or a block scalar, as far as that is cheap to tell.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from poollint.discover import Tree
from poollint.facts import Location

MARK = b"poollint:"
# Only files that can hold such a comment are opened for it.
NAMES = (
    "*.py", "*.pyi", "*.yml", "*.yaml", "Dockerfile*", "*.Dockerfile", "Containerfile*", "*.toml", "*.ini", "*.cfg",
    "*.conf", "*.sh", "*.bash", "*.tf", "*.tfvars", "*.hcl", ".env*", "*.env", "*.service", "Procfile*", "Makefile", "*.mk",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment that begins with `poollint:`.

    text      what follows `poollint:`, up to the end of the comment
    covers    the line it speaks of: its own, or in a format without comments at the end of a line, the next
    """

    location: Location
    text: str
    covers: frozenset[int]


def comments(tree: Tree) -> Iterator[Comment]:
    """Yield the comments of all files that begin with `poollint:`, in order."""
    for path in tree.named(*NAMES):
        if MARK not in (tree.bytes(path) or b""):
            continue
        found: list[Comment] = []
        with tree.guard(path):
            text = tree.text(path)
            found.extend(_comments(path, text) if text is not None else ())
        yield from found


def _comments(path: str, text: str) -> Iterator[Comment]:
    name = path.rpartition("/")[2].lower()
    lines = text.split("\n")
    for line, column, comment in _spoken(name, text):
        for match in _ADDRESSED.finditer(comment):
            yield Comment(
                Location(path, line, column + match.start(), line, column + len(comment)),
                re.split(r"\s#\s", comment[match.end() :])[0].strip(),
                frozenset((line, _next(lines, line))) if _stands_above(name, lines[line - 1]) else frozenset((line,)),
            )


# The marker opens the comment, or follows another one in it, as behind `# type: ignore`.
_ADDRESSED = re.compile(r"(?:^|(?<=\s))(?:#+|//+|;+)\s*poollint:\s*")


def _spoken(name: str, text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (line, column, text) of each comment."""
    if name.endswith((".py", ".pyi")):
        return _python(text)
    if name.endswith((".yml", ".yaml")):
        return _yaml(text)
    return _by_line(text, _markers(name))


def _markers(name: str) -> str:
    if name.endswith((".tf", ".tfvars", ".hcl")):
        return r"#|//"
    if name.endswith((".ini", ".cfg", ".conf", ".service")):
        return r"[#;]"
    return "#"


def _python(text: str) -> Iterator[tuple[int, int, str]]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.start[1] + 1, token.string
    except (tokenize.TokenError, SyntaxError):
        return  # what does not parse gets no finding that a comment could silence


def _yaml(text: str) -> Iterator[tuple[int, int, str]]:
    """Comments outside scalars; one behind `|` or `>` is a comment, one in the block below is not."""
    spans = _scalar_spans(text)
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    for line, column, comment in _by_line(text, "#"):
        at = starts[line - 1] + column - 1
        if not any(start < at < end for start, end in spans):
            yield line, column, comment


def _scalar_spans(text: str) -> list[tuple[int, int]]:
    """Return where the quoted and block scalars that hold the marker begin and end."""
    import yaml

    from poollint._yaml import Parser

    spans = []
    try:
        for token in yaml.scan(text, Loader=Parser):
            if isinstance(token, yaml.ScalarToken) and token.style and "poollint:" in token.value:
                start = token.start_mark.index
                spans.append((text.find("\n", start) if token.style in "|>" else start, token.end_mark.index))
    except (yaml.YAMLError, ValueError):
        pass  # a template: its comments are read line by line
    return spans


def _by_line(text: str, markers: str) -> Iterator[tuple[int, int, str]]:
    """Yield what follows a comment marker that starts a word outside quotes."""
    pattern = re.compile(rf"\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|(?:(?<=\s)|^)(?P<comment>(?:{markers}).*)")
    for number, line in enumerate(text.split("\n"), 1):
        if "poollint:" not in line:
            continue
        for match in pattern.finditer(line):
            if match["comment"]:
                yield number, match.start("comment") + 1, match["comment"].rstrip()


# Formats in which `#` after a value belongs to the value.
_NO_TRAILING = re.compile(r"dockerfile|containerfile|procfile|\.(ini|cfg|conf|service)$|\.env|^makefile$|\.mk$")


def _stands_above(name: str, line: str) -> bool:
    return bool(_NO_TRAILING.search(name)) and line.lstrip()[:1] in ("#", ";")


def _next(lines: list[str], line: int) -> int:
    """Return the first line below that is neither empty nor a comment."""
    for number in range(line + 1, len(lines) + 1):
        if lines[number - 1].strip() and lines[number - 1].lstrip()[0] not in "#;":
            return number
    return line
