"""The containers of a pod: their commands, and what kind of program their image is.

Shared by Kubernetes, Knative and Cloud Run, whose container lists look alike and differ in what they substitute.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poollint.facts import Database, Known, Pooler, Setting, Words
from poollint.readers._passwords import hide as hide

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.readers._manifests import Bundle, Manifest
    from poollint.readers._variables import Variables

# Programs that no engine of ours runs in, by the whole of an image's name: `kafka-consumer` may well be the project's
# own, and so may `agent`, which counts only with its owner.
_INFRASTRUCTURE = frozenset(
    [
        "cloud-sql-proxy",
        "cloudsql-proxy",
        "gce-proxy",
        "alloydb-auth-proxy",
        "nginx",
        "nginx-unprivileged",
        "envoy",
        "proxyv2",
        "traefik",
        "caddy",
        "haproxy",
        "oauth2-proxy",
        "otelcol",
        "opentelemetry-collector",
        "opentelemetry-collector-contrib",
        "otel-collector",
        "fluentd",
        "fluent-bit",
        "filebeat",
        "promtail",
        "loki",
        "grafana",
        "tempo",
        "jaeger",
        "prometheus",
        "alertmanager",
        "pushgateway",
        "statsd",
        "redis",
        "redis-stack",
        "redis-stack-server",
        "valkey",
        "keydb",
        "dragonfly",
        "memcached",
        "rabbitmq",
        "kafka",
        "cp-kafka",
        "zookeeper",
        "nats",
        "nats-streaming",
        "eclipse-mosquitto",
        "emqx",
        "elasticsearch",
        "opensearch",
        "kibana",
        "logstash",
        "minio",
        "mongo",
        "mongodb",
        "cassandra",
        "clickhouse",
        "clickhouse-server",
        "influxdb",
        "neo4j",
        "qdrant",
        "weaviate",
        "milvus",
        "etcd",
        "busybox",
        "mailhog",
        "mailpit",
        "localstack",
        "adminer",
        "pgadmin4",
        "phpmyadmin",
        "redis-commander",
        "kubectl",
        "git-sync",
        "wait-for-it",
        "k8s-wait-for",
        "keycloak",
        "datadog/agent",
        "datadog/cluster-agent",
        "timberio/vector",
        "hashicorp/vault",
        "hashicorp/consul",
        "minio/mc",
        "mher/flower",
        "jaegertracing/all-in-one",
        "curlimages/curl",
        "linkerd/proxy-init",
        "endpoints-release/endpoints-runtime",
        "google/cloud-sdk",
        "google.com/cloudsdktool/google-cloud-cli",
    ]
)
_INFRASTRUCTURE_KIND = re.compile(
    r".*[-_]exporter|cloudsql-docker|otelcol.*|.*-config-reloader|dockerize|istio.*|linkerd.*"
)
_FILLED_IN = re.compile(r"\$|\{\{|<|^$")
_PLAIN_STEMS = frozenset(
    ["service", "deployment", "job", "cronjob", "statefulset", "cloudrun", "cloud-run", "app", "manifest", "template"]
)
_CLIENT_TOOLS = re.compile(
    r"\b(pg_dump(all)?|pg_restore|pg_basebackup|pg_isready|psql|mysqldump|mariadb-dump|mysqladmin)\b"
)
_MIGRATES = re.compile(r"\balembic\b|\bmigrat|\bdb upgrade\b|\bupgrade head\b", re.IGNORECASE)
REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


@dataclass(frozen=True, slots=True, eq=False)
class Container:
    """One entry of a container list."""

    node: Node
    name: str
    image: str | None

    @property
    def has_ports(self) -> bool:
        """Say whether somebody talks to it: the container that gets the requests."""
        return bool(self.node.items_at("ports"))


def containers(pod: Node, *keys: str) -> list[Container]:
    """Return the containers listed below `keys` of a pod's spec ("containers")."""
    return [
        Container(item, item.text_at("name") or "", item.text_at("image"))
        for item in pod.items_at(*keys)
        if item.at("image") is not None or item.at("name") is not None
    ]


def readable_name(manifest: Manifest, pod: Node | None) -> str:
    """Return the name of a workload; when it is filled in later, that of its container, else of its file or folder."""
    if not _FILLED_IN.search(manifest.name):
        return manifest.name
    named = [c.name for c in containers(pod, "containers") if c.name] if pod is not None else []
    folder, _, file = manifest.path.rpartition("/")
    stem = file.partition(".")[0]
    candidates = [*named[:1], stem if stem not in _PLAIN_STEMS else "", folder.rpartition("/")[2]]
    return next((name for name in candidates if name and not _FILLED_IN.search(name)), stem)


def is_infrastructure(image: str | None) -> bool:
    """Say whether an image is a program that runs none of the project's code."""
    name = re.sub(r"-\d+$", "", short_name(image or ""))  # Red Hat's `redis-7`
    owner = (image or "").split("@")[0].rpartition("/")[0].rpartition("/")[2].lower()
    is_listed = name in _INFRASTRUCTURE or f"{owner}/{name}" in _INFRASTRUCTURE
    return is_listed or _INFRASTRUCTURE_KIND.fullmatch(name) is not None


def is_server_image(image: str | None) -> bool:
    """Say whether an image is that of a database server or a pooler."""
    from poollint import images

    return bool(image) and images.kind_of(image or "") is not None


