"""CloudFormation templates: parameters, conditions and intrinsic functions, resolved as far as the text allows.

What only a deployment knows is a token, as in `terraform`: `!GetAtt Database.Endpoint.Address` is the text
`${Database.Endpoint.Address}`, which the Database lists under `hosts`; it means that database inside the `unit`, the
template's path. `iac:<template>/<logical id>` under `identities` names the resource everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from poollint import _yaml
from poollint.hcl.values import Reference, numeric, reference, tidy
from poollint.facts import Known, Location, Origin, Setting, Unknown

if TYPE_CHECKING:
    from poollint._yaml import Node

DEEPEST = 30
_SUB = re.compile(r"\$\{(!?)([\w:.]+)\}")
_SHORT = frozenset(("Ref", "Condition"))  # written without `Fn::`
_INTRINSIC = frozenset(("Ref", "GetAtt", "Sub", "Join", "Select", "FindInMap", "If", "ImportValue"))


@dataclass(frozen=True, eq=False)
class Resource:
    """One entry of `Resources`."""

    template: Template
    logical: str
    kind: str
    node: Node
    location: Location

    def at(self, *keys: str | int) -> Node | None:
        """Return a property's node."""
        return self.node.at("Properties", *keys)

    def get(self, *keys: str | int) -> Setting | None:
        """Return a property, None when it is absent."""
        node = self.at(*keys)
        if node is None:
            return None
        setting = self.template.value(node)
        if isinstance(setting, Known) and setting.value is None:
            return None
        return _said(setting, str(keys[-1]), node.location)

    def word(self, *keys: str | int) -> str | None:
        """Return a plain text property."""
        setting = self.get(*keys)
        plain = (
            isinstance(setting, Known)
            and isinstance(setting.value, (str, int))
            and not isinstance(setting.value, Reference)
        )
        return str(setting.value) if plain else None  # type: ignore[union-attr]

    def number(self, *keys: str | int, absent: Setting | None = None) -> Setting:
        """Return a whole number."""
        setting = self.get(*keys)
        if setting is None:
            return absent or Unknown(f"{keys[-1]} is not set", Origin(str(keys[-1]), self.location))
        return as_number(setting)

    @property
    def identity(self) -> str:
        return f"iac:{self.template.path}/{self.logical}"

    def tokens(self, *attributes: str) -> tuple[str, ...]:
        """Return the hosts `${Logical.Attribute}` in lower case."""
        return tuple(f"${{{self.logical}.{attribute}}}".lower() for attribute in attributes)

    def is_meant_by(self, setting: Setting | None, *attributes: str) -> bool:
        """Say whether a value refers to this resource, or holds the text of one of these properties."""
        if not isinstance(setting, Known) or not isinstance(setting.value, str):
            return False
        if isinstance(setting.value, Reference):
            return setting.value.startswith(("${" + self.logical + "}", "${" + self.logical + "."))
        return any(setting.value == self.word(attribute) for attribute in attributes)


