"""The files of Compose projects: found by name, or else by what they hold, their includes, and which run together.

A file named for an environment is merged over the base when its services are incomplete alone, and is a set of its own
when they are complete.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poollint._yaml import Mapping, Node, Scalar, Sequence
from poollint.environments import environment_of, environment_word
from poollint.facts import Known, Location, Origin

if TYPE_CHECKING:
    from poollint.discover import Tree

PATTERNS = (
    "compose.y*ml",
    "compose[._-]*.y*ml",
    "docker-compose*.y*ml",
    "docker_compose*.y*ml",
    "*.compose.y*ml",
    "*-compose.y*ml",
    "docker-stack*.y*ml",
    "podman-compose*.y*ml",
)
_BASE = re.compile(r"(docker-)?compose\.ya?ml$", re.IGNORECASE)
_LOOKS_LIKE_ONE = re.compile(rb"^services:[ \t]*(?:#.*)?\r?$(?s:.*?)^[ \t]+(?:image|build|extends):", re.M)
_OVERRIDE = re.compile(r"(docker-)?compose\.override\.ya?ml$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class File:
    path: str
    root: Mapping
    included: tuple[str, ...] = ()

    @property
    def services(self) -> dict[str, Mapping]:
        return {name: node for name, node in self.root.pairs_at("services") if isinstance(node, Mapping)}

    @property
    def is_complete(self) -> bool:
        """Say whether every service can start from this file alone; one that needs a service of another file cannot."""
        services = self.services
        starts = all(any(key in node for key in ("image", "build", "extends")) for node in services.values())
        alone = bool(self.included) or _needed(services).issubset(services)
        return bool(services) and starts and alone and not any(_changes_another(node) for node in services.values())


    @property
    def looks_like_one(self) -> bool:
        """Say whether a file of any name is of Compose: all its services are mappings, and one says what it runs."""
        services = self.services
        is_plain = len(services) == len(list(self.root.pairs_at("services"))) and "apiVersion" not in self.root
        return is_plain and any(key in node for node in services.values() for key in ("image", "build", "extends"))

    @property
    def extended(self) -> tuple[str, ...]:
        """Return the files that services of this one extend."""
        named = (node.at("extends", "file") for node in self.services.values())
        folder = posixpath.dirname(self.path)
        return tuple(path for node in named if isinstance(node, Scalar) and (path := relative(folder, node.text)) is not None)


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files of one run of Compose, the weakest first, and the environment they are for."""

    environment: str | None
    files: tuple[File, ...]
    services: frozenset[str] | None = None  # only these are new; None: all


def _changes_another(service: Mapping) -> bool:
    """Say whether a service takes back what a file before it says: `build: !reset null`."""
    return any(value.tag in ("!reset", "!override") for _, value in service.pairs())


def _needed(services: dict[str, Mapping]) -> set[str]:
    """Return the services that these depend on: Compose refuses a project that lacks one of them."""
    found: set[str] = set()
    for node in services.values():
        found.update(name for name, _ in node.pairs_at("depends_on"))
        for key in ("depends_on", "links"):
            listed = node.get(key)
            found.update(item.text.partition(":")[0] for item in texts(listed) if isinstance(listed, Sequence))
    return found


def files_of(tree: Tree) -> dict[str, File]:
    """Return the Compose files of a tree by path; where none is called so, `prod.yml` may be one: its services have images."""
    named = {path: file for path in tree.named(*PATTERNS) if (file := read_file(tree, path)) is not None}
    if named:
        return named
    alike = (path for path in tree.named("*.y*ml") if _LOOKS_LIKE_ONE.search(tree.bytes(path) or b""))
    found = {path: file for path in alike if (file := read_file(tree, path)) is not None and file.looks_like_one}
    extended = {path for file in found.values() for path in file.extended}
    return {path: file for path, file in found.items() if path not in extended}


def read_file(tree: Tree, path: str) -> File | None:
    content = tree.bytes(path)
    if content is None or b"services" not in content and b"include" not in content:
        return None
    documents = tree.yaml(path)
    root = documents[0] if documents else None
    if not isinstance(root, Mapping) or not (isinstance(root.get("services"), Mapping) or "include" in root):
        return None
    return File(path, root, tuple(_included(path, root)))


