"""What the code of a project sets in things that stand elsewhere, out of sight of whoever reads them.

    config.SIZE = 9                   a name of another module
    Config.SIZE = 9, cls.SIZE = 9     an attribute of a class
    settings.size = 9                 an attribute of an instance
    setattr(settings, "size", 9)      any of them
    setattr(settings, name, 9)        at module level: any attribute of any of them, as vars(settings).update(...) does
    apply(settings, "size", 9)        where apply() does that with what it is given: the names that the call holds
    settings.update(size=9)           where the method does that with its instance, or with its class
    OPTIONS["size"] = 9               a dict that is imported, also config.OPTIONS.update(size=9)
    os.environ["SIZE"] = "9"          a variable of the process

A statement counts when every program that loads the reader runs the writer, too: what a script of its own sets is nothing
that a service sees. Where the value that is read is another one, it is not known. Tests and migrations do not count.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import branching, containers, heirs, objects
from poollint.python.evaluator.values import (
    ClassRef,
    FunctionRef,
    Instance,
    Listing,
    ModuleRef,
    Table,
    Text,
    Url,
    Value,
    origin_of,
    variables_of,
)
from poollint.python.source import names, sharing
from poollint.python.source.modules import Module, Modules
from poollint.python.source.scopes import FUNCTIONS, MUTATORS, dotted, set_by_any_name, set_by_name, target_names

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import Evaluator, World

# They begin with a literal, for which `re` skips ahead, and never go back: every file of a project is scanned.
_AFTER_DOT = re.compile(
    rb"\.(?:(update|setdefault|pop|clear|append|extend|insert|remove)\(|(?<!self\.)(\w++)[ \t]*+(?:\[[^\]\n]{1,80}+\][ \t]*+)*+[-+*/|&]?=(?!=))"
)
_ITEM_SET = re.compile(rb"\][ \t]*[-+*/|&]?=(?!=)")
_HOLDER = re.compile(rb"(\w{1,80})(?:\[[^\]\n]{1,80}\])*$")
_BY_ANY_NAME = tuple(
    map(re.compile, (rb"setattr\((?!self,|cls,)[^\n,]{1,80},[ \t]*[^\"'\s]", rb"vars\((?!self\))\w", rb"__dict__(?:\.update\(|\[)"))
)
_SETATTR = re.compile(rb"(?:set|del)attr\([^\n,]{1,80},[ \t]*[\"'](\w{1,80})[\"']")
_SETATTR_BY_NAME = re.compile(rb"setattr(?:__)?\([^\n,]{1,80},[ \t]*[^\"'\s]")
_SET_IN_DICT = re.compile(rb"(?:__dict__|vars\(\w{1,80}\))(?:\.update\(|\[|[ \t]*=(?!=))")
LONGEST_HOLDER = 400  # bytes of `name["key"]["key"]`
MOST_PROGRAMS = 40  # that load one file; where more do, hardly anything is common to all
MOST_FILES = 40  # that may set one name; then it is no name of anything in particular


@dataclass(frozen=True, slots=True)
class Write:
    """A statement that sets `base.name` to a value, or something under some keys of what a name holds.

    is_named  False where the name is worked out: it may be any
    """

    module: Module
    node: ast.AST
    base: ast.expr
    value: ast.expr | None = None
    part: sharing.Path = ()
    is_named: bool = True

    @property
    def place(self) -> str:
        return f"{self.module.path}:{getattr(self.node, 'lineno', 0)}"


class Outside:
    """Finds the statements of a project that set something from outside; each name is looked for once."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self._paths: dict[str, set[str]] | None = None
        self._changes: dict[str, set[str]] = {}
        self._writes: dict[str, tuple[Write, ...]] = {}
        self._calls: dict[str, tuple[Write, ...]] = {}
        self._changed: dict[str, tuple[Write, ...]] = {}
        self._together: dict[str, frozenset[str]] = {}
        self._reaches: dict[str, frozenset[str]] = {}
        self._receivers: dict[ast.AST, list[Value]] = {}
        self._by_any_name: tuple[Write, ...] | None = None
        self._classes: dict[ast.AST, frozenset[ast.ClassDef]] = {}

    def writes(self, name: str) -> tuple[Write, ...]:
        """Return the statements that set an attribute of this name on something else than their own `self`."""
        if name not in self._writes:
            self._writes[name] = ()
            self._writes[name] = tuple(self._found(name, self._scanned(name), _attributes))
        return self._writes[name]

    def writes_and_calls(self, name: str) -> tuple[Write, ...]:
        """Return those, and the calls that hold the name of functions that set what they are told: `setattr(config, k, v)`."""
        if name not in self._calls:
            self._calls[name] = ()
            self._calls[name] = tuple(self._by_functions(name))
        return (*self.writes(name), *self._calls[name])

    def _by_functions(self, name: str) -> Iterator[Write]:
        paths = list(self.modules.containing(name.encode(), among=self._calling)) if self._calling else []
        for path in paths if len(paths) <= MOST_FILES else ():
            module = self.modules.module(path)
            for setter in self._setters if module is not None else ():
                yield from (write for write in self._through(setter, module) if _holds_name(write.node, name))  # type: ignore[arg-type]

    @cached_property
    def _calling(self) -> frozenset[str]:
        """The files that may call functions that set attributes by names they are given."""
        called = {_function_of(setter).name for setter in self._setters}
        paths = (path for name in called for path in self.modules.containing(f"{name}(".encode()))
        return frozenset(path for path in paths if not self.modules.is_for_tests(path))

    @cached_property
    def _setters(self) -> tuple[Write, ...]:
        """The statements of functions that set attributes by names that are worked out."""
        paths: set[str] = set()
        for word, way in ((b"setattr", _SETATTR_BY_NAME), (b"__dict__", _SET_IN_DICT), (b"vars(", _SET_IN_DICT)):
            contents = ((path, self.modules.tree.bytes(path) or b"") for path in self.modules.containing(word))
            found = {path for path, content in contents if not self.modules.is_for_tests(path) and way.search(content)}
            paths |= found if len(found) <= MOST_FILES else set()
        return tuple(each for path in sorted(paths) for each in self._found("", [path], _in_functions))

    @cached_property
    def _naming_files(self) -> list[str]:
        """The files that set attributes by names that are worked out."""
        paths = [path for path in self.modules.paths if not self.modules.is_for_tests(path)]
        contents = ((path, self.modules.tree.bytes(path) or b"") for path in paths)
        return [path for path, content in contents if any(way.search(content) for way in _BY_ANY_NAME)]

    def _through(self, setter: Write, module: Module) -> Iterator[Write]:
        """Yield the calls of a function that sets attributes by name, each with that whose attributes it sets."""
        function = _function_of(setter)
        assert isinstance(setter.base, ast.Name)
        is_method = isinstance(setter.module.parent(function), ast.ClassDef)
        arguments = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
        for call in module.calls_of(function.name):
            if isinstance(call.func, ast.Attribute) if is_method else _runs(module, call, function):
                yield Write(module, call, _set_by_call(call, setter.base.id, arguments, is_method))

    def by_any_name(self) -> tuple[Write, ...]:
        """Return the statements that set attributes by names that are worked out."""
        if self._by_any_name is None:
            self._by_any_name = ()
            self._by_any_name = tuple(self._found("", self._naming_files, _unnamed))
        return self._by_any_name

    def classes(self, write: Write) -> frozenset[ast.ClassDef]:
        """Return the classes whose instances a statement sets attributes of, as far as names tell without evaluation."""
        if write.node not in self._classes:
            self._classes[write.node] = frozenset(_classes_of(write.module, write.base))
        return self._classes[write.node]

    def changes(self, name: str) -> tuple[Write, ...]:
        """Return the statements that change in place what a name of this kind holds, imported or as an attribute."""
        if name not in self._changed:
            self._changed[name] = ()
            self._scanned(name)
            self._changed[name] = tuple(self._found(name, self._changes.get(name, ()), _items))
        return self._changed[name]

    def receivers(self, write: Write) -> list[Value]:
        """Return what a statement sets an attribute of, in a loop all items; nothing while that is asked.

        Otherwise as far as it needs no decision: the conditions of other code are no business of the reader.
        """
        if write.node not in self._receivers:
            self._receivers[write.node] = []
            self._receivers[write.node] = list(self._set_on(write))
        return self._receivers[write.node]

    def _set_on(self, write: Write) -> Iterator[Value]:
        world = self._evaluator.world()
        for loop in write.module.ancestors(write.node):
            if isinstance(loop, (ast.For, ast.AsyncFor)) and (name := dotted(write.base)) in target_names(loop.target):
                for item in containers.items_of(world, world.value(loop.iter, write.module)) or ():
                    yield branching.unpacked(loop.target, item).get(name, item)
                return
        yield world.value(write.base, write.module)

    @cached_property
    def _evaluator(self) -> Evaluator:
        """Whoever asks what is set elsewhere is being evaluated itself: no question of his, no answer of his counts here."""
        from poollint.python.evaluator.evaluate import Evaluator

        return Evaluator(self.modules)

    def is_along(self, reader: str, writer: str) -> bool:
        """Say whether every program that loads one file loads the other."""
        return reader == writer or writer in self.together(reader)

    def together(self, path: str) -> frozenset[str]:
        """Return the files that every program loads that loads this one."""
        if path not in self._together:
            loaders = [each for each in self.modules.graph.reached_by(path) if not self.modules.is_for_tests(each)]
            programs = [each for each in loaders if not self._is_imported(each)]
            reaches = [self._reach(each) for each in programs] if len(programs) <= MOST_PROGRAMS else []
            shared = frozenset.intersection(*reaches) if reaches else frozenset()
            self._together[path] = shared | self._reach(path)
        return self._together[path]

    def _reach(self, path: str) -> frozenset[str]:
        if path not in self._reaches:
            self._reaches[path] = self.modules.graph.reach(path).paths
        return self._reaches[path]

    def _is_imported(self, path: str) -> bool:
        return any(not self.modules.is_for_tests(each) for each in self.modules.graph.importers.get(path, ()))

    def _scanned(self, name: str) -> set[str]:
        """Return the files that may set an attribute of this name; all are scanned the first time."""
        if self._paths is None:
            self._paths = {}
            for path in self.modules.paths:
                if self.modules.is_for_tests(path):
                    continue
                attributes, holders = _set_in(self.modules.tree.bytes(path) or b"")
                for each in attributes:
                    self._paths.setdefault(each.decode("utf-8", "replace"), set()).add(path)
                for each in holders:
                    self._changes.setdefault(each.decode("utf-8", "replace"), set()).add(path)
        return self._paths.get(name, set())

    def _found(self, name: str, paths: Collection[str], kind: Callable[[Module, str], Iterator[Write]]) -> Iterator[Write]:
        for path in sorted(paths) if len(paths) <= MOST_FILES else ():
            module = self.modules.module(path)
            if module is not None and not module.is_test and not module.is_for_migrations:
                yield from kind(module, name)


