"""Which workload runs which engine.

In this order, the first that answers: stated in the configuration; the import graph from the entry point; the build
context or working directory, when one engine is below it; the only engine there is. Else the link is unknown.
"""

from __future__ import annotations

import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poollint import environments
from poollint.config import Configuration, StatedService
from poollint.facts import SWITCHES, Engine, Environment, Location, Process, Use, Workload, value_of
from poollint.link import stated
from poollint.link.builds import is_own
from poollint.link.workloads import SERVING

if TYPE_CHECKING:
    from poollint.python.code import Code
    from poollint.python.source.graph import Reach

_UNCOUNTED_ROLES = ("test", "sample")
_GUESSED_ROLES = ("service", "worker", "library")  # what a server may mean when no entry point tells


@dataclass(frozen=True, slots=True)
class Run:
    """One engine as one command of one workload runs it; `workload` is None when nothing is known to run it.

    variables  the environment its values were read in
    stated     what the configuration says of the workload
    joins      False when no entry point reaches the engine although every workload is accounted for
    """

    engine: Engine
    workload: Workload | None = None
    process: Process | None = None
    variables: Environment = Environment()
    stated: StatedService | None = None
    how: str = ""
    joins: bool = True


def runs(workloads: Sequence[Workload], code: Code, configuration: Configuration) -> tuple[Run, ...]:
    """Return every engine with everything that runs it; an engine that nothing runs comes once, without a workload.

    One that production's own environment decides against is run by nothing.
    """
    found: list[Run] = []
    unaccounted = False
    switches = _switches(workloads)
    for workload in workloads:
        links = list(_runs_of(workload, switches[_unit_of(workload)], code, configuration))
        unaccounted = unaccounted or None in links
        found += [run for run in links if run is not None]
    made = [run for run in found if run.engine.is_made]
    likely = _without_others_binds(_without_strangers(made), code)
    possible = unaccounted or len(likely) < len(made) or not likely
    against = {run.engine.location for run in found if not run.engine.is_made and _is_decided_against(run, code)}
    engines = [engine for engine in code.engines() if engine.location not in against]
    return (*likely, *_unplaced(engines, likely, possible))


def _switches(workloads: Sequence[Workload]) -> dict[tuple, dict[str, bool]]:
    """Return what the workloads of each unit switch on or off for themselves, where all that set it say the same."""
    found: dict[tuple, dict[str, set[bool | None]]] = {}
    for workload in workloads:
        said = found.setdefault(_unit_of(workload), {})
        for name, setting in workload.variables.variables.items():
            said.setdefault(name, set()).add(SWITCHES.get(str(value_of(setting)).lower()))
    return {
        unit: {name: way for name, (way, *others) in said.items() if way is not None and not others}
        for unit, said in found.items()
    }


def _unit_of(workload: Workload) -> tuple[str, str, str | None]:
    return workload.platform, workload.unit, workload.environment


def _is_decided_against(run: Run, code: Code) -> bool:
    """Say whether what production sets decides against an engine: what else would run it is for development.

    Another deployment may well set what this one leaves out, as Cloud Run sets K_SERVICE.
    """
    if not _is_production(run.workload):
        return False
    given = replace(run.variables, complete=False)
    return not code.engines_at({run.engine.location}, given)[run.engine.location].is_made


def _without_strangers(found: list[Run]) -> list[Run]:
    """Drop published images that only set a variable of an engine's name, where what is built here runs that engine.

    Many programs read DATABASE_URL: beside the project's own service stands another's product with a database of its own.
    """
    built = {run.engine.location for run in found if run.workload and run.workload.build}
    return [run for run in found if not (_may_be_a_stranger(run) and run.engine.location in built)]


# Names of a variable that are no project's own: other words, as in SHOP_DATABASE_URL, say whose it is.
_COMMON = frozenset(
    "db database pg postgres postgresql mysql mariadb sql sqlalchemy url uri dsn host server connection conn string".split()
)


