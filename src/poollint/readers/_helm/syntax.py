"""What a Helm template is made of: literal text, actions, and the blocks of `if`, `with`, `range` and `define`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from poollint._yaml import Unreadable

_ACTION = re.compile(
    r"""\{\{(-?)                                               # -, to take away the blanks before it
    (\s*/\*.*?\*/\s*|(?:"(?:\\.|[^"\\])*"|`[^`]*`|[^"`])*?)  # a comment, or code with strings
    (-?)\}\}""",
    re.DOTALL | re.VERBOSE,
)
_DEEPEST = 40  # blocks within blocks
_MOST_ACTIONS = 20_000


@dataclass(slots=True)
class Literal:
    """Text that is no template."""

    text: str
    line: int


@dataclass(slots=True)
class Action:
    """The code between `{{` and `}}`, on one line."""

    code: str
    line: int


@dataclass(slots=True)
class Block:
    """`if`, `with`, `range` or `define`: branches of (condition, body); an `else` has the condition ""."""

    kind: str
    line: int
    branches: list[tuple[str, list[Part]]] = field(default_factory=list)


Part = Literal | Action | Block


def helpers_in(text: str) -> dict[str, list[Part]]:
    """Return the helper templates that a text defines, by name. Raises Unreadable."""
    found: dict[str, list[Part]] = {}
    for part in parse(text):
        if isinstance(part, Block) and part.kind == "define":
            name, body = part.branches[0]
            found[name.strip('"` ')] = body
    return found


def parse(text: str) -> list[Part]:
    """Return the parts of a template in their order. Raises Unreadable."""
    root: list[Part] = []
    bodies: list[list[Part]] = [root]
    blocks: list[Block] = []
    for part in _pieces(text):
        word, _, rest = part.code.partition(" ") if isinstance(part, Action) else ("", "", "")
        if word in ("if", "with", "range", "define", "block"):
            if len(blocks) >= _DEEPEST:
                raise Unreadable(f"blocks nested more than {_DEEPEST} deep", part.line, [])
            block = Block(word, part.line, [(rest.strip(), [])])
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


def _pieces(text: str) -> Iterator[Literal | Action]:
    """Yield texts and actions in order; `{{-` and `-}}` take the blanks beside them away."""
    position, line, trims = 0, 1, False
    for count, match in enumerate(_ACTION.finditer(text)):
        if count >= _MOST_ACTIONS:
            raise Unreadable("too many template actions", line, [])
        before = text[position : match.start()]
        yield from _literal(before, line, trims, bool(match[1]))
        line += before.count("\n")
        code = match[2].strip()
        if not code.startswith("/*"):
            yield Action(" ".join(code.split()) if "\n" in code else code, line)
        line += match[0].count("\n")
        position, trims = match.end(), bool(match[3])
    yield from _literal(text[position:], line, trims, False)


def _literal(text: str, line: int, left: bool, right: bool) -> Iterator[Literal]:
    if left:
        kept = text.lstrip()
        line += text[: len(text) - len(kept)].count("\n")
        text = kept
    if right:
        text = text.rstrip()
    if text:
        yield Literal(text, line)
