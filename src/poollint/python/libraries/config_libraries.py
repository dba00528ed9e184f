"""Readers for libraries that read the environment: decouple, environs, envparse, django-environ, starlette, pydantic, cfenv.

decouple      config("X", default=5, cast=int), cast=Csv(int)
starlette     Config(".env")("X", cast=int, default=5)
environs      Env().int("X", 5), Env().list("X", [5]), also with a prefix
envparse      env("X", default=5), env.int("X", default=5)
django-environ  Env(DEBUG=(bool, False))("DEBUG"), Env().int("X", default=5), Env().db("DATABASE_URL")
cfenv         AppEnv().get_credential("X", "5")
"""

from __future__ import annotations

import ast
import shlex
from dataclasses import replace
from types import NoneType

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import branching, containers, environment, settings
from poollint.python.evaluator.values import (
    Arguments,
    ClassRef,
    LibraryObject,
    LibraryRef,
    Listing,
    Open,
    Table,
    Value,
    derived,
    failing,
    origin_of,
    reason_of,
    symbol_of,
    unsettled,
)
from poollint.python.libraries import Call, reader
from poollint.python.libraries.file_functions import of_json

_TRUE, _FALSE = frozenset("true 1 yes y on t ok".split()), frozenset("false 0 no n off f".split()) | {""}


def _read(call: Call, name: str | None, default: Value | None, cast: Value | None) -> Value:
    """Return a variable, its text cast as these libraries do; a default that is no text stays what it is."""
    value = call.variable(name, default)
    if isinstance(value, Open) and value.absent:
        value = replace(value, absent=False)  # these libraries refuse to start
    return casted(call, value, cast)


def casted(call: Call, value: Value, cast: Value | None) -> Value:
    """Return a value as `cast` reads it."""
    if (
        cast is None
        or (isinstance(cast, Known) and cast.value is None)
        or (isinstance(value, Known) and value.value is None)
    ):
        return value
    if isinstance(cast, LibraryRef) and cast.name == "builtins.bool":
        if call.name.startswith("environ.") and isinstance(value, Known) and isinstance(value.value, str):
            return derived(_is_true_for_django(value.value), value, symbol=f"flag({symbol_of(value)})")
        return as_boolean(value)
    if isinstance(value, Unknown):
        return value
    return call.call(cast, Arguments((value,)))


def _is_true_for_django(text: str) -> bool:
    """Say what django-environ reads: a number that is not zero, or one of a few words; all else is False."""
    try:
        return bool(int(text))
    except ValueError:
        return text.lower().strip() in {"true", "on", "ok", "y", "yes", "1"}


def as_boolean(value: Value) -> Value:
    """Return a text as configuration libraries read flags: "false" is False."""
    if isinstance(value, Known) and isinstance(value.value, str):
        word = value.value.strip().lower()
        if word not in _TRUE | _FALSE:
            return Unknown("not a boolean", origin_of(value))
        return derived(word in _TRUE, value, symbol=f"flag({symbol_of(value)})")
    if isinstance(value, Known):
        return derived(bool(value.value), value, symbol=f"flag({symbol_of(value)})")
    return (
        unsettled(value.reason, value, symbol=f"flag({value.symbol})")
        if isinstance(value, Open) and value.symbol
        else value
    )


@reader("fastapi.Depends", "fastapi.params.Depends", "fastapi.Security")
def _depends(call: Call) -> Value:
    """`settings: Settings = Depends(get_settings)`: what the dependency returns."""
    if call.arguments.positional and not isinstance(call.first(), Unknown):
        return call.call(call.first(), Arguments())
    return call.unknown("a dependency that is not known")


# -- decouple and starlette --------------------------------------------------------------------------------------------


@reader("pydantic.PrivateAttr")
def _private_attribute(call: Call) -> Value:
    """What an attribute that is no field begins with."""
    default = call.get("default", 0)
    return default if default is not None else call.unknown("a private attribute made by its default_factory")


