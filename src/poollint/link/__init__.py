"""Join the facts of one project: which engine runs where and talks to what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from poollint.arithmetic import Deployment, bound, largest
from poollint.config import Configuration
from poollint.discover import Tree
from poollint.facts import (
    NOT_READ,
    Bound,
    Client,
    Database,
    Engine,
    Image,
    Known,
    Origin,
    Pooler,
    Project,
    Setting,
    Unknown,
    Version,
    Workload,
    value_of,
)
from poollint.link.kept import kept_running
from poollint.link.paths import hops_of
from poollint.link.running import Run, runs
from poollint.link.servers import Reached, join
from poollint.link.workloads import deployed, is_one_step, versions_of

if TYPE_CHECKING:
    from poollint.python.code import Code


def link(tree: Tree, facts: Iterable[Any], code: Code, configuration: Configuration = Configuration()) -> Project:
    """Return the project: every engine with every workload that runs it, the database behind it and the way there."""
    facts = tuple(facts)
    images = tuple(fact for fact in facts if isinstance(fact, Image))
    read = tuple(fact for fact in facts if isinstance(fact, Workload))
    workloads = deployed(tree, read, images, configuration, code)
    found = runs(workloads, code, configuration)
    databases = tuple(fact for fact in facts if isinstance(fact, Database))
    poolers = tuple(fact for fact in facts if isinstance(fact, Pooler))
    joined = join(found, databases, poolers, versions_of(workloads), configuration)
    clients = tuple(_client(run, way) for run, way in zip(found, joined.reached, strict=True))
    project = Project(
        engines=kept_running(code.engines(), found, code),
        workloads=workloads,
        databases=joined.databases,
        poolers=joined.poolers,
        clients=clients,
        versions=tuple(fact for fact in facts if isinstance(fact, Version)),
    )
    from poollint.link.unknowns import missing

    return replace(project, missing=missing(project))


def _client(run: Run, way: Reached) -> Client:
    """One engine as this workload runs it, with the numbers of both."""
    return Client(
        engine=run.engine,
        workload=run.workload,
        process=run.process,
        environment=run.workload.environment if run.workload else way.environment,
        database=way.database,
        pooler=way.pooler,
        hops=hops_of(run, way),
        steady=_bound(run, _instances(run.workload)),
        rollout=_bound(run, _rollout_instances(run.workload)),
        one=_bound(run, Known(1, Origin("one instance"))),
        how="; ".join(part for part in (run.how, way.how) if part),
    )


def _bound(run: Run, instances: Setting) -> Bound:
    engine = run.engine
    units = _units(run)
    if _is_of_one_call(engine):
        units = Known(1, Origin("an engine of one call, disposed or dropped with it", engine.location))
    deployment = Deployment(instances, _processes(run), units, _in_flight(run))
    found = largest([bound(pool, deployment, engine.per_call, engine.sqlalchemy) for pool in engine.live])
    return replace(found, plain=found.lowered, plain_formula=found.formula) if _does_one_thing(run) else found


def _does_one_thing(run: Run) -> bool:
    """Say whether nothing in the process would ever fill its pool.

    A scheduler only sends tasks, a step ends by itself, and what one call makes nobody else takes connections from.
    """
    is_scheduler = run.process is not None and run.process.kind == "scheduler"
    return is_scheduler or is_one_step(run.workload, run.process) or _is_of_one_call(run.engine)


def _is_of_one_call(engine: Engine) -> bool:
    return value_of(engine.lasts) is False and not value_of(engine.per_call)


def _instances(workload: Workload | None) -> Setting:
    return workload.instances if workload else Unknown("no workload is known to run it")


def _rollout_instances(workload: Workload | None) -> Setting:
    """Only a documented overlap counts; without one the steady number is all that is known."""
    if workload and workload.rollout_documented and isinstance(workload.rollout_instances, Known):
        return workload.rollout_instances
    return _instances(workload)


def _processes(run: Run) -> Setting:
    if run.process:
        return run.process.processes
    return Unknown("its command could not be read" if run.workload else "no workload is known to run it")


def _units(run: Run) -> Setting:
    """What runs at once in one process: the worker's limit, or the server's limit on requests if that is smaller."""
    process = run.process
    if is_one_step(run.workload, process):
        return Known(1, Origin("a release or migration step uses one connection"), "default")
    if process is None:
        return NOT_READ
    limits = [limit for limit in (process.units, process.concurrency) if isinstance(limit, Known)]
    if limits:
        return min(limits, key=lambda limit: value_of(limit))
    # A worker's threads are few, one for each CPU, unless somebody gives another number: they lower it whatever they are.
    return process.units if process.kind == "worker" else NOT_READ


def _in_flight(run: Run) -> Setting:
    """Requests at once in one instance, where the platform refuses more; tasks of a worker are no requests."""
    workload, process = run.workload, run.process
    if workload and workload.concurrency_is_hard and (process is None or process.kind == "web"):
        return workload.concurrency
    return NOT_READ
