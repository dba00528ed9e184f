"""Delivery pipelines: the jobs of GitHub workflows and the steps of Cloud Build, and what holds in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poollint.readers._texts import Value, Variables, Word, assignments, expanded

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

SCRIPTS = ("*.sh", "*.bash", "Makefile", "makefile", "GNUmakefile", "*.mk", "justfile", "Justfile", "Taskfile.y*ml")
PIPELINES = (
    "cloudbuild*.y*ml",
    ".gitlab-ci*.y*ml",
    "bitbucket-pipelines.y*ml",
    "azure-pipelines*.y*ml",
    "buildspec*.y*ml",
    ".travis.yml",
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What holds from a line on: from a job's first line, a step's, or the file's.

    environment  the workflow's `environment:` of the job
    directory    where its commands run, relative to the root; None when nothing says so
    """

    first: int
    variables: Variables
    environment: str | None = None
    directory: str | None = None


def is_workflow(path: str) -> bool:
    return ".github/workflows/" in f"/{path}" and path.endswith((".yml", ".yaml"))


def texts(tree: Tree, needle: bytes) -> Iterator[str]:
    """Yield the files that run commands and hold `needle`."""
    seen = set()
    for path in (*tree.named(*SCRIPTS, *PIPELINES), *filter(is_workflow, tree.named("*.yml", "*.yaml"))):
        if path not in seen and needle in (tree.bytes(path) or b""):
            seen.add(path)
            yield path


def scopes(tree: Tree, path: str, text: str) -> list[Scope]:
    """Return the scopes of a file, in the order of their lines."""
    shared = assignments(text)
    if is_workflow(path):
        return [*_workflow(tree, path, shared)]
    if path.rpartition("/")[2].startswith("cloudbuild"):
        documents = tree.yaml(path)
        given = documents[0].pairs_at("substitutions") if documents else []
        shared |= {key: Value(node.text_at() or "") for key, node in given}
        return [Scope(1, shared, directory="")]
    folder = path.rpartition("/")[0]
    return [Scope(1, shared, directory=folder if path.rpartition("/")[2].lower().startswith("make") else None)]


def _workflow(tree: Tree, path: str, shared: dict[str, Value]) -> Iterator[Scope]:
    documents = tree.yaml(path)
    if not documents:
        yield Scope(1, shared, directory="")
        return
    outer = shared | _given(documents[0])
    yield Scope(1, outer, directory="")
    for _, job in documents[0].pairs_at("jobs"):
        variables = outer | _given(job)
        environment = job.text_at("environment") or job.text_at("environment", "name")
        directory = job.text_at("defaults", "run", "working-directory") or ""
        yield Scope(job.location.line, variables, environment, directory)
        for step in job.items_at("steps"):
            inner = step.text_at("working-directory") or directory
            yield Scope(step.location.line, variables | _given(step), environment, inner.strip("./"))


def _given(node: Node) -> dict[str, Value]:
    return {key: Value(value.text_at() or "") for key, value in node.pairs_at("env") if value.text_at() is not None}


def scope_at(scopes_: list[Scope], line: int) -> Scope:
    """Return the innermost scope that holds at a line."""
    return next((scope for scope in reversed(scopes_) if scope.first <= line), scopes_[0])


def steps(tree: Tree, path: str) -> Iterator[Node]:
    """Yield the steps of every job of a workflow."""
    for document in tree.yaml(path)[:1]:
        for _, job in document.pairs_at("jobs"):
            yield from job.items_at("steps")


def cloud_build_steps(tree: Tree, path: str) -> Iterator[tuple[str, list[Word]]]:
    """Yield (builder, arguments) of each step of Cloud Build; the entry point is the first argument."""
    for document in tree.yaml(path)[:1]:
        for step in document.items_at("steps"):
            entry = step.at("entrypoint")
            items = (*((entry,) if entry is not None else ()), *step.items_at("args"))
            words = [Word(item.text_at() or "", item.location) for item in items]
            yield step.text_at("name") or "", words


def fill_in(words: list[Word], variables: Variables) -> list[Word]:
    return [expanded(word, variables) for word in words]
