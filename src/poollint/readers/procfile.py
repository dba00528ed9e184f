"""Procfile: one workload per process type. On Heroku, `app.json` may say how many of each."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint._yaml import Scalar
from poollint.environments import environment_of
from poollint.facts import Environment, Known, Location, Origin, Setting, Unknown, Words, Workload
from poollint.readers._containers import hide

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

_LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(.+)$")
MOST_LINES = 200


def read(tree: Tree) -> Iterator[Workload]:
    """Yield a workload for every line of every Procfile."""
    for path in tree.named("Procfile", "Procfile.*"):
        with tree.guard(path):
            text = tree.text(path)
            if text is not None:
                yield from list(_workloads(tree, path, text))


def lines(text: str, path: str) -> Iterator[tuple[str, str, Location]]:
    """Yield (type, command, place of the command)."""
    for row, line in enumerate(text.splitlines()[:MOST_LINES]):
        match = _LINE.match(line)
        if match:
            yield match[1], match[2].strip(), Location(path, row + 1, match.start(2) + 1)


def _workloads(tree: Tree, path: str, text: str) -> Iterator[Workload]:
    folder = posixpath.dirname(path)
    heroku = _heroku(tree, folder)
    for name, command, place in lines(text, path):
        release = name == "release"
        instances = _instances(name, heroku)
        yield Workload(
            name=name,
            platform="procfile" if heroku is None else "heroku",
            kind="job" if release else "service",
            location=place,
            unit=folder,
            environment=environment_of(tree, path),
            life="one-off" if release else "long-lived",
            instances=instances,
            rollout_instances=instances,
            variables=_variables(name, heroku),
            command=Words(place, shell=command),
            working_directory=folder,
            sources=(folder,),
        )


def _heroku(tree: Tree, folder: str) -> Node | None:
    """Return the node of app.json beside the Procfile (or above it): only then is the platform known to be Heroku."""
    for name in (posixpath.join(folder, "app.json"), "app.json"):
        content = tree.bytes(name) if name in tree else None
        if content and any(word in content for word in (b"formation", b"buildpacks", b"addons", b"heroku")):
            documents = tree.yaml(name)
            if documents:
                return documents[0]
    return None


# What Heroku's Python buildpack sets when nobody else does, by the size of the dyno:
# https://github.com/heroku/heroku-buildpack-python/blob/main/vendor/WEB_CONCURRENCY.sh
_WEB_CONCURRENCY = {
    "eco": 2,
    "free": 2,
    "hobby": 2,
    "basic": 2,
    "standard-1x": 2,
    "standard-2x": 4,
    "performance-m": 5,
    "performance-l": 17,
    "performance-l-ram": 33,
    "performance-xl": 17,
    "performance-2xl": 33,
}


def _variables(name: str, heroku: Node | None) -> Environment:
    """Return the variables of app.json, and the WEB_CONCURRENCY that the size of the dyno means."""
    found: dict[str, Setting] = {}
    if heroku is None:
        return Environment()
    size = heroku.at("formation", name, "size")
    if isinstance(size, Scalar) and size.text.lower() in _WEB_CONCURRENCY:
        origin = Origin(f"Heroku's WEB_CONCURRENCY for {size.text}", size.location)
        found["WEB_CONCURRENCY"] = Known(str(_WEB_CONCURRENCY[size.text.lower()]), origin, "default")
    for key, node in heroku.pairs_at("env"):
        value = node if isinstance(node, Scalar) else node.at("value")
        if isinstance(value, Scalar) and value.value is not None:
            # app.json proposes a value, and the application's own configuration may hold another.
            found[key] = Known(hide(key, value.text), Origin(key, value.location), "fallback")
    return Environment(found)


def _instances(name: str, heroku: Node | None) -> Setting:
    if name == "release":
        return Known(1, Origin("the release phase runs once"), "default")
    node = heroku.at("formation", name, "quantity") if heroku is not None else None
    if isinstance(node, Scalar) and isinstance(node.value, int):
        return Known(node.value, Origin("formation quantity", node.location))
    return Unknown("the Procfile does not say how many run", Origin(name))
