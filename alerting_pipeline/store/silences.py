"""Silences in the ledger: those that hold at an instant, added and ended under a person's name, and what they cover."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from alerting_pipeline.domain.incident import Incident
from alerting_pipeline.domain.routing import Facts
from alerting_pipeline.domain.routing_tree import Match
from alerting_pipeline.domain.silence import Silence, as_json_of
from alerting_pipeline.store.incidents import INCIDENT_COLUMNS, incident_of

_COLUMNS = "silence_id, matchers, starts_at, ends_at, author, comment"


def holding(connection: Connection, now: datetime) -> list[Silence]:
    """The silences that hold at `now`."""
    rows = connection.exec_driver_sql(
        f"select {_COLUMNS} from ledger.silences where ends_at > %s and starts_at <= %s order by silence_id", (now, now)
    )
    return [_silence(row._mapping) for row in rows]


def open_incidents(connection: Connection, match: Match) -> list[Incident]:
    """Open incidents that may match: the database leaves out what another alert, kind, severity or owner has."""
    named = {"alert": match.alert, "kind": match.kind, "severity": match.severity, "owner": match.owner}
    conditions = [f"i.{column} = any(%s)" for column, wanted in named.items() if wanted]
    rows = connection.exec_driver_sql(
        f"select {', '.join(f'i.{column}' for column in INCIDENT_COLUMNS)} from ledger.incidents as i "
        f"where {' and '.join([*conditions, 'true'])} and i.status <> 'resolved' order by i.incident_id",
        tuple(list(wanted) for wanted in named.values() if wanted),
    )
    return [incident_of(row._mapping) for row in rows]


@dataclass(frozen=True, slots=True)
class Silences:
    """All silences. Every method is one short transaction."""

    engine: Engine

    def add(self, silence: Silence) -> Silence:
        """Store it, with its entry in the audit log; returns it with its number."""
        with self.engine.begin() as connection:
            number = connection.exec_driver_sql(
                "insert into ledger.silences (matchers, starts_at, ends_at, author, comment) "
                "values (%s::jsonb, %s, %s, %s, %s) returning silence_id",
                (json.dumps(as_json_of(silence.match)), silence.starts_at, silence.ends_at, silence.author,
                 silence.comment),
            ).scalar_one()  # fmt: skip
            stored = replace(silence, silence_id=number)
            _audit(connection, silence.author, "silence_added", number, None, _state(stored))
        return stored

    def end(self, number: int, person: str, now: datetime) -> Silence | None:
        """End it now; what it held back is looked at again by the next flush. None where it doesn't hold any more."""
        with self.engine.begin() as connection:
            row = connection.exec_driver_sql(
                f"select {_COLUMNS} from ledger.silences where silence_id = %s and ends_at > %s for update",
                (number, now),
            ).first()
            if row is None:
                return None
            before = _silence(row._mapping)
            ended = replace(before, ends_at=max(now, before.starts_at))
            connection.exec_driver_sql(
                "update ledger.silences set ends_at = %s, ended_by = %s where silence_id = %s",
                (ended.ends_at, person, number),
            )
            connection.exec_driver_sql(
                "update ledger.held_notifications set due_at = %s where silence_id = %s and settled_at is null",
                (now, number),
            )
            _audit(connection, person, "silence_ended", number, _state(before), _state(ended))
        return ended

    def covered(self, silence: Silence) -> list[Incident]:
        """The open incidents that nobody hears of while it holds."""
        with self.engine.connect() as connection:
            found = open_incidents(connection, silence.match)
        return [incident for incident in found if silence.covers(Facts.of(incident))]

    def listed(self, now: datetime, *, is_all: bool = False) -> list[Mapping[str, Any]]:
        """Those that hold or are still to come, with how much each holds back; or all there ever were."""
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                """
                select s.silence_id, s.matchers, s.starts_at, s.ends_at, s.author, s.comment, s.ended_by,
                    case when s.ends_at <= %(now)s then 'over' when s.starts_at > %(now)s then 'to come'
                        else 'holds' end as status,
                    (select count(distinct h.incident_id) from ledger.held_notifications as h
                        where h.silence_id = s.silence_id and h.settled_at is null) as incidents_held_back
                from ledger.silences as s where %(all)s or s.ends_at > %(now)s order by s.silence_id
                """,
                {"now": now, "all": is_all},
            )
            return [dict(row._mapping) for row in rows]


def _silence(row: Mapping[Any, Any]) -> Silence:
    return Silence(
        match=Match.model_validate(row["matchers"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        author=row["author"],
        comment=row["comment"],
        silence_id=row["silence_id"],
    )


def _state(silence: Silence) -> dict[str, Any]:
    return {
        "matchers": as_json_of(silence.match),
        "starts_at": silence.starts_at.isoformat(),
        "ends_at": silence.ends_at.isoformat(),
        "comment": silence.comment,
    }


def _audit(connection: Connection, actor: str, action: str, number: int, before: Any, after: Any) -> None:
    connection.exec_driver_sql(
        "select ledger.append_audit(%s, %s, %s, %s::jsonb, %s::jsonb)",
        (actor, action, f"silence {number}", json.dumps(before), json.dumps(after)),
    )


def sources_of(connection: Connection, matches: Sequence[Match]) -> list[Incident]:
    """Open incidents that one of these may match, each once."""
    found = {incident.incident_id: incident for match in matches for incident in open_incidents(connection, match)}
    return list(found.values())
