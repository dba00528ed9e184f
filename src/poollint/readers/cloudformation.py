"""CloudFormation and SAM templates: Lambda functions, ECS and App Runner services, RDS databases and proxies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.hcl.values import Reference, as_text
from poollint.facts import (
    Build,
    Database,
    Environment,
    Known,
    Origin,
    Pooler,
    Setting,
    Target,
    Unknown,
    Words,
    Workload,
)
from poollint.readers import _app_runner, _ecs
from poollint.readers._cloudformation import Resource, Template, as_number
from poollint.readers._containers import is_infrastructure
from poollint.readers._passwords import hide
from poollint.readers._platform import as_server, below, command, environment_of, folder_of, function, json_about
from poollint.readers.terraform._rds import engine
from poollint.readers._variables import Variables

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

Fact = Workload | Database | Pooler
_PLACES = ("Address", "Endpoint", "ReadEndpoint", "Port")  # attributes that are a server's, not a secret's
_NEEDLES = (b"AWS::Lambda::", b"AWS::Serverless::", b"AWS::ECS::", b"AWS::RDS::", b"AWS::AppRunner::")


def read(tree: Tree) -> Iterator[Fact]:
    """Yield what each template describes, once per environment of its samconfig."""
    for path in (
        *tree.named("*.yaml", "*.yml", "*.template"),
        *json_about(tree, "cloudformation", "cfn", "template", "stack"),
    ):
        content = tree.bytes(path) or b""
        if b"Resources" not in content or not any(needle in content for needle in _NEEDLES):
            continue
        for document in tree.yaml(path)[:1]:
            if not document.pairs_at("Resources"):
                continue
            facts: list[Fact] = []
            with tree.guard(path):
                for name, overrides in _environments(tree, path).items():
                    facts += facts_of(tree, Template(path, document, overrides), _environment(tree, path, name))
            yield from facts


def facts_of(tree: Tree, template: Template, environment: str | None) -> Iterator[Fact]:
    """Yield what the resources of a template describe."""
    for kind, reader in READERS.items():
        for resource in template.resources(kind):
            for fact in reader(tree, resource):
                yield as_server(replace(fact, environment=environment, unit=template.path))


def _environment(tree: Tree, path: str, name: str | None) -> str | None:
    """Return the environment of a template; that it is called `template.yaml` makes it no sample."""
    folder, slash, file = path.rpartition("/")
    return environment_of(tree, folder + slash + re.sub(r"template", "stack", file, flags=re.IGNORECASE), name)


def _environments(tree: Tree, path: str) -> Mapping[str | None, Mapping[str, Setting]]:
    """Return what a samconfig.toml beside the template overrides; its `default` belongs to no environment."""
    from poollint import _toml

    file = f"{folder_of(path)}/samconfig.toml".lstrip("/")
    text = tree.text(file) if file in tree else None
    if text is None:
        return {None: {}}
    try:
        document = _toml.parse(file, text)
    except _toml.Unreadable as problem:
        tree.skip(file, str(problem), problem.line)
        return {None: {}}
    found: dict[str | None, Mapping[str, Setting]] = {}
    for name, section in document.data.items():
        parameters = section.get("deploy", {}).get("parameters", {}) if isinstance(section, dict) else None
        if isinstance(parameters, dict) and "parameter_overrides" in parameters:
            place = document.location(name, "deploy", "parameters", "parameter_overrides")
            given = parameters["parameter_overrides"]
            words = given if isinstance(given, list) else str(given).split()
            found[None if name == "default" else name] = {
                key: Known(value.strip("\"'"), Origin(key, place))
                for key, _, value in (str(word).partition("=") for word in words)
            }
    return found or {None: {}}


# -- Lambda ------------------------------------------------------------------------------------------------------------


def sam_function(tree: Tree, resource: Resource) -> Iterator[Workload]:
    """AWS::Serverless::Function; `Globals.Function` holds what several share. What is written in the template is no file."""
    shared = _Shared(resource)
    if shared.node("InlineCode") is None:
        yield _lambda(tree, shared, shared.node("CodeUri"))


def plain_function(tree: Tree, resource: Resource) -> Iterator[Workload]:
    """AWS::Lambda::Function, unless its whole code is written in the template: that makes no engine of the project's."""
    if resource.at("Code", "ZipFile") is None:
        yield _lambda(tree, _Shared(resource), resource.at("Code"))


