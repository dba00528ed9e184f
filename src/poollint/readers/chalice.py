"""AWS Chalice: the stages of .chalice/config.json as Lambda functions.

https://aws.github.io/chalice/topics/configfile.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import Environment, Workload
from poollint.readers import _ecs
from poollint.readers._platform import count, default, environment_of, folder_of, function, plain
from poollint.readers._variables import Variables

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

DEFAULT_TIMEOUT = default(60, "Chalice", "estimate")  # believed, no page read


def read(tree: Tree) -> Iterator[Workload]:
    """Yield the function behind the API, once per stage."""
    for path in tree.named("config.json"):
        if folder_of(path).rpartition("/")[2] != ".chalice":
            continue
        for document in tree.yaml(path)[:1]:
            found: list[Workload] = []
            with tree.guard(path):
                found += [_function(tree, path, document, name) for name, _ in document.pairs_at("stages")]
            yield from found


def _function(tree: Tree, path: str, root: Node, stage: str) -> Workload:
    folder = folder_of(folder_of(path))
    # What a stage says of its `api_handler` holds before the stage's own, and that before the file's.
    scopes = (root.at("stages", stage, "lambda_functions", "api_handler"), root.at("stages", stage), root)
    reserved, timeout = _first(scopes, "reserved_concurrency"), _first(scopes, "lambda_timeout")
    node = root.at("stages", stage)
    place = node.location if node is not None else root.location
    return Workload(
        name=root.text_at("app_name") or folder.rpartition("/")[2] or "chalice",
        platform="lambda",
        kind="function",
        location=place,
        unit=path,
        environment=environment_of(tree, path, stage),
        life="per-invocation",
        instances=_ecs.lambda_instances(count(reserved, "reserved_concurrency") if reserved is not None else None),
        concurrency=_ecs.ONE_REQUEST,
        concurrency_is_hard=True,
        request_timeout=count(timeout, "lambda_timeout", DEFAULT_TIMEOUT),
        variables=_variables(scopes),
        sources=(folder,),
        run=function("lambda", place, "app.app", folder),
    )


def _first(scopes: tuple[Node | None, ...], key: str) -> Node | None:
    return next((node for scope in scopes if scope is not None and (node := scope.at(key)) is not None), None)


def _variables(scopes: tuple[Node | None, ...]) -> Environment:
    found = Variables()
    for scope in reversed(scopes):
        for name, value in scope.pairs_at("environment_variables") if scope is not None else ():
            found.set(name, plain(name, value))
    return found.frozen()
