"""Scripts and Python programs that a command starts, followed into the repository."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from poollint.facts import NO_CEILING, NOT_READ, Known, Location, Origin, Process, Setting, Unknown

from . import _python, _shell
from ._entry import directory_of, module_path
from ._run import Run
from ._gunicorn import default_of_platform
from ._web import asynchronous, default
from poollint._words import NO_PLACE, Word

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


def python_file(words: list[Word], run: Run, launch: Launch) -> None:
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
_TOOLS = frozenset("pytest unittest pip venv http.server build black ruff mypy pylint flake8 isort compileall ensurepip json.tool pdb timeit".split())


def python_module(words: list[Word], run: Run, launch: Launch) -> None:
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
    common = {"entry": run.source(words[0].text) or words[0].text, "directory": directory_of(None, run), "location": words[0].location}
    if command in ("migrate", "db", "upgrade"):
        run.start(Process("manage.py", "migration", default(1, "manage.py"), default(1, "manage.py"), **common))
        return True
    if command in ("runserver", "run"):
        units = Known(NO_CEILING, Origin("runserver serves every request in a thread"), "estimate")
        run.start(Process("manage.py", "web", default(1, "manage.py"), units, **common))
        return True
    return False


def _program(path: str | None, entry: str, directory: str, words: list[Word], run: Run) -> None:
    """Start a Python program: a server if its file starts one, else a script of one process."""
    text = run.tree.text(path) if path else None
    if path is not None and text is not None:
        run.read.append(path)
        served = next(served_by(path, text, entry, directory, words[0].location, run), None)
        if served is not None:
            run.start(served)
            return
    kind = "migration" if _MIGRATING.search(entry) else "script"
    run.start(Process("python", kind, default(1, "python"), NOT_READ, entry=entry, directory=directory, location=words[0].location))


# -- servers started by a program


def served_by(path: str, text: str, entry: str, directory: str, place: Location, run: Run) -> Iterator[Process]:
    """Yield what a file starts by `uvicorn.run(...)` and its kind."""
    if not any(word in text for word in ("uvicorn", "hypercorn", "granian", "gunicorn", "waitress", ".run(", "aiohttp", "web.run_app")):
        return
    module = _python.parse(text)
    if module is None:
        return
    names = _python.Names(run, replace(NO_PLACE, path=path))
    names.block([node for node in _statements(module)])
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            call = names.dotted(node.func)
            if call in ("uvicorn.run", "uvicorn.main", "uvicorn.Config"):
                yield _uvicorn_run(node, names, entry, directory, place)
                return
            if call == "waitress.serve":
                units = _keyword(node, "threads", names) or default(4, "waitress")
                yield Process("waitress", "web", default(1, "waitress"), units, entry=entry, directory=directory, location=place)
                return
            if call in ("aiohttp.web.run_app", "web.run_app"):
                yield Process("aiohttp", "web", default(1, "aiohttp"), asynchronous("aiohttp"), entry=entry, directory=directory, location=place)
                return
            if call.endswith(".run") and _is_flask(call, module):
                units = Known(NO_CEILING, Origin("app.run() serves every request in a thread", names.at(node)), "estimate")
                yield Process("flask", "web", default(1, "app.run()"), units, entry=entry, directory=directory, location=place)
                return


def _statements(module: ast.Module) -> Iterator[ast.stmt]:
    """Yield the module's statements, with those of `if __name__ == "__main__"` and of functions that servers start in."""
    for node in module.body:
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)[:40]:
            yield from node.body
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in ("main", "run", "start", "serve", "cli"):
            yield node
            yield from node.body
        else:
            yield node


def _is_flask(call: str, module: ast.Module) -> bool:
    """Say whether `name.run` is the `run` of a Flask application made or imported here."""
    name = call.removesuffix(".run").rpartition(".")[2]
    if name not in ("app", "application", "server"):
        return False
    return "flask" in {(node.module or "").partition(".")[0] for node in module.body if isinstance(node, ast.ImportFrom)} or any(
        isinstance(node, ast.ImportFrom) and any(alias.name in ("app", "application", "create_app") for alias in node.names)
        for node in module.body
    )


