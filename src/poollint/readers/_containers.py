"""The containers of a pod: their variables, commands and what kind of program their image is.

Shared by Kubernetes, Knative and Cloud Run, whose container lists look alike and differ in what they substitute.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poollint.facts import Database, Environment, Known, Location, Origin, Pooler, Setting, Unknown, Words
from poollint.readers._operator_secrets import made_by_an_operator

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.readers._manifests import Bundle, Manifest

# Programs that no engine of ours runs in, by the whole of an image's name: `kafka-consumer` may well be the project's own.
_INFRASTRUCTURE = frozenset(
    """
    cloud-sql-proxy cloudsql-proxy gce-proxy alloydb-auth-proxy nginx nginx-unprivileged envoy proxyv2 proxy-init traefik caddy haproxy
    oauth2-proxy vault otelcol opentelemetry-collector opentelemetry-collector-contrib otel-collector agent cluster-agent fluentd
    fluent-bit filebeat promtail vector loki grafana tempo jaeger all-in-one prometheus alertmanager pushgateway statsd redis
    redis-stack redis-stack-server valkey keydb dragonfly memcached rabbitmq kafka cp-kafka zookeeper nats nats-streaming
    eclipse-mosquitto emqx elasticsearch opensearch kibana logstash minio mc mongo mongodb cassandra clickhouse clickhouse-server
    influxdb neo4j qdrant weaviate milvus etcd consul busybox alpine curl pause mailhog mailpit localstack adminer pgadmin4
    phpmyadmin redis-commander flower kubectl git-sync node wait-for-it k8s-wait-for keycloak
    """.split()
)
_INFRASTRUCTURE_KIND = re.compile(r".*[-_]exporter|nginx-\d+|cloudsql-docker|.*-config-reloader|dockerize|istio.*|linkerd.*")
_MIGRATES = re.compile(r"\balembic\b|\bmigrat|\bdb upgrade\b|\bupgrade head\b", re.IGNORECASE)
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}|\{\{.*?\}\}|<[A-Z][A-Z0-9_-]*>|(?<![\w$])\$[A-Z][A-Z0-9_]+\b")
# Up to the last @ before a query: an unescaped password may hold / and @ as well.
_USERINFO = re.compile(r"([A-Za-z][\w+.-]*://)(?:([^\s?'\"]*)@|(\S*)@)")
_DSN_PASSWORD = re.compile(r"\b(password|passwd|pwd)=([^\s;&'\"]+)", re.IGNORECASE)
_SENSITIVE_NAME = re.compile(r"PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|PRIVATE_KEY|API_?KEY|CREDENTIAL", re.IGNORECASE)
_HARMLESS = re.compile(r"\d{0,6}|true|false", re.IGNORECASE)
HIDDEN = "***"


@dataclass(frozen=True, slots=True, eq=False)
class Container:
    node: Node
    name: str
    image: str | None

    @property
    def has_ports(self) -> bool:
        return bool(self.node.items_at("ports"))


def containers(pod: Node, *keys: str) -> list[Container]:
    """Return the containers listed below `keys` of a pod's spec ("containers")."""
    return [
        Container(item, item.text_at("name") or "", item.text_at("image"))
        for item in pod.items_at(*keys)
        if item.at("image") is not None or item.at("name") is not None
    ]


def is_infrastructure(image: str | None) -> bool:
    """Say whether an image is a program that runs none of the project's code."""
    name = short_name(image or "")
    return name in _INFRASTRUCTURE or _INFRASTRUCTURE_KIND.fullmatch(name) is not None


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
    """Return (entrypoint, command) of a container; `variables` are what `$(NAME)` may mean, None where nothing is expanded."""

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

    return _REFERENCE.sub(replace, text)


def server_of(
    container: Container, variables: Variables, read: Callable[[str], tuple[str, str] | None] | None = None
) -> Database | Pooler | None:
    """Return the database server or pooler that a container is, by its image; None for everything else.

    read  gives the files mounted into it, as (text, path in the project)
    """
    from poollint import images

    if not container.image or images.kind_of(container.image) is None:
        return None
    return images.server_of(container.image, variables.frozen(), _whole_command(container, variables), read)


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


