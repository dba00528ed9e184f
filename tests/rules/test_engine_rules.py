"""What the rules about one engine make of its facts; the pages show the rest on whole projects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from poollint.facts import Client, Engine, Known, Location, Origin, Pool, Project, Unknown, Use, Version
from poollint.rules import (
    driver_mismatch,
    engine_across_event_loops,
    engine_per_request,
    invalid_connect_arguments,
    invalid_pool_arguments,
    missing_pre_ping,
    static_pool_on_networked_database,
)

AT = Location("app/db.py", 8, 10, 8, 60)


def known(value, certainty="exact"):
    return Known(value, Origin("here", AT), certainty)


POOL = Pool(
    dialect=known("postgresql"),
    driver=known("psycopg2"),
    pool_class=known("QueuePool", "default"),
    pool_size=known(5, "default"),
    max_overflow=known(10, "default"),
)
ENGINE = Engine(AT, "create_engine", False, "module", "service", (POOL,))


def findings(rule, engine, clients=(), versions=()):
    return list(rule.check(Project(engines=(engine,), clients=tuple(clients), versions=tuple(versions))))


def severities(rule, *pools, **changes):
    return [finding.severity for finding in findings(rule, replace(ENGINE, alternatives=pools or (POOL,), **changes))]


PER_CALL = known(True)
SILENT_ROLES = ("test", "sample", "script", "migration", "library")
NULL = replace(POOL, pool_class=known("NullPool"))
SQLITE = replace(POOL, dialect=known("sqlite"), driver=known("pysqlite"))


@pytest.mark.parametrize(
    ("pools", "changes", "expected"),
    [
        ((POOL,), {"per_call": PER_CALL}, ["error"]),
        ((NULL,), {"per_call": PER_CALL}, ["note"]),
        ((POOL, NULL), {"per_call": PER_CALL}, ["error"]),
        ((replace(POOL, pool_class=Unknown("?")),), {"per_call": PER_CALL}, ["warning"]),
        ((SQLITE,), {"per_call": PER_CALL}, []),
        ((POOL,), {"per_call": known(False)}, []),
        ((POOL,), {"per_call": Unknown("a parameter decides")}, []),
        *(((POOL,), {"per_call": PER_CALL, "role": role}, []) for role in SILENT_ROLES),
    ],
)
def test_engine_per_request(pools, changes, expected):
    assert severities(engine_per_request, *pools, **changes) == expected


def test_a_call_that_makes_one_of_two_engines_is_reported_once():
    again = known(True)
    other = replace(ENGINE, location=Location("app/db.py", 20), per_call=again, rivals=(ENGINE.location,))
    project = Project(engines=(replace(ENGINE, per_call=again, rivals=(other.location,)), other))
    assert [finding.location for finding in engine_per_request.check(project)] == [ENGINE.location]


def test_a_server_that_only_the_declared_drivers_speak_for_is_in_the_evidence_of_engine_per_request():
    guessed = replace(POOL, dialect=known("postgresql", "estimate"))
    for pool, named in ((guessed, ["dialect"]), (POOL, [])):
        (found,) = findings(engine_per_request, replace(ENGINE, alternatives=(pool,), per_call=PER_CALL))
        assert [evidence.name for evidence in found.evidence if evidence.name == "dialect"] == named


ASYNCPG = replace(POOL, driver=known("asyncpg"), pool_class=known("AsyncAdaptedQueuePool", "default"))
LOOP = Use("new-loop", "asyncio.run in bill", Location("app/tasks.py", 3))


@pytest.mark.parametrize(
    ("pools", "changes", "expected"),
    [
        ((ASYNCPG,), {"uses": (LOOP,)}, ["error"]),
        ((ASYNCPG,), {}, []),
        ((replace(ASYNCPG, pool_class=known("NullPool")),), {"uses": (LOOP,)}, []),
        ((ASYNCPG, replace(ASYNCPG, pool_class=known("NullPool"))), {"uses": (LOOP,)}, []),
        ((replace(ASYNCPG, driver=known("psycopg")),), {"uses": (LOOP,)}, []),
        ((replace(ASYNCPG, driver=Unknown("?")),), {"uses": (LOOP,)}, []),
        ((ASYNCPG,), {"uses": (LOOP,), "per_call": PER_CALL}, []),
        ((ASYNCPG,), {"uses": (LOOP,), "role": "script"}, []),
    ],
)
def test_engine_across_event_loops(pools, changes, expected):
    assert severities(engine_across_event_loops, *pools, is_async=True, **changes) == expected


@pytest.mark.parametrize(("environment", "driver", "expected"), [("prod", "asyncpg", 1), (None, "asyncpg", 1), ("dev", "asyncpg", 0), ("prod", "psycopg", 0)])
def test_the_driver_that_production_sets_counts_where_the_code_leaves_it_open(environment, driver, expected):
    engine = replace(ENGINE, alternatives=(replace(ASYNCPG, driver=Unknown("?")),), uses=(LOOP,), is_async=True)
    served = replace(engine, alternatives=(replace(ASYNCPG, driver=known(driver)),))
    found = findings(engine_across_event_loops, engine, [Client(served, environment=environment)])
    assert len(found) == expected


@pytest.mark.parametrize(
    ("pools", "is_async", "expected"),
    [
        ((POOL,), True, ["error"]),
        ((POOL,), False, []),
        ((ASYNCPG,), False, ["error"]),
        ((ASYNCPG,), True, []),
        ((replace(POOL, driver=known("psycopg")),), True, []),
        ((POOL, ASYNCPG), True, []),
        ((replace(POOL, driver=known("psycopg2", "estimate")),), True, []),
        ((replace(POOL, driver=Unknown("?")),), True, []),
        ((replace(POOL, arguments={"module": known("x")}),), True, []),
        # SQLite is not what runs in production beside a server's alternative.
        ((SQLITE, ASYNCPG), True, []),
    ],
)
def test_driver_mismatch(pools, is_async, expected):
    assert severities(driver_mismatch, *pools, is_async=is_async) == expected


@pytest.mark.parametrize(
    ("certainty", "dialect", "role", "expected"),
    [
        ("fallback", "postgresql", "service", "error"),  # the pipeline makes it a warning
        ("fallback", "sqlite", "service", "note"),
        ("fallback", "postgresql", "migration", "note"),
        ("fallback", "postgresql", "script", "note"),
        ("exact", "postgresql", "migration", "error"),
        ("exact", "sqlite", "service", "error"),
    ],
)
def test_a_fallback_url_of_a_file_or_of_a_program_run_by_hand_is_a_note(certainty, dialect, role, expected):
    pool = replace(POOL, dialect=known(dialect), driver=known("asyncpg", certainty))
    assert severities(driver_mismatch, pool, role=role) == [expected]


def arguments(base=POOL, /, **given):
    return replace(base, arguments={name: known(value) for name, value in given.items()})


@pytest.mark.parametrize(
    ("pools", "expected"),
    [
        ((arguments(NULL, pool_size=5),), 1),
        ((arguments(NULL, pool_recycle=5, pool_pre_ping=True),), 0),
        ((arguments(NULL, pool_size=5), arguments(pool_size=5)), 0),
        ((replace(NULL, arguments={"pool_size": Unknown("?")}),), 1),
        ((replace(NULL, arguments={"pool_size": Unknown("?", maybe=True)}),), 0),
        ((replace(POOL, arguments={"pre_ping": Unknown("?", maybe=True)}),), 0),
        ((arguments(pool_size="5"),), 1),
        ((arguments(pool_timeout="5"),), 0),
        ((arguments(pool_timeout=None),), 0),
        ((arguments(max_overflow=None),), 1),
        ((arguments(pool="a pool", pool_size=5),), 1),
        ((arguments(pool=None, pool_size=5),), 0),
        ((arguments(pre_ping=True),), 1),
        ((arguments(replace(POOL, dialect=known("snowflake")), pre_ping=True),), 0),
        ((arguments(replace(POOL, dialect=Unknown("?")), pre_ping=True),), 0),
        ((arguments(pre_ping=True, plugins=["mine"]),), 0),
        ((arguments(json_serializer=None, future=True, echo=False, query_cache_size=9),), 0),
    ],
)
def test_invalid_pool_arguments(pools, expected):
    assert len(severities(invalid_pool_arguments, *pools)) == expected


@pytest.mark.parametrize(
    ("pool_class", "is_async", "version", "expected"),
    [
        ("QueuePool", True, None, 1),
        ("AsyncAdaptedQueuePool", False, "2.0.28", 1),
        ("AsyncAdaptedQueuePool", False, "2.0.27", 0),
        ("AsyncAdaptedQueuePool", False, None, 0),
        ("QueuePool", False, "2.0.36", 0),
    ],
)
def test_a_pool_of_the_wrong_kind_is_refused_from_a_version_on(pool_class, is_async, version, expected):
    pool = replace(arguments(poolclass=pool_class), pool_class=known(pool_class))
    versions = [Version("sqlalchemy", version, f"=={version}", Location("requirements.txt", 1))] if version else []
    engine = replace(ENGINE, alternatives=(pool,), is_async=is_async)
    assert len(findings(invalid_pool_arguments, engine, versions=versions)) == expected


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (replace(POOL, connect_args={"timeout": known(5)}), 1),
        (replace(POOL, connect_args={"timeout": Unknown("?")}), 1),
        (replace(POOL, connect_args={"timeout": Unknown("?", maybe=True)}), 0),
        (replace(POOL, connect_args={"something_new": known(5)}), 0),
        (replace(POOL, connect_args={"timeout": known(5)}, connect_args_complete=False), 0),
        (replace(POOL, connect_args={"timeout": known(5)}, complete=False), 0),
        (replace(POOL, connect_args={"timeout": known(5)}, driver=known("psycopg2", "estimate")), 0),
        (replace(POOL, connect_args={"timeout": known(5)}, driver=known("some_driver")), 0),
        (replace(POOL, connect_args={"timeout": known(5)}, arguments={"creator": known("f")}), 0),
        (replace(POOL, query={"pgbouncer": known("true")}), 1),
        (replace(ASYNCPG, query={"ssl": known("false")}), 1),
        (replace(ASYNCPG, query={"ssl": Unknown("?")}), 0),
        (replace(ASYNCPG, query={"prepared_statement_cache_size": known("0")}), 0),
    ],
)
def test_invalid_connect_arguments(pool, expected):
    assert len(severities(invalid_connect_arguments, pool)) == expected


@pytest.mark.parametrize(
    ("pools", "role", "expected"),
    [
        ((replace(POOL, pool_class=known("StaticPool")),), "service", ["error"]),
        ((replace(POOL, pool_class=known("AssertionPool")),), "worker", ["error"]),
        ((replace(SQLITE, pool_class=known("StaticPool")),), "service", []),
        ((replace(POOL, dialect=Unknown("?"), pool_class=known("StaticPool")),), "service", []),
        ((replace(POOL, pool_class=known("StaticPool")), POOL), "service", []),
        ((replace(POOL, pool_class=known("StaticPool")),), "migration", []),
    ],
)
def test_static_pool_on_networked_database(pools, role, expected):
    assert severities(static_pool_on_networked_database, *pools, role=role) == expected


def test_what_only_one_environment_makes_wrong_names_that_environment():
    wrong = replace(ENGINE, alternatives=(arguments(NULL, pool_size=5),))
    clients = [Client(ENGINE, environment="prod"), Client(wrong, environment="staging")]
    (finding,) = findings(invalid_pool_arguments, ENGINE, clients)
    assert finding.environments == ("staging",)


def test_what_the_code_says_holds_in_every_environment():
    wrong = replace(ENGINE, alternatives=(arguments(NULL, pool_size=5),))
    (finding,) = findings(invalid_pool_arguments, wrong, [Client(wrong, environment="dev")])
    assert finding.environments == ()


def test_a_finding_names_the_other_arguments_with_the_same_problem():
    engine = replace(ENGINE, alternatives=(arguments(NULL, pool_size=5, max_overflow=1),))
    (finding,) = findings(invalid_pool_arguments, engine)
    assert finding.details == ("The same holds for max_overflow.",)
    assert finding.location == AT
    assert finding.about == ("app/db.py", "<module>", "0")


UNTESTED = replace(POOL, pool_pre_ping=known(False, "default"))
OF_ANY_KIND = replace(UNTESTED, dialect=Unknown("?"), driver=Unknown("?"))


@pytest.mark.parametrize(
    ("pools", "expected"),
    [
        ((UNTESTED,), ["warning"]),
        ((OF_ANY_KIND, UNTESTED), ["warning"]),  # the other is a server's as well, or a file's
        ((OF_ANY_KIND,), []),
        ((UNTESTED, replace(OF_ANY_KIND, pool_pre_ping=known(True))), []),
        ((UNTESTED, replace(OF_ANY_KIND, pool_pre_ping=Unknown("?"))), []),
        ((UNTESTED, NULL), []),
        ((UNTESTED, SQLITE), ["warning"]),
    ],
)
def test_missing_pre_ping_needs_one_server_and_no_ping_anywhere(pools, expected):
    engine = replace(ENGINE, alternatives=pools)
    found = findings(missing_pre_ping, engine, [Client(engine)])
    assert [finding.severity for finding in found] == expected


@pytest.mark.parametrize(
    ("driver", "shown"),
    [(known("psycopg2"), "driver"), (Known("psycopg2", Origin("default of SQLAlchemy 2.0"), "default"), "dialect")],
)
def test_missing_pre_ping_cites_the_url_where_the_driver_is_a_default(driver, shown):
    engine = replace(ENGINE, alternatives=(replace(UNTESTED, driver=driver),))
    (finding,) = findings(missing_pre_ping, engine, [Client(engine)])
    assert (finding.evidence[1].name, finding.evidence[1].setting.origin.location) == (shown, AT)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({}, "Add pool_pre_ping=True:"),
        ({"pool": known(None)}, "Add pool_pre_ping=True:"),
        ({"pool": Unknown("made elsewhere")}, "Add pre_ping=True in the pool that is passed:"),
    ],
)
def test_a_finished_pool_is_where_its_ping_is_added(arguments, wanted):
    engine = replace(ENGINE, alternatives=(replace(UNTESTED, arguments=arguments),))
    (finding,) = findings(missing_pre_ping, engine, [Client(engine)])
    assert finding.help.startswith(wanted)


@pytest.mark.parametrize(("rule", "is_async"), [(driver_mismatch, True), (invalid_connect_arguments, False)])
def test_what_a_driver_refuses_cites_the_url_that_names_none(rule, is_async):
    by_default = Known("psycopg2", Origin("default of SQLAlchemy 2.0"), "default")
    pool = replace(POOL, driver=by_default, connect_args={"prepare_threshold": known(0)})
    (finding,) = findings(rule, replace(ENGINE, alternatives=(pool,), is_async=is_async))
    assert [line.name for line in finding.evidence if line.setting.origin.location == AT][-1] == "dialect"
