"""Azure's resources: flexible servers, their built-in PgBouncer, Container Apps, App Service, Functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from poollint.hcl.values import pairs_of
from poollint.facts import Database, Environment, Known, Origin, Pooler, Setting, Unknown, Words, Workload
from poollint.readers._containers import is_infrastructure
from poollint.readers.terraform._env import environment, variable
from poollint.readers.terraform._google import words
from poollint.readers.terraform._part import Part, Reader, as_number
from poollint.readers.terraform._rds import written

_SCALING = "https://learn.microsoft.com/azure/container-apps/scale-app"
DEFAULT_REPLICAS = Known(10, Origin("default of Container Apps", url=_SCALING), "default")
DEFAULT_CONCURRENCY = Known(10, Origin("default of Container Apps", url=_SCALING), "default")
BUILT_IN = "default of the built-in PgBouncer"


def flexible_server(part: Part) -> Iterator[Database | Pooler]:
    """azurerm_postgresql_flexible_server and azurerm_mysql_flexible_server, with what their configurations set."""
    dialect = "postgresql" if "postgresql" in part.kind else "mysql"
    given = _configurations(part)
    limit = given.get("max_connections")
    yield Database(
        name=part.name,
        location=part.location,
        dialect=dialect,
        provider=f"azure-{dialect}-flexible",
        tier=written(part, "sku_name"),
        max_connections=limit or Unknown("max_connections is not set", Origin("max_connections")),
        version=written(part, "version"),
        unit=part.unit,
        environment=part.environment,
        hosts=_hosts(part, dialect),
        identities=(part.identity,),
    )
    enabled = given.get("pgbouncer.enabled")
    if dialect == "postgresql" and isinstance(enabled, Known) and str(enabled.value).lower() == "true":
        yield built_in_pooler(part, enabled, given)


def _configurations(part: Part) -> dict[str, Setting]:
    """Return server parameter → value, each with its place."""
    found: dict[str, Setting] = {}
    for configuration in part.scope.everywhere(f"{part.kind}_configuration"):
        name = configuration.word("name")
        owner = configuration.get("server_id") or configuration.get("server_name")
        if name and part.is_meant_by(owner, "name"):
            setting = configuration.get("value", says=name)
            if setting is not None:
                found[name] = as_number(setting) if name == "max_connections" else setting
    return found


def _hosts(part: Part, dialect: str) -> tuple[str, ...]:
    name = part.word("name")
    domain = "postgres" if dialect == "postgresql" else "mysql"
    return (*part.tokens("fqdn"), *((f"{name}.{domain}.database.azure.com".lower(),) if name else ()))


def built_in_pooler(part: Part, enabled: Known, given: dict[str, Setting]) -> Pooler:
    """The PgBouncer of a flexible server answers on port 6432 of the same host."""
    prepared = _parameter(given, "max_prepared_statements", 0)
    mode = given.get("pgbouncer.pool_mode") or Known("transaction", Origin(BUILT_IN), "default")
    return Pooler(
        name=f"{part.name}-pgbouncer",
        product="pgbouncer",
        location=enabled.origin.location,
        mode=replace(mode, value=str(mode.value).lower()) if isinstance(mode, Known) else mode,
        prepared_statements=replace(prepared, value=prepared.value > 0) if isinstance(prepared, Known) else prepared,
        max_client_connections=_parameter(given, "max_client_conn", 5000),
        pool_size=_parameter(given, "default_pool_size", 50),
        replicas=Known(1, Origin("beside the server"), "default"),
        listed_parameters=_listed(given.get("pgbouncer.ignore_startup_parameters")),
        unit=part.unit,
        environment=part.environment,
        hosts=_hosts(part, "postgresql"),
        ports=(6432,),
        provider="azure-postgresql-flexible-pgbouncer",
    )


def _parameter(given: dict[str, Setting], name: str, otherwise: int) -> Setting:
    written = given.get(f"pgbouncer.{name}")
    return as_number(written) if written is not None else Known(otherwise, Origin(BUILT_IN), "default")


def _listed(setting: Setting | None) -> tuple[str, ...]:
    if not isinstance(setting, Known):
        return ()
    return tuple(word.strip() for word in str(setting.value).split(",") if word.strip())


def container_app(part: Part) -> Iterator[Workload]:
    """azurerm_container_app: concurrent requests only trigger scaling, and each active revision scales on its own."""
    template = part.first("template")
    if template is None:
        return
    instances = template.number("max_replicas", DEFAULT_REPLICAS)
    if part.word("revision_mode") == "Multiple":
        instances = Unknown("each active revision has replicas of its own", Origin("revision_mode", part.location))
    rule = template.first("http_scale_rule")
    ours = [c for c in template.blocks("container") if not is_infrastructure(c.text("image"))]
    for container in ours:
        yield Workload(
            name=part.name if len(ours) == 1 else f"{part.name}/{container.text('name')}",
            platform="container-apps",
            kind="service",
            location=part.location,
            unit=part.unit,
            environment=part.environment,
            life="scale-to-zero",
            instances=instances,
            concurrency=rule.number("concurrent_requests") if rule else DEFAULT_CONCURRENCY,
            cpus=container.get("cpu") or Unknown("cpu is not set"),
            variables=_variables(container),
            entrypoint=words(container, "command"),
            command=words(container, "args"),
            image=container.text("image"),
        )


def _variables(container: Part) -> Environment:
    entries = []
    for env in container.blocks("env"):
        name = env.text("name")
        if not name:
            continue
        if secret := env.text("secret_name"):
            reason = Unknown(f"{name} comes from secret {secret}", Origin(name, env.location))
            entries.append((name, reason, f"container-app-secret/{env.unit}/{env.address}/{secret}"))
        else:
            entries.append(variable(env, name, env.get("value", says=name) or Known("", Origin(name, env.location))))
    return environment(entries, container.unread("env"))


# -- App Service and Functions -----------------------------------------------------------------------------------------

_VAULT = "@Microsoft.KeyVault("


def app_service(part: Part) -> Iterator[Workload]:
    """azurerm_linux_web_app and azurerm_linux_function_app; a plan runs each of its apps on all of its workers.

    https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/resources/linux_web_app
    """
    config, stack = part.first("site_config"), part.first("site_config", "application_stack")
    image = (stack.text("docker_image_name") or stack.text("docker_image")) if stack is not None else None
    if stack is not None and image is None and stack.get("python_version") is None and stack.first("docker") is None:
        return  # another language's
    is_function = "function" in part.kind
    line = config.get("app_command_line") if config is not None else None
    yield Workload(
        name=part.name,
        platform="functions" if is_function else "app-service",
        kind="function" if is_function else "service",
        location=part.location,
        unit=part.unit,
        environment=part.environment,
        life="per-invocation" if is_function else "long-lived",
        instances=_function_instances(part, config) if is_function else _workers(part, config),
        variables=_settings(part),
        command=Words(line.origin.location or part.location, shell=line.value) if _is_text(line) else None,  # type: ignore[union-attr]
        image=image,
    )


def _is_text(setting: Setting | None) -> bool:
    return isinstance(setting, Known) and isinstance(setting.value, str) and bool(setting.value.strip())


def _workers(part: Part, config: Part | None) -> Setting:
    """Return the most instances of a web app: its own number, the maximum of its plan's autoscaler, or the plan's."""
    if config is not None and config.get("worker_count") is not None:
        return config.number("worker_count")
    given = part.get("service_plan_id")
    plan = next((each for each in part.scope.everywhere("azurerm_service_plan") if each.is_meant_by(given, "id")), None)
    if plan is None:
        return Unknown("the plan of the app is not in this configuration", Origin("service_plan_id", part.location))
    for scaler in part.scope.everywhere("azurerm_monitor_autoscale_setting"):
        if plan.is_meant_by(scaler.get("target_resource_id"), "id"):
            return _maximum(scaler)
    return plan.number("worker_count", Unknown("worker_count of the plan is not set", Origin("worker_count", plan.location)))


def _maximum(scaler: Part) -> Setting:
    capacities = [profile.first("capacity") for profile in scaler.blocks("profile")]
    found = [capacity.number("maximum") for capacity in capacities if capacity is not None]
    unknown = next((each for each in found if isinstance(each, Unknown)), scaler.unread("profile"))
    if unknown is not None or not found:
        return unknown or Unknown("the autoscaler has no profile", Origin("maximum", scaler.location))
    return max(found, key=lambda each: each.value)  # type: ignore[union-attr]


def _function_instances(part: Part, config: Part | None) -> Setting:
    absent = Unknown("no app_scale_limit is set, so the plan decides", Origin("instances", part.location))
    return config.number("app_scale_limit", absent) if config is not None else absent


def _settings(part: Part) -> Environment:
    given = part.get("app_settings")
    pairs = pairs_of(given) if given is not None else []
    entries = [_vaulted(*variable(part, str(key.value), value)) for key, value in pairs or ()]
    return environment(entries, Unknown("app_settings cannot be read") if pairs is None else None)


def _vaulted(name: str, setting: Setting, secret: str | None) -> tuple[str, Setting, str | None]:
    """Return a setting; one that names a secret of a key vault has the secret's value, which is not here."""
    if not isinstance(setting, Known) or not str(setting.value).startswith(_VAULT):
        return name, setting, secret
    return name, Unknown(f"{name} comes from a key vault", setting.origin), f"key-vault/{setting.value}"


READERS: dict[str, Reader] = {
    "azurerm_postgresql_flexible_server": flexible_server,
    "azurerm_mysql_flexible_server": flexible_server,
    "azurerm_container_app": container_app,
    "azurerm_linux_web_app": app_service,
    "azurerm_linux_function_app": app_service,
}
