"""ECS task definitions as JSON: what runs, with which variables. How often is the service's business, not the file's.

The deploy step of a workflow names the service and may state its count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.facts import NOT_READ, Database, Environment, Origin, Pooler, Setting, Unknown, Workload
from poollint.readers import _ecs
from poollint.readers._beanstalk import options_of
from poollint.readers._containers import is_infrastructure
from poollint.readers._pipelines import is_workflow, scope_at, scopes, steps
from poollint.readers._platform import as_server, command, count, environment_of, folder_of, json_about, plain
from poollint.readers._texts import Word, expanded
from poollint.readers._variables import Variables

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

_WORDS = ("task", "ecs", "container", "aws", "deploy", "infra")
_DEPLOY = "aws-actions/amazon-ecs-deploy-task-definition"


def read(tree: Tree) -> Iterator[Workload | Database | Pooler]:
    """Yield one workload per container of each task definition that may run our code."""
    for path in json_about(tree, *_WORDS):
        content = tree.bytes(path) or b""
        if b'"containerDefinitions"' not in content:
            continue
        found: list[Workload | Database | Pooler] = []
        with tree.guard(path):
            for document in tree.yaml(path)[:1]:
                found = list(_workloads(tree, path, document))
        yield from found


def _workloads(tree: Tree, path: str, document: Node) -> Iterator[Workload | Database | Pooler]:
    definition = document.at("taskDefinition") or document  # the shape of `aws ecs describe-task-definition`
    family = definition.text_at("family") or folder_of(path).rpartition("/")[2] or "task"
    deployed = _deployed(tree, path)
    name, instances, environment = deployed or (
        family,
        Unknown("the service, which is not in this file, has the count"),
        None,
    )
    nodes = definition.items_at("containerDefinitions")
    ours = [node for node in nodes if not is_infrastructure(node.text_at("image"))]
    for node in ours:
        container = node.text_at("name")
        workload = Workload(
            name=name if len(ours) == 1 or container == name else f"{name}/{container}",
            platform="ecs",
            kind="task",
            location=node.location,
            unit=folder_of(path),
            environment=environment_of(tree, path, environment),
            instances=instances,
            rollout_instances=_ecs.rollout(instances, _ecs.DEFAULT_PERCENT),
            rollout_documented=True,
            cpus=_cpus(definition),
            variables=_variables(node),
            entrypoint=command(node.at("entryPoint")),
            command=command(node.at("command")),
            working_directory=node.text_at("workingDirectory"),
            image=node.text_at("image"),
        )
        yield as_server(_on_beanstalk(tree, path, workload))


def _on_beanstalk(tree: Tree, path: str, workload: Workload) -> Workload:
    """Give the containers of a Dockerrun.aws.json the instances of their Elastic Beanstalk environment."""
    options = options_of(tree, folder_of(path)) if path.endswith("Dockerrun.aws.json") else None
    if options is None:
        return workload
    return replace(
        workload,
        platform="elastic-beanstalk",
        instances=options.instances(),
        rollout_instances=NOT_READ,
        rollout_documented=False,
    )


def _cpus(definition: Node) -> Setting:
    units = count(definition.at("cpu"), "cpu")
    is_fargate = "FARGATE" in [item.text_at() for item in definition.items_at("requiresCompatibilities")]
    return _ecs.cpus(None if isinstance(units, Unknown) else replace(units, value=str(units.value)), is_fargate)


def _variables(node: Node) -> Environment:
    found = Variables()
    found.complete = node.at("environmentFiles") is None
    for item in node.items_at("environment"):
        name, value = item.text_at("name"), item.at("value")
        if name and value is not None:
            found.set(name, plain(name, value))
    for item in node.items_at("secrets"):
        name, source = item.text_at("name"), item.text_at("valueFrom")
        if name and source:
            found.set(
                name, Unknown(f"{name} comes from a secret", Origin(name, item.location)), f"aws-secret//{source}"
            )
    return found.frozen()


def _deployed(tree: Tree, path: str) -> tuple[str, Setting, str | None] | None:
    """Return (service, count, environment) of the workflow step that deploys this file, when exactly one does."""
    found: list[tuple[str, Setting, str | None]] = []
    for workflow in filter(is_workflow, tree.named("*.yml", "*.yaml")):
        content = tree.bytes(workflow) or b""
        if _DEPLOY.encode() not in content or path.rpartition("/")[2].encode() not in content:
            continue
        parts = scopes(tree, workflow, tree.text(workflow) or "")
        for step in steps(tree, workflow):
            if (step.text_at("uses") or "").partition("@")[0] == _DEPLOY:
                scope = scope_at(parts, step.location.line)
                name = expanded(Word(step.text_at("with", "service") or "", step.location), scope.variables)
                kept = Unknown(
                    "desired-count is not given, so the service keeps what it had",
                    Origin("desired-count", step.location),
                )
                if name.complete and name.text:
                    number = count(step.at("with", "desired-count"), "desired-count", kept)
                    found.append((name.text, number, scope.environment))
    return found[0] if len(found) == 1 else None
