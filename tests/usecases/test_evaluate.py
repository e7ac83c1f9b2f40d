"""Evaluation on the real engine: each test is a small story about one mart."""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from alerting_pipeline.domain.evaluation import Health, Order
from alerting_pipeline.domain.event import Resolve
from alerting_pipeline.domain.health import ReadyModel
from alerting_pipeline.domain.warehouse_error import WarehouseUnreachable
from alerting_pipeline.rendering.announcement import Directory
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.incident_desk import IncidentDesk
from alerting_pipeline.store.mart_health import PostgresMartHealth
from alerting_pipeline.usecases.act import resolve
from tests.usecases.world import COLUMNS, DESTINATIONS, TREE, Model, World, definition, written


def test_a_violation_opens_one_incident_and_tells_once(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150}, {"id": "t2", "amount": 50})
    result = world.evaluate()["large"]
    assert (result.outcome, result.violations, result.opened) == ("firing", 1, 1)
    [incident] = world.incidents()
    assert incident["entity"] == {"id": "t1"}
    assert (incident["severity"], str(incident["deviance"]), incident["summary"]) == ("medium", "1.5", "t1 is 150")
    assert incident["link"] == "https://example.com/t1"
    assert world.messages() == [("opened", "#risk")]


def test_the_same_violation_again_writes_and_sends_nothing(world: World) -> None:
    world.publish(definition())
    world.put(*({"id": f"t{number}", "amount": 150} for number in range(50)))
    world.evaluate()
    before = world.rows()
    world.later(hours=1)
    result = world.evaluate()["large"]
    assert (result.violations, result.opened, result.updated) == (50, 0, 0)
    assert written(before, world.rows()) == {"evaluations": 1, "definitions": 1}


