"""What is held back, in the ledger: written in the transaction that changed the incident, settled when it is told.

A row says which transition of which incident is kept from which destination, why, and until when. It is settled once,
together with the message that tells it, so that a process that ends in between has told nothing and lost nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from alerting_pipeline.domain.holding import Fate, Hold, How, Why
from alerting_pipeline.domain.incident import Incident
from alerting_pipeline.rendering.announcement import Letter, Place
from alerting_pipeline.store.incidents import INCIDENT_COLUMNS, incident_of

_INSERT = text("""
insert into ledger.held_notifications (
    incident_id, event_id, transition, note, destination, channel, why, reason, held_at, due_at
)
select r.incident_id, r.event_id, r.transition, r.note, r.destination, r.channel, r.why, r.reason, :now, r.due_at
from jsonb_to_recordset(cast(:rows as jsonb)) as r (
    incident_id bigint, event_id bigint, transition text, note text, destination text, channel text, why text,
    reason text, due_at timestamptz
)
on conflict (event_id, destination) do nothing
""")

_KNOWN = text("""
select distinct o.incident_id, o.destination, o.channel, 'alone' as how
from ledger.outbox as o where o.incident_id = any(:incidents)
union
select distinct h.incident_id, h.destination, h.channel, case when h.settled_at is null then 'pending' else 'digest' end
from ledger.held_notifications as h
where h.incident_id = any(:incidents) and (h.settled_at is null or h.fate = 'told')
order by 1, 2
""")

_DUE = text(f"""
select h.held_id, h.event_id, h.transition, h.note, h.destination, h.channel, h.why, h.reason,
    {", ".join(f"i.{column} as i_{column}" for column in INCIDENT_COLUMNS)}
from ledger.held_notifications as h
join ledger.incidents as i using (incident_id)
where h.settled_at is null and h.due_at <= :now
order by h.destination, h.held_id
for update of h skip locked
""")

_SETTLE = text("""
update ledger.held_notifications set settled_at = :now, fate = :fate, delivery_id = :delivery
where held_id = any(:held) and settled_at is null
""")


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One transition that is kept from one destination, with the incident as it is now."""

    held_id: int
    event_id: int
    transition: str
    note: str
    place: Place
    why: Why
    reason: str
    incident: Incident


def known_places(connection: Connection, incidents: Sequence[int]) -> dict[int, list[Place]]:
    """Which destinations know of each incident, or are about to, and how."""
    rank = list(How)
    found: dict[int, dict[str, Place]] = {}
    for incident, destination, channel, how in connection.execute(_KNOWN, {"incidents": list(incidents)}):
        places, place = found.setdefault(incident, {}), Place(destination, channel, How(how))
        before = places.get(destination)
        if before is None or rank.index(place.how) < rank.index(before.how):
            places[destination] = place
    return {incident: list(places.values()) for incident, places in found.items()}


def hold_back(connection: Connection, held: Sequence[tuple[Letter, Hold]], now: datetime) -> None:
    """Keep these from their destinations. The same transition for the same destination again changes nothing."""
    if held:
        rows = [_row(letter, hold) for letter, hold in held]
        connection.execute(_INSERT, {"rows": json.dumps(rows, ensure_ascii=False), "now": now})


def due(connection: Connection, now: datetime) -> list[HeldRow]:
    """What is to be looked at again by now, locked; what somebody else is looking at is left to them."""
    return [_held(dict(row)) for row in connection.execute(_DUE, {"now": now}).mappings()]


def settle(
    connection: Connection, held: Sequence[int], fate: Fate, now: datetime, delivery: UUID | None = None
) -> None:
    """These are over."""
    connection.execute(_SETTLE, {"held": list(held), "fate": fate, "now": now, "delivery": delivery})


def _row(letter: Letter, hold: Hold) -> dict[str, Any]:
    news = letter.news
    return {
        "incident_id": news.incident.incident_id,
        "event_id": news.event_id,
        "transition": news.transition.value,
        "note": news.note,
        "destination": letter.place.name,
        "channel": letter.place.channel,
        "why": hold.why.value,
        "reason": hold.reason,
        "due_at": hold.due_at.isoformat() if hold.due_at else None,
    }


def _held(row: dict[str, Any]) -> HeldRow:
    return HeldRow(
        held_id=row["held_id"],
        event_id=row["event_id"],
        transition=row["transition"],
        note=row["note"],
        place=Place(row["destination"], row["channel"]),
        why=Why(row["why"]),
        reason=row["reason"],
        incident=incident_of(row, "i_"),
    )
