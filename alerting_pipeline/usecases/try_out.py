"""Send a message marked as a test to one destination, through its real channel.

It is the one effect that doesn't leave through the outbox: there is no incident that it belongs to, nothing is stored
about it, and it is never tried again. A channel that would leave something behind tries its way out and takes it back.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.ports import Channel, Delivery, Receipt, Triable
from alerting_pipeline.rendering.message import Field, Message


@dataclass(frozen=True, slots=True)
class Trial:
    """Who tries it, when, and under which key."""

    person: str
    at: datetime
    key: UUID


@dataclass(frozen=True, slots=True)
class Tried:
    """What happened, as a sentence, and what the channel says of it."""

    destination: str
    channel: str
    says: str
    receipt: dict[str, Any] = field(default_factory=dict)


def try_out(destination: Destination, channel: Channel, trial: Trial) -> Tried:
    """Hand one test message over. Raises Undelivered with the reason where the destination refuses it."""
    delivery = Delivery(trial.key, None, destination.name, destination.channel, message(destination, trial).to_json())
    receipt = channel.try_out(delivery) if isinstance(channel, Triable) else channel.deliver(delivery)
    return Tried(destination.name, destination.channel, _said(receipt), dict(receipt.data))


def message(destination: Destination, trial: Trial) -> Message:
    """The message of a trial: every part of a real one, and nothing in it that could be taken for one."""
    name = destination.name
    moment = trial.at.isoformat()
    shown = Message(
        alert="send_test",
        transition="opened",
        title="Test message",
        summary=f"{trial.person} tries out the way to {name}: nothing has happened, and nothing is to be done.",
        severity="info",
        emoji="🧪",
        system="alerting-pipeline",
        description="Sent by `alerting send-test`. It belongs to no incident, and nothing is kept about it.",
        owner=trial.person,
        opened_at=moment,
        thread=f"send_test.{trial.key}",
        is_test=True,
        entity={"destination": name},
        fields=(Field("Destination", name),),
        record={"destination": name},
    )
    return replace(shown, incident_id=0) if destination.channel in _ROWS else shown


_ROWS = frozenset({"sheet", "table", "csv"})  # their rows are found by the incident's number; no incident has number 0


def _said(receipt: Receipt) -> str:
    data = receipt.data
    if data.get("via") == "file":
        missing = data.get("missing")
        where = f"written to the local inbox as {data.get('file')}"
        return f"{where}, because {missing} is not set" if missing else where
    if "would_write" in data:
        return "would take this row; it was tried and taken back, and nothing is written"
    if "taken_back" in data:
        return f"took it, and it was taken back: {data['taken_back']}"
    return "took it"
