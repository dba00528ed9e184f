"""Who may open how many connections to one database in one environment."""

from __future__ import annotations

from dataclasses import replace

from linking import compose_database, default, engine, joined, number, on, pool, web, workload
from poollint.budget import Budget, budgets, client_side, fitting_pool, recommendations
from poollint.facts import Known, Location, Pooler, Project, Target, Unknown

SITE = engine("app/db.py:8", pool(target=on("db")))


def single(project: Project) -> Budget:
    (budget,) = budgets(project)
    return budget


class TestSum:
    def test_all_clients_of_a_database_are_added(self) -> None:
        worker = workload("worker", 3, replace(web(8, "tasks", units=number(1, "prefork")), kind="worker"))
        budget = single(joined([workload("api", 2, web(4)), worker, compose_database("deploy")], SITE))
        assert (budget.steady, budget.plain) == (2 * 4 * 15 + 3 * 8, 2 * 4 * 15 + 3 * 8 * 15)
        assert budget.usable.value == 97
        assert budget.exceeds

    def test_two_engines_of_one_process_are_two_pools(self) -> None:
        twin = engine("app/db.py:20", pool(10, 0, target=on("db")))
        assert single(joined([workload("api", 2), compose_database("deploy")], SITE, twin)).steady == 2 * 15 + 2 * 10

    def test_an_unknown_client_is_kept_apart(self) -> None:
        budget = single(joined([workload("api", 2), workload("b", Unknown("?")), compose_database("deploy")], SITE))
        assert budget.steady == 30
        assert [client.workload.name for client in budget.unknown if client.workload] == ["b"]
        assert budget.headroom is None

    def test_of_engines_in_different_branches_one_counts(self) -> None:
        first, second = SITE, engine("app/db.py:12", pool(20, 0, target=on("db")))
        pair = (replace(first, rivals=(second.location,)), replace(second, rivals=(first.location,)))
        budget = single(joined([workload("api", 2), compose_database("deploy")], *pair))
        assert [client.engine.location.line for client in budget.clients] == [12]
        assert budget.steady == 40

    def test_of_equal_branches_the_first_counts(self) -> None:
        second = engine("app/db.py:12", pool(target=on("db")), rivals=(SITE.location,))
        first = replace(SITE, rivals=(second.location,))
        budget = single(joined([workload("api", 2), compose_database("deploy")], first, second))
        assert [client.engine.location.line for client in budget.clients] == [8]

    def test_headroom_is_what_is_left(self) -> None:
        assert single(joined([workload("api", 2), compose_database("deploy")], SITE)).headroom == 67


class TestEnvironments:
    def test_each_is_judged_apart(self) -> None:
        facts = [
            workload("api", 40, environment="prod"),
            workload("api", 2, environment="staging"),
            compose_database("deploy"),
        ]
        assert [(b.environment, b.steady) for b in budgets(joined(facts, SITE))] == [("prod", 600), ("staging", 30)]

    def test_base_and_overlay_are_alternatives(self) -> None:
        facts = [workload("api", 1), workload("api", 40, environment="prod"), compose_database("deploy")]
        facts = [replace(fact, platform="kubernetes") if hasattr(fact, "platform") else fact for fact in facts]
        assert [(b.environment, b.steady) for b in budgets(joined(facts, SITE))] == [("prod", 600)]

    def test_an_unmarked_workload_joins_every_environment(self) -> None:
        facts = [workload("api", 40, environment="prod"), workload("cron", 1), compose_database("deploy")]
        assert [(b.environment, b.steady) for b in budgets(joined(facts, SITE))] == [("prod", 615)]

    def test_beside_a_development_file_the_unmarked_one_is_judged_too(self) -> None:
        facts = [workload("api", 40), workload("api", 1, environment="dev"), compose_database("deploy")]
        facts = [replace(fact, platform="kubernetes") if hasattr(fact, "platform") else fact for fact in facts]
        assert [(b.environment, b.steady) for b in budgets(joined(facts, SITE))] == [(None, 600), ("dev", 15)]

    def test_an_environment_has_its_own_database(self) -> None:
        facts = [
            workload("api", 2, environment="prod"),
            compose_database("deploy", 100),
            compose_database("deploy", 400, environment="prod"),
        ]
        assert single(joined(facts, SITE)).usable.value == 397

    def test_one_service_described_for_two_platforms_is_not_added(self) -> None:
        secret = replace(SITE, alternatives=(pool(target=on("db.example.org")),))
        facts = [workload("api", 10), workload("api", 4, platform="compose", unit="local")]
        assert single(joined(facts, secret)).steady == 150


class TestRollout:
    def test_the_documented_overlap_is_a_number_of_its_own(self) -> None:
        surging = workload("api", 4, rollout_instances=default(5), rollout_documented=True)
        budget = single(joined([surging, compose_database("deploy")], SITE))
        assert (budget.steady, budget.rollout) == (60, 75)


class TestRecommendation:
    def test_it_follows_the_demand_at_roll_out(self) -> None:
        surging = workload("api", 40, web(4))
        ((client, pool_),) = recommendations(single(joined([surging, compose_database("deploy", 500)], SITE)))
        assert client.workload and client.workload.name == "api"
        assert (pool_.share, pool_.pool_size, pool_.max_overflow) == (3, 2, 0)

    def test_without_a_limit_there_is_none(self) -> None:
        assert recommendations(single(joined([workload()]))) == ()


