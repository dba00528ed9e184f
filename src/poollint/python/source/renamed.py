"""Packages that are installed under another name than that of their folder: `package_dir={"shop": "core"}`.

https://setuptools.pypa.io/en/latest/userguide/package_discovery.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from poollint.discover import Tree


def renamed(tree: Tree) -> Mapping[str, tuple[str, ...]]:
    """Return name of a package → the folders, relative to the root, whose code some project installs under it."""
    found: dict[str, tuple[str, ...]] = {}
    for path in tree.files:
        folder, _, name = path.rpartition("/")
        if read := _READERS.get(name):
            for package, below in read(tree, path):
                at = "/".join(part for part in (folder, below.strip("./")) if part)
                found[package] = (*found.get(package, ()), at)
    return found


def _of_setup(tree: Tree, path: str) -> Iterator[tuple[str, str]]:
    text = tree.text(path) if b"package_dir" in (tree.bytes(path) or b"") else None
    try:
        nodes = ast.walk(ast.parse(text or ""))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # whoever reads it as a module says so
    given = (node.value for node in nodes if isinstance(node, ast.keyword) and node.arg == "package_dir")
    for table in given:
        if isinstance(table, ast.Dict):
            for key, value in zip(table.keys, table.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(value, ast.Constant):
                    yield from _named(key.value, value.value)


def _of_pyproject(tree: Tree, path: str) -> Iterator[tuple[str, str]]:
    if b"package-dir" not in (tree.bytes(path) or b""):
        return
    from poollint import _toml

    try:
        found: object = _toml.parse(path, tree.text(path) or "").data
    except _toml.Unreadable:
        return  # whoever reads the versions says so
    for key in ("tool", "setuptools", "package-dir"):
        found = found.get(key) if isinstance(found, dict) else None
    for name, folder in found.items() if isinstance(found, dict) else ():
        yield from _named(name, folder)


def _named(name: object, folder: object) -> Iterator[tuple[str, str]]:
    """Yield a package with its folder; the empty name is that of a source root, in which folders keep their names."""
    if isinstance(name, str) and isinstance(folder, str) and name and name != folder.rpartition("/")[2]:
        yield name, folder


_READERS = {"setup.py": _of_setup, "pyproject.toml": _of_pyproject}
