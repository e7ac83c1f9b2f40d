"""Snoozes of an entity across alerts, and of a definition: what holds, and which open incidents it concerns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from alerting_pipeline.domain.incident import Incident
from alerting_pipeline.domain.snooze import StandingSnooze
from alerting_pipeline.store.incidents import incidents_where

_BATCH = 5_000


def standing_at(connection: Connection, at: datetime) -> list[StandingSnooze]:
    """Those that hold at that instant."""
    rows = connection.exec_driver_sql(
        "select until, created_by, reason, alert, entity from ledger.snoozes "
        "where until > %(at)s and (ended_at is null or ended_at > %(at)s) and created_at <= %(at)s order by snooze_id",
        {"at": at},
    )
    return [StandingSnooze(*row) for row in rows]


def listed(connection: Connection, at: datetime) -> list[Mapping[str, Any]]:
    """The same for people, those that end first before the others."""
    rows = connection.exec_driver_sql(
        "select snooze_id, alert, entity, until, reason, created_by, created_at from alerting.snoozes "
        "where until > %s and (ended_at is null or ended_at > %s) order by until, snooze_id",
        (at, at),
    )
    return [dict(row._mapping) for row in rows]


def add(connection: Connection, standing: StandingSnooze, at: datetime) -> int:
    """Keep one; returns its number."""
    entity = json.dumps(dict(standing.entity)) if standing.entity else None
    return connection.exec_driver_sql(
        "insert into ledger.snoozes (alert, entity, until, reason, created_by, created_at) "
        "values (%s, %s::jsonb, %s, %s, %s, %s) returning snooze_id",
        (standing.alert, entity, standing.until, standing.reason, standing.person, at),
    ).scalar_one()


def end(connection: Connection, number: int, person: str, reason: str, at: datetime) -> StandingSnooze | None:
    """Note that one ends at that instant, by whom and why; None where there is none of that number that holds then."""
    row = connection.exec_driver_sql(
        "update ledger.snoozes set ended_at = %s, ended_by = %s, end_reason = %s "
        "where snooze_id = %s and ended_at is null and until > %s "
        "returning until, created_by, reason, alert, entity",
        (at, person, reason, number, at),
    ).first()
    return None if row is None else StandingSnooze(*row)


def silent_by(connection: Connection, standing: StandingSnooze) -> Iterator[list[Incident]]:
    """Open incidents that are silent by it, and not by an end of their own, locked, some thousand at a time."""
    last = 0
    while True:
        found = incidents_where(
            connection,
            "i.incident_id in (select incident_id from ledger.incidents where status = 'snoozed' "
            "and incident_id > %s and snoozed_until = %s and snoozed_by = %s "
            "and (%s::text is null or alert = %s) and entity @> %s::jsonb "
            f"order by incident_id limit {_BATCH})",
            [
                last, standing.until, standing.person, standing.alert, standing.alert,
                json.dumps(dict(standing.entity or {})),
            ],
        )  # fmt: skip
        if not found:
            return
        last = found[-1].incident_id or 0
        yield found


def concerned(connection: Connection, standing: StandingSnooze) -> Iterator[list[Incident]]:
    """Open incidents that it silences and that are not silent for longer already, locked, some thousand at a time."""
    last = 0
    while True:
        found = incidents_where(
            connection,
            f"i.incident_id in (select incident_id from ledger.incidents where status <> 'resolved' "
            "and incident_id > %s and (snoozed_until is null or snoozed_until < %s) "
            "and (%s::text is null or alert = %s) and entity @> %s::jsonb "
            "and (%s::text is not null or (severity <> 'critical' and kind = 'business')) "
            f"order by incident_id limit {_BATCH})",
            [
                last, standing.until, standing.alert, standing.alert, json.dumps(dict(standing.entity or {})),
                standing.alert,
            ],
        )  # fmt: skip
        if not found:
            return
        last = found[-1].incident_id or 0
        yield found
