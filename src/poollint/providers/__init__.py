"""What poollint knows about databases, poolers and networks: rules/providers/*.yaml, answered as settings with their sources.

A lookup by name reads one file; a lookup by host reads one section of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from poollint._pages import pages_directory
from poollint.facts import NO_CEILING, Hop, Known, Origin, Setting, Target, Unknown
from poollint.providers.limits import UNDECIDED, Block, Figure, Source, evaluate, version_fits
from poollint.providers.schema import (
    Cap,
    Ending,
    IacType,
    Kind,
    Pattern,
    PoolerFacts,
    Reader,
    Reserve,
    read_sources,
    sections,
    words,
)

DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "cockroachdb": 26257, "yugabytedb": 5433}
STOCK = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mariadb"}


@dataclass(frozen=True, slots=True, eq=False)
class Provider:
    """One row of the table: who runs a database or a pooler, or what a connection passes on its way.

    short     the name messages use ("Cloud SQL")
    unit      what a tier that is a bare number counts ("vCPU", "CU")
    settable  the least and the most that `max_connections` can be set to
    observed  numbers somebody read from running servers: for people, never for rules
    """

    name: str
    title: str
    short: str
    kind: Kind
    dialects: tuple[str, ...]
    checked: str
    sources: Mapping[str, Source]
    endpoints: tuple[Pattern, ...] = ()
    limit: tuple[Block, ...] = ()
    low: tuple[Block, ...] = ()
    largest: Figure | None = None
    unit: str = ""
    settable: tuple[int | None, int | None] = (None, None)
    reserves: tuple[Reserve, ...] | None = None
    endings: tuple[Ending, ...] = ()
    keeps_alive: Figure | None = None
    pooler: PoolerFacts | None = None
    caps: tuple[Cap, ...] = ()
    iac: tuple[IacType, ...] = ()
    observed: tuple[tuple[str, Figure], ...] = ()
    notes: tuple[str, ...] = ()

    def max_connections(self, tier: str | None, version: str | None = None, dialect: str | None = None) -> Setting:
        """Return the default limit of a tier as infrastructure code spells it, or the limit that holds without one."""
        return self._limit(self.limit, tier, version, dialect, "at most " if self.low and not self._lists(tier) else "")

    def low_estimate(self, tier: str | None, version: str | None = None, dialect: str | None = None) -> Setting:
        """Return what a tier certainly comes near to, where the limit itself is only a ceiling (AWS)."""
        if not self.low:
            return Unknown(f"the limit of {self.short} is no ceiling")
        if self._lists(tier):
            return Unknown(f"{self._tier(tier or '')} has a documented limit of its own")
        return self._limit(self.low, tier, version, dialect, "by a low estimate ")

    @property
    def largest_default(self) -> Setting:
        """Return the largest default limit of any tier."""
        if self.largest is None:
            return Unknown(f"the largest default of {self.short} is not published")
        return self.largest.setting(f"largest default of {self.short}: {number(self.largest.value)}")

    def reserved(self, version: str | None = None, dialect: str | None = None) -> Setting:
        """Return what server and provider keep for themselves; shaky when one part of it is."""
        parts = self._reserves(version, dialect)
        published = [part for part in parts if part.figure.value is not None]
        if self.reserves is None or (parts and not published):
            return stock_reserved(self._dialect(dialect))
        # Keeping nothing back is the weakest claim there is: it makes no total shaky.
        shaky = [part for part in published if part.figure.value and part.figure.certainty != "default"]
        return self._kept(published, (shaky or published or [None])[0])

    def sure_reserved(self, version: str | None = None, dialect: str | None = None) -> Setting:
        """Return the part of `reserved` that is documented or measured: a finding beyond it rests on no estimate."""
        setting = self.reserved(version, dialect)
        if isinstance(setting, Known) and setting.certainty == "default":
            return setting
        sure = [p for p in self._reserves(version, dialect) if p.figure.value is not None and p.figure.certainty == "default"]
        return self._kept(sure, (sure or [None])[0])

    def hops(self, role: str | None = None, dialect: str | None = None) -> tuple[Hop, ...]:
        """Return what ends pooled connections of a client that comes through an endpoint of this role."""
        return tuple(
            Hop(ending.what, ending.seconds.setting(self._says(ending.what)), ending.after, ending.effect)
            for ending in self.endings
            if ending.on_path and ending.seconds.value and _passes(ending, role, self._dialect(dialect))
        )

    @property
    def keepalive(self) -> Setting:
        """Return after how many idle seconds the server itself sends a probe."""
        if self.keeps_alive is None:
            return Unknown(f"no keepalive of {self.short} is published")
        return self.keeps_alive.setting(f"keepalive of {self.short}")

    def pooler_limit(self, name: str, tier: str | None = None, version: str | None = None) -> Setting:
        """Return a default of its pooler: "max_client_conn", "default_pool_size", "reserve_pool_size", "replicas" ..."""
        blocks = self.pooler.limits.get(name, ()) if self.pooler else ()
        if not blocks:
            return Unknown(f"no default {name} is known")
        limit = self.max_connections(tier, version)
        given = {"max_connections": limit.value} if isinstance(limit, Known) else {}
        return self._limit(blocks, tier, version, None, f"{name} ", given)

    def _limit(
        self,
        blocks: tuple[Block, ...],
        tier: str | None,
        version: str | None,
        dialect: str | None,
        what: str,
        given: Mapping[str, float] | None = None,
    ) -> Setting:
        whole = tuple(block for block in blocks if not block.per)
        if blocks and not whole:
            return Unknown(f"{self.short} has a limit for each {blocks[0].per}, and how many there are is unknown")
        figure = evaluate(whole, tier, version, self._dialect(dialect), given)
        if figure == UNDECIDED:
            return Unknown(f"the default of {self.short} depends on engine and version")
        if isinstance(figure, Figure) and figure.value is not None:
            of = self._tier(tier) if tier else f"default of {self.short}"
            return figure.setting(f"{of}: {what}{number(figure.value)}")
        if not blocks:
            return Unknown(f"no default limit of {self.short} is published")
        return Unknown(f"no default limit of {self._tier(tier)} is known" if tier else f"the tier of {self.short} is unknown")

    def _says(self, what: str) -> str:
        return what if self.short in what else f"{self.short}: {what}"

    def _lists(self, tier: str | None) -> bool:
        return any(block.lists(tier) for block in self.limit)

    def _tier(self, tier: str) -> str:
        return f"{self.short} {tier} {self.unit}" if self.unit and tier[:1].isdigit() else f"{self.short} {tier}"

    def _reserves(self, version: str | None, dialect: str | None) -> list[Reserve]:
        dialect = self._dialect(dialect)
        return [
            part
            for part in self.reserves or ()
            if (not part.dialects or dialect in part.dialects) and version_fits(version, part.versions)
        ]

    def _kept(self, parts: list[Reserve], weakest: Reserve | None) -> Known:
        total = sum(part.figure.value for part in parts)
        says = " + ".join(f"{part.figure.value} {part.what}" for part in parts) or f"{self.short} keeps none back"
        if weakest is None:
            return Known(total, Origin(says), "default")
        certainty = weakest.figure.certainty if weakest.figure.value else "default"
        return Known(total, Origin(says, url=weakest.figure.source.url), certainty)

    def _dialect(self, dialect: str | None) -> str | None:
        return self.dialects[0] if dialect is None and len(self.dialects) == 1 else dialect


@dataclass(frozen=True, slots=True)
class Endpoint:
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
        return iter(_files())

    def __len__(self) -> int:
        return len(_files())

    def __contains__(self, name: object) -> bool:
        return name in _files()


def table() -> Table:
    """Return every provider, by name, in the order of names."""
    return Table()


def describe(provider: Provider) -> list[str]:
    """Return the lines `poollint providers NAME` prints."""
    from poollint.providers import page

    return page.lines(provider)


def as_json(provider: Provider) -> dict[str, Any]:
    """Return what `poollint providers NAME --format json` prints: every number with grade, source and date."""
    from poollint.providers import page

    return page.document(provider)


def get(name: str) -> Provider | None:
    """Return the provider of that name, or None."""
    return _load(name) if name in _files() else None


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
    """Return what a platform's own variable leads to (DATABASE_CONNECTION_POOL_URL), or None when several use the name."""
    found = [(row, pattern) for row in _files() if name in _text(row) for pattern in _card(row)[1] if name in pattern.variables]
    return _endpoint(*found[0]) if len(found) == 1 else None


