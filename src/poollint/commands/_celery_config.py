"""`worker_concurrency` as a Celery application sets it in the module that `-A` names."""

from __future__ import annotations

import ast
from dataclasses import replace

from poollint._words import NO_PLACE
from poollint.facts import Location, Origin, Setting, Unknown

from . import _python
from ._entry import directory_of, module_path
from ._run import Run

MOST_FILES = 20
_KEYS = frozenset({"worker_concurrency", "CELERYD_CONCURRENCY", "CELERY_WORKER_CONCURRENCY"})


def concurrency(application: str | None, run: Run) -> Setting | None:
    """Return the setting, or None when neither the module nor the configuration it loads holds it."""
    path = _module(application, run)
    directory = directory_of(application, run)
    if application is None or path is None:
        return None
    maker = _maker(path, directory, run)
    if maker is None:
        place = Location(path, 1)
        return Unknown("set where the application is made, which is not readable", Origin("worker_concurrency", place))
    found = _in_module(path, directory, run) or _in_module(maker, directory, run)
    if found is not None:
        return found
    for name, place in _loaded(maker, run):
        other = module_path(name, directory, run)
        if other is None:
            return Unknown(f"set in {name}, which is not here", Origin("config_from_object", place))
        found = _in_module(other, directory, run)
        if found is not None:
            return found
    return None


def _maker(path: str, directory: str, run: Run) -> str | None:
    """Return the module that calls `Celery(...)`: the named one, else the nearest that it imports."""
    waiting, seen = [path], {path}
    while waiting and len(seen) <= MOST_FILES:
        file = waiting.pop(0)
        text = run.tree.text(file) or ""
        if "Celery(" in text:
            return file
        module = _python.parse(text)
        for node in module.body if module is not None else ():
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                    found = module_path(name, directory, run)
                    if found is not None and found not in seen:
                        seen.add(found)
                        waiting.append(found)
    return None


def _in_module(path: str, directory: str, run: Run) -> Setting | None:
    text = run.tree.text(path)
    if text is None or not any(key in text for key in _KEYS):
        return None
    module = _python.parse(text)
    if module is None:
        return None
    names = _python.Names(run, replace(NO_PLACE, path=path), directory=directory)
    names.block(module.body)
    for key, value in _settings(module):
        if key in _KEYS:
            found = names.value(value)
            says = found.origin.says if found.origin.says not in ("", "written", "number of CPUs") else key
            return replace(found, origin=replace(found.origin, says=says))
    return None


def _loaded(path: str, run: Run) -> list[tuple[str, Location]]:
    """Return the modules of `app.config_from_object("package.celeryconfig")`."""
    text = run.tree.text(path) or ""
    module = _python.parse(text) if "config_from_object" in text else None
    found = []
    for node in ast.walk(module) if module is not None else ():
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "config_from_object"
        ):
            named = node.args[0] if node.args else None
            if (
                isinstance(named, ast.Constant)
                and isinstance(named.value, str)
                and not named.value.startswith("django")
            ):
                found.append((named.value.partition(":")[0], Location(path, node.lineno, node.col_offset + 1)))
    return found


def _module(application: str | None, run: Run) -> str | None:
    if not application:
        return None
    directory = directory_of(application, run)
    dotted = application.partition(":")[0]
    # `-A proj.celery_app` may name a module, a package that holds celery.py, or an attribute of a module.
    inner = module_path(f"{dotted}.celery", directory, run)
    if inner is not None:
        return inner
    path = module_path(dotted, directory, run)
    if path is not None:
        return path
    module, _, attribute = dotted.rpartition(".")
    path = module_path(module, directory, run) if module else None
    return path if path is not None and attribute in (run.tree.text(path) or "") else None


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
