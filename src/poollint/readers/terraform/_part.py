"""What one Terraform resource, or a nested block of it, says: attributes with places, `dynamic` blocks expanded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poollint.hcl import syntax as hcl
from poollint.hcl.evaluate import Bound, Names, evaluate
from poollint.hcl.values import Reference, numeric, pairs_of
from poollint.facts import Known, Location, Origin, Setting, Unknown

if TYPE_CHECKING:
    from poollint.readers.terraform._project import Scope

MOST_PARTS = 50  # of one `count`, `for_each` or `dynamic`


def is_null(setting: Setting) -> bool:
    """True for a written `null`, which is as good as absent."""
    return isinstance(setting, Known) and setting.value is None


@dataclass(frozen=True, eq=False)
class Part:
    """A resource or one of its nested blocks.

    address  "module.db.google_sql_database_instance.main", with `.key` when it is one of several
    """

    scope: Scope
    names: Names
    body: hcl.Body
    location: Location
    address: str = ""
    kind: str = ""
    label: str = ""
    key: str | int | None = None

    def get(self, name: str, says: str | None = None) -> Setting | None:
        """Return the value of an attribute, None when it is absent or null; `says` is what its readers call it."""
        expression = self.body.attributes.get(name)
        if expression is None:
            return None
        setting = evaluate(expression, self.names)
        if is_null(setting):
            return None
        origin = setting.origin
        return replace(
            setting,
            origin=replace(origin, says=origin.says or says or name, location=origin.location or expression.location),
        )

    def word(self, name: str) -> str | None:
        """Return a plain text, None when it is absent or not readable."""
        setting = self.get(name)
        plain = (
            isinstance(setting, Known) and isinstance(setting.value, str) and not isinstance(setting.value, Reference)
        )
        return setting.value if plain else None  # type: ignore[union-attr]

    def text(self, name: str) -> str | None:
        """Return a text that may hold references."""
        setting = self.get(name)
        return setting.value if isinstance(setting, Known) and isinstance(setting.value, str) else None

    def number(self, name: str, absent: Setting | None = None, says: str | None = None) -> Setting:
        """Return a whole number; `absent` (or an Unknown) when it is not written."""
        setting = self.get(name, says)
        if setting is None:
            return absent if absent is not None else Unknown(f"{name} is not set", Origin(name, self.location))
        return as_number(setting)

    def flag(self, name: str) -> bool | None:
        """Return a yes/no attribute, None when it is absent or not readable."""
        setting = self.get(name)
        value = setting.value if isinstance(setting, Known) else None
        return (
            {True: True, False: False, "true": True, "false": False}.get(value)
            if isinstance(value, (bool, str))
            else None
        )

    def first(self, *names: str) -> Part | None:
        """Return the nested block that a path of names leads to."""
        part: Part | None = self
        for name in names:
            part = next(iter(part.blocks(name)), None) if part else None
        return part

    def blocks(self, name: str) -> list[Part]:
        """Return the nested blocks of a name, those of `dynamic` blocks included as far as they can be read."""
        found: list[Part] = []
        for block in self.body.blocks:
            if block.type == name:
                found.append(self._nested(block, self.names))
            elif block.type == "dynamic" and block.labels == (name,):
                found += self._expanded(block) or []
        return found

    def unread(self, name: str) -> Unknown | None:
        """Return why some blocks of a name cannot be read, None when all can."""
        for block in self.body.blocks:
            if block.type == "dynamic" and block.labels == (name,) and self._expanded(block) is None:
                return Unknown(f"{name} comes from a list that cannot be read", Origin(name, block.location))
        return None

    def _nested(self, block: hcl.Block, names: Names) -> Part:
        return Part(self.scope, names, block.body, block.location, self.address, self.kind, self.label, self.key)

    def _expanded(self, block: hcl.Block) -> list[Part] | None:
        content = next((inner for inner in block.body.blocks if inner.type == "content"), None)
        expression = block.body.attributes.get("for_each")
        items = pairs_of(evaluate(expression, self.names)) if expression is not None else None
        if items is None or content is None:
            return None
        renamed = block.body.attributes.get("iterator")
        word = renamed.source.text(renamed.node.start_byte, renamed.node.end_byte) if renamed else block.labels[0]
        return [
            self._nested(content, Bound(self.names, {word: Known({"key": key, "value": value}, Origin(""))}))
            for key, value in items[:MOST_PARTS]
        ]

    @property
    def unit(self) -> str:
        return self.scope.root.folder

    @property
    def environment(self) -> str | None:
        return self.scope.root.environment

    @property
    def identity(self) -> str:
        """The resource, for `Database.identities`."""
        return f"iac:{self.unit}/{self.address}" if self.unit else f"iac:{self.address}"

    @property
    def name(self) -> str:
        """The name its readers know: `name` when it can be read in full, else the label."""
        return self.called("name")

    def called(self, *attributes: str) -> str:
        """Return the first of these attributes that can be read in full, else a name as unique as the address."""
        given = next((word for attribute in attributes if (word := self.word(attribute))), None)
        steps = self.address.replace(f"{self.kind}.", "").split(".")
        return given or "-".join(step for step in steps if step != "module")

    def tokens(self, *attributes: str) -> tuple[str, ...]:
        """Return the hosts `${address.attribute}` in lower case, as a URL's host is compared."""
        return tuple(f"${{{self.address}.{attribute}}}".lower() for attribute in attributes)

    def attached(self, name: str) -> str:
        """Return a Cloud SQL connection name, marked with the unit when it is a token: those mean nothing outside."""
        return f"{self.unit}:{name}" if name.startswith("${") and self.unit else name

    def is_meant_by(self, setting: Setting | None, *attributes: str) -> bool:
        """Say whether a value refers to this resource: by reference, or by the text of one of these attributes."""
        if not isinstance(setting, Known) or not isinstance(setting.value, str):
            return False
        if isinstance(setting.value, Reference):
            return setting.value.startswith(("${" + self.address + ".", "${" + self.address + "}"))
        return any(setting.value == self.word(attribute) for attribute in attributes)


def as_number(setting: Setting) -> Setting:
    """Return a whole number, Unknown when the value is none."""
    if isinstance(setting, Unknown):
        return setting
    value = numeric(setting.value)
    if value is None:
        return Unknown(f"{setting.origin.says} is only known after an apply", setting.origin)
    return replace(setting, value=int(value))


def connection_name(part: Part) -> str | None:
    """Return the connection name of a google_sql_database_instance, or None when an apply decides a part of it."""
    project = part.word("project") if "project" in part.body.attributes else part.scope.provider("google", "project")
    region = part.word("region") if "region" in part.body.attributes else part.scope.provider("google", "region")
    name = part.word("name")
    return f"{project}:{region}:{name}" if project and region and name else None


_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "": 1}


def seconds(text: str) -> int | float | None:
    """Read `300`, `300s`, `10m5s`; None for anything else."""
    text = text.strip()
    if not text or len(text) > 20 or not re.fullmatch(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h)?)+", text):
        return None
    total = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))
    return int(total) if total.is_integer() else total


Reader = Callable[[Part], Iterator[object]]