class Template:
    """One template under one set of parameters."""

    def __init__(self, path: str, root: Node, overrides: Mapping[str, Setting] | None = None) -> None:
        self.path, self.root, self.overrides = path, root, overrides or {}
        self._depth = 0

    def resources(self, *kinds: str) -> Iterator[Resource]:
        """Yield the resources of these types whose condition is not known to be false."""
        for logical, node in self.root.pairs_at("Resources"):
            kind = node.text_at("Type")
            if kind in kinds and self.condition(node.text_at("Condition")) is not False:
                yield Resource(self, logical, kind, node, node.location)

    # -- values

    def value(self, node: Node) -> Setting:
        """Return what a node is worth: plain, a tuple, a dict, or a Reference to what a deployment makes."""
        if self._depth >= DEEPEST:
            return Unknown("nested too deeply", Origin("", node.location))
        self._depth += 1
        try:
            name, argument = _function(node)
            if name:
                known = name in _INTRINSIC
                return (
                    getattr(self, f"_{name.lower()}")(node, argument)
                    if known
                    else _unknown(node, f"{name[:40]} is not evaluated")
                )
            return self._literal(node)
        finally:
            self._depth -= 1

    def _literal(self, node: Node) -> Setting:
        origin = Origin("", node.location)
        if isinstance(node, _yaml.Sequence):
            return Known(tuple(self.value(item) for item in node.items), origin)
        if isinstance(node, _yaml.Mapping):
            return Known({key: self.value(value) for key, value in node.pairs()}, origin)
        assert isinstance(node, _yaml.Scalar)
        return Known(node.text if node.tag else node.value, origin)

    def parameter(self, name: str, node: Node) -> Setting:
        """Return what a name means: a parameter's override or default, else the resource it names."""
        if name in self.overrides:
            return self.overrides[name]
        declared = self.root.at("Parameters", name)
        if declared is None:
            return Known(reference(name), Origin("", node.location))
        default = declared.at("Default")
        if default is None or (declared.text_at("Type") or "").startswith("AWS::SSM::"):
            return Unknown(f"parameter {name} has no default", Origin(name, declared.location))
        return _said(self._literal(default), name, default.location)

    # -- intrinsic functions, by their names in lower case

    def _ref(self, node: Node, argument: Node | None) -> Setting:
        name = argument.text_at() if argument is not None else None
        return self.parameter(name, node) if name else _unknown(node, "a reference without a name")

    def _getatt(self, node: Node, argument: Node | None) -> Setting:
        if argument is None:
            return _unknown(node, "an attribute without a name")
        steps = [item.text_at() or "" for item in argument.items_at()] or (argument.text_at() or "").split(".")
        return Known(reference(*steps), Origin("", node.location))

    def _sub(self, node: Node, argument: Node | None) -> Setting:
        items = argument.items_at() if argument is not None else ()
        text = items[0].text_at() if items else argument.text_at() if argument is not None else None
        if text is None:
            return _unknown(node, "a text that cannot be read")
        given = dict(items[1].pairs_at()) if len(items) > 1 else {}

        def put(match: re.Match[str]) -> str:
            if match[1]:
                return "${" + match[2] + "}"
            setting = self.value(given[match[2]]) if match[2] in given else self._named(match[2], node)
            return (
                str(setting.value)
                if isinstance(setting, Known) and not isinstance(setting.value, (tuple, dict))
                else match[0]
            )

        made = _SUB.sub(put, text)
        if len(made) > 20_000:
            return _unknown(node, "too long a text")
        return Known(Reference(made) if "${" in made else made, Origin("", node.location))

    def _named(self, name: str, node: Node) -> Setting:
        return Known(reference(name), Origin("")) if "." in name or "::" in name else self.parameter(name, node)

    def _join(self, node: Node, argument: Node | None) -> Setting:
        separator = argument.text_at(0) if argument is not None else None
        parts = [self.value(item) for item in (argument.items_at(1) if argument is not None else ())]
        if (
            separator is None
            or not parts
            or not all(isinstance(p, Known) and isinstance(p.value, (str, int)) for p in parts)
        ):
            return next((p for p in parts if isinstance(p, Unknown)), _unknown(node, "a list that cannot be read"))
        made = separator.join(str(p.value) for p in parts)[:20_000]
        return Known(Reference(made) if "${" in made else made, Origin("", node.location))

    def _select(self, node: Node, argument: Node | None) -> Setting:
        index = numeric(self._plain(argument.at(0))) if argument is not None and argument.at(0) is not None else None
        listed = self.value(argument.at(1)) if argument is not None and argument.at(1) is not None else None
        if not isinstance(listed, Known) or not isinstance(listed.value, tuple) or index is None:
            return _unknown(node, "a choice that cannot be read")
        return (
            listed.value[int(index)] if 0 <= index < len(listed.value) else _unknown(node, "a choice beyond the list")
        )

    def _findinmap(self, node: Node, argument: Node | None) -> Setting:
        keys = [self._plain(item) for item in (argument.items_at() if argument is not None else ())]
        found = self.root.at("Mappings", *map(str, keys)) if len(keys) == 3 and None not in keys else None
        return self.value(found) if found is not None else _unknown(node, "a mapping that cannot be looked up")

    def _if(self, node: Node, argument: Node | None) -> Setting:
        items = argument.items_at() if argument is not None else ()
        if len(items) != 3:
            return _unknown(node, "a condition without its two sides")
        decided = self.condition(items[0].text_at())
        if decided is not None:
            return self.value(items[1] if decided else items[2])
        first, second = self.value(items[1]), self.value(items[2])
        if isinstance(first, Known) and isinstance(second, Known) and first.value == second.value:
            return first
        return _unknown(node, f"depends on the condition {items[0].text_at()}")

    def _importvalue(self, node: Node, argument: Node | None) -> Setting:
        return _unknown(node, "a value of another stack")

    # -- conditions

    def condition(self, name: str | None) -> bool | None:
        """Return whether a condition holds: None when it is absent or cannot be decided."""
        node = self.root.at("Conditions", name) if name else None
        return self._decided(node) if node is not None else None

    def _decided(self, node: Node) -> bool | None:
        name, argument = _function(node)
        if self._depth >= DEEPEST or argument is None:
            return None
        self._depth += 1
        try:
            return self._decide(name or "", argument)
        finally:
            self._depth -= 1

    def _decide(self, name: str, argument: Node) -> bool | None:
        if name == "Condition":
            return self.condition(argument.text_at())
        if name == "Equals":
            left, right = (self._plain(argument.at(i)) if argument.at(i) is not None else None for i in (0, 1))
            return None if left is None or right is None else str(left) == str(right)
        parts = [self._decided(item) for item in argument.items_at()]
        if name == "Not" and len(parts) == 1:
            return None if parts[0] is None else not parts[0]
        if name in ("And", "Or"):
            decisive = name == "Or"
            return decisive if decisive in parts else None if None in parts else not decisive
        return None

    def _plain(self, node: Node | None) -> Any:
        setting = self.value(node) if node is not None else None
        if not isinstance(setting, Known) or isinstance(setting.value, (Reference, tuple, dict)):
            return None
        return setting.value


def _function(node: Node) -> tuple[str | None, Node | None]:
    """Return (name, argument) of `!Sub x` or `{"Fn::Sub": x}`, (None, None) for a plain node."""
    if node.tag and node.tag.startswith("!"):
        return node.tag[1:].rpartition("::")[2], node  # `text_at` and `items_at` do not look at tags
    if isinstance(node, _yaml.Mapping):
        pairs = node.pairs()
        if len(pairs) == 1 and (pairs[0][0].startswith("Fn::") or pairs[0][0] in _SHORT):
            return pairs[0][0].removeprefix("Fn::"), pairs[0][1]
    return None, None


def _unknown(node: Node, reason: str) -> Unknown:
    return Unknown(reason, Origin("", node.location))


def _said(setting: Setting, says: str, place: Location) -> Setting:
    origin = setting.origin
    return replace(setting, origin=replace(origin, says=origin.says or says, location=origin.location or place))


def as_number(setting: Setting) -> Setting:
    """Return a whole number, Unknown when the value is none."""
    if isinstance(setting, Unknown):
        return setting
    value = numeric(setting.value)
    if value is None:
        return Unknown(f"{setting.origin.says} is only known after a deployment", setting.origin)
    return replace(setting, value=int(tidy(value)))


Reader = Callable[[Resource], Iterator[object]]
