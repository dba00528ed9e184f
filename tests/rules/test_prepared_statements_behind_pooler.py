"""The truth table of drivers and poolers, as measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linking import engine, number, pool, web, workload
from poollint.facts import (
    Client,
    Engine,
    Finding,
    Known,
    Location,
    Origin,
    Pool,
    Pooler,
    Project,
    Setting,
    Unknown,
    Version,
)
from poollint.rules.prepared_statements_behind_pooler import check

OFF = number(0, "statement_cache_size", "app/db.py:9")
NAMES = Unknown("a function", Origin("prepared_statement_name_func"))
NULL = number("NullPool", "poolclass")
AUTOCOMMIT = number("AUTOCOMMIT", "isolation_level")


def asyncpg(version: str | None, pooled: Pooler, **fields: object) -> list[Finding]:
    return _check("asyncpg", version, pooled, **fields)


def bouncer(mode: object = "transaction", support: object = False) -> Pooler:
    def setting(value: object) -> Setting:
        return Unknown("not readable") if value is None else number(value, "written", "pgbouncer.ini:3")

    return Pooler(
        "pgbouncer", "pgbouncer", Location("pgbouncer.ini", 1), mode=setting(mode), prepared_statements=setting(support)
    )


def _check(driver: str, version: str | None, pooled: Pooler, **fields: object) -> list[Finding]:
    site = engine("app/db.py:8", pool(driver=number(driver, driver), **fields))
    versions = (Version("asyncpg", version, f"=={version}", Location("requirements.txt", 2)),) if version else ()
    client = Client(site, workload(), web(), pooler=pooled)
    return list(check(Project(engines=(site,), clients=(client,), versions=versions)))


def severities(findings: list[Finding]) -> list[str]:
    return [finding.severity for finding in findings]


class TestAsyncpg:
    @pytest.mark.parametrize("version", ["0.30.0", "0.32.0", None])
    def test_defaults_are_unsafe_with_every_version(self, version: str | None) -> None:
        assert severities(asyncpg(version, bouncer())) == ["error"]

    def test_the_cache_off_is_enough_from_0_31(self) -> None:
        assert not asyncpg("0.31.0", bouncer(), connect_args={"statement_cache_size": OFF})
        assert severities(asyncpg("0.30.0", bouncer(), connect_args={"statement_cache_size": OFF})) == ["error"]

    def test_an_unknown_version_gets_the_benefit_of_the_doubt(self) -> None:
        assert not asyncpg(None, bouncer(), connect_args={"statement_cache_size": OFF})

    def test_the_dialects_cache_alone_never_suffices(self) -> None:
        assert asyncpg("0.32.0", bouncer(), connect_args={"prepared_statement_cache_size": OFF})
        assert asyncpg("0.32.0", bouncer(), query={"prepared_statement_cache_size": number("0", "query")})

    def test_null_pool_alone_is_unsafe(self) -> None:
        assert asyncpg("0.32.0", bouncer(), pool_class=NULL)

    def test_the_documented_recipe_needs_the_version_or_the_cache_off(self) -> None:
        named = {"prepared_statement_name_func": NAMES}
        assert not asyncpg("0.32.0", bouncer(), pool_class=NULL, connect_args=named)
        assert asyncpg("0.30.0", bouncer(), pool_class=NULL, connect_args=named)
        assert not asyncpg("0.30.0", bouncer(), pool_class=NULL, connect_args={**named, "statement_cache_size": OFF})

    def test_names_with_both_caches_off_are_safe_except_in_autocommit(self) -> None:
        both = {
            "prepared_statement_name_func": NAMES,
            "statement_cache_size": OFF,
            "prepared_statement_cache_size": OFF,
        }
        assert not asyncpg("0.30.0", bouncer(), connect_args=both)
        assert asyncpg("0.30.0", bouncer(), connect_args=both, isolation_level=AUTOCOMMIT)

    def test_names_with_a_kept_pool_and_one_cache_are_unsafe(self) -> None:
        assert asyncpg(
            "0.32.0", bouncer(), connect_args={"prepared_statement_name_func": NAMES, "statement_cache_size": OFF}
        )

    def test_connect_args_that_cannot_be_read_prove_nothing(self) -> None:
        assert not asyncpg("0.30.0", bouncer(), connect_args_complete=False)
        assert not asyncpg("0.30.0", bouncer(), connect_args={"statement_cache_size": Unknown("set by CACHE")})


class TestOtherDrivers:
    def test_psycopg2_never_prepares(self) -> None:
        assert not _check("psycopg2", None, bouncer())

    def test_psycopg_prepares_unless_the_threshold_is_none(self) -> None:
        assert severities(_check("psycopg", None, bouncer())) == ["error"]
        assert _check("psycopg", None, bouncer(), connect_args={"prepare_threshold": number(0, "prepare_threshold")})
        assert not _check(
            "psycopg", None, bouncer(), connect_args={"prepare_threshold": number(None, "prepare_threshold")}
        )

    def test_pg8000_is_unsafe_in_autocommit_only_and_then_with_every_pooler(self) -> None:
        assert not _check("pg8000", None, bouncer())
        assert severities(_check("pg8000", None, bouncer(support=True), isolation_level=AUTOCOMMIT)) == ["error"]


class TestPooler:
    def test_support_makes_every_client_safe(self) -> None:
        assert not asyncpg("0.30.0", bouncer(support=True))

    def test_session_mode_is_silent(self) -> None:
        assert not asyncpg("0.30.0", bouncer("session"))

    @pytest.mark.parametrize(("mode", "support"), [(None, False), ("transaction", None), (None, None)])
    def test_what_is_not_readable_lowers_it_to_a_warning(self, mode: str | None, support: bool | None) -> None:
        assert severities(asyncpg("0.32.0", bouncer(mode, support))) == ["warning"]

    def test_statement_mode_shares_as_well(self) -> None:
        assert severities(asyncpg("0.32.0", bouncer("statement"))) == ["error"]

    def test_rds_proxy_pins_instead(self) -> None:
        assert not asyncpg("0.30.0", replace(bouncer(support=None), product="rds-proxy"))

    def test_no_pooler(self) -> None:
        site = engine("app/db.py:8", pool(driver=number("asyncpg", "asyncpg")))
        assert not list(check(Project(engines=(site,), clients=(Client(site, workload()),))))


class TestFinding:
    def test_it_says_that_rows_of_another_query_can_come_back(self) -> None:
        (finding,) = asyncpg("0.30.0", bouncer(), connect_args={"statement_cache_size": OFF})
        assert finding.message == (
            "asyncpg keeps prepared statements, but pgbouncer (pgbouncer, transaction mode) gives the connection to "
            "other clients between transactions: statements fail, and rows of another query can come back"
        )
        assert "Raise asyncpg to 0.31" in finding.help

    def test_the_evidence_names_driver_mode_support_and_version(self) -> None:
        (finding,) = asyncpg("0.30.0", bouncer())
        values = {e.name: e.setting.value for e in finding.evidence if isinstance(e.setting, Known)}
        assert values == {
            "driver": "asyncpg",
            "mode": "transaction",
            "prepared_statements": False,
            "asyncpg": "0.30.0",
            "workload": "long-lived",
        }

    def test_one_finding_lists_every_workload(self) -> None:
        site = engine("app/db.py:8", pool(driver=number("asyncpg", "asyncpg")))
        clients = tuple(Client(site, workload(name), pooler=bouncer()) for name in ("api", "worker"))
        (finding,) = check(Project(engines=(site,), clients=clients))
        assert finding.workloads == ("api", "worker")

    def test_a_branch_that_is_safe_in_production_keeps_it_silent(self) -> None:
        unsafe, safe = pool(driver=number("asyncpg", "a")), pool(driver=number("psycopg2", "b"))
        site: Engine = engine("app/db.py:8", unsafe, safe)
        assert isinstance(unsafe, Pool)
        assert not list(check(Project(engines=(site,), clients=(Client(site, workload(), pooler=bouncer()),))))
