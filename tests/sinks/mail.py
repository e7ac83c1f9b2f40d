"""An SMTP server on loopback (aiosmtpd) that keeps what it takes and refuses what a test asks it to refuse."""

from __future__ import annotations

import email
import email.policy
import socket
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller


@dataclass
class MailServer:
    """`refusals` maps a recipient to the answers it gets, one after the other (`451 later`), then it is taken."""

    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    refusals: dict[str, list[str]] = field(default_factory=dict)
    on_data: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        with socket.socket() as probe:  # the controller knocks at the port it was given, so 0 will not do
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._controller = Controller(_Handler(self), hostname="127.0.0.1", port=self.port)
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def received_by(self, address: str) -> list[EmailMessage]:
        return [mail for mail, (_, to) in zip(self.mails, self.envelopes, strict=True) if address in to]


class _Handler:
    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        answers = self._server.refusals.get(address)
        if answers:
            return answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = self._server.on_data.pop(0) if self._server.on_data else "250 taken"
        if answer.startswith("2") or answer == "taken, but hung up":
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(mail, EmailMessage)
            self._server.mails.append(mail)
            self._server.envelopes.append((envelope.mail_from, tuple(envelope.rcpt_tos)))
        if answer == "taken, but hung up":
            server.transport.abort()
        return answer
