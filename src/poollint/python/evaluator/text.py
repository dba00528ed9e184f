"""Strings of which parts may be unknown: f-strings, concatenation, and string methods people use on URLs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from string import Formatter
from typing import TYPE_CHECKING, Any

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import operators, urls
from poollint.python.evaluator.values import (
    Arguments,
    LibraryObject,
    Listing,
    Member,
    Open,
    Table,
    Text,
    Traced,
    Url,
    Value,
    derived,
    failing,
    operation,
    origin_of,
    reason_of,
    unsettled,
    variables_of,
)

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World

LONGEST = 100_000  # characters
MOST_PARTS = 200

# Methods of str that are safe to run on known text; of those that make it longer, `_is_too_long` says how far.
_PLAIN = frozenset(
    "startswith endswith replace strip lstrip rstrip lower upper title capitalize casefold split rsplit splitlines "
    "partition rpartition removeprefix removesuffix find rfind count isdigit isnumeric isalpha isalnum isspace "
    "isupper islower index swapcase zfill ljust rjust".split()
)
# What is asked of a URL's first words, as symbols name it: `url.drivername`, `url.get_backend_name()`, `url.split(":")[0]`.
DRIVER_NAME, BACKEND = "drivername", "backend"
_OF_URL = re.compile(rf"(?:{DRIVER_NAME}|{BACKEND})\((.+)\)|item\((?:split|partition)\((.+), '(?::|://)'(?:, 1)?\), 0\)", re.S)
_SAME_LETTERS = frozenset({"strip", "lstrip", "rstrip", "encode", "decode"})  # what they change decides nothing here


def is_text(value: Value) -> bool:
    """Say whether a value is a string, as far as one can see."""
    return isinstance(value, (Text, Url)) or (isinstance(value, Known) and isinstance(value.value, str))


def joined(values: Sequence[Value | str], origin: Origin) -> Value:
    """Return the concatenation: known text when all of it is known, else Text."""
    parts: list[str | Value] = []
    for value in values:
        for part in _pieces(value):
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            else:
                parts.append(part)
    used = [value for value in values if not isinstance(value, str)]
    if len(parts) > MOST_PARTS or sum(len(part) for part in parts if isinstance(part, str)) > LONGEST:
        return Unknown("a text out of all proportion", origin)
    if all(isinstance(part, str) for part in parts):
        whole = derived("".join(part for part in parts if isinstance(part, str)), *used, origin=origin)
        return replace(whole, start=_sure_start(values)) if whole.variables else whole
    if len(parts) == 1:
        return parts[0]  # type: ignore[return-value]  # f"{url}"
    return Text(tuple(parts), origin, variables=variables_of(*used))


def _sure_start(values: Sequence[Value | str]) -> str:
    """Return what comes before the first piece that a variable may replace."""
    start = ""
    for value in values:
        if not isinstance(value, str) and variables_of(value):
            return start + getattr(value, "start", "")
        start += "".join(part for part in _pieces(value) if isinstance(part, str))
    return start


def _pieces(value: Value | str) -> tuple[str | Value, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Member):
        return (value.shown,) if value.shown is not None else (Unknown("the text of an enum's member", value.origin),)
    if isinstance(value, Known) and value.value is None:
        # Nobody means to write None into a text: a variable that nothing readable sets is set by something else.
        return (Unknown("a part of the text is None", value.origin),)
    if isinstance(value, Known):
        return (value.value if isinstance(value.value, str) else str(value.value),)
    if isinstance(value, Text) and not value.symbol:
        return value.parts
    return (value,)


def as_formatted(value: Value, conversion: str, spec: str) -> Value:
    """Return what `{value!r:>3}` shows, as far as the value is known."""
    if not conversion.strip("!s") and not spec:
        return value
    if not isinstance(value, Known) or isinstance(value, Member):
        return unsettled(f"the format {conversion}:{spec} of something that is not known", value)
    plain = {"!r": repr, "!a": ascii, "!s": str}.get(conversion, lambda each: each)(value.value)
    if _is_wide(spec):
        return Unknown("a text out of all proportion", value.origin)
    try:
        return derived(format(plain, spec), value)
    except (TypeError, ValueError) as problem:
        return failing(type(problem), value.origin)


_PERCENT = re.compile(r"%(?:\(([^()]*)\))?([-#0 +]*)(\*|\d*)(\.(?:\*|\d*))?[hlL]?(.?)", re.S)


def formatted(template: str, arguments: Arguments, origin: Origin) -> Value:
    """Return `template.format(...)`."""
    pieces: list[Value | str] = []
    position = 0
    try:
        fields = list(Formatter().parse(template))
    except ValueError:
        return failing(ValueError, origin)
    for before, name, spec, conversion in fields:
        pieces.append(before)
        if name is None:
            continue
        index = int(name) if name.isdecimal() and len(name) < 4 else position
        position += not name
        value = arguments.get(name if not name.isdecimal() else "", index if not name or name.isdecimal() else None)
        if value is None or "{" in (spec or ""):
            pieces.append(Unknown("a part of the format that is not known" if value else "a part of the format that is not passed", origin))
            position += (spec or "").count("{}")
        else:
            pieces.append(as_formatted(value, f"!{conversion}" if conversion else "", spec or ""))
    return joined(pieces, origin)


def percent(template: Value, values: Value, origin: Origin) -> Value:
    """Return `template % values`."""
    if not (isinstance(template, Known) and isinstance(template.value, str)):
        return unsettled(reason_of(template), template, values, origin=origin)
    items = list(values.items) if isinstance(values, Listing) else [values]
    pieces: list[Value | str] = []
    end = 0
    for match in _PERCENT.finditer(template.value):
        pieces.append(template.value[end : match.start()])
        end = match.end()
        key, flags, width, digits, kind = match.groups()
        if kind == "%":
            pieces.append("%")
            continue
        if "*" in (width, (digits or "")[1:]):
            return unsettled("a format whose width is not written", template, values, origin=origin)
        if key is not None:
            found = values.get(key) if isinstance(values, Table) else None
            found = found if found is not None else Unknown(f"{key} is not passed", origin)
        else:
            found = items.pop(0) if items else Unknown("a part of the format that is not passed", origin)
        pieces.append(_as_percent(found, f"{flags}{width}{digits or ''}", kind))
    pieces.append(template.value[end:])
    return joined(pieces, origin)


def _as_percent(value: Value, spec: str, kind: str) -> Value:
    """Return what `%5d` shows of a value, as far as it is known."""
    if not spec and (kind == "s" or kind in "di" and not isinstance(value, Known)):
        return value
    if not isinstance(value, Known) or isinstance(value, Member):
        return unsettled(f"the format %{spec}{kind} of something that is not known", value)
    if _is_wide(spec):
        return Unknown("a text out of all proportion", value.origin)
    try:
        return derived(f"%{spec}{kind}" % (value.value,), value)
    except (TypeError, ValueError, OverflowError) as problem:
        return failing(type(problem), value.origin)


def _is_wide(spec: str) -> bool:
    """Say whether a format makes longer texts of a value than anyone means."""
    return any(len(width) > 4 or int(width) > MOST_PARTS for width in re.findall(r"\d+", spec))


def path_join(left: LibraryObject, right: Value) -> Value:
    """Return `Path(...) / name`."""
    base = left.state
    if isinstance(base, str) and isinstance(right, Known) and isinstance(right.value, str):
        return replace(left, state=right.value if right.value.startswith("/") else f"{base}/{right.value}".lstrip("/"))
    return replace(left, state=None)


def method(world: World, value: Value, name: str, arguments: Arguments, origin: Origin) -> Value:
    """Return what a string method gives."""
    if name in ("split", "rsplit") and arguments.keywords.keys() <= {"sep", "maxsplit"} and arguments.complete:
        arguments = _by_position(arguments)
    if isinstance(value, Known):
        return _of_known(world, value, name, arguments, origin)
    if name == "startswith":
        return operators.settled(world, starts(world, value, arguments, origin))
    if name == "replace" and len(arguments.positional) >= 2:
        return _replaced(value, arguments, origin)
    if isinstance(value, Text) and name in ("lower", "upper"):
        return replace(value, parts=tuple(getattr(p, name)() if isinstance(p, str) else p for p in value.parts))
    # Names of dialects are written small: what `.lower()` changes in an unknown text does not tell which one it names.
    if name in _SAME_LETTERS or (name == "lower" and isinstance(value, Open)):
        return value
    if isinstance(value, Url) and name in ("lower", "__str__"):
        return value
    if (pieces := _cut_once(value, name, arguments)) is not None:
        return Listing(pieces, origin)
    if name == "endswith":
        return operators.settled(world, _ends(world, value, arguments, origin))
    symbol = operation(name, value, *arguments.positional)
    return unsettled(reason_of(value), value, *arguments.positional, origin=origin, symbol=symbol)


def _by_position(arguments: Arguments) -> Arguments:
    """Return what `split(sep, maxsplit)` is passed, by position."""
    if not arguments.keywords:
        return arguments
    passed = (arguments.get("sep", 0) or Known(None, Origin("not passed")), arguments.get("maxsplit", 1))
    return Arguments(tuple(each for each in passed if each is not None))


def _cut_once(value: Value, name: str, arguments: Arguments) -> tuple[Value, ...] | None:
    """Return the pieces of a text that is cut once, within its known beginning: `url.split("://")`, `url.partition(":")`."""
    match name, [_plain(argument) for argument in arguments.positional]:
        case ("partition", [(str(mark),)]) | ("split", [(str(mark),), (1,)]) | ("split", [("://" as mark,)]) if mark:
            start = urls.scheme_text(value) if isinstance(value, Url) else value.prefix if isinstance(value, Text) else ""
        case _:
            return None
    first, found, _ = start.partition(mark)
    if not found:
        return None
    origin = origin_of(value)
    known = derived(first, value, origin=origin) if isinstance(value, Text) and value.symbol else Traced(first, origin)
    rest = unsettled(f"what follows {mark}", value)
    return (known, Known(mark, origin), rest) if name == "partition" else (known, rest)


def _of_known(world: World, value: Known, name: str, arguments: Arguments, origin: Origin) -> Value:
    if name == "format":
        return formatted(value.value, arguments, origin)
    if name == "format_map" and arguments.positional and isinstance(table := arguments.positional[0], Table) and table.complete:
        return formatted(value.value, Arguments((), table.entries), origin)
    if name == "join" and arguments.positional:
        return _glued(value, arguments.positional[0], origin)
    if name in ("encode", "decode"):
        return value
    inputs = [_plain(argument) for argument in arguments.positional]
    if name not in _PLAIN or not arguments.complete or arguments.keywords or any(plain is None for plain in inputs):
        if name == "replace" and arguments.positional and isinstance(arguments.positional[0], Known):
            return _with_hole(value, arguments, origin)
        return unsettled(f".{name}() with something unknown", value, *arguments.positional, origin=origin)
    given = [plain[0] for plain in inputs if plain]
    if _is_too_long(value.value, name, given):
        return Unknown("a text out of all proportion", origin)
    try:
        result = getattr(value.value, name)(*given)
    except (TypeError, ValueError) as problem:
        return failing(type(problem), origin)
    symbol = operation(name, value, *(argument for argument in arguments.positional if isinstance(argument, Known)))
    if name == "startswith" and len(inputs) == 1 and inputs[0]:  # not from some place on: `url.startswith("x", 3)`
        wanted = inputs[0][0]
        answers = [_begins(getattr(value, "start", ""), str(each)) for each in (wanted if isinstance(wanted, tuple) else (wanted,))]
        if None not in answers:
            return Traced(any(answers), origin)
        _teach_scheme(world, symbol, value, wanted)
    found = _wrapped(result, value, symbol, origin)
    if value.start:
        found = _with_start(found, value.start, name, given)
    # A text is no condition: `if url:` was answered for it, and not what it is.
    return operators.settled(world, found) if isinstance(result, bool) else found


def _with_start(found: Value, start: str, name: str, given: list[Any]) -> Value:
    """Return what a method makes of a text whose beginning is sure: what comes of that is sure as well."""
    match name, given, found:
        case "replace", [str(old), str(new), *count], Known():
            return replace(found, start=_start_replaced(start, old, new, *count))
        case "split" | "partition", [str(separator), *_], Listing(items=(Known() as first, *rest)) if separator in start:
            return replace(found, items=(Traced(first.value, first.origin), *rest))
    return found


def _start_replaced(start: str, old: str, new: str, *count: int) -> str:
    """Return what a text begins with after a replacement; nothing is sure where one may reach into the rest."""
    reaches = any(start.endswith(old[:length]) for length in range(1, len(old)))
    return "" if reaches or not old else start.replace(old, new, *count)


def _is_too_long(known: Any, name: str, given: list[Any]) -> bool:
    """Say whether a method would make a text that is too long: it is not made then."""
    match name, given:
        case "replace", [str(old), str(new), *_] if isinstance(known, str):
            return len(known) + known.count(old) * len(new) > LONGEST
        case "zfill" | "ljust" | "rjust", [int(width), *_]:
            return width > LONGEST
    return False


def _wrapped(result: Any, value: Known, symbol: str, origin: Origin) -> Value:
    if isinstance(result, (list, tuple)):
        if len(result) > MOST_PARTS:
            return Unknown("a list out of all proportion", origin)
        named = getattr(value, "symbol", "") and symbol
        items = (derived(item, value, symbol=named and f"item({named}, {number})") for number, item in enumerate(result))
        return Listing(tuple(items), value.origin)
    if isinstance(result, str):
        if len(result) > LONGEST:
            return Unknown("a text out of all proportion", origin)
        # A changed URL still comes whole from its variable.
        keeps_name = "://" in result and symbol_is_variable(value)
        return derived(result, value, symbol=getattr(value, "symbol", "") if keeps_name else symbol)
    return derived(result, value, symbol=symbol, origin=origin)


def symbol_is_variable(value: Value) -> bool:
    return getattr(value, "symbol", "").startswith("env:")


def _plain(value: Value) -> tuple[Any] | None:
    """Return the plain argument of a string method in a tuple of one, None when a part is not known."""
    if isinstance(value, Known):
        return (value.value,)
    if isinstance(value, Listing) and value.complete and all(isinstance(item, Known) for item in value.items):
        return (tuple(item.value for item in value.items if isinstance(item, Known)),)
    return None


def _with_hole(value: Known, arguments: Arguments, origin: Origin) -> Value:
    """Return `"...{x}...".replace("{x}", unknown)`: a template with a hole."""
    old = arguments.positional[0]
    if len(arguments.positional) < 2 or not isinstance(old, Known) or not isinstance(old.value, str) or not old.value:
        return unsettled("replaced by something unknown", value, origin=origin)
    pieces: list[Value | str] = []
    for number, piece in enumerate(str(value.value).split(old.value)):
        pieces.extend((arguments.positional[1], piece) if number else (piece,))
    return joined(pieces, origin)


def _glued(separator: Known, items: Value, origin: Origin) -> Value:
    if not isinstance(items, Listing) or not items.complete:
        return unsettled("joined from something unknown", items, origin=origin)
    pieces: list[Value | str] = []
    for number, item in enumerate(items.items):
        pieces.extend((separator.value, item) if number else (item,))
    return joined(pieces, origin)


def starts(world: World, value: Value, arguments: Arguments, origin: Origin) -> Value:
    """Return `value.startswith(...)` where the text, or the URL's scheme, decides; else a question about the value."""
    wanted = _plain(arguments.positional[0]) if arguments.positional else None
    if wanted is None:
        return unsettled(reason_of(value), value, origin=origin)
    options = wanted[0] if isinstance(wanted[0], tuple) else (wanted[0],)
    known_start = urls.scheme_text(value) if isinstance(value, Url) else value.prefix if isinstance(value, Text) else ""
    excluded = getattr(value, "excludes", frozenset())
    answers = [
        False if urls.dialect_named(str(option)) in excluded else _begins(known_start, str(option))
        for option in options
    ]
    symbol = operation("startswith", value, *(a for a in arguments.positional if isinstance(a, Known)))
    if not symbol and len(options) > 1 and getattr(value, "symbol", ""):
        symbol = f"startswith({value.symbol}, {options!r})"  # type: ignore[union-attr]
    if any(answers) or all(answer is False for answer in answers):
        return as_decided(any(answers), value, origin, symbol)
    _teach_scheme(world, symbol, value, wanted[0])
    return unsettled(reason_of(value), value, origin=origin, symbol=symbol)


