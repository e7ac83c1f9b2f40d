"""Webhooks against a service that verifies them: signed, once per id, with an end, and each failure of its kind."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from alerting_pipeline.adapters.channels.http_client import HttpClient
from alerting_pipeline.adapters.channels.http_fence import Hosts
from alerting_pipeline.adapters.channels.webhook import WebhookChannel, WebhookSettings
from alerting_pipeline.domain.ports import Receipt, Undelivered
from alerting_pipeline.rendering.webhook import body
from tests.adapters.channels.deliveries import delivery
from tests.rendering.cases import CASES, HOSTILE, OPENED, hostile
from tests.sinks.http_sink import Fault
from tests.sinks.webhook_receiver import SECRET, WebhookReceiver, verified

CANARY = "canary-3f9a"


@pytest.fixture
def service() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as receiver:
        yield receiver


def channel(service: WebhookReceiver, within: float = 2.0, secret: str = SECRET, **settings: Any) -> WebhookChannel:
    held = {"RISK_SECRET": secret, "NEXT_SECRET": "the-next-secret", "RISK_TOKEN": CANARY}
    given = {"url": f"{service.url}/incidents", "secret_env": "RISK_SECRET", **settings}
    client = HttpClient(Hosts(private=frozenset({service.host})), within=within)
    return WebhookChannel(WebhookSettings(**given), lambda name: _secret(held, name), client)


def _secret(held: dict[str, str], name: str) -> SecretStr | None:
    return SecretStr(held[name]) if name in held else None


def test_the_service_takes_it_verifies_it_and_acts_once(service: WebhookReceiver) -> None:
    sent = delivery(channel="webhook")
    assert channel(service).deliver(sent) == Receipt({"via": "webhook", "status": 202})
    assert channel(service).deliver(delivery(again=sent.id, channel="webhook")).data["status"] == 200
    assert list(service.effects) == [str(sent.id)]
    assert service.repeated == 1
    assert service.requests[0].headers["idempotency-key"] == str(sent.id)
    assert service.requests[0].body == service.requests[1].body
    document = service.effects[str(sent.id)]
    assert (document["version"], document["type"], document["test"]) == (1, "incident.opened", False)
    assert document["data"]["incident_id"] == 41
    assert document["data"]["fields"]["amount"] == 15000


@pytest.mark.parametrize("name", CASES)
def test_every_transition_is_taken(service: WebhookReceiver, name: str) -> None:
    channel(service).deliver(delivery(CASES[name]))
    assert len(service.effects) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_every_hostile_string_arrives_as_it_is(service: WebhookReceiver, name: str) -> None:
    text = HOSTILE[name].encode("utf-8", "replace").decode()
    channel(service).deliver(delivery(hostile(text)))
    assert next(iter(service.effects.values()))["data"]["summary"] == text


def test_a_changed_body_an_old_signature_and_another_secret_are_told_apart(service: WebhookReceiver) -> None:
    channel(service).deliver(delivery())
    (request,) = service.requests
    assert verified(SECRET, request, time.time())
    assert not verified(SECRET, replace(request, body=request.body.replace(b"15000", b"15001")), time.time())
    assert not verified(SECRET, request, time.time() + 301)
    assert not verified("whsec_" + "A" * 32, request, time.time())


def test_while_secrets_are_exchanged_both_sign(service: WebhookReceiver) -> None:
    channel(service, secret_env=["NEXT_SECRET", "RISK_SECRET"]).deliver(delivery())
    (request,) = service.requests
    assert verified(SECRET, request, time.time()) and verified("the-next-secret", request, time.time())


def test_a_token_is_sent_where_one_is_named() -> None:
    with WebhookReceiver(token=CANARY) as service:
        channel(service, token_env="RISK_TOKEN").deliver(delivery())
        with pytest.raises(Undelivered, match="401"):
            channel(service).deliver(delivery())
        assert len(service.effects) == 1


@pytest.mark.parametrize(
    ("fault", "is_retryable", "is_uncertain", "wait"),
    [
        (Fault(400), False, False, None),
        (Fault(401), False, False, None),
        (Fault(404), False, False, None),
        (Fault(410), False, False, None),
        (Fault(422), False, False, None),
        (Fault(302, {"Location": "http://127.0.0.1:1/"}), False, False, None),
        (Fault(307, {"Location": "/incidents"}), False, False, None),
        (Fault(408), True, True, None),
        (Fault(429, {"Retry-After": "17"}), True, False, 17.0),
        (Fault(429), True, False, None),
        (Fault(500), True, True, None),
        (Fault(503, {"Retry-After": "40"}), True, True, 40.0),
        (Fault(503, {"Retry-After": "soon"}), True, True, None),
        (Fault(hang_up=True), True, True, None),
        (Fault(drip=1.5), True, True, None),
        (Fault(delay=1.0, hang_up=True), True, True, None),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, Fault) else "",
)
def test_a_failure_is_of_its_kind(
    service: WebhookReceiver, fault: Fault, is_retryable: bool, is_uncertain: bool, wait: float | None
) -> None:
    service.inject(fault)
    began = time.monotonic()
    with pytest.raises(Undelivered) as error:
        channel(service, within=0.6).deliver(delivery())
    assert (error.value.retryable, error.value.is_uncertain) == (is_retryable, is_uncertain)
    assert error.value.retry_after == wait
    assert time.monotonic() - began < 1.2, "a request has an end, whatever the server does"
    assert len(service.requests) <= 1, "no redirect is followed"


def test_a_date_in_retry_after_is_read(service: WebhookReceiver) -> None:
    service.inject(
        Fault(429, {"Retry-After": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 90))})
    )
    with pytest.raises(Undelivered) as error:
        channel(service).deliver(delivery())
    assert error.value.retry_after is not None and 80 <= error.value.retry_after <= 90


def test_nobody_listening_is_certain_not_to_have_taken_it(service: WebhookReceiver) -> None:
    client = HttpClient(Hosts(private=frozenset({"127.0.0.1"})), within=1)
    settings = WebhookSettings(url="http://127.0.0.1:1/incidents", secret_env=("RISK_SECRET",))
    with pytest.raises(Undelivered, match=r"127.0.0.1 can't be reached") as error:
        WebhookChannel(settings, lambda name: SecretStr(SECRET), client).deliver(delivery())
    assert error.value.retryable and not error.value.is_uncertain


def test_an_answer_without_end_is_not_read_to_its_end(service: WebhookReceiver) -> None:
    service.inject(Fault(200, takes_it=True, json="x" * 9_000_000))
    assert channel(service).deliver(delivery()).data["status"] == 200


def test_no_secret_is_in_an_error_a_receipt_or_a_log(
    service: WebhookReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    for fault in (Fault(401, json={"you sent": CANARY}), Fault(500), Fault(hang_up=True), Fault(302), None):
        if fault:
            service.inject(fault)
        try:
            said.append(str(channel(service, secret=CANARY, token_env="RISK_TOKEN").deliver(delivery())))
        except Undelivered as error:
            said.append(f"{error!r} {error.reason} {error.__cause__!r} {error.__context__!r}")
    assert not [line for line in [*said, caplog.text] if CANARY in line]


def test_an_address_that_is_a_secret_is_not_repeated(service: WebhookReceiver) -> None:
    held = {"RISK_URL": f"{service.url}/{CANARY}", "RISK_SECRET": SECRET}
    settings = WebhookSettings(url_env="RISK_URL", secret_env=("RISK_SECRET",))
    client = HttpClient(Hosts(private=frozenset({service.host})))
    with pytest.raises(Undelivered, match="404") as error:
        WebhookChannel(settings, lambda name: _secret(held, name), client).deliver(delivery())
    assert CANARY not in error.value.reason


def test_a_secret_that_is_not_set_is_named_and_may_be_set_later(service: WebhookReceiver) -> None:
    with pytest.raises(Undelivered, match="OTHER_SECRET is not set") as error:
        channel(service, secret_env="OTHER_SECRET").deliver(delivery())
    assert error.value.retryable and service.requests == []


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"url": "https://hooks.example.com/x"},
        {"secret_env": "RISK_SECRET"},
        {"url": "https://hooks.example.com", "url_env": "RISK_URL", "secret_env": "RISK_SECRET"},
        {"url": "ftp://hooks.example.com", "secret_env": "RISK_SECRET"},
        {"url": "https://user:pass@hooks.example.com", "secret_env": "RISK_SECRET"},
        {"url": "https://hooks.example.com/ x", "secret_env": "RISK_SECRET"},
        {"url": "https://hooks.example.com:99999/", "secret_env": "RISK_SECRET"},
        {"url": "https://hooks.example.com", "secret_env": "risk secret"},
        {"url": "https://hooks.example.com", "secret_env": "ALERTING_DATABASE_URL"},
        {"url": "https://hooks.example.com", "secret_env": "SLACK_BOT_TOKEN"},
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WebhookSettings(**settings)


def test_the_body_is_the_same_at_every_attempt() -> None:
    sent = delivery()
    assert body(sent.id, OPENED) == body(sent.id, OPENED)
    assert json.loads(body(sent.id, OPENED))["delivery_id"] == str(sent.id)
