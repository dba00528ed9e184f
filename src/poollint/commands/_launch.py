"""From the words of one command to what starts: wrappers skipped, scripts followed, servers recognised."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import replace

from poollint._words import Word
from poollint.facts import Known, Location, Origin, Process, Setting

from . import _gunicorn, _scripts, _shell, _tasks, _web
from ._entry import directory_of
from ._options import parse, spellings
from ._run import DEEPEST, Ended, Run
from ._web import default

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
_RELOADS = ({"--reload"}, {"auto-restart"}, {"flask", "--debug"}, {"fastapi", "dev"})
_PYTHON = re.compile(r"python(\d(\.\d+)*)?$|pypy3?$")
_ASKS = frozenset({"--help", "--version", "--check-config", "--print-config"})  # answered, and nothing starts
_MODULES = {
    "gunicorn.app.wsgiapp": "gunicorn",
    "huey.bin.huey_consumer": "huey_consumer",
    "rq.cli": "rq",
    "waitress": "waitress-serve",
}


def launch(words: list[Word], run: Run) -> None:
    """Start a command: what it starts is appended to `run.started`.

    Raises Ended when the command stays in the foreground, so that nothing behind it runs.
    """
    given = words
    words = unwrapped(words, run)
    if not words or words[0].unknown or run.depth > DEEPEST:
        return
    run.step()
    name = posixpath.basename(words[0].text)
    if name in _SHELLS:
        _run_shell(words, run)
    elif _PYTHON.match(name):
        _run_python(words, run)
    elif handler := _HANDLERS.get(name):
        handler(words, run)
    elif reader := _READERS.get(name):
        if not _ASKS.intersection(word.text for word in words):
            process = reader(words, run)
            _serve(replace(process, reloads=True) if process and _reloads(given) else process, words, run)
    else:
        _scripts.follow(words, run, launch)


def _serve(process: Process | None, words: list[Word], run: Run) -> None:
    if process is None:
        return
    run.start(process)
    if process.server == "celery" and _tasks.has_beat(words):
        one, no = default(1, "celery beat"), default(False, "celery beat")
        run.start(replace(process, server="celery beat", kind="scheduler", processes=one, units=one, preloads=no))
    stays = process.kind in ("web", "worker", "scheduler") and not _gunicorn.is_daemon(words) and not _detached(words)
    if stays and not run.in_background:
        raise Ended


def _reloads(words: list[Word]) -> bool:
    return any(spelled.issubset(word.text for word in words) for spelled in _RELOADS)


def _detached(words: list[Word]) -> bool:
    return any(word.text in ("--detach", "-D", "--daemonize", "multi") for word in words)


# -- wrappers

_SPELLED_OPTIONS = spellings(
    "-u, -g, -n, -c, -p, -t, -e, -s, --timeout, --env, --extra, --with, --group, --directory, "
    "--project, --python, --package, --env-file, --config, -k, --user, -C"
)
# Those of `coverage run` and debugpy, whose -p is a flag.
_OPTIONS_BEFORE_PYTHON = spellings(
    "--listen, --connect, --log-to, --adapter-access-token, --parent-session-pid, --configure-subProcess, --configure-qt, "
    "--rcfile, --source, --include, --omit, --data-file, --concurrency, --context"
)

# What stands in front of a command, and how the command behind it is found.
#   rest     options, then the command
#   after 1  one word (a user, a host, a time), then options and the command
#   dashes   everything behind `--`
_WRAPPERS = {
    tuple(name.split()): rule
    for rule, names in {
        "rest": "exec, uv run, uvx, poetry run, pipenv run, pdm run, hatch run, rye run, pixi run, conda run, "
        "mamba run, tini, dumb-init, catatonit, setpriv, sudo, opentelemetry-instrument, ddtrace-run, "
        "newrelic-admin run-program, nice, ionice, nohup, dockerize, stdbuf, time, scalene, xvfb-run, command, "
        "builtin, chpst, setsid",
        "after 1": "gosu, su-exec, timeout",
        "dashes": "doppler run, infisical run, op run, chamber exec, aws-vault exec, berglas exec, envconsul, "
        "wait-for-it.sh, wait-for-it, wait-for, watchmedo auto-restart",
        "-exec": "litestream replicate",
        "python": "coverage run, debugpy",
        "env": "env",
    }.items()
    for name in names.split(",")
}


def unwrapped(words: list[Word], run: Run) -> list[Word]:
    """Return the command behind what merely wraps it: `tini -- gosu app gunicorn ...` → `gunicorn ...`."""
    for _ in range(12):
        words = _assigned(words, run)
        if not words:
            return words
        name = posixpath.basename(words[0].text)
        second = words[1].text if len(words) > 1 else ""
        if name == "command" and second in ("-v", "-V"):
            return []
        rule = _WRAPPERS.get((name, second))
        behind = words[2:]
        if rule is None:
            rule, behind = _WRAPPERS.get((name,)), words[1:]
        if rule is None and name.startswith("wait") and any(word.text == "--" for word in behind):
            rule = "dashes"  # a copy of wait-for-it.sh under a name of the project's own
        if rule is None:
            return words
        words = _behind(rule, words, behind)
    return words


def _assigned(words: list[Word], run: Run) -> list[Word]:
    """Apply `NAME=value` in front of a command (as `env` and Procfiles have it)."""
    count = 0
    for word in words:
        match = re.match(r"([A-Za-z_]\w*)=", word.text)
        if match is None or word.unknown:
            break
        count += 1
        run.set(
            match[1],
            Known(word.text[match.end() :], word.written or Origin(match[1], word.location), word.certainty),
            export=True,
        )
    return words[count:]


def _behind(rule: str, words: list[Word], behind: list[Word]) -> list[Word]:
    if rule == "dashes":
        marks = [index for index, word in enumerate(words) if word.text == "--"]
        return (
            words[marks[0] + 1 :]
            if marks
            else _past_options(behind)[1:]
            if posixpath.basename(words[0].text).startswith("wait")
            else _past_options(behind)
        )
    if rule == "-exec":
        found = [words[index + 1] for index, word in enumerate(words[:-1]) if word.text == "-exec"]
        return [Word("sh"), Word("-c"), found[0]] if found else []
    if rule == "python":
        return _before_python(words[0], behind)
    if rule == "env":
        return _past_options(behind)
    rest = _past_options(behind)
    return _past_options(rest[1:]) if rule == "after 1" else rest


def _before_python(wrapper: Word, behind: list[Word]) -> list[Word]:
    """`coverage run --source app -m app`, `debugpy --listen 0.0.0.0:5678 app.py`: what they run, as Python would."""
    return [Word("python", wrapper.location), *_past_options(behind, _OPTIONS_BEFORE_PYTHON, keep_module=True)]


def _past_options(words: list[Word], spelled: Container[str] = _SPELLED_OPTIONS, keep_module: bool = False) -> list[Word]:
    """Drop a wrapper's own options: up to `--` if that comes before the command, else what starts with a dash."""
    index = 0
    while index < len(words):
        text = words[index].text
        if text == "--":
            return words[index + 1 :]
        if not text.startswith("-") or (keep_module and text == "-m"):
            break
        index += 2 if text in spelled and index + 1 < len(words) else 1
    return words[index:]