def _may_be_a_stranger(run: Run) -> bool:
    workload = run.workload
    if workload is None or run.process or run.stated or workload.build or not workload.image:
        return False
    name = _read_from(run.engine, workload) or ""
    return not is_own(workload.image) and _COMMON.issuperset(name.lower().split("_"))


def _without_others_binds(found: list[Run], code: Code) -> list[Run]:
    """Drop the engines of binds that another application sets: the extension is imported here, their settings are not.

    Settings may be named by a text that no import shows; those of a bind are imported where any process imports them.
    """
    binds = [run for run in found if run.engine.bind and run.process and reach_of(run.process, code)]
    setting = [run for run in binds if _reaches(run, run.engine.location.path, code)]
    imported = {run.engine.location.path for run in setting}
    dropped = [run for run in binds if run not in setting and run.engine.location.path in imported]
    return [run for run in found if run not in dropped]


def _reaches(run: Run, path: str, code: Code) -> bool:
    reach = reach_of(run.process, code) if run.process else None
    return reach is not None and path in reach.paths


def _unplaced(engines: Sequence[Engine], found: Sequence[Run], possible: bool) -> Iterator[Run]:
    """Yield the engines that nothing is known to run, at least in production.

    A file for development alone does not say that the code is never deployed: what deploys it is not here.
    """
    run = {each.engine.location for each in found}
    in_production = {each.engine.location for each in found if _is_production(each.workload)}
    for engine in engines:
        if engine.location not in run:
            yield Run(engine, joins=possible and engine.role in _GUESSED_ROLES)
        elif engine.location not in in_production and engine.role in ("service", "worker"):
            yield Run(engine)


def _is_production(workload: Workload | None) -> bool:
    return workload is not None and environments.is_production(workload.environment)


def _runs_of(
    workload: Workload, switches: Mapping[str, bool], code: Code, configuration: Configuration
) -> Iterator[Run | None]:
    """Yield what a workload runs; None for a command that may run an engine, but nobody can tell which."""
    if workload.kind == "init":
        return  # ends before the containers beside it start, so it never adds to them
    service = stated.service_of(configuration, workload)
    engines = [engine for engine in code.engines() if engine.role not in _UNCOUNTED_ROLES]
    answers = [(process, _chosen(engines, workload, process, service, code)) for process in _counted(workload, code)]
    for process, answer in _in_turn(answers):
        if not answer:
            yield from () if answer is not None else (None,)
            continue
        # The places are the same in every environment; the values are read in this workload's.
        variables = _with_switches(variables_of(workload, process), switches)
        here = code.engines_at({engine.location for engine, _ in answer}, variables)
        for engine, how in answer:
            if engine.bind and engine.location not in here:
                continue  # this environment sets no such bind
            run = Run(here.get(engine.location, engine), workload, process, variables, service, how)
            yield replace(run, engine=_as_this_calls(_as_this_forks(run.engine, process, code), process, code))


def _in_turn(answers: list[tuple[Process | None, Answer | None]]) -> list[tuple[Process | None, Answer | None]]:
    """Leave an engine to the last of the scripts that run it one after the other: only one of them holds its pool."""
    later: set[Location] = set()
    left: list[tuple[Process | None, Answer | None]] = []
    for process, answer in reversed(answers):
        if answer and process is not None and process.kind in ("script", "migration") and not process.beside:
            answer = [(engine, how) for engine, how in answer if engine.location not in later]
            later.update(engine.location for engine, _ in answer)
        left.append((process, answer))
    return left[::-1]


def _counted(workload: Workload, code: Code) -> tuple[Process | None, ...]:
    """The commands that hold connections while the workload runs.

    A migration or a script before the server ends first, and so does one beside it that does its work once; where it is
    all there is, it is the workload.
    """
    lasting = tuple(process for process in workload.run if _lasts(process, code))
    serves = any(process.kind in (*SERVING, "scheduler") for process in lasting)
    return (lasting if serves else workload.run) or (None,)


