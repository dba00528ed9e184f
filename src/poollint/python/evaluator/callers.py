"""Who refers to a function or class of the project, and where.

A reference is a call (`make_engine()`), or the thing itself handed on (`Depends(make_engine)`, `lifespan=lifespan`).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from poollint.facts import Location
from poollint.python.evaluator.evaluate import Evaluator
from poollint.python.evaluator.values import ClassRef, FunctionRef, Instance, ModuleRef
from poollint.python.source import names
from poollint.python.source.modules import Module, Modules
from poollint.python.source.scopes import FUNCTIONS, dotted, names_in

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Skipping = Callable[[str], bool] | None

# Methods that many classes have: a receiver of unknown class says nothing.
_GENERIC = frozenset(
    "get set add run start stop init setup connect close open execute create update delete save load read "
    "write call send process handle main begin commit rollback build register initialize __init__ __call__ "
    "__enter__ __aenter__".split()
)


# Calls that pass their other arguments to the first one, now or later, whatever these are called.
_PASSING = frozenset(
    {
        "functools.partial",
        "asyncio.to_thread",
        "anyio.to_thread.run_sync",
        "fastapi.concurrency.run_in_threadpool",
        "starlette.concurrency.run_in_threadpool",
    }
)
_PROVIDERS = "dependency_injector.providers."
DEEPEST_NAME = 4  # names that stand for one another on the way to what is passed


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One use of a definition; `call` is the call when it is called here, else None."""

    module: Module
    node: ast.expr
    call: ast.Call | None

    @property
    def location(self) -> Location:
        return self.module.location(self.node)

    @property
    def function(self) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The function whose body the reference stands in, None at the module's level."""
        return function_around(self.module, self.node)


def reference_at(module: Module, node: ast.expr) -> Reference:
    """Return the reference that a name is: a call where it is called, else what is handed on."""
    parent = module.parent(node)
    return Reference(module, node, parent if isinstance(parent, ast.Call) and parent.func is node else None)


class Calls(tuple[tuple[Module, ast.Call], ...]):
    """The calls of one function, or those that construct a class, each with its module."""

    @cached_property
    def groups(self) -> list[list[tuple[Module, ast.Call]]]:
        """Those that cannot differ in what they pass together: `get_engine()` is one case, however often written."""
        groups: dict[object, list[tuple[Module, ast.Call]]] = {}
        for module, call in self:
            given = [(None, each) for each in call.args] + [(keyword.arg, keyword.value) for keyword in call.keywords]
            same = tuple((name, _thing(module, value)) for name, value in given)
            groups.setdefault(call if any(thing is None for _, thing in same) else same, []).append((module, call))
        return list(groups.values())

    @cached_property
    def passed(self) -> frozenset[str]:
        """The names in what is passed."""
        return frozenset(name for _, call in self for name in names_in(*call.args, *call.keywords))

    def leave_out(self, name: str, arguments: ast.arguments) -> bool:
        """Say whether none of them passes a parameter: by its name, at its place, or in a spread."""
        places = [arg.arg for arg in (*arguments.posonlyargs, *arguments.args) if arg.arg not in ("self", "cls")]
        before = places.index(name) if name in places else sys.maxsize
        return not any(
            len(call.args) > before
            or any(isinstance(each, ast.Starred) for each in call.args)
            or any(keyword.arg in (name, None) for keyword in call.keywords)
            for _, call in self
        )


def _thing(module: Module, node: ast.expr, depth: int = 0) -> object:
    """Return what two expressions have in common that mean one thing wherever they stand; None where that is not told.

    A constant; a variable of a module, imported or not; what a function or class gives without arguments: `Settings()`.
    """
    match node:
        case ast.Constant():
            return ast.dump(node)
        case ast.Attribute(value=owner) if isinstance(names.resolve(module, owner), ModuleRef):
            found = names.assigned(module, node)
            return (_thing(*found, depth + 1) or found[1]) if found is not None and depth < DEEPEST_NAME else None
        case ast.Attribute(value=owner, attr=name):
            base = _thing(module, owner, depth)
            return (base, name) if base is not None else None
        case ast.Call(func=function, args=[], keywords=[]):
            made = names.resolve(module, function)
            return made.node if isinstance(made, (FunctionRef, ClassRef)) and made.frame is None else None
        case ast.Name() if depth < DEEPEST_NAME:
            return _thing_named(module, node, depth)
    return None


