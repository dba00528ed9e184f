"""Shell text, read with tree-sitter: which commands run, with which words.

Nothing is executed. A condition that the readable variables and files decide takes its branch; the others are asked of
`Run.decide`, so that a caller can replay the script for every answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from poollint._expand import Piece, expand, glued, integer, is_expansion, setting_of
from poollint._words import Source, Word
from poollint.facts import Known, Location, Origin, Setting, Unknown

from ._run import DEEPEST, Ended, Run

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree

DEEPEST_NODES = 60
LARGEST_SCRIPT = 200_000  # characters
MOST_ROUNDS = 32  # of a loop
MOST_WORDS = 2_000  # of an array

Launch = Callable[[list[Word], Run], None]


def read(text: str, start: Location, run: Run, launch: Launch) -> None:
    """Run a text; `launch` gets every command that is no shell construct, and appends to `run.started`.

    Raises Ended when the shell does not come back (`exec`, `exit`, a server in the foreground).
    """
    if run.depth >= DEEPEST or len(text) > LARGEST_SCRIPT:
        return
    run.depth += 1
    try:
        content = text.encode()
        source = Source(text, start, run.tree.text(start.path) if start.path else None)
        _Script(content, source, run, launch).block(_parsed(content).root_node.children, 0)
    finally:
        run.depth -= 1


@lru_cache(maxsize=16)
def _parsed(content: bytes) -> Tree:
    """Parse once what is replayed for every answer to its open conditions."""
    return _parser().parse(content)


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


@dataclass(slots=True)
class _Function:
    """A shell function: its body, and the script it stands in."""

    script: _Script
    body: Node


@dataclass(slots=True)
class _Script:
    content: bytes
    source: Source
    run: Run
    launch: Launch
    rows: list[int] = field(init=False)  # where each line starts, in characters

    def __post_init__(self) -> None:
        self.rows = [0, *(match.end() for match in re.finditer("\n", self.source.text))]

    # -- statements

    def block(self, nodes: list[Node], depth: int) -> bool | None:
        """Run statements in their order; return the outcome of the last: True, False or None when not known."""
        outcome: bool | None = True
        for index, node in enumerate(nodes):
            if not node.is_named or node.type == "comment":
                continue
            background = index + 1 < len(nodes) and nodes[index + 1].type == "&"
            outcome = self.in_background(node, depth) if background else self.statement(node, depth)
        return outcome

    def in_background(self, node: Node, depth: int) -> bool:
        before, scope = self.run.in_background, self.run.scope
        self.run.in_background, self.run.scope = True, self.run.within()
        try:
            self.statement(node, depth)
        except Ended:
            pass
        finally:
            self.run.in_background, self.run.scope = before, scope
        return True

    def statement(self, node: Node, depth: int) -> bool | None:
        if depth > DEEPEST_NODES:
            return None
        self.run.step()
        method = getattr(self, "_" + node.type, None)
        if method:
            return method(node, depth + 1)
        return None

    def _list(self, node: Node, depth: int) -> bool | None:
        left, operator, *rest = [child for child in node.children if child.type != "comment"]
        outcome = self.statement(left, depth)
        wanted = operator.type == "&&"
        if outcome is None:
            # A command is assumed to succeed; a test that cannot be decided is asked for.
            outcome = self.run.decide(_text(left)) if _is_test(left) else True
        if outcome is not wanted or not rest:
            return outcome
        return self.statement(rest[-1], depth)

    def _pipeline(self, node: Node, depth: int) -> bool | None:
        outcome: bool | None = None
        parts = [child for child in node.children if child.is_named and child.type != "comment"]
        for index, part in enumerate(parts):
            # `server | tee log`: every part runs at once, in a shell of its own.
            outcome = self.in_background(part, depth) if index + 1 < len(parts) else self.statement(part, depth)
        # In `! migrate | tee log` the whole pipeline is negated, not its first part.
        return not outcome if parts and _is_negated(parts[0]) and outcome is not None else outcome

    def _subshell(self, node: Node, depth: int) -> bool | None:
        scope = self.run.scope
        self.run.scope = self.run.within()
        try:
            return self.block(node.children, depth)
        finally:
            self.run.scope = scope

    def _compound_statement(self, node: Node, depth: int) -> bool | None:
        if node.children and node.children[0].type == "((":
            return self.test_arithmetic(_text(node)[2:-2])
        return self.block(node.children, depth)

    _do_group = _compound_statement

    def _redirected_statement(self, node: Node, depth: int) -> bool | None:
        self.writes(node)
        bodies = [child for child in node.children if child.is_named and "redirect" not in child.type]
        return self.statement(bodies[0], depth) if bodies else None

    def writes(self, node: Node) -> None:
        """Remember a file made by `cat <<EOF > file`, which may be run later."""
        text = _text(node)
        match = re.match(r"cat\s*(?:>\s*(\S+)\s*<<-?\s*(['\"]?)(\w+)\2|<<-?\s*(['\"]?)(\w+)\4\s*>\s*(\S+))\s*\n", text)
        if not match:
            return
        body = text[match.end() :].rpartition(match[3] or match[5])[0]
        location = self.at(node)
        place = Location(location.path, location.line + 1, 1, location.line + 1 + body.count("\n"), 1)
        self.run.container.written[self.run.path(match[1] or match[6])] = (body, place)

    def _function_definition(self, node: Node, depth: int) -> bool:
        name = next((child for child in node.children if child.type == "word"), None)
        if name is not None:
            self.run.functions[_text(name)] = _Function(self, node.children[-1])
        return True

    def _negated_command(self, node: Node, depth: int) -> bool | None:
        outcome = self.statement(node.children[-1], depth)
        return None if outcome is None else not outcome

    def _if_statement(self, node: Node, depth: int) -> bool | None:
        """Run the first branch whose condition holds; what only prints is passed over and need not be decided."""
        if _is_inert(node):
            return True
        for condition, body in _branches(node):
            if condition is None or self.holds(condition, depth):
                return self.block(body, depth)
        return True

    def holds(self, condition: list[Node], depth: int) -> bool:
        outcome = self.block(condition, depth)
        if outcome is not None:
            return outcome
        return self.run.decide(" ".join(_text(node) for node in condition if node.is_named))

    def _case_statement(self, node: Node, depth: int) -> bool | None:
        subject = next((child for child in node.children[1:] if child.is_named), None)
        if subject is None:
            return None
        value = glued(list(self.pieces(subject)) or [Piece()])
        for item in node.children:
            if item.type == "case_item" and self.matches(value, item, _text(subject)):
                close = next((index for index, child in enumerate(item.children) if child.type == ")"), 0)
                return self.block(item.children[close + 1 :], depth)
        return True

    def matches(self, value: Piece, item: Node, subject: str) -> bool:
        head = _text(item).partition(")")[0].strip().lstrip("(")
        patterns = [pattern.strip().strip("\"'") for pattern in head.split("|")]
        if value.unknown:
            return "*" in patterns or self.run.decide(f"case {subject} {head}")
        self.run.weaken(value.certainty if value.certainty == "fallback" else "exact")
        return any(fnmatchcase(value.text, pattern) for pattern in patterns)

    def _while_statement(self, node: Node, depth: int) -> bool | None:
        # The condition (`until alembic upgrade head`) and the body run at least once, and that is all that counts.
        return self.block([child for child in node.children if child.is_named], depth)

    def _for_statement(self, node: Node, depth: int) -> bool | None:
        """Run the body once for every readable word: `for queue in a b; do celery ... & done`."""
        name = next((child for child in node.children if child.type == "variable_name"), None)
        body = next((child for child in node.children if child.type == "do_group"), None)
        values = [child for child in node.children if child.is_named and child not in (name, body)]
        if name is None or body is None:
            return None
        words = [word for value in values[:MOST_ROUNDS] for word in self.words(value)]
        for word in words[:MOST_ROUNDS]:
            self.run.scope.variables[_text(name)] = _setting(word, _text(name))
            self.statement(body, depth)
        return True

    # -- simple commands

    def _variable_assignment(self, node: Node, depth: int, export: bool = False) -> bool:
        name = next((child for child in node.children if child.type in ("variable_name", "subscript")), None)
        if name is None:
            return True
        if node.children[-1].type == "array" or name.type == "subscript":
            return self.assign_array(node, name)
        text, value = _text(name), [child for child in node.children if child.type not in ("variable_name", "=", "+=")]
        piece = glued([piece for child in value for piece in self.pieces(child)] or [Piece()])
        place = value[0] if value else node
        self.run.set(text, setting_of(piece, text, Origin(text, self.at(place))), export=export or self.run.exporting)
        return True

    def assign_array(self, node: Node, name: Node) -> bool:
        """`command=(gunicorn -w 4)`, `command+=(--preload)`, `command[2]=8`."""
        if node.children[-1].type != "array":
            array, _, index = _text(name).rstrip("]").partition("[")
            words = self.run.arrays.get(array, [])
            if index.isdigit() and int(index) < len(words):
                words[int(index)] = self.words(node.children[-1])[0] if self.words(node.children[-1]) else Word("")
            return True
        words = [word for child in node.children[-1].children if child.type in _WORDS for word in self.words(child)]
        before = self.run.arrays.get(_text(name), []) if any(child.type == "+=" for child in node.children) else []
        self.run.arrays[_text(name)] = [*before, *words][:MOST_WORDS]
        return True

    def _variable_assignments(self, node: Node, depth: int) -> bool:
        for child in node.children:
            self._variable_assignment(child, depth)
        return True

    def _declaration_command(self, node: Node, depth: int) -> bool:
        exports = bool(node.children) and node.children[0].type == "export"
        for child in node.children:
            if child.type == "variable_assignment":
                self._variable_assignment(child, depth, export=exports)
            elif child.type == "variable_name" and exports:
                value = self.run.scope.variables.get(_text(child))
                if value is not None:
                    self.run.exported[_text(child)] = value
        return True

    def _unset_command(self, node: Node, depth: int) -> bool:
        for child in node.children:
            if child.type == "variable_name":
                self.run.set(_text(child), Known("", Origin("unset")))
        return True

    def _test_command(self, node: Node, depth: int) -> bool | None:
        if node.children and node.children[0].type == "((":
            return self.test_arithmetic(_text(node)[2:-2])
        inner = [child for child in node.children if child.is_named or child.type == "!"]
        return self.condition(inner[-1], depth) if inner else None

    def _command(self, node: Node, depth: int) -> bool | None:
        scope, own = self.run.scope, [child for child in node.children if child.type == "variable_assignment"]
        exported = dict(self.run.exported)
        words = [word for child in node.children if child.type in _WORDS for word in self.words(child)]
        if own:
            self.run.scope = self.run.within()
            for child in own:
                self._variable_assignment(child, depth, export=True)
        try:
            return self.simple(words, node) if words else True
        finally:
            if own:
                self.run.scope, self.run.exported = scope, exported

    def simple(self, words: list[Word], node: Node) -> bool | None:
        name = words[0].text
        builtin = _BUILTINS.get(name)
        if builtin and not words[0].unknown:
            return builtin(self, words[1:], node)
        function = self.run.functions.get(name)
        if isinstance(function, _Function):
            return self.call(function, words)
        self.launch(words, self.run)
        return None if name in _QUESTIONS else True

    def call(self, function: _Function, words: list[Word]) -> bool | None:
        run = self.run
        if run.depth >= DEEPEST:
            return None
        arguments, run.depth = run.scope.arguments, run.depth + 1
        run.scope.arguments = run.within(arguments=tuple(words[1:])).arguments
        try:
            return function.script.block(function.body.children, 0)
        except Returned:
            return None
        finally:
            run.scope.arguments, run.depth = arguments, run.depth - 1

    # -- conditions

    def condition(self, node: Node, depth: int) -> bool | None:
        """Decide what stands inside `[ ]` or `[[ ]]`."""
        if depth > DEEPEST_NODES:
            return None
        if node.type == "binary_expression" and len(node.children) == 3:
            left, operator, right = node.children
            if operator.type in ("&&", "||", "-a", "-o") or _text(operator) in ("-a", "-o"):
                return _both(
                    self.condition(left, depth + 1), self.condition(right, depth + 1), _text(operator) in ("&&", "-a")
                )
            return self.compare(self.value(left), _text(operator), self.value(right))
        if node.type == "unary_expression":
            operator, operand = node.children[0], node.children[-1]
            if operator.type == "!":
                inner = self.condition(operand, depth + 1)
                return None if inner is None else not inner
            return self.ask(_text(operator), self.value(operand))
        if node.type in ("negation_expression", "parenthesized_expression"):
            inner = self.condition(next(child for child in reversed(node.children) if child.is_named), depth + 1)
            return inner if node.type[0] == "p" or inner is None else not inner
        value = self.value(node)
        return self.ask("-n", value)

    def value(self, node: Node) -> Piece:
        return glued(list(self.pieces(node)) or [Piece()])

    def test_words(self, words: list[Word]) -> bool | None:
        """Decide `test a = b`, whose words are already expanded."""
        if words and words[0].text == "!" and not words[0].unknown:
            inner = self.test_words(words[1:])
            return None if inner is None else not inner
        pieces = [Piece(word.text, word.certainty, word.unknown) for word in words]
        if len(words) == 2:
            return self.ask(words[0].text, pieces[1])
        if len(words) == 3:
            return self.compare(pieces[0], words[1].text, pieces[2])
        return self.ask("-n", pieces[0]) if len(words) == 1 else None

    def compare(self, left: Piece, operator: str, right: Piece) -> bool | None:
        if left.unknown or right.unknown:
            return None
        self.run.weaken(_only_fallback(left, right))
        if operator in ("=", "=="):
            return fnmatchcase(left.text, right.text)
        if operator == "!=":
            return not fnmatchcase(left.text, right.text)
        symbol = {"-eq": "==", "-ne": "!=", "-gt": ">", "-ge": ">=", "-lt": "<", "-le": "<="}.get(operator)
        result = integer(f"{left.text or 0} {symbol} {right.text or 0}") if symbol else None
        return None if result is None else bool(result)

    def ask(self, operator: str, operand: Piece) -> bool | None:
        if operand.unknown:
            return None
        if operator in ("-z", "-n"):
            self.run.weaken(_only_fallback(operand))
            return bool(operand.text) is (operator == "-n")
        if operator in ("-f", "-e", "-d", "-r", "-x", "-s"):
            return self.exists(operand.text)
        return None

    def exists(self, path: str) -> bool | None:
        """Say whether a file is there, as far as what was copied in tells."""
        full = self.run.path(path)
        if full in self.run.container.written or self.run.source(path) is not None:
            return True
        # Nothing of an earlier run is left when a container starts.
        return False if full.startswith(("/tmp/", "/run/", "/var/run/")) else None

    def test_arithmetic(self, text: str) -> bool | None:
        from poollint._expand import arithmetic

        result = arithmetic(text, self.run.scope)
        return None if result.unknown else result.text not in ("", "0")

    # -- words

    def words(self, node: Node) -> list[Word]:
        """Return the words a node becomes: none, one, or several where an unquoted variable holds blanks."""
        if node.type == "command_name":
            node = node.children[0] if node.children else node
        location = self.at(node)
        text = _text(node)
        if text in ('"$@"', '"${@}"', "$@", "$*", "${@}", '"${@:1}"'):
            return [_word([piece], piece.place or location) for piece in self.run.scope.arguments]
        if array := _ARRAY.fullmatch(text):
            return list(self.run.arrays.get(array[1], []))
        pieces = list(self.pieces(node))
        quoted = node.type in ("string", "raw_string", "ansi_c_string")
        if quoted or not is_expansion(text):
            return [_word(pieces, location)]
        return self.split(pieces, location)

    def split(self, pieces: list[Piece], location: Location) -> list[Word]:
        if len(pieces) == 1 and (pieces[0].unknown or not pieces[0].text.strip()):
            piece = pieces[0]
            return [replace(_word(pieces, location), opaque=True)] if piece.unknown else []
        found: list[list[Piece]] = [[]]
        for piece in pieces:
            if piece.unknown or not re.search(r"\s", piece.text) or piece.quoted:
                found[-1].append(piece)
                continue
            for index, part in enumerate(re.split(r"\s+", piece.text)):
                if index:
                    found.append([])
                if part:
                    found[-1].append(replace(piece, text=part))
        return [_word(parts, location) for parts in found if parts]

    def pieces(self, node: Node) -> Iterator[Piece]:
        text = _text(node)
        if node.type in ("word", "number", "extglob_pattern", "test_operator", "variable_name"):
            yield Piece(re.sub(r"\\\n", "", text) if "\\\n" in text else re.sub(r"\\(.)", r"\1", text))
        elif node.type == "raw_string":
            yield Piece(text[1:-1], quoted=True)
        elif node.type == "ansi_c_string":
            yield Piece(text[2:-1], quoted=True)
        elif node.type in ("string", "translated_string"):
            inner = text[1:-1].replace("\\\n", "")
            yield from (replace(piece, quoted=True) for piece in expand(inner, self.run.scope) or [Piece()])
        elif node.type == "concatenation":
            for child in node.children:
                yield from self.pieces(child)
        else:
            yield from expand(text, self.run.scope)

    def at(self, node: Node) -> Location:
        row, column = node.start_point
        start = self.rows[min(row, len(self.rows) - 1)]
        line = self.content[node.start_byte - column : node.start_byte]
        return self.source.at(start + len(line.decode("utf-8", "replace")))


class Returned(Exception):
    """`return` inside a function."""


_ARRAY = re.compile(r'"?\$\{(\w+)\[[@*]\]\}"?')
_WORDS = frozenset(
    "command_name word string raw_string ansi_c_string concatenation number expansion simple_expansion "
    "command_substitution arithmetic_expansion process_substitution extglob_pattern test_operator "
    "translated_string".split()
)

# Commands whose success depends on the machine, not on the repository.
_QUESTIONS = frozenset({"grep", "nc", "pg_isready", "curl", "wget", "mountpoint", "id", "diff"})


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _is_negated(node: Node) -> bool:
    while node.type == "redirected_statement":
        node = node.children[0]
    return node.type == "negated_command"


def _is_test(node: Node) -> bool:
    return node.type == "test_command" or _text(node).split()[:1] in (["test"], ["["], ["grep"])


_INERT = frozenset(
    {
        "echo",
        "printf",
        "sleep",
        "mkdir",
        "chmod",
        "chown",
        "rm",
        "ls",
        "true",
        ":",
        "[",
        "test",
        "cat",
        "date",
        "wait",
        "trap",
    }
)
_MATTERS = frozenset(
    {"variable_assignment", "declaration_command", "function_definition", "unset_command", "heredoc_redirect"}
)


def _is_inert(node: Node) -> bool:
    """Say whether nothing below a node can start something, set something or end the script."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.type in _MATTERS or one.type == "command" and _text(one.children[0]) not in _INERT:
            return False
        if ":=" in _text(one) and one.type == "expansion":
            return False
        waiting.extend(one.children)
    return True


