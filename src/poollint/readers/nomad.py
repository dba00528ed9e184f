"""HashiCorp Nomad: the tasks of job files.

https://developer.hashicorp.com/nomad/docs/job-specification
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.facts import Database, Environment, Known, Origin, Pooler, Setting, Unknown, Words, Workload
from poollint.hcl.evaluate import Budget
from poollint.hcl.values import as_text, pairs_of
from poollint.readers._containers import is_infrastructure
from poollint.readers._platform import as_server, default, environment_of, folder_of
from poollint.readers._variables import Variables, literal
from poollint.readers.terraform._google import words
from poollint.readers.terraform._part import Part
from poollint.readers.terraform._project import Module, Root, Scope, parse

if TYPE_CHECKING:
    from poollint.discover import Tree

ONE = default(1, "Nomad", "estimate")  # believed, no page read
_JOB = re.compile(rb'^\s*job\s+"[^"\n]*"\s*\{', re.MULTILINE)
_MOST_TASKS = 200


def read(tree: Tree) -> Iterator[Workload | Database | Pooler]:
    """Yield the tasks of every job file."""
    for path in tree.named("*.nomad", "*.hcl"):
        content = tree.bytes(path) or b""
        if not _JOB.search(content) or b"task" not in content:
            continue
        facts: list[Workload | Database | Pooler] = []
        with tree.guard(path):
            for task in _tasks(tree, path):
                facts.append(as_server(task, task.name))
        yield from facts[:_MOST_TASKS]


def _tasks(tree: Tree, path: str) -> Iterator[Workload]:
    file = parse(tree, path)
    if file is None:
        return
    module = Module(folder_of(path))
    for block in file.body.blocks:
        module.add(block)
    scope = Scope(Root(tree, module.folder, environment_of(tree, path), {}, Budget()), module, {})
    for block in file.body.blocks:
        if block.type == "job" and block.labels:
            job = Part(scope, scope, block.body, block.location, label=block.labels[0])
            for group in _labelled(job, "group"):
                tasks = [task for task in _labelled(group, "task") if not is_infrastructure(_image(task))]
                for task in tasks:
                    yield _workload(path, job, group, task, len(tasks) == 1)


def _labelled(part: Part, kind: str) -> Iterator[Part]:
    """Yield the blocks of a kind with their labels."""
    for block in part.body.blocks:
        if block.type == kind and block.labels:
            yield Part(part.scope, part.names, block.body, block.location, label=block.labels[0])


def _workload(path: str, job: Part, group: Part, task: Part, is_alone: bool) -> Workload:
    kind = job.word("type") or "service"
    hook = task.first("lifecycle")
    is_once = kind in ("batch", "sysbatch") or (hook is not None and not hook.flag("sidecar"))
    config = task.first("config")
    is_image = config is not None and config.get("image") is not None
    start = _command(config) if config is not None else None
    groups = sum(block.type == "group" for block in job.body.blocks)
    name = job.label if groups == 1 else f"{job.label}/{group.label}"
    return Workload(
        name=name if is_alone else f"{name}/{task.label}",
        platform="nomad",
        kind="job" if is_once else "service",
        location=task.location,
        unit=path,
        environment=task.environment,
        life="one-off" if is_once else "long-lived",
        instances=_instances(kind, group),
        variables=_variables(task),
        entrypoint=(words(config, "entrypoint") if is_image else start) if config is not None else None,
        command=start if is_image else None,
        image=_image(task),
    )


def _image(task: Part) -> str | None:
    config = task.first("config")
    return config.text("image") if config else None


def _instances(kind: str, group: Part) -> Setting:
    """Return the allocations of a group: `scaling.max` where an autoscaler may act, else `count`."""
    if kind in ("system", "sysbatch"):
        return Unknown("one allocation per node of the cluster", Origin("type", group.location))
    scaling = group.first("scaling")
    if scaling is not None and scaling.flag("enabled") is not False:
        return scaling.number("max")
    return group.number("count", ONE)


def _command(config: Part) -> Words | None:
    """Return `command` with `args` after it."""
    given, rest = config.get("command"), words(config, "args")
    if config.get("args") is not None and rest is None:
        return None
    if given is None:
        return rest
    text = as_text(given) if isinstance(given, Known) else None
    place = given.origin.location or config.location
    if text is None:
        return None
    more = rest or Words(place)
    return replace(more, location=place, words=(text, *more.words), locations=(place, *more.locations))


def _variables(task: Part) -> Environment:
    """Return what `env` says, a block or a map; a template with `env = true` adds what only Nomad renders."""
    found = Variables()
    found.complete = not any(template.get("env") is not None for template in task.blocks("template"))
    for block in task.blocks("env"):
        for name in block.body.attributes:
            found.set(name, _variable(name, block.get(name), block))
    given = task.get("env")
    for key, value in pairs_of(given) or () if given is not None else ():
        found.set(str(key.value), _variable(str(key.value), value, task))
    return found.frozen()


def _variable(name: str, setting: Setting | None, part: Part) -> Setting:
    if not isinstance(setting, Known):
        return setting or Unknown(f"{name} is null", Origin(name, part.location))
    place = setting.origin.location or part.location
    text = setting.value if isinstance(setting.value, str) else as_text(setting)
    return Unknown(f"{name} is no plain value", Origin(name, place)) if text is None else literal(name, text, place)
