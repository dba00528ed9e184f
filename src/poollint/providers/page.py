"""A provider's row for people and for programs: every number with its grade, its source and the date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from poollint.facts import NO_CEILING
from poollint.providers.limits import Block, Figure
from poollint.providers.schema import Ending, PoolerFacts

if TYPE_CHECKING:
    from poollint.providers import Provider

OF = {"memory": "GiB", "vcpu": "vCPU", "acu": "ACU", "cu": "CU"}
WHERE = {
    "pooler-to-server": "between pooler and server, no client meets it",
    "transaction": "inside a transaction",
    "wait": "while waiting for a slot",
    "compute": "the whole database rests",
}


# -- text --------------------------------------------------------------------------------------------------------------


def lines(provider: Provider) -> list[str]:
    """Return the row as text, a heading for each part that has something to say."""
    dialects = ", ".join(provider.dialects) or "any dialect"
    found = [provider.title, f"{provider.name}: {provider.kind}, {dialects}, figures gathered {provider.checked}"]
    for heading, part in _parts(provider):
        body = list(part)
        if body:
            found += ["", heading, *(f"  {line}" for line in body)]
    return found


def _parts(provider: Provider) -> Iterator[tuple[str, Iterator[str]]]:
    yield "How to recognise it", _recognised(provider)
    yield "Default limit (max_connections)", _blocks(provider.limit, provider.unit)
    yield "Low estimate", _blocks(provider.low, provider.unit)
    yield "Largest default", iter([_line(provider.largest, "of any tier")] if provider.largest else [])
    yield "Kept back", _reserves(provider)
    yield "What ends connections", (_ending(ending) for ending in provider.endings)
    keepalive = provider.keeps_alive
    yield "Keepalive", iter([_line(keepalive, "idle seconds until the server sends a probe")] if keepalive else [])
    yield "Pooler", _pooler(provider.pooler)
    yield "Caps", (_line(cap.figure, f"{cap.connection} connections per {cap.per}") for cap in provider.caps)
    yield "Infrastructure code", _iac(provider)
    yield "Seen on running servers, not used by rules", (_line(figure, tier) for tier, figure in provider.observed)
    yield "Notes", iter(provider.notes)
    yield "Sources", _sources(provider)


def _line(figure: Figure, what: str) -> str:
    note = f" ({figure.note})" if figure.note else ""
    return f"{_number(figure.value):>8}  {what}{note}  [{_cited(figure)}]"


def _cited(figure: Figure) -> str:
    return f"{figure.grade}: {figure.source.name}, {figure.source.date}"


def _number(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value == NO_CEILING:
        return "no limit"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _recognised(provider: Provider) -> Iterator[str]:
    for pattern in provider.endpoints:
        facts = [f"ports {', '.join(map(str, pattern.ports))}" if pattern.ports else "", pattern.database]
        facts += [f"{pattern.mode} mode" if pattern.mode else "", f"through {pattern.pooler}" if pattern.pooler else ""]
        facts += [f"in {', '.join(pattern.variables)}" if pattern.variables else ""]
        facts += ["only with other evidence" if pattern.weak else "", pattern.note]
        yield f"{pattern.role}: {pattern.host or 'no host name'}{''.join(f'; {fact}' for fact in facts if fact)}"


def _blocks(blocks: tuple[Block, ...], unit: str = "", name: str = "") -> Iterator[str]:
    lead = f"{name}, " if name else ""
    for block in blocks:
        when = _condition(block)
        for figure, tiers in _by_value(block):
            yield _line(figure, f"{lead}{', '.join(tiers)}{f' {unit}' if unit else ''}{when}")
        for step in block.steps:
            of = OF.get(block.by, block.by)
            yield _line(step.figure, f"{lead}{'at' if step.exact else 'from'} {step.bound:g} {of}{when}")
        if block.formula:
            yield _line(block.base, f"{lead}{block.formula}{when}")
        if block.constant:
            each = f", for each {block.per}" if block.per else ""
            yield _line(block.constant, f"{name or 'whatever the tier'}{each}{when}")
        yield from _sizes(block)


def _sizes(block: Block) -> Iterator[str]:
    """Say how the name of a tier gives its size, with groups of the pattern as <names>."""
    if block.classes_name:
        yield f"{'':>8}  memory of {len(block.classes)} tiers from sizes/{block.classes_name}.yaml"
    for size in block.sizes:
        tier = re.sub(r"\(\?P<(\w+)>[^()]*\)", r"<\1>", size.pattern)
        gives = ", ".join(f"{variable} {text}" for variable, text in size.variables.items())
        yield f"{'':>8}  {tier}{f': {gives}' if gives else ''}  [{_cited(size.figure)}]"


def _by_value(block: Block) -> list[tuple[Figure, list[str]]]:
    grouped: dict[tuple[Any, ...], tuple[Figure, list[str]]] = {}
    for tier, figure in block.tiers.items():
        grouped.setdefault((figure.value, figure.grade, figure.source), (figure, []))[1].append(tier)
    return list(grouped.values())


def _condition(block: Block) -> str:
    said = list(block.dialects)
    said += [f"version {block.versions}"] if block.versions else []
    said += [f"tiers {block.only}"] if block.only else []
    return "".join(f"; {word}" for word in said)


def _reserves(provider: Provider) -> Iterator[str]:
    if provider.reserves == ():
        yield f"{'0':>8}  nothing"
    for part in provider.reserves or ():
        yield _line(part.figure, part.what + "".join(f"; {dialect}" for dialect in part.dialects))


def _ending(ending: Ending) -> str:
    said = f"s of age: {ending.what}" if ending.after == "age" else f"s idle: {ending.what}"
    said += "" if ending.effect == "unknown" else f", {ending.effect}"
    said += "" if ending.where == "client" else f"; {WHERE[ending.where]}"
    if ending.where == "client" and not ending.on_path:
        said += "; off, or none found" if ending.seconds.value is None else "; only where it is shown to be on the path"
    said += f"; {', '.join(ending.dialects)}" if ending.dialects else ""
    said += f"; not through {', '.join(ending.not_roles)}" if ending.not_roles else ""
    return _line(ending.seconds, said + (f"; through {', '.join(ending.roles)}" if ending.roles else ""))


def _pooler(pooler: PoolerFacts | None) -> Iterator[str]:
    if pooler is None:
        return
    yield f"{'':>8}  {pooler.product}"
    if pooler.default_mode:
        yield _line(pooler.default_mode, "by default")
    for support in pooler.prepared_statements:
        yield _line(support.figure, f"prepared statements{f', version {support.versions}' if support.versions else ''}")
    for name, blocks in pooler.limits.items():
        yield from _blocks(blocks, name=name)


def _iac(provider: Provider) -> Iterator[str]:
    for entry in provider.iac:
        when = "".join(f" where {key} has {pattern}" for key, pattern in entry.when.items())
        fields = ", ".join(f"{name} in {where}" for name, where in entry.fields.items())
        yield f"{entry.tool} {entry.type}{when}{f': {fields}' if fields else ''}"


def _sources(provider: Provider) -> Iterator[str]:
    for name, source in provider.sources.items():
        yield f"{name}: {source.title}, {source.date}"
        if source.url:
            yield f"    {source.url}"


# -- JSON --------------------------------------------------------------------------------------------------------------


def document(provider: Provider) -> dict[str, Any]:
    """Return the row as plain data."""
    return {
        "name": provider.name,
        "title": provider.title,
        "kind": provider.kind,
        "dialects": list(provider.dialects),
        "checked": provider.checked,
        "endpoints": [_endpoint(pattern) for pattern in provider.endpoints],
        "max_connections": _limits(provider.limit),
        "low_estimate": _limits(provider.low),
        "largest_default": provider.largest and _figure(provider.largest),
        "settable": list(provider.settable),
        "reserved": [{"what": part.what, **_figure(part.figure)} for part in provider.reserves or ()],
        "ends_connections": [_end(ending) for ending in provider.endings],
        "keepalive": provider.keeps_alive and _figure(provider.keeps_alive),
        "pooler": provider.pooler and _behaviour(provider.pooler),
        "caps": [{"connection": cap.connection, "per": cap.per, **_figure(cap.figure)} for cap in provider.caps],
        "iac": [{"tool": i.tool, "type": i.type, "when": dict(i.when), "fields": dict(i.fields)} for i in provider.iac],
        "observed": [{"tier": tier, **_figure(figure)} for tier, figure in provider.observed],
        "notes": list(provider.notes),
        "sources": [{"title": s.title, "url": s.url, "date": s.date} for s in provider.sources.values()],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    source = figure.source
    return {
        "value": None if figure.value == NO_CEILING else figure.value,
        "known": figure.value is not None,
        "grade": figure.grade,
        "certainty": figure.certainty,
        "note": "no ceiling" if figure.value == NO_CEILING else figure.note,
        "source": {"title": source.title, "url": source.url, "date": source.date},
    }


def _endpoint(pattern: Any) -> dict[str, Any]:
    return {
        "role": pattern.role,
        "host": pattern.host,
        "ports": list(pattern.ports),
        "database": pattern.database or None,
        "mode": pattern.mode,
        "pooler": pattern.pooler,
        "weak": pattern.weak,
        "also": list(pattern.also),
        "variables": list(pattern.variables),
        "examples": list(pattern.examples),
    }


def _limits(blocks: tuple[Block, ...]) -> list[dict[str, Any]]:
    """Return one entry for each number; a formula over the classes of a file comes with its results."""
    found: list[dict[str, Any]] = []
    for block in blocks:
        holds = {"dialects": list(block.dialects), "versions": block.versions or None, "per": block.per or None}
        found += [{"tier": tier, **_figure(figure), **holds} for tier, figure in block.tiers.items()]
        for step in block.steps:
            found.append({"by": block.by, "at" if step.exact else "from": step.bound, **_figure(step.figure), **holds})
        if block.formula:
            evaluated = {name: figure.value for name in block.classes if (figure := block.figure(name, {}))}
            found.append({"formula": block.formula, "evaluated": evaluated, **_figure(block.base), **holds})
        if block.constant:
            found.append({"tier": None, **_figure(block.constant), **holds})
    return found


def _end(ending: Ending) -> dict[str, Any]:
    return {
        "what": ending.what,
        "seconds": ending.seconds.value,
        "after": ending.after,
        "effect": ending.effect,
        "where": ending.where,
        "on_path": ending.on_path,
        "roles": list(ending.roles),
        "not_roles": list(ending.not_roles),
        "dialects": list(ending.dialects),
        **{key: value for key, value in _figure(ending.seconds).items() if key != "value"},
    }


def _behaviour(pooler: PoolerFacts) -> dict[str, Any]:
    return {
        "product": pooler.product,
        "default_mode": pooler.default_mode and _figure(pooler.default_mode),
        "prepared_statements": [
            {"versions": support.versions or None, **_figure(support.figure)} for support in pooler.prepared_statements
        ],
        "limits": {name: _limits(blocks) for name, blocks in pooler.limits.items()},
        "images": list(pooler.images),
    }
