"""One row of the provider table, and the answers it gives as settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poollint.facts import NO_CEILING, Hop, Known, Origin, Setting, Unknown
from poollint.providers.limits import UNDECIDED, Block, Figure, Source, evaluate, version_fits
from poollint.providers.schema import Cap, Ending, IacType, Kind, Pattern, PoolerFacts, Reserve


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
            from poollint.providers import stock_reserved

            return stock_reserved(self._dialect(dialect))
        # Keeping nothing back is the weakest claim there is: it makes no total shaky.
        shaky = [part for part in published if part.figure.value and part.figure.certainty != "default"]
        return self._kept(published, (shaky or published or [None])[0])

    def sure_reserved(self, version: str | None = None, dialect: str | None = None) -> Setting:
        """Return the part of `reserved` that is documented or measured: a finding beyond it rests on no estimate."""
        setting = self.reserved(version, dialect)
        if isinstance(setting, Unknown) or setting.certainty == "default":
            return setting
        published = [part for part in self._reserves(version, dialect) if part.figure.value is not None]
        sure = [part for part in published if part.figure.certainty == "default"]
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
        """Return a default of its pooler: "max_client_conn", "default_pool_size", "replicas" ..."""
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
        return Unknown(f"no limit of {self._tier(tier)} is known" if tier else f"the tier of {self.short} is unknown")

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


def _passes(ending: Ending, role: str | None, dialect: str | None) -> bool:
    if ending.dialects and dialect not in ending.dialects:
        return False
    return role not in ending.not_roles and (not ending.roles or role in ending.roles)


def number(value: Any) -> str:
    """Write a number as messages do: 1,802."""
    if value == NO_CEILING:
        return "no limit"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
