"""Looking into things: attributes of modules, classes and their instances."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python import libraries
from poollint.python.evaluator import calls, constructors, containers, decorated, enums, expressions, fills, flow, heirs
from poollint.python.evaluator import lazy, outside, presence, results, returns, settings, validation
from poollint.python.evaluator.values import (
    NO_ARGUMENTS,
    Arguments,
    ClassRef,
    Frame,
    FunctionRef,
    Holder,
    Instance,
    LibraryObject,
    LibraryRef,
    Listing,
    Member,
    ModuleRef,
    NamespaceRef,
    Open,
    Partial,
    Row,
    Super,
    Table,
    Traced,
    Url,
    Value,
    described,
    failing,
    origin_of,
    shortened,
    symbol_of,
    unknown_as,
    unsettled,
    variables_of,
)
from poollint.python.source import names
from poollint.python.source.modules import Import, Module, Modules
from poollint.python.source.scopes import FUNCTIONS, set_by_any_name, walk

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World

_LINUX = {"sys.platform": "linux", "os.name": "posix"}  # what is asked for a deployment is asked of a server
MOST_BASES = 100  # a settings class may be put together from dozens


# -- modules -----------------------------------------------------------------------------------------------------------


def imported(world: World, module: Module, found: Import) -> Value:
    """Return what an import statement binds."""
    target = names.import_target(module, found)
    origin = Origin(found.alias, module.location(found.node))
    match target:
        case None:
            return Unknown(f"{found.module or found.name} could not be read", origin)
        case LibraryRef(name="typing.TYPE_CHECKING" | "typing_extensions.TYPE_CHECKING"):
            return Traced(False, origin)
        case LibraryRef() | NamespaceRef():
            return target
        case (other, None):
            return ModuleRef(other)
        case (other, str(name)):
            if other is module or name not in other.scope.binds:
                below = names.submodule(other, name)
                if below is not None:
                    return below
            return outside.of_module(world, other, name, member(world, other, name, origin), module)
    return Unknown("an import that is not worked out", origin)


def member(world: World, module: Module, name: str, origin: Origin) -> Value:
    """Return what `module.name` is when the module has run."""
    if name in module.scope.binds:
        return flow.name_in(world, module.scope, name, None, module, None, None)
    if module.scope.stars:
        at_end = ast.Name(name, ast.Load())
        module.adopt(at_end, module.tree)
        found = expressions.name_at(world, name, at_end, module, None)
        if not isinstance(found, Unknown):
            return found
    below = names.submodule(module, name)
    if below is None and "__getattr__" in module.scope.binds:
        below = lazy.of_module(world, module, name)
    return below or Unknown(f"{name} is not defined there", origin)


# -- attributes --------------------------------------------------------------------------------------------------------


def attribute(world: World, base: Value, name: str, node: ast.AST, module: Module, frame: Frame | None) -> Value:
    """Return `base.name`."""
    origin = Origin(name, module.location(node))
    match base:
        case ModuleRef(module=other):
            return outside.of_module(world, other, name, member(world, other, name, origin), module)
        case NamespaceRef():
            return names.inside(base, name)
        case LibraryRef(name="typing" | "typing_extensions") if name == "TYPE_CHECKING":
            return Traced(False, origin)
        case LibraryRef(name=dotted, owner=None) if f"{dotted}.{name}" in _LINUX:
            return Traced(_LINUX[f"{dotted}.{name}"], replace(origin, says="servers run Linux"), "default")
        case LibraryRef(name=dotted, owner=owner):
            return LibraryRef(names.canonical(f"{dotted}.{name}"), origin, owner)
        case Instance() | ClassRef() if name == "__dict__":
            return presence.as_dict(world, base, node, module)
        case ClassRef():
            return outside.in_place_of_none(world, base, name, class_attribute(world, base, name, origin), node, module)
        case Instance():
            found = _instance_attribute(world, base, name, node, module, frame)
            is_missing = name in ("value", "_value_") and "AttributeError" in getattr(found, "failure", ())
            return base if is_missing and enums.holds(world, base) else found
        case Super():
            return _of_super(world, base, name, origin, node, module)
        case LibraryObject():
            own = method_of(world, base.cls, name) if base.cls else None
            return replace(own, owner=base) if own else libraries.attribute(world, base, name, node, module, frame)
        case Url():
            return libraries.attribute(world, base, name, node, module, frame)
        case Member() if name in ("value", "_value_"):
            return base.own_value
        case Row(items=items, names=names_of) if name in names_of:
            return items[names_of.index(name)]
        case Known() | Listing() if name in ("value", "_value_"):
            return base  # a member that was worked on, or one whose value is a tuple
        case Member() if (found := enums.attribute(world, base, name, node, module)) is not None:
            return found
        case Open() if symbol_of(base):
            return world.unknown(base.reason, origin, shortened(f"{symbol_of(base)}.{name}"))
        case Unknown():
            return unknown_as(base, origin)
        case Table(entries=entries) if name in entries:
            # No dict has it, so this is one with attributes: a Box, a Munch, dynaconf's.
            return outside.of_namespace(world, base, name, entries[name], node, module)
        case Partial(function=function, arguments=arguments) if name in ("func", "keywords"):
            return function if name == "func" else Table(dict(arguments.keywords), origin, arguments.complete)
    return Unknown(f".{name} of {described(base)}", origin)


def class_attribute(world: World, cls: ClassRef, name: str, origin: Origin) -> Value:
    """Return `Class.name`: the class's own or inherited attribute."""
    bases = lineage(world, cls)
    for owner in bases:
        if not isinstance(owner, ClassRef):
            continue
        scope = names.scope_for(owner.module, owner.node)
        if name in scope.binds:
            if enums.is_enum(bases) and (found := enums.member_named(world, owner, name)) is not None:
                return found
            value = flow.name_in(world, scope, name, None, owner.module, None, owner.frame)
            if flow.is_unset(value):
                return outside.of_declared(world, cls, name, value)
            if isinstance(value, FunctionRef) and is_classmethod(value.node):
                return replace(value, owner=cls)
            if owner.node.decorator_list and (changed := decorated.set_in_class(owner, name)) is not None:
                return changed
            return outside.of_class(world, cls, owner, name, value)
    if name == "__name__":
        return Traced(cls.node.name, origin)
    if name in settings.MADE_OF_DICTS and settings.is_settings(lineage(world, cls)):
        return LibraryRef(f"pydantic.BaseModel.{name}", origin, cls)
    return failing(AttributeError, origin, f"{cls.node.name} does not set {name}")


