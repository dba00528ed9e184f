"""What classes that descend from a class make of its attributes: `self.SIZE` in a method is what the heir sets.

    class Database:                         class Orders(Database):
        SIZE = 4                                SIZE = 11
        def make(self):
            return create_engine(URL, pool_size=self.SIZE)

Where nobody is seen to make the instance, each heir that sets the attribute otherwise is an alternative.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint.python.evaluator import objects
from poollint.python.evaluator.values import ClassRef, Instance
from poollint.python.source import names
from poollint.python.source.modules import Module, Modules
from poollint.python.source.scopes import FUNCTIONS

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World

# It begins with a literal, for which `re` skips ahead: every file of a project is scanned.
_CLASS = re.compile(rb"class[ \t]++\w++[ \t]*+\(([^)]{1,500}+)\)")
_WORD = re.compile(rb"\w+")
MOST_HEIRS = 6  # alternatives; where there are more, the class stands for itself


class Heirs:
    """Finds the classes below a class, outside tests; the files are scanned once."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self._paths: dict[bytes, list[str]] | None = None
        self._known: dict[ast.ClassDef, tuple[ClassRef, ...]] = {}

    def of(self, cls: ClassRef) -> tuple[ClassRef, ...]:
        """Return the classes that have a class as a base, directly or not."""
        if cls.node not in self._known:
            self._known[cls.node] = ()  # a class that descends from itself has no heirs
            found = {heir.node: heir for child in self._children(cls) for heir in (child, *self.of(child))}
            self._known[cls.node] = tuple(found.values())
        return self._known[cls.node]

    def _children(self, cls: ClassRef) -> Iterator[ClassRef]:
        for path in self._mentioning(cls.node.name.encode()):
            module = self.modules.module(path)
            if module is not None and not module.is_test:
                yield from (ClassRef(module, node) for node in _classes(module) if _has_base(module, node, cls))

    def _mentioning(self, name: bytes) -> list[str]:
        if self._paths is None:
            self._paths = {}
            for path in self.modules.paths:
                content = b"" if self.modules.is_for_tests(path) else self.modules.tree.bytes(path) or b""
                for word in {word for found in _CLASS.finditer(content) for word in _WORD.findall(found[1])}:
                    self._paths.setdefault(word, []).append(path)
        return self._paths.get(name, [])


def _classes(module: Module) -> Iterator[ast.ClassDef]:
    return (node for node in module.nodes if isinstance(node, ast.ClassDef))


def _has_base(module: Module, node: ast.ClassDef, cls: ClassRef) -> bool:
    found = (names.resolve(module, base) for base in node.bases)
    return any(isinstance(base, ClassRef) and base.node is cls.node for base in found)


def as_heir(world: World, base: Instance, name: str) -> Instance:
    """Return an instance of which nobody knows who made it as one of the heirs that set an attribute otherwise."""
    from poollint.python.evaluator.evaluate import Answer, Question

    if base.arguments is not None or not base.symbol.startswith("self:"):
        return base
    heirs = [heir for heir in world.modules.shared(Heirs).of(base.cls) if _sets(world, heir, base.cls, name)]
    if not 0 < len(heirs) <= MOST_HEIRS:
        return base
    kinds = [base.cls, *heirs]
    key = f"heir {base.cls.module.path}:{base.cls.node.lineno} {[heir.node.name for heir in heirs]}"
    choice = world.ask(Question(key, tuple(Answer(number) for number in range(len(kinds)))))
    return replace(base, cls=kinds[choice], symbol=f"{base.symbol}#{choice}") if choice else base


def _sets(world: World, heir: ClassRef, cls: ClassRef, name: str) -> bool:
    """Say whether a class between an heir and the class sets an attribute, in its body or its constructor."""
    for each in objects.lineage(world, heir):
        if not isinstance(each, ClassRef) or each.node is cls.node:
            return False
        if name in names.scope_for(each.module, each.node).binds:
            return True
        maker = next((s for s in each.node.body if isinstance(s, FUNCTIONS) and s.name == "__init__"), None)
        if maker is not None and f"self.{name}" in names.scope_for(each.module, maker).sets:
            return True
    return False
