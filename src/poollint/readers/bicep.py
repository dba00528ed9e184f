"""Bicep: Container Apps, App Service and flexible servers with the defaults of their parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import Database, Environment, Known, Location, Origin, Pooler, Setting, Unknown, Workload
from poollint.hcl.values import Reference
from poollint.readers import _app_service
from poollint.readers._bicep import Block, File, number, resources, text_of, variable
from poollint.readers._containers import is_infrastructure
from poollint.readers._platform import environment_of
from poollint.readers._variables import Variables
from poollint.readers.terraform._azure import BUILT_IN, DEFAULT_CONCURRENCY, DEFAULT_REPLICAS

if TYPE_CHECKING:
    from poollint.discover import Tree

LARGEST = 512 * 1024  # characters
_GIVEN = re.compile(r"^[ \t]*param[ \t]+(\w+)[ \t]*=[ \t]*([^\n]+)$", re.MULTILINE)
_NEEDLES = (b"Microsoft.App/containerApps", b"flexibleServers", b"Microsoft.Web/sites")
_SERVERS = {
    "Microsoft.DBforPostgreSQL/flexibleServers": "postgresql",
    "Microsoft.DBforMySQL/flexibleServers": "mysql",
}


def read(tree: Tree) -> Iterator[Workload | Database | Pooler]:
    """Yield what each file describes, once per .bicepparam file that uses it."""
    for path in tree.named("*.bicep"):
        content = tree.bytes(path) or b""
        if not any(needle in content for needle in _NEEDLES):
            continue
        facts: list[Workload | Database | Pooler] = []
        with tree.guard(path):
            text = tree.text(path) or ""
            if len(text) > LARGEST:
                tree.skip(path, f"larger than {LARGEST // 1024} KiB")
            else:
                for environment, overrides in _parameter_files(tree, path).items():
                    facts += _facts(File(path, text, overrides, environment_of(tree, path, environment)))
        yield from facts


def _parameter_files(tree: Tree, path: str) -> dict[str | None, dict[str, tuple[str, Location]]]:
    """Return environment → parameters of the .bicepparam files whose `using` names this file."""
    name = path.rpartition("/")[2]
    found: dict[str | None, dict[str, tuple[str, Location]]] = {}
    for file in tree.named("*.bicepparam"):
        text = tree.text(file) or ""
        if re.search(rf"^using\s+'[^'\n]*{re.escape(name)}'", text, re.MULTILINE) and len(text) <= LARGEST:
            stem = file.rpartition("/")[2].split(".")[-2]
            given = {
                m[1]: (m[2].strip(), Location(file, text.count("\n", 0, m.start()) + 1)) for m in _GIVEN.finditer(text)
            }
            found[stem if stem != name.removesuffix(".bicep") else None] = given
    return found or {None: {}}


def _facts(file: File) -> Iterator[Workload | Database | Pooler]:
    blocks = resources(file)
    for block in blocks:
        if block.kind == "Microsoft.App/containerApps":
            yield from _container_app(block)
        elif block.kind in _SERVERS:
            yield from _server(block, blocks)
        elif block.kind == _app_service.SITE:
            yield from _app_service.sites(block, blocks)


def _container_app(block: Block) -> Iterator[Workload]:
    template = block.inner("properties")
    template = template.inner("template") if template else None
    containers = template.inner("containers") if template else None
    if template is None or containers is None:
        return
    written = template.get("scale", "maxReplicas")
    instances = number(written, "maxReplicas") if written is not None else DEFAULT_REPLICAS
    mode = block.get("properties", "configuration", "activeRevisionsMode")
    if isinstance(mode, Known) and mode.value == "Multiple":
        instances = Unknown("each active revision has replicas of its own", mode.origin)
    for container in containers.items():
        written = container.own("image")
        image = str(written.value) if isinstance(written, Known) else None
        if is_infrastructure(image):
            continue
        yield Workload(
            name=text_of(block.own("name")) or block.symbol,
            platform="container-apps",
            kind="service",
            location=block.location,
            unit=block.file.path,
            environment=block.file.environment,
            life="scale-to-zero",
            instances=instances,
            concurrency=_concurrency(template),
            cpus=container.get("resources", "cpu") or Unknown("cpu is not set"),
            variables=_variables(container),
            image=image,
        )


def _concurrency(template: Block) -> Setting:
    """Return the requests per replica at which an HTTP rule adds another."""
    scale = template.inner("scale")
    rules = scale.inner("rules") if scale else None
    for rule in rules.items() if rules else ():
        if (written := rule.get("http", "metadata", "concurrentRequests")) is not None:
            return number(written, "concurrentRequests")
    return DEFAULT_CONCURRENCY


def _variables(container: Block) -> Environment:
    found = Variables()
    listed = container.inner("env")
    found.complete = listed is not None or not any(m[1] == "env" for m, d in container.properties() if d == 0)
    for item in listed.items() if listed else ():
        name = text_of(item.own("name"))
        if not name:
            continue
        secret, value = item.own("secretRef"), item.own("value")
        if secret is not None:
            identity = f"container-app-secret/{container.file.path}/{text_of(secret)}" if text_of(secret) else None
            found.set(name, Unknown(f"{name} comes from a secret", Origin(name, item.location)), identity)
        elif isinstance(value, Known):
            found.set(name, variable(name, value))
        else:
            found.set(name, value or Unknown(f"{name} has no value", Origin(name, item.location)))
    return found.frozen()


def _server(block: Block, blocks: list[Block]) -> Iterator[Database | Pooler]:
    dialect = _SERVERS[block.kind]
    name = text_of(block.own("name"))
    given = _configurations(block, blocks)
    domain = "postgres" if dialect == "postgresql" else "mysql"
    hosts = (f"{name}.{domain}.database.azure.com".lower(),) if name else ()
    token = f"${{{block.symbol}.properties.fullyQualifiedDomainName}}".lower()
    database = Database(
        name=name or block.symbol,
        location=block.location,
        dialect=dialect,
        provider=f"azure-{dialect}-flexible",
        tier=_plain(block.get("sku", "name"), "sku", block),
        max_connections=number(given.get("max_connections"), "max_connections"),
        version=_plain(block.get("properties", "version"), "version", block),
        unit=block.file.path,
        environment=block.file.environment,
        hosts=(token, *hosts),
        identities=(f"iac:{block.file.path}/{block.symbol}",),
    )
    yield database
    enabled = given.get("pgbouncer.enabled")
    if isinstance(enabled, Known) and str(enabled.value).lower() == "true":
        mode = given.get("pgbouncer.pool_mode") or Known("transaction", Origin(BUILT_IN), "default")
        yield Pooler(
            name=f"{database.name}-pgbouncer",
            product="pgbouncer",
            location=enabled.origin.location,
            mode=mode,
            unit=block.file.path,
            environment=block.file.environment,
            hosts=(token, *hosts),
            ports=(6432,),
            provider="azure-postgresql-flexible-pgbouncer",
        )


def _configurations(server: Block, blocks: list[Block]) -> dict[str, Setting]:
    """Return the server's parameters: resources of kind `configurations` with the server as their parent."""
    found: dict[str, Setting] = {}
    for block in blocks:
        if not block.kind.endswith("flexibleServers/configurations"):
            continue
        name, value = text_of(block.own("name")), block.get("properties", "value")
        if name and value is not None and block.word_after("parent") == server.symbol:
            found[name] = value
    return found


def _plain(setting: Setting | None, says: str, block: Block) -> Setting:
    if isinstance(setting, Known) and isinstance(setting.value, Reference):
        return Unknown(f"{says} is only known after a deployment", setting.origin)
    return setting or Unknown(f"{says} is not set", Origin(says, block.location))
