"""The rules about poolers: too many clients, too many servers, pools before pools, what does not pass through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linking import compose_database, engine, joined, number, on, pool, web, workload
from poollint.facts import Finding, Known, Location, Pool, Pooler, Project, Setting, Target, Unknown, Use
from poollint.rules import (
    clients_exceed_pooler,
    large_pool_behind_pooler,
    pooler_exceeds_limit,
    session_state_behind_pooler,
    startup_parameters_behind_pooler,
)

HOST = on("pgbouncer", 6432)


def bouncer(**fields: object) -> Pooler:
    made = Pooler(
        name="pgbouncer",
        product="pgbouncer",
        location=Location("pgbouncer.ini", 1),
        mode=number("transaction", "pool_mode", "pgbouncer.ini:4"),
        pool_size=number(20, "default_pool_size", "pgbouncer.ini:6"),
        max_client_connections=number(100, "max_client_conn", "pgbouncer.ini:5"),
        backends={"*": Target("postgresql", "db", 5432)},
        hosts=("pgbouncer",),
        ports=(6432,),
        unit="deploy",
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def project(
    pooled: Pooler | None = None, made: Pool | None = None, instances: int | Setting = 4, **fields: object
) -> Project:
    site = engine("app/db.py:8", made or pool(target=HOST), **fields)
    return joined([workload("api", instances, web(2)), pooled or bouncer(), compose_database("deploy")], site)


class TestClientsExceedPooler:
    def check(self, made: Project) -> list[Finding]:
        return list(clients_exceed_pooler.check(made))

    def test_more_than_it_lets_in(self) -> None:
        (finding,) = self.check(project())
        assert finding.severity == "error"
        assert finding.message == "4 instances × 2 processes × (5 + 10) = 120 connections, but pgbouncer lets in 100"
        assert finding.evidence[-1].setting.origin.location == Location("pgbouncer.ini", 5)

    def test_replicas_share_them(self) -> None:
        assert not self.check(project(bouncer(replicas=number(2, "replicas"))))

    def test_in_session_mode_each_holds_a_server_connection(self) -> None:
        session = bouncer(mode=number("session", "pool_mode"), max_client_connections=number(1000, "max_client_conn"))
        (finding,) = self.check(project(session))
        assert "in session mode each client holds one of its connections, 20" in finding.message

    def test_what_fits_is_silent(self) -> None:
        assert not self.check(project(instances=3))

    def test_an_unknown_number_of_instances_is_silent(self) -> None:
        assert not self.check(project(instances=Unknown("not written")))


class TestPoolerExceedsLimit:
    def check(self, made: Project) -> list[Finding]:
        return list(pooler_exceeds_limit.check(made))

    def test_its_server_side_stands_at_its_own_line(self) -> None:
        (finding,) = self.check(project(bouncer(pool_size=number(120, "default_pool_size", "pgbouncer.ini:6"))))
        assert (finding.severity, finding.location) == ("error", Location("pgbouncer.ini", 6))
        assert finding.message == "pgbouncer may open 120 connections, but db accepts 97"

    def test_replicas_and_reserve_stand_in_the_formula(self) -> None:
        large = bouncer(
            pool_size=number(40, "default_pool_size"),
            reserve_pool_size=number(10, "reserve_pool_size"),
            replicas=number(2, "replicas"),
        )
        (finding,) = self.check(project(large))
        assert finding.message == "pgbouncer may open 2 replicas × (40 + 10) = 100 connections, but db accepts 97"
        assert finding.help == "Set max_db_connections=48, or a smaller default_pool_size."

    def test_a_cap_below_the_limit_is_silent(self) -> None:
        capped = bouncer(
            pool_size=number(120, "default_pool_size"), max_db_connections=number(80, "max_db_connections")
        )
        assert not self.check(project(capped))

    def test_an_unread_size_is_silent(self) -> None:
        assert not self.check(project(bouncer(location=None, pool_size=Unknown("not readable"))))


class TestLargePoolBehindPooler:
    def check(self, made: Project) -> list[Finding]:
        return list(large_pool_behind_pooler.check(made))

    def test_the_default_pool_is_too_large(self) -> None:
        (finding,) = self.check(project())
        assert finding.severity == "warning"
        assert "5 + 10 connections to pgbouncer, a pgbouncer in transaction mode" in finding.message

    @pytest.mark.parametrize(("size", "overflow"), [(2, 0), (1, 1)])
    def test_two_are_enough(self, size: int, overflow: int) -> None:
        assert not self.check(project(made=pool(size, overflow, target=HOST)))

    def test_session_mode_and_unknown_mode_are_silent(self) -> None:
        assert not self.check(project(bouncer(mode=number("session", "pool_mode"))))
        unread = Unknown("not readable", number(1, "pool_mode").origin)
        assert not self.check(project(bouncer(mode=unread)))

    def test_null_pool_keeps_nothing(self) -> None:
        assert not self.check(project(made=pool(target=HOST, pool_class=number("NullPool", "poolclass"))))

    def test_an_engine_of_each_call_uses_one_connection_whatever_its_pool_is(self) -> None:
        assert not self.check(project(per_call=number(True, "runs in the task bill")))

    def test_rds_proxy_takes_ten(self) -> None:
        proxy = bouncer(product="rds-proxy", mode=Unknown("it pins"))
        assert not self.check(project(proxy, pool(5, 5, target=HOST)))
        assert self.check(project(proxy, pool(5, 10, target=HOST)))


class TestStartupParameters:
    def check(self, made: Project) -> list[Finding]:
        return list(startup_parameters_behind_pooler.check(made))

    def sending(self, **settings: str) -> Pool:
        given = number(settings, "server_settings", "app/db.py:9")
        return pool(target=HOST, driver=number("asyncpg", "asyncpg"), connect_args={"server_settings": given})

    def test_a_parameter_it_does_not_track_is_refused(self) -> None:
        (finding,) = self.check(project(made=self.sending(jit="off", application_name="shop")))
        assert finding.severity == "error"
        assert finding.message == "pgbouncer, a PgBouncer, refuses connections that send the startup parameter jit"

    def test_tracked_ones_pass(self) -> None:
        assert not self.check(project(made=self.sending(application_name="shop", TimeZone="UTC")))

    def test_an_ignored_one_has_no_effect(self) -> None:
        (finding,) = self.check(project(bouncer(listed_parameters=("jit",)), self.sending(jit="off")))
        assert finding.severity == "note"
        assert "so the setting has no effect" in finding.message

    def test_options_of_libpq(self) -> None:
        made = pool(target=HOST, connect_args={"options": number("-c statement_timeout=5000", "options")})
        (finding,) = self.check(project(made=made))
        assert "statement_timeout" in finding.message
        assert self.check(project(bouncer(listed_parameters=("options",)), made))[0].severity == "note"

    def test_the_value_itself_is_never_shown(self) -> None:
        (finding,) = self.check(project(made=self.sending(jit="s3cret")))
        assert "s3cret" not in repr(finding)

    def test_without_its_configuration_nothing_is_claimed(self) -> None:
        assert not self.check(project(bouncer(location=None), self.sending(jit="off")))
        assert not self.check(project(bouncer(product="pgcat"), self.sending(jit="off")))

    def test_a_direct_connection_takes_every_parameter(self) -> None:
        direct = replace(self.sending(jit="off"), target=number(on("db"), "URL"))
        assert not self.check(project(made=direct))


class TestSessionState:
    USE = Use("session-state", "SET search_path in a connect event", Location("app/db.py", 14))

    def check(self, made: Project) -> list[Finding]:
        return list(session_state_behind_pooler.check(made))

    def test_state_on_a_shared_connection(self) -> None:
        (finding,) = self.check(project(uses=(self.USE,)))
        assert finding.severity == "warning"
        assert finding.message.startswith("SET search_path in a connect event outlives the transaction")
        assert finding.evidence[0].setting.origin.location == Location("app/db.py", 14)

    def test_session_mode_keeps_it_apart(self) -> None:
        assert not self.check(project(bouncer(mode=number("session", "pool_mode")), uses=(self.USE,)))

    def test_no_state_no_finding(self) -> None:
        assert not self.check(project())


def test_poolers_are_facts_with_settled_defaults() -> None:
    made = joined(
        [workload("api", 1), bouncer(max_client_connections=Unknown("not set")), compose_database("deploy")],
        engine("a.py:1", pool(target=HOST)),
    )
    (pooled,) = [each for each in made.poolers if each.name == "pgbouncer"]
    assert isinstance(pooled.max_client_connections, Known)
    assert pooled.max_client_connections.value == 100
