"""Which attributes a thing has: `hasattr(config, "SIZE")`, `vars(config)`.

What code outside the constructor sets, or anybody from outside, may be there or not: that is not decided. `if not
hasattr(self, "_engine"): self._engine = create_engine(...)` runs once.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import objects, outside, settings
from poollint.python.evaluator.values import NO_ARGUMENTS, ClassRef, FunctionRef, Instance, Member, ModuleRef, Table, Text, Value
from poollint.python.source import names
from poollint.python.source.modules import Module
from poollint.python.source.scopes import FUNCTIONS, Scope

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World

# What these bring a class begins with an underscore.
_WITHOUT_NAMES = frozenset({"builtins.object", "object", "typing.NamedTuple", "typing.Generic", "abc.ABC"})


def has(world: World, thing: Value, name: str) -> bool | None:
    """Say whether a thing has an attribute; None where nobody can tell."""
    match thing:
        case Known(value=plain) if not isinstance(thing, Member):
            return hasattr(plain, name)
        case Text():
            return hasattr("", name)
        case Table(complete=True):
            return hasattr({}, name)
        case ModuleRef(module=module):
            if name in module.scope.binds:
                return True
            may_come = module.scope.stars or module.writers_of(name) or "__getattr__" in module.scope.binds
            return None if may_come or _is_set_outside(world, name) else False
        case ClassRef():
            return _of_class(world, thing, name)
        case Instance(cls=cls):
            return True if _of_class(world, cls, name) else _of_instance(world, thing, name)
    return None


def _of_class(world: World, cls: ClassRef, name: str) -> bool | None:
    bases = objects.lineage(world, cls)
    own = [base for base in bases if isinstance(base, ClassRef)]
    if any(name in names.scope_for(base.module, base.node).binds for base in own):
        return True
    is_whole = all(base in _WITHOUT_NAMES for base in bases if isinstance(base, str))
    is_plain = is_whole and not name.startswith("__") and not any(base.node.keywords for base in own)
    return False if is_plain and not _is_set_outside(world, name) else None


def _of_instance(world: World, thing: Instance, name: str) -> bool | None:
    """Say whether an instance has an attribute that its class does not set."""
    bases = objects.lineage(world, thing.cls)
    if settings.has_dict(bases) and settings.has_field(bases, name):
        return True
    setters = [method for cls in bases if isinstance(cls, ClassRef) for method in _setters(cls, name)]
    if setters:
        scope, own = setters[0]
        maker = objects.method_of(world, thing.cls, "__init__")
        is_made = len(setters) == 1 and maker is not None and maker.node is scope.node
        return True if is_made and scope.setting(scope.body, own) else None
    is_made = thing.arguments is not None and thing.holder is None
    brings = objects.method_of(world, thing.cls, "__getattr__") or objects.sets_by_name(world, thing)
    return False if is_made and not brings and _of_class(world, thing.cls, name) is False else None


def is_set_by_methods(world: World, cls: ClassRef, name: str) -> bool:
    """Say whether a method of a class or of one it descends from sets an attribute: `self.SIZE = 4` in `__init__`."""
    bases = (base for base in objects.lineage(world, cls) if isinstance(base, ClassRef))
    return any(True for base in bases for _ in _setters(base, name))


def _setters(cls: ClassRef, name: str) -> Iterator[tuple[Scope, str]]:
    """Yield the methods of a class that set an attribute, each with what it calls that: "self.size"."""
    for stmt in cls.node.body:
        if isinstance(stmt, FUNCTIONS):
            scope = names.scope_for(cls.module, stmt)
            own = f"{next(iter(scope.parameters), '')}.{name}"
            if own in scope.touched:
                yield scope, own


def _is_set_outside(world: World, name: str) -> bool:
    return bool(world.modules.shared(outside.Outside).writes_and_calls(name))


_OF_CLASSES = ("__module__", "__qualname__", "__dict__", "__weakref__", "__doc__")


def as_dict(world: World, thing: Instance | ClassRef, node: ast.AST, module: Module) -> Table:
    """Return `vars(thing)`: the attributes that an instance's constructor sets, or those that a class itself has."""
    origin = Origin("vars()", module.location(node))
    if isinstance(thing, ClassRef):
        own = [name for name in names.scope_for(thing.module, thing.node).binds if "." not in name]
        entries = {name: objects.class_attribute(world, thing, name, origin) for name in own}
        return Table({**dict.fromkeys(_OF_CLASSES, Unknown("is not worked out", origin)), **entries}, origin)
    bases = objects.lineage(world, thing.cls)
    if settings.has_dict(bases):
        return settings.as_dict(world, thing, NO_ARGUMENTS, node, module)
    maker = objects.method_of(world, thing.cls, "__init__")
    scope = names.scope_for(maker.module, maker.node) if maker is not None else None
    own = sorted(name for name in scope.touched if _OWN.fullmatch(name)) if scope is not None else []
    is_whole = scope is not None and all(scope.setting(scope.body, name) for name in own)
    is_whole = is_whole and thing.holder is None and objects.sets_by_name(world, thing) is None
    is_whole = is_whole and all(isinstance(base, ClassRef) or base in _WITHOUT_NAMES for base in bases)
    is_whole = is_whole and scope is not None and "self.__dict__" not in scope.touched
    is_whole = is_whole and not any(_sets_more(method, own) for method in objects.other_methods(world, thing.cls))
    plain = [name.removeprefix("self.") for name in own]
    entries = {name: objects.attribute(world, thing, name, node, module, None) for name in plain}
    return Table(entries, origin, is_whole, "" if is_whole else "vars() of what may have further attributes")


_OWN = re.compile(r"self\.(?!__dict__)\w+")


def _sets_more(method: FunctionRef, known: list[str]) -> bool:
    """Say whether a method gives an instance an attribute that is not among these."""
    scope = names.scope_for(method.module, method.node)
    return "self.__dict__" in scope.touched or any(name not in known for name in scope.sets if _OWN.fullmatch(name))
