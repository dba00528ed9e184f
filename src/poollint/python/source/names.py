"""What a name means: import resolution across the project, and the canonical names of libraries.

Static: no values, no branches. `qualified` answers for callees, `resolve` gives the function, class, module or library
thing behind an expression, `member` looks a name up in a module the way `from module import name` does.
"""

from __future__ import annotations

import ast
import builtins
import re
from functools import cache
from typing import TYPE_CHECKING

from poollint.facts import Origin
from poollint.python.evaluator.values import ClassRef, FunctionRef, LibraryRef, ModuleRef, NamespaceRef
from poollint.python.source.scopes import COMPREHENSIONS, FUNCTIONS, SCOPES, Scope, scope_of

if TYPE_CHECKING:
    from poollint.python.source.modules import Import, Module

Resolved = FunctionRef | ClassRef | ModuleRef | NamespaceRef | LibraryRef
DEEPEST = 20  # re-exports of re-exports

# Libraries whose names the evaluator and the engine finder know: a file of the same name does not shadow them.
LIBRARIES = frozenset(
    "sqlalchemy sqlmodel pydantic pydantic_settings flask flask_sqlalchemy flask_sqlalchemy_lite advanced_alchemy decouple environs "
    "envparse environ starlette dotenv yaml tomli toml asyncpg psycopg psycopg2 fastapi django celery attr attrs typing_extensions".split()
)

# (pattern, canonical): every public path to one thing becomes one name. Checked against SQLAlchemy 1.4, 2.0 and 2.1.
_CANONICAL: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern + "$"), name)
    for pattern, name in (
        (r"sqlalchemy\.(?:engine\.|engine\.create\.|future\.|future\.engine\.)?(create_engine)", r"sqlalchemy.\1"),
        (r"sqlalchemy\.(?:engine\.|engine\.create\.)?(engine_from_config|create_pool_from_url)", r"sqlalchemy.\1"),
        (r"sqlmodel\.(create_engine|engine_from_config)", r"sqlalchemy.\1"),
        (
            r"sqlalchemy\.ext\.asyncio\.(?:engine\.)?"
            r"(create_async_engine|async_engine_from_config|create_async_pool_from_url)",
            r"sqlalchemy.ext.asyncio.\1",
        ),
        # Up to 0.0.8 or so SQLModel's module of sessions imports it for an annotation, and people take it from there.
        (r"(?:sqlalchemy\.ext\.asyncio\.(?:engine\.)?|sqlmodel\.ext\.asyncio\.session\.)(AsyncEngine)", r"sqlalchemy.ext.asyncio.\1"),
        (r"(?:sqlalchemy\.(?:pool\.(?:impl\.|base\.)?)?|sqlmodel\.(?:pool\.)?)(\w*Pool)", r"sqlalchemy.pool.\1"),
        (r"sqlalchemy\.(?:engine\.(?:url\.)?)?(make_url|URL)(\..*)?", r"sqlalchemy.engine.\1\2"),
        (r"sqlalchemy\.(?:event\.)(listen|listens_for)", r"sqlalchemy.event.\1"),
        (
            r"(?:pydantic\.v1|pydantic\.env_settings)\.(BaseSettings)",
            r"pydantic.\1",
        ),
        (
            r"pydantic_settings\.main\.(BaseSettings)",
            r"pydantic_settings.\1",
        ),
        (r"(?:pydantic\.v1|pydantic\.main)\.(\w+)", r"pydantic.\1"),
        (
            r"pydantic\.(?:fields|types|networks|functional_validators|config|aliases|class_validators)\.(\w+)",
            r"pydantic.\1",
        ),
        (r"pydantic_settings\.(SettingsConfigDict)", r"pydantic.\1"),
        (r"starlette\.config\.(\w+)", r"starlette.config.\1"),
        (r"flask_sqlalchemy\.(?:extension\.)?(SQLAlchemy)", r"flask_sqlalchemy.\1"),
        # Litestar passes Advanced Alchemy on under names of its own.
        (r"(?:advanced_alchemy|litestar)\.(?:[\w.]+\.)?(SQLAlchemy(?:Async|Sync)Config|EngineConfig)", r"advanced_alchemy.config.\1"),
        (r"(?:tomli|tomllib)\.(\w+)", r"tomllib.\1"),
    )
)


@cache
def canonical(name: str) -> str:
    """Return the one name of a library's thing: "sqlalchemy.engine.create_engine" is "sqlalchemy.create_engine"."""
    for pattern, wanted in _CANONICAL:
        if match := pattern.match(name):
            return match.expand(wanted) if match.lastindex else wanted
    return name


def scope_at(module: Module, node: ast.AST) -> Scope:
    """Return the innermost scope whose code a node is part of.

    Decorators, defaults and annotations run in the scope around their function, as a comprehension's first iterable.
    """
    for scope in scopes_around(module, node):
        return scope
    return module.scope


def scopes_around(module: Module, node: ast.AST) -> list[Scope]:
    """Return the scopes that a name at this node is looked up in, innermost first; classes only from their own body."""
    if node not in module.around:
        module.around[node] = _scopes_around(module, node)
    return module.around[node]