@reader(*(f"pydantic.BaseModel.{method}" for method in sorted(settings.MADE_OF_DICTS)))
def _of_dict(call: Call) -> Value:
    """`Settings.model_validate({})` is `Settings()`: settings read their variables all the same."""
    assert isinstance(call.owner, ClassRef)
    given = call.get("obj", 0)
    if isinstance(given, Known) and isinstance(given.value, str):
        given = of_json(given)
    table = containers.as_table(call.world, given) if given is not None else None
    if not isinstance(table, Table):
        return call.unknown(reason_of(table) if table is not None else "nothing is passed")
    entries = {key: value for key, value in table.entries.items() if isinstance(key, str)}
    return call.call(call.owner, Arguments((), entries, table.complete, table.reason))


@reader("decouple.config", "decouple.AutoConfig.__call__", "decouple.Config.__call__", "decouple.Config.get")
def _decouple(call: Call) -> Value:
    return _read(call, call.text(0, "option"), call.get("default", 1), call.get("cast", 2))


@reader("starlette.config.Config.__call__", "starlette.config.Config.get")
def _starlette(call: Call) -> Value:
    if isinstance(call.owner, LibraryObject) and call.owner.arguments.get("environ", 1) is not None:
        return call.unknown("an environment of its own")
    name = _prefix(call, "env_prefix") + (call.text(0, "key") or "")
    return _read(call, name or None, call.get("default", 2), call.get("cast", 1))


@reader(
    "starlette.datastructures.Secret",
    "starlette.datastructures.URL",
    "databases.DatabaseURL",
)
def _wrapper(call: Call) -> Value:
    return call.first() if call.arguments.positional else call.made()


@reader("decouple.Csv")
def _csv(call: Call) -> Value:
    return call.made()


@reader("decouple.Csv.__call__", "starlette.datastructures.CommaSeparatedStrings")
def _separated(call: Call) -> Value:
    """`Csv(int)("3, 4")`: both libraries split as a shell does, so that quoted items may hold the delimiter."""
    value, made = call.first(), call.owner.arguments if isinstance(call.owner, LibraryObject) else Arguments()
    delimiter = made.get("delimiter", 1)
    if isinstance(value, (Listing, Unknown)) or made.get("strip", 2) is not None:
        return value if isinstance(value, (Listing, Unknown)) else call.unknown("Csv() strips what is not worked out")
    if not isinstance(value, Known) or not isinstance(value.value, str) or not isinstance(delimiter, (Known, NoneType)):
        return call.unknown("a list in a text that is not known")
    splitter = shlex.shlex(value.value, posix=True)
    splitter.whitespace, splitter.whitespace_split = "," if delimiter is None else str(delimiter.value), True
    try:
        pieces = [piece.strip() for piece in splitter]
    except ValueError:
        return failing(ValueError, call.origin)
    return _items(call, value, pieces, made.get("cast", 0))


def _items(call: Call, text: Known, pieces: list[str], cast: Value | None) -> Listing:
    """Return the pieces of a text, each as `cast` reads it."""
    symbol = symbol_of(text)
    items = (derived(piece, text, symbol=f"item({symbol}, {number})") for number, piece in enumerate(pieces))
    return Listing(tuple(casted(call, item, cast) for item in items), origin_of(text))


def _prefix(call: Call, name: str) -> str:
    made = call.owner.arguments if isinstance(call.owner, LibraryObject) else Arguments()
    value = made.keywords.get(name)
    return value.value if isinstance(value, Known) and isinstance(value.value, str) else ""


def _prefixed(call: Call) -> str:
    """Return the prefix of environs' variables: that of the object, and of each `with env.prefixed("X_"):` around."""
    found = _prefix(call, "prefix")
    for around in reversed([each for each in call.module.ancestors(call.node) if isinstance(each, ast.With)]):
        for item in around.items:
            match item.context_expr:
                case ast.Call(ast.Attribute(attr="prefixed"), [prefix]):
                    value = call.world.value(prefix, call.module, call.frame)
                    found += value.value if isinstance(value, Known) and isinstance(value.value, str) else ""
    return found


# -- environs and django-environ ---------------------------------------------------------------------------------------

_CASTS = {"int": "builtins.int", "float": "builtins.float", "bool": "builtins.bool"}


