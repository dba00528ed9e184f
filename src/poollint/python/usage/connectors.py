"""Engines of connectors: many kinds of one base, each for another kind of server, whose databases their users name.

    class Connector: ...
    class MySQLConnector(Connector): ...        class SnowflakeConnector(Connector): ...        and so on

An application has one database, and its users have others. The services of one repository may share a base as well: they
speak of one kind of server, or two.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import cached_property

from poollint.python.evaluator.callers import Callers, class_around, function_around, subclass_at
from poollint.python.evaluator.urls import DIALECTS
from poollint.python.sites import Site
from poollint.python.usage.singletons import bases_of

FEWEST_KINDS = 5  # classes of one base, each with an engine of its own
FEWEST_SERVERS = 3  # that these classes are named for, or write in their URLs


class Connectors:
    """Answers for the sites of one project."""

    def __init__(self, sites: Sequence[Site], callers: Callers, is_aside: Callable[[str], bool]) -> None:
        self.sites = sites
        self.callers = callers
        self.is_aside = is_aside

    def holds(self, site: Site) -> bool:
        """Say whether the class around a creation, or one that inherits its method, is such a kind."""
        cls = _class_of(site)
        if cls is None or not self._bases:
            return False
        heirs = ((each.module, heir) for each in self.callers.of(site.module, cls, self.is_aside) if (heir := subclass_at(each)))
        lineages = (bases_of(module, each) for module, each in ((site.module, cls), *heirs))
        return any(base in self._bases for lineage in lineages for _, base in lineage)

    @cached_property
    def _bases(self) -> frozenset[ast.ClassDef]:
        kinds: dict[ast.ClassDef, set[ast.ClassDef]] = {}
        for site in self.sites:
            cls = None if self.is_aside(site.module.path) else _class_of(site)
            for _, base in bases_of(site.module, cls) if cls is not None else ():
                if base is not cls:
                    kinds.setdefault(base, set()).add(cls)
        many = {base: below for base, below in kinds.items() if len(below) >= FEWEST_KINDS}
        return frozenset(base for base, below in many.items() if len(frozenset().union(*map(_servers_of, below))) >= FEWEST_SERVERS)


def _class_of(site: Site) -> ast.ClassDef | None:
    return class_around(site.module, function_around(site.module, site.call) or site.call)


def _servers_of(cls: ast.ClassDef) -> frozenset[str]:
    """Return the kinds of servers in the name of a class and the URLs that it writes."""
    urls = (node.value for node in ast.walk(cls) if isinstance(node, ast.Constant) and isinstance(node.value, str) and "://" in node.value)
    text = " ".join((cls.name, *urls)).lower()
    return frozenset("postgresql" if server == "postgres" else server for server in DIALECTS if server in text)