def as_decided(answer: bool, value: Value, origin: Origin, symbol: str) -> Value:
    """Return a condition that is decided: by the default where something may replace the whole text, else for good."""
    if isinstance(value, Text) and value.symbol:
        return derived(answer, value, origin=origin, symbol=symbol)
    return Traced(answer, origin)


def _begins(start: str, wanted: str) -> bool | None:
    if start.startswith(wanted):
        return True
    return None if wanted.startswith(start) else False


def _teach_scheme(world: World, symbol: str, value: Value, wanted: Any) -> None:
    from poollint.python.evaluator.evaluate import Lesson

    name = url_behind(value)
    dialect = urls.dialect_named(wanted) if isinstance(wanted, str) else None
    if symbol and name and dialect:
        is_whole = re.fullmatch(r"\w+(:/*)?", wanted) is not None  # "postgresql+asyncpg" says less when it is false
        contrary = (Lesson(name, not_dialects=frozenset({dialect})),) if is_whole else ()
        world.teach(symbol, ((Lesson(name, dialect=dialect),), contrary))


def url_behind(value: Value) -> str:
    """Return the symbol of the URL that a text is, or of which it is the first words; "" when it has none."""
    symbol = getattr(value, "symbol", "")
    found = _OF_URL.fullmatch(symbol)
    return found[1] or found[2] if found else symbol


