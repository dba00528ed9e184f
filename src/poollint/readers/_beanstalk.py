"""What .ebextensions say of an Elastic Beanstalk environment, in either of the two spellings of `option_settings`.

https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/ebextensions-optionsettings.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poollint._yaml import Mapping
from poollint.facts import Environment, Known, Location, Origin, Setting
from poollint.readers._platform import count, default, plain
from poollint.readers._variables import Variables

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.discover import Tree

FOLDER = ".ebextensions"
_ENVIRONMENT = "aws:elasticbeanstalk:application:environment"
_LARGEST = default(4, "Elastic Beanstalk's MaxSize", "estimate")  # believed, no page read


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of one application, and the place of the first file that holds some."""

    location: Location
    values: dict[tuple[str, str], Node] = field(default_factory=dict)

    def get(self, namespace: str, name: str) -> Node | None:
        return self.values.get((namespace, name))

    def instances(self) -> Setting:
        """Return the most instances: one without a load balancer, else the ceiling of the scaling group."""
        kind = self.get("aws:elasticbeanstalk:environment", "EnvironmentType")
        if kind is not None and kind.text_at() == "SingleInstance":
            return Known(1, Origin("EnvironmentType", kind.location))
        return count(self.get("aws:autoscaling:asg", "MaxSize"), "MaxSize", _LARGEST)

    def variables(self) -> Environment:
        """Return the variables; the console may add to them."""
        found = Variables()
        found.complete = False
        for (namespace, name), node in self.values.items():
            if namespace == _ENVIRONMENT:
                found.set(name, plain(name, node))
        return found.frozen()


def options_of(tree: Tree, folder: str) -> Options | None:
    """Return the settings beside an application, None without any; the files count in the order of their names."""
    inside = f"{folder}/{FOLDER}" if folder else FOLDER
    found: Options | None = None
    for path in sorted(tree.named("*.config")):
        if path.rpartition("/")[0] != inside:
            continue
        for document in tree.yaml(path)[:1]:
            settings = document.at("option_settings")
            if settings is not None:
                found = found or Options(document.location)
                found.values.update(_settings(settings))
    return found


def _settings(node: Node) -> Iterator[tuple[tuple[str, str], Node]]:
    """Yield ((namespace, option), value) of a list of settings, or of a mapping by namespace."""
    if isinstance(node, Mapping):
        for namespace, options in node.pairs():
            for name, value in options.pairs_at():
                yield (namespace, name), value
    for item in node.items_at():
        name, value = item.text_at("option_name"), item.at("value")
        if name and value is not None:
            yield (item.text_at("namespace") or _ENVIRONMENT, name), value
