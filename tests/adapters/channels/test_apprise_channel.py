"""The long tail through apprise, tried out with its plugin for JSON against a server on loopback."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from alerting_pipeline.adapters.channels import apprise_url
from alerting_pipeline.adapters.channels.apprise_url import AppriseChannel, AppriseSettings
from alerting_pipeline.domain.ports import Receipt, Undelivered
from tests.adapters.channels.deliveries import delivery
from tests.rendering.cases import CASES, HOSTILE, hostile
from tests.sinks.http_sink import Fault, HttpSink


@pytest.fixture
def service() -> Iterator[HttpSink]:
    with HttpSink() as sink:
        yield sink


def channel(service: HttpSink, path: str = "/canary-3f9a?cto=1&rto=1", **settings: Any) -> AppriseChannel:
    given = AppriseSettings(url_env="SMS_URL", **settings)
    return AppriseChannel(given, lambda name: SecretStr(f"json://{service.host}{path}"))


def test_a_message_is_handed_over_with_its_kind(service: HttpSink) -> None:
    assert channel(service).deliver(delivery(CASES["opened"])) == Receipt({"via": "apprise"})
    channel(service).deliver(delivery(CASES["cleared"]))
    first, second = (request.json for request in service.requests)
    assert first["title"] == "💳 payments · Large transaction"
    assert "Fred Enriquez: $15,000 is over the limit" in first["message"]
    assert (first["type"], second["type"]) == ("failure", "success")


def test_a_short_message_is_one_paragraph_with_a_link(service: HttpSink) -> None:
    channel(service, form="short").deliver(delivery(CASES["opened"]))
    (request,) = service.requests
    assert request.json["message"] == (
        "Fred Enriquez: $15,000 is over the limit of $10,000 "
        "https://backoffice.example.com/transactions/t1?tab=review&from=alert"
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_every_hostile_string_is_taken(service: HttpSink, name: str) -> None:
    channel(service).deliver(delivery(hostile(HOSTILE[name].encode("utf-8", "replace").decode())))
    assert len(service.requests) == 1


@pytest.mark.parametrize("fault", [Fault(400), Fault(500), Fault(302, {"Location": "/inside"}), Fault(hang_up=True)])
def test_a_failure_may_pass_and_may_have_arrived(service: HttpSink, fault: Fault) -> None:
    service.inject(fault)
    with pytest.raises(Undelivered, match="did not take the message") as error:
        channel(service).deliver(delivery())
    assert error.value.retryable and error.value.is_uncertain
    assert len(service.requests) == 1, "no redirect is followed"
    again = channel(service).deliver(delivery(again=delivery().id))
    assert again.is_duplicate_possible


def test_an_address_that_is_none_is_refused_for_good_and_never_repeated(
    service: HttpSink, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = AppriseChannel(AppriseSettings(url_env="SMS_URL"), lambda name: SecretStr("canary-3f9a"))
    with pytest.raises(Undelivered, match="SMS_URL holds no address") as error:
        wrong.deliver(delivery())
    assert not error.value.retryable
    service.inject(Fault(500))
    with pytest.raises(Undelivered) as lost:
        channel(service).deliver(delivery())
    channel(service).deliver(delivery())
    assert "canary" not in f"{error.value!r} {lost.value!r} {caplog.text}"


def test_without_the_extra_it_says_how_to_install_it(service: HttpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise_url, "find_spec", lambda name: None)
    with pytest.raises(Undelivered, match=r"pip install 'alerting-pipeline\[apprise\]'") as error:
        channel(service)
    assert not error.value.retryable
