"""Runs with too many rows: halted in the transaction that would have let them leave, and decided on by people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from alerting_pipeline.domain.row_cap import CAPPED
from alerting_pipeline.domain.system_definitions import WRITE_BACK_HALTED, SystemFinding
from alerting_pipeline.rendering.notification import Notification
from alerting_pipeline.store.incidents import Announce, clear_finding
from alerting_pipeline.store.outbox import SIGNAL

Cap = Callable[[str, str], int | None]
"""How many rows of an alert a destination takes at once; None: any number."""

_SHOWN = "run_id, alert, destination, at_most, rows, halted_at, decision, decided_at, decided_by, reason"


def halt(connection: Connection, sent: Sequence[Notification], cap: Cap, now: datetime) -> list[SystemFinding]:
    """Keep back what goes over its cap, and what comes after such a run; returns what is to be told about it.

    Rows that actions write are a person's own deed each, and have no cap.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for item in sent:
        if item.channel in CAPPED and not item.message.row_key:
            groups.setdefault((item.alert, item.destination), []).append(str(item.delivery_id))
    capped = {pair: most for pair in groups if (most := cap(*pair)) is not None}
    if not capped:
        return []
    known = _known(connection, list(capped))
    findings = []
    for pair, most in capped.items():
        waiting, has_rejected = known.get(pair, (None, False))
        rejected = _reject_followers(connection, groups[pair]) if has_rejected else set()
        left = [identity for identity in groups[pair] if identity not in rejected]
        if waiting is None and len(left) > most:
            waiting = _open(connection, pair, most, now)
            findings.append(_finding(pair, len(left), most, waiting))
        if waiting is not None:
            _keep(connection, left, waiting)
    return findings


@dataclass(frozen=True, slots=True)
class WriteRuns:
    """Halted runs, for people. `announcer` tells that one is decided."""

    engine: Engine = field(repr=False)
    announcer: Announce

    def listed(self, *, is_waiting: bool | None = True, limit: int = 50) -> list[dict[str, Any]]:
        """The newest first; `is_waiting` None: the decided ones as well."""
        where = "true" if is_waiting is None else f"(decision is null) = {is_waiting}"
        return self._rows(
            f"select {_SHOWN} from alerting.write_runs where {where} order by run_id desc limit %s", limit
        )

    def rows(self, run_id: int, limit: int = 20) -> list[dict[str, Any]]:
        """What a run would write, in the order of its rows."""
        return self._rows(
            "select delivery_id, incident_id, transition, status, message ->> 'summary' as summary, "
            "message ->> 'severity' as severity from ledger.outbox where write_run = %s order by sequence limit %s",
            run_id,
            limit,
        )

    @contextmanager
    def begin(self) -> Iterator[OpenRuns]:
        """One transaction; an error takes everything back."""
        with self.engine.begin() as connection:
            yield OpenRuns(connection, self.announcer)

    def _rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row._mapping) for row in connection.exec_driver_sql(statement, values)]


@dataclass(frozen=True, slots=True)
class OpenRuns:
    """Halted runs within one transaction."""

    connection: Connection
    announcer: Announce

    def lock(self, run_id: int) -> Mapping[str, Any] | None:
        """The run, while nobody else can decide on it; None if there is none of that number."""
        self.connection.exec_driver_sql("select 1 from ledger.write_runs where run_id = %s for update", (run_id,))
        found = self.connection.exec_driver_sql(
            f"select {_SHOWN} from alerting.write_runs where run_id = %s", (run_id,)
        ).first()
        return None if found is None else dict(found._mapping)

    def decide(self, run: Mapping[str, Any], decision: str, person: str, reason: str, now: datetime) -> int:
        """Let its rows leave, or let them never leave; returns how many. What was said of it ends."""
        status = "waiting" if decision == "approved" else "rejected"
        moved = self.connection.exec_driver_sql(
            "update ledger.outbox set status = %s, next_attempt_at = clock_timestamp() "
            "where write_run = %s and status = 'halted'",
            (status, run["run_id"]),
        ).rowcount
        self.connection.exec_driver_sql(
            "update ledger.write_runs set decision = %s, decided_at = %s, decided_by = %s, reason = nullif(%s, '') "
            "where run_id = %s",
            (decision, now, person, reason, run["run_id"]),
        )
        entity = {"alert": run["alert"], "destination": run["destination"]}
        clear_finding(self.connection, WRITE_BACK_HALTED, entity, now=now, announce=self.announcer)
        self.connection.exec_driver_sql(f"notify {SIGNAL}")
        return moved

    def audit(self, actor: str, action: str, what: str, before: Any, after: Any) -> None:
        """Append to the audit log."""
        self.connection.exec_driver_sql(
            "select ledger.append_audit(%s, %s, %s, %s::jsonb, %s::jsonb)",
            (actor, action, what, json.dumps(before), json.dumps(after)),
        )


def _known(connection: Connection, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[int | None, bool]]:
    """Per alert and destination: the run that waits, and whether one was ever rejected."""
    found = connection.exec_driver_sql(
        "select r.alert, r.destination, max(r.run_id) filter (where r.decision is null), "
        "bool_or(r.decision = 'rejected') from ledger.write_runs as r "
        "join unnest(%s::text[], %s::text[]) as p (alert, destination) using (alert, destination) group by 1, 2",
        ([alert for alert, _ in pairs], [destination for _, destination in pairs]),
    )
    return {(row[0], row[1]): (row[2], bool(row[3])) for row in found}


def _open(connection: Connection, pair: tuple[str, str], most: int, now: datetime) -> int:
    return connection.exec_driver_sql(
        "insert into ledger.write_runs (alert, destination, at_most, halted_at) values (%s, %s, %s, %s) "
        "returning run_id",
        (*pair, most, now),
    ).scalar_one()


def _keep(connection: Connection, ids: Sequence[str], run_id: int) -> None:
    connection.exec_driver_sql(
        "update ledger.outbox set status = 'halted', write_run = %s "
        "where delivery_id = any(%s::uuid[]) and status = 'waiting'",
        (run_id, list(ids)),
    )


def _reject_followers(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Rows of incidents whose first row was rejected: they would write what somebody decided against."""
    rejected = connection.exec_driver_sql(
        "update ledger.outbox as o set status = 'rejected', write_run = r.write_run from ledger.outbox as r "
        "where o.delivery_id = any(%s::uuid[]) and o.status = 'waiting' and r.status = 'rejected' "
        "and r.incident_id = o.incident_id and r.destination = o.destination returning o.delivery_id::text",
        (list(ids),),
    )
    return set(rejected.scalars())


def _finding(pair: tuple[str, str], count: int, most: int, run_id: int) -> SystemFinding:
    alert, destination = pair
    return SystemFinding(
        alert=WRITE_BACK_HALTED,
        entity={"alert": alert, "destination": destination},
        summary=f"{alert} has {count:,} rows for {destination} at once, which takes {most:,} per run; none is written",
        detail={"run_id": run_id, "rows": count, "at_most": most},
    )