def _branches(node: Node) -> Iterator[tuple[list[Node] | None, list[Node]]]:
    """Yield (condition, body) for `if` and every `elif`, and (None, body) for `else`."""
    children, bodies = node.children, ("elif_clause", "else_clause")
    yield _condition_and_body([child for child in children if child.type not in bodies])
    for child in children:
        if child.type == "elif_clause":
            yield _condition_and_body(child.children)
        elif child.type == "else_clause":
            yield None, child.children[1:]


def _condition_and_body(children: list[Node]) -> tuple[list[Node], list[Node]]:
    then = next((index for index, child in enumerate(children) if child.type == "then"), len(children))
    return children[1:then], children[then + 1 :]


def _both(left: bool | None, right: bool | None, conjunction: bool) -> bool | None:
    """Return left and right (or left or right), three-valued."""
    decisive = not conjunction
    if left is decisive or right is decisive:
        return decisive
    return None if left is None or right is None else conjunction


def _only_fallback(*pieces: Piece) -> Any:
    return "fallback" if any(piece.certainty == "fallback" for piece in pieces) else "exact"


def _word(pieces: list[Piece], location: Location) -> Word:
    piece = glued(pieces or [Piece()])
    return Word(piece.text, piece.place or location, piece.certainty, piece.unknown, piece.written)


