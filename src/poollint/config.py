"""What the user states: `[tool.poollint]`, `poollint.toml` and `--assume`.

Every stated number is `Known(value, Origin(says, place), "stated")`. Unknown keys are an error with file, line and a suggestion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from poollint.facts import NOT_READ, Location, Setting


@dataclass(frozen=True, slots=True)
class StatedPooler:
    """`[databases.NAME.pooler]`."""

    kind: str = "pgbouncer"
    mode: Setting = NOT_READ
    max_prepared_statements: Setting = NOT_READ
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class StatedDatabase:
    """`[databases.NAME]`; `environments` holds `[databases.NAME.in.ENV]`, each complete by itself (the parent's values merged in)."""

    name: str
    location: Location | None = None
    provider: str | None = None
    tier: Setting = NOT_READ
    max_connections: Setting = NOT_READ
    reserved: Setting = NOT_READ
    idle_timeout: Setting = NOT_READ
    headroom: Setting = NOT_READ
    match: tuple[str, ...] = ()  # variable names or host globs
    pooler: StatedPooler | None = None
    environments: Mapping[str, StatedDatabase] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatedService:
    """`[services.NAME]`: the workload of that name, or those in its manifests; if there is none, it is one."""

    name: str
    location: Location | None = None
    code: tuple[str, ...] = ()  # globs
    manifests: tuple[str, ...] = ()  # globs
    databases: tuple[str, ...] = ()
    instances: Setting = NOT_READ
    processes: Setting = NOT_READ
    concurrency: Setting = NOT_READ
    cpus: Setting = NOT_READ


@dataclass(frozen=True, slots=True)
class StatedIgnore:
    """`[[ignore]]`: a suppression for a file that cannot hold a comment."""

    rule: str
    path: str
    reason: str = ""
    until: str | None = None  # an ISO date; from that day on it no longer suppresses
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    exclude: tuple[str, ...] = ()
    fail_on: str = "warning"
    require_reasons: bool = False
    severity: Mapping[str, str] = field(default_factory=dict)  # rule → error, warning, note or off
    environments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name → globs
    databases: Mapping[str, StatedDatabase] = field(default_factory=dict)
    services: Mapping[str, StatedService] = field(default_factory=dict)
    ignores: tuple[StatedIgnore, ...] = ()
    location: Location | None = None
