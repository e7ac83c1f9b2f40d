"""Reports in the ledger: the rows of a pass in a temporary table, and the messages that come of them.

The reader's COPY bytes go straight into the table; what was queued before is left out by set-based SQL, and only the
rest becomes Python values, some hundred at a time. A message and its delivery are one statement.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid5

from sqlalchemy import Connection, Engine, text

from alerting_pipeline.domain.destination import REPORT_MAIL
from alerting_pipeline.domain.letter import DueLetter, Judged, SendResult
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.rendering.letter import message
from alerting_pipeline.rendering.notification import NAMESPACE
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.incidents import clear_finding, record_findings
from alerting_pipeline.store.outbox import SIGNAL, storable
from alerting_pipeline.store.seen import blocks

if TYPE_CHECKING:
    import psycopg

_CHUNK = 500
_CREATE = """
create temporary table due_letters (
    fingerprint uuid, entity jsonb, report_window text, recipient text, zone text, record jsonb
) on commit drop
"""
_COUNTS = """
select
    count(fingerprint) as due,
    count(*) - count(fingerprint) as null_rows,
    count(fingerprint) - count(distinct (fingerprint, report_window)) as duplicates
from due_letters
"""
# Of several rows about the same message the first by its content stays, so that a repeated pass keeps the same one.
_KEEP_ONE = """
delete from due_letters using (
    select ctid as place, row_number() over (
        partition by fingerprint, report_window order by recipient, record::text
    ) as number
    from due_letters where fingerprint is not null
) as ranked
where due_letters.ctid = ranked.place and ranked.number > 1
"""
_FORGET_KNOWN = """
delete from due_letters as d using ledger.report_messages as m
where m.report = %(report)s and m.fingerprint = d.fingerprint and m.report_window = d.report_window
    and m.status = 'queued'
"""
_LEFT = """
select
    d.fingerprint, d.entity, d.report_window, d.recipient, d.zone, d.record::text as record,
    exists (
        select from ledger.report_unsubscriptions as u
        where u.report = :unsubscribable and u.address = lower(d.recipient)
    ) as is_unsubscribed,
    {known} as known
