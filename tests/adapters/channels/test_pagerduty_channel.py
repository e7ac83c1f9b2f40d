"""PagerDuty against a server that holds events to the documented rules."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from alerting_pipeline.adapters.channels.http_client import HttpClient
from alerting_pipeline.adapters.channels.http_fence import Hosts
from alerting_pipeline.adapters.channels.pagerduty import PagerdutyChannel, PagerdutySettings
from alerting_pipeline.domain.ports import Receipt, Undelivered
from alerting_pipeline.rendering.message import Field
from tests.adapters.channels.deliveries import delivery
from tests.rendering.cases import CASES, HOSTILE, OPENED, hostile
from tests.sinks.http_sink import Fault
from tests.sinks.pagerduty_events import ROUTING_KEY, PagerdutyEvents


@pytest.fixture
def pager() -> Iterator[PagerdutyEvents]:
    with PagerdutyEvents() as events:
        yield events


def channel(pager: PagerdutyEvents, key: str = ROUTING_KEY) -> PagerdutyChannel:
    settings = PagerdutySettings(routing_key_env="PAGER_KEY", url=pager.url)
    return PagerdutyChannel(settings, lambda name: SecretStr(key), HttpClient(Hosts(private=frozenset({pager.host}))))


def test_an_incident_is_one_alert_from_trigger_to_resolve(pager: PagerdutyEvents) -> None:
    for name in ("opened", "opened", "updated", "acknowledged"):
        channel(pager).deliver(delivery(CASES[name]))
    assert pager.alerts == {"large_transaction.6f1f.41": "acknowledged"}
    receipt = channel(pager).deliver(delivery(CASES["cleared"]))
    assert receipt == Receipt({"via": "pagerduty", "dedup_key": "large_transaction.6f1f.41", "action": "resolve"})
    assert pager.alerts == {"large_transaction.6f1f.41": "resolved"}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("critical", "critical"), ("high", "error"), ("medium", "warning"), ("low", "info"), ("info", "info")],
)
def test_severities_are_theirs(pager: PagerdutyEvents, ours: str, theirs: str) -> None:
    channel(pager).deliver(delivery(replace(OPENED, severity=ours)))
    assert pager.events[0]["payload"]["severity"] == theirs


@pytest.mark.parametrize("name", CASES)
def test_every_transition_is_taken(pager: PagerdutyEvents, name: str) -> None:
    channel(pager).deliver(delivery(CASES[name]))
    assert len(pager.events) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_every_hostile_string_is_taken(pager: PagerdutyEvents, name: str) -> None:
    channel(pager).deliver(delivery(hostile(HOSTILE[name].encode("utf-8", "replace").decode())))
    assert len(pager.events) == 1


def test_an_event_never_grows_over_what_is_taken(pager: PagerdutyEvents) -> None:
    fields = tuple(Field(f"Field {number}", "👩" * 50_000) for number in range(500))
    channel(pager).deliver(delivery(replace(OPENED, summary="x" * 900_000, fields=fields, thread="t" * 2_000)))
    assert len(pager.events) == 1


@pytest.mark.parametrize(
    ("fault", "is_retryable", "is_uncertain", "wait"),
    [
        (Fault(400), False, False, None),
        (Fault(413), False, False, None),
        (Fault(429, {"Retry-After": "60"}), True, False, 60.0),
        (Fault(500), True, True, None),
        (Fault(503), True, True, None),
        (Fault(hang_up=True), True, True, None),
    ],
)
def test_a_failure_is_of_its_kind(
    pager: PagerdutyEvents, fault: Fault, is_retryable: bool, is_uncertain: bool, wait: float | None
) -> None:
    pager.inject(fault)
    with pytest.raises(Undelivered) as error:
        channel(pager).deliver(delivery())
    failure = error.value
    assert (failure.retryable, failure.is_uncertain, failure.retry_after) == (is_retryable, is_uncertain, wait)


def test_a_wrong_key_is_refused_for_good_and_never_said(
    pager: PagerdutyEvents, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Undelivered, match="PagerDuty answered 400; is the routing key") as error:
        channel(pager, key="canary-3f9a-canary-3f9a-canary-3").deliver(delivery())
    assert not error.value.retryable
    assert "canary" not in error.value.reason + caplog.text


def test_a_trial_triggers_and_resolves_at_once(pager: PagerdutyEvents) -> None:
    receipt = channel(pager).try_out(delivery(replace(OPENED, is_test=True)))
    assert receipt.data["taken_back"] == "the alert was resolved at once"
    assert list(pager.alerts.values()) == ["resolved"]
    assert "[test]" in pager.events[0]["payload"]["summary"]
