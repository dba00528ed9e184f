"""DigitalOcean App Platform: .do/app.yaml with its services, workers, jobs and databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import Build, Database, Environment, Known, Origin, Setting, Unknown, Workload
from poollint.readers._passwords import hide
from poollint.readers._platform import below, command, count, default, environment_of
from poollint.readers._variables import Variables

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

ONE_INSTANCE = default(1, "App Platform", "estimate")  # believed, no page read
_KINDS = {"services": "service", "workers": "worker", "jobs": "job"}
_ENGINES = {"PG": ("digitalocean-postgresql", "postgresql"), "MYSQL": ("digitalocean-mysql", "mysql")}
_BOUND = re.compile(r"\$\{([\w-]+)\.([A-Z_]+)\}")


def read(tree: Tree) -> Iterator[Workload | Database]:
    """Yield the components and databases of each app specification."""
    for path in tree.named("app.yaml", "app.yml", "app.*.yaml", "deploy.template.yaml", "*.app.yaml"):
        content = tree.bytes(path) or b""
        if not (b"services:" in content or b"workers:" in content) or b"name:" not in content:
            continue
        for document in tree.yaml(path)[:1]:
            root = document.at("spec") or document
            facts: list[Workload | Database] = []
            with tree.guard(path):
                if _is_specification(path, root):
                    facts += _databases(tree, path, root)
                    for key, kind in _KINDS.items():
                        facts += [_component(tree, path, root, node, kind) for node in root.items_at(key)]
            yield from facts


def _is_specification(path: str, root: Node) -> bool:
    """Say whether it is App Platform's: it lies in .do/, or its components have the words only it uses."""
    if "/.do/" in f"/{path}":
        return True
    words = ("instance_size_slug", "source_dir", "environment_slug", "dockerfile_path")
    nodes = [node for key in _KINDS for node in root.items_at(key)]
    return root.text_at("name") is not None and any(node.at(word) is not None for node in nodes for word in words)


def _component(tree: Tree, path: str, root: Node, node: Node, kind: str) -> Workload:
    source = below("", node.text_at("source_dir") or "") or ""
    dockerfile = below("", node.text_at("dockerfile_path") or "")
    scaling = node.at("autoscaling", "max_instance_count")
    instances = count(
        scaling or node.at("instance_count"), "max_instance_count" if scaling else "instance_count", ONE_INSTANCE
    )
    return Workload(
        name=node.text_at("name") or kind,
        platform="digitalocean",
        kind=kind,
        location=node.location,
        unit=path,
        environment=environment_of(tree, path),
        life="one-off" if kind == "job" else "long-lived",
        instances=instances,
        variables=_variables(root, node),
        command=command(node.at("run_command")),
        build=Build(source, dockerfile) if dockerfile else None,
        image=node.text_at("image", "repository"),
        sources=(source,),
        working_directory=None if dockerfile else source,
        autoscaler=scaling.location if scaling is not None else None,
    )


def _variables(root: Node, node: Node) -> Environment:
    found = Variables()
    databases = {database.text_at("name"): database for database in root.items_at("databases")}
    for item in (*root.items_at("envs"), *node.items_at("envs")):
        name, value = item.text_at("key"), item.at("value")
        if not name:
            continue
        origin = Origin(name, value.location if value is not None else item.location)
        text = item.text_at("value")
        if text is None or item.text_at("type") == "SECRET" and "${" not in text:
            found.set(name, Unknown(f"{name} is a secret of the platform", origin))
        else:
            found.set(name, _value(name, text, databases, origin))
    return found.frozen()


def _value(name: str, text: str, databases: dict[str | None, Node], origin: Origin) -> Setting:
    """Return a value; `${db.DATABASE_URL}` becomes a URL with the token of that database as its host."""

    def put(match: re.Match[str]) -> str:
        database = databases.get(match[1])
        if database is None:
            return match[0]
        dialect = _ENGINES.get(database.text_at("engine") or "PG", ("", "postgresql"))[1]
        host = host_of(match[1])
        known = {"DATABASE_URL": f"{dialect}://user:***@{host}:25060/{match[1]}", "HOSTNAME": host, "PORT": "25060"}
        return known.get(match[2], match[0])

    made = _BOUND.sub(put, text)
    if _BOUND.search(made):
        return Unknown(f"{name} is {text[:60]}, which only the platform knows", origin)
    # The scheme of a bound URL is believed, no page read says it.
    return Known(hide(name, made), origin, "estimate" if made != text else "exact")


def host_of(name: str) -> str:
    """The token for a database's host, as in `terraform`: the same for every component of the app."""
    return f"${{digitalocean.{name.lower()}.host}}"


def _databases(tree: Tree, path: str, root: Node) -> Iterator[Database]:
    for node in root.items_at("databases"):
        name = node.text_at("name")
        provider, dialect = _ENGINES.get(node.text_at("engine") or "PG", (None, None))
        if name and provider:
            yield Database(
                name=node.text_at("cluster_name") or name,
                location=node.location,
                dialect=dialect,
                provider=provider,
                tier=_size(node),
                unit=path,
                environment=environment_of(tree, path),
                hosts=(host_of(name),),
                ports=(25060,),
                identities=(f"iac:{path}/databases/{name}",),
            )


def _size(node: Node) -> Setting:
    size = node.at("size")
    text = size.text_at() if size is not None else None
    if size is None or not text:
        return Unknown("the specification names no size", Origin("size", node.location))
    return Known(text, Origin("size", size.location))