from due_letters as d where d.fingerprint is not null
order by d.fingerprint, d.report_window
"""
# For previews alone: within a pass these tables grow, and a plan made while they were empty would read all of them anew
# for each row.
_KNOWN = """(
    select case
        when o.receipt ? 'unsubscribed' then o.receipt ->> 'unsubscribed'
        when o.status = 'sent' then 'sent on ' || to_char(o.sent_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
        when o.status = 'dead' then 'could not be delivered: ' || coalesce(o.error, 'no reason was given')
        else 'waits in the outbox since ' || to_char(m.created_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
    end
    from ledger.report_messages as m join ledger.outbox as o using (delivery_id)
    where m.report = :report and m.fingerprint = d.fingerprint and m.report_window = d.report_window
)"""
_UNSENT, _WITH_KNOWN = (
    text(_LEFT.format(known=known)).execution_options(stream_results=True, max_row_buffer=_CHUNK)
    for known in ("null", _KNOWN)
)
# Conflicts are found by the key, not by a join: tables that grow within one transaction have no statistics yet, and a
# join is then planned as if they were empty.
_WRITE = text("""
with given as (
    select g.* from rows from (jsonb_to_recordset(cast(:rows as jsonb)) as (
        fingerprint uuid, entity jsonb, report_window text, recipient text, status text, reason text,
        delivery_id uuid, message jsonb
    )) with ordinality as g (
        fingerprint, entity, report_window, recipient, status, reason, delivery_id, message, place
    )
),
written as (
    insert into ledger.report_messages as m (
        report, fingerprint, entity, report_window, recipient, status, reason, delivery_id, definition_version, as_of
    )
    select
        :report, g.fingerprint, g.entity, g.report_window, g.recipient, g.status, g.reason, g.delivery_id, :version,
        :as_of
    from given as g
    on conflict (report, fingerprint, report_window) do update
    set recipient = excluded.recipient, status = excluded.status, reason = excluded.reason,
        delivery_id = excluded.delivery_id, definition_version = excluded.definition_version, as_of = excluded.as_of,
        created_at = excluded.created_at
    where m.status <> 'queued' and (m.status, m.reason, m.recipient)
        is distinct from (excluded.status, excluded.reason, excluded.recipient)
    returning delivery_id
),
handed_over as (
    insert into ledger.outbox (delivery_id, incident_id, alert, transition, destination, channel, message)
    select g.delivery_id, null, :report, 'report', :destination, :channel, g.message
    from written as w join given as g using (delivery_id)
    order by g.place
)
select count(delivery_id) from written
""")
_RECORD = text("""
insert into ledger.report_windows as w (
    report, due_at, status, reason, as_of, definition_version, due, sent, waiting, skipped, unsubscribed, duplicates,
    null_rows, unknown_zones
)
values (
    :report, :window, :status, nullif(:reason, ''), :as_of, :version, :due, :sent, :waiting, :skipped, :unsubscribed,
    :duplicates, :null_rows, :unknown_zones
)
on conflict (report, due_at) do update
set status = excluded.status, reason = excluded.reason, as_of = excluded.as_of, looked_at = clock_timestamp(),
    definition_version = excluded.definition_version, due = excluded.due, sent = w.sent + excluded.sent,
    waiting = excluded.waiting, skipped = excluded.skipped, unsubscribed = excluded.unsubscribed,
    duplicates = excluded.duplicates, null_rows = excluded.null_rows, unknown_zones = excluded.unknown_zones
""")
_LAST_WINDOWS = text("""
select distinct on (report) * from alerting.report_windows order by report, due_at desc
""")


def delivery_id(report: str, fingerprint: UUID, window: str) -> UUID:
    """The idempotency key of one message: the same in every pass, on every machine."""
    return uuid5(NAMESPACE, f"report/{report}/{fingerprint}/{window}")


@dataclass(frozen=True, slots=True)
class PostgresReportLedger:
    """The ledger as sending reports sees it. `announcer` tells of what is wrong with a report."""

    engine: Engine
    announcer: Announcer

    @contextmanager
    def begin(self) -> Iterator[PostgresReportTransaction]:
        """One pass over one report."""
        with self.engine.begin() as connection:
            yield PostgresReportTransaction(connection, self.announcer)

    @contextmanager
    def rehearse(self) -> Iterator[PostgresReportTransaction]:
        """The same, always taken back."""
        with self.engine.connect() as connection:
            try:
                yield PostgresReportTransaction(connection, self.announcer)
            finally:
                connection.rollback()

    def last_windows(self) -> dict[str, dict[str, Any]]:
        """The latest window of each report that was ever looked at."""
        with self.engine.connect() as connection:
            return {row["report"]: dict(row) for row in connection.execute(_LAST_WINDOWS).mappings()}


class PostgresReportTransaction:
    """One transaction. What it writes is seen by others at its end, or never."""

    def __init__(self, connection: Connection, announcer: Announcer) -> None:
        self._connection = connection
        self._announcer = announcer
        connection.exec_driver_sql(_CREATE)

    def lock(self, report: str) -> None:
        """Wait for whoever is sending this report, and keep others waiting until the end."""
        self._connection.execute(
            text("select pg_advisory_xact_lock(hashtext('alerting report ' || :report))"), {"report": report}
        )

    def load(self, lines: Iterable[bytes]) -> None:
        """Take in the rows; if the stream breaks off, nothing of it stays, and the error goes on to the caller."""
        driver = cast("psycopg.Connection", self._connection.connection.driver_connection)
        statement = "copy due_letters from stdin"
        with self._connection.begin_nested(), driver.cursor() as cursor, cursor.copy(statement) as copy:
            for block in blocks(lines):
                copy.write(block)

    def settle(self, report: str, result: SendResult) -> None:
        """Keep one row per message, leave out what was queued before, and count all that in the result."""
        self._connection.exec_driver_sql("analyze due_letters")
        row = self._connection.exec_driver_sql(_COUNTS).one()
        result.due, result.null_rows, result.duplicates = row.due, row.null_rows, row.duplicates
        if result.duplicates:
            self._connection.exec_driver_sql(_KEEP_ONE)
        result.known = self._connection.exec_driver_sql(_FORGET_KNOWN, {"report": report}).rowcount

    def unsent(self, definition: ReportDefinition, *, with_known: bool = False) -> Iterator[list[DueLetter]]:
        """What is left, some hundred rows at a time, read by a cursor of the server's."""
        given = {"unsubscribable": definition.report if definition.unsubscribe else None}
        if with_known:
            rows = self._connection.execute(_WITH_KNOWN, {**given, "report": definition.report})
        else:
            rows = self._connection.execute(_UNSENT, given)
        while chunk := rows.fetchmany(_CHUNK):
            yield [_due(row._mapping) for row in chunk]

    def unsubscribe(self, report: str, addresses: Iterable[str]) -> None:
        """As if these had unsubscribed; for cases."""
        rows = [{"report": report, "address": address.lower()} for address in addresses]
        if rows:
            self._connection.execute(
                text(
                    "insert into ledger.report_unsubscriptions (report, address, unsubscribed_by) "
                    "values (:report, :address, 'case')"
                ),
                rows,
            )

    def write(self, definition: ReportDefinition, judged: Sequence[Judged], as_of: datetime) -> int:
        """The rows' fates, with the outbox rows of those that are queued; returns how many of those are new."""
        rows = [_row(definition, each) for each in judged]
        if not rows:
            return 0
        given = {
            "rows": json.dumps(storable(rows), ensure_ascii=False),
            "report": definition.report,
            "version": definition.version_id,
            "as_of": as_of,
            "destination": REPORT_MAIL.name,
            "channel": REPORT_MAIL.channel,
        }
        new = self._connection.execute(_WRITE, given).scalar_one()
        if new:
            self._connection.exec_driver_sql(f"notify {SIGNAL}")
        return new

    def was_read(self, report: str) -> bool:
        """Could the report's mart be read in some earlier pass?"""
        windows = "select 1 from ledger.report_windows where report = :report and status in ('done', 'waiting') limit 1"
        return self._connection.execute(text(windows), {"report": report}).first() is not None

    def record(self, definition: ReportDefinition, result: SendResult) -> None:
        """How the window stands after this look."""
        counts = ("due", "sent", "waiting", "skipped", "unsubscribed", "duplicates", "null_rows", "unknown_zones")
        self._connection.execute(
            _RECORD,
            {
                "report": definition.report,
                "window": result.window,
                "status": result.status.value,
                "reason": result.reason,
                "as_of": result.as_of,
                "version": definition.version_id,
                **{name: getattr(result, name) for name in counts},
            },
        )

    def report(self, findings: Sequence[SystemFinding], now: datetime) -> None:
        """Open system incidents, as far as they don't stand already."""
        if findings:
            record_findings(self._connection, findings, now=now, announce=self._announcer)

    def clear(self, alert: str, entity: Mapping[str, str], now: datetime) -> None:
        """End a system incident: what was wrong works again."""
        clear_finding(self._connection, alert, entity, now=now, announce=self._announcer)


def _due(row: Mapping[Any, Any]) -> DueLetter:
    return DueLetter(
        fingerprint=row["fingerprint"],
        entity=row["entity"],
        window=row["report_window"] or "",
        recipient=row["recipient"],
        zone=row["zone"],
        record=json.loads(row["record"], parse_float=Decimal),
        is_unsubscribed=row["is_unsubscribed"],
        known=row["known"] or "",
    )


def _row(definition: ReportDefinition, judged: Judged) -> dict[str, Any]:
    due, letter = judged.due, judged.letter
    return {
        "fingerprint": str(due.fingerprint),
        "entity": dict(due.entity),
        "report_window": due.window,
        "recipient": due.recipient,
        "status": judged.fate.value,
        "reason": judged.reason or None,
        "delivery_id": str(delivery_id(definition.report, due.fingerprint, due.window)) if letter else None,
        "message": message(definition, due, letter).to_json() if letter else None,
    }
