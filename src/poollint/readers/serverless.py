"""The Serverless Framework: functions of serverless.yml, and the resources it carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import Database, Environment, Known, Origin, Pooler, Setting, Unknown, Workload
from poollint.readers import _ecs
from poollint.readers._cloudformation import Template
from poollint.readers._passwords import hide
from poollint.readers._platform import count, default, environment_of, folder_of, function
from poollint.readers._variables import Variables

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

_VARIABLE = re.compile(r"\$\{\s*(self|env|opt|sls)\s*:\s*([\w.-]+)\s*(?:,\s*+'?\"?([^}'\"]*+)'?\"?\s*+)?\}")
DEFAULT_TIMEOUT = default(6, "the Serverless Framework")
DEEPEST = 5


def read(tree: Tree) -> Iterator[Workload | Database | Pooler]:
    """Yield the functions of every service, and the databases among its resources."""
    for path in tree.named("serverless*.yml", "serverless*.yaml", "serverless.json"):
        for document in tree.yaml(path)[:1]:
            if document.at("provider") is None or (
                not document.pairs_at("functions") and document.at("resources") is None
            ):
                continue
            facts: list[Workload | Database | Pooler] = []
            with tree.guard(path):
                facts += [_function(tree, path, document, name, node) for name, node in document.pairs_at("functions")]
                facts += _resources(tree, path, document)
            yield from facts


def _function(tree: Tree, path: str, root: Node, name: str, node: Node) -> Workload:
    aws = (root.text_at("provider", "name") or root.text_at("provider") or "aws") == "aws"
    timeout = node.at("timeout") or root.at("provider", "timeout")
    reserved = node.at("reservedConcurrency")
    instances = _ecs.lambda_instances(_number(root, reserved, "reservedConcurrency") if reserved is not None else None)
    stage = root.text_at("provider", "stage")
    return Workload(
        name=node.text_at("name") if "${" not in (node.text_at("name") or "${") else name,  # type: ignore[arg-type]
        platform="lambda" if aws else "functions",
        kind="function",
        location=node.location,
        unit=path,
        environment=environment_of(tree, path, stage if stage and "${" not in stage else None),
        life="per-invocation",
        instances=instances if aws else Unknown("the platform decides how many run"),
        concurrency=_ecs.ONE_REQUEST,
        concurrency_is_hard=True,
        request_timeout=_number(root, timeout, "timeout") if timeout is not None else DEFAULT_TIMEOUT,
        variables=_variables(tree, root, node),
        image=node.text_at("image"),
        sources=(folder_of(path),),
        run=function("lambda" if aws else "function", node.location, node.text_at("handler"), folder_of(path)),
    )


def _number(root: Node, node: Node | None, says: str) -> Setting:
    text = node.text_at() if node is not None else None
    if node is not None and text and "${" in text:
        resolved = resolve(root, text)
        if resolved is None or not resolved.isdigit():
            return Unknown(f"{says} is {text[:60]}, which no file gives", Origin(says, node.location))
        return Known(int(resolved), Origin(says, node.location))
    return count(node, says)


def resolve(root: Node, text: str, depth: int = 0) -> str | None:
    """Fill in `${self:...}` and the fallbacks of `${opt:..., 'x'}`; None when a part is only known to the command."""
    whole = True

    def put(match: re.Match[str]) -> str:
        nonlocal whole
        found = root.text_at(*match[2].split(".")) if match[1] == "self" else None
        found = resolve(root, found, depth + 1) if found is not None and depth < DEEPEST else None
        if found is None:
            found = match[3]
        whole = whole and found is not None
        return found if found is not None else match[0]

    made = _VARIABLE.sub(put, text)
    return made if whole and "${" not in made and len(made) < 20_000 else None


def _variables(tree: Tree, root: Node, node: Node) -> Environment:
    found = Variables()
    for where in (root.at("provider", "environment"), node.at("environment")):
        if where is None:
            continue
        if not where.pairs_at():
            found.complete = False  # `${file(...)}`
        for name, value in where.pairs_at():
            found.set(name, *_variable(root, name, value))
    found.complete = found.complete and root.text_at("useDotenv") != "true"
    return found.frozen()


def _variable(root: Node, name: str, node: Node) -> tuple[Setting, str | None]:
    text, origin = node.text_at(), Origin(name, node.location)
    if text is None or node.tag:
        return Unknown(f"{name} is made by a deployment", origin), None
    if re.match(r"\$\{(ssm|aws|cf|secretsmanager)\b", text.strip()):
        return Unknown(f"{name} comes from a secret or another stack", origin), f"aws-secret//{text.strip()}"
    resolved = resolve(root, text) if "${" in text else text
    if resolved is None:
        return Unknown(f"{name} is {hide(name, text)[:60]}, which no file gives", origin), None
    return Known(hide(name, resolved), origin), None


def _resources(tree: Tree, path: str, root: Node) -> Iterator[Workload | Database | Pooler]:
    from poollint.readers.cloudformation import facts_of

    nested = root.at("resources")
    for node in (nested, *(nested.items_at() if nested is not None else ())):
        if node is not None and node.pairs_at("Resources"):
            yield from facts_of(tree, Template(path, node), environment_of(tree, path))
