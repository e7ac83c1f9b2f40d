"""Groups, silences, inhibition and budgets on the real engine: what holds a message back, and what becomes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.event import Snooze
from alerting_pipeline.domain.holding import Flushed
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.routing_tree import RoutingTree
from alerting_pipeline.domain.silence import Silence, matcher_of
from alerting_pipeline.store.silences import Silences
from alerting_pipeline.usecases.act import snooze
from tests.usecases.world import DESTINATIONS, World, definition


def _tree(**branch: Any) -> RoutingTree:
    given = {"name": "all", "destinations": ["#risk"], **branch}
    return RoutingTree.model_validate({"fallback": ["#data"], "routes": [given]})


def _budget(said: str) -> People:
    return People.model_validate({"teams": {"risk": {"slack": "#risk", "budget": said}}})


def _silence(world: World, *matchers: str, hours: float = 2) -> Silence:
    ends_at = world.now + timedelta(hours=hours)
    return Silences(world.engine).add(Silence(matcher_of(matchers), world.now, ends_at, "ada", "we know"))


def _messages(world: World) -> list[dict[str, Any]]:
    return [row["message"] for row in world.sql("select message from ledger.outbox order by sequence")]


def test_what_one_evaluation_finds_is_told_once_per_group(world: World) -> None:
    world.tree = _tree(group_by=["segment"])
    world.publish(definition(fields=["segment"]))
    world.put(*({"id": f"t{number}", "amount": 150, "segment": "ab"[number % 2]} for number in range(6)))
    world.evaluate()
    assert world.messages() == [("opened", "#risk"), ("opened", "#risk")]
    assert {message["title"] for message in _messages(world)} == {"Large: 3 incidents"}
    assert {message["note"] for message in _messages(world)} == {"segment: a", "segment: b"}


def test_a_group_waits_then_later_additions_wait_for_its_interval_and_endings_change_its_message(world: World) -> None:
    world.tree = _tree(group_by=["alert"], group_wait="1m", group_interval="10m")
    world.publish(definition())
    world.put({"id": "t1", "amount": 150}, {"id": "t2", "amount": 150})
    world.evaluate()
    assert world.messages() == []
    world.later(minutes=1)
    assert world.flush() == Flushed(messages=1, told=2)
    world.add({"id": "t3", "amount": 150})
    world.evaluate()
    assert world.flush() == Flushed()
    world.later(minutes=10)
    assert world.flush().messages == 1
    world.put({"id": "t1", "amount": 50})
    world.later(minutes=10)
    world.evaluate()
    assert world.messages() == [("opened", "#risk"), ("updated", "#risk"), ("cleared", "#risk")]
    assert len({row["conversation"] for row in world.sql("select conversation from ledger.outbox")}) == 1


def test_too_many_at_once_are_one_message_whose_end_is_told_too(world: World) -> None:
    world.publish(definition())
    world.put(*({"id": f"t{number}", "amount": 150} for number in range(50)))
    world.evaluate()
    assert world.messages() == [("opened", "#risk")]
    assert _messages(world)[0]["sections"][0]["more"] == 40
    world.put({"id": "t1", "amount": 50})
    world.later(minutes=10)
    world.evaluate()
    assert world.messages() == [("opened", "#risk"), ("cleared", "#risk")]


def test_a_silenced_incident_opens_and_is_told_when_the_silence_ends(world: World) -> None:
    world.publish(definition())
    silence = _silence(world, "alert=large")
    world.put({"id": "t1", "amount": 150}, {"id": "t2", "amount": 150})
    world.evaluate()
    assert (len(world.incidents()), world.messages()) == (2, [])
    world.put({"id": "t1", "amount": 150}, {"id": "t2", "amount": 50})
    world.evaluate()
    world.later(hours=2)
    assert world.flush() == Flushed(messages=1, told=1, ended=1)
    assert world.messages() == [("opened", "#risk")]
    held = world.sql("select why, reason, silence_id, fate from alerting.held_notifications order by incident_id")
    assert [row["fate"] for row in held] == ["told", "ended"]
    assert {row["silence_id"] for row in held} == {silence.silence_id}
    assert held[0]["reason"].endswith(": we know")


def test_a_silence_that_a_person_ends_gives_free_what_it_held_back(world: World) -> None:
    world.publish(definition())
    silence = _silence(world, "severity=medium", "alert=large,other", hours=48)
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.later(hours=1)
    assert Silences(world.engine).end(silence.silence_id or 0, "ben", world.now) is not None
    assert world.flush() == Flushed(messages=1, told=1)
    actions = [row["action"] for row in world.sql("select action from alerting.audit_log order by seq")]
    assert actions == ["silence_added", "silence_ended"]


def test_what_is_silenced_anew_at_its_hour_goes_on_waiting(world: World) -> None:
    world.publish(definition(digest="daily"))
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.later(hours=2)
    _silence(world, "alert=large", hours=10)
    world.later(hours=1)
    assert world.flush() == Flushed()
    world.later(hours=9)
    assert world.flush() == Flushed()
    world.later(days=1)
    assert world.flush() == Flushed(messages=1, told=1)


def test_an_open_source_inhibits_its_targets_until_it_ends(world: World) -> None:
    inhibit = [{"source": {"severity": ["critical"]}, "target": {"severity": ["medium"]}, "equal": ["segment"]}]
    world.tree = RoutingTree.model_validate({**_tree().model_dump(by_alias=True), "inhibit": inhibit})
    world.publish(definition(fields=["segment"]))
    rows = [
        {"id": "t1", "amount": 1500, "segment": "a"},
        {"id": "t2", "amount": 150, "segment": "a"},
        {"id": "t3", "amount": 150, "segment": "b"},
    ]
    world.put(*rows)
    world.evaluate()
    assert world.messages() == [("opened", "#risk"), ("opened", "#risk")]
    world.put({**rows[0], "amount": 50}, *rows[1:])
    world.later(hours=1)
    world.evaluate()
    assert world.flush() == Flushed(messages=1, told=1)
    assert [message["summary"] for message in _messages(world)][-1] == "t2 is 150"


def test_a_rule_that_fits_both_sides_silences_nothing(world: World) -> None:
    inhibit = [{"source": {"alert": ["large"]}, "target": {"alert": ["large"]}}]
    world.tree = RoutingTree.model_validate({**_tree().model_dump(by_alias=True), "inhibit": inhibit})
    world.publish(definition())
    world.put({"id": "t1", "amount": 150}, {"id": "t2", "amount": 150})
    world.evaluate()
    assert len(world.messages()) == 2


def test_what_is_above_the_budget_waits_for_the_digest_the_worst_first(world: World) -> None:
    world.people, world.tree = _budget("2 per day"), _tree()
    world.publish(definition())
    world.put(*({"id": f"t{number}", "amount": 150 + number} for number in range(5)), {"id": "c", "amount": 5000})
    world.evaluate()
    told = [message["summary"] for message in _messages(world)]
    assert sorted(told) == ["c is 5,000", "t3 is 153", "t4 is 154"]
    world.put({"id": "t4", "amount": 50})
    world.later(hours=3)
    world.evaluate()
    world.flush()
    assert [row for row in world.messages() if row[0] == "digest"] == []
    assert world.sql("select distinct why, recipient, fate from alerting.held_notifications") == [
        {"why": "budget", "recipient": "risk", "fate": "ended"}
    ]


PROGRAMS = ("hook", "tickets", "pager")


def _with_programs(world: World, monkeypatch: pytest.MonkeyPatch, **branch: Any) -> None:
    """Everything goes to people, and to a webhook, a ticket queue and a pager."""
    channels = {"hook": "webhook", "tickets": "ticket", "pager": "pagerduty"}
    for name, channel in channels.items():
        monkeypatch.setitem(DESTINATIONS, name, Destination(name=name, channel=channel))
    world.tree = _tree(destinations=["#risk", *PROGRAMS], **branch)
    world.publish(definition(fields=["segment"]))


@pytest.mark.parametrize("branch", [{"group_by": ["segment"]}, {"digest": "daily"}, {}])
def test_webhooks_tickets_and_pages_are_per_incident_whatever_people_get(
    world: World, monkeypatch: pytest.MonkeyPatch, branch: dict[str, Any]
) -> None:
    _with_programs(world, monkeypatch, **branch)
    world.people = _budget("1 per week")
    world.put(*({"id": f"t{number}", "amount": 150, "segment": "a"} for number in range(5)))
    world.evaluate()
    told = world.messages()
    assert len([row for row in told if row[1] == "#risk"]) <= 1
    assert {name: told.count(("opened", name)) for name in PROGRAMS} == dict.fromkeys(PROGRAMS, 5)
    assert world.sql("select distinct destination from ledger.held_notifications") == [{"destination": "#risk"}]
    counted = world.sql("select distinct destination from ledger.outbox where counted_for is not null")
    assert {row["destination"] for row in counted} <= {"#risk"}


def test_webhooks_tickets_and_pages_are_silenced_and_told_when_the_silence_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_programs(world, monkeypatch)
    _silence(world, "alert=large")
    world.put({"id": "t1", "amount": 150}, {"id": "t2", "amount": 150})
    world.evaluate()
    assert world.messages() == []
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    world.later(hours=2)
    world.flush()
    assert sorted(world.messages()) == [("opened", name) for name in ("#risk", *sorted(PROGRAMS))]


def test_a_ticket_and_a_page_are_closed_when_their_incident_ends_unheard(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_programs(world, monkeypatch)
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    [incident] = world.incidents()
    snooze(world.desk, incident["incident_id"], Snooze("ada", world.now + timedelta(hours=8)), world.now)
    world.put({"id": "t1", "amount": 50})
    world.later(hours=1)
    world.evaluate()
    cleared = [name for transition, name in world.messages() if transition == "cleared"]
    assert sorted(cleared) == ["#risk", *sorted(PROGRAMS)]


def test_a_storm_is_one_ticket_and_one_page_but_every_webhook(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _with_programs(world, monkeypatch)
    world.put(*({"id": f"t{number}", "amount": 150} for number in range(30)))
    world.evaluate()
    told = world.messages()
    assert {name: told.count(("opened", name)) for name in ("#risk", *PROGRAMS)} == {
        "#risk": 1, "hook": 30, "tickets": 1, "pager": 1,
    }  # fmt: skip


def test_a_budget_is_free_again_when_its_window_has_slid_on(world: World) -> None:
    world.people, world.tree = _budget("1 per day"), _tree()
    world.publish(definition())
    for number in range(3):
        world.add({"id": f"t{number}", "amount": 150})
        world.evaluate()
        world.later(hours=12)
    opened = [row for row in world.messages() if row[0] == "opened"]
    assert len(opened) == 2