def _env_method(call: Call) -> Value:
    method = call.name.rpartition(".")[2]
    name = call.text(0, "name") or call.text(0, "var")
    name = name if name is None else _prefixed(call) + name
    cast = _CASTS.get(method)
    position = 1 if method in _CASTS or method in ("str", "url", "db") else 2
    default = call.get("default", position)
    return _read(
        call, name, default, LibraryRef(cast, call.origin) if cast else call.get("cast", 1) if position == 2 else None
    )


_ENVIRONMENTS = ("environs.Env", "environs.env", "environ.Env", "envparse.Env", "envparse.env")
for _method in ("int", "float", "bool", "str", "url", "get_value"):
    reader(*(f"{name}.{_method}" for name in _ENVIRONMENTS))(_env_method)


def _env_container(call: Call) -> Value:
    """`env.list("SIZES", [5, 6], subcast=int)`: only the text of a variable is read, a default stays what it is."""
    name = call.text(0, "name") or call.text(0, "var")
    name = name if name is None else _prefixed(call) + name
    is_django = call.name.startswith("environ.")
    given = call.variable(name)
    if not isinstance(given, Known) or given.value is None:
        default = call.get("default", 2 if is_django and not call.name.endswith("json") else 1)
        if default is None or name is None or environment.is_set(call.world, name):
            return given
        return default if call.world.environment.complete else _weakened(default)
    text = str(given.value)
    if call.name.endswith("json"):
        return of_json(given) or failing(ValueError, call.origin)
    unread = {"delimiter", "key_value_delimiter", "subcast_keys"} & call.arguments.keywords.keys()
    if unread or is_django and call.name.endswith("dict") and "cast" in call.arguments.keywords:
        return call.unknown(f"{call.name.rpartition('.')[2]}() with {min(unread, default='cast')}= is not worked out")
    pieces = [piece for piece in text.split(",") if piece or not is_django] if text else []
    if call.name.endswith("list"):
        return _items(call, given, pieces, call.get("cast", 1) if is_django else call.get("subcast", 2))
    pairs = [piece.partition("=")[::2] for piece in pieces]
    values = _items(call, given, [value if is_django else value.strip() for _, value in pairs], call.get("subcast_values"))
    keys = (key if is_django else key.strip() for key, _ in pairs)
    return Table(dict(zip(keys, values.items)), origin_of(given))


def _weakened(default: Value) -> Value:
    """Return a default that a variable may replace, whatever it holds."""
    match default:
        case Listing(items=items):
            return replace(default, items=tuple(map(_weakened, items)))
        case Table(entries=entries):
            return replace(default, entries={key: _weakened(entry) for key, entry in entries.items()})
        case Known():
            return branching.as_sure_as(default, _REPLACEABLE)
    return default


_REPLACEABLE = Known(True, Origin("a variable may replace it"), "fallback")
for _method in ("list", "dict", "json"):
    reader(*(f"{name}.{_method}" for name in _ENVIRONMENTS[:3]))(_env_container)


@reader("environs.Env.__call__", "environs.env")
def _environs(call: Call) -> Value:
    return _read(call, _prefixed(call) + (call.text(0, "name") or "") or None, call.get("default", 1), None)


@reader("envparse.env", "envparse.Env.__call__")
def _envparse(call: Call) -> Value:
    return _read(call, call.text(0, "var"), call.get("default", 6), call.get("cast", 1))


@reader("cfenv.AppEnv.get_credential")
def _cfenv(call: Call) -> Value:
    """A variable, or its default; what a service bound in Cloud Foundry has by that name comes before both."""
    return _weakened(call.variable(call.text(0, "key"), call.get("default", 1)))


@reader("environ.Env.__call__")
def _environ(call: Call) -> Value:
    """`env("X")`: cast and default may stand in the scheme, `Env(X=(int, 5))`."""
    name, default, cast = call.text(0, "var"), call.get("default", 2), call.get("cast", 1)
    scheme = call.owner.arguments.keywords.get(name or "") if isinstance(call.owner, LibraryObject) else None
    if isinstance(scheme, Listing) and len(scheme.items) == 2:
        cast, default = cast or scheme.items[0], default or scheme.items[1]
    elif isinstance(scheme, LibraryRef):
        cast = cast or scheme
    return _read(call, name, default, cast)
