#!/usr/bin/env python3
"""Print for which share of labelled services poollint prints how many connections they open, with where that stands.

    bench/demand.py LABELS.yaml TREES POOLLINT

LABELS.yaml  repositories and their engine calls, with a role
TREES        one exported tree for each repository, named as the label's `tree` field says
POOLLINT     the command to run

Services and workers count whose pool is known, by the label or by `poollint facts`. How far a number reaches depends on
what is written; each engine counts with the widest scope that one of its clients has:

    all       what all instances open together
    instance  what one instance opens: the number of instances is not written
    process   what one process opens: nor is the number of processes, or no deployment is here
    nothing   no number, and so a defect, unless the reason says why there can be none

Everything but `all` is printed, with the reason.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from collections import Counter

import yaml
from values import is_dead, labelled, made_from

ROLES = {"service", "worker"}
SCOPES = ("all", "instance", "process", "nothing")
CAPS = ("pool_size", "max_overflow")


def main(labels: str, trees: str, poollint: str) -> int:
    repositories = yaml.load(pathlib.Path(labels).read_text(), Loader=yaml.CSafeLoader)["repositories"]
    count: Counter[str] = Counter()
    for repository in repositories:
        tree = pathlib.Path(trees) / repository["tree"]
        calls = [call for call in repository["calls"] if call.get("role") in ROLES and not is_dead(call)]
        if not calls or not tree.is_dir():
            continue
        for place, (scope, says) in demands(calls, Printed(poollint, tree)).items():
            count[scope] += 1
            if scope != "all":
                print(f"{scope.upper():8}  {repository['repo']} {place}: {says}")
    total, number = sum(count.values()), sum(count[scope] for scope in SCOPES[:-1])
    scopes = ", ".join(f"{count[scope]} {scope}" for scope in SCOPES)
    print(f"{total} engines of services: {number} with a number ({number / max(total, 1):.1%}): {scopes}")
    return 0 if total and number == total else 1


class Printed:
    """What poollint prints of a tree: engines, clients, and the factors of those that reach a budget."""

    def __init__(self, poollint: str, tree: pathlib.Path) -> None:
        facts, budget = ask(poollint, "facts", tree), ask(poollint, "budget", tree)
        self.engines, self.clients = facts["engines"], facts["clients"]
        self.workloads = {(each["name"], each["environment"]): each for each in facts["workloads"]}
        self.factors: dict[tuple[str, str, str], list[dict[str, dict]]] = {}
        for database in budget["databases"]:
            for client in database["clients"]:
                factors = {factor["name"]: factor for factor in client["factors"]}
                self.factors.setdefault((client["engine"], client["workload"], client["how"]), []).append(factors)

    def factors_of(self, engine: dict, client: dict) -> list[dict[str, dict]]:
        """Return pool and processes of each command of a client; of engine and workload where no budget names it."""
        if found := self.factors.get((client["engine"], client["workload"], client["how"])):
            return found
        workload = self.workloads.get((client["workload"], client["environment"]))
        processes = {"processes": workload["processes"]} if workload else {}
        return [{**engine["settings"], **client["settings"], **processes}]


def ask(poollint: str, question: str, tree: pathlib.Path) -> dict:
    command = [*poollint.split(), question, ".", "--format", "json"]
    return json.loads(subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=300).stdout)


def demands(calls: list[dict], printed: Printed) -> dict[str, tuple[str, str]]:
    """Return the scope of each engine whose pool is known, by its place; several calls may describe one."""
    found = {}
    for call in calls:
        here = (call["path"], call["line"])
        engine = next((each for each in printed.engines if (each["path"], each["line"]) == here), None)
        engine = engine or made_from(printed.engines, call) or flask_engine(call, printed)
        if engine is None and is_labelled(call):
            found[f"{call['path']}:{call['line']}"] = ("nothing", "poollint finds no engine here")
        elif engine is not None and (is_read(engine) or is_labelled(call)):
            found[f"{engine['path']}:{engine['line']}"] = widest(engine, printed)
    return found


def flask_engine(call: dict, printed: Printed) -> dict | None:
    """Return the engine of Flask-SQLAlchemy for options that stand apart from it and could not be read."""
    if not call.get("what", "").startswith("flask"):
        return None
    return next((each for each in printed.engines if each["factory"] == "flask-sqlalchemy"), None)


def is_labelled(call: dict) -> bool:
    return any(setting in (*CAPS, "poolclass") for setting, _ in labelled(call))


def is_read(engine: dict) -> bool:
    return engine["pool_class"] is not None or any(engine["settings"][name]["known"] for name in CAPS)


def widest(engine: dict, printed: Printed) -> tuple[str, str]:
    """Return the widest scope that a client of this engine has a number for, and why not a wider one."""
    name = f"{engine['path']}:{engine['line']}"
    found = [scope(engine, client, printed) for client in printed.clients if client["engine"] == name]
    return min(found, key=lambda each: SCOPES.index(each[0]), default=("nothing", "no client has it"))


def scope(engine: dict, client: dict, printed: Printed) -> tuple[str, str]:
    connections = client["connections"]
    if connections["known"]:
        return "all", ""
    found = [scope_of(factors) for factors in printed.factors_of(engine, client)]
    return min(found, key=SCOPES.index), connections["says"]


def scope_of(factors: dict[str, dict]) -> str:
    known = {name for name, factor in factors.items() if factor["known"] and has_origin(factor)}
    if known.issuperset(CAPS):
        return "instance" if "processes" in known else "process"
    is_bounded = "concurrency" in known or known.issuperset({"processes", "units"})
    return "instance" if "pool_class" in factors and is_bounded else "nothing"


def has_origin(factor: dict) -> bool:
    return bool(factor["path"] or factor["says"])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
