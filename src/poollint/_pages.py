"""Find the rule book: the pages and provider files, in a checkout or inside an installed package."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def pages_directory() -> Path:
    """Return the folder that holds the rules' pages and `providers/`.

    installed  poollint/pages, beside this module
    checkout   rules, at the top of the repository

    Raises FileNotFoundError where neither is there.
    """
    here = Path(__file__).resolve().parent
    packaged = here / "pages"
    found = packaged if packaged.is_dir() else here.parents[1] / "rules"
    if not found.is_dir():
        # Without it no limit is known, and every verdict would be silence.
        raise FileNotFoundError(f"poollint is installed incompletely: neither {packaged} nor {found} holds its rules")
    return found
