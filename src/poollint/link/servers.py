"""Which database a client talks to, through which pooler, by what is written.

Two clients share a database only where that is written: the same host, port and name resolved inside the unit, the same
socket, instance, IaC resource or secret, a `match` in the configuration. The same variable name joins clients only
inside one deployment unit, and only where nothing stronger is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from poollint.config import Configuration
from poollint.facts import Database, Location, Pooler, Target, value_of
from poollint.link import stated
from poollint.link.hosts import Hosts
from poollint.link.limits import limited
from poollint.link.poolers import settled, stated_pooler
from poollint.link.running import Run
from poollint.link.seats import Seat, fact_identity, seat_of, through_sidecars, variables_of
from poollint.link.workloads import Versions


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a run's connections go. `target` is what its URL says, if that is known."""

    database: Database | None = None
    pooler: Pooler | None = None
    target: Target | None = None
    environment: str | None = None
    how: str = ""


@dataclass(frozen=True, slots=True)
class Joined:
    """The answer for all runs, and every server and pooler of the project with its numbers settled."""

    reached: tuple[Reached, ...]
    databases: tuple[Database, ...]
    poolers: tuple[Pooler, ...]


@dataclass(slots=True)
class _Group:
    """Seats at one server, with the facts that describe it."""

    seats: list[Seat]
    facts: list[Database]
    name: str = ""
    unit: str = ""

    @property
    def environments(self) -> Iterable[str | None]:
        return dict.fromkeys(seat.environment for seat in self.seats)

    @property
    def stated(self) -> str | None:
        return next((seat.stated for seat in self.seats if seat.stated), None)


def join(
    runs: Sequence[Run],
    databases: Sequence[Database],
    poolers: Sequence[Pooler],
    versions: Versions,
    configuration: Configuration,
) -> Joined:
    """Return for each run the database it talks to; runs that share one get the same name."""
    facts = [stated.placed(database, configuration) for database in databases]
    poolers = [settled(stated.placed(pooler, configuration)) for pooler in poolers]
    hosts = Hosts(facts, poolers, versions)
    seats = [seat_of(run, hosts, configuration) for run in runs]
    through_sidecars(seats, hosts)
    groups = _grouped(seats, facts, versions)
    _name_all(groups)
    made = {(g.name, at): _made(g, at, configuration) for g in groups for at in g.environments}
    home = {id(seat): group for group in groups for seat in group.seats}
    reached = tuple(_reached(seat, home.get(id(seat)), made, configuration) for seat in seats)
    used = {id(fact) for group in groups for fact in group.facts}
    unused = [limited(fact, None) for fact in facts if id(fact) not in used]
    met = tuple(dict.fromkeys(way.pooler for way in reached if way.pooler))
    places = {(pooler.name, pooler.location, pooler.environment) for pooler in met}
    rest = tuple(p for p in poolers if (p.name, p.location, p.environment) not in places)
    return Joined(reached, (*made.values(), *unused), (*met, *rest))


def _reached(
    seat: Seat, group: _Group | None, made: dict[tuple[str, str | None], Database], configuration: Configuration
) -> Reached:
    if group is None:
        return Reached(None, settled(seat.pooler) if seat.pooler else None, seat.target, seat.environment, seat.how)
    said = stated.database_of(configuration, group.name, seat.environment)
    pooler = stated_pooler(said, seat.pooler, group.name)
    return Reached(made[group.name, seat.environment], pooler, seat.target, seat.environment, seat.how)


# -- who sits together -------------------------------------------------------------------------------------------------


def _grouped(seats: Sequence[Seat], facts: Sequence[Database], versions: Versions) -> list[_Group]:
    same = _Same()
    for seat in seats:
        same.join(seat.strong)
    for fact in facts:
        same.join([fact_identity(fact), *fact.identities])
    found: dict[str, _Group] = {}
    for seat, root in zip(seats, _roots(seats, same, versions), strict=True):
        if root:
            found.setdefault(root, _Group([], [])).seats.append(seat)
    for root, group in found.items():
        group.facts = [
            f for f in facts if same.of(fact_identity(f)) == root or (group.stated and f.name == group.stated)
        ]
    return list(found.values())


def _roots(seats: Sequence[Seat], same: _Same, versions: Versions) -> list[str]:
    """Return each seat's group; a variable's name decides only for seats of one unit that nothing stronger places."""
    by_variable: dict[str, list[Seat]] = {}
    for seat in seats:
        for weak in seat.weak if seat.strong else ():
            by_variable.setdefault(weak, []).append(seat)
    return [_root(seat, same, by_variable, versions) for seat in seats]


def _root(seat: Seat, same: _Same, by_variable: dict[str, list[Seat]], versions: Versions) -> str:
    if seat.strong:
        return same.of(seat.strong[0])
    if seat.pool is None or seat.pooler:
        return ""
    if not seat.weak:
        # Whatever its URL is, inside one unit it is the same one.
        return f"engine:{seat.run.engine.location}:{seat.project}"
    weak = seat.weak[0]
    known = {same.of(other.strong[0]) for other in by_variable.get(weak, ()) if _beside(other, seat, versions)}
    seat.how = seat.how or f"variable {weak.rpartition(':')[2]}"
    # Where the variable means several servers in this unit, it tells nothing about this one.
    return next(iter(known)) if len(known) == 1 else weak


