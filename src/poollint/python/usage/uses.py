"""What the project does with its engines: use before a fork, disposal, new event loops, session state."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from poollint.facts import Location, Use
from poollint.python.evaluator.callers import Reference, function_around
from poollint.python.evaluator.values import FunctionRef
from poollint.python.sites import Site
from poollint.python.source import names
from poollint.python.source.modules import Module, Modules
from poollint.python.source.scopes import FUNCTIONS, dotted, walk
from poollint.python.usage import contexts
from poollint.python.usage.forks import DEEPEST, Candidate, Forks, runs_in_child
from poollint.python.usage.holders import Follower, Holders, Named, holders_of, holds, named, variable
from poollint.python.usage.keeping import Function, kept
from poollint.python.usage.programs import is_in_endless_loop
from poollint.python.usage.roles import Roles

DEEPEST_LOOP = 3  # calls between an endless loop and what starts an event loop in it


class _LoopStart(NamedTuple):
    """A call that starts an event loop, and the code that runs in it, with the module that holds this code."""

    module: Module
    call: ast.Call
    home: Module
    code: ast.AST


class Uses:
    """Finds the uses of each engine; files are picked by bytes, parsed once."""

    def __init__(self, roles: Roles) -> None:
        self.roles = roles
        self.modules: Modules = roles.modules
        self.follower = Follower()
        self._forks = Forks(roles)
        self._named: dict[str, Named] = {}

    def of(self, site: Site) -> tuple[tuple[Use, ...], tuple[Candidate, ...]]:
        """Return the uses of a site's engine, and those before a fork, which conditions decide; none for tests and samples."""
        if self.roles.is_aside(site.module.path):
            return (), ()
        holders = holders_of(self.modules, site)
        disposals = list(self._disposals(site, holders))
        found = {
            *disposals,
            *(self._new_loops(holders) if site.is_async else ()),
            *self._session_state(site, holders),
        }
        return tuple(found), self._before_fork(holders, disposals)

    def _files(self, *needles: bytes, also: re.Pattern[bytes] | None = None) -> Iterator[Module]:
        """Yield the parsed files that hold one of the byte strings and match `also`, without tests and samples."""
        for path in self._paths(*needles):
            if also is None or also.search(self.modules.tree.bytes(path) or b""):
                if module := self.modules.module(path):
                    yield module

    def _paths(self, *needles: bytes) -> Iterator[str]:
        for path in self.modules.paths:
            content = self.modules.tree.bytes(path) or b""
            if any(needle in content for needle in needles) and not self.roles.is_aside(path):
                yield path

    # -- dispose

    def _disposals(self, site: Site, holders: Holders) -> Iterator[Use]:
        for module in self._files(b".dispose"):
            for call in module.calls_of("dispose"):
                owner = getattr(call.func, "value", None)
                if owner is not None and _is_the_engine(owner, module, site, holders):
                    keeps = any(k.arg == "close" and _is_false(k.value) for k in call.keywords)
                    kind = "dispose-keep-open" if keeps else "dispose"
                    function = function_around(module, call)
                    when = "child" if function and runs_in_child(function) else ""
                    yield Use(kind, _where(module, call), module.location(call), when)  # type: ignore[arg-type]

    # -- use before a fork

    def _before_fork(self, holders: Holders, disposals: Sequence[Use]) -> tuple[Candidate, ...]:
        words = {name.encode() for _, name in holders.variables} | {d.name.encode() for d in holders.definitions}  # type: ignore[attr-defined]
        graph = self.roles.graph
        reached = holders.importers(graph)
        paths = {path for path in self._paths(*words) if path in reached} if words else set()
        for _ in range(DEEPEST - 1):
            paths |= {other for path in paths for other in graph.importers.get(path, ())}
        ended = [use for use in disposals if use.kind == "dispose"]
        found = self._forks.candidates(holders, sorted(paths))
        return tuple(candidate for candidate in found if not _is_disposed(candidate, ended))

    # -- new event loops

    def _new_loops(self, holders: Holders) -> Iterator[Use]:
        reached = holders.importers(self.roles.graph) if holders else frozenset()
        for start in self._loop_starts:
            if start.home.path in reached:
                # What runs the call is the longer search: many commands start a loop, few of them come to an engine.
                if self._comes_to(holders, start) and self._starts_repeatedly(start):
                    says = f"{(dotted(start.call.func) or 'a new loop').strip()} in {start.module.qualname(start.call)}"
                    yield Use("new-loop", says, start.module.location(start.call))

    def _comes_to(self, holders: Holders, start: _LoopStart) -> bool:
        """Say whether what runs in a loop uses an engine that others used before it."""
        around = function_around(start.module, start.call)
        if around is not None and self.follower.forgets(holders, start.module, around):
            return False
        return self.follower.comes_to(holders, start.home, start.code)

    @cached_property
    def _loop_starts(self) -> tuple[_LoopStart, ...]:
        """The calls that start an event loop, with what runs in it."""
        found: list[_LoopStart] = []
        needles = (
            b"asyncio.run",
            b"anyio.run",
            b"run_until_complete",
            b"async_to_sync",
            b"asyncio",
            b"anyio",
            b"asgiref",
        )
        for module in self._files(*needles, also=_STARTS_A_LOOP):
            for call, coroutine in _loop_calls(module):
                found.extend(self._loops(module, call, coroutine))
        return tuple(found)

    def _loops(self, module: Module, call: ast.Call, coroutine: ast.AST, depth: int = 0) -> Iterator[_LoopStart]:
        """Yield the loop starts inside functions; a helper or decorator that runs what it gets stands for its users."""
        function = function_around(module, call)
        if function is None or depth > 3 or self.follower.summary(module, function).disposes:
            return  # what runs the loop may empty the pool before it ends
        run = coroutine.func if isinstance(coroutine, ast.Call) else coroutine
        if isinstance(coroutine, ast.Name) and coroutine.id in module.scope_at(function.body[0]).parameters:
            for reference in self.roles.callers.of(module, function):
                if reference.call is not None and reference.call.args:
                    yield from self._loops(reference.module, reference.call, reference.call.args[0], depth + 1)
        elif isinstance(run, ast.Name) and (decorator := _decorator_with(module, function, run.id)):
            for reference in self.roles.callers.of(module, decorator):
                if decorated := _decorated_at(reference):
                    yield _LoopStart(module, call, reference.module, decorated)
        else:
            yield _LoopStart(module, call, module, coroutine)

    def _starts_repeatedly(self, start: _LoopStart) -> bool:
        """Say whether a loop is started again and again; by a decorator, where what it decorates is run so."""
        if self._is_repeated(start.module, start.call):
            return True
        return isinstance(start.code, FUNCTIONS) and self._is_repeated(start.home, start.code.body[0])

    def _is_repeated(self, module: Module, node: ast.AST) -> bool:
        """Say whether each task or request runs a piece of code, or each turn of a loop that does not end."""
        runs = self.roles.lifecycle.runs_of(module, node)
        is_asked_for = any(run.context.kind in ("task", "request") and not self.roles.is_aside(run.path) for run in runs)
        return is_asked_for or self._goes_round(module, node)

    def _goes_round(self, module: Module, node: ast.AST, depth: int = 0) -> bool:
        """Say whether an endless loop, here or around a call of this function, comes to a place again and again."""
        if is_in_endless_loop(module, node):
            return True
        function = function_around(module, node)
        if function is None or depth >= DEEPEST_LOOP:
            return False
        calls = ((each.module, each.call) for each in self.roles.callers.of(module, function, self.roles.is_aside))
        return any(call is not None and self._goes_round(other, call, depth + 1) for other, call in calls)

    # -- session state

    def _session_state(self, site: Site, holders: Holders) -> Iterator[Use]:
        for module, says, location in self._states:
            if module is not site.module and self.roles.by_file(module):
                continue  # a migration's or a test's own connections
            near = module.path == site.module.path or site.module.path in self.roles.graph.imports(module.path)
            if near or holders and self._named_in(module).leads_to(holders):
                yield Use("session-state", says, location)

    def _named_in(self, module: Module) -> Named:
        if module.path not in self._named:
            self._named[module.path] = named(module, module.nodes)
        return self._named[module.path]

    @cached_property
    def _states(self) -> tuple[tuple[Module, str, Location], ...]:
        found: list[tuple[Module, str, Location]] = []
        needles = (b"advisory_lock", b"LISTEN", b"listen ", b"TEMP", b"temp", b"SET ", b"set ")
        for module in self._files(*needles, also=_HOLDS_STATE):
            if b"sqlalchemy" in (self.modules.tree.bytes(module.path) or b"") or module.calls_of("execute"):
                found.extend((module, says, module.location(node)) for says, node in _states(module))
        return tuple(found)


