"""Where a command's module or script stands in the repository."""

from __future__ import annotations

import posixpath

from poollint.facts import Known

from ._run import Run

_FILES = (".py", ".wsgi")

def directory_of(entry: str | None, run: Run, *folders: str) -> str:
    """Return the import root of an entry, relative to the project's root.

    folders   what the command adds itself, the strongest first: --chdir, --app-dir, --pythonpath

    Of the folders that Python would search, the first that holds the module; else the first there is.
    """
    searched = (
        [run.path(folder) for folder in folders] + [run.path(".")] + [run.path(path) for path in _python_path(run)]
    )
    candidates = [source for path in searched if (source := run.container.source(path, run.tree)) is not None]
    if run.container.context is not None:
        context = "" if run.container.context in (".", "") else run.container.context
        candidates += [context, posixpath.join(context, "src")]
    for candidate in candidates:
        if entry and module_path(entry, candidate, run):
            return candidate
    return candidates[0] if candidates else ""


def _python_path(run: Run) -> list[str]:
    setting = run.variable("PYTHONPATH")
    return [path for path in str(setting.value).split(":") if path] if isinstance(setting, Known) else []


def module_path(entry: str, directory: str, run: Run) -> str | None:
    """Return the file of the module `pkg.mod:app` below `directory`, or None."""
    dotted = entry.partition(":")[0]
    if not dotted or "/" in dotted and not dotted.endswith(_FILES):
        return None
    relative = dotted if dotted.endswith(".py") or "/" in dotted else dotted.replace(".", "/")
    base = posixpath.normpath(posixpath.join(directory, relative))
    for path in (base, f"{base}.py", f"{base}/__init__.py", f"{base}/__main__.py"):
        if path in run.tree and path.endswith(_FILES):
            return path
    return None
