"""What an app.json or heroku.yml says of a Heroku app: its database add-ons, and what its dynos find in their environment.

An add-on writes its URL into the environment: the only heroku-postgresql without a name of its own is DATABASE_URL.
https://devcenter.heroku.com/articles/app-json-schema
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poollint._yaml import Scalar
from poollint.facts import Environment, Known, Location, Origin, Setting, Unknown
from poollint.readers._passwords import hide

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

POSTGRES = "heroku-postgresql"


@dataclass(frozen=True, slots=True)
class Addon:
    """A heroku-postgresql of one app. `alias` names its variable, ALIAS_URL; None when only the running app tells it."""

    plan: Setting
    location: Location
    alias: str | None
    host: str

    @property
    def name(self) -> str:
        return self.alias if self.alias and self.alias != "DATABASE" else "heroku-postgres"


def app_of(tree: Tree, folder: str) -> tuple[str, Node] | None:
    """Return the app.json in a folder, else the one at the root, when it is Heroku's."""
    for path in dict.fromkeys((posixpath.join(folder, "app.json"), "app.json")):
        content = tree.bytes(path) if path in tree else None
        if content and any(word in content for word in (b"formation", b"buildpacks", b"addons", b"heroku")):
            documents = tree.yaml(path)
            if documents:
                return path, documents[0]
    return None


def addons_of(path: str, document: Node) -> list[Addon]:
    """Return the databases that app.json or heroku.yml adds to an app."""
    nodes = [
        node
        for node in document.items_at("addons") or document.items_at("setup", "addons")
        if _plan_of(node).partition(":")[0] == POSTGRES
    ]
    found = []
    for number, node in enumerate(nodes):
        plan = _plan_of(node).partition(":")[2]
        place = (node if isinstance(node, Scalar) else node.at("plan") or node).location
        origin = Origin("plan", place)
        tier = Known(plan, origin) if plan else Unknown("the add-on names no plan", origin)
        alias = (node.text_at("as") or "").upper() or ("DATABASE" if len(nodes) == 1 else None)
        folder = path.rpartition("/")[0].replace("/", "-") or "app"
        found.append(Addon(tier, place, alias, f"${{heroku.{folder}.{(alias or str(number)).lower()}}}"))
    return found


def _plan_of(node: Node) -> str:
    """Return `heroku-postgresql:standard-0`, written as a word or as the `plan` of a mapping."""
    return (node.text_at() if isinstance(node, Scalar) else node.text_at("plan")) or ""


def variables(documents: list[tuple[str, Node]]) -> Iterator[tuple[str, Setting]]:
    """Yield the variables of every dyno of an app that these files describe; the later ones win."""
    for path, document in documents:
        for addon in addons_of(path, document):
            if addon.alias:
                # Heroku writes the scheme that SQLAlchemy no longer knows; most code rewrites it.
                url = f"postgres://user:***@{addon.host}:5432/{addon.alias.lower()}"
                yield f"{addon.alias}_URL", Known(url, Origin(f"add-on {POSTGRES}", addon.location), "default")
        for key, node in document.pairs_at("env") or document.pairs_at("setup", "config"):
            value = node if isinstance(node, Scalar) else node.at("value")
            if isinstance(value, Scalar) and value.value is not None:
                # app.json proposes a value, and the application's own configuration may hold another.
                yield key, Known(hide(key, value.text), Origin(key, value.location), "fallback")


def environment(documents: list[tuple[str, Node]], **more: Setting) -> Environment:
    """Return these variables as the environment of a dyno."""
    return Environment({**more, **dict(variables(documents))})
