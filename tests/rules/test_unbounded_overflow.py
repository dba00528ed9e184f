"""A pool without a ceiling: an error, unless what runs at once limits it."""

from __future__ import annotations

from linking import engine, joined, number, on, pool, web, workload
from poollint.facts import Finding, Project
from poollint.rules import connections_exceed_limit
from poollint.rules.unbounded_overflow import check

HOST = on("db.example.org")


def findings(project: Project) -> list[Finding]:
    return list(check(project))


def test_nothing_limits_it_is_an_error_and_no_sum_is_claimed() -> None:
    project = joined(
        [workload("api", 4)], engine("app/db.py:8", pool(5, number(-1, "max_overflow", "app/db.py:9"), target=HOST))
    )
    (finding,) = findings(project)
    assert finding.severity == "error"
    assert finding.message.startswith("max_overflow=-1 lets the pool open connections without limit")
    assert not list(connections_exceed_limit.check(project))


def test_a_synchronous_worker_limits_it() -> None:
    sync = web(3, units=number(1, "sync worker"))
    (finding,) = findings(joined([workload("api", 4, sync)], engine("app/db.py:8", pool(5, -1, target=HOST))))
    assert finding.severity == "warning"
    assert "only what runs at once limits it, 12 connections" in finding.message


def test_a_hard_request_limit_limits_it() -> None:
    api = workload("api", 2, concurrency=number(80, "containerConcurrency"), concurrency_is_hard=True)
    (finding,) = findings(joined([api], engine("app/db.py:8", pool(5, -1, target=HOST))))
    assert finding.severity == "warning"
    assert "160 connections" in finding.message


def test_pool_size_zero_depends_on_the_version() -> None:
    site = engine("app/db.py:8", pool(number(0, "pool_size"), 10, target=HOST))
    assert findings(joined([workload()], site))
    old = engine(
        "app/db.py:8", pool(number(0, "pool_size"), 10, target=HOST), sqlalchemy=number("1.4.54", "sqlalchemy")
    )
    assert not findings(joined([workload()], old))


def test_one_bounded_alternative_keeps_it_silent() -> None:
    site = engine("app/db.py:8", pool(5, -1, target=HOST), pool(5, 10, target=HOST))
    assert not findings(joined([workload()], site))


def test_a_pool_without_a_size_is_another_matter() -> None:
    site = engine("app/db.py:8", pool(target=HOST, pool_class=number("NullPool", "poolclass")))
    assert not findings(joined([workload()], site))


def test_migrations_and_scripts_are_left_alone() -> None:
    for role in ("migration", "script", "test", "sample"):
        assert not findings(joined([], engine("app/db.py:8", pool(5, -1, target=HOST), role=role)))
