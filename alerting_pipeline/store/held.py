"""What is held back, in the ledger: written in the transaction that changed the incident, settled when it is told.

A row says which transition of which incident is kept from which destination, why, and until when. It is settled once,
together with the message that tells it, so that a process that ends in between has told nothing and lost nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from alerting_pipeline.domain.holding import Fate, Hold, How
from alerting_pipeline.domain.incident import Incident
from alerting_pipeline.rendering.announcement import Letter, Place
from alerting_pipeline.store.incidents import INCIDENT_COLUMNS, incident_of
from alerting_pipeline.store.message_groups import GroupRow

_FIELDS = """
incident_id bigint, event_id bigint, transition text, note text, destination text, channel text, why text, reason text,
due_at timestamptz, group_id bigint, silence_id bigint, source_id bigint, recipient text, held_id bigint
"""

_INSERT = text(f"""
insert into ledger.held_notifications (
    incident_id, event_id, transition, note, destination, channel, why, reason, held_at, due_at, group_id, silence_id,
    source_id, recipient
)
select
    r.incident_id, r.event_id, r.transition, r.note, r.destination, r.channel, r.why, r.reason, :now, r.due_at,
    r.group_id, r.silence_id, r.source_id, r.recipient
from jsonb_to_recordset(cast(:rows as jsonb)) as r ({_FIELDS})
on conflict (event_id, destination) do nothing
""")

_HOLD_AGAIN = text(f"""
update ledger.held_notifications as h
set why = r.why, reason = r.reason, due_at = r.due_at, group_id = r.group_id, silence_id = r.silence_id,
    source_id = r.source_id, recipient = r.recipient
from jsonb_to_recordset(cast(:rows as jsonb)) as r ({_FIELDS})
where h.held_id = r.held_id and h.settled_at is null
""")

_KNOWN = text("""
select distinct o.incident_id, o.destination, o.channel, 'alone' as how, null::bigint as group_id
from ledger.outbox as o where o.incident_id = any(:incidents)
union
select distinct h.incident_id, h.destination, h.channel,
    case when h.settled_at is null then 'pending' when h.group_id is not null then 'group' else 'digest' end, h.group_id
from ledger.held_notifications as h
where h.incident_id = any(:incidents) and (h.settled_at is null or h.fate = 'told')
order by 1, 2
""")

_OF_INCIDENTS = f"""
select h.held_id, h.event_id, h.transition, h.note, h.destination, h.channel,
    {", ".join(f"i.{column} as i_{column}" for column in INCIDENT_COLUMNS)}
from ledger.held_notifications as h
join ledger.incidents as i using (incident_id)
where h.settled_at is null and h.held_id = any(%s)
order by h.destination, h.held_id
"""

# An incident that ended before this destination was told of it: only a row about its end may still be told, where one
# about its beginning was. Looked up row by row, by key: of rows that this very transaction wrote the planner knows
# nothing, and what it made of one join grew with their square (16 s for 20,000 rows, for 200,000 half an hour).
_END_UNTOLD = text("""
with given as materialized (
    select h.held_id, h.incident_id, h.destination from ledger.held_notifications as h
    where h.held_id = any(:held) and h.settled_at is null
),
ended as materialized (
    select g.held_id from given as g
    where (select i.status from ledger.incidents as i where i.incident_id = g.incident_id) = 'resolved'
        and (
            select count(*) from ledger.held_notifications as e
            where e.incident_id = g.incident_id and e.destination = g.destination and e.transition = any(:endings)
        ) = 0
)
update ledger.held_notifications as h set settled_at = :now, fate = 'ended'
from ended where h.held_id = ended.held_id
returning h.held_id, h.incident_id
""")

_SETTLE = text("""
update ledger.held_notifications set settled_at = :now, fate = :fate, delivery_id = :delivery
where held_id = any(:held) and settled_at is null
""")

_SOURCE_ENDED = text("""
update ledger.held_notifications set due_at = :now where source_id = any(:incidents) and settled_at is null
""")


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One transition that is kept from one destination, with the incident as it is now."""

    held_id: int
    event_id: int
    transition: str
    note: str
    place: Place
    incident: Incident


