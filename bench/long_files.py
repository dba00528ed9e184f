#!/usr/bin/env python3
"""Measure the evaluation of the engines in made-up files of 5,000 and of 10,000 lines: seconds of CPU beyond parsing.

    bench/long_files.py [KIND...]

Each kind is as long as it is for another reason, and one engine (of "engines": all of them) needs what stands there.
Ends with 1 when a file of 5,000 lines takes more than a second.
"""

from __future__ import annotations

import gc
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from engines import Clock, measured

from poollint.discover import discover
from poollint.python.code import Code

HEAD = "import os\nfrom sqlalchemy import create_engine\nURL = os.environ['DATABASE_URL']\nn = int(os.getenv('N', '3'))\n"
ENGINE = "engine = create_engine(URL, **d)\n"
LINES = 4_980  # beside those of a beginning and an end


def _each(lines: int, *pieces: str) -> str:
    """Return the pieces over and over, with their number, until there are so many lines."""
    height = sum(piece.count("\n") for piece in pieces)
    return "".join(piece.replace("#", str(number)) for number in range(lines // height) for piece in pieces)


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def _settings(lines: int) -> str:
    fields = _each(lines, "    f#: int = #\n")
    return f"{HEAD}from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n{fields}settings = Settings()\n" + (
        "d = {'pool_size': settings.f9, 'max_overflow': settings.f77}\n" + ENGINE
    )


def _methods(lines: int) -> str:
    methods = _each(lines, "    def m#(self, x):\n        self.a# = x\n        self.size = max(self.size, 2)\n")
    return f"{HEAD}class C:\n    def __init__(self):\n        self.size = 5\n{methods}d = {{'pool_size': C().size}}\n{ENGINE}"


def _configuration(lines: int) -> str:
    keys = _each(lines, "app.config['K#'] = os.getenv('K#', '#')\n")
    return f"{HEAD}from flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy\napp = Flask(__name__)\n{keys}" + (
        "app.config['SQLALCHEMY_DATABASE_URI'] = URL\n"
        "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': int(app.config['K7'])}\ndb = SQLAlchemy(app)\n"
    )


def _function(lines: int) -> str:
    body = _indented(_each(lines, "if size > #:\n    d['pool_size'] = size\n", "a# = size\n"))
    return f"{HEAD}def make(size=4):\n    d = {{}}\n{body}{_indented(ENGINE)}make()\n"


def _elif(lines: int) -> str:
    arms = _each(lines * 2 // 3, "elif n == #:\n    d['pool_size'] = #\n")
    return f"{HEAD}d = {{}}\nif n == -1:\n    d['pool_size'] = 1\n{arms}{_each(lines // 3, 'a# = 1' + chr(10))}{ENGINE}"


def _steps(*pieces: str, before: str = "d = {}\n", after: str = ENGINE) -> Callable[[int], str]:
    return lambda lines: HEAD + before + _each(lines, *pieces) + after


KINDS: dict[str, Callable[[int], str]] = {
    "steps of a dict": _steps("d['k#'] = #\n", after="d = {'pool_size': d['k7']}\n" + ENGINE),
    "steps of a number": _steps("size = size + 1\n", before="size = 1\n", after="d = {'pool_size': size}\n" + ENGINE),
    "conditions on variables": _steps("if os.getenv('F#'):\n    d['pool_size'] = #\n"),
    "conditions on a number": _steps("if n > #:\n    d['pool_size'] = #\n"),
    "conditions on a dict": _steps("if d.get('k#') or n == #:\n    d['pool_size'] = #\n"),
    "an elif chain": _elif,
    "guarded steps": _steps("try:\n    d['pool_size'] = int(os.environ['F#'])\nexcept KeyError:\n    pass\n"),
    "one long function": _function,
    "functions that call the first": _steps(
        "def f#_(x):\n    return f0(x) + #\n", before="def f0(x):\n    return 5\n", after="d = {'pool_size': f4_(1)}\n" + ENGINE
    ),
    "methods of a class": _methods,
    "fields of settings": _settings,
    "keys of a configuration": _configuration,
    "calls of one function": _steps(
        "e# = make(#)\n", before="def make(size):\n    return create_engine(URL, pool_size=size)\n", after=""
    ),
    "engines": _steps("engine# = create_engine(URL, pool_size=n)\n", after=""),
}


def main(kinds: list[str]) -> int:
    gc.disable()  # as the command line does
    clock, slow = Clock(), 0
    for kind in kinds or KINDS:
        once, twice = (seconds(KINDS[kind](lines), clock) for lines in (LINES, 2 * LINES))
        slow += once > 1
        print(f"{once:7.2f} s  {twice:7.2f} s  {kind}", flush=True)
    print(f"{slow} over a second")
    return 1 if slow else 0


def seconds(program: str, clock: Clock) -> float:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "main.py").write_text(program)
        return sum(spent for spent, *_ in measured(Code(discover([Path(folder)])), clock))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
