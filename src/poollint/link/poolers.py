"""Poolers that no file here defines: those a host name shows, and those the configuration states."""

from __future__ import annotations

from dataclasses import replace

from poollint import providers
from poollint.config import StatedDatabase, StatedPooler
from poollint.facts import Known, Origin, Pooler, Setting, Target, Unknown, value_of

# A host label that contains one of these names is that pooler; port 6432 alone is nothing.
# Odyssey is left out: the word is a common project name.
_PRODUCTS = ("pgbouncer", "pgcat", "pgdog", "supavisor")
SHARING_MODES = ("transaction", "statement")


def endpoint_pooler(target: Target) -> Pooler | None:
    """Return the managed pooler that a provider's host name leads to."""
    endpoint = providers.match(target)
    if endpoint is None or endpoint.pooler is None:
        return None
    provider = endpoint.provider
    origin = Origin(f"{provider.short} endpoint {target.host}")
    mode: Setting = (
        Known(endpoint.mode, origin, "default") if endpoint.mode else Unknown("chosen at the provider", origin)
    )
    # Of a product that anybody runs, the host tells no more than the name: its file may have raised the default.
    is_hosted = provider.name != endpoint.pooler
    unread = Unknown(f"host {target.host} tells the product only", origin)
    return Pooler(
        name=target.host or provider.name,
        product=endpoint.pooler,
        location=None,
        mode=mode,
        prepared_statements=endpoint.prepared_statements,
        max_client_connections=provider.pooler_limit("max_client_conn") if is_hosted else unread,
        hosts=(target.host,) if target.host else (),
        provider=provider.name,
    )


def named_pooler(host: str) -> Pooler | None:
    """Return the pooler whose name stands in a label of the host; its mode and version are not readable there."""
    for label in host.lower().split("."):
        for product in _PRODUCTS:
            if product in label:
                unread = Unknown(f"host {host} tells the product only", Origin(f"host {host}"))
                return Pooler(
                    host, product, None, version=unread, mode=unread, prepared_statements=unread, hosts=(host,)
                )
    return None


def stated_pooler(database: StatedDatabase | None, met: Pooler | None, name: str) -> Pooler | None:
    """Put what the configuration states of a database's pooler on what was found."""
    stated = database.pooler if database else None
    if stated is None:
        return settled(met) if met else None
    pooler = met or Pooler(f"{name} pooler", stated.kind, stated.location)
    if isinstance(stated.mode, Known):
        pooler = replace(pooler, mode=stated.mode)
    if isinstance(stated.max_prepared_statements, Known):
        pooler = replace(pooler, prepared_statements=_kept_apart(stated))
    return settled(pooler)


def settled(pooler: Pooler) -> Pooler:
    """Fill what the product's documentation settles: the default mode of one defined here, the version's support."""
    changes: dict[str, Setting] = {}
    version = value_of(pooler.version)
    if not isinstance(pooler.mode, Known) and pooler.location and not pooler.mode.origin.says:
        changes["mode"] = providers.default_mode(pooler.product)
    if not isinstance(pooler.prepared_statements, Known) and pooler.provider is None:
        if pooler.product in providers.table():
            changes["prepared_statements"] = providers.prepared_statements(pooler.product, version and str(version))
    for field, name in _DEFAULTS.items():
        # A default holds only where the pooler's own file was read and says nothing.
        if pooler.location and not isinstance(getattr(pooler, field), Known) and not getattr(pooler, field).origin.says:
            changes[field] = providers.pooler_default(pooler.product, name)
    return replace(pooler, **changes) if changes else pooler


_DEFAULTS = {"max_client_connections": "max_client_conn", "pool_size": "default_pool_size"}


def _kept_apart(stated: StatedPooler) -> Known:
    setting = stated.max_prepared_statements
    assert isinstance(setting, Known)  # the caller asked
    return Known(setting.value > 0, setting.origin, setting.certainty)


def shares_connections(pooler: Pooler | None) -> bool | None:
    """Say whether one server connection serves several clients in turn; None when the mode is not readable."""
    if pooler is None:
        return False
    mode = value_of(pooler.mode)
    return None if mode is None else mode in SHARING_MODES