def _set_in(content: bytes) -> tuple[set[bytes], set[bytes]]:
    """Return the attributes that a text sets on something else than `self`, and the names whose items it changes."""
    attributes = {found[1] for found in _SETATTR.finditer(content)}
    ends = [found.start() + 1 for found in _ITEM_SET.finditer(content)]
    for found in _AFTER_DOT.finditer(content):
        if found[1]:
            ends.append(found.start())
        else:
            attributes.add(found[2])
    begins = (max(content.rfind(b"\n", 0, end) + 1, end - LONGEST_HOLDER) for end in ends)
    holders = (_HOLDER.search(content, begin, end) for begin, end in zip(begins, ends))
    return attributes, {holder[1] for holder in holders if holder}


def _attributes(module: Module, name: str) -> Iterator[Write]:
    for node in module.near(name):
        match node:
            case ast.Attribute(attr=attribute, ctx=ast.Store(), value=base) if attribute == name:
                if not _is_own(module, base):
                    parent = module.parent(node)
                    value = parent.value if isinstance(parent, (ast.Assign, ast.AnnAssign)) else None
                    yield Write(module, node, base, value)
            case ast.Call(ast.Name("setattr" | "delattr"), [base, ast.Constant(value=attribute), *values]) if attribute == name:
                if not _is_own(module, base):
                    yield Write(module, node, base, values[0] if values else None)