# -- shells and Python


def _run_shell(words: list[Word], run: Run) -> None:
    """`sh -c TEXT name args`, `sh script args`."""
    index = 1
    while index < len(words) and words[index].text.startswith(("-", "+")):
        option = words[index].text
        if option.startswith("-") and not option.startswith("--") and "c" in option[1:]:
            if index + 1 < len(words) and (script := words[index + 1].script()):
                rest = words[index + 2 :]
                text(script[0], words[index + 1].location, run, rest[1:], rest[0].text if rest else "sh", script[1])
            return
        index += 2 if option in ("-o", "+o", "-O", "--init-file", "--rcfile") else 1
    if index < len(words):
        _scripts.shell(words[index], words[index + 1 :], run, launch)


def text(
    content: str, place: Location, run: Run, arguments: list[Word], name: str, variables: Mapping[str, Setting]
) -> None:
    """Run a text in a shell of its own, which has further variables."""
    scope = run.scope
    run.scope = run.within(arguments=tuple(arguments), name=name)
    run.scope.variables.update(variables)
    try:
        _shell.read(content, place, run, launch)
    except _shell.Returned:
        pass
    finally:
        run.scope = scope


def _run_python(words: list[Word], run: Run) -> None:
    """`python -m module args`, `python file.py args`; `python -c` is not followed."""
    index = 1
    while index < len(words) and words[index].text.startswith("-") and not words[index].unknown:
        option = words[index].text
        if option == "-c":
            return
        if option == "-m" and index + 1 < len(words):
            _run_module(words[index + 1 :], run)
            return
        if option.startswith("-m") and len(option) > 2:
            _run_module([words[index].part(option[2:]), *words[index + 1 :]], run)
            return
        index += 2 if option in ("-W", "-X") else 1
    if index < len(words):
        _scripts.python_file(words[index:], run)


