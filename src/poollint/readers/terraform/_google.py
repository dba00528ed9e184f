"""Google's resources: Cloud Run, Cloud Functions, Cloud SQL, AlloyDB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from poollint.hcl.values import Reference, pairs_of
from poollint.facts import Database, Environment, Known, Location, Origin, Pooler, Setting, Unknown, Words, Workload
from poollint.readers import _run
from poollint.readers._containers import cpu_count, is_infrastructure
from poollint.readers._platform import function
from poollint.readers.terraform._env import environment, secret, variable
from poollint.readers.terraform._part import Part, Reader, as_number, connection_name, seconds

FUNCTION_TIMEOUT = Known(60, Origin("default of Cloud Functions"), "default")


# -- Cloud Run ---------------------------------------------------------------------------------------------------------


def run_service(part: Part) -> Iterator[Workload]:
    """google_cloud_run_v2_service."""
    template = part.first("template")
    if template is None:
        return
    service, revision = _maximum(part.first("scaling")), _maximum(template.first("scaling"))
    if (scaling := part.first("scaling")) and scaling.word("scaling_mode") == "MANUAL":
        instances: Setting = scaling.number("manual_instance_count")
    else:
        instances = _run.instances(service, revision, _splits_traffic(part, "revision"))
    for container, name in _containers(part, template.blocks("containers")):
        cpus = _cpus(container.first("resources"))
        yield replace(
            _workload(part, container, name, "service"),
            life="scale-to-zero",
            instances=instances,
            rollout_instances=_run.NO_OVERLAP,
            concurrency=_run.concurrency(_optional(template, "max_instance_request_concurrency"), cpus),
            concurrency_is_hard=True,
            request_timeout=_timeout(template, "timeout", _run.DEFAULT_TIMEOUT),
            cpus=cpus,
            instance_connections=_cloud_sql_volumes(template),
            egress=_egress(template),
        )


def run_job(part: Part) -> Iterator[Workload]:
    """google_cloud_run_v2_job: its tasks of one execution."""
    execution = part.first("template")
    template = execution.first("template") if execution else None
    if execution is None or template is None:
        return
    one = Known(1, Origin("default of Cloud Run jobs"), "default")
    tasks = execution.number("task_count", one)
    instances = _run.job_instances(tasks, execution.number("parallelism", Known(0, Origin("parallelism"))))
    for container, name in _containers(part, template.blocks("containers")):
        yield replace(
            _workload(part, container, name, "job"),
            life="one-off",
            instances=instances,
            cpus=_cpus(container.first("resources")),
            instance_connections=_cloud_sql_volumes(template),
            egress=_egress(template),
        )


def run_service_v1(part: Part) -> Iterator[Workload]:
    """google_cloud_run_service, which has the shape of the YAML."""
    template = part.first("template")
    spec = part.first("template", "spec")
    if template is None or spec is None:
        return
    revision, service = _annotations(template), _annotations(part)
    instances = _run.instances(
        _annotated(service, "run.googleapis.com/maxScale"),
        _annotated(revision, "autoscaling.knative.dev/maxScale"),
        _splits_traffic(part, "revision_name"),
    )
    for container, name in _containers(part, spec.blocks("containers")):
        cpus = _cpus(container.first("resources"))
        yield replace(
            _workload(part, container, name, "service"),
            life="scale-to-zero",
            instances=instances,
            rollout_instances=_run.NO_OVERLAP,
            concurrency=_run.concurrency(_optional(spec, "container_concurrency"), cpus),
            concurrency_is_hard=True,
            request_timeout=spec.number("timeout_seconds", _run.DEFAULT_TIMEOUT),
            cpus=cpus,
            instance_connections=_listed(part, revision.get("run.googleapis.com/cloudsql-instances")),
            egress=_annotated_egress(revision),
        )


def _workload(part: Part, container: Part, name: str, kind: str) -> Workload:
    return Workload(
        name=name,
        platform="cloud-run",
        kind=kind,
        location=part.location,
        unit=part.unit,
        environment=part.environment,
        variables=_variables(container),
        entrypoint=words(container, "command"),
        command=words(container, "args"),
        working_directory=container.word("working_dir"),
        image=container.text("image"),
    )


def _containers(part: Part, containers: list[Part]) -> Iterator[tuple[Part, str]]:
    """Yield the containers that may run our code: the one with ports is the service, another adds its name."""
    ours = [container for container in containers if not is_infrastructure(container.text("image"))]
    ingress = next((container for container in ours if container.blocks("ports")), ours[0] if ours else None)
    for container in ours:
        yield container, part.name if container is ingress else f"{part.name}/{container.text('name') or 'sidecar'}"


def _maximum(scaling: Part | None) -> Setting | None:
    return _optional(scaling, "max_instance_count") if scaling else None


def _optional(part: Part, name: str) -> Setting | None:
    return part.number(name) if part.get(name) is not None else None


def _splits_traffic(part: Part, key: str) -> bool:
    """Say whether traffic goes to revisions by name: each has a maximum of its own."""
    return any(traffic.get(key) is not None for traffic in part.blocks("traffic"))


def _timeout(part: Part, name: str, absent: Setting) -> Setting:
    setting = part.get(name)
    if setting is None or isinstance(setting, Unknown):
        return setting or absent
    value = seconds(str(setting.value))
    return Unknown(f"{name} is no duration", setting.origin) if value is None else replace(setting, value=value)


def _cpus(resources: Part | None) -> Setting:
    limits = pairs_of(resources.get("limits")) if resources and resources.get("limits") else None
    for key, value in limits or ():
        if key.value == "cpu" and isinstance(value, Known):
            count = cpu_count(str(value.value))
            if count is not None:
                return replace(value, value=count, origin=replace(value.origin, says=value.origin.says or "cpu"))
    return Known(1, Origin("default of Cloud Run"), "default")


def _cloud_sql_volumes(template: Part) -> tuple[str, ...]:
    found: list[str] = []
    for volume in template.blocks("volumes"):
        for mount in volume.blocks("cloud_sql_instance"):
            listed = pairs_of(mount.get("instances") or Unknown("")) or ()
            found += [template.attached(str(value.value)) for _, value in listed if isinstance(value, Known)]
    return tuple(found)


def _listed(part: Part, setting: Setting | None) -> tuple[str, ...]:
    if not isinstance(setting, Known) or not isinstance(setting.value, str):
        return ()
    return tuple(part.attached(word.strip()) for word in setting.value.split(",") if word.strip())


def _egress(template: Part) -> str | None:
    access = template.first("vpc_access")
    if access is None:
        return None
    return "vpc" if access.get("connector") is not None or access.blocks("network_interfaces") else None


def _annotations(part: Part) -> dict[str, Setting]:
    metadata = part.first("metadata")
    given = metadata.get("annotations") if metadata else None
    return {str(key.value): value for key, value in pairs_of(given) or ()} if given else {}


def _annotated(annotations: dict[str, Setting], name: str) -> Setting | None:
    setting = annotations.get(name)
    if setting is None:
        return None
    return as_number(
        replace(setting, origin=replace(setting.origin, says=setting.origin.says or name.rpartition("/")[2]))
    )


def _annotated_egress(annotations: dict[str, Setting]) -> str | None:
    names = ("run.googleapis.com/vpc-access-connector", "run.googleapis.com/network-interfaces")
    return "vpc" if any(name in annotations for name in names) else None


def words(part: Part, name: str) -> Words | None:
    """Return a list of words such as `command`, None when it is absent or a part of it is not readable."""
    setting = part.get(name)
    items = pairs_of(setting) if setting is not None else None
    if not items:
        return None
    values = [value for _, value in items]
    if not all(isinstance(v, Known) and isinstance(v.value, (str, int, float)) for v in values):
        return None
    place = setting.origin.location or part.location  # type: ignore[union-attr]
    return Words(
        place, tuple(str(v.value) for v in values), locations=tuple(v.origin.location or place for v in values)
    )


def _variables(container: Part) -> Environment:
    entries = []
    for env in container.blocks("env"):
        name = env.text("name")
        if not name:
            continue
        reference = env.first("value_source", "secret_key_ref") or env.first("value_from", "secret_key_ref")
        if reference is not None:
            given = reference.get("secret") or reference.get("name")
            entries.append(secret(env, name, given, reference.text("version") or reference.text("key") or "latest"))
        else:
            entries.append(variable(env, name, env.get("value", says=name) or Known("", Origin(name, env.location))))
    return environment(entries, container.unread("env"))


# -- Cloud Functions ---------------------------------------------------------------------------------------------------


def function_v2(part: Part) -> Iterator[Workload]:
    """google_cloudfunctions2_function."""
    config = part.first("service_config") or part
    yield replace(
        _function(part, config),
        instances=config.number("max_instance_count"),
        concurrency=config.number("max_instance_request_concurrency", _one("Cloud Functions")),
        request_timeout=config.number("timeout_seconds", FUNCTION_TIMEOUT),
    )


def function_v1(part: Part) -> Iterator[Workload]:
    """google_cloudfunctions_function: one request per instance, at most 3,000 of them unless it says less."""
    most = Known(3000, Origin("default of Cloud Functions, 1st gen"), "default")
    written = part.number("max_instances", most)
    yield replace(
        _function(part, part),
        instances=most if isinstance(written, Known) and written.value == 0 else written,
        concurrency=_one("Cloud Functions, 1st gen"),
        request_timeout=part.number("timeout", FUNCTION_TIMEOUT),
    )


def _one(product: str) -> Known:
    return Known(1, Origin(f"default of {product}"), "default")


def _function(part: Part, config: Part) -> Workload:
    return Workload(
        name=part.name,
        platform="cloud-functions",
        kind="function",
        location=part.location,
        unit=part.unit,
        environment=part.environment,
        life="per-invocation",
        rollout_instances=_run.NO_OVERLAP,
        concurrency_is_hard=True,
        variables=_function_variables(config),
        egress="vpc" if config.get("vpc_connector") is not None else None,
        run=function("functions-framework", part.location),
    )


def _function_variables(config: Part) -> Environment:
    given = config.get("environment_variables")
    pairs = pairs_of(given) if given is not None else []
    entries = [variable(config, str(key.value), value) for key, value in pairs or ()]
    for env in config.blocks("secret_environment_variables"):
        if name := env.text("key"):
            entries.append(secret(env, name, env.get("secret"), env.text("version") or "latest"))
    unread = Unknown("environment_variables cannot be read") if pairs is None else None
    return environment(entries, unread or config.unread("secret_environment_variables"))


# -- Cloud SQL and AlloyDB ---------------------------------------------------------------------------------------------

SQL_HOSTS = ("private_ip_address", "public_ip_address", "first_ip_address", "ip_address.0.ip_address", "dns_name")


def sql_instance(part: Part) -> Iterator[Database | Pooler]:
    """google_sql_database_instance, and its managed pooler when that is on."""
    settings = part.first("settings") or part
    engine = _engine(part.word("database_version"))
    name = connection_name(part)
    socket = name or f"${{{part.address}.connection_name}}"
    database = Database(
        name=part.name,
        location=part.location,
        dialect=engine,
        provider={"postgresql": "cloud-sql-postgresql", "mysql": "cloud-sql-mysql"}.get(engine or ""),
        tier=_tier(settings, "tier"),
        max_connections=_flag(settings),
        version=_version(part.get("database_version")),
        unit=part.unit,
        environment=part.environment,
        hosts=(*part.tokens(*SQL_HOSTS), f"/cloudsql/{socket}".lower()),
        identities=(part.identity, f"cloudsql:{part.attached(socket)}"),
    )
    yield database
    pool = settings.first("connection_pool_config")
    # The MySQL feature of the same name is a thread pool in the server: clients still connect directly.
    if pool is not None and pool.flag("connection_pooling_enabled") and engine == "postgresql":
        flags = {name: flag.get("value", says=name) for flag in pool.blocks("flags") if (name := flag.text("name"))}
        yield _managed_pooler(part, pool.location, flags, SQL_HOSTS, "cloud-sql-managed-pooling")


def _engine(version: str | None) -> str | None:
    for prefix, dialect in (("POSTGRES", "postgresql"), ("MYSQL", "mysql"), ("SQLSERVER", "mssql")):
        if version and version.upper().startswith(prefix):
            return dialect
    return None


def _version(setting: Setting | None) -> Setting:
    """Return "16" of POSTGRES_16, "8.0" of MYSQL_8_0."""
    if not isinstance(setting, Known) or isinstance(setting.value, Reference):
        return setting or Unknown("database_version is not set")
    return replace(setting, value=".".join(str(setting.value).split("_")[1:]))


def _tier(part: Part, name: str) -> Setting:
    setting = part.get(name)
    if setting is None:
        return Unknown(f"{name} is not set", Origin(name, part.location))
    if isinstance(setting, Known) and isinstance(setting.value, Reference):
        return Unknown(f"{name} is only known after an apply", setting.origin)
    return setting


def _flag(settings: Part) -> Setting:
    for flag in settings.blocks("database_flags"):
        if flag.text("name") == "max_connections":
            return flag.number("value", says="max_connections")
    return settings.unread("database_flags") or Unknown("max_connections is not set", Origin("max_connections"))


def alloydb(part: Part) -> Iterator[Database | Pooler]:
    """google_alloydb_instance: sized by its vCPUs."""
    machine = part.first("machine_config")
    flags = dict((str(key.value), value) for key, value in pairs_of(part.get("database_flags") or Unknown("")) or ())
    limit = flags.get("max_connections")
    yield Database(
        name=part.called("instance_id"),
        location=part.location,
        dialect="postgresql",
        provider="alloydb",
        tier=machine.number("cpu_count") if machine else Unknown("machine_config is not set"),
        max_connections=_named_number(limit, "max_connections"),
        unit=part.unit,
        environment=part.environment,
        hosts=part.tokens("ip_address", "public_ip_address"),
        identities=(part.identity,),
    )
    pool = part.first("connection_pool_config")
    if pool is not None and pool.flag("enabled"):
        given = {str(key.value): value for key, value in pairs_of(pool.get("flags") or Unknown("")) or ()}
        yield _managed_pooler(part, pool.location, given, ("ip_address",), "alloydb-managed-pooling")


def _named_number(setting: Setting | None, name: str) -> Setting:
    if setting is None:
        return Unknown(f"{name} is not set", Origin(name))
    return as_number(replace(setting, origin=replace(setting.origin, says=setting.origin.says or name)))


def _managed_pooler(
    part: Part, place: Location, flags: dict[str, Setting | None], hosts: tuple[str, ...], provider: str
) -> Pooler:
    """Managed pooling answers on port 6432 of the same address; what no flag says is the product's default."""
    flags = {name.replace("-", "_"): value for name, value in flags.items()}
    mode = flags.get("pool_mode")
    prepared = _pool_number(flags, "max_prepared_statements", 0)
    return Pooler(
        name=f"{part.name}-pooler",
        product="pgbouncer",
        location=place,
        mode=mode or Known("transaction", Origin("default of managed connection pooling"), "default"),
        prepared_statements=replace(prepared, value=prepared.value > 0) if isinstance(prepared, Known) else prepared,
        max_client_connections=_pool_number(flags, "max_client_connections", 5000),
        pool_size=_pool_number(flags, "max_pool_size", 50),
        replicas=Unknown("the number of poolers follows the machine"),
        unit=part.unit,
        environment=part.environment,
        hosts=part.tokens(*hosts),
        ports=(6432,),
        provider=provider,
    )


def _pool_number(flags: dict[str, Setting | None], name: str, otherwise: int) -> Setting:
    written = flags.get(name)
    if written is None:
        return Known(otherwise, Origin("default of managed connection pooling"), "default")
    return _named_number(written, name)


READERS: dict[str, Reader] = {
    "google_cloud_run_v2_service": run_service,
    "google_cloud_run_v2_job": run_job,
    "google_cloud_run_service": run_service_v1,
    "google_cloudfunctions2_function": function_v2,
    "google_cloudfunctions_function": function_v1,
    "google_sql_database_instance": sql_instance,
    "google_alloydb_instance": alloydb,
}
