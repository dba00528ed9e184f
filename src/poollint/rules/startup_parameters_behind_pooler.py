"""A connection sends a startup parameter that PgBouncer neither tracks nor is told to ignore, and is refused.

https://www.pgbouncer.org/config.html#ignore_startup_parameters
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from poollint.facts import (
    Client,
    Engine,
    Evidence,
    Finding,
    Known,
    Origin,
    Pool,
    Pooler,
    Project,
    Setting,
    about_engine,
    value_of,
)
from poollint.rules._guards import environment_names, judged, place, runs_evidence, workload_names

# Measured on 1.18 and 1.24; IntervalStyle is tracked by default where it is.
_TRACKED = frozenset(
    "application_name timezone client_encoding datestyle standard_conforming_strings intervalstyle".split()
)
_OPTION = re.compile(r"-c\s*([A-Za-z_.]+)\s*=|--([A-Za-z_.-]+)=")


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        sending = [(client, *sent) for client in clients if (sent := _refused(client))]
        if sending:
            yield _finding(engine, tuple(client for client, *_ in sending), *sending[0][1:])


def _refused(client: Client) -> tuple[list[str], Setting, bool] | None:
    """Return the parameters that every live alternative sends, where they stand, and whether the pooler drops them."""
    pooler = client.pooler
    # Without its configuration, what a PgBouncer ignores is not known.
    if pooler is None or pooler.product != "pgbouncer" or pooler.location is None or pooler.provider:
        return None
    sent = [_sent(pool) for pool in client.live]
    if not sent or any(each is None for each in sent):
        return None
    names, setting = sent[0]  # type: ignore[misc]
    foreign = [name for name in names if name.lower() not in _TRACKED]
    if not foreign:
        return None
    open_ones = [name for name in foreign if not _is_ignored(pooler, name, setting)]
    return (open_ones or foreign, setting, not open_ones)


def _is_ignored(pooler: Pooler, name: str, setting: Setting) -> bool:
    listed = {parameter.lower() for parameter in pooler.listed_parameters}
    return name.lower() in listed or ("options" in listed and isinstance(value_of(setting), str))


def _sent(pool: Pool) -> tuple[list[str], Setting] | None:
    """Return the names of the startup parameters a pool sends: asyncpg's server_settings, libpq's options."""
    if value_of(pool.driver) == "asyncpg":
        setting = pool.connect_args.get("server_settings")
        given = value_of(setting) if setting is not None else None
        return ([str(name) for name in given], setting) if isinstance(given, Mapping) and given and setting else None
    setting = pool.connect_args.get("options", pool.query.get("options"))
    text = value_of(setting) if setting is not None else None
    found = [one or other for one, other in _OPTION.findall(text)] if isinstance(text, str) else []
    return (found, setting) if found and setting else None


def _finding(
    engine: Engine, clients: tuple[Client, ...], names: list[str], setting: Setting, is_dropped: bool
) -> Finding:
    pooler = clients[0].pooler
    assert pooler is not None  # `check` asked
    what = " and ".join(names[:3])
    says = (
        f"{pooler.name} is told to ignore the startup parameter {what}, so the setting has no effect"
        if is_dropped
        else f"{pooler.name}, a PgBouncer, refuses connections that send the startup parameter {what}"
    )
    return Finding(
        severity="note" if is_dropped else "error",
        message=says,
        help=f"Set {what} on the role or database (ALTER ROLE … SET), or with SET LOCAL inside the transaction.",
        location=place(engine, setting),
        evidence=(
            # The value may hold anything: its name says enough.
            Evidence("parameter", Known(what, setting.origin)),
            Evidence("pooler", Known(pooler.product, Origin(pooler.name, pooler.location))),
            *runs_evidence(clients),
        ),
        environments=environment_names(clients),
        workloads=workload_names(clients),
        about=about_engine(engine),
    )
