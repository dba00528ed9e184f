"""Which Dockerfile an image is built from, where no build step names it, and which of its stages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint import environments
from poollint.facts import Build, Image, Workload

if TYPE_CHECKING:
    from poollint.python.code import Code

# Registries that hold everybody's images, and what others publish in those of one owner.
_PUBLIC_REGISTRY = re.compile(
    r"^(docker\.io|index\.docker\.io|ghcr\.io|quay\.io|public\.ecr\.aws|mcr\.microsoft\.com|registry\.k8s\.io|k8s\.gcr\.io|"
    r"nvcr\.io|docker\.elastic\.co|docker\.n8n\.io|container-registry\.oracle\.com|registry\.redhat\.io|"
    r"registry\.access\.redhat\.com|cgr\.dev|lscr\.io|"
    r"[\w.-]+\.(aliyuncs|tencentyun|myhuaweicloud)\.com|[\w.-]*daocloud\.io|gcr\.io/(google|cloudsql|cloud-sql|distroless|kaniko))(/|-|$)"
)
# Who writes these means the reader's own: `your-registry/api`, `<account>/api`, `${REGISTRY}/api`.
_READERS_OWN = re.compile(
    r"[${<]|PROJECT|(?i:\b(your|my[-_]|my(app|company|org|registry|repo|user|account|dockerhub)\b|username\b|dockerhub))"
)
# Names without an owner that Docker publishes: the files of
# https://github.com/docker-library/official-images/tree/37079fb3/library (2026-08-21), its own `scratch`, and four that were
# taken out there and can still be pulled: consul, nats-streaming, opensuse, vault.
_OFFICIAL = frozenset(
    "adminer aerospike almalinux alpine alt amazoncorretto amazonlinux api-firewall arangodb archlinux azul-zulu "
    "backdrop bash bonita buildpack-deps busybox caddy cassandra chronograf cirros clearlinux clefos clickhouse "
    "clojure composer consul convertigo couchbase couchdb crate dart debian docker drupal eclipse-mosquitto "
    "eclipse-temurin eggdrop elasticsearch elixir emqx erlang espocrm fedora flink fluentd friendica gazebo gcc "
    "geonetwork ghost golang gradle groovy haproxy haskell haxe hello-world hitch httpd hylang ibm-semeru-runtimes "
    "ibmjava influxdb irssi jetty joomla jruby julia kapacitor kibana kong krakend lightstreamer liquibase logstash "
    "mageia mariadb matomo maven mediawiki memcached mongo mongo-express monica mysql nats nats-streaming neo4j "
    "neurodebian nextcloud nginx nim node notary odoo open-liberty openjdk opensuse oraclelinux orientdb percona "
    "perl photon php php-zendserver phpmyadmin plone postfixadmin postgres pypy python r-base rabbitmq rakudo-star "
    "redis redmine registry rethinkdb rocket.chat rockylinux ros ruby rust sapmachine satosa scratch silverpeas "
    "solr sonarqube spark spiped storm swift swipl teamspeak telegraf tomcat tomee traefik ubuntu unit varnish "
    "vault websphere-liberty wordpress xwiki yourls znc zookeeper".split()
)


def built(
    workload: Workload,
    among: Sequence[Workload],
    stages: Stages,
    start: Callable[[Workload], Workload],
    code: Code,
) -> Workload:
    """Find the build of an image that no build step names.

    In this order: the one build whose folder or service the image is named after; the only one there is, when the image
    is the project's own or the command's entry point exists in it; of several the one in which it does, when the image is
    the project's own.
    """
    if workload.build or not workload.image or _is_found(workload, code):
        return workload
    builds = _builds((other for other in among if speaks_for(other, workload)), stages)
    if environments.is_production(workload.environment):
        builds = {build: names for build, names in builds.items() if not _is_for_developers(build)}
    tail = _plain(_untagged(workload.image).rpartition("/")[2])
    if re.search(r"[{<$]", tail):  # the image's own name is filled in elsewhere: `{{ include "shop.image" . }}`
        tail = _plain(workload.name)
    exact = {tail, _plain(workload.name)} if is_own(workload.image) else {tail}
    # A published `evolution-api` beside the `api` that the same file builds is another's.
    beside = {_plain(w.name) for w in among if w.build and not is_own(workload.image) and w.unit == workload.unit}
    for is_named in (exact.__contains__, lambda name: tail.endswith(f"-{name}") and name not in beside):
        named = [build for build, names in builds.items() if any(map(is_named, names))]
        if named:
            made = [start(replace(workload, build=build, run=())) for build in named]
            # A Dockerfile's last stage is the same whether its name is written or not.
            are_one = len({_file(build) for build in named}) == 1 and all(each.run == made[0].run for each in made)
            return made[0] if are_one else workload
    if len(builds) != 1:
        return _by_command(workload, builds, start, code)
    only = start(replace(workload, build=next(iter(builds)), run=()))
    # Several images of the project's own cannot all be the one that is built here.
    own = {_untagged(other.image) for other in among if other.image and not other.build and is_own(other.image)}
    is_the_one = own == {_untagged(workload.image)} and not _names_a_server(tail)
    return only if is_the_one or (workload.run and _is_found(only, code)) else workload


_SERVERS = frozenset("postgres postgresql patroni mysql mariadb mongo mongodb redis rabbitmq kafka elasticsearch opensearch".split())


def _names_a_server(name: str) -> bool:
    """Say whether an image is named like a server, `patroni-postgres`: it is another one than what is built here."""
    words = name.split("-")
    return words[0] in _SERVERS or words[-1] in _SERVERS


def _by_command(workload: Workload, builds: Iterable[Build], start: Callable[[Workload], Workload], code: Code) -> Workload:
    """Find the only build that holds what the workload's own command starts: `/app/scripts/run_celery.sh`."""
    if not (workload.command or workload.entrypoint) or not is_own(workload.image or ""):
        return workload
    made = [start(replace(workload, build=build, run=())) for build in builds]
    holding = [each for each in made if _is_found(each, code)]
    return holding[0] if len(holding) == 1 else workload


