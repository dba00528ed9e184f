"""The variables of containers, as ConfigMaps, Secrets and other variables make them; never a password."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import Environment, Known, Location, Origin, Setting, Unknown
from poollint.readers._containers import REFERENCE, cpu_count
from poollint.readers._operator_secrets import made_by_an_operator
from poollint.readers._passwords import PLACEHOLDER, hide
from poollint.readers._secrets import place_in

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.readers._containers import Container
    from poollint.readers._manifests import Bundle, Manifest

_LONGEST = 32_768  # characters; a ConfigMap may hold whole files


def literal(name: str, text: str, location: Location, says: str | None = None) -> Setting:
    """Return a variable as written, without the password in it; Unknown when something fills it in later."""
    origin = Origin(says or name, location)
    if len(text) > _LONGEST:
        return Unknown(f"{name} is too long for a variable", origin)
    hidden = hide(name, text)
    if found := PLACEHOLDER.search(hidden):
        return Unknown(f"{name} is filled in before it is applied ({found[0]})", origin)
    return Known(hidden, origin)


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
        """Return them as a fact."""
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

    text = REFERENCE.sub(replace, text)
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
        known, _ = (secret_keys(bundle, source, owner) or {}).get(key, (None, None))
        is_known = isinstance(known, Known)
        found.set(name, known if is_known else Unknown(f"{name} comes from Secret {source}", origin), secret)
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


def secret_identity(name: str, key: str, namespace: str, kind: str = "secret") -> str:
    """Return what makes two references to a Secret the same."""
    return f"{kind}/{namespace}/{name}/{key}"


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
    """Return the names in a Secret, of their values only what tells where a database is; None when nothing here lists them."""
    if (made := made_by_an_operator(bundle, name, owner)) is not None:
        return {key: (setting, secret_identity(name, key, owner.namespace)) for key, setting in made.items()}
    for kind, paths in _SECRET_NAMES.items():
        manifest = bundle.find(kind, name, owner)
        if manifest is None:
            continue
        keys = dict(_keys(manifest.node, paths))
        if kind == "ExternalSecret" and (manifest.node.items_at("spec", "dataFrom") or not keys):
            return None
        return {key: _from_secret(key, *entry, name, owner) for key, entry in keys.items()}
    return None


def _from_secret(key: str, place: Location, written: str | None, name: str, owner: Manifest) -> tuple[Setting, str]:
    origin = Origin(key, place)
    setting = Unknown(f"{key} comes from Secret {name}", origin) if written is None else Known(written, origin)
    return setting, secret_identity(name, key, owner.namespace)


# Kubernetes writes stringData over data: https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/
_SECRET_NAMES: dict[str, tuple[tuple[str, ...], ...]] = {
    "Secret": (("data",), ("stringData",)),
    "SealedSecret": (("spec", "encryptedData"),),
    "ExternalSecret": (("spec", "data"),),
}


def _keys(node: Node, paths: tuple[tuple[str, ...], ...]) -> Iterator[tuple[str, tuple[Location, str | None]]]:
    for path in paths:
        for key, value in node.pairs_at(*path):
            is_plain = path in (("data",), ("stringData",))
            text = place_in(key, value.text_at() or "", is_encoded=path == ("data",)) if is_plain else None
            yield key, (value.location, text)
        for item in node.items_at(*path):
            if name := item.text_at("secretKey"):
                yield name, (item.location, None)
