"""What poollint knows about databases, poolers and networks: rules/providers/*.yaml, answered as settings.

A lookup by name reads one file; a lookup by host reads one section of each.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from poollint._formula import NotAFormula, evaluate
from poollint.facts import Hop, Known, Origin, Setting, Target, Unknown
from poollint.providers import files
from poollint.providers.limits import version_fits
from poollint.providers.row import Provider, number
from poollint.providers.schema import IacType, Pattern, Reader

DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "cockroachdb": 26257, "yugabytedb": 5433}
LONGEST_HOST = 400  # characters; some patterns need time that grows with the square of a stranger's text
STOCK = ("postgresql", "mysql", "mariadb")  # dialects whose plain server has a file of the same name


class Endpoint(NamedTuple):
    """What a host name tells: who answers there, in which mode, and whether prepared statements survive it.

    mode    of the pooler, None when the endpoint does not fix it; pooler: its product, None for a direct connection
    weak    the host looks so, but others do as well
    also    names of providers that cannot be told apart from here
    """

    provider: Provider
    role: str
    mode: str | None = None
    pooler: str | None = None
    prepared_statements: Setting = Unknown("not known")
    weak: bool = False
    also: tuple[str, ...] = ()

    def hops(self, dialect: str | None = None) -> tuple[Hop, ...]:
        return self.provider.hops(self.role, dialect)


class Table(Mapping[str, Provider]):
    """The providers by name; a file is read when its row is asked for."""

    def __getitem__(self, name: str) -> Provider:
        provider = get(name)
        if provider is None:
            raise KeyError(name)
        return provider

    def __iter__(self) -> Iterator[str]:
        return iter(files.paths())

    def __len__(self) -> int:
        return len(files.paths())

    def __contains__(self, name: object) -> bool:
        return name in files.paths()


def table() -> Table:
    """Return every provider, by name, in the order of names."""
    return Table()


def describe(provider: Provider | str) -> str:
    """Return the text `poollint providers NAME` prints."""
    from poollint.providers import page

    return "\n".join(page.lines(table()[provider] if isinstance(provider, str) else provider))


def as_json(provider: Provider | str | None = None) -> dict[str, Any]:
    """Return what `poollint providers [NAME] --format json` prints: every number with grade, source and date."""
    from poollint.providers import page

    if provider is None:
        return {"version": 1, "providers": [page.document(row) for row in table().values()]}
    return {"version": 1, **page.document(table()[provider] if isinstance(provider, str) else provider)}


def get(name: str) -> Provider | None:
    """Return the provider of that name, or None."""
    return files.load(name) if name in files.paths() else None


# -- from a host, or a resource, to a provider -------------------------------------------------------------------------


def match(target: Target, weak: bool = False) -> Endpoint | None:
    """Return what answers at a host, or None when the host does not tell.

    weak  also believe patterns that other hosts share; for callers that hold further evidence
    """
    found = sorted(_candidates(target), key=_vagueness)
    if not found or (found[0][1].weak and not weak):
        return None
    rivals = {name for name, pattern in found if _vagueness((name, pattern)) == _vagueness(found[0])}
    if target.dialect is None and len(rivals) > 1:
        return None  # the same host serves PostgreSQL and MySQL
    return _endpoint(*found[0])


def candidates(target: Target) -> tuple[Endpoint, ...]:
    """Return everything that could answer at a host, the most telling pattern first, weak ones last."""
    return tuple(_endpoint(*found) for found in sorted(_candidates(target), key=_vagueness))


def match_variable(name: str) -> Endpoint | None:
    """Return what a platform's own variable (DATABASE_CONNECTION_POOL_URL) leads to, or None when several use it."""
    mentioned = (row for row in files.paths() if name in files.text_of(row))
    found = [(row, pattern) for row in mentioned for pattern in files.card(row)[1] if name in pattern.variables]
    return _endpoint(*found[0]) if len(found) == 1 else None


def iac_type(name: str, attributes: Mapping[str, str] | None = None) -> Provider | None:
    """Return the provider a resource type declares; `attributes` decide where several share the type.

    A database comes before the pooler in front of it, and more conditions come before fewer.
    """
    mentioned = (row for row in files.paths() if name in files.text_of(row))
    found = [(row, entry) for row in mentioned if (entry := resource(row, name, attributes))]
    best = max(found, key=lambda pair: (files.load(pair[0]).kind == "database", len(pair[1].when)), default=None)
    return files.load(best[0]) if best else None


def resource(row: str, name: str, attributes: Mapping[str, str] | None = None) -> IacType | None:
    """Return how a provider is declared by a resource of that type, if it is."""
    provider = get(row)
    given = attributes or {}
    for entry in provider.iac if provider else ():
        if entry.type == name and all(re.search(p, str(given.get(key, ""))) for key, p in entry.when.items()):
            return entry
    return None


def _candidates(target: Target) -> Iterator[tuple[str, Pattern]]:
    if len(target.host or "") > LONGEST_HOST:
        return
    for name in files.paths():
        dialects, patterns = files.card(name)
        for pattern in patterns:
            if _answers(pattern, pattern.dialects or dialects, target):
                yield name, pattern


def _answers(pattern: Pattern, dialects: tuple[str, ...], target: Target) -> bool:
    if target.dialect is not None and target.dialect not in dialects:
        return False
    if pattern.ports and (target.port or DEFAULT_PORTS.get(target.dialect or dialects[0])) not in pattern.ports:
        return False
    if pattern.database and not re.fullmatch(pattern.database, target.database or ""):
        return False
    if not pattern.host:
        return bool(target.dialect and pattern.dialects)  # a scheme of its own: cockroachdb+psycopg
    return bool(re.search(pattern.host, (target.host or "").lower()))


