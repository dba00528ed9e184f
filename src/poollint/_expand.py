"""Shell expansion of text by hand: `$NAME`, `${NAME:-word}`, `$(nproc)`, `$((2 * N))`, quotes aside.

Used for whole words by the shell reader, and alone where a format expands without a shell (systemd).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from poollint._words import weaker
from poollint.facts import Certainty, Known, Location, Origin, Setting, Unknown

DEEPEST = 12
_CPUS = re.compile(r"\s*(nproc(\s+--all)?|getconf\s+_?NPROCESSORS_ONLN|grep\s+-c\s+\^?processor\s+/proc/cpuinfo)\s*$")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a word: known text, or the reason why it is not known.

    missing   the variable has no value anywhere readable (which is not the same as being unset)
    place     where an argument was written, when the piece is one
    quoted    stood in quotes, so that blanks do not split it
    start     the scheme of a URL, where only what follows it may be replaced
    """

    text: str = ""
    certainty: Certainty = "exact"
    unknown: str = ""
    written: Origin | None = None
    missing: bool = False
    place: Location | None = None
    quoted: bool = False
    start: str = ""


@dataclass(slots=True)
class Scope:
    """What an expansion can see. `arguments` are $1, $2, ...; `cpus` what nproc answers."""

    variables: dict[str, Setting]
    complete: bool = False
    arguments: tuple[Piece, ...] = ()
    name: str = ""
    cpus: Setting = Unknown("the number of CPUs is not stated")
    directory: str = ""

    def look_up(self, name: str) -> Piece:
        """Return the value of a variable or positional parameter."""
        if name.isdigit():
            return self._argument(int(name))
        if name == "#":
            return Piece(str(len(self.arguments)))
        if name in ("@", "*"):
            return joined(self.arguments)
        setting = self.variables.get(name)
        if setting is None:
            return Piece(
                missing=not self.complete, unknown="" if self.complete else f"set by {name}, which no file gives"
            )
        return as_piece(setting)

    def _argument(self, number: int) -> Piece:
        if number == 0:
            return Piece(self.name)
        return self.arguments[number - 1] if number <= len(self.arguments) else Piece()


def as_piece(setting: Setting) -> Piece:
    """Turn the value of a variable into text."""
    if isinstance(setting, Unknown):
        return Piece(unknown=setting.reason)
    return Piece(str(setting.value), setting.certainty, start=setting.start, written=setting.origin)


def is_written(piece: Piece) -> bool:
    """Say whether a text stands in the file as it is, where no variable makes it."""
    return not (piece.unknown or piece.written or piece.certainty != "exact")


def part_of(piece: Piece) -> str | Setting:
    """Return a piece as a part of a word (`facts.Words`): written text, or what a variable made."""
    if is_written(piece):
        return piece.text
    if piece.unknown:
        return Unknown(piece.unknown)
    return Known(piece.text, piece.written or Origin(""), piece.certainty)


def joined(pieces: tuple[Piece, ...]) -> Piece:
    """Return the pieces as one, with blanks between them: "$*"."""
    return Piece(
        " ".join(piece.text for piece in pieces),
        weaker(*(piece.certainty for piece in pieces)) if pieces else "exact",
        next((piece.unknown for piece in pieces if piece.unknown), ""),
    )


def glued(pieces: list[Piece]) -> Piece:
    """Return the pieces as one text; what makes a part unknown makes the whole unknown."""
    if len(pieces) == 1:
        return pieces[0]
    written = [piece.written for piece in pieces if piece.written]
    return Piece(
        "".join(piece.text for piece in pieces),
        weaker(*(piece.certainty for piece in pieces)) if pieces else "exact",
        next((piece.unknown for piece in pieces if piece.unknown), ""),
        written[0] if len(written) == 1 else None,
        start=_scheme(pieces),
    )


def _scheme(pieces: list[Piece]) -> str:
    """Return what a URL begins with, up to its `://`, where that is written and no variable replaces it."""
    sure = ""
    for piece in pieces:
        if piece.certainty != "exact":
            sure += piece.start
            break
        sure += piece.text
    scheme, mark, _ = sure.partition("://")
    return scheme + mark if mark else ""


def expand(text: str, scope: Scope, depth: int = 0) -> list[Piece]:
    """Expand every `$...` of a text, as inside double quotes."""
    return [piece for piece, _ in _expanded(text, scope, depth)]


_INTERPOLATION = re.compile(r"\$\$|\$\{|\$([A-Za-z_]\w*)", re.ASCII)


