"""Databases and poolers that Kubernetes operators run: CloudNativePG, Zalando, Crunchy and Percona."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from poollint._yaml import setting
from poollint.facts import NOT_READ, Database, Known, Origin, Pooler, Setting, Target, Unknown
from poollint.readers import _manifests
from poollint.readers._numbers import count_of, whole
from poollint.readers._operator_secrets import CLOUDNATIVE_PG, CRUNCHY
from poollint.readers.kubernetes import service_hosts

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree
    from poollint.readers._manifests import Bundle, Manifest

Fact = Database | Pooler

ZALANDO = "acid.zalan.do"
PERCONA = "pgv2.percona.com"

# What PgBouncer itself does where an operator writes nothing.
_PGBOUNCER = Origin("default of PgBouncer", url="https://www.pgbouncer.org/config.html")
_SESSION = Known("session", _PGBOUNCER, "default")
_CLIENTS = Known(100, _PGBOUNCER, "default")
_SIZE = Known(20, _PGBOUNCER, "default")
_ONE = Known(1, Origin("default of the operator"), "default")


def read(tree: Tree) -> Iterator[Fact]:
    """Yield the servers that custom resources describe."""
    for bundle in _manifests.bundles(tree):
        for manifest in bundle.manifests:
            reader = _READERS.get((manifest.group, manifest.kind))
            if reader is None:
                continue
            facts: list[Fact] = []
            with tree.guard(manifest.path):
                facts.extend(reader(manifest, bundle))
            yield from facts


# -- CloudNativePG -----------------------------------------------------------------------------------------------------


def _cloudnative_cluster(manifest: Manifest, bundle: Bundle) -> Iterator[Fact]:
    parameters = manifest.node.at("spec", "postgresql", "parameters")
    yield _postgres(manifest, bundle, "cloudnative-pg", parameters, (f"{manifest.name}-rw",))
    if (manifest.node.text_at("spec", "instances") or "1") != "1":
        yield _replicas(manifest, bundle, "cloudnative-pg", (f"{manifest.name}-ro", f"{manifest.name}-r"))


def _cloudnative_pooler(manifest: Manifest, bundle: Bundle) -> Iterator[Fact]:
    spec = manifest.node.at("spec", "pgbouncer")
    cluster, side = manifest.node.text_at("spec", "cluster", "name"), manifest.node.text_at("spec", "type") or "rw"
    # Only poolMode counts: the operator refuses pool_mode among the parameters.
    yield _pgbouncer(
        manifest,
        bundle,
        "cloudnative-pg",
        parameters=spec.at("parameters") if spec is not None else None,
        mode=setting(spec.at("poolMode") if spec is not None else None, "poolMode", str, _SESSION),
        replicas=count_of(manifest.node.at("spec", "instances"), "instances", _ONE),
        image=_cloudnative_image(manifest),
        hosts=service_hosts(manifest.name, manifest.namespace),
        behind=f"{cluster}-{side}" if cluster else None,
    )


def _cloudnative_image(manifest: Manifest) -> Node | None:
    image = manifest.node.at("spec", "pgbouncer", "image")
    if image is not None:
        return image
    containers = manifest.node.items_at("spec", "template", "spec", "containers")
    return next((c.at("image") for c in containers if c.text_at("name") == "pgbouncer"), None)


# -- Zalando -----------------------------------------------------------------------------------------------------------


def _zalando(manifest: Manifest, bundle: Bundle) -> Iterator[Fact]:
    spec, name = manifest.node.at("spec"), manifest.name
    if spec is None:
        return
    parameters, version = spec.at("postgresql", "parameters"), spec.at("postgresql", "version")
    yield _postgres(manifest, bundle, "zalando-postgres-operator", parameters, (name,), version)
    pooler, enabled = spec.at("connectionPooler"), spec.text_at("enableConnectionPooler")
    if enabled == "true" or (pooler is not None and enabled != "false"):
        yield _zalando_pooler(manifest, bundle, pooler, f"{name}-pooler", name)
    if spec.text_at("enableReplicaConnectionPooler") == "true":
        yield _zalando_pooler(manifest, bundle, pooler, f"{name}-pooler-repl", f"{name}-repl")


def _zalando_pooler(manifest: Manifest, bundle: Bundle, spec: Node | None, name: str, behind: str) -> Pooler:
    """The operator divides maxDBConnections among the pods, and derives the pool sizes from a pod's part."""

    def given(key: str, otherwise: str, default: object, cast: Callable[[str], object]) -> Setting:
        node = spec.at(key) if spec is not None else None
        node = node if node is not None else _zalando_default(bundle, otherwise)
        return setting(node, key, cast, Known(default, Origin("default of the Zalando operator"), "default"))

    replicas = given("numberOfInstances", "connection_pooler_number_of_instances", 2, whole)
    total = given("maxDBConnections", "connection_pooler_max_db_connections", 60, whole)
    per_pod = _divided(total, replicas)
    clients = Known(10_000, Origin("default of the Zalando operator"), "default")
    return Pooler(
        name=name,
        product="pgbouncer",
        location=manifest.location,
        mode=given("mode", "connection_pooler_mode", "transaction", str),
        prepared_statements=_zalando_statements(spec.at("dockerImage") if spec is not None else None),
        max_client_connections=clients,
        pool_size=_divided(per_pod, 2),
        reserve_pool_size=_divided(per_pod, 4),
        max_db_connections=per_pod,
        replicas=replicas,
        backends={"*": Target("postgresql", behind, 5432)},
        unit=bundle.unit,
        environment=bundle.environment,
        hosts=tuple(service_hosts(name, manifest.namespace)),
        ports=(5432,),
        provider="zalando-postgres-operator",
    )


