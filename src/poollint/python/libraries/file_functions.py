"""Readers for files: paths, YAML, TOML and JSON; ini is in `ini_functions`. Only the tree's files are read, as data."""

from __future__ import annotations

import ast
import json
import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator.values import Arguments, LibraryObject, Listing, Table, Traced, Value, derived, failing
from poollint.python.libraries import Call, attribute_reader, reader

if TYPE_CHECKING:
    from poollint import _toml
    from poollint.python.evaluator.evaluate import World
    from poollint.python.source.modules import Module

_PATH = "pathlib.Path"
_LONGEST_JSON = 10_000  # characters
_DEEPEST_JSON = 20


# -- paths -------------------------------------------------------------------------------------------------------------


def path_text(value: Value | None) -> str | None:
    """Return a path as text, absolute ones from the tree's root: `__file__` is "/app/db.py"."""
    if isinstance(value, Known) and isinstance(value.value, str):
        return value.value
    if isinstance(value, LibraryObject) and isinstance(value.state, str):
        return value.state
    return None


@reader(_PATH, "pathlib.PurePath", "pathlib.PosixPath")
def _path(call: Call) -> Value:
    parts = [path_text(value) for value in call.arguments.positional]
    text = None if None in parts else posixpath.join(*(parts or ["."]))  # type: ignore[arg-type]
    return LibraryObject(_PATH, call.arguments, call.origin, call.node, text)


@reader(f"{_PATH}.resolve", f"{_PATH}.absolute", f"{_PATH}.expanduser")
def _resolved(call: Call) -> Value:
    return call.owner or call.made()


@reader(f"{_PATH}.joinpath")
def _joinpath(call: Call) -> Value:
    parts = [path_text(call.owner), *(path_text(value) for value in call.arguments.positional)]
    text = None if None in parts else posixpath.join(*parts)  # type: ignore[arg-type]
    return LibraryObject(_PATH, Arguments(), call.origin, call.node, text)


@reader(f"{_PATH}.with_name")
def _with_name(call: Call) -> Value:
    text, name = path_text(call.owner), call.text(0, "name")
    there = posixpath.join(posixpath.dirname(text), name) if text is not None and name is not None else None
    return LibraryObject(_PATH, Arguments(), call.origin, call.node, there)


@attribute_reader(f"{_PATH}.parent")
def _parent(base: Value, origin: Origin) -> Value:
    text = path_text(base)
    return LibraryObject(_PATH, Arguments(), origin, None, posixpath.dirname(text) if text else None)


@attribute_reader(f"{_PATH}.parents")
def _parents(base: Value, origin: Origin) -> Value:
    text, found = path_text(base), []
    while text and posixpath.dirname(text) != text:
        text = posixpath.dirname(text)
        found.append(LibraryObject(_PATH, Arguments(), origin, None, text))
    return Listing(tuple(found), origin)


@reader(
    "os.path.dirname",
    "os.path.abspath",
    "os.path.realpath",
    "os.path.normpath",
    "os.path.join",
    "os.path.expanduser",
    "os.fspath",
)
def _os_path(call: Call) -> Value:
    parts = [path_text(value) for value in call.arguments.positional]
    name = call.name.rpartition(".")[2]
    if not parts or None in parts:
        return call.unknown("a path that is not known")
    known = [part for part in parts if part is not None]
    if name == "join":
        return Traced(posixpath.join(*known), call.origin)
    return Traced(posixpath.dirname(known[0]) if name == "dirname" else known[0], call.origin)


@reader("builtins.open", f"{_PATH}.open", "io.open", "codecs.open")
def _open(call: Call) -> Value:
    target = call.owner if call.owner is not None else call.get("file", 0)
    return LibraryObject("builtins.open", call.arguments, call.origin, call.node, path_text(target))


@reader("builtins.open.read", f"{_PATH}.read_text", f"{_PATH}.read_bytes")
def _read(call: Call) -> Value:
    return LibraryObject("text of a file", Arguments(), call.origin, call.node, path_text(call.owner))


def file_named(world: World, module: Module, text: str | None) -> str | None:
    """Return the file of the tree that a path in the code means.

    Absolute paths count from the root (`__file__` does too), else from the one folder that an image may copy there:
    `docker/files/etc/app/app.conf`. Relative ones depend on where the process starts: the nearest folder above the module
    that has the file.
    """
    if not text:
        return None
    tree = world.modules.tree
    if text.startswith("/"):
        path = posixpath.normpath(text).lstrip("/")
        if path in tree or "/" not in path:
            return path if path in tree else None
        below = [each for each in tree.files if each.endswith(f"/{path}") and not world.modules.is_for_tests(each)]
        return below[0] if len(below) == 1 else None
    folder = module.path.rpartition("/")[0]
    while True:
        path = posixpath.normpath(posixpath.join(folder, text))
        if path in tree:
            return path
        if not folder:
            return None
        folder = folder.rpartition("/")[0]