# -- dispose -----------------------------------------------------------------------------------------------------------


def _is_the_engine(owner: ast.expr, module: Module, site: Site, holders: Holders) -> bool:
    if holds(holders, module, owner):
        return True
    if isinstance(owner, ast.Call) and holds(holders, module, owner.func):
        return True  # get_engine().dispose()
    # `self._engine.dispose()` in the class, or `engine.dispose()` of a local in the file, that makes it.
    return module is site.module and "engine" in (dotted(owner) or "").lower() and variable(module, owner) is None


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _where(module: Module, node: ast.AST) -> str:
    function = function_around(module, node)
    if function is None:
        return "at module level"
    context = contexts.of_function(module, function)
    return context.says if context else f"in {function.name}"


def _is_disposed(candidate: Candidate, disposals: Sequence[Use]) -> bool:
    """Say whether the parent empties the pool after the use, in the same file and function: nothing is left to share."""
    for module, call in candidate.way:
        where = _where(module, call)
        if any(use.location.path == module.path and use.location.line > call.lineno and use.says == where for use in disposals):
            return True
    return False


# -- event loops -------------------------------------------------------------------------------------------------------


# What a file that starts a loop calls: `run` of asyncio or anyio, or one of the others.
_STARTS_A_LOOP = re.compile(rb"\b(?:run|async_to_sync|run_until_complete)\b")


