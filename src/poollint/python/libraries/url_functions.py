"""Readers for URLs: SQLAlchemy's `make_url` and `URL`, pydantic's Dsn types, `urllib.parse`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import settings, text, urls, validation
from poollint.python.evaluator.values import (
    LibraryObject,
    LibraryRef,
    Listing,
    Open,
    Table,
    Text,
    Traced,
    Url,
    Value,
    as_setting,
    derived,
    operation,
    reason_of,
    unsettled,
    variables_of,
)
from poollint.python.libraries import Call, attribute_reader, reader

_URL = "sqlalchemy.engine.URL"


@reader("sqlalchemy.engine.make_url")
def _make_url(call: Call) -> Value:
    url = urls.as_url(call.world, call.first())
    return replace(url, is_object=True)


@reader(f"{_URL}.create", _URL)
def _create(call: Call) -> Value:
    order = ("drivername", "username", "password", "host", "port", "database", "query")
    parts = {name: value for number, name in enumerate(order) if (value := call.get(name, number)) is not None}
    return urls.from_parts(parts, call.origin)


@reader(f"{_URL}.set", f"{_URL}._replace")
def _set(call: Call) -> Value:
    if not isinstance(call.owner, Url):
        return call.unknown("not a URL")
    return urls.changed(call.owner, call.arguments.keywords)


@reader(f"{_URL}.update_query_dict", f"{_URL}.update_query_pairs", f"{_URL}.update_query_string")
def _update_query(call: Call) -> Value:
    if not isinstance(call.owner, Url):
        return call.unknown("not a URL")
    added = call.first()
    if not isinstance(added, Table):
        return replace(call.owner, query_complete=False)
    return replace(
        call.owner, query={**call.owner.query, **{str(key): as_setting(value) for key, value in added.entries.items()}}
    )


@reader(f"{_URL}.difference_update_query")
def _cut_query(call: Call) -> Value:
    return replace(call.owner, query_complete=False) if isinstance(call.owner, Url) else call.unknown("not a URL")


@reader(f"{_URL}.render_as_string", f"{_URL}.__str__", f"{_URL}.__to_string__")
def _render(call: Call) -> Value:
    return replace(call.owner, is_object=False) if isinstance(call.owner, Url) else call.unknown("not a URL")


@reader(f"{_URL}.get_backend_name")
def _backend(call: Call) -> Value:
    return _backend_of(call.owner, call.origin) if isinstance(call.owner, Url) else call.unknown("not a URL")


def _backend_of(url: Url, origin: Origin) -> Value:
    symbol = operation(text.BACKEND, url)
    if isinstance(url.dialect, Known):
        return _of_default(url, url.dialect, symbol)
    return Open(reason_of(url.dialect), origin, symbol, variables_of(url), excludes=url.excludes)


def _of_default(url: Url, part: Known, symbol: str) -> Value:
    """Return a part of a scheme; that of a default, which a variable may replace, is a question as the URL's text is."""
    if url.whole is None or isinstance(url.whole, Unknown) or not variables_of(url):
        return part  # written, or taught by a branch
    return Traced(part.value, part.origin, part.certainty, symbol, variables_of(url))


@reader(f"{_URL}.get_driver_name")
def _driver(call: Call) -> Value:
    return call.owner.driver if isinstance(call.owner, Url) else call.unknown("not a URL")


@reader(f"{_URL}.get_dialect")
def _dialect(call: Call) -> Value:
    return call.made(call.owner) if isinstance(call.owner, Url) else call.unknown("not a URL")


@attribute_reader(f"{_URL}.get_dialect.name")
def _of_dialect(base: Value, origin: Origin) -> Value:
    state = getattr(base, "state", None)
    return _backend_of(state, origin) if isinstance(state, Url) else Unknown("not a URL", origin)


@attribute_reader(f"{_URL}.host", f"{_URL}.port", f"{_URL}.database")
def _part(base: Value, origin: Origin) -> Value:
    return getattr(base, origin.says, Unknown("not a URL", origin))


