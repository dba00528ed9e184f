"""Enums of the project: members by their values, with the names, properties and methods that their class gives them.

    Env.PROD, Env["PROD"], Env("prod"), Env(os.getenv("ENV", "dev"))     a member
    member.value, member.name, member.is_testing, member.pool_size()     what hangs on it

A member is the plain value that it stands for: variables work on it as they do on text. Only those of StrEnum, IntEnum
and mixed-in types equal that value, too.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import calls, flow, objects, returns
from poollint.python.evaluator.values import (
    Arguments,
    ClassRef,
    Instance,
    LibraryObject,
    Member,
    Traced,
    Value,
    certainty_of,
    derived,
    failing,
    operation,
    origin_of,
    traps_of,
    variables_of,
)
from poollint.python.source import names
from poollint.python.source.modules import Module

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World

Bases = list[ClassRef | str]

_ENUMS = frozenset({"enum.Enum", "enum.StrEnum", "enum.IntEnum", "enum.Flag", "enum.IntFlag"})
_NUMERIC = frozenset({"enum.IntEnum", "enum.IntFlag", "builtins.int"})


def is_enum(bases: Bases) -> bool:
    """Say whether a class with these bases is an enum."""
    return any(base in _ENUMS for base in bases if isinstance(base, str))


def members(world: World, cls: ClassRef) -> list[Value]:
    """Return an enum's members in their order; those whose value is not plain as they are, aliases once."""
    found: list[Value] = []
    for member in (_named(world, cls, name) for name in _names(cls)):
        if not isinstance(member, Member) or not any(isinstance(e, Member) and e.value == member.value for e in found):
            found.append(member)
    return found


def member_named(world: World, cls: ClassRef, name: str) -> Value | None:
    """Return `Class.NAME`, None when the class has no such member."""
    return _named(world, cls, name) if name in _names(cls) else None


def holds(world: World, value: Instance) -> bool:
    """Say whether an instance stands in the body of an enum: a member is read as what it stands for."""
    location = value.origin.location
    module = world.modules.module(location.path) if location is not None else None
    for cls in module.scope.inner if module is not None and location is not None else ():
        if isinstance(cls, ast.ClassDef) and cls.lineno <= location.line <= (cls.end_lineno or 0):
            return is_enum(objects.lineage(world, ClassRef(module, cls)))  # type: ignore[arg-type]
    return False


def member_of(world: World, cls: ClassRef, value: Value, node: ast.AST, module: Module) -> Value:
    """Return `Class(value)`: the member of that value, which stands where the value does."""
    if not isinstance(value, Known) or (isinstance(value, Member) and value.cls == cls):
        return value
    found = members(world, cls)
    wanted: set[object] = {value.value}
    if isinstance(value.value, str) and _NUMERIC & set(objects.lineage(world, cls)) and value.value.strip().isdecimal():
        wanted.add(int(value.value))  # of a variable: a settings class reads the number
    same = next((each for each in found if isinstance(each, Member) and each.value in wanted), None)
    if same is None:
        same = _missing(world, cls, value, node, module)
    if isinstance(same, Member):
        return _like(same, value)
    if same is not None or not all(isinstance(each, Member) for each in found):
        return Unknown(f"which member of {cls.node.name} it is, is not known", origin_of(value))
    return failing(ValueError, origin_of(value), f"fails with ValueError: {value.value!r} is no {cls.node.name}")


def attribute(world: World, member: Member, name: str, node: ast.AST, module: Module) -> Value | None:
    """Return what hangs on a member beside its value, None when that is nothing its class says."""
    origin = Origin(name, module.location(node))
    if name in ("name", "_name_"):
        return derived(member.name, member, symbol=operation("name", member))
    method = objects.method_of(world, member.cls, name)
    if method is not None:
        return objects.of_method(world, method, member, node, module)
    found = objects.class_attribute(world, member.cls, name, origin)
    return None if isinstance(found, Unknown) else found


# -- members -----------------------------------------------------------------------------------------------------------


def _names(cls: ClassRef) -> list[str]:
    scope = names.scope_for(cls.module, cls.node)
    return [name for name, stmts in scope.binds.items() if isinstance(stmts[0], ast.Assign) and not _is_reserved(name)]


def _is_reserved(name: str) -> bool:
    return name.startswith("__") or (name.startswith("_") and name.endswith("_"))


def _named(world: World, cls: ClassRef, name: str) -> Value:
    value = flow.name_in(world, names.scope_for(cls.module, cls.node), name, None, cls.module, None, cls.frame)
    if isinstance(value, LibraryObject) and value.name == "enum.auto":
        value = _automatic(world, cls, name, value.origin)
    return _as_member(world, value, cls, name, value) if isinstance(value, Known) else value


def _as_member(world: World, value: Known, cls: ClassRef, name: str, like: Known) -> Member:
    bases = objects.lineage(world, cls)
    return Member(
        value.value,
        like.origin,
        certainty_of(like),
        like.symbol if isinstance(like, Traced) else "",
        variables_of(like),
        traps_of(like),
        cls=cls,
        name=name,
        is_plain=any(isinstance(base, str) and base not in ("enum.Enum", "enum.Flag") for base in bases),
        shown=_shown(world, value, bases, f"{cls.node.name}.{name}"),
    )


def _shown(world: World, value: Known, bases: Bases, name: str) -> str | None:
    """Return what `str()` and f-strings make of a member."""
    own = next((found for base in bases if isinstance(base, ClassRef) and (found := objects.method_of(world, base, "__str__"))), None)
    if own is not None:
        match own.node.body:
            case [*_, ast.Return(value=ast.Attribute(attr="value") | ast.Call(args=[ast.Attribute(attr="value")]))]:
                return str(value.value)
        return None
    if {"enum.StrEnum", "enum.IntEnum", "enum.IntFlag"} & set(bases):
        return str(value.value)
    return name if all(base == "enum.Enum" for base in bases if isinstance(base, str)) else None


def _like(member: Member, value: Known) -> Member:
    """Return a member with what is known of the value that was looked up: its variables and its place."""
    return replace(
        member,
        origin=value.origin,
        certainty=certainty_of(value),
        symbol=value.symbol if isinstance(value, Traced) else "",
        variables=variables_of(value),
        traps=traps_of(value),
    )


def _automatic(world: World, cls: ClassRef, name: str, origin: Origin) -> Value:
    """Return the value of `auto()`: the name in small letters, or one more than the member before."""
    bases = objects.lineage(world, cls)
    own = objects.method_of(world, cls, "_generate_next_value_") is not None
    if "enum.StrEnum" in bases and not own:
        return Traced(name.lower(), origin)
    if own or not {"enum.Enum", "enum.IntEnum"} & set(bases) or "builtins.str" in bases:
        return Unknown(f"the value of {name} is not worked out", origin)
    order = _names(cls)
    before = order[order.index(name) - 1] if order.index(name) else None
    last = _named(world, cls, before) if before else Traced(0, origin)
    if not isinstance(last, Known) or not isinstance(last.value, int):
        return Unknown(f"the value of {name} is not worked out", origin)
    return Traced(last.value + 1, origin)


def _missing(world: World, cls: ClassRef, value: Known, node: ast.AST, module: Module) -> Value | None:
    """Return what the class makes of a value that no member has, None where it raises."""
    method = objects.method_of(world, cls, "_missing_")
    if method is None:
        return None
    bound = replace(method, owner=cls)
    frame = calls.frame_for(world, bound, Arguments((value,)), node, module, None)
    if frame is None:
        return Unknown("calls nested too deeply", origin_of(value))
    return returns.returned(world, bound, frame)
