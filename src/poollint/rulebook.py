"""The rule book: which rules there are, and what their pages say.

A rule is a module in `poollint.rules` and a page of the same name; neither is listed anywhere.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from poollint._pages import pages_directory
from poollint.facts import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as its page describes it.

    summary   completes "the rule finds that …"; the first thing a reader sees
    severity  as it is by default; a finding may be milder
    url       the page elsewhere that justifies it, if the front matter names one
    page      Markdown, without the front matter
    """

    name: str
    summary: str
    severity: Severity
    url: str | None
    page: str


@cache
def names() -> frozenset[str]:
    """Return the names of all rules, from the modules' file names; nothing is imported and no page is opened."""
    from poollint import rules as package

    modules = (info.name for info in pkgutil.iter_modules(package.__path__))
    return frozenset(name.replace("_", "-") for name in modules if not name.startswith("_"))


def rules() -> Mapping[str, Rule]:
    """Return every rule with its page, sorted by name."""
    return MappingProxyType({name: rule(name) for name in sorted(names())})


@cache
def rule(name: str) -> Rule:
    """Return one rule with its page."""
    fields, page = _front_matter((pages_directory() / f"{name}.md").read_text("utf-8"))
    severity: Severity = fields["severity"]  # type: ignore[assignment]
    return Rule(name, fields["summary"], severity, fields.get("url"), page)


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """Split a page into its `key: value` lines and the rest."""
    _, head, page = text.split("---\n", 2)
    lines = (line.partition(": ") for line in head.splitlines() if line)
    return {key: value.strip() for key, _, value in lines}, page.lstrip("\n")
