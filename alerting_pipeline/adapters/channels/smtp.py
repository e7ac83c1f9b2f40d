"""The conversation with a mail server: one mail to some recipients, each of whom it may take or refuse.

An answer that is lost after the content was sent is uncertain: the mail may have arrived.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from email.message import EmailMessage
from email.utils import parseaddr
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from alerting_pipeline.domain.ports import Undelivered

_TIMEOUT = 15.0


class MailServer:
    """`server` is smtp://user:password@host:port or smtps://…; STARTTLS where it is offered."""

    def __init__(self, server: SecretStr, sender: str) -> None:
        self.sender = sender
        self.domain = re.sub(r"[^a-zA-Z0-9.-]", "", parseaddr(sender)[1].rpartition("@")[2]) or "localhost"
        self._server = server

    def transmit(self, mail: EmailMessage, recipients: list[str]) -> Mapping[str, tuple[int, str]]:
        """The server's code and answer per recipient. An answer lost after the content was sent is uncertain."""
        has_sent = False
        server: smtplib.SMTP | None = None
        try:
            server = self._connect()
            code, answer = server.mail(parseaddr(self.sender)[1], _options(server))
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
