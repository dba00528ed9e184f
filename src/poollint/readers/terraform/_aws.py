"""Amazon's workloads: ECS, Lambda, App Runner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from poollint.hcl.values import Encoded, Reference, pairs_of
from poollint.facts import (
    Environment,
    Known,
    Location,
    Origin,
    Setting,
    Unknown,
    Words,
    Workload,
)
from poollint.readers import _app_runner, _ecs
from poollint.readers._containers import is_infrastructure
from poollint.readers._platform import function
from poollint.readers.terraform._env import aws_secret, environment, variable
from poollint.readers.terraform._part import Part, Reader

# -- ECS ---------------------------------------------------------------------------------------------------------------


def ecs_service(part: Part) -> Iterator[Workload]:
    """aws_ecs_service with the containers of its task definition."""
    definition = _definition(part)
    instances, autoscaler = _tasks(part)
    service = Workload(
        name=part.name,
        platform="ecs",
        kind="service",
        location=part.location,
        unit=part.unit,
        environment=part.environment,
        instances=instances,
        rollout_instances=_ecs.rollout(instances, _percent(part), _two_sets(part)),
        rollout_documented=True,
        cpus=_ecs.cpus(definition.get("cpu") if definition else None, _is_fargate(part, definition)),
        autoscaler=autoscaler,
    )
    yield from containers(service, definition) if definition else (service,)


def _is_fargate(part: Part, definition: Part | None) -> bool:
    listed = definition.get("requires_compatibilities") if definition else None
    values = [value.value for _, value in pairs_of(listed) or () if isinstance(value, Known)] if listed else []
    return "FARGATE" in values or part.word("launch_type") == "FARGATE"


def _definition(part: Part) -> Part | None:
    """Return the task definition a service names: by reference, by family, or by `family:revision`."""
    wanted = part.get("task_definition")
    if isinstance(wanted, Known) and isinstance(wanted.value, str) and not isinstance(wanted.value, Reference):
        wanted = replace(wanted, value=wanted.value.partition(":")[0])
    if isinstance(wanted, Known) and isinstance(wanted.value, Reference):
        # "${aws_ecs_task_definition.api.family}:${max(...)}": the family may have become a word already.
        family = wanted.value.partition(":")[0]
        wanted = replace(wanted, value=Reference(family) if "${" in family else family)
    definitions = part.scope.everywhere("aws_ecs_task_definition")
    return next((d for d in definitions if d.is_meant_by(wanted, "family")), None)


def _tasks(part: Part) -> tuple[Setting, Location | None]:
    if part.word("scheduling_strategy") == "DAEMON":
        return Unknown("one task per host of the cluster", Origin("scheduling_strategy", part.location)), None
    for target in part.scope.everywhere("aws_appautoscaling_target"):
        resource = target.get("resource_id")
        if isinstance(resource, Known) and _scales(str(resource.value), part):
            return target.number("max_capacity"), target.location
    for block in part.blocks("lifecycle"):
        ignored = block.body.attributes.get("ignore_changes")
        if ignored and "desired_count" in ignored.source.text(ignored.node.start_byte, ignored.node.end_byte):
            return Unknown(
                "desired_count is changed outside Terraform", Origin("ignore_changes", ignored.location)
            ), None
    return part.number("desired_count"), None


def _scales(resource: str, part: Part) -> bool:
    """`service/<cluster>/<service>` names the service by its name or by reference."""
    last = resource.rpartition("/")[2]
    return resource.startswith("service/") and (last == part.text("name") or last.startswith("${" + part.address + "."))


def _percent(part: Part) -> Setting:
    block = part.first("deployment_configuration")
    inner = block.number("maximum_percent") if block and block.get("maximum_percent") is not None else None
    return inner or part.number("deployment_maximum_percent", _ecs.DEFAULT_PERCENT)


def _two_sets(part: Part) -> bool:
    controller, configuration = part.first("deployment_controller"), part.first("deployment_configuration")
    strategy = configuration.word("strategy") if configuration else None
    return bool(controller and controller.word("type") == "CODE_DEPLOY") or strategy in (
        "BLUE_GREEN",
        "LINEAR",
        "CANARY",
    )


def containers(service: Workload, definition: Part) -> Iterator[Workload]:
    """Yield one workload per container that may run our code: all of a task run together."""
    listed = _definitions(definition)
    if listed is None:
        yield service
        return
    ours = [c for c in listed if not is_infrastructure(_plain(c, "image"))]
    for container in ours:
        name = _plain(container, "name")
        yield replace(
            service,
            name=service.name if len(ours) == 1 or name == service.name else f"{service.name}/{name}",
            entrypoint=_words(definition, container, "entryPoint"),
            command=_words(definition, container, "command"),
            working_directory=_plain(container, "workingDirectory"),
            image=_plain(container, "image"),
            variables=_variables(definition, container),
        )


Entries = dict[str, Setting]


def _definitions(definition: Part) -> list[Entries] | None:
    """Return the containers of `container_definitions`: jsonencode([...]), or JSON text."""
    setting = definition.get("container_definitions")
    if not isinstance(setting, Known):
        return None
    inner = setting.value.setting if isinstance(setting.value, Encoded) else _from_json(setting)
    items = [value.value for _, value in pairs_of(inner) or () if isinstance(value, Known)]
    return [item for item in items if isinstance(item, dict)] or None


def _from_json(setting: Known) -> Setting:
    """Read JSON; `${...}` inside it stays text. In a heredoc every value stands where the text begins."""
    from poollint import _yaml

    if not isinstance(setting.value, str):
        return Unknown("no list of containers")
    in_file = setting.origin.says == "file"
    try:
        documents = _yaml.documents(setting.origin.location.path if in_file else "", str(setting.value))  # type: ignore[union-attr]
    except _yaml.Unreadable as problem:
        return Unknown(problem.reason, setting.origin)
    if not documents:
        return Unknown("empty", setting.origin)
    return settings_of(documents[0], None if in_file else setting.origin)


def settings_of(node: Any, origin: Origin | None) -> Setting:
    """Turn a document (at most 100 levels deep) into nested Settings, at their own places or all at one."""
    from poollint import _yaml

    given, origin = origin, origin or Origin("", node.location)
    if isinstance(node, _yaml.Mapping):
        return Known({key: settings_of(value, given) for key, value in node.pairs()}, origin)
    if isinstance(node, _yaml.Sequence):
        return Known(tuple(settings_of(item, given) for item in node.items), origin)
    value = node.value
    return Known(Reference(value) if isinstance(value, str) and "${" in value else value, origin)


def _plain(container: Entries, key: str) -> str | None:
    setting = container.get(key)
    return setting.value if isinstance(setting, Known) and isinstance(setting.value, str) else None


def _words(part: Part, container: Entries, key: str) -> Words | None:
    setting = container.get(key)
    items = [value for _, value in pairs_of(setting) or ()] if setting is not None else []
    if not items or not all(isinstance(v, Known) and isinstance(v.value, (str, int, float)) for v in items):
        return None
    place = setting.origin.location or part.location  # type: ignore[union-attr]
    return Words(place, tuple(str(v.value) for v in items), locations=tuple(v.origin.location or place for v in items))


def _variables(part: Part, container: Entries) -> Environment:
    entries, unread = [], None
    for key, reads in (("environment", _plain_entry), ("secrets", _secret_entry)):
        setting = container.get(key)
        pairs = pairs_of(setting) if setting is not None else []
        unread = unread or (Unknown(f"{key} cannot be read") if pairs is None else None)
        for _, item in pairs or ():
            if isinstance(item, Known) and isinstance(item.value, dict) and (name := _plain(item.value, "name")):
                entries.append(reads(part, name, item.value))
    if "environmentFiles" in container:
        unread = Unknown("environmentFiles are not in the repository")
    return environment(entries, unread)


def _plain_entry(part: Part, name: str, item: Entries) -> tuple[str, Setting, str | None]:
    return variable(part, name, item.get("value") or Known("", Origin(name)))


def _secret_entry(part: Part, name: str, item: Entries) -> tuple[str, Setting, str | None]:
    return aws_secret(part, name, item.get("valueFrom"))


_CALLERS = ("aws_lambda_event_source_mapping", "aws_lambda_permission", "aws_lambda_function_url")

# -- Lambda, App Runner ------------------------------------------------------------------------------------------------


def lambda_function(part: Part) -> Iterator[Workload]:
    """aws_lambda_function: one request per execution environment."""
    reserved = part.number("reserved_concurrent_executions") if part.get("reserved_concurrent_executions") else None
    instances = _ecs.lambda_instances(reserved)
    if instances is _ecs.ACCOUNT_CONCURRENCY:
        instances = _polled(part) or instances
    block = part.first("environment")
    given = block.get("variables") if block else None
    pairs = pairs_of(given) if given is not None else []
    entries = [variable(part, str(key.value), value) for key, value in pairs or ()]
    yield Workload(
        name=part.called("function_name"),
        platform="lambda",
        kind="function",
        location=part.location,
        unit=part.unit,
        environment=part.environment,
        life="per-invocation",
        instances=instances,
        concurrency=_ecs.ONE_REQUEST,
        concurrency_is_hard=True,
        request_timeout=part.number("timeout", _ecs.LAMBDA_TIMEOUT),
        variables=environment(entries, Unknown("variables cannot be read") if pairs is None else None),
        image=part.text("image_uri"),
        run=function("lambda", part.location, part.word("handler")),
    )


def _polled(part: Part) -> Setting | None:
    """Return the ceiling of the one queue that calls a function, when nothing else here may call it."""
    callers = [
        caller
        for caller in part.scope.everywhere(*_CALLERS)
        if part.is_meant_by(caller.get("function_name"), "function_name")
    ]
    scaling = callers[0].first("scaling_config") if len(callers) == 1 else None
    limit = scaling.number("maximum_concurrency") if scaling else None
    return limit if isinstance(limit, Known) else None


def app_runner(part: Part) -> Iterator[Workload]:
    """aws_apprunner_service: MaxConcurrency only triggers scaling, and a deployment doubles the instances."""
    wanted = part.get("auto_scaling_configuration_arn")
    versions = part.scope.everywhere("aws_apprunner_auto_scaling_configuration_version")
    scaling = next((v for v in versions if v.is_meant_by(wanted, "auto_scaling_configuration_name")), None)
    defaults = {"max_size": _app_runner.DEFAULT_SIZE, "max_concurrency": _app_runner.DEFAULT_CONCURRENCY}
    found: dict[str, Setting] = {name: scaling.number(name, given) if scaling else given for name, given in defaults.items()}
    if scaling is None and wanted is not None:
        found = dict.fromkeys(defaults, Unknown("the scaling configuration is not here", wanted.origin))
    yield Workload(
        name=part.called("service_name"),
        platform="app-runner",
        kind="service",
        location=part.location,
        unit=part.unit,
        environment=part.environment,
        instances=found["max_size"],
        rollout_instances=_app_runner.rollout(found["max_size"]),
        rollout_documented=True,
        concurrency=found["max_concurrency"],
        variables=_app_runner_variables(part),
    )


def _app_runner_variables(part: Part) -> Environment:
    source = part.first("source_configuration", "image_repository", "image_configuration")
    given = source.get("runtime_environment_variables") if source else None
    pairs = pairs_of(given) if given is not None else []
    entries = [variable(part, str(key.value), value) for key, value in pairs or ()]
    secrets = source.get("runtime_environment_secrets") if source else None
    entries += [aws_secret(part, str(k.value), v) for k, v in (pairs_of(secrets) or () if secrets is not None else ())]
    return environment(
        entries, None if source and pairs is not None else Unknown("the service's variables are not here")
    )


READERS: dict[str, Reader] = {
    "aws_ecs_service": ecs_service,
    "aws_lambda_function": lambda_function,
    "aws_apprunner_service": app_runner,
}
