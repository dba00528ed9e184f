"""The Secrets that Postgres operators make: their hosts and database names follow from the cluster's manifest.

CloudNativePG  CLUSTER-app           host, port, dbname, uri, fqdn-uri ...
Crunchy PGO    CLUSTER-pguser-USER   host, port, dbname, uri, and the same with pgbouncer- in front

Users and passwords are what stays unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Setting
from poollint.readers._manifests import share_namespace

if TYPE_CHECKING:
    from poollint.readers._manifests import Bundle, Manifest

CLOUDNATIVE_PG = "postgresql.cnpg.io"
CRUNCHY = "postgres-operator.crunchydata.com"


def made_by_an_operator(bundle: Bundle, name: str, owner: Manifest) -> Mapping[str, Setting] | None:
    """Return what is known of a Secret that an operator makes; None when no operator here makes it."""
    for cluster in bundle.all("Cluster", "PostgresCluster"):
        if not share_namespace(cluster, owner):
            continue
        if cluster.group == CLOUDNATIVE_PG and name == f"{cluster.name}-app":
            return _cloudnative_pg(cluster, owner)
        if cluster.group == CRUNCHY and name.startswith(f"{cluster.name}-pguser-"):
            return _crunchy(cluster, name.removeprefix(f"{cluster.name}-pguser-"), owner)
    return None


def _cloudnative_pg(cluster: Manifest, owner: Manifest) -> Mapping[str, Setting]:
    database = cluster.node.text_at("spec", "bootstrap", "initdb", "database") or "app"
    host = f"{cluster.name}-rw"
    known = _address("", host, "5432", database)
    namespace = cluster.namespace or owner.namespace
    if namespace:
        known["fqdn-uri"] = _uri(f"{host}.{namespace}.svc.cluster.local", "5432", database)
    return _settings(known, cluster, "Secret of CloudNativePG")


def _crunchy(cluster: Manifest, user: str, owner: Manifest) -> Mapping[str, Setting]:
    listed = next((u for u in cluster.node.items_at("spec", "users") if u.text_at("name") == user), None)
    databases = listed.items_at("databases") if listed is not None else ()
    # Without users of its own a cluster has one, named like the cluster, with a database of that name.
    database = (databases[0].text_at() or "") if databases else cluster.name if user == cluster.name else ""
    namespace = cluster.namespace or owner.namespace
    suffix = f".{namespace}.svc" if namespace else ""
    known = _address("", f"{cluster.name}-primary{suffix}", cluster.node.text_at("spec", "port") or "5432", database)
    if cluster.node.at("spec", "proxy", "pgBouncer") is not None:
        port = cluster.node.text_at("spec", "proxy", "pgBouncer", "port") or "5432"
        known |= _address("pgbouncer-", f"{cluster.name}-pgbouncer{suffix}", port, database)
    return _settings(known, cluster, "Secret of Crunchy PGO")


def _address(prefix: str, host: str, port: str, database: str) -> dict[str, str]:
    known = {f"{prefix}host": host, f"{prefix}port": port, f"{prefix}uri": _uri(host, port, database)}
    return known | ({"dbname": database} if database else {})


def _uri(host: str, port: str, database: str) -> str:
    return f"postgresql://***:***@{host}:{port}/{database}"


def _settings(known: Mapping[str, str], cluster: Manifest, says: str) -> Mapping[str, Setting]:
    return {key: Known(text, Origin(says, cluster.location), "default") for key, text in known.items()}
