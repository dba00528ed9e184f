"""Scripts and Python programs that a command starts, followed into the repository."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from functools import lru_cache

from poollint._words import Word
from poollint.facts import NO_CEILING, NOT_READ, Known, Location, Origin, Process

from . import _programs, _shell
from ._entry import directory_of, module_path
from ._run import Run
from ._web import default

Launch = Callable[[list[Word], Run], None]

_MIGRATING = re.compile(r"(^|[_/.-])(migrat\w*|alembic|init_?db|create_?tables|upgrade_?db)($|[_/.-])", re.IGNORECASE)


def follow(words: list[Word], run: Run, launch: Launch) -> None:
    """Start a file of the repository by its name, or a console script that the project declares."""
    name = words[0].text
    found = run.text_at(name) if "/" in name or re.search(r"\.\w+$", name) else None
    if found is None and "/" not in name:
        found = _on_path(name, run)
    if found is not None:
        first = found[0].partition("\n")[0]
        if first.startswith("#!") and "python" in first or name.endswith(".py"):
            _python_text(found, words, run)
        elif first.startswith("#!") and not re.search(r"\b(ba|da|a|z|k)?sh\b", first):
            return
        else:
            _shell_text(found, words, run, launch)
    else:
        _console_script(words, run)


def shell(script: Word, arguments: list[Word], run: Run, launch: Launch) -> None:
    """Start a shell script that is named by its path."""
    found = None if script.unknown else run.text_at(script.text)
    if found is not None:
        _shell_text(found, [script, *arguments], run, launch)


def _shell_text(found: tuple[str, Location], words: list[Word], run: Run, launch: Launch) -> None:
    scope = run.scope
    run.scope = run.within(arguments=tuple(words[1:]), name=run.path(words[0].text))
    try:
        _shell.read(found[0], found[1], run, launch)
    except _shell.Returned:
        pass
    finally:
        run.scope = scope


def _on_path(name: str, run: Run) -> tuple[str, Location] | None:
    """A script copied to a folder of PATH is called by its bare name."""
    for folder in ("/usr/local/bin", "/usr/bin", "/bin"):
        found = run.text_at(f"{folder}/{name}")
        if found is not None:
            return found
    return None


# -- Python programs


def python_file(words: list[Word], run: Run) -> None:
    """`python file.py`."""
    name = words[0].text
    if words[0].unknown:
        return
    if posixpath.basename(name) == "manage.py":
        if _manage(words, run):
            return
    path = run.source(name)
    if path is not None and path in run.tree.folders:
        path = posixpath.join(path, "__main__.py")
    directory = posixpath.dirname(path) if path else directory_of(None, run)
    _program(path if path in run.tree else None, path or name, directory, words, run)


# Modules that neither serve nor touch a database of the project.
_TOOLS = frozenset(
    "pytest unittest pip venv http.server build black ruff mypy pylint flake8 isort compileall pdb".split()
)


def python_module(words: list[Word], run: Run) -> None:
    """`python -m package.module`."""
    name = words[0].text
    if name in _TOOLS:
        return
    directory = directory_of(name, run)
    path = module_path(f"{name}.__main__", directory, run) or module_path(name, directory, run)
    _program(path, name, directory, words, run)


def _python_text(found: tuple[str, Location], words: list[Word], run: Run) -> None:
    path = found[1].path
    _program(path, path, posixpath.dirname(path), words, run)


def _manage(words: list[Word], run: Run) -> bool:
    command = words[1].text if len(words) > 1 else ""
    common = {
        "entry": run.source(words[0].text) or words[0].text,
        "directory": directory_of(None, run),
        "location": words[0].location,
    }
    if command in ("migrate", "db", "upgrade"):
        run.start(Process("manage.py", "migration", default(1, "manage.py"), default(1, "manage.py"), **common))
        return True
    if command in ("runserver", "run"):
        units = Known(NO_CEILING, Origin("runserver serves every request in a thread"), "estimate")
        run.start(Process("manage.py", "web", default(1, "manage.py"), units, **common))
        return True
    if re.fullmatch(r"[a-z][\w-]*", command) and "serve" not in command:
        # What else the file can start, this command does not.
        run.start(Process("manage.py", "script", default(1, "manage.py"), NOT_READ, **common))
        return True
    return False


def _program(path: str | None, entry: str, directory: str, words: list[Word], run: Run) -> None:
    """Start a Python program: a server if its file starts one, else a script of one process."""
    text = run.tree.text(path) if path else None
    if path is not None and text is not None:
        run.read.append(path)
        served = _programs.served(path, entry, directory, words, run)
        if served is not None:
            run.start(served)
            return
    kind = "migration" if _MIGRATING.search(entry) else "script"
    one, told, place = default(1, "python"), _programs.told(words), words[0].location
    run.start(Process("python", kind, one, NOT_READ, entry=entry, directory=directory, location=place, told=told))


# -- console scripts


def _console_script(words: list[Word], run: Run) -> None:
    """Start a `name` of `[project.scripts]` or `[tool.poetry.scripts]` of the project in the working directory."""
    name = words[0].text
    if not re.fullmatch(r"[\w.-]+", name):
        return
    for path in _projects(run):
        target = _script_of(path, name, run)
        if target:
            module = target.partition(":")[0]
            directory = next(
                (
                    folder
                    for folder in (posixpath.dirname(path), posixpath.join(posixpath.dirname(path), "src"))
                    if module_path(module, folder, run)
                ),
                posixpath.dirname(path),
            )
            file = module_path(module, directory, run)
            _program(file, target, directory, words, run)
            return


def _projects(run: Run) -> list[str]:
    """Return the pyproject.toml files that can have been installed: in the working directory, the context, the root."""
    context = run.container.context
    candidates = [
        run.source("pyproject.toml"),
        posixpath.normpath(posixpath.join(context, "pyproject.toml")) if context is not None else None,
    ]
    return list(dict.fromkeys(path for path in candidates if path and path in run.tree))


def _script_of(path: str, name: str, run: Run) -> str | None:
    text = run.tree.text(path) or ""
    if not re.search(rf"^[ \t]*[\"']?{re.escape(name)}[\"']?[ \t]*=", text, re.MULTILINE):
        return None
    return _script_table(text).get(name)


@lru_cache(maxsize=16)
def _script_table(text: str) -> dict[str, str]:
    """Return the console scripts that a pyproject.toml declares."""
    import tomllib

    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    found: dict[str, str] = {}
    for keys in (("tool", "poetry", "scripts"), ("project", "scripts")):
        table: object = data
        for key in keys:
            table = table.get(key) if isinstance(table, dict) else None
        if isinstance(table, dict):
            found.update({name: target for name, target in table.items() if isinstance(target, str)})
    return found
