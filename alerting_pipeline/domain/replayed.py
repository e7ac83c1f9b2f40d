"""What came of a replay, as values: incidents, messages, what was held back. The ledger that they lived in is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Episode:
    """One incident. `severity` and `deviance` are those that it had last."""

    fingerprint: UUID
    entity: Mapping[str, str | None]
    severity: str
    deviance: Decimal | None
    summary: str
    opened_at: datetime
    resolved_at: datetime | None
    resolution: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the outbox. `entity` None: it is about several incidents. `counted_for`: whose budget it used."""

    told_at: datetime
    destination: str
    channel: str
    transition: str
    entity: Mapping[str, str | None] | None
    summary: str
    counted_for: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that was not told at once, and why."""

    held_at: datetime
    destination: str
    channel: str
    why: str
    recipient: str | None
    fate: str | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """Everything that came of it, each in its order."""

    episodes: tuple[Episode, ...] = ()
    messages: tuple[Message, ...] = ()
    held: tuple[Held, ...] = ()
    evaluations: int = 0
    failures: tuple[str, ...] = ()
