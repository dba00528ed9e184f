"""`worker_concurrency` as a Celery application sets it in the module that `-A` names."""

from __future__ import annotations

import ast
from dataclasses import replace

from poollint._words import NO_PLACE
from poollint.facts import Setting

from . import _python
from ._entry import directory_of, module_path
from ._run import Run

_KEYS = frozenset({"worker_concurrency", "CELERYD_CONCURRENCY", "CELERY_WORKER_CONCURRENCY"})


def concurrency(application: str | None, run: Run) -> Setting | None:
    """Return the setting, or None when the module does not hold it."""
    path = _module(application, run)
    text = run.tree.text(path) if path else None
    if path is None or text is None or not any(key in text for key in _KEYS):
        return None
    module = _python.parse(text)
    if module is None:
        return None
    names = _python.Names(run, replace(NO_PLACE, path=path))
    names.block(module.body)
    for key, value in _settings(module):
        if key in _KEYS:
            found = names.value(value)
            return replace(found, origin=replace(found.origin, says=key))
    return None


def _module(application: str | None, run: Run) -> str | None:
    if not application:
        return None
    directory = directory_of(application, run)
    dotted = application.partition(":")[0]
    # `-A proj.celery_app` may name a module, an attribute of one, or a package that holds celery.py.
    for name in (dotted, f"{dotted}.celery", dotted.rpartition(".")[0]):
        path = module_path(name, directory, run) if name else None
        if path is not None and not (
            path.endswith("__init__.py") and name == dotted and module_path(f"{dotted}.celery", directory, run)
        ):
            return path
    return None


def _settings(module: ast.Module) -> list[tuple[str, ast.expr]]:
    """Return what looks like a setting: `conf.update(key=...)`, `conf.key = ...`, `{"key": ...}`, `key = ...`."""
    found: list[tuple[str, ast.expr]] = []
    for node in ast.walk(module):
        match node:
            case ast.Call(keywords=keywords):
                found.extend((keyword.arg, keyword.value) for keyword in keywords if keyword.arg)
            case ast.Assign(targets=[ast.Attribute(attr=name) | ast.Name(id=name)], value=value):
                found.append((name, value))
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=str(name)))], value=value):
                found.append((name, value))
            case ast.Dict(keys, values):
                found.extend(
                    (key.value, value)
                    for key, value in zip(keys, values)
                    if isinstance(key, ast.Constant) and isinstance(key.value, str)
                )
    return found
