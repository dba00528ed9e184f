"""`.env` files."""

from __future__ import annotations

import pytest

from poollint.facts import Unknown
from poollint.readers import _dotenv


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("export A=1", "1"),
        ("A = 1", "1"),
        ("A='x # y'", "x # y"),
        ('A="x # y" # z', "x # y"),
        ("A=x # y", "x"),
        ("A=x#y", "x#y"),
        ("A=", ""),
        ("A=#x", ""),
        ("A: 1", "1"),
        ("A=a=b", "a=b"),
        ("A='$B'", "$B"),
        ("B=2\nA=${B}", "2"),
        ("A=${B:-3}", "3"),
        ("A=1\nA=2", "2"),
    ],
)
def test_values_are_read_as_compose_reads_them(line, value):
    assert _dotenv.parse(line, ".env")["A"].value == value


def test_places_and_what_is_no_variable():
    found = _dotenv.parse("# A=0\n\n  B=1\nnot a line\n=x\n1A=2\n", "x/.env")
    assert {name: str(setting.origin.location) for name, setting in found.items()} == {"B": "x/.env:3"}


def test_a_variable_of_elsewhere_is_unknown():
    assert _dotenv.parse("A=${HOME_OF_NOTHING}", ".env")["A"] == Unknown("set by HOME_OF_NOTHING, which no file gives")


def test_a_missing_file_is_none(make_tree):
    assert _dotenv.variables(make_tree({"a": "x"}), ".env") is None