def _is_found(workload: Workload, code: Code) -> bool:
    """Say whether an entry point of its command is a file of the project."""
    from poollint.link.running import reach_of

    return any(reach_of(process, code) for process in workload.run)


def speaks_for(other: Workload, workload: Workload) -> bool:
    """Say whether what one file says of the code holds for another's workload: a development file speaks for itself."""
    return environments.is_production(other.environment) or other.environment == workload.environment


def _builds(workloads: Iterable[Workload], stages: Stages) -> dict[Build, set[str]]:
    """Return the builds that start something, with the names they go by."""
    found: dict[Build, set[str]] = {}
    for workload in workloads:
        if workload.build and workload.run:
            # The first file that was read on the way to a command in an image is its Dockerfile.
            file = next((process.files[0] for process in workload.run if process.files), None)
            build = replace(workload.build, dockerfile=workload.build.dockerfile or file)
            found.setdefault(deployed(build, stages), set()).add(_plain(workload.name))
    return found


Stages = Mapping[str, str | None]
"""Dockerfile → the one stage that is built of it for a deployment, None for its last; others are not in it."""


def deployed_stages(workloads: Iterable[Workload], images: Iterable[Image]) -> Stages:
    """Return which stages are built for deployments.

    What scripts and workflows build comes before what the Compose files of production do. Only who builds it says which
    stage that is: the last one may be a developer's.
    """
    composed = [workload for workload in workloads if workload.platform == "compose"]
    files = {workload.location.path for workload in composed}
    scripted = [image.build for image in images if image.location.path not in files]
    in_production = [w.build for w in composed if w.build and w.environment and environments.is_production(w.environment)]
    found: dict[str, str | None] = {}
    for builds in (in_production, scripted):
        stages: dict[str, set[str | None]] = {}
        for build in builds:
            if not _is_for_developers(build):
                stages.setdefault(_file(build), set()).add(build.target)
        found |= {file: targets.pop() for file, targets in stages.items() if len(targets) == 1}
    return found


def deployed(build: Build, stages: Stages) -> Build:
    """Return a build that names no stage, or a developer's, with the one that a deployment has of it."""
    if build.target and not _is_for_developers(build):
        return build
    return replace(build, target=stages.get(_file(build), build.target))


def _is_for_developers(build: Build) -> bool:
    return bool(build.target) and not environments.is_production(environments.environment_word(build.target))


def _file(build: Build) -> str:
    return build.dockerfile or f"{build.context}/Dockerfile".lstrip("/")


def _untagged(image: str) -> str:
    return re.sub(r"[:@][^/]*$", "", image)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def is_own(image: str) -> bool:
    """Say whether an image is the project's own: a placeholder, in a registry of one owner, or a name that nobody publishes."""
    name = _untagged(image)
    if _READERS_OWN.search(image):
        return True
    host, slash, _ = name.partition("/")
    if not slash:
        return name not in _OFFICIAL
    return ("." in host or ":" in host or host == "localhost") and not _PUBLIC_REGISTRY.search(name)