def _zalando_default(bundle: Bundle, key: str) -> Node | None:
    for manifest in bundle.all("OperatorConfiguration"):
        if (node := manifest.node.at("configuration", "connection_pooler", key)) is not None:
            return node
    return None


def _zalando_statements(image: Node | None) -> Setting:
    """The image of operator 2 sets max_prepared_statements; that of older operators is of unknown version."""
    text = image.text_at() or "" if image is not None else ""
    if image is not None and "/zalando/postgres-operator/pgbouncer" in text:
        return Known(True, Origin("max_prepared_statements of the operator's image", image.location), "default")
    return Unknown("the operator's version decides which PgBouncer it runs")


def _divided(total: Setting, by: Setting | int) -> Setting:
    count = by if isinstance(by, int) else by.value if isinstance(by, Known) else None
    if not isinstance(total, Known) or not count:
        return total if isinstance(total, Unknown) else Unknown("the number of poolers is unknown")
    return Known(total.value // count, Origin(total.origin.says, total.origin.location), total.certainty)


# -- Crunchy, and Percona's operator that grew out of it ---------------------------------------------------------------


def _crunchy(manifest: Manifest, bundle: Bundle) -> Iterator[Fact]:
    spec, name = manifest.node.at("spec"), manifest.name
    if spec is None:
        return
    provider = "crunchy-pgo" if manifest.group == CRUNCHY else "percona-postgresql-operator"
    parameters = spec.at("config", "parameters")
    if parameters is None or parameters.at("max_connections") is None:
        dynamic = spec.at("patroni", "dynamicConfiguration", "postgresql", "parameters")
        parameters = dynamic if dynamic is not None else parameters
    version = spec.at("postgresVersion")
    yield _postgres(manifest, bundle, provider, parameters, (f"{name}-primary",), version)
    if manifest.group == CRUNCHY:
        yield _replicas(manifest, bundle, provider, (f"{name}-replicas",))
    pooler = spec.at("proxy", "pgBouncer")
    if pooler is not None:
        own = pooler.at("config", "global")
        yield _pgbouncer(
            manifest,
            bundle,
            provider,
            parameters=own,
            mode=setting(own.at("pool_mode") if own is not None else None, "pool_mode", str, _SESSION),
            replicas=count_of(pooler.at("replicas"), "replicas", _ONE),
            image=pooler.at("image"),
            hosts=service_hosts(f"{name}-pgbouncer", manifest.namespace),
            behind=f"{name}-primary",
            port=pooler.text_at("port") or "5432",
            name=f"{name}-pgbouncer",
        )


# -- shared ------------------------------------------------------------------------------------------------------------


def _flag(node: Node | None) -> Setting:
    return count_of(node, "max_connections", NOT_READ)


def _postgres(
    manifest: Manifest,
    bundle: Bundle,
    provider: str,
    parameters: Node | None,
    services: tuple[str, ...],
    version: Node | None = None,
) -> Database:
    """A cluster's primary, with what its parameters say; where they are silent the provider's row holds."""
    return Database(
        name=manifest.name,
        location=manifest.location,
        dialect="postgresql",
        provider=provider,
        max_connections=_flag(parameters.at("max_connections") if parameters is not None else None),
        version=setting(version, "version", str, NOT_READ),
        unit=bundle.unit,
        environment=bundle.environment,
        hosts=tuple(host for service in services for host in service_hosts(service, manifest.namespace)),
        ports=(5432,),
    )


def _replicas(manifest: Manifest, bundle: Bundle, provider: str, services: tuple[str, ...]) -> Database:
    """Read replicas are a database of their own: how many share the load, no number of one server says."""
    reason = "connections are spread over the replicas"
    return Database(
        name=f"{manifest.name} (replicas)",
        location=manifest.location,
        dialect="postgresql",
        provider=None,
        max_connections=Unknown(reason),
        unit=bundle.unit,
        environment=bundle.environment,
        hosts=tuple(host for service in services for host in service_hosts(service, manifest.namespace)),
        ports=(5432,),
    )


def _pgbouncer(
    manifest: Manifest,
    bundle: Bundle,
    provider: str,
    *,
    parameters: Node | None,
    mode: Setting,
    replicas: Setting,
    image: Node | None,
    hosts: list[str],
    behind: str | None,
    port: str = "5432",
    name: str | None = None,
) -> Pooler:
    def number(key: str, absent: Setting = NOT_READ) -> Setting:
        return count_of(parameters.at(key) if parameters is not None else None, key, absent)

    ignored = parameters.text_at("ignore_startup_parameters") if parameters is not None else None
    return Pooler(
        name=name or manifest.name,
        product="pgbouncer",
        location=manifest.location,
        version=_version(image),
        mode=mode,
        prepared_statements=_statements(number("max_prepared_statements")),
        max_client_connections=number("max_client_conn", _CLIENTS),
        pool_size=number("default_pool_size", _SIZE),
        reserve_pool_size=number("reserve_pool_size"),
        max_db_connections=number("max_db_connections"),
        replicas=replicas,
        client_idle_timeout=number("client_idle_timeout"),
        listed_parameters=tuple(word.strip() for word in (ignored or "").split(",") if word.strip()),
        backends={"*": Target("postgresql", behind, 5432)} if behind else {},
        unit=bundle.unit,
        environment=bundle.environment,
        hosts=tuple(hosts),
        ports=(int(port),) if port.isdecimal() else (),
        provider=provider,
    )


def _statements(setting: Setting) -> Setting:
    if not isinstance(setting, Known):
        return setting
    return Known(setting.value > 0, setting.origin, setting.certainty)


def _version(image: Node | None) -> Setting:
    """Return the version in an image's tag; `latest` and digests name none."""
    text = image.text_at() or "" if image is not None else ""
    tag = text.partition("@")[0].rpartition("/")[2].partition(":")[2]
    digits = tag.removeprefix("v").partition("-")[0]
    if image is None or not digits or not all(part.isdecimal() for part in digits.split(".")):
        return Unknown("no image names its version", Origin("image", image.location if image is not None else None))
    return Known(digits, Origin("image", image.location))


_READERS: dict[tuple[str, str], Callable[[Manifest, Bundle], Iterator[Fact]]] = {
    (CLOUDNATIVE_PG, "Cluster"): _cloudnative_cluster,
    (CLOUDNATIVE_PG, "Pooler"): _cloudnative_pooler,
    (ZALANDO, "postgresql"): _zalando,
    (CRUNCHY, "PostgresCluster"): _crunchy,
    (PERCONA, "PerconaPGCluster"): _crunchy,
}
