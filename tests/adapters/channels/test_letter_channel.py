"""Mails of reports against an SMTP server: one lane, each to its own recipient, with the button that ends them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from alerting_pipeline.adapters.channels.letter import LetterChannel, LetterSettings
from alerting_pipeline.adapters.channels.registry import Channels, Surroundings
from alerting_pipeline.domain.destination import REPORT_MAIL, Destination
from alerting_pipeline.domain.letter import Letter
from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.ports import Batching, Channel, Delivery, Receipt, Undelivered
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.web.inbox import Inbox
from tests.sinks.mail import MailServer

ADA, BEN = "ada@example.com", "ben@example.com"
LINK = "https://alerts.example.com/unsubscribe/t"


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def letter_to(address: str, **changes: Any) -> Delivery:
    letter = replace(Letter("reminder", address, "Invoice i1: €60", "<p>Pay €60</p>", "You owe.", "Money"), **changes)
    message = Message("reminder", "report", "Reminder", letter.subject, kind="report", letter=letter)
    return Delivery(uuid4(), None, REPORT_MAIL.name, REPORT_MAIL.channel, message.to_json())


def channel(server: str | None, folder: Path, ended: Collection[tuple[str, str]] = (), **settings: Any) -> Channel:
    """As the worker gets it: by the name of the destination; `settings` are those of its entry, if it has one."""
    around = Surroundings(
        folder, folder, pytest.fail,
        mail_server=SecretStr(server) if server else None,
        mail_from="Alerts <alerts@example.com>",
        unsubscribed=lambda asked: [each for each in asked if each in ended],
    )  # fmt: skip
    entry = _entry(settings) if settings else None
    return Channels(lambda name: entry, around)(letter_to(ADA))


def _entry(settings: dict[str, Any]) -> Destination:
    return REPORT_MAIL.model_copy(update={"settings": settings})


def test_each_letter_goes_to_its_own_recipient(mail: MailServer, tmp_path: Path) -> None:
    lane = channel(mail.url, tmp_path)
    sent = [letter_to(ADA), letter_to(BEN, subject="Another")]
    receipts = [lane.deliver(each) for each in sent]
    assert mail.envelopes == [("alerts@example.com", (ADA,)), ("alerts@example.com", (BEN,))]
    assert [got["Subject"] for got in mail.mails] == ["Invoice i1: €60", "Another"]
    assert [got["Message-ID"] for got in mail.mails] == [f"<{each.id}@example.com>" for each in sent]
    assert receipts[0].data["message_id"] == mail.mails[0]["Message-ID"]
    text, html = mail.mails[0].get_body(("plain",)), mail.mails[0].get_body(("html",))
    assert text and "Pay €60" in text.get_content() and html and "Pay €60" in html.get_content()


def test_the_sender_has_the_reports_name_and_our_address(mail: MailServer, tmp_path: Path) -> None:
    channel(mail.url, tmp_path).deliver(letter_to(ADA, from_name="Money\r\nBcc: b@example.com"))
    (got,) = mail.mails
    assert got["From"].addresses[0].addr_spec == "alerts@example.com"
    assert got["From"].addresses[0].display_name == "Money Bcc: b@example.com"
    assert got["Bcc"] is None


def test_a_mail_program_can_unsubscribe_in_one_click(mail: MailServer, tmp_path: Path) -> None:
    lane = channel(mail.url, tmp_path)
    lane.deliver(letter_to(ADA, unsubscribe_url=LINK))
    lane.deliver(letter_to(BEN))
    with_link, without = mail.mails
    assert with_link["List-Unsubscribe"] == f"<{LINK}>"
    assert with_link["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert LINK in str(with_link.get_body(("plain",)))
    assert without["List-Unsubscribe"] is None and "nsubscribe" not in str(without)


def test_a_refused_recipient_is_one_dead_letter_and_a_full_mailbox_is_tried_again(
    mail: MailServer, tmp_path: Path
) -> None:
    lane = channel(mail.url, tmp_path)
    mail.refusals = {ADA: ["550 no such user"], BEN: ["452 mailbox full"]}
    with pytest.raises(Undelivered, match="550") as gone:
        lane.deliver(letter_to(ADA))
    with pytest.raises(Undelivered, match="452") as full:
        lane.deliver(letter_to(BEN))
    assert not gone.value.retryable and full.value.retryable
    lane.deliver(letter_to(BEN))
    assert [to for _, to in mail.envelopes] == [(BEN,)]


def test_a_lost_answer_is_uncertain_and_the_mail_keeps_its_id(mail: MailServer, tmp_path: Path) -> None:
    lane, sent = channel(mail.url, tmp_path), letter_to(ADA)
    mail.on_data = ["taken, but hung up"]
    with pytest.raises(Undelivered) as lost:
        lane.deliver(sent)
    assert lost.value.retryable and lost.value.is_uncertain
    assert lane.deliver(replace(sent, attempt=2, is_uncertain=True)).is_duplicate_possible
    assert len({got["Message-ID"] for got in mail.mails}) == 1


def test_a_message_without_a_letter_is_dead(mail: MailServer) -> None:
    lane = LetterChannel(LetterSettings(), SecretStr(mail.url), "a@example.com")
    bare = Message("reminder", "report", "t", "s").to_json()
    with pytest.raises(Undelivered, match="names no recipient"):
        lane.deliver(Delivery(UUID(int=1), None, REPORT_MAIL.name, "email", bare))


def test_without_a_mail_server_letters_lie_in_the_local_inbox(tmp_path: Path) -> None:
    sent = letter_to(ADA, unsubscribe_url=LINK)
    channel(None, tmp_path).deliver(sent)
    entry = Inbox(tmp_path).entry(sent.id)
    assert entry is not None and (entry.to, entry.rendered["subject"]) == (ADA, "Invoice i1: €60")
    page = Inbox(tmp_path).mail(sent.id)
    assert page is not None and "Pay €60" in page and LINK in page


def test_who_unsubscribed_since_it_was_written_gets_nothing_and_others_do(mail: MailServer, tmp_path: Path) -> None:
    lane = channel(mail.url, tmp_path, ended=[("reminder", ADA), ("another", BEN)])
    left_out = lane.deliver(letter_to("Ada@Example.com", unsubscribe_url=LINK))
    lane.deliver(letter_to(BEN, unsubscribe_url=LINK))
    lane.deliver(letter_to(ADA))  # of a report that nobody can end
    assert left_out.data == {"unsubscribed": "the recipient unsubscribed before it left"}
    assert [to for _, to in mail.envelopes] == [(BEN,), (ADA,)]
    assert not isinstance(lane, Batching)  # a server of mail doesn't know deliveries by their key


def test_the_local_inbox_leaves_them_out_too_many_at_once(tmp_path: Path) -> None:
    lane = channel(None, tmp_path, ended=[("reminder", ADA)])
    assert isinstance(lane, Batching)
    sent = [letter_to(address, unsubscribe_url=LINK) for address in (BEN, ADA, BEN)]
    answers = lane.deliver_batch(sent)
    assert [isinstance(answer, Receipt) and "unsubscribed" in answer.data for answer in answers] == [False, True, False]
    assert {path.stem for path in tmp_path.glob("*.json")} == {str(sent[0].id), str(sent[2].id)}


def test_the_pace_is_that_of_the_entry_and_ten_a_second_without_one(mail: MailServer, tmp_path: Path) -> None:
    lanes = [channel(mail.url, tmp_path), channel(mail.url, tmp_path, per_second=50)]
    assert [getattr(lane, "pace", None) for lane in lanes] == [Pace(10.0, burst=10), Pace(50.0, burst=50)]