def _vagueness(found: tuple[str, Pattern]) -> tuple[bool, ...]:
    _, pattern = found
    return pattern.weak, pattern.fallback, not pattern.host, not pattern.database, not pattern.ports


def _endpoint(name: str, pattern: Pattern) -> Endpoint:
    provider = files.load(name)
    return Endpoint(
        provider=provider,
        role=pattern.role,
        mode=pattern.mode,
        pooler=pattern.pooler,
        prepared_statements=_survive(provider, pattern),
        weak=pattern.weak,
        also=pattern.also,
    )


def _survive(provider: Provider, pattern: Pattern) -> Setting:
    """Say whether prepared statements survive an endpoint: what it says itself, else what its pooler does."""
    if pattern.pooler is None or pattern.mode == "session":
        return Unknown("no pooler shares connections here")
    if pattern.prepared_statements is None and provider.kind == "pooler":
        return prepared_statements(provider.name)
    if pattern.prepared_statements is None:
        return Unknown(f"{provider.short} does not say whether its pooler supports prepared statements")
    data = pattern.prepared_statements
    figure = Reader(provider.name, provider.sources).figure(data, data["value"])
    return figure.setting(f"{provider.short}: prepared statements {'kept apart' if figure.value else 'not supported'}")


# -- poolers, platforms and stock servers ------------------------------------------------------------------------------


def prepared_statements(product: str, version: str | None = None) -> Setting:
    """Say whether a pooler keeps prepared statements apart by default in transaction mode."""
    provider = get(product)
    support = provider.pooler.prepared_statements if provider and provider.pooler else ()
    answers = [(item, version_fits(version, item.versions)) for item in support]
    possible = [item.figure for item, fits in answers if fits is not False]
    if not provider or not possible:
        return Unknown(f"it is not known whether {product}{f' {version}' if version else ''} keeps prepared statements")
    if len({figure.value for figure in possible}) > 1:
        return Unknown(f"the version of {provider.short} is not readable, and it decides about prepared statements")
    of = f"{provider.short} {version}" if version else provider.short
    return possible[0].setting(f"{of}: {possible[0].note or 'prepared statements'}")


def default_mode(product: str) -> Setting:
    """Return the mode of a pooler that does not say one."""
    provider = get(product)
    if not provider or not provider.pooler or not provider.pooler.default_mode:
        return Unknown(f"{product} has no default mode")
    return provider.pooler.default_mode.setting(f"default mode of {provider.short}")


def pooler_default(product: str, name: str) -> Setting:
    """Return a default of a pooler product: "max_client_conn", "default_pool_size", "client_idle_timeout" ..."""
    provider = get(product)
    return provider.pooler_limit(name) if provider else Unknown(f"{product} is not in the table")


def cloud_run_hop(egress: str | None, platform: str = "cloud-run") -> Hop | None:
    """Return what ends idle connections on their way out of Cloud Run or Cloud Functions.

    egress  "vpc", "internet", or None when nobody knows: then the milder of the two
    """
    provider = get(platform)
    hops = provider.hops("vpc" if egress == "vpc" else "internet") if provider else ()
    return hops[0] if hops else None


def parameter_formula(text: str, tier: str | None) -> Setting:
    """Return the ceiling that a formula of an AWS parameter group, LEAST({DBInstanceClassMemory/9531392},5000), gives.

    The memory a formula sees is somewhat lower than the memory of the class, so the real number is not above this one.
    """
    memory = files.classes("aws-instance-classes").get((tier or "").strip().lower())
    if memory is None:
        return Unknown(f"the memory of {tier} is not known" if tier else "the class of the instance is unknown")
    written = text.translate(str.maketrans("{}", "()")).replace("LEAST", "min").replace("GREATEST", "max")
    try:
        value = math.floor(evaluate(written, {"DBInstanceClassMemory": memory * 2**30}))
    except NotAFormula:
        return Unknown(f"max_connections is the formula {text[:60]}")
    source = files.load("rds-postgresql").sources["classes"]
    return Known(value, Origin(f"{text[:60]} on {tier}: at most {number(value)}", url=source.url), "default")


def instance_cap(platform: str, connection: str) -> Setting:
    """Return how many connections of one kind ("cloud-sql") one instance of a platform may hold."""
    provider = get(platform)
    for cap in provider.caps if provider else ():
        if cap.connection == connection:
            return cap.figure.setting(f"{provider.short}: {number(cap.figure.value)} per {cap.per}")
    return Unknown(f"{platform} has no known cap on {connection} connections")


def stock_default(dialect: str | None) -> Setting:
    """Return the limit of a server that nobody configured."""
    provider = get(dialect) if dialect in STOCK else None
    if provider is None:
        return Unknown(f"no stock default of {dialect or 'a server of unknown kind'} is known")
    return provider.max_connections(None, None, dialect)


def stock_reserved(dialect: str | None) -> Setting:
    """Return what a stock server keeps for administrators."""
    provider = get(dialect) if dialect in STOCK else None
    if provider is None:
        return Unknown(f"what {dialect or 'a server of unknown kind'} keeps back is not known")
    return provider.reserved(None, dialect)


@cache
def largest_default_of_dialect(dialect: str | None) -> Setting:
    """Return the largest default of every product with that dialect; "no ceiling" when one has none."""
    largest = {name: files.largest(name) for name in files.paths() if dialect in files.card(name)[0]}
    name = max(largest, key=lambda name: largest[name] or 0, default=None)
    if name is None or largest[name] is None:
        return Unknown(f"no product with {dialect} publishes its limit")
    return files.load(name).largest_default
