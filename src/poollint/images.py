"""Database and pooler containers, recognised by their image: limits, modes and sizes from flags, files and variables.

Shared by every format that starts containers. What an image is named like is its identity; a port is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from poollint.facts import Database, Environment, Known, Location, Origin, Pooler, Setting, Target, Unknown, Words

ReadFile = Callable[[str], tuple[str, str] | None]
"""A path inside the container → (text, path in the repository), for what is mounted or copied there."""


def _one_of(names: str) -> re.Pattern[str]:
    """Return a pattern for whole names, which may hold `\\d+`."""
    return re.compile("|".join(names.split()))


_POSTGRESQL = _one_of(
    r"postgres postgresql postgres-ha postgresql-ha postgresql-repmgr postgres-ssl postgres-partman postgis pgvector "
    r"pgvecto-rs vchord-postgres vchord-suite timescaledb timescaledb-ha timescaledb-postgis citus paradedb age "
    r"pgroonga spilo spilo-\d+ crunchy-postgres crunchy-postgres-ha crunchy-postgres-gis pgduckdb "
    r"percona-distribution-postgresql"
)
_MYSQL = _one_of(r"mysql mysql-server mysql-\d+ mysql-\d+-centos7 percona percona-server percona-xtradb-cluster")
_MARIADB = _one_of(r"mariadb mariadb-galera mariadb-\d+")
_PRODUCTS = ("pgbouncer", "pgcat", "pgdog", "odyssey", "supavisor", "pgpool", "proxysql")
# `pgbouncer-exporter` stands beside a pooler and is none.
_BESIDE = frozenset(
    "exporter metrics monitor monitoring operator init config ui admin dashboard backup auth tools".split()
)
_PORTS = {
    "pgbouncer": 6432,
    "pgcat": 6432,
    "pgdog": 6432,
    "odyssey": 6432,
    "supavisor": 6543,
    "pgpool": 5432,
    "proxysql": 6033,
}

# The same setting under the names that the images give it.
_PREFIXES = ("", "PGBOUNCER_", "PGCAT_", "PGDOG_")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name taken apart: registry and path, last part, tag."""

    path: str
    name: str
    tag: str | None


def reference(image: str) -> Reference:
    """Take an image's name apart: `ghcr.io/a/postgres:16.4@sha256:…`."""
    plain = image.strip().partition("@")[0].lower()
    head, colon, tail = plain.rpartition(":")
    path, tag = (head, tail) if colon and "/" not in tail else (plain, None)
    return Reference(path, path.rpartition("/")[2], tag or None)


def version_of(image: str) -> Setting:
    """Return the version that the tag states; `latest`, a bare digit or a date is none."""
    tag = reference(image).tag
    match = re.match(r"(?:pgbouncer-|pg)?v?(\d{1,3}\.\d{1,3}(?:\.\d{1,4})?)", tag or "")
    if match:
        return Known(match[1], Origin(f"image tag {tag}"))
    return Unknown(f"the image tag is {tag}" if tag else "the image has no tag", Origin("image"))


def kind_of(image: str) -> str | None:
    """Return "postgresql", "mysql", "mariadb" or the product of a pooler; None for every other image."""
    name = reference(image).name
    words = set(re.split(r"[-_.]", name))
    if not words & _BESIDE:
        for product in _PRODUCTS:
            if product in words:
                return product
    for pattern, dialect in ((_POSTGRESQL, "postgresql"), (_MYSQL, "mysql"), (_MARIADB, "mariadb")):
        if pattern.fullmatch(name):
            return dialect
    return None


# Runtimes of other languages: nothing with SQLAlchemy runs in them.
_OTHER_RUNTIMES = _one_of(
    r"node nginx nginx-unprivileged caddy httpd traefik haproxy golang go rust openjdk eclipse-temurin amazoncorretto "
    r"maven gradle ruby php php-fpm composer perl elixir erlang dotnet aspnet bun deno swift scratch "
    r"static(-debian\d+)? playwright keycloak solr"
)


