"""What answers to a host name inside a deployment unit."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence

from poollint.facts import Database, Pooler, Target, Workload
from poollint.link.workloads import Versions

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "host.docker.internal"})
_RESOURCE = re.compile(r"(?:data\.)?[a-z][a-z0-9_]*_[a-z0-9_]+\.[a-z_][\w-]*")
_TOKEN = re.compile(r"\$\{\s*([^{}]+?)\s*\}", re.IGNORECASE)
_CLUSTER = re.compile(r"\.[a-z0-9-]+(\.svc(\.[a-z0-9.-]+)?)?|\.svc(\.[a-z0-9.-]+)?")
_CONTAINERS = ("compose", "docker", "stated")  # a Dockerfile or a statement does not say what network is used
DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}


def is_local(host: str) -> bool:
    """Say whether a host means the container or machine itself: it names no server."""
    return host in _LOCAL


def resource_of(host: str) -> str | None:
    """Return the IaC resource a host is taken from: `${google_sql_database_instance.main.private_ip_address}`."""
    for token in _TOKEN.findall(host):
        if found := _RESOURCE.search(token.lower()):
            return found.group().removeprefix("data.")
    return None


class Hosts:
    """The servers and poolers of the repository, by the names they answer to."""

    def __init__(self, databases: Sequence[Database], poolers: Sequence[Pooler], versions: Versions) -> None:
        self._servers: tuple[Database | Pooler, ...] = (*poolers, *databases)
        self._versions = versions

    def find(self, target: Target, workload: Workload | None) -> Database | Pooler | None:
        """Return what a workload's connection to this target meets first."""
        if workload is None:
            return self._nearest(target, self._named_in_full(target), "", None)
        servers = [server for server in self._servers if _is_on_network_of(server, workload)]
        return self._nearest(target, servers, workload.unit, workload.environment)

    def behind(self, target: Target, pooler: Pooler) -> Database | None:
        """Return the server a pooler forwards to."""
        databases = [server for server in self._servers if isinstance(server, Database)]
        found = self._nearest(target, databases, pooler.unit, pooler.environment)
        return found if isinstance(found, Database) else None

    def sidecar_of(self, workload: Workload) -> Pooler | None:
        """Return the only pooler that runs in the same pod or instance: readers name it after the workload."""
        pod = f"{workload.name.partition('/')[0]}/"
        found = [
            server
            for server in self._servers
            if isinstance(server, Pooler) and server.name.startswith(pod) and "localhost" in server.hosts
        ]
        beside = [s for s in found if (s.unit, s.environment) == (workload.unit, workload.environment)]
        return beside[0] if len(beside) == 1 else None

    def _named_in_full(self, target: Target) -> list[Database | Pooler]:
        """Without a unit, a bare name such as `db` means nothing."""
        return [server for server in self._servers if "." in (target.host or "") and target.host in server.hosts]

    def _nearest(
        self, target: Target, servers: Iterable[Database | Pooler], unit: str, environment: str | None
    ) -> Database | Pooler | None:
        """Own unit before a neighbouring one, own environment before the unmarked one."""
        found = [s for s in servers if _answers(s, target) and not self._versions.hide(s, environment)]
        near = [server for server in found if server.unit == unit]
        if not near and "." not in (target.host or ""):
            near = [server for server in found if _neighbours(server.unit, unit)]
        elif not near:
            near = found
        fitting = [s for s in near if s.environment == environment] or [s for s in near if s.environment is None]
        if environment is None and not fitting:
            fitting = near
        names = {(type(server), server.unit, server.name) for server in fitting}
        return fitting[0] if len(names) == 1 else None


def _answers(server: Database | Pooler, target: Target) -> bool:
    host = target.host or ""
    if not any(
        host == name or (host.startswith(name) and _CLUSTER.fullmatch(host[len(name) :])) for name in server.hosts
    ):
        return False
    port = target.port or DEFAULT_PORTS.get(target.dialect or "")
    return port is None or not server.ports or port in server.ports


def _is_on_network_of(server: Database | Pooler, workload: Workload) -> bool:
    """A container's name means it inside its Compose project only, whatever else lies in the same folder."""
    if server.platform != "compose":
        return True
    return workload.platform in _CONTAINERS and server.unit == workload.unit


def _neighbours(one: str, other: str) -> bool:
    """Say whether two manifest folders lie beside or below each other: they are applied to one cluster."""
    if not one or not other:
        return False
    parents = posixpath.dirname(one), posixpath.dirname(other)
    return one.startswith(other + "/") or other.startswith(one + "/") or (parents[0] == parents[1] != "")