def _included(path: str, root: Mapping) -> Iterator[str]:
    node = root.get("include")
    for item in node.items if isinstance(node, Sequence) else ():
        names = [item] if isinstance(item, Scalar) else texts(item.at("path"))
        for name in names:
            found = relative(posixpath.dirname(path), name.text)
            if found is not None:
                yield found


def texts(node: Node | None) -> list[Scalar]:
    items = node.items if isinstance(node, Sequence) else (node,)
    return [item for item in items if isinstance(item, Scalar)]


def relative(folder: str, path: str) -> str | None:
    """Return a path of the project as a path of the tree; None when it leaves the root or is no plain path."""
    path = re.sub(r"^(\$\{?PWD\}?)(?=/|$)", ".", path.strip())
    if "$" in path or "://" in path or path.startswith(("/", "~", "git@")):
        return None
    found = posixpath.normpath(posixpath.join(folder, path))
    return None if found.startswith("..") else "" if found == "." else found


def file_sets(tree: Tree, files: list[File]) -> Iterator[FileSet]:
    """Group the files of one folder: the unmarked set, then one for every environment that a file name says."""
    by_path = {file.path: file for file in files}
    named = {path: environment_word(posixpath.basename(path)) for path in by_path}
    folder_environment = environment_of(tree, posixpath.join(posixpath.dirname(files[0].path), "compose.yaml"))
    base = [by_path[path] for path in sorted(by_path) if _BASE.match(posixpath.basename(path))][-1:]
    override = [by_path[path] for path in by_path if _OVERRIDE.match(posixpath.basename(path))][:1] if base else []
    others = [
        by_path[path] for path in sorted(by_path) if named[path] is None and by_path[path] not in (*base, *override)
    ]
    if base:
        yield FileSet(folder_environment, tuple(base))
    if override:
        # Compose merges it by itself on a developer's machine; a deployment names its files.
        yield FileSet(folder_environment or "local", (*base, *override))
    seen = {name for file in base for name in file.services}
    for file in others:
        # Beside the base, a further unmarked file is an alternative: only what is new in it can run as well.
        new = frozenset(file.services) - seen
        seen |= new
        if new:
            yield FileSet(
                folder_environment, (file,) if file.is_complete or not base else (*base, file), new if base else None
            )
    yield from _environment_sets(by_path, named, base, others)


def _environment_sets(
    by_path: dict[str, File], named: dict[str, str | None], base: list[File], others: list[File]
) -> Iterator[FileSet]:
    seen: dict[str, set[str]] = {}
    for path in sorted(by_path):
        environment = named[path]
        if environment is None:
            continue
        file = by_path[path]
        under = base or [other for other in others if set(other.services) & set(file.services)]
        files = (file,) if file.is_complete else (*under, file)
        names = {name for member in files for name in member.services}
        known = seen.setdefault(environment, set())
        new = frozenset(names - known)
        if new:
            yield FileSet(environment, files, new if known else None)
        known |= names


_SCALE = re.compile(r"--scale[ =]+([\w.-]+)=(\d{1,4})\b")
_SCRIPTS = ("Makefile", "justfile", "*.mk", "*.sh", "*.y*ml")


def scales(tree: Tree) -> dict[str, list[Known]]:
    """Return what `docker compose up --scale name=n` says in scripts, Makefiles and workflows, by service."""
    found: dict[str, list[Known]] = {}
    for path in tree.named(*_SCRIPTS):
        content = tree.bytes(path)
        if content is None or b"--scale" not in content:
            continue
        for row, line in enumerate((tree.text(path) or "").split("\n"), 1):
            if "compose" in line and not line.lstrip("\t @-").startswith("#"):
                for match in _SCALE.finditer(line):
                    origin = Origin("--scale", Location(path, row, match.start() + 1))
                    found.setdefault(match[1], []).append(Known(int(match[2]), origin))
    return found
