"""Engine calls of which a process makes only one."""

from __future__ import annotations

import ast
import textwrap

import pytest

from poollint.facts import Location
from poollint.python.branches import rivals


def pairs(text: str) -> set[tuple[int, int]]:
    """Return the pairs of lines whose `make()` calls exclude each other."""
    source = textwrap.dedent(text).strip("\n")
    lines = source.split("\n")
    places = [Location("a.py", n, line.index("make(") + 1) for n, line in enumerate(lines, 1) if "make(" in line]
    found = rivals(ast.parse(source), places)
    return {(one.line, other.line) for one, others in found.items() for other in others if one < other}


def test_branches_of_one_if() -> None:
    assert pairs(
        """
        def engine(url):
            if url.startswith("sqlite"):
                made = make(url)
            elif "cloudsql" in url:
                made = make(url, 1)
            else:
                made = make(url, 2)
            return made
        """
    ) == {(3, 5), (3, 7), (5, 7)}


def test_a_branch_that_returns_before_the_next_call() -> None:
    assert pairs(
        """
        def engine(url):
            if url == "a":
                return make(url)
            if url == "b":
                return make(url, 1)
            return make(url, 2)
        """
    ) == {(3, 5), (3, 6), (5, 6)}


def test_two_engines_made_one_after_the_other_are_both_there() -> None:
    assert not pairs(
        """
        writer = make("a")
        reader = make("b")
        """
    )


def test_a_condition_around_the_second_only_keeps_both_possible() -> None:
    assert not pairs(
        """
        writer = make("a")
        if replica:
            reader = make(replica)
        """
    )


def test_two_ifs_without_return_may_both_run() -> None:
    assert not pairs(
        """
        if one:
            first = make(one)
        if two:
            second = make(two)
        """
    )


def test_the_two_sides_of_a_conditional_expression() -> None:
    assert pairs("made = (\n    make(1)\n    if url\n    else make(2)\n)") == {(2, 4)}


def test_cases_of_a_match() -> None:
    assert pairs(
        """
        match kind:
            case "a":
                made = make(1)
            case _:
                made = make(2)
        """
    ) == {(3, 5)}


def test_a_second_attempt_where_the_first_failed() -> None:
    assert pairs(
        """
        try:
            made = make(url, 5)
        except TypeError:
            made = make(url)
        """
    ) == {(2, 4)}


def test_what_follows_a_try_runs_beside_it() -> None:
    assert not pairs(
        """
        try:
            first = make(1)
        finally:
            second = make(2)
        """
    )


@pytest.mark.parametrize("text", ["", "made = make(1)"])
def test_a_single_call_has_no_rival(text: str) -> None:
    assert not pairs(text)