def _keyword(node: ast.Call, name: str, names: _python.Names) -> Setting | None:
    value = next((keyword.value for keyword in node.keywords if keyword.arg == name), None)
    if value is None:
        return None
    found = names.value(value)
    says = found.origin.says if found.origin.says not in ("", "written", "number of CPUs") else f"{name}="
    return replace(found, origin=replace(found.origin, says=says))


def _uvicorn_run(node: ast.Call, names: _python.Names, entry: str, directory: str, place: Location) -> Process:
    """`uvicorn.run(app, workers=n)`: one process unless the application is an import string and nothing reloads."""
    workers = _keyword(node, "workers", names)
    reload = _keyword(node, "reload", names)
    application = names.value(node.args[0]) if node.args else _keyword(node, "app", names) or NOT_READ
    is_string = isinstance(application, Known) and isinstance(application.value, str)
    processes: Setting = _default_of_run(node, names)
    if workers is not None and not (isinstance(workers, Known) and workers.value is None):
        processes = _whole(workers)
    if reload is not None and isinstance(reload, Known) and reload.value:
        processes = replace(reload, value=1)
    elif reload is not None and isinstance(reload, Unknown) and processes != replace_value(processes, 1):
        processes = Unknown(reload.reason, reload.origin)
    if application is not NOT_READ and not is_string and isinstance(node.args[0] if node.args else None, (ast.Name, ast.Attribute, ast.Call)):
        processes = Known(1, Origin("uvicorn.run(app) without an import string", names.at(node)), "default")
    target = str(application.value) if is_string and isinstance(application, Known) and ":" in str(application.value) else entry
    concurrency = _keyword(node, "limit_concurrency", names)
    if isinstance(concurrency, Known) and isinstance(concurrency.value, int):
        concurrency = replace(concurrency, value=max(1, concurrency.value - 1))
    return Process("uvicorn", "web", processes, asynchronous("uvicorn"), entry=target, directory=directory,
                   concurrency=concurrency or NOT_READ, location=place)  # fmt: skip


def _default_of_run(node: ast.Call, names: _python.Names) -> Setting:
    variable = names.run.variable("WEB_CONCURRENCY")
    if variable is not None:
        return _whole(variable)
    return default_of_platform(names.run, "uvicorn.run")


def replace_value(setting: Setting, value: object) -> Setting:
    return replace(setting, value=value) if isinstance(setting, Known) else setting


def _whole(setting: Setting) -> Setting:
    from ._gunicorn import as_count

    return as_count(setting, "workers=")


# -- console scripts


def _console_script(words: list[Word], run: Run) -> None:
    """Start `name` of `[project.scripts]` or `[tool.poetry.scripts]` in the project that stands in the working directory."""
    name = words[0].text
    if not re.fullmatch(r"[\w.-]+", name):
        return
    for path in _projects(run):
        target = _script_of(path, name, run)
        if target:
            module = target.partition(":")[0]
            directory = next(
                (folder for folder in (posixpath.dirname(path), posixpath.join(posixpath.dirname(path), "src")) if module_path(module, folder, run)),
                posixpath.dirname(path),
            )
            file = module_path(module, directory, run)
            _program(file, target, directory, words, run)
            return


def _projects(run: Run) -> list[str]:
    """Return the pyproject.toml files that can have been installed: in the working directory, the context, the root."""
    context = run.container.context
    candidates = [run.source("pyproject.toml"), posixpath.normpath(posixpath.join(context, "pyproject.toml")) if context is not None else None]
    return list(dict.fromkeys(path for path in candidates if path and path in run.tree))


def _script_of(path: str, name: str, run: Run) -> str | None:
    import tomllib

    text = run.tree.text(path) or ""
    if name not in text:
        return None
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    for keys in (("project", "scripts"), ("tool", "poetry", "scripts")):
        table: object = data
        for key in keys:
            table = table.get(key) if isinstance(table, dict) else None
        value = table.get(name) if isinstance(table, dict) else None
        if isinstance(value, str):
            return value
    return None
