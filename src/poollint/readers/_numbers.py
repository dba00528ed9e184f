"""Whole numbers out of manifests: replicas, limits, seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint._yaml import setting
from poollint.facts import Setting, Unknown
from poollint.readers._passwords import PLACEHOLDER

if TYPE_CHECKING:
    from poollint._yaml import Node


def whole(text: str) -> int:
    """Read a number that is never negative."""
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def count_of(node: Node | None, says: str, absent: Setting | None = None) -> Setting:
    """Return a number with its place; Unknown when it is no plain number, `absent` when it is not there."""
    found = setting(node, says, whole, absent)
    text = (node.text_at() if node is not None else None) or ""
    if isinstance(found, Unknown) and PLACEHOLDER.search(text):
        return Unknown(f"{says} is {text[:60]}, which is filled in later", found.origin)
    return found
