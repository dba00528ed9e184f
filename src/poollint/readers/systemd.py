"""systemd units: ExecStart, Environment, EnvironmentFile, WorkingDirectory."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint._expand import Piece, Scope, expand, part_of
from poollint._words import places
from poollint.environments import environment_of
from poollint.facts import Environment, Known, Location, Origin, Setting, Unknown, Words, Workload
from poollint.readers import _dotenv
from poollint.readers._containers import hide

if TYPE_CHECKING:
    from poollint.discover import Tree

Entry = tuple[str, Location]
_SPECIFIERS = re.compile(r"%[a-zA-Z]")


def read(tree: Tree) -> Iterator[Workload]:
    """Yield a workload for every unit that starts something."""
    for path in tree.named("*.service", "*.service.example", "*.service.sample", "*.service.template"):
        with tree.guard(path):
            text = tree.text(path)
            if text is not None and "ExecStart" in text:
                workload = _workload(tree, path, sections(text, path))
                if workload is not None:
                    yield workload


def sections(text: str, path: str) -> dict[str, dict[str, list[Entry]]]:
    """Read an ini of systemd's kind: keys repeat, a backslash continues a line, an empty value clears the list."""
    found: dict[str, dict[str, list[Entry]]] = {}
    section: dict[str, list[Entry]] = {}
    lines = text.splitlines()[:5_000]
    row = 0
    while row < len(lines):
        line, first = lines[row], row
        while line.endswith("\\") and row + 1 < len(lines):
            row += 1
            line = line[:-1] + " " + ("" if lines[row].lstrip().startswith(("#", ";")) else lines[row])
        row += 1
        if line.strip().startswith("["):
            section = found.setdefault(line.strip().strip("[]"), {})
        elif "=" in line and not line.lstrip().startswith(("#", ";")):
            key, _, value = line.partition("=")
            column = lines[first].index("=") + 2 if "=" in lines[first] else 1
            place = Location(path, first + 1, column, row, len(lines[row - 1]) + 1)
            entries = section.setdefault(key.strip(), [])
            entries.append((value.strip(), place))
            if not value.strip():
                entries.clear()
    return found


def _workload(tree: Tree, path: str, unit: dict[str, dict[str, list[Entry]]]) -> Workload | None:
    service = unit.get("Service", {})
    starts = service.get("ExecStart", [])
    if not starts:
        return None
    variables = _environment(tree, path, service)
    directory = next(iter(service.get("WorkingDirectory", [])), ("", None))[0].lstrip("-")
    name = re.sub(r"\.service.*$", "", posixpath.basename(path))
    instances: Setting = Unknown(
        "a systemd unit does not say on how many hosts it runs", Origin("ExecStart", starts[-1][1])
    )
    one_shot = any(value == "oneshot" for value, _ in service.get("Type", []))
    return Workload(
        name=name.rstrip("@"),
        platform="systemd",
        kind="job" if one_shot else "service",
        location=starts[-1][1],
        unit=posixpath.dirname(path),
        environment=environment_of(tree, path),
        life="one-off" if one_shot else "long-lived",
        instances=instances,
        rollout_instances=instances,
        variables=variables,
        command=words(tree, starts[-1], variables),
        working_directory=directory if directory and not _SPECIFIERS.search(directory) else posixpath.dirname(path),
    )


def words(tree: Tree, start: Entry, variables: Environment) -> Words:
    """Split ExecStart as systemd does, without a shell; `$NAME` and `${NAME}` are its variables."""
    text = start[0].lstrip("@-:+!")
    try:
        written = tuple(shlex.split(text))
    except ValueError:
        written = tuple(text.split())
    scope = Scope(dict(variables.variables), variables.complete)
    made = [expand(word, scope) if "$" in word else [Piece(word)] for word in written]
    return Words(
        start[1],
        tuple("".join(piece.text for piece in pieces) for pieces in made),
        locations=places(written, start[1], tree.text(start[1].path)),
        parts=tuple(tuple(map(part_of, pieces)) for pieces in made),
    )


def _environment(tree: Tree, path: str, service: dict[str, list[Entry]]) -> Environment:
    found: dict[str, Setting] = {}
    complete = True
    for value, place in service.get("Environment", []):
        for pair in _pairs(value):
            name, equals, text = pair.partition("=")
            if equals:
                found[name] = Known(hide(name, text), Origin(name, place))
    for value, _ in service.get("EnvironmentFile", []):
        # The file lies on the server; the one here of that name is what is copied there.
        given = _file(tree, path, value.lstrip("-"))
        if given is None:
            complete = complete and value.startswith("-")
        found.update({name: _hidden(name, setting) for name, setting in (given or {}).items()})
    return Environment(found, complete)


def _hidden(name: str, setting: Setting) -> Setting:
    return (
        Known(hide(name, str(setting.value)), setting.origin, setting.certainty)
        if isinstance(setting, Known)
        else setting
    )


def _file(tree: Tree, path: str, named: str) -> dict[str, Setting] | None:
    candidate = posixpath.normpath(posixpath.join(posixpath.dirname(path), posixpath.basename(named)))
    return _dotenv.variables(tree, candidate)


def _pairs(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return value.split()
