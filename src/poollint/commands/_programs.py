"""Python programs that start a server by a call: `uvicorn.run(...)`, `waitress.serve(...)`, `app.run()`.

A file may hold such a call for another of its commands, so only code that the program starts counts: the statements of
the module, the function an entry point names, the subcommand that the command line names, and what those call, also in
other modules of the project.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from poollint import _dispatch
from poollint._words import NO_PLACE, Word
from poollint.facts import NO_CEILING, NOT_READ, Known, Origin, Process, Setting, Unknown, value_of

from . import _python
from ._entry import module_path
from ._gunicorn import as_count, default_of_platform
from ._run import Run
from ._web import asynchronous, default

MOST_FILES = 12
MOST_NODES = 50_000
_MARKS = ("uvicorn", "waitress", "aiohttp", "flask", "Flask", "import")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Start:
    """What the command line starts: its words, the import root, and the entry by which it is known."""

    entry: str
    directory: str
    words: tuple[Word, ...]
    run: Run


def told(words: Sequence[Word]) -> tuple[str, ...]:
    """Return what a program is told to do: the words behind its name, and the values of its options."""
    texts = (word.text.rpartition("=")[2] if word.text.startswith("-") else word.text for word in words[1:] if not word.unknown)
    return tuple(dict.fromkeys(text for text in texts if text and not text.startswith("-")))


def served(path: str, entry: str, directory: str, words: list[Word], run: Run) -> Process | None:
    """Return the server that a program starts, or None when its code shows none."""
    start = Start(entry, directory, tuple(words), run)
    target = entry.partition(":")[2].partition(".")[0]
    named = {word.text for word in words[1:] if not word.unknown}
    queue: list[tuple[str, frozenset[str]]] = [(path, frozenset({target} if target else ()))]
    seen = {path}
    while queue and len(seen) <= MOST_FILES:
        file, functions = queue.pop(0)
        found = _File.read(file, start)
        if found is None:
            continue
        nodes = found.started(functions, named, with_module=not target or file != path)
        process = next((process for node in nodes if (process := found.server(node)) is not None), None)
        if process is not None:
            run.read.append(file)
            return process
        for other, name in found.imported(nodes):
            if other not in seen:
                seen.add(other)
                queue.append((other, frozenset({name})))
    return None


@dataclass(slots=True)
class _File:
    module: ast.Module
    names: _python.Names
    start: Start
    path: str

    @classmethod
    def read(cls, path: str, start: Start) -> _File | None:
        text = start.run.tree.text(path)
        if text is None or not any(mark in text for mark in _MARKS):
            return None
        module = _python.parse(text)
        if module is None:
            return None
        names = _python.Names(start.run, replace(NO_PLACE, path=path))
        names.block(list(_statements(module)))
        return cls(module, names, start, path)

    def started(self, functions: frozenset[str], commands: set[str], with_module: bool) -> list[ast.AST]:
        """Return every node that runs: of the module's statements, and of the functions that those lead to."""
        defined = dict(_functions(self.module))
        roots: list[ast.AST] = [
            node for node in self.module.body if with_module and not isinstance(node, (Function, ast.ClassDef))
        ]
        waiting = {
            name
            for name, node in defined.items()
            if name in functions or commands & _dispatch.command_names(node)
        }
        silent = set(_dispatch.left_out(self.module, told(self.start.words)))
        nodes: list[ast.AST] = []
        done: set[str] = set()
        while roots or waiting:
            if not roots:
                name = waiting.pop()
                done.add(name)
                roots = list(defined[name].body)
            fresh = list(_walk(roots, silent))
            nodes.extend(fresh)
            if len(nodes) > MOST_NODES:
                break
            roots = []
            named = _referenced(fresh) & defined.keys()
            waiting |= {name for name in named - done if defined[name] not in silent}
        return nodes

    def imported(self, nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
        """Yield (file, name) for the project's functions that the started code refers to."""
        referenced = _referenced(nodes)
        for node in ast.walk(self.module):
            if isinstance(node, ast.ImportFrom):
                module = self._absolute(node)
                for alias in node.names:
                    path = module_path(module, self.start.directory, self.start.run) if module else None
                    if path is not None and (alias.asname or alias.name) in referenced:
                        yield path, alias.name

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        folder = posixpath.relpath(posixpath.dirname(self.path) or ".", self.start.directory or ".")
        parts = [part for part in folder.split("/") if part not in (".", "..")]
        kept = parts[: len(parts) - node.level + 1]
        return ".".join([*kept, *([node.module] if node.module else [])])

    def server(self, node: ast.AST) -> Process | None:
        if not isinstance(node, ast.Call):
            return None
        call = self.names.dotted(node.func)
        if call in _CALLS:
            return _CALLS[call](self, node)
        if call.endswith(".run") and self._is_flask(call):
            units = Known(
                NO_CEILING, Origin("app.run() serves every request in a thread", self.names.at(node)), "estimate"
            )
            return self._web("flask", default(1, "app.run()"), units)
        return None

    def _is_flask(self, call: str) -> bool:
        """Say whether `name.run` is the run of a Flask application, made or imported here."""
        name = call.removesuffix(".run").rpartition(".")[2]
        if name not in ("app", "application", "server", "flask_app"):
            return False
        imports = [node for node in self.module.body if isinstance(node, ast.ImportFrom)]
        imported = {alias.asname or alias.name for node in imports for alias in node.names}
        return any((node.module or "").partition(".")[0] == "flask" for node in imports) or bool(
            imported & {name, "create_app", "make_app"}
        )

    def _web(self, server: str, processes: Setting, units: Setting, **more: Setting) -> Process:
        place = self.start.words[0].location if self.start.words else None
        return Process(
            server,
            "web",
            processes,
            units,
            entry=self.start.entry,
            directory=self.start.directory,
            location=place,
            told=told(self.start.words),
            **more,
        )

    def keyword(self, node: ast.Call, name: str) -> Setting | None:
        """Return the value of a keyword; its evidence says the keyword unless a variable gave the value."""
        value = next((keyword.value for keyword in node.keywords if keyword.arg == name), None)
        if value is None:
            return None
        found = self.names.value(value)
        if isinstance(found, Known) and found.value is None:
            return None
        says = found.origin.says if found.origin.says not in ("", "written", "number of CPUs") else f"{name}="
        return replace(found, origin=replace(found.origin, says=says))

    # -- the calls

    def uvicorn(self, node: ast.Call) -> Process:
        """`uvicorn.run(app, workers=n)`: one process unless the application is an import string and nothing reloads."""
        application = self.names.value(node.args[0]) if node.args else self.keyword(node, "app")
        is_string = isinstance(application, Known) and isinstance(application.value, str)
        process = self._web("uvicorn", self._workers(node, is_string), asynchronous("uvicorn"))
        limit = self.keyword(node, "limit_concurrency")
        if limit is not None:
            limit = as_count(limit, "limit_concurrency=")
            process = replace(
                process,
                concurrency=replace(limit, value=max(1, limit.value - 1)) if isinstance(limit, Known) else limit,
            )
        if is_string and isinstance(application, Known) and ":" in application.value:
            process = replace(process, entry=application.value, told=())
        return replace(process, reloads=bool(value_of(self.keyword(node, "reload") or NOT_READ)))

    def _workers(self, node: ast.Call, is_string: bool) -> Setting:
        given = self.keyword(node, "workers")
        variable = self.start.run.variable("WEB_CONCURRENCY")
        if given is not None:
            count = as_count(given, "workers=")
        elif variable is not None:
            count = as_count(variable, "WEB_CONCURRENCY")
        else:
            count = default_of_platform(self.start.run, "uvicorn.run")
        if _is_object(node) and not is_string:
            return Known(1, Origin("uvicorn.run(app) without an import string", self.names.at(node)), "default")
        reload = self.keyword(node, "reload")
        if isinstance(reload, Known) and reload.value:
            return replace(reload, value=1)
        if isinstance(reload, Unknown) and not (isinstance(count, Known) and count.value == 1):
            return reload
        return count

    def waitress(self, node: ast.Call) -> Process:
        return self._web("waitress", default(1, "waitress"), self.keyword(node, "threads") or default(4, "waitress"))

    def aiohttp(self, node: ast.Call) -> Process:
        return self._web("aiohttp", default(1, "aiohttp"), asynchronous("aiohttp"))


_CALLS: dict[str, Callable[[_File, ast.Call], Process]] = {
    "uvicorn.run": _File.uvicorn,
    "uvicorn.main.run": _File.uvicorn,
    "uvicorn.Config": _File.uvicorn,
    "waitress.serve": _File.waitress,
    "aiohttp.web.run_app": _File.aiohttp,
}


def _is_object(node: ast.Call) -> bool:
    """Say whether the application is given as an object, for sure."""
    given = (
        node.args[0] if node.args else next((keyword.value for keyword in node.keywords if keyword.arg == "app"), None)
    )
    return isinstance(given, (ast.Name, ast.Attribute, ast.Call))


def _statements(module: ast.Module) -> Iterator[ast.stmt]:
    """Yield the module's statements, with those below `if __name__ == "__main__"`."""
    for node in module.body:
        if isinstance(node, ast.If) and "__name__" in _python.shown(node.test):
            yield from node.body
        else:
            yield node


def _functions(module: ast.Module) -> Iterator[tuple[str, Function]]:
    for node in module.body:
        if isinstance(node, Function):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((inner.name, inner) for inner in node.body if isinstance(inner, Function))


def _walk(roots: list[ast.AST], silent: Collection[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes below, leaving out the bodies of functions, which run only when called, and what does not run."""
    waiting = list(roots)
    while waiting:
        node = waiting.pop(0) if len(waiting) < 500 else waiting.pop()
        if node in silent:
            continue
        yield node
        if not isinstance(node, (Function, ast.ClassDef)):
            waiting.extend(ast.iter_child_nodes(node))


def _referenced(nodes: list[ast.AST]) -> set[str]:
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}