def iac_type(name: str, attributes: Mapping[str, str] | None = None) -> Provider | None:
    """Return the provider a resource type declares; `attributes` decide where several share the type.

    A database comes before the pooler in front of it, and more conditions come before fewer.
    """
    found = [(row, entry) for row in _files() if name in _text(row) and (entry := resource(row, name, attributes))]
    best = max(found, key=lambda pair: (_load(pair[0]).kind == "database", len(pair[1].when)), default=None)
    return _load(best[0]) if best else None


def resource(row: str, name: str, attributes: Mapping[str, str] | None = None) -> IacType | None:
    """Return how a provider is declared by a resource of that type, if it is."""
    provider = get(row)
    given = attributes or {}
    for entry in provider.iac if provider else ():
        if entry.type == name and all(re.search(p, str(given.get(key, ""))) for key, p in entry.when.items()):
            return entry
    return None


def _candidates(target: Target) -> Iterator[tuple[str, Pattern]]:
    for name in _files():
        dialects, patterns = _card(name)
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
    provider = _load(name)
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
        return Unknown(f"it is not known whether {product} {version or ''} supports prepared statements".replace("  ", " "))
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
    """Return what ends idle connections on their way out of Cloud Run or Cloud Functions ("vpc", "internet" or not known)."""
    provider = get(platform)
    hops = provider.hops("vpc" if egress == "vpc" else "internet") if provider else ()
    return hops[0] if hops else None


def instance_cap(platform: str, connection: str) -> Setting:
    """Return how many connections of one kind ("cloud-sql") one instance of a platform may hold."""
    provider = get(platform)
    for cap in provider.caps if provider else ():
        if cap.connection == connection:
            return cap.figure.setting(f"{provider.short}: {number(cap.figure.value)} per {cap.per}")
    return Unknown(f"{platform} has no known cap on {connection} connections")


