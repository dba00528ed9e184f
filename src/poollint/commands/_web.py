"""Web servers other than gunicorn: command line to processes and units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from poollint._words import Word
from poollint.facts import NO_CEILING, NOT_READ, Known, Location, Origin, Process, Setting, Unknown, value_of

from ._entry import directory_of
from ._gunicorn import as_count, clean_entry, default_of_platform
from ._options import Options, parse, spellings
from ._run import Run

Reader = Callable[[list[Word], Run], Process | None]


def counted(options: Options, option: str, variables: tuple[str, ...], run: Run, server: str) -> Setting:
    """Return the number of workers: the option, else the first of the variables that is set, else the default."""
    found = options.setting(option)
    if found is not None:
        return found
    for name in variables:
        setting = run.variable(name)
        if setting is not None:
            return as_count(setting, name)
    if "WEB_CONCURRENCY" in variables:
        return default_of_platform(run, server)
    return default(1, server)


def default(value: float, server: str) -> Known:
    return Known(value, Origin(f"default of {server}"), "default")


def asynchronous(server: str, location: Location | None = None) -> Known:
    """Return the units of an event loop: nothing caps them."""
    return Known(NO_CEILING, Origin(f"{server} serves asynchronously", location), "default")


def flag_of(options: Options, *names: str) -> Location | None:
    """Return the place of a flag that was given."""
    return next((options.flags[name].location for name in names if name in options.flags), None)


def uvicorn(words: list[Word], run: Run) -> Process:
    """--workers > UVICORN_WORKERS > WEB_CONCURRENCY > 1; --reload ignores the workers."""
    options = parse(words[1:], takes=_UVICORN, flags=_UVICORN_FLAGS)
    processes = counted(options, "--workers", ("UVICORN_WORKERS", "WEB_CONCURRENCY"), run, "uvicorn")
    reload = flag_of(options, "--reload")
    if reload:
        processes = Known(1, Origin("--reload", reload))
    return web("uvicorn", words, run, options, processes, asynchronous("uvicorn"), _limit(options, run), "--app-dir")


def _limit(options: Options, run: Run) -> Setting:
    """Return the requests that --limit-concurrency lets into one process: one fewer than it says, as measured."""
    found = options.setting("--limit-concurrency")
    if found is None:
        variable = run.variable("UVICORN_LIMIT_CONCURRENCY")
        found = as_count(variable, "UVICORN_LIMIT_CONCURRENCY") if variable is not None else NOT_READ
    if isinstance(found, Known) and found.value > 0:
        return replace(found, value=max(1, found.value - 1))
    return found


def web(
    server: str,
    words: list[Word],
    run: Run,
    options: Options,
    processes: Setting,
    units: Setting,
    concurrency: Setting = NOT_READ,
    directory_option: str = "",
    preloads: Setting = NOT_READ,
) -> Process:
    """Put together what a web server's command line says."""
    named = [word.text for word in options.positionals if not word.unknown]
    entry = clean_entry(named[0]) if named else None
    folder = options.text(directory_option) if directory_option else None
    return Process(
        server=server,
        kind="web",
        processes=processes,
        units=units,
        entry=entry,
        directory=directory_of(entry, run, *([folder] if folder else [])),
        preloads=preloads,
        concurrency=concurrency,
        location=words[0].location,
    )


def fastapi(words: list[Word], run: Run) -> Process | None:
    """`fastapi run` serves as uvicorn does; `fastapi dev` reloads, which means one process."""
    options = parse(
        words[1:],
        takes=spellings(
            "--workers, --host, --port, --root-path, --app, -e --entrypoint, --proxy-headers, --forwarded-allow-ips"
        ),
        flags="--reload --no-reload",
    )
    mode = options.positionals[0].text if options.positionals else ""
    if mode not in ("run", "dev"):
        return None
    options.positionals = options.positionals[1:]
    processes = counted(options, "--workers", ("WEB_CONCURRENCY",), run, "fastapi run")
    reload = flag_of(options, "--reload") or (words[1].location if mode == "dev" else None)
    if reload and "--no-reload" not in options.flags:
        processes = Known(1, Origin("--reload" if mode == "run" else "fastapi dev", reload))
    process = web("fastapi", words, run, options, processes, asynchronous("fastapi run"))
    entry = options.text("--entrypoint") or process.entry or _fastapi_default(run)
    return replace(process, entry=entry, directory=directory_of(entry, run))


