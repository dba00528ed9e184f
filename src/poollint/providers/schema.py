"""The schema of rules/providers/*.yaml: one file becomes one `Provider`; an unknown or missing key is an error.

The files are part of poollint, so this reader trusts their size and nesting, not their spelling.
rules/providers/README.md says the same for people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

from poollint.facts import NO_CEILING
from poollint.providers.limits import Block, Figure, Grade, Size, Source, Step

Kind = Literal["database", "pooler", "hop"]
Effect = Literal["closes", "forgets", "unknown"]
WHERE = frozenset({"client", "pooler-to-server", "transaction", "wait", "compute"})
MODES = frozenset({"session", "transaction", "statement"})


class Misspelt(ValueError):
    """A provider file breaks the schema; the text names the file and the key."""


class Pattern(NamedTuple):
    """One way to connect: what host, port and database name look like, and what answers there.

    weak      true of many other hosts as well: needs other evidence
    fallback  true of any host with the product's name in it: every other pattern comes first
    also      other providers that look the same from here
    variables the environment variables that usually lead here
    """

    role: str
    host: str = ""
    ports: tuple[int, ...] = ()
    database: str = ""
    dialects: tuple[str, ...] = ()
    mode: str | None = None
    pooler: str | None = None
    prepared_statements: Mapping[str, Any] | None = None
    weak: bool = False
    fallback: bool = False
    also: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    note: str = ""
    examples: tuple[str, ...] = ()


class Ending(NamedTuple):
    """Something that ends connections.

    after    "idle" or "age"; effect: "closes", "forgets" or "unknown"
    where    "client": the engine's own socket; "pooler-to-server", "transaction", "wait" and "compute" do not touch it
    on_path  true when a client of this provider meets it without further evidence; if it has `roles`, only through an
             endpoint of these, and never through one of `not_roles`
    """

    what: str
    seconds: Figure
    after: Literal["idle", "age"] = "idle"
    effect: Effect = "unknown"
    where: str = "client"
    on_path: bool = False
    roles: tuple[str, ...] = ()
    not_roles: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()


class Reserve(NamedTuple):
    """Connections that the server or the provider keeps; a value of None is a number that nobody publishes."""

    what: str
    figure: Figure
    dialects: tuple[str, ...] = ()
    versions: str = ""


class IacType(NamedTuple):
    """A resource that declares this provider.

    tool    "terraform", "cloudformation", "config-connector", "bicep", "kubernetes", "file", ...
    when    attribute → pattern that its text must contain
    fields  what poollint wants to know ("tier", "max_connections", "version", "mode", ...) → where it stands
    """

    tool: str
    type: str
    when: Mapping[str, str]
    fields: Mapping[str, str]


class Support(NamedTuple):
    """Whether protocol-level prepared statements survive a pooler of these versions."""

    versions: str
    figure: Figure


class PoolerFacts(NamedTuple):
    """How a pooler behaves: a product of its own, or the one in front of a provider."""

    product: str
    default_mode: Figure | None = None
    prepared_statements: tuple[Support, ...] = ()
    limits: Mapping[str, tuple[Block, ...]] = MappingProxyType({})
    images: tuple[str, ...] = ()


class Cap(NamedTuple):
    """A limit of its own on one kind of connection, per instance of a platform."""

    connection: str
    per: str
    figure: Figure


def sections(text: str) -> dict[str, str]:
    """Cut a provider file into its top-level keys, unparsed: a lookup by host reads one section of every file."""
    starts = [(found[1], found.start()) for found in re.finditer(r"^([a-z_]+):", text, re.MULTILINE)]
    ends = [start for _, start in starts[1:]] + [len(text)]
    return {key: text[start:end] for (key, start), end in zip(starts, ends)}


class Reader:
    """Turns parsed YAML of one file into facts; `where` leads every complaint."""

    def __init__(self, where: str, sources: Mapping[str, Source]) -> None:
        self.where, self.sources = where, sources

    def keys(self, data: Any, allowed: str, required: str = "") -> dict[str, Any]:
        if not isinstance(data, dict):
            raise Misspelt(f"{self.where}: {data!r} is not a mapping")
        if unknown := sorted(set(data) - set(allowed.split()) - set(required.split())):
            raise Misspelt(f"{self.where}: unknown key {', '.join(map(str, unknown))}")
        if missing := sorted(set(required.split()) - set(data)):
            raise Misspelt(f"{self.where}: {', '.join(missing)} is missing in {data}")
        return data

    def word(self, word: Any, allowed: frozenset[str] | tuple[str, ...]) -> Any:
        if word not in allowed:
            raise Misspelt(f"{self.where}: {word!r} is none of {', '.join(sorted(allowed))}")
        return word

    def figure(self, data: Mapping[str, Any], value: Any, base: Figure | None = None) -> Figure:
        """Read grade and source of a number, or take them from the block it stands in."""
        grade, source = data.get("grade", base and base.grade), data.get("source")
        if grade is None or (source is None and base is None):
            raise Misspelt(f"{self.where}: {data} has no grade or no source")
        if source is not None and source not in self.sources:
            raise Misspelt(f"{self.where}: source {source!r} is not under sources")
        found = self.sources[source] if source is not None else base.source  # type: ignore[union-attr]
        value = NO_CEILING if value == "unlimited" else value
        return Figure(value, self.word(grade, get_args(Grade)), found, data.get("note", ""))

    def pattern(self, data: Any) -> Pattern:
        narrowing, telling = "host ports database dialects weak fallback", "mode pooler prepared_statements also"
        self.keys(data, f"{narrowing} {telling} variables note examples", required="role")
        if data.get("mode") is not None:
            self.word(data["mode"], MODES)
        listed = {key: words(data.get(key)) for key in ("dialects", "also", "variables", "examples")}
        return Pattern(**{**data, **listed, "ports": tuple(data.get("ports", ()))})

    def ending(self, data: Any) -> Ending:
        given = "grade source note after effect where on_path roles not_roles dialects"
        self.keys(data, given, required="what seconds")
        return Ending(
            what=data["what"],
            seconds=self.figure(data, data["seconds"]),
            after=self.word(data.get("after", "idle"), ("idle", "age")),
            effect=self.word(data.get("effect", "unknown"), get_args(Effect)),
            where=self.word(data.get("where", "client"), WHERE),
            on_path=data.get("on_path", False),
            roles=words(data.get("roles")),
            not_roles=words(data.get("not_roles")),
            dialects=words(data.get("dialects")),
        )

    def reserve(self, data: Any) -> Reserve:
        self.keys(data, "grade source note dialects versions", required="what value")
        figure = self.figure(data, data["value"])
        return Reserve(data["what"], figure, words(data.get("dialects")), data.get("versions", ""))

    def iac(self, data: Any) -> IacType:
        self.keys(data, "when fields", required="tool type")
        return IacType(data["tool"], data["type"], data.get("when", {}), data.get("fields", {}))

    def observed(self, data: Any) -> tuple[str, Figure]:
        self.keys(data, "note", required="tier value grade source")
        return data["tier"], self.figure(data, data["value"])

    def cap(self, data: Any) -> Cap:
        self.keys(data, "grade source note", required="connection per value")
        return Cap(data["connection"], data["per"], self.figure(data, data["value"]))

    def support(self, data: Any) -> Support:
        self.keys(data, "grade source note versions", required="value")
        return Support(data.get("versions", ""), self.figure(data, data["value"]))

    def pooler(self, data: Any, classes: Callable[[str], Mapping[str, float]]) -> PoolerFacts:
        self.keys(data, "default_mode prepared_statements limits images", required="product")
        mode = data.get("default_mode")
        if mode is not None:
            self.keys(mode, "grade source note", required="value")
            self.word(mode["value"], MODES)
        return PoolerFacts(
            product=data["product"],
            default_mode=self.figure(mode, mode["value"]) if mode else None,
            prepared_statements=tuple(self.support(item) for item in data.get("prepared_statements", ())),
            limits={name: self.limit(blocks, classes) for name, blocks in data.get("limits", {}).items()},
            images=words(data.get("images")),
        )

    def limit(self, data: Any, classes: Callable[[str], Mapping[str, float]]) -> tuple[Block, ...]:
        return tuple(self.block(item, classes) for item in data)

    def block(self, data: Any, classes: Callable[[str], Mapping[str, float]]) -> Block:
        self.keys(
            data,
            "note dialects versions only key per value tiers sizes by steps formula",
            required="grade source",
        )
        base = self.figure(data, None)
        sizes = data.get("sizes", ())
        named = sizes if isinstance(sizes, str) else ""
        return Block(
            base=base,
            dialects=words(data.get("dialects")),
            versions=data.get("versions", ""),
            only=data.get("only", ""),
            key=data.get("key", ""),
            per=data.get("per", ""),
            constant=self.figure(data, data["value"]) if "value" in data else None,
            tiers=self.tiers(data.get("tiers", ()), base),
            sizes=() if named else tuple(self.size(item, base) for item in sizes),
            classes=classes(named) if named else {},
            classes_name=named,
            by=data.get("by", "memory"),
            steps=tuple(self.step(item, base) for item in data.get("steps", ())),
            formula=data.get("formula", ""),
        )

    def tiers(self, data: Any, base: Figure) -> dict[str, Figure]:
        found: dict[str, Figure] = {}
        for item in data:
            self.keys(item, "grade source note", required="tier value")
            for tier in words(item["tier"]):
                found[tier.lower()] = self.figure(item, item["value"], base)
        return found

    def size(self, data: Any, base: Figure) -> Size:
        self.keys(data, "memory vcpu low acu grade source note", required="tier")
        variables = {key: str(data[key]) for key in ("memory", "vcpu", "low", "acu") if key in data}
        return Size(str(data["tier"]), variables, self.figure(data, None, base))

    def step(self, data: Any, base: Figure) -> Step:
        self.keys(data, "from at grade source note", required="value")
        if ("from" in data) == ("at" in data):
            raise Misspelt(f"{self.where}: {data} needs either from or at")
        return Step(float(data.get("at", data.get("from"))), "at" in data, self.figure(data, data["value"], base))


def read_sources(data: Any, checked: str, where: str) -> dict[str, Source]:
    """Return the sources of a file by their short names."""
    reader = Reader(where, {})
    found = {}
    for name, item in reader.keys(data, " ".join(data)).items():
        reader.keys(item, "url date", required="title")
        found[name] = Source(name, item["title"], item.get("url"), str(item.get("date", checked)))
    return found


def words(data: Any) -> tuple[str, ...]:
    """Return one word or a list of words as text; YAML reads `0.25` and `5432` as numbers."""
    if data is None:
        return ()
    return tuple(str(item) for item in data) if isinstance(data, list) else (str(data),)
