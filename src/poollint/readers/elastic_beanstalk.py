"""AWS Elastic Beanstalk: an application beside .ebextensions that has no Procfile, which would name the processes itself.

Its Python platform starts gunicorn; a Dockerfile or Dockerrun.aws.json makes it run a container.
https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/python-configuration-procfile.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.facts import Build, Location, Process, Workload
from poollint.readers._beanstalk import FOLDER, Options, options_of
from poollint.readers._platform import count, default, environment_of, folder_of

if TYPE_CHECKING:
    from poollint.discover import Tree

_PYTHON = "aws:elasticbeanstalk:container:python"
ONE_PROCESS = default(1, "Elastic Beanstalk's NumProcesses", "estimate")  # believed, no page read
FIFTEEN_THREADS = default(15, "Elastic Beanstalk's NumThreads", "estimate")
_DOCKERRUN = "Dockerrun.aws.json"
_COMPOSE = ("docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml")


def read(tree: Tree) -> Iterator[Workload]:
    """Yield one workload per application that nothing more exact describes."""
    for folder in sorted(_applications(tree)):
        found: list[Workload] = []
        with tree.guard(f"{folder}/{FOLDER}".lstrip("/")):
            found.extend(_workloads(tree, folder))
        yield from found


def _applications(tree: Tree) -> set[str]:
    """Return the folders that hold .ebextensions or a Dockerrun file."""
    settings = {folder_of(path) for path in tree.named("*.config")}
    inside = {folder_of(folder) for folder in settings if folder.rpartition("/")[2] == FOLDER}
    return inside | {folder_of(path) for path in tree.named(_DOCKERRUN)}


def _workloads(tree: Tree, folder: str) -> Iterator[Workload]:
    beside = [name for name in ("Procfile", *_COMPOSE) if f"{folder}/{name}".lstrip("/") in tree]
    dockerrun = f"{folder}/{_DOCKERRUN}".lstrip("/")
    options = options_of(tree, folder)
    if beside or (options is None and dockerrun not in tree):
        return  # what runs is the Procfile's or the Compose file's to say
    options = options or Options(Location(dockerrun, 1))
    workload = Workload(
        name=folder.rpartition("/")[2] or "web",
        platform="elastic-beanstalk",
        kind="service",
        location=options.location,
        unit=folder,
        environment=environment_of(tree, options.location.path),
        instances=options.instances(),
        variables=options.variables(),
        working_directory=folder,
        sources=(folder,),
    )
    dockerfile = f"{folder}/Dockerfile".lstrip("/")
    if dockerrun in tree:
        yield from _of_dockerrun(tree, dockerrun, workload, dockerfile)
    elif dockerfile in tree:
        yield replace(workload, build=Build(folder, dockerfile), sources=(), working_directory=None)
    elif options.get(_PYTHON, "WSGIPath") is not None or f"{folder}/requirements.txt".lstrip("/") in tree:
        yield replace(workload, run=(_gunicorn(options, folder),))


def _of_dockerrun(tree: Tree, path: str, workload: Workload, dockerfile: str) -> Iterator[Workload]:
    """A file of version 1 has one image, or none and a Dockerfile beside it; the containers of version 2 are ECS's."""
    for document in tree.yaml(path)[:1]:
        if document.text_at("AWSEBDockerrunVersion") != "1":
            return
        image = document.text_at("Image", "Name")
        build = Build(folder_of(path), dockerfile) if image is None and dockerfile in tree else None
        yield replace(workload, image=image, build=build, sources=(), working_directory=None)


def _gunicorn(options: Options, folder: str) -> Process:
    """Return the server that the platform starts, with the module that WSGIPath names."""
    written = options.get(_PYTHON, "WSGIPath")
    path = (written.text_at() if written is not None else None) or "application"
    module, _, name = path.removesuffix(".py").replace("/", ".").partition(":")
    return Process(
        server="gunicorn",
        kind="web",
        processes=count(options.get(_PYTHON, "NumProcesses"), "NumProcesses", ONE_PROCESS),
        units=count(options.get(_PYTHON, "NumThreads"), "NumThreads", FIFTEEN_THREADS),
        entry=f"{module}:{name or 'application'}",
        directory=folder,
        location=written.location if written is not None else options.location,
    )
