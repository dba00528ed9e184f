"""The images tiangolo/uvicorn-gunicorn*, whose own start script decides (deprecated, and still found)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint._expand import Scope, whole_cpus
from poollint.facts import Known, Location, Origin, Process, Setting, Unknown, Workload, value_of

from ._alternatives import Decisions
from ._container import Container
from ._entry import directory_of
from ._gunicorn import as_count
from ._run import Run
from ._web import asynchronous, default

if TYPE_CHECKING:
    from poollint.discover import Tree

SERVER = "tiangolo/uvicorn-gunicorn"


def processes(workload: Workload, tree: Tree, container: Container) -> tuple[Process, ...]:
    """Return the gunicorn that the image's start script runs, or nothing for other images."""
    image = container.base or workload.image or ""
    if "tiangolo/uvicorn-gunicorn" not in image and "tiangolo/meinheld-gunicorn" not in image:
        return ()
    variables = {**container.variables, **workload.variables.variables}
    scope = Scope(variables, workload.variables.complete, cpus=workload.cpus, directory="/app")
    run = Run(tree, container, scope, Decisions(), platform=workload.platform)
    entry = _entry(run)
    run.start(
        Process(
            server="gunicorn",
            kind="web",
            processes=_workers(run),
            units=asynchronous("uvicorn worker"),
            entry=entry,
            directory=directory_of(entry, run),
            preloads=default(False, "gunicorn"),
            location=_place(workload, container),
        )
    )
    return tuple(run.started)


def _workers(run: Run) -> Setting:
    """WEB_CONCURRENCY; else max(WORKERS_PER_CORE × CPUs, 2), capped by MAX_WORKERS."""
    concurrency = run.variable("WEB_CONCURRENCY")
    if concurrency is not None:
        return as_count(concurrency, "WEB_CONCURRENCY")
    largest = run.variable("MAX_WORKERS")
    cap = as_count(largest, "MAX_WORKERS") if largest is not None else None
    if isinstance(cap, Unknown):
        return cap
    if cap is not None and 0 < cap.value <= 2:
        return cap  # never fewer than two before the cap
    cpus = run.scope.cpus
    if isinstance(cpus, Unknown):
        return Unknown("WORKERS_PER_CORE times the number of CPUs, which no file gives", Origin(f"default of {SERVER}"))
    per_core = run.variable("WORKERS_PER_CORE")
    try:
        factor = float(str(value_of(per_core, 1) if per_core is not None else 1))
    except ValueError:
        return Unknown("WORKERS_PER_CORE is not a plain number")
    count = max(int(factor * whole_cpus(cpus.value)), 2)
    if cap is not None and cap.value:
        count = min(count, cap.value)
    return Known(
        count, Origin(f"default of {SERVER}: CPUs, at least 2"), "stated" if cpus.certainty == "stated" else "estimate"
    )


def _entry(run: Run) -> str | None:
    module = run.variable("APP_MODULE")
    if isinstance(module, Known):
        return str(module.value)
    name = value_of(run.variable("MODULE_NAME") or Unknown(""), None)
    variable = value_of(run.variable("VARIABLE_NAME") or Unknown(""), "app")
    if name is None:
        name = "app.main" if run.source("/app/app/main.py") else "main"
    return f"{name}:{variable}"


def _place(workload: Workload, container: Container) -> Location:
    return Location(container.read[-1], 1) if container.read else workload.location
