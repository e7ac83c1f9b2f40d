"""The e-mail channel against an SMTP server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr, ValidationError

from alerting_pipeline.adapters.channels.email import EmailChannel, EmailSettings
from alerting_pipeline.domain.ports import Undelivered
from tests.adapters.channels.deliveries import delivery
from tests.rendering.cases import CASES, HOSTILE, OPENED, hostile
from tests.sinks.mail import MailServer

ADA, BOB = "ada@example.com", "bob@example.com"


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def channel(mail: MailServer, *to: str) -> EmailChannel:
    settings = EmailSettings(to=to or (ADA,))
    return EmailChannel(settings, SecretStr(mail.url), "Alerts <alerts@alerts.example.com>")


def test_mail_has_both_forms_and_a_stable_id(mail: MailServer) -> None:
    sent = delivery()
    receipt = channel(mail, ADA, BOB).deliver(sent)
    (got,) = mail.mails
    assert mail.envelopes == [("alerts@alerts.example.com", (ADA, BOB))]
    assert got["Message-ID"] == receipt.data["message_id"] == f"<{sent.id}@alerts.example.com>"
    assert got["To"] == f"{ADA}, {BOB}"
    assert got["Auto-Submitted"] == "auto-generated"
    text, html = got.get_body(("plain",)), got.get_body(("html",))
    assert text and "Deviance: 1.5 × the limit" in text.get_content()
    assert html and "Fred Enriquez" in html.get_content()


def test_mails_of_an_incident_form_a_thread(mail: MailServer) -> None:
    ada = channel(mail)
    first = ada.deliver(delivery())
    ada.revise(delivery(CASES["cleared"]), first)
    ada.deliver(delivery(replace(OPENED, incident_id=42, thread="other")))
    opened, cleared, other = mail.mails
    assert cleared["In-Reply-To"] == opened["Message-ID"]
    assert opened["References"] in cleared["References"]
    assert other["References"] != opened["References"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_string_adds_no_header_and_no_recipient(mail: MailServer, name: str) -> None:
    text = HOSTILE[name].encode("utf-8", "replace").decode()
    channel(mail).deliver(delivery(hostile(text)))
    (got,) = mail.mails
    assert mail.envelopes[0][1] == (ADA,)
    assert set(got.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "References", "In-Reply-To", "Auto-Submitted",
        "X-Auto-Response-Suppress", "MIME-Version", "Content-Type",
    }  # fmt: skip


def test_hostile_thread_name_cannot_break_a_header(mail: MailServer) -> None:
    channel(mail).deliver(delivery(replace(OPENED, thread="x>\r\nBcc: v@example.com\r\n\r\n")))
    assert "Bcc" not in mail.mails[0]


def test_recipient_that_puts_off_is_tried_again_alone(mail: MailServer) -> None:
    mail.refusals[BOB] = ["451 greylisted"]
    both = channel(mail, ADA, BOB)
    sent = delivery()
    with pytest.raises(Undelivered, match=r"bob@example.com \(451 greylisted\)") as error:
        both.deliver(sent)
    assert error.value.retryable and not error.value.is_uncertain
    receipt = both.deliver(replace(sent, attempt=2, progress=error.value.progress or {}))
    assert [to for _, to in mail.envelopes] == [(ADA,), (BOB,)]
    assert receipt.data["taken"] == [ADA, BOB]


def test_recipient_that_refuses_does_not_cost_the_others_their_mail(mail: MailServer) -> None:
    mail.refusals[BOB] = ["550 no such user"]
    receipt = channel(mail, ADA, BOB).deliver(delivery())
    assert len(mail.received_by(ADA)) == 1
    assert receipt.data["warning"] == "refused by bob@example.com (550 no such user)"


def test_refused_by_all_is_for_good(mail: MailServer) -> None:
    mail.refusals[ADA] = ["550 no such user"]
    with pytest.raises(Undelivered, match="550") as error:
        channel(mail).deliver(delivery())
    assert not error.value.retryable


@pytest.mark.parametrize(("answer", "retryable"), [("452 disk full", True), ("554 looks like spam", False)])
def test_answer_to_the_content_decides(mail: MailServer, answer: str, retryable: bool) -> None:
    mail.on_data.append(answer)
    with pytest.raises(Undelivered) as error:
        channel(mail).deliver(delivery())
    assert error.value.retryable is retryable
    assert not error.value.is_uncertain


def test_lost_answer_is_uncertain_and_the_resend_is_counted(mail: MailServer) -> None:
    mail.on_data.append("taken, but hung up")
    first = delivery()
    with pytest.raises(Undelivered) as error:
        channel(mail).deliver(first)
    assert error.value.retryable and error.value.is_uncertain
    assert channel(mail).deliver(delivery(again=first.id)).is_duplicate_possible
    assert len({got["Message-ID"] for got in mail.mails}) == 1


def test_nobody_listening_is_not_uncertain() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = SecretStr(f"smtp://127.0.0.1:{free.getsockname()[1]}")
    with pytest.raises(Undelivered) as error:
        EmailChannel(EmailSettings(to=(ADA,)), server, "a@b.c").deliver(delivery())
    assert error.value.retryable and not error.value.is_uncertain


def test_password_appears_in_no_error(mail: MailServer) -> None:
    server = SecretStr(mail.url.replace("smtp://", "smtp://user:canary-word@"))
    with pytest.raises(Undelivered) as error:
        EmailChannel(EmailSettings(to=(ADA,)), server, "a@b.c").deliver(delivery())
    assert not error.value.retryable
    assert "canary" not in repr(error.value) + repr(error.value.__cause__)


@pytest.mark.parametrize("address", ["ada", "a@b\nBcc: c@d", "<a@b>", "a b@c", "a@b,c@d", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        EmailSettings(to=(address,))
