"""What a database accepts: stated, written in the repository, or the default of its product."""

from __future__ import annotations

from dataclasses import replace

from poollint import providers
from poollint.config import StatedDatabase
from poollint.facts import NOT_READ, Database, Known, Setting, Unknown, value_of


def limited(database: Database, stated: StatedDatabase | None) -> Database:
    """Return the database with its numbers settled.

    max_connections  stated, else written (also where that cannot be read), else the table's row for provider and tier
    reserved         stated, else written, else what provider or server keep for themselves
    """
    if stated:
        database = _with_stated(database, stated)
    provider = providers.get(database.provider) if database.provider else None
    dialect = database.dialect or (provider.dialects[0] if provider and len(provider.dialects) == 1 else None)
    tier, version = _text(database.tier), _text(database.version)
    changes: dict[str, object] = {"dialect": dialect}
    if not _is_written(database.max_connections):
        changes["max_connections"] = (
            provider.max_connections(tier, version, dialect) if provider else _no_provider(database)
        )
        changes["low_estimate"] = provider.low_estimate(tier, version, dialect) if provider else NOT_READ
    if not _is_written(database.reserved):
        changes["reserved"] = provider.reserved(version, dialect) if provider else providers.stock_reserved(dialect)
        changes["sure_reserved"] = provider.sure_reserved(version, dialect) if provider else changes["reserved"]
    if not isinstance(database.keepalive, Known) and provider:
        changes["keepalive"] = provider.keepalive
    return replace(database, **changes)  # type: ignore[arg-type]


def _with_stated(database: Database, stated: StatedDatabase) -> Database:
    changes: dict[str, object] = {
        name: setting
        for name in ("tier", "max_connections", "reserved", "headroom", "idle_timeout")
        if isinstance(setting := getattr(stated, name), Known)
    }
    if stated.provider and stated.provider != database.provider:
        changes["provider"] = stated.provider
    # A stated product or tier replaces the limit that a file gave: the table answers for the new one.
    if ("provider" in changes or "tier" in changes) and "max_connections" not in changes:
        changes["max_connections"] = Unknown("stated by its tier")
    return replace(database, **changes)  # type: ignore[arg-type]


def _is_written(setting: Setting) -> bool:
    """Say whether a file gives it, readable or not: `${MAX}` is not the product's default."""
    return isinstance(setting, Known) or setting.origin.location is not None


def _no_provider(database: Database) -> Setting:
    if isinstance(database.max_connections, Unknown) and database.location:
        return database.max_connections
    return Unknown("nothing written tells what kind of server it is")


def _text(setting: Setting) -> str | None:
    value = value_of(setting)
    return None if value is None else str(value)
