"""Amazon's databases: RDS, Aurora, RDS Proxy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from poollint.hcl.values import Reference
from poollint.facts import Database, Known, Origin, Pooler, Setting, Target, Unknown
from poollint.readers import _ecs
from poollint.readers.terraform._part import Part, Reader, as_number

_ENGINES = {
    "postgres": ("rds-postgresql", "postgresql"),
    "mysql": ("rds-mysql", "mysql"),
    "mariadb": ("rds-mariadb", "mariadb"),
    "aurora-postgresql": ("aurora-postgresql", "postgresql"),
    "aurora-mysql": ("aurora-mysql", "mysql"),
    "aurora": ("aurora-mysql", "mysql"),
}
_HOSTS = {"aws_db_instance": ("address", "endpoint"), "aws_rds_cluster": ("endpoint",)}


def engine(name: str | None) -> tuple[str | None, str | None]:
    """Return (provider, dialect) of an RDS engine name."""
    return _ENGINES.get((name or "").lower(), (None, None))


def db_instance(part: Part) -> Iterator[Database]:
    """aws_db_instance; a replica is a database of its own, of the engine of its source."""
    source = part.get("replicate_source_db")
    primary = next((p for p in part.scope.everywhere("aws_db_instance") if p.is_meant_by(source, "identifier")), None)
    given = part if part.get("engine") is not None else primary or part
    provider, dialect = engine(given.word("engine"))
    group = _limit(part, part.get("parameter_group_name"), "aws_db_parameter_group")
    limit, tier = _ecs.limit(group, written(part, "instance_class"))
    yield Database(
        name=part.called("identifier"),
        location=part.location,
        dialect=dialect,
        provider=provider,
        tier=tier,
        max_connections=limit,
        version=written(given, "engine_version"),
        unit=part.unit,
        environment=part.environment,
        hosts=part.tokens(*_HOSTS[part.kind]),
        identities=(part.identity,),
    )


def rds_cluster(part: Part) -> Iterator[Database]:
    """aws_rds_cluster: the writer, and the reader endpoint as a database of its own when there is a second instance."""
    name = part.word("engine") or ("aurora" if part.get("engine") is None else None)
    provider, dialect = engine(name)
    members = [p for p in part.scope.everywhere("aws_rds_cluster_instance") if _is_member(part, p)]
    tier, provider = _cluster_tier(part, members, provider)
    limit, tier = _ecs.limit(_cluster_limit(part, members), tier)
    database = Database(
        name=part.called("cluster_identifier"),
        location=part.location,
        dialect=dialect,
        provider=provider,
        tier=tier,
        max_connections=limit,
        version=written(part, "engine_version"),
        unit=part.unit,
        environment=part.environment,
        hosts=part.tokens(*_HOSTS[part.kind]),
        identities=(part.identity,),
    )
    yield database
    if len(members) > 1:
        yield replace(
            database,
            name=f"{database.name}-reader",
            hosts=part.tokens("reader_endpoint"),
            identities=(f"{part.identity}/reader",),
        )


def _is_member(cluster: Part, instance: Part) -> bool:
    return cluster.is_meant_by(instance.get("cluster_identifier"), "cluster_identifier")


def _cluster_tier(part: Part, members: list[Part], provider: str | None) -> tuple[Setting, str | None]:
    """Return (tier, provider): capacity units for Serverless v2, else the class of the smallest-named instance."""
    serverless = part.first("serverlessv2_scaling_configuration")
    classes = {member.word("instance_class") for member in members}
    if serverless is not None and classes <= {"db.serverless"}:
        return serverless.number("max_capacity"), "aurora-serverless-v2"
    if part.get("db_cluster_instance_class") is not None:  # a Multi-AZ cluster of plain RDS
        return written(part, "db_cluster_instance_class"), provider
    if not members:
        return Unknown("no aws_rds_cluster_instance gives a class", Origin("instance_class", part.location)), provider
    if len(classes) > 1:
        return Unknown(
            "the instances of the cluster differ in class", Origin("instance_class", members[0].location)
        ), provider
    return written(members[0], "instance_class"), provider


def _cluster_limit(part: Part, members: list[Part]) -> Setting:
    """Return max_connections: the instances' parameter group wins over the cluster's."""
    for member in members:
        setting = _limit(member, member.get("db_parameter_group_name"), "aws_db_parameter_group")
        if isinstance(setting, Known):
            return setting
    return _limit(part, part.get("db_cluster_parameter_group_name"), "aws_rds_cluster_parameter_group")


def _limit(part: Part, group: Setting | None, kind: str) -> Setting:
    """Return max_connections of a parameter group; a formula over {DBInstanceClassMemory} as it is written."""
    holder = next((p for p in part.scope.everywhere(kind) if p.is_meant_by(group, "name")), None)
    if holder is None:
        return Unknown("max_connections is not set", Origin("max_connections"))
    for parameter in holder.blocks("parameter"):
        if parameter.text("name") != "max_connections":
            continue
        setting = parameter.get("value", says="max_connections")
        if isinstance(setting, Known) and isinstance(setting.value, str) and "{DBInstance" in setting.value:
            return setting
        return as_number(setting or Unknown("max_connections has no value"))
    return holder.unread("parameter") or Unknown("max_connections is not set", Origin("max_connections"))


def written(part: Part, name: str) -> Setting:
    """Return a text of the provider's vocabulary: a class, a version. What an apply decides is unknown."""
    setting = part.get(name)
    if setting is None:
        return Unknown(f"{name} is not set", Origin(name, part.location))
    if isinstance(setting, Known) and isinstance(setting.value, Reference):
        return Unknown(f"{name} is only known after an apply", setting.origin)
    return replace(setting, value=str(setting.value)) if isinstance(setting, Known) else setting


def db_proxy(part: Part) -> Iterator[Pooler]:
    """aws_db_proxy with its target group and targets."""
    target = next(
        (t for t in part.scope.everywhere("aws_db_proxy_target") if part.is_meant_by(t.get("db_proxy_name"), "name")),
        None,
    )
    backend = _proxied(part, target) if target else None
    family = {"POSTGRESQL": "postgresql", "MYSQL": "mysql"}.get(part.word("engine_family") or "")
    yield Pooler(
        name=part.name,
        product="rds-proxy",
        location=part.location,
        mode=Known("transaction", Origin("RDS Proxy"), "default"),
        client_idle_timeout=part.number("idle_client_timeout", Known(1800, Origin("default of RDS Proxy"), "default")),
        backends={"*": Target(family, backend.tokens(*_HOSTS[backend.kind])[0])} if backend else {},
        unit=part.unit,
        environment=part.environment,
        hosts=part.tokens("endpoint"),
        provider="rds-proxy",
    )


def _proxied(part: Part, target: Part) -> Part | None:
    for kind, attribute, name in (
        ("aws_db_instance", "db_instance_identifier", "identifier"),
        ("aws_rds_cluster", "db_cluster_identifier", "cluster_identifier"),
    ):
        for candidate in part.scope.everywhere(kind):
            if candidate.is_meant_by(target.get(attribute), name):
                return candidate
    return None


READERS: dict[str, Reader] = {
    "aws_db_instance": db_instance,
    "aws_rds_cluster": rds_cluster,
    "aws_db_proxy": db_proxy,
}
