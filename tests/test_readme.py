"""What the README shows is what the command prints."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from running import poollint

TOP = Path(__file__).parents[1]
SHOWN = re.compile(r"<!-- output of: poollint (?P<arguments>[^\n]*) -->\n```\n(?P<text>.*?)```\n", re.DOTALL)


def shown() -> list[tuple[str, str]]:
    return [(match["arguments"], match["text"]) for match in SHOWN.finditer((TOP / "README.md").read_text("utf-8"))]


@pytest.mark.parametrize("arguments", [arguments for arguments, _ in shown()])
def test_the_readme_shows_what_is_printed(arguments: str, tmp_path: Path) -> None:
    shutil.copytree(TOP / "examples", tmp_path / "examples")
    (tmp_path / ".git").mkdir()  # a clone: paths are relative to its top
    done = poollint(*arguments.split(), cwd=tmp_path)
    assert done.stdout == dict(shown())[arguments]


def test_the_readme_shows_the_example_before_and_after() -> None:
    assert [arguments.rpartition("/")[2] for arguments, _ in shown()] == ["before", "after"]


def test_the_commands_of_the_set_up_are_the_ones_that_ci_runs() -> None:
    readme = (TOP / "README.md").read_text("utf-8")
    commands = re.findall(r"^python3 -m venv .*$", readme, re.MULTILINE)
    assert [command.rpartition(" && ")[2] for command in commands] == [
        ".venv/bin/poollint examples/alloydb-cloud-run/before",
        ".venv/bin/python -m pytest",
    ]


def test_links_of_the_readme_lead_somewhere() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "rules/README.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", (TOP / page).read_text("utf-8")):
            assert ((TOP / page).parent / link).exists(), f"{page}: {link}"
