"""What is held back and told later, on the real engine: each test is a small story about one mart."""

from __future__ import annotations

from alerting_pipeline.domain.evaluation import Health
from alerting_pipeline.domain.holding import Flushed
from tests.usecases.world import World, definition


def test_a_digest_is_told_once_in_one_message_at_its_hour(world: World) -> None:
    world.publish(definition(digest="daily"))
    world.put({"id": "t1", "amount": 150}, {"id": "t2", "amount": 250})
    world.evaluate()
    assert (len(world.incidents()), world.messages()) == (2, [])
    world.later(hours=2, minutes=59)
    assert world.flush() == Flushed()
    world.later(minutes=1)
    assert world.flush() == Flushed(messages=1, told=2)
    assert world.flush() == Flushed()
    [told] = world.sql("select * from ledger.outbox")
    assert (told["transition"], told["destination"], told["incident_id"]) == ("digest", "#risk", None)
    assert [line["text"] for line in told["message"]["sections"][0]["lines"]] == ["t2 is 250", "t1 is 150"]
    held = world.sql("select fate, delivery_id from alerting.held_notifications")
    assert held == [{"fate": "told", "delivery_id": told["delivery_id"]}] * 2


def test_what_is_critical_is_not_collected(world: World) -> None:
    world.publish(definition(digest="daily"))
    world.put({"id": "t1", "amount": 1500}, {"id": "t2", "amount": 150})
    world.evaluate()
    assert world.messages() == [("opened", "#risk"), ("opened", "risk-mail")]


def test_what_ended_before_its_digest_is_told_to_nobody(world: World) -> None:
    world.publish(definition(digest="daily"))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.put({"id": "t1", "amount": 50})
    world.evaluate()
    world.later(days=1)
    assert world.flush() == Flushed(ended=1)
    assert world.messages() == []
    [held] = world.sql("select transition, fate, delivery_id from alerting.held_notifications")
    assert held == {"transition": "opened", "fate": "ended", "delivery_id": None}


def test_whoever_read_of_an_incident_in_a_digest_reads_of_its_end_in_the_next_one(world: World) -> None:
    world.publish(definition(digest="daily"))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.later(days=1)
    world.flush()
    world.put({"id": "t1", "amount": 50})
    world.evaluate()
    assert world.messages() == [("digest", "#risk")]
    world.later(days=1)
    assert world.flush() == Flushed(messages=1, told=1)
    last = world.sql("select message from ledger.outbox order by sequence")[-1]["message"]
    assert last["summary"] == "Nothing to look at; 1 incident ended since."
    assert last["sections"][0]["lines"][0]["is_over"]


def test_rows_of_sheets_are_never_collected(world: World) -> None:
    world.publish(definition(digest="daily", write_back=[{"sheet": "review"}]))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    assert world.messages() == [("opened", "review")]


def test_what_can_not_be_judged_waits_for_the_digest_after_its_recovery(world: World) -> None:
    world.publish(definition(digest="daily"))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.evaluate(health=Health(("not_null(amount) failed",)))
    world.later(hours=3)
    assert (world.flush(), world.messages()) == (Flushed(), [])
    world.evaluate()
    assert world.flush() == Flushed(messages=1, told=1)


def test_an_end_is_not_told_in_a_digest_while_its_alert_can_not_be_judged(world: World) -> None:
    world.publish(definition(digest="daily"))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.later(days=1)
    world.flush()
    world.put({"id": "t1", "amount": 50})
    world.evaluate()
    world.evaluate(health=Health(("not_null(amount) failed",)))
    world.later(days=1)
    assert world.flush() == Flushed()
    world.evaluate()
    assert world.flush() == Flushed(messages=1, told=1)