def runs_no_python(image: str) -> bool:
    """Say whether an image is made for another language, or for static files."""
    one = reference(image)
    return bool(_OTHER_RUNTIMES.fullmatch(one.name)) and "python" not in (one.tag or "")


def server_of(
    image: str, variables: Environment, command: Words | None = None, read: ReadFile | None = None
) -> Database | Pooler | None:
    """Return the database server or pooler that a container is, without name, place and hosts, or None.

    command  what the container is told, as words or as the text of a shell
    read     gives the files mounted into it
    """
    kind = kind_of(image)
    if kind is None or _runs_something_else(command):
        return None
    given = _Given(
        image,
        variables.variables,
        variables.complete,
        list(_words(command)),
        command.location if command else None,
        read,
    )
    if kind in _PRODUCTS:
        return _pooler(kind, given)
    return _database(kind, given)


_CLIENTS = re.compile(
    r"(^|[\s/\"'])(psql|pg_dump|pg_dumpall|pg_restore|pg_isready|pg_basebackup|createdb|crond?"
    r"|mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\s"
)


def _runs_something_else(command: Words | None) -> bool:
    """Say whether the image serves only as a toolbox here: a backup, a wait, a script of psql."""
    if command is None:
        return False
    text = command.shell if command.shell is not None else " ".join(command.words)
    serves = re.search(
        r"(^|[\s/\"'])(postgres|mysqld|mariadbd|docker-entrypoint\.sh|pgbouncer)([\s\"';]|$)|max[_-]connections", text
    )
    return serves is None and _CLIENTS.search(text + " ") is not None


@dataclass(frozen=True, slots=True)
class _Given:
    image: str
    variables: Mapping[str, Setting]
    complete: bool
    words: list[tuple[str, Location | None]]
    location: Location | None
    read: ReadFile | None

    def variable(self, *names: str) -> Setting | None:
        for name in names:
            if name in self.variables:
                return self.variables[name]
        return None

    def number(self, *names: str) -> Setting | None:
        setting = self.variable(*names)
        return None if setting is None else _whole(setting)

    def text(self, *names: str) -> str | None:
        setting = self.variable(*names)
        return str(setting.value).strip() if isinstance(setting, Known) and str(setting.value).strip() else None

    def file(self, path: str) -> tuple[str, str] | None:
        return self.read(path) if self.read else None


def _words(command: Words | None) -> Iterator[tuple[str, Location | None]]:
    if command is None:
        return
    if command.shell is not None:
        for word in re.split(r"\s+", command.shell):
            yield word.strip("\"'"), command.location
        return
    for index, word in enumerate(command.words):
        place = command.locations[index] if index < len(command.locations) else command.location
        # `sh -c "postgres -c max_connections=200"` is one word that holds several.
        for part in re.split(r"\s+", word) if " " in word else [word]:
            yield part.strip("\"'"), place


def _whole(setting: Setting) -> Setting:
    if isinstance(setting, Unknown):
        return setting
    try:
        return replace(setting, value=int(str(setting.value).strip().strip("\"'")))
    except ValueError:
        return Unknown(f"{setting.origin.says} is not a plain number", setting.origin)


# -- databases


def _database(dialect: str, given: _Given) -> Database:
    limit = _limit(dialect, given)
    reserved = _option(given, "superuser_reserved_connections") if dialect == "postgresql" else None
    return Database(
        name="",
        location=None,
        dialect=dialect,
        provider=dialect,
        max_connections=limit if limit is not None else _stock(dialect, given),
        reserved=reserved if reserved is not None else _stock_reserved(dialect),
        version=version_of(given.image),
        ports=(_port(dialect, given),),
    )


_VARIABLES = {"postgresql": ("POSTGRESQL_MAX_CONNECTIONS", "POSTGRES_MAX_CONNECTIONS", "TS_TUNE_MAX_CONNS")}


