"""Python read for what it starts: the assignments of a server's config file, `uvicorn.run(...)` in a script.

A small subset of expressions over the process's variables and the number of CPUs; everything else is Unknown. (What
engines are made of is evaluated elsewhere, and far more thoroughly.)
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from poollint._expand import whole_cpus
from poollint._words import weaker
from poollint.facts import Certainty, Known, Location, Origin, Setting, Unknown

from ._entry import module_path
from ._run import Run

LARGEST_FILE = 300_000  # characters
DEEPEST = 60
MOST_HOPS = 3  # modules that a name is followed through
LARGEST_NUMBER = 10**9


@lru_cache(maxsize=64)  # the same modules are asked for by every workload that runs them
def parse(text: str) -> ast.Module | None:
    """Return the syntax tree, or None for what this Python does not parse."""
    if len(text) > LARGEST_FILE:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def shown(node: ast.AST) -> str:
    """Return an expression as a reason quotes it."""
    try:
        return " ".join(ast.unparse(node).split())[:60]
    except RecursionError:
        return "a deeply nested expression"


def assignments(text: str, start: Location, run: Run) -> dict[str, Setting]:
    """Return what the names of a config file are worth at its end."""
    module = parse(text)
    if module is None:
        return {}
    scope = Names(run, start)
    scope.block(module.body)
    return scope.values


@dataclass(slots=True)
class Names:
    """The names of a module as far as its statements can be followed."""

    run: Run
    start: Location
    values: dict[str, Setting] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    directory: str = ""  # the import root, for names that come from other modules
    hops: int = 0

    def block(self, statements: list[ast.stmt], depth: int = 0) -> None:
        for statement in statements:
            if depth <= DEEPEST:
                self.statement(statement, depth)

    def statement(self, node: ast.stmt, depth: int) -> None:
        match node:
            case ast.Import(names) | ast.ImportFrom(names=names):
                module = f"{node.module}." if isinstance(node, ast.ImportFrom) and node.module else ""
                for alias in names:
                    bound = alias.asname or (alias.name if module else alias.name.partition(".")[0])
                    self.imports[bound] = module + (alias.name if alias.asname or module else bound)
            case ast.Assign(targets, value):
                for target in targets:
                    if isinstance(target, ast.Name):
                        self.bind(target.id, value)
            case ast.AnnAssign(ast.Name(name), _, ast.expr() as value, _):
                self.bind(name, value)
            case ast.If(test, body, orelse):
                self.branch(test, body, orelse, depth)
            case ast.Try(body, _, orelse, final):
                self.block([*body, *orelse, *final], depth + 1)
            case ast.With(_, body):
                self.block(body, depth + 1)

    def bind(self, name: str, value: ast.expr) -> None:
        setting = self.value(value)
        self.values[name] = setting

    def branch(self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt], depth: int) -> None:
        condition = self.value(test)
        if isinstance(condition, Known):
            before = dict(self.values)
            self.block(body if condition.value else orelse, depth + 1)
            if condition.certainty == "fallback":
                for name, setting in self.values.items():
                    if before.get(name) is not setting and isinstance(setting, Known):
                        self.values[name] = replace(setting, certainty=weaker(setting.certainty, "fallback"))
            return
        before = dict(self.values)
        self.block(body, depth + 1)
        first, self.values = self.values, before.copy()
        self.block(orelse, depth + 1)
        for name in {*first, *self.values}:
            one, other = first.get(name), self.values.get(name)
            if one is None or other is None or not _same(one, other):
                place = self.at(test)
                self.values[name] = Unknown(f"{name} depends on {shown(test)}", Origin(name, place))

    def at(self, node: ast.AST) -> Location:
        return Location(
            self.start.path, getattr(node, "lineno", 1) + self.start.line - 1, getattr(node, "col_offset", 0) + 1
        )

    # -- expressions

    def value(self, node: ast.expr, depth: int = 0) -> Setting:
        """Evaluate an expression; every Known says where its number is written."""
        if depth > DEEPEST:
            return self.unknown(node, "nested too deeply")
        match node:
            case ast.Constant(value):
                return Known(value, Origin("written", self.at(node)))
            case ast.Attribute() if self.dotted(node) in _SERVERS_RUN:
                return Known(_SERVERS_RUN[self.dotted(node)], Origin("servers run Linux", self.at(node)), "default")
            case ast.Name(name):
                return self.values.get(name) or self.imported(name) or self.unknown(node, f"{name} is not readable")
            case ast.UnaryOp(ast.USub(), operand):
                return self.apply(node, lambda x: -x, [operand], depth)
            case ast.UnaryOp(ast.Not(), operand):
                return self.apply(node, lambda x: not x, [operand], depth)
            case ast.BinOp(left, operator, right) if type(operator) in _BINARY:
                return self.apply(node, _BINARY[type(operator)], [left, right], depth)
            case ast.Compare(left, [operator], [right]) if type(operator) in _COMPARE:
                return self.apply(node, _COMPARE[type(operator)], [left, right], depth)
            case ast.BoolOp(operator, values):
                return self.either(isinstance(operator, ast.Or), values, depth)
            case ast.IfExp(test, body, orelse):
                return self.choice(node, test, body, orelse, depth)
            case ast.List(items) | ast.Tuple(items):
                return self.apply(node, lambda *parts: list(parts), items, depth)
            case ast.JoinedStr(parts):
                return self.apply(node, lambda *texts: "".join(map(str, texts)), parts, depth)
            case ast.FormattedValue(value, -1, None):
                return self.value(value, depth + 1)
            case ast.Subscript(value, ast.Constant(str(name))) if self.dotted(value) in ("os.environ",):
                return self.variable(node, name, None, depth)
            case ast.Call():
                return self.call(node, depth)
        return self.unknown(node, f"computed by {shown(node)}" if depth < 3 else "computed")

    def imported(self, name: str) -> Setting | None:
        """Return what a name is worth in the module of the project that it comes from."""
        module, _, original = self.imports.get(name, "").rpartition(".")
        path = module_path(module, self.directory, self.run) if module and self.hops < MOST_HOPS else None
        text = self.run.tree.text(path) if path else None
        parsed = parse(text) if text else None
        if parsed is None or path is None:
            return None
        names = Names(self.run, Location(path, 1), directory=self.directory, hops=self.hops + 1)
        names.block(parsed.body)
        return names.values.get(original)

    def unknown(self, node: ast.AST, reason: str) -> Unknown:
        return Unknown(reason, Origin("", self.at(node)))

    def apply(self, node: ast.expr, function: Callable[..., Any], parts: list[ast.expr], depth: int) -> Setting:
        settings = [self.value(part, depth + 1) for part in parts]
        for setting in settings:
            if isinstance(setting, Unknown):
                return setting
        values = [setting.value for setting in settings if isinstance(setting, Known)]
        if any(isinstance(value, (int, float)) and abs(value) > LARGEST_NUMBER for value in values):
            return self.unknown(node, "too large a number")
        if sum(len(value) for value in values if isinstance(value, (str, list))) > 10_000:
            return self.unknown(node, "too long a text")
        if isinstance(node, ast.BinOp) and not all(isinstance(value, (int, float)) for value in values):
            if not isinstance(node.op, ast.Add):
                return self.unknown(node, f"computed by {shown(node)}")
        try:
            result = function(*values)
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            return self.unknown(node, f"computed by {shown(node)}")
        certainty = (
            weaker(*(setting.certainty for setting in settings if isinstance(setting, Known))) if settings else "exact"
        )
        return Known(result, Origin("written", self.at(node)), certainty)

    def either(self, is_or: bool, values: list[ast.expr], depth: int) -> Setting:
        certainties: list[Certainty] = []
        result: Setting = Unknown("no value")
        for value in values:
            result = self.value(value, depth + 1)
            if isinstance(result, Unknown):
                return result
            certainties.append(result.certainty)
            if bool(result.value) is is_or:
                break
        return replace(result, certainty=weaker(*certainties)) if isinstance(result, Known) else result

    def choice(self, node: ast.expr, test: ast.expr, body: ast.expr, orelse: ast.expr, depth: int) -> Setting:
        condition = self.value(test, depth + 1)
        if isinstance(condition, Unknown):
            one, other = self.value(body, depth + 1), self.value(orelse, depth + 1)
            return one if _same(one, other) else self.unknown(node, f"depends on {shown(test)}")
        result = self.value(body if condition.value else orelse, depth + 1)
        if isinstance(result, Known) and condition.certainty == "fallback":
            result = replace(result, certainty=weaker(result.certainty, "fallback"))
        return result

    # -- calls

    def dotted(self, node: ast.expr) -> str:
        """Return `os.environ.get` for whatever alias it was imported by."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute) and len(parts) < 8:
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.imports.get(node.id, node.id), *reversed(parts)])

    def call(self, node: ast.Call, depth: int) -> Setting:
        name = self.dotted(node.func)
        if name in _CPU_COUNTS:
            return self.cpus(node)
        if name in _SERVERS_RUN and not node.args:
            return Known(_SERVERS_RUN[name], Origin("servers run Linux", self.at(node)), "default")
        if name == "len" and node.args and isinstance(node.args[0], ast.Call):
            if self.dotted(node.args[0].func) == "os.sched_getaffinity":
                return self.cpus(node)
        if name in ("os.getenv", "os.environ.get") and node.args:
            default = (
                node.args[1]
                if len(node.args) > 1
                else next((k.value for k in node.keywords if k.arg == "default"), None)
            )
            if isinstance(node.args[0], ast.Constant):
                return self.variable(node, str(node.args[0].value), default or ast.Constant(None), depth)
        if name in _FUNCTIONS and not node.keywords and not any(isinstance(arg, ast.Starred) for arg in node.args):
            if name in ("int", "float", "str", "bool") and len(node.args) == 1:
                inner = self.value(node.args[0], depth + 1)
                return self._cast(node, inner, _FUNCTIONS[name])
            return self.apply(node, _FUNCTIONS[name], list(node.args), depth)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS and not node.keywords:
            method = node.func.attr
            return self.apply(
                node, lambda text, *rest: getattr(str(text), method)(*rest), [node.func.value, *node.args], depth
            )
        return self.unknown(node, f"computed by {shown(node.func)}()")

    def _cast(self, node: ast.Call, inner: Setting, cast: Callable[[Any], Any]) -> Setting:
        """`int(...)` keeps the place of what it converts: that is where the number is written."""
        if isinstance(inner, Unknown):
            return inner
        try:
            return replace(inner, value=cast(inner.value))
        except (TypeError, ValueError, OverflowError):
            return self.unknown(node, f"computed by {shown(node)}")

    def cpus(self, node: ast.expr) -> Setting:
        cpus = self.run.scope.cpus
        if isinstance(cpus, Unknown):
            return self.unknown(node, "computed from the number of CPUs, which no file gives")
        certainty: Certainty = "stated" if cpus.certainty == "stated" else "estimate"
        return Known(whole_cpus(cpus.value), Origin("number of CPUs", self.at(node)), certainty)

    def variable(self, node: ast.expr, name: str, default: ast.expr | None, depth: int) -> Setting:
        """Return the value of an environment variable, else the default that the code writes."""
        setting = self.run.scope.variables.get(name)
        if setting is not None:
            return setting
        if default is None:
            return self.unknown(node, f"set by {name}, which no file gives")
        fallback = self.value(default, depth + 1)
        if isinstance(fallback, Unknown) or self.run.scope.complete:
            return fallback
        return replace(fallback, certainty=weaker(fallback.certainty, "fallback"))


def _same(one: Setting, other: Setting) -> bool:
    return isinstance(one, Known) and isinstance(other, Known) and one.value == other.value


_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}
_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Is: lambda a, b: a is b,
    ast.IsNot: lambda a, b: a is not b,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
_CPU_COUNTS = frozenset(
    {"multiprocessing.cpu_count", "os.cpu_count", "os.process_cpu_count", "cpu_count", "psutil.cpu_count"}
)
_SERVERS_RUN = {"sys.platform": "linux", "platform.system": "Linux", "os.name": "posix"}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "int": lambda value: int(value),
    "float": float,
    "str": str,
    "bool": bool,
    "min": min,
    "max": max,
    "round": round,
    "abs": abs,
    "math.ceil": lambda value: -int(-value // 1),
    "math.floor": lambda value: int(value // 1),
    "len": len,
}
_METHODS = frozenset({"lower", "upper", "strip", "startswith", "endswith"})