def _run_module(words: list[Word], run: Run) -> None:
    name = words[0].text
    known = _MODULES.get(name, name)
    if known in _READERS or known in _HANDLERS or (known, words[1].text if len(words) > 1 else "") in _WRAPPERS:
        launch([replace(words[0], text=known), *words[1:]], run)
    elif name in ("debugpy", "coverage"):
        launch(_before_python(words[0], words[1:]), run)
    else:
        _scripts.python_module(words, run)


# -- migrations and starters of several commands


def _migration(words: list[Word], run: Run) -> Process | None:
    """`alembic upgrade head` opens one connection and ends."""
    options = parse(words[1:], takes=spellings("-c --config, -n --name, -x"), flags="--raiseerr")
    command = options.positionals[0].text if options.positionals else ""
    if command not in ("upgrade", "downgrade", "stamp", "current", "check"):
        return None
    one = default(1, "alembic")
    return Process("alembic", "migration", one, one, directory=directory_of(None, run), location=words[0].location)


def _supervisord(words: list[Word], run: Run) -> None:
    from . import _supervisor

    options = parse(words[1:], takes=spellings("-c --configuration"), flags="-n --nodaemon")
    _supervisor.start(options.last("--configuration"), run, launch)
    if not run.in_background:
        raise Ended


def _honcho(words: list[Word], run: Run) -> None:
    """`honcho start`, `honcho -f Procfile.dev start web worker`: every named line of the Procfile, else all."""
    from poollint.readers.procfile import lines

    options = parse(words[1:], takes=spellings("-f --procfile, -d --app-root, -e --env, -p --port, -m --formation"))
    named = [word.text for word in options.positionals if word.text not in ("start", "run")]
    found = run.text_at(options.text("--procfile") or "Procfile")
    if found is None:
        return
    for name, command, place in lines(found[0], found[1].path):
        if not named or name in named or "all" in named:
            _background(command, place, run)
    if not run.in_background:
        raise Ended


def _run_make(words: list[Word], run: Run) -> None:
    from . import _make

    scope = run.scope
    try:
        _make.start(words, run, text)
    finally:
        run.scope = scope


def _concurrently(words: list[Word], run: Run) -> None:
    """`npx concurrently "a" "b"`."""
    for word in words[1:]:
        if " " in word.text and not word.unknown:
            _background(word.text, word.location, run)


def _npx(words: list[Word], run: Run) -> None:
    if len(words) > 1 and words[1].text == "concurrently":
        _concurrently(words[1:], run)


def _background(command: str, place: Location, run: Run) -> None:
    before = run.in_background
    run.in_background = True
    try:
        text(command, place, run, [], "sh", {})
    except Ended:
        pass
    finally:
        run.in_background = before


def _run_uwsgi(words: list[Word], run: Run) -> Process | None:
    from . import _uwsgi

    return _uwsgi.read(words, run)


_READERS: dict[str, Callable[[list[Word], Run], Process | None]] = {
    "gunicorn": _gunicorn.read,
    "alembic": _migration,
    "uwsgi": _run_uwsgi,
    **_web.READERS,
    **_tasks.READERS,
}
_HANDLERS: dict[str, Callable[[list[Word], Run], None]] = {
    "supervisord": _supervisord,
    "honcho": _honcho,
    "make": _run_make,
    "foreman": _honcho,
    "concurrently": _concurrently,
    "npx": _npx,
}