# -- variables ---------------------------------------------------------------------------------------------------------


def literal(name: str, text: str, location: Location, says: str | None = None) -> Setting:
    """Return the value of a variable as written, without the password in it; Unknown when something fills it in later."""
    origin = Origin(says or name, location)
    hidden = hide(name, text)
    if found := _PLACEHOLDER.search(hidden):
        return Unknown(f"{name} is filled in before it is applied ({found[0]})", origin)
    return Known(hidden, origin)


def hide(name: str, text: str) -> str:
    """Return the text without passwords: what identifies a database stays, who opens it does not."""
    if "://" in text:
        text = _USERINFO.sub(_hide_userinfo, text)
    text = _DSN_PASSWORD.sub(rf"\1={HIDDEN}", text)
    if _SENSITIVE_NAME.search(name) and "://" not in text and not _HARMLESS.fullmatch(text):
        return HIDDEN
    return text


def _hide_userinfo(match: re.Match[str]) -> str:
    user, colon, _ = (match[2] or match[3] or "").partition(":")
    # A placeholder in the user name decides nothing about where the URL points.
    user = HIDDEN if _PLACEHOLDER.search(user) else user
    return f"{match[1]}{user}{':' + HIDDEN if colon else ''}@"


class Variables:
    """The variables of one container, in the order in which its platform resolves them."""

    def __init__(self) -> None:
        self.values: dict[str, Setting] = {}
        self.secrets: dict[str, str] = {}
        self.complete = True

    def set(self, name: str, setting: Setting, secret: str | None = None) -> None:
        """Set a variable; the last one wins."""
        self.values[name] = setting
        self.secrets.pop(name, None)
        if secret:
            self.secrets[name] = secret

    def frozen(self) -> Environment:
        return Environment(dict(self.values), self.complete, dict(self.secrets))


def variables_of(container: Container, owner: Manifest, bundle: Bundle) -> Variables:
    """Return the variables of a Kubernetes container.

    envFrom, the last source wins; then env, the last of two equal names wins, and `$(EARLIER)` is replaced.
    """
    found = Variables()
    found.complete = bundle.is_whole(container.node, owner)
    for source in container.node.items_at("envFrom"):
        _take_source(found, source, owner, bundle)
    for item in container.node.items_at("env"):
        name = item.text_at("name")
        if not name:
            continue
        if item.at("valueFrom") is not None:
            _take_reference(found, name, item, container, owner, bundle)
        else:
            value = item.at("value")
            text, place = item.text_at("value") or "", (value or item).location
            found.set(name, _expanded(name, text, place, found))
    return found