def stock_default(dialect: str | None) -> Setting:
    """Return the limit of a server that nobody configured."""
    provider = get(STOCK.get(dialect or "", ""))
    return provider.max_connections(None, None, dialect) if provider else Unknown(f"no stock default of {dialect} is known")


def stock_reserved(dialect: str | None) -> Setting:
    """Return what a stock server keeps for administrators."""
    provider = get(STOCK.get(dialect or "", ""))
    return provider.reserved(None, dialect) if provider else Unknown(f"what {dialect} keeps back is not known")


@cache
def largest_default_of_dialect(dialect: str | None) -> Setting:
    """Return the largest default of every product with that dialect; "no ceiling" when one has none."""
    largest = {name: value for name in _files() if (value := _largest(name)) is not None and dialect in _card(name)[0]}
    if not largest:
        return Unknown(f"no product with {dialect} publishes its limit")
    return _load(max(largest, key=lambda name: largest[name])).largest_default


def number(value: Any) -> str:
    """Write a number as messages do: 1,802."""
    if value == NO_CEILING:
        return "no limit"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


# -- reading -----------------------------------------------------------------------------------------------------------

KEYS = (
    "name title short kind dialects checked match max_connections low_estimate largest_default unit settable reserved "
    "ends_connections keepalive pooler caps iac observed notes sources"
)


def _passes(ending: Ending, role: str | None, dialect: str | None) -> bool:
    if ending.dialects and dialect not in ending.dialects:
        return False
    return role not in ending.not_roles and (not ending.roles or role in ending.roles)


@cache
def _files() -> Mapping[str, Path]:
    return {path.stem: path for path in sorted((pages_directory() / "providers").glob("*.yaml"))}


@cache
def _text(name: str) -> str:
    return _files()[name].read_text(encoding="utf-8")


@cache
def _card(name: str) -> tuple[tuple[str, ...], tuple[Pattern, ...]]:
    """Return dialects and endpoint patterns of a file, without parsing the rest of it."""
    parts = sections(_text(name))
    data = _parse(parts.get("dialects", "dialects: []\n") + parts.get("match", ""))
    reader = Reader(name, {})
    return words(data["dialects"]), tuple(reader.pattern(item) for item in data.get("match", ()))


def _largest(name: str) -> float | None:
    """Return the largest default of a file, without parsing the rest of it."""
    part = sections(_text(name)).get("largest_default")
    value = _parse(part)["largest_default"]["value"] if part else None
    return NO_CEILING if value == "unlimited" else value


@cache
def _load(name: str) -> Provider:
    return read(_text(name), f"rules/providers/{name}.yaml")


@cache
def _classes(name: str) -> Mapping[str, float]:
    """Return tier → GiB of a file in `sizes/`, where families are grouped by how well their memory is known."""
    data = _parse((pages_directory() / "providers" / "sizes" / f"{name}.yaml").read_text(encoding="utf-8"))
    return {
        f"{family}.{size}": float(memory)
        for grade in ("documented", "derived")
        for family, sizes in data[grade].items()
        for size, memory in sizes.items()
    }


def read(text: str, where: str) -> Provider:
    """Turn the text of a provider file into its row. Raises Misspelt."""
    data = Reader(where, {}).keys(_parse(text), KEYS, required="name title kind dialects checked sources")
    checked = str(data["checked"])
    reader = Reader(where, read_sources(data["sources"], checked, where))
    largest, keepalive = data.get("largest_default"), data.get("keepalive")
    for figure in filter(None, (largest, keepalive)):
        reader.keys(figure, "grade source note", required="value")
    return Provider(
        name=data["name"],
        title=data["title"],
        short=data.get("short", data["title"]),
        kind=reader.word(data["kind"], ("database", "pooler", "hop")),
        dialects=words(data["dialects"]),
        checked=checked,
        sources=reader.sources,
        endpoints=tuple(reader.pattern(item) for item in data.get("match", ())),
        limit=reader.limit(data.get("max_connections", ()), _classes),
        low=reader.limit(data.get("low_estimate", ()), _classes),
        largest=reader.figure(largest, largest["value"]) if largest else None,
        unit=data.get("unit", ""),
        settable=tuple(data.get("settable", (None, None))),
        reserves=tuple(reader.reserve(item) for item in data["reserved"]) if "reserved" in data else None,
        endings=tuple(reader.ending(item) for item in data.get("ends_connections", ())),
        keeps_alive=reader.figure(keepalive, keepalive["value"]) if keepalive else None,
        pooler=reader.pooler(data["pooler"], _classes) if "pooler" in data else None,
        caps=tuple(reader.cap(item) for item in data.get("caps", ())),
        iac=tuple(reader.iac(item) for item in data.get("iac", ())),
        observed=tuple(reader.observed(item) for item in data.get("observed", ())),
        notes=words(data.get("notes")),
    )


def _parse(text: str) -> Any:
    import yaml

    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