def _file(call: Call, value: Value | None) -> str | None:
    return file_named(call.world, call.module, path_text(value))


# -- YAML, TOML, JSON --------------------------------------------------------------------------------------------------


@reader("json.loads")
def _json(call: Call) -> Value:
    first = call.first()
    if isinstance(first, Known) and isinstance(first.value, str):
        return of_json(first) or failing(json.JSONDecodeError, call.origin)
    return _yaml(call)


@reader("ast.literal_eval")
def _literal(call: Call) -> Value:
    text = call.first()
    if not isinstance(text, Known) or not isinstance(text.value, str) or len(text.value) > _LONGEST_JSON:
        return call.unknown("a literal in a text that is not known")
    try:
        return _of_plain(ast.literal_eval(text.value), text, _DEEPEST_JSON)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return failing(ValueError, call.origin)


def of_json(text: Known) -> Value | None:
    """Return what a text holds as JSON, as sure as the text is; None where it is no JSON."""
    if len(text.value) > _LONGEST_JSON:
        return None
    try:
        return _of_plain(json.loads(text.value), text, _DEEPEST_JSON)
    except (ValueError, RecursionError):
        return None


def _of_plain(plain: Any, text: Known, deeper: int) -> Value:
    if not deeper:
        return Unknown("a literal that is nested too deeply", text.origin)
    if isinstance(plain, dict):
        return Table({key: _of_plain(value, text, deeper - 1) for key, value in plain.items()}, text.origin)
    if isinstance(plain, (list, tuple)):
        return Listing(tuple(_of_plain(value, text, deeper - 1) for value in plain), text.origin)
    return derived(plain, text)


@reader("yaml.safe_load", "yaml.load", "yaml.full_load", "json.load")
def _yaml(call: Call) -> Value:
    path = _file(call, call.first())
    if path is None or not isinstance(call.first(), LibraryObject):
        return call.unknown("a file that is not known")
    return _of_yaml(call.world, path) or call.unknown(f"{path} could not be read")


def of_file(world: World, path: str) -> Value | None:
    """Return what a YAML, TOML or JSON file of the tree holds, None where it is not readable."""
    return _of_toml_file(world, path) if path.endswith(".toml") else _of_yaml(world, path)


def _of_yaml(world: World, path: str) -> Value | None:
    documents = world.modules.tree.yaml(path)
    return _of_node(documents[0], is_yaml=not path.endswith(".json")) if len(documents) == 1 else None


def _of_node(node: Any, is_yaml: bool) -> Value:
    """Return a node of a YAML or JSON file as a value; its depth is limited where it was read."""
    from poollint import _yaml

    origin = Origin("", node.location)
    if isinstance(node, _yaml.Mapping):
        entries = {key: _of_node(value, is_yaml) for key, value in node.pairs()}
        return Table({key: _said(value, key) for key, value in entries.items()}, origin)
    if isinstance(node, _yaml.Sequence):
        return Listing(tuple(_of_node(item, is_yaml) for item in node.items), origin)
    if node.tag is not None:
        return Unknown(f"tagged {node.tag}", origin)
    return _of_scalar(node.text, origin) if is_yaml and not node.quoted else Traced(node.value, origin)


def _of_scalar(text: str, origin: Origin) -> Value:
    """Return a plain scalar as PyYAML reads it for a program: `1:30` is 90 there, and `1e3` a text."""
    from poollint import _yaml

    try:
        plain = _yaml.as_pyyaml(text)
    except ValueError:
        return failing(ValueError, origin)
    return Traced(plain, origin) if isinstance(plain, (str, int, float, bool, type(None))) else Unknown("a date", origin)


def _said(value: Value, key: str) -> Value:
    return replace(value, origin=replace(value.origin, says=key)) if isinstance(value, (Known, Unknown)) else value


@reader("tomllib.load", "tomllib.loads", "toml.load", "toml.loads")
def _toml(call: Call) -> Value:
    path = _file(call, call.first())
    if path is None:
        return call.unknown("a file that is not known")
    return _of_toml_file(call.world, path) or call.unknown(f"{path} is not TOML")


def _of_toml_file(world: World, path: str) -> Value | None:
    from poollint import _toml

    text = world.modules.tree.text(path)
    if text is None:
        return None
    try:
        document = _toml.parse(path, text)
    except _toml.Unreadable:
        return None
    return _of_toml(document, document.data, ())


def _of_toml(document: _toml.Document, value: Any, keys: _toml.Keys) -> Value:
    origin = Origin(str(keys[-1]) if keys else "", document.location(*keys))
    if isinstance(value, dict):
        return Table({key: _of_toml(document, inner, (*keys, key)) for key, inner in value.items()}, origin)
    if isinstance(value, list):
        return Listing(tuple(_of_toml(document, item, (*keys, number)) for number, item in enumerate(value)), origin)
    return Traced(value, origin) if isinstance(value, (str, int, float, bool)) else Unknown("a date", origin)
