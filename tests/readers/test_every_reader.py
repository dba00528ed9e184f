"""Every reader has a test module of its own."""

from __future__ import annotations

import pkgutil
from pathlib import Path

import poollint.readers


def test_every_reader_has_a_test_module() -> None:
    readers = {info.name for info in pkgutil.iter_modules(poollint.readers.__path__) if not info.name.startswith("_")}
    tested = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert readers and not readers - tested