def lineage(world: World, cls: ClassRef, depth: int = 0) -> list[ClassRef | str]:
    """Return a class and its bases in the order in which Python looks into them; classes of libraries by their names."""
    known = world.modules.shared(_Lineages).known
    if depth > MOST_BASES:
        return [cls]
    if cls not in known:
        known[cls] = [cls]  # a class that descends from itself does so once
        bases = (base for base in _bases(cls) if isinstance(base, ClassRef))
        known[cls] = _in_order(cls, {base: lineage(world, base, depth + 1) for base in bases})
    return known[cls]


class _Lineages:
    """What is worked out of the classes of a project."""

    def __init__(self, modules: Modules) -> None:
        self.known: dict[ClassRef, list[ClassRef | str]] = {}


def _in_order(cls: ClassRef, above: Mapping[ClassRef, list[ClassRef | str]]) -> list[ClassRef | str]:
    """Return a class and what is above it: each base after all that descend from it, in the order they are written."""
    bases = list(_bases(cls))
    rows = [list(above[base]) if isinstance(base, ClassRef) else [base] for base in bases] + [bases]
    found: list[ClassRef | str] = [cls]
    while rows := [row for row in rows if row]:
        heads = (row[0] for row in rows)
        first = next((head for head in heads if not any(head in row[1:] for row in rows)), rows[0][0])
        if first not in found and len(found) < MOST_BASES:
            found.append(first)
        rows = [[each for each in row if each != first] for row in rows]
    return found


def _bases(cls: ClassRef) -> Iterator[ClassRef | str]:
    for base in cls.node.bases:
        target = names.resolve(cls.module, base.value if isinstance(base, ast.Subscript) else base)
        if isinstance(target, ClassRef):
            yield target
        elif isinstance(target, LibraryRef):
            yield target.name


