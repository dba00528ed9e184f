"""What PasteDeploy passes to an application factory: the settings of an ini file.

    [app:main]                                     def main(global_config, **settings):
    use = egg:orders                                   engine = engine_from_config(settings, "sqlalchemy.")
    sqlalchemy.url = postgresql://db/orders

A section leads to a function by a distribution's entry point (`egg:orders`, `egg:orders#api`), by its name
(`call:orders.app:main`, `paste.app_factory = orders.app:main`), or over another section or file
(`use = config:base.ini`).
Keys that `[DEFAULT]` has, too, are not passed. Measured with PasteDeploy 3.1.

Of several files those for production count, then unmarked ones and those for staging. Where only a developer's file is
here, what it sets may be replaced and what it does not set is not known. Files for tests say nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from poollint.environments import environment_of
from poollint.facts import Known, Location, Origin, Unknown
from poollint.python.evaluator import branching
from poollint.python.evaluator.values import FunctionRef, Table, Value
from poollint.python.libraries import ini_functions
from poollint.python.source import names
from poollint.python.usage import entry_points

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World
    from poollint.python.source.modules import Modules

_GROUP = "paste.app_factory"
_SECTION = re.compile(rb"^\[(?:app|application|filter-app):", re.MULTILINE)
_APPLICATIONS = ("app", "application", "filter-app")
_OWN_KEYS = ("use", "require", "filter-with", "next", _GROUP)
_DEEPEST = 5  # sections and files that use each other
_MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class _Section:
    """One application of an ini file; `environment` is what the file's path says."""

    path: str
    name: str
    environment: str | None
    settings: Table


