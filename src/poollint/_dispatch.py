"""What a program does not run when a word tells it what to run: `python main.py worker`.

    commands = {"serve": serve, "worker": work}; commands[args.command]()
    if args.command == "serve": serve()
    elif args.command == "worker": work()
    @cli.command() above `def worker()`

Only where one of a program's choices is a word of the command: what is chosen otherwise is not known, so all of it may run.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef
DEEPEST = 5  # functions that call each other in what does not run


def left_out(tree: ast.Module, words: Collection[str]) -> list[ast.AST]:
    """Return the functions and statements of a file that do not run when a command tells its program these words."""
    defined = {node.name: node for node in tree.body if isinstance(node, _FUNCTIONS)}
    found = list(_choices(tree, defined, set(words)))
    if not found:
        return []
    inside = _parts(found)
    for _ in range(DEEPEST):  # whoever is named by these alone does not run either
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node not in inside}
        named_inside = {node.id for node in inside if isinstance(node, ast.Name)} - named
        further = [node for name, node in defined.items() if name in named_inside and node not in inside]
        if not further:
            break
        found += further
        inside = _parts(found)
    return found


def lines_of(nodes: Collection[ast.AST]) -> frozenset[int]:
    """Return the lines that statements, and the bodies of functions, stand in."""
    found: set[int] = set()
    statements = (node for node in nodes if isinstance(node, ast.stmt))
    for part in (part for node in statements for part in (node.body if isinstance(node, _FUNCTIONS) else [node])):
        found.update(range(part.lineno, (part.end_lineno or part.lineno) + 1))
    return frozenset(found)


def command_names(node: Function) -> set[str]:
    """Return the names by which a command line calls a command of click, typer or Flask: its own, or what its decorator says."""
    for decorator in node.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else ast.Call(decorator, [], [])
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name == "command":
            given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "name")]
            named = {each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)}
            return named or {node.name, node.name.replace("_", "-")}
    return set()


def _parts(nodes: Collection[ast.AST]) -> set[ast.AST]:
    return {part for node in nodes for part in ast.walk(node)}


def _choices(tree: ast.Module, defined: dict[str, Function], words: set[str]) -> Iterator[ast.AST]:
    """Yield what each choice between words leaves out, where one of them is told."""
    commands = [(names, node) for node in defined.values() if (names := command_names(node))]
    if any(words & names for names, _ in commands):
        yield from (node for names, node in commands if not words & names)
    # What is compared with a told word is compared with the others, too.
    asked = {_subject(node.test) for node in ast.walk(tree) if isinstance(node, ast.If) and _compared(node.test) & words}
    for node in ast.walk(tree):
        match node:
            case ast.Dict(keys=keys, values=values) if keys and all(isinstance(key, ast.Constant) for key in keys):
                told = {key.value for key in keys} & words  # type: ignore[union-attr]
                if told and all(isinstance(value, ast.Name) and value.id in defined for value in values):
                    yield from (value for key, value in zip(keys, values) if key.value not in told)  # type: ignore[union-attr]
            case ast.If() if _subject(node.test) in asked:
                branches = list(_branches(node))
                is_told = any(told & words for told, _ in branches)
                yield from (stmt for told, body in branches if not told & words and (told or is_told) for stmt in body)
            case ast.Match(cases=cases):
                if any(_patterns(case.pattern) & words for case in cases):
                    yield from (stmt for case in cases if not _patterns(case.pattern) & words for stmt in case.body)


def _branches(node: ast.If) -> Iterator[tuple[set[str], list[ast.stmt]]]:
    """Yield the words that each branch of `if x == "a": ... elif x in ("b", "c"): ... else: ...` is for."""
    current: ast.If | None = node
    while current is not None:
        words = _compared(current.test)
        if not words:
            return
        yield words, current.body
        following = current.orelse
        current = following[0] if len(following) == 1 and isinstance(following[0], ast.If) else None
        if current is None and following:
            yield set(), following


def _subject(test: ast.expr) -> str:
    return ast.dump(test.left) if isinstance(test, ast.Compare) else ""


def _compared(test: ast.expr) -> set[str]:
    """Return the words that a condition asks for: `args.command == "serve"`, `args.command in ("serve", "web")`."""
    if not isinstance(test, ast.Compare) or not isinstance(test.left, (ast.Name, ast.Attribute, ast.Subscript)):
        return set()
    match test.ops, test.comparators:
        case [ast.Eq()], [ast.Constant(value=str(word))]:
            return {word}
        case [ast.In()], [ast.List(elts=elts) | ast.Tuple(elts=elts) | ast.Set(elts=elts)]:
            words = {each.value for each in elts if isinstance(each, ast.Constant) and isinstance(each.value, str)}
            return words if len(words) == len(elts) else set()
    return set()


def _patterns(pattern: ast.pattern) -> set[str]:
    match pattern:
        case ast.MatchValue(value=ast.Constant(value=str(word))):
            return {word}
        case ast.MatchOr(patterns=patterns):
            return set().union(*map(_patterns, patterns))
    return set()
