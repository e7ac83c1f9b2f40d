"""E-mail over SMTP: one mail per delivery, with a Message-ID made of its key, so that what arrives twice can be told.

The mails of one incident form a thread. Recipients are judged one by one: those that took the mail are remembered, and
a retry goes to the others alone.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime, parseaddr
from hashlib import sha256
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered
from alerting_pipeline.rendering.email import email
from alerting_pipeline.rendering.message import Message

_ADDRESS = re.compile(r"[^\s@<>\"(),;:\\\x00-\x1f\x7f]+@[^\s@<>\"(),;:\\\x00-\x1f\x7f]+")
_TIMEOUT = 15.0


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
                raise ValueError(f'"{address}" is not a mail address; write name@example.com')
        return tuple(dict.fromkeys(value))


class EmailChannel:
    """One list of recipients. `server` is smtp://user:password@host:port or smtps://…; STARTTLS where it is offered."""

    def __init__(self, settings: EmailSettings, server: SecretStr, sender: str) -> None:
        self.pace = Pace(settings.per_second, burst=max(1, int(settings.per_second)))
        self._to = settings.to
        self._server = server
        self._sender = sender
        self._domain = re.sub(r"[^a-zA-Z0-9.-]", "", parseaddr(sender)[1].rpartition("@")[2]) or "localhost"

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
        for address, (code, answer) in self._transmit(mail, left).items():
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
        root = f"<incident.{sha256(message.thread.encode()).hexdigest()[:32]}@{self._domain}>"
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._to)
        mail["Subject"] = content.subject
        mail["Date"] = format_datetime(localtime())
        mail["Message-ID"] = f"<{delivery.id}@{self._domain}>"
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

    # --- the conversation ---------------------------------------------------------------------------------------------

    def _transmit(self, mail: EmailMessage, recipients: list[str]) -> Mapping[str, tuple[int, str]]:
        """The server's code and answer per recipient. An answer lost after the content was sent is uncertain."""
        has_sent = False
        server: smtplib.SMTP | None = None
        try:
            server = self._connect()
            code, answer = server.mail(parseaddr(self._sender)[1], _options(server))
            if code >= 400:
                _turned_down("the sender", code, answer)
            results = {address: _answer(server.rcpt(address)) for address in recipients}
            accepted = [address for address, (code, _) in results.items() if code < 400]
            if accepted:
                has_sent = True
                last = _answer(server.data(mail.as_bytes()))
                results.update(dict.fromkeys(accepted, last))
            return results
        except smtplib.SMTPResponseException as error:
            _turned_down("the connection" if not has_sent else "the content", error.smtp_code, error.smtp_error)
        except smtplib.SMTPNotSupportedError as error:
            raise Undelivered(f"the mail server lacks something: {error}", retryable=False) from error
        except (smtplib.SMTPException, OSError) as error:
            reason = f"the mail server gave no answer ({type(error).__name__})"
            raise Undelivered(reason, retryable=True, is_uncertain=has_sent) from error
        finally:
            if server is not None:
                _hang_up(server)

    def _connect(self) -> smtplib.SMTP:
        parts = urlsplit(self._server.get_secret_value())
        host, secure = parts.hostname or "localhost", parts.scheme == "smtps"
        context = ssl.create_default_context()
        name = socket.gethostname() or "localhost"
        if secure:
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, name, timeout=_TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(host, parts.port or 587, name, timeout=_TIMEOUT)
        try:
            server.ehlo_or_helo_if_needed()
            if not secure and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
                secure = True
            if parts.username:
                self._log_in(server, unquote(parts.username), unquote(parts.password or ""), secure, host)
        except BaseException:
            server.close()
            raise
        return server

    def _log_in(self, server: smtplib.SMTP, user: str, password: str, secure: bool, host: str) -> None:
        if not secure and host not in {"localhost", "127.0.0.1", "::1"}:
            reason = "the mail server offers no encryption, and the password is not sent without; use smtps://"
            raise Undelivered(reason, retryable=False)
        try:
            server.login(user, password)
        except smtplib.SMTPAuthenticationError as error:
            reason = f"the mail server refused the user of ALERTING_SMTP_URL ({error.smtp_code})"
            raise Undelivered(reason, retryable=error.smtp_code < 500) from None


def _hang_up(server: smtplib.SMTP) -> None:
    """Say goodbye. The mail has been answered for by now: a lost goodbye changes nothing about it."""
    with suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


def _options(server: smtplib.SMTP) -> list[str]:
    return ["BODY=8BITMIME"] if server.has_extn("8bitmime") else []


def _answer(result: tuple[int, bytes]) -> tuple[int, str]:
    code, answer = result
    return code, re.sub(r"[^\x20-\x7e]+", " ", answer.decode("ascii", "replace"))[:200]


def _turned_down(what: str, code: int, answer: bytes | str) -> NoReturn:
    raw = answer if isinstance(answer, bytes) else answer.encode()
    reason = f"the mail server refused {what}: {code} {_answer((code, raw))[1]}"
    raise Undelivered(reason, retryable=not 500 <= code < 600)


def _listed(answers: Mapping[str, str]) -> str:
    return ", ".join(f"{address} ({answer})" for address, answer in answers.items())
