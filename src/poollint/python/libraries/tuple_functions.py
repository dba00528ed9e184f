"""Readers for what makes things with attributes without a class statement: `namedtuple`, `SimpleNamespace`.

    Pool = namedtuple("Pool", "size overflow", defaults=[10]); Pool(5).overflow
    SimpleNamespace(size=5).size
"""

from __future__ import annotations

from collections.abc import Mapping

from poollint.facts import Known
from poollint.python.evaluator import containers
from poollint.python.evaluator.values import Arguments, LibraryObject, Listing, Row, Table, Value, failing
from poollint.python.libraries import Call, reader

_MADE = "collections.namedtuple"


@reader("types.SimpleNamespace")
def _namespace(call: Call) -> Value:
    return containers.table_of(call.arguments, call.origin)


@reader(_MADE)
def _namedtuple(call: Call) -> Value:
    given, names = call.get("field_names", 1), call.text(1, "field_names")
    items = given.items if isinstance(given, Listing) and given.complete else ()
    fields = names.replace(",", " ").split() if names is not None else [item.value for item in items if isinstance(item, Known)]
    defaults = call.get("defaults")
    if len(fields) < len(items) or not fields or not isinstance(defaults, (Listing, type(None))) or call.get("rename"):
        return call.made()
    last = dict(zip(reversed(fields), reversed(defaults.items))) if defaults is not None else {}
    return LibraryObject(_MADE, Arguments(), call.origin, call.node, {field: last.get(field) for field in fields})


@reader("typing.NamedTuple")
def _typed(call: Call) -> Value:
    """`NamedTuple("Pool", [("size", int), ("overflow", int)])`"""
    given = call.get("fields", 1)
    pairs = given.items if isinstance(given, Listing) and given.complete else ()
    fields = [pair.items[0].value for pair in pairs if isinstance(pair, Listing) and isinstance(pair.items[0], Known)]
    return LibraryObject(_MADE, Arguments(), call.origin, call.node, dict.fromkeys(fields)) if fields else call.made()


@reader(f"{_MADE}.__call__", f"{_MADE}._make")
def _row(call: Call) -> Value:
    fields, given = getattr(call.owner, "state", None), call.arguments
    if call.name.endswith("_make"):
        items = containers.items_of(call.world, call.first())
        given = Arguments(tuple(items or ()), {}, items is not None)
    if not isinstance(fields, Mapping) or not given.complete:
        return call.unknown("a named tuple of which not all is known")
    values = [given.get(name, number) or default for number, (name, default) in enumerate(fields.items())]
    if None in values or len(given.positional) + len(given.keywords) > len(fields):
        return failing(TypeError, call.origin)
    return Row(tuple(value for value in values if value is not None), call.origin, names=tuple(fields))


def row_method(row: Row, method: str, given: Arguments) -> Value | None:
    """Return what `_asdict()` or `_replace()` of a named tuple gives, None for every other method."""
    entries = dict(zip(row.names, row.items))
    if method == "_asdict":
        return Table(entries, row.origin)
    if method == "_replace" and given.complete:
        return Row(tuple({**entries, **given.keywords}.values()), row.origin, names=row.names)
    return None