def _lasts(process: Process, code: Code) -> bool:
    if process.kind in (*SERVING, "scheduler"):
        return True
    if process.kind != "script" or not process.beside or not process.entry or reach_of(process, code) is None:
        return False
    return process.beside == "kept" or code.keeps_running(process.entry, import_root(process, code))


def _as_this_calls(engine: Engine, process: Process | None, code: Code) -> Engine:
    """Keep of what the callers of a factory make what those that this command imports make: another's options are not its."""
    reach = reach_of(process, code) if process is not None and any(pool.callers for pool in engine.alternatives) else None
    if reach is None:
        return engine
    kept = tuple(pool for pool in engine.alternatives if not any(paths.isdisjoint(reach.paths) for paths in pool.callers))
    return replace(engine, alternatives=kept) if kept else engine


def _as_this_forks(engine: Engine, process: Process | None, code: Code) -> Engine:
    """Keep of the uses before a fork those that this command's parent process comes to: another's entry point is not it."""
    if process is None or not any(use.kind == "before-fork" for use in engine.uses):
        return engine
    at_start: frozenset[str] = frozenset()
    if process.entry:
        root = import_root(process, code)
        at_start = code.imported_at_start(process.entry, root, finds_tasks=_finds_tasks(process))
    return replace(engine, uses=tuple(_of_process(engine.uses, process, at_start)))


def _of_process(uses: Iterable[Use], process: Process, at_start: Container[str]) -> Iterator[Use]:
    """Yield what the parent does before it forks, if it forks after it has imported the application."""
    for use in uses:
        # The server's configuration is run by its parent process itself.
        if use.kind != "before-fork" or use.location.path in process.files:
            yield use
        elif use.when == "hook" or (use.when == "factory" and use.within != (process.entry or "").rpartition(":")[2]):
            continue
        elif use.location.path in at_start:
            yield use
        elif not at_start:
            yield replace(use, doubt=use.doubt or f"what {process.server} imports is not readable")


def variables_of(workload: Workload, process: Process | None) -> Environment:
    """Return what the process sees: what image and command set, and the workload's own variables over it."""
    variables = workload.variables
    if process is None or not process.environment:
        return variables
    return replace(variables, variables={**process.environment, **variables.variables})


def _with_switches(variables: Environment, switches: Mapping[str, bool]) -> Environment:
    """Say which way others turn what a process leaves out; what it sees of a whole environment needs no guess."""
    elsewhere = {} if variables.complete else {name: on for name, on in switches.items() if name not in variables.variables}
    return replace(variables, elsewhere=elsewhere)


Answer = list[tuple[Engine, str]]


def _chosen(
    engines: list[Engine], workload: Workload, process: Process | None, service: StatedService | None, code: Code
) -> Answer | None:
    """Return the engines with the reason for each, or None when it cannot be told."""
    globs = service.code if service else ()
    if globs:
        chosen = [engine for engine in engines if stated.matches(globs, engine.code)]
        return [(engine, f"the configuration states the code of {workload.name}") for engine in chosen]
    if process and (reach := reach_of(process, code)) is not None:
        reached = [engine for engine in engines if engine.code in reach.paths and _may_use(process, engine, reach)]
        return [(engine, reach.how(engine.code)) for engine in reached]
    if process and _is_a_tool(process):
        return []
    if process and _is_of_another(process, workload):
        return None
    meant = ("migration",) if process and process.kind == "migration" else _GUESSED_ROLES
    candidates = [engine for engine in engines if engine.role in meant]
    if process is None or workload.platform == "stated":
        return _by_variable(candidates, workload)
    below = _below(candidates, _folders(workload, process))
    if len(below) == 1:
        return [(below[0], f"the only engine in what {workload.name} is built from")]
    if process.server == "lambda":
        return _by_variable(candidates, workload)  # one whose handler is not here may be written in any language
    if len(candidates) == 1 and not _has_own_folder(workload, process):
        return [(candidates[0], f"the only engine there is, and {process.server} is what {workload.name} starts")]
    return None if below or not _has_own_folder(workload, process) else []


