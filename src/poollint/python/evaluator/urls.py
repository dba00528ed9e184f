"""Database URLs by their parts. Users and passwords are dropped where the text is taken apart: no value holds one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from poollint.facts import Certainty, Known, Origin, Setting, Unknown, weakest
from poollint.python.evaluator.values import (
    Open,
    Table,
    Text,
    Traced,
    Url,
    Value,
    as_setting,
    certainty_of,
    origin_of,
    reason_of,
    setting_of,
    symbol_of,
)

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World

# Not only what SQLAlchemy ships: the point is to tell a scheme from a word.
DIALECTS = frozenset(
    "postgresql postgres mysql mariadb sqlite oracle mssql cockroachdb redshift duckdb snowflake clickhouse bigquery "
    "databricks trino awsathena db2 firebird".split()
)

IN_MEMORY = ":memory:"  # a database of SQLite, or of what is like it
_OF_FILES = ("sqlite", "duckdb")

_HOLE = 0xE000  # private-use characters stand for unknown pieces while a text is taken apart
_PARTS = re.compile(
    r"(?P<name>[^:/?#@]+)://"
    r"(?:(?P<user>[^:/]*)(?::(?P<password>[^@]*))?@)?"
    r"(?:(?:\[(?P<ipv6>[^/?]+)\]|(?P<host>[^/:?]+))?(?::(?P<port>[^/?]*))?)?"
    r"(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?",
    re.DOTALL,
)


def as_url(world: World, value: Value) -> Url:
    """Return the URL a value is; what is not known of it is Unknown part by part."""
    match value:
        case Url():
            return _with_secret(world, value)
        case Known(value=str(content)):
            found = _taken_apart(content, (), value, value.certainty)
        case Text():
            found = _of_text(world, value)
        case _:
            found = None
    return _with_secret(world, found or unknown_url(value))


def unknown_url(value: Value, certainty: Certainty = "exact") -> Url:
    """Return a URL of which nothing is known but where it comes from."""
    unknown = Unknown(_why_unknown(value), origin_of(value))
    excludes = value.excludes if isinstance(value, Open) else frozenset()
    return Url(
        unknown, unknown, unknown, unknown, unknown,
        query_complete=False, identities=_identities(value), whole=value, origin=origin_of(value), excludes=excludes,
    )  # fmt: skip


def _why_unknown(value: Value) -> str:
    if isinstance(value, Known):
        if value.value is None:
            return (
                f"{value.origin.says or 'the URL'} is None"
                if not symbol_of(value)
                else f"{value.origin.says} has no default"
            )
        return f"{value.origin.says or 'the text'} is no database URL"
    return reason_of(value)


def common(one: Url, other: Url, reason: str) -> Url:
    """Return what two URLs have in common; the parts in which they differ are Unknown for that reason."""
    unknown = Unknown(reason, one.origin)

    def part(a: Setting, b: Setting) -> Setting:
        if isinstance(a, Known) and isinstance(b, Known) and a.value == b.value:
            return replace(a, certainty=weakest((a, b)))
        return a if a == b else unknown

    names = ("dialect", "driver", "host", "port", "database")
    keys = [key for key, value in one.query.items() if other.query.get(key) == value]
    return Url(
        *(part(getattr(one, name), getattr(other, name)) for name in names),
        {key: one.query[key] for key in keys},
        one.query_complete and other.query_complete and len(keys) == len(one.query) == len(other.query),
        tuple(identity for identity in one.identities if identity in other.identities),
        whole=None if one.whole is other.whole is None else unknown,
        is_object=one.is_object and other.is_object,
        origin=one.origin,
        excludes=one.excludes & other.excludes,
        user=one.user if one.user == other.user else None,
    )


def _with_secret(world: World, url: Url) -> Url:
    """Add the secret that a variable comes from: two variables with one secret are one database."""
    secrets = world.environment.secrets
    names = (identity.removeprefix("env:") for identity in url.identities if identity.startswith("env:"))
    more = tuple(f"secret:{secrets[name]}" for name in names if name in secrets)
    return replace(url, identities=tuple(dict.fromkeys((*url.identities, *more)))) if more else url


def _identities(value: Value) -> tuple[str, ...]:
    symbol = symbol_of(value)
    return (symbol,) if symbol.startswith("env:") and "," not in symbol else ()


def _of_text(world: World, value: Text) -> Url:
    first = value.parts[0]
    if not isinstance(first, str):
        # f"{BASE}/name" or f"{url}?ssl=require": the scheme and what follows come from the first piece.
        base = as_url(world, first)
        text, _ = _with_holes(value.parts[1:])
        query = _query(text.partition("?")[2], {}, value.origin, "exact") if "?" in text else {}
        if text.startswith("/") and not base.identities:
            base = replace(base, database=_setting(text[1:].partition("?")[0], {}, value.origin, "exact"))
        identities = base.identities if text.startswith(("?", "&")) else ()
        return replace(base, query={**base.query, **query}, identities=identities, whole=None, is_object=False)
    text, holes = _with_holes(value.parts)
    certainty: Certainty = "fallback" if value.symbol else "exact"
    return _taken_apart(text, holes, value, certainty) or unknown_url(value)


def _with_holes(parts: tuple[str | Value, ...]) -> tuple[str, dict[str, Value]]:
    holes: dict[str, Value] = {}
    pieces = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(part)
        else:
            mark = chr(_HOLE + len(holes))
            holes[mark] = part
            pieces.append(mark)
    return "".join(pieces), holes


def _taken_apart(text: str, holes: Any, value: Value, certainty: Certainty) -> Url | None:
    match = _PARTS.fullmatch(text.strip())
    if match is None:
        return None
    marks: Mapping[str, Value] = holes or {}
    origin = origin_of(value)
    name = _setting(match["name"], marks, origin, certainty)
    dialect, driver = split_scheme(name)
    query = _query(match["query"] or "", marks, origin, certainty)
    # An @ in the host ends a password that nobody quoted: `app:p@ss@db`.
    server = (match["ipv6"] or match["host"] or "").rpartition("@")[2]
    host = _setting(server.lower() or None, marks, origin, certainty)
    # A socket: postgresql://user@/db?host=/cloudsql/p:r:i, mysql+pymysql://user@/db?unix_socket=/cloudsql/p:r:i
    socket = query.get("host") or query.get("unix_socket")
    if isinstance(host, Known) and host.value is None and socket is not None:
        host = socket if (match["query"] or "").count("host=") < 2 else Unknown("several servers", origin)
    port = _port(_setting(match["port"] or None, marks, origin, certainty))
    database = _setting(unquote(match["database"]) if match["database"] else None, marks, origin, certainty)
    if isinstance(host, Unknown) and not match["port"]:
        port = Unknown(host.reason, host.origin)  # the piece may hold "db:5432"
        database = database if match["database"] is not None else port  # or "db:5432/app"
    return Url(
        dialect, driver, host, port, database,
        query, identities=_identities(value), whole=value if isinstance(value, Traced) and value.symbol else None,
        origin=origin, user=_user(_setting(match["user"] or None, marks, origin, certainty)),
    )  # fmt: skip


def _user(name: Setting) -> int | None:
    """Tell users apart without keeping their names."""
    return hash(name.value) if isinstance(name, Known) and name.value else None


def split_scheme(name: Setting) -> tuple[Setting, Setting]:
    """Return dialect and driver of a scheme; a plain scheme has the driver Known(None)."""
    if not isinstance(name, Known):
        return name, name
    dialect, _, driver = str(name.value).lower().partition("+")
    return Known(dialect, name.origin, name.certainty), Known(driver or None, name.origin, name.certainty)


def _setting(text: str | None, holes: Mapping[str, Value], origin: Origin, certainty: Certainty) -> Setting:
    """Return a part of the URL: known text, the value of the one piece that makes it, or Unknown."""
    inside = [hole for mark, hole in holes.items() if text and mark in text]
    if not inside:
        return Known(text, origin, certainty)
    if len(inside) == 1 and text is not None and len(text) == 1:
        return as_setting(inside[0])
    return Unknown(reason_of(inside[0]), origin_of(inside[0]))


def _port(setting: Setting) -> Setting:
    if isinstance(setting, Known) and setting.value is not None:
        try:
            return Known(int(setting.value), setting.origin, setting.certainty)
        except (TypeError, ValueError):
            return Unknown("not a port number", setting.origin)
    return setting


def _query(text: str, holes: Mapping[str, Value], origin: Origin, certainty: Certainty) -> dict[str, Setting]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return {}
    return {
        key: setting_of(key, _setting(value, holes, origin, certainty)) for key, value in pairs if key not in holes
    }


def from_parts(parts: Mapping[str, Value], origin: Origin) -> Url:
    """Return the URL that `URL.create(drivername=..., host=...)` makes."""

    def part(name: str) -> Setting:
        value = parts.get(name)
        return as_setting(value) if value is not None else Known(None, origin)

    dialect, driver = split_scheme(part("drivername"))
    query = parts.get("query")
    entries = _entries(query) if isinstance(query, Table) else {}
    host = part("host")
    if isinstance(host, Known) and not host.value and "host" in entries:
        host = entries["host"]
    complete = query is None or (isinstance(query, Table) and query.complete) or isinstance(query, Known)
    return Url(
        dialect,
        driver,
        _lowered(host),
        _port(part("port")),
        part("database"),
        entries,
        complete,
        is_object=True,
        origin=origin,
        user=_user(part("username")),
    )


def _entries(query: Table) -> dict[str, Setting]:
    return {str(key): setting_of(str(key), value) for key, value in query.entries.items()}


def changed(url: Url, parts: Mapping[str, Value]) -> Url:
    """Return `url.set(drivername=..., ...)`."""
    changes: dict[str, Any] = {}
    for name in ("host", "port", "database"):
        if name in parts:
            changes[name] = as_setting(parts[name])
    if "drivername" in parts:
        changes["dialect"], changes["driver"] = split_scheme(as_setting(parts["drivername"]))
    if "username" in parts:
        changes["user"] = _user(as_setting(parts["username"]))
    query = parts.get("query")
    if isinstance(query, Table):
        changes["query"] = _entries(query)
        changes["query_complete"] = query.complete
    moved = {"host", "port", "database"} & changes.keys()
    identities = () if moved else url.identities
    return replace(url, **changes, identities=identities, whole=None, is_object=True)


def _lowered(setting: Setting) -> Setting:
    if isinstance(setting, Known) and isinstance(setting.value, str):
        return Known(setting.value.lower(), setting.origin, setting.certainty)
    return setting


# -- what string methods ask of a URL ----------------------------------------------------------------------------------


def scheme_text(url: Url) -> str:
    """Return how the URL's text begins, as far as that is known."""
    if not (isinstance(url.dialect, Known) and url.dialect.value):
        return ""
    if not isinstance(url.driver, Known):
        return str(url.dialect.value)
    return f"{url.dialect.value}+{url.driver.value}://" if url.driver.value else f"{url.dialect.value}://"


