"""Dicts, lists and sets: what is in them, what their methods give, and how statements change them."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from poollint.facts import Known, Origin, Unknown
from poollint.python import libraries
from poollint.python.evaluator import branching, calls, enums, environment, objects, settings
from poollint.python.evaluator.values import (
    Arguments,
    ClassRef,
    Frame,
    Hidden,
    Instance,
    LibraryObject,
    LibraryRef,
    Listing,
    Member,
    MemberKey,
    Open,
    Row,
    Table,
    Traced,
    Url,
    Value,
    derived,
    described,
    failing,
    operation,
    origin_of,
    reason_of,
    same_value,
    unknown_as,
    unsettled,
)
from poollint.python.libraries import tuple_functions
from poollint.python.source import sharing
from poollint.python.source.modules import Module

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World

LARGEST_TABLE = 2000
NO_KEY = object()


def as_table(world: World, value: Value) -> Value:
    """Return what `**value` spreads."""
    if environment.is_environ(value):
        return of_environ(origin_of(value))
    if isinstance(value, LibraryObject):
        return libraries.as_table(world, value) or value
    return value


def of_environ(origin: Origin) -> Table:
    """Return a copy of `os.environ`."""
    return Table({}, origin, False, "is a copy of os.environ", Table({}, origin))


def entry(world: World, table: Table, key: Any, origin: Origin, default: Value | None = None) -> Value | None:
    """Return what is under a key, Unknown when that may be anything, None when nothing is.

    default  what counts where a variable of the process is not set
    """
    if table.beneath is None or key in table.entries:
        found = table.get(key)
        if isinstance(found, Open):
            return replace(found, failure=())
        return None if found is None or _is_gone(found) else found
    beneath = table.beneath.get(key)
    default = beneath if beneath is not None else default
    found = world.variable(str(key), default, origin)
    return None if default is None and isinstance(found, Known) and found.value is None else found


def _is_gone(found: Value) -> bool:
    """Say whether an entry only notes that a key of a dict, of which not all is known, is not there.

    One with a name that fails so may be there, or not.
    """
    return isinstance(found, Unknown) and "KeyError" in found.failure and not isinstance(found, Open)


def _without(table: Table, key: Any) -> Table:
    """Return a dict after a key was taken away; of a copy of `os.environ` it is noted that it is gone."""
    return table.without(key) if table.beneath is None else table.put(key, failing(KeyError, table.origin))


def key_of(value: Value | None) -> Any:
    """Return a value as the key of a dict, NO_KEY when it cannot be one."""
    match value:
        case Member(is_plain=False, cls=cls, value=key):
            return MemberKey(cls.module.path, cls.node.lineno, key, Hidden(value))
        case Known(value=key):
            return key
        case LibraryRef(name=name):
            return name
        case ClassRef(module=module, node=node):
            return module.path, node.name
    return NO_KEY


def of_key(key: Any, origin: Origin) -> Value:
    """Return the key of a dict as a value."""
    return key.member.value if isinstance(key, MemberKey) else Traced(key, origin)


def items_of(world: World, value: Value) -> list[Value] | None:
    """Return what a loop over a value goes through, None when that is not known."""
    match value:
        case Listing(items=items, complete=True):
            return list(items)
        case Table(entries=entries, complete=True):
            return [of_key(key, value.origin) for key in entries]
        case ClassRef() if enums.is_enum(objects.lineage(world, value)):
            return enums.members(world, value)
    return None


def as_tuple(world: World, value: Value, node: ast.AST, module: Module) -> Value:
    """Return a named tuple as what unpacking it gives, any other value as it is."""
    if not isinstance(value, Instance) or "typing.NamedTuple" not in objects.lineage(world, value.cls):
        return value
    order = settings.order_of(objects.lineage(world, value.cls))
    return Listing(tuple(objects.attribute(world, value, name, node, module, None) for name in order), value.origin)


def as_set(items: list[Value], origin: Origin, complete: bool = True) -> Listing:
    """Return a set: each item once, and not surely all of them where some are not known."""
    found = {key: each for each in items if (key := key_of(each)) is not NO_KEY}
    others = [each for each in items if key_of(each) is NO_KEY]
    return Listing((*found.values(), *others), origin, complete and not others)


def item(
    world: World, base: Value, key: Value, origin: Origin, node: ast.AST, module: Module, frame: Frame | None
) -> Value:
    """Return `base[key]`."""
    match as_tuple(world, base, node, module) if isinstance(key, Known) and isinstance(key.value, int) else base:
        case Table():
            hashed = key_of(key)
            if hashed is NO_KEY:
                return unsettled(f"a key that is not known: {reason_of(key)}", key, origin=origin)
            found = entry(world, base, hashed, origin)
            return found if found is not None else failing(KeyError, origin, f"the dict has no {hashed!r}")
        case Listing(items=items, complete=True) if isinstance(key, Known) and isinstance(key.value, int):
            return items[key.value] if -len(items) <= key.value < len(items) else failing(IndexError, origin)
        case Known(value=str(content)) if isinstance(key, Known) and isinstance(key.value, int):
            if -len(content) <= key.value < len(content):
                return derived(content[key.value], base)
            return failing(IndexError, origin)
        case LibraryRef() | LibraryObject():
            return libraries.item(world, base, key, node, module, frame)
        case Instance() if (getter := objects.method_of(world, base.cls, "__getitem__")) is not None:
            at = ast.copy_location(ast.Call(node, [], []), node)
            return calls.call(world, replace(getter, owner=base), Arguments((key,)), at, module, frame)
        case Instance() if isinstance(key, Known) and isinstance(key.value, str):
            return objects.attribute(world, base, key.value, node, module, frame)
        case ClassRef() if isinstance(key, Known) and enums.is_enum(objects.lineage(world, base)):
            member = objects.class_attribute(world, base, str(key.value), origin)
            is_missing = isinstance(member, Unknown) and "AttributeError" in member.failure
            return failing(KeyError, origin, f"{base.node.name} has no {key.value}") if is_missing else member
    reason = reason_of(base) if isinstance(base, Unknown) else f"an item of {described(base)}"
    return world.taught(unsettled(reason, base, key, origin=origin, symbol=operation("item", base, key)))


_MAY_BE_DICT = (Unknown, Instance, LibraryObject, LibraryRef)


def _started(value: Value | None, origin: Origin) -> Table:
    """Return a dict of which only what is set from now on is known."""
    if environment.is_environ(value):
        return of_environ(origin)
    reason = reason_of(value) if value is not None else "what was in the dict before is not known"
    return Table({}, origin, False, reason)


def put(table: Value | None, keys: list[Value], value: Value, origin: Origin) -> Value:
    """Return a dict after `d[k1][k2] = value`."""
    if table is None or isinstance(table, _MAY_BE_DICT):
        table = _started(table, origin)
    key = key_of(keys[0])
    if not isinstance(table, Table):
        return Unknown(f"an item of {described(table)} was set", origin)
    if key is NO_KEY:
        return table.opened("a key is not known")
    if len(table.entries) >= LARGEST_TABLE:
        return table.opened("too many keys") if table.complete else table
    if len(keys) > 1:
        value = put(table.get(key) or Table({}, origin), keys[1:], value, origin)
    return table.put(key, value)


def mutated(
    world: World, value: Value | None, keys: list[Value], method: str, given: Arguments, call: ast.Call, module: Module
) -> Value | None:
    """Return a dict or list after `d[keys].method(...)` changed it."""
    if keys:
        key = key_of(keys[0])
        if isinstance(value, Table) and key is not NO_KEY:
            inner = mutated(world, value.get(key), keys[1:], method, given, call, module)
            return value.put(key, inner) if inner is not None else value
        return unread(value, "an item of it was changed")
    if isinstance(value, (LibraryObject, LibraryRef)) and (
        found := libraries.changed(world, value, method, given, call, module)
    ):
        return found
    if method in ("update", "setdefault") and (value is None or isinstance(value, _MAY_BE_DICT)):
        value = _started(value, origin_of(value))
    if isinstance(value, Table):
        return _table_after(world, value, method, given)
    if isinstance(value, Listing):
        return _listing_after(value, method, given)
    return value


def _table_after(world: World, table: Table, method: str, given: Arguments) -> Table:
    first = given.positional[0] if given.positional else None
    if method == "update":
        return table.merged(_passed(first, given, table.origin))
    if method == "clear":
        return replace(table, entries={}, complete=True, reason="")
    if method in ("setdefault", "pop"):
        key = key_of(first)
        if key is NO_KEY:
            return table.opened("a key is not known")
        if method == "pop":
            return _without(table, key)
        default = given.get("default", 1) or Known(None, table.origin)
        before = table.entries.get(key)
        if isinstance(before, Open) and "KeyError" in before.failure:
            return table.put(key, branching.default_of(default, before))
        if before is not None and not _is_gone(before):
            return table
        if table.beneath is not None:
            return table.put(key, entry(world, table, key, table.origin, default) or default)
        # What an unread part may have set before wins over this.
        is_sure = table.complete or key in table.entries
        return table.put(key, default if is_sure else branching.as_sure_as(default, _MAYBE))
    return table.opened(f"changed by {method}()")


def unread(value: Value | None, reason: str) -> Value | None:
    """Return what is left of a dict or list after a change that is not worked out."""
    if isinstance(value, Table):
        return value.opened(reason)
    return Listing((), value.origin, False, reason) if isinstance(value, Listing) else value


def spoiled(value: Value | None, part: sharing.Path, reason: str) -> Value | None:
    """Return what is left of a dict or list where what is under the keys `part` was set to something unknown."""
    if not isinstance(value, Table) or not part or part[0] is sharing.ANY:
        return unread(value, reason)
    key, *rest = part
    before = value.get(key)
    if rest and before is not None:
        after = spoiled(before, tuple(rest), reason)
    else:
        after = Unknown(f"{key} may be replaced: {reason}", value.origin)
    return value.put(key, after) if after is not None else value


def deleted(value: Value | None, keys: list[Value], last: Value) -> Value | None:
    """Return a dict after `del d[keys][last]`."""
    why = "a key was deleted"
    if not keys:
        key = key_of(last)
        return _without(value, key) if isinstance(value, Table) and key is not NO_KEY else unread(value, why)
    key = key_of(keys[0])
    inner = deleted(value.get(key), keys[1:], last) if isinstance(value, Table) and key is not NO_KEY else None
    return value.put(key, inner) if isinstance(value, Table) and inner is not None else unread(value, why)


_MAYBE = Known(True, Origin("may be set before"), "fallback")


def _passed(first: Value | None, given: Arguments, origin: Origin) -> Table:
    """Return what `dict(first, **keywords)` or `update(first, **keywords)` brings."""
    table = Table({}, origin)
    if isinstance(first, Listing) and first.complete:
        for pair in first.items:
            is_pair = isinstance(pair, Listing) and len(pair.items) == 2 and isinstance(pair.items[0], Known)
            table = (
                table.put(pair.items[0].value, pair.items[1]) if is_pair else table.opened("pairs that are not known")
            )  # type: ignore[union-attr]
    elif first is not None:
        table = table.merged(of_environ(origin) if environment.is_environ(first) else first)
    table = table.merged(Table(dict(given.keywords), origin))
    return table if given.complete else table.opened(given.reason)


def table_of(given: Arguments, origin: Origin) -> Table:
    """Return what `dict(...)` makes of its arguments."""
    return replace(_passed(given.positional[0] if given.positional else None, given, origin), origin=origin)


def _listing_after(listing: Listing, method: str, given: Arguments) -> Listing:
    first = given.positional[0] if given.positional else None
    if method in ("append", "add") and first is not None and len(listing.items) < LARGEST_TABLE:
        return replace(listing, items=(*listing.items, first))
    if method == "extend" and isinstance(first, Listing) and len(listing.items) + len(first.items) < LARGEST_TABLE:
        return replace(listing, items=(*listing.items, *first.items), complete=listing.complete and first.complete)
    return replace(listing, complete=False)


def container_method(world: World, base: Table | Listing, method: str, given: Arguments, origin: Origin) -> Value:
    """Return what a method of a dict or list gives."""
    if isinstance(base, Row) and (found := tuple_functions.row_method(base, method, given)) is not None:
        return found
    if isinstance(base, Listing) and method in ("index", "count") and len(given.positional) == 1:
        return _position(base, method, given.positional[0], origin)
    if isinstance(base, Listing):
        return base if method == "copy" else Unknown(f"{method}() of a list", origin)
    match method:
        case "copy":
            return base
        case "get" | "pop" | "setdefault" if given.positional:
            return _gotten(world, base, method, given, origin)
        case "keys":
            return Listing(tuple(of_key(key, base.origin) for key in base.entries), base.origin, base.complete)
        case "values":
            return Listing(tuple(base.entries.values()), base.origin, base.complete)
        case "items":
            pairs = (Listing((of_key(key, base.origin), value), base.origin) for key, value in base.entries.items())
            return Listing(tuple(pairs), base.origin, base.complete)
        case "getint" | "getfloat" | "getboolean" if given.positional:  # a section of an ini file
            from poollint.python.libraries import ini_functions

            return ini_functions.cast(method, _gotten(world, base, method, given, origin))
    return Unknown(f"{method}() of a dict", origin)


def _position(base: Listing, method: str, wanted: Value, origin: Origin) -> Value:
    """Return what `index()` or `count()` of a list gives."""
    if not base.complete or not isinstance(wanted, Known) or not all(isinstance(item, Known) for item in base.items):
        return Unknown(f"{method}() of a list of which not all is known", origin)
    places = [number for number, item in enumerate(base.items) if isinstance(item, Known) and same_value(item, wanted)]
    if method == "count":
        return Traced(len(places), origin)
    return Traced(places[0], origin) if places else failing(ValueError, origin)


def _gotten(world: World, base: Table, method: str, given: Arguments, origin: Origin) -> Value:
    key = key_of(given.positional[0])
    if key is NO_KEY:
        return unsettled("a key that is not known", given.positional[0], origin=origin)
    default = given.get("default", 1) or given.get("fallback")
    found = entry(world, base, key, origin, default)
    if found is not None:
        return found
    return default if default is not None else Traced(None, origin)


def entered(world: World, value: Value) -> Value:
    """Return what `with value as name` binds."""
    if isinstance(value, (LibraryObject, Instance, Url)):
        return value
    return unknown_as(value, origin_of(value))
