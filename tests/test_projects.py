"""Small complete projects, one per platform, each with everything poollint says of it.

A folder below tests/projects is a project; its expected.txt is a transcript: the text report of `poollint .`, then one
line for each client of `poollint facts`. After a change that is meant, write the transcripts anew and read the diff:

    POOLLINT_UPDATE=1 pytest tests/test_projects.py
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from poollint import pipeline
from poollint.facts import NO_CEILING, Client, Project, Setting, value_of
from poollint.report import Report, text

FOLDER = Path(__file__).parent / "projects"
PROJECTS = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())
EXPECTED = "expected.txt"
UPDATE = "POOLLINT_UPDATE"
HEADER = ("engine", "workload", "instances", "processes", "connections", "database", "how")


@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_is_read_linked_and_judged_as_expected(name: str, tmp_path: Path) -> None:
    expected = FOLDER / name / EXPECTED
    said = transcript(FOLDER / name, tmp_path / name)
    if os.environ.get(UPDATE):
        expected.write_text(said, "utf-8")
    assert expected.is_file(), f"{name} has no {EXPECTED}: write it with {UPDATE}=1, then check its numbers by hand"
    assert said == expected.read_text("utf-8")


def test_every_expected_text_lies_in_a_project() -> None:
    """What is left of a removed project would never be compared with anything."""
    assert PROJECTS
    for name in PROJECTS:
        files = {path.name for path in (FOLDER / name).rglob("*") if path.is_file() and path.suffix != ".pyc"}
        assert files - {EXPECTED}, f"{name} holds nothing but {EXPECTED}"
    assert [path.parent.parent for path in FOLDER.rglob(EXPECTED)] == [FOLDER] * len(PROJECTS)


def transcript(project: Path, copy: Path) -> str:
    """Return what poollint says of a copy outside of this repository, whose root and path words would count."""
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns(EXPECTED, "__pycache__"))
    outcome = pipeline.run([copy])
    report = text.render(Report(outcome)) or "nothing found\n"
    skipped = "".join(f"skipped: {one.path}: {one.reason}\n" for one in outcome.skipped)
    return f"$ poollint .\n{report}{skipped}\n$ poollint facts, its clients\n{table(rows(outcome.project))}"


def rows(project: Project) -> Iterable[tuple[str, ...]]:
    yield HEADER
    for client in project.clients:
        yield (
            client.engine.name,
            _workload(client),
            _number(client.workload.instances) if client.workload else "?",
            _number(client.process.processes) if client.process else "?",
            _connections(client),
            _database(client),
            client.how or "-",
        )


def table(cells: Iterable[tuple[str, ...]]) -> str:
    lines = list(cells)
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    return "".join("  ".join(map(str.ljust, line, widths)).rstrip() + "\n" for line in lines)


def _workload(client: Client) -> str:
    if client.workload is None:
        return "?"
    return client.workload.name + (f" ({client.environment})" if client.environment else "")


def _connections(client: Client) -> str:
    """The bound, what it is at roll-out if that is more, and what one instance opens where the whole is not known."""
    steady, rollout = _number(client.steady.lowered), _number(client.rollout.lowered)
    if steady == "?":
        return f"? ({_number(client.one.lowered)} each)"
    return steady if rollout == steady else f"{steady} ({rollout} at roll-out)"


def _database(client: Client) -> str:
    name = client.database.name if client.database else "?"
    return f"{client.pooler.name} → {name}" if client.pooler else name


def _number(setting: Setting) -> str:
    value = value_of(setting)
    return "?" if value is None else "no ceiling" if value == NO_CEILING else str(value)