def bouncer(**fields: object) -> Pooler:
    made = Pooler(
        name="pgbouncer",
        product="pgbouncer",
        location=Location("docker-compose.yml", 9),
        mode=number("transaction", "POOL_MODE"),
        pool_size=number(25, "default_pool_size", "pgbouncer.ini:6"),
        max_client_connections=number(1000, "max_client_conn", "pgbouncer.ini:5"),
        backends={"*": Target("postgresql", "db", 5432)},
        hosts=("pgbouncer",),
        ports=(6432,),
        unit="deploy",
    )
    return replace(made, **fields)  # type: ignore[arg-type]


class TestTheQuestionTurnedRound:
    def test_an_unknown_pool_has_a_largest_that_fits(self) -> None:
        site = engine("app/db.py:8", pool(Unknown("set by DB_POOL_SIZE, which no file gives"), 0, target=on("db")))
        budget = single(joined([workload("api", 4, web(2)), compose_database("deploy")], site))
        assert [fitting_pool(budget, client) for client in budget.unknown] == [12]

    def test_a_known_pool_asks_for_nothing(self) -> None:
        budget = single(joined([workload("api", Unknown("?")), compose_database("deploy")], SITE))
        assert [fitting_pool(budget, client) for client in budget.unknown] == [None]

    def test_what_others_hold_is_not_free(self) -> None:
        other = engine("app/other.py:8", pool(Unknown("set by DB_POOL_SIZE"), 0, target=on("db")))
        budget = single(joined([workload("api", 3), compose_database("deploy")], SITE, other))
        assert [fitting_pool(budget, client) for client in budget.unknown] == [(97 - 45) // 3]


class TestPoolers:
    def pooled(self, *more: object, **fields: object) -> Budget:
        through = engine("app/db.py:8", pool(target=on("pgbouncer", 6432)))
        return single(
            joined([workload("api", 10, web(4)), bouncer(**fields), compose_database("deploy"), *more], through)
        )

    def test_its_server_side_takes_the_place_of_its_clients(self) -> None:
        budget = self.pooled()
        assert budget.steady == 25
        assert budget.direct == ()
        assert [side.formula for side in budget.poolers] == ["25"]
        assert client_side(budget.poolers[0].clients).value == 600

    def test_reserve_replicas_and_cap(self) -> None:
        assert self.pooled(reserve_pool_size=number(5, "reserve_pool_size")).steady == 30
        assert self.pooled(replicas=number(3, "replicas")).steady == 75
        assert self.pooled(max_db_connections=number(20, "max_db_connections")).steady == 20

    def side(self, *seats: tuple[str, int | None], **fields: object) -> tuple[int, str]:
        """Return what a pooler opens for clients that name a database and a user."""
        pools = [replace(pool(target=on("pgbouncer", 6432, name)), user=user) for name, user in seats]
        engines = [engine(f"app/db{number}.py:8", each) for number, each in enumerate(pools)]
        made = bouncer(**fields)
        facts = [workload("api", 10, web(4)), replace(made, backends={**made.backends}), compose_database("deploy")]
        (side,) = single(joined(facts, *engines)).poolers
        return side.total.value, side.formula

    def test_each_user_and_database_has_a_pool(self) -> None:
        assert self.side(("a", 1), ("a", 1)) == (25, "25")
        assert self.side(("a", 1), ("a", 2)) == (50, "2 users × 25")
        assert self.side(("a", 1), ("b", 1)) == (50, "2 databases × 25")
        assert self.side(("a", 1), ("a", 2), ("b", 1)) == (75, "3 pairs of user and database × 25")

    def test_what_no_url_names_adds_nothing(self) -> None:
        assert self.side(("a", 1), ("a", None)) == (25, "25")
        assert self.side(("a", None), ("a", None)) == (25, "25")

    def test_a_database_line_that_names_the_user_has_one_pool(self) -> None:
        assert self.side(("a", 1), ("a", 2), single_users=frozenset({"*"})) == (25, "25")

    def test_a_database_may_have_a_size_of_its_own(self) -> None:
        sizes = {"a": number(40, "pool_size", "pgbouncer.ini:3")}
        assert self.side(("a", 1), ("b", 1), ("b", 2), sizes=sizes) == (90, "40 + 2 × 25")

    def test_one_cap_is_per_database_the_other_per_user(self) -> None:
        assert self.side(("a", 1), ("b", 1), max_db_connections=number(20, "x")) == (40, "40 (max_db_connections)")
        assert self.side(("a", 1), ("b", 1), max_user_connections=number(30, "x")) == (30, "30 (max_user_connections)")
        assert self.side(("a", 1), ("b", 2), max_user_connections=number(30, "x")) == (50, "2 databases × 25")

    def test_an_unread_pool_size_is_the_products_default(self) -> None:
        budget = self.pooled(pool_size=Unknown("not set"))
        assert budget.steady == 20

    def test_direct_clients_are_added_to_it(self) -> None:
        through = engine("app/db.py:8", pool(target=on("pgbouncer", 6432)))
        direct = engine("app/admin.py:3", pool(target=on("db")))
        facts = [workload("api", 2), bouncer(), compose_database("deploy")]
        assert single(joined(facts, through, direct)).steady == 25 + 30


def test_budgets_are_facts_not_findings() -> None:
    budget = single(joined([workload("api", 2, web(4)), compose_database("deploy", 500)], SITE))
    assert isinstance(budget.usable, Known)
    assert (budget.database.name, budget.environment, budget.headroom) == ("db", None, 377)
