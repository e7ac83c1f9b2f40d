"""The ledger of rows that were written to sheets, tables and files, as they were before and are since."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from alerting_pipeline.domain.written_row import NotUndone, WrittenRow

EDIT_KEPT = "edit_kept"
_NOTE = """
with given as (
    select * from jsonb_to_recordset(%s::jsonb) as r (delivery_id uuid, incident_id bigint, alert text,
        destination text, channel text, place text, key jsonb, before text, after text, kept jsonb)
),
noted as (
    insert into ledger.written_rows
        (delivery_id, incident_id, alert, destination, channel, place, key, before, after, kept)
    select delivery_id, incident_id, alert, destination, channel, place, key, before::jsonb, after::jsonb,
        array(select jsonb_array_elements_text(kept))
    from given
    on conflict (delivery_id) do nothing
    returning delivery_id, incident_id, destination, kept
)
insert into ledger.incident_events (incident_id, at, event, actor, detail)
select n.incident_id, %s, %s, n.destination, jsonb_build_object('columns', n.kept, 'destination', n.destination)
from noted as n join ledger.incidents using (incident_id)
where cardinality(n.kept) > 0 and n.kept is distinct from (
    select w.kept from ledger.written_rows as w
    where w.incident_id = n.incident_id and w.destination = n.destination order by w.written_at desc limit 1
)
"""
_SHOWN = "delivery_id, incident_id, alert, destination, channel, place, key, before::text, after::text, kept"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which written rows: one delivery's, an incident's, or those of an alert or destination since an instant."""

    delivery_id: str | None = None
    incident_id: int | None = None
    alert: str | None = None
    destination: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class PostgresRowLedger:
    """`now` is the business clock: an edit that was kept stands in the history of its incident."""

    engine: Engine = field(repr=False)
    now: Callable[[], datetime]

    def note(self, rows: Sequence[WrittenRow], transaction: Any = None) -> None:
        """Keep the rows; one whose delivery is known already stays as it was noted first."""
        if not rows:
            return
        given = [
            {
                "delivery_id": str(row.delivery_id),
                "incident_id": row.incident_id,
                "alert": row.alert,
                "destination": row.destination,
                "channel": row.channel,
                "place": row.place,
                "key": dict(row.key),
                "before": row.before,
                "after": row.after,
                "kept": list(row.kept),
            }
            for row in rows
        ]
        with self._within(transaction) as connection:
            connection.exec_driver_sql(_NOTE, (json.dumps(given, default=str), self.now(), EDIT_KEPT))

    def last(self, destination: str, incidents: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        """What was last written about each of these incidents, and not undone since."""
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "select distinct on (incident_id) incident_id, after from ledger.written_rows "
                "where destination = %s and incident_id = any(%s) and undone_at is null "
                "order by incident_id, written_at desc",
                (destination, list(incidents)),
            )
            return {int(incident): after or {} for incident, after in rows}

    def mark_undone(self, delivery_id: UUID, person: str, transaction: Any = None) -> None:
        """Raises NotUndone where somebody undid it already."""
        with self._within(transaction) as connection:
            marked = connection.exec_driver_sql(
                "update ledger.written_rows set undone_at = clock_timestamp(), undone_by = %s "
                "where delivery_id = %s and undone_at is null",
                (person, str(delivery_id)),
            ).rowcount
            if not marked:
                raise NotUndone("it was undone already")

    def chosen(self, chosen: Chosen) -> list[WrittenRow]:
        """The rows that are not undone, the newest first: that is the order in which they can be undone."""
        given = {
            "delivery_id = %s::uuid": chosen.delivery_id,
            "incident_id = %s": chosen.incident_id,
            "alert = %s": chosen.alert,
            "destination = %s": chosen.destination,
            "written_at >= %s": chosen.since,
        }
        conditions = {condition: value for condition, value in given.items() if value is not None}
        where = " and ".join(["undone_at is null", *conditions])
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                f"select {_SHOWN} from ledger.written_rows where {where} order by written_at desc",
                tuple(conditions.values()),
            )
            return [_row(row._mapping) for row in rows]

    def listed(self, chosen: Chosen, limit: int) -> list[dict[str, Any]]:
        """What was written, for people, the newest first."""
        given = {"destination = %s": chosen.destination, "incident_id = %s": chosen.incident_id}
        conditions = {condition: value for condition, value in given.items() if value is not None}
        where = " and ".join(["true", *conditions])
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                f"select * from alerting.written_rows where {where} order by written_at desc limit %s",
                (*conditions.values(), limit),
            )
            return [dict(row._mapping) for row in rows]

    def audit(self, actor: str, action: str, what: str, before: Any, after: Any) -> None:
        """Append to the audit log."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql(
                "select ledger.append_audit(%s, %s, %s, %s::jsonb, %s::jsonb)",
                (actor, action, what, json.dumps(before), json.dumps(after)),
            )

    @contextmanager
    def _within(self, transaction: Any) -> Iterator[Connection]:
        if transaction is not None:
            yield transaction
        else:
            with self.engine.begin() as connection:
                yield connection


def _row(found: Mapping[Any, Any]) -> WrittenRow:
    return WrittenRow(**{**found, "kept": tuple(found["kept"])})
