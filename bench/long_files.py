#!/usr/bin/env python3
"""Measure the evaluation of the engines in made-up files of 5,000 lines: seconds of CPU beyond parsing, kind by kind.

    bench/long_files.py [KIND...]

Each kind is as long as it is for another reason, and one engine (of "engines": all of them) needs what stands there.
Ends with 1 when a kind takes more than a second.
"""

from __future__ import annotations

import gc
import sys
import tempfile
from pathlib import Path

from engines import Clock, measured

from poollint.discover import discover
from poollint.python.code import Code

HEAD = "import os\nfrom sqlalchemy import create_engine\nURL = os.environ['DATABASE_URL']\nn = int(os.getenv('N', '3'))\n"
ENGINE = "engine = create_engine(URL, **d)\n"


def _each(lines: int, *pieces: str) -> str:
    """Return the pieces over and over, with their number, until there are so many lines."""
    height = sum(piece.count("\n") for piece in pieces)
    return "".join(piece.replace("#", str(number)) for number in range(lines // height) for piece in pieces)


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


KINDS = {
    "steps of a dict": HEAD + "d = {}\n" + _each(4_990, "d['k#'] = #\n") + "d = {'pool_size': d['k7']}\n" + ENGINE,
    "steps of a number": HEAD + "size = 1\n" + _each(4_990, "size = size + 1\n") + "d = {'pool_size': size}\n" + ENGINE,
    "conditions on variables": HEAD + "d = {}\n" + _each(4_990, "if os.getenv('F#'):\n    d['pool_size'] = #\n") + ENGINE,
    "conditions on a number": HEAD + "d = {}\n" + _each(4_990, "if n > #:\n    d['pool_size'] = #\n") + ENGINE,
    "conditions on a dict": HEAD + "d = {}\n" + _each(4_990, "if d.get('k#') or n == #:\n    d['pool_size'] = #\n") + ENGINE,
    "an elif chain": HEAD + "d = {}\nif n == -1:\n    d['pool_size'] = 1\n"
    + _each(1_900, "elif n == #:\n    d['pool_size'] = #\n") + _each(3_080, "a# = 1\n") + ENGINE,
    "fields of settings": HEAD + "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n"
    + _each(4_980, "    f#: int = #\n") + "settings = Settings()\nd = {'pool_size': settings.f9, 'max_overflow': settings.f4000}\n" + ENGINE,
    "functions that call the next": HEAD + "def f0(x):\n    return 5\n"
    + _each(4_980, "def f#_(x):\n    return f0(x) + #\n") + "d = {'pool_size': f4_(1)}\n" + ENGINE,
    "methods of a class": HEAD + "class C:\n    def __init__(self):\n        self.size = 5\n"
    + _each(4_980, "    def m#(self, x):\n        self.a# = x\n        self.size = max(self.size, 2)\n")
    + "d = {'pool_size': C().size}\n" + ENGINE,
    "calls of one function": HEAD + "def make(size):\n    return create_engine(URL, pool_size=size)\n" + _each(4_990, "e# = make(#)\n"),
    "one long function": HEAD + "def make(size=4):\n    d = {}\n"
    + _indented(_each(4_980, "if size > #:\n    d['pool_size'] = size\n", "a# = size\n")) + _indented(ENGINE) + "make()\n",
    "guarded steps": HEAD + "d = {}\n" + _each(4_990, "try:\n    d['pool_size'] = int(os.environ['F#'])\nexcept KeyError:\n    pass\n") + ENGINE,
    "keys of a configuration": HEAD + "from flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy\napp = Flask(__name__)\n"
    + _each(4_980, "app.config['K#'] = os.getenv('K#', '#')\n")
    + "app.config['SQLALCHEMY_DATABASE_URI'] = URL\napp.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': int(app.config['K7'])}\ndb = SQLAlchemy(app)\n",
    "engines": HEAD + _each(4_990, "engine# = create_engine(URL, pool_size=n)\n"),
}  # fmt: skip


def main(kinds: list[str]) -> int:
    gc.disable()  # as the command line does
    clock, slow = Clock(), 0
    for kind in kinds or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "main.py").write_text(KINDS[kind])
            rows = measured(Code(discover([Path(folder)])), clock)
            seconds, _, lines = rows[0] if rows else (0.0, "", 0)
            slow += seconds > 1
            print(f"{seconds:7.2f} s  {lines:6} lines  {kind}", flush=True)
    print(f"{slow} over a second")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
