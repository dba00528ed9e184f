"""A server imports the application, uses its engine, and then forks: the children share the parent's sockets.

https://docs.sqlalchemy.org/en/20/core/pooling.html#using-connection-pools-with-multiprocessing-or-os-fork
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import Client, Engine, Evidence, Finding, Known, Origin, Project, Use, about_engine, value_of
from poollint.rules._guards import REUSING, environment_names, every, judged, runs_evidence, workload_names


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        # What is used at import depends on what is imported: it is the client's engine that tells.
        forked = tuple(
            client
            for client in clients
            if _forks_after_import(client) and _keeps_sockets(client) and _uses(client.engine, "before-fork")
        )
        if forked and not _uses(engine, "dispose-keep-open"):
            yield _finding(engine, forked)


def _forks_after_import(client: Client) -> bool:
    return client.process is not None and value_of(client.process.preloads) is True


def _keeps_sockets(client: Client) -> bool:
    """A pool that keeps nothing hands nothing on."""
    return every(client.live, lambda pool: pool.is_networked is True and value_of(pool.pool_class) in REUSING)


def _uses(engine: Engine, kind: str) -> Use | None:
    return next((use for use in engine.uses if use.kind == kind), None)


def _finding(engine: Engine, clients: tuple[Client, ...]) -> Finding:
    disposed = _uses(engine, "dispose")
    process, use = clients[0].process, _uses(clients[0].engine, "before-fork")
    assert process is not None and use is not None  # `check` asked
    effect = (
        "dispose() in the child then closes the connections of the parent"
        if disposed
        else "answers reach the wrong process, as errors, hangs or rows of another request"
    )
    return Finding(
        severity="warning" if disposed else "error",
        message=(
            f"{process.server} forks after {use.says} opened a connection, and the children share its socket: {effect}"
        ),
        help=(
            "Call engine.dispose(close=False) in every child (post_fork, worker_process_init), "
            "or move the use out of the import."
        ),
        location=engine.location,
        evidence=(
            Evidence("used", Known(use.kind, Origin(use.says, use.location))),
            *(
                [Evidence("disposed", Known(disposed.kind, Origin(disposed.says, disposed.location)))]
                if disposed
                else []
            ),
            Evidence("preloads", process.preloads),
            *runs_evidence(clients),
        ),
        environments=environment_names(clients),
        workloads=workload_names(clients),
        about=about_engine(engine),
    )
