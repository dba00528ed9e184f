"""Which declaration speaks for a file, and what it says about a bound."""

from __future__ import annotations

import pytest

from poollint.facts import Known, Location, Unknown, Version
from poollint.versions import at_least, declared, version_setting


def version(specifier: str, folder: str = "", name: str = "sqlalchemy") -> Version:
    pinned = specifier[2:] if specifier.startswith("==") and "*" not in specifier else None
    return Version(name, pinned, specifier, Location(f"{folder}/requirements.txt".lstrip("/"), 1), folder)


@pytest.mark.parametrize(
    ("specifier", "bound", "answer"),
    [
        ("==2.0.36", "2.0", True),
        ("==2.0.36", "2.1", False),
        ("==2.1.0", "2.1", True),
        ("==2.1.0b1", "2.1", True),
        (">=2.1", "2.1", True),
        (">=2.0", "2.1", None),
        (">=2.0,<2.1", "2.1", False),
        ("<=2.0.30", "2.1", False),
        ("~=2.0.3", "2.1", False),
        ("~=2.0", "2.1", None),
        ("~=2.1", "2.1", True),
        ("==2.0.*", "2.1", False),
        ("==2.*", "2.1", None),
        ("", "2.1", None),
        ("!=2.0.1", "2.1", None),
        ("not a specifier", "2.1", None),
    ],
)
def test_a_range_answers_what_it_can(specifier, bound, answer):
    assert at_least((version(specifier),), bound) is answer


def test_nothing_declared_answers_nothing():
    assert at_least((), "2.1") is None


def test_declarations_that_disagree_answer_nothing():
    assert at_least((version("==2.0.1"), version("==2.1.1")), "2.1") is None


def test_the_nearest_folder_decides():
    facts = (version("==1.4.54"), version("==2.0.36", "services/api"), version("==2.1.0", "services/worker"))
    assert [v.pinned for v in declared(facts, "sqlalchemy", "services/api/app/db.py")] == ["2.0.36"]
    assert [v.pinned for v in declared(facts, "sqlalchemy", "tools/x.py")] == ["1.4.54"]


def test_the_lock_of_a_workspace_pins_the_range_of_a_member():
    facts = (version("==2.0.36"), version(">=2", "services/api"))
    assert [v.pinned for v in declared(facts, "sqlalchemy", "services/api/app/db.py")] == ["2.0.36"]


def test_a_lock_that_contradicts_the_nearer_range_does_not_speak_for_it():
    facts = (version("==1.4.54"), version(">=2", "services/api"))
    assert [v.specifier for v in declared(facts, "sqlalchemy", "services/api/app/db.py")] == [">=2"]


def test_a_version_is_known_only_when_it_is_pinned():
    pinned = version_setting((version("==2.0.36"),), "sqlalchemy")
    assert (
        isinstance(pinned, Known) and pinned.value == "2.0.36" and str(pinned.origin.location) == "requirements.txt:1"
    )
    assert version_setting((version(">=2"),), "sqlalchemy").reason == "sqlalchemy is declared as >=2"
    assert isinstance(version_setting((), "sqlalchemy"), Unknown)


def test_the_only_folder_that_declares_sqlalchemy_speaks_for_all_code():
    facts = (version("==2.0.36", folder="third_party"), version("==1.30", name="pg8000", folder="third_party"))
    assert [v.specifier for v in declared(facts, "pg8000", "courses/db.py")] == ["==1.30"]
    assert declared((*facts, version("==2.0.1", folder="tools")), "pg8000", "courses/db.py") == ()
    assert declared(facts[1:], "pg8000", "courses/db.py") == ()
