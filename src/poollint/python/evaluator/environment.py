"""Variables of the process, as the workload's environment gives them or the code defaults them.

set by the program before     that value: see `assigned`
given by the environment      its value, standing in the manifest
absent, environment complete  the code's default, exact: nothing can replace it
a switch that others turn     the code's default, `fallback`, and no other value
a file that examples replace  the kind of server that `.env.example` shows a URL of, `estimate`
absent, environment partial   the code's default, `fallback`; without one, Unknown by the variable's name
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.facts import SWITCHES, Certainty, Known, Origin, Unknown, weakest
from poollint.python.evaluator import assigned
from poollint.python.evaluator.values import LibraryRef, Open, Text, Traced, Url, Value, origin_of, variables_of
from poollint.python.libraries.dotenv_files import DotEnv, ShownUrls

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import Lesson, World


def variable(world: World, name: str, default: Value | None = None, origin: Origin | None = None) -> Value:
    """Return a variable, or its default; `default` None means that the code gives none."""
    world.rests_on_variable(name)
    symbol, setting = f"env:{name}", world.environment.variables.get(name)
    here = Origin(name, origin.location if origin else None)
    match assigned.before(world, name, origin):
        case "set", None:
            return default if default is not None else Traced(None, here, "exact", symbol)
        case "set", value:
            return value
        case "default", value:
            default = value
    if isinstance(setting, Known):
        replaceable = frozenset({name}) if setting.certainty == "fallback" else frozenset()
        text = setting.value if isinstance(setting.value, str) else str(setting.value)
        known = Traced(text, setting.origin, setting.certainty, symbol, replaceable, start=setting.start)
        return world.taught(known)
    if isinstance(setting, Unknown):
        return world.taught(Open(setting.reason, setting.origin, symbol, frozenset({name})))
    if default is not None and (reason := _replaced_by_file(world, default, name, here)) is not None:
        return world.taught(reason)
    if world.environment.complete:
        return default if default is not None else Traced(None, here, "exact", symbol)
    if _is_for_others(world, name, default):
        return Traced(getattr(default, "value", None), origin_of(default) if default is not None else here, "fallback", symbol)
    if default is None:
        return world.taught(Open(f"set by {name}, which no file gives", here, symbol, frozenset({name}), absent=True))
    if _names_a_file(default) and (shown := world.modules.shared(ShownUrls).of(name)) is not None:
        whole = Open(f"set by {name}, which is a file by default", shown.origin, symbol, frozenset({name}))
        return world.taught(url_of_dialect(shown.dialect, whole, shown.driver, "estimate"))
    return world.taught(replaceable_by(default, name))


def _names_a_file(default: Value) -> bool:
    """Say whether a default is a URL of SQLite: a program that is told to take a server's runs on that where it is deployed."""
    text = default.prefix if isinstance(default, Text) else getattr(default, "value", None)
    return isinstance(text, str) and text.startswith(("sqlite:", "sqlite+"))


def _replaced_by_file(world: World, default: Value, name: str, reader: Origin) -> Open | None:
    """Return what is left of a default where a `.env` file that the code loads says otherwise."""
    if reader.location is None or not isinstance(default, (Known, Text)):
        return None
    said = world.modules.shared(DotEnv).says(name, reader.location.path)
    if said is None or isinstance(default, Known) and said[0] == str(default.value):
        return None
    origin = said[1]
    where = origin.location.path if origin.location else ""
    return Open(f"{where} sets {name} otherwise than the code's default", origin, f"env:{name}", frozenset({name}))


def _is_for_others(world: World, name: str, default: Value | None) -> bool:
    """Say whether other workloads turn a switch that this one leaves as it is.

    Who sets it for each of them does not set it by what they share with this one.
    """
    there = world.environment.elsewhere.get(name)
    if there is None or default is None:
        return bool(there)
    return isinstance(default, Known) and SWITCHES.get(str(default.value).lower()) is (not there)


def is_environ(value: Value | None) -> bool:
    """Say whether a value is `os.environ` itself."""
    return isinstance(value, LibraryRef) and value.name == "os.environ"


def is_set(world: World, name: str) -> bool | None:
    """Say whether a variable is set, None where no file tells."""
    world.rests_on_variable(name)
    if name in world.environment.variables:
        return True
    return False if world.environment.complete else None


_PRESENCE = re.compile(r"(?P<no>not\()?(?P<none>eq\()?env:(?P<name>\w+)(?(none), (?:None|'')\))(?(no)\))")


def presence_tested(world: World, test: Value) -> tuple[str, bool] | None:
    """Return the variable whose presence a condition asks for, and the condition's truth when it is there.

    Only for variables that may well be absent: `if value`, `value is not None` after `value = os.getenv("X")`, and
    `value == ""` after `os.getenv("X", "")`.
    """
    found = presence_asked(getattr(test, "symbol", "")) if isinstance(test, (Open, Traced)) else None
    if found is None:
        return None
    value = variable(world, found[0])
    return found if isinstance(value, Open) and value.absent else None