def _setting(word: Word, says: str) -> Setting:
    if word.unknown:
        return Unknown(word.unknown)
    return Known(word.text, word.written or Origin(says, word.location), word.certainty)


# -- builtins: (script, words after the name, node) → outcome


def _cd(script: _Script, words: list[Word], node: Node) -> bool:
    if words and not words[0].unknown:
        script.run.scope.directory = script.run.path(words[-1].text)
    return True


def _exec(script: _Script, words: list[Word], node: Node) -> bool:
    while words and words[0].text.startswith("-") and words[0].text != "-":
        words = words[2:] if words[0].text == "-a" else words[1:]
    if not words:
        return True  # `exec > log` redirects, and the shell goes on
    script.launch(words, script.run)
    raise Ended


def _exit(script: _Script, words: list[Word], node: Node) -> bool:
    raise Ended


def _return(script: _Script, words: list[Word], node: Node) -> bool:
    raise Returned


def _set(script: _Script, words: list[Word], node: Node) -> bool:
    for index, word in enumerate(words):
        if word.text == "--":
            script.run.scope.arguments = script.run.within(arguments=tuple(words[index + 1 :])).arguments
            return True
        if word.text in ("-a", "+a", "-o", "+o") and (word.text[1] == "a" or "allexport" in _text(node)):
            script.run.exporting = word.text[0] == "-"
    if words and not words[0].text.startswith(("-", "+")):
        script.run.scope.arguments = script.run.within(arguments=tuple(words)).arguments
    return True


