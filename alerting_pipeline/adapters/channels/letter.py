"""Mails of reports: one recipient each, named by the message itself, with the link that ends them.

All of them share one lane: a hundred thousand recipients are not a hundred thousand destinations. Mail programs show
the link as a button of their own (List-Unsubscribe, RFC 2369) and may press it for the recipient (RFC 8058).
"""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, localtime, parseaddr

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from alerting_pipeline.adapters.channels.smtp import MailServer
from alerting_pipeline.domain.letter import Letter, is_address
from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered
from alerting_pipeline.rendering.letter import mail
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.text import clean


class LetterSettings(BaseModel):
    """Settings of `report mail`, the one destination of all reports; their recipients are named by the rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_second: float = Field(default=10.0, gt=0, le=1000, description="At most so many messages a second.")


class LetterChannel:
    """The way to every recipient of a report, through one mail server."""

    def __init__(self, settings: LetterSettings, server: SecretStr, sender: str) -> None:
        self.pace = Pace(settings.per_second, burst=max(1, int(settings.per_second)))
        self._server = MailServer(server, sender)

    def deliver(self, delivery: Delivery) -> Receipt:
        """Send the mail, or raise Undelivered: for good where the server refuses this recipient."""
        letter = Message.from_json(delivery.message).letter
        if letter is None or not is_address(letter.to):
            raise Undelivered("the message names no recipient", retryable=False)
        composed = self._compose(delivery, letter)
        code, answer = self._server.transmit(composed, [letter.to])[letter.to]
        if code >= 400:
            raise Undelivered(f"refused by {letter.to} ({code} {answer})", retryable=code < 500)
        receipt = {"via": "email", "message_id": str(composed["Message-ID"]), "taken": [letter.to]}
        return Receipt(receipt, is_duplicate_possible=delivery.is_uncertain)

    def _compose(self, delivery: Delivery, letter: Letter) -> EmailMessage:
        content = mail(letter)
        name, address = parseaddr(self._server.sender)
        composed = EmailMessage(policy=SMTP)
        composed["From"] = formataddr((clean(letter.from_name) or name, address))
        composed["To"] = letter.to
        composed["Subject"] = content.subject
        composed["Date"] = format_datetime(localtime())
        composed["Message-ID"] = f"<{delivery.id}@{self._server.domain}>"
        composed["Auto-Submitted"] = "auto-generated"
        composed["X-Auto-Response-Suppress"] = "All"
        if letter.unsubscribe_url:
            composed["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
            composed["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        composed.set_content(content.text, cte="quoted-printable")
        composed.add_alternative(content.html, subtype="html", cte="quoted-printable")
        return composed