def _expanded(name: str, text: str, location: Location, found: Variables) -> Setting:
    """Replace `$(EARLIER)` in a value. An unknown part that is only user or password leaves the value known."""
    unknown: list[str] = []

    def replace(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$"
        setting = found.values.get(match[1])
        if isinstance(setting, Known):
            return str(setting.value)
        if setting is None and found.complete:
            return match[0]
        unknown.append(match[1])
        return "${" + match[1] + "}"

    text = _REFERENCE.sub(replace, text)
    setting = literal(name, text, location)
    if isinstance(setting, Unknown) and unknown:
        return Unknown(f"{name} is made of {', '.join(unknown)}, which no file gives", setting.origin)
    return setting


def _take_source(found: Variables, source: Node, owner: Manifest, bundle: Bundle) -> None:
    prefix = source.text_at("prefix") or ""
    for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
        name = source.text_at(key, "name")
        if not name:
            continue
        optional = source.text_at(key, "optional") == "true"
        given = config_map(bundle, name, owner) if kind == "ConfigMap" else secret_keys(bundle, name, owner)
        if given is None:
            found.complete = found.complete and optional
            continue
        for variable, (setting, identity) in given.items():
            found.set(prefix + variable, setting, identity)


def _take_reference(
    found: Variables, name: str, item: Node, container: Container, owner: Manifest, bundle: Bundle
) -> None:
    reference = item.at("valueFrom")
    assert reference is not None
    origin = Origin(name, item.location)
    if source := reference.text_at("configMapKeyRef", "name"):
        key = reference.text_at("configMapKeyRef", "key") or ""
        given = config_map(bundle, source, owner)
        if given is None:
            found.set(name, Unknown(f"{name} comes from ConfigMap {source}, which is not here", origin))
        elif key in given:
            found.set(name, given[key][0])
        elif reference.text_at("configMapKeyRef", "optional") != "true":
            found.set(name, Unknown(f"{name} comes from ConfigMap {source}, which has no key {key}", origin))
    elif source := reference.text_at("secretKeyRef", "name"):
        key = reference.text_at("secretKeyRef", "key") or ""
        secret = secret_identity(source, key, owner.namespace)
        given = secret_keys(bundle, source, owner) or {}
        setting = given[key][0] if key in given else Unknown("")
        # An operator's Secret has a host that its cluster's manifest tells.
        found.set(name, setting if isinstance(setting, Known) else Unknown(f"{name} comes from Secret {source}", origin), secret)
    elif resource := reference.text_at("resourceFieldRef", "resource"):
        found.set(name, _resource(name, resource, container, origin))
    else:
        found.set(name, Unknown(f"{name} is known only to the running pod", origin))


def _resource(name: str, resource: str, container: Container, origin: Origin) -> Setting:
    limit = container.node.at("resources", *resource.split("."))
    cpus = cpu_count(limit.text_at()) if limit is not None and resource.endswith(".cpu") else None
    if cpus is None or limit is None:
        return Unknown(f"{name} is {resource}, which the manifest does not say", origin)
    return Known(str(math.ceil(cpus)), Origin(resource, limit.location))


def cpu_count(text: str | None) -> float | None:
    """Read `1`, `0.5` or `1500m`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(m?)", (text or "").strip())
    if not match:
        return None
    return float(match[1]) / (1000 if match[2] else 1)


def secret_identity(name: str, key: str, namespace: str) -> str:
    return f"secret/{namespace}/{name}/{key}"


# -- what ConfigMaps and Secrets give ----------------------------------------------------------------------------------

Given = dict[str, tuple[Setting, str | None]]


def config_map(bundle: Bundle, name: str, owner: Manifest) -> Given | None:
    """Return the entries of a ConfigMap, each with the place of its value; None when the ConfigMap is not here."""
    manifest = bundle.find("ConfigMap", name, owner)
    if manifest is None:
        return None
    return {
        key: (literal(key, value.text_at() or "", value.location), None)
        for key, value in manifest.node.pairs_at("data")
    }


def secret_keys(bundle: Bundle, name: str, owner: Manifest) -> Given | None:
    """Return the names in a Secret, never a value that is written; None when nothing here lists them."""
    if (made := made_by_an_operator(bundle, name, owner)) is not None:
        return {key: (setting, secret_identity(name, key, owner.namespace)) for key, setting in made.items()}
    for kind, paths in _SECRET_NAMES.items():
        manifest = bundle.find(kind, name, owner)
        if manifest is None:
            continue
        keys = dict(_keys(manifest.node, paths))
        if kind == "ExternalSecret" and (manifest.node.items_at("spec", "dataFrom") or not keys):
            return None
        return {
            key: (Unknown(f"{key} comes from Secret {name}", Origin(key, place)), secret_identity(name, key, owner.namespace))
            for key, place in keys.items()
        }
    return None


_SECRET_NAMES: dict[str, tuple[tuple[str, ...], ...]] = {
    "Secret": (("data",), ("stringData",)),
    "SealedSecret": (("spec", "encryptedData"),),
    "ExternalSecret": (("spec", "data"),),
}


def _keys(node: Node, paths: tuple[tuple[str, ...], ...]) -> Iterator[tuple[str, Location]]:
    for path in paths:
        for key, value in node.pairs_at(*path):
            yield key, value.location
        for item in node.items_at(*path):
            if key := item.text_at("secretKey"):
                yield key, item.location