def _unnamed(module: Module, _: str) -> Iterator[Write]:
    for node in module.near("setattr", "vars", "__dict__", "__setattr__"):
        base = set_by_any_name(node)
        if base is None or isinstance(node, ast.Call) and _is_for_new_names(module, node):
            continue
        # What a function sets by such names may be other attributes, and it may never run.
        if not any(module.enclosing_functions(node)):
            yield Write(module, node, base, is_named=False)


def _in_functions(module: Module, _: str) -> Iterator[Write]:
    for node in module.near("setattr", "vars", "__dict__", "__setattr__"):
        base = set_by_any_name(node)
        if isinstance(base, ast.Name) and not (isinstance(node, ast.Call) and _is_for_new_names(module, node)):
            function = next(iter(module.enclosing_functions(node)), None)
            # What a constructor sets so is known to be set by it.
            if isinstance(function, FUNCTIONS) and not function.name.startswith("__"):
                yield Write(module, node, base, is_named=False)


def _function_of(setter: Write) -> ast.FunctionDef | ast.AsyncFunctionDef:
    function = next(iter(setter.module.enclosing_functions(setter.node)))
    assert isinstance(function, FUNCTIONS)
    return function


def _set_by_call(call: ast.Call, name: str, arguments: list[str], is_method: bool) -> ast.expr:
    """Return what a call sets attributes of: what is passed for a parameter, the method's own, or what the call returns."""
    given = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
    if given is not None or name not in arguments:
        return given or call
    position = arguments.index(name) - is_method
    if position < 0 and isinstance(call.func, ast.Attribute):
        return call.func.value
    return call.args[position] if 0 <= position < len(call.args) else call