def method_of(world: World, cls: ClassRef, name: str) -> FunctionRef | None:
    """Return the method that a class has or inherits, None where something else of that name stands before it."""
    for owner in lineage(world, cls):
        if isinstance(owner, ClassRef) and name in names.scope_for(owner.module, owner.node).binds:
            own = (stmt for stmt in owner.node.body if isinstance(stmt, FUNCTIONS) and stmt.name == name)
            method = next(own, None)
            return FunctionRef(owner.module, method, owner.frame) if method is not None else None
    return None


def decorators(node: ast.AST) -> set[str]:
    """Return the last words of a definition's decorators: {"property"}, {"computed_field", "property"}."""
    found = set()
    for decorator in getattr(node, "decorator_list", ()):
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        found.add(target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", ""))
    return found


def by_annotation(world: World, annotation: ast.expr | None, module: Module, origin: Origin) -> Value | None:
    """Return what a parameter of this type is when nobody is seen to pass it: settings read their own variables."""
    if annotation is None:
        return None
    plain = settings.plain_annotation(annotation)
    if isinstance(plain, ast.Constant) and isinstance(plain.value, str):
        plain = settings.parsed_annotation(plain, module)
    cls = names.resolve(module, plain)
    if not isinstance(cls, ClassRef):
        return None
    bases = lineage(world, cls)
    if enums.is_enum(bases):
        return None
    given = NO_ARGUMENTS if settings.reads_environment(bases) else None
    return Instance(cls, given, origin, f"self:{cls.module.path}:{cls.node.lineno}")


def settings_of(world: World, annotation: ast.expr, module: Module, origin: Origin) -> Value | None:
    """Return what `-> Settings` promises where the body cannot be read: the settings, if they can be no heir's."""
    found = by_annotation(world, annotation, module, origin)
    if not isinstance(found, Instance) or found.arguments is None:
        return None
    heir = re.compile(rb"class\s+\w+\([^)]{0,200}\b%s\b" % re.escape(found.cls.node.name.encode()))
    paths = world.modules.containing(found.cls.node.name.encode())
    return None if any(heir.search(world.modules.tree.bytes(path) or b"") for path in paths) else found


def is_static(node: ast.AST) -> bool:
    return "staticmethod" in decorators(node)


def is_classmethod(node: ast.AST) -> bool:
    is_by_name = getattr(node, "name", "") in ("__init_subclass__", "__class_getitem__", "__new__")
    return is_by_name or bool({"classmethod", "validator", "field_validator", "root_validator"} & decorators(node))


def owner_of(module: Module, node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> Value | None:
    """Return what `self` or `cls` is in a method, None for every other parameter."""
    parent = module.parent(node)
    first = next(iter((*node.args.posonlyargs, *node.args.args)), None)
    if not isinstance(parent, ast.ClassDef) or first is None or first.arg != name or is_static(node):
        return None
    cls = ClassRef(module, parent)
    if is_classmethod(node):
        return cls
    return Instance(cls, None, Origin(name, module.location(first)), f"self:{module.path}:{parent.lineno}")


def made(world: World, cls: ClassRef, given: Arguments, node: ast.AST, module: Module, frame: Frame | None) -> Value:
    """Return what calling a class gives."""
    origin = Origin(cls.node.name, module.location(node))
    bases = lineage(world, cls)
    if enums.is_enum(bases):
        value = given.positional[0] if given.positional else Unknown("an enum without a value", origin)
        return enums.member_of(world, cls, value, node, module)
    if "typing.TypedDict" in bases or "typing_extensions.TypedDict" in bases:
        return Table(dict(given.keywords), origin, given.complete, given.reason)
    if _is_plain_dict(bases):
        return containers.table_of(given, origin)
    if method_of(world, cls, "__init__") is None and (base := libraries.known_class(bases)):
        made_by = libraries.call(world, LibraryRef(base, origin), given, node, module, frame)  # type: ignore[arg-type]
        return replace(made_by, cls=cls) if isinstance(made_by, LibraryObject) else made_by
    if (given.positional or given.keywords) and _is_singleton(bases):
        return Instance(cls, None, origin, f"self:{cls.module.path}:{cls.node.lineno}")
    symbol = shortened(f"{expressions.place(module, node, frame)}:{cls.node.name}")
    holder = _holder_of(node, module, frame)
    rests = world.resting_on(given.rests or world.rests.so_far(), cls.frame, holder.frame if holder else None)
    return Instance(cls, given, origin, symbol, holder=holder, rests=rests)


_DICTS = frozenset({"builtins.dict", "collections.OrderedDict", "collections.UserDict"})
_OF_DICTS = frozenset(dir(dict)) - frozenset(dir(object)) | {"__init__", "__new__", "__missing__", "__setattr__"}


def _is_plain_dict(bases: list[ClassRef | str]) -> bool:
    """Say whether a class of the project is a dict that only has further methods: what is in it is what is put in."""
    own = [base for base in bases if isinstance(base, ClassRef)]
    is_dict = any(base in _DICTS for base in bases if isinstance(base, str))
    return is_dict and not any(_OF_DICTS & names.scope_for(base.module, base.node).binds.keys() for base in own)


def _is_singleton(bases: list[ClassRef | str]) -> bool:
    """Say whether calling a class may give what another call has made."""
    own = [base for base in bases if isinstance(base, ClassRef)]
    if not any(base.node.keywords or base.node.decorator_list for base in own):
        return False
    from poollint.python.usage.singletons import is_singleton

    return is_singleton(own[0].module, own[0].node)


def is_made_by_init(world: World, cls: ClassRef) -> bool:
    """Say whether calling a class only runs its own `__init__`: no library looks at what is passed."""
    if method_of(world, cls, "__init__") is None:
        return False
    bases = lineage(world, cls)
    return not enums.is_enum(bases) and not settings.has_dict(bases)


def _holder_of(call: ast.AST, module: Module, frame: Frame | None) -> Holder | None:
    """Return the name that a new instance is given, where its scope sets attributes through that name."""
    match module.parent(call):
        case ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(
            target=ast.Name(id=name), value=value
        ) if value is call:
            scope = names.scope_at(module, call)
            running = frame if frame is not None and frame.scope is scope.node else None
            is_changed = any(touched.startswith(f"{name}.") for touched in scope.touched)
            return Holder(module, scope, name, running) if is_changed else None
    return None


def super_of(world: World, node: ast.Call, module: Module, frame: Frame | None) -> Value:
    """Return `super()`: what is found in the classes after the method's own; a library's object as its class sees it."""
    origin = Origin("super", module.location(node))
    method = next((around for around in module.ancestors(node) if isinstance(around, FUNCTIONS)), None)
    around = module.parent(method) if method else None
    if method is None or not isinstance(around, ast.ClassDef) or not method.args.args:
        return Unknown("super() is not worked out", origin)
    if node.args and names.resolve(module, node.args[0]) != ClassRef(module, around):
        return Unknown("super() of another class is not worked out", origin)
    base = next((name for name in lineage(world, ClassRef(module, around))[1:]), None)
    owner = expressions.name_at(world, method.args.args[0].arg, node, module, frame)
    if isinstance(owner, (Instance, ClassRef)):
        return Super(owner, around)
    if isinstance(base, str) and isinstance(owner, LibraryObject):
        return replace(owner, cls=None)
    return LibraryRef(base, origin, owner) if isinstance(base, str) else Unknown("super() is not worked out", origin)


def _of_super(world: World, base: Super, name: str, origin: Origin, node: ast.AST, module: Module) -> Value:
    """Return `super().name`."""
    owner = base.owner
    bases = lineage(world, owner if isinstance(owner, ClassRef) else owner.cls)
    nodes = [each.node if isinstance(each, ClassRef) else None for each in bases]
    after = bases[nodes.index(base.after) + 1 :] if base.after in nodes else bases[1:]
    for cls in after:
        if isinstance(cls, str):
            return LibraryRef(f"{cls}.{name}", origin, owner)
        method = next((stmt for stmt in cls.node.body if isinstance(stmt, FUNCTIONS) and stmt.name == name), None)
        if method is not None and isinstance(owner, Instance):
            return of_method(world, FunctionRef(cls.module, method, cls.frame), owner, node, module)
        scope = names.scope_for(cls.module, cls.node)
        if name in scope.binds:
            found = flow.name_in(world, scope, name, None, cls.module, None, cls.frame)
            return replace(found, owner=owner) if isinstance(found, FunctionRef) and not is_static(found.node) else found
    return Unknown(f"no class above sets {name}", origin)


def _instance_attribute(
    world: World, base: Instance, name: str, node: ast.AST, module: Module, frame: Frame | None
) -> Value:
    asker = _changing_method(module, node, name)
    is_made, is_held = base.arguments is not None, base.holder is not None
    key = ("attribute", base.symbol, base.cls.node, name, base.prefixes, is_made, is_held, asker)
    return world.once(
        key,
        lambda: _looked_up(world, base, name, node, module, frame, asker),
        lambda: Origin(name, module.location(node)),
        base.rests,
    )


def _changing_method(module: Module, node: ast.AST, name: str) -> ast.AST | None:
    """Return the method around a place that changes `self.name`: what it does is looked at where it stands."""
    for function in module.enclosing_functions(node):
        scope = names.scope_for(module, function)
        own = f"{next(iter(scope.parameters), '')}.{name}"
        if own in scope.touched or own in scope.links:
            return function
    return None


def _looked_up(
    world: World,
    base: Instance,
    name: str,
    node: ast.AST,
    module: Module,
    frame: Frame | None,
    asker: ast.AST | None,
) -> Value:
    origin = Origin(name, module.location(node))
    base = heirs.as_heir(world, base, name)
    method = method_of(world, base.cls, name)
    if method is not None:
        return outside.of_method(world, base.cls, method) or of_method(world, method, base, node, module)
    bases = lineage(world, base.cls)
    value = settings.field(world, base, bases, name)
    value = _set_by_methods(world, base, name, value, asker)
    if (maker := sets_by_name(world, base)) is not None and not isinstance(value, (FunctionRef, LibraryObject)):
        return Unknown(f"{maker}() sets attributes by names that are not written down", origin)
    if base.holder is not None:
        before, value = value, flow.set_through(world, base.holder, name, value)
        value = settings.assigned_to(world, base, bases, name, value) if value is not before else value
    if value is not None:
        return outside.of_instance(world, base, name, value)
    if _is_passed_on(world, base, name):
        return Unknown(f"{base.cls.node.name} is given {name}, and a library makes something of it", origin)
    found = outside.of_instance(world, base, name, class_attribute(world, base.cls, name, origin))
    if isinstance(found, LibraryObject) and found.name == "builtins.property":
        return _of_property(world, base, found, node, module)
    if isinstance(found, Unknown) and settings.is_settings(bases) and name in ("data", "values", "__dict__"):
        return base  # `info.data` of a validator
    return lazy.of_instance(world, base, name, node, module) or found if isinstance(found, Unknown) else found


def makes_afresh(world: World, base: Instance, name: str) -> bool:
    """Say whether an attribute is a property that makes a new thing each time: what is set in that, nobody sees again."""
    method = method_of(world, base.cls, name)
    if method is None or not _is_property(method.node) or results.is_shared(method):
        return False
    return sum(getattr(stmt, "name", "") == name for stmt in getattr(method.module.parent(method.node), "body", ())) == 1


def _is_passed_on(world: World, base: Instance, name: str) -> bool:
    """Say whether a class that does not say how it is made is given a value for an attribute: a class above it knows."""
    if base.arguments is None or name not in base.arguments.keywords:
        return False
    return method_of(world, base.cls, "__init__") is None and method_of(world, base.cls, "__new__") is None


def of_method(world: World, method: FunctionRef, owner: Instance | Member, node: ast.AST, module: Module) -> Value:
    """Return what `owner.method` is: the method bound to it, or what a property returns."""
    if is_static(method.node):
        return method
    bound = replace(method, owner=owner.cls if is_classmethod(method.node) else owner)
    return _got(world, bound, node, module) if _is_property(method.node) else bound


def _got(world: World, getter: FunctionRef, node: ast.AST, module: Module) -> Value:
    """Return what a property's function returns."""
    running = calls.frame_for(world, getter, NO_ARGUMENTS, node, module, None)
    if running is None:
        return Unknown("calls nested too deeply", Origin(getter.name, module.location(node)))
    return returns.returned(world, getter, running)


def _of_property(world: World, owner: Instance, made: LibraryObject, node: ast.AST, module: Module) -> Value:
    """Return what an attribute is that a call made a property: `size = property(getter)`."""
    getter = world.pending(made.arguments.get("fget", 0) or Unknown("a property without a getter", made.origin))
    if not isinstance(getter, FunctionRef):
        return Unknown("a property whose getter is not known", made.origin)
    return _got(world, replace(getter, owner=owner), node, module)


def field_or_default(
    world: World, base: Instance, given: Arguments, origin: Origin, node: ast.AST, module: Module
) -> Value:
    """Return `values.get("HOST", default)`: a field, or the default when the class has none of that name."""
    key = given.positional[0]
    if not isinstance(key, Known) or not isinstance(key.value, str):
        return unsettled("a key that is not known", key, origin=origin)
    if settings.has_field(lineage(world, base.cls), key.value):
        return attribute(world, base, key.value, node, module, None)
    return given.get("default", 1) or Traced(None, origin)


def is_plain_settings(world: World, base: Instance) -> bool:
    """Say whether `.get("X")` on an instance asks for its field X."""
    return settings.is_settings(lineage(world, base.cls)) and method_of(world, base.cls, "get") is None


def is_equal_to_itself_only(world: World, base: Instance) -> bool:
    """Say whether an instance that is made here is no more than its class says, and its class does not say what equals it."""
    bases = lineage(world, base.cls)
    is_whole = all(isinstance(each, ClassRef) or each in ("builtins.object", "object") for each in bases)
    return base.arguments is not None and is_whole and method_of(world, base.cls, "__eq__") is None


def is_made_of(world: World, value: Instance, classes: list[ClassRef], named: list[str]) -> bool | None:
    """Say whether an instance is one of some classes, as far as its own class tells.

    A parameter of that type may hold an heir; what is constructed here is none. What a library's class descends from is
    not known.
    """
    bases = lineage(world, value.cls)
    if any(kind in bases for kind in (*classes, *named)):
        return True
    is_whole = not named or all(isinstance(base, ClassRef) for base in bases)
    # A protocol that is checked at run time asks for methods.
    is_plain = not any(_PROTOCOLS.intersection(lineage(world, cls)) for cls in classes)
    return False if value.arguments is not None and is_whole and is_plain else None


_PROTOCOLS = frozenset({"typing.Protocol", "typing_extensions.Protocol"})


DUMPS = frozenset({"model_dump", "dict", "_asdict"})  # methods that make a dict of an instance's fields


def is_dumped(world: World, base: Instance, name: str) -> bool:
    """Say whether `.model_dump()` on an instance is the library's, not a method of the class's own."""
    return settings.has_dict(lineage(world, base.cls)) and method_of(world, base.cls, name) is None


def sets_by_name(world: World, base: Instance) -> str | None:
    """Return the constructor, or the method that it calls, that sets attributes by names: `setattr(self, key, value)`."""
    if method_of(world, base.cls, "__getattribute__") is not None:
        return "__getattribute__"
    for maker in _MAKERS:
        if (method := method_of(world, base.cls, maker)) is not None:
            called = (method_of(world, base.cls, name) for name in sorted(_own_calls(method.node)))
            setting = (each.name for each in (method, *called) if each is not None and _works_names_out(each.node))
            if (name := next(setting, None)) is not None:
                return name
    return None


@lru_cache(maxsize=4096)
def _works_names_out(function: ast.AST) -> bool:
    """Say whether a method sets attributes of its instance by names that are not written there."""
    own = _own_name(function)
    for node in walk(function):
        base = set_by_any_name(node)
        if isinstance(base, ast.Name) and base.id == own or isinstance(base, ast.Call) and getattr(base.func, "id", "") == "super":
            return True
    return False


@lru_cache(maxsize=4096)
def _own_calls(function: ast.AST) -> frozenset[str]:
    """Return the methods that a method calls of its own instance: `self.load(options)`."""
    own = _own_name(function)
    calls_of_it = (node.func for node in walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    return frozenset(func.attr for func in calls_of_it if isinstance(func.value, ast.Name) and func.value.id == own)


def _own_name(function: ast.AST) -> str | None:
    """Return what a method calls its instance."""
    args = getattr(function, "args", None)
    return next((arg.arg for arg in (*args.posonlyargs, *args.args)), None) if args is not None else None


def _sets_by_text(function: ast.AST, name: str) -> bool:
    """Say whether a method that works names of its attributes out holds this one: `for key in ("size", "overflow"):`."""
    if not _works_names_out(function):
        return False
    return any(isinstance(node, ast.Constant) and node.value == name for node in walk(function))


def _is_property(node: ast.AST) -> bool:
    return bool(
        {"property", "cached_property", "computed_field", "hybrid_property", "classproperty"} & decorators(node)
    )


# Methods that run when an instance is made, in this order.
_MAKERS = ("__post_init__", "__init__", "model_post_init")


def _set_by_methods(
    world: World, base: Instance, name: str, value: Value | None, asker: ast.AST | None
) -> Value | None:
    """Return `self.name` as the methods of the class set it: those that make the instance first, then any other one."""
    for maker in _MAKERS:
        method = method_of(world, base.cls, maker)
        if method is not None:
            frame = frame_of(world, base, method)
            if method.node is asker:  # what the maker itself sets is read where it stands: this is what it finds
                return constructors.attribute_before(world, base, method, frame, name, value)
            value = constructors.attribute_set_by(world, base, method, frame, name, value)
    value = validation.after_validators(world, base, name, value, asker)
    if asker is not None and validation.is_validator(asker):
        return value
    if value is not None and not _is_blank(value):
        return _changed_by_methods(world, base, name, value, asker)
    found: Value | None = None
    for method in other_methods(world, base.cls):
        if method.node is asker or not flow.touches(method, name):
            continue
        running = frame_of(world, base, method)
        other = flow.attribute_set_in(world, replace(method, owner=base), name, running)
        if other is None or _is_blank(other):
            continue
        if found is not None and found != other:
            return Unknown(f"{name} is set in several methods", origin_of(other))
        found = other
    return found or value


def _is_blank(value: Value) -> bool:
    """Say whether a constructor's value keeps a place for what another method sets: None, or an empty text."""
    return isinstance(value, Known) and value.value in (None, "") and not variables_of(value)


def _changed_by_methods(world: World, base: Instance, name: str, value: Value, asker: ast.AST | None) -> Value | None:
    """Return what is left of an attribute that methods change after the instance is made; a flag is as it begins."""
    if not isinstance(value, (Table, Listing, Known)) or isinstance(getattr(value, "value", None), bool):
        return value
    result: Value | None = value
    for method in other_methods(world, base.cls):
        scope = names.scope_for(method.module, method.node)
        own = f"{next(iter(scope.parameters), '')}.{name}"
        if method.node is asker or validation.is_validator(method.node):
            continue
        if own in scope.sets or _sets_by_text(method.node, name):
            return Unknown(f"{name} is also set in {method.name}()", origin_of(value))
        for part in fills.set_in(method.module, scope, own):
            result = containers.spoiled(result, part, f"{method.name}() changes it")
    return result


def other_methods(world: World, cls: ClassRef) -> Iterator[FunctionRef]:
    for owner in lineage(world, cls):
        if isinstance(owner, ClassRef):
            for stmt in owner.node.body:
                if isinstance(stmt, FUNCTIONS) and stmt.name not in _MAKERS and not is_static(stmt):
                    yield FunctionRef(owner.module, stmt, owner.frame)


def _given_to(world: World, base: Instance, method: FunctionRef) -> Arguments:
    """Return what a constructor is given; a method that nobody calls here, nothing that is known."""
    if method.name == "__init__" and base.arguments is not None:
        return base.arguments
    is_given = method.name == "__post_init__" and base.arguments is not None
    variables = settings.init_variables(world, base) if is_given else []
    return Arguments(tuple(variables), {}, False, "not called here")


def frame_of(world: World, base: Instance, method: FunctionRef) -> Frame | None:
    """Return the frame of a method of an instance; constructors get the instance's arguments."""
    if method.name == "__init__" and base.arguments is None:
        return None  # parameters are what the callers of the class pass
    bindings = calls.bound(replace(method, owner=base), _given_to(world, base, method))
    if method.name not in ("__init__", "__post_init__"):
        bindings = {name: value for name, value in bindings.items() if value is base}
    path = shortened(f"{base.symbol}.{method.name}")
    return Frame(method.node, bindings, method.frame, path, 1, world.resting_on(base.rests, method.frame))