def presence_asked(symbol: str) -> tuple[str, bool] | None:
    """Return the variable whose presence a question is about, and the answer when it is there."""
    match = _PRESENCE.fullmatch(symbol)
    return (match["name"], (match["no"] is None) != (match["none"] is not None)) if match is not None else None


def default_by_absence(present: Value | None, absent: Value | None, name: str, is_read: bool) -> Value | None:
    """Return the default that `value if value else default` gives a variable; None when there is more to it.

    is_read  working out what is there in its presence reads the variable: `parsed(value)`, however that comes out
    """
    if isinstance(present, Traced) and present.value == "" and name in present.variables:  # the default's own emptiness
        is_default = isinstance(absent, Known) and (absent.value is None or is_plain_default(absent))
        return replaceable_by(absent, name) if is_default and absent is not None else None
    is_default = absent is not None and is_plain_default(absent)
    is_variable = isinstance(present, (Unknown, Text, Url)) and name in variables_of(present)
    is_variable = is_variable or is_read and isinstance(present, Unknown)
    if not is_default or not is_variable or absent is None or _extends(present, absent):
        return None
    return replaceable_by(absent, name)


def _extends(present: Value | None, absent: Value) -> bool:
    """Say whether the variable only adds to a text: `if mode: url += f"?sslmode={mode}"`."""
    if not isinstance(present, Text):
        return False
    start = absent.parts if isinstance(absent, Text) else (getattr(absent, "value", None),)
    *same, last = start
    there = present.parts[len(same)] if len(present.parts) > len(same) else None
    begins = there == last or (isinstance(there, str) and isinstance(last, str) and there.startswith(last))
    return list(present.parts[: len(same)]) == same and begins


def is_plain_default(value: Value) -> bool:
    """Say whether a value can be a variable's default: not another variable's URL, which names another database."""
    if isinstance(value, Known) and not (isinstance(value.value, str) and "://" in value.value):
        return value.value is not None
    return isinstance(value, (Known, Text)) and not getattr(value, "symbol", "").startswith("env:")


def replaceable_by(default: Value, name: str) -> Value:
    """Return a default that the environment variable may replace."""
    variables = variables_of(default) | {name}
    match default:
        case Known(value=value, origin=origin):
            says = Origin(name, origin.location, origin.url)
            certainty, symbol = _fallback(default.certainty), f"env:{name}"
            if isinstance(default, Traced):
                return replace(default, origin=says, certainty=certainty, symbol=symbol, variables=variables, start="")
            return Traced(value, says, certainty, symbol, variables)
        case Text():
            return replace(default, symbol=f"env:{name}", variables=variables)
        case Unknown():
            return Open(default.reason, default.origin, f"env:{name}", variables)
    return default


def taught(value: Value, lesson: Lesson) -> Value:
    """Return a value as the answers of a world make it."""
    symbol = lesson.symbol
    variables = variables_of(value)
    if lesson.value is not None:
        known = lesson.value
        return Traced(getattr(known, "value", None), origin_of(value), "fallback", symbol, frozenset())
    reason = (
        value.reason if isinstance(value, Unknown) else f"set by {symbol.removeprefix('env:')}, which no file gives"
    )
    if isinstance(value, Known) and _agrees(value.value, lesson):
        return value
    unknown = Open(reason, origin_of(value), symbol, variables, excludes=lesson.not_dialects)
    if lesson.dialect:
        return url_of_dialect(lesson.dialect, unknown)
    return unknown


def url_of_dialect(dialect: str, whole: Value, driver: str | None = None, certainty: Certainty = "fallback") -> Url:
    """Return a URL of which only the scheme is known."""
    unknown = Unknown(getattr(whole, "reason", "not known"), origin_of(whole))
    named = Known(driver, origin_of(whole), certainty) if driver else unknown
    symbol = getattr(whole, "symbol", "")
    identities = (symbol,) if symbol.startswith("env:") else ()
    return Url(
        Known(dialect, origin_of(whole), certainty),
        named,
        unknown,
        unknown,
        unknown,
        query_complete=False,
        identities=identities,
        whole=whole,
        origin=origin_of(whole),
    )


def _agrees(value: object, lesson: Lesson) -> bool:
    """A default that fits what the answer teaches stays."""
    dialect = value.partition(":")[0].partition("+")[0] if isinstance(value, str) and "://" in value else None
    if lesson.dialect:
        return dialect == lesson.dialect
    return bool(lesson.not_dialects and dialect and dialect not in lesson.not_dialects)


def _fallback(certainty: Certainty) -> Certainty:
    return weakest((Known(None, Origin(""), certainty), Known(None, Origin(""), "fallback")))


def lookup(world: World, names: tuple[str, ...], *, is_exact: bool = False) -> str | None:
    """Return the name under which the environment holds one of the names; settings classes ignore case."""
    variables = world.environment.variables
    for name in names:
        world.rests_on_variable(name)
    lowered = {} if is_exact else {name.lower(): name for name in variables}
    for name in names:
        if name in variables:
            return name
        if name.lower() in lowered:
            return lowered[name.lower()]
    return None
