"""Databases that well-known modules of the registry make, by the inputs that their pages document.

https://registry.terraform.io/modules/terraform-aws-modules/rds/aws
https://registry.terraform.io/modules/GoogleCloudPlatform/sql-db/google

What a module defaults to is its own business and changes with its versions: an input that is not given is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from poollint.facts import Database, Known, Origin, Setting, Unknown
from poollint.hcl.values import pairs_of
from poollint.readers import _ecs
from poollint.readers.terraform._part import Part, Reader, as_number
from poollint.readers.terraform._rds import engine, written

_SQL_HOSTS = ("private_ip_address", "public_ip_address", "instance_first_ip_address", "instance_connection_name")


def reader_of(part: Part) -> Reader | None:
    """Return what reads a module call, None for a module that nothing here knows."""
    source = part.word("source") or ""
    return next((reader for pattern, reader in _MODULES if pattern.fullmatch(source)), None)


def rds(part: Part) -> Iterator[Database]:
    """terraform-aws-modules/rds/aws: one instance and its parameter group."""
    if part.flag("create_db_instance") is False:
        return
    provider, dialect = engine(part.word("engine"))
    limit, tier = _ecs.limit(_parameter(part, "parameters"), written(part, "instance_class"))
    yield Database(
        name=part.called("identifier"),
        location=part.location,
        dialect=dialect,
        provider=provider,
        tier=tier,
        max_connections=limit,
        version=written(part, "engine_version"),
        unit=part.unit,
        environment=part.environment,
        hosts=part.tokens("db_instance_address", "db_instance_endpoint"),
        identities=(part.identity,),
    )


def cloud_sql(part: Part) -> Iterator[Database]:
    """GoogleCloudPlatform/sql-db/google//modules/postgresql and mysql: one instance, its replicas aside."""
    dialect = "postgresql" if "postgresql" in (part.word("source") or "") else "mysql"
    token = f"${{{part.address}.instance_connection_name}}"
    project, region, name = (part.word(key) for key in ("project_id", "region", "name"))
    # With a suffix made by chance, the name in the file is not the instance's.
    is_named = project and region and name and part.flag("random_instance_name") in (None, False)
    sockets = [token, *([f"{project}:{region}:{name}"] if is_named else [])]
    yield Database(
        name=part.name,
        location=part.location,
        dialect=dialect,
        provider=f"cloud-sql-{dialect}",
        tier=written(part, "tier"),
        max_connections=_parameter(part, "database_flags"),
        unit=part.unit,
        environment=part.environment,
        hosts=(*part.tokens(*_SQL_HOSTS), *(f"/cloudsql/{socket}".lower() for socket in sockets)),
        identities=(part.identity, *(f"cloudsql:{part.attached(socket)}" for socket in sockets)),
    )


def _parameter(part: Part, attribute: str) -> Setting:
    """Return max_connections of a list of objects with `name` and `value`; a formula stays text."""
    setting = part.get(attribute)
    unset = Unknown("max_connections is not set", Origin("max_connections", part.location))
    items = pairs_of(setting) if setting is not None else []
    for _, item in items or ():
        entry = {key.value: value for key, value in pairs_of(item) or ()}
        name, value = entry.get("name"), entry.get("value")
        if isinstance(name, Known) and name.value == "max_connections" and value is not None:
            value = replace(value, origin=replace(value.origin, says="max_connections"))
            is_formula = isinstance(value, Known) and "{DBInstance" in str(value.value)
            return value if is_formula else as_number(value)
    return unset if items is not None else Unknown(f"{attribute} cannot be read", Origin(attribute, part.location))


_MODULES: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (re.compile(r"terraform-aws-modules/rds/aws"), rds),
    (re.compile(r"(GoogleCloudPlatform|terraform-google-modules)/sql-db/google//modules/(postgresql|mysql)"), cloud_sql),
)
