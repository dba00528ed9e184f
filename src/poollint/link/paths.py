"""What lies between a client's socket and the server, and ends connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint import providers
from poollint.facts import Database, Hop, Known, Origin, Pool, Pooler, value_of
from poollint.link.poolers import shares_connections
from poollint.link.running import Run

if TYPE_CHECKING:
    from poollint.link.servers import Reached

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CLOUD_RUN = {"cloud-run": "cloud-run", "cloud-functions": "cloud-functions"}


def hops_of(run: Run, way: Reached) -> tuple[Hop, ...]:
    """Return the hops on a client's path that no keepalive disarms."""
    if not any(pool.is_networked for pool in run.engine.live) and way.database is None:
        return ()
    keepalives = list(_keepalives(run, way))
    return tuple(hop for hop in _hops(run, way) if not _is_disarmed(hop, keepalives))


def _hops(run: Run, way: Reached) -> Iterator[Hop]:
    if (hop := _platform_hop(run, way)) is not None:
        yield hop
    if way.pooler is not None:
        yield from _pooler_hops(way.pooler, way)
    elif way.database is not None and not _is_socket(run, way):
        yield from _server_hops(way.database, way)
    if way.database is not None and isinstance(way.database.idle_timeout, Known):
        yield Hop(f"the path to {way.database.name}", way.database.idle_timeout)


def _platform_hop(run: Run, way: Reached) -> Hop | None:
    """Cloud Run ends idle connections on their way out; a /cloudsql/ socket belongs to the platform's own proxy."""
    if run.workload is None or run.workload.platform not in _CLOUD_RUN or _is_socket(run, way):
        return None
    return providers.cloud_run_hop(run.workload.egress)


def _is_socket(run: Run, way: Reached) -> bool:
    """Say whether the connection ends at a Cloud SQL proxy of the workload, whose own connection is another path.

    That is a socket of the platform's, or a loopback port of a sidecar that the instance is attached to. Where the URL
    is not readable, an attached instance is there to be used.
    """
    attached = bool(run.workload and run.workload.instance_connections)
    if way.target and way.target.host:
        return way.target.host.startswith("/cloudsql/") or (attached and way.target.host in _LOOPBACK)
    return attached


def _server_hops(database: Database, way: Reached) -> Iterator[Hop]:
    if database.provider is None:
        return
    endpoint = providers.match(way.target) if way.target else None
    if endpoint and endpoint.provider.name == database.provider:
        yield from endpoint.hops(database.dialect)
    elif provider := providers.get(database.provider):
        yield from provider.hops(None, database.dialect)


def _pooler_hops(pooler: Pooler, way: Reached) -> Iterator[Hop]:
    """A pooler is the end of the client's path: only what it does to its clients counts."""
    if pooler.provider:
        endpoint = providers.match(way.target) if way.target else None
        if endpoint:
            yield from endpoint.hops(way.database.dialect if way.database else None)
        return
    seconds = value_of(pooler.client_idle_timeout)
    # Measured: in session mode a client that holds a server is not cut.
    if seconds and shares_connections(pooler):
        yield Hop(f"{pooler.name} (client_idle_timeout)", pooler.client_idle_timeout, "idle", "closes")  # type: ignore[arg-type]


# -- keepalives --------------------------------------------------------------------------------------------------------


def _keepalives(run: Run, way: Reached) -> Iterator[float]:
    """Yield after how many seconds of idleness the server or the client probes."""
    if way.pooler is None and way.database is not None and value_of(way.database.keepalive):
        yield way.database.keepalive.value  # type: ignore[union-attr]
    probes = [_client_probe(pool) for pool in run.engine.live]
    if probes and None not in probes:
        yield max(probes)  # type: ignore[type-var]


def _client_probe(pool: Pool) -> float | None:
    """`keepalives_idle` counts unless `keepalives` is switched off."""
    if value_of(pool.connect_args.get("keepalives", Known(1, Origin(""))), 0) == 0:
        return None
    idle = value_of(pool.connect_args.get("keepalives_idle", Known(None, Origin(""))))
    return idle if isinstance(idle, int | float) and not isinstance(idle, bool) and idle > 0 else None


def _is_disarmed(hop: Hop, keepalives: list[float]) -> bool:
    """A probe resets an idle clock that counts packets; not an age, nor a server's own idea of an idle client."""
    counts_packets = hop.measures == "idle" and hop.effect != "closes"
    return counts_packets and any(probe < hop.seconds.value for probe in keepalives)
