"""Task workers and schedulers: command line to processes and units."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from poollint._expand import whole_cpus
from poollint._words import Word, as_setting
from poollint.facts import NO_CEILING, NOT_READ, Known, Origin, Process, Setting, Unknown, value_of

from ._entry import directory_of
from ._options import Options, parse, spellings
from ._run import Run
from ._web import default

Reader = Callable[[list[Word], Run], Process | None]


def cpu_count(run: Run, server: str, times: int = 1) -> Setting:
    """Return a default that is the number of CPUs: of the host, not of the container's quota."""
    cpus = run.scope.cpus
    if isinstance(cpus, Unknown):
        return Unknown(
            f"the default of {server} is the number of CPUs, which no file gives", Origin(f"default of {server}")
        )
    certainty = "stated" if cpus.certainty == "stated" else "estimate"
    return Known(
        whole_cpus(cpus.value) * times, replace(cpus.origin, says=f"default of {server}: the number of CPUs"), certainty
    )


def _process(server: str, kind: str, words: list[Word], run: Run, entry: str | None, **numbers: Any) -> Process:
    folders = numbers.pop("folders", ())
    return Process(
        server=server,
        kind=kind,
        entry=entry,
        directory=directory_of(entry, run, *folders),
        location=words[0].location,
        **numbers,
    )


# -- celery

_CELERY = spellings(
    "-A --app, -b --broker, --result-backend, --loader, --config, --workdir, -c --concurrency, -P "
    "--pool, --autoscale, -Q --queues, -n --hostname, -l --loglevel, -f --logfile, --pidfile, -O "
    "--optimization, -X --exclude-queues, -I --include, --max-tasks-per-child, "
    "--max-memory-per-child, --time-limit, --soft-time-limit, --prefetch-multiplier, -s "
    "--schedule, -S --scheduler, --max-interval, --uid, --gid, --umask, --executable, --statedb, "
    "-D --detach"
)
del _CELERY["-D"], _CELERY["--detach"]
_CELERY_FLAGS = (
    "-B --beat -E --task-events --without-gossip --without-mingle --without-heartbeat -D --detach "
    "-q --quiet --no-color --purge"
)


def celery(words: list[Word], run: Run) -> Process | None:
    options = parse(words[1:], takes=_CELERY, flags=_CELERY_FLAGS)
    command = options.positionals[0].text if options.positionals else ""
    entry = options.text("--app") or value_of(run.variable("CELERY_APP") or NOT_READ)
    folders = [folder for folder in [options.text("--workdir")] if folder]
    if command == "beat":
        return _process(
            "celery beat",
            "scheduler",
            words,
            run,
            entry,
            folders=folders,
            processes=default(1, "celery beat"),
            units=default(1, "celery beat"),
        )
    if command == "multi":
        return _multi(words, run, options, entry)
    if command != "worker":
        return None
    processes, units = _celery_numbers(options, words, run)
    included = (name for word in options.values.get("--include", ()) if not word.unknown for name in word.text.split(","))
    return _process(
        "celery",
        "worker",
        words,
        run,
        entry,
        loads=tuple(included),
        folders=folders,
        processes=processes,
        units=units,
        preloads=_forks(options, words),
    )


def _celery_numbers(options: Options, words: list[Word], run: Run) -> tuple[Setting, Setting]:
    """Return (processes, units): prefork runs one task in each child, the other pools all tasks in one process."""
    pool = options.setting("--pool", cast=str)
    if isinstance(pool, Unknown):
        return pool, pool
    kind = str(value_of(pool, "prefork")) if pool is not None else "prefork"
    count = _celery_concurrency(options, run)
    if kind in ("prefork", "processes"):
        return count, default(1, "celery prefork")
    one = Known(1, Origin(f"--pool {kind}", pool.origin.location if pool else None))
    if kind == "solo":
        return one, one
    return one, count


def _celery_concurrency(options: Options, run: Run) -> Setting:
    """--autoscale (its larger number) > --concurrency > the number of CPUs."""
    autoscale = options.last("--autoscale")
    if autoscale:
        return as_setting(autoscale[1], "--autoscale", lambda text: max(int(part) for part in text.split(",")))
    found = options.last("--concurrency")
    if found and found[1].text == "auto" and not found[1].unknown:
        return cpu_count(run, "celery -c auto")
    setting = options.setting("--concurrency")
    if setting is not None and not (isinstance(setting, Known) and setting.value == 0):
        return setting
    configured = _configured_concurrency(options, run)
    return configured if configured is not None else cpu_count(run, "celery")


