"""AWS App Runner: apprunner.yaml beside the code. How many run is said elsewhere, in the service's scaling configuration.

https://docs.aws.amazon.com/apprunner/latest/dg/config-file-ref.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import Environment, Origin, Unknown, Workload
from poollint.readers import _app_runner
from poollint.readers._platform import command, environment_of, folder_of, plain
from poollint.readers._variables import Variables

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree


def read(tree: Tree) -> Iterator[Workload]:
    """Yield the service of each file, unless a template here describes App Runner's services."""
    for path in tree.named("apprunner.yaml", "apprunner.yml"):
        if _is_described(tree):
            return
        for document in tree.yaml(path)[:1]:
            if document.at("run") is not None:
                with tree.guard(path):
                    yield _workload(tree, path, document)


def _is_described(tree: Tree) -> bool:
    """Say whether Terraform or CloudFormation speaks of App Runner: its service is that of the file, with its numbers."""
    names = ("*.tf", "*.yaml", "*.yml", "*.template")
    needles = (b"aws_apprunner_service", b"AWS::AppRunner::Service")
    return any(needle in (tree.bytes(path) or b"") for path in tree.named(*names) for needle in needles)


def _workload(tree: Tree, path: str, root: Node) -> Workload:
    folder = folder_of(path)
    instances = Unknown("the scaling configuration of App Runner is not in this file", Origin("MaxSize"))
    return Workload(
        name=folder.rpartition("/")[2] or "app-runner",
        platform="app-runner",
        kind="service",
        location=root.location,
        unit=path,
        environment=environment_of(tree, path),
        instances=instances,
        rollout_instances=_app_runner.rollout(instances),
        rollout_documented=True,
        variables=_variables(root),
        command=command(root.at("run", "command")),
        working_directory=folder,
        sources=(folder,),
    )


def _variables(root: Node) -> Environment:
    found = Variables()
    found.complete = False  # the service itself may set more
    for item in root.items_at("run", "env"):
        name, value = item.text_at("name"), item.at("value")
        if name and value is not None:
            found.set(name, plain(name, value))
    for item in root.items_at("run", "secrets"):
        if name := item.text_at("name"):
            identity = f"aws-secret//{item.text_at('value-from')}"
            found.set(name, Unknown(f"{name} comes from a secret", Origin(name, item.location)), identity)
    return found.frozen()