def _fastapi_default(run: Run) -> str | None:
    """The files that the FastAPI command tries when none is named."""
    for name in ("main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py"):
        if run.source(name) in run.tree:
            return name
    return None


def hypercorn(words: list[Word], run: Run) -> Process:
    """`-w n`, default 1; 0 serves in the parent, which is one process too."""
    options = parse(words[1:], takes=_HYPERCORN, flags="--reload --debug")
    processes = counted(options, "--workers", (), run, "hypercorn")
    if isinstance(processes, Known) and processes.value == 0:
        processes = replace(processes, value=1)
    if options.last("--config") and not options.last("--workers"):
        processes = _from_toml(options, run, processes)
    return web("hypercorn", words, run, options, processes, asynchronous("hypercorn"))


def _from_toml(options: Options, run: Run, otherwise: Setting) -> Setting:
    found = options.last("--config")
    if found is None or found[1].unknown:
        return otherwise
    path = found[1].text.removeprefix("file:")
    content = run.text_at(path)
    if content is None:
        return Unknown(f"set in {path}, which is not here", Origin("--config", found[1].location))
    import re

    for row, line in enumerate(content[0].split("\n")):
        match = re.match(r"\s*workers\s*=\s*(\d{1,6})\b", line)
        if match:
            return Known(
                int(match[1]), Origin("workers", Location(content[1].path, content[1].line + row, match.start(1) + 1))
            )
    return otherwise