def _configured_concurrency(options: Options, run: Run) -> Setting | None:
    """Return `worker_concurrency` as the application's own module sets it."""
    from . import _celery_config

    return _celery_config.concurrency(options.text("--app"), run)


def _forks(options: Options, words: list[Word]) -> Setting:
    """The main process of prefork imports the application once, and its children are forked."""
    pool = options.setting("--pool", cast=str)
    if isinstance(pool, Unknown):
        return pool
    if pool is None:
        return Known(True, Origin("default of celery: prefork"), "default")
    return replace(pool, value=pool.value in ("prefork", "processes"))


def _multi(words: list[Word], run: Run, options: Options, entry: str | None) -> Process | None:
    """`celery multi start 3 -c 2`: three workers of two children; `start a b` are two workers."""
    names = [word for word in options.positionals[1:] if word.text != "start" and not word.text.startswith("-")]
    if not any(word.text == "start" for word in options.positionals):
        return None
    nodes = int(names[0].text) if len(names) == 1 and names[0].text.isdigit() else max(1, len(names))
    each, units = _celery_numbers(options, words, run)
    if isinstance(each, Known):
        each = replace(
            each, value=each.value * nodes, origin=replace(each.origin, says=f"celery multi: {nodes} × {each.value}")
        )
    return _process("celery", "worker", words, run, entry, processes=each, units=units, preloads=_forks(options, words))


def has_beat(words: list[Word]) -> bool:
    return any(word.text in ("-B", "--beat") for word in words)


# -- the others


def rq(words: list[Word], run: Run) -> Process | None:
    """`rq worker` forks a new process per job, one job at a time; `rq worker-pool -n N` runs N of them."""
    options = parse(
        words[1:],
        takes=spellings(
            "-n --num-workers, -u --url, -c --config, -w --worker-class, -P --path, -j --job-class, "
            "--name, --results-ttl, --worker-ttl, --logging_level, --max-jobs, --sentry-dsn, --pid, -q "
            "--queue-class"
        ),
    )
    command = options.positionals[0].text if options.positionals else ""
    if command == "worker":
        return _process(
            "rq", "worker", words, run, None, processes=default(1, "rq worker"), units=default(1, "rq worker")
        )
    if command == "worker-pool":
        count = options.setting("--num-workers") or default(1, "rq worker-pool")
        return _process("rq", "worker", words, run, None, processes=count, units=default(1, "rq worker-pool"))
    return None


def rqworker(words: list[Word], run: Run) -> Process | None:
    return _process("rq", "worker", words, run, None, processes=default(1, "rq worker"), units=default(1, "rq worker"))


def dramatiq(words: list[Word], run: Run) -> Process:
    """--processes: the number of CPUs; --threads 8."""
    options = parse(
        words[1:],
        takes=spellings(
            "-p --processes, -t --threads, -Q --queues, --path, -f --fork-function, --pid-file, "
            "--log-file, --worker-shutdown-timeout, --watch"
        ),
        flags="--use-spawn --verbose -v --skip-logging --use-gevent",
    )
    entry, *loads = [word.text for word in options.positionals if not word.unknown] or [None]
    count = options.setting("--processes")
    return _process(
        "dramatiq",
        "worker",
        words,
        run,
        entry,
        loads=tuple(loads),
        processes=count if count is not None else cpu_count(run, "dramatiq"),
        units=options.setting("--threads") or default(8, "dramatiq"),
    )


def arq(words: list[Word], run: Run) -> Process:
    """One process; `max_jobs` 10 of its settings class."""
    options = parse(words[1:], takes=spellings("--watch, --custom-log-dict"), flags="--burst --check -v --verbose")
    entry = next((word.text for word in options.positionals if not word.unknown), None)
    module, _, name = (entry or "").rpartition(".")
    units = _class_attribute(module, name, "max_jobs", run) if module else None
    return _process(
        "arq",
        "worker",
        words,
        run,
        module or entry,
        processes=default(1, "arq"),
        units=units if units is not None else default(10, "arq"),
    )