def mentions(url: Url, needle: str) -> bool | None:
    """Say whether the URL's text holds a word, where the scheme decides."""
    scheme = scheme_text(url)
    if needle and needle in scheme:
        return True
    word = needle.rstrip(":/")
    if IN_MEMORY in needle:
        return False if scheme and not scheme.startswith(_OF_FILES) else None
    if word in DIALECTS and scheme and word != scheme:  # of "sqlite" alone nobody can tell whether ":" follows
        return False
    return False if word.startswith("+") and isinstance(url.driver, Known) else None


def dialect_named(text: str) -> str | None:
    """Return the dialect that a prefix such as "sqlite:///" or "postgresql+asyncpg" names."""
    name = text.partition(":")[0].partition("+")[0].lower()
    return {"postgres": "postgresql"}.get(name, name) if name in DIALECTS else None


def with_scheme_replaced(value: Value, old: str, new: str) -> Value:
    """Return `url.replace("postgresql://", "postgresql+asyncpg://")` for a URL whose text is not known.

    Whoever writes that expects it to apply: the driver is an estimate, everything else stays as unknown as it was.
    """
    url = value if isinstance(value, Url) else None
    if url is not None and scheme_text(url).endswith("://"):
        text = scheme_text(url).replace(old, new)
        dialect, driver = split_scheme(Known(text.removesuffix("://"), url.origin, certainty_of(url.dialect)))
        return replace(url, dialect=dialect, driver=driver, whole=None)
    if not re.fullmatch(r"\w+(\+\w+)?(://|:)?", new) or dialect_named(new) is None:
        if url is not None and old.startswith("+"):
            return replace(url, driver=Unknown("the driver is cut out of the URL", url.origin), whole=None)
        return value
    url = url or unknown_url(value)
    origin = origin_of(value)
    dialect, driver = split_scheme(Known(new.rstrip(":/"), origin, "estimate"))
    if isinstance(driver, Known) and driver.value is None:
        driver = Unknown(reason_of(value), origin)
    return replace(url, dialect=dialect, driver=driver, whole=None)