def interpolate(text: str, scope: Scope) -> list[Piece]:
    """Fill in variables as Compose does: `$NAME`, `${NAME:-word}`, `$$` for a dollar, and nothing of a shell."""
    found: list[Piece] = []
    position = 0
    while match := _INTERPOLATION.search(text, position):
        if match.start() > position:
            found.append(Piece(text[position : match.start()]))
        position = match.end()
        if match[0] == "$$":
            found.append(Piece("$"))
        elif match[1]:
            found.append(scope.look_up(match[1]))
        else:
            end = _closing(text, position, "${")
            found.append(_parameter(text[position:end], scope, 0))
            position = end + 1
    if position < len(text):
        found.append(Piece(text[position:]))
    return found


def is_expansion(text: str) -> bool:
    return "$" in text or "`" in text


_START = re.compile(r"\\([$`\"\\])|\$(\w+|[@*#?!-])|\$\(\(|\$\(|\$\{|`", re.ASCII)


def _expanded(text: str, scope: Scope, depth: int) -> Iterator[tuple[Piece, bool]]:
    """Yield (piece, whether it is the result of an expansion)."""
    if depth > DEEPEST:
        yield Piece(unknown="expansions nested too deeply"), True
        return
    position = 0
    while match := _START.search(text, position):
        if match.start() > position:
            yield Piece(text[position : match.start()]), False
        opener = match[0]
        if match[1]:
            yield Piece(match[1]), False
            position = match.end()
        elif match[2]:
            yield from ((piece, True) for piece in _named(match[2], scope))
            position = match.end()
        else:
            end = _closing(text, match.end(), opener)
            inner = text[match.end() : end]
            yield _bracketed(opener, inner, scope, depth), True
            position = end + (2 if opener == "$((" else 1)
    if position < len(text):
        yield Piece(text[position:]), False


def _named(name: str, scope: Scope) -> Iterator[Piece]:
    # `$12` is `$1` followed by a 2.
    if name[0].isdigit() and len(name) > 1:
        yield scope.look_up(name[0])
        yield Piece(name[1:])
    else:
        yield scope.look_up(name)


def _closing(text: str, start: int, opener: str) -> int:
    """Return the index of the bracket that closes the one before `start`."""
    if opener == "`":
        end = text.find("`", start)
        return end if end >= 0 else len(text)
    opens, closes = ("{", "}") if opener == "${" else ("(", ")")
    level, index = 1, start
    while index < len(text):
        character = text[index]
        if character == "\\":
            index += 1
        elif character == opens:
            level += 1
        elif character == closes:
            level -= 1
            if level == 0:
                return index
        index += 1
    return len(text)


def _bracketed(opener: str, inner: str, scope: Scope, depth: int) -> Piece:
    if opener == "${":
        return _parameter(inner, scope, depth)
    if opener == "$((":
        return arithmetic(inner, scope, depth)
    return substitution(inner, scope)


_PARAMETER = re.compile(r"([A-Za-z_]\w*|\d+|[@*#])(:?[-=?+])?", re.ASCII)


def _parameter(inner: str, scope: Scope, depth: int) -> Piece:
    """Expand the inside of `${...}`."""
    match = _PARAMETER.match(inner)
    if not match:
        return Piece(unknown=f"computed by ${{{inner[:40]}}}")
    name, operator = match[1], match[2]
    value = scope.look_up(name)
    if operator is None:
        return value if match.end() == len(inner) else _edited(value, inner[match.end() :])
    word = _unquoted(inner[match.end() :])
    has_value = not value.missing and (
        bool(value.text) or bool(value.unknown) or ":" not in operator and _is_set(name, scope)
    )
    if operator.endswith("?"):
        return value
    if operator.endswith("+"):
        return glued(expand(word, scope, depth + 1)) if has_value else Piece(unknown=value.unknown)
    # What is written here says more than what an example of another file suggests.
    if has_value and not (value.certainty == "estimate" and word):
        return value
    fallback = glued(expand(word, scope, depth + 1)) if word else Piece()
    if value.missing or has_value:
        fallback = replace(fallback, certainty=weaker(fallback.certainty, "fallback"))
    if operator.endswith("=") and not name.isdigit():
        scope.variables[name] = setting_of(fallback, name)
    return fallback


def _unquoted(word: str) -> str:
    """`${NAME:-"word"}` is `word`."""
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word


def _is_set(name: str, scope: Scope) -> bool:
    return name in scope.variables or (name.isdigit() and int(name) <= len(scope.arguments))


def setting_of(piece: Piece, says: str, origin: Origin | None = None) -> Setting:
    """Turn expanded text back into the value of a variable."""
    if piece.unknown:
        return Unknown(piece.unknown)
    return Known(piece.text, piece.written or origin or Origin(says), piece.certainty, start=piece.start)