def _limit(dialect: str, given: _Given) -> Setting | None:
    """Return max_connections as flag, variable or file state it, in the order in which the servers rank them."""
    flag = _option(given, "max_connections")
    if flag is not None:
        return flag
    names = _VARIABLES.get(dialect, ("MYSQL_MAX_CONNECTIONS", "MARIADB_MAX_CONNECTIONS"))
    if _listens_to_variables(given) and (variable := given.number(*names)) is not None:
        return variable
    for name in ("MYSQL_EXTRA_FLAGS", "MARIADB_EXTRA_FLAGS", "POSTGRESQL_EXTRA_FLAGS", "POSTGRES_INITDB_ARGS"):
        setting = given.variable(name)
        if isinstance(setting, Known):
            match = re.search(r"max[_-]connections\s*=\s*(\d{1,6})", str(setting.value))
            if match:
                return replace(setting, value=int(match[1]), origin=replace(setting.origin, says="max_connections"))
    return _configured(dialect, given)


def _listens_to_variables(given: _Given) -> bool:
    """The official images have no such variable; setting one there changes nothing."""
    path = reference(given.image).path
    return any(word in path for word in ("bitnami", "timescale", "sclorg", "rhel", "centos", "ubi"))


def _option(given: _Given, name: str) -> Setting | None:
    """Find `-c name=200`, `-cname=200`, `--name=200`, `--name 200` and Postgres' `-N 200`; the last one wins."""
    spelled = name.replace("_", "[_-]")
    found: Setting | None = None
    texts = [text for text, _ in given.words]
    for index, (text, place) in enumerate(given.words):
        match = re.fullmatch(rf"(?:-c|--)?{spelled}=(.*)", text, re.IGNORECASE)
        value = match[1] if match else None
        following = texts[index + 1] if index + 1 < len(texts) else ""
        if value is None and (re.fullmatch(rf"--{spelled}", text) or text == "-N" and name == "max_connections"):
            value = following
        if value is not None:
            found = _whole(_literal(value.strip("\"'"), name, place or given.location))
    return found


def _literal(value: str, says: str, place: Location | None) -> Setting:
    if not value:  # what is left of a word that a variable makes
        return Unknown(f"{says} is a variable that no file gives", Origin(says, place))
    if "$" in value or "{{" in value:
        return Unknown(f"{says} is {value[:60]}, which no file gives", Origin(says, place))
    return Known(value, Origin(says, place))


_CONFIG_FILES = {
    "postgresql": "/var/lib/postgresql/data/postgresql.conf /bitnami/postgresql/conf/postgresql.conf "
    "/opt/bitnami/postgresql/conf/postgresql.conf /bitnami/postgresql/conf/conf.d/extended.conf",
    "mysql": "/etc/my.cnf /etc/mysql/my.cnf /etc/mysql/conf.d/my.cnf /etc/mysql/conf.d/mysql.cnf "
    "/etc/mysql/conf.d/custom.cnf /etc/mysql/conf.d/config.cnf /etc/my.cnf.d/custom.cnf "
    "/opt/bitnami/mysql/conf/my_custom.cnf /etc/mysql/conf.d",
    "mariadb": "/etc/mysql/my.cnf /etc/mysql/mariadb.conf.d/my.cnf /etc/mysql/conf.d/my.cnf "
    "/etc/mysql/conf.d/custom.cnf /etc/mysql/conf.d/mariadb.cnf /opt/bitnami/mariadb/conf/my_custom.cnf "
    "/etc/mysql/conf.d",
}


def _configured(dialect: str, given: _Given) -> Setting | None:
    """Return what a mounted configuration file states."""
    named = [match[1] for text, _ in given.words if (match := re.fullmatch(r"(?:-c|--)?config[_-]file=(.+)", text))]
    for path in (*named, *_CONFIG_FILES[dialect].split()):
        content = given.file(path.strip("\"'"))
        if content is None:
            continue
        found = _in_file(content[0], content[1], "max_connections")
        if found is not None:
            return found
    if named and given.file(named[-1].strip("\"'")) is None:
        return Unknown(f"set in {named[-1]}, which is not here", Origin("config_file", given.location))
    return None


