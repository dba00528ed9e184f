"""Small trees to lint: `make_tree({"app/db.py": "..."})` writes the files and discovers them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from poollint.discover import Tree, discover


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """Write files below a new folder and return it."""

    def write(files: Mapping[str, str]) -> Path:
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text), "utf-8")
        return tmp_path

    return write


@pytest.fixture
def make_tree(write: Callable[[Mapping[str, str]], Path]) -> Callable[[Mapping[str, str]], Tree]:
    """Write files and discover them as a project."""
    return lambda files: discover([write(files)])
