"""Database servers that commands make: `gcloud sql instances create`, `az postgres flexible-server create`.

Only a server whose name in connections is written can be anybody's: the connection name of a Cloud SQL instance, the
host of a flexible server. A `patch`, `update` or `parameter set` of the same file changes what `create` said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from poollint.environments import environment_of
from poollint.facts import NOT_READ, Database, Known, Location, Origin, Setting, Unknown
from poollint.readers._pipelines import Scope, fill_in, scope_at, scopes, texts
from poollint.readers._texts import Flags, Word, commands, flags

if TYPE_CHECKING:
    from poollint.discover import Tree

_GCLOUD = re.compile(r"(?<![\w./-])gcloud\s+(?:(?:alpha|beta)\s+)?(?:sql\s+instances\s+(?:create|patch)|config\s+set\s)")
_AZ = re.compile(r"(?<![\w./-])az\s+(?:postgres|mysql)\s+flexible-server\s+(?:create|update|parameter\s+set)\b")
_SWITCHES = frozenset(
    "--async --quiet -q --storage-auto-increase --assign-ip --backup --enable-bin-log --enable-point-in-time-recovery "
    "--deletion-protection --require-ssl --enable-google-private-path --yes -y --no-wait".split()
)
_DIALECTS = {"POSTGRES": "postgresql", "MYSQL": "mysql"}


@dataclass(slots=True)
class Server:
    """All commands of one file and environment that speak of the same server; later flags win."""

    product: str  # "sql", "postgres", "mysql"
    name: str
    location: Location
    scope: Scope
    flags: dict[str, Word] = field(default_factory=dict)
    parameters: dict[str, Word] = field(default_factory=dict)

    def word(self, *names: str) -> str:
        """Return what is certainly written for the first of these flags, else ""."""
        found = next((self.flags[name] for name in names if name in self.flags), None)
        return found.text if found and found.complete and found.certainty == "exact" else ""

    def setting(self, *names: str) -> Setting:
        """Return the value of the first of these flags."""
        name = next((name for name in names if name in self.flags), None)
        return self.flags[name].setting(name) if name else Unknown(f"{names[0]} is not given", Origin(names[0]))


def read(tree: Tree) -> Iterator[Database]:
    """Yield the servers that the commands of the tree make."""
    for start, needle, add, made in (
        (_GCLOUD, b"sql", _add_cloud_sql, _cloud_sql),
        (_AZ, b"flexible-server", _add_flexible, _flexible),
    ):
        for path in texts(tree, needle):
            found: list[Database] = []
            with tree.guard(path):
                found += [fact for server in _servers(tree, path, start, add) if (fact := made(tree, server))]
            yield from found


def _servers(tree: Tree, path: str, start: re.Pattern[str], add) -> list[Server]:
    text = tree.text(path) or ""
    parts = scopes(tree, path, text)
    made: dict[tuple[str, str | None, int], Server] = {}
    project: Word | None = None
    for words in commands(path, text, start, {}):
        scope = scope_at(parts, words[0].location.line)
        words = [word for word in fill_in(words, scope.variables) if word.text not in ("alpha", "beta")]
        if [word.text for word in words[1:4]] == ["config", "set", "project"] and len(words) > 4:
            project = words[4]
            continue
        given = flags(words, _SWITCHES)
        server = add(made, given, scope, words[0].location)
        if server is not None and project is not None:
            server.flags.setdefault("--project", project)
    return list(made.values())


def _server(made: dict, product: str, named: Word | None, scope: Scope, place: Location) -> Server | None:
    if named is None or not named.complete or named.certainty != "exact":
        return None
    key = (named.text, scope.environment, scope.first if scope.environment else 0)
    return made.setdefault(key, Server(product, named.text, place, scope))


def _is_declared(tree: Tree, name: str) -> bool:
    """Say whether Terraform describes a server of that name here: then its numbers hold."""
    quoted = re.compile(rf'\bname\s*=\s*"{re.escape(name)}"')
    for path in tree.named("*.tf"):
        content = tree.bytes(path) or b""
        if b"google_sql_database_instance" in content or b"flexible_server" in content:
            if quoted.search(content.decode("utf-8", "replace")):
                return True
    return False


def _fact(tree: Tree, server: Server, dialect: str, provider: str, tier: Setting, limit: Setting) -> Database:
    path = server.location.path
    return Database(
        name=server.name,
        location=server.location,
        dialect=dialect,
        provider=provider,
        tier=tier,
        max_connections=limit,
        unit=path,
        environment=environment_of(tree, path, server.scope.environment),
    )


# -- Cloud SQL: https://cloud.google.com/sdk/gcloud/reference/sql/instances/create ---------------------------------------


def _add_cloud_sql(made: dict, given: Flags, scope: Scope, place: Location) -> Server | None:
    server = _server(made, "sql", given.words[4] if len(given.words) > 4 else None, scope, place)
    if server is not None:
        server.flags.update(given.values)
        if "--clear-database-flags" in given:
            server.flags.pop("--database-flags", None)
    return server


def _cloud_sql(tree: Tree, server: Server) -> Database | None:
    engine, _, version = server.word("--database-version").partition("_")
    region = server.word("--region") or server.word("--zone", "--gce-zone").rpartition("-")[0]
    project, dialect = server.word("--project"), _DIALECTS.get(engine)
    if not (project and region and dialect) or _is_declared(tree, server.name):
        return None
    fact = _fact(tree, server, dialect, f"cloud-sql-{dialect}", _tier(server), _flag(server))
    said = server.setting("--database-version")
    return replace(
        fact,
        version=replace(said, value=version.replace("_", ".")) if isinstance(said, Known) else said,
        identities=(f"cloudsql:{project}:{region}:{server.name}",),
    )


def _tier(server: Server) -> Setting:
    """Return `--tier`, or the custom one that `--cpu=2 --memory=7680MB` means."""
    tier, cpus, memory = (server.setting(name) for name in ("--tier", "--cpu", "--memory"))
    if "--tier" in server.flags or not (isinstance(cpus, Known) and isinstance(memory, Known)):
        return tier
    match = re.fullmatch(r"(\d+)(?:([GM])i?B)?", memory.value)
    if not match or not cpus.value.isdigit():
        return Unknown("--memory is no size", memory.origin)
    mebibytes = int(match[1]) * (1 if match[2] == "M" else 1024)
    return replace(memory, value=f"db-custom-{cpus.value}-{mebibytes}")


def _flag(server: Server) -> Setting:
    """Return max_connections of `--database-flags=a=1,max_connections=200`."""
    given = server.setting("--database-flags")
    if "--database-flags" not in server.flags:
        return NOT_READ
    if isinstance(given, Unknown):
        match = re.search(r"\bmax_connections=(\d+)(?=,|$)", server.flags["--database-flags"].text)
        return Known(int(match[1]), Origin("max_connections", given.origin.location)) if match else given
    value = dict(pair.strip().partition("=")[::2] for pair in given.value.split(",")).get("max_connections")
    if value is None:
        return NOT_READ
    origin = replace(given.origin, says="max_connections")
    return replace(given, value=int(value), origin=origin) if value.isdigit() else Unknown("it is no number", origin)


# -- Azure: https://learn.microsoft.com/cli/azure/postgres/flexible-server ------------------------------------------------


def _add_flexible(made: dict, given: Flags, scope: Scope, place: Location) -> Server | None:
    product, is_parameter = given.words[1].text, given.words[3].text == "parameter"
    named = given.get("--server-name", "-s") if is_parameter else given.get("--name", "-n")
    server = _server(made, product, named, scope, place)
    if server is not None and is_parameter:
        name, value = given.get("--name", "-n"), given.get("--value", "-v")
        if name and value:
            server.parameters[name.text] = value
    elif server is not None:
        server.flags.update(given.values)
    return server


def _flexible(tree: Tree, server: Server) -> Database | None:
    dialect = {"postgres": "postgresql"}.get(server.product, server.product)
    if _is_declared(tree, server.name):
        return None
    fact = _fact(tree, server, dialect, f"azure-{dialect}-flexible", server.setting("--sku-name"), _parameter(server))
    host = f"{server.name}.{server.product}.database.azure.com".lower()
    return replace(fact, version=server.setting("--version"), hosts=(host,))


def _parameter(server: Server) -> Setting:
    word = server.parameters.get("max_connections")
    given = word.setting("max_connections") if word else NOT_READ
    if not isinstance(given, Known):
        return given
    return replace(given, value=int(given.value)) if given.value.isdigit() else Unknown("no number", given.origin)
