"""Vercel: vercel.json and functions in api/."""

from __future__ import annotations

from collections.abc import Callable

from evidence import evidence, only, why

from poollint.discover import Tree
from poollint.readers import vercel

MakeTree = Callable[[dict[str, str]], Tree]


def test_vercel_runs_python_per_invocation(make_tree: MakeTree) -> None:
    text = '{"functions": {"api/*.py": {"maxDuration": 60}}, "env": {"MODE": "x", "URL": "@database-url"}}'
    function = only(vercel, make_tree({"web/vercel.json": text}))
    assert (function.life, evidence(function.concurrency)[0::3]) == ("per-invocation", (1, "estimate"))
    assert evidence(function.request_timeout) == (60, "maxDuration", "web/vercel.json:1", "exact")
    assert "platform decides" in why(function.instances)
    assert list(function.variables.variables) == ["MODE"]


def test_vercel_with_a_front_end_alone_is_nothing(make_tree: MakeTree) -> None:
    tree = make_tree({"vercel.json": '{"rewrites": []}', "api/hello.ts": "", "backend/app.py": ""})
    assert list(vercel.read(tree)) == []
