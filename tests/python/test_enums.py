"""Enums: their members are what Python makes of them, also where the environment chooses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluating import Project, plain, variables
from poollint.facts import NO_ENVIRONMENT, Environment, Known, Unknown

ENV = '''
import os
from enum import Enum, Flag, IntEnum, StrEnum, auto
class Env(str, Enum):
    dev = "development"
    test = "testing"
    prod = "production"
    _private = "x"
    @property
    def is_testing(self):
        return self == Env.test
    @property
    def is_live(self):
        return self in {Env.prod}
    @property
    def label(self):
        return f"{self.name}:{self.value}"
    def size(self, factor=1):
        return (20 if self is Env.prod else 3) * factor
    @staticmethod
    def least():
        return 1
    @classmethod
    def standard(cls):
        return cls.dev
class Plain(Enum):
    A = auto()
    B = 10
    C = auto()
class Small(StrEnum):
    ONE = auto()
class Caseless(Enum):
    PROD = "prod"
    @classmethod
    def _missing_(cls, value):
        for member in cls:
            if member.value == value.lower():
                return member
'''
SAME_AS_PYTHON = [
    "(Env.test.is_testing, Env.prod.is_testing)",
    "(Env.prod.is_live, Env.dev.is_live)",
    "(Env.prod.size(), Env.dev.size(2), Env.prod.size(factor=2))",
    "(Env.dev.name, Env.dev.value, Env.dev.label)",
    "(Env['prod'].value, Env('testing').name, Env('testing') == Env.test)",
    "(Env.standard().name, Env.dev.least())",
    "(Plain.A.value, Plain.B.value, Plain.C.value)",
    "(Small.ONE.value, Small.ONE == 'one')",
    "(Caseless('PROD').name, Caseless('prod').value)",
    "[member.value for member in Env]",
    "Env.prod.upper()",
    "{Env.dev: 1, Env.prod: 2}[Env('production')]",
    "Env.prod.dev.value",
]  # fmt: skip


@pytest.mark.parametrize("expression", SAME_AS_PYTHON)
def test_a_member_is_what_python_makes_of_it(tmp_path: Path, expression: str) -> None:
    program = f"{ENV}result = {expression}\n"
    python: dict[str, Any] = {"__name__": "main"}
    exec(program, python)
    expected = python["result"]
    assert plain(Project(tmp_path, program).value()) == (list(expected) if isinstance(expected, tuple) else expected)


NOT_KNOWN = [
    ("Env('nope').is_testing", "fails with ValueError: 'nope' is no Env"),
    ("Env.prod.colour", "not a plain value"),
    ("Access.A.value", "the value of A is not worked out"),
    ("Own.A.value", "the value of A is not worked out"),
    ("Mixed('y').name", "which member of Mixed it is, is not known"),
]


@pytest.mark.parametrize(("expression", "reason"), NOT_KNOWN)
def test_what_is_no_member_is_not_known(tmp_path: Path, expression: str, reason: str) -> None:
    more = (
        "class Access(Flag):\n    A = auto()\n"
        "class Own(Enum):\n    def _generate_next_value_(name, start, count, last_values):\n        return name\n"
        "    A = auto()\n"
        "class Mixed(Enum):\n    A = 'x'\n    B = open('b').read()\n"
    )
    value = Project(tmp_path, f"{ENV}{more}result = {expression}\n").value()
    assert isinstance(value, Unknown)
    assert reason in value.reason


SETTINGS = ENV + (
    "from pydantic_settings import BaseSettings\n"
    "class Settings(BaseSettings):\n    ENVIRONMENT: Env = Env.dev\n"
    "settings = Settings()\n"
)
READ = [
    ("Env(os.getenv('ENVIRONMENT', 'development'))", ENV),
    ("settings.ENVIRONMENT", SETTINGS),
]


@pytest.mark.parametrize(("member", "start"), READ)
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (NO_ENVIRONMENT, [(5, "fallback"), (20, "fallback")]),
        (variables(ENVIRONMENT="production"), [(20, "exact")]),
        (variables(ENVIRONMENT="testing"), [(5, "exact")]),
        (variables(), [(5, "exact")]),
    ],
)
def test_a_property_of_a_member_that_the_environment_chooses(
    tmp_path: Path, member: str, start: str, environment: Environment, expected: list[tuple[int, str]]
) -> None:
    """Nobody knows whether an unseen environment is production: the default's answer comes first."""
    project = Project(tmp_path, f"{start}result = 20 if {member}.is_live else 5\n")
    found = project.alternatives(environment=environment)
    assert [(value.value, value.certainty) for value in found if isinstance(value, Known)] == expected


def test_a_property_that_only_tests_make_true_is_no_question(tmp_path: Path) -> None:
    value = Project(tmp_path, f"{SETTINGS}result = 1 if settings.ENVIRONMENT.is_testing else 5\n").value()
    assert plain(value) == 5


def test_one_variable_answers_every_question_about_its_member(tmp_path: Path) -> None:
    text = SETTINGS + (
        "first = 20 if settings.ENVIRONMENT == Env.prod else 5\n"
        "second = 20 if settings.ENVIRONMENT.is_live else 5\nresult = (first, second)\n"
    )
    assert [plain(value) for value in Project(tmp_path, text).alternatives()] == [[5, 5], [20, 20]]


def test_a_variable_that_names_no_member_stops_the_program(tmp_path: Path) -> None:
    project = Project(tmp_path, f"{SETTINGS}result = settings.ENVIRONMENT")
    value = project.value(environment=variables(ENVIRONMENT="moon"))
    assert isinstance(value, Unknown)
    assert value.reason == "fails with ValueError: 'moon' is no Env"
