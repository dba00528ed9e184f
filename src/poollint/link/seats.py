"""What a run's URL, variables and attachments say of the server it talks to: identities to compare, no verdict yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from poollint.config import Configuration, StatedDatabase
from poollint.facts import Database, Known, Location, Pool, Pooler, Target, Workload, value_of
from poollint.link.hosts import Hosts, is_local, resource_of
from poollint.link.poolers import endpoint_pooler, named_pooler
from poollint.link.running import Run


# Formats whose files are a deployment unit of their own, whatever else lies in their folder.
_OWN_UNITS = {
    "compose": "compose ",
    "procfile": "procfile ",
    "heroku": "procfile ",
    "elastic-beanstalk": "procfile ",
    "systemd": "systemd ",
    "supervisor": "supervisor ",
    "docker": "docker ",
}


_OF_MYSQL = ("mysql", "mariadb")


@dataclass(slots=True)
class Seat:
    """A run on its way to a database.

    strong  identities that name one server wherever they stand: "host:…", "cloudsql:…", "iac:…", "secret:…", "fact:…"
    weak    "variable:PROJECT:NAME": the same server only inside one unit, and only where nothing stronger is known
    stated  the name the configuration gives it
    """

    run: Run
    pool: Pool | None = None
    target: Target | None = None
    strong: list[str] = field(default_factory=list)
    weak: list[str] = field(default_factory=list)
    stated: str | None = None
    pooler: Pooler | None = None
    how: str = ""

    @property
    def unit(self) -> str:
        return self.run.workload.unit if self.run.workload else ""

    @property
    def project(self) -> str:
        """The deployment unit its names live in: a Compose project and a Procfile in one folder are two."""
        workload = self.run.workload
        return project_of(workload.platform, workload.unit) if workload else "?"

    @property
    def environment(self) -> str | None:
        return self.run.workload.environment if self.run.workload else None


def project_of(platform: str, unit: str) -> str:
    return f"{_OWN_UNITS.get(platform, '')}{unit}"


def seat_of(run: Run, hosts: Hosts, configuration: Configuration) -> Seat:
    """Collect what is written about where a run's connections go; a run that joins no budget gets an empty seat."""
    seat = Seat(run)
    pools = [pool for pool in run.engine.live if pool.is_networked is not False]
    if not pools or not run.joins:
        return seat
    seat.pool, seat.target = _one_target(pools)
    if seat.pool is None and seat.target and hosts.find(seat.target, run.workload):
        seat.pool = pools[0]  # whichever database it is, a server that is defined here holds it
    if seat.pool is None:
        seat.how = "its alternatives point to different databases"
        return seat
    if seat.target and seat.target.host:
        _follow_host(seat, seat.target, hosts)
    _follow_variables(seat, seat.pool)
    _follow_attachment(seat)
    _follow_statement(seat, seat.pool, configuration)
    return seat


def through_sidecars(seats: Sequence[Seat], hosts: Hosts) -> None:
    """Lead the only engine of a workload through the pooler beside it, where its URL is not readable.

    A pooler in the same pod is there for the containers of that pod; of two engines one may go past it.
    """
    engines: dict[Workload, set[Location]] = {}
    for seat in seats:
        if seat.pool and seat.run.workload:
            engines.setdefault(seat.run.workload, set()).add(seat.run.engine.location)
    for seat in seats:
        workload = seat.run.workload
        if workload is None or seat.pool is None or isinstance(seat.pool.target, Known) or seat.stated:
            continue
        pooler, dialect = hosts.sidecar_of(workload), value_of(seat.pool.dialect)
        is_spoken = pooler is not None and dialect in (_OF_MYSQL if pooler.product == "proxysql" else ("postgresql",))
        if pooler and is_spoken and len(engines[workload]) == 1 and not workload.instance_connections:
            _pass_through(seat, pooler, Target(dialect), hosts)
            seat.how = f"{pooler.name} runs beside it"


def fact_identity(database: Database) -> str:
    """What names a server that a file here defines; its variants in other environments are the same one."""
    return f"fact:{database.unit}:{database.name}"


def variables_of(pool: Pool) -> list[str]:
    """Return the environment variables a pool's URL comes from."""
    return [identity[4:] for identity in pool.identities if identity.startswith("env:")]


def _one_target(pools: Sequence[Pool]) -> tuple[Pool | None, Target | None]:
    """Return the alternative that shows where the engine points, and the place; no alternative when they differ.

    Databases of one server differ in their names alone: the server is a place as well.
    """
    known = [pool for pool in pools if isinstance(pool.target, Known)]
    sure = [pool for pool in known if pool.target.certainty != "fallback"] or known  # type: ignore[union-attr]
    targets = {pool.target.value for pool in sure}  # type: ignore[union-attr]
    if len(targets) > 1:
        servers = {replace(target, database=None) for target in targets}
        return None, servers.pop() if len(servers) == 1 else None
    return (sure[0], *targets) if sure else (pools[0], None)


