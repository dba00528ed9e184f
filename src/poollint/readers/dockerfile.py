"""A Dockerfile by itself: the workload it would be, where no manifest says how it is deployed.

Whether another workload builds from it, and this one is therefore none, is for `link` to say.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.environments import environment_of
from poollint.facts import Build, Location, Unknown, Words, Workload
from poollint.readers._dockerfile import in_context

if TYPE_CHECKING:
    from poollint.discover import Tree

_PATTERNS = (
    "Dockerfile",
    "Containerfile",
    "Dockerfile.*",
    "Dockerfile-*",
    "Containerfile.*",
    "*.Dockerfile",
    "*.dockerfile",
)
_NOT_ONE = re.compile(r"\.(dockerignore|md|j2|jinja2?|tmpl|tpl|ya?ml|py|sh|txt)$", re.IGNORECASE)
# What AWS builds functions on: https://docs.aws.amazon.com/lambda/latest/dg/python-image.html
_OF_LAMBDA = re.compile(r"(^|/)(lambda/python|aws-lambda-python)(:|@|$)")
NO_MANIFEST = Unknown("no manifest says how many instances run")


def read(tree: Tree) -> Iterator[Workload]:
    """Yield a workload with platform "docker" for every Dockerfile whose final image starts something."""
    for path in dockerfiles(tree):
        with tree.guard(path):
            workload = _workload(tree, path)
            if workload is not None:
                yield workload


def dockerfiles(tree: Tree) -> Iterator[str]:
    return (path for path in tree.named(*_PATTERNS) if not _NOT_ONE.search(path))


def _workload(tree: Tree, path: str) -> Workload | None:
    from poollint import images
    from poollint.commands import container_of

    content = tree.bytes(path)
    if content is None or b"FROM" not in content.upper():
        return None
    build = Build(context_of(tree, path), path)
    container = container_of(build, tree)
    if container is None or images.kind_of(container.base) is not None or images.runs_no_python(container.base):
        return None
    told = container.command or container.entrypoint
    if _OF_LAMBDA.search(container.base):
        return _function(tree, path, build, container.command)
    return Workload(
        name=_name(tree, path),
        platform="docker",
        kind="container",
        location=told.location if told else Location(path, 1),
        unit=posixpath.dirname(path),
        environment=_environment(tree, path),
        instances=NO_MANIFEST,
        rollout_instances=NO_MANIFEST,
        build=build,
    )


def _function(tree: Tree, path: str, build: Build, command: Words | None) -> Workload:
    """Return the function of an image that only Lambda runs: its command names the handler, `CMD ["app.main.handler"]`."""
    from poollint.readers import _ecs
    from poollint.readers._platform import function

    place = command.location if command else Location(path, 1)
    handler = command.words[0] if command and command.words else None
    return Workload(
        name=_name(tree, path),
        platform="docker",
        kind="function",
        location=place,
        unit=posixpath.dirname(path),
        environment=_environment(tree, path),
        life="per-invocation",
        instances=_ecs.lambda_instances(None),
        rollout_instances=NO_MANIFEST,
        concurrency=_ecs.ONE_REQUEST,
        concurrency_is_hard=True,
        build=build,
        run=function("lambda", place, handler, build.context),
    )


def _environment(tree: Tree, path: str) -> str | None:
    """`Dockerfile.dev` is a developer's; `ci/Dockerfile` is where the image of every environment is built."""
    found = environment_of(tree, path)
    return None if found == "ci" and posixpath.basename(path).lower() == "dockerfile" else found


def context_of(tree: Tree, path: str) -> str:
    """Return the folder a Dockerfile is built from: its own, or one above when only there its COPY sources exist."""
    from poollint.readers._dockerfile import parse

    own = posixpath.dirname(path)
    text = tree.text(path)
    stages = parse(path, text).stages if text else []
    sources = [source for stage in stages for source in _sources(stage.instructions) if source.strip("./")]
    candidates = [own]
    while candidates[-1]:
        candidates.append(posixpath.dirname(candidates[-1]))

    def held(folder: str) -> int:
        names = (posixpath.normpath(posixpath.join(folder, source)) for source in sources)
        return sum(name in tree or name in tree.folders for name in names)

    return max(candidates, key=held) if sources else own


def copied(tree: Tree, path: str) -> set[str]:
    """Return the files and folders of the tree that a Dockerfile copies into any of its stages."""
    from poollint.readers._dockerfile import parse

    context, text = context_of(tree, path), tree.text(path)
    stages = parse(path, text).stages if text else []
    names = {posixpath.join(context, source) for stage in stages for source in _sources(stage.instructions)}
    return {found for name in names if (found := name.rstrip("/")) in tree or found in tree.folders}


def _sources(instructions: list) -> Iterator[str]:
    for instruction in instructions:
        if instruction.name in ("COPY", "ADD") and "--from=" not in instruction.joined:
            words = instruction.words or [word for word in instruction.joined.split() if not word.startswith("--")]
            for word in words[:-1]:
                if not re.search(r"[*?$<]|://", word):
                    yield in_context(word)


def _name(tree: Tree, path: str) -> str:
    """A Dockerfile is named by its folder; one at the top by the project, with its own suffix if it has one."""
    folder, file = posixpath.split(path)
    suffix = re.sub(r"(?i)^(dockerfile|containerfile)[.-]?|[.-]?dockerfile$", "", file)
    generic = {"docker", "deploy", "deployment", "build", "infra", "ci", ".docker", "dockerfiles"}
    while folder and posixpath.basename(folder).lower() in generic:
        folder = posixpath.dirname(folder)
    name = posixpath.basename(folder) or tree.root.name
    return f"{name}-{suffix}" if suffix else name