def _loop_calls(module: Module) -> Iterator[tuple[ast.Call, ast.AST]]:
    """Yield the calls that run something in a loop of its own, with what they run.

    `loop = asyncio.get_event_loop(); loop.run_until_complete(...)` uses one loop again and again.
    """
    for call in module.calls_of("run"):
        if call.args and module.qualified(call.func) in ("asyncio.run", "anyio.run", "asyncio.runners.run", "trio.run"):
            yield call, call.args[0]
    for call in module.calls_of("async_to_sync"):
        if call.args:
            yield call, call.args[0]
    for call in module.calls_of("run_until_complete"):
        function = function_around(module, call)
        if call.args and function and _makes_a_loop(module, function):
            yield call, call.args[0]


def _decorator_with(module: Module, function: Function, name: str) -> Function | None:
    """Return the function of the module whose users give it what a function inside it calls: `def run_async(func): ...`."""
    around = [each for each in module.enclosing_functions(function) if isinstance(each, FUNCTIONS)]
    is_given = any(name in module.scope_at(each.body[0]).parameters for each in around)
    return around[-1] if is_given else None


def _decorated_at(reference: Reference) -> Function | None:
    """Return the function that a reference decorates: `@run_async`, `@run_async(app)`."""
    node, module = reference.node, reference.module
    around = module.parent(node)
    if isinstance(around, ast.Call) and around.func is node:
        node, around = around, module.parent(around)
    return around if isinstance(around, FUNCTIONS) and node in around.decorator_list else None


def _makes_a_loop(module: Module, function: Function) -> bool:
    """Say whether a function makes a loop each time: one it keeps, or after `get_event_loop()`, only where there is none."""
    calls = [node for node in walk(function) if isinstance(node, ast.Call)]
    called = {(dotted(node.func) or "").rpartition(".")[2]: node for node in calls}
    made = called.get("new_event_loop")
    return made is not None and "get_event_loop" not in called and not kept(module, made, function)


# -- session state -----------------------------------------------------------------------------------------------------

_LOCK = re.compile(r"\bpg_(?:try_)?advisory_lock(?:_shared)?\s*\(", re.IGNORECASE)
_LISTEN = re.compile(r"\s*LISTEN\s+\S", re.IGNORECASE)
_TEMPORARY = re.compile(
    r"\bCREATE\s+(?:LOCAL\s+|GLOBAL\s+)?TEMP(?:ORARY)?\s+TABLE\b(?!.*\bON\s+COMMIT\s+DROP\b)", re.IGNORECASE | re.DOTALL
)
# PgBouncer keeps the last ones apart itself; SET LOCAL and SET TRANSACTION end with the transaction.
_SET = re.compile(
    r"\s*SET\s+(?:SESSION\s+)?(?!LOCAL\b|TRANSACTION\b|CHARACTERISTICS\b|CONSTRAINTS\b|TIME\s+ZONE\b|TIMEZONE\b|APPLICATION_NAME\b|"
    r"CLIENT_ENCODING\b|DATESTYLE\b|STANDARD_CONFORMING_STRINGS\b|NAMES\b)\w+",
    re.IGNORECASE,
)

# Some bytes of each of the four, before a file is parsed: `set` and `listen` alone are in most.
_HOLDS_STATE = re.compile(rb"advisory_lock|listen|create.{1,60}temp", re.IGNORECASE | re.DOTALL)


def _states(module: Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield the SQL texts that change the session they run in, with what they are."""
    for node in module.nodes:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or len(node.value) > 20_000:
            continue
        if isinstance(module.parent(node), ast.Expr):
            continue  # a docstring
        if _LOCK.search(node.value):
            yield "session-level advisory lock", node
        elif _LISTEN.match(node.value) and _is_executed(module, node):
            yield "LISTEN", node
        elif _TEMPORARY.search(node.value):
            yield "temporary table", node
        elif _SET.match(node.value) and _in_connect_event(module, node):
            yield "SET without LOCAL in a connect event", node


def _is_executed(module: Module, node: ast.AST) -> bool:
    for parent in module.ancestors(node):
        if isinstance(parent, ast.Call) and (dotted(parent.func) or "").rpartition(".")[2] in (
            "execute",
            "text",
            "exec_driver_sql",
        ):
            return True
        if isinstance(parent, ast.stmt):
            return False
    return False


def _in_connect_event(module: Module, node: ast.AST) -> bool:
    """Say whether code runs in a listener of a pool's connect or checkout event."""
    function = function_around(module, node)
    calls = (*module.calls_of("listens_for"), *module.calls_of("listen"))
    for call in calls:
        event = call.args[1] if len(call.args) > 1 else None
        if (
            function
            and isinstance(event, ast.Constant)
            and event.value in ("connect", "first_connect", "checkout", "engine_connect")
        ):
            if module.parent(call) is function:
                return True
            handed = names.resolve(module, call.args[2]) if len(call.args) > 2 else None
            if isinstance(handed, FunctionRef) and handed.node is function:
                return True
    return False
