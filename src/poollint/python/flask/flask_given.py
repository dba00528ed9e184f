"""Which applications each extension of Flask-SQLAlchemy is given to: `db.init_app(app)`.

An extension that no application is given makes no engine of its own: version 2 uses what the application has, version 3
refuses. And a function that gives its application only another extension configures nothing for this one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from poollint.python.evaluator.callers import function_around
from poollint.python.sites import Site, factory_of
from poollint.python.source.modules import Module
from poollint.python.source.scopes import dotted
from poollint.python.usage.holders import Variable, variable
from poollint.python.usage.roles import Roles

_INIT = "init_app"


@dataclass(frozen=True, slots=True, eq=False)
class _Giving:
    """One `X.init_app(...)`; `extension` is the module-level variable X, None where that cannot be told."""

    module: Module
    call: ast.Call
    extension: Variable | None


class Given:
    """Answers for the extensions of one project."""

    def __init__(self, roles: Roles) -> None:
        self.roles = roles
        self.modules = roles.modules

    def is_unused(self, site: Site) -> bool:
        """Say whether no application is given an extension, while another extension is given to one.

        That is one of the same program, or any of the project for a program that makes no application.
        """
        own = _variable_of(site)
        if own is None or _takes_application(site.call):
            return False
        circle = self.roles.graph.circle(site.module.path)
        has_application = any(True for _ in self.modules.containing(b"Flask(", among=circle))
        extensions = {
            g.extension for g in self._givings if g.extension and (g.module.path in circle or not has_application)
        }
        others = {extension for extension in extensions - {own} if self._is_extension(extension)}
        return bool(others) and own not in extensions and not self._is_handed_on(own)

    def started_in(self, site: Site) -> frozenset[str]:
        """Return the files that give an extension its application while they are imported."""
        own, made = _variable_of(site), _takes_application(site.call) and function_around(site.module, site.call) is None
        given = (g for g in self._givings if own is not None and g.extension == own)
        paths = {g.module.path for g in given if function_around(g.module, g.call) is None}
        return frozenset({*paths, site.module.path} if made else paths)

    def is_for_another(self, site: Site, function: ast.AST) -> bool:
        """Say whether a function gives its application another extension, and not this one."""
        own = _variable_of(site)
        here = [g for g in self._givings if function_around(g.module, g.call) is function]
        if own is None or any(g.extension == own or _may_be(g, own) for g in here):
            return False
        return any(g.extension is not None and self._is_extension(g.extension) for g in here)

    @cached_property
    def _givings(self) -> tuple[_Giving, ...]:
        return tuple(self._find())

    def _find(self) -> Iterator[_Giving]:
        for path in self.modules.containing(_INIT.encode()):
            module = None if self.roles.is_aside(path) else self.modules.module(path)
            for call in module.calls_of(_INIT) if module else ():
                if isinstance(call.func, ast.Attribute):
                    yield _Giving(module, call, variable(module, call.func.value))  # type: ignore[arg-type]

    def _is_extension(self, name: Variable) -> bool:
        module = self.modules.module(name[0])
        values = (getattr(stmt, "value", None) for stmt in module.scope.binds.get(name[1], ())) if module else ()
        calls = (value for value in values if isinstance(value, ast.Call))
        return any(factory_of(module, call.func) == "flask-sqlalchemy" for call in calls)  # type: ignore[arg-type]

    def _is_handed_on(self, own: Variable) -> bool:
        """Say whether anything but an attribute of the extension is used, or something of its name is initialised."""
        if any(_may_be(giving, own) for giving in self._givings):
            return True
        importers = self.modules.graph.reached_by(own[0])
        for path in self.modules.containing(own[1].encode()):
            module = self.modules.module(path) if path in importers and not self.roles.is_aside(path) else None
            if module and any(variable(module, node) == own for node in _bare_uses(module, own[1])):
                return True
        return False


def _variable_of(site: Site) -> Variable | None:
    """Return the module-level variable that holds an extension."""
    match site.module.parent(site.call):
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) as stmt:
            return (site.module.path, name) if site.module.parent(stmt) is site.module.tree else None
    return None


def _bare_uses(module: Module, name: str) -> Iterator[ast.Name]:
    """Yield where a name, or what a file imports it as, stands for itself: `[db]`, but not `db.Model`."""
    called = {name, *(found.alias for found in module.imports if found.name == name)}
    for node in module.nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in called:
            if not isinstance(module.parent(node), ast.Attribute):
                yield node


def _takes_application(call: ast.Call) -> bool:
    """Say whether the constructor may be given the application: `SQLAlchemy(app)`, `SQLAlchemy(**options)`."""
    return bool(call.args) or any(keyword.arg in ("app", None) for keyword in call.keywords)


def _may_be(giving: _Giving, own: Variable) -> bool:
    """Say whether a call that cannot be told may initialise an extension: `extensions.db.init_app(app)`."""
    assert isinstance(giving.call.func, ast.Attribute)
    receiver = dotted(giving.call.func.value)
    return giving.extension is None and (receiver is None or receiver.rpartition(".")[2] == own[1])