class _Shared:
    """A function's properties over those of Globals."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource

    def node(self, *keys: str) -> Node | None:
        found = self.resource.at(*keys)
        if found is None and self.resource.kind.startswith("AWS::Serverless::"):
            found = self.resource.template.root.at("Globals", "Function", *keys)
        return found

    def number(self, key: str) -> Setting | None:
        node = self.node(key)
        if node is None:
            return None
        setting = self.resource.template.value(node)
        origin = replace(
            setting.origin, says=setting.origin.says or key, location=setting.origin.location or node.location
        )
        return as_number(replace(setting, origin=origin))

    def variables(self) -> Environment:
        root = self.resource.template.root
        nodes = (
            [root.at("Globals", "Function", "Environment", "Variables")] if "Serverless" in self.resource.kind else []
        )
        nodes.append(self.resource.at("Environment", "Variables"))
        entries = [pair for node in nodes if node is not None for pair in node.pairs_at()]
        return variables_of(self.resource.template, entries)


def _lambda(tree: Tree, shared: _Shared, code: Node | None) -> Workload:
    resource = shared.resource
    name = resource.word("FunctionName") or resource.logical
    source = code.text_at() if code is not None else None
    folder = below(folder_of(resource.template.path), source) if source and "://" not in source else None
    handler = shared.node("Handler")
    return Workload(
        name=name,
        platform="lambda",
        kind="function",
        location=resource.location,
        life="per-invocation",
        instances=_ecs.lambda_instances(shared.number("ReservedConcurrentExecutions")),
        concurrency=_ecs.ONE_REQUEST,
        concurrency_is_hard=True,
        request_timeout=shared.number("Timeout") or _ecs.LAMBDA_TIMEOUT,
        variables=shared.variables(),
        image=resource.word("ImageUri"),
        build=_docker_build(tree, resource),
        sources=(folder,) if folder is not None and folder in tree.folders else (),
        run=function("lambda", resource.location, handler.text_at() if handler is not None else None, folder or ""),
    )


def _docker_build(tree: Tree, resource: Resource) -> Build | None:
    metadata = resource.node.at("Metadata")
    written = metadata.text_at("DockerContext") if metadata is not None else None
    context = below(folder_of(resource.template.path), written) if written else None
    if metadata is None or context is None:
        return None
    return Build(context, below(context, metadata.text_at("Dockerfile") or "Dockerfile"))


def variables_of(template: Template, entries: list[tuple[str, Node]]) -> Environment:
    """Return the environment that (name, value) pairs of a template make."""
    found = Variables()
    found.complete = True
    for name, node in entries:
        found.set(name, *_variable(template, name, node))
    return found.frozen()


def _variable(template: Template, name: str, node: Node) -> tuple[Setting, str | None]:
    setting = template.value(node)
    origin = replace(setting.origin, says=name, location=setting.origin.location or node.location)
    if isinstance(setting, Unknown):
        return replace(setting, origin=origin), None
    text = setting.value if isinstance(setting.value, str) else as_text(setting)
    if text is None:
        return Unknown(f"{name} is no single value", origin), None
    if text.startswith("{{resolve:"):
        return Unknown(f"{name} comes from a secret", origin), f"aws-secret/{template.path}/{text}"
    if isinstance(text, Reference) and text.is_single:
        inside = text[2:-1]
        if inside.rpartition(".")[2] not in _PLACES:
            return Unknown(
                f"{name} is {inside}, which only a deployment knows", origin
            ), f"iac/{template.path}/{inside}"
    return replace(setting, value=hide(name, str(text)), origin=origin), None


# -- ECS ---------------------------------------------------------------------------------------------------------------


def ecs_service(tree: Tree, resource: Resource) -> Iterator[Workload]:
    """AWS::ECS::Service with the containers of its task definition."""
    template = resource.template
    wanted = resource.get("TaskDefinition")
    definitions = template.resources("AWS::ECS::TaskDefinition")
    definition = next((d for d in definitions if d.is_meant_by(wanted, "Family")), None)
    instances, scaler = _tasks(resource)
    strategy = resource.word("DeploymentConfiguration", "Strategy")
    two_sets = resource.word("DeploymentController", "Type") == "CODE_DEPLOY" or strategy in (
        "BLUE_GREEN",
        "LINEAR",
        "CANARY",
    )
    percent = resource.number("DeploymentConfiguration", "MaximumPercent", absent=_ecs.DEFAULT_PERCENT)
    service = Workload(
        name=resource.word("ServiceName") or _named_after(resource),
        platform="ecs",
        kind="service",
        location=resource.location,
        instances=instances,
        rollout_instances=_ecs.rollout(instances, percent, two_sets),
        rollout_documented=True,
        cpus=_ecs.cpus(definition.get("Cpu") if definition else None, _is_fargate(resource, definition)),
        autoscaler=scaler.location if scaler else None,
    )
    yield from _containers(service, definition) if definition else (service,)


def _is_fargate(resource: Resource, definition: Resource | None) -> bool:
    listed = definition.at("RequiresCompatibilities") if definition else None
    values = [item.text_at() for item in listed.items_at()] if listed is not None else []
    return "FARGATE" in values or resource.word("LaunchType") == "FARGATE"


def _named_after(resource: Resource) -> str:
    """Return a name for a service without one: its logical id, or its file's name when templates repeat the id."""
    alone = len(list(resource.template.resources(resource.kind))) == 1
    return resource.template.path.rpartition("/")[2].partition(".")[0] if alone else resource.logical


