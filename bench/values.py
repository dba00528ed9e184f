#!/usr/bin/env python3
"""Print the share of labelled pool settings that `poollint facts` knows and gets right.

    bench/values.py LABELS.yaml TREES POOLLINT

LABELS.yaml  repositories, their engine calls and what a reader resolved: `keywords.pool_size.resolved: "5 (default)"`
TREES        one exported tree for each repository, named as the label's `tree` field says
POOLLINT     the command to run

A wrong value is worse than an unknown one, so they are counted apart and each is printed.
"""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
from collections import Counter

import yaml

SETTINGS = ("pool_size", "max_overflow", "pool_timeout", "pool_recycle", "pool_pre_ping", "poolclass")
LEADING = re.compile(r"(-?\d+(?:\.\d+)?|True|False|NullPool|QueuePool)(?![\w(])")
JUDGED_ELSEWHERE = {"test", "migration", "sample", "mock", "not-sqlalchemy", "wrapper-call"}


def main(labels: str, trees: str, poollint: str) -> int:
    repositories = yaml.load(pathlib.Path(labels).read_text(), Loader=yaml.CSafeLoader)["repositories"]
    count: Counter[str] = Counter()
    for repository in repositories:
        tree = pathlib.Path(trees) / repository["tree"]
        if not tree.is_dir():
            continue
        engines = facts(poollint, tree)
        for call in repository["calls"]:
            if call.get("role") not in JUDGED_ELSEWHERE and not is_dead(call):
                engine = engines.get((call["path"], call["line"])) or made_from(engines.values(), call)
                for setting, wanted in labelled(call):
                    verdict, found = compare(engine, setting, wanted)
                    count[verdict] += 1
                    if verdict != "right":
                        where = f"{repository['repo']} {call['path']}:{call['line']}"
                        print(f"{verdict.upper():8} {where} {setting}: {found}, labelled {wanted}")
    total = sum(count.values())
    print(f"{total} settings: {count['right']} right ({count['right'] / max(total, 1):.1%}), "
          f"{count['unknown']} unknown, {count['absent']} without an engine, {count['wrong']} wrong")
    return 0 if total and count["right"] / total >= 0.95 and not count["wrong"] else 1


def facts(poollint: str, tree: pathlib.Path) -> dict[tuple[str, int], dict]:
    """Return the engines of a tree by place."""
    done = subprocess.run([poollint, "facts", ".", "--format", "json"], cwd=tree, capture_output=True, text=True, timeout=300)
    return {(engine["path"], engine["line"]): engine for engine in json.loads(done.stdout)["engines"]}


def made_from(engines, call: dict) -> dict | None:
    """Return the engine whose options stand at the label: Flask's stand apart from the call that makes the engine."""
    lines = range(call["line"], call["line"] + 20)
    for engine in engines:
        for setting in engine["settings"].values():
            if setting.get("path") == call["path"] and setting.get("line") in lines:
                return engine
    return None


def is_dead(call: dict) -> bool:
    """Say whether the label itself says that nothing reads these options: there is no engine to compare."""
    flagged = (call.get("expected") or {}).get("flag") or []
    return any(item["rule"] in ("dead-setting", "config-key-ignored") for item in flagged)


def labelled(call: dict):
    """Yield the settings whose label begins with a plain value."""
    for setting, reading in (call.get("keywords") or {}).items():
        if setting in SETTINGS and isinstance(reading, dict):
            match = LEADING.match(str(reading.get("resolved", "")))
            if match:
                yield setting, match[1]


def compare(engine: dict | None, setting: str, wanted: str) -> tuple[str, object]:
    if engine is None:
        return "absent", None
    if setting == "poolclass":
        found = engine["pool_class"]
        found = found.get("value") if isinstance(found, dict) else found
        return ("unknown" if found is None else "right" if found == wanted else "wrong"), found
    value = engine["settings"].get(setting, {})
    if not value.get("known"):
        return "unknown", value.get("says")
    same = str(bool(value["value"])) == wanted if wanted in ("True", "False") else float(value["value"]) == float(wanted)
    return ("right" if same else "wrong"), value["value"]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
