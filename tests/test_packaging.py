"""What is shipped: the wheel holds the rule book, the provider table and the schema, and runs without the checkout."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from poollint import rulebook

TOP = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    # Without isolation nothing is downloaded: hatchling is among the tests' requirements.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(TOP)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.glob("*.whl")
    return made


def _imports() -> dict[str, list[tuple[str, str]]]:
    """Return for each module what it imports when it is imported: (module, "") or (module, name in it)."""
    source = TOP / "src"
    names = {".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__"): path
             for path in (source / "poollint").rglob("*.py")}  # fmt: skip
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in names}
    for module, path in names.items():
        for stmt in ast.parse(path.read_text("utf-8")).body:
            for alias in stmt.names if isinstance(stmt, ast.ImportFrom) and stmt.module else ():
                inside = f"{stmt.module}.{alias.name}"  # type: ignore[union-attr]
                found[module].append((inside, "") if inside in names else (stmt.module, alias.name))  # type: ignore[union-attr]
    return found


def test_every_module_can_be_imported_first() -> None:
    """Modules that import each other import the module, not a name in it, which may not be there yet."""
    imports = _imports()
    for module in imports:
        for other, name in imports[module]:
            reached, todo = set(), [other] if name else []
            while todo:
                for further, _ in imports.get(todo.pop(), ()):
                    if further not in reached:
                        reached.add(further)
                        todo.append(further)
            assert module not in reached, f"{module} takes {name} of {other}, which imports it"


def test_the_wheel_holds_every_page_every_provider_and_the_schema(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"poollint/pages/{rule}.md" for rule in rulebook.names()} <= names
    providers = {
        path.relative_to(TOP / "rules").as_posix()
        for path in (TOP / "rules" / "providers").rglob("*")
        if path.is_file()
    }
    assert providers and {f"poollint/pages/{path}" for path in providers} <= names
    assert "poollint/schemas/poollint-1.json" in names
    assert not [name for name in names if name.startswith(("tests", "bench", "examples"))]


def test_what_the_wheel_holds_runs_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "here").mkdir()
    for command in (
        ["explain", "missing-pre-ping"],
        ["rules"],
        ["providers", "cloud-sql-postgresql"],
        ["check", "--schema"],
        ["."],
    ):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "poollint", *command],
            cwd=tmp_path / "here",
            env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stderr


def test_the_pre_commit_hook_reads_the_whole_project() -> None:
    (hook,) = yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert (hook["id"], hook["entry"], hook["language"]) == ("poollint", "poollint", "python")
    assert (hook["pass_filenames"], hook["always_run"], hook["require_serial"]) == (False, True, True)


def test_the_imports_point_towards_the_facts() -> None:
    """Rules open no files, readers know no rules, and facts know nothing of poollint."""
    package = TOP / "src" / "poollint"
    forbidden = {
        "facts.py": ("from poollint", "import poollint"),
        "rules/*.py": ("poollint.discover", "poollint.readers", "poollint.python", "poollint.report", "open("),
        "readers/*.py": ("poollint.rules", "poollint.report", "poollint.link", "poollint.cli"),
        "link/*.py": ("poollint.rules", "poollint.report", "poollint.cli"),
    }
    for pattern, words in forbidden.items():
        for module in package.glob(pattern):
            text = module.read_text("utf-8")
            assert not [word for word in words if word in text], f"{module.name}: {words}"
