"""Classes of which a process makes one instance, whoever calls them: by metaclass, decorator of the project, or `__new__`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from poollint.python.evaluator.callers import function_around
from poollint.python.evaluator.values import ClassRef, FunctionRef
from poollint.python.source import names
from poollint.python.source.modules import Module
from poollint.python.source.scopes import FUNCTIONS, walk
from poollint.python.usage.keeping import kept

MOST_BASES = 10


def is_singleton(module: Module, cls: ast.ClassDef) -> bool:
    """Say whether calling a class gives the instance that was made the first time.

    class Database(metaclass=Singleton)    where Singleton.__call__ keeps what it made
    @singleton class Database              where the project's decorator does
    """
    return any(map(_keeps_one, _metaclass_calls(module, cls))) or any(
        _keeps_what_it_decorates(module, decorator) for decorator in cls.decorator_list
    )


def gives_one(module: Module, cls: ast.ClassDef) -> bool:
    """Say whether `__new__` gives the instance that it made the first time; `__init__` runs on that again all the same."""
    methods = ((where, stmt) for where, current in bases_of(module, cls) for stmt in current.body)
    found = next(((w, s) for w, s in methods if isinstance(s, ast.FunctionDef) and s.name == "__new__"), None)
    return found is not None and _makes_once(found, "__new__")


def bases_of(module: Module, cls: ast.ClassDef) -> Iterator[tuple[Module, ast.ClassDef]]:
    """Yield a class and the project's own classes it descends from, nearest first."""
    todo, seen = [(module, cls)], 0
    while todo and seen < MOST_BASES:
        (where, current), seen = todo.pop(0), seen + 1
        yield where, current
        bases = (names.resolve(where, base) for base in current.bases)
        todo += [(base.module, base.node) for base in bases if isinstance(base, ClassRef)]


def _metaclass_calls(module: Module, cls: ast.ClassDef) -> Iterator[tuple[Module, ast.FunctionDef]]:
    """Yield the `__call__` of the first metaclass that a class or one of its bases states."""
    for where, current in bases_of(module, cls):
        stated = next((keyword.value for keyword in current.keywords if keyword.arg == "metaclass"), None)
        metaclass = names.resolve(where, stated) if stated is not None else None
        if isinstance(metaclass, ClassRef):
            methods = ((m, stmt) for m, meta in bases_of(metaclass.module, metaclass.node) for stmt in meta.body)
            yield from ((m, s) for m, s in methods if isinstance(s, ast.FunctionDef) and s.name == "__call__")
            return


def _keeps_one(method: tuple[Module, ast.FunctionDef]) -> bool:
    """Say whether a metaclass calls `super().__call__()` only where it has no instance yet."""
    return _makes_once(method, "__call__")


def _makes_once(method: tuple[Module, ast.FunctionDef], name: str) -> bool:
    module, function = method
    made = [n for n in walk(function) if isinstance(n, ast.Call) and getattr(n.func, "attr", "") == name]
    return bool(made) and all(kept(module, call, function) == "process" for call in made)


def _keeps_what_it_decorates(module: Module, decorator: ast.expr) -> bool:
    """Say whether a decorator of the project replaces the class by a function that calls it once."""
    found = names.resolve(module, decorator)
    if not isinstance(found, FunctionRef) or not isinstance(found.node, FUNCTIONS) or not found.node.args.args:
        return False
    decorated = found.node.args.args[0].arg
    calls = [n for n in walk(found.node) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == decorated]
    around = [(call, function_around(found.module, call)) for call in calls]
    return bool(calls) and all(f is not None and kept(found.module, call, f) == "process" for call, f in around)