def granian(words: list[Word], run: Run) -> Process:
    """`--workers n` > GRANIAN_WORKERS > 1; WSGI blocks in threads, half of 1024 / workers of them."""
    options = parse(words[1:], takes=_GRANIAN, flags="--reload --no-ws --ws --factory --respawn-failed-workers")
    processes = counted(options, "--workers", ("GRANIAN_WORKERS",), run, "granian")
    if "--reload" in options.flags:
        processes = Known(1, Origin("--reload", flag_of(options, "--reload")))
    units: Setting = asynchronous("granian")
    interface = options.text("--interface") or value_of(run.variable("GRANIAN_INTERFACE") or NOT_READ, "rsgi")
    if str(interface).lower() == "wsgi":
        threads = options.setting("--blocking-threads")
        count = value_of(processes)
        half = default(max(1, 1024 // count // 2), "granian") if isinstance(count, int) and count > 0 else NOT_READ
        units = threads if threads is not None else half
    return web("granian", words, run, options, processes, units, directory_option="--working-dir")


def daphne(words: list[Word], run: Run) -> Process:
    options = parse(
        words[1:],
        takes=spellings(
            "-b --bind, -p --port, -u --unix-socket, -e --endpoint, -v --verbosity, -t --http-timeout, "
            "--access-log, --root-path, --application-close-timeout, --websocket_timeout, "
            "--ping-interval, --ping-timeout, -s --server-name"
        ),
    )
    return web("daphne", words, run, options, default(1, "daphne"), asynchronous("daphne"))


def waitress(words: list[Word], run: Run) -> Process:
    """One process, --threads 4."""
    options = parse(
        words[1:],
        takes=spellings("--threads, --port, --host, --listen, --url-prefix, --app"),
        flags="--call",
    )
    threads = options.setting("--threads")
    units = threads if threads is not None else default(4, "waitress")
    process = web("waitress", words, run, options, default(1, "waitress"), units)
    entry = process.entry or options.text("--app")
    return replace(process, entry=entry, directory=directory_of(entry, run))


def mod_wsgi(words: list[Word], run: Run) -> Process | None:
    """`mod_wsgi-express start-server`: --processes 1, --threads 5."""
    options = parse(
        words[1:],
        takes=spellings(
            "--processes, --threads, --port, --host, --working-directory, --application-type, "
            "--python-path, --request-timeout"
        ),
    )
    options.positionals = [word for word in options.positionals if word.text not in ("start-server", "setup-server")]
    processes = options.setting("--processes") or default(1, "mod_wsgi-express")
    units = options.setting("--threads") or default(5, "mod_wsgi-express")
    process = web("mod_wsgi-express", words, run, options, processes, units, directory_option="--working-directory")
    # A script file is named by its path, a module only with --application-type module.
    return process


def flask(words: list[Word], run: Run) -> Process | None:
    """`flask run` is one process with a thread per request; `flask db upgrade` migrates."""
    options = parse(
        words[1:], takes=spellings("-A --app, -e --env-file, -h --host, -p --port"), flags="--debug --reload"
    )
    names = [word.text for word in options.positionals]
    application = options.text("--app") or value_of(run.variable("FLASK_APP") or NOT_READ)
    entry = clean_entry(application) or _flask_default(run)
    common = {"entry": entry, "directory": directory_of(entry, run), "location": words[0].location}
    if names[:1] == ["run"]:
        units = Known(NO_CEILING, Origin("flask run serves every request in a thread"), "estimate")
        return Process("flask", "web", default(1, "flask run"), units, **common)
    kind = "migration" if names[:1] == ["db"] else "script"
    return Process("flask", kind, default(1, "flask"), default(1, "flask"), **common)


def _flask_default(run: Run) -> str | None:
    for name in ("wsgi.py", "app.py"):
        if run.source(name) in run.tree:
            return name.removesuffix(".py")
    return None


_UVICORN = spellings(
    "--workers, --host, --port, --uds, --fd, --reload-dir, --reload-include, --reload-exclude, "
    "--reload-delay, --loop, --http, --ws, --ws-max-size, --ws-max-queue, --ws-ping-interval, "
    "--ws-ping-timeout, --lifespan, --interface, --env-file, --log-config, --log-level, "
    "--root-path, --limit-concurrency, --limit-max-requests, --limit-max-requests-jitter, "
    "--backlog, --timeout-keep-alive, --timeout-graceful-shutdown, --timeout-worker-healthcheck, "
    "--ssl-keyfile, --ssl-certfile, --ssl-version, --ssl-keyfile-password, --ssl-cert-reqs, "
    "--ssl-ca-certs, --ssl-ciphers, --header, --app-dir, --h11-max-incomplete-event-size, "
    "--forwarded-allow-ips"
)
_UVICORN_FLAGS = (
    "--reload --factory --proxy-headers --no-proxy-headers --access-log --no-access-log "
    "--server-header --no-server-header --date-header --no-date-header --use-colors "
    "--no-use-colors --ws-per-message-deflate"
)
_HYPERCORN = spellings(
    "-w --workers, -b --bind, -c --config, -k --worker-class, --access-logfile, --error-logfile, "
    "--backlog, --keep-alive, --log-level, --log-config, --certfile, --keyfile, --ca-certs, "
    "--graceful-timeout, --root-path, --statsd-host, -p --pid, -u --user, -g --group, -m --umask, "
    "--insecure-bind, --quic-bind, --server-name, --websocket-ping-interval, --max-requests, "
    "--read-timeout, --access-log, --error-log"
)
_GRANIAN = spellings(
    "--workers, --host, --port, --interface, --http, --blocking-threads, --runtime-threads, "
    "--runtime-mode, --loop, --task-impl, --backlog, --backpressure, --log-level, --log-config, "
    "--working-dir, --env-files, --ssl-certificate, --ssl-keyfile, --url-path-prefix, "
    "--process-name, --workers-lifetime, --respawn-interval, --static-path-mount, "
    "--workers-kill-timeout, --pid-file"
)

READERS: dict[str, Reader] = {
    "uvicorn": uvicorn,
    "fastapi": fastapi,
    "hypercorn": hypercorn,
    "granian": granian,
    "daphne": daphne,
    "waitress-serve": waitress,
    "waitress": waitress,
    "mod_wsgi-express": mod_wsgi,
    "flask": flask,
}