def _thing_named(module: Module, node: ast.Name, depth: int) -> object:
    around = names.scopes_around(module, node)
    scope = next((scope for scope in around if node.id in scope.binds or node.id in scope.parameters), None)
    if scope is None or node.id in scope.parameters:
        return None
    if scope.node is module.tree:
        found = names.assigned(module, node)
        return (_thing(*found, depth + 1) or found[1]) if found is not None else None
    match scope.binds[node.id]:
        case [ast.Assign(targets=[ast.Name()], value=value)]:
            return _thing(module, value, depth + 1)
    return None


class Callers:
    """Finds references by name first, then by import resolution or the receiver's class."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        # Of 1,600 receivers that are instances, in seven repositories, the dearest took 354; in six of them 196.
        self.evaluator = Evaluator(modules, follows_callers=False, fuel=250)
        self._found: dict[tuple[ast.AST, Skipping], tuple[Reference, ...]] = {}
        self._uses: dict[tuple[str, str], list[ast.expr]] = {}
        self._passing: dict[ast.Call, ast.Call] = {}
        self._definitions: dict[str, int] = {}  # how many places define functions of a name, as far as asked

    def of(self, module: Module, definition: Definition, skipping: Skipping = None) -> tuple[Reference, ...]:
        """Return the references to a definition, outside itself, in the order of path and line.

        skipping  says of a path that its references do not matter: tests may be most of a project
        """
        if (definition, skipping) not in self._found:
            self._found[definition, skipping] = tuple(self._search(module, definition, skipping))
        return self._found[definition, skipping]

    def calls(
        self, module: Module, definition: Definition, skipping: Skipping = None
    ) -> Iterator[tuple[Module, ast.Call]]:
        """Yield the calls that pass a definition its arguments; a class gets those of its subclasses, too.

        A subclass that has a constructor of its own passes them on in `super().__init__(...)`.
        """
        todo, seen = [(module, definition)], {definition}
        while todo:
            where, called = todo.pop(0)
            if isinstance(called, ast.ClassDef) and not (skipping is not None and skipping(where.path)):
                yield from ((where, call) for call in _made_by_itself(called))
            for reference in self.of(where, called, skipping):
                inheriting = subclass_at(reference)
                if (call := reference.call or self._passed_on(reference, called)) is not None:
                    yield reference.module, call
                elif inheriting and inheriting not in seen and inheriting.bases[0] is reference.node:
                    seen.add(inheriting)
                    if constructor := _constructor(inheriting):
                        yield from ((reference.module, call) for call in _super_calls(constructor))
                    else:
                        todo.append((reference.module, inheriting))

    def _passed_on(self, reference: Reference, called: Definition) -> ast.Call | None:
        """Return the call that `partial(make, url)` comes to when somebody makes it: `make(url)`."""
        module, around = reference.module, reference.module.parent(reference.node)
        if not isinstance(around, ast.Call) or around.args[:1] != [reference.node]:
            return None
        if around not in self._passing:
            name = module.qualified(around.func) or ""
            if not (name in _PASSING or name.startswith(_PROVIDERS) or _names_parameters(around, called)):
                return None
            call = ast.copy_location(ast.Call(reference.node, around.args[1:], around.keywords), around)
            module.adopt(call, around)  # it runs where that one does
            self._passing[around] = call
        return self._passing[around]

    def _search(self, module: Module, definition: Definition, skipping: Skipping) -> Iterator[Reference]:
        cls = class_around(module, definition) if isinstance(definition, FUNCTIONS) else None
        for path in self._candidates(module, definition, cls, skipping):
            if (other := self.modules.module(path)) is None:
                continue
            for node in self.named(other, definition.name):
                if self._means(other, node, module, definition, cls):
                    parent = other.parent(node)
                    yield Reference(
                        other, node, parent if isinstance(parent, ast.Call) and parent.func is node else None
                    )

    def _candidates(
        self, module: Module, definition: Definition, cls: ast.ClassDef | None, skipping: Skipping
    ) -> Iterator[str]:
        """Yield the files worth parsing: they hold the name as a word and import what defines it, maybe through others.

        Elsewhere than in its own file, a method is named after a dot. One that only one class has is found by its name alone.
        """
        name = definition.name
        is_told_by_name = cls is not None and name not in _GENERIC and self._is_defined_once(name)
        importers = None if is_told_by_name else self.modules.graph.reached_by(module.path)
        for path in self.modules.containing(name.encode(), among=importers):
            if skipping is not None and skipping(path):
                continue
            content = self.modules.tree.bytes(path) or b""
            if path == module.path or not name.isascii() or _mentions(content, name.encode(), is_after_dot=cls is not None):
                yield path

    def named(self, module: Module, name: str) -> list[ast.expr]:
        """Return the loads of a name, or of an attribute of that name, in one file."""
        if (module.path, name) not in self._uses:
            # `from app.db import make_engine as connect`: look for the alias, resolution says the rest.
            is_renamed = re.search(rf"{re.escape(name)}\s+as\s", module.text) is not None
            renamed = (found.alias for found in module.imports if found.name == name) if is_renamed else ()
            aliases = dict.fromkeys((name, *renamed))
            self._uses[module.path, name] = [node for each in aliases for node in module.loads(each)]
        return self._uses[module.path, name]

    def _means(
        self, other: Module, node: ast.expr, module: Module, definition: Definition, cls: ast.ClassDef | None
    ) -> bool:
        resolved = names.resolve(other, node)
        if isinstance(resolved, (FunctionRef, ClassRef)):
            return resolved.node is definition
        if cls is None or not isinstance(node, ast.Attribute) or resolved is not None:
            return False
        return self._is_method_of(other, node, module, definition, cls)

    def _is_method_of(
        self, other: Module, node: ast.Attribute, module: Module, definition: Definition, cls: ast.ClassDef
    ) -> bool:
        receiver = node.value
        if isinstance(receiver, ast.Name) and receiver.id in ("self", "cls"):
            around = class_around(other, function_around(other, node) or node)
            if around is None or around is cls:
                return around is cls
            # A base class calls by name what its subclasses override.
            return self._descends(other, around, cls) or self._descends(module, cls, around)
        value = self.evaluator.value(receiver, other)
        if isinstance(value, Instance):
            return value.cls.node is cls or self._descends(value.cls.module, value.cls.node, cls)
        return definition.name not in _GENERIC and self._is_defined_once(definition.name)

    def _descends(self, module: Module, cls: ast.ClassDef, ancestor: ast.ClassDef, depth: int = 0) -> bool:
        for base in cls.bases:
            resolved = names.resolve(module, base)
            if isinstance(resolved, ClassRef):
                if resolved.node is ancestor:
                    return True
                if depth < 5 and self._descends(resolved.module, resolved.node, ancestor, depth + 1):
                    return True
        return False

    def _is_defined_once(self, name: str) -> bool:
        """Say whether only one place of the project defines a function of this name; read without parsing."""
        if name not in self._definitions:
            paths = self.modules.containing(name.encode())
            self._definitions[name] = sum(_definitions(self.modules.tree.bytes(path) or b"", name) for path in paths)
        return self._definitions[name] == 1


def _names_parameters(around: ast.Call, called: Definition) -> bool:
    """Say whether all that goes with a definition is named like its parameters: `register(Database, pool_size=20)`."""
    function = _constructor(called) if isinstance(called, ast.ClassDef) else called
    if function is None or not around.keywords or len(around.args) > 1:
        return False
    names_of = {arg.arg for arg in (*function.args.args, *function.args.kwonlyargs)}
    return all(keyword.arg in names_of for keyword in around.keywords)


def _mentions(content: bytes, name: bytes, is_after_dot: bool) -> bool:
    """Say whether a file holds a name as a word, or as a word after a dot; `re` skips ahead to what begins with text."""
    for found in re.finditer(re.escape(name) + rb"\b", content):
        start = found.start()
        if is_after_dot:
            before = content[max(start - 200, 0) : start].rstrip()
            if before.endswith((b".", b"\\")):  # a line may go on in the next one
                return True
        elif not start or not re.match(rb"\w", content[start - 1 : start]):
            return True
    return False


def _definitions(content: bytes, name: str) -> int:
    """Count the definitions of functions of a name in a file."""
    found = re.finditer(rb"def[ \t]+%s\b" % re.escape(name.encode()), content)
    before = (content[content.rfind(b"\n", 0, match.start()) + 1 : match.start()] for match in found)
    return sum(text.strip() in (b"", b"async") for text in before)


def function_around(module: Module, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the innermost function whose body holds a node; its decorators and defaults run outside it."""
    child = node
    for parent in module.ancestors(node):
        if isinstance(parent, FUNCTIONS) and child in parent.body:
            return parent
        child = parent
    return None


