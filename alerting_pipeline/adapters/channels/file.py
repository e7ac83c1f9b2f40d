"""The local inbox: one JSON file per delivery, named by its key, with what would have been sent fully rendered.

It is a destination of its own, and the stand-in for a channel that isn't configured: without a Slack token or a mail
server nothing is lost, and the inbox page shows the message as it would have looked.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered
from alerting_pipeline.rendering.email import email
from alerting_pipeline.rendering.letter import mail as letter_mail
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.pagerduty import event
from alerting_pipeline.rendering.record import record
from alerting_pipeline.rendering.slack import blocks, fallback, metadata
from alerting_pipeline.rendering.text import text
from alerting_pipeline.rendering.ticket import body, comment, title
from alerting_pipeline.rendering.webhook import payload

Rendered = dict[str, Any]


class FileChannel:
    """Writes `<folder>/<delivery id>.json`, and an .html beside it for mails. Writing it again changes nothing."""

    pace = Pace()

    def __init__(self, folder: Path, *, details: Mapping[str, Any] | None = None) -> None:
        self._folder = folder
        self._details = dict(details or {})

    def deliver(self, delivery: Delivery) -> Receipt:
        """Raises Undelivered where the folder can't be written (retryable: a disk may be full for a while)."""
        path = self._folder / f"{delivery.id}.json"
        try:
            if not path.exists():
                self._write(path, delivery)
        except OSError as error:
            reason = f"the inbox {self._folder} can't be written: {error.strerror or type(error).__name__}"
            raise Undelivered(reason, retryable=True) from error
        missing = {"missing": self._details["missing"]} if "missing" in self._details else {}
        return Receipt({"via": "file", "file": path.name, **missing})

    def deliver_batch(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Undelivered]:
        """One file each; one answer each."""
        answers: list[Receipt | Undelivered] = []
        for delivery in deliveries:
            try:
                answers.append(self.deliver(delivery))
            except Undelivered as error:
                answers.append(error)
        return answers

    def _write(self, path: Path, delivery: Delivery) -> None:
        message = Message.from_json(delivery.message)
        rendered = _RENDERINGS.get(delivery.channel, _plain)(message, delivery)
        if "html" in rendered:
            replace(path.with_suffix(".html"), rendered["html"].encode())
        document = {
            "delivery_id": str(delivery.id),
            "written_at": datetime.now(UTC).isoformat(),
            "destination": delivery.destination,
            "channel": delivery.channel,
            "details": self._details,
            "message": dict(delivery.message),
            "rendered": rendered,
        }
        replace(path, json.dumps(document, ensure_ascii=False, indent=1).encode())


def replace(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, whatever ends the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)


def _slack(message: Message, delivery: Delivery) -> Rendered:
    return {"text": fallback(message), "blocks": blocks(message), "metadata": metadata(delivery.id, message)}


def _email(message: Message, delivery: Delivery) -> Rendered:
    mail = email(message) if message.letter is None else letter_mail(message.letter)
    return {"subject": mail.subject, "html": mail.html, "text": mail.text}


def _record(message: Message, delivery: Delivery) -> Rendered:
    return {"record": record(message)}


def _webhook(message: Message, delivery: Delivery) -> Rendered:
    document = payload(delivery.id, message)
    return {"payload": document, "text": json.dumps(document, ensure_ascii=False, indent=1)}


def _pagerduty(message: Message, delivery: Delivery) -> Rendered:
    shown = event(message)
    return {"event": shown, "text": json.dumps(shown, ensure_ascii=False, indent=1)}


def _ticket(message: Message, delivery: Delivery) -> Rendered:
    """The ticket as it is made, or the comment that it gets."""
    if message.transition == "opened":
        return {"subject": title(message), "text": body(message, delivery.id)}
    return {"subject": title(message), "text": comment(message, delivery.id)}


def _plain(message: Message, delivery: Delivery) -> Rendered:
    return {"text": text(message)}


_RENDERINGS: dict[str, Callable[[Message, Delivery], Rendered]] = {
    "slack": _slack,
    "email": _email,
    "webhook": _webhook,
    "pagerduty": _pagerduty,
    "ticket": _ticket,
    "sheet": _record,
    "table": _record,
    "csv": _record,
}