def is_client_tool(container: Container) -> bool:
    """Say whether a container with a server's image runs one of the clients that come in it."""
    words = [item.text_at() or "" for key in ("command", "args") for item in container.node.items_at(key)]
    return any(_CLIENT_TOOLS.search(word) for word in words)


def short_name(image: str) -> str:
    """Return the last part of an image's name, without registry, tag and digest."""
    return image.split("@")[0].rpartition("/")[2].partition(":")[0].lower()


def migrates(container: Container) -> bool:
    """Say whether an init container changes the schema, and so connects while other pods run."""
    words = [container.name]
    for key in ("command", "args"):
        words += [item.text_at() or "" for item in container.node.items_at(key)]
    return any(_MIGRATES.search(word) for word in words)


# -- commands ----------------------------------------------------------------------------------------------------------


def words_of(node: Node | None, expand: Callable[[str], str] = str) -> Words | None:
    """Turn a `command` or `args` list into Words; None when it is absent or no list of words."""
    if node is None:
        return None
    items = node.items_at()
    texts = [item.text_at() for item in items]
    if not items or any(text is None for text in texts):
        return None
    return Words(node.location, tuple(expand(text or "") for text in texts), locations=tuple(i.location for i in items))


def command_of(container: Container, variables: Mapping[str, Setting] | None) -> tuple[Words | None, Words | None]:
    """Return (entrypoint, command) of a container.

    variables  what `$(NAME)` may mean; None where nothing is expanded
    """

    def expand(text: str) -> str:
        return text if variables is None else _expand_words(text, variables)

    entrypoint = words_of(container.node.at("command"), expand)
    command = words_of(container.node.at("args"), expand)
    if entrypoint is not None and command is None:
        # `command` alone drops the image's CMD too.
        command = Words(entrypoint.location)
    return entrypoint, command


def _expand_words(text: str, variables: Mapping[str, Setting]) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$"
        setting = variables.get(match[1])
        # What is not defined, or not readable, stays as it is written.
        return str(setting.value) if isinstance(setting, Known) else match[0]

    return REFERENCE.sub(replace, text)


def server_of(
    container: Container, variables: Variables, read: Callable[[str], tuple[str, str] | None] | None = None
) -> Database | Pooler | None:
    """Return the database server or pooler that a container is, by its image; None for everything else.

    read  gives the files mounted into it, as (text, path in the project)
    """
    from poollint import images

    if not container.image or not is_server_image(container.image):
        return None
    return images.server_of(container.image, variables.frozen(), _whole_command(container, variables), read)


_INSTANCE = re.compile(r"(?:^|[=,\s])((?:[\w.-]+:)?[a-z][\w-]+:[a-z]+-[a-z]+\d+:[a-z][\w-]*)(?=[=,?\s]|$)")


def proxied_instances(running: list[Container]) -> tuple[str, ...]:
    """Return the Cloud SQL instances that an auth proxy beside the application leads to ("project:region:instance")."""
    found: list[str] = []
    for container in running:
        if short_name(container.image or "") not in ("cloud-sql-proxy", "gce-proxy", "cloudsql-docker"):
            continue
        words = [item.text_at() or "" for key in ("command", "args") for item in container.node.items_at(key)]
        words += [item.text_at("value") or "" for item in container.node.items_at("env")]
        found += [name for word in words for name in _INSTANCE.findall(word)]
    return tuple(dict.fromkeys(found))


def _whole_command(container: Container, variables: Variables) -> Words | None:
    parts = [words for words in command_of(container, variables.values) if words is not None]
    if not parts:
        return None
    return Words(
        parts[-1].location if parts[-1].words else parts[0].location,
        tuple(word for part in parts for word in part.words),
        locations=tuple(place for part in parts for place in part.locations),
    )


def mounted_files(
    container: Container, pod: Node, owner: Manifest, bundle: Bundle
) -> Callable[[str], tuple[str, str] | None]:
    """Return what reads a file inside the container, as far as ConfigMaps are mounted there."""

    def read(path: str) -> tuple[str, str] | None:
        for mount in container.node.items_at("volumeMounts"):
            key = _key_below(mount, path)
            volume = next((v for v in pod.items_at("volumes") if v.text_at("name") == mount.text_at("name")), None)
            name = volume.text_at("configMap", "name") if volume is not None else None
            manifest = bundle.find("ConfigMap", name, owner) if name else None
            if key is None or volume is None or manifest is None:
                continue
            items = {item.text_at("path"): item.text_at("key") for item in volume.items_at("configMap", "items")}
            value = manifest.node.at("data", items.get(key) or key)
            if value is not None and (text := value.text_at()) is not None:
                # Empty lines in front keep the line numbers of a block of text.
                place = value.location
                padding = place.line if place.end_line not in (None, place.line) else place.line - 1
                return "\n" * padding + text, place.path
        return None

    return read


def _key_below(mount: Node, path: str) -> str | None:
    """Return which key of a mounted volume is the file at `path`."""
    folder, key = (mount.text_at("mountPath") or "").rstrip("/"), mount.text_at("subPath")
    if key:
        return key if path == folder else None
    return path[len(folder) + 1 :] if folder and path.startswith(folder + "/") else None


def cpu_count(text: str | None) -> float | None:
    """Read `1`, `0.5` or `1500m`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(m?)", (text or "").strip())
    if not match:
        return None
    return float(match[1]) / (1000 if match[2] else 1)