def class_around(module: Module, node: ast.AST) -> ast.ClassDef | None:
    """Return the class a function is a method of (or a statement stands in), None for plain functions."""
    for parent in module.ancestors(node):
        if isinstance(parent, ast.ClassDef):
            return parent
        if isinstance(parent, FUNCTIONS):
            return None
    return None


def subclass_at(reference: Reference) -> ast.ClassDef | None:
    """Return the class that names the definition among its bases right here."""
    parent = reference.module.parent(reference.node)
    return parent if isinstance(parent, ast.ClassDef) and reference.node in parent.bases else None


def passed_to(function: ast.FunctionDef | ast.AsyncFunctionDef, call: ast.Call) -> Iterator[tuple[str | None, ast.expr]]:
    """Yield what a call passes by the names of the parameters; a spread has none, and what follows it may have another."""
    parameters = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
    is_bound = parameters[:1] in (["self"], ["cls"]) and isinstance(call.func, ast.Attribute)
    yield from zip(parameters[is_bound:], call.args)
    yield from ((keyword.arg, keyword.value) for keyword in call.keywords)


def constructs(reference: Reference) -> bool:
    """Tell `Database()` and `Depends(Database)` from annotations, isinstance and `Database.NAME`."""
    if reference.call is not None or asked_for(reference):
        return True
    parent = reference.module.parent(reference.node)
    if not isinstance(parent, ast.Call) or reference.node not in parent.args:
        return False
    return (dotted(parent.func) or "").rpartition(".")[2] not in (
        "isinstance",
        "issubclass",
        "cast",
        "super",
        "TypeVar",
    )


