"""Whether a thing has an attribute: `hasattr(config, "SIZE")`.

What code outside the constructor sets, or anybody from outside, may be there or not: that is not decided. `if not
hasattr(self, "_engine"): self._engine = create_engine(...)` runs once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import Known
from poollint.python import names, objects, outside, settings
from poollint.python.scopes import FUNCTIONS, Scope
from poollint.python.values import ClassRef, Instance, Member, ModuleRef, Table, Text, Value

if TYPE_CHECKING:
    from poollint.python.evaluate import World

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


def _setters(cls: ClassRef, name: str) -> Iterator[tuple[Scope, str]]:
    """Yield the methods of a class that set an attribute, each with what it calls that: "self.size"."""
    for stmt in cls.node.body:
        if isinstance(stmt, FUNCTIONS):
            scope = names.scope_for(cls.module, stmt)
            own = f"{next(iter(scope.parameters), '')}.{name}"
            if own in scope.touched:
                yield scope, own


def _is_set_outside(world: World, name: str) -> bool:
    return bool(world.modules.shared(outside.Outside).writes(name))
