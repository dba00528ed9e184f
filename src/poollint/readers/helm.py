"""Databases that a Helm chart takes from a registry: Bitnami's PostgreSQL, MySQL and MariaDB.

The chart's own workloads are manifests, which `_helm` makes out of its templates and values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import NOT_READ, Database, Known, Location, Origin, Setting
from poollint.readers import _manifests
from poollint.readers._helm import DEPENDENCY
from poollint.readers._numbers import count_of
from poollint.readers.kubernetes import service_hosts

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree
    from poollint.readers._manifests import Bundle, Manifest


def read(tree: Tree) -> Iterator[Database]:
    """Yield the database servers among the dependencies of the project's charts."""
    for bundle in _manifests.bundles(tree):
        for manifest in bundle.of("postgresql", "mysql", "mariadb", group=DEPENDENCY):
            facts: list[Database] = []
            with tree.guard(manifest.path):
                facts.extend(_bitnami(manifest, bundle))
            yield from facts


def _bitnami(manifest: Manifest, bundle: Bundle) -> Iterator[Database]:
    """Bitnami's chart: one server, which listens as RELEASE-postgresql."""
    values = manifest.node.at("spec")
    if values is None:
        return
    dialect = manifest.kind
    name = values.text_at("fullnameOverride") or manifest.name
    yield Database(
        name=name,
        location=manifest.node.location,
        dialect=dialect,
        provider="bitnami-postgresql" if dialect == "postgresql" else dialect,
        max_connections=_bitnami_limit(values),
        unit=bundle.unit,
        environment=bundle.environment,
        hosts=tuple(host for suffix in ("", "-primary", "-hl") for host in service_hosts(name + suffix, "")),
    )


def _bitnami_limit(values: Node) -> Setting:
    for item in values.items_at("primary", "extraEnvVars"):
        if item.text_at("name") == "POSTGRESQL_MAX_CONNECTIONS":
            return count_of(item.at("value"), "POSTGRESQL_MAX_CONNECTIONS")
    for key in ("extendedConfiguration", "configuration"):
        node = values.at("primary", key)
        text = node.text_at() or "" if node is not None else ""
        match = re.search(r"^\s*max_connections\s*=\s*'?(\d{1,6})", text, re.MULTILINE)
        if node is not None and match:
            # A block of text starts on the line after its `|`.
            is_block = node.location.end_line != node.location.line
            line = node.location.line + is_block + text[: match.start(1)].count("\n")
            return Known(int(match[1]), Origin("max_connections", Location(node.location.path, line)))
    return NOT_READ
