"""Event listeners that test a connection at checkout: the way people pinged before `pool_pre_ping`."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property

from poollint.facts import Known, Location, Origin, Setting
from poollint.python.evaluator.values import FunctionRef, LibraryRef
from poollint.python.sites import Site
from poollint.python.source import names
from poollint.python.source.modules import Module, Modules
from poollint.python.source.scopes import FUNCTIONS, dotted

_EVENTS = frozenset({"checkout", "engine_connect"})
_SELECT = re.compile(r"\s*select\s+1\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Listener:
    """One listener that pings; `target` is the dotted name it listens to, "" for every engine or pool."""

    path: str
    target: str
    location: Location


class Pings:
    """Finds the listeners of a project once."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules

    def of(self, site: Site) -> Setting:
        """Return Known(True) with the listener that pings the engine, Known(False) when there is none."""
        names_here = _names_of(site)
        for listener in self._listeners:
            same_file = listener.path == site.module.path
            # `listens_for(engine.sync_engine, ...)`; in another file the name is imported: its last part is the same.
            target = listener.target.removesuffix(".sync_engine").rpartition(".")[2]
            if not target or target in names_here or (same_file and not names_here):
                return Known(True, Origin("pinged by an event listener", listener.location))
        return Known(False, Origin("no event listener pings it", site.location))

    @cached_property
    def _listeners(self) -> tuple[_Listener, ...]:
        found: list[_Listener] = []
        for path in self.modules.containing(b"event", b"listen"):
            with self.modules.tree.guard(path):
                if module := self.modules.module(path):
                    calls = (*module.calls_of("listens_for"), *module.calls_of("listen"))
                    found.extend(listener for call in calls if (listener := _listener(module, call)))
        return tuple(found)


def _listener(module: Module, call: ast.Call) -> _Listener | None:
    if len(call.args) < 2 or not (module.qualified(call.func) or "").startswith("sqlalchemy.event.listen"):
        return None
    event = call.args[1]
    if not isinstance(event, ast.Constant) or event.value not in _EVENTS:
        return None
    function = _function(module, call)
    if function is None or not _pings(function):
        return None
    target = call.args[0]
    resolved = names.resolve(module, target)
    whole = isinstance(resolved, LibraryRef) and resolved.name.rpartition(".")[2] in ("Pool", "Engine", "QueuePool")
    return _Listener(module.path, "" if whole else dotted(target) or "", module.location(call))


def _function(module: Module, call: ast.Call) -> ast.AST | None:
    """Return what listens: the decorated function, or the one that is passed."""
    parent = module.parent(call)
    if isinstance(parent, FUNCTIONS):
        return parent
    resolved = names.resolve(module, call.args[2]) if len(call.args) > 2 else None
    return resolved.node if isinstance(resolved, FunctionRef) else None


def _pings(function: ast.AST) -> bool:
    """Say whether a listener sends something: `SELECT 1`, `select(1)`, `.ping()`, or gives the connection up."""
    for node in ast.walk(function):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SELECT.match(node.value):
            return True
        if isinstance(node, ast.Call):
            last = (dotted(node.func) or "").rpartition(".")[2]
            if last == "ping" or (
                last == "select" and node.args and isinstance(node.args[0], (ast.Constant, ast.List))
            ):
                return True
    return False


def _names_of(site: Site) -> frozenset[str]:
    """Return the names an engine is assigned to, by their last parts: `self._engine = ...` gives "_engine"."""
    node: ast.AST = site.call
    for parent in site.module.ancestors(node):
        if isinstance(parent, (ast.Assign, ast.AnnAssign)):
            targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
            return frozenset((dotted(target) or "").rpartition(".")[2] for target in targets) - {""}
        if isinstance(parent, ast.stmt):
            break
    return frozenset()