def _tasks(resource: Resource) -> tuple[Setting, Resource | None]:
    if resource.word("SchedulingStrategy") == "DAEMON":
        return Unknown("one task per host of the cluster", Origin("SchedulingStrategy", resource.location)), None
    for target in resource.template.resources("AWS::ApplicationAutoScaling::ScalableTarget"):
        identity = target.get("ResourceId")
        if isinstance(identity, Known) and _scales(str(identity.value), resource):
            return target.number("MaxCapacity"), target
    return resource.number("DesiredCount"), None


def _scales(identity: str, resource: Resource) -> bool:
    last = identity.rpartition("/")[2]
    reference = last.startswith(("${" + resource.logical + ".", "${" + resource.logical + "}"))
    return identity.startswith("service/") and (reference or last == resource.word("ServiceName"))


def _containers(service: Workload, definition: Resource) -> Iterator[Workload]:
    nodes = definition.node.items_at("Properties", "ContainerDefinitions")
    ours = [
        (index, node) for index, node in enumerate(nodes) if not is_infrastructure(_text(definition, index, "Image"))
    ]
    if not ours:
        yield service
    for index, node in ours:
        name = _text(definition, index, "Name")
        entries = [
            (n, v) for item in node.items_at("Environment") if (n := item.text_at("Name")) and (v := item.at("Value"))
        ]
        yield replace(
            service,
            name=service.name if len(ours) == 1 or name == service.name else f"{service.name}/{name}",
            image=_text(definition, index, "Image"),
            entrypoint=_words(definition, index, "EntryPoint"),
            command=_words(definition, index, "Command"),
            variables=_with_secrets(definition.template, entries, node),
        )


def _text(definition: Resource, index: int, key: str) -> str | None:
    setting = definition.get("ContainerDefinitions", index, key)
    return setting.value if isinstance(setting, Known) and isinstance(setting.value, str) else None


def _words(definition: Resource, index: int, key: str) -> Words | None:
    setting = definition.get("ContainerDefinitions", index, key)
    if not isinstance(setting, Known) or not isinstance(setting.value, tuple) or not setting.origin.location:
        return None
    items = setting.value
    if not items or not all(isinstance(item, Known) and isinstance(item.value, (str, int)) for item in items):
        return None
    place = setting.origin.location
    return Words(place, tuple(str(i.value) for i in items), locations=tuple(i.origin.location or place for i in items))


