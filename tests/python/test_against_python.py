"""What the evaluator knows of a program is what Python makes of it.

`programs/standard_library.txt` holds programs that need nothing else: each is run in Python, in an empty environment and in
every one that a line `? NAME=value` gives, and then evaluated in the same. `programs/settings.txt` holds programs for
libraries that read the environment; their results stand beside them, as these versions gave them: pydantic 2.14.4 with
pydantic-settings 2.16.3, pydantic 1.10.27 where BaseSettings is imported from pydantic, python-decouple 3.8, environs
15.2.0, django-environ 0.14.0, starlette 1.10.0 and python-dotenv 1.2.4.

    #### name of the program      what follows is main.py, or files that lines `=== path` begin
    #### name | open              its result may be unknown, but not wrong; all others have to be known
    ? NAME=value -> result        a settings program's result there; `? NAME=value` alone for one that Python runs
"""

from __future__ import annotations

import enum
import json
import os
import re
import runpy
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from evaluating import MAIN, Project, variables
from poollint.facts import Known, Unknown
from poollint.python.evaluator.values import Listing, Table, Value

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(eq=False)
class Program:
    name: str
    files: dict[str, str]
    is_open: bool
    environments: list[dict[str, str]] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)


def _programs(file: str) -> Iterator[Program]:
    for chunk in re.split(r"(?m)^#### ", (PROGRAMS / file).read_text("utf-8"))[1:]:
        head, _, body = chunk.partition("\n")
        name, _, mark = head.partition(" | ")
        lines = body.splitlines()
        text = "\n".join(line for line in lines if not line.startswith("? "))
        parts = re.split(r"(?m)^=== (.+)\n", text)
        files = dict(zip(parts[1::2], parts[2::2])) if len(parts) > 1 else {MAIN: text}
        program = Program(name, files, mark == "open")
        for given, _, result in (line[2:].partition("-> ") for line in lines if line.startswith("? ")):
            program.environments.append(dict(re.findall(r"(\w+)=(.*?)(?:,(?=\w+=)|$)", given.removesuffix(" "))))
            program.results.append(json.loads(result) if result else None)
        yield program


RUN = list(_programs("standard_library.txt"))
WRITTEN = list(_programs("settings.txt"))


def _agrees(value: Value, real: Any, is_open: bool) -> bool:
    """Say whether all that is known of a value is so; unless it may be open, all has to be known."""
    match value:
        case Known(value=known):
            return bool(known == real)
        case Table(entries=entries, complete=complete):
            sure = {key for key, entry in entries.items() if not isinstance(entry, Unknown)}
            if not (complete or is_open) or complete and not sure <= set(real) <= set(entries):
                return False
            return all(_agrees(entry, real[key], is_open) for key, entry in entries.items() if key in real)
        case Listing(items=items, complete=True):
            return len(items) == len(real) and all(_agrees(*pair, is_open) for pair in zip(items, real))
    return is_open


def _plain(value: Any) -> Any:
    """Return a result without members of enums: the evaluator holds them by their values."""
    match value:
        case enum.Enum():
            return value.value
        case Mapping():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
    return value


def _compare(project: Project, program: Program, environment: Mapping[str, str], real: Any) -> None:
    for value in project.alternatives(environment=variables(**environment)):
        assert _agrees(value, real, program.is_open), (environment, value, real)


@pytest.mark.parametrize("program", RUN, ids=lambda program: program.name)
def test_what_is_known_of_a_program_is_what_python_makes_of_it(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path, program.files)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "argv", [MAIN])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for environment in ({}, *program.environments):
        before = set(sys.modules)
        with monkeypatch.context() as patched:
            patched.setattr(os, "environ", os.environ.copy())
            for name in list(os.environ):
                patched.delenv(name)
            for name, text in environment.items():
                patched.setenv(name, text)
            try:
                real = runpy.run_path(str(tmp_path / MAIN))["result"]
            except (ValueError, LookupError):
                continue  # the program does not start there
            finally:
                for name in set(sys.modules) - before:
                    del sys.modules[name]
        _compare(project, program, environment, _plain(real))


@pytest.mark.parametrize("program", WRITTEN, ids=lambda program: program.name)
def test_what_is_known_of_settings_is_what_their_library_makes_of_them(tmp_path: Path, program: Program) -> None:
    project = Project(tmp_path, program.files)
    for environment, real in zip(program.environments, program.results):
        _compare(project, program, environment, real)
