"""The project's modules: parsed on demand, found by dotted name over several source roots.

Nothing is imported or executed. A file that does not parse is remembered in `Tree.skipped`, with its line.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from poollint.discover import Tree
from poollint.facts import Location
from poollint.python.source import names, pieces
from poollint.python.source.newer import lowered
from poollint.python.source.scopes import Scope, child_statements, scope_of

if TYPE_CHECKING:
    from poollint.python.evaluator.callers import Callers, Calls
    from poollint.python.evaluator.values import Value
    from poollint.python.source.graph import ImportGraph
    from poollint.python.source.sharing import Path


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Import:
    """One imported thing: `from app.db import engine as e` is ("app.db", "engine", "e"); level counts the dots."""

    module: str
    name: str | None  # None for `import x`, "*" for a star import
    alias: str
    level: int
    line: int
    node: ast.stmt

    @property
    def is_of_tests(self) -> bool:
        """Tell the libraries of tests from mocks, which programs use as well: for dry runs, and as null objects."""
        is_mock = "mock" in (self.module.rpartition(".")[2], self.name)
        return not self.level and self.module.partition(".")[0] in ("pytest", "unittest") and not is_mock

    @property
    def is_of_migrations(self) -> bool:
        """Tell the files that Alembic runs from those that only call it."""
        return (self.module, self.name) in (("alembic", "context"), ("alembic", "op"))

    @property
    def is_of_pipelines(self) -> bool:
        """Tell the libraries that run what they are given in processes of its own, which end with it."""
        return not self.level and self.module.partition(".")[0] in PIPELINES


_TESTS = frozenset({"tests", "test"})
LARGEST_BESIDE = 100_000  # bytes of a file of settings or variables; beyond, it is data
PIPELINES = frozenset({"airflow", "dagster", "luigi", "prefect"})
MIGRATION_FOLDERS = frozenset({"alembic", "migration", "migrations"})


class Modules:
    """All Python files of a tree."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.paths: tuple[str, ...] = tuple(path for path in tree.files if path.endswith((".py", ".pyw", ".wsgi")))
        self._modules: dict[str, Module | None] = {}
        self._found: dict[tuple[str, str], str | None] = {}
        self._known = frozenset(self.paths)
        self._callers: dict[ast.AST, Calls | None] = {}
        self._shared: dict[Any, Any] = {}

    def module(self, path: str) -> Module | None:
        """Return the parsed module, None when the file cannot be read (then it is under `Tree.skipped`)."""
        if path not in self._modules:
            self._modules[path] = None  # a failure below is said once
            with self.tree.guard(path):
                self._modules[path] = self._parse(path)
        return self._modules[path]

    def containing(self, *needles: bytes, among: Container[str] | None = None) -> Iterator[str]:
        """Yield the paths of the files that hold all of the byte strings; only those `among` some, if given."""
        for path in self.paths if among is None else (path for path in self.paths if path in among):
            content = self.tree.bytes(path)
            if content is not None and all(map(content.__contains__, needles)):
                yield path

    def beside(self, named: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the files of any kind whose path fits, with their content: not those of tests, and none that holds data."""
        for path in self.tree.files:
            if named.search(path) and not self.is_for_tests(path):
                content = self.tree.bytes(path) or b""
                if len(content) < LARGEST_BESIDE:
                    yield path, content

    def find(self, dotted: str, importer: Module | str | None = None) -> Module | None:
        """Return the module an absolute `import dotted` means, None when it is no module of the project."""
        path = self.path_of(dotted, importer)
        return self.module(path) if path else None

    def path_of(self, dotted: str, importer: Module | str | None = None) -> str | None:
        """Return the path of a dotted module without parsing it."""
        start = importer.path if isinstance(importer, Module) else importer or ""
        key = (dotted, start.rpartition("/")[0])
        if key not in self._found:
            self._found[key] = self._search(dotted, start)
        return self._found[key]

    def below(self, root: str, dotted: str) -> str | None:
        """Return the path of a dotted module under one source root."""
        return self._file(root, dotted.replace(".", "/"))

    def relative(self, importer: str, level: int, dotted: str) -> str | None:
        """Return the path of `from ..dotted import`, counted from the importing file's folder."""
        folder = importer.rpartition("/")[0]
        for _ in range(level - 1):
            if not folder:
                return None
            folder = folder.rpartition("/")[0]
        return self._file(folder, dotted.replace(".", "/"))

    def is_package(self, folder: str) -> bool:
        return (f"{folder}/__init__.py" if folder else "__init__.py") in self._known

    def imported(self, module: Module, found: Import) -> str | None:
        """Return the path of the project module that an import names; for `from package import module` that module."""
        name = f"{found.module}.{found.name}" if found.name and found.name != "*" else found.module
        for dotted in (name.strip("."), found.module) if found.name else (found.module,):
            path = self.relative(module.path, found.level, dotted) if found.level else self.path_of(dotted, module)
            if path:
                return path
        return None

    @cached_property
    def graph(self) -> ImportGraph:
        """Which file imports which; made when first asked, as it stands on this module."""
        from poollint.python.source.graph import ImportGraph

        return ImportGraph(self)

    @cached_property
    def callers(self) -> Callers:
        """Who refers to what; made when first asked: it evaluates, and the evaluator stands on this module."""
        from poollint.python.evaluator.callers import Callers

        return Callers(self)

    def callers_of(self, module: Module, node: ast.AST) -> Calls | None:
        """Return the calls of a function, or those that construct a class.

        Those of tests only for a test, those of migrations only where there are no others:
        `make_engine(poolclass=NullPool)` in Alembic's env.py says nothing about what serves.

        None while they are being looked for: telling whose method a call means may evaluate the receiver.
        """
        if node not in self._callers:
            from poollint.python.evaluator.callers import Calls

            self._callers[node] = None
            skipping = None if module.is_test else self.is_for_tests
            found = [at for at in self.callers.calls(module, node, skipping) if module.is_test or not at[0].is_test]
            self._callers[node] = Calls([at for at in found if not at[0].is_for_migrations] or found)
        return self._callers[node]

    def is_for_tests(self, path: str) -> bool:
        """Say whether test runners find a file by its path, or it lies beside their tests."""
        name = path.rpartition("/")[2]
        below = self.tree.below_base(path).split("/")[:-1]
        return name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py" or not _TESTS.isdisjoint(below)

    def shared(self, kind: Callable[[Modules], T]) -> T:
        """Return what a part of the evaluator knows about the whole project, made when first asked."""
        if kind not in self._shared:
            self._shared[kind] = kind(self)
        return self._shared[kind]

    # -- inside

    def _file(self, folder: str, below: str) -> str | None:
        stem = "/".join(part for part in (folder, below) if part)
        if self._is_hidden(folder, below):
            return None
        for path in (f"{stem}/__init__.py" if stem else "__init__.py", f"{stem}.py"):
            if path in self._known:
                return path
        return None

    def _is_hidden(self, root: str, below: str) -> bool:
        """Say whether a module hides a folder on the way: beside `app/db.py`, `app/db/` is found only as a package."""
        folder = root
        for part in below.split("/")[:-1]:
            folder = f"{folder}/{part}" if folder else part
            if f"{folder}.py" in self._known and not self.is_package(folder):
                return True
        return False

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        """Last part of the module's name → paths: `app/db.py` and `db/__init__.py` are both under "db"."""
        stems: dict[str, list[str]] = {}
        for path in self.paths:
            parts = path.rsplit("/", 2)
            stem = parts[-2] if parts[-1] == "__init__.py" and len(parts) > 1 else parts[-1].rpartition(".")[0]
            stems.setdefault(stem, []).append(path)
        return stems

    def _search(self, dotted: str, importer: str) -> str | None:
        first, _, last = dotted.partition(".")[0], None, dotted.rpartition(".")[2]
        if first in sys.stdlib_module_names or first in names.LIBRARIES:
            return None
        below = dotted.replace(".", "/")
        roots = [(path, root) for path in self._by_stem.get(last, ()) if (root := self._root(path, below, importer)) is not None]
        only = self._root_of_package(first, importer) if first != dotted else None
        if only is not None:
            # Where the package has no such module, the program runs from a folder further in that has one.
            inside = [(path, root) for path, root in roots if root == only]
            roots = inside or [(path, root) for path, root in roots if importer.startswith(f"{root}/")]
        ranked = sorted((rank, path) for path, root in roots if (rank := self._rank(root, importer, dotted, path)) is not None)
        if not ranked:
            return self._in_renamed(dotted)
        if len(ranked) > 1 and ranked[0][0] == ranked[1][0] and ranked[0][0][0] > 1:
            return None  # two roots that are equally far away: nobody can tell
        return ranked[0][1]

    def _in_renamed(self, dotted: str) -> str | None:
        """Return the path of a module in a folder that is installed under another name."""
        first, _, rest = dotted.partition(".")
        folders = self._renamed.get(first, ())
        return self.below(folders[0], rest) if len(folders) == 1 else None

    @cached_property
    def _renamed(self) -> Mapping[str, tuple[str, ...]]:
        from poollint.python.source.renamed import renamed

        return renamed(self.tree)

    def _root(self, path: str, below: str, importer: str) -> str | None:
        """Return the root under which a file is the module that another one names, None where it is none."""
        stem = path.removesuffix("/__init__.py").removesuffix(".py")
        if path == importer or not (stem == below or stem.endswith("/" + below)):
            return None
        root = stem[: -len(below)].rstrip("/")
        return root if path == self._file(root, below) else None

    def _root_of_package(self, first: str, importer: str) -> str | None:
        """Return the nearest root above the importer that holds a package: what is below its name is found there only."""
        folder = importer.rpartition("/")[0]
        while True:
            package = f"{folder}/{first}" if folder else first
            if not self.is_package(folder) and self.is_package(package):
                return None if self._is_shared(package) else folder
            if not folder:
                return None
            folder = folder.rpartition("/")[0]

    def _is_shared(self, package: str) -> bool:
        """Say whether a package takes in the folders of its name under other roots."""
        content = self.tree.bytes(f"{package}/__init__.py") or b""
        return b"extend_path" in content or b"declare_namespace" in content

    def _rank(self, root: str, importer: str, dotted: str, path: str) -> tuple[int, int] | None:
        """Order the source roots a name may be found under; None for a root it cannot be.

        0  a folder above the importer that is no package: the nearest wins
        1  the importer's own package used as a root (`cd app && uvicorn main:app`)
        2  a root elsewhere: the one that shares most with the importer; of names without a dot only installed packages
        """
        above = root == "" or importer.startswith(root + "/")
        if above and not self.is_package(root):
            return 0, -root.count("/") - bool(root)
        if above:
            return 1, -root.count("/")
        is_whole = "." in dotted or path.endswith("/__init__.py") and self._is_installed(root)
        return (2, -_shared(root, importer)) if is_whole and not self.is_package(root) else None

    def _is_installed(self, root: str) -> bool:
        """Say whether the packages under a root are installed: it is a `src`, or somebody's project."""
        return root.rpartition("/")[2] == "src" or any(f"{root}/{file}" in self.tree for file in ("pyproject.toml", "setup.py", "setup.cfg"))

    def _parse(self, path: str) -> Module | None:
        text = self.tree.text(path)
        if text is None:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # invalid escapes in other people's strings
                return Module(self, path, text, _parsed(text))
        except SyntaxError as problem:
            self.tree.skip(
                path, f"not Python {sys.version_info[0]}.{sys.version_info[1]}: {problem.msg}", problem.lineno
            )
        except (ValueError, RecursionError, MemoryError) as problem:
            self.tree.skip(path, "holds a null byte" if "null" in str(problem) else "nested too deeply")
        return None


class Module:
    """One parsed file."""

    def __init__(self, modules: Modules, path: str, text: str, tree: ast.Module) -> None:
        self.modules = modules
        self.path = path
        self.text = text
        self.tree = tree
        self._parents: dict[ast.AST, ast.AST] = {}
        self.scopes: dict[ast.AST, Scope] = {}  # read so far
        self.around: dict[ast.AST, list[Scope]] = {}  # the scopes around nodes, asked for so far
        self.filled: dict[tuple[ast.AST, str], tuple[Path, ...]] = {}  # what code of a scope sets in what a name holds
        self.bindings: dict[tuple[Scope, str], names.Resolved | None] = {}  # resolved so far
        self.conditions: dict[ast.AST, tuple[tuple[ast.expr, bool], ...]] = {}  # see reach; asked for so far
        self.literals: dict[ast.Constant, Value] = {}  # evaluated so far
        self._locations: dict[ast.AST, Location] = {}  # asked for so far
        self._loads: dict[str, list[ast.expr]] = {}  # the same
        self._calls: dict[str, list[ast.Call]] = {}
        self.rewriters: list[tuple[int, str | None]] | None = None  # see outside; None until asked for

    def __repr__(self) -> str:
        return f"Module({self.path!r})"

    @cached_property
    def name(self) -> str:
        """The dotted name from the nearest root: the first folder above that is no package."""
        parts = self.path.removesuffix(".py").split("/")
        start = len(parts) - 1
        while start and self.modules.is_package("/".join(parts[:start])):
            start -= 1
        if parts[-1] == "__init__" and len(parts) - 1 > start:
            parts.pop()
        return ".".join(parts[start:])

    @cached_property
    def lines(self) -> list[str]:
        # Not splitlines(): the parser breaks lines at \n, \r and \r\n only.
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def location(self, node: ast.AST) -> Location:
        """Return where a node stands; ast counts columns in UTF-8 bytes, a Location in code points."""
        if (found := self._locations.get(node)) is None:
            found = self._locations[node] = self._location(node)
        return found

    def _location(self, node: ast.AST) -> Location:
        line, end = getattr(node, "lineno", 1), getattr(node, "end_lineno", None)
        column = self._column(line, getattr(node, "col_offset", 0))
        end_column = self._column(end, node.end_col_offset) if end else None  # type: ignore[attr-defined]
        return Location(self.path, line, column, end, end_column)

    def _column(self, line: int, offset: int) -> int:
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return (offset if text.isascii() else len(text.encode()[:offset].decode("utf-8", "ignore"))) + 1

    def text_at(self, at: Location) -> str:
        """Return the text of a span with an end."""
        lines = self.lines[at.line - 1 : at.end_line]
        lines[-1] = lines[-1][: (at.end_column or 1) - 1]  # the end first: both may be on one line
        lines[0] = lines[0][at.column - 1 :]
        return "\n".join(lines)

    def source(self, node: ast.AST, longest: int = 60) -> str:
        """Return the node's text on one line, shortened."""
        line, end = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
        if not line or not end:
            return ""
        lines = [self.lines[number - 1].encode() for number in range(line, min(end, line + 3) + 1)]
        if end <= line + 3:
            lines[-1] = lines[-1][: node.end_col_offset]  # type: ignore[attr-defined]
        lines[0] = lines[0][node.col_offset :]  # type: ignore[attr-defined]
        text = " ".join(b" ".join(lines).decode("utf-8", "ignore").split())
        return text if len(text) <= longest else text[: longest - 1] + "…"

    # -- structure

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the file that has a place or children, parents before children; walked once."""
        return pieces.walked([self.tree], self._parents)

    @cached_property
    def _pieces(self) -> pieces.Pieces:
        return pieces.Pieces(self.tree, self._parents)

    def parent(self, node: ast.AST) -> ast.AST | None:
        """Return what a node stands in, None for the module itself and for what is not in it."""
        found = self._parents.get(node)
        if found is None and node is not self.tree:
            self._pieces.walk_around(node)
            if node not in self._parents:
                _ = self.nodes
            found = self._parents.get(node)
        return found

    def adopt(self, node: ast.AST, parent: ast.AST) -> None:
        """Let a node that nobody wrote stand where another one does."""
        self._parents[node] = parent

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around a node, innermost first."""
        parents = self._parents
        while (around := parents.get(node) or self.parent(node)) is not None:
            yield (node := around)

    def loads(self, name: str) -> list[ast.expr]:
        """Return what loads a name, or an attribute of that name: what stands further out before what functions do."""
        if name not in self._loads:
            found = self._pieces.loads(name, self._lines_with(name))
            self._loads[name] = sorted(found, key=self._further_in)
        return self._loads[name]

    def near(self, *words: str) -> Iterator[ast.AST]:
        """Yield the nodes of the statements whose text holds one of some words; parents before children."""
        lines = sorted({line for word in words for line in self._lines_with(word)})
        return self._pieces.near(lines)

    def _lines_with(self, word: str) -> list[int]:
        return [number for number, line in enumerate(self.lines, 1) if word in line] if word in self.text else []

    def _further_in(self, node: ast.expr) -> tuple[int, int, int]:
        return sum(1 for _ in self.ancestors(node)), node.lineno, node.col_offset

    @cached_property
    def scope(self) -> Scope:
        """The module's own scope; nested ones are built when asked for."""
        return scope_of(self.tree, self.has_walrus)

    @cached_property
    def has_walrus(self) -> bool:
        """Whether any expression of the file may bind a name."""
        return ":=" in self.text

    def scope_at(self, node: ast.AST) -> Scope:
        """Return the innermost scope whose code the node is part of."""
        return names.scope_at(self, node)

    def enclosing_functions(self, node: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda]:
        """Return the functions around a node, innermost first."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
        return [parent for parent in self.ancestors(node) if isinstance(parent, kinds)]

    def qualname(self, node: ast.AST) -> str:
        """Return the dotted name of the scope around a node: "Database.connect", or "<module>"."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        parts = [parent.name for parent in self.ancestors(node) if isinstance(parent, kinds)]
        return ".".join(reversed(parts)) or "<module>"

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Every import of the file, also those in functions, in the order of their lines."""
        statements: list[ast.AST] = [self.tree]
        for stmt in statements:  # grows while it is walked
            statements.extend(child_statements(stmt))
        found = [imported for stmt in statements for imported in imports_of(stmt)]
        return tuple(sorted(found, key=lambda imported: imported.line))

    @cached_property
    def is_test(self) -> bool:
        """Whether the module is there for tests: by how test runners find it or by what it imports."""
        may_import = "pytest" in self.text or "unittest" in self.text  # tells most files without a look at their statements
        return self.modules.is_for_tests(self.path) or may_import and any(found.is_of_tests for found in self.imports)

    @cached_property
    def is_for_migrations(self) -> bool:
        """Whether the module is there for migrations: by what it imports or the folder it stands in."""
        below = self.modules.tree.below_base(self.path).split("/")[:-1]
        imports_alembic = "alembic" in self.text and any(found.is_of_migrations for found in self.imports)
        return imports_alembic or not MIGRATION_FOLDERS.isdisjoint(below)

    def calls_of(self, name: str) -> list[ast.Call]:
        """Return the calls of something whose name ends so, in the order of the text: `connect()`, `db.pool.connect()`."""
        if name not in self._calls:
            called = ((node, self.parent(node)) for node in self.loads(name))
            found = [around for node, around in called if isinstance(around, ast.Call) and around.func is node]
            self._calls[name] = sorted(found, key=lambda call: (call.lineno, call.col_offset))
        return self._calls[name]

    @cached_property
    def called(self) -> frozenset[str]:
        """How the names of all that the file calls end."""
        callees = (node.func for node in self.nodes if isinstance(node, ast.Call))
        names_of = (each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "") for each in callees)
        return frozenset(filter(None, names_of))  # without those of calls like `make()()`

    def writers_of(self, name: str) -> tuple[ast.AST, ...]:
        """Return the functions that set a name of the module through `global`."""
        return self._writers.get(name, ())

    @cached_property
    def _writers(self) -> dict[str, tuple[ast.AST, ...]]:
        found: dict[str, tuple[ast.AST, ...]] = {}
        for node in self.near("global"):
            if isinstance(node, ast.Global):
                function = next(iter(self.enclosing_functions(node)), None)
                for name in node.names if function else ():
                    found[name] = (*found.get(name, ()), function)
        return found

    def qualified(self, expression: ast.expr) -> str | None:
        """Return the dotted name of a callee after import resolution, None when it is not known.

        "sqlalchemy.create_engine" for the library's, under every name it is imported by; "app.db.create_engine" for a
        function of the project.
        """
        return names.qualified(self, expression)


def _parsed(text: str) -> ast.Module:
    """Parse a file, also one of a later Python than this; raise what the file as it stands raises."""
    try:
        return ast.parse(text)
    except SyntaxError as problem:
        try:
            return ast.parse(lowered(text))
        except SyntaxError:
            raise problem from None


def imports_of(node: ast.AST) -> Iterator[Import]:
    """Yield what one statement imports."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, None, alias.asname or alias.name.partition(".")[0], 0, node.lineno, node)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield Import(node.module or "", alias.name, alias.asname or alias.name, node.level, node.lineno, node)


def _shared(one: str, other: str) -> int:
    count = 0
    for a, b in zip(one.split("/"), other.split("/")):
        if a != b:
            break
        count += 1
    return count
