"""A server imports the application, uses its engine, and then forks: the children share the parent's sockets.

https://docs.sqlalchemy.org/en/20/core/pooling.html#using-connection-pools-with-multiprocessing-or-os-fork
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from poollint.facts import (
    Client,
    Engine,
    Evidence,
    Finding,
    Known,
    Origin,
    Project,
    Setting,
    Unknown,
    Use,
    about_engine,
    is_shaky,
    value_of,
)
from poollint.rules._guards import (
    REUSING,
    environment_names,
    every,
    judged,
    keeps_connections,
    runs_evidence,
    workload_names,
)


@dataclass(frozen=True, slots=True)
class _Fork:
    """A client whose parent process uses the engine; `doubt` says why nobody can tell whether it does so before it forks."""

    client: Client
    use: Use
    doubt: str


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        if not keeps_connections(engine) or _use(engine, "dispose-keep-open"):
            continue
        forks = [fork for client in clients if _keeps_sockets(client) and (fork := _fork(client))]
        if forks:
            yield _finding(engine, min(forks, key=lambda fork: bool(fork.doubt)), forks)


def _fork(client: Client) -> _Fork | None:
    """Return the surest use of a client's engine before its server forks; one with two doubts is none."""
    found = []
    for use in client.engine.uses:
        if use.kind == "before-fork" and client.process is not None:
            late = "" if use.when == "hook" else _doubt_of_fork(client.process.preloads)
            if late is not None and not (late and use.doubt):
                found.append(_Fork(client, use, use.doubt or late))
    return min(found, key=lambda fork: bool(fork.doubt), default=None)


def _doubt_of_fork(preloads: Setting) -> str | None:
    """Return why nobody can tell whether the server forks after the import, "" where it does, None where it does not."""
    if isinstance(preloads, Unknown):
        # What stands in a file that is not here is no evidence of anything.
        is_written = preloads.origin.location is not None and preloads.origin.says not in ("--config", "--ini")
        return f"{preloads.origin.says} is {preloads.reason}" if is_written else None
    if not preloads.value:
        return None
    return f"{preloads.origin.says} is only a default of the code" if is_shaky([preloads]) else ""


def _keeps_sockets(client: Client) -> bool:
    """A pool that keeps nothing hands nothing on."""
    return every(client.live, lambda pool: pool.is_networked is True and value_of(pool.pool_class) in REUSING)


def _use(engine: Engine, kind: str, when: str | None = None) -> Use | None:
    return next((use for use in engine.uses if use.kind == kind and when in (None, use.when)), None)


def _finding(engine: Engine, fork: _Fork, forks: list[_Fork]) -> Finding:
    clients = tuple(each.client for each in forks)
    disposed = _use(engine, "dispose", "child")
    process, use = fork.client.process, fork.use
    assert process is not None  # `_fork` asked
    effect = (
        "dispose() in the child then closes the connections of the parent"
        if disposed
        else "answers reach the wrong process, as errors, hangs or rows of another request"
    )
    verb = "may fork" if fork.doubt else "forks"
    return Finding(
        severity="warning" if disposed or fork.doubt else "error",
        message=f"{process.server} {verb} after {_code(use)} opened a connection, and the children share its socket: {effect}",
        help=(
            "Call engine.dispose(close=False) in every child (post_fork, worker_process_init), "
            "or move the use out of the import."
        ),
        location=engine.location,
        evidence=(
            Evidence("used", Known(use.kind, Origin(use.says, use.location))),
            *([Evidence("disposed", Known("dispose", Origin(disposed.says, disposed.location)))] if disposed else []),
            *([] if use.when == "hook" else [Evidence("preloads", process.preloads)]),
            *runs_evidence(clients),
        ),
        details=(f"It cannot be told whether it does: {fork.doubt}.",) if fork.doubt else (),
        environments=environment_names(clients),
        workloads=workload_names(clients),
        about=about_engine(engine),
    )


def _code(use: Use) -> str:
    """Name the code that uses the engine, so that the sentence reads on."""
    where = {"hook": f"the hook {use.within}", "signal": f"the handler {use.within}", "factory": f"{use.within}()"}
    return f"{use.says} in {where[use.when]}" if use.when in where else use.says