def _edited(value: Piece, edit: str) -> Piece:
    """Apply `${V%suffix}`, `${V#prefix}` for plain text; other edits make the value unknown."""
    if value.unknown:
        return value
    plain = edit.lstrip("%#")
    if edit[0] in "%#" and not re.search(r"[*?\[$]", plain):
        return replace(value, text=value.text.removesuffix(plain) if edit[0] == "%" else value.text.removeprefix(plain))
    if edit in (",,", "^^"):
        return replace(value, text=value.text.lower() if edit == ",," else value.text.upper())
    return Piece(unknown="edited by the shell in a way poollint does not follow")


def substitution(command: str, scope: Scope) -> Piece:
    """Expand `$(command)` for the few commands whose answer is readable."""
    if _CPUS.match(command) or ("python" in command and "cpu_count" in command and not re.search(r"[*+/]", command)):
        return cpus(scope.cpus)
    words = command.replace('"', "").split()
    if words in (["uname"], ["uname", "-s"]):
        return Piece("Linux")
    if words == ["pwd"]:
        return Piece(scope.directory)
    if words[:1] == ["dirname"] and len(words) == 2:
        inner = glued(expand(words[1], scope))
        return inner if inner.unknown else Piece(inner.text.rpartition("/")[0] or ".")
    # `cd "$(dirname "$0")" && pwd`, the usual spelling of "the folder of this script"
    if words[:1] == ["cd"] and words[-2:] == ["&&", "pwd"] and "$(dirname" in words:
        return Piece(scope.name.rpartition("/")[0] or ".")
    if words[:1] == ["echo"] and not re.search(r"[|;&<>]", command):
        return glued(expand(" ".join(words[1:]), scope))
    return Piece(unknown=f"computed by $({' '.join(command.split())[:40]})")


def cpus(setting: Setting) -> Piece:
    """Return the number of CPUs as text, when it is stated or a platform's figure."""
    if isinstance(setting, Unknown):
        return Piece(unknown="computed from the number of CPUs, which no file gives")
    certainty: Certainty = "stated" if setting.certainty == "stated" else "estimate"
    return Piece(str(whole_cpus(setting.value)), certainty)


def whole_cpus(value: object) -> int:
    """Return how many CPUs a process is told of: half a CPU is one."""
    import math

    return max(1, math.ceil(float(str(value))))


_NAME = re.compile(r"\b[A-Za-z_]\w*", re.ASCII)
_ARITHMETIC = re.compile(r"[\d\s+*/%()<>=!&|?:-]{1,200}")


def arithmetic(text: str, scope: Scope, depth: int = 0) -> Piece:
    """Evaluate `$((...))` over whole numbers."""
    expanded = glued(expand(text, scope, depth + 1) or [Piece()])
    certainties: list[Certainty] = [expanded.certainty]
    problems: list[str] = [expanded.unknown] if expanded.unknown else []

    def value(match: re.Match[str]) -> str:
        piece = scope.look_up(match[0])
        certainties.append(piece.certainty)
        problems.extend([piece.unknown] if piece.unknown else [])
        return piece.text or "0"

    plain = _NAME.sub(value, expanded.text)
    if problems:
        return Piece(unknown=problems[0])
    result = integer(plain)
    if result is None:
        return Piece(unknown="computed by arithmetic poollint does not follow")
    return Piece(str(result), weaker(*certainties))


def integer(text: str) -> int | None:
    """Evaluate an expression of whole numbers, or return None."""
    import ast

    if not _ARITHMETIC.fullmatch(text.strip()) or "**" in text or "<<" in text:
        return None
    if match := re.fullmatch(r"([^?:]+)\?([^?:]+):([^?:]+)", text):
        condition = integer(match[1])
        return None if condition is None else integer(match[2] if condition else match[3])
    text = re.sub(r"\b0+(?=\d)", "", text.replace("&&", " and ").replace("||", " or "))
    text = re.sub(r"(?<!/)/(?!/)", "//", text)
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return int(_evaluated(tree.body))
    except (SyntaxError, ValueError, ZeroDivisionError, KeyError, TypeError, RecursionError, MemoryError):
        return None


def _evaluated(node: object) -> int:
    import ast
    import operator

    binary = {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.FloorDiv: operator.floordiv,
        ast.Mod: operator.mod,
    }
    compare = {
        ast.Gt: operator.gt,
        ast.Lt: operator.lt,
        ast.GtE: operator.ge,
        ast.LtE: operator.le,
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
    }
    match node:
        case ast.Constant(value=int() as value):
            return value
        case ast.BinOp(left, symbol, right):
            return binary[type(symbol)](_evaluated(left), _evaluated(right))
        case ast.UnaryOp(ast.USub(), operand):
            return -_evaluated(operand)
        case ast.Compare(left, [symbol], [right]):
            return int(compare[type(symbol)](_evaluated(left), _evaluated(right)))
        case ast.BoolOp(ast.And(), values):
            return int(all(_evaluated(value) for value in values))
        case ast.BoolOp(ast.Or(), values):
            return int(any(_evaluated(value) for value in values))
    raise ValueError
