"""The formula, its limits, and the question turned round."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poollint.arithmetic import (
    Deployment,
    accepted,
    bound,
    cap_of,
    formula,
    grouped,
    instances_that_fit,
    largest,
    limit_needed,
    most,
    per_instance,
    pool_that_fits,
    recommended,
    usable,
)
from poollint.facts import NO_CEILING, NOT_READ, Known, Location, Origin, Pool, Setting, Unknown

HERE = Location("deploy/service.yaml", 7)
DEFAULT = Origin("default of SQLAlchemy 2.0")


def given_(value: object, says: str = "written", certainty: str = "exact") -> Known:
    return Known(value, Origin(says, HERE), certainty)  # type: ignore[arg-type]


def queue(size: Setting | int = 5, overflow: Setting | int = 10) -> Pool:
    def setting(value: Setting | int) -> Setting:
        return value if isinstance(value, (Known, Unknown)) else Known(value, DEFAULT, "default")

    return Pool(
        pool_class=Known("QueuePool", DEFAULT, "default"), pool_size=setting(size), max_overflow=setting(overflow)
    )


def pool_of(kind: str) -> Pool:
    return Pool(pool_class=given_(kind))


def deployed(instances: int, processes: int, units: object = None, in_flight: object = None) -> Deployment:
    def optional(value: object) -> Setting:
        return Unknown("not read") if value is None else given_(value)

    return Deployment(
        given_(instances, "maxScale"), given_(processes, "--workers"), optional(units), optional(in_flight)
    )


class TestOneInstance:
    @pytest.mark.parametrize(
        ("processes", "size", "overflow", "in_flight", "expected"),
        [
            (1, 5, 10, 1, 1),
            (1, 5, 10, 10, 10),
            (1, 5, 10, 80, 15),
            (4, 5, 10, 10, 25),
            (4, 5, 10, 80, 60),
            (4, 20, 0, 80, 80),
        ],
    )
    def test_the_measured_examples(
        self, processes: int, size: int, overflow: int, in_flight: int, expected: int
    ) -> None:
        assert per_instance(processes, size, overflow, in_flight) == expected

    def test_a_sync_worker_holds_one_connection_whatever_the_pool_allows(self) -> None:
        assert per_instance(3, 5, 10, units=1) == 3

    def test_threads_cap_a_process(self) -> None:
        assert per_instance(2, 3, 4, units=12) == 14
        assert per_instance(3, 5, 10, units=4) == 12

    @given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 50), st.integers(1, 1000), st.integers(1, 1000))
    def test_a_limit_never_raises_the_bound(self, p: int, s: int, o: int, d: int, t: int) -> None:
        assert (
            per_instance(p, s, o, d, t) <= min(per_instance(p, s, o, d), per_instance(p, s, o, units=t)) <= p * (s + o)
        )

    @given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 20), st.integers(1, 200))
    def test_more_requests_never_need_fewer_connections(self, p: int, s: int, o: int, d: int) -> None:
        assert per_instance(p, s, o, d) <= per_instance(p, s, o, d + 1)


class TestBound:
    def test_the_guides_example(self) -> None:
        made = bound(queue(), deployed(40, 4))
        assert made.formula == "40 instances × 4 processes × (5 + 10)"
        assert made.lowered.value == made.plain.value == 2400
        assert [name for name, _ in made.factors] == ["instances", "processes", "pool_size", "max_overflow"]
        assert made.factors[0][1].origin == Origin("maxScale", HERE)

    def test_units_lower_it_and_join_the_evidence(self) -> None:
        made = bound(queue(10, 20), deployed(5, 4, units=1))
        assert (made.lowered.value, made.plain.value) == (20, 600)
        assert made.formula == "5 instances × 4 processes × min(10 + 20, 1 at once)"
        assert made.plain_formula == "5 instances × 4 processes × (10 + 20)"
        assert made.factors[-1][0] == "units"

    def test_a_hard_in_flight_limit_lowers_it(self) -> None:
        made = bound(queue(), deployed(10, 4, in_flight=10))
        assert (made.lowered.value, made.plain.value) == (250, 600)
        assert made.formula == "10 instances × 25 (4 processes × (5 + 10), but 10 requests at once in an instance)"
        assert made.factors[-1][0] == "concurrency"

    def test_a_limit_that_does_not_bite_is_not_mentioned(self) -> None:
        made = bound(queue(), deployed(2, 1, units=NO_CEILING, in_flight=80))
        assert made.formula == "2 instances × 1 process × (5 + 10)"
        assert len(made.factors) == 4

    def test_an_unknown_factor_makes_it_unknown_and_says_which(self) -> None:
        made = bound(queue(), Deployment(Unknown("no file says how many"), given_(4)))
        assert made.lowered == made.plain == Unknown("instances: no file says how many")
        assert made.formula == "? instances × 4 processes × (5 + 10)"

    def test_units_that_nobody_gives_make_it_unknown_but_not_those_that_nothing_limits(self) -> None:
        made = bound(queue(), Deployment(given_(2), given_(1), Unknown("the number of CPUs")))
        assert made.lowered == made.plain == Unknown("units: the number of CPUs")
        assert bound(queue(), Deployment(given_(2), given_(1), NOT_READ)).lowered.value == 30

    def test_an_autoscaler_without_ceiling_gives_no_number(self) -> None:
        made = bound(queue(), deployed(NO_CEILING, 1))  # type: ignore[arg-type]
        assert made.lowered == Unknown("instances: no ceiling", Origin("maxScale", HERE))

    def test_the_weakest_factor_decides_how_sure_it_is(self) -> None:
        pool = queue(given_(20, "DB_POOL_SIZE", "fallback"), 0)
        assert bound(pool, deployed(2, 2)).lowered.certainty == "fallback"

    def test_null_pool_opens_what_runs_at_once(self) -> None:
        made = bound(pool_of("NullPool"), deployed(10, 4, in_flight=80))
        assert made.lowered.value == 800
        assert made.formula == "10 instances × 80 at once"

    def test_null_pool_in_sync_workers_opens_one_each(self) -> None:
        made = bound(pool_of("NullPool"), deployed(10, 4, units=1, in_flight=80))
        assert made.lowered.value == 40
        assert made.formula == "10 instances × 4 processes × 1 at once"

    def test_null_pool_without_any_limit_is_unknown(self) -> None:
        made = bound(pool_of("NullPool"), deployed(10, 4, units=NO_CEILING))
        assert isinstance(made.lowered, Unknown)
        assert "nothing written limits what runs at once" in made.lowered.reason

    def test_an_engine_per_call_is_limited_by_calls_not_by_its_pool(self) -> None:
        made = bound(queue(), deployed(2, 1, in_flight=80), per_call=given_(True))
        assert made.lowered.value == 160

    @pytest.mark.parametrize(("size", "overflow", "why"), [(5, -1, "unlimited overflow"), (0, 10, "pool_size=0")])
    def test_pools_without_a_ceiling(self, size: int, overflow: int, why: str) -> None:
        assert cap_of(queue(size, overflow)).uncapped == why

    def test_before_two_pool_size_zero_means_overflow_only(self) -> None:
        made = bound(queue(0, 7), deployed(1, 2), sqlalchemy=given_("1.4.54"))
        assert made.lowered.value == 14

    def test_a_static_pool_holds_one(self) -> None:
        assert bound(pool_of("StaticPool"), deployed(3, 2)).lowered.value == 6

    def test_text_where_a_number_belongs_is_unknown(self) -> None:
        assert isinstance(bound(queue(given_("20")), deployed(1, 1)).lowered, Unknown)

    def test_alternatives_take_the_largest_that_is_known(self) -> None:
        small, large = bound(queue(1, 0), deployed(2, 2)), bound(queue(20, 0), deployed(2, 2))
        unknown = bound(pool_of("NullPool"), deployed(2, 2))
        assert largest([small, unknown, large]) is large
        assert largest([unknown]) is unknown


class TestDatabase:
    def test_reserved_and_headroom_are_not_usable(self) -> None:
        assert usable(given_(500), given_(5), given_(35)).value == 460

    def test_what_is_not_known_to_be_reserved_is_usable(self) -> None:
        assert usable(given_(100), Unknown(""), Unknown("")).value == 100

    def test_an_unknown_limit_stays_unknown(self) -> None:
        assert isinstance(usable(Unknown("no file"), given_(3), Unknown("")), Unknown)

    def test_the_evidence_line_says_what_was_taken_off(self) -> None:
        limit = Known(500, Origin("Cloud SQL db-custom-4-16384: 500", None, "https://example.org"), "default")
        line = accepted(limit, given_(5), Unknown(""))
        assert line.value == 495
        assert line.origin.says == "Cloud SQL db-custom-4-16384: 500, less 5 reserved"
        assert line.origin.url == "https://example.org"

    def test_a_limit_written_as_a_flag_names_its_number(self) -> None:
        assert accepted(given_(200, "max_connections"), given_(3), given_(10)).origin.says == (
            "max_connections: 200, less 3 reserved and 10 kept free"
        )


class TestTurnedRound:
    def test_the_limit_that_is_needed(self) -> None:
        assert limit_needed(600, given_(3), given_(35)) == 638

    def test_the_most_instances_that_fit(self) -> None:
        assert instances_that_fit(495, 60) == 8
        assert instances_that_fit(-5, 60) == 0

    def test_the_largest_pool_that_fits(self) -> None:
        assert pool_that_fits(495, 40, 4) == 3
        assert pool_that_fits(100, 0, 4) == 0

    def test_searching_for_the_most_that_fits(self) -> None:
        assert most(lambda n: n * 60 <= 495, 40) == 8
        assert most(lambda n: False, 40) == 0

    def test_the_recommendation_of_the_contract(self) -> None:
        pool = recommended(495, 2400, 2400, 40, 4)
        assert (pool.share, pool.pool_size, pool.max_overflow) == (3, 2, 0)

    @given(
        st.lists(st.tuples(st.integers(1, 50), st.integers(1, 16), st.integers(1, 60)), min_size=1, max_size=5),
        st.integers(1, 5000),
    )
    def test_recommended_pools_fit_together(self, clients: list[tuple[int, int, int]], limit: int) -> None:
        whole = sum(n * p * pool for n, p, pool in clients)
        made = [(n * p, recommended(limit, n * p * pool, whole, n, p)) for n, p, pool in clients]
        fitting = [(pools, each) for pools, each in made if each.share >= 1]
        assert sum(pools * (each.pool_size + each.max_overflow) for pools, each in fitting) <= limit

    def test_a_share_below_one_has_no_fitting_pool(self) -> None:
        assert recommended(97, 9600, 9600, 40, 4).share == 0


def test_numbers_are_grouped_as_people_read_them() -> None:
    assert grouped(2400) == "2,400"
    assert grouped(NO_CEILING) == "no ceiling"
    assert formula(given_(1), given_(1), given_(20), Unknown("")) == "1 instance × 1 process × (20 + ?)"