_TOOLS = frozenset({"pip", "piptools", "pytest"})


def _is_a_tool(process: Process) -> bool:
    """Say whether a command runs a module that is Python's own or packs software: `python -m smtpd`."""
    entry = process.entry or ""
    module = entry.partition(".")[0]
    return process.server == "python" and not entry.endswith(".py") and (module in _TOOLS or module in sys.stdlib_module_names)


def _is_of_another(process: Process, workload: Workload) -> bool:
    """Say whether a published image runs a program of its own: its command names one that is no file of the project.

    Docker's official images, `python:3.13`, hold no program: what runs in them is mounted.
    """
    image = workload.image or ""
    return bool(process.entry) and "/" in image and workload.build is None and not is_own(image)


def reach_of(process: Process, code: Code) -> Reach | None:
    """Return what a command imports; the path of a script counts from the root, a module from its import root."""
    if not process.entry:
        return None
    root, finds_tasks = import_root(process, code), _finds_tasks(process)
    found = code.reaches(process.entry, root, finds_tasks=finds_tasks, told=process.told)
    for module in process.loads if found is not None else ():
        if further := code.reaches(module, root, finds_tasks=finds_tasks):
            found = found.with_(further)
    return found


def _finds_tasks(process: Process) -> bool:
    return process.server.startswith("celery")


def import_root(process: Process, code: Code) -> str:
    """Return the folder that an entry point's name counts from."""
    entry = process.entry or ""
    return "" if entry.endswith(".py") and code.reaches(entry) else process.directory


def _may_use(process: Process, engine: Engine, reach: Reach) -> bool:
    """A server that imports migrations or scripts does not run them while it serves; nor a web server the tasks.

    A process uses the engines that something it loads names: of the others it has the file, for the models beside them.
    """
    if process.kind in (*SERVING, "scheduler") and engine.role in ("migration", "script"):
        return False
    if not reach.runs(engine.code, (engine.extension or engine.location).line):
        return False
    if engine.used_in and not reach.paths.union(process.files).intersection(engine.used_in):
        return False
    return not (process.kind == "web" and engine.role == "worker" and (engine.place != "module" or engine.used_in))


def _by_variable(candidates: list[Engine], workload: Workload) -> Answer | None:
    """Without a command, the variable that only this engine reads tells."""
    if workload.platform == "stated":
        one = candidates if len(candidates) == 1 else []
        return [(engine, f"the only engine there is, and {workload.name} is stated") for engine in one] or None
    reading = [(engine, name) for engine in candidates if (name := _read_from(engine, workload))]
    if len(reading) == 1:
        engine, name = reading[0]
        return [(engine, f"{workload.name} sets {name}, which only this engine reads")]
    return None if reading else []


def _read_from(engine: Engine, workload: Workload) -> str | None:
    """Return the variable of the workload that names the engine's database."""
    names = {identity[4:] for pool in engine.live for identity in pool.identities if identity.startswith("env:")}
    given = [
        name for name in sorted(names) if name in workload.variables.variables or name in workload.variables.secrets
    ]
    return given[0] if given else None


def _folders(workload: Workload, process: Process) -> tuple[str, ...]:
    context = (workload.build.context,) if workload.build else ()
    directory = (process.directory,) if process.directory else ()
    return tuple(_clean(folder) for folder in (*workload.sources, *directory, *context))


def _has_own_folder(workload: Workload, process: Process) -> bool:
    """Say whether what it is built from is narrower than the whole project."""
    return any(_folders(workload, process))


def _clean(folder: str) -> str:
    return "" if folder in (".", "./") else folder.strip("/").removeprefix("./")


def _below(engines: list[Engine], folders: Sequence[str]) -> list[Engine]:
    narrow = [folder for folder in folders if folder]
    return [engine for engine in engines if any(engine.code.startswith(folder + "/") for folder in narrow)]
