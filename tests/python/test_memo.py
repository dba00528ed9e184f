"""Values are shared between the worlds and environments that agree on what they rest on, and only between those."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluating import MAIN, Project, plain, variables
from poollint.facts import NO_ENVIRONMENT, Environment, Origin
from poollint.python.evaluator import objects, returns
from poollint.python.evaluator.evaluate import Evaluator
from poollint.python.evaluator.memo import Memo

SIZES = """
import os

def base():
    return 5

def sized(extra):
    return base() + extra

fixed = sized(2)
given = sized(int(os.getenv("EXTRA", "1")))
result = (fixed, given)
"""


def _asked(project: Project, memo: Memo, environment: Environment, name: str = "result") -> list:
    module = project.modules.module(MAIN)
    evaluator = Evaluator(project.modules, environment, memo=memo)
    found = evaluator.alternatives(lambda world: objects.member(world, module, name, Origin(name)))
    return [plain(value) for value in found]


def test_environments_share_a_memo_and_each_gets_its_own_values(tmp_path: Path) -> None:
    project, memo = Project(tmp_path, SIZES), Memo()
    for extra, size in (("3", 8), ("4", 9), ("3", 8)):
        assert _asked(project, memo, variables(EXTRA=extra)) == [[7, size]]
    assert _asked(project, memo, NO_ENVIRONMENT) == [[7, 6]]
    assert _asked(project, memo, variables(extra="8")) == [[7, 6]]


def test_what_rests_on_no_variable_is_worked_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, memo, calls = Project(tmp_path, SIZES), Memo(), []
    returned = returns.returned
    monkeypatch.setattr(returns, "returned", lambda world, f, frame: calls.append(f.name) or returned(world, f, frame))
    for extra in "345":
        _asked(project, memo, variables(EXTRA=extra))
    # fixed: base and sized once; given: sized once for each environment, base once at its place of call
    assert calls.count("base") + calls.count("sized") <= 2 + 2 * 3
    calls.clear()
    _asked(project, memo, variables(EXTRA="3"))
    assert calls == []


def test_a_value_of_one_answer_is_not_another_world_s(tmp_path: Path) -> None:
    project = Project(
        tmp_path,
        """
        import os
        def size():
            return 20 if os.getenv("BIG") else 5
        def options(n):
            return {"pool_size": n, "max_overflow": n * 2}
        result = options(size())
        """,
    )
    found = [plain(value) for value in project.alternatives()]
    assert sorted(options["pool_size"] for options in found) == [5, 20]
    assert all(options["max_overflow"] == 2 * options["pool_size"] for options in found)


def test_a_function_made_in_one_turn_keeps_the_values_of_that_turn(tmp_path: Path) -> None:
    project = Project(
        tmp_path,
        """
        def adder(n):
            return lambda m: n + m
        made = []
        for n in (1, 10):
            made.append(adder(n))
        result = [made[0](1), made[1](1)]
        """,
    )
    assert plain(project.value()) == [2, 11]


def test_what_is_asked_first_changes_nothing(tmp_path: Path) -> None:
    project = Project(
        tmp_path,
        """
        def even(n):
            return True if n == 0 else odd(n - 1)
        def odd(n):
            return False if n == 0 else even(n - 1)
        a = b + 1 if even(2) else 0
        b = 1
        c = [d, a]
        d = [c, b]
        """,
    )
    names = "abcd"
    alone = {name: _asked(project, Memo(), NO_ENVIRONMENT, name) for name in names}
    for order in (names, names[::-1]):
        memo = Memo()
        assert {name: _asked(project, memo, NO_ENVIRONMENT, name) for name in order} == alone


DECIDED = """
import os

size = 1
if os.getenv("A"):
    size += 1
if os.getenv("B"):
    size += 2
twice = size * 2
result = (size, twice)
"""


def test_what_rests_on_too_much_is_the_same_but_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path, DECIDED)

    def asked_of_kept(memo: Memo) -> set[str]:
        return {name for groups in memo._kept.values() for _, rests in groups for name in rests.asked}

    few, all_of_it = Memo(), Memo()
    expected = _asked(project, all_of_it, NO_ENVIRONMENT)
    assert sorted(expected) == [[1, 2], [2, 4], [3, 6], [4, 8]] and asked_of_kept(all_of_it)
    monkeypatch.setattr("poollint.python.evaluator.memo.MOST", 0)
    assert _asked(project, few, NO_ENVIRONMENT) == expected and not asked_of_kept(few)
