"""Suppression: which comments are one, what they silence, and what is said of those that silence nothing."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping

import pytest

from poollint.comments import comments
from poollint.config import Configuration, StatedIgnore
from poollint.discover import Tree
from poollint.facts import Evidence, Finding, Known, Location, Origin, Unknown
from poollint.suppress import parse, suppress

Make = Callable[[Mapping[str, str]], Tree]


def finding(path: str = "app/db.py", line: int = 1, rule: str = "missing-pre-ping", **more: object) -> Finding:
    return Finding("warning", "message", "help", Location(path, line), rule=rule, **more)  # type: ignore[arg-type]


def cites(path: str, line: int) -> tuple[Evidence, ...]:
    return (
        Evidence("pool_size", Known(5, Origin("pool_size", Location(path, line)))),
        Evidence("x", Unknown("not read")),
    )


def texts(tree: Tree) -> list[str]:
    return [comment.text for comment in comments(tree)]


# -- the grammar ---------------------------------------------------------------------------------------------------

GOOD = {  # what is written → (rules, reason)
    "# poollint: ignore[missing-pre-ping] the sidecar pings": (["missing-pre-ping"], "the sidecar pings"),
    "# poollint: ignore[missing-pre-ping]": (["missing-pre-ping"], ""),
    "#poollint:ignore[missing-pre-ping]why": (["missing-pre-ping"], "why"),
    "#  poollint:  ignore [missing-pre-ping]  why": (["missing-pre-ping"], "why"),
    "## poollint: ignore[missing-pre-ping] why": (["missing-pre-ping"], "why"),
    "# poollint: ignore[missing-pre-ping, missing-recycle] why": (["missing-pre-ping", "missing-recycle"], "why"),
    "# poollint: ignore[missing-pre-ping,missing-recycle]": (["missing-pre-ping", "missing-recycle"], ""),
    "# poollint: ignore[ missing-pre-ping ]": (["missing-pre-ping"], ""),
    "# poollint: ignore[missing-pre-ping] -- why": (["missing-pre-ping"], "why"),
    "# poollint: ignore[missing-pre-ping]: why": (["missing-pre-ping"], "why"),
    "# poollint: ignore[missing-pre-ping] see #12": (["missing-pre-ping"], "see #12"),
    "# noqa: E501  # poollint: ignore[missing-pre-ping] why": (["missing-pre-ping"], "why"),
    "# poollint: ignore[missing-pre-ping] why  # noqa": (["missing-pre-ping"], "why"),
}  # fmt: skip
BAD = {  # what is written → the flaw of each rule named
    "# poollint: ignore": ["no-rule"],
    "# poollint: ignore missing-pre-ping": ["no-rule"],
    "# poollint: ignore[]": ["no-rule"],
    "# poollint: ignore[*]": ["no-rule"],
    "# poollint: ignore[missing-pre-ping": ["no-rule"],
    "# poollint: ignore(missing-pre-ping)": ["no-rule"],
    "# poollint: Ignore[missing-pre-ping]": ["no-rule"],
    "# poollint: ignore-file": ["no-rule"],
    "# poollint: ignore[missing-preping]": ["unknown-rule"],
    "# poollint: ignore[all]": ["unknown-rule"],
    "# poollint: ignore[missing_pre_ping]": ["no-rule"],
    "# poollint: ignore[missing-pre-ping,]": ["", "no-rule"],
}
NONE = (  # not a suppression, and nothing is said
    "# see poollint: ignore[missing-pre-ping]",
    "# poollint is good",
    "# poollint: reads this file",
    "# Poollint: ignore[missing-pre-ping]",
    "# poollint ignore[missing-pre-ping]",
    "x = '# poollint: ignore[missing-pre-ping]'",
    "x = 'a'; '''\n# poollint: ignore[missing-pre-ping]\n'''",
)


@pytest.mark.parametrize("text", GOOD)
def test_good_spellings(make_tree: Make, text: str) -> None:
    found = [one for comment in comments(make_tree({"a.py": f"x = 1  {text}\n"})) for one in parse(comment)]
    assert ([one.rule for one in found], found[0].reason) == GOOD[text]
    assert not any(one.flaw for one in found)


@pytest.mark.parametrize("text", BAD)
def test_bad_spellings_silence_nothing_and_are_said(make_tree: Make, text: str) -> None:
    found = [one for comment in comments(make_tree({"a.py": f"x = 1  {text}\n"})) for one in parse(comment)]
    assert [one.flaw for one in found] == BAD[text]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_suppression(make_tree: Make, text: str) -> None:
    assert not [one for comment in comments(make_tree({"a.py": f"{text}\n"})) for one in parse(comment)]


# -- the languages -------------------------------------------------------------------------------------------------

IGNORE = "poollint: ignore[missing-pre-ping]"
SPOKEN = {
    "service.yaml": f"a: 1  # {IGNORE}\n",
    "deep/values.yml": f"a:\n  # {IGNORE}\n  b: it's\n",
    "block.yaml": f"run: |  # {IGNORE}\n  text\n",
    "template.yaml": f"{{{{- if .Values.x }}}}\na: 1  # {IGNORE}\n",
    "Dockerfile": f"# {IGNORE}\nCMD x\n",
    "api.Dockerfile": f"CMD gunicorn app:app  # {IGNORE}\n",
    "pyproject.toml": f'x = "#"  # {IGNORE}\n',
    "pgbouncer.ini": f"; {IGNORE}\npool_mode = transaction\n",
    "start.sh": f"exec gunicorn -w 4 app:app  # {IGNORE}\n",
    "main.tf": f"x = 1 // {IGNORE}\n",
    "prod.tfvars": f"x = 1 # {IGNORE}\n",
    ".env.prod": f"# {IGNORE}\nPOOL=5\n",
    "Procfile": f"# {IGNORE}\nweb: x\n",
}
SILENT = {
    "a.yaml": f'a: "# {IGNORE}"\n',
    "b.yaml": f"run: |\n  # {IGNORE}\n  text\n",
    "c.yaml": f"run: >-\n  # {IGNORE}\nb: 1\n",
    "d.toml": f'x = "a # {IGNORE}"\n',
    "e.tf": f'x = "a // {IGNORE}"\n',
    "f.sh": f"echo 'a # {IGNORE}'\n",
    "g.sh": f"echo a#{IGNORE}\n",
    "h.md": f"# {IGNORE}\n",
    "i.json": f"# {IGNORE}\n",
}


@pytest.mark.parametrize("path", SPOKEN)
def test_every_language_has_its_comment(make_tree: Make, path: str) -> None:
    assert [text[:26] for text in texts(make_tree({path: SPOKEN[path]}))] == ["ignore[missing-pre-ping]"]


@pytest.mark.parametrize("path", SILENT)
def test_the_same_words_in_a_string_or_a_block_are_no_comment(make_tree: Make, path: str) -> None:
    assert texts(make_tree({path: SILENT[path]})) == []


def test_the_place_of_a_comment_is_where_it_begins(make_tree: Make) -> None:
    (comment,) = comments(make_tree({"a.py": f"é = 1  # noqa  # {IGNORE} why\n"}))
    assert (comment.location.line, comment.location.column) == (1, 16)


@pytest.mark.parametrize("text", ["[" * 60_000, "\x00", "&a [*a, *a]\n" * 500], ids=["deep", "null", "aliases"])
def test_a_hostile_file_with_the_marker_ends_only_itself(make_tree: Make, text: str) -> None:
    tree = make_tree(
        {"bad.yaml": f"# {IGNORE}\n{text}", "bad.py": f"x = 1  # {IGNORE}\n{text}", "ok.py": f"x  # {IGNORE}\n"}
    )
    assert "ok.py" in {comment.location.path for comment in comments(tree)}


# -- what is silenced ----------------------------------------------------------------------------------------------


def test_a_comment_on_the_line_of_the_finding_silences_it_with_its_reason(make_tree: Make) -> None:
    tree = make_tree({"app/db.py": f"x = 1  # {IGNORE} the sidecar pings\n"})
    (marked,) = suppress([finding()], tree, Configuration())
    assert (marked.suppressed, marked.reason) == (True, "the sidecar pings")


def test_a_comment_on_the_line_of_a_number_silences_it_too(make_tree: Make) -> None:
    tree = make_tree({"app/db.py": "x = 1\n", "deploy/service.yaml": f"a: 1\nb: 2  # {IGNORE}\n"})
    (marked,) = suppress([finding(evidence=cites("deploy/service.yaml", 2))], tree, Configuration())
    assert marked.suppressed


def test_a_comment_on_any_line_of_the_call_silences_it(make_tree: Make) -> None:
    tree = make_tree({"app/db.py": f"x(\n  1,\n)  # {IGNORE}\n"})
    at = Location("app/db.py", 1, 1, 3, 2)
    (marked,) = suppress([Finding("warning", "m", "h", at, rule="missing-pre-ping")], tree, Configuration())
    assert marked.suppressed


def test_a_comment_above_speaks_of_the_next_line_only_where_none_can_stand_behind(make_tree: Make) -> None:
    tree = make_tree({"Dockerfile": f"# {IGNORE}\n\n# why\nCMD x\n", "app/db.py": f"# {IGNORE}\nx = 1\n"})
    docker, python, *unused = suppress([finding("Dockerfile", 4), finding(line=2)], tree, Configuration())
    assert docker.suppressed
    assert not python.suppressed
    assert [str(one.location) for one in unused] == ["app/db.py:1"]


def test_another_line_another_rule_and_another_file_are_not_silenced(make_tree: Make) -> None:
    tree = make_tree({"app/db.py": f"x = 1  # {IGNORE}\n", "b.py": ""})
    others = [finding(line=2), finding(rule="missing-recycle"), finding(path="b.py")]
    assert not any(one.suppressed for one in suppress(others, tree, Configuration()))


def test_an_entry_of_the_configuration_silences_what_cites_the_file(make_tree: Make) -> None:
    entry = StatedIgnore("missing-pre-ping", "deploy/task.json", "by hand", None, Location("poollint.toml", 1))
    tree = make_tree({"deploy/task.json": "{}"})
    hit, miss = suppress(
        [finding(evidence=cites("deploy/task.json", 1)), finding()], tree, Configuration(ignores=(entry,))
    )
    assert (hit.suppressed, hit.reason, miss.suppressed) == (True, "by hand", False)


@pytest.mark.parametrize(("day", "silent"), [("2027-02-28", True), ("2027-03-01", False), ("2027-03-02", False)])
def test_from_its_last_day_on_an_entry_silences_nothing(make_tree: Make, day: str, silent: bool) -> None:
    entry = StatedIgnore("missing-pre-ping", "app/db.py", "r", "2027-03-01", Location("poollint.toml", 1))
    today = datetime.date.fromisoformat(day)
    marked, *unused = suppress([finding()], make_tree({"app/db.py": ""}), Configuration(ignores=(entry,)), today=today)
    assert marked.suppressed is silent
    assert (
        [one.message for one in unused] == []
        if silent
        else ["the time for ignoring missing-pre-ping is over, so it silences nothing"]
    )


def test_without_a_required_reason_nothing_is_silenced(make_tree: Make) -> None:
    tree = make_tree({"app/db.py": f"x = 1  # {IGNORE}\n"})
    marked, unused = suppress([finding()], tree, Configuration(require_reasons=True))
    assert not marked.suppressed
    assert unused.message == "ignoring missing-pre-ping needs a reason, so it silences nothing"


# -- what silences nothing -----------------------------------------------------------------------------------------


def test_a_suppression_that_silences_nothing_is_a_finding_at_its_place(make_tree: Make) -> None:
    tree = make_tree({"app/db.py": f"\nx = 1  # {IGNORE}\n"})
    (unused,) = suppress([], tree, Configuration())
    assert (unused.rule, unused.severity) == ("unused-suppression", "warning")
    assert (unused.location.path, unused.location.line, unused.location.column) == ("app/db.py", 2, 8)
    assert unused.message == "the comment ignores missing-pre-ping, but nothing here is found by it"


def test_each_rule_of_a_comment_is_judged_alone(make_tree: Make) -> None:
    tree = make_tree({"app/db.py": "x = 1  # poollint: ignore[missing-pre-ping, missing-recycle] why\n"})
    marked, unused = suppress([finding()], tree, Configuration())
    assert marked.suppressed
    assert "missing-recycle" in unused.message


def test_a_misspelt_rule_is_named_with_what_was_meant(make_tree: Make) -> None:
    (unused,) = suppress([], make_tree({"a.py": "x = 1  # poollint: ignore[missing-preping]\n"}), Configuration())
    assert unused.message == "there is no rule missing-preping; did you mean `missing-pre-ping`?"


def test_a_rule_that_did_not_run_leaves_its_suppressions_unjudged(make_tree: Make) -> None:
    tree = make_tree({"app/db.py": f"x = 1  # {IGNORE}\n"})
    assert suppress([], tree, Configuration(), select=frozenset({"missing-recycle", "unused-suppression"})) == ()
    assert suppress([], tree, Configuration(), ignore=frozenset({"missing-pre-ping"})) == ()
    assert suppress([], tree, Configuration(severity={"missing-pre-ping": "off"})) == ()


def test_the_rule_itself_can_be_left_out_or_made_an_error(make_tree: Make) -> None:
    tree = make_tree({"app/db.py": f"x = 1  # {IGNORE}\n"})
    assert suppress([], tree, Configuration(), ignore=frozenset({"unused-suppression"})) == ()
    assert suppress([], tree, Configuration(severity={"unused-suppression": "off"})) == ()
    (unused,) = suppress([], tree, Configuration(severity={"unused-suppression": "error"}))
    assert unused.severity == "error"


def test_a_comment_may_keep_an_unused_one_on_purpose(make_tree: Make) -> None:
    tree = make_tree(
        {"app/db.py": "x = 1  # poollint: ignore[missing-pre-ping, unused-suppression] the generator writes it\n"}
    )
    (unused,) = suppress([], tree, Configuration())
    assert (unused.rule, unused.suppressed) == ("unused-suppression", True)


def test_to_ignore_unused_suppressions_where_there_is_none_is_unused(make_tree: Make) -> None:
    (unused,) = suppress([], make_tree({"a.py": "x = 1  # poollint: ignore[unused-suppression]\n"}), Configuration())
    assert (unused.suppressed, unused.location.line) == (False, 1)
