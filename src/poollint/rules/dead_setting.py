"""A pool option that nothing reads, or that does the opposite of what it says.

https://flask-sqlalchemy.readthedocs.io/en/stable/config/
"""

from __future__ import annotations

from collections.abc import Iterator

from poollint.facts import DeadSetting, Evidence, Finding, Location, Project, about_engine
from poollint.rules._guards import judged, workload_names


def check(project: Project) -> Iterator[Finding]:
    for engine, clients in judged(project):
        dead = engine.dead_settings
        if dead:
            yield Finding(
                severity="warning",
                message=f"{dead[0].name} does not do what it says: {dead[0].why}",
                help=dead[0].fix,
                location=_place(dead[0], engine.location),
                evidence=tuple(Evidence(setting.name, setting.value) for setting in dead),
                details=tuple(f"{setting.name}: {setting.why}." for setting in dead[1:]),
                workloads=workload_names(clients),
                about=about_engine(engine),
            )
    for orphan in project.dead_settings:
        location = orphan.value.origin.location
        if location is not None:
            yield Finding(
                severity="warning",
                message=f"{orphan.name} has no effect: {orphan.why}",
                help=orphan.fix,
                location=location,
                evidence=(Evidence(orphan.name, orphan.value),),
                about=(location.path, orphan.name),
            )


def _place(dead: DeadSetting, engine: Location) -> Location:
    return dead.place or dead.value.origin.location or engine
