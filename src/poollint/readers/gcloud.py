"""Cloud Run as commands: `gcloud run deploy` in scripts, Makefiles and pipelines, and the deploy-cloudrun action.

A flag that an imperative deployment leaves out keeps what the service had before: that is unknown, not the default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from poollint.facts import Build, Known, Location, Origin, Setting, Unknown, Words, Workload
from poollint.readers import _run
from poollint.readers._containers import cpu_count
from poollint.readers._passwords import hide
from poollint.readers._pipelines import Scope, cloud_build_steps, fill_in, is_workflow, scope_at, scopes, steps, texts
from poollint.readers.terraform._part import seconds
from poollint.readers._texts import Flags, Word, commands, expanded, flags
from poollint.readers._variables import Variables

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

_START = re.compile(r"(?<![\w./-])gcloud\s+(?:(?:alpha|beta)\s+)?run\s+(?=[a-z])")
_ACTION = "google-github-actions/deploy-cloudrun"
_VERBS = {
    ("deploy",): "service",
    ("services", "update"): "service",
    ("jobs", "deploy"): "job",
    ("jobs", "create"): "job",
    ("jobs", "update"): "job",
    ("worker-pools", "deploy"): "worker-pool",
    ("worker-pools", "update"): "worker-pool",
}
_NUMBERS = frozenset(("--max", "--max-instances", "--concurrency", "--source", "--tasks", "--instances", "--scaling"))
_SWITCHES = frozenset(
    "--allow-unauthenticated --async --quiet -q --wait --execute-now --cpu-throttling --cpu-boost --session-affinity "
    "--use-http2 --invoker-iam-check --default-url --automatic-updates --deploy-health-check".split()
)


@dataclass
class Deployment:
    """All commands of one file and environment that speak of the same service; later flags win."""

    kind: str
    name: str
    location: Location
    scope: Scope
    flags: dict[str, Word] = field(default_factory=dict)
    variables: Variables = field(default_factory=Variables)
    replaces_variables: bool = False


def read(tree: Tree) -> Iterator[Workload]:
    """Yield what the commands of the tree deploy to Cloud Run, except what a declarative file here describes."""
    for path in texts(tree, b"run"):
        content = tree.bytes(path) or b""
        if b"gcloud" not in content and _ACTION.encode() not in content:
            continue
        found: list[Workload] = []
        with tree.guard(path):
            found = [_workload(tree, deployment) for deployment in _deployments(tree, path)]
        yield from (workload for workload in found if not _is_declared(tree, workload.name))


def _deployments(tree: Tree, path: str) -> list[Deployment]:
    text = tree.text(path)
    if text is None:
        return []
    parts = scopes(tree, path, text)
    made: dict[tuple[str, str, str | None, int], Deployment] = {}
    for words in _commands(tree, path, text, parts):
        scope = scope_at(parts, words[0].location.line)
        kind, rest = _kind(words)
        if kind is None:
            continue
        given = flags(rest, _SWITCHES)
        _add(tree, made, kind, given, scope, words[0].location)
    if is_workflow(path):
        for step in steps(tree, path):
            if (step.text_at("uses") or "").partition("@")[0] == _ACTION:
                _add_action(tree, made, step, scope_at(parts, step.location.line))
    return list(made.values())


def _commands(tree: Tree, path: str, text: str, parts: list[Scope]) -> Iterator[list[Word]]:
    for words in commands(path, text, _START, {}):
        yield fill_in(words, scope_at(parts, words[0].location.line).variables)
    if path.rpartition("/")[2].startswith("cloudbuild"):
        for _, words in cloud_build_steps(tree, path):
            if words[:1] and words[0].text in ("gcloud", "run", "beta", "alpha"):
                head = words if words[0].text == "gcloud" else [replace(words[0], text="gcloud"), *words]
                yield fill_in(head, parts[0].variables)


def _kind(words: list[Word]) -> tuple[str | None, list[Word]]:
    rest = [word for word in words if word.text not in ("alpha", "beta")]
    if [word.text for word in rest[:2]] != ["gcloud", "run"]:
        return None, []
    for verb, kind in _VERBS.items():
        if tuple(word.text for word in rest[2 : 2 + len(verb)]) == verb:
            return kind, rest[2 + len(verb) :]
    return None, []


def _add(tree: Tree, made: dict, kind: str, given: Flags, scope: Scope, place: Location) -> None:
    image = given.get("--image")
    named = given.words[0] if given.words else None
    if (named is None or not named.complete) and not (image or _NUMBERS & set(given.values)):
        return  # neither what it is nor how much of it
    name = named.text if named and named.complete else _named_after(image, place)
    deployment = made.setdefault((kind, name, scope.environment, scope.first), Deployment(kind, name, place, scope))
    deployment.flags.update(given.values)
    _take_variables(tree, deployment, given)


def _named_after(image: Word | None, place: Location) -> str:
    """Return a name for a service whose own is a variable: its image's, else its folder's."""
    from poollint.readers._containers import short_name

    if image and not short_name(image.text).count("$"):
        return short_name(image.text)
    return place.path.rpartition("/")[0].rpartition("/")[2] or "cloud-run"


# -- variables ---------------------------------------------------------------------------------------------------------


def _take_variables(tree: Tree, deployment: Deployment, given: Flags) -> None:
    """--set-env-vars replaces everything; --update-env-vars adds to what nobody here knows."""
    variables = deployment.variables
    if given.get("--set-env-vars", "--env-vars-file", "--clear-env-vars") is not None:
        deployment.replaces_variables = True
    variables.complete = deployment.replaces_variables
    for flag in ("--set-env-vars", "--update-env-vars"):
        if word := given.get(flag):
            for name, part in pairs(word):
                variables.set(name, _plain(name, part))
    for flag in ("--set-secrets", "--update-secrets"):
        if word := given.get(flag):
            for name, part in pairs(word):
                if not name.startswith("/"):
                    variables.set(name, *_secret(name, part.text, part.location))
    if word := given.get("--env-vars-file"):
        _take_file(tree, deployment, word)


def pairs(word: Word) -> Iterator[tuple[str, Word]]:
    """Split `A=1,B=2`; `^@^A=1,2@B=3` names another separator."""
    text, separator = word.text, ","
    if match := re.match(r"\^([^^]{1,5})\^", text):
        text, separator = text[match.end() :], match[1]
    for pair in text.split(separator):
        name, equals, value = pair.strip().partition("=")
        if equals and re.fullmatch(r"[\w./-]+", name):
            yield name, replace(word, text=value, complete="$" not in value)


def _plain(name: str, part: Word) -> Setting:
    hidden = hide(name, part.text)
    return replace(part, text=hidden, complete="$" not in hidden).setting(name)


def _secret(name: str, text: str, place: Location) -> tuple[Setting, str]:
    secret, _, version = text.partition(":")
    secret = secret.rpartition("/secrets/")[2] if "/secrets/" in secret else secret
    identity = f"secret-manager//{secret}/{version.partition('/')[0] or 'latest'}"
    return Unknown(f"{name} comes from secret {secret}", Origin(name, place)), identity


def _take_file(tree: Tree, deployment: Deployment, word: Word) -> None:
    folder = deployment.location.path.rpartition("/")[0]
    for path in (word.text, f"{folder}/{word.text}"):
        if path in tree and path.endswith((".yaml", ".yml")):
            for document in tree.yaml(path)[:1]:
                for name, node in document.pairs_at():
                    deployment.variables.set(name, Known(hide(name, node.text_at() or ""), Origin(name, node.location)))
            return
    deployment.variables.complete = False


# -- the action --------------------------------------------------------------------------------------------------------


def _add_action(tree: Tree, made: dict, step: Node, scope: Scope) -> None:
    """`with:` of google-github-actions/deploy-cloudrun; more flags sit in the one text called `flags`."""
    values: dict[str, Word] = {}
    inputs = {key: Word(node.text_at() or "", node.location) for key, node in step.pairs_at("with")}
    if "metadata" in inputs:
        return  # a service YAML, which is read where it stands
    for key, flag in (("image", "--image"), ("source", "--source"), ("timeout", "--timeout")):
        if key in inputs:
            values[flag] = expanded(inputs[key], scope.variables)
    if extra := inputs.get("flags"):
        words = [Word(text, extra.location) for text in extra.text.split()]
        values |= flags(fill_in(words, scope.variables), _SWITCHES).values
    strategy = inputs["env_vars_update_strategy"].text if "env_vars_update_strategy" in inputs else "merge"
    for key, flag in (
        ("env_vars", "--set-env-vars" if strategy == "overwrite" else "--update-env-vars"),
        ("secrets", "--update-secrets"),
    ):
        if key in inputs:
            values[flag] = expanded(replace(inputs[key], text=_on_one_line(inputs[key].text)), scope.variables)
    kind = "job" if "job" in inputs else "service"
    named = tuple(expanded(inputs[key], scope.variables) for key in (kind,) if key in inputs)
    _add(tree, made, kind, Flags(values, named), scope, step.location)


def _on_one_line(text: str) -> str:
    return ",".join(line.strip().rstrip(",") for line in text.splitlines() if "=" in line)


# -- the workload ------------------------------------------------------------------------------------------------------


def _workload(tree: Tree, deployment: Deployment) -> Workload:
    from poollint.environments import environment_of

    path, scope = deployment.location.path, deployment.scope
    cpus = _cpus(deployment)
    workload = Workload(
        name=deployment.name,
        platform="cloud-run",
        kind=deployment.kind,
        location=deployment.location,
        unit=path,  # two workflows of one folder deploy two things
        environment=environment_of(tree, path, scope.environment),
        cpus=cpus,
        variables=deployment.variables.frozen(),
        entrypoint=_command(deployment, "--command"),
        command=_command(deployment, "--args"),
        image=_text(deployment, "--image"),
        instance_connections=_connections(deployment),
        egress="vpc" if {"--vpc-connector", "--network", "--subnet"} & set(deployment.flags) else None,
        **_source(tree, deployment),
    )
    if deployment.kind == "service":
        return _service(deployment, workload, cpus)
    return _job(deployment, workload) if deployment.kind == "job" else _worker_pool(deployment, workload)


def _service(deployment: Deployment, workload: Workload, cpus: Setting) -> Workload:
    service, revision = _number(deployment, "--max"), _number(deployment, "--max-instances")
    maximum = _run.instances(service, revision) if service or revision else _kept("--max-instances", deployment)
    manual = None if _text(deployment, "--scaling") == "auto" else _number(deployment, "--scaling")
    requests = _number(deployment, "--concurrency")
    return replace(
        workload,
        life="scale-to-zero",
        instances=manual or maximum,
        rollout_instances=_run.NO_OVERLAP,
        concurrency=_run.concurrency(requests, cpus) if requests else _kept("--concurrency", deployment),
        concurrency_is_hard=True,
        request_timeout=_seconds(deployment, "--timeout"),
    )


def _job(deployment: Deployment, workload: Workload) -> Workload:
    tasks = _number(deployment, "--tasks") or _kept("--tasks", deployment)
    at_once = _number(deployment, "--parallelism") or Known(0, Origin("--parallelism"))
    return replace(workload, life="one-off", instances=_run.job_instances(tasks, at_once))


def _worker_pool(deployment: Deployment, workload: Workload) -> Workload:
    count = _number(deployment, "--instances") or _number(deployment, "--scaling")
    return replace(workload, instances=count or _kept("--instances", deployment))


def _kept(flag: str, deployment: Deployment) -> Unknown:
    return Unknown(f"{flag} is not given, so the service keeps what it had", Origin(flag, deployment.location))


def _number(deployment: Deployment, flag: str) -> Setting | None:
    word = deployment.flags.get(flag)
    if word is None:
        return None
    setting = word.setting(flag)
    if isinstance(setting, Unknown):
        return setting
    if setting.value == "default":
        return _run.DEFAULT_INSTANCES if "max" in flag else replace(setting, value=0)
    if not setting.value.isdigit():
        return Unknown(f"{flag} is no number", setting.origin)
    return replace(setting, value=int(setting.value))


def _seconds(deployment: Deployment, flag: str) -> Setting:
    word = deployment.flags.get(flag)
    setting = word.setting(flag) if word else _kept(flag, deployment)
    value = seconds(setting.value) if isinstance(setting, Known) else None
    if value is None:
        return setting if isinstance(setting, Unknown) else Unknown(f"{flag} is no duration", setting.origin)
    return replace(setting, value=value)


def _cpus(deployment: Deployment) -> Setting:
    word = deployment.flags.get("--cpu")
    setting = word.setting("--cpu") if word else _kept("--cpu", deployment)
    count = cpu_count(setting.value) if isinstance(setting, Known) else None
    return replace(setting, value=count) if count is not None else Unknown("--cpu is not known", setting.origin)


def _command(deployment: Deployment, flag: str) -> Words | None:
    word = deployment.flags.get(flag)
    if word is None or not word.text:
        return None
    parts = [part for part in word.text.split(",") if part]
    return Words(word.location, tuple(parts), locations=(word.location,) * len(parts))


def _text(deployment: Deployment, flag: str) -> str | None:
    word = deployment.flags.get(flag)
    return word.text if word else None


def _connections(deployment: Deployment) -> tuple[str, ...]:
    found: list[str] = []
    for flag in ("--set-cloudsql-instances", "--add-cloudsql-instances"):
        found += [name.strip() for name in (_text(deployment, flag) or "").split(",") if name.strip()]
    return tuple(found)


def _source(tree: Tree, deployment: Deployment) -> dict:
    """Return what `--source DIR` says: relative to where the command runs, else to the first folder that exists."""
    word = deployment.flags.get("--source")
    if word is None or not word.complete:
        return {}
    from posixpath import normpath

    here = deployment.scope.directory
    beside = deployment.location.path.rpartition("/")[0]
    for base in (here,) if here is not None else ("", beside):
        folder = normpath(f"{base}/{word.text}" if base else word.text).removeprefix(".").strip("/")
        if folder in tree.folders and not folder.startswith(".."):
            dockerfile = f"{folder}/Dockerfile" if folder else "Dockerfile"
            build = Build(folder, dockerfile) if dockerfile in tree else None
            return {"sources": (folder,), "build": build}
    return {}


def _is_declared(tree: Tree, name: str) -> bool:
    """Say whether a declarative file here describes a Cloud Run service of that name: then its numbers hold."""
    quoted = re.compile(rf"""(?:name\s*[:=]\s*)["']?{re.escape(name)}["']?\s*$""", re.MULTILINE)
    for path in tree.named("*.tf", "*.yaml", "*.yml"):
        content = tree.bytes(path) or b""
        if b"google_cloud_run" in content or b"serving.knative.dev/" in content or b"run.googleapis.com/v1" in content:
            if quoted.search(content.decode("utf-8", "replace")):
                return True
    return False
