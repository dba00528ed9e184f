"""Azure App Service and Functions in Bicep: sites, the plans that carry them, and what scales the plans.

https://learn.microsoft.com/azure/templates/microsoft.web/serverfarms
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import Environment, Known, Origin, Setting, Unknown, Words, Workload
from poollint.hcl.values import Reference
from poollint.readers._bicep import Block, number, text_of, variable
from poollint.readers._variables import Variables

SITE = "Microsoft.Web/sites"
_PLAN = "Microsoft.Web/serverfarms"
_SCALER = "Microsoft.Insights/autoscaleSettings"
_VAULT = "@Microsoft.KeyVault("


def sites(block: Block, blocks: list[Block]) -> Iterator[Workload]:
    """Yield the workload of a site that may run Python; a plan runs each of its sites on all of its instances."""
    config = block.inner("properties")
    config = config.inner("siteConfig") if config else None
    stack = (text_of(config.own("linuxFxVersion")) if config else None) or ""
    is_image = stack.upper().startswith("DOCKER|")
    if stack and not is_image and not stack.upper().startswith("PYTHON|"):
        return
    is_function = "functionapp" in (text_of(block.own("kind")) or "")
    start = config.own("appCommandLine") if config else None
    line = text_of(start)
    yield Workload(
        name=text_of(block.own("name")) or block.symbol,
        platform="functions" if is_function else "app-service",
        kind="function" if is_function else "service",
        location=block.location,
        unit=block.file.path,
        environment=block.file.environment,
        life="per-invocation" if is_function else "long-lived",
        instances=_function_instances(block, config) if is_function else _instances(block, blocks),
        variables=_variables(block, config, blocks),
        command=Words(start.origin.location or block.location, shell=line) if start is not None and line else None,
        image=stack.partition("|")[2] if is_image else None,
    )


def _instances(block: Block, blocks: list[Block]) -> Setting:
    """Return the most instances of the site's plan: an autoscaler's maximum, else `sku.capacity`."""
    farm = block.get("properties", "serverFarmId")
    plan = next((plan for plan in blocks if plan.kind == _PLAN and _means(farm, plan)), None)
    if plan is None:
        return Unknown("the plan of the site is not in this file", Origin("serverFarmId", block.location))
    for scaler in blocks:
        if scaler.kind == _SCALER and _means(scaler.get("properties", "targetResourceUri"), plan):
            return _maximum(scaler)
    return number(plan.get("sku", "capacity"), "capacity")


def _means(setting: Setting | None, block: Block) -> bool:
    """Say whether a value is the id of a resource of this file."""
    return (
        isinstance(setting, Known) and isinstance(setting.value, Reference) and setting.value == f"${{{block.symbol}.id}}"
    )


def _maximum(scaler: Block) -> Setting:
    """Return the largest `capacity.maximum` of the profiles; one that cannot be read leaves it unknown."""
    properties = scaler.inner("properties")
    profiles = properties.inner("profiles") if properties else None
    found = [_digits(profile.get("capacity", "maximum")) for profile in profiles.items()] if profiles else []
    unknown = next((setting for setting in found if isinstance(setting, Unknown)), None)
    if unknown is not None or not found:
        return unknown or Unknown("the autoscaler has no profile", Origin("maximum", scaler.location))
    return max(found, key=lambda setting: setting.value)  # type: ignore[union-attr]


def _digits(setting: Setting | None) -> Setting:
    return number(setting, "maximum")


def _function_instances(block: Block, config: Block | None) -> Setting:
    """Return what caps a function app; the plan's own limit depends on a plan that may be anything."""
    limit = config.own("functionAppScaleLimit") if config else None
    limit = limit or block.get("properties", "functionAppConfig", "scaleAndConcurrency", "maximumInstanceCount")
    if limit is None:
        return Unknown("no functionAppScaleLimit is set, so the plan decides", Origin("instances", block.location))
    return number(limit, "functionAppScaleLimit")


# -- variables ---------------------------------------------------------------------------------------------------------


def _variables(block: Block, config: Block | None, blocks: list[Block]) -> Environment:
    """Return the application settings; a resource of its own for them replaces those of the site."""
    found = Variables()
    listed = config.inner("appSettings") if config else None
    entries = [(text_of(item.own("name")), item.own("value"), item) for item in listed.items()] if listed else []
    for other in blocks:
        if other.kind == f"{SITE}/config" and text_of(other.own("name")) == "appsettings" and _is_child(other, block):
            entries = _pairs(other)
    found.complete = bool(entries)
    for name, value, place in entries:
        if not name:
            found.complete = False
        elif not isinstance(value, Known):
            found.set(name, value or Unknown(f"{name} has no value", Origin(name, place.location)))
        elif str(value.value).startswith(_VAULT):
            found.set(name, Unknown(f"{name} comes from a key vault", value.origin), f"key-vault/{value.value}")
        else:
            found.set(name, variable(name, value))
    return found.frozen()


def _pairs(config: Block) -> list[tuple[str | None, Setting | None, Block]]:
    properties = config.inner("properties")
    names = [match[1] for match, depth in properties.properties() if depth == 0] if properties else []
    return [(name, properties.own(name), properties) for name in names] if properties else []


def _is_child(config: Block, site: Block) -> bool:
    return config.word_after("parent") == site.symbol
