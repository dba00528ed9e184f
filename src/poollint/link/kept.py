"""Scripts that a Deployment runs: it starts again whatever ends, so they are written to run without an end.

No loop has to be read for that: it may be a library's, or one that the configuration chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint import environments
from poollint.facts import Engine
from poollint.link.running import Run, import_root

if TYPE_CHECKING:
    from poollint.python.code import Code

# What Kubernetes restarts always, as https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
# says: the API takes no other policy for their pods.
_RESTARTING = frozenset({"deployment", "stateful-set", "daemon-set", "rollout"})
_WITHOUT_PROGRAMS = ("script", "library")  # roles of an engine that no program in the code is seen to keep


def kept_running(engines: Sequence[Engine], found: Sequence[Run], code: Code) -> tuple[Engine, ...]:
    """Return the engines, those of scripts as a worker's where a workload that restarts what ends runs the script."""
    keepers = {run.engine.location: run for run in found if _is_kept(run, code)}
    return tuple(_as_worker(engine, keepers[engine.location]) if engine.location in keepers else engine for engine in engines)


def _is_kept(run: Run, code: Code) -> bool:
    workload, process = run.workload, run.process
    if run.engine.role not in _WITHOUT_PROGRAMS or workload is None or process is None or workload.kind not in _RESTARTING:
        return False
    if process.kind != "script" or not process.entry or process != workload.run[-1]:
        return False  # what stands before another command ends before it
    if not environments.is_production(workload.environment):
        return False
    return code.is_started_by(run.engine, process.entry, import_root(process, code))


def _as_worker(engine: Engine, keeper: Run) -> Engine:
    assert keeper.workload
    place, *_ = (*engine.reasons, "")
    return replace(engine, role="worker", reasons=(place, f"{keeper.workload.name} starts it again whenever it ends"))
