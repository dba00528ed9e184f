"""gunicorn: command line > GUNICORN_CMD_ARGS > config file > WEB_CONCURRENCY > 1, as measured on the real server."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace

from poollint._words import Word
from poollint.facts import NO_CEILING, NOT_READ, Known, Location, Origin, Process, Setting, Unknown, value_of

from . import _python
from ._entry import directory_of
from ._options import Options, parse, spellings
from ._run import Run

_TAKES = spellings(
    "-w --workers, --threads, -k --worker-class, -c --config, -b --bind, -t --timeout, "
    "--graceful-timeout, --keep-alive, --worker-connections, --max-requests, "
    "--max-requests-jitter, --chdir, --pythonpath, -e --env, -n --name, -u --user, -g --group, -m "
    "--umask, -p --pid, --worker-tmp-dir, --backlog, --access-logfile, --access-logformat, "
    "--error-logfile, --log-file, --log-level, --logger-class, --log-config, --log-config-json, "
    "--log-config-dict, --syslog-addr, --log-syslog-to, --log-syslog-prefix, "
    "--log-syslog-facility, --forwarded-allow-ips, --proxy-allow-from, --limit-request-line, "
    "--limit-request-fields, --limit-request-field_size, --statsd-host, --statsd-prefix, "
    "--dogstatsd-tags, --certfile, --keyfile, --ca-certs, --ciphers, --ssl-version, --cert-reqs, "
    "--paste, --paster, --reload-engine, --reload-extra-file, --paste-global, --tmp-upload-dir, "
    "--control-socket, --dirty-workers, --dirty-threads, --dirty-app, --asgi-loop, "
    "--asgi-lifespan, --root-path"
)
_FLAGS = (
    "--preload --reload -D --daemon --spew --check-config --print-config --capture-output -R "
    "--enable-stdio-inheritance --log-syslog --no-sendfile --reuse-port --proxy-protocol "
    "--initgroups --disable-redirect-access-to-syslog --do-handshake-on-connect "
    "--suppress-ragged-eofs --no-control-socket"
)

# What one worker runs at once, by worker class; sync and gthread depend on the threads.
_ASYNC = ("uvicorn", "asgi", "aiohttp", "tornado", "hypercorn", "uvloop")
_GREENLETS = ("gevent", "eventlet", "meinheld")


@dataclass(frozen=True, slots=True)
class _Layers:
    """The places a setting can come from, the strongest first."""

    line: Options
    arguments: Options
    config: dict[str, Setting]
    opaque_config: Unknown | None

    def setting(self, option: str, key: str) -> Setting | None:
        for options in (self.line, self.arguments):
            if options.last(option) or options.opaque is not None:
                return options.setting(option, cast=str)
        return self.configured(key)

    def configured(self, key: str) -> Setting | None:
        found = self.config.get(key, self.opaque_config)
        # A variable's value says the variable; everything else is looked for under its own name.
        if found is not None and found.origin.says in ("", "written", "number of CPUs"):
            return replace(found, origin=replace(found.origin, says=key))
        return found

    def flag(self, option: str, key: str) -> Setting | None:
        for options in (self.line, self.arguments):
            if option in options.flags:
                return Known(True, Origin(option, options.flags[option].location))
        return self.configured(key)


def read(words: list[Word], run: Run) -> Process:
    line = parse(words[1:], takes=_TAKES, flags=_FLAGS)
    layers = _layers(line, run)
    threads = _number(layers.setting("--threads", "threads"), 1, "default of gunicorn")
    worker = _class(layers.setting("--worker-class", "worker_class"))
    entry = _entry(line, layers)
    folders = [
        folder
        for folder in (_text(layers.setting("--chdir", "chdir")), _text(layers.setting("--pythonpath", "pythonpath")))
        if folder
    ]
    return Process(
        server="gunicorn",
        kind="web",
        processes=workers(layers, run),
        units=_units(worker, threads, layers),
        entry=entry,
        directory=directory_of(entry, run, *folders),
        preloads=_truth(layers.flag("--preload", "preload_app")),
        request_timeout=_timeout(worker, threads, layers),
        location=words[0].location,
        environment=_environment(line, layers),
    )


def is_daemon(words: list[Word]) -> bool:
    return any(word.text in ("-D", "--daemon") for word in words)


def workers(layers: _Layers, run: Run) -> Setting:
    """Return the number of worker processes."""
    found = layers.setting("--workers", "workers")
    if found is not None:
        return as_count(found, "--workers")
    variable = run.variable("WEB_CONCURRENCY")
    if variable is not None:
        return as_count(variable, "WEB_CONCURRENCY")
    return default_of_platform(run, "gunicorn")


def default_of_platform(run: Run, server: str) -> Setting:
    """Return the count of a server that is told none: 1, except where the platform sets WEB_CONCURRENCY."""
    if run.platform == "heroku":
        return Unknown("Heroku's buildpack sets WEB_CONCURRENCY by the size of the dyno", Origin("WEB_CONCURRENCY"))
    return Known(1, Origin(f"default of {server}"), "default")


def as_count(setting: Setting, says: str) -> Setting:
    """Turn a value into a whole number, wherever it is written."""
    if isinstance(setting, Unknown):
        return setting if setting.origin.says else replace(setting, origin=Origin(says))
    try:
        return replace(setting, value=int(str(setting.value).strip()))
    except ValueError:
        return Unknown(f"{says} is not a plain number", setting.origin)


def _layers(line: Options, run: Run) -> _Layers:
    arguments = Options()
    variable = run.variable("GUNICORN_CMD_ARGS")
    if isinstance(variable, Known):
        place = variable.origin.location
        try:
            texts = shlex.split(str(variable.value))
        except ValueError:
            texts = []
        made = [Word(text, place or Location("", 1), variable.certainty, written=variable.origin) for text in texts]
        arguments = parse(made, takes=_TAKES, flags=_FLAGS)
    elif isinstance(variable, Unknown):
        arguments.opaque = Word("", unknown=variable.reason, opaque=True)
    config, problem = _config(line, arguments, run)
    return _Layers(line, arguments, config, problem)


def _config(line: Options, arguments: Options, run: Run) -> tuple[dict[str, Setting], Unknown | None]:
    """Read the config file: the named one, else ./gunicorn.conf.py, which gunicorn loads by itself."""
    named = line.last("--config") or arguments.last("--config")
    if named is None:
        return _read_config("gunicorn.conf.py", run) or {}, None
    if named[1].unknown:
        return {}, Unknown(named[1].unknown, Origin("--config", named[1].location))
    path = named[1].text.removeprefix("file:")
    if path.startswith("python:"):
        module = path.removeprefix("python:").replace(".", "/")
        path = f"{module}.py" if run.text_at(f"{module}.py") is not None else f"{module}/__init__.py"
    elif not path.endswith(".py") and "/" not in path and run.text_at(path) is None:
        path = path.replace(".", "/") + ".py"
    config = _read_config(path, run)
    if config is None:
        return {}, Unknown(f"set in {path}, which is not here", Origin("--config", named[1].location))
    return config, None


def _read_config(path: str, run: Run) -> dict[str, Setting] | None:
    found = run.text_at(path)
    if found is None:
        return None
    return _python.assignments(found[0], found[1], run)


def _class(setting: Setting | None) -> Setting:
    if setting is None:
        return Known("sync", Origin("default of gunicorn"), "default")
    return setting


def _number(setting: Setting | None, default: int, says: str) -> Setting:
    return Known(default, Origin(says), "default") if setting is None else as_count(setting, says)


def _is(worker: Setting, words: tuple[str, ...]) -> bool:
    return isinstance(worker, Known) and any(word in str(worker.value).lower() for word in words)


def _units(worker: Setting, threads: Setting, layers: _Layers) -> Setting:
    """Return how many requests one worker runs at once."""
    if isinstance(worker, Unknown):
        return worker
    if _is(worker, _ASYNC):
        return Known(NO_CEILING, worker.origin, worker.certainty)
    if _is(worker, _GREENLETS):
        return _number(
            layers.setting("--worker-connections", "worker_connections"),
            1000,
            "worker_connections, default of gunicorn",
        )
    if str(worker.value) not in ("sync", "gthread"):
        return Unknown(f"worker class {str(worker.value)[:60]} is not known", worker.origin)
    return threads


def _timeout(worker: Setting, threads: Setting, layers: _Layers) -> Setting:
    """gunicorn's timeout limits a request only for sync workers with one thread."""
    if not _is(worker, ("sync",)) or value_of(threads) != 1:
        return NOT_READ
    return _number(layers.setting("--timeout", "timeout"), 30, "default of gunicorn")