@attribute_reader(f"{_URL}.drivername")
def _drivername(base: Value, origin: Origin) -> Value:
    if not isinstance(base, Url):
        return Unknown("not a URL", origin)
    scheme, reason = urls.scheme_text(base), "the URL's driver is not known"
    if scheme.endswith("://"):
        found = derived(scheme.removesuffix("://"), base.dialect, origin=origin)
        return _of_default(base, found, operation(text.DRIVER_NAME, base))
    symbol, variables = operation(text.DRIVER_NAME, base), variables_of(base)
    if scheme:
        return Text((scheme, Unknown(reason, origin)), origin, symbol, variables)
    return Open(reason, origin, symbol, variables, excludes=base.excludes)


@attribute_reader(f"{_URL}.query")
def _query(base: Value, origin: Origin) -> Value:
    return (
        Table(dict(base.query), origin, base.query_complete) if isinstance(base, Url) else Unknown("not a URL", origin)
    )


@attribute_reader(f"{_URL}.username", f"{_URL}.password")
def _user(base: Value, origin: Origin) -> Value:
    return Unknown("not kept", origin)


# -- pydantic ----------------------------------------------------------------------------------------------------------

_DSNS = [
    f"{module}.{name}"
    for module in ("pydantic", "pydantic_core")
    for name in "PostgresDsn MySQLDsn MariaDBDsn AnyUrl AnyDsn MultiHostUrl Url CockroachDsn NatsDsn SecretStr SecretBytes".split()
]


@reader(*_DSNS)
def _dsn(call: Call) -> Value:
    return call.get("url", 0) or call.unknown("nothing is passed")


@reader("pydantic.parse_obj_as", "pydantic.TypeAdapter.validate_python")
def _as_type(call: Call) -> Value:
    """`TypeAdapter(int).validate_python("7")`, `parse_obj_as(int, "7")`: a text as the type reads it."""
    made = call.owner.node if isinstance(call.owner, LibraryObject) else call.node
    kind = made.args[0] if isinstance(made, ast.Call) and made.args else None
    value = call.arguments.positional[-1] if call.arguments.positional else call.unknown("nothing is passed")
    if kind is None or not isinstance(value, Known) or not isinstance(value.value, str):
        return value
    return validation.as_annotated(settings.plain_annotation(kind), value)


@reader(*(f"{name}.build" for name in _DSNS))
def _build(call: Call) -> Value:
    """`PostgresDsn.build(scheme="postgresql+asyncpg", host=..., path=...)`; v1 wants `/db` as path, v2 `db`."""
    given = call.arguments.keywords
    parts = {
        "drivername": given.get("scheme"),
        "host": given.get("host"),
        "port": given.get("port"),
        "database": given.get("path"),
    }
    known = {name: value for name, value in parts.items() if value is not None}
    database = known.get("database")
    if database is not None and text.is_text(database):
        known["database"] = _without_slash(database, call)
    return replace(urls.from_parts(known, call.origin), is_object=False)


def _without_slash(path: Value, call: Call) -> Value:
    if isinstance(path, Known):
        return Known(str(path.value).lstrip("/"), path.origin, path.certainty)
    parts = getattr(path, "parts", ())
    if len(parts) == 2 and parts[0] == "/":
        return parts[1]
    return Unknown(reason_of(path), call.origin)


# -- urllib ------------------------------------------------------------------------------------------------------------


@reader("urllib.parse.quote_plus", "urllib.parse.quote", "urllib.parse.unquote", "urllib.parse.unquote_plus")
def _quote(call: Call) -> Value:
    import urllib.parse

    value = call.first()
    if isinstance(value, Known) and isinstance(value.value, str) and len(value.value) < 10_000:
        return derived(getattr(urllib.parse, call.name.rpartition(".")[2])(value.value), value)
    return unsettled(reason_of(value), value, origin=call.origin)