def _ends(world: World, value: Value, arguments: Arguments, origin: Origin) -> Value:
    """Return `value.endswith(...)`: only a URL of SQLite ends in ":memory:"."""
    from poollint.python.evaluator.evaluate import Lesson

    plain = _plain(arguments.positional[0]) if arguments.positional else None
    wanted = plain[0] if plain and isinstance(plain[0], str) else None
    symbol = operation("endswith", value, *arguments.positional)
    if wanted and isinstance(value, Text) and isinstance(value.parts[-1], str) and len(value.parts[-1]) >= len(wanted):
        return derived(value.parts[-1].endswith(wanted), origin=origin)
    if wanted and urls.IN_MEMORY in wanted:
        excludes = "sqlite" in getattr(value, "excludes", ())
        if excludes or isinstance(value, Url) and urls.mentions(value, wanted) is False:
            return as_decided(False, value, origin, symbol)
        if symbol and (name := url_behind(value)):
            world.teach(symbol, ((Lesson(name, dialect="sqlite"),), ()))
    return unsettled(reason_of(value), value, origin=origin, symbol=symbol)


def contains(world: World, value: Value, needle: str, origin: Origin) -> Value:
    """Return `needle in value` for a text."""
    from poollint.python.evaluator.evaluate import Lesson

    symbol = operation("contains", value, Known(needle, origin))
    dialect = "sqlite" if needle == urls.IN_MEMORY else urls.dialect_named(needle)
    if (sure := _mentioned(value, needle)) is not None:
        return Traced(sure, origin)
    if isinstance(value, Known):
        result: Value = derived(needle in value.value, value, origin=origin, symbol=symbol)
    elif dialect in getattr(value, "excludes", ()):
        return as_decided(False, value, origin, symbol)
    elif isinstance(value, Text) and any(isinstance(part, str) and needle in part for part in value.parts):
        return derived(True, origin=origin)
    elif isinstance(value, Url) and (decided := urls.mentions(value, needle)) is not None:
        return as_decided(decided, value, origin, symbol)
    else:
        result = unsettled(reason_of(value), value, origin=origin, symbol=symbol)
    if symbol and dialect and (name := url_behind(value)):
        contrary = (Lesson(name, not_dialects=frozenset({dialect})),) if needle != urls.IN_MEMORY else ()
        world.teach(symbol, ((Lesson(name, dialect=dialect),), contrary))
    return result


def _mentioned(value: Value, needle: str) -> bool | None:
    """Say whether a URL holds a word, where the scheme it begins with decides, whatever the rest is."""
    is_whole = isinstance(value, Text) and not value.symbol
    scheme, mark, _ = (value.prefix if is_whole else getattr(value, "start", "")).partition("://")
    if not mark:
        return None
    return urls.mentions(urls.from_parts({"drivername": Known(scheme, origin_of(value))}, origin_of(value)), needle)


def _replaced(value: Value, arguments: Arguments, origin: Origin) -> Value:
    old, new = arguments.positional[:2]
    if not (
        isinstance(old, Known) and isinstance(new, Known) and isinstance(old.value, str) and isinstance(new.value, str)
    ):
        return unsettled(reason_of(value), value, origin=origin)
    if isinstance(value, Text) and not value.symbol:
        parts = tuple(part.replace(old.value, new.value) if isinstance(part, str) else part for part in value.parts)
        if sum(len(part) for part in parts if isinstance(part, str)) <= LONGEST:
            return replace(value, parts=parts)
    if isinstance(value, (Open, Url, Text)):
        return urls.with_scheme_replaced(value, old.value, new.value)
    return unsettled(reason_of(value), value, origin=origin)