def _holds_name(call: ast.AST, name: str) -> bool:
    """Say whether a call passes a name: as a keyword, as text, or as a key of a dict."""
    for node in ast.walk(call):
        match node:
            case ast.keyword(arg=word) | ast.Constant(value=word) if word == name:
                return True
    return False


def _runs(module: Module, call: ast.Call, function: ast.AST) -> bool:
    found = names.resolve(module, call.func)
    return isinstance(found, FunctionRef) and found.node is function


def _is_for_new_names(module: Module, call: ast.Call) -> bool:
    """Say whether a `setattr` leaves alone what is there: `if hasattr(config, name): raise` comes before it in the loop."""
    if len(call.args) < 2:
        return False
    asked = ast.dump(call.args[0]), ast.dump(call.args[1])
    child: ast.AST = call
    for parent in module.ancestors(call):
        match parent:
            case ast.If(test=ast.UnaryOp(ast.Not(), test), body=body) if child in body and _asks(test) == asked:
                return True
            case ast.For(body=body) if child in body:
                before = body[: body.index(child)]  # type: ignore[arg-type]
                tests = [stmt.test for stmt in before if isinstance(stmt, ast.If) and branching.leaves(stmt.body)]
                return any(_asks(test) == asked for test in tests)
        child = parent
    return False


def _asks(test: ast.expr) -> tuple[str, str] | None:
    match test:
        case ast.Call(ast.Name("hasattr"), [base, key]):
            return ast.dump(base), ast.dump(key)
    return None


def _classes_of(module: Module, base: ast.expr) -> Iterator[ast.ClassDef]:
    """Yield the classes that make what a name of a module holds: `settings = Settings()`, also where it is imported."""
    name = base.id if isinstance(base, ast.Name) else ""
    for stmt in module.scope.binds.get(name, ()):
        found = names.imported_as(module, stmt, name)
        target = names.import_target(module, found) if found else None
        bindings = target[0].scope.binds.get(str(target[1]), ()) if isinstance(target, tuple) else (stmt,)
        home = target[0] if isinstance(target, tuple) else module
        for each in bindings:
            made = getattr(each, "value", None)
            named = names.resolve(home, made.func) if isinstance(made, ast.Call) else None
            if isinstance(named, ClassRef):
                yield named.node


def _items(module: Module, name: str) -> Iterator[Write]:
    for node in module.near(name):
        match node:
            case ast.Subscript(ctx=ast.Store() | ast.Del()):
                holder, parts = node, [sharing.path_of(node)]
            case ast.Call(func=ast.Attribute(attr=method, value=holder)) if method in MUTATORS:
                parts = [(*sharing.path_of(holder), key) for key in sharing.keys_set(node, method)]
            case _:
                continue
        while isinstance(holder, ast.Subscript):
            holder = holder.value
        if (holder.attr if isinstance(holder, ast.Attribute) else getattr(holder, "id", "")) == name:
            yield from (Write(module, node, holder, part=part) for part in parts)


def _is_own(module: Module, base: ast.expr) -> bool:
    """Say whether an expression is `self` in a method: the class itself knows what its methods set."""
    cls = _class_of_self(module, base)
    return cls is not None and not cls[1]


