"""The environment variables a Terraform resource gives to its containers, and the secrets behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from poollint.hcl.values import Reference, as_text
from poollint.facts import Environment, Known, Origin, Setting, Unknown
from poollint.readers._passwords import hide
from poollint.readers.terraform._part import Part
from poollint.readers._variables import Variables

# What an apply resolves to the place of a server, as opposed to a password or an arbitrary text.
PLACES = frozenset(
    "private_ip_address public_ip_address first_ip_address ip_address connection_name address endpoint reader_endpoint "
    "host private_host fqdn dns_name instance_id hostname port name "
    "instance_connection_name instance_first_ip_address db_instance_address db_instance_endpoint".split()
)


def environment(entries: Iterable[tuple[str, Setting, str | None]], unread: Unknown | None = None) -> Environment:
    """Make the environment of (name, value, identity of the secret it comes from); the last of two names wins."""
    found = Variables()
    found.complete = unread is None
    for name, setting, secret in entries:
        found.set(name, setting, secret)
    return found.frozen()


def variable(part: Part, name: str, setting: Setting) -> tuple[str, Setting, str | None]:
    """Return an entry for a plain value: without passwords, with the tokens of other resources left in."""
    origin = replace(
        setting.origin, says=setting.origin.says or name, location=setting.origin.location or part.location
    )
    if isinstance(setting, Unknown):
        return name, replace(setting, origin=origin), None
    value = setting.value
    if isinstance(value, Reference) and value.is_single:
        return _resource(part, name, value, origin)
    text = value if isinstance(value, str) else as_text(setting)
    if text is None:
        return name, Unknown(f"{name} is no plain value", origin), None
    return name, replace(setting, value=hide(name, text), origin=origin), None


def _resource(part: Part, name: str, value: Reference, origin: Origin) -> tuple[str, Setting, str | None]:
    """A whole value that only an apply knows: a host stays a token, the rest is a value that two may share."""
    if value[2:-1].rpartition(".")[2] in PLACES and not re.search(
        r"UR[LI]$|DSN|CONNECTION_STRING", name, re.IGNORECASE
    ):
        return name, Known(str(value), origin), None
    reason = Unknown(f"{name} is {value[2:-1]}, which only an apply knows", origin)
    return name, reason, f"iac/{part.unit}/{value[2:-1]}"


def secret(part: Part, name: str, given: Setting | None, version: str = "latest") -> tuple[str, Setting, str | None]:
    """Return an entry for a Secret Manager secret: its identity, and its text when a URL is written into it here."""
    origin = Origin(name, given.origin.location if given and given.origin.location else part.location)
    holder = _holder(part, given)
    label = holder.word("secret_id") if holder else None
    if label is None:
        label = str(given.value) if isinstance(given, Known) else None
    if label is None:
        return name, Unknown(f"{name} comes from a secret that cannot be named", origin), None
    label = label.rpartition("/secrets/")[2] if "/secrets/" in label else label
    identity = f"secret-manager/{part.unit}/{label}/{version}"
    text = _written(part, holder, "google_secret_manager_secret_version", "secret", "secret_data")
    return name, text or Unknown(f"{name} comes from secret {label}", origin), identity


def _holder(part: Part, given: Setting | None) -> Part | None:
    secrets = part.scope.everywhere("google_secret_manager_secret")
    return next((candidate for candidate in secrets if candidate.is_meant_by(given, "secret_id")), None)


def _written(part: Part, holder: Part | None, kind: str, link: str, attribute: str) -> Known | None:
    """Return the URL that a version of the secret holds, without its password; None for anything else."""
    if holder is None:
        return None
    for version in part.scope.everywhere(kind):
        if not holder.is_meant_by(version.get(link), "secret_id", "name"):
            continue
        data = version.get(attribute)
        if isinstance(data, Known) and isinstance(data.value, str) and "://" in data.value:
            return Known(hide("SECRET", data.value), replace(data.origin, says=attribute))
    return None


def aws_secret(part: Part, name: str, given: Setting | None) -> tuple[str, Setting, str | None]:
    """Return an entry for `valueFrom` of a container: the ARN of a secret or parameter, perhaps with `:key::`."""
    origin = Origin(name, given.origin.location if given and given.origin.location else part.location)
    if not isinstance(given, Known) or not isinstance(given.value, str):
        return name, Unknown(f"{name} comes from a secret that cannot be named", origin), None
    head, _, key = given.value.partition("}")
    bare = replace(given, value=Reference(head + "}")) if head.startswith("${") else given
    text = None
    for kind, link, attribute in (
        ("aws_secretsmanager_secret", "aws_secretsmanager_secret_version", "secret_string"),
        ("aws_ssm_parameter", "", "value"),
    ):
        holder = next((c for c in part.scope.everywhere(kind) if c.is_meant_by(bare, "name")), None)
        if holder is not None and not key.strip(":"):
            text = _written(part, holder, link, "secret_id", attribute) if link else _own(holder, attribute)
    return name, text or Unknown(f"{name} comes from a secret", origin), f"aws-secret/{part.unit}/{given.value}"


def _own(holder: Part, attribute: str) -> Known | None:
    data = holder.get(attribute)
    if isinstance(data, Known) and isinstance(data.value, str) and "://" in data.value:
        return Known(hide("SECRET", data.value), replace(data.origin, says=attribute))
    return None
