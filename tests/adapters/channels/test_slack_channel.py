"""The Slack channel against an HTTP server that refuses what Slack refuses."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from alerting_pipeline.adapters.channels.slack import SlackChannel, SlackSettings, client_for
from alerting_pipeline.domain.ports import Receipt, Undelivered
from tests.adapters.channels.deliveries import delivery
from tests.rendering.cases import CASES, HOSTILE, hostile
from tests.sinks.slack_api import TOKEN, Fault, SlackServer


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


def channel(slack: SlackServer, to: str = "#risk", token: str = TOKEN, timeout: int = 2) -> SlackChannel:
    return SlackChannel(SlackSettings(to=to, per_second=1000), lambda: client_for(token, slack.url, timeout))


def test_message_is_posted_with_its_key(slack: SlackServer) -> None:
    sent = delivery()
    receipt = channel(slack).deliver(sent)
    (message,) = slack.posted("#risk")
    assert receipt.data == {"via": "slack", "channel": "C0000RISK", "ts": message.ts}
    assert message.metadata and message.metadata["event_payload"]["delivery_id"] == str(sent.id)
    assert message.blocks[0]["text"]["text"] == "💳 payments · Large transaction"


@pytest.mark.parametrize("name", CASES)
def test_every_case_is_taken(slack: SlackServer, name: str) -> None:
    channel(slack).deliver(delivery(CASES[name]))
    assert len(slack.posted("#risk")) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_every_hostile_string_is_taken(slack: SlackServer, name: str) -> None:
    text = HOSTILE[name].encode("utf-8", "replace").decode()  # the outbox stores no half characters
    channel(slack).deliver(delivery(hostile(text)))
    assert len(slack.posted("#risk")) == 1


def test_resend_finds_the_message_and_posts_no_second_one(slack: SlackServer) -> None:
    first = delivery()
    slack.inject(Fault(hang_up=True, takes_it=True))
    with pytest.raises(Undelivered) as error:
        channel(slack).deliver(first)
    assert error.value.retryable and error.value.is_uncertain
    receipt = channel(slack).deliver(delivery(again=first.id))
    (message,) = slack.posted("#risk")
    assert receipt == Receipt({"via": "slack", "channel": "C0000RISK", "ts": message.ts})


def test_resend_of_what_never_arrived_posts_it(slack: SlackServer) -> None:
    receipt = channel(slack).deliver(delivery(again=delivery().id))
    assert len(slack.posted("#risk")) == 1
    assert not receipt.is_duplicate_possible


def test_resend_finds_the_message_behind_pages_of_others(slack: SlackServer) -> None:
    first = delivery()
    channel(slack).deliver(first)
    busy = channel(slack)
    for _ in range(250):
        busy.deliver(delivery())
    channel(slack).deliver(delivery(again=first.id))
    assert len(slack.posted("#risk")) == 251


def test_resend_where_history_may_not_be_read_is_counted_as_a_possible_duplicate(slack: SlackServer) -> None:
    slack.scopes_missing.add("conversations.history")
    assert channel(slack).deliver(delivery(again=delivery().id)).is_duplicate_possible


def test_first_attempt_asks_for_no_history(slack: SlackServer) -> None:
    channel(slack).deliver(delivery())
    assert [method for method, _ in slack.calls] == ["chat.postMessage"]


def test_change_edits_the_earlier_message_and_says_so_in_its_thread(slack: SlackServer) -> None:
    risk = channel(slack)
    receipt = risk.deliver(delivery())
    again = risk.revise(delivery(CASES["updated"]), receipt)
    (message,) = slack.posted("#risk")
    assert again == receipt
    assert message.edits == 1
    assert "12 × the limit" in json.dumps(message.blocks, ensure_ascii=False)
    (note,) = slack.replies(message.ts)
    assert "Changed" in note.text and "12 × the limit" in note.text


def test_end_strikes_the_message_through_without_a_note(slack: SlackServer) -> None:
    risk = channel(slack)
    receipt = risk.deliver(delivery())
    risk.revise(delivery(CASES["cleared"]), receipt)
    (message,) = slack.posted("#risk")
    assert message.blocks[0]["text"]["text"].startswith("✅ Cleared: ")
    assert message.blocks[1]["text"]["text"].startswith("~Fred Enriquez")
    assert slack.replies(message.ts) == []


def test_repeated_change_notes_it_once(slack: SlackServer) -> None:
    risk = channel(slack)
    receipt = risk.deliver(delivery())
    change = delivery(CASES["updated"])
    slack.inject(Fault(hang_up=True, takes_it=True, method="chat.postMessage"))
    with pytest.raises(Undelivered):
        risk.revise(change, receipt)
    risk.revise(delivery(CASES["updated"], again=change.id), receipt)
    assert len(slack.replies(slack.posted("#risk")[0].ts)) == 1


def test_message_that_was_deleted_is_posted_anew(slack: SlackServer) -> None:
    risk = channel(slack)
    receipt = risk.deliver(delivery())
    slack.messages.clear()
    risk.revise(delivery(CASES["cleared"]), receipt)
    assert len(slack.posted("#risk")) == 1


def test_earlier_message_in_the_local_inbox_is_not_edited_in_slack(slack: SlackServer) -> None:
    channel(slack).revise(delivery(CASES["cleared"]), Receipt({"via": "file", "file": "x.json"}))
    assert len(slack.posted("#risk")) == 1


@pytest.mark.parametrize(
    ("to", "token", "says"),
    [
        ("#nowhere", TOKEN, "channel_not_found; create the channel"),
        ("#not-invited", TOKEN, "not_in_channel; invite the app"),
        ("#archived", TOKEN, "is_archived"),
        ("#risk", "xoxb-wrong", "invalid_auth; the token in SLACK_BOT_TOKEN"),
    ],
)
def test_refusal_is_for_good_and_names_the_remedy(slack: SlackServer, to: str, token: str, says: str) -> None:
    with pytest.raises(Undelivered, match=says) as error:
        channel(slack, to, token).deliver(delivery())
    assert not error.value.retryable
    assert token not in error.value.reason


@pytest.mark.parametrize("code", ["msg_too_long", "invalid_blocks", "restricted_action", "some_new_code"])
def test_other_refusals_are_for_good(slack: SlackServer, code: str) -> None:
    slack.inject(Fault(error=code))
    with pytest.raises(Undelivered, match=code) as error:
        channel(slack).deliver(delivery())
    assert not error.value.retryable


def test_rate_limit_is_kept_to(slack: SlackServer) -> None:
    slack.inject(Fault(status=429, retry_after=7))
    with pytest.raises(Undelivered) as error:
        channel(slack).deliver(delivery())
    assert (error.value.retryable, error.value.retry_after, error.value.is_uncertain) == (True, 7, False)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500), Fault(status=503), Fault(error="internal_error"), Fault(error="fatal_error"),
        Fault(delay=1.5, hang_up=True), Fault(hang_up=True),
    ],
)  # fmt: skip
def test_trouble_of_slack_passes_and_is_uncertain(slack: SlackServer, fault: Fault) -> None:
    slack.inject(replace(fault))
    with pytest.raises(Undelivered) as error:
        channel(slack, timeout=1).deliver(delivery())
    assert error.value.retryable and error.value.is_uncertain
    assert len([method for method, _ in slack.calls if method == "chat.postMessage"]) <= 1


def test_page_of_a_proxy_is_not_repeated_as_an_error_code(slack: SlackServer) -> None:
    slack.inject(Fault(status=500))
    with pytest.raises(Undelivered, match=r"^Slack has trouble of its own \(HTTP 500\)$"):
        channel(slack).deliver(delivery())


def test_nobody_listening_is_not_uncertain(slack: SlackServer) -> None:
    with SlackServer() as gone:
        pass
    with pytest.raises(Undelivered) as error:
        channel(gone).deliver(delivery())
    assert error.value.retryable and not error.value.is_uncertain


def test_token_appears_in_no_error_and_no_log(slack: SlackServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    canary = "xoxb-canary-token"
    for fault in (Fault(status=429), Fault(status=500), Fault(error="fatal_error"), Fault(hang_up=True), Fault()):
        slack.inject(fault)
        with pytest.raises(Undelivered) as error:
            channel(slack, token=canary).deliver(delivery())
        assert canary not in repr(error.value) + str(error.value.__cause__)
    assert canary not in caplog.text


def test_destination_must_be_a_channel() -> None:
    for wrong in ("risk", "#", "#a b", "@ada", "https://hooks.example"):
        with pytest.raises(ValueError):
            SlackSettings(to=wrong)
