"""What the configuration and --assume say about a workload or a database, found by its name or its files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from poollint.config import Configuration, StatedDatabase, StatedPooler, StatedService
from poollint.facts import Database, Pooler, Workload

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

SERVICE = ("instances", "processes", "concurrency", "cpus")
DATABASE = ("provider", "tier", "max-connections", "reserved", "idle-timeout", "headroom")
POOLER = ("mode", "max-prepared-statements")
_Fact = TypeVar("_Fact", Workload, Database, Pooler)


def service_of(configuration: Configuration, workload: Workload) -> StatedService | None:
    """Return what is stated of a workload: by its name, or because its manifest is listed."""
    stated = configuration.services.get(workload.name)
    if stated is None or (stated.manifests and not matches(stated.manifests, workload.location.path)):
        listed = (s for s in configuration.services.values() if matches(s.manifests, workload.location.path))
        stated = next(listed, None)
    return _assumed(configuration, workload.name, SERVICE, stated, StatedService)


def stated_services(configuration: Configuration) -> tuple[StatedService, ...]:
    """Return every stated service; a name that only --assume uses counts when it is given a service's number."""
    names = dict.fromkeys(configuration.services)
    names.update(dict.fromkeys(name for name, what in _assumptions(configuration) if what in SERVICE))
    made = (_assumed(configuration, name, SERVICE, configuration.services.get(name), StatedService) for name in names)
    return tuple(service for service in made if service)


def database_of(configuration: Configuration, name: str, environment: str | None) -> StatedDatabase | None:
    """Return what is stated of a database in one environment; --assume is the strongest."""
    stated = configuration.databases.get(name)
    if stated and environment in stated.environments:
        stated = stated.environments[environment]
    stated = _assumed(configuration, name, DATABASE, stated, StatedDatabase)
    pooler = _assumed(configuration, f"{name}.pooler", POOLER, stated.pooler if stated else None, _pooler)
    return replace(stated or StatedDatabase(name), pooler=pooler) if pooler else stated


def _pooler(name: str) -> StatedPooler:
    return StatedPooler()


def _assumed(configuration: Configuration, name: str, keys: Sequence[str], stated: Any, make: Any) -> Any:
    changes = {
        what.replace("-", "_"): setting.value if what == "provider" else setting
        for what in keys
        if (setting := configuration.assume.get(f"{name}.{what}")) is not None
    }
    return replace(stated or make(name), **changes) if changes else stated


def _assumptions(configuration: Configuration) -> Iterable[tuple[str, str]]:
    for key in configuration.assume:
        name, _, what = key.rpartition(".")
        yield name, what


def placed(fact: _Fact, configuration: Configuration) -> _Fact:
    """Return a fact in the environment whose globs hold it.

    An overlay takes its manifests from elsewhere, and they run where the overlay says.
    """
    if not configuration.environments or fact.location is None:
        return fact
    path = fact.location.path
    asked = [path]
    if fact.unit and not path.startswith(fact.unit + "/"):
        asked.insert(0, f"{fact.unit}/{path.rpartition('/')[2]}")
    named = next((name for path in asked if (name := _environment_of(configuration, path))), None)
    return replace(fact, environment=named) if named else fact  # type: ignore[type-var]


def _environment_of(configuration: Configuration, path: str) -> str | None:
    return next((name for name, globs in configuration.environments.items() if matches(globs, path)), None)


def matches(globs: Sequence[str], path: str) -> bool:
    """Say whether a path is among the globs, written as in .gitignore."""
    return bool(globs) and _spec(tuple(globs)).match_file(path)


@lru_cache(maxsize=64)
def _spec(globs: tuple[str, ...]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(globs)
