"""The output formats: the layout to the letter, schemas, and nothing that a stranger's name could do."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poollint.config import Configuration
from poollint.discover import Tree
from poollint.escape import clean, inert, redact
from poollint.facts import (
    NO_CEILING,
    Edit,
    Evidence,
    Finding,
    Fix,
    Known,
    Location,
    Missing,
    Origin,
    Project,
    Setting,
    Unknown,
)
from poollint.pipeline import Outcome
from poollint.report import Report, format_named, formats
from poollint.report.github import annotation

SCHEMAS = Path(__file__).parent / "schemas"


def exact(value: object, says: str, path: str, line: int) -> Setting:
    return Known(value, Origin(says, Location(path, line, 3)))


def default(value: object, says: str) -> Setting:
    return Known(value, Origin(says, url="https://docs.example/limits"), "default")


FORMULA = Finding(
    severity="error",
    message="40 instances × 4 processes × (5 + 10) = 2,400 connections, but orders accepts 495",
    help="Fits: maxScale 8, or pool_size=2 with max_overflow=0.",
    location=Location("app/db.py", 8, 10, 8, 52),
    rule="recycle-too-short",
    evidence=(
        Evidence("instances", exact(40, "maxScale", "deploy/service.yaml", 7)),
        Evidence("processes", exact(4, "--workers", "Dockerfile", 12)),
        Evidence("pool_size", default(5, "default of SQLAlchemy 2.0")),
        Evidence("max_overflow", default(10, "default of SQLAlchemy 2.0")),
        Evidence("max_connections", default(495, "Cloud SQL db-custom-4-16384: 500, less 5 reserved")),
    ),
    details=("The guides' product of request concurrency, instances and pool_size is 80 × 40 × 5 = 16,000.",),
    environments=("prod",),
    workloads=("api",),
    database="orders",
    about=("orders", "prod"),
)
WARNING = Finding(
    severity="warning",
    message="connections are not tested at checkout",
    help="Add pool_pre_ping=True",
    location=Location("app/db.py", 3),
    rule="missing-pre-ping",
    evidence=(
        Evidence("pool_pre_ping", Known(False, Origin("DB_PING", Location("app/settings.py", 4)), "fallback")),
        Evidence("max_overflow", Known(NO_CEILING, Origin("max_overflow", Location("app/db.py", 5)))),
        Evidence("instances", Unknown("no manifest says")),
    ),
    about=("app/db.py", "<module>", "0"),
    fix=Fix(True, "add pool_pre_ping=True", (Edit("app/db.py", 3, 30, 3, 30, ", pool_pre_ping=True"),)),
)
SILENT = Finding("note", "m", "h", Location("b.py", 1), rule="missing-recycle", suppressed=True, reason="why not")


def report(*findings: Finding, missing: tuple[Missing, ...] = (), **more: object) -> Report:
    outcome = Outcome(Tree(Path("."), []), Configuration(), Project(missing=missing, files=7), findings)
    return Report(outcome, **more)  # type: ignore[arg-type]


def render(name: str, made: Report) -> str:
    return format_named(name).render(made)


# -- text ----------------------------------------------------------------------------------------------------------


def test_text_prints_the_formula_and_every_number_with_its_place() -> None:
    assert render("text", report(FORMULA)) == (
        "error: recycle-too-short  app/db.py:8\n"
        "40 instances × 4 processes × (5 + 10) = 2,400 connections, but orders accepts 495\n"
        "    40  deploy/service.yaml:7    maxScale\n"
        "     4  Dockerfile:12            --workers\n"
        "     5  default of SQLAlchemy 2.0\n"
        "    10  default of SQLAlchemy 2.0\n"
        "   495  Cloud SQL db-custom-4-16384: 500, less 5 reserved\n"
        "The guides' product of request concurrency, instances and pool_size is 80 × 40 × 5 = 16,000.\n"
        "Fits: maxScale 8, or pool_size=2 with max_overflow=0.\n"
    )


def test_text_says_what_is_doubtful_unlimited_or_not_known() -> None:
    assert render("text", report(WARNING)).splitlines()[2:5] == [
        "     False  app/settings.py:4    DB_PING (fallback)",
        "no ceiling  app/db.py:5          max_overflow",
        "         ?  not known: no manifest says",
    ]


def test_text_puts_errors_first_and_a_line_between_findings() -> None:
    lines = render("text", report(WARNING, FORMULA)).splitlines()
    assert lines[0].startswith("error: ") and lines[9] == "" and lines[10].startswith("warning: ")


def test_text_of_a_clean_project_is_empty() -> None:
    assert render("text", report()) == ""


def test_text_shows_suppressed_findings_only_when_asked() -> None:
    assert render("text", report(SILENT)) == ""
    assert render("text", report(SILENT, verbose=True)) == "suppressed: missing-recycle  b.py:1: why not\n"


def test_text_ends_with_the_five_inputs_that_would_decide_most() -> None:
    missing = tuple(
        Missing("instances", f"no file says how many w{i} run", f"w{i}.instances", weight=i) for i in range(7)
    )
    lines = render("text", report(FORMULA, missing=missing)).splitlines()
    assert lines[-6] == ""
    assert lines[-5] == "unknown: no file says how many w6 run; state it with --assume w6.instances=N"
    assert lines[-1].endswith("w2.instances=N")
    assert len(render("text", report(missing=missing, verbose=True)).splitlines()) == 7


def test_color_is_only_in_the_severity() -> None:
    assert render("text", report(WARNING, color=True)).startswith(
        "\x1b[33;1mwarning\x1b[0m: missing-pre-ping  app/db.py:3\n"
    )


def test_concise_is_one_line_per_finding() -> None:
    assert render("concise", report(WARNING, FORMULA)).splitlines() == [
        "app/db.py:8:10: error: 40 instances × 4 processes × (5 + 10) = 2,400 connections, but orders accepts 495 [recycle-too-short]",
        "app/db.py:3:1: warning: connections are not tested at checkout [missing-pre-ping]",
    ]


# -- json ----------------------------------------------------------------------------------------------------------


def schema() -> dict[str, object]:
    import poollint

    return json.loads((Path(poollint.__file__).parent / "schemas" / "poollint-1.json").read_text("utf-8"))


def test_json_is_what_the_schema_says() -> None:
    data = json.loads(render("json", report(FORMULA, WARNING, SILENT, missing=(Missing("s", "r", "a.instances"),))))
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(data, schema(), cls=jsonschema.Draft202012Validator)


def test_json_holds_the_numbers_with_their_places() -> None:
    first, second, third = json.loads(render("json", report(FORMULA, WARNING, SILENT)))["findings"]
    assert first["evidence"][0] == {
        "name": "instances", "value": 40, "says": "maxScale", "certainty": "exact",
        "path": "deploy/service.yaml", "line": 7, "column": 3, "url": None,
    }  # fmt: skip
    assert first["evidence"][4]["path"] is None and first["evidence"][4]["url"] == "https://docs.example/limits"
    assert (first["line"], first["column"], first["end_line"], first["end_column"]) == (8, 10, 8, 52)
    assert (first["database"], first["environments"], first["workloads"]) == ("orders", ["prod"], ["api"])
    assert second["evidence"][1] == {
        "name": "max_overflow", "value": None, "says": "no ceiling", "certainty": "exact",
        "path": "app/db.py", "line": 5, "column": 1, "url": None,
    }  # fmt: skip
    assert second["evidence"][2]["certainty"] is None
    assert second["fix"]["edits"][0]["text"] == ", pool_pre_ping=True"
    assert third["suppressed"] is True


def test_json_counts_what_is_not_suppressed() -> None:
    summary = json.loads(render("json", report(FORMULA, WARNING, SILENT)))["summary"]
    assert (summary["errors"], summary["warnings"], summary["notes"], summary["suppressed"]) == (1, 1, 0, 1)
    assert summary["files"] == 7


# -- github --------------------------------------------------------------------------------------------------------


def parsed(line: str) -> tuple[str, dict[str, str], str]:
    """Read a workflow command as the runner does (actions/runner, ActionCommand.cs)."""
    line = line.lstrip()
    assert line.startswith("::")
    header, _, message = line[2:].partition("::")
    name, _, pairs = header.partition(" ")
    properties = {}
    for pair in pairs.split(","):
        key, _, value = pair.partition("=")
        for escape, text in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            value = value.replace(escape, text)
        properties[key.strip().lower()] = value
    for escape, text in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        message = message.replace(escape, text)
    return name, properties, message


def test_an_annotation_has_the_rule_as_title_and_the_evidence_in_the_message() -> None:
    name, properties, message = parsed(annotation(FORMULA))
    assert name == "error"
    assert properties == {
        "file": "app/db.py", "line": "8", "endline": "8", "col": "10", "endcolumn": "51", "title": "recycle-too-short",
    }  # fmt: skip
    assert (
        message.startswith("40 instances × 4")
        and "deploy/service.yaml:7" in message
        and message.endswith("max_overflow=0.")
    )


def test_at_most_ten_annotations_of_a_level_and_no_notes() -> None:
    note = Finding("note", "m", "h", Location("a.py", 1), rule="missing-recycle")
    lines = render("github", report(*[WARNING] * 12, *[FORMULA] * 2, note)).splitlines()
    commands = [parsed(line)[0] for line in lines if line.startswith("::")]
    assert commands == ["error"] * 2 + ["warning"] * 10
    assert lines[-1] == "2 more warnings in the log above."


NASTY = st.text(st.sampled_from("a:,%=;\n\r0AD23C: #[]é\u202e\ud800"), max_size=30).map(lambda text: "x" + text)


@given(NASTY, NASTY)
def test_whatever_a_file_is_called_one_line_comes_out_and_the_runner_reads_it_back(path: str, message: str) -> None:
    line = annotation(Finding("error", message, "", Location(path, 1), rule="missing-recycle"))
    assert "\n" not in line and "\r" not in line and "##[" not in line
    name, properties, _ = parsed(line)
    assert name == "error" and properties["title"] == "missing-recycle" and properties["line"] == "1"
    shown = path.replace("\u202e", "\\u202e").replace("\ud800", "\\ud800")
    assert properties["file"] == shown.replace("##[", r"#\#[")


def test_no_printed_line_can_act_as_a_command() -> None:
    hostile = Finding(
        "error",
        "::add-mask::x",
        "##[error]boo",
        Location("a\n::error::b.py", 1),
        rule="missing-recycle",
        evidence=(Evidence("name", exact("::stop-commands::x", "\n::error::", "b\n::error::c", 1)),),
        details=("  ::warning::x", "##vso[task.setvariable variable=x]y"),
    )
    for name in ("text", "concise"):
        for line in render(name, report(hostile)).splitlines():
            assert not line.lstrip().startswith("::")
            assert "##[" not in line and "##vso[" not in line
    lines = render("github", report(hostile)).splitlines()
    assert [line for line in lines if line.lstrip().startswith("::")] == lines[-1:]


def test_a_long_message_is_cut_below_the_runners_limit() -> None:
    long = Finding("error", "m" * 10_000, "h", Location("a.py", 1), rule="missing-recycle")
    assert len(parsed(annotation(long))[2]) <= 4096


def test_the_summary_is_appended_to_the_file_that_github_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n", "utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    format_named("github").publish(report(FORMULA, WARNING))
    text = file.read_text("utf-8")
    assert text.startswith(
        "before\n## poollint: 1 error, 1 warning\n\n### error: recycle-too-short\n\n`app/db.py:8`\n\n"
    )
    assert "        40  deploy/service.yaml:7    maxScale\n" in text


def test_the_summary_stays_below_what_github_uploads() -> None:
    from poollint.report._markdown import summary

    long = Finding("error", "m" * 10_000, "h", Location("a.py", 1), rule="missing-recycle")
    text = summary(report(*[long] * 200))
    assert len(text.encode()) < 1024 * 1024
    assert re.search(r"\d+ more in the log\.\n$", text)


def test_names_are_no_markup_in_the_summary() -> None:
    from poollint.report._markdown import summary

    hostile = Finding(
        "error", "<img src=x> [a](http://b) @team `x`", "h", Location("`a`.py", 1), rule="missing-recycle"
    )
    text = summary(report(hostile))
    assert r"\<img src=x\> \[a\](http://b) \@team \`x\`" in text
    assert "`′a′.py:1`" in text


# -- sarif ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sarif-2.1.0.json", "sarif-github.json"])
def test_sarif_is_valid_for_the_standard_and_for_github(name: str) -> None:
    data = json.loads(render("sarif", report(FORMULA, WARNING, SILENT)))
    schema = json.loads((SCHEMAS / name).read_text("utf-8"))
    # Not checked as a schema itself: GitHub's copy has an `anyOf` among its properties by mistake.
    jsonschema.validators.validator_for(schema)(schema).validate(data)


def test_sarif_explains_a_rule_with_its_page_and_links_the_numbers() -> None:
    (run,) = json.loads(render("sarif", report(FORMULA, WARNING, SILENT)))["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["missing-pre-ping", "recycle-too-short"]
    assert "## How to fix" in run["tool"]["driver"]["rules"][0]["help"]["markdown"]
    first, second = run["results"]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("recycle-too-short", 1, "error")
    assert "40: maxScale ([deploy/service.yaml:7](1))" in first["message"]["text"]
    assert [one["id"] for one in first["relatedLocations"]] == [1, 2]
    assert first["relatedLocations"][1]["physicalLocation"]["artifactLocation"]["uri"] == "Dockerfile"
    assert (
        first["partialFingerprints"]["primaryLocationLineHash"]
        != second["partialFingerprints"]["primaryLocationLineHash"]
    )
    assert run["columnKind"] == "unicodeCodePoints"


def test_sarif_shows_one_line_even_of_a_long_call() -> None:
    long = Finding("error", "m", "h", Location("a b/é#.py", 3, 5, 9, 2), rule="missing-recycle")
    (result,) = json.loads(render("sarif", report(long)))["runs"][0]["results"]
    where = result["locations"][0]["physicalLocation"]
    assert where["region"] == {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 6}
    assert unquote(where["artifactLocation"]["uri"]) == "a b/é#.py" and "#" not in where["artifactLocation"]["uri"]


# -- every format --------------------------------------------------------------------------------------------------

HOSTILE = Finding(
    "error",
    "bad \x1b[31m\u202e name",
    "see postgresql://app:s3cr3t@db/x",
    Location("a\udcff\n.py", 1),
    rule="missing-recycle",
    evidence=(Evidence("url", exact("mysql://u:p@ss/w0rd@h/db", "redis://:hunter2@r", "c.py", 1)),),
    details=("amqp://u:t0ps3cret@q",),
)


@pytest.mark.parametrize("name", formats())
def test_no_format_prints_a_password_or_a_hidden_character(name: str) -> None:
    text = render(name, report(HOSTILE, missing=(Missing("s", "postgresql://u:m1ssing@h", "a\u202e.instances"),)))
    text.encode("utf-8")
    assert not re.search(r"s3cr3t|w0rd|hunter2|t0ps3cret|m1ssing", text)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f]", text)


@pytest.mark.parametrize("name", formats())
def test_every_format_has_something_to_say_about_nothing(name: str) -> None:
    assert isinstance(render(name, report()), str)


# -- escaping ------------------------------------------------------------------------------------------------------

REDACTED = {
    "postgresql://app:secret@db/x": "postgresql://app:***@db/x",
    "postgresql+asyncpg://app:secret@db/x": "postgresql+asyncpg://app:***@db/x",
    "redis://:secret@db": "redis://:***@db",
    "a://u:p@ss:w/o?r#d@h/x and b://v:q@i": "a://u:***@h/x and b://v:***@i",
    "postgresql://app@db:5432/x": "postgresql://app@db:5432/x",
    "http://host:8080/path": "http://host:8080/path",
    "plain": "plain",
}


@pytest.mark.parametrize("text", REDACTED)
def test_the_password_of_a_url_becomes_stars(text: str) -> None:
    assert redact(text) == REDACTED[text]


@given(st.text())
def test_cleaned_text_is_one_printable_line_that_stays_as_it_is(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert "\n" not in clean(text) and clean(text).encode("utf-8") is not None


def test_inert_text_keeps_ordinary_lines() -> None:
    assert inert("a::b: ## c [d]") == "a::b: ## c [d]"
    assert inert("  ::error::x") == r"  \::error::x"
    assert inert("##[x]##vso[y]") == r"#\#[x]#\#vso[y]"


# -- other systems -------------------------------------------------------------------------------------------------


def test_gitlab_gets_unique_fingerprints_and_relative_paths() -> None:
    issues = json.loads(render("gitlab", report(FORMULA, WARNING, replace(WARNING, message="again"), SILENT)))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == 3
    assert issues[0]["severity"] == "critical" and issues[0]["check_name"] == "recycle-too-short"
    assert issues[0]["location"]["path"] == "app/db.py" and issues[0]["location"]["positions"]["begin"]["line"] == 8
    assert "deploy/service.yaml:7" in issues[0]["description"]


def test_rdjson_is_what_reviewdog_reads() -> None:
    data = json.loads(render("rdjson", report(FORMULA, WARNING)))
    schema = json.loads((SCHEMAS / "rdjson.json").read_text("utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(data)
    assert data["diagnostics"][0]["related_locations"][0]["location"]["path"] == "deploy/service.yaml"
    assert data["diagnostics"][1]["suggestions"][0]["text"] == ", pool_pre_ping=True"


def test_rdjson_counts_columns_in_bytes(write: object) -> None:
    from poollint.discover import discover

    root = write({"a.py": "é = create_engine()\n"})  # type: ignore[operator]
    found = Finding("error", "m", "h", Location("a.py", 1, 5, 1, 20), rule="missing-recycle")
    made = Report(Outcome(discover([root]), Configuration(), Project(), (found,)))
    (diagnostic,) = json.loads(render("rdjson", made))["diagnostics"]
    assert diagnostic["location"]["range"] == {"start": {"line": 1, "column": 6}, "end": {"line": 1, "column": 21}}


def test_azure_commands_are_escaped_as_the_agent_reads_them() -> None:
    from poollint.report.azure import command

    hostile = Finding("error", "50%; a]b ##vso[x]\n::c", "h", Location("a;b].py", 1, 2), rule="missing-recycle")
    line = command(hostile)
    assert line.startswith(
        "##vso[task.logissue type=error;sourcepath=a%3Bb%5D.py;linenumber=1;columnnumber=2;code=missing-recycle;]50%AZP25%3B a%5Db "
    )
    assert line.count("##vso[") == 1 and "\n" not in line


def test_junit_counts_errors_and_warnings_as_failures() -> None:
    from xml.etree import ElementTree

    note = Finding("note", '<m> & "q"', "h", Location("a<b>.py", 1), rule="missing-recycle")
    suite = ElementTree.fromstring(render("junit", report(FORMULA, WARNING, note)))[0]
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    assert suite[2].get("file") == "a<b>.py" and "<m> &" in suite[2][0].text
