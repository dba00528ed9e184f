"""The rules about how a service is deployed: overlap, ceilings, caps, timeouts, functions, forks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linking import compose_database, default, engine, joined, number, on, pool, web, workload
from poollint.facts import NO_CEILING, Database, Finding, Location, Origin, Pooler, Project, Setting, Unknown, Use, Workload
from poollint.rules import (
    concurrency_exceeds_pool,
    connections_exceed_limit,
    engine_before_fork,
    instance_exceeds_connector_cap,
    null_pool_on_long_lived_worker,
    pool_timeout_exceeds_request_timeout,
    queue_pool_on_serverless,
    rollout_exceeds_limit,
    unbounded_instances,
)

SITE = engine("app/db.py:8", pool(target=on("db")))
NULL = number("NullPool", "poolclass", "app/db.py:9")


class TestRollout:
    def check(self, made: Project) -> list[Finding]:
        return list(rollout_exceeds_limit.check(made))

    def surging(self, instances: int, peak: int, documented: bool = True) -> Project:
        api = workload("api", instances, rollout_instances=default(peak), rollout_documented=documented)
        return joined([api, compose_database("deploy")], SITE)

    def test_the_steady_state_fits_the_overlap_does_not(self) -> None:
        (finding,) = self.check(self.surging(5, 7))
        assert finding.severity == "warning"
        assert finding.message == (
            "while rolling out, 7 instances × 1 process × (5 + 10) = 105 connections, but db accepts 97; 75 afterwards"
        )

    def test_an_undocumented_overlap_is_not_claimed(self) -> None:
        assert not self.check(self.surging(5, 10, documented=False))

    def test_both_fit(self) -> None:
        assert not self.check(self.surging(4, 5))

    def test_where_the_steady_state_exceeds_that_is_the_finding(self) -> None:
        made = self.surging(10, 13)
        assert not self.check(made)
        assert list(connections_exceed_limit.check(made))


class TestUnboundedInstances:
    def check(self, *made: Workload) -> list[Finding]:
        return list(unbounded_instances.check(joined(made, SITE)))

    def endless(self, **fields: object) -> Workload:
        return workload("api", number(NO_CEILING, "max-scale", "service.yaml:9"), **fields)

    def test_it_stands_at_the_autoscalers_line(self) -> None:
        (finding,) = self.check(self.endless())
        assert (finding.severity, finding.location) == ("warning", Location("service.yaml", 9))
        assert finding.workloads == ("api",)

    def cron(self, **fields: object) -> Workload:
        """A CronJob as its reader yields it: one run is certain, how many overlap is not."""
        endless = number(NO_CEILING, "no ceiling", "cron.yaml:8", "default")
        return workload("report", 1, **{"kind": "cron-job", "rollout_instances": endless, **fields})

    def test_overlapping_runs_of_a_cron_job_are_a_note(self) -> None:
        (finding,) = self.check(self.cron())
        assert (finding.severity, finding.location) == ("note", Location("cron.yaml", 8))
        assert finding.message == (
            "report starts a run even while earlier ones last, and no deadline ends them: each opens its own pool"
        )

    def test_a_cron_job_with_a_deadline_or_another_policy_is_silent(self) -> None:
        assert not self.check(self.cron(rollout_instances=number(6, "activeDeadlineSeconds"), rollout_documented=True))
        assert not self.check(self.cron(rollout_instances=Unknown("not read")))

    def test_only_the_runs_of_a_cron_job_overlap_without_a_ceiling(self) -> None:
        assert not self.check(self.cron(kind="deployment"))

    def test_a_ceiling_or_an_unknown_number_is_silent(self) -> None:
        assert not self.check(workload("api", 400))
        assert not self.check(workload("api", Unknown("not written")))


class TestConnectorCap:
    def check(self, made: Project) -> list[Finding]:
        return list(instance_exceeds_connector_cap.check(made))

    def socket(self, processes: int, **fields: object) -> Project:
        site = engine("app/db.py:8", pool(target=on("/cloudsql/p:r:i")))
        return joined([workload("api", Unknown("not written"), web(processes), **fields)], site)

    def test_the_pools_of_one_instance_exceed_it_whatever_the_server_accepts(self) -> None:
        (finding,) = self.check(self.socket(8))
        assert finding.severity == "error"
        assert finding.message.startswith("8 processes × (5 + 10) = 120 connections in one instance of api")
        assert "carries 100" in finding.message

    def test_two_engines_share_it(self) -> None:
        sites = [engine(f"app/{name}.py:8", pool(30, 30, target=on("/cloudsql/p:r:i"))) for name in ("a", "b")]
        (finding,) = self.check(joined([workload("api", 1)], *sites))
        assert finding.total == 120

    def test_what_fits(self) -> None:
        assert not self.check(self.socket(6))

    def test_a_hard_request_limit_keeps_it_below(self) -> None:
        assert not self.check(self.socket(8, concurrency=number(20, "containerConcurrency"), concurrency_is_hard=True))

    def test_a_connection_by_address_is_not_subject_to_it(self) -> None:
        site = engine("app/db.py:8", pool(target=on("10.0.0.3")))
        assert not self.check(joined([workload("api", 1, web(8), instance_connections=("p:r:i",))], site))


class TestConcurrencyExceedsPool:
    def check(self, limit: int, hard: bool = True, processes: int = 1) -> list[Finding]:
        api = workload(
            "api", 1, web(processes), concurrency=number(limit, "containerConcurrency"), concurrency_is_hard=hard
        )
        return list(concurrency_exceeds_pool.check(joined([api], SITE)))

    def test_more_than_four_times_the_pool(self) -> None:
        (finding,) = self.check(80)
        assert finding.severity == "note"
        assert finding.message.startswith(
            "80 requests can be in one process at once, more than 4 times its pool of 5 + 10"
        )

    def test_exactly_four_times_is_silent(self) -> None:
        assert not self.check(60)

    def test_processes_share_the_requests(self) -> None:
        assert not self.check(80, processes=4)

    def test_a_target_that_only_triggers_scaling_is_no_limit(self) -> None:
        assert not self.check(1000, hard=False)

    def test_a_server_limit_counts_for_each_process(self) -> None:
        limited = web(4, concurrency=number(100, "--limit-concurrency", "Dockerfile:9"))
        (finding,) = concurrency_exceeds_pool.check(joined([workload("api", 1, limited)], SITE))
        assert finding.evidence[0].setting.origin.says == "--limit-concurrency"


class TestPoolTimeout:
    def check(self, seconds: int, timeout: int = 30, **fields: object) -> list[Finding]:
        site = engine("app/db.py:8", pool(target=on("db"), pool_timeout=number(timeout, "pool_timeout", "app/db.py:9")))
        run = fields.pop("run", web())
        api = workload("api", 1, run, request_timeout=number(seconds, "timeoutSeconds", "service.yaml:9"), **fields)  # type: ignore[arg-type]
        return list(pool_timeout_exceeds_request_timeout.check(joined([api], site)))

    @pytest.mark.parametrize("seconds", [10, 30])
    def test_a_request_that_ends_before_or_with_the_wait(self, seconds: int) -> None:
        (finding,) = self.check(seconds)
        assert finding.severity == "warning"
        assert f"a request ends after {seconds} s" in finding.message

    def test_a_longer_request_is_silent(self) -> None:
        assert not self.check(60)

    def test_a_worker_that_never_queues_is_silent(self) -> None:
        assert not self.check(10, run=web(4, units=number(1, "sync worker")))
        assert not self.check(10, concurrency=number(15, "containerConcurrency"), concurrency_is_hard=True)

    def test_without_knowing_what_runs_at_once_it_is_silent(self) -> None:
        assert not self.check(10, run=web(units=Unknown("not read")))

    def test_workers_have_no_request(self) -> None:
        assert not self.check(10, run=replace(web(), kind="worker"))


class TestServerless:
    def check(self, made: Workload, **fields: object) -> list[Finding]:
        site = engine("app/db.py:8", pool(**{"target": on("db.example.org"), **fields}))
        return list(queue_pool_on_serverless.check(joined([made], site)))

    FUNCTION = workload("orders", platform="lambda", kind="function", life="per-invocation")

    def test_a_pool_of_several_in_a_function(self) -> None:
        (finding,) = self.check(self.FUNCTION)
        assert finding.severity == "warning"
        assert "every frozen instance holds one idle connection, not pool_size" in finding.message

    def test_one_connection_or_none_is_right(self) -> None:
        assert not self.check(self.FUNCTION, size=1, overflow=0)
        assert not self.check(self.FUNCTION, pool_class=NULL)

    def test_cloud_run_is_no_such_runtime(self) -> None:
        assert not self.check(workload(life="scale-to-zero"))

    def test_a_pooler_in_the_path(self) -> None:
        assert not self.check(self.FUNCTION, target=on("shop-pgbouncer.example.org"))


class TestNullPool:
    def check(self, made: Workload, *more: object, **fields: object) -> list[Finding]:
        about = {name: fields.pop(name) for name in ("uses", "lasts") if name in fields}
        site = engine("app/db.py:8", pool(**{"target": on("db"), "pool_class": NULL, **fields}), **about)
        return list(null_pool_on_long_lived_worker.check(joined([made, compose_database("deploy"), *more], site)))

    def test_a_long_lived_service_that_connects_directly(self) -> None:
        (finding,) = self.check(workload())
        assert finding.severity == "warning"
        assert "eight round trips before the first statement" in finding.message

    def test_asyncpg_pays_nine(self) -> None:
        (finding,) = self.check(workload(), driver=number("asyncpg", "asyncpg"))
        assert "nine round trips" in finding.message

    def test_of_several_files_that_describe_a_workload_productions_is_shown(self) -> None:
        made = [replace(workload(), environment=name, location=Location(f"{name}.yml", 1)) for name in ("dev", "prod", "test")]
        (finding,) = self.check(*made)
        assert [e.setting.origin.location for e in finding.evidence if e.name == "workload"] == [Location("prod.yml", 1)]

    def test_where_an_unread_url_may_lead_to_a_pooler(self) -> None:
        assert not self.check(workload(), target=None, identities=("env:DATABASE_URL",))

    UNREAD = {"target": None, "identities": ("env:DATABASE_URL",)}
    BESIDE = replace(workload(), platform="compose")

    def composed(self, made: Workload, *facts: Database | Pooler) -> list[Finding]:
        site = engine("app/db.py:8", pool(pool_class=NULL, **self.UNREAD))
        return list(null_pool_on_long_lived_worker.check(joined([made, *facts], site)))

    def test_an_unread_url_beside_the_only_server_leads_to_it(self) -> None:
        (finding,) = self.composed(self.BESIDE, compose_database("deploy", platform="compose"))
        (server,) = [each.setting for each in finding.evidence if each.name == "server"]
        assert (server.value, server.origin.location) == ("db", Location("deploy/docker-compose.yml", 3))

    @pytest.mark.parametrize(
        "facts",
        [
            [],
            [compose_database("elsewhere", platform="compose")],
            [compose_database("deploy", platform="kubernetes")],
            [compose_database("deploy", platform="compose"), compose_database("deploy", name="m", platform="compose", dialect="mysql")],
            [compose_database("deploy", platform="compose"), Pooler("pgbouncer", "pgbouncer", Location("other.yml", 3))],
        ],
        ids=["none", "another project's", "another platform's", "another kind beside it", "a pooler anywhere"],
    )
    def test_an_unread_url_leads_elsewhere_otherwise(self, facts: list[Database | Pooler]) -> None:
        assert not self.composed(self.BESIDE, *facts)

    @pytest.mark.parametrize("life", ["scale-to-zero", "per-invocation", "one-off"])
    def test_other_lives_are_silent(self, life: str) -> None:
        assert not self.check(workload(life=life))

    def test_an_engine_of_one_call_has_no_next_request(self) -> None:
        assert not self.check(workload(), lasts=number(False, "runs only in the task send"))

    def test_a_loop_for_each_task_needs_it(self) -> None:
        loop = Use("new-loop", "asyncio.run() in the task send", Location("app/tasks.py", 9))
        assert not self.check(workload(), uses=(loop,))


class TestFork:
    USED = Use("before-fork", "create_all()", Location("app/db.py", 12), "import")

    def check(self, *uses: Use, preloads: bool | Setting = True, **fields: object) -> list[Finding]:
        site = engine("app/db.py:8", pool(target=on("db"), **fields), uses=uses)
        given = number(preloads, "--preload", "Dockerfile:12") if isinstance(preloads, bool) else preloads
        run = web(4, preloads=given, units=number(1, "sync"))
        return list(engine_before_fork.check(joined([workload("api", 1, run)], site)))

    def test_used_at_import_and_preloaded(self) -> None:
        (finding,) = self.check(self.USED)
        assert finding.severity == "error"
        assert finding.message.startswith("uvicorn forks after create_all() opened a connection")
        assert finding.evidence[0].setting.origin.location == Location("app/db.py", 12)

    def test_created_but_unused(self) -> None:
        assert not self.check()

    def test_imported_after_the_fork(self) -> None:
        assert not self.check(self.USED, preloads=False)

    def test_disposed_in_the_child_without_closing(self) -> None:
        assert not self.check(self.USED, Use("dispose-keep-open", "post_fork", Location("gunicorn.conf.py", 4)))

    def test_a_plain_dispose_breaks_the_parent(self) -> None:
        (finding,) = self.check(self.USED, Use("dispose", "post_fork", Location("gunicorn.conf.py", 4), "child"))
        assert finding.severity == "warning"
        assert "closes the connections of the parent" in finding.message

    def test_a_dispose_that_no_child_runs_changes_nothing(self) -> None:
        (finding,) = self.check(self.USED, Use("dispose", "in shutdown", Location("app/db.py", 40)))
        assert finding.severity == "error"

    def test_a_use_that_nobody_can_decide_is_a_warning_with_the_reason(self) -> None:
        (finding,) = self.check(replace(self.USED, doubt="FLAG decides, and what it is cannot be read"))
        assert finding.severity == "warning"
        assert finding.message.startswith("uvicorn may fork after create_all() opened a connection")
        assert finding.details == ("It cannot be told whether it does: FLAG decides, and what it is cannot be read.",)

    @pytest.mark.parametrize(
        ("preloads", "severity"),
        [
            (Unknown("set by PRELOAD, which no file gives", Origin("preload_app", Location("gunicorn.conf.py", 3))), "warning"),
            (number(True, "PRELOAD", "gunicorn.conf.py:3", "fallback"), "warning"),
            (Unknown("set in conf.py, which is not here", Origin("--config", Location("Dockerfile", 3))), None),
            (Unknown("not read"), None),
        ],
    )
    def test_whether_it_preloads_may_be_what_nobody_knows(self, preloads: Setting, severity: str | None) -> None:
        assert [finding.severity for finding in self.check(self.USED, preloads=preloads)] == [severity] * bool(severity)

    def test_two_doubts_are_none(self) -> None:
        unknown = Unknown("set by PRELOAD", Origin("preload_app", Location("gunicorn.conf.py", 3)))
        assert not self.check(replace(self.USED, doubt="FLAG decides"), preloads=unknown)

    def test_a_factory_counts_where_the_server_calls_it(self) -> None:
        factory = replace(self.USED, when="factory", within="create_app")
        assert not self.check(factory)
        assert self.check(replace(factory, within="app"))  # the command names app.main:app

    def test_a_hook_counts_for_the_server_that_reads_it_whether_it_preloads_or_not(self) -> None:
        hook = replace(self.USED, when="hook", within="on_starting", location=Location("gunicorn.conf.py", 5))
        assert not self.check(hook)
        site = engine("app/db.py:8", pool(target=on("db")), uses=(hook,))
        run = web(4, preloads=number(False, "--preload"), files=("gunicorn.conf.py",))
        (finding,) = engine_before_fork.check(joined([workload("api", 1, run)], site))
        assert "create_all() in the hook on_starting" in finding.message

    def test_a_pool_that_keeps_nothing_hands_nothing_on(self) -> None:
        assert not self.check(self.USED, pool_class=NULL)

    def test_an_engine_that_does_not_outlive_its_call_hands_nothing_on(self) -> None:
        site = engine("app/db.py:8", pool(target=on("db")), uses=(self.USED,), lasts=number(False, "disposed"))
        run = web(4, preloads=number(True, "--preload"))
        assert not list(engine_before_fork.check(joined([workload("api", 1, run)], site)))


def test_a_finding_names_the_workloads_of_production_where_there_are_any() -> None:
    null = engine("app/db.py:8", pool(pool_class=NULL, target=on("db")))
    of_tests = [workload("api-test", 1, environment="test"), replace(compose_database("deploy"), environment="test")]
    of_all = [workload("api", 1), compose_database("deploy")]
    (finding,) = null_pool_on_long_lived_worker.check(joined([*of_all, *of_tests], null))
    assert finding.workloads == ("api",)
    (finding,) = null_pool_on_long_lived_worker.check(joined(of_tests, null))
    assert finding.workloads == ("api-test",)