def _class_of_self(module: Module, base: ast.expr) -> tuple[ast.ClassDef, bool] | None:
    """Return the class whose method's first parameter a name is, and whether that is `cls`, as `type(self)` is."""
    match base:
        case ast.Call(ast.Name("type"), [ast.Name() as own], []) | ast.Attribute(ast.Name() as own, "__class__"):
            found = _class_of_self(module, own)
            return (found[0], True) if found is not None else None
    function = next((each for each in module.enclosing_functions(base) if isinstance(each, FUNCTIONS)), None)
    around = module.parent(function) if function is not None else None
    if not isinstance(around, ast.ClassDef) or not isinstance(base, ast.Name) or function is None:
        return None
    first = next(iter((*function.args.posonlyargs, *function.args.args)), None)
    if first is None or first.arg != base.id or objects.is_static(function):
        return None
    return around, objects.is_classmethod(function)


_BY_NAME = re.compile(r"\b(?:globals\(\)|vars\(\)|exec\(|sys\.modules\[__name__\])")


def rewritten(module: Module, name: str, at: ast.AST | None) -> int | None:
    """Return the line of a statement at module level that may set any name, or this one by its text, before a place.

    `globals().update(found)`, `globals()["SIZE"] = 9`, `exec(code)`, `setattr(sys.modules[__name__], "SIZE", 9)`
    """
    end = getattr(at, "lineno", sys.maxsize)
    begin = min((getattr(stmt, "lineno", 0) for stmt in module.scope.binds.get(name, ())), default=0)
    return next((line for line, named in _rewriters(module) if begin < line < end and named in (None, name)), None)


def _rewriters(module: Module) -> list[tuple[int, str | None]]:
    if module.rewriters is None:
        module.rewriters = []
        if _BY_NAME.search(module.text):
            module.rewriters = [found for stmt in module.tree.body if (found := _rewriter(stmt))]
    return module.rewriters


def _rewriter(stmt: ast.stmt) -> tuple[int, str | None] | None:
    """Return the line of a statement that sets a name of its module by text, and the name; None for all."""
    key: ast.expr | None = None
    match stmt:
        case ast.Assign(targets=[ast.Subscript(value=ast.Call(func=ast.Name(id="globals" | "vars"), args=[]), slice=key)]):
            pass
        case ast.Expr(ast.Call(ast.Attribute(ast.Call(func=ast.Name(id="globals" | "vars"), args=[]), "update"), given, keywords)):
            if not given and all(keyword.arg for keyword in keywords) and len(keywords) == 1:
                return stmt.lineno, keywords[0].arg
        case ast.Expr(ast.Call(ast.Name("exec"), args)) if len(args) < 2:
            pass
        case ast.Expr(ast.Call(ast.Name("setattr"), [ast.Subscript(value=ast.Attribute(attr="modules"), slice=ast.Name("__name__")), key, _])):
            pass
        case _:
            return None
    return stmt.lineno, key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


def of_function(module: Module, name: str, function: ast.AST, value: Value) -> Value:
    """Return what a function finds under a name of its module: what that holds in the end, unless it runs before.

    Where the module calls the function between two statements that set the name, each call finds another value.
    """
    called = getattr(function, "name", "")
    lines = [call.lineno for call in module.calls_of(called) if names.scope_at(module, call) is module.scope]
    if not lines or not _matters(value):
        return value
    first, *_, last = sorted(getattr(stmt, "lineno", 0) for stmt in module.scope.binds[name])
    if any(first < line < last for line in lines):
        return Unknown(f"{name} is set again in line {last}, after {called}() has run", origin_of(value))
    return value


# -- what is read --------------------------------------------------------------------------------------------------


def of_module(world: World, module: Module, name: str, value: Value, reader: Module) -> Value:
    """Return what `module.name` is for a reader: as it was, or not known where other code sets it."""
    if not _matters(value):
        return value
    outside = world.modules.shared(Outside)
    for write in outside.writes_and_calls(name):
        base = names.resolve(write.module, write.base)
        if isinstance(base, ModuleRef) and base.module is module and _counts(outside, write, reader, value):
            return _not_known(name, write, value)
    for write in outside.by_any_name():
        base = names.resolve(write.module, write.base)
        if isinstance(base, ModuleRef) and base.module is module and outside.is_along(reader.path, write.module.path):
            return _not_known(name, write, value)
    if isinstance(value, (Table, Listing)):
        changes = (write for write in outside.changes(name) if write.module is not module)
        for write in (write for write in changes if _names(write, module, name)):
            if outside.is_along(reader.path, write.module.path):
                value = containers.spoiled(value, write.part, f"it is set in {write.place}") or value
    return value


