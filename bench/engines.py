#!/usr/bin/env python3
"""Measure the evaluation that poollint does for the engines of some trees: seconds beyond parsing, file by file.

    bench/engines.py [--alone] TREE...

--alone  each file with an engine by itself, as if it were all of a project

Prints the slowest files with an engine: seconds of CPU for the arguments of its engines, and how many lines it has. What
other files' values cost, and looking through a project for callers, counts for the engine that asks for it first. Ends
with 1 when a file of up to 5,000 lines takes more than a second.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from poollint.discover import Tree, discover
from poollint.facts import NO_ENVIRONMENT
from poollint.python.code import Code
from poollint.python.source.modules import Modules


class Clock:
    """Counts the time of parsing apart, from now on: the parser is the standard library's."""

    def __init__(self) -> None:
        self.parsing = 0.0
        self._parse = Modules._parse
        Modules._parse = lambda modules, path: self.parse(modules, path)

    def parse(self, modules: Modules, path: str):
        started = time.process_time()
        try:
            return self._parse(modules, path)
        finally:
            self.parsing += time.process_time() - started


def main(arguments: list[str]) -> int:
    gc.disable()  # as the command line does
    clock = Clock()
    trees = [each for each in arguments if each != "--alone"]
    projects = (code for tree in trees for code in (alone(tree) if "--alone" in arguments else [Code(discover([Path(tree)]))]))
    rows = sorted((row for code in projects for row in measured(code, clock)), reverse=True)
    for seconds, path, lines in rows[:15]:
        print(f"{seconds:7.2f} s  {lines:6} lines  {path}")
    slow = [row for row in rows if row[0] > 1 and row[2] <= 5_000]
    print(f"{len(rows)} files with engines, {len(slow)} over a second")
    return 1 if slow else 0


def alone(tree: str) -> Iterator[Code]:
    """Yield each file of a tree that has an engine, as a project of its own."""
    root = Path(tree)
    for path in dict.fromkeys(site.module.path for site in Code(discover([root]))._sites.found):
        yield Code(Tree(root, [path]))


def measured(code: Code, clock: Clock) -> list[tuple[float, str, int]]:
    """Return seconds, path and number of lines of each file with an engine."""
    code.graph.importers  # the import scan of the whole project belongs to no file
    facts = code._facts  # imports the evaluator: no file's time
    seconds: dict[str, float] = {}
    lines: dict[str, int] = {}
    for site in code._sites.found:
        evaluator = code._evaluator(NO_ENVIRONMENT)
        before, parsed = time.process_time(), clock.parsing
        list(facts._ways(site, evaluator, _library(code, site)))
        spent = time.process_time() - before - (clock.parsing - parsed)
        seconds[site.module.path] = seconds.get(site.module.path, 0) + spent
        lines[site.module.path] = len(site.module.lines)
    return [(spent, f"{code.modules.tree.root.name}/{path}", lines[path]) for path, spent in seconds.items()]


def _library(code: Code, site):
    from poollint.python.pools import Library
    from poollint.versions import declared

    return Library(lambda name: declared(code.versions, name, site.module.path))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
