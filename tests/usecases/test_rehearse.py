"""Cases on the real engine; and that a wrong expectation fails, for a test that cannot fail is none."""

from __future__ import annotations

from typing import Any

import pytest

from alerting_pipeline.adapters.marts import CaseRows
from alerting_pipeline.adapters.scanner import Scanner
from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.domain.case import Step
from alerting_pipeline.domain.case_verdict import CaseResult
from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.evaluation import EvaluationResult, Order
from alerting_pipeline.domain.relation import parameters_of
from alerting_pipeline.rendering.announcement import Directory
from alerting_pipeline.store.evaluations import EvaluationLedger
from alerting_pipeline.usecases.evaluate import Evaluator
from alerting_pipeline.usecases.rehearse import rehearse
from tests.usecases.world import DESTINATIONS, TREE, Model, World, definition

AT = "2026-01-05T05:00:00Z"
ROW = {"id": "t1", "amount": "150", "status": "pending", "created_at": "2026-01-05T04:22:00Z"}


class Silent:
    def report(self, step: str, item: str, done: int, total: int | None = None) -> None:
        pass


def run(world: World, *cases: dict[str, Any], **changes: Any) -> list[CaseResult]:
    item = definition(cases=list(cases), **changes)
    catalog = Catalog({"payments": world.model, **world.others})
    ledger = EvaluationLedger(world.engine, Directory(TREE, DESTINATIONS, ""))

    def evaluate(transaction: Any, definition: AlertDefinition, step: Step, number: int) -> EvaluationResult:
        scanner = Scanner(
            Warehouse(world.database.reader_url), CaseRows(catalog, step), parameters_of(definition, step.parameters)
        )
        evaluator = Evaluator({definition.alert: definition}, ledger, scanner)
        return evaluator.within(transaction, [definition], Order(f"case:{number}", step.at))[0]

    return rehearse([item], ledger, evaluate, Silent())


def case(**changes: Any) -> dict[str, Any]:
    return {"name": "a case", "at": AT, "rows": [ROW], "expect": [{"entity": "t1"}], **changes}


def test_a_right_case_passes_and_leaves_nothing_behind(world: World) -> None:
    before = world.rows()
    [result] = run(
        world, case(expect=[{"entity": "t1", "severity": "medium", "deviance": 1.5, "summary": "t1 is 150"}])
    )
    assert result.differences == ()
    assert world.rows() == before


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ([{"entity": "t1", "severity": "critical"}], "expected severity critical for t1, got medium"),
        ([{"entity": "t1", "deviance": 1.6}], "expected deviance 1.6 for t1, got 1.5"),
        ([{"entity": "t1", "summary": "no"}], 'expected the summary "no" for t1, got "t1 is 150"'),
        ([{"entity": "t1"}, {"entity": "t2"}], "expected t2 to fire, but nothing is known of it"),
        ([], "did not expect t1, but it was opened"),
        ([{"entity": "t1", "event": "cleared"}], "expected t1 to be cleared, got opened"),
    ],
)
def test_a_wrong_expectation_fails_and_says_what_came(world: World, expect: list[Any], said: str) -> None:
    [result] = run(world, case(expect=expect))
    assert result.differences == (said,)


def test_a_wrong_outcome_fails(world: World) -> None:
    results = run(world, case(outcome="clear", expect=None), case(name="right", outcome="firing", expect=None))
    assert [result.is_passed for result in results] == [False, True]


def test_live_parameter_values_and_open_incidents_do_not_reach_a_case(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.set("large", "limit", "999999")
    [result] = run(world, case(expect=[{"entity": "t1", "event": "opened"}]))
    assert result.differences == ()


def test_a_case_may_override_a_parameter(world: World) -> None:
    results = run(world, case(parameters={"limit": 149}), case(name="more", parameters={"limit": 151}, expect=[]))
    assert [result.differences for result in results] == [(), ()]


def test_a_timeline_runs_through_the_real_lifecycle(world: World) -> None:
    steps = [
        {"at": AT, "rows": [ROW], "expect": [{"entity": "t1", "event": "opened"}]},
        {"at": "2026-01-05T06:00:00Z", "rows": [ROW], "expect": [{"entity": "t1", "event": "unchanged"}]},
        {"at": "2026-01-05T07:00:00Z", "rows": [{**ROW, "amount": "1500"}],
         "expect": [{"entity": "t1", "event": "updated", "severity": "critical"}]},
        {"at": "2026-01-05T08:00:00Z",
         "rows": [{**ROW, "amount": None}, {"id": "t2", "amount": "1", "status": "pending"}],
         "expect": [{"entity": "t1", "event": "held"}]},
        {"at": "2026-01-05T09:00:00Z", "rows": [{**ROW, "status": "settled"}],
         "expect": [{"entity": "t1", "event": "cleared"}]},
        {"at": "2026-01-05T10:00:00Z", "rows": [ROW], "expect": [{"entity": "t1", "event": "opened"}]},
        {"at": "2026-01-05T11:00:00Z", "rows": [], "expect": [{"entity": "t1", "event": "withdrawn"}]},
        {"at": "2026-01-05T12:00:00Z", "rows": [], "expect": []},
    ]  # fmt: skip
    [result] = run(world, {"name": "a life", "steps": steps})
    assert result.differences == ()
    steps[4]["expect"] = [{"entity": "t1", "event": "withdrawn"}]
    [result] = run(world, {"name": "a life", "steps": steps})
    assert result.differences == ("step 5, 2026-01-05 09:00: expected t1 to be withdrawn, got cleared",)


def test_a_timeline_shows_what_waits_what_is_kept_firing_and_what_comes_back(world: World) -> None:
    bad, good = [ROW], [{**ROW, "status": "settled"}]
    told = [
        (5, bad, "pending"), (6, bad, "pending"), (7, bad, "opened"), (8, good, "calmed"), (9, bad, "relapsed"),
        (10, good, "calmed"), (12, good, "cleared"), (13, bad, "pending"), (15, bad, "reopened"),
    ]  # fmt: skip
    steps = [
        {"at": f"2026-01-05T{hour:02}:00:00Z", "rows": rows, "expect": [{"entity": "t1", "event": event}]}
        for hour, rows, event in told
    ]
    asked = {"for": "2h", "keep_firing_for": "2h", "reopen_within": "1d"}
    [result] = run(world, {"name": "a life", "steps": steps}, **asked)
    assert result.differences == ()


def test_a_query_over_several_models_is_given_the_rows_of_each(world: World) -> None:
    world.others = {"limits": Model("limits", "m", "marts.limits", {"segment": "text", "most": "integer"})}
    query = (
        "select p.id, p.amount, l.most from {{ ref('payments') }} as p "
        "join {{ ref('limits') }} as l on l.segment = p.segment"
    )
    given = {"payments": [{**ROW, "segment": "a"}], "limits": [{"segment": "a", "most": 100}]}
    asked = {"model": None, "query": query, "condition": "amount > most", "parameters": {}}
    [result] = run(world, case(rows=None, given=given), **asked)
    assert result.differences == ()


def test_a_definition_that_cannot_be_evaluated_fails_its_cases(world: World) -> None:
    [result] = run(world, case(expect=[]), condition="amount / 0 > 1")
    assert "division by zero" in result.differences[0]
