"""`poollint facts` and `poollint budget`: what was seen, how it was linked, and what it adds up to."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from poollint.facts import (
    NO_CEILING,
    NOT_READ,
    Bound,
    Client,
    Database,
    Engine,
    Hop,
    Known,
    Location,
    Missing,
    Origin,
    Pool,
    Pooler,
    Process,
    Project,
    Setting,
    Target,
    Unknown,
    Workload,
)
from poollint.report import _budget, _facts

SHAPE = {"value", "known", "certainty", "says", "path", "line"}


def exact(value: object, says: str = "written", path: str = "app/db.py", line: int = 1) -> Setting:
    return Known(value, Origin(says, Location(path, line)))


def default(value: object) -> Setting:
    return Known(value, Origin("default of SQLAlchemy 2.0"), "default")


POOL = Pool(
    dialect=exact("postgresql"),
    driver=exact("asyncpg"),
    target=exact(Target("postgresql", "db", 5432, "orders")),
    pool_class=default("AsyncAdaptedQueuePool"),
    pool_size=exact(5, "pool_size", "app/settings.py", 3),
    max_overflow=default(10),
    pool_timeout=default(30),
    pool_recycle=default(-1),
    pool_pre_ping=default(False),
    isolation_level=default(None),
    pings=default(False),
)
ENGINE = Engine(
    Location("app/db.py", 8, 10),
    "create_async_engine",
    True,
    "module",
    "service",
    (POOL,),
    reasons=("imported by a web app",),
)
PROCESS = Process("gunicorn", "web", exact(4, "--workers", "Dockerfile", 12), exact(NO_CEILING), "app.main:app")
WORKLOAD = Workload(
    "api", "cloud-run", "service", Location("deploy/service.yaml", 1), life="scale-to-zero",
    instances=exact(40, "maxScale", "deploy/service.yaml", 7), concurrency=exact(80), run=(PROCESS,),
)  # fmt: skip
DATABASE = Database(
    "orders",
    Location("poollint.toml", 2),
    "postgresql",
    "cloud-sql-postgresql",
    exact("db-custom-4-16384"),
    exact(500),
    exact(5),
    exact(35),
)
BOUND = Bound(exact(2400), exact(2600), (("instances", WORKLOAD.instances),), "40 instances × 4 processes × (5 + 10)")
CLIENT = Client(
    ENGINE, WORKLOAD, PROCESS, database=DATABASE, hops=(Hop("NAT", default(350)),), steady=BOUND, rollout=BOUND,
    how="entry point app.main imports app.db",
)  # fmt: skip
PROJECT = Project((ENGINE,), (WORKLOAD,), (DATABASE,), (), (CLIENT,), files=9)


# -- facts ---------------------------------------------------------------------------------------------------------


def test_facts_have_the_documented_fields() -> None:
    data = json.loads(_facts.as_json(PROJECT))
    assert data["version"] == 1
    (engine,) = data["engines"]
    assert {
        "path",
        "line",
        "column",
        "factory",
        "async",
        "place",
        "role",
        "driver",
        "target",
        "pool_class",
        "settings",
    } <= set(engine)
    assert (engine["path"], engine["line"], engine["column"]) == ("app/db.py", 8, 10)
    assert (engine["driver"], engine["target"], engine["pool_class"]) == (
        "asyncpg",
        "db:5432/orders",
        "AsyncAdaptedQueuePool",
    )
    assert engine["settings"]["pool_size"] == {
        "value": 5, "known": True, "certainty": "exact", "says": "pool_size", "path": "app/settings.py", "line": 3,
    }  # fmt: skip
    (workload,) = data["workloads"]
    assert (workload["name"], workload["kind"], workload["platform"], workload["life"]) == (
        "api",
        "service",
        "cloud-run",
        "scale-to-zero",
    )
    numbers = ("instances", "rollout_instances", "processes", "units", "concurrency", "request_timeout")
    assert all(set(workload[name]) == SHAPE for name in numbers)
    assert workload["processes"]["value"] == 4 and workload["processes"]["path"] == "Dockerfile"
    (database,) = data["databases"]
    assert (database["name"], database["provider"]) == ("orders", "cloud-sql-postgresql")
    assert database["max_connections"]["value"] == 500


def test_no_ceiling_is_known_and_null() -> None:
    units = json.loads(_facts.as_json(PROJECT))["workloads"][0]["units"]
    assert (units["value"], units["known"], units["says"]) == (None, True, "no ceiling")


def test_what_is_not_known_says_why() -> None:
    timeout = json.loads(_facts.as_json(PROJECT))["workloads"][0]["request_timeout"]
    assert timeout == {"value": None, "known": False, "certainty": None, "says": "not read", "path": None, "line": None}


def test_a_client_says_what_it_joins_why_and_how_much_it_opens() -> None:
    (client,) = json.loads(_facts.as_json(PROJECT))["clients"]
    assert (client["engine"], client["workload"], client["database"], client["pooler"]) == (
        "app/db.py:8",
        "api",
        "orders",
        None,
    )
    assert client["how"] == "entry point app.main imports app.db"
    assert client["connections"]["value"] == 2400 and client["connections"]["plain"]["value"] == 2600
    assert client["settings"] == {}


def test_a_client_repeats_the_settings_that_its_environment_changes() -> None:
    pool = replace(POOL, pool_size=exact(20, "POOL_SIZE", "deploy/service.yaml", 9))
    client = replace(CLIENT, engine=replace(ENGINE, alternatives=(pool,)))
    (shown,) = json.loads(_facts.as_json(replace(PROJECT, clients=(client,))))["clients"]
    assert list(shown["settings"]) == ["pool_size"]
    assert (shown["settings"]["pool_size"]["value"], shown["settings"]["pool_size"]["path"]) == (
        20,
        "deploy/service.yaml",
    )


@pytest.mark.parametrize(
    ("dialect", "target", "words"),
    [
        ("sqlite", exact(Target("sqlite", None, None, "a.db")), "asyncpg to /a.db"),
        ("sqlite", exact(Target("sqlite", None, None, None)), "asyncpg to memory"),
        ("sqlite", exact(Target("sqlite", None, None, ":memory:")), "asyncpg to memory"),
        ("sqlite", Unknown("set by FILE"), "asyncpg to an unknown file"),
        ("postgresql", Unknown("set by URL"), "asyncpg to an unknown server"),
    ],
)
def test_where_an_engine_leads_is_said_in_words_also_where_it_is_no_server(dialect, target, words) -> None:
    engine = replace(ENGINE, alternatives=(replace(POOL, dialect=exact(dialect), target=target),))
    assert words in _facts.as_text(replace(PROJECT, engines=(engine,)), verbose=False)


def test_alternatives_that_disagree_are_not_one_value() -> None:
    engine = replace(ENGINE, alternatives=(POOL, replace(POOL, pool_size=exact(20))))
    settings = json.loads(_facts.as_json(replace(PROJECT, engines=(engine,))))["engines"][0]["settings"]
    assert settings["pool_size"]["known"] is False and settings["pool_size"]["says"] == "depends on the run: 5 or 20"
    assert settings["max_overflow"]["value"] == 10


def test_a_pool_that_takes_no_sizes_has_no_say_in_them() -> None:
    without = replace(POOL, pool_class=exact("NullPool"), pool_pre_ping=default(True))
    engine = replace(ENGINE, alternatives=(without, replace(POOL, pool_size=exact(20))))
    shown = json.loads(_facts.as_json(replace(PROJECT, engines=(engine,))))["engines"][0]
    assert shown["settings"]["pool_size"]["value"] == 20
    assert shown["settings"]["pool_pre_ping"]["known"] is True
    assert shown["pool_class"] is None  # that depends on the run


def test_people_read_each_link_in_one_line() -> None:
    text = _facts.as_text(PROJECT)
    assert (
        "  app/db.py:8  create_async_engine, async, module, service; asyncpg to db:5432/orders; AsyncAdaptedQueuePool\n"
        in text
    )
    assert "      pool_size          5  app/settings.py:3  pool_size\n" in text
    assert "  api → app/db.py:8 → orders\n      because entry point app.main imports app.db\n" in text
    assert "      opens at most 40 instances × 4 processes × (5 + 10) = 2,400\n" in text
    assert "imported by a web app" not in text and "imported by a web app" in _facts.as_text(PROJECT, verbose=True)


@pytest.mark.parametrize(
    ("steady", "one", "line"),
    [
        (
            Bound(Unknown("instances: no manifest says how many run"), Unknown("")),
            Bound(default(60), default(60), formula="1 instance × 4 processes × (5 + 10)"),
            "each instance opens at most 4 processes × (5 + 10) = 60; no manifest says how many run",
        ),
        (
            Bound(
                Unknown("processes: computed by settings.WORKERS"),
                Unknown(""),
                (("pool_size", default(5)), ("max_overflow", default(10))),
            ),
            Bound(Unknown(""), Unknown("")),
            "each process opens at most 5 + 10; the number of processes is not known: computed by settings.WORKERS",
        ),
        (
            Bound(Unknown("NullPool: nothing written limits it"), Unknown("")),
            Bound(Unknown(""), Unknown("")),
            "opens a number of connections that is not known; NullPool: nothing written limits it",
        ),
    ],
)
def test_what_is_known_of_a_client_is_said_where_the_whole_is_not(steady: Bound, one: Bound, line: str) -> None:
    client = replace(CLIENT, steady=steady, one=one)
    assert f"      {line}\n" in _facts.as_text(replace(PROJECT, clients=(client,)))


def test_people_read_each_command_with_its_numbers_and_nothing_that_no_file_could_give() -> None:
    run = (Process("manage.py", "script", default(1), NOT_READ, entry="manage.py"), *WORKLOAD.run)
    text = _facts.as_text(replace(PROJECT, workloads=(replace(WORKLOAD, run=run, concurrency=NOT_READ),)))
    assert "      runs manage.py\n        processes  1  " in text
    assert "not read" not in text


# -- budget --------------------------------------------------------------------------------------------------------


def budget(project: Project) -> dict[str, object]:
    (database,) = json.loads(_budget.as_json(project))["databases"]
    return database


def test_a_budget_adds_up_and_says_what_is_left() -> None:
    found = budget(PROJECT)
    assert (found["name"], found["environment"]) == ("orders", None)
    numbers = ("max_connections", "reserved", "headroom_reserved", "usable", "steady", "rollout", "headroom")
    assert [found[name]["value"] for name in numbers] == [500, 5, 35, 460, 2400, 2400, 460 - 2400]  # type: ignore[index]


def test_a_client_that_is_not_known_makes_the_sum_unknown_and_is_named() -> None:
    unknown = replace(
        CLIENT, steady=Bound(Unknown("instances: no file says"), Unknown("x"), (), "? instances × (5 + 10)")
    )
    other = replace(CLIENT, engine=replace(ENGINE, location=Location("b.py", 1)))
    found = budget(replace(PROJECT, clients=(unknown, other)))
    assert found["steady"]["known"] is False  # type: ignore[index]
    assert found["steady"]["says"] == "how many api opens is not known; the others open up to 2,400"  # type: ignore[index]
    assert found["headroom"]["known"] is False  # type: ignore[index]


def test_slots_that_nothing_can_use_are_a_line() -> None:
    assert budget(PROJECT)["notes"] == ["api can never use 200 of the 2,600 connections its pools allow"]


def test_a_pooler_without_clients_is_a_line() -> None:
    project = replace(PROJECT, poolers=(Pooler("bouncer", "pgbouncer", Location("pgbouncer.ini", 1)),))
    assert json.loads(_budget.as_json(project))["unused_poolers"] == ["bouncer"]
    assert "bouncer: a pooler that no client goes through\n" in _budget.as_text(project)


def test_what_would_decide_stands_below_its_database() -> None:
    missing = (Missing("instances", "no file says", "api.instances"), Missing("x", "y", "elsewhere.instances"))
    project = replace(PROJECT, missing=missing)
    assert [one["needs"] for one in budget(project)["unknowns"]] == ["api.instances"]  # type: ignore[index]
    assert "  unknown: no file says; state it with --assume api.instances=N\n" in _budget.as_text(project)


def test_people_read_who_opens_how_many() -> None:
    lines = _budget.as_text(PROJECT).splitlines()
    assert lines[:5] == [
        "orders, cloud-sql-postgresql",
        "   2,400  api       40 instances × 4 processes × (5 + 10), app/db.py:8",
        "   2,400  steady",
        "     460  usable    written: 500, less 5 reserved and 35 kept free",
        "  -1,940  headroom",
    ]


def test_names_are_no_markup_in_a_pull_request() -> None:
    database = replace(DATABASE, name="a|b<img>")
    text = _budget.as_markdown(replace(PROJECT, clients=(replace(CLIENT, database=database),), databases=(database,)))
    assert r"a\|b\<img\>" in text and "| 2,400 | api |" in text


@pytest.mark.parametrize(
    "view", [_budget.as_text, _budget.as_json, _budget.as_markdown, _facts.as_json, _facts.as_text]
)
def test_nothing_found_is_no_failure(view: object) -> None:
    assert isinstance(view(Project()), str)  # type: ignore[operator]
