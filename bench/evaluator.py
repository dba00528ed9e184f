#!/usr/bin/env python3
"""Evaluate every expression of a folder of Python files, each file by itself: nothing may raise, nothing may take long.

    bench/evaluator.py [FOLDER [FILES [EVERY]]]

Prints the slowest files (seconds beyond parsing, lines, expressions, slowest expression and its line) and every crash.
Without FOLDER: the standard library. FILES: a sample of that many, the same one each time. EVERY: ask only about every
n-th expression of a file.
"""

from __future__ import annotations

import ast
import random
import sys
import sysconfig
import time
import traceback
from pathlib import Path

from poollint.discover import Tree
from poollint.python.evaluator.evaluate import Evaluator
from poollint.python.source.modules import Module, Modules

ASKED = (ast.Call, ast.Attribute, ast.Name, ast.BinOp, ast.Subscript, ast.Dict)


def main(folder: str, count: int, every: int) -> int:
    root = Path(folder)
    files = sorted(str(path.relative_to(root)) for path in root.rglob("*.py"))
    random.Random(1).shuffle(files)
    rows, crashes = [], 0
    for path in files[:count]:
        modules = Modules(Tree(root, [path]))
        if (module := modules.module(path)) is not None:
            seconds, expressions, slowest, failed = measured(module, every)
            rows.append((seconds, path, len(module.lines), expressions, slowest))
            crashes += failed
    for seconds, path, lines, expressions, (worst, line) in sorted(rows, reverse=True)[:15]:
        print(f"{seconds:7.2f} s  {lines:6} lines  {expressions:6} expressions  slowest {worst:.2f} s at {path}:{line}")
    print(f"{len(rows)} files, {crashes} crashes")
    return 1 if crashes else 0


def measured(module: Module, every: int) -> tuple[float, int, tuple[float, int], int]:
    """Return seconds, expressions, the slowest of them and the number of crashes."""
    evaluator = Evaluator(module.modules)
    asked = [node for node in module.nodes if isinstance(node, ASKED)]
    asked = [node for node in asked if not isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del))][::every]
    started, slowest, crashes = time.process_time(), (0.0, 0), 0
    for number, node in enumerate(asked):
        before = time.process_time()
        try:
            if number % 10:
                evaluator.value(node, module)
            else:
                evaluator.alternatives(
                    lambda world, node=node: (world.reachable(node, module), world.value(node, module))
                )
        except Exception:
            crashes += 1
            print(f"{module.path}:{node.lineno}")
            traceback.print_exc(limit=-4)
        slowest = max(slowest, (time.process_time() - before, node.lineno))
    return time.process_time() - started, len(asked), slowest, crashes


if __name__ == "__main__":
    folder, files, every, *_ = [*sys.argv[1:], *(sysconfig.get_path("stdlib"), 10**9, 1)[len(sys.argv) - 1 :]]
    sys.exit(main(folder, int(files), int(every)))
