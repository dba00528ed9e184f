"""Flask-SQLAlchemy-Lite: an engine for every entry of SQLALCHEMY_ENGINES and SQLALCHEMY_ASYNC_ENGINES.

    {"default": URL}                    the constructor's engine_options=
    {"default": {"url": URL, ...}}      the entry's own options over them
    MySQL                               pool_recycle 7200

An entry reaches engine_from_config(): text becomes a number under the keys that it coerces. Measured with 0.2.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from poollint.facts import Known, Setting, Unknown
from poollint.python.evaluator import urls
from poollint.python.evaluator.values import Arguments, Table, Value
from poollint.python.flask.flask_config import Config
from poollint.python.flask.flask_hooks import driver_defaults
from poollint.python.pools import Library, coerced, dialect_of, may_be
from poollint.sqlalchemy_tables import FLASK_LITE_ASYNC_ENGINES, FLASK_LITE_ENGINES

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Entry:
    """One engine: `table` is what holds it under its name, None where no configuration is seen to name it."""

    name: str
    url: Value
    arguments: Arguments
    is_async: bool = False
    table: Table | None = None


def entries(config: Config, constructor: Table, library: Library) -> Iterator[Entry]:
    """Yield the engines that one world's configuration makes; without one that is readable, the default one."""
    tables = {key: config.get(key) for key in (FLASK_LITE_ENGINES, FLASK_LITE_ASYNC_ENGINES)}
    found = False
    for key, table in tables.items():
        for name, value in table.entries.items() if isinstance(table, Table) else ():
            if isinstance(name, str):
                found = True
                url, options = _parts(value, constructor)
                arguments = _completed(config, options, url, library)
                yield Entry(name, url, arguments, key == FLASK_LITE_ASYNC_ENGINES, table)
    if not found:
        value = next((table for table in tables.values() if isinstance(table, Unknown)), None)
        url = value or Unknown(f"{FLASK_LITE_ENGINES} is set nowhere that is readable")
        yield Entry(DEFAULT, url, _completed(config, constructor.opened(url.reason), url, library))


def _parts(value: Value, constructor: Table) -> tuple[Value, Table]:
    """Return URL and options of an entry."""
    if isinstance(value, Table):
        url = value.get("url") or Unknown("the entry has no url", value.origin)
        return url, constructor.merged(value.without("url"))
    return value, constructor


def _completed(config: Config, options: Table, url: Value, library: Library) -> Arguments:
    keywords = {str(key): coerced(str(key), value) for key, value in options.entries.items()}
    dialect: Setting = dialect_of(urls.as_url(config.world, url), library)
    is_mariadb = isinstance(dialect, Known) and dialect.value == "mariadb"  # to SQLAlchemy a backend of another name
    if options.complete and not is_mariadb:  # what cannot be read may set it
        keywords = {**driver_defaults(dialect, may_be("mysql", library), {"pool_recycle": 7200}), **keywords}
    return Arguments((), keywords, options.complete, options.reason)