def _names(write: Write, module: Module, name: str) -> bool:
    """Say whether what a statement changes is a name of this module: imported from it, or looked up in it."""
    if isinstance(write.base, ast.Attribute):
        owner = names.resolve(write.module, write.base.value)
        return isinstance(owner, ModuleRef) and owner.module is module
    for stmt in write.module.scope.binds.get(name, ()):
        found = names.imported_as(write.module, stmt, name)
        target = names.import_target(write.module, found) if found else None
        if isinstance(target, tuple) and target == (module, name):
            return True
    return False


def of_declared(world: World, cls: ClassRef, name: str, unset: Value) -> Value:
    """Return what an attribute of a class is that the class only declares: who reads it, reads what one statement sets."""
    outside = world.modules.shared(Outside)
    writes = _of_lineage(world, cls, (*outside.writes_and_calls(name), *outside.by_any_name()))
    only = writes[0] if len(writes) == 1 else None
    if only is None or only.value is None or not outside.is_along(cls.module.path, only.module.path):
        return unset
    return world.value(only.value, only.module)


def in_place_of_none(world: World, cls: ClassRef, name: str, value: Value, asker: ast.AST, module: Module) -> Value:
    """Return what other functions put where a class keeps a place: `_instance = None`, and somewhere `Pool._instance = self`."""
    if not isinstance(value, Known) or value.value is not None or variables_of(value):
        return value
    outside = world.modules.shared(Outside)
    here = next(iter(module.enclosing_functions(asker)), None)
    found: Value | None = None
    for write in _of_lineage(world, cls, outside.writes(name)):
        function = next(iter(write.module.enclosing_functions(write.node)), None)
        is_emptied = write.value is None or isinstance(write.value, ast.Constant) and write.value.value is None
        if is_emptied or function is here or not outside.is_along(cls.module.path, write.module.path):
            continue
        other = world.value(write.value, write.module)  # type: ignore[arg-type]
        if found is not None and found != other:
            return Unknown(f"{name} is set in several places", origin_of(other))
        found = other
    return value if found is None else found


def of_class(world: World, cls: ClassRef, owner: ClassRef, name: str, value: Value) -> Value:
    """Return what an attribute of a class is that `owner` above it sets, or not known where other code sets it."""
    if not _matters(value) and not isinstance(value, Instance):
        return value
    outside = world.modules.shared(Outside)
    bases = objects.lineage(world, cls)
    below = [base.node for base in bases[: bases.index(owner) + 1] if isinstance(base, ClassRef)] if owner in bases else []
    for write in (*outside.writes_and_calls(name), *outside.by_any_name()):
        target = _class_named(write)
        if target in below and _counts(outside, write, cls.module, value):
            return _not_known(name, write, value)
    for write in outside.changes(name) if isinstance(value, (Table, Listing)) else ():
        if isinstance(value, Listing) and _is_read_in_order(write, cls.module):
            continue
        target = _class_holding(world, write)
        further = (heir.node for heir in world.modules.shared(heirs.Heirs).of(owner))
        if target is not None and (target in below or target in further) and outside.is_along(cls.module.path, write.module.path):
            value = containers.spoiled(value, write.part, f"it is set in {write.place}") or value
    return value


def _is_read_in_order(write: Write, module: Module) -> bool:
    """Say whether a statement of a file's own level changes what stands there: whoever reads it runs these in their order."""
    return write.module is module and not any(module.enclosing_functions(write.node))


def of_method(world: World, cls: ClassRef, method: FunctionRef) -> Unknown | None:
    """Return what is left of a method that other code replaces, None where none does."""
    outside = world.modules.shared(Outside)
    for write in _of_lineage(world, cls, outside.writes(method.name)):
        if outside.is_along(cls.module.path, write.module.path):
            return Unknown(f"{method.name} is also set in {write.place}", Origin(method.name, write.module.location(write.node)))
    return None


def _of_lineage(world: World, cls: ClassRef, writes: Collection[Write]) -> list[Write]:
    """Return the statements that set an attribute of a class, or of one above it."""
    nodes = [base.node for base in objects.lineage(world, cls) if isinstance(base, ClassRef)] if writes else []
    return [write for write in writes if _class_named(write) in nodes]