def _truth(setting: Setting | None) -> Setting:
    if setting is None:
        return Known(False, Origin("default of gunicorn"), "default")
    if isinstance(setting, Unknown):
        return setting
    return replace(setting, value=str(setting.value).lower() in ("true", "1", "yes"))


def _text(setting: Setting | None) -> str | None:
    return str(setting.value) if isinstance(setting, Known) and setting.value else None


def _entry(line: Options, layers: _Layers) -> str | None:
    named = [word for word in line.positionals if not word.unknown]
    if named:
        return clean_entry(named[0].text)
    return clean_entry(_text(layers.setting("--wsgi-app", "wsgi_app")))


def clean_entry(text: str | None) -> str | None:
    """Return `pkg.mod:app` without the call of an application factory."""
    return text.partition("(")[0].strip() or None if text else None


def _environment(line: Options, layers: _Layers) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for word in line.values.get("--env", []):
        name, equals, value = word.text.partition("=")
        if equals and not word.unknown:
            found[name] = Known(value, Origin(name, word.location), word.certainty)
    raw = layers.config.get("raw_env")
    if isinstance(raw, Known) and isinstance(raw.value, list):
        for item in raw.value:
            name, equals, value = str(item).partition("=")
            if equals:
                found[name] = Known(value, replace(raw.origin, says=name), raw.certainty)
    return found
