"""Heroku: heroku.yml, and the add-ons of app.json. The Procfile and the formation are the Procfile reader's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint._yaml import Mapping
from poollint.facts import Build, Database, Location, Origin, Setting, Unknown, Words, Workload
from poollint.readers._heroku import addons_of, app_of, environment
from poollint.readers._platform import below, command, count, default, environment_of, folder_of

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree


def read(tree: Tree) -> Iterator[Workload | Database]:
    """Yield the process types of heroku.yml and the databases of both files."""
    for path in tree.named("heroku.yml", "app.json"):
        for document in tree.yaml(path)[:1]:
            facts: list[Workload | Database] = []
            with tree.guard(path):
                facts += _databases(tree, path, document)
                if path.endswith("heroku.yml"):
                    facts += _workloads(tree, path, document)
            yield from facts


def _databases(tree: Tree, path: str, document: Node) -> Iterator[Database]:
    for addon in addons_of(path, document):
        yield Database(
            name=addon.name,
            location=addon.location,
            dialect="postgresql",
            provider="heroku-postgres",
            tier=addon.plan,
            unit=folder_of(path),
            environment=environment_of(tree, path),
            hosts=(addon.host,),
            identities=(f"iac:{path}/{addon.alias or addon.host}",),
        )


def _workloads(tree: Tree, path: str, root: Node) -> Iterator[Workload]:
    folder = folder_of(path)
    app = app_of(tree, folder)
    given = environment([*([app] if app else []), (path, root)])
    names = dict.fromkeys([*(name for name, _ in root.pairs_at("run")), *_with_command(root)])
    for name in names:
        node = root.at("run", name)
        inner = node.at("command") if isinstance(node, Mapping) else node
        built = root.text_at("build", "docker", name) or root.text_at("build", "docker", _image_of(node) or "web")
        dockerfile = below(folder, built) if built else None
        yield Workload(
            name=name,
            platform="heroku",
            kind="service",
            location=node.location if node is not None else Location(path, 1),
            unit=folder,
            environment=environment_of(tree, path),
            instances=_instances(app, name),
            variables=given,
            command=command(inner),
            build=Build(folder_of(dockerfile), dockerfile) if dockerfile else None,
        )
    release = root.at("release", "command")
    if release is not None:
        once = default(1, "the release phase")
        yield Workload(
            "release",
            "heroku",
            "job",
            release.location,
            folder,
            life="one-off",
            instances=once,
            variables=given,
            command=_joined(release),
        )


def _with_command(root: Node) -> list[str]:
    """Without `run`, every image that is built runs its own CMD."""
    return [] if root.pairs_at("run") else [name for name, _ in root.pairs_at("build", "docker")]


def _image_of(node: Node | None) -> str | None:
    return node.text_at("image") if node is not None else None


def _joined(node: Node) -> Words | None:
    """Return `release.command`: a text, or a list whose only item is one."""
    items = node.items_at()
    return command(items[0] if len(items) == 1 else node)


def _instances(app: tuple[str, Node] | None, name: str) -> Setting:
    quantity = app[1].at("formation", name, "quantity") if app is not None else None
    if quantity is not None:
        return count(quantity, "formation quantity")
    return Unknown("heroku.yml does not say how many run", Origin(name))