@reader("urllib.parse.urlparse", "urllib.parse.urlsplit")
def _urlparse(call: Call) -> Value:
    url = urls.as_url(call.world, call.first())
    return LibraryObject("urllib.parse.ParseResult", call.arguments, call.origin, call.node, url)


@reader("urllib.parse.ParseResult._replace")
def _parts_replaced(call: Call) -> Value:
    """`parsed._replace(scheme="postgresql+asyncpg", query="")`."""
    state, given = getattr(call.owner, "state", None), call.arguments.keywords
    if not isinstance(state, Url) or not isinstance(call.owner, LibraryObject):
        return call.unknown("not a URL")
    return replace(call.owner, state=_with_parts(state, given, call))


def _with_parts(url: Url, given: Mapping[str, Value], call: Call) -> Url:
    parts = {"drivername": given["scheme"]} if "scheme" in given else {}
    if "path" in given:
        parts["database"] = _without_slash(given["path"], call)
    changed = urls.changed(url, parts) if parts else url
    if "netloc" in given:
        unknown = Unknown("the host is put together anew", call.origin)
        changed = replace(changed, host=unknown, port=unknown, identities=())
    if "query" in given:
        is_empty = isinstance(given["query"], Known) and not given["query"].value
        changed = replace(changed, query={}, query_complete=is_empty)
    return replace(changed, is_object=False, whole=None)


@reader("urllib.parse.ParseResult.geturl")
def _geturl(call: Call) -> Value:
    state = getattr(call.owner, "state", None)
    return state if isinstance(state, Url) else call.unknown("not a URL")


@reader("urllib.parse.urlunparse", "urllib.parse.urlunsplit")
def _urlunparse(call: Call) -> Value:
    """`urlunsplit((scheme, parsed.netloc, parsed.path, query, fragment))`: the parts of a parsed URL stay its own."""
    first = call.first()
    if isinstance(first, LibraryObject) and isinstance(first.state, Url):
        return first.state
    if not isinstance(first, Listing) or len(first.items) not in (5, 6):
        return call.unknown("put together from something unknown")
    scheme, netloc, path, query = (*first.items[:3], first.items[-2])
    base = getattr(getattr(netloc, "owner", None), "state", None)
    url = base if isinstance(base, Url) else urls.unknown_url(call.unknown("put together from something unknown"))
    given = {"scheme": scheme}
    given.update({} if isinstance(path, LibraryRef) else {"path": path})
    given.update({} if isinstance(query, LibraryRef) else {"query": query})
    return _with_parts(url, given, call)


@attribute_reader(
    "urllib.parse.ParseResult.netloc", "urllib.parse.ParseResult.query", "urllib.parse.ParseResult.fragment"
)
def _piece(base: Value, origin: Origin) -> Value:
    """A piece that is only good for putting the URL together again: it remembers where it is from."""
    return LibraryRef(f"urllib.parse.ParseResult.{origin.says}", origin, base)


@attribute_reader("urllib.parse.ParseResult.scheme")
def _scheme(base: Value, origin: Origin) -> Value:
    state = getattr(base, "state", None)
    return _drivername(state, origin) if isinstance(state, Url) else Unknown("not a URL", origin)


@attribute_reader("urllib.parse.ParseResult.hostname", "urllib.parse.ParseResult.port")
def _parsed(base: Value, origin: Origin) -> Value:
    state = getattr(base, "state", None)
    return getattr(state, "host" if origin.says == "hostname" else "port", None) or Unknown("not a URL", origin)


@attribute_reader("urllib.parse.ParseResult.path")
def _path(base: Value, origin: Origin) -> Value:
    state = getattr(base, "state", None)
    if isinstance(state, Url) and isinstance(state.database, Known):
        return Traced(f"/{state.database.value or ''}", state.database.origin, state.database.certainty)
    return _piece(base, origin)
