"""Evaluate `result` of a small project: what tests of the evaluator share."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poollint.discover import discover
from poollint.facts import NO_ENVIRONMENT, Environment, Known, Location, Origin, Unknown
from poollint.python.evaluator import objects, urls
from poollint.python.evaluator.evaluate import Evaluator, World
from poollint.python.evaluator.values import Listing, Table, Url, Value
from poollint.python.source.modules import Modules

MAIN = "main.py"


class Project:
    """Files under a folder; `result` is the variable of main.py that tests ask for."""

    def __init__(self, root: Path, files: Mapping[str, str] | str) -> None:
        for path, text in ({MAIN: files} if isinstance(files, str) else files).items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text), "utf-8")
        self.modules = Modules(discover([root]))

    def alternatives(
        self, name: str = "result", environment: Environment = NO_ENVIRONMENT, path: str = MAIN
    ) -> list[Value]:
        """Return every way the variable can come out."""
        module = self.modules.module(path)
        assert module is not None, self.modules.tree.skipped
        ask = Origin(name)
        return Evaluator(self.modules, environment).alternatives(lambda world: objects.member(world, module, name, ask))

    def value(self, name: str = "result", environment: Environment = NO_ENVIRONMENT) -> Value:
        """Return the only way the variable can come out."""
        found = self.alternatives(name, environment)
        assert len(found) == 1, [plain(value) for value in found]
        return found[0]

    def urls(self, name: str = "result", environment: Environment = NO_ENVIRONMENT) -> list[Url]:
        module = self.modules.module(MAIN)
        assert module is not None

        def compute(world: World) -> Url:
            return urls.as_url(world, objects.member(world, module, name, Origin(name)))

        return Evaluator(self.modules, environment).alternatives(compute)


def plain(value: Value) -> Any:
    """Return a value as plain Python, Unknown as its reason in angle brackets: what most tests compare."""
    match value:
        case Known():
            return value.value
        case Table():
            entries = {key: plain(entry) for key, entry in value.entries.items()}
            return entries if value.complete else {**entries, ...: "<more>"}
        case Listing():
            return [plain(item) for item in value.items]
        case Unknown():
            return f"<{value.reason}>"
    return type(value).__name__


def variables(complete: bool = True, secrets: Mapping[str, str] | None = None, **given: str | None) -> Environment:
    """Return an environment that a manifest gives, one line per variable; None is a value that is not readable."""
    settings = {}
    for line, (name, text) in enumerate(given.items(), 1):
        origin = Origin(name, Location("deploy.yaml", line))
        settings[name] = Known(text, origin) if text is not None else Unknown(f"{name} comes from a secret", origin)
    return Environment(settings, complete, secrets or {})
