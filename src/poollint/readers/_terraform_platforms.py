"""Platforms and managed databases: DigitalOcean, Heroku, Render, Neon, Supabase, Aiven and others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poollint._hcl_values import pairs_of
from poollint.facts import Build, Database, Environment, Known, Origin, Pooler, Setting, Unknown, Words, Workload
from poollint.readers._terraform_aws import written
from poollint.readers._terraform_env import environment, variable
from poollint.readers._terraform_part import Part, Reader, as_number

if TYPE_CHECKING:
    from poollint.discover import Tree

# -- databases that one attribute sizes --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Product:
    """tier, limit: paths to the attribute, nested blocks or map keys on the way; hosts: what reaches it."""

    provider: str
    dialect: str
    tier: tuple[str, ...]
    limit: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ("host",)


PRODUCTS = {
    "neon_endpoint": Product("neon", "postgresql", ("autoscaling_limit_max_cu",), ("pg_settings", "max_connections")),
    "supabase_project": Product("supabase", "postgresql", ("instance_size",), hosts=()),
    "render_postgres": Product(
        "render-postgres", "postgresql", ("plan",), ("parameter_overrides", "max_connections"), ()
    ),
    "aiven_pg": Product(
        "aiven-postgresql", "postgresql", ("plan",), ("pg_user_config", "pg", "max_connections"), ("service_host",)
    ),
    "aiven_mysql": Product("aiven-mysql", "mysql", ("plan",), hosts=("service_host",)),
    "crunchybridge_cluster": Product("crunchy-bridge", "postgresql", ("plan_id",), hosts=()),
    "scaleway_rdb_instance": Product(
        "scaleway-rdb",
        "postgresql",
        ("node_type",),
        ("settings", "max_connections"),
        ("endpoint_ip", "load_balancer.0.ip"),
    ),
}


def database(part: Part) -> Iterator[Database]:
    """A managed database whose size is one attribute."""
    product = PRODUCTS[part.kind]
    limit = _at(part, product.limit)
    yield Database(
        name=part.word("service_name") or part.name,
        location=part.location,
        dialect=product.dialect,
        provider=product.provider,
        tier=_at(part, product.tier)
        or Unknown(f"{product.tier[-1]} is not set", Origin(product.tier[-1], part.location)),
        max_connections=as_number(limit) if limit else Unknown("max_connections is not set", Origin("max_connections")),
        unit=part.unit,
        environment=part.environment,
        hosts=part.tokens(*product.hosts),
        identities=(part.identity,),
    )


def _at(part: Part, path: tuple[str, ...]) -> Setting | None:
    """Return the value at a path of nested blocks, the last step of which may be a key of a map."""
    for position, step in enumerate(path):
        if step in part.body.attributes:
            setting = part.get(step)
            for key in path[position + 1 :]:
                table = dict((str(k.value), v) for k, v in pairs_of(setting) or ()) if setting else {}
                setting = table.get(key)
            return _named(setting, path[-1])
        inner = part.first(step)
        if inner is None:
            return None
        part = inner
    return None


def _named(setting: Setting | None, name: str) -> Setting | None:
    if setting is None:
        return None
    return replace(setting, origin=replace(setting.origin, says=setting.origin.says or name))


# -- DigitalOcean ------------------------------------------------------------------------------------------------------

_DO_ENGINES = {"pg": ("digitalocean-postgresql", "postgresql"), "mysql": ("digitalocean-mysql", "mysql")}


def digitalocean_cluster(part: Part) -> Iterator[Database]:
    """digitalocean_database_cluster: `size` sizes it, standby nodes add nothing to the primary."""
    provider, dialect = _DO_ENGINES.get(part.word("engine") or "", (None, None))
    if provider is None:
        return
    yield Database(
        name=part.name,
        location=part.location,
        dialect=dialect,
        provider=provider,
        tier=written(part, "size"),
        version=written(part, "version"),
        unit=part.unit,
        environment=part.environment,
        hosts=part.tokens("host", "private_host"),
        ports=(25060,),
        identities=(part.identity,),
    )


def digitalocean_pool(part: Part) -> Iterator[Pooler]:
    """digitalocean_database_connection_pool: the database name in a URL is the pool's name."""
    owner = part.get("cluster_id")
    clusters = part.scope.everywhere("digitalocean_database_cluster")
    cluster = next((c for c in clusters if c.is_meant_by(owner)), None)
    hosts = cluster.tokens("host", "private_host") if cluster else ()
    yield Pooler(
        name=part.name,
        product="pgbouncer",
        location=part.location,
        mode=written(part, "mode"),
        pool_size=part.number("size"),
        unit=part.unit,
        environment=part.environment,
        hosts=(*part.tokens("host", "private_host"), *hosts),
        ports=(25061,),
        provider="digitalocean-postgresql",
    )