def _scopes_around(module: Module, node: ast.AST) -> list[Scope]:
    found: list[Scope] = []
    child, below = node, node
    for parent in module.ancestors(node):
        if isinstance(parent, SCOPES) and _runs_inside(below, child, parent):
            is_hidden = isinstance(parent, ast.ClassDef) and any(
                isinstance(s.node, (*FUNCTIONS, ast.Lambda)) for s in found
            )
            if not is_hidden:
                found.append(scope_for(module, parent))
        child, below = parent, child
    return found


def scope_for(module: Module, node: ast.AST) -> Scope:
    """Return the scope of a node that is one; read once."""
    if node is module.tree:
        return module.scope
    scope = module.scopes.get(node)
    if scope is None:
        scope = module.scopes[node] = scope_of(node, module.has_walrus)
    return scope


def _runs_inside(below: ast.AST, child: ast.AST, parent: ast.AST) -> bool:
    """Say whether a child of a scope's node runs in that scope; `below` is the child's child on the way."""
    if isinstance(parent, (*FUNCTIONS, ast.ClassDef)):
        return isinstance(child, ast.stmt) and child in parent.body
    if isinstance(parent, ast.Lambda):
        return child is parent.body
    if isinstance(parent, COMPREHENSIONS):
        return not (child is parent.generators[0] and below is child.iter)
    return True


def qualified(module: Module, expression: ast.expr) -> str | None:
    """Return the dotted name of what an expression refers to, None when it is not known."""
    found = resolve(module, expression)
    match found:
        case LibraryRef(name=name):
            return name
        case ModuleRef(module=other):
            return other.name
        case FunctionRef(module=other, node=node) | ClassRef(module=other, node=node):
            around = other.qualname(node)
            name = getattr(node, "name", "<lambda>")
            return ".".join(part for part in (other.name, "" if around == "<module>" else around, name) if part)
    return None


def resolve(module: Module, expression: ast.AST, depth: int = 0) -> Resolved | None:
    """Return the function, class, module or library thing that a name or dotted name refers to."""
    attributes: list[str] = []
    node = expression
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or depth > DEEPEST:
        return None
    found = _lookup(module, node, depth)
    for attribute in reversed(attributes):
        found = attribute_of(found, attribute, depth) if found else None
    return found


def attribute_of(base: Resolved, name: str, depth: int = 0) -> Resolved | None:
    """Return what `base.name` refers to."""
    match base:
        case ModuleRef(module=module):
            return member(module, name, depth + 1)
        case NamespaceRef():
            return inside(base, name)
        case LibraryRef(name=dotted, origin=origin):
            return LibraryRef(canonical(f"{dotted}.{name}"), origin)
        case ClassRef(module=module, node=node):
            for stmt in node.body:
                if isinstance(stmt, (*FUNCTIONS, ast.ClassDef)) and stmt.name == name:
                    return _reference(module, stmt)
    return None


def member(module: Module, name: str, depth: int = 0) -> Resolved | None:
    """Return what `from module import name` gives: a name of the module, of its star imports, or a submodule."""
    if depth > DEEPEST:
        return None
    if name in module.scope.binds:
        return _binding(module, module.scope, name, depth)
    return _from_stars(module, module.scope, name, depth) or submodule(module, name)


def inside(folder: NamespaceRef, name: str) -> ModuleRef | NamespaceRef:
    """Return `folder.name` of a namespace package."""
    modules, dotted = folder.importer.modules, f"{folder.name}.{name}"
    path = modules.path_of(dotted, folder.importer)
    found = modules.module(path) if path else None
    return ModuleRef(found) if found else NamespaceRef(dotted, folder.importer)


def submodule(module: Module, name: str) -> ModuleRef | None:
    """Return `package.name` when it is a file beside the package's `__init__.py`."""
    if not module.path.endswith("__init__.py"):
        return None
    path = module.modules.relative(module.path, 1, name)
    found = module.modules.module(path) if path else None
    return ModuleRef(found) if found else None


def import_target(module: Module, found: Import) -> tuple[Module, str | None] | NamespaceRef | LibraryRef | None:
    """Return what an import names: (module, member or None) of the project, or a library's thing.

    `import app.db` binds `app`; the rest is looked up attribute by attribute.
    """
    modules, origin = module.modules, Origin(found.alias, module.location(found.node))
    if found.name is None:
        whole = found.module if found.alias != found.module.partition(".")[0] else found.alias
        path = modules.path_of(whole, module)
        target = modules.module(path) if path else None
        if target:
            return target, None
        if whole == found.alias and "." in found.module and modules.path_of(found.module, module):
            return NamespaceRef(whole, module)  # `import app.db` with no app/__init__.py
        return None if path else LibraryRef(canonical(whole), origin)
    path = (
        modules.relative(module.path, found.level, found.module)
        if found.level
        else modules.path_of(found.module, module)
    )
    if path:
        target = modules.module(path)
        return (target, found.name) if target else None
    below = f"{found.module}.{found.name}".strip(".")
    path = modules.relative(module.path, found.level, below) if found.level else modules.path_of(below, module)
    if path:
        target = modules.module(path)
        return (target, None) if target else None
    return None if found.level else LibraryRef(canonical(below), origin)


