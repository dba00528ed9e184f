"""Render: render.yaml with its services, jobs and databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint._yaml import setting
from poollint.facts import Build, Database, Environment, Known, Origin, Pooler, Setting, Unknown, Workload
from poollint.readers._platform import as_server, below, command, count, default, environment_of, folder_of, plain
from poollint.readers._variables import Variables

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

_SOURCE = "https://github.com/render-oss/terraform-provider-render"
ONE_INSTANCE = default(1, "Render", url=_SOURCE)
POOLED = "connectionPoolString"


def read(tree: Tree) -> Iterator[Workload | Database | Pooler]:
    """Yield the services that run code, and the databases."""
    for path in tree.named("render.yaml", "render.yml", "render.*.yaml"):
        for document in tree.yaml(path)[:1]:
            facts: list[Workload | Database | Pooler] = []
            with tree.guard(path):
                facts += _databases(tree, path, document)
                for node in document.items_at("services"):
                    if node.text_at("type") in ("web", "pserv", "worker", "cron"):
                        service = _service(tree, path, document, node)
                        facts.append(as_server(service, service.name))
            yield from facts


def host_of(name: str, pooled: bool = False) -> str:
    """The token for a database's host, as in `terraform`: known to the platform, the same for every service here."""
    return f"${{render.{name.lower()}.{'pool' if pooled else 'host'}}}"


def _service(tree: Tree, path: str, root: Node, node: Node) -> Workload:
    kind = node.text_at("type")
    is_docker = (node.text_at("runtime") or node.text_at("env")) == "docker"
    start = node.at("dockerCommand") if is_docker else node.at("startCommand")
    base = folder_of(path)
    source = below(base, node.text_at("rootDir") or "") or ""
    context = below(source, node.text_at("dockerContext") or "")
    dockerfile = below(source, node.text_at("dockerfilePath") or "Dockerfile")
    instances, autoscaler = _instances(node)
    return Workload(
        name=node.text_at("name") or kind or "service",
        platform="render",
        kind={"cron": "cron-job", "worker": "worker"}.get(kind or "", "service"),
        location=node.location,
        unit=path,
        environment=environment_of(tree, path),
        life="one-off" if kind == "cron" else "long-lived",
        instances=Known(1, Origin("one run at a time", node.location), "default") if kind == "cron" else instances,
        variables=_variables(root, node),
        command=command(start),
        build=Build(context or "", dockerfile) if is_docker and dockerfile in tree else None,
        image=node.text_at("image", "url"),
        sources=(source,) if not is_docker else (),
        working_directory=None if is_docker else source,
        autoscaler=autoscaler.location if autoscaler is not None else None,
    )


def _instances(node: Node) -> tuple[Setting, Node | None]:
    scaling = node.at("scaling")
    if scaling is not None:
        return count(scaling.at("maxInstances"), "maxInstances"), scaling
    return count(node.at("numInstances"), "numInstances", ONE_INSTANCE), None


def _variables(root: Node, node: Node) -> Environment:
    found = Variables()
    groups = {group.text_at("name"): group for group in root.items_at("envVarGroups")}
    for item in node.items_at("envVars"):
        group = item.text_at("fromGroup")
        if group is None:
            _take(found, item)
        elif group in groups:
            for inner in groups[group].items_at("envVars"):
                _take(found, inner)
        else:
            found.complete = False
    return found.frozen()


def _take(found: Variables, item: Node) -> None:
    name = item.text_at("key")
    if not name:
        return
    origin = Origin(name, item.location)
    database = item.text_at("fromDatabase", "name")
    value = item.at("value")
    if value is not None:
        found.set(name, plain(name, value))
    elif database:
        found.set(name, _of_database(database, item.text_at("fromDatabase", "property") or "", name, origin))
    else:
        found.set(name, Unknown(f"{name} is set in Render's dashboard or by another service", origin))


def _of_database(database: str, wanted: str, name: str, origin: Origin) -> Setting:
    """Return what a property of a database is, with the token of its host and never its password."""
    if wanted in ("connectionString", POOLED):
        # The scheme is believed, no page read says it.
        url = f"postgresql://user:***@{host_of(database, wanted == POOLED)}/{database.lower()}"
        return Known(url, origin, "estimate")
    known = {"host": host_of(database), "port": "5432"}.get(wanted)
    return Known(known, origin) if known else Unknown(f"{name} is the {wanted} of {database}", origin)


def _databases(tree: Tree, path: str, root: Node) -> Iterator[Database | Pooler]:
    for node in root.items_at("databases"):
        name = node.text_at("name")
        if not name:
            continue
        environment = environment_of(tree, path)
        yield Database(
            name=name,
            location=node.location,
            dialect="postgresql",
            provider="render-postgres",
            tier=setting(node.at("plan"), "plan"),
            version=setting(node.at("postgresMajorVersion"), "postgresMajorVersion"),
            unit=path,
            environment=environment,
            hosts=(host_of(name),),
            identities=(f"iac:{path}/databases/{name}",),
        )
        if _is_pooled(root, node, name):
            pooler = Pooler(name=f"{name}-pooler", product="pgbouncer", location=node.location, unit=path)
            mode = Known("transaction", Origin(f"{POOLED} of Render"), "default")
            yield replace(
                pooler, mode=mode, environment=environment, hosts=(host_of(name, True),), provider="render-postgres"
            )


def _is_pooled(root: Node, node: Node, name: str) -> bool:
    """Say whether the database has a pooler: it is switched on, or a service takes its address."""
    if node.text_at("connectionPool") == "pgbouncer":
        return True
    return any(
        item.text_at("fromDatabase", "name") == name and item.text_at("fromDatabase", "property") == POOLED
        for service in root.items_at("services")
        for item in service.items_at("envVars")
    )
