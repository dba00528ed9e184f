"""What the README shows is what the command prints. `python tests/test_readme.py` writes it there."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import pytest
from running import poollint

TOP = Path(__file__).parents[1]
README = TOP / "README.md"
SHOWN = re.compile(r"(?<=<!-- output of: poollint )(?P<arguments>[^\n]*) -->\n```\n(?P<text>.*?)```\n", re.DOTALL)


def shown() -> dict[str, str]:
    return {match["arguments"]: match["text"] for match in SHOWN.finditer(README.read_text("utf-8"))}


def printed(arguments: str, folder: Path) -> str:
    """Run a command at the top of what looks like a clone: paths are relative to it."""
    shutil.copytree(TOP / "examples", folder / "examples")
    (folder / ".git").mkdir()
    return poollint(*arguments.split(), cwd=folder).stdout


@pytest.mark.parametrize("arguments", shown())
def test_the_readme_shows_what_is_printed(arguments: str, tmp_path: Path) -> None:
    assert printed(arguments, tmp_path) == shown()[arguments]


def test_the_readme_shows_the_example_before_and_after() -> None:
    assert [arguments.rpartition("/")[2] for arguments in shown()] == ["before", "after"]
    assert all(text for text in shown().values())


def test_the_commands_of_the_set_up_run_the_example_and_the_tests() -> None:
    commands = re.findall(r"^python3 -m venv .*$", README.read_text("utf-8"), re.MULTILINE)
    assert [command.rpartition(" && ")[2] for command in commands] == [
        ".venv/bin/poollint examples/alloydb-cloud-run/before",
        ".venv/bin/python -m pytest",
    ]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "rules/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", (TOP / page).read_text("utf-8")):
        assert ((TOP / page).parent / link).exists(), link


def _fresh(match: re.Match[str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        text = printed(match["arguments"], Path(folder))
    return f"{match['arguments']} -->\n```\n{text}```\n"


if __name__ == "__main__":
    README.write_text(SHOWN.sub(_fresh, README.read_text("utf-8")), "utf-8")
