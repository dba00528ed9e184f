"""Readers for what Python itself brings: casts, numbers, containers, `functools`, variables of the process."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import NoneType
from typing import Any

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import containers, expressions, kinds, objects, operators, presence, settings, text
from poollint.python.evaluator.values import (
    Arguments,
    ClassRef,
    FunctionRef,
    Instance,
    LibraryRef,
    Listing,
    Member,
    ModuleRef,
    Open,
    Partial,
    Table,
    Traced,
    Trap,
    Url,
    Value,
    derived,
    described,
    failing,
    operation,
    origin_of,
    reason_of,
    symbol_of,
    unsettled,
    variables_of,
)
from poollint.python.libraries import Call, attribute_reader, reader
from poollint.python.source import names

LONGEST_RANGE = 1000


# -- variables of the process ------------------------------------------------------------------------------------------


@reader("os.getenv", "os.environ.get", "os.environ.setdefault", "os.environ.pop")
def _getenv(call: Call) -> Value:
    default = call.get("default", 1)
    if isinstance(default, Known) and default.value is None:
        default = None
    return call.variable(call.text(0, "key"), default)


@reader("os.environ.copy")
def _environ_copy(call: Call) -> Value:
    return containers.of_environ(call.origin)


@reader("os.environ.__getitem__")
def _environ(call: Call) -> Value:
    found = call.variable(call.text(0))
    if isinstance(found, Known) and found.value is None:
        return Open(f"{call.text(0)} is not set, and the code needs it", call.origin, absent=True)
    return found


@reader("os.cpu_count", "multiprocessing.cpu_count", "os.getpid", "time.time", "uuid.uuid4", "socket.gethostname")
def _machine(call: Call) -> Value:
    return Open(f"{call.name}() depends on the machine", call.origin, f"{call.name}()")


@reader("platform.system")
def _system(call: Call) -> Value:
    return Traced("Linux", replace(call.origin, says="servers run Linux"), "default")


# -- casts -------------------------------------------------------------------------------------------------------------


def _cast(call: Call, cast: Callable[[Any], Any]) -> Value:
    value = call.first()
    if isinstance(value, Known):
        try:
            return derived(cast(value.value), value, symbol=operation(cast.__name__, value))
        except (TypeError, ValueError, OverflowError) as problem:
            kind, origin = type(problem), origin_of(value)
            return failing(kind, origin, f"fails with {kind.__name__}: {origin.says}")
    result = unsettled(reason_of(value), value, symbol=operation(cast.__name__, value))
    return replace(result, absent=getattr(value, "absent", False))


@reader("builtins.int")
def _int(call: Call) -> Value:
    base = call.get("base", 1)
    if base is None:
        return _cast(call, int)
    if not isinstance(base, Known) or not isinstance(base.value, int):
        return call.unknown("a number to a base that is not known")
    return _cast(call, lambda text: int(text, base.value))


@reader("builtins.float", "decimal.Decimal")
def _float(call: Call) -> Value:
    return _cast(call, float)


@reader("builtins.bool")
def _bool(call: Call) -> Value:
    value = call.first()
    if (
        isinstance(value, Known)
        and isinstance(value.value, str)
        and value.value.strip().lower() in ("false", "0", "no", "off")
    ):
        trap = Trap(
            f'bool("{value.value}") is True: every text that is not empty is',
            'compare the text: value.lower() in ("1", "true", "yes")',
        )
        return derived(True, value, symbol=operation("bool", value), trap=trap)
    if (plain := operators.plain_truth(value)) is not None:
        return derived(plain, value, symbol=operation("bool", value))
    return unsettled(reason_of(value), value, symbol=operation("bool", value))


@reader("builtins.str")
def _str(call: Call) -> Value:
    value = call.first()
    if isinstance(value, Member):
        return text.joined([value], call.origin)
    if isinstance(value, Known) and not isinstance(value.value, str):
        return derived(str(value.value), value, symbol=operation("str", value))
    if isinstance(value, (Table, Listing)):
        return unsettled("the text of a dict or list", value)
    return replace(value, is_object=False) if isinstance(value, Url) else value


@reader("typing.cast", "typing_extensions.cast")
def _typing_cast(call: Call) -> Value:
    return call.get("val", 1) or call.unknown("nothing is passed")


@reader(
    "copy.copy",
    "copy.deepcopy",
    "asyncio.run",
    "types.MappingProxyType",
    "builtins.list",
    "builtins.tuple",
    "builtins.iter",
    "inspect.cleandoc",
    "textwrap.dedent",
    "sqlalchemy.text",
)
def _same(call: Call) -> Value:
    if call.arguments.positional:
        items = containers.items_of(call.world, call.first())
        is_container = call.name.startswith("builtins.")
        return Listing(tuple(items), call.origin) if is_container and items is not None else call.first()
    return Listing((), call.origin)


@reader("builtins.set", "builtins.frozenset")
def _set(call: Call) -> Value:
    items = containers.items_of(call.world, call.first()) if call.arguments.positional else []
    return containers.as_set(items, call.origin) if items is not None else call.unknown("a set of something unknown")


@reader("builtins.sorted", "builtins.reversed")
def _in_order(call: Call) -> Value:
    items = containers.items_of(call.world, call.first())
    backwards = call.get("reverse")
    if items is None or "key" in call.arguments.keywords or not isinstance(backwards, (Known, NoneType)):
        return Listing((), call.origin, False, "in an order that is not known")
    if call.name == "builtins.reversed":
        return Listing(tuple(reversed(items)), call.origin)
    known = [item for item in items if isinstance(item, Known)]
    try:
        known.sort(key=lambda item: item.value, reverse=bool(backwards and backwards.value))
    except TypeError:
        return failing(TypeError, call.origin)
    return Listing(tuple(known), call.origin) if len(known) == len(items) else Listing(tuple(items), call.origin, False)


@reader("builtins.next")
def _next(call: Call) -> Value:
    """`next((x for x in items if wanted(x)), None)`"""
    items = containers.items_of(call.world, call.first()) if isinstance(call.node.args[0], ast.GeneratorExp) else None
    if items is None:
        return unsettled(reason_of(call.first()), call.first(), origin=call.origin)
    return items[0] if items else call.get("default", 1) or failing(StopIteration, call.origin)


@reader("builtins.map")
def _map(call: Call) -> Value:
    items = containers.items_of(call.world, call.arguments.positional[1]) if len(call.arguments.positional) == 2 else None
    if items is None or len(items) > LONGEST_RANGE:
        return Listing((), call.origin, False, "a map over something unknown")
    return Listing(tuple(_of_each(call, items)), call.origin)


def _of_each(call: Call, items: list[Value]) -> Iterator[Value]:
    """Yield what the function that is passed first makes of each item: one call for each."""
    for number, item in enumerate(items):
        yield call.call_each(number, call.first(), Arguments((item,)))


@reader("builtins.filter")
def _filter(call: Call) -> Value:
    """`filter(None, items)`, `filter(lambda item: ..., items)`: where each item is surely taken, or surely left out."""
    given = call.arguments.positional
    items = containers.items_of(call.world, given[1]) if len(given) == 2 else None
    if items is None or len(items) > LONGEST_RANGE:
        return Listing((), call.origin, False, "a filter of something unknown")
    is_plain = isinstance(given[0], Known) and given[0].value is None
    tests = items if is_plain else list(_of_each(call, items))
    answers = [operators.plain_truth(test) for test in tests]
    kept = tuple(item for item, answer in zip(items, answers) if answer)
    return Listing(kept, call.origin) if None not in answers else Listing((), call.origin, False, "a filter that is not known")


@reader("importlib.import_module")
def _import_module(call: Call) -> Value:
    name, package = call.text(0, "name") or "", call.text(1, "package")
    if dots := len(name) - len(name.lstrip(".")):
        parents = package.split(".") if package else []
        name = ".".join([*parents[: len(parents) - dots + 1], name[dots:]]) if len(parents) >= dots else ""
    found = call.module.modules.find(name, call.module) if name else None
    return ModuleRef(found) if found is not None else call.made()


@reader("sys.modules.__getitem__")
def _module_named(call: Call) -> Value:
    """`sys.modules[__name__]`"""
    name = call.text(0)
    found = call.module if name == call.module.name else call.module.modules.find(name, call.module) if name else None
    return ModuleRef(found) if found is not None else call.unknown("a module that is not known")


@reader("builtins.globals.__getitem__", "builtins.globals.get")
def _global(call: Call) -> Value:
    """`globals()["Config"]`: in a function what the module holds in the end, else what it holds there."""
    name, module = call.text(0), call.module
    if name is None or name not in module.scope.binds:
        return call.unknown("a name of the module that is not known")
    if names.scope_at(module, call.node) is module.scope:
        return expressions.name_at(call.world, name, call.node, module, call.frame)
    return objects.member(call.world, module, name, call.origin)


# -- numbers -----------------------------------------------------------------------------------------------------------


def _numbers(call: Call, function: Callable[..., Any]) -> Value:
    """Return min, max and the like over known numbers."""
    values = list(call.arguments.positional)
    if len(values) == 1 and isinstance(values[0], Listing):
        values = list(values[0].items) if values[0].complete else [Unknown("a part of the list is not known")]
    if not values or not call.arguments.complete or call.arguments.keywords:
        return unsettled(f"{call.name.removeprefix('builtins.')}() with something unknown", *values, origin=call.origin)
    unknown = next((value for value in values if not isinstance(value, Known)), None)
    if unknown is not None:
        return unsettled(reason_of(unknown), *values, origin=call.origin, symbol=operation(call.name, *values))
    try:
        result = function(*(value.value for value in values if isinstance(value, Known)))
    except (TypeError, ValueError, ArithmeticError) as problem:
        return failing(type(problem), call.origin)
    decisive = next((v for v in values if isinstance(v, Known) and v.value == result), None)
    origin = origin_of(decisive) if decisive is not None else call.origin
    return derived(result, *values, origin=origin, symbol=operation(call.name, *values))


@reader("builtins.min")
def _min(call: Call) -> Value:
    return _numbers(call, lambda *numbers: min(numbers))


@reader("builtins.max")
def _max(call: Call) -> Value:
    return _numbers(call, lambda *numbers: max(numbers))


@reader("builtins.sum")
def _sum(call: Call) -> Value:
    return _numbers(call, lambda *numbers: sum(numbers))


@reader("builtins.divmod")
def _divmod(call: Call) -> Value:
    parts = [_numbers(call, lambda one, other, number=number: divmod(one, other)[number]) for number in (0, 1)]
    return Listing(tuple(parts), call.origin)


@reader("builtins.round")
def _round(call: Call) -> Value:
    return _numbers(call, round)


@reader("builtins.abs")
def _abs(call: Call) -> Value:
    return _numbers(call, abs)


@reader("math.ceil")
def _ceil(call: Call) -> Value:
    return _numbers(call, math.ceil)


@reader("math.floor", "math.trunc")
def _floor(call: Call) -> Value:
    return _numbers(call, math.floor)


@reader("datetime.timedelta")
def _timedelta(call: Call) -> Value:
    units = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800}
    total, given = 0.0, call.arguments
    for name, value in given.keywords.items():
        if name not in units or not isinstance(value, Known) or not isinstance(value.value, (int, float)):
            return call.made()
        total += value.value * units[name]
    return call.made() if given.positional or not given.complete else call.made(state=total)


@attribute_reader("datetime.timedelta.seconds", "datetime.timedelta.days")
def _part_of_time(base: Value, origin: Origin) -> Value:
    seconds = getattr(base, "state", None)
    if not isinstance(seconds, float):
        return Unknown("a time that is not known", origin)
    return Traced(int(seconds % 86_400 if origin.says.endswith("seconds") else seconds // 86_400), origin)


@reader("datetime.timedelta.total_seconds")
def _total_seconds(call: Call) -> Value:
    seconds = getattr(call.owner, "state", None)
    keywords = call.owner.arguments.keywords.values() if hasattr(call.owner, "arguments") else ()
    return (
        derived(seconds, *keywords, origin=call.origin)
        if seconds is not None
        else call.unknown("a time that is not known")
    )


# -- containers and functions ------------------------------------------------------------------------------------------


@reader("builtins.dict", "collections.OrderedDict", "collections.defaultdict")
def _dict(call: Call) -> Value:
    given = call.arguments
    if call.name == "collections.defaultdict":
        given = Arguments(given.positional[1:], given.keywords, given.complete, given.reason)
    return containers.table_of(given, call.origin)


@reader("collections.ChainMap")
def _chain_map(call: Call) -> Value:
    """The first of the dicts that has a key says what is under it."""
    table = Table({}, call.origin)
    for each in reversed(call.arguments.positional):
        table = table.merged(containers.as_table(call.world, each))
    return table if call.arguments.complete else table.opened(call.arguments.reason)


@reader("builtins.dict.fromkeys")
def _fromkeys(call: Call) -> Value:
    items = containers.items_of(call.world, call.first())
    keys = [containers.key_of(item) for item in items or ()]
    if items is None or containers.NO_KEY in keys:
        return call.unknown("keys that are not known")
    value = call.get("value", 1) or Traced(None, call.origin)
    if isinstance(value, (Table, Listing)):
        value = Unknown("one object under several keys", call.origin)  # what is set in one is set in all
    return Table(dict.fromkeys(keys, value), call.origin)


@reader("builtins.len")
def _len(call: Call) -> Value:
    value = call.first()
    match value:
        case Known(value=str(content)):
            return derived(len(content), value)
        case Listing(items=items, complete=True):
            return Traced(len(items), origin_of(value))
        case Table(entries=entries, complete=True):
            return Traced(len(entries), origin_of(value))
    return unsettled(reason_of(value), value, symbol=operation("len", value))


@reader("builtins.range")
def _range(call: Call) -> Value:
    values = [
        value.value for value in call.arguments.positional if isinstance(value, Known) and isinstance(value.value, int)
    ]
    if len(values) != len(call.arguments.positional) or not 1 <= len(values) <= 3:
        return Listing((), call.origin, complete=False)
    try:
        numbers = range(*values)
    except ValueError:
        return failing(ValueError, call.origin)
    if len(numbers) > LONGEST_RANGE:
        return Listing((), call.origin, complete=False)
    return Listing(tuple(Traced(number, call.origin) for number in numbers), call.origin)


@reader("builtins.enumerate")
def _enumerate(call: Call) -> Value:
    items = containers.items_of(call.world, call.first())
    start = call.get("start", 1) or Known(0, call.origin)
    if items is None or not isinstance(start, Known) or not isinstance(start.value, int):
        return Listing((), call.origin, complete=False)
    numbered = enumerate(items, start.value)
    pairs = (Listing((Traced(number, call.origin), item), call.origin) for number, item in numbered)
    return Listing(tuple(pairs), call.origin)


@reader("builtins.zip")
def _zip(call: Call) -> Value:
    columns = [containers.items_of(call.world, value) for value in call.arguments.positional]
    if any(column is None for column in columns):
        return Listing((), call.origin, complete=False)
    return Listing(
        tuple(Listing(tuple(row), call.origin) for row in zip(*[c for c in columns if c is not None])), call.origin
    )


@reader("builtins.any", "builtins.all")
def _any_all(call: Call) -> Value:
    value = call.first()
    items = containers.items_of(call.world, value)
    if items is None:
        return unsettled(reason_of(value), value)
    wanted = call.name == "builtins.any"
    answers = [operators.plain_truth(item) for item in items]
    deciding = [item for item, answer in zip(items, answers) if answer is wanted]
    if deciding:  # one that nothing replaces is enough
        return derived(wanted, min(deciding, key=lambda item: bool(variables_of(item))), origin=call.origin)
    if None in answers:
        return unsettled("a part is not known", *items, origin=call.origin, symbol=operation(call.name, *items))
    return derived(not wanted, *items, origin=call.origin)


@reader("builtins.getattr")
def _getattr(call: Call) -> Value:
    name = call.text(1)
    if name is None:
        return call.unknown("an attribute whose name is not known")
    found = objects.attribute(call.world, call.first(), name, call.node, call.module, call.frame)
    if isinstance(found, Unknown) and not symbol_of(found) and len(call.arguments.positional) > 2:
        is_known_thing = isinstance(call.first(), (Instance, ClassRef))
        return call.arguments.positional[2] if is_known_thing and "AttributeError" in found.failure else found
    return found


@reader("builtins.dir")
def _dir(call: Call) -> Value:
    """The names that a class and those above it define, in the order of the alphabet, without what `object` brings."""
    cls = call.first()
    lineage = objects.lineage(call.world, cls) if isinstance(cls, ClassRef) else []
    if not lineage or not all(isinstance(each, ClassRef) or each == "builtins.object" for each in lineage):
        return call.unknown("the names of something unknown")
    own = {name for each in lineage if isinstance(each, ClassRef) for name in names.scope_for(each.module, each.node).binds}
    return Listing(tuple(Traced(name, call.origin) for name in sorted(own) if "." not in name), call.origin)


@reader("builtins.hasattr")
def _hasattr(call: Call) -> Value:
    thing, name = call.first(), call.text(1)
    answer = presence.has(call.world, thing, name) if name is not None else None
    if answer is not None:
        return Traced(answer, call.origin)
    symbol = operation("hasattr", thing, Known(name, call.origin)) if name else ""
    reason = reason_of(thing) if isinstance(thing, Unknown) else f"whether {described(thing)} has {name}"
    return unsettled(reason, thing, origin=call.origin, symbol=symbol)


@reader("builtins.isinstance")
def _isinstance(call: Call) -> Value:
    value = call.first()
    wanted = call.arguments.positional[1] if len(call.arguments.positional) > 1 else None
    all_wanted = list(wanted.items) if isinstance(wanted, Listing) else [wanted]
    named = [kind.name for kind in all_wanted if isinstance(kind, LibraryRef)]
    classes = [kind for kind in all_wanted if isinstance(kind, ClassRef)]
    are_named = len(named) + len(classes) == len(all_wanted)
    if isinstance(value, Instance) and are_named and (answer := objects.is_made_of(call.world, value, classes, named)) is not None:
        return Traced(answer, call.origin)
    answers = {kinds.is_of(value, name) for name in named} if len(named) == len(all_wanted) else {None}
    if True in answers or None not in answers:
        return Traced(True in answers, call.origin)
    known = [*named, *(f"{cls.module.path}:{cls.node.lineno}" for cls in classes)]
    symbol = operation("isinstance", value, *(Known(name, call.origin) for name in known))
    return unsettled(reason_of(value), value, origin=call.origin, symbol=symbol if are_named else "")


@reader("builtins.type")
def _type(call: Call) -> Value:
    """`type(default)`; whether a list or a tuple was written is not kept."""
    value = call.first()
    if len(call.arguments.positional) != 1:
        return Unknown("a class made by type()", call.origin)
    match value:
        case Instance(cls=cls, arguments=Arguments()):
            return cls
        case Known(value=None):
            return LibraryRef("types.NoneType", call.origin)
        case Known(value=plain) if not isinstance(value, Member):
            return LibraryRef(f"builtins.{type(plain).__name__}", call.origin)
    return unsettled(reason_of(value), value, origin=call.origin)


@reader("builtins.callable")
def _callable(call: Call) -> Value:
    value = call.first()
    if isinstance(value, (FunctionRef, ClassRef, Partial)):
        return Traced(True, call.origin)
    return unsettled(reason_of(value), value, origin=call.origin)


@reader("builtins.vars")
def _vars(call: Call) -> Value:
    thing = call.arguments.positional[0] if call.arguments.positional else None
    if isinstance(thing, (Instance, ClassRef)):
        return presence.as_dict(call.world, thing, call.node, call.module)
    return thing if isinstance(thing, Table) else Table({}, call.origin, False, "vars() is not worked out")


@reader("dataclasses.fields", "attrs.fields", "attr.fields")
def _fields(call: Call) -> Value:
    """Of each field only its name."""
    thing = call.first()
    cls = thing.cls if isinstance(thing, Instance) else thing
    if not isinstance(cls, ClassRef) or not settings.has_dict(bases := objects.lineage(call.world, cls)):
        return unsettled(reason_of(thing), thing, origin=call.origin)
    return Listing(tuple(Table({"name": Traced(name, call.origin)}, call.origin) for name in settings.names_of(bases)), call.origin)


@reader("dataclasses.asdict", "attrs.asdict", "attr.asdict")
def _asdict(call: Call) -> Value:
    value = call.first()
    if not isinstance(value, Instance):
        return unsettled(reason_of(value), value, origin=call.origin)
    return settings.as_dict(call.world, value, Arguments(), call.node, call.module)


@reader("dataclasses.replace", "attrs.evolve", "attr.evolve", "copy.replace")
def _replace(call: Call) -> Value:
    value = call.first()
    if not isinstance(value, Instance) or not call.arguments.complete:
        return unsettled(reason_of(value), value, origin=call.origin)
    return settings.copied(call.world, value, call.arguments.keywords, call.node, call.module)


@reader("functools.partial")
def _partial(call: Call) -> Value:
    given = call.arguments
    if not given.positional:
        return call.unknown("nothing is passed")
    return Partial(given.positional[0], replace(given, positional=given.positional[1:]))


@reader("functools.lru_cache", "functools.cache", "functools.wraps", "functools.lru_cache.__call__")
def _decorator(call: Call) -> Value:
    """`cached = lru_cache(load)` is load; `lru_cache(maxsize=1)(load)` is load too."""
    if call.arguments.positional and isinstance(call.first(), (FunctionRef, Partial)):
        return call.first()
    return call.made()