def _with_secrets(
    template: Template, entries: list[tuple[str, Node]], node: Node, key: str = "Secrets", value: str = "ValueFrom"
) -> Environment:
    plain = variables_of(template, entries)
    values, secrets = dict(plain.variables), dict(plain.secrets)
    for item in node.items_at(key):
        name, given = item.text_at("Name"), item.at(value)
        if name and given is not None:
            setting = template.value(given)
            values[name] = Unknown(f"{name} comes from a secret", Origin(name, item.location))
            if isinstance(setting, Known):
                secrets[name] = f"aws-secret/{template.path}/{setting.value}"
    return Environment(values, node.at("EnvironmentFiles") is None, secrets)


# -- App Runner --------------------------------------------------------------------------------------------------------


def app_runner(tree: Tree, resource: Resource) -> Iterator[Workload]:
    """AWS::AppRunner::Service with its scaling configuration."""
    wanted = resource.get("AutoScalingConfigurationArn")
    listed = resource.template.resources("AWS::AppRunner::AutoScalingConfiguration")
    scaling = next((s for s in listed if s.is_meant_by(wanted, "AutoScalingConfigurationName")), None)
    elsewhere = Unknown("the scaling configuration is not here", wanted.origin) if wanted and not scaling else None
    size, requests = (
        elsewhere or (scaling.number(key, absent=given) if scaling else given)
        for key, given in (("MaxSize", _app_runner.DEFAULT_SIZE), ("MaxConcurrency", _app_runner.DEFAULT_CONCURRENCY))
    )
    source = "CodeRepository" if resource.at("SourceConfiguration", "CodeRepository") is not None else "ImageRepository"
    inner = ("CodeConfiguration", "CodeConfigurationValues") if source == "CodeRepository" else ("ImageConfiguration",)
    start = resource.at("SourceConfiguration", source, *inner, "StartCommand")
    folder = resource.word("SourceConfiguration", source, "SourceDirectory")
    yield Workload(
        name=resource.word("ServiceName") or _named_after(resource),
        platform="app-runner",
        kind="service",
        location=resource.location,
        instances=size,
        rollout_instances=_app_runner.rollout(size),
        rollout_documented=True,
        concurrency=requests,
        variables=_app_runner_variables(resource, ("SourceConfiguration", source, *inner)),
        command=command(start),
        image=resource.word("SourceConfiguration", source, "ImageIdentifier"),
        sources=(folder.strip("/"),) if folder and folder.strip("/") in tree.folders else (),
    )


def _app_runner_variables(resource: Resource, where: tuple[str, ...]) -> Environment:
    node = resource.at(*where)
    if node is None:
        return Environment()
    entries = [
        (name, value)
        for item in node.items_at("RuntimeEnvironmentVariables")
        if (name := item.text_at("Name")) and (value := item.at("Value")) is not None
    ]
    return _with_secrets(resource.template, entries, node, "RuntimeEnvironmentSecrets", "Value")


# -- RDS ---------------------------------------------------------------------------------------------------------------


def db_instance(tree: Tree, resource: Resource) -> Iterator[Database]:
    """AWS::RDS::DBInstance, unless it is a member of a cluster."""
    if resource.get("DBClusterIdentifier") is not None:
        return
    provider, dialect = engine(resource.word("Engine"))
    group = _limit(resource, "DBParameterGroupName", "AWS::RDS::DBParameterGroup")
    limit, tier = _ecs.limit(group, written(resource, "DBInstanceClass"))
    yield Database(
        name=resource.word("DBInstanceIdentifier") or resource.logical,
        location=resource.location,
        dialect=dialect,
        provider=provider,
        tier=tier,
        max_connections=limit,
        version=written(resource, "EngineVersion"),
        hosts=resource.tokens("Endpoint.Address"),
        identities=(resource.identity,),
    )


