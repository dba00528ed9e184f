"""The fingerprint: the same while lines move and numbers change, different for different things, unique in a run."""

from __future__ import annotations

from dataclasses import replace

from poollint.facts import Finding, Location
from poollint.fingerprint import fingerprints

ENGINE = Finding(
    "warning",
    "5 × 3 = 15",
    "h",
    Location("app/db.py", 8),
    rule="missing-pre-ping",
    about=("app/db.py", "<module>", "0"),
)


def one(finding: Finding) -> str:
    return fingerprints([finding])[0]


def test_it_stays_while_lines_numbers_and_severity_change() -> None:
    moved = replace(ENGINE, location=Location("app/db.py", 90, 4), message="6 × 3 = 18", severity="note", total=18)
    assert one(moved) == one(ENGINE)


def test_it_differs_for_another_rule_and_another_engine() -> None:
    others = [replace(ENGINE, rule="missing-recycle"), replace(ENGINE, about=("app/db.py", "<module>", "1"))]
    assert len({one(ENGINE), *map(one, others)}) == 3


def test_parts_are_kept_apart() -> None:
    assert one(replace(ENGINE, about=("a", "bc"))) != one(replace(ENGINE, about=("ab", "c")))


def test_two_findings_about_the_same_thing_are_told_apart_by_their_order() -> None:
    made = fingerprints([ENGINE, ENGINE, ENGINE])
    assert len(set(made)) == 3
    assert made[0] == one(ENGINE)


def test_without_a_subject_the_path_and_the_database_are_it() -> None:
    bare = replace(ENGINE, about=(), database="orders", environments=("prod",))
    assert one(bare) == one(replace(bare, location=Location("app/db.py", 1)))
    assert one(bare) != one(replace(bare, environments=("staging",)))


def test_a_file_name_that_is_no_text_has_one_too() -> None:
    assert len(one(replace(ENGINE, about=("\udcff.py",)))) == 32
