"""Environments of their own for tests against versions that the test environment cannot hold beside its own."""

from __future__ import annotations

import os
import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def python_with(packages: Sequence[str], folder: Path) -> Path:
    """Return the Python of a new environment that holds some packages; skip without a package index, but never in CI."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    done = subprocess.run([python, "-m", "pip", "install", "-q", *packages], capture_output=True, text=True, timeout=300)
    if done.returncode:
        message = f"{packages[0]} could not be installed: {done.stderr[-300:]}"
        # Without a package index there is nothing to compare with; CI has one and may not skip.
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return python


def run_tests(python: Path, file: Path) -> subprocess.CompletedProcess[str]:
    """Run a file of tests there; not with the project's own test folder as a root: its conftest needs all of poollint."""
    command = [python, "-m", "pytest", "-q", "--import-mode=importlib", "--noconftest", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "-c", os.devnull, "--rootdir", file.parent, file],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (TESTS.parent / "src", TESTS)))},
        cwd=file.parent,
    )