def imported_as(module: Module, stmt: ast.stmt, name: str) -> Import | None:
    """Return the import of a statement that binds a name."""
    from poollint.python.source.modules import imports_of

    return next((found for found in imports_of(stmt) if found.alias == name), None)


def assigned(module: Module, node: ast.expr) -> tuple[Module, ast.expr] | None:
    """Return the one expression of a module that a name stands for, and the module: `Size = Annotated[int, ...]`.

    Also where it is imported, or looked up in its module; None for what is set by several statements, or by another kind.
    """
    if isinstance(node, ast.Attribute):
        owner = resolve(module, node.value)
        home, name = (owner.module if isinstance(owner, ModuleRef) else None), node.attr
    else:
        home, name = module, getattr(node, "id", "")
    for _ in range(DEEPEST):
        bindings = home.scope.binds.get(name, []) if home is not None else []
        match bindings:
            case [ast.Assign(targets=[ast.Name()], value=value) | ast.AnnAssign(value=ast.expr() as value)]:
                return (home, value) if value is not node else None  # type: ignore[return-value]
            case [ast.Import() | ast.ImportFrom() as stmt] if home is not None:
                found = imported_as(home, stmt, name)
                target = import_target(home, found) if found else None
                home, name = target if isinstance(target, tuple) and target[1] else (None, "")  # type: ignore[assignment]
            case _:
                return None
    return None


def only_value(module: Module, node: ast.Name) -> ast.expr | None:
    """Return the expression of the only statement that binds a name in the scope it stands in: `service = Service()`."""
    match scope_at(module, node).binds.get(node.id):
        case [ast.Assign(targets=[ast.Name()], value=value)]:
            return value
    return None


def _lookup(module: Module, node: ast.Name, depth: int) -> Resolved | None:
    for scope in scopes_around(module, node):
        if node.id in scope.parameters:
            return None
        if node.id in scope.binds:
            return _binding(module, scope, node.id, depth)
        if found := _from_stars(module, scope, node.id, depth):
            return found
    return LibraryRef(f"builtins.{node.id}", Origin(node.id)) if node.id in BUILTINS else None


def _from_stars(module: Module, scope: Scope, name: str, depth: int) -> Resolved | None:
    from poollint.python.source.modules import imports_of

    if depth > DEEPEST:
        return None
    for stmt in reversed(scope.stars):
        target = import_target(module, next(imports_of(stmt)))
        match target:
            case (other, _) if other is not module:
                found = member(other, name, depth + 1)
            case LibraryRef(name="sqlalchemy.*" | "sqlalchemy.orm.*" | "sqlmodel.*" as star, origin=origin):
                # The stars people use; only names that the library is known to have.
                known_name = canonical(star[:-1] + name)
                found = LibraryRef(known_name, origin) if known_name != star[:-1] + name or name in _STARRED else None
            case _:
                found = None
        if found:
            return found
    return None


_STARRED = frozenset({"create_engine", "engine_from_config", "event", "text"})


def _binding(module: Module, scope: Scope, name: str, depth: int) -> Resolved | None:
    """Return what a name is bound to; of several bindings the last outside `except`, where all is well."""
    if (scope, name) not in module.bindings:
        found = _bound_in(module, scope, name, depth)
        if found is None and depth:
            return None  # maybe only because it was asked from so far away
        module.bindings[scope, name] = found
    return module.bindings[scope, name]


def _bound_in(module: Module, scope: Scope, name: str, depth: int) -> Resolved | None:
    bindings = scope.binds[name]
    usual = [stmt for stmt in bindings if not _in_handler(module, stmt)] or bindings
    for stmt in reversed(usual):
        match stmt:
            case ast.Import() | ast.ImportFrom():
                return _imported(module, stmt, name, depth)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return _reference(module, stmt)
            case ast.Assign(targets=[ast.Name()], value=ast.Name() | ast.Attribute() as value):
                return resolve(module, value, depth + 1)
    return None


def _imported(module: Module, stmt: ast.stmt, name: str, depth: int) -> Resolved | None:
    found = imported_as(module, stmt, name)
    target = import_target(module, found) if found else None
    match target:
        case LibraryRef() | NamespaceRef():
            return target
        case (other, None):
            return ModuleRef(other)
        case (other, str(wanted)):
            # `from . import db` inside the package's own __init__ means the submodule.
            return (submodule(other, wanted) if other is module else None) or member(other, wanted, depth + 1)
    return None


def _reference(module: Module, stmt: ast.stmt) -> Resolved | None:
    if isinstance(stmt, ast.ClassDef):
        return ClassRef(module, stmt)
    return FunctionRef(module, stmt) if isinstance(stmt, FUNCTIONS) else None


def _in_handler(module: Module, stmt: ast.AST) -> bool:
    for parent in module.ancestors(stmt):
        if isinstance(parent, ast.ExceptHandler):
            return True
        if isinstance(parent, SCOPES):
            return False
    return False


# A module has a name and a package of its own.
BUILTINS = frozenset(dir(builtins)) - {"__name__", "__package__"}