def test_the_view_says_when_an_unchanged_incident_was_last_seen(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.later(hours=3)
    world.evaluate()
    [row] = world.sql("select opened_at, last_seen_at from alerting.incidents")
    assert (row["last_seen_at"] - row["opened_at"]).total_seconds() == 3 * 3600


def test_the_same_materialization_is_evaluated_once(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    world.evaluate(materialization="run:model")
    world.put({"id": "t2", "amount": 150})
    before = world.rows()
    result = world.evaluate(materialization="run:model")["large"]
    assert result.is_repeated
    assert written(before, world.rows()) == {}


def test_a_new_version_is_evaluated_against_the_same_materialization(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    world.evaluate(materialization="run:model")
    world.publish(definition(condition="amount > :limit * 2"))
    result = world.evaluate(materialization="run:model")["large"]
    assert (result.is_repeated, result.cleared) == (False, 1)


def test_a_failed_evaluation_may_be_repeated(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    assert world.evaluate(materialization="m", health=Health(("test x failed",)))["large"].outcome == "data_failure"
    assert world.evaluate(materialization="m")["large"].opened == 1


def test_an_incident_clears_when_its_row_was_read_and_the_condition_is_false(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.put({"id": "t1", "amount": 150, "status": "settled"})
    result = world.evaluate()["large"]
    assert (result.outcome, result.cleared, result.withdrawn) == ("clear", 1, 0)
    assert world.incidents()[0]["resolution"] == "cleared"
    assert world.messages() == [("opened", "#risk"), ("cleared", "#risk")]


def test_an_incident_whose_row_is_gone_is_withdrawn(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.put({"id": "t2", "amount": 1})
    result = world.evaluate()["large"]
    assert (result.cleared, result.withdrawn) == (0, 1)
    assert world.incidents()[0]["resolution"] == "withdrawn"


@pytest.mark.parametrize("amount", [None, "NaN"])
def test_an_incident_whose_condition_is_null_is_held_and_counted(world: World, amount: str | None) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150}, {"id": "t2", "amount": 1})
    world.evaluate()
    world.put({"id": "t1", "amount": amount}, {"id": "t2", "amount": 1})
    result = world.evaluate()["large"]
    assert (result.outcome, result.violations, result.null_rows, result.held) == ("clear", 0, 1, 1)
    [incident] = world.incidents()
    assert (incident["status"], incident["held_since"]) == ("open", world.now)
    assert world.messages() == [("opened", "#risk")]
    world.put({"id": "t1", "amount": 150}, {"id": "t2", "amount": 1})
    assert world.evaluate()["large"].held == 0
    assert world.incidents()[0]["held_since"] is None
    assert world.events() == ["opened", "held", "released"]


def test_nan_neither_fires_above_nor_below(world: World) -> None:
    world.publish(
        definition(alert="above", condition="score > 100", parameters={}),
        definition(alert="below", condition="score < 100", parameters={}),
    )
    world.put({"id": "t1", "score": "NaN"}, {"id": "t2", "score": 100})
    results = world.evaluate()
    assert {name: (result.violations, result.null_rows) for name, result in results.items()} == {
        "above": (0, 1),
        "below": (0, 1),
    }


def test_where_no_row_can_be_judged_the_outcome_is_no_data(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.put({"id": "t1", "amount": None})
    result = world.evaluate()["large"]
    assert (result.outcome, result.held) == ("no_data", 1)
    assert world.incidents()[0]["status"] == "open"


def test_failing_data_holds_everything_and_tells_nobody(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.put({"id": "t2", "amount": 150})
    result = world.evaluate(health=Health(("test not_null on payments failed for 3 rows",)))["large"]
    assert (result.outcome, result.held, result.opened, result.withdrawn) == ("data_failure", 1, 0, 0)
    assert "not_null" in result.reason
    assert world.messages() == [("opened", "#risk")]


def test_an_empty_model_withdraws_unless_it_must_not_be_empty(world: World) -> None:
    world.publish(definition(alert="may"), definition(alert="must_not", on_empty="no_data"))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.put()
    results = world.evaluate()
    assert (results["may"].outcome, results["may"].withdrawn) == ("clear", 1)
    assert (results["must_not"].outcome, results["must_not"].held) == ("no_data", 1)


def test_a_broken_definition_hides_no_other_and_tells_the_engineers_alone(world: World) -> None:
    good = [definition(alert=f"good_{number}") for number in range(6)]
    bad = definition(alert="bad", condition="amount / 0 > 1", parameters={})
    gone = definition(alert="gone", condition="no_such_column > 1", parameters={})
    world.publish(*good[:3], bad, gone, *good[3:])
    world.put({"id": "t1", "amount": 150})
    results = world.evaluate()
    assert [results[item.alert].opened for item in good] == [1] * 6
    assert {results["bad"].outcome, results["gone"].outcome} == {"system_failure"}
    assert "division by zero" in (results["bad"].error or "")
    system = world.incidents("kind = 'system'")
    assert sorted(row["entity"]["alert"] for row in system) == ["bad", "gone"]
    told = world.sql("select distinct destination from ledger.outbox where alert = 'evaluation_error'")
    assert [row["destination"] for row in told] == ["#data"]
    world.publish(definition(alert="bad", condition="amount > 1", parameters={}))
    world.evaluate()
    assert [row["resolution"] for row in world.incidents("entity ->> 'alert' = 'bad'")] == ["cleared"]


def test_a_model_that_was_never_built_is_no_error_and_one_that_is_gone_is(world: World) -> None:
    world.publish(definition())
    world.sql("alter table marts.payments rename to elsewhere")
    result = world.evaluate()["large"]
    assert (result.outcome, result.reason) == ("no_data", "payments is not built yet; `alerting run` builds it")
    assert world.incidents() == world.messages() == []
    world.sql("alter table marts.elsewhere rename to payments")
    world.put({"id": "t1", "amount": 150})
    assert world.evaluate()["large"].opened == 1
    world.sql("alter table marts.payments rename to elsewhere")
    assert world.evaluate()["large"].outcome == "system_failure"
    assert [row["alert"] for row in world.incidents("status <> 'resolved'")] == ["large", "evaluation_error"]


def test_an_error_neither_resolves_nor_reopens(world: World) -> None:
    world.publish(definition(condition="amount / count > :limit"))
    world.put({"id": "t1", "amount": 150, "count": 1}, {"id": "t2", "amount": 1, "count": 1})
    world.evaluate()
    world.put({"id": "t1", "amount": 1, "count": 1}, {"id": "t2", "amount": 150, "count": 0})
    result = world.evaluate()["large"]
    assert (result.outcome, result.held) == ("system_failure", 1)
    assert [(row["status"], row["entity"]) for row in world.incidents("kind = 'business'")] == [("open", {"id": "t1"})]


def test_a_warehouse_lost_at_the_last_question_resolves_nothing(world: World) -> None:
    class Lost:
        """Answers once whether any row can be judged, and then no more."""

        def __init__(self, scans: Any) -> None:
            self.scans, self.asked = scans, 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self.scans, name)

        def is_judged(self, *about: Any) -> bool:
            self.asked += 1
            if self.asked > 1:
                raise WarehouseUnreachable("The warehouse went away")
            return self.scans.is_judged(*about)

    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.put({"id": "t1", "amount": 1}, {"id": "t2", "amount": None})
    evaluator = world.evaluator()
    [result] = replace(evaluator, scans=Lost(evaluator.scans)).evaluate(["large"], Order("m", world.now))
    assert (result.outcome, result.cleared, result.held) == ("system_failure", 0, 1)


def test_a_parameter_has_its_segments_value_and_counts_who_takes_the_default(world: World) -> None:
    limit = {"limit": {"default": 100, "by": "segment", "values": {"premium": 1000}}}
    world.publish(definition(parameters=limit))
    world.put(
        {"id": "t1", "amount": 500, "segment": "premium"},
        {"id": "t2", "amount": 1500, "segment": "premium"},
        {"id": "t3", "amount": 500, "segment": None},
        {"id": "t4", "amount": 500, "segment": "new"},
    )
    world.set("large", "limit", "2000", scope="entity", key="t2")
    result = world.evaluate()["large"]
    assert [row["entity"]["id"] for row in world.incidents()] == ["t3", "t4"]
    assert result.unknown_segments == 2
    world.set("large", "limit", "1200", scope="entity", key="t2")
    assert world.evaluate()["large"].opened == 1
    assert world.incidents("entity ->> 'id' = 't2'")[0]["fields"]["limit"] == 1200


def test_a_changed_threshold_needs_no_new_sql_and_no_new_version(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    world.set("large", "limit", "200")
    assert world.evaluate()["large"].violations == 0
    world.set("large", "limit", "140")
    assert world.evaluate()["large"].opened == 1


def test_only_a_material_change_is_told(world: World) -> None:
    world.publish(definition(update_when={"deviance_changes_by": "0.5"}))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.put({"id": "t1", "amount": 180})
    assert world.evaluate()["large"].updated == 0
    world.put({"id": "t1", "amount": 205})
    assert world.evaluate()["large"].updated == 1
    world.put({"id": "t1", "amount": 1500})
    assert world.evaluate()["large"].updated == 1
    [incident] = world.incidents()
    assert (incident["severity"], incident["deviance"], incident["summary"]) == ("critical", Decimal(15), "t1 is 1,500")
    destinations = [name for transition, name in world.messages() if transition == "updated"]
    assert {"#risk", "risk-mail"} == set(destinations)


def test_the_worst_of_several_rows_stands_for_the_entity(world: World) -> None:
    world.model = Model("payments", "model.x.payments", "marts.payments", COLUMNS)
    world.publish(definition(entity="segment", worst_by="amount"))
    world.put(
        {"id": "t1", "amount": 150, "segment": "a"},
        {"id": "t2", "amount": 700, "segment": "a"},
        {"id": "t3", "amount": 1, "segment": "a"},
    )
    assert world.evaluate()["large"].violations == 1
    assert world.incidents()[0]["summary"] == "t2 is 700"
    world.put({"id": "t1", "amount": None, "segment": "a"}, {"id": "t3", "amount": 1, "segment": "a"})
    assert world.evaluate()["large"].held == 1
    world.put({"id": "t3", "amount": 1, "segment": "a"})
    assert world.evaluate()["large"].cleared == 1


def test_a_day_without_end_is_an_entity_of_its_own_and_is_found_again(world: World) -> None:
    world.model = Model("payments", "model.x.payments", "marts.payments", COLUMNS)
    world.publish(definition(entity=["day", "created_at"], worst_by="amount"))
    ends = [{"day": day, "created_at": at} for day in ("infinity", None, "2026-01-05") for at in ("-infinity", None)]
    world.put(*({"amount": 150, **row} for row in ends))
    assert world.evaluate()["large"].opened == 6
    world.put(*({"amount": 1, **row} for row in ends))
    assert world.evaluate()["large"].cleared == 6


def test_clear_when_keeps_an_incident_open_until_it_holds(world: World) -> None:
    world.publish(definition(clear_when="amount < 80"))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.put({"id": "t1", "amount": 90})
    assert world.evaluate()["large"].cleared == 0
    world.put({"id": "t1", "amount": 70})
    assert world.evaluate()["large"].cleared == 1


def test_what_expired_is_not_raised_again_until_it_left_its_condition(world: World) -> None:
    world.publish(definition(expire_after="7d"))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.later(days=8)
    assert world.evaluate()["large"].expired == 1
    world.later(days=1)
    assert world.evaluate()["large"].opened == 0
    world.put({"id": "t1", "amount": 1})
    world.evaluate()
    world.put({"id": "t1", "amount": 150})
    assert world.evaluate()["large"].opened == 1
    assert [row["resolution"] for row in world.incidents()] == ["expired", None]


def test_a_silent_baseline_takes_what_is_there_as_known(world: World) -> None:
    world.publish(definition(baseline="silent"))
    world.put({"id": "t1", "amount": 150})
    result = world.evaluate()["large"]
    assert (result.outcome, result.violations, result.opened) == ("firing", 1, 0)
    world.put({"id": "t1", "amount": 150}, {"id": "t2", "amount": 150})
    assert world.evaluate()["large"].opened == 1
    assert [row["entity"]["id"] for row in world.incidents()] == ["t2"]


def test_a_removed_definition_ends_its_incidents_with_one_notice(world: World) -> None:
    world.publish(definition(), definition(alert="other"))
    world.put(*({"id": f"t{number}", "amount": 150} for number in range(5)))
    world.evaluate()
    world.remove("large")
    world.evaluate()
    assert {row["resolution"] for row in world.incidents("alert = 'large'")} == {"definition_removed"}
    assert [name for transition, name in world.messages() if transition == "definition_removed"] == ["#risk"]


def test_a_renamed_definition_keeps_its_incidents(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.remove("large")
    world.publish(definition(alert="big", renamed_from="large"))
    result = world.evaluate()["big"]
    assert (result.violations, result.opened) == (1, 0)
    [incident] = world.incidents()
    assert (incident["alert"], incident["status"]) == ("big", "open")


def test_a_name_that_is_in_use_again_keeps_its_own_incidents(world: World) -> None:
    world.publish(definition(alert="big", renamed_from="large", condition="amount > 1000", parameters={}))
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    for _ in range(3):
        world.evaluate()
    assert [(row["alert"], row["status"]) for row in world.incidents()] == [("large", "open")]


def test_the_worst_row_of_an_entity_counts_although_it_arrived_long_ago(world: World) -> None:
    meta = {"alerting": {"watermark": "loaded_at", "overlap": "1h"}}
    world.model = Model("payments", "m", "marts.payments", COLUMNS, (frozenset({"id"}),), meta)
    world.publish(definition(entity="segment", worst_by="amount", occurred_at="created_at"))
    world.put({"id": "t1", "segment": "a", "amount": 5000, "loaded_at": "2026-01-01T00:00Z"})
    world.evaluate()
    world.add({"id": "t2", "segment": "b", "amount": 150, "loaded_at": "2026-01-03T00:00Z"})
    world.evaluate()
    world.add({"id": "t3", "segment": "a", "amount": 150, "loaded_at": "2026-01-03T00:00Z"})
    assert world.evaluate()["large"].updated == 0
    assert world.incidents("entity ->> 'segment' = 'a'")[0]["severity"] == "critical"


def test_an_event_like_model_is_read_from_its_watermark(world: World) -> None:
    meta = {"alerting": {"watermark": "loaded_at", "overlap": "1h"}}
    world.model = Model("payments", "m", "marts.payments", COLUMNS, (frozenset({"id"}),), meta)
    world.publish(definition(occurred_at="created_at"))
    old = {"id": "t1", "amount": 150, "created_at": "2026-01-01T00:00Z", "loaded_at": "2026-01-01T00:00Z"}
    world.put(old)
    world.evaluate()
    late = {"id": "t2", "amount": 150, "created_at": "2026-01-01T00:00Z", "loaded_at": "2025-12-31T23:30Z"}
    unseen = {"id": "t3", "amount": 150, "created_at": "2026-01-01T00:00Z", "loaded_at": "2025-12-30T00:00Z"}
    world.put(old, late, unseen)
    assert world.evaluate()["large"].opened == 1  # in the overlap; what is older than that was read before
    world.put({**old, "amount": 1, "loaded_at": "2025-01-01T00:00Z"}, late)
    result = world.evaluate()["large"]
    assert (result.cleared, result.withdrawn) == (1, 0)  # open ones are looked up by key, whatever the watermark
    world.put(unseen, late)
    world.set("large", "limit", "120")
    assert world.evaluate()["large"].opened == 1  # another threshold: the whole model is read again


def test_eight_evaluators_open_each_incident_once(world: World) -> None:
    world.publish(definition())
    world.put(*({"id": f"t{number}", "amount": 150} for number in range(200)))
    start = threading.Barrier(8)
    evaluators = [world.evaluator() for _ in range(8)]
    failures: list[BaseException] = []

    def run(number: int) -> None:
        start.wait()
        try:
            evaluators[number].evaluate(["large"], Order(f"m{number}", world.now))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(world.incidents()) == 200
    assert len(world.sql("select 1 from ledger.incident_events where event = 'opened'")) == 200


def test_a_storm_is_one_message_per_destination_and_loses_no_incident(world: World) -> None:
    world.publish(definition(write_back=[{"sheet": "review"}]))
    world.put(*({"id": f"t{number}", "amount": 150 + number} for number in range(300)))
    assert world.evaluate()["large"].opened == 300
    assert len(world.incidents()) == 300
    messages = world.messages()
    assert messages.count(("opened", "#risk")) == 1
    assert messages.count(("opened", "review")) == 300
    world.put({"id": "x", "amount": 1})
    world.evaluate()
    assert ("withdrawn", "#risk") not in world.messages()  # who was told of the storm alone hears no 300 endings


def test_a_dry_run_says_what_would_fire_and_writes_nothing(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    before = world.rows()
    result = world.evaluate(is_dry_run=True)["large"]
    assert (result.opened, result.sample[0]["id"]) == (1, "t1")
    assert written(before, world.rows()) == {}


def test_a_template_that_cannot_be_filled_in_still_opens_the_incident(world: World) -> None:
    world.publish(definition(summary="{{ nothing_like_this }}"))
    world.put({"id": "t1", "amount": 150})
    assert world.evaluate()["large"].opened == 1
    assert world.incidents("kind = 'business'")[0]["summary"] == "Large: t1"
    [told] = world.incidents("kind = 'system'")
    assert told["entity"]["alert"] == "large"
    assert "nothing_like_this" in told["summary"]


def test_texts_that_cannot_be_filled_in_stay_reported_until_they_were_or_are_others(world: World) -> None:
    world.publish(definition(summary="{{ id }} {{ count + 1 }}"))
    world.put({"id": "t1", "amount": 150})
    for _ in range(3):  # an unchanged violation is not described again: that says nothing about the texts
        world.evaluate()
    assert world.events() == ["opened", "opened"]
    world.put({"id": "t1", "amount": 150}, {"id": "t2", "amount": 150, "count": 1})
    world.evaluate()
    assert [row["resolution"] for row in world.incidents("kind = 'system'")] == ["cleared"]
    world.add({"id": "t3", "amount": 150})
    world.evaluate()
    world.publish(definition(summary="{{ id }}"))
    world.evaluate()
    assert [row["resolution"] for row in world.incidents("kind = 'system'")] == ["cleared", "cleared"]


def test_a_list_is_shown_as_its_items(world: World) -> None:
    limit = {"type": "list", "default": ["a, b", "pending"]}
    world.publish(
        definition(condition="status = any(:wanted)", parameters={"wanted": limit}, summary="one of {{ wanted }}")
    )
    world.put({"id": "t1"})
    world.evaluate()
    assert world.incidents()[0]["summary"] == "one of a, b, pending"


def test_an_evaluation_error_that_a_person_resolved_is_told_again_when_it_comes_back(world: World) -> None:
    world.publish(definition(condition="amount / count > :limit"))
    broken, mended = {"id": "t1", "amount": 1, "count": 0}, {"id": "t1", "amount": 1, "count": 1}
    world.put(broken)
    world.evaluate()
    [told] = world.incidents("kind = 'system'")
    desk = IncidentDesk(world.engine, Announcer(Directory(TREE, DESTINATIONS, ""), world.definitions))
    resolve(desk, told["incident_id"], Resolve("ada"), world.now)
    world.evaluate()
    assert [row["status"] for row in world.incidents("kind = 'system'")] == ["resolved"]
    world.put(mended)
    world.evaluate()
    world.put(broken)
    world.evaluate()
    assert [row["status"] for row in world.incidents("kind = 'system'")] == ["resolved", "open"]


def test_a_removed_definition_takes_its_evaluation_error_with_it(world: World) -> None:
    world.publish(definition(), definition(alert="broken", condition="amount / 0 > 1", parameters={}))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.remove("broken")
    world.evaluate()
    assert [row["resolution"] for row in world.incidents("kind = 'system'")] == ["definition_removed"]


def test_a_query_over_a_mart_is_evaluated_like_a_model(world: World) -> None:
    query = "select segment, sum(amount) as total from {{ ref('payments') }} group by segment"
    world.publish(
        definition(
            model=None,
            query=query,
            entity="segment",
            condition="total > :limit",
            summary="{{ segment }} has {{ total }}",
        )
    )
    world.put({"id": "t1", "amount": 80, "segment": "a"}, {"id": "t2", "amount": 80, "segment": "a"})
    assert world.evaluate()["large"].opened == 1
    assert world.incidents()[0]["summary"] == "a has 160"
    world.put({"id": "t1", "amount": 80, "segment": "a"})
    assert world.evaluate()["large"].cleared == 1


def test_a_value_in_a_link_cannot_leave_its_place(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1&admin=1#x", "amount": 150})
    world.evaluate()
    assert world.incidents()[0]["link"] == "https://example.com/t1%26admin%3D1%23x"


def test_an_ending_goes_to_whoever_was_told_of_the_beginning(world: World) -> None:
    world.publish(definition())
    world.put({"id": "t1", "amount": 5000})
    world.evaluate()
    world.put({"id": "t1", "amount": 1})
    world.evaluate()
    assert sorted(world.messages()) == [
        ("cleared", "#risk"), ("cleared", "risk-mail"), ("opened", "#risk"), ("opened", "risk-mail"),
    ]  # fmt: skip


def test_a_query_over_several_models_waits_for_all_of_them_unless_any_will_do(world: World) -> None:
    world.sql("create table marts.limits as select 'a' as segment, 100 as most")
    world.sql("grant select on marts.limits to alert_reader")
    world.others = {"limits": Model("limits", "model.x.limits", "marts.limits", {"segment": "text", "most": "integer"})}
    query = (
        "select p.id, p.segment, p.amount, l.most from {{ ref('payments') }} as p "
        "join {{ ref('limits') }} as l on l.segment = p.segment"
    )
    asked = {"model": None, "query": query, "condition": "amount > most", "parameters": {}}
    world.publish(definition(alert="both", **asked), definition(alert="either", trigger={"models": "any"}, **asked))
    world.put({"id": "t1", "amount": 150, "segment": "a"})
    evaluator = world.evaluator()
    first = evaluator.of_model("payments", Order("run:model.x.payments", world.now))
    assert [result.alert for result in first] == ["either"]
    failing = Order("run:model.x.limits", world.now, Health(("test on limits failed",)))
    second = {result.alert: result.outcome for result in evaluator.of_model("limits", failing)}
    assert second == {"both": "data_failure", "either": "data_failure"}
    third = evaluator.of_model("limits", Order("next:model.x.limits", world.now))
    assert [result.alert for result in third] == ["either"]
    PostgresMartHealth(world.engine).note(ReadyModel("model.x.payments", healthy=False, failures=("key failed",)))
    fourth = evaluator.of_model("limits", Order("later:model.x.limits", world.now))
    assert [result.outcome for result in fourth] == ["data_failure"]


def test_a_scheduled_definition_does_not_follow_its_model(world: World) -> None:
    world.publish(definition(trigger={"cron": "0 9 * * 1"}))
    world.put({"id": "t1", "amount": 150})
    assert world.evaluator().of_model("payments", Order("run:model.x.payments", world.now)) == []