def _in_file(text: str, path: str, name: str) -> Setting | None:
    """Return `name = 200` of a postgresql.conf or my.cnf; the last one wins."""
    found: Setting | None = None
    spelled = name.replace("_", "[_-]")
    for row, line in enumerate(line[:500] for line in text.splitlines()):
        match = re.match(rf"\s*{spelled}\s*(?:=|\s)\s*'?(\d{{1,6}})'?\s*(#.*)?$", line, re.IGNORECASE)
        if match:
            found = Known(int(match[1]), Origin(name, Location(path, row + 1, line.index(line.lstrip()) + 1)))
    return found


def _stock(dialect: str, given: _Given) -> Setting:
    from poollint import providers

    stock = providers.stock_default(dialect)
    if "timescale" in given.image and isinstance(stock, Known):
        # Its entry point tunes the server to the machine when the volume is empty.
        return replace(stock, certainty="estimate")
    return stock


def _stock_reserved(dialect: str) -> Setting:
    from poollint import providers

    return providers.stock_reserved(dialect)


def _port(dialect: str, given: _Given) -> int:
    setting = given.number(
        "PGPORT", "POSTGRESQL_PORT_NUMBER", "MYSQL_TCP_PORT", "MARIADB_PORT_NUMBER", "MYSQL_PORT_NUMBER"
    )
    if isinstance(setting, Known):
        return int(setting.value)
    texts = [text for text, _ in given.words]
    for index, text in enumerate(texts[:-1]):
        if text == "-p" and texts[index + 1].isdigit():
            return int(texts[index + 1][:5])
    return 5432 if dialect == "postgresql" else 3306


# -- poolers


def _pooler(product: str, given: _Given) -> Pooler:
    version = version_of(given.image)
    pooler = Pooler(
        name="",
        product=product,
        location=None,
        version=version,
        mode=_mode(product, given),
        prepared_statements=_prepared(product, version, given),
        max_client_connections=_size(given, "MAX_CLIENT_CONN", product),
        pool_size=_size(given, "DEFAULT_POOL_SIZE", product),
        reserve_pool_size=_size(given, "RESERVE_POOL_SIZE", product),
        max_db_connections=_size(given, "MAX_DB_CONNECTIONS", product),
        max_user_connections=_size(given, "MAX_USER_CONNECTIONS", product),
        client_idle_timeout=_size(given, "CLIENT_IDLE_TIMEOUT", product),
        listed_parameters=_listed(given),
        backends=_backends(given),
        ports=(_pooler_port(product, given),),
    )
    return with_file(pooler, given) if product == "pgbouncer" else pooler


def with_file(pooler: Pooler, given: _Given) -> Pooler:
    """Take what a mounted pgbouncer.ini states: the images use it instead of writing their own."""
    from poollint.readers import pgbouncer

    paths = [text for text, _ in given.words if text.endswith(".ini")]
    for path in (*paths, *pgbouncer.PLACES):
        content = given.file(path)
        if content is not None:
            return pgbouncer.applied(pooler, content[0], content[1])
    return pooler


def _named(name: str) -> tuple[str, ...]:
    return tuple(prefix + name for prefix in _PREFIXES)


def _mode(product: str, given: _Given) -> Setting:
    setting = given.variable(*_named("POOL_MODE"), "PGCAT_DEFAULT_POOL_MODE")
    if setting is None:
        from poollint import providers

        return providers.default_mode(product)
    if isinstance(setting, Known):
        return mode_of(setting)
    return setting


def mode_of(setting: Known) -> Setting:
    """Turn a written mode into one of the three words."""
    word = str(setting.value).strip().strip("\"'").lower()
    if word in ("session", "transaction", "statement"):
        return replace(setting, value=word, origin=replace(setting.origin, says=setting.origin.says or "pool_mode"))
    return Unknown(f"the pool mode {word[:30]} is not known", setting.origin)


def _size(given: _Given, name: str, product: str) -> Setting:
    found = given.number(*_named(name))
    if found is not None:
        return unlimited(found, name.lower())
    return pooler_default(product, name.lower())


