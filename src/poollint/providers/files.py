"""Read rules/providers/*.yaml: each file at most once, and no more of it than a question needs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from poollint._pages import pages_directory
from poollint.facts import NO_CEILING
from poollint.providers.row import Provider
from poollint.providers.schema import Pattern, Reader, read_sources, sections, words

KEYS = (
    "name title short kind dialects checked match max_connections low_estimate largest_default unit settable reserved "
    "ends_connections keepalive pooler caps iac observed notes sources"
)


@cache
def paths() -> Mapping[str, Path]:
    found = {path.stem: path for path in (pages_directory() / "providers").glob("*.yaml")}
    return dict(sorted(found.items()))


@cache
def text_of(name: str) -> str:
    return paths()[name].read_text(encoding="utf-8")


@cache
def card(name: str) -> tuple[tuple[str, ...], tuple[Pattern, ...]]:
    """Return dialects and endpoint patterns of a file, without parsing the rest of it."""
    parts = sections(text_of(name))
    data = parse(parts.get("dialects", "dialects: []\n") + parts.get("match", ""))
    reader = Reader(name, {})
    return words(data["dialects"]), tuple(reader.pattern(item) for item in data.get("match", ()))


def largest(name: str) -> float | None:
    """Return the largest default of a file, without parsing the rest of it."""
    part = sections(text_of(name)).get("largest_default")
    value = parse(part)["largest_default"]["value"] if part else None
    return NO_CEILING if value == "unlimited" else value


@cache
def load(name: str) -> Provider:
    return read(text_of(name), f"rules/providers/{name}.yaml")


@cache
def classes(name: str) -> Mapping[str, float]:
    """Return tier → GiB of a file in `sizes/`, where families are grouped by how well their memory is known."""
    data = parse((pages_directory() / "providers" / "sizes" / f"{name}.yaml").read_text(encoding="utf-8"))
    return {
        f"{family}.{size}": float(memory)
        for grade in ("documented", "derived")
        for family, sizes in data[grade].items()
        for size, memory in sizes.items()
    }


def read(text: str, where: str) -> Provider:
    """Turn the text of a provider file into its row. Raises Misspelt."""
    data = Reader(where, {}).keys(parse(text), KEYS, required="name title kind dialects checked sources")
    checked = str(data["checked"])
    reader = Reader(where, read_sources(data["sources"], checked, where))
    most, keepalive = data.get("largest_default"), data.get("keepalive")
    for figure in filter(None, (most, keepalive)):
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
        limit=reader.limit(data.get("max_connections", ()), classes),
        low=reader.limit(data.get("low_estimate", ()), classes),
        largest=reader.figure(most, most["value"]) if most else None,
        unit=data.get("unit", ""),
        settable=tuple(data.get("settable", (None, None))),
        reserves=tuple(reader.reserve(item) for item in data["reserved"]) if "reserved" in data else None,
        endings=tuple(reader.ending(item) for item in data.get("ends_connections", ())),
        keeps_alive=reader.figure(keepalive, keepalive["value"]) if keepalive else None,
        pooler=reader.pooler(data["pooler"], classes) if "pooler" in data else None,
        caps=tuple(reader.cap(item) for item in data.get("caps", ())),
        iac=tuple(reader.iac(item) for item in data.get("iac", ())),
        observed=tuple(reader.observed(item) for item in data.get("observed", ())),
        notes=words(data.get("notes")),
    )


def parse(text: str) -> Any:
    import yaml

    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
