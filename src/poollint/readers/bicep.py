"""Bicep, line by line: Container Apps and flexible servers with the defaults of their parameters.

Not a parser of the language: blocks are found by their braces, properties by their names. A value that is more than a
literal, a parameter or a variable is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from poollint.hcl.values import Reference, reference
from poollint.facts import Database, Environment, Known, Location, Origin, Pooler, Setting, Unknown, Workload
from poollint.readers._containers import is_infrastructure
from poollint.readers._passwords import hide
from poollint.readers._platform import environment_of
from poollint.readers.terraform._azure import BUILT_IN, DEFAULT_CONCURRENCY, DEFAULT_REPLICAS
from poollint.readers._variables import Variables

if TYPE_CHECKING:
    from poollint.discover import Tree

LARGEST = 512 * 1024  # characters
MOST_RESOURCES = 200
_RESOURCE = re.compile(
    r"^[ \t]*resource[ \t]+(\w+)[ \t]+'([\w./]+)@[^'\n]*'[ \t]*(?:existing[ \t]*)?="
    r"[ \t]*(?:if[ \t]*\([^\n]*\)[ \t]*)?\{",
    re.MULTILINE,
)
_PARAMETER = re.compile(
    r"^[ \t]*(?:param[ \t]+(\w+)[ \t]+[\w'| ]{1,80}?|var[ \t]+(\w+))[ \t]*=[ \t]*([^\n]+)$", re.MULTILINE
)
_PROPERTY = re.compile(r"^[ \t]*'?([\w.]+)'?[ \t]*:[ \t]*([^\n]*)$", re.MULTILINE)
_GIVEN = re.compile(r"^[ \t]*param[ \t]+(\w+)[ \t]*=[ \t]*([^\n]+)$", re.MULTILINE)
_COMMENT = re.compile(r"('(?:[^'\\]|\\.)*')|//.*$")
_SERVERS = {
    "Microsoft.DBforPostgreSQL/flexibleServers": "postgresql",
    "Microsoft.DBforMySQL/flexibleServers": "mysql",
}


def read(tree: Tree) -> Iterator[Workload | Database | Pooler]:
    """Yield what each file describes, once per .bicepparam file that uses it."""
    for path in tree.named("*.bicep"):
        content = tree.bytes(path) or b""
        if b"Microsoft.App/containerApps" not in content and b"flexibleServers" not in content:
            continue
        facts: list[Workload | Database | Pooler] = []
        with tree.guard(path):
            text = tree.text(path) or ""
            if len(text) > LARGEST:
                tree.skip(path, f"larger than {LARGEST // 1024} KiB")
            else:
                for environment, overrides in _parameter_files(tree, path).items():
                    facts += _facts(_File(path, text, overrides, environment_of(tree, path, environment)))
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


@dataclass(frozen=True, eq=False)
class _File:
    path: str
    text: str
    overrides: dict[str, tuple[str, Location]]
    environment: str | None

    def line(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1

    def named(self, name: str, depth: int = 0) -> Setting:
        """Return what a parameter or variable holds."""
        if name in self.overrides:
            text, place = self.overrides[name]
            return self.value(text, place, name, depth + 1)
        for match in _PARAMETER.finditer(self.text):
            if name in (match[1], match[2]):
                place = Location(self.path, self.line(match.start(3)))
                return self.value(match[3].strip(), place, name, depth + 1)
        return Unknown(f"{name} has no default", Origin(name))

    def value(self, text: str, place: Location, says: str, depth: int = 0) -> Setting:
        """Return the value of an expression: a literal, a name, or a text with names in it."""
        text = _COMMENT.sub(lambda match: match[1] or "", text).strip()
        origin = Origin(says, place)
        if re.fullmatch(r"-?\d{1,15}", text):
            return Known(int(text), origin)
        if text in ("true", "false"):
            return Known(text == "true", origin)
        if match := re.fullmatch(r"json\('([\d.]+)'\)", text):
            return Known(float(match[1]), origin)
        if re.fullmatch(r"'(?:[^'\\]|\\.)*'", text):
            return self.interpolated(text[1:-1], origin, depth)
        if re.fullmatch(r"[A-Za-z_]\w*", text) and depth < 8:
            return self.named(text, depth)
        if re.fullmatch(r"[A-Za-z_]\w*(\.\w+)+", text):
            return Known(reference(text), origin)
        return Unknown(f"{says} is {text[:60]}, which is not evaluated", origin)

    def interpolated(self, text: str, origin: Origin, depth: int) -> Setting:
        values = {name: self.named(name, depth + 1) for name in re.findall(r"\$\{(\w+)\}", text)} if depth < 8 else {}
        for name, setting in values.items():
            if isinstance(setting, Known) and isinstance(setting.value, (str, int)):
                text = text.replace("${" + name + "}", str(setting.value))
        text = text[:2000]
        return Known(Reference(text) if "${" in text else text, origin)


@dataclass(frozen=True, eq=False)
class _Block:
    """A brace and what it holds: offsets into the file."""

    file: _File
    start: int
    end: int
    symbol: str = ""
    kind: str = ""

    @property
    def location(self) -> Location:
        return Location(self.file.path, self.file.line(self.start))

    def get(self, *names: str) -> Setting | None:
        """Return a property at a path of nested objects."""
        block: _Block | None = self
        for name in names[:-1]:
            block = block.inner(name) if block else None
        return block.own(names[-1]) if block else None

    def own(self, name: str) -> Setting | None:
        for match, depth in self.properties():
            if depth == 0 and match[1] == name and match[2].strip() not in ("", "{", "["):
                place = Location(self.file.path, self.file.line(match.start(1)))
                return self.file.value(match[2], place, name)
        inside = self.file.text[self.start : self.end]
        if "\n" not in inside and (match := re.search(rf"[{{,\s]{name}\s*:\s*('[^']*'|[\w.]+)", inside)):
            return self.file.value(match[1], self.location, name)
        return None

    def inner(self, name: str) -> _Block | None:
        for match, depth in self.properties():
            if depth == 0 and match[1] == name and match[2].strip()[:1] in ("{", "["):
                start = match.start(2) + len(match[2]) - len(match[2].lstrip())
                return _Block(self.file, start, _closing(self.file.text, start))
        return None

    def properties(self) -> Iterator[tuple[re.Match[str], int]]:
        """Yield every property below with how many brackets stand around it."""
        depth, position = 0, self.start + 1
        for match in _PROPERTY.finditer(self.file.text, self.start + 1, self.end):
            depth += _balance(self.file.text, position, match.start())
            position = match.start()
            yield match, depth

    def items(self) -> Iterator[_Block]:
        """Yield the objects of an array."""
        position = self.start + 1
        while position < self.end:
            start = self.file.text.find("{", position, self.end)
            if start < 0:
                return
            end = _closing(self.file.text, start)
            yield _Block(self.file, start, end)
            position = end + 1


_TOKEN = re.compile(r"'''.*?'''|'(?:[^'\\\n]|\\.)*'|//[^\n]*|[{}\[\]]", re.DOTALL)


def _balance(text: str, start: int, end: int) -> int:
    return sum({"{": 1, "[": 1, "}": -1, "]": -1}.get(m[0], 0) for m in _TOKEN.finditer(text, start, end))


def _closing(text: str, start: int) -> int:
    depth = 0
    for match in _TOKEN.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(match[0], 0)
        if depth == 0:
            return match.start()
    return len(text)


def _facts(file: _File) -> Iterator[Workload | Database | Pooler]:
    blocks = [
        _Block(file, match.end() - 1, _closing(file.text, match.end() - 1), match[1], match[2])
        for match in islice(_RESOURCE.finditer(file.text), MOST_RESOURCES)
    ]
    for block in blocks:
        if block.kind == "Microsoft.App/containerApps":
            yield from _container_app(block)
        elif block.kind in _SERVERS:
            yield from _server(block, blocks)


def _container_app(block: _Block) -> Iterator[Workload]:
    template = block.inner("properties")
    template = template.inner("template") if template else None
    containers = template.inner("containers") if template else None
    if template is None or containers is None:
        return
    written = template.get("scale", "maxReplicas")
    instances = _number(written, "maxReplicas") if written is not None else DEFAULT_REPLICAS
    mode = block.get("properties", "configuration", "activeRevisionsMode")
    if isinstance(mode, Known) and mode.value == "Multiple":
        instances = Unknown("each active revision has replicas of its own", mode.origin)
    for container in containers.items():
        written = container.own("image")
        image = str(written.value) if isinstance(written, Known) else None
        if is_infrastructure(image):
            continue
        yield Workload(
            name=_text(block.own("name")) or block.symbol,
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


def _concurrency(template: _Block) -> Setting:
    """Return the requests per replica at which an HTTP rule adds another."""
    scale = template.inner("scale")
    rules = scale.inner("rules") if scale else None
    for rule in rules.items() if rules else ():
        if (written := rule.get("http", "metadata", "concurrentRequests")) is not None:
            return _number(written, "concurrentRequests")
    return DEFAULT_CONCURRENCY


def _text(setting: Setting | None) -> str | None:
    """Return a value that can be read in full."""
    plain = isinstance(setting, Known) and not isinstance(setting.value, Reference)
    return str(setting.value) if plain else None  # type: ignore[union-attr]


def _variables(container: _Block) -> Environment:
    found = Variables()
    listed = container.inner("env")
    found.complete = listed is not None or not any(m[1] == "env" for m, d in container.properties() if d == 0)
    for item in listed.items() if listed else ():
        name = _text(item.own("name"))
        if not name:
            continue
        secret, value = item.own("secretRef"), item.own("value")
        if secret is not None:
            identity = f"container-app-secret/{container.file.path}/{_text(secret)}" if _text(secret) else None
            found.set(name, Unknown(f"{name} comes from a secret", Origin(name, item.location)), identity)
        elif isinstance(value, Known):
            found.set(name, _value(name, value))
        else:
            found.set(name, value or Unknown(f"{name} has no value", Origin(name, item.location)))
    return found.frozen()


def _value(name: str, value: Known) -> Setting:
    """Return a variable's value without its password; a text that is one token other than a host's is unknown."""
    origin = Origin(name, value.origin.location)
    text = value.value
    if isinstance(text, Reference) and text.is_single and not text.endswith(".fullyQualifiedDomainName}"):
        return Unknown(f"{name} is {text[2:-1]}, which only a deployment knows", origin)
    return Known(hide(name, str(text)), origin)


def _server(block: _Block, blocks: list[_Block]) -> Iterator[Database | Pooler]:
    dialect = _SERVERS[block.kind]
    name = _text(block.own("name"))
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
        max_connections=_number(given.get("max_connections"), "max_connections"),
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


def _configurations(server: _Block, blocks: list[_Block]) -> dict[str, Setting]:
    """Return the server's parameters: resources of kind `configurations` with the server as their parent."""
    found: dict[str, Setting] = {}
    for block in blocks:
        if not block.kind.endswith("flexibleServers/configurations"):
            continue
        parent = re.search(r"^[ \t]*parent[ \t]*:[ \t]*(\w+)", server.file.text[block.start : block.end], re.MULTILINE)
        name, value = _text(block.own("name")), block.get("properties", "value")
        if name and value is not None and parent and parent[1] == server.symbol:
            found[name] = value
    return found


def _plain(setting: Setting | None, says: str, block: _Block) -> Setting:
    if isinstance(setting, Known) and isinstance(setting.value, Reference):
        return Unknown(f"{says} is only known after a deployment", setting.origin)
    return setting or Unknown(f"{says} is not set", Origin(says, block.location))


def _number(setting: Setting | None, says: str) -> Setting:
    if setting is None:
        return Unknown(f"{says} is not set", Origin(says))
    if isinstance(setting, Known) and str(setting.value).isdigit():
        return Known(int(setting.value), Origin(says, setting.origin.location))
    return setting if isinstance(setting, Unknown) else Unknown(f"{says} is no number", setting.origin)