def digitalocean_app(part: Part) -> Iterator[Workload]:
    """digitalocean_app: its services, workers and jobs."""
    spec = part.first("spec")
    if spec is None:
        return
    for kind in ("service", "worker", "job"):
        for component in spec.blocks(kind):
            yield _component(part, spec, component, kind)


def _component(part: Part, spec: Part, component: Part, kind: str) -> Workload:
    scaling = component.first("autoscaling")
    one = Known(1, Origin("default of App Platform"), "estimate")  # believed, no page read
    instances = scaling.number("max_instance_count") if scaling else component.number("instance_count", one)
    run = component.get("run_command")
    place = run.origin.location if run else None
    return Workload(
        name=component.text("name") or part.name,
        platform="digitalocean",
        kind=kind,
        location=component.location,
        unit=part.unit,
        environment=part.environment,
        life="one-off" if kind == "job" else "long-lived",
        instances=instances,
        variables=_component_variables(spec, component),
        command=Words(place or component.location, shell=component.text("run_command")) if run else None,
        build=_component_build(component),
        sources=(source.strip("/"),) if (source := component.word("source_dir")) else (),
        autoscaler=scaling.location if scaling else None,
    )


def _component_build(component: Part) -> Build | None:
    dockerfile = component.word("dockerfile_path")
    return Build((component.word("source_dir") or "").strip("/"), dockerfile) if dockerfile else None


def _component_variables(spec: Part, component: Part) -> Environment:
    entries = []
    for env in (*spec.blocks("env"), *component.blocks("env")):
        if name := env.text("key"):
            entries.append(variable(env, name, env.get("value", says=name) or Unknown(f"{name} is set outside")))
    return environment(entries, spec.unread("env") or component.unread("env"))


# -- Heroku ------------------------------------------------------------------------------------------------------------


def heroku_formation(part: Part) -> Iterator[Workload]:
    """heroku_formation: dynos of one process type; the Procfile says what they run."""
    kind = part.word("type") or part.label
    yield Workload(
        name=kind,
        command=_from_procfile(part.scope.root.tree, kind),
        platform="heroku",
        kind="formation",
        location=part.location,
        unit=part.unit,
        environment=part.environment,
        instances=part.number("quantity"),
    )


def _from_procfile(tree: Tree, kind: str) -> Words | None:
    """Return the command of a process type, when the tree has one Procfile."""
    from poollint.readers import procfile

    paths = list(tree.named("Procfile"))
    text = tree.text(paths[0]) if len(paths) == 1 else None
    found = (
        {name: Words(place, shell=command) for name, command, place in procfile.lines(text or "", paths[0])}
        if text
        else {}
    )
    return found.get(kind)


def heroku_addon(part: Part) -> Iterator[Database]:
    """heroku_addon with a plan of Heroku Postgres."""
    plan = part.get("plan")
    match = re.fullmatch(r"heroku-postgresql:([a-z0-9-]+)", str(plan.value)) if isinstance(plan, Known) else None
    if match is None:
        return
    yield Database(
        name=part.word("name") or part.label,
        location=part.location,
        dialect="postgresql",
        provider="heroku-postgres",
        tier=replace(plan, value=match[1]),  # type: ignore[type-var]
        unit=part.unit,
        environment=part.environment,
        identities=(part.identity,),
    )


READERS: dict[str, Reader] = {
    **dict.fromkeys(PRODUCTS, database),
    "digitalocean_database_cluster": digitalocean_cluster,
    "digitalocean_database_connection_pool": digitalocean_pool,
    "digitalocean_app": digitalocean_app,
    "heroku_formation": heroku_formation,
    "heroku_addon": heroku_addon,
}