_DEFAULTS: dict[tuple[str, str], int] = {
    ("pgbouncer", "max_client_conn"): 100,
    ("pgbouncer", "default_pool_size"): 20,
    ("pgbouncer", "reserve_pool_size"): 0,
    ("pgbouncer", "client_idle_timeout"): 0,
}
"""Measured on PgBouncer 1.18 and 1.24; `max_db_connections` 0 means no limit."""


def pooler_default(product: str, name: str) -> Setting:
    """Return what a pooler does when a setting is absent."""
    from poollint.facts import NO_CEILING

    if (product, name) in _DEFAULTS:
        return Known(_DEFAULTS[product, name], Origin("default of PgBouncer"), "default")
    if (product, name) in (("pgbouncer", "max_db_connections"), ("pgbouncer", "max_user_connections")):
        return Known(NO_CEILING, Origin("default of PgBouncer"), "default")
    return Unknown(f"{name} is not set")


def unlimited(setting: Setting, name: str) -> Setting:
    """`max_db_connections = 0` is no limit, nor is `max_user_connections = 0`."""
    from poollint.facts import NO_CEILING

    if name.startswith("max_") and name.endswith(("_db_connections", "_user_connections")) and isinstance(setting, Known) and setting.value == 0:
        return replace(setting, value=NO_CEILING)
    return setting


def _prepared(product: str, version: Setting, given: _Given) -> Setting:
    names = {"pgcat": _named("PREPARED_STATEMENTS_CACHE_SIZE"), "supavisor": ("NAMED_PREPARED_STATEMENTS_ENABLED",)}
    setting = given.variable(*names.get(product, _named("MAX_PREPARED_STATEMENTS")))
    return support(product, version, setting)


def support(product: str, version: Setting, written: Setting | None) -> Setting:
    """Say whether a pooler keeps prepared statements apart, from its setting or else from its version."""
    from poollint import providers

    if isinstance(written, Unknown):
        return written
    if written is not None:
        text = str(written.value).strip().strip("\"'").lower()
        return replace(written, value=text not in ("", "0", "false", "disabled", "off"))
    return providers.prepared_statements(product, version.value if isinstance(version, Known) else None)


def _listed(given: _Given) -> tuple[str, ...]:
    text = given.text(*_named("IGNORE_STARTUP_PARAMETERS"))
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


def _backends(given: _Given) -> dict[str, Target]:
    url = given.text("DATABASE_URL", "DATABASE_URLS")
    if url and "://" in url:
        return _backend_of_url(url)
    host = given.text("DB_HOST", "POSTGRESQL_HOST", "DATABASES_HOST", "PGBOUNCER_DB_HOST", "POSTGRES_HOST")
    if not host:
        return {}
    port = given.number("DB_PORT", "POSTGRESQL_PORT", "DATABASES_PORT", "POSTGRES_PORT")
    name = given.text("DB_NAME", "PGBOUNCER_DATABASE", "POSTGRESQL_DATABASE", "DATABASES_DBNAME", "POSTGRES_DB") or "*"
    number = int(port.value) if isinstance(port, Known) else 5432
    return {name: Target("postgresql", host.lower(), number, None if name == "*" else name)}


def _backend_of_url(url: str) -> dict[str, Target]:
    match = re.match(r"\w+://(?:[^@/]*@)?([^:/?@]+)(?::(\d{1,5}))?(?:/([^?]*))?", url)
    if not match:
        return {}
    name = match[3] or "*"
    return {name: Target("postgresql", match[1].lower(), int(match[2] or 5432), match[3] or None)}


def _pooler_port(product: str, given: _Given) -> int:
    setting = given.number("LISTEN_PORT", "PGBOUNCER_PORT", "PGBOUNCER_LISTEN_PORT", "PGPOOL_PORT_NUMBER")
    if isinstance(setting, Known):
        return int(setting.value)
    # edoburu's image listens on the port of the server it stands for.
    return 5432 if "edoburu" in given.image else _PORTS[product]
