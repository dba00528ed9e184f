"""Zappa: the stages of zappa_settings.json as Lambda functions.

https://github.com/zappa/Zappa#advanced-settings
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.environments import environment_word
from poollint.facts import Environment, Setting, Workload
from poollint.readers import _ecs, _merge
from poollint.readers._platform import count, default, environment_of, folder_of, function, plain
from poollint.readers._variables import Variables

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

_SETTINGS = "https://github.com/zappa/Zappa#advanced-settings"
DEFAULT_TIMEOUT = default(30, "Zappa", url=_SETTINGS)
_LONGEST_CHAIN = 10  # stages that extend each other


def read(tree: Tree) -> Iterator[Workload]:
    """Yield one function per stage."""
    for path in tree.named("zappa_settings.json", "zappa_settings.yml", "zappa_settings.yaml"):
        for document in tree.yaml(path)[:1]:
            found: list[Workload] = []
            with tree.guard(path):
                bases = {node.text_at("extends") for _, node in document.pairs_at()}
                for name, node in document.pairs_at():
                    # A stage that others extend is deployed itself only if its name is an environment's.
                    if name not in bases or environment_word(name):
                        found.append(_function(tree, path, name, _whole(document, node)))
            yield from found


def _whole(root: Node, stage: Node) -> Node:
    """Return a stage over those that it extends: a key that both have is the stage's."""
    for _ in range(_LONGEST_CHAIN):
        base = root.at(stage.text_at("extends") or "")
        if base is None:
            break
        own = {key.text for key, _ in _merge.entries_of(stage)}
        inherited = [pair for pair in _merge.entries_of(base) if pair[0].text not in own | {"extends"}]
        onward = [pair for pair in _merge.entries_of(base) if pair[0].text == "extends"]
        kept = [pair for pair in _merge.entries_of(stage) if pair[0].text != "extends"]
        stage = _merge.mapping([*kept, *inherited, *onward], stage.location)
    return stage


def _function(tree: Tree, path: str, name: str, node: Node) -> Workload:
    folder = folder_of(path)
    return Workload(
        name=node.text_at("project_name") or folder.rpartition("/")[2] or "zappa",
        platform="lambda",
        kind="function",
        location=node.location,
        unit=path,
        environment=environment_of(tree, path, name),
        life="per-invocation",
        instances=_ecs.lambda_instances(_reserved(node)),
        concurrency=_ecs.ONE_REQUEST,
        concurrency_is_hard=True,
        request_timeout=count(node.at("timeout_seconds"), "timeout_seconds", DEFAULT_TIMEOUT),
        variables=_variables(node),
        sources=(folder,),
        run=function("lambda", node.location, node.text_at("app_function"), folder),
    )


def _reserved(node: Node) -> Setting | None:
    reserved = node.at("lambda_concurrency")
    return count(reserved, "lambda_concurrency") if reserved is not None else None


def _variables(node: Node) -> Environment:
    found = Variables()
    # A file in S3 that the function loads when it starts.
    found.complete = node.at("remote_env") is None
    for key in ("aws_environment_variables", "environment_variables"):
        for name, value in node.pairs_at(key):
            found.set(name, plain(name, value))
    return found.frozen()
