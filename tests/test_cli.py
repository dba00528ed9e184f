"""The command as users run it: exit codes, streams, options."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import jsonschema
import pytest
from running import CLEAN, FILE, SERVICE, poollint, python

Write = Callable[[Mapping[str, str]], Path]

# -- exit codes ----------------------------------------------------------------------------------------------------


def test_a_finding_ends_with_1_and_stands_on_standard_output(write: Write) -> None:
    done = poollint(".", cwd=write(SERVICE))
    assert done.returncode == 1
    assert done.stdout.startswith("warning: missing-pre-ping  app/db.py:5\n")
    assert done.stderr == "0 errors, 1 warning, 0 notes. Read 1 file: 1 engine, 0 workloads, 1 database.\n"


def test_nothing_found_ends_with_0_and_prints_nothing_on_standard_output(write: Write) -> None:
    done = poollint(".", cwd=write(FILE))
    assert (done.returncode, done.stdout) == (0, "")


def test_what_would_decide_is_said_and_fails_only_a_strict_run(write: Write) -> None:
    root = write(CLEAN)
    done = poollint(cwd=root)
    assert done.returncode == 0
    assert all(line.startswith("unknown: ") and "--assume " in line for line in done.stdout.splitlines())
    assert done.stdout and poollint("--strict", cwd=root).returncode == 1


@pytest.mark.parametrize(("level", "code"), [("error", 0), ("warning", 1), ("note", 1), ("never", 0)])
def test_fail_on_decides_which_findings_fail(write: Write, level: str, code: int) -> None:
    done = poollint("--fail-on", level, cwd=write(SERVICE))
    assert done.returncode == code
    assert "missing-pre-ping" in done.stdout


def test_the_configuration_may_set_the_level_and_the_option_wins(write: Write) -> None:
    root = write({**SERVICE, "poollint.toml": 'fail-on = "error"\n'})
    assert poollint(cwd=root).returncode == 0
    assert poollint("--fail-on", "warning", cwd=root).returncode == 1


def test_strict_fails_for_a_file_that_could_not_be_read(write: Write) -> None:
    root = write({**FILE, "app/broken.py": "from sqlalchemy import create_engine\nengine = create_engine(\n"})
    assert poollint(cwd=root).returncode == 0
    done = poollint("--strict", cwd=root)
    assert done.returncode == 1
    assert "skipped: app/broken.py:2: " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--formt", "json"], "No such option"),
        (["--format", "xml"], "is not one of"),
        (["--select", "missing-preping"], "did you mean `missing-pre-ping`?"),
        (["--ignore", "x"], "there is no rule 'x'"),
        (["--fail-on", "high"], "is not one of"),
        (["--assume", "instances"], "is not KEY=VALUE"),
        (["--assume", "api.instanses=2"], "did you mean `instances`?"),
        (["--config", "nowhere.toml"], "does not exist"),
        (["--format", "json", "--format", "text"], "several formats on standard output"),
        (["--output", "a", "--output", "b"], "more --output than --format"),
        (["explain", "missing-preping"], "did you mean `missing-pre-ping`?"),
        (["providers", "cloud-sql-postgres"], "did you mean `cloud-sql-postgresql`?"),
        (["nowhere"], "nowhere: no such file or folder"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_was_meant(write: Write, arguments: list[str], message: str) -> None:
    done = poollint(*arguments, cwd=write(SERVICE))
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())


def test_a_mistake_in_the_configuration_ends_with_2_and_names_its_line(write: Write) -> None:
    done = poollint(cwd=write({**SERVICE, "pyproject.toml": "[tool.poollint]\n\nfail_on = 'note'\n"}))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: pyproject.toml:3: unknown key `fail_on`; did you mean `fail-on`?\n"


def test_a_path_that_does_not_exist_ends_with_2_and_the_others_are_judged(write: Write) -> None:
    done = poollint("app", "gone", "--format", "json", cwd=write(SERVICE))
    data = json.loads(done.stdout)
    assert done.returncode == 2
    assert [one["rule"] for one in data["findings"]] == ["missing-pre-ping"]
    assert data["skipped"] == [{"path": "gone", "line": None, "reason": "no such file or folder"}]
    assert "skipped: gone: no such file or folder\n" in done.stderr


def test_a_defect_of_poollint_ends_with_3_in_two_lines_without_what_the_project_says(write: Write) -> None:
    script = (
        "from poollint import cli, pipeline\n"
        "def fail(*a, **k): raise ValueError('postgresql://u:hunter2@h')\n"
        "pipeline.run = fail\n"
        "cli.main()\n"
    )
    done = python("-c", script, cwd=write(SERVICE))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("poollint 0.1.0 failed: ValueError at cli.py:")
    assert "Please report" in done.stderr and "hunter2" not in done.stderr and len(done.stderr.splitlines()) == 2


# -- streams -------------------------------------------------------------------------------------------------------


def test_a_project_without_an_engine_is_clean_and_one_line_says_so(write: Write) -> None:
    done = poollint(cwd=write({"app.py": "print(1)\n", "compose.yaml": "services: {}\n"}))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "No SQLAlchemy engine found in 2 files.\n")


def test_quiet_prints_findings_only(write: Write) -> None:
    done = poollint(
        "-q", cwd=write({**SERVICE, "app/broken.py": "from sqlalchemy import create_engine\ncreate_engine(\n"})
    )
    assert "missing-pre-ping" in done.stdout and done.stderr == ""


def test_statistics_count_the_findings_of_each_rule(write: Write) -> None:
    done = poollint("--statistics", cwd=write(SERVICE))
    assert "     1  missing-pre-ping\n" in done.stderr and "     1  missing-pre-ping" not in done.stdout


def test_what_was_left_out_of_a_repository_is_said(write: Write) -> None:
    root = write(SERVICE)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    done = poollint("app", cwd=root)
    assert "app/db.py:5" in done.stdout, "paths are relative to the repository"
    assert "only app was read" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "variables", "colored"),
    [
        ([], {}, False),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_color(write: Write, arguments: list[str], variables: dict[str, str], colored: bool) -> None:
    done = poollint(*arguments, cwd=write(SERVICE), **variables)
    assert ("\x1b[" in done.stdout) is colored


# -- commands and options ------------------------------------------------------------------------------------------


def test_a_first_word_that_is_a_command_is_the_command_and_dot_slash_is_a_folder(write: Write) -> None:
    root = write({f"rules/{path}": text for path, text in SERVICE.items()})
    assert "missing-pre-ping  " in poollint("rules", cwd=root).stdout
    assert "missing-pre-ping  app/db.py:5\n" in poollint("./rules", cwd=root).stdout


def test_check_may_be_left_out_also_before_options(write: Write) -> None:
    root = write(SERVICE)
    printed = {poollint(*words, cwd=root).stdout for words in (["check", "."], ["."], [], ["--format", "text", "."])}
    assert len(printed) == 1


def test_select_and_ignore_choose_the_rules(write: Write) -> None:
    root = write(SERVICE)
    assert poollint("--select", "missing-recycle,recycle-too-short", cwd=root).returncode == 0
    assert poollint("--ignore", "missing-pre-ping", cwd=root).returncode == 0
    assert poollint("--select", "missing-pre-ping", cwd=root).returncode == 1


def test_an_unused_suppression_is_found_also_when_only_it_is_asked_for(write: Write) -> None:
    root = write({"app/db.py": CLEAN["app/db.py"].replace("True)", "True)  # poollint: ignore[missing-pre-ping] old")})
    done = poollint("--select", "unused-suppression", "--format", "concise", cwd=root)
    assert done.stdout.startswith("app/db.py:5:") and "[unused-suppression]" in done.stdout


def test_a_suppressed_finding_is_listed_in_json_and_not_counted(write: Write) -> None:
    root = write(
        {"app/db.py": SERVICE["app/db.py"].replace('orders")', 'orders")  # poollint: ignore[missing-pre-ping] why')}
    )
    done = poollint("--format", "json", cwd=root)
    data = json.loads(done.stdout)
    assert done.returncode == 0
    assert [one["suppressed"] for one in data["findings"]] == [True]
    assert (data["summary"]["warnings"], data["summary"]["suppressed"]) == (0, 1)


def test_several_formats_go_to_their_files(write: Write) -> None:
    root = write(SERVICE)
    done = poollint(
        "--format",
        "json",
        "--output",
        "a.json",
        "--format",
        "sarif",
        "--output",
        "b.sarif",
        "--format",
        "concise",
        cwd=root,
    )
    assert done.stdout.startswith("app/db.py:5:")
    assert json.loads((root / "a.json").read_text())["version"] == 1
    assert json.loads((root / "b.sarif").read_text())["version"] == "2.1.0"


def test_the_printed_schema_describes_the_printed_json(write: Write) -> None:
    root = write(SERVICE)
    schema = json.loads(poollint("check", "--schema", cwd=root).stdout)
    jsonschema.validate(json.loads(poollint("--format", "json", cwd=root).stdout), schema)


def test_inside_github_actions_annotations_are_the_default(write: Write) -> None:
    root = write(SERVICE)
    done = poollint(cwd=root, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(root / "summary.md"))
    assert done.stdout.startswith("warning: missing-pre-ping") and "\n::warning file=app/db.py,line=5," in done.stdout
    assert (root / "summary.md").read_text("utf-8").startswith("## poollint: 1 warning")


def test_under_pre_commit_only_files_that_git_knows_are_read(write: Write) -> None:
    root = write(SERVICE)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    assert poollint(cwd=root, PRE_COMMIT="1").returncode == 0
    subprocess.run(["git", "-C", str(root), "add", "app/db.py"], check=True)
    assert poollint(cwd=root, PRE_COMMIT="1").returncode == 1


def test_config_names_another_file_and_isolated_reads_none(write: Write) -> None:
    root = write({**SERVICE, "poollint.toml": 'severity = {missing-pre-ping = "off"}\n', "ci/strict.toml": ""})
    assert poollint(cwd=root).returncode == 0
    assert poollint("--config", "ci/strict.toml", cwd=root).returncode == 1
    assert poollint("--isolated", cwd=root).returncode == 1


def test_explain_prints_the_page_of_a_rule(write: Write) -> None:
    done = poollint("explain", "missing-pre-ping", cwd=write({}))
    assert done.stdout.startswith("missing-pre-ping (warning): pooled connections are not tested")
    assert "## How to fix" in done.stdout


def test_rules_and_providers_are_listed_for_people_and_for_programs(write: Write) -> None:
    root = write({})
    assert "missing-pre-ping" in poollint("rules", cwd=root).stdout
    assert "missing-pre-ping" in {
        r["name"] for r in json.loads(poollint("rules", "--format", "json", cwd=root).stdout)["rules"]
    }
    assert "cloud-sql-postgresql" in poollint("providers", cwd=root).stdout
    assert "https://" in poollint("providers", "cloud-sql-postgresql", cwd=root).stdout
    assert json.loads(poollint("providers", "--format", "json", cwd=root).stdout)
    assert json.loads(poollint("providers", "cloud-sql-postgresql", "--format", "json", cwd=root).stdout)


def test_facts_print_what_was_seen_with_places(write: Write) -> None:
    root = write(SERVICE)
    assert (
        "app/db.py:5  create_engine, module, service; psycopg2 to db.internal/orders; QueuePool\n"
        in poollint("facts", cwd=root).stdout
    )
    data = json.loads(poollint("facts", "--format", "json", cwd=root).stdout)
    (engine,) = data["engines"]
    assert (engine["path"], engine["line"], engine["driver"], engine["async"]) == ("app/db.py", 5, "psycopg2", False)
    assert engine["settings"]["pool_size"]["value"] == 5 and engine["settings"]["pool_size"]["certainty"] == "default"


def test_the_version_is_printed(write: Write) -> None:
    assert poollint("--version", cwd=write({})).stdout == "poollint, version 0.1.0\n"


# -- speed ---------------------------------------------------------------------------------------------------------


def test_a_repository_without_an_engine_is_answered_without_libcst(write: Write) -> None:
    root = write(
        {"app.py": "import sqlalchemy\n", "compose.yaml": "services: {}\n", "main.tf": "", "Dockerfile": "FROM x\n"}
    )
    script = (
        "import sys\nsys.argv = ['poollint', '.']\nfrom poollint import cli\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'libcst', 'ruamel', 'tree_sitter', 'packaging'} & set(sys.modules)))"
    )
    done = python("-c", script, cwd=root)
    assert done.stdout == "[]\n"
