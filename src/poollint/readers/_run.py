"""What Cloud Run and Cloud Functions make of what is written, whichever file writes it.

https://docs.cloud.google.com/run/docs/configuring/max-instances
"""

from __future__ import annotations

from poollint.facts import Known, Origin, Setting, Unknown, value_of

_MAX_INSTANCES = "https://docs.cloud.google.com/run/docs/configuring/max-instances"
_CONCURRENCY = "https://docs.cloud.google.com/run/docs/about-concurrency"
_TIMEOUT = "https://docs.cloud.google.com/run/docs/configuring/request-timeout"

NO_OVERLAP = Unknown("Cloud Run documents no overlap of revisions", Origin("roll-out"))
DEFAULT_INSTANCES = Known(100, Origin("default of Cloud Run", url=_MAX_INSTANCES), "default")
DEFAULT_TIMEOUT = Known(300, Origin("default of Cloud Run", url=_TIMEOUT), "default")


def instances(service: Setting | None, revision: Setting | None, other_revisions: bool = False) -> Setting:
    """Return the most instances of a service.

    service only         that
    revision only        that, unless traffic names other revisions, whose maxima no file describes
    both                 the smaller one
    neither              100 per revision
    """
    if service is not None and isinstance(service, Known):
        if isinstance(revision, Known) and not other_revisions and revision.value < service.value:
            return revision
        return service
    if service is not None:
        return service
    if other_revisions:
        return Unknown("traffic names revisions whose maximum no file describes", Origin("traffic"))
    return revision if revision is not None else DEFAULT_INSTANCES


def concurrency(written: Setting | None, cpus: Setting) -> Setting:
    """Return the requests one instance takes: 80, or 1 below one CPU; a written 0 means the default."""
    if written is not None and value_of(written) != 0:
        return written
    if isinstance(cpus, Unknown):
        return Unknown("the default concurrency depends on the CPUs", cpus.origin)
    return Known(80 if cpus.value >= 1 else 1, Origin("default of Cloud Run", url=_CONCURRENCY), "default")


def job_instances(tasks: Setting, parallelism: Setting) -> Setting:
    """Return the tasks of one execution that run at once: all of them unless `parallelism` says otherwise."""
    if isinstance(tasks, Unknown) or not value_of(parallelism, 0):
        return tasks
    return min(tasks, parallelism, key=value_of)