# -- the host ----------------------------------------------------------------------------------------------------------


def _follow_host(seat: Seat, target: Target, hosts: Hosts) -> None:
    host = target.host or ""
    met = hosts.find(target, seat.run.workload)
    if isinstance(met, Pooler):
        _pass_through(seat, met, target, hosts)
    elif isinstance(met, Database):
        seat.strong.append(fact_identity(met))
        seat.how = f"host {host} is {met.name}"
    elif host.startswith("/cloudsql/"):
        seat.strong.append(f"cloudsql:{host.removeprefix('/cloudsql/').split('/')[0]}")
        seat.how = f"socket {host}"
    elif resource := resource_of(host):
        seat.strong.append(f"iac:{resource}")
        seat.how = f"its host is that of {resource}"
    elif not is_local(host):
        _take_at_its_word(seat, target)


def _take_at_its_word(seat: Seat, target: Target) -> None:
    """A host that nothing here defines: whoever writes it means the same server; a bare name only inside its unit."""
    host = target.host or ""
    assert seat.pool is not None  # a target was read from it
    if isinstance(seat.pool.target, Known) and seat.pool.target.certainty == "fallback":
        return  # the default of some code is no statement about where a deployment connects
    seat.pooler = endpoint_pooler(target) or named_pooler(host)
    seat.how = f"host {host}"
    if seat.pooler and seat.pooler.provider is None:
        return  # what stands behind a pooler that nothing here defines is not written
    seat.strong.append(f"host:{'' if '.' in host else seat.project + ':'}{target}")


def _pass_through(seat: Seat, pooler: Pooler, target: Target, hosts: Hosts) -> None:
    """Follow a pooler to the database behind it."""
    seat.pooler = pooler
    seat.how = f"host {target.host} is {pooler.name}, a {pooler.product}"
    behind, project = _backend(pooler, target), project_of(pooler.platform, pooler.unit)
    server = hosts.behind(behind, pooler) if behind else None
    if server:
        seat.strong.append(fact_identity(server))
        seat.how += f" before {server.name}"
    elif behind and behind.host and not is_local(behind.host):
        seat.strong.append(f"host:{'' if '.' in behind.host else project + ':'}{behind}")
    else:
        seat.strong.append(f"pooler:{pooler.unit}:{pooler.name}")


def _backend(pooler: Pooler, target: Target) -> Target | None:
    """Return where the pooler forwards a database to; where all lead to one server, an unread name does as well."""
    if found := pooler.backends.get(target.database or "") or pooler.backends.get("*"):
        return found
    servers = {(backend.host, backend.port) for backend in pooler.backends.values()}
    is_open = target.database is None and len(servers) == 1
    return next(iter(pooler.backends.values())) if is_open else None


# -- variables, attachments, statements --------------------------------------------------------------------------------


def _follow_variables(seat: Seat, pool: Pool) -> None:
    seat.strong += [identity for identity in pool.identities if not identity.startswith("env:")]
    for name in variables_of(pool):
        if secret := seat.run.variables.secrets.get(name):
            seat.strong.append(secret if secret.startswith("secret:") else f"secret:{secret}")
        if seat.run.workload:
            seat.weak.append(f"variable:{seat.project}:{name}")


def _follow_attachment(seat: Seat) -> None:
    """The only Cloud SQL instance attached is the one, unless the URL names another host."""
    attached = seat.run.workload.instance_connections if seat.run.workload else ()
    if len(attached) == 1 and (seat.target is None or not seat.target.host or is_local(seat.target.host)):
        seat.strong.append(f"cloudsql:{attached[0]}")
        seat.how = seat.how or f"the only Cloud SQL instance attached is {attached[0]}"


def _follow_statement(seat: Seat, pool: Pool, configuration: Configuration) -> None:
    """What the configuration states wins: `databases` of the service, then `match` of the database."""
    names = seat.run.stated.databases if seat.run.stated else ()
    matching = [d.name for d in configuration.databases.values() if _matches(d, seat, pool)]
    fitting = list(names) if len(names) == 1 else [name for name in matching if not names or name in names]
    if len(fitting) == 1:
        seat.stated = fitting[0]
        seat.strong.append(f"stated:{fitting[0]}")
        seat.how = seat.how or f"the configuration says {fitting[0]}"


def _matches(database: StatedDatabase, seat: Seat, pool: Pool) -> bool:
    """Say whether a `match` entry is a variable the URL comes from, or a glob of its host."""
    host = seat.target.host if seat.target else None
    variables = variables_of(pool)
    return any(entry in variables or (host and fnmatchcase(host, entry.lower())) for entry in database.match)
