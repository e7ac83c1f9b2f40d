"""Which channel serves a destination, and what happens to messages of channels that aren't configured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from alerting_pipeline.adapters.channels.email import EmailChannel
from alerting_pipeline.adapters.channels.file import FileChannel
from alerting_pipeline.adapters.channels.registry import Channels, Surroundings, builders, check
from alerting_pipeline.adapters.channels.slack import SlackChannel, client_for
from alerting_pipeline.adapters.channels.webhook import WebhookChannel
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.ports import Undelivered
from tests.adapters.channels.deliveries import delivery
from tests.rendering.cases import HOSTILE, hostile


def no_engine() -> Engine:
    raise AssertionError("no database is needed")


def surroundings(home: Path, **more: Any) -> Surroundings:
    return Surroundings(home / "inbox", home / "sheets", no_engine, **more)


def channels(home: Path, *destinations: Destination, **more: Any) -> Channels:
    return Channels({item.name: item for item in destinations}.get, surroundings(home, **more))


def stored(home: Path) -> list[Any]:
    return [json.loads(path.read_text()) for path in sorted((home / "inbox").glob("*.json"))]


def test_slack_without_a_token_goes_to_the_inbox_fully_rendered(home: Path) -> None:
    sent = delivery()
    channels(home)(sent).deliver(sent)
    (document,) = stored(home)
    assert document["details"] == {"to": "#risk", "missing": "SLACK_BOT_TOKEN"}
    assert document["rendered"]["blocks"][0]["text"]["text"] == "💳 payments · Large transaction"


def test_mail_without_a_server_goes_to_the_inbox_with_its_page(home: Path) -> None:
    sent = delivery(destination="ada@example.com", channel="email")
    channels(home)(sent).deliver(sent)
    assert stored(home)[0]["details"]["to"] == ["ada@example.com"]
    assert "Fred Enriquez" in (home / "inbox" / f"{sent.id}.html").read_text()


def test_same_delivery_is_one_file(home: Path) -> None:
    sent = delivery()
    for _ in range(2):
        channels(home)(sent).deliver(sent)
    assert len(stored(home)) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_string_is_stored_as_it_is(home: Path, name: str) -> None:
    text = HOSTILE[name].encode("utf-8", "replace").decode()
    sent = delivery(hostile(text))
    FileChannel(home / "inbox").deliver(sent)
    assert stored(home)[0]["message"]["summary"] == text


def test_configured_channels_are_the_real_ones(home: Path) -> None:
    both = channels(
        home,
        slack_client=lambda: client_for("t", None),
        mail_server=SecretStr("smtp://localhost:25"),
        mail_from="a@b.c",
    )
    assert isinstance(both(delivery()), SlackChannel)
    assert isinstance(both(delivery(destination="ada@example.com", channel="email")), EmailChannel)


def test_destination_that_is_gone_is_dead_with_a_remedy(home: Path) -> None:
    with pytest.raises(Undelivered, match=r"not in destinations.yaml; add it") as error:
        channels(home)(delivery(destination="old_sheet", channel="sheet"))
    assert not error.value.retryable


def test_webhook_whose_secret_is_not_set_goes_to_the_inbox_and_says_so(home: Path) -> None:
    settings = {"url": "https://hooks.example.com/x", "secret_env": "RISK_SECRET"}
    hook = Destination(name="risk hook", channel="webhook", settings=settings)
    sent = delivery(destination=hook.name, channel="webhook")
    channels(home, hook)(sent).deliver(sent)
    (document,) = stored(home)
    assert document["details"] == {"to": "https://hooks.example.com/x", "missing": "RISK_SECRET"}
    assert document["rendered"]["payload"]["data"]["incident_id"] == 41
    assert isinstance(channels(home, hook, secret=SecretStr)(sent), WebhookChannel)


def test_sheet_is_named_after_its_destination(home: Path) -> None:
    sheet = Destination(name="fraud review/2", channel="sheet")
    sent = delivery(destination=sheet.name, channel="sheet")
    channels(home, sheet)(sent).deliver(sent)
    assert (home / "sheets" / "fraud_review_2.xlsx").exists()


def test_wrong_settings_are_found_before_anything_is_sent() -> None:
    assert check(Destination(name="#risk", channel="slack", settings={"to": "risk"}))
    assert check(Destination(name="#risk", channel="slack", settings={"colour": "red"}))
    assert check(Destination(name="x", channel="pigeon")) == [
        'there is no channel "pigeon"; there are apprise, csv, email, file, pagerduty, parameter_sheet, sheet, slack, '
        "table, ticket, webhook"
    ]
    assert check(Destination(name="team", channel="email", settings={"to": ["ada@example.com", "bob"]}))
    assert check(Destination(name="t", channel="table", settings={"table": "ledger.outbox"}))
    for fine in (
        Destination(name="#risk", channel="slack"),
        Destination(name="team", channel="email", settings={"to": "ada@example.com"}),
        Destination(name="review", channel="sheet", settings={"file": "Fraud review.xlsx"}),
        Destination(name="review", channel="table"),
        Destination(name="local", channel="file"),
        Destination(name="hook", channel="webhook", settings={"url_env": "HOOK_URL", "secret_env": "HOOK_SECRET"}),
    ):
        assert check(fine) == []


def test_third_party_adds_a_channel_by_entry_point(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name = "pigeon"

        def load(self) -> Any:
            return lambda destination, surroundings: FileChannel(surroundings.inbox / destination.name)

    monkeypatch.setattr("alerting_pipeline.adapters.channels.registry.entry_points", lambda group: [Point()])
    builders.cache_clear()
    try:
        loft = Destination(name="loft", channel="pigeon")
        sent = delivery(destination="loft", channel="pigeon")
        channels(home, loft)(sent).deliver(sent)
        assert (home / "inbox" / "loft" / f"{sent.id}.json").exists()
    finally:
        builders.cache_clear()