def _class_attribute(module: str, name: str, attribute: str, run: Run) -> Setting | None:
    """Return what a class of the project sets, as far as it is a simple expression."""
    import ast

    from poollint._words import NO_PLACE

    from . import _python
    from ._entry import module_path

    path = module_path(module, directory_of(module, run), run)
    text = run.tree.text(path) if path else None
    tree = _python.parse(text) if text else None
    if tree is None or path is None:
        return None
    names = _python.Names(run, replace(NO_PLACE, path=path))
    names.block(tree.body)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            inner = _python.Names(run, names.start, dict(names.values), names.imports)
            inner.block(node.body)
            found = inner.values.get(attribute)
            return replace(found, origin=replace(found.origin, says=attribute)) if found is not None else None
    return None


def huey(words: list[Word], run: Run) -> Process:
    """`-w` workers (1) that are threads, or forked processes with `-k process`."""
    options = parse(
        words[1:],
        takes=spellings(
            "-w --workers, -k --worker-type, -l --logfile, -d --delay, -m --max-delay, -b --backoff, -c "
            "--health-check-interval, -u --utc, -x --extra"
        ),
        flags="-n --no-periodic -v --verbose -q -f --flush-locks",
    )
    entry = next((word.text for word in options.positionals if not word.unknown), None)
    module = entry.rpartition(".")[0] or entry if entry else None
    count = options.setting("--workers") or default(1, "huey")
    kind = options.text("--worker-type") or "thread"
    numbers = {"processes": default(1, "huey"), "units": count}
    if kind == "process":
        numbers = {"processes": count, "units": default(1, "huey")}
    return _process(
        "huey", "worker", words, run, module, preloads=Known(kind == "process", Origin("--worker-type")), **numbers
    )


def taskiq(words: list[Word], run: Run) -> Process | None:
    """`taskiq worker BROKER [MODULE ...]`: --workers 2, --max-async-tasks 100."""
    options = parse(
        words[1:],
        takes=spellings(
            "-w --workers, --max-async-tasks, --log-level, --app-dir, --max-threadpool-threads, "
            "--max-prefetch, -tp --tasks-pattern, --ack-type, --receiver, --max-async-tasks-jitter, "
            "--shutdown-timeout, --hardkill-count"
        ),
        flags="-fsd --fs-discover -r --reload --no-configure-logging",
    )
    names = [word.text for word in options.positionals if not word.unknown]
    entry = names[1] if names[1:] else None
    if names[:1] == ["scheduler"]:
        one = default(1, "taskiq scheduler")
        return _process("taskiq scheduler", "scheduler", words, run, entry, processes=one, units=one)
    if names[:1] != ["worker"]:
        return None
    units = options.setting("--max-async-tasks") or default(100, "taskiq")
    if isinstance(units, Known) and units.value in (0, -1):
        units = replace(units, value=NO_CEILING)
    folders = [folder for folder in [options.text("--app-dir")] if folder]
    count = options.setting("--workers") or default(2, "taskiq")
    loads = (*names[2:], *_task_files(options, directory_of(entry, run, *folders), run))
    return _process("taskiq", "worker", words, run, entry, loads=loads, folders=folders, processes=count, units=units)


def _task_files(options: Options, directory: str, run: Run) -> Iterator[str]:
    """Yield what `--fs-discover` finds: every `tasks.py`, or what `--tasks-pattern "app/**/task.py"` names."""
    if not {"-fsd", "--fs-discover"} & options.flags.keys():
        return
    patterns = [word.text for word in options.values.get("--tasks-pattern", ()) if not word.unknown] or ["**/tasks.py"]
    for pattern in patterns:
        folder = posixpath.join(directory, pattern.partition("*")[0].rpartition("/")[0]).strip("/")
        for path in run.tree.files:
            is_meant = path.endswith(".py") and fnmatchcase(posixpath.basename(path), posixpath.basename(pattern))
            if is_meant and (not folder or path.startswith(f"{folder}/")):
                yield posixpath.relpath(path, directory or ".")


READERS: dict[str, Reader] = {
    "celery": celery,
    "rq": rq,
    "rqworker": rqworker,
    "dramatiq": dramatiq,
    "arq": arq,
    "huey_consumer": huey,
    "huey_consumer.py": huey,
    "taskiq": taskiq,
}
