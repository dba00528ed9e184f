"""Procfile: one workload per process type. On Heroku `app.json` may say how many, on Elastic Beanstalk .ebextensions.

What a manifest of Cloud Foundry runs of it is the manifest's to say.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint._yaml import Scalar
from poollint.environments import environment_of
from poollint.facts import NOT_READ, Environment, Known, Location, Origin, Setting, Unknown, Words, Workload
from poollint.readers._beanstalk import options_of
from poollint.readers._heroku import app_of, environment
from poollint.readers.cloud_foundry import runs_procfile

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
    app = app_of(tree, folder)
    options = options_of(tree, folder) if app is None else None
    if app is None and options is None and runs_procfile(tree, folder):
        return
    for name, command, place in lines(text, path):
        release = name == "release"
        instances = options.instances() if options and not release else _instances(name, app)
        yield Workload(
            name=name,
            platform="heroku" if app else "elastic-beanstalk" if options else "procfile",
            kind="job" if release else "service",
            location=place,
            unit=folder,
            environment=environment_of(tree, path),
            life="one-off" if release else "long-lived",
            instances=instances,
            rollout_instances=NOT_READ if options else instances,
            variables=options.variables() if options else _variables(name, app),
            command=Words(place, shell=command),
            working_directory=folder,
            sources=(folder,),
        )


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


def _variables(name: str, app: tuple[str, Node] | None) -> Environment:
    """Return the variables of the app, and the WEB_CONCURRENCY that the size of the dyno means."""
    if app is None:
        return Environment()
    size = app[1].at("formation", name, "size")
    if not isinstance(size, Scalar) or size.text.lower() not in _WEB_CONCURRENCY:
        return environment([app])
    origin = Origin(f"Heroku's WEB_CONCURRENCY for {size.text}", size.location)
    return environment([app], WEB_CONCURRENCY=Known(str(_WEB_CONCURRENCY[size.text.lower()]), origin, "default"))


def _instances(name: str, app: tuple[str, Node] | None) -> Setting:
    if name == "release":
        return Known(1, Origin("the release phase runs once"), "default")
    node = app[1].at("formation", name, "quantity") if app is not None else None
    if isinstance(node, Scalar) and isinstance(node.value, int):
        return Known(node.value, Origin("formation quantity", node.location))
    return Unknown("the Procfile does not say how many run", Origin(name))