def asked_for(reference: Reference) -> bool:
    """Say whether FastAPI makes what a parameter's annotation names: `db: Database = Depends()`."""
    module, node = reference.module, reference.node
    parent = module.parent(node)
    match parent:
        case ast.Tuple(elts=[first, *rest]) if first is node:  # Annotated[Database, Depends()]
            return any(map(_names_nothing, rest))
        case ast.arg():
            given = module.parent(parent)
            assert isinstance(given, ast.arguments)
            positional = [*given.posonlyargs, *given.args]
            with_default = positional[len(positional) - len(given.defaults) :]
            pairs = (*zip(with_default, given.defaults), *zip(given.kwonlyargs, given.kw_defaults))
            return any(argument is parent and _names_nothing(default) for argument, default in pairs)
    return False


def _names_nothing(default: ast.expr | None) -> bool:
    """Say whether a default is `Depends()`: what to make stands in the annotation."""
    is_call = isinstance(default, ast.Call) and not default.args and all(k.arg != "dependency" for k in default.keywords)
    return is_call and (dotted(default.func) or "").rpartition(".")[2] == "Depends"


def _constructor(cls: ast.ClassDef) -> ast.FunctionDef | None:
    return next((stmt for stmt in cls.body if isinstance(stmt, ast.FunctionDef) and stmt.name == "__init__"), None)


def _made_by_itself(cls: ast.ClassDef) -> Iterator[ast.Call]:
    """Yield `cls(...)` in a class's own class methods."""
    for method in cls.body:
        if isinstance(method, FUNCTIONS) and any(dotted(each) == "classmethod" for each in method.decorator_list):
            first = next((arg.arg for arg in (*method.args.posonlyargs, *method.args.args)), None)
            for node in ast.walk(method):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == first:
                    yield node


def may_pass(reference: Reference) -> bool:
    """Say whether a definition is handed to something that may call it with arguments nobody sees: `FACTORIES[kind](5)`."""
    module, node = reference.module, reference.node
    parent = module.parent(node)
    around = module.parent(parent) if parent is not None else None
    match parent:
        case ast.Call(func=func, args=args, keywords=keywords) if node is not func:
            return len(args) + len(keywords) > 1 and constructs(reference)
        case ast.keyword() if isinstance(around, ast.Call):
            return len(around.args) + len(around.keywords) > 1
        case ast.Dict(values=values):
            return node in values
        case ast.List() | ast.Set():
            return not isinstance(around, (ast.Subscript, ast.Call))
        case ast.Return() | ast.Lambda():
            return True
        case ast.Assign(targets=[target]):
            name = (dotted(target) or "").rpartition(".")[2]
            return any(call.args or call.keywords for call in module.calls_of(name))
    return False


def _super_calls(constructor: ast.FunctionDef) -> Iterator[ast.Call]:
    for node in ast.walk(constructor):
        match node:
            case ast.Call(func=ast.Attribute(attr="__init__", value=ast.Call(func=ast.Name(id="super")))):
                yield node
