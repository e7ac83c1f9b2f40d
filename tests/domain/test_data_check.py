"""What the checks of a data definition come to, without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from alerting_pipeline.domain.data_check import (
    Check,
    Facts,
    Seen,
    State,
    checks,
    decide,
    is_schema_accepted,
    is_type,
    summary,
)
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.data_facts import complete_days, facts, facts_sql
from alerting_pipeline.domain.evaluation import Outcome
from alerting_pipeline.domain.relation import Relation

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def definition(**said: Any) -> DataDefinition:
    return DataDefinition.model_validate({"alert": "feed", "kind": "data", "model": "stg_feed", **said})


def judged(facts: Facts, seen: Seen = Seen(), **said: Any) -> Check:  # noqa: B008  # a frozen value
    (check,) = checks(definition(**said), facts, seen, NOW)
    return check


FRESH: dict[str, Any] = {"freshness": {"within": "18h", "column": "issued_at"}}


@pytest.mark.parametrize(("age", "state"), [("18h", State.PASSED), ("18h1m", State.FAILED), ("-3h", State.PASSED)])
def test_exactly_as_old_as_allowed_is_fresh_and_a_row_from_the_future_as_well(age: str, state: State) -> None:
    hours = {"18h": 18, "18h1m": 18 + 1 / 60, "-3h": -3}[age]
    assert judged(Facts(newest=NOW - timedelta(hours=hours)), **FRESH).state is state


def test_the_age_is_told_with_what_is_allowed() -> None:
    check = judged(Facts(newest=NOW - timedelta(days=2, hours=12, seconds=40)), **FRESH)
    assert check.says == "the newest issued_at is 2d12h old, 18h are allowed"


@pytest.mark.parametrize("facts", [Facts(is_empty=True), Facts(newest=None)])
def test_an_empty_model_or_a_column_of_nulls_is_neither_fresh_nor_stale(facts: Facts) -> None:
    assert judged(facts, **FRESH).state is State.UNJUDGED


def days(*counts: int) -> Facts:
    return Facts(counts=tuple((date(2026, 1, day), count) for day, count in enumerate(counts, 1)))


VOLUME: dict[str, Any] = {"volume": {"column": "created_at", "at_least": "50%", "at_most": "200%"}}


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ((100, 100, 100, 50), State.PASSED),
        ((100, 100, 100, 49), State.FAILED),
        ((100, 100, 100, 200), State.PASSED),
        ((100, 100, 100, 201), State.FAILED),
        ((100, 100, 5000, 60), State.PASSED),  # a median: one odd day does not move it
        ((100, 100, 100, 0), State.FAILED),
        ((100, 0), State.PASSED),  # too little history to say what is usual
        ((), State.UNJUDGED),
    ],
)
def test_a_day_is_compared_with_the_median_of_those_before_it(counts: tuple[int, ...], state: State) -> None:
    assert judged(days(*counts), **VOLUME).state is state


def test_the_volume_is_told_in_numbers() -> None:
    assert judged(days(100, 100, 100, 40), **VOLUME).says == (
        "40 rows of day 2026-01-04, usual are 100 (median of 3 days before), at least 50% of it must come"
    )


def test_days_are_local_ones_also_when_the_clocks_change() -> None:
    said = definition(volume={"column": "at", "timezone": "Europe/Berlin", "at_least": "50%", "of_last": 3})
    after = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)  # already the 30th in Berlin; the 29th has 23 hours
    assert said.volume is not None
    assert complete_days(said.volume, after) == [date(2026, 3, day) for day in (26, 27, 28, 29)]
    sql = facts_sql([said], Relation('"x"'), after)
    begin, end = "2026-03-28T23:00:00+00:00", "2026-03-29T22:00:00+00:00"
    assert f">= cast('{begin}' as timestamptz)" in sql
    assert f"< cast('{end}' as timestamptz)" in sql


def test_days_before_the_first_row_are_not_days_without_rows() -> None:
    said = definition(volume={"column": "at", "at_least": "50%", "of_last": 3})
    found = {"first": "2026-01-03T10:00:00+00:00", **{f"2026-01-0{day}": day for day in range(1, 5)}}
    assert facts(said, 0, {"has_rows": True, "counts_0": found}, {}, NOW).counts == (
        (date(2026, 1, 3), 3),
        (date(2026, 1, 4), 4),
    )


def test_missing_and_retyped_columns_fail_and_spellings_of_a_type_do_not() -> None:
    columns = {"a": "integer", "b": "timestamp with time zone"}
    check = judged(Facts(columns=columns), schema={"columns": {"a": "int", "b": "text", "c": "any"}})
    assert check.state is State.FAILED
    assert check.says == "b is timestamp with time zone, not text; c is missing"
    assert is_type("decimal(10,2)", "numeric(12,4)") and not is_type("text", "integer")


@pytest.mark.parametrize(("on_change", "state"), [("warn", State.PASSED), ("fail", State.FAILED)])
def test_columns_that_came_went_or_changed_are_named(on_change: str, state: State) -> None:
    seen = Seen({"a": "integer", "old": "text", "b": "text"})
    facts = Facts(columns={"a": "bigint", "b": "text", "new": "text"})
    check = judged(facts, seen, schema={"on_change": on_change})
    assert check.state is state
    assert "old is gone; new is new; a was integer, is bigint" in check.says


def test_a_person_who_resolves_the_incident_accepts_the_change() -> None:
    said, facts = {"schema": {"on_change": "fail"}}, Facts(columns={"a": "text", "new": "text"})
    before = {"a": "text"}
    failed = judged(facts, Seen(before), **said)
    assert not is_schema_accepted(definition(**said), [failed])
    accepted = judged(facts, Seen(before, is_accepted=True), **said)
    assert accepted.state is State.PASSED
    assert is_schema_accepted(definition(**said), [accepted])


PASSED, FAILED = Check("p", State.PASSED, "fine"), Check("f", State.FAILED, "3 rows", ("secret value",))
UNJUDGED, BROKEN = Check("u", State.UNJUDGED, "NULL"), Check("b", State.BROKEN, "no column")


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        ([PASSED, PASSED], Outcome.CLEAR),
        ([PASSED, UNJUDGED], Outcome.NO_DATA),
        ([PASSED, UNJUDGED, BROKEN], Outcome.SYSTEM_FAILURE),
        ([PASSED, UNJUDGED, BROKEN, FAILED], Outcome.FIRING),
    ],
)
def test_a_failure_is_certain_and_what_can_not_be_judged_clears_nothing(found: list[Check], outcome: Outcome) -> None:
    assert decide(found).outcome is outcome


def test_a_message_names_checks_and_what_is_held_and_no_value_of_a_row() -> None:
    said = summary(definition(), [PASSED, FAILED], ["late_delivery"])
    assert said == "stg_feed: f: 3 rows. Held until it passes: late_delivery."
    assert "secret" not in decide([FAILED]).reason


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"volume": {"column": "a"}}, "needs a bound"),
        ({"volume": {"column": "a", "at_least": "200%", "at_most": "50%"}}, "exchange"),
        ({"volume": {"column": "a", "at_least": "0.5"}}, "50%"),
        ({"schema": {}}, "expects nothing"),
        ({"expectations": [{"expect_a": {}, "expect_b": {}}]}, "one name"),
        ({"severity": [{"level": "high", "when": "a > 1"}]}, "no `when`"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_remedy(said: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        definition(**said)


def test_it_is_stored_and_read_again_as_it_was() -> None:
    said = definition(
        **FRESH, **VOLUME, schema={"columns": ["a"]}, expectations=[{"expect_table_row_count_to_equal": {"value": 1}}]
    )
    body = said.model_dump(mode="json", by_alias=True)
    assert DataDefinition.model_validate(body).version_id == said.version_id