def _beside(other: Seat, seat: Seat, versions: Versions) -> bool:
    """Say whether what a variable means there holds here: in one environment, or in none that says otherwise."""
    if None in (other.environment, seat.environment):
        workload = other.run.workload
        return workload is None or not versions.supersede(workload, seat.environment)
    return other.environment == seat.environment


class _Same:
    """Identities that mean one server."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def of(self, identity: str) -> str:
        at = identity.lower() if identity.startswith(("iac:", "host:")) else identity
        while self._parent.setdefault(at, at) != at:
            at = self._parent[at]
        return at

    def join(self, identities: Iterable[str]) -> None:
        roots = [self.of(identity) for identity in identities]
        for root in roots[1:]:
            self._parent[self.of(root)] = self.of(roots[0])


# -- names -------------------------------------------------------------------------------------------------------------


def _name_all(groups: Sequence[_Group]) -> None:
    """Name each group once; where two want the same name, their places tell them apart."""
    wanted: dict[str, list[_Group]] = {}
    for group in groups:
        name, group.unit = _wanted(group)
        # Somebody types it on a command line, where `${DB_NAME}` would be expanded.
        group.name = re.sub(r"[${}\s]+", " ", name).strip().replace(" ", "-") or name
        wanted.setdefault(group.name, []).append(group)
    for namesakes in wanted.values():
        variants = _variants(namesakes)
        places = _told_apart([variant[0] for variant in variants])
        for number, (variant, place) in enumerate(zip(variants, places, strict=True)):
            name = f"{place}/{variant[0].name}" if len(set(places)) > 1 and place else variant[0].name
            name += f"#{places[:number].count(place) + 1}" if places.count(place) > 1 else ""
            for group in variant:
                group.name = name


def _variants(namesakes: Iterable[_Group]) -> list[list[_Group]]:
    """Put together what is one database of one workload in several environments: those tell its servers apart."""
    variants: list[list[_Group]] = []
    for group in namesakes:
        fitting = [variant for variant in variants if all(_is_elsewhere(group, other) for other in variant)]
        if fitting:
            fitting[0].append(group)
        else:
            variants.append([group])
    return variants


def _is_elsewhere(one: _Group, other: _Group) -> bool:
    """Say whether the same workload comes to one group in some environments, and to the other in others."""
    here, there = set(one.environments), set(other.environments)
    return not here & there and None not in here | there and bool(_users(one) & _users(other))


def _users(group: _Group) -> set[tuple[str, str, Location]]:
    runs = (seat.run for seat in group.seats)
    return {(run.workload.platform, run.workload.name, run.engine.location) for run in runs if run.workload}


def _told_apart(groups: Sequence[_Group]) -> list[str]:
    """Return the unit of each, with the platform where one folder holds several of a name."""
    units = [group.unit for group in groups]
    if len(set(units)) == len(units):
        return units
    platforms = [next((s.run.workload.platform for s in g.seats if s.run.workload), "") for g in groups]
    named = ["/".join(filter(None, pair)) for pair in zip(units, platforms, strict=True)]
    return named if len(set(named)) > len(set(units)) else units


def _wanted(group: _Group) -> tuple[str, str]:
    """What is stated, the resource or service that defines it, the database in the URL, the variable."""
    unit = next((seat.unit for seat in group.seats if seat.run.workload), "")
    if group.stated:
        return group.stated, ""
    if group.facts:
        return group.facts[0].name, group.facts[0].unit
    strong = [identity for seat in group.seats for identity in seat.strong]
    for kind, separator in (("cloudsql:", ":"), ("iac:", ".")):
        if named := next((identity for identity in strong if identity.startswith(kind)), None):
            return named.rpartition(separator)[2], unit
    if named := next((seat.target.database for seat in group.seats if seat.target and seat.target.database), None):
        return named, unit
    variables = [name for seat in group.seats if seat.pool for name in variables_of(seat.pool)]
    return (variables[0] if variables else group.seats[0].run.engine.location.path.removesuffix(".py")), unit


# -- what is known of the server ---------------------------------------------------------------------------------------


def _made(group: _Group, environment: str | None, configuration: Configuration) -> Database:
    """Return the database of one environment: its fact there, else the unmarked one, with what is stated on top."""
    facts = [fact for fact in group.facts if fact.environment == environment]
    facts = facts or [fact for fact in group.facts if fact.environment is None]
    if environment is None:
        facts = facts or group.facts
    fact = facts[0] if facts else _derived(group)
    said = stated.database_of(configuration, group.name, environment)
    return limited(replace(fact, name=group.name, environment=environment), said)


def _derived(group: _Group) -> Database:
    """A database that only its clients show: what their URLs say of it is all that is known."""
    dialects = {value_of(seat.pool.dialect) for seat in group.seats if seat.pool} - {None}
    dialect = dialects.pop() if len(dialects) == 1 else None
    identities = tuple(dict.fromkeys(identity for seat in group.seats for identity in seat.strong))
    return Database(group.name, None, dialect, _provider(group, identities, dialect), identities=identities)


def _provider(group: _Group, identities: Iterable[str], dialect: str | None) -> str | None:
    """The Cloud SQL instance behind a socket, or the provider whose host names this is."""
    if dialect in ("postgresql", "mysql") and any(identity.startswith("cloudsql:") for identity in identities):
        return f"cloud-sql-{dialect}"
    from poollint import providers

    endpoints = (providers.match(seat.target) for seat in group.seats if seat.target)
    return next((e.provider.name for e in endpoints if e and e.provider.kind == "database"), None)
