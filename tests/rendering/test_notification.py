"""From what happened to an incident to messages with a key that makes each happen once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from alerting_pipeline.domain.incident import Disposition, Incident, Kind, Status, Transition, fingerprint
from alerting_pipeline.rendering import words
from alerting_pipeline.rendering.notification import News, Presentation, message, notifications

AT = datetime(2026, 1, 5, 5, tzinfo=UTC)
ENTITY = {"transaction_id": "t1"}
INCIDENT = Incident(
    alert="large_transaction",
    fingerprint=fingerprint("large_transaction", ENTITY),
    entity=ENTITY,
    kind=Kind.BUSINESS,
    severity="high",
    summary="Ada: $15,000 is over the limit of $10,000",
    owner="risk-ops",
    definition_version="abc",
    opened_at=AT,
    last_seen_at=AT,
    incident_id=41,
    deviance=Decimal("1.5"),
    fields={"merchant": "Shop", "amount": Decimal("15000.00"), "customer_id": 123456, "review_limit": 10000},
    link="https://backoffice.example.com/t1",
    due_at=AT + timedelta(hours=4),
)
SHOWN = Presentation(
    title="Large transaction",
    emoji="💳",
    system="payments",
    runbook="https://runbooks.example.com/x",
    fields=("merchant", "amount", "customer_id", "missing"),
    respond_within={"high": timedelta(hours=4)},
    deviance_of=("amount", "review_limit"),
)


@dataclass(frozen=True)
class To:
    name: str
    channel: str


PLACES = [To("#risk", "slack"), To("ada@example.com", "email"), To("review", "sheet")]


def news(transition: Transition = Transition.OPENED, event: int = 7, **changes: Any) -> News:
    return News(replace(INCIDENT, **changes), transition, event)


def test_each_destination_gets_one_message_with_a_key_of_its_own() -> None:
    found = notifications(news(), SHOWN, [*PLACES, PLACES[0]], "http://localhost:8080")
    assert [(item.destination, item.channel) for item in found] == [(place.name, place.channel) for place in PLACES]
    assert len({item.delivery_id for item in found}) == 3


def test_key_is_the_same_for_the_same_event_and_another_for_the_next() -> None:
    first, again = (notifications(news(), SHOWN, PLACES, "")[0] for _ in range(2))
    later = notifications(news(event=8), SHOWN, PLACES, "")[0]
    assert first.delivery_id == again.delivery_id != later.delivery_id


def test_message_holds_what_the_checklist_asks_for() -> None:
    said = message(news(), SHOWN, "http://localhost:8080/")
    assert (said.system, said.summary, said.deviance) == ("payments", INCIDENT.summary, "1.5 × the limit")
    assert (said.owner, said.respond_within, said.due_at) == ("risk-ops", "4 h", "2026-01-05T09:00:00+00:00")
    assert said.link == "https://backoffice.example.com/t1"
    assert said.incident_url == "http://localhost:8080/incidents/41"


def test_fields_come_in_words_and_ids_keep_their_digits() -> None:
    said = message(news(), SHOWN, "")
    assert [(item.label, item.value) for item in said.fields] == [
        ("Merchant", "Shop"),
        ("Amount", "15,000"),
        ("Customer id", "123456"),
    ]
    assert said.record == {"transaction_id": "t1", "merchant": "Shop", "amount": 15000, "customer_id": 123456}


def test_deviance_of_instants_is_a_length_of_time() -> None:
    late = replace(SHOWN, deviance_shape="difference", deviance_of=("delivered_at", "promised_at"))
    fields = {"delivered_at": "2026-01-05T04:20:00+00:00", "promised_at": "2026-01-05T01:00:00+00:00"}
    assert message(news(fields=fields, deviance=Decimal(12000)), late, "").deviance == "3 h 20 min late"


def test_holding_is_told_to_nobody() -> None:
    for transition in (Transition.HELD, Transition.RELEASED):
        assert notifications(news(transition), SHOWN, PLACES, "") == []


def test_taking_an_incident_sends_no_mail() -> None:
    taken = news(Transition.ACKNOWLEDGED, status=Status.ACKNOWLEDGED, acknowledged_by="Ada")
    found = notifications(taken, SHOWN, PLACES, "")
    assert [item.channel for item in found] == ["slack", "sheet"]
    assert found[0].message.note == "Taken by Ada."


@pytest.mark.parametrize(
    ("transition", "note"),
    [
        (Transition.CLEARED, "The condition no longer holds."),
        (Transition.WITHDRAWN, "The row is no longer in the model."),
        (Transition.EXPIRED, "Its time has passed."),
        (Transition.RESOLVED, "Resolved by Ada: false positive."),
    ],
)
def test_ending_says_how(transition: Transition, note: str) -> None:
    ended = news(
        transition, status=Status.RESOLVED, resolved_at=AT, resolved_by="Ada", disposition=Disposition.FALSE_POSITIVE
    )
    said = message(ended, SHOWN, "")
    assert said.is_resolved
    assert said.note == note


def test_the_deviance_names_what_the_value_is_compared_with() -> None:
    assert words.deviance(Decimal("15.5"), limit="the usual amount") == "15.5 × the usual amount"
    assert words.deviance(Decimal(120), "difference", unit="USD", limit="the budget") == "$120 over the budget"
    assert words.deviance(Decimal(2)) == "2 × the limit"