def db_cluster(tree: Tree, resource: Resource) -> Iterator[Database]:
    """AWS::RDS::DBCluster, sized by its instances or its serverless capacity."""
    provider, dialect = engine(resource.word("Engine"))
    instances = resource.template.resources("AWS::RDS::DBInstance")
    members = [m for m in instances if resource.is_meant_by(m.get("DBClusterIdentifier"), "DBClusterIdentifier")]
    classes = {member.word("DBInstanceClass") for member in members}
    if resource.at("ServerlessV2ScalingConfiguration") is not None and classes <= {"db.serverless"}:
        tier, provider = resource.number("ServerlessV2ScalingConfiguration", "MaxCapacity"), "aurora-serverless-v2"
    elif resource.get("DBClusterInstanceClass") is not None:
        tier = written(resource, "DBClusterInstanceClass")
    elif len(classes) == 1:
        tier = written(members[0], "DBInstanceClass")
    else:
        tier = Unknown("no single class of instances", Origin("DBInstanceClass", resource.location))
    group = _limit(resource, "DBClusterParameterGroupName", "AWS::RDS::DBClusterParameterGroup")
    limit, tier = _ecs.limit(group, tier)
    yield Database(
        name=resource.word("DBClusterIdentifier") or resource.logical,
        location=resource.location,
        dialect=dialect,
        provider=provider,
        tier=tier,
        max_connections=limit,
        version=written(resource, "EngineVersion"),
        hosts=resource.tokens("Endpoint.Address"),
        identities=(resource.identity,),
    )


def written(resource: Resource, key: str) -> Setting:
    """Return a text of the provider's vocabulary; what a deployment decides is unknown."""
    setting = resource.get(key)
    if setting is None:
        return Unknown(f"{key} is not set", Origin(key, resource.location))
    if isinstance(setting, Known) and isinstance(setting.value, Reference):
        return Unknown(f"{key} is only known after a deployment", setting.origin)
    return replace(setting, value=str(setting.value)) if isinstance(setting, Known) else setting


def _limit(resource: Resource, key: str, kind: str) -> Setting:
    wanted = resource.get(key)
    group = next((g for g in resource.template.resources(kind) if g.is_meant_by(wanted, key)), None)
    setting = group.get("Parameters", "max_connections") if group else None
    if setting is None:
        return Unknown("max_connections is not set", Origin("max_connections"))
    if isinstance(setting, Known) and isinstance(setting.value, str) and "{DBInstance" in setting.value:
        return setting
    return as_number(setting)


def db_proxy(tree: Tree, resource: Resource) -> Iterator[Pooler]:
    """AWS::RDS::DBProxy with its target group."""
    groups = resource.template.resources("AWS::RDS::DBProxyTargetGroup")
    group = next((g for g in groups if resource.is_meant_by(g.get("DBProxyName"), "DBProxyName")), None)
    databases = resource.template.resources("AWS::RDS::DBInstance", "AWS::RDS::DBCluster")
    targets = [
        group.get(key, 0) if group and group.at(key, 0) is not None else None
        for key in ("DBInstanceIdentifiers", "DBClusterIdentifiers")
    ]
    backend = next((d for d in databases for t in targets if d.is_meant_by(t, "DBInstanceIdentifier")), None)
    family = {"POSTGRESQL": "postgresql", "MYSQL": "mysql"}.get(resource.word("EngineFamily") or "")
    idle = Known(1800, Origin("default of RDS Proxy"), "default")
    yield Pooler(
        name=resource.word("DBProxyName") or resource.logical,
        product="rds-proxy",
        location=resource.location,
        mode=Known("transaction", Origin("RDS Proxy"), "default"),
        client_idle_timeout=resource.number("IdleClientTimeout", absent=idle),
        backends={"*": Target(family, backend.tokens("Endpoint.Address")[0])} if backend else {},
        hosts=resource.tokens("Endpoint"),
        provider="rds-proxy",
    )


READERS = {
    "AWS::Serverless::Function": sam_function,
    "AWS::Lambda::Function": plain_function,
    "AWS::ECS::Service": ecs_service,
    "AWS::AppRunner::Service": app_runner,
    "AWS::RDS::DBInstance": db_instance,
    "AWS::RDS::DBCluster": db_cluster,
    "AWS::RDS::DBProxy": db_proxy,
}
