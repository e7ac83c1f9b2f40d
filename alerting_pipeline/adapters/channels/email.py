"""E-mail over SMTP: one mail per delivery, with a Message-ID made of its key, so that what arrives twice can be told.

The mails of one incident form a thread. Recipients are judged one by one: those that took the mail are remembered, and
a retry goes to the others alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from hashlib import sha256

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from alerting_pipeline.adapters.channels.smtp import MailServer
from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.rendering.email import email
from alerting_pipeline.rendering.message import Message

_ADDRESS = re.compile(r"[^\s@<>\"(),;:\\\x00-\x1f\x7f]+@[^\s@<>\"(),;:\\\x00-\x1f\x7f]+")


class EmailSettings(BaseModel):
    """Settings of an e-mail destination: `to` is one address or a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: tuple[str, ...] = Field(min_length=1, max_length=100, description="One address or a list of addresses.")
    per_second: float = Field(default=10.0, gt=0, le=1000, description="At most so many messages a second.")

    @field_validator("to", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("to")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            if not _ADDRESS.fullmatch(address):
                raise Mistake("AP108", f'"{address}" is not a mail address; write name@example.com')
        return tuple(dict.fromkeys(value))


class EmailChannel:
    """One list of recipients, reached through one mail server."""

    def __init__(self, settings: EmailSettings, server: SecretStr, sender: str) -> None:
        self.pace = Pace(settings.per_second, burst=max(1, int(settings.per_second)))
        self._to = settings.to
        self._server = MailServer(server, sender)

    def deliver(self, delivery: Delivery) -> Receipt:
        """Send the mail to all recipients that have not taken it yet."""
        return self._send(delivery, None)

    def revise(self, delivery: Delivery, earlier: Receipt) -> Receipt:
        """A mail can't be changed; the new one answers the earlier one, so that they form a thread."""
        before = earlier.data.get("message_id")
        return self._send(delivery, before if isinstance(before, str) else None)

    def _send(self, delivery: Delivery, before: str | None) -> Receipt:
        taken = [address for address in delivery.progress.get("taken", []) if address in self._to]
        refused: dict[str, str] = dict(delivery.progress.get("refused", {}))
        left = [address for address in self._to if address not in taken and address not in refused]
        mail = self._compose(delivery, before)
        later: dict[str, str] = {}
        for address, (code, answer) in self._server.transmit(mail, left).items():
            if code < 400:
                taken.append(address)
            else:
                (refused if code >= 500 else later)[address] = f"{code} {answer}"
        progress = {"taken": taken, "refused": refused}
        if later:
            reason = f"put off by {_listed(later)}"
            raise Undelivered(reason, retryable=True, progress=progress)
        if not taken:
            raise Undelivered(f"refused by {_listed(refused)}", retryable=False)
        receipt = {"via": "email", "message_id": str(mail["Message-ID"]), **progress}
        if refused:
            receipt["warning"] = f"refused by {_listed(refused)}"
        return Receipt(receipt, is_duplicate_possible=delivery.is_uncertain)

    # --- the mail -----------------------------------------------------------------------------------------------------

    def _compose(self, delivery: Delivery, before: str | None) -> EmailMessage:
        message = Message.from_json(delivery.message)
        content = email(message)
        root = f"<incident.{sha256(message.thread.encode()).hexdigest()[:32]}@{self._server.domain}>"
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._server.sender
        mail["To"] = ", ".join(self._to)
        mail["Subject"] = content.subject
        mail["Date"] = format_datetime(localtime())
        mail["Message-ID"] = f"<{delivery.id}@{self._server.domain}>"
        if message.thread:
            mail["References"] = f"{root} {before}" if before else root
            mail["In-Reply-To"] = before or root
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        if message.severity == "critical" and not message.is_resolved:
            mail["Importance"] = "high"
        mail.set_content(content.text, cte="quoted-printable")
        mail.add_alternative(content.html, subtype="html", cte="quoted-printable")
        return mail


def _listed(answers: Mapping[str, str]) -> str:
    return ", ".join(f"{address} ({answer})" for address, answer in answers.items())