class Applications:
    """The ini files of a project that start its applications, each read once."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.tree = modules.tree
        self._ini: dict[str, Mapping[str, Mapping[str, Value]]] = {}

    def settings_of(self, world: World, function: FunctionRef) -> Table | None:
        """Return what a function gets as `**settings`, None when no file starts it."""
        from poollint.python.evaluator.evaluate import Answer, Question

        found = _most_telling(self._sections.get((function.module.path, function.name), ()))
        if not found:
            return None
        key = f"ini file of {function.module.path}:{function.name}"
        number = world.ask(Question(key, tuple(map(Answer, range(len(found)))))) if len(found) > 1 else 0
        if number is None:
            return Table({}, found[0].settings.origin, False, "several ini files start this application")
        return found[number].settings

    def settings_in(self, path: str, name: str = "main") -> Table | None:
        """Return the settings of one application of a file, None when it starts none of that name."""
        section = self._named(path, name)
        target = self._target(path, section) if section else None
        return target[1] if target else None

    @cached_property
    def _sections(self) -> dict[tuple[str, str], list[_Section]]:
        """(file, function) → the sections that start it."""
        found: dict[tuple[str, str], list[_Section]] = {}
        for path in self._files:
            for name in self._read(path):
                if name.partition(":")[0] in _APPLICATIONS and (target := self._target(path, name)):
                    function, settings = target
                    section = _Section(path, name, environment_of(self.tree, path), settings)
                    found.setdefault(function, []).append(section)
        return found

    @cached_property
    def _files(self) -> list[str]:
        paths = (path for path in self.tree.named("*.ini") if _SECTION.search(self.tree.bytes(path) or b""))
        return sorted(paths)[:_MOST_FILES]

    def _read(self, path: str) -> Mapping[str, Mapping[str, Value]]:
        if path not in self._ini:
            here = {"here": f"/{posixpath.dirname(path)}", "__file__": f"/{path}"}
            self._ini[path] = ini_functions.sections_of(self.tree, path, defaults=here) if path in self.tree else {}
        return self._ini[path]

    # -- from a section to a function

    def _target(self, path: str, name: str, depth: int = 0) -> tuple[tuple[str, str], Table] | None:
        """Return the function that a section leads to, and what it is passed."""
        section = self._read(path).get(name)
        if section is None or depth > _DEEPEST:
            return None
        settings = _passed(section, self._read(path).get("DEFAULT", {}), _origin(path, name))
        kind, _, rest = _text(section.get("use")).partition(":")
        if _GROUP in section:
            function = self._function(_text(section[_GROUP]), path)
        elif kind == "call":
            function = self._function(rest, path)
        elif kind == "egg":
            function = self._entry_point(rest, path)
        else:
            used = self._used(path, _text(section.get("use")))
            found = self._target(*used, depth + 1) if used else None
            return (found[0], found[1].merged(settings)) if found else None
        return (function, settings) if function else None

    def _used(self, path: str, use: str) -> tuple[str, str] | None:
        """Return the file and section of `use = config:base.ini#api` and of `use = other`."""
        if use.startswith("config:"):
            file, _, use = use.removeprefix("config:").partition("#")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)).lstrip("/")
        section = self._named(path, use or "main")
        return (path, section) if section else None

    def _named(self, path: str, name: str) -> str | None:
        sections = self._read(path)
        return next((f"{kind}:{name}" for kind in _APPLICATIONS if f"{kind}:{name}" in sections), None)

    def _entry_point(self, egg: str, path: str) -> tuple[str, str] | None:
        """Return the function of `egg:orders#main`, declared by the nearest distribution of that name."""
        name, _, entry = egg.partition("#")
        point = self.modules.shared(entry_points.EntryPoints).nearest(path, name, _GROUP, entry or "main")
        return self._function(point.target, posixpath.join(point.folder, "_")) if point else None

    def _function(self, target: str, path: str) -> tuple[str, str] | None:
        """Return file and name of a `package.module:function`, as somebody beside `path` imports it."""
        dotted, _, attribute = target.strip().partition(":")
        folder = posixpath.dirname(path)
        starts = (path, posixpath.join(folder, "src", "_"))
        module = next((found for start in starts if (found := self.modules.find(dotted, start))), None)
        found = names.member(module, attribute.strip()) if module and attribute.strip().isidentifier() else None
        return (found.module.path, found.name) if isinstance(found, FunctionRef) else None


# -- which file counts -------------------------------------------------------------------------------------------------

# Environments in the order in which their files count; those for tests start no application that matters.
_RANKS: Mapping[str | None, int] = {"prod": 0, None: 1, "staging": 1, "example": 2, "sample": 2, "dev": 2, "local": 2}
_OF_DEVELOPERS = 2


def _most_telling(sections: Iterable[_Section]) -> list[_Section]:
    """Return the sections of the files that count most, one per file: `app:main` before others."""
    ranked: dict[str, tuple[int, _Section]] = {}
    for section in sections:
        rank = _RANKS.get(section.environment, 1) if section.environment not in ("test", "ci") else None
        if rank is not None and (section.path not in ranked or section.name == "app:main"):
            ranked[section.path] = (rank, section)
    best = min((rank for rank, _ in ranked.values()), default=None)
    found = [section for rank, section in ranked.values() if rank == best]
    return [_of_developer(section) for section in found] if best == _OF_DEVELOPERS else found


_MAYBE = Known(True, Origin("a developer's file"), "fallback")


def _of_developer(section: _Section) -> _Section:
    entries = {key: branching.as_sure_as(value, _MAYBE) for key, value in section.settings.entries.items()}
    reason = f"{section.path} is a developer's file, and that of production is not here"
    return replace(section, settings=replace(section.settings, entries=entries, complete=False, reason=reason))


# -- small things ------------------------------------------------------------------------------------------------------


def _text(value: Value | None) -> str:
    return value.value if isinstance(value, Known) and isinstance(value.value, str) else ""


def _passed(section: Mapping[str, Value], shared: Mapping[str, Value], origin: Origin) -> Table:
    """Return the keys that a section passes: its own, and those that `get name = other` takes from the shared ones."""
    words = {key: (key[:4], key[4:].strip()) for key in section if key.startswith(("get ", "set "))}
    changed = {**shared, **{name: section[key] for key, (word, name) in words.items() if word == "set "}}
    own = {k: v for k, v in section.items() if k not in shared and k not in _OWN_KEYS and k not in words}
    for key, (word, name) in words.items():
        if word == "get ":
            asked = _text(section[key])
            own[name] = changed.get(asked, Unknown(f"[DEFAULT] has no {asked}", origin))
    return Table(own, origin)


def _origin(path: str, section: str) -> Origin:
    return Origin(f"[{section}]", Location(path, 1))
