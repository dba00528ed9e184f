"""uWSGI: `processes` (also `workers`, `-p`), `threads`, `lazy-apps`, on the command line and in ini files."""

from __future__ import annotations

import re
from dataclasses import replace

from poollint._words import Word, as_setting
from poollint.facts import NOT_READ, Known, Location, Origin, Process, Setting, Unknown

from ._entry import directory_of
from ._options import Options, parse, spellings
from ._run import Run
from ._web import default

_TAKES = spellings(
    "-p --processes, --workers, --threads, --ini, --module, -w --wsgi, --wsgi-file, --mount, "
    "--chdir, --http, --http-socket, -s --socket, --callable, --harakiri, --buffer-size, --uid, "
    "--gid, --pythonpath, --pp, --stats, --cheaper, --master-fifo, -H --virtualenv, --logto, "
    "--pidfile, --plugin, --plugins, --yaml, --async, --gevent, --ugreen, --enable-threads, "
    "--max-requests, --listen, --offload-threads, --env"
)
del _TAKES["--enable-threads"], _TAKES["--ugreen"]


def read(words: list[Word], run: Run) -> Process:
    line = parse(
        words[1:],
        takes=_TAKES,
        flags="--master -M --enable-threads --lazy-apps --lazy --die-on-term --vacuum",
    )
    options = {name.lstrip("-"): as_setting(word, name) for name, given in line.values.items() for word in given[-1:]}
    options.update({flag.lstrip("-"): Known("true", Origin(flag, word.location)) for flag, word in line.flags.items()})
    problem = _files(line, run, options)
    module = _text(options, "module", "wsgi", "wsgi-file", "w")
    entry = _entry(module, _text(options, "callable"))
    folders = [folder for folder in (_text(options, "chdir"), _text(options, "pythonpath", "pp")) if folder]
    return Process(
        server="uwsgi",
        kind="web",
        processes=_number(options, problem, "processes", "workers", "p"),
        units=_units(options, problem),
        entry=entry,
        directory=directory_of(entry, run, *folders),
        preloads=_preloads(options, problem),
        request_timeout=_harakiri(options),
        location=words[0].location,
    )


def _files(line: Options, run: Run, options: dict[str, Setting]) -> Unknown | None:
    """Take what the ini file states and the command line does not; return why it cannot be read, if it cannot."""
    named = line.last("--ini")
    path = named[1] if named else next((word for word in line.positionals if word.text.endswith(".ini")), None)
    if path is None:
        return None
    name = path.text.partition(":")[0]
    found = None if path.unknown else run.text_at(name)
    if found is None:
        return Unknown(f"set in {name or 'an ini file'}, which is not here", Origin("--ini", path.location))
    for key, setting in ini(found[0], found[1].path, run).items():
        options.setdefault(key, setting)
    return None


def ini(text: str, path: str, run: Run) -> dict[str, Setting]:
    """Read the [uwsgi] section; `$(NAME)` is a variable, `%k` the number of CPUs."""
    found: dict[str, Setting] = {}
    section = ""
    for row, line in enumerate(text.splitlines()[:5_000]):
        stripped = line.strip()
        if not stripped or stripped[0] in ";#":
            continue
        if stripped.startswith("["):
            section = stripped.strip("[]").strip()
            continue
        key, equals, value = (part.strip() for part in stripped.partition("="))
        if section == "uwsgi" and equals:
            place = Location(path, row + 1, len(line) - len(line.lstrip()) + 1)
            found[key.lower()] = _value(re.split(r"\s[;#]", value)[0].strip(), key, place, run)
    return found


def _value(text: str, key: str, place: Location, run: Run) -> Setting:
    origin = Origin(key, place)
    match = re.search(r"\$\((\w+)\)", text)
    if match:
        setting = run.variable(match[1])
        if isinstance(setting, Known):
            return replace(setting, value=text.replace(match[0], str(setting.value)))
        return Unknown(f"set by {match[1]}, which no file gives", origin)
    if re.search(r"%\(?[%k]", text) and "%k" in text:
        from poollint._expand import cpus

        piece = cpus(run.scope.cpus)
        return (
            Unknown(piece.unknown, origin)
            if piece.unknown
            else Known(text.replace("%k", piece.text), origin, piece.certainty)
        )
    return Known(text, origin)


def _text(options: dict[str, Setting], *keys: str) -> str | None:
    for key in keys:
        setting = options.get(key)
        if isinstance(setting, Known) and str(setting.value):
            return str(setting.value)
    return None


def _number(options: dict[str, Setting], problem: Unknown | None, *keys: str) -> Setting:
    for key in keys:
        if key in options:
            from ._gunicorn import as_count

            return as_count(options[key], key)
    return problem or default(1, "uwsgi")


def _units(options: dict[str, Setting], problem: Unknown | None) -> Setting:
    for key in ("gevent", "async"):
        if key in options:
            return _number(options, problem, key)
    return _number(options, problem, "threads")


def _preloads(options: dict[str, Setting], problem: Unknown | None) -> Setting:
    """Unless it is lazy, uWSGI imports the application once and forks."""
    for key in ("lazy-apps", "lazy"):
        setting = options.get(key)
        if isinstance(setting, Known):
            return replace(setting, value=str(setting.value).lower() not in ("true", "1", "yes", "on"))
        if isinstance(setting, Unknown):
            return setting
    return problem or default(True, "uwsgi")


def _harakiri(options: dict[str, Setting]) -> Setting:
    if "harakiri" not in options:
        return NOT_READ
    from ._gunicorn import as_count

    return as_count(options["harakiri"], "harakiri")


def _entry(module: str | None, callable_name: str | None) -> str | None:
    if module is None:
        return None
    if callable_name and ":" not in module:
        return f"{module}:{callable_name}"
    return module
