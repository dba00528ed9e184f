"""Compare poollint's CPU time with `grep -rl` and `ruff check --no-cache` on a generated tree.

    python bench/speed.py [--files 3000] [--repeat 5]

Prints one line per command and tree: seconds of CPU (the best of the runs) and the ratio to grep.
Ruff is left out, and said so, when it is not installed beside this Python or on the PATH.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

MODULE = '''"""Module {number} of the shop."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from shop.part{other} import Thing{other}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Thing{number}:
    name: str
    amount: int = {number}

    def total(self, other: Thing{other} | None = None) -> int:
        """Add what belongs together."""
        if other is None:
            return self.amount
        log.info("adding %s and %s", self.name, other.name)
        return self.amount + other.amount


def build(names: list[str]) -> dict[str, Thing{number}]:
    return {{name: Thing{number}(name, len(name)) for name in names if name}}
'''
MANIFEST = """apiVersion: v1
kind: ConfigMap
metadata:
  name: settings-{number}
data:
  level: info
  number: "{number}"
"""
ENGINE = """from fastapi import FastAPI
from sqlalchemy import create_engine

app = FastAPI()
engine = create_engine("postgresql+psycopg2://app@db.internal/orders", pool_size=10)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    for title, engine in (("without an engine", False), ("with one engine", True)):
        with tempfile.TemporaryDirectory() as folder:
            written = generate(Path(folder), options.files, engine)
            print(f"{written:,} files, {title}")
            report(Path(folder), options.repeat)


def generate(folder: Path, files: int, engine: bool) -> int:
    """Write Python modules, manifests, documents and data, about as a service repository mixes them."""
    texts = dict(_texts(files))
    if engine:
        texts["shop/db.py"] = ENGINE
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return len(texts)


def _texts(files: int) -> Iterator[tuple[str, str]]:
    for number in range(files):
        match number % 10:
            case 7:
                yield f"deploy/{number % 40}/settings-{number}.yaml", MANIFEST.format(number=number)
            case 8:
                yield f"docs/{number % 40}/page-{number}.md", f"# Page {number}\n\n" + "Words and words.\n" * 40
            case 9:
                yield f"web/{number % 40}/view-{number}.ts", f"export const view{number} = () => {number};\n" * 20
            case _:
                yield f"shop/part{number}.py", MODULE.format(number=number, other=(number * 7) % files)


def report(folder: Path, repeat: int) -> None:
    commands = {
        "grep -rl": ["grep", "-rl", "create_engine", "."],
        "ruff check --no-cache": [_beside("ruff"), "check", "--no-cache", "--quiet", "."],
        "poollint": [sys.executable, "-m", "poollint", "--quiet", "."],
    }
    base = None
    for name, command in commands.items():
        if command[0] is None:
            print(f"  {name:24s} not installed")
            continue
        seconds = min(cpu_seconds(command, folder) for _ in range(repeat))
        base = base or max(seconds, 0.001)
        print(f"  {name:24s} {seconds:7.3f} s CPU  {seconds / base:6.1f} × grep")


def _beside(name: str) -> str | None:
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def cpu_seconds(command: list[str], folder: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    if done.returncode not in (0, 1) or b"No module named" in done.stderr:  # 1: something was found
        sys.exit(f"{command}: {done.stderr.decode()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