def _class_holding(world: World, write: Write) -> ast.ClassDef | None:
    """Return the class whose attribute a statement changes: `Config.OPTIONS["size"] = 9`, also through an instance."""
    if not isinstance(write.base, ast.Attribute):
        return None
    named = _class_named(replace(write, base=write.base.value))
    made = world.value(write.base.value, write.module) if named is None else None
    return made.cls.node if isinstance(made, Instance) else named


def _class_named(write: Write) -> ast.ClassDef | None:
    found = _class_of_self(write.module, write.base)
    if found is not None:
        return found[0]
    base = names.resolve(write.module, write.base)
    return base.node if isinstance(base, ClassRef) else None


def of_instance(world: World, base: Instance, name: str, value: Value) -> Value:
    """Return what an attribute of an instance is, or not known where other code sets it."""
    if not _matters(value):
        return value
    outside = world.modules.shared(Outside)
    nodes = [each.node for each in objects.lineage(world, base.cls) if isinstance(each, ClassRef)]
    for write in outside.by_any_name():
        if not outside.classes(write).isdisjoint(nodes) and outside.is_along(base.cls.module.path, write.module.path):
            return _not_known(name, write, value)
    for write in outside.writes_and_calls(name):
        is_statement = isinstance(write.node, ast.Attribute) or set_by_name(write.node) is not None  # type: ignore[arg-type]
        if is_statement and base.holder is not None and names.scope_at(write.module, write.node) is base.holder.scope:
            continue  # read statement by statement
        if not _counts(outside, write, base.cls.module, value):
            continue
        made = (each for each in outside.receivers(write) if isinstance(each, Instance))
        if any(each.cls.node in nodes and _may_be_same(each, base) for each in made):
            return _not_known(name, write, value)
    for write in outside.changes(name) if isinstance(value, (Table, Listing)) else ():
        is_along = outside.is_along(base.cls.module.path, write.module.path)  # asked first: it is told without evaluation
        if is_along and _changes_instance(world, write, base, nodes):
            value = containers.spoiled(value, write.part, f"it is set in {write.place}") or value
    return value


def _changes_instance(world: World, write: Write, base: Instance, nodes: list[ast.ClassDef]) -> bool:
    """Say whether a statement changes what an attribute of an instance holds: `db.options["size"] = 9`, elsewhere."""
    if not isinstance(write.base, ast.Attribute) or _class_of_self(write.module, write.base.value) is not None:
        return False  # a method's own instance: the class itself knows
    if base.holder is not None and names.scope_at(write.module, write.node) is base.holder.scope:
        return False  # read statement by statement
    receivers = world.modules.shared(Outside).receivers(replace(write, base=write.base.value))
    return any(isinstance(made, Instance) and made.cls.node in nodes and _may_be_same(made, base) for made in receivers)


def of_namespace(world: World, base: Table, name: str, value: Value, node: ast.AST, module: Module) -> Value:
    """Return what an attribute of a `SimpleNamespace` or the like is, or not known where other code sets it."""
    if not _matters(value):
        return value
    outside = world.modules.shared(Outside)
    for write in outside.writes_and_calls(name):
        if names.scope_at(write.module, write.node) is names.scope_at(module, node):
            continue  # read statement by statement
        if _counts(outside, write, module, value):
            if any(isinstance(made, Table) and made.origin == base.origin for made in outside.receivers(write)):
                return _not_known(name, write, value)
    return value


def _may_be_same(one: Instance, other: Instance) -> bool:
    """Say whether two instances may be one: those that two calls make are not."""
    same_call = one.symbol.partition("|")[0] == other.symbol.partition("|")[0]
    return same_call or one.arguments is None or other.arguments is None


def _matters(value: Value) -> bool:
    """Say whether a value is one to be sure of; flags begin as they are, and None keeps a place."""
    if isinstance(value, Known):
        return value.value is not None and not isinstance(value.value, bool)
    return isinstance(value, (Table, Listing, Text, Url))


def _counts(outside: Outside, write: Write, reader: Module, value: Value) -> bool:
    """Say whether a reader may see what is written: the same literal says nothing new, and more is not worked out."""
    is_same = isinstance(write.value, ast.Constant) and isinstance(value, Known) and write.value.value == value.value
    return not is_same and outside.is_along(reader.path, write.module.path)


def _not_known(name: str, write: Write, value: Value) -> Unknown:
    how = "is also set" if write.is_named else "may be set"
    return Unknown(f"{name} {how} in {write.place}", origin_of(value))
