"""Facts made by hand, for the tests of linking, budgets and the rules that judge them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from poollint.config import Configuration
from poollint.discover import Tree
from poollint.facts import (
    NO_CEILING,
    NOT_READ,
    Database,
    Engine,
    Environment,
    Known,
    Location,
    Origin,
    Pool,
    Pooler,
    Process,
    Project,
    Setting,
    Target,
    Unknown,
    Workload,
)
from poollint.link import link


def number(value: object, says: str, place: str | None = None, certainty: str = "exact") -> Known:
    path, _, line = (place or "").rpartition(":")
    return Known(value, Origin(says, Location(path, int(line)) if place else None), certainty)  # type: ignore[arg-type]


def default(value: object) -> Known:
    return number(value, "default of SQLAlchemy 2.0", certainty="default")


def pool(
    size: int | Setting = 5,
    overflow: int | Setting = 10,
    target: Target | None = None,
    identities: tuple[str, ...] = (),
    **fields: Any,
) -> Pool:
    """A QueuePool on PostgreSQL; numbers stand for SQLAlchemy's defaults."""
    made = Pool(
        dialect=number("postgresql", "postgresql"),
        driver=number("psycopg2", "postgresql"),
        target=number(target, "URL") if target else Unknown("set by the environment"),
        pool_class=default("QueuePool"),
        pool_size=default(size) if isinstance(size, int) else size,
        max_overflow=default(overflow) if isinstance(overflow, int) else overflow,
        pool_timeout=default(30),
        pool_recycle=default(-1),
        pool_pre_ping=default(False),
        identities=identities,
    )
    return replace(made, **fields)


def engine(place: str = "app/db.py:8", *pools: Pool, role: str = "service", **fields: Any) -> Engine:
    path, _, line = place.rpartition(":")
    return Engine(
        location=Location(path, int(line), 10),
        factory="create_engine",
        is_async=False,
        place="module",
        role=role,  # type: ignore[arg-type]
        alternatives=pools or (pool(identities=("env:DATABASE_URL",)),),
        **fields,
    )


def web(
    processes: int | Setting = 1, entry: str | None = "app.main:app", units: Setting = NOT_READ, **fields: Any
) -> Process:
    count = number(processes, "--workers", "Dockerfile:12") if isinstance(processes, int) else processes
    unlimited = number(NO_CEILING, "uvicorn", certainty="default")
    return Process("uvicorn", "web", count, unlimited if units is NOT_READ else units, entry=entry, **fields)


def workload(name: str = "api", instances: int | Setting = 1, *run: Process, **fields: Any) -> Workload:
    made = Workload(
        name=name,
        platform="cloud-run",
        kind="service",
        location=Location(f"deploy/{name}.yaml", 1),
        unit="deploy",
        instances=number(instances, "maxScale", f"deploy/{name}.yaml:7") if isinstance(instances, int) else instances,
        run=run or (web(),),
    )
    return replace(made, **fields)


def variables(secrets: Mapping[str, str] | None = None, **values: str) -> Environment:
    return Environment({name: number(value, name) for name, value in values.items()}, True, secrets or {})


def database(name: str = "orders", limit: int | Setting = 500, **fields: Any) -> Database:
    settled = number(limit, "max_connections", "db.tf:9") if isinstance(limit, int) else limit
    made = Database(
        name, Location("db.tf", 1), "postgresql", None, max_connections=settled, reserved=number(3, "PostgreSQL")
    )
    return replace(made, **fields)


def compose_database(unit: str = "", limit: int | Setting = 100, name: str = "db", **fields: Any) -> Database:
    at = Location(f"{unit}/docker-compose.yml".lstrip("/"), 3)
    return database(name, limit, **{"location": at, "unit": unit, "hosts": (name,), "ports": (5432,), **fields})


def on(host: str, port: int | None = None, name: str | None = "orders") -> Target:
    return Target("postgresql", host, port, name)


@dataclass(frozen=True)
class Reach:
    paths: frozenset[str]

    def with_(self, other: Reach) -> Reach:
        return Reach(self.paths | other.paths)

    def how(self, path: str) -> str:
        return f"entry point imports {path}"

    def runs(self, path: str, line: int) -> bool:
        return path in self.paths


@dataclass
class FakeCode:
    """Code whose engines are given; `imports` says which files an entry point reaches."""

    made: tuple[Engine, ...]
    imports: Mapping[str, Iterable[str]] = field(default_factory=dict)
    per_variable: Mapping[str, Engine] = field(default_factory=dict)
    has_engines: bool = True
    lasting: frozenset[str] = frozenset()
    starting: frozenset[str] = frozenset()

    def engines(self, environment: Environment = Environment()) -> tuple[Engine, ...]:
        for name, changed in self.per_variable.items():
            if name in environment.variables:
                return tuple(changed if each.location == changed.location else each for each in self.made)
        return self.made

    def engines_at(self, places: Iterable[Location], environment: Environment) -> dict[Location, Engine]:
        return {each.location: each for each in self.engines(environment) if each.location in places}

    def reaches(
        self, entry: str, directory: str = "", *, finds_tasks: bool = False, told: tuple[str, ...] = ()
    ) -> Reach | None:
        return Reach(frozenset(self.imports[entry])) if entry in self.imports else None

    def keeps_running(self, entry: str, directory: str = "") -> bool:
        return entry in self.lasting

    def is_started_by(self, engine: Engine, entry: str, directory: str = "") -> bool:
        return entry in self.starting

    def imported_at_start(self, entry: str, directory: str, *, finds_tasks: bool = False) -> frozenset[str]:
        return frozenset(self.imports.get(entry, ()))


def joined(
    facts: Iterable[Workload | Database | Pooler | Any],
    *engines: Engine,
    imports: Mapping[str, Iterable[str]] | None = None,
    configuration: Configuration = Configuration(),
    per_variable: Mapping[str, Engine] | None = None,
    starting: Iterable[str] = (),
) -> Project:
    """Link facts with engines; every entry point reaches every engine unless `imports` says otherwise."""
    made = engines or (engine(),)
    facts = tuple(facts)
    if imports is None:
        entries = {p.entry for w in facts if isinstance(w, Workload) for p in w.run if p.entry}
        imports = {entry: [each.location.path for each in made] for entry in entries}
    code = FakeCode(made, imports, per_variable or {}, starting=frozenset(starting))
    tree = Tree(Path("."), [])
    project = link(tree, facts, code, configuration)  # type: ignore[arg-type]
    assert not tree.skipped  # nothing went wrong behind a guard
    return project
