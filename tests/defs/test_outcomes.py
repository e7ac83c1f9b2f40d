"""Outcomes as Dagster shows them."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from alerting_pipeline.defs.outcomes import check_result, events, is_worth_telling, trend
from alerting_pipeline.domain.evaluation import EvaluationResult, Outcome
from alerting_pipeline.store.trend import Past


def _result(outcome: Outcome = Outcome.FIRING, **more: Any) -> EvaluationResult:
    return EvaluationResult("late", "v1", "deliveries", outcome, "2 violations", **more)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_a_clear_alert_passes_its_check_and_it_never_blocks(outcome: Outcome):
    result = check_result(_result(outcome), [])
    assert result.passed is (outcome is Outcome.CLEAR)
    assert result.severity is dg.AssetCheckSeverity.WARN


def test_sample_rows_are_a_table_whatever_columns_each_row_has():
    sample = ({"delivery_id": "d1", "days": 3}, {"delivery_id": "d2", "carrier": "north"})
    table = check_result(_result(sample=sample), []).metadata["sample"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [column.name for column in table.schema.columns] == ["delivery_id", "days", "carrier"]
    assert table.records[1].data == {"delivery_id": "d2", "days": None, "carrier": "north"}


def test_the_trend_shows_what_was_not_judged_apart_from_zero():
    past = [Past("clear", 0), Past("firing", 2), Past("data_failure", 0), Past("firing", 4)]
    assert trend(past) == "▁▅×█  0, 2, ×, 4"


def test_many_alerts_are_told_of_only_where_something_changed():
    steady = [Past("firing", 2), Past("firing", 2)]
    assert is_worth_telling(_result(), steady, among=3)
    assert not is_worth_telling(_result(), steady, among=1000)
    assert is_worth_telling(_result(opened=1), steady, among=1000)
    assert is_worth_telling(_result(), [Past("clear", 0), Past("firing", 2)], among=1000)


def test_a_repeated_evaluation_is_told_of_by_nobody():
    assert not is_worth_telling(_result(is_repeated=True), [], among=1)


def test_an_alert_makes_two_events_on_its_own_node():
    made = events(_result(opened=2), [Past("firing", 2)])
    assert {event.asset_key for event in made} == {dg.AssetKey(["alerts", "late"])}
    assert [type(event) for event in made] == [dg.AssetMaterialization, dg.AssetCheckEvaluation]