def known_places(
    connection: Connection, incidents: Sequence[int], *, but_pending: bool = False
) -> dict[int, list[Place]]:
    """Which destinations know of each incident, or are about to (unless `but_pending`), and how."""
    rank = list(How)
    found: dict[int, dict[str, Place]] = {}
    for incident, destination, channel, how, group_id in connection.execute(_KNOWN, {"incidents": list(incidents)}):
        places, place = found.setdefault(incident, {}), Place(destination, channel, How(how), group_id)
        before = places.get(destination)
        if place.how is How.PENDING and but_pending:
            continue
        if before is None or rank.index(place.how) < rank.index(before.how):
            places[destination] = place
    return {incident: list(places.values()) for incident, places in found.items()}


def hold_back(
    connection: Connection, held: Sequence[tuple[Letter, Hold]], groups: Mapping[int, GroupRow], now: datetime
) -> None:
    """Keep these from their destinations. The same transition for the same destination again changes nothing.

    `groups`: the group of each letter that has one, by its place in `held`.
    """
    rows = [_row(letter, hold, groups.get(place), now) for place, (letter, hold) in enumerate(held)]
    if rows:
        connection.execute(_INSERT, {"rows": json.dumps(rows, ensure_ascii=False), "now": now})


def hold_again(
    connection: Connection,
    held: Sequence[tuple[Sequence[int], Letter, Hold]],
    groups: Mapping[int, GroupRow],
    now: datetime,
) -> None:
    """Keep rows that were held back for another reason from now on; each with the letter that it would be."""
    rows = [
        {**_row(letter, hold, groups.get(place), now), "held_id": number}
        for place, (numbers, letter, hold) in enumerate(held)
        for number in numbers
    ]
    if rows:
        connection.execute(_HOLD_AGAIN, {"rows": json.dumps(rows, ensure_ascii=False)})


def with_incidents(connection: Connection, held: Sequence[int]) -> list[HeldRow]:
    """These rows, as far as they are not settled, with their incidents."""
    return [_held(row._mapping) for row in connection.exec_driver_sql(_OF_INCIDENTS, (list(held),))]


def end_untold(connection: Connection, held: Sequence[int], endings: Sequence[str], now: datetime) -> dict[int, int]:
    """Settle those of these rows whose incident ended before anybody there was told; returns row → incident."""
    given = {"held": list(held), "endings": list(endings), "now": now}
    return {row.held_id: row.incident_id for row in connection.execute(_END_UNTOLD, given)}


def settle(
    connection: Connection, held: Sequence[int], fate: Fate, now: datetime, delivery: UUID | None = None
) -> None:
    """These are over."""
    connection.execute(_SETTLE, {"held": list(held), "fate": fate, "now": now, "delivery": delivery})


def release_inhibited(connection: Connection, ended: Sequence[int], now: datetime) -> None:
    """These incidents ended: what they held back is looked at again by the next flush."""
    connection.execute(_SOURCE_ENDED, {"incidents": list(ended), "now": now})


def _row(letter: Letter, hold: Hold, group: GroupRow | None, now: datetime) -> dict[str, Any]:
    news = letter.news
    due_at = group.due_at(now) if group is not None else hold.due_at
    return {
        "incident_id": news.incident.incident_id,
        "event_id": news.event_id,
        "transition": news.transition.value,
        "note": news.note,
        "destination": letter.place.name,
        "channel": letter.place.channel,
        "why": hold.why.value,
        "reason": hold.reason,
        "due_at": due_at.isoformat() if due_at else None,
        "group_id": group.group_id if group is not None else None,
        "silence_id": hold.silence_id,
        "source_id": hold.source_id,
        "recipient": hold.recipient,
    }


def _held(row: Mapping[Any, Any]) -> HeldRow:
    return HeldRow(
        held_id=row["held_id"],
        event_id=row["event_id"],
        transition=row["transition"],
        note=row["note"],
        place=Place(row["destination"], row["channel"]),
        incident=incident_of(row, "i_"),
    )