def _shift(script: _Script, words: list[Word], node: Node) -> bool:
    count = int(words[0].text) if words and words[0].text.isdigit() else 1
    script.run.scope.arguments = script.run.scope.arguments[count:]
    return True


def _source(script: _Script, words: list[Word], node: Node) -> bool:
    """Read `. file` into the same shell; a file that is not here may set anything."""
    run = script.run
    if not words or words[0].unknown:
        run.scope.complete = False
        return True
    found = run.text_at(words[0].text)
    if found is None:
        # A virtual environment's activate script sets nothing that matters here.
        if not words[0].text.endswith("/activate"):
            run.scope.complete = False
        return True
    try:
        read(found[0], found[1], run, script.launch)
    except Returned:
        pass
    return True


def _test(script: _Script, words: list[Word], node: Node) -> bool | None:
    return script.test_words([word for word in words if word.text != "]"])


def _eval(script: _Script, words: list[Word], node: Node) -> bool:
    if words and not any(word.unknown for word in words):
        read(" ".join(word.text for word in words), replace_end(words[0].location), script.run, script.launch)
    return True


def replace_end(location: Location) -> Location:
    """Return the place without its end."""
    return Location(location.path, location.line, location.column)


def _true(script: _Script, words: list[Word], node: Node) -> bool:
    return True


def _false(script: _Script, words: list[Word], node: Node) -> bool:
    return False


_BUILTINS: dict[str, Callable[[_Script, list[Word], Node], bool | None]] = {
    "cd": _cd,
    "pushd": _cd,
    "exec": _exec,
    "exit": _exit,
    "return": _return,
    "set": _set,
    "shift": _shift,
    ".": _source,
    "source": _source,
    "test": _test,
    "[": _test,
    "eval": _eval,
    "true": _true,
    ":": _true,
    "false": _false,
    "wait": _true,
    "trap": _true,
    "echo": _true,
    "printf": _true,
    "sleep": _true,
    "umask": _true,
    "ulimit": _true,
    "mkdir": _true,
    "chmod": _true,
    "chown": _true,
    "rm": _true,
    "cp": _true,
    "ls": _true,
}
