"""What the readers of platform files share: variables, commands, counts and the environment a file speaks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from poollint._yaml import Scalar, setting
from poollint.facts import Environment, Known, Location, Origin, Pooler, Process, Setting, Unknown, Words, Workload
from poollint.readers._passwords import hide
from poollint.readers._variables import Variables, literal

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree


def environment_of(tree: Tree, path: str, name: str | None = None) -> str | None:
    """Return the environment of a file, or of a named stage of it: a stage that is no known word keeps its name."""
    from poollint import environments

    return environments.environment_of(tree, path, name) or name


def count(node: Node | None, says: str, absent: Setting | None = None) -> Setting:
    """Return a whole number with its place."""
    return setting(node, says, int, absent)


def default(value: object, product: str, certainty: str = "default", url: str | None = None) -> Known:
    """Return what a platform does when nothing is written; `estimate` for what no page says."""
    return Known(value, Origin(f"default of {product}", url=url), certainty)  # type: ignore[arg-type]


def variables(entries: Iterable[tuple[str, Node]], complete: bool = True) -> Environment:
    """Return the environment that (name, value) pairs make."""
    found = Variables()
    found.complete = complete
    for name, node in entries:
        found.set(name, plain(name, node))
    return found.frozen()


def plain(name: str, node: Node) -> Setting:
    """Return one variable's value as written."""
    if not isinstance(node, Scalar):
        return Unknown(f"{name} is no single value", Origin(name, node.location))
    return literal(name, node.text, node.location)


def hidden(name: str, text: str, place: Location) -> Known:
    """Return a text as a variable's value, without its password."""
    return Known(hide(name, text), Origin(name, place))


def command(node: Node | None) -> Words | None:
    """Return a command: a text for the shell, or a list of words."""
    if node is None:
        return None
    if isinstance(node, Scalar):
        return Words(node.location, shell=node.text) if node.value is not None else None
    items = node.items_at()
    if not items or not all(isinstance(item, Scalar) for item in items):
        return None
    return Words(
        node.location,
        tuple(item.text for item in items if isinstance(item, Scalar)),
        locations=tuple(item.location for item in items),
    )


def function(platform: str, place: Location, handler: str | None = None, directory: str = "") -> tuple[Process, ...]:
    """Return the one process of a function: it serves one request; `app.main.handler` is what it imports."""
    module, _, name = (handler or "").replace("/", ".").rpartition(".")
    one = Known(1, Origin("one process per execution environment"), "default")
    entry = f"{module}:{name}" if module else None
    return (Process(platform, "web", one, one, entry, directory, location=place),)


def as_server(fact: Any, *hosts: str) -> Any:
    """Return what a container really is: the database server or pooler that its image is known for, else the fact.

    Beside others in one task ("service/container") it is reached through localhost, else by `hosts`.
    """
    if not isinstance(fact, Workload) or not fact.image:
        return fact
    from poollint import images

    server = images.server_of(fact.image, fact.variables, fact.command or fact.entrypoint)
    if server is None:
        return fact
    names = ("localhost", "127.0.0.1") if "/" in fact.name else hosts
    place = {"name": fact.name, "location": fact.location, "unit": fact.unit, "environment": fact.environment}
    placed = replace(server, hosts=names, **place)
    return replace(placed, replicas=fact.instances) if isinstance(placed, Pooler) else placed


def folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def below(folder: str, path: str) -> str | None:
    """Return `path` as seen from `folder`, relative to the root; None when it leaves the root."""
    from posixpath import normpath

    made = normpath(f"{folder}/{path.lstrip('/')}" if folder else path.lstrip("/") or ".")
    return None if made.startswith("..") else "" if made == "." else made


def json_about(tree: Tree, *words: str) -> Iterator[str]:
    """Yield the JSON files with one of the words in their path: most JSON is data, and too large to open for a look."""
    for path in tree.named("*.json"):
        if any(word in path.lower() for word in words):
            yield path
