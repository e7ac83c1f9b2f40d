"""Groups in the ledger: what is told in one message, at which pace, and how often it was told.

Whoever adds to a group, and whoever tells it, locks its row: neither misses what the other does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from alerting_pipeline.domain.holding import Hold
from alerting_pipeline.rendering.announcement import Letter

_OPEN = text("""
insert into ledger.message_groups as g (destination, channel, key, shared, pace, opened_at)
select r.destination, r.channel, r.key, r.shared, make_interval(secs => r.pace), :now
from jsonb_to_recordset(cast(:rows as jsonb)) as r (
    destination text, channel text, key text, shared jsonb, pace float8
)
order by r.destination, r.key
on conflict (destination, key) where closed_at is null do update set pace = excluded.pace
returning g.group_id, g.destination, g.channel, g.key, g.shared, g.pace, g.told_at, g.messages
""")
_LOCK = """
select group_id, destination, channel, key, shared, pace, told_at, messages from ledger.message_groups
where group_id = any(%s) order by destination, key for update
"""
_TOLD = text("""
update ledger.message_groups
set told_at = :now, messages = messages + 1, closed_at = coalesce(closed_at, cast(:closed_at as timestamptz))
where group_id = :group_id
""")


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group. `wait` is how long a new one waits for more."""

    group_id: int
    destination: str
    channel: str
    key: str
    shared: Mapping[str, str]
    pace: timedelta
    told_at: datetime | None
    messages: int
    wait: timedelta = timedelta(0)

    def due_at(self, now: datetime) -> datetime:
        """When what joins it now is told."""
        return now + self.wait if self.told_at is None else max(now, self.told_at + self.pace)


def join(connection: Connection, letters: Sequence[tuple[Letter, Hold]], now: datetime) -> dict[int, GroupRow]:
    """The group of each letter that has one, by the letter's place in the list; all of them locked."""
    wanted = {
        (letter.place.name, hold.group.key): (letter, hold.group) for letter, hold in letters if hold.group is not None
    }
    rows = [
        {"destination": name, "channel": letter.place.channel, "key": key, "shared": dict(group.values),
         "pace": group.interval.total_seconds()}
        for (name, key), (letter, group) in wanted.items()
    ]  # fmt: skip
    by_key: dict[tuple[str, str], GroupRow] = {}
    if rows:
        for row in connection.execute(_OPEN, {"rows": json.dumps(rows, ensure_ascii=False), "now": now}).mappings():
            by_key[row["destination"], row["key"]] = _group(row, wanted[row["destination"], row["key"]][1].wait)
    numbers = sorted({hold.group_id for _, hold in letters if hold.group_id is not None})
    known = {group.group_id: group for group in locked(connection, numbers)}
    found: dict[int, GroupRow] = {}
    for place, (letter, hold) in enumerate(letters):
        if hold.group is not None:
            found[place] = by_key[letter.place.name, hold.group.key]
        elif hold.group_id in known:
            found[place] = known[hold.group_id]
    return found


def locked(connection: Connection, numbers: Sequence[int], *, skip_busy: bool = False) -> list[GroupRow]:
    """These groups, also where they are over; with `skip_busy` without those that somebody else holds."""
    if not numbers:
        return []
    statement = f"{_LOCK} skip locked" if skip_busy else _LOCK
    return [_group(row._mapping) for row in connection.exec_driver_sql(statement, (list(numbers),))]


def note_told(connection: Connection, group_id: int, now: datetime, *, is_over: bool) -> None:
    """One message more of it. Where everything in it has ended it is over: nothing new joins it."""
    connection.execute(_TOLD, {"group_id": group_id, "now": now, "closed_at": now if is_over else None})


def _group(row: Mapping[Any, Any], wait: timedelta = timedelta(0)) -> GroupRow:
    values: dict[str, Any] = {name: row[name] for name in (
        "group_id", "destination", "channel", "key", "shared", "pace", "told_at", "messages"
    )}  # fmt: skip
    return GroupRow(**values, wait=wait)
