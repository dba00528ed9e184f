"""The bound against the limit: message, evidence, severity, and everything it stays silent about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linking import compose_database, database, default, engine, joined, number, on, pool, web, workload
from poollint.facts import NO_CEILING, Finding, Known, Location, Origin, Project, Unknown
from poollint.rules import concurrency_exceeds_limit, unstated_connection_limit
from poollint.rules.connections_exceed_limit import check

SITE = engine("app/db.py:8", pool(target=on("db")))
ORDERS = compose_database(
    "deploy", number(500, "Cloud SQL db-custom-4-16384: 500", None, "default"), "db", reserved=number(5, "Cloud SQL")
)


def found(project: Project) -> Finding:
    (finding,) = check(project)
    return finding


def silent(project: Project) -> bool:
    return not list(check(project))


class TestTheExampleOfTheContract:
    project = joined([workload("api", 40, web(4), concurrency=number(80, "containerConcurrency")), ORDERS], SITE)

    def test_the_message_is_the_formula_with_its_numbers(self) -> None:
        finding = found(self.project)
        assert finding.message == "40 instances × 4 processes × (5 + 10) = 2,400 connections, but db accepts 495"
        assert (finding.severity, finding.total, finding.location) == ("error", 2400, SITE.location)

    def test_the_evidence_is_one_line_per_factor(self) -> None:
        lines = [
            (e.name, e.setting.value, e.setting.origin.says, e.setting.origin.location)
            for e in found(self.project).evidence
        ]
        assert lines == [
            ("instances", 40, "maxScale", Location("deploy/api.yaml", 7)),
            ("processes", 4, "--workers", Location("Dockerfile", 12)),
            ("pool_size", 5, "default of SQLAlchemy 2.0", None),
            ("max_overflow", 10, "default of SQLAlchemy 2.0", None),
            ("max_connections", 495, "Cloud SQL db-custom-4-16384: 500, less 5 reserved", None),
        ]

    def test_the_guides_product_is_mentioned_never_used(self) -> None:
        assert found(self.project).details == (
            "The guides' product of request concurrency, instances and pool_size is 80 × 40 × 5 = 16,000.",
        )
        assert not list(concurrency_exceeds_limit.check(self.project))

    def test_the_help_says_what_fits(self) -> None:
        assert found(self.project).help == "Fits: maxScale 8, or pool_size=2 with max_overflow=0."

    def test_the_fingerprint_rests_on_names_only(self) -> None:
        assert found(self.project).about == ("db", "")


class TestSeverity:
    def test_a_warning_when_only_the_plain_bound_exceeds(self) -> None:
        children = replace(web(10, units=number(1, "prefork")), kind="worker")
        finding = found(joined([workload("worker", 1, children), compose_database("deploy")], SITE))
        assert finding.severity == "warning"
        assert finding.message == (
            "1 instance × 10 processes × (5 + 10) = 150 connections, but db accepts 97; "
            "a process that runs one request or task at a time holds 1, unless its code opens more: 10 in all"
        )

    @pytest.mark.parametrize(
        ("units", "fields", "says"),
        [
            (4, {}, "a process holds no more than run in it at once, unless its code opens more: 40 in all"),
            (
                NO_CEILING,
                {"concurrency": number(20, "containerConcurrency"), "concurrency_is_hard": True},
                "an instance holds no more than its requests in flight, unless its code opens more: 65 in all",
            ),
        ],
    )
    def test_the_first_line_says_what_lowers_the_bound(self, units: float, fields: dict, says: str) -> None:
        run = web(10, units=number(units, "--threads"))
        finding = found(joined([workload("api", 1, run, **fields), compose_database("deploy")], SITE))
        assert finding.message.endswith(f"but db accepts 97; {says}")

    def test_the_number_of_the_roll_out_stands_below_it(self) -> None:
        children = replace(web(10, units=number(1, "prefork")), kind="worker")
        rolling = workload(
            "worker", 2, children, rollout_instances=number(3, "maxSurge 25 %"), rollout_documented=True
        )
        finding = found(joined([rolling, compose_database("deploy")], SITE))
        assert finding.details == ("During a roll-out old and new instances together hold 30 instead of 20.",)

    def test_a_warning_between_the_low_estimate_and_the_ceiling(self) -> None:
        low = Known(400, Origin("low estimate for RDS db.t4g.medium: 400"), "estimate")
        aws = database("main", 500, hosts=("db",), unit="deploy", low_estimate=low)
        finding = found(joined([workload("api", 30), aws], SITE))
        assert finding.severity == "warning"
        assert "but main may accept as few as 397" in finding.message

    def test_a_warning_when_the_tier_is_unknown_and_the_largest_default_is_exceeded(self) -> None:
        unread = database(
            "main", Unknown("the tier is a variable"), hosts=("db",), unit="deploy", provider="cloud-sql-postgresql"
        )
        finding = found(joined([workload("api", 400, web(4)), unread], SITE))
        assert finding.severity == "warning"
        assert "no file gives the limit of main" in finding.message

    @pytest.mark.parametrize(("units", "is_silent"), [(default(1000), True), (number(1000, "--worker-connections"), False)])
    def test_a_ceiling_that_nobody_wrote_against_a_limit_that_nobody_wrote_proves_nothing(self, units, is_silent) -> None:
        site = engine("app/db.py:8", pool(target=on("db"), pool_class=number("NullPool", "poolclass")))
        greenlets = replace(web(8, units=units), kind="worker")
        unread = database("main", Unknown("the tier is a variable"), hosts=("db",), unit="deploy", dialect="postgresql")
        assert silent(joined([workload("api", 1, greenlets), unread], site)) is is_silent
        # A limit that is written is another matter.
        assert not silent(joined([workload("api", 1, greenlets), compose_database("deploy")], site))
        account = number(1000, "concurrency of the account", certainty="estimate" if is_silent else "exact")
        unread = replace(unread, dialect="postgresql")
        assert silent(joined([workload("api", account), unread], SITE)) is is_silent


class TestSeveralClients:
    project = joined(
        [
            workload("backend", 10, web(4)),
            workload("celery", 5, replace(web(4, "tasks", units=number(1, "prefork")), kind="worker")),
            compose_database("deploy"),
        ],
        engine("app/db.py:8", pool(10, 20, target=on("db"))),
    )

    def test_each_is_named_in_the_formula(self) -> None:
        assert found(self.project).message == (
            "backend 10 instances × 4 processes × (10 + 20) + "
            "celery 5 instances × 4 processes × min(10 + 20, 1 at once)"
            " = 1,220 connections, but db accepts 97"
        )
        assert found(self.project).workloads == ("backend", "celery")

    def test_what_fits_counts_the_children_that_use_one_connection_anyway(self) -> None:
        assert found(self.project).help == "Fits: pool_size=1 with max_overflow=0."

    def test_children_that_use_one_connection_need_no_larger_pool(self) -> None:
        children = replace(web(10, "tasks", units=number(1, "prefork")), kind="worker")
        other = engine("app/sync.py:3", pool(target=on("db")))
        rolling = workload("tasks", 4, children, rollout_instances=number(5, "maxSurge 25 %"), rollout_documented=True)
        finding = found(joined([rolling, compose_database("deploy")], SITE, other))
        assert finding.severity == "warning"
        assert finding.help == (
            "Fits: pool_size=1 with max_overflow=0 at app/db.py:8 and pool_size=1 with max_overflow=0 at app/sync.py:3."
        )

    def test_when_no_pool_fits_it_says_so(self) -> None:
        crowd = joined([workload("api", 40, web(4)), compose_database("deploy")], SITE)
        assert found(crowd).help == "Fits: maxScale 1."
        single = joined([workload("api", 1, web(120)), compose_database("deploy")], SITE)
        assert found(single).help == (
            "Even one connection per process is too many: 120 processes hold a pool, and 97 connections are usable; "
            "only fewer instances or processes, or a pooler, help."
        )

    def test_an_engine_without_a_pool_is_told_how_large_a_pool_may_be(self) -> None:
        site = engine("app/db.py:8", pool(target=on("db"), pool_class=number("NullPool", "poolclass")))
        crowd = web(units=number(300, "worker_connections"))
        project = joined([workload("api", 4, crowd), compose_database("deploy")], site)
        assert found(project).message == "4 instances × 1 process × 300 at once = 1,200 connections, but db accepts 97"
        assert found(project).help == "Fits: a pool of at most 24 in each instance of api."

    def test_where_nothing_fits_alone_processes_are_not_to_blame(self) -> None:
        site = engine("app/db.py:8", pool(target=on("db"), pool_class=number("NullPool", "poolclass")))
        crowd = web(units=number(200, "worker_connections"))
        project = joined([workload("api", 1, crowd), workload("web", 1, crowd), compose_database("deploy")], site)
        assert found(project).help.startswith("No single change fits: give every engine a pool")

    def test_the_unknown_ones_are_named(self) -> None:
        facts = [workload("api", 10, web(4)), workload("batch", Unknown("not written")), compose_database("deploy")]
        assert found(joined(facts, SITE)).details[-1] == (
            "Not counted, because a factor is unknown: batch (app/db.py:8)."
        )


class TestWhatIsLessSure:
    def facts(self, instances: int) -> Project:
        shaky = workload("batch", number(3, "BATCH_REPLICAS", "docker-compose.yml:4", "fallback"))
        return joined([workload("api", instances, web(4)), shaky, compose_database("deploy")], SITE)

    def test_it_is_left_out_when_the_rest_is_enough(self) -> None:
        finding = found(self.facts(3))
        assert finding.message == "3 instances × 4 processes × (5 + 10) = 180 connections, but db accepts 97"
        assert finding.details == ("Further clients, whose numbers are less sure, open up to 45 more.",)
        assert {evidence.setting.certainty for evidence in finding.evidence} == {"exact", "default"}

    def test_it_is_counted_when_the_rest_is_not(self) -> None:
        finding = found(self.facts(1))
        assert finding.message.startswith("api 1 instance × 4 processes × (5 + 10) + batch 3 instances")
        assert finding.total == 105


class TestOnceAndWorstFirst:
    def test_one_finding_for_all_environments(self) -> None:
        facts = [
            workload("api", 10, environment="prod"),
            workload("api", 40, environment="staging"),
            workload("api", 90, environment="dev"),
            compose_database("deploy"),
        ]
        finding = found(joined(facts, SITE))
        assert finding.environments == ("staging",)
        assert finding.total == 600


class TestSilence:
    def test_what_fits(self) -> None:
        assert silent(joined([workload("api", 6), compose_database("deploy")], SITE))

    def test_exactly_what_is_usable(self) -> None:
        assert silent(
            joined(
                [workload("api", 1, web(97)), compose_database("deploy")],
                engine("app/db.py:8", pool(1, 0, target=on("db"))),
            )
        )

    def test_an_unknown_factor(self) -> None:
        assert silent(joined([workload("api", Unknown("not written"), web(40)), compose_database("deploy")], SITE))
        assert silent(joined([workload("api", 40, web(Unknown("no command"))), compose_database("deploy")], SITE))

    def test_an_unknown_limit(self) -> None:
        assert silent(joined([workload("api", 40, web(4))]))

    def test_a_pool_that_nothing_caps(self) -> None:
        assert silent(
            joined(
                [workload("api", 40), compose_database("deploy")], engine("app/db.py:8", pool(5, -1, target=on("db")))
            )
        )

    def test_null_pool_under_an_asynchronous_server(self) -> None:
        site = engine("app/db.py:8", pool(target=on("db"), pool_class=number("NullPool", "poolclass")))
        assert silent(joined([workload("api", 40, web(4)), compose_database("deploy")], site))

    def test_an_autoscaler_without_ceiling(self) -> None:
        endless = workload("api", number(NO_CEILING, "no ceiling"))
        assert silent(joined([endless, compose_database("deploy")], SITE))

    def test_sqlite(self) -> None:
        site = engine("app/db.py:8", pool(dialect=number("sqlite", "URL")))
        assert silent(joined([workload("api", 400)], site))


class TestUnstatedLimit:
    def check(self, project: Project) -> list[Finding]:
        return list(unstated_connection_limit.check(project))

    def test_more_than_a_stock_server_accepts_is_a_note(self) -> None:
        (finding,) = self.check(joined([workload("api", 10, web(4))]))
        assert finding.severity == "note"
        assert finding.message.startswith(
            "10 instances × 4 processes × (5 + 10) = 600 connections: DATABASE_URL needs a server"
        )
        assert "accepts 603" in finding.message

    def test_what_the_users_of_a_library_connect_to_is_their_server(self) -> None:
        assert not self.check(joined([workload("api", 10, web(4))], engine(role="library")))

    def test_what_a_stock_server_accepts_is_silent(self) -> None:
        assert not self.check(joined([workload("api", 6)]))

    def test_development_is_silent(self) -> None:
        assert not self.check(joined([workload("api", 100, environment="dev")]))

    def test_a_known_limit_is_silent(self) -> None:
        assert not self.check(joined([workload("api", 100), compose_database("deploy")], SITE))


class TestGuidesProduct:
    def check(self, project: Project) -> list[Finding]:
        return list(concurrency_exceeds_limit.check(project))

    def test_both_numbers_when_the_bound_fits(self) -> None:
        facts = [workload("api", 5, concurrency=number(80, "containerConcurrency")), compose_database("deploy")]
        (finding,) = self.check(joined(facts, SITE))
        assert finding.severity == "note"
        assert "80 × 5 × 5 = 2,000 exceeds the 97 that db accepts, but the pools open at most 75" in finding.message

    def test_no_concurrency_no_product(self) -> None:
        assert not self.check(joined([workload("api", 5), compose_database("deploy")], SITE))

    def test_a_product_that_fits(self) -> None:
        facts = [workload("api", 1, concurrency=number(10, "containerConcurrency")), compose_database("deploy")]
        assert not self.check(joined(facts, SITE))


def test_defaults_of_the_table_are_enough_for_an_error() -> None:
    facts = [workload("api", default(100)), ORDERS]
    assert found(joined(facts, SITE)).severity == "error"
