"""Which folder an image is built from: in scripts, workflows, Cloud Build and Skaffold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import normpath
from typing import TYPE_CHECKING

from poollint.facts import Build, Image, Location
from poollint.readers._pipelines import Scope, cloud_build_steps, fill_in, is_workflow, scope_at, scopes, steps, texts
from poollint.readers._texts import Word, commands, expanded, flags

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

_START = re.compile(
    r"(?<![\w./-])(?:(?:docker|podman|nerdctl)(?:\s+buildx|\s+image)?\s+build\b|gcloud\s+(?:beta\s+)?builds\s+submit\b)"
)
_ACTIONS = ("docker/build-push-action", "redhat-actions/buildah-build")
_SWITCHES = frozenset("--push --load --pull --no-cache --quiet -q --rm --force-rm --async --squash".split())


def read(tree: Tree) -> Iterator[Image]:
    """Yield the images that scripts, workflows, Cloud Build and Skaffold build from folders of the tree."""
    for path in texts(tree, b"build"):
        found: list[Image] = []
        with tree.guard(path):
            found = list(_images(tree, path))
        yield from found
    for path in tree.named("skaffold*.y*ml"):
        found = []
        with tree.guard(path):
            found = list(_skaffold(tree, path))
        yield from found


def _images(tree: Tree, path: str) -> Iterator[Image]:
    text = tree.text(path) or ""
    parts = scopes(tree, path, text)
    for words in commands(path, text, _START, {}):
        scope = scope_at(parts, words[0].location.line)
        yield from _built(tree, fill_in(words, scope.variables), scope)
    if path.rpartition("/")[2].startswith("cloudbuild"):
        for builder, words in cloud_build_steps(tree, path):
            if words and "docker" in builder and words[0].text in ("build", "buildx", "docker"):
                yield from _built(tree, fill_in(words, parts[0].variables), parts[0])
            elif words and "kaniko" in builder:
                yield from _kaniko(tree, fill_in(words, parts[0].variables), parts[0])
    if is_workflow(path):
        for step in steps(tree, path):
            if (step.text_at("uses") or "").partition("@")[0] in _ACTIONS:
                yield from _action(tree, step, scope_at(parts, step.location.line))


def _built(tree: Tree, words: list[Word], scope: Scope) -> Iterator[Image]:
    rest = [word for word in words if word.text not in ("docker", "podman", "nerdctl", "buildx", "image", "build")]
    submits = [word.text for word in rest[:1]] == ["gcloud"]
    if submits:
        rest = [word for word in rest if word.text not in ("gcloud", "beta", "builds", "submit")]
    given = flags(rest, _SWITCHES)
    tag = given.get("-t", "--tag")
    context = given.words[-1].text if given.words else "." if submits else None
    if tag is None or context is None:
        return
    file, target = given.get("-f", "--file"), given.get("--target")
    yield from _image(tree, tag, context, file.text if file else None, scope, target.text if target else None)


def _kaniko(tree: Tree, words: list[Word], scope: Scope) -> Iterator[Image]:
    given = flags(words)
    tag, file, context = given.get("--destination"), given.get("--dockerfile"), given.get("--context", "-c")
    if tag is None:
        return
    folder = (context.text if context else ".").removeprefix("dir://").removeprefix("/workspace").lstrip("/") or "."
    yield from _image(tree, tag, folder, file.text if file else None, scope)


def _action(tree: Tree, step: Node, scope: Scope) -> Iterator[Image]:
    """`with:` of build-push-action: `file` counts from the root, as `docker build -f` does."""
    given = {
        key: expanded(Word(node.text_at() or "", node.location), scope.variables) for key, node in step.pairs_at("with")
    }
    context = given["context"].text if "context" in given else "."
    file = given["file"].text if "file" in given else None
    target = given["target"].text if "target" in given else None
    tags = given.get("tags") or given.get("image")
    if tags is None:
        return
    listed = re.split(r"[\s,]+", re.sub(r"\$\{\{\s*([^}\s]*)\s*\}\}", r"${{\1}}", tags.text))
    for tag in dict.fromkeys(_repository(tag) for tag in listed if tag):
        yield from _image(tree, Word(tag, tags.location), context, file, scope, target)


def _repository(tag: str) -> str:
    """Return a tag's repository: two tags of one image are one image."""
    head, slash, last = tag.rpartition("/")
    return head + slash + last.partition(":")[0]


def _image(
    tree: Tree, tag: Word, context: str, dockerfile: str | None, scope: Scope, target: str | None = None
) -> Iterator[Image]:
    """Yield the image when its context is a folder of the tree: as the command's folder says, else as the root does."""
    beside = tag.location.path.rpartition("/")[0]
    bases = (scope.directory,) if scope.directory is not None else ("", beside)
    for base in bases:
        folder = _joined(base, context)
        if folder is None or folder not in tree.folders:
            continue
        file = _joined(base, dockerfile) if dockerfile else f"{folder}/Dockerfile".lstrip("/")
        if file in tree:
            yield Image(_repository(tag.text), Build(folder, file, target), tag.location)
            return


def _joined(base: str, path: str) -> str | None:
    """Return a path below the root, None when it leaves it or names another machine's."""
    if "://" in path or path.startswith(("/", "~", "$", "-")):
        return None
    joined = normpath(f"{base}/{path}" if base else path)
    return None if joined.startswith("..") else "" if joined == "." else joined


def _skaffold(tree: Tree, path: str) -> Iterator[Image]:
    here = path.rpartition("/")[0]
    for document in tree.yaml(path):
        if not (document.text_at("apiVersion") or "").startswith("skaffold/"):
            continue
        for artifact in document.items_at("build", "artifacts"):
            name = artifact.text_at("image")
            context = _joined(here, artifact.text_at("context") or ".")
            if name is None or context is None:
                continue
            written = artifact.text_at("docker", "dockerfile") or "Dockerfile"
            dockerfile = f"{context}/{written}".lstrip("/")
            place: Location = artifact.location
            yield Image(name, Build(context, dockerfile, artifact.text_at("docker", "target")), place)
