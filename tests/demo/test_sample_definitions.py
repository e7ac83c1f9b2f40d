"""The sample company's definitions are models for others: without errors, with a runbook, and explained by cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerting_pipeline.adapters.dbt_manifest import load_catalog
from alerting_pipeline.adapters.definition_files import load
from alerting_pipeline.domain.definition import AlertDefinition

PROJECT = Path(__file__).parent.parent.parent
ALERTS = (
    "card_fraud_suspected",
    "cold_room_too_warm",
    "content_reported",
    "large_transaction",
    "unusual_transaction",
    "late_delivery",
    "location_at_risk",
    "over_daily_budget",
    "retargeting_candidate",
    "forecast_over_budget",
    "bill_restated",
    "uncovered_on_demand",
    "stock_runs_out",
    "tier_changed",
)


@pytest.fixture(scope="module")
def definitions(dbt_manifest: Path) -> dict[str, AlertDefinition]:
    loaded = load(PROJECT / "alert_definitions", load_catalog(dbt_manifest))
    assert [str(problem) for problem in loaded.problems if problem.severity == "error"] == []
    return {each.name: each for each in loaded.definitions.values() if isinstance(each, AlertDefinition)}


@pytest.mark.parametrize("name", ALERTS)
def test_a_sample_alert_tells_who_acts_how_fast_and_how(definitions: dict[str, AlertDefinition], name: str) -> None:
    definition = definitions[name]
    assert definition.emoji and definition.system and definition.description
    assert all(level.respond_within for level in definition.severity) and len(definition.severity) > 1
    runbook = (PROJECT / definition.runbook).read_text(encoding="utf-8")
    for heading in ("What happened", "Why it matters", "What to do", "If the alert is wrong", "Where it comes from"):
        assert f"**{heading}" in runbook
    assert all(f"`{parameter}`" in runbook for parameter in definition.parameters)


@pytest.mark.parametrize("name", ALERTS)
def test_the_cases_of_a_sample_alert_show_the_whole_of_it(definitions: dict[str, AlertDefinition], name: str) -> None:
    steps = [step for case in definitions[name].cases for step in case.timeline]
    expected = [each for step in steps for each in step.expect]
    assert any(step.rows and not step.expect for step in steps)  # what does not fire
    assert any(value is None for step in steps for row in step.rows or () for value in row.values())  # NULL
    assert {"opened", "cleared"} <= {each.event for each in expected}  # a timeline
    assert {level.level for level in definitions[name].severity} == {
        each.severity for each in expected if each.severity
    }
    assert any(each.summary for each in expected)
