"""Platforms and managed databases: DigitalOcean, Heroku, Render, Neon, Supabase, Aiven and others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poollint.hcl.values import pairs_of
from poollint.facts import Build, Database, Environment, Known, Origin, Pooler, Setting, Unknown, Words, Workload
from poollint.readers.terraform._env import environment, variable
from poollint.readers.terraform._part import Part, Reader, as_number
from poollint.readers.terraform._rds import written

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


RENDER = "https://github.com/render-oss/terraform-provider-render"

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
        name=part.called("service_name", "name"),
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


# -- Render ------------------------------------------------------------------------------------------------------------


def render_service(part: Part) -> Iterator[Workload]:
    """render_web_service and its kin: `autoscaling` is a ceiling, `num_instances` a count, else one."""
    is_cron = part.kind == "render_cron_job"
    command = part.get("start_command")
    place = command.origin.location if command else None
    yield Workload(
        name=part.name,
        platform="render",
        kind="cron-job" if is_cron else "service",
        location=part.location,
        unit=part.unit,
        environment=part.environment,
        life="one-off" if is_cron else "long-lived",
        instances=Known(1, Origin("one run at a time"), "default") if is_cron else _render_instances(part),
        variables=_render_variables(part),
        command=Words(place or part.location, shell=part.text("start_command")) if command else None,
        image=_image(part),
    )


def _render_instances(part: Part) -> Setting:
    scaling = part.get("autoscaling")
    if scaling is not None:
        table = dict((str(k.value), v) for k, v in pairs_of(scaling) or ())
        if not table:
            return scaling if isinstance(scaling, Unknown) else Unknown("autoscaling cannot be read", scaling.origin)
        if _is_on(table.get("enabled")):
            return as_number(_named(table.get("max"), "max") or Unknown("autoscaling has no max", scaling.origin))
    return part.number("num_instances", Known(1, Origin("default of Render", url=RENDER), "default"))


def _is_on(setting: Setting | None) -> bool:
    return not (isinstance(setting, Known) and setting.value is False)


def _image(part: Part) -> str | None:
    source = part.get("runtime_source")
    image = dict((str(k.value), v) for k, v in pairs_of(source) or ()).get("image") if source else None
    table = dict((str(k.value), v) for k, v in pairs_of(image) or ()) if image else {}
    url, tag = table.get("image_url"), table.get("tag")
    if not isinstance(url, Known) or not isinstance(url.value, str):
        return None
    return f"{url.value}:{tag.value}" if isinstance(tag, Known) and tag.value else url.value


def _render_variables(part: Part) -> Environment:
    """Return the groups linked to the service, under its own variables."""
    entries, unread = [], None
    for link in part.scope.everywhere("render_env_group_link"):
        services = pairs_of(link.get("service_ids") or Unknown(""))
        if services is None:
            unread = Unknown("an environment group whose services cannot be read")
        elif any(part.is_meant_by(service) for _, service in services):
            wanted = link.get("env_group_id")
            group = next((g for g in part.scope.everywhere("render_env_group") if g.is_meant_by(wanted)), None)
            given = _render_entries(group) if group else None
            entries += given or []
            unread = unread if given is not None else Unknown("an environment group that cannot be read")
    own = _render_entries(part)
    return environment([*entries, *(own or [])], unread if own is not None else Unknown("env_vars cannot be read"))


def _render_entries(part: Part) -> list[tuple[str, Setting, str | None]] | None:
    """Return `env_vars = { NAME = { value = ... } }`, None when it cannot be read."""
    setting = part.get("env_vars")
    pairs = pairs_of(setting) if setting is not None else []
    if pairs is None:
        return None
    found = []
    for key, value in pairs:
        inner = dict((str(k.value), v) for k, v in pairs_of(value) or ())
        unset = Unknown(f"{key.value} is generated by Render")
        found.append(variable(part, str(key.value), inner.get("value") or unset))
    return found


# -- Heroku ------------------------------------------------------------------------------------------------------------


def heroku_formation(part: Part) -> Iterator[Workload]:
    """heroku_formation: dynos of one process type; the Procfile says what they run."""
    kind = part.called("type")
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
        name=part.called("name"),
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
    **dict.fromkeys(
        ("render_web_service", "render_private_service", "render_background_worker", "render_cron_job"), render_service
    ),
    "heroku_formation": heroku_formation,
    "heroku_addon": heroku_addon,
}
