"""Cloud SQL and AlloyDB instances that Config Connector makes out of manifests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint._yaml import setting
from poollint.facts import NOT_READ, Database, Known, Origin, Setting
from poollint.readers import _manifests
from poollint.readers._numbers import count_of

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree
    from poollint.readers._manifests import Bundle, Manifest


def read(tree: Tree) -> Iterator[Database]:
    """Yield the instances that custom resources describe."""
    for bundle in _manifests.bundles(tree):
        for kind, (group, reader) in _READERS.items():
            for manifest in bundle.of(kind, group=group):
                facts: list[Database] = []
                with tree.guard(manifest.path):
                    facts.extend(reader(manifest, bundle))
                yield from facts


def _sql_instance(manifest: Manifest, bundle: Bundle) -> Iterator[Database]:
    spec = manifest.node.at("spec")
    product, _, version = ((spec.text_at("databaseVersion") if spec else None) or "").partition("_")
    dialect = {"POSTGRES": "postgresql", "MYSQL": "mysql"}.get(product)
    if spec is None or dialect is None:
        return
    flags = {flag.text_at("name"): flag.at("value") for flag in spec.items_at("settings", "databaseFlags")}
    place = spec.at("databaseVersion")
    assert place is not None
    yield Database(
        name=manifest.name,
        location=manifest.location,
        dialect=dialect,
        provider=f"cloud-sql-{dialect}",
        tier=setting(spec.at("settings", "tier"), "tier"),
        max_connections=_flag(flags.get("max_connections")),
        version=Known(version.replace("_", "."), Origin("databaseVersion", place.location)),
        unit=bundle.unit,
        environment=bundle.environment,
        identities=_cloud_sql_names(manifest, spec),
    )


def _cloud_sql_names(manifest: Manifest, spec: Node) -> tuple[str, ...]:
    """Return the connection name, where project and region are written."""
    project = manifest.node.text_at("metadata", "annotations", "cnrm.cloud.google.com/project-id")
    region = spec.text_at("region")
    name = spec.text_at("resourceID") or manifest.name
    return (f"cloudsql:{project}:{region}:{name}",) if project and region else ()


def _alloydb_instance(manifest: Manifest, bundle: Bundle) -> Iterator[Database]:
    flags = manifest.node.at("spec", "databaseFlags")
    listed = {flag.text_at("name"): flag.at("value") for flag in flags.items_at()} if flags is not None else {}
    yield Database(
        name=manifest.name,
        location=manifest.location,
        dialect="postgresql",
        provider="alloydb",
        tier=setting(manifest.node.at("spec", "machineConfig", "cpuCount"), "cpuCount"),
        max_connections=_flag(listed.get("max_connections") or (flags.at("max_connections") if flags else None)),
        unit=bundle.unit,
        environment=bundle.environment,
    )


def _flag(node: Node | None) -> Setting:
    return count_of(node, "max_connections", NOT_READ)


_READERS = {
    "SQLInstance": ("sql.cnrm.cloud.google.com", _sql_instance),
    "AlloyDBInstance": ("alloydb.cnrm.cloud.google.com", _alloydb_instance),
}
