"""Work that is due once: a window of a schedule, a materialization from elsewhere, a failed run to report.

A scheduler's own bookkeeping can't be trusted with it: a tick may be repeated, missed, or end half-way with its cursor
moved on. So a tick only writes a row, and whoever does the work takes rows. The key makes a repeated tick harmless; a
row that its worker did not finish is taken again after a while.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, text

from alerting_pipeline.domain.window import DueWork

_ABANDONED_AFTER = "15 minutes"


@dataclass(frozen=True, slots=True)
class PostgresDueWork:
    """The table of due work. Every method is one short transaction."""

    engine: Engine

    def begin(self, work: str, at: datetime) -> None:
        """From this instant on the windows of a schedule are counted.

        It is noted as done by the statement that notes it: a beginning that is open for a moment is a window to
        whoever looks in that moment (ten schedulers at once on a busy machine did).
        """
        with self.engine.begin() as connection:
            connection.execute(
                text("""
                insert into ledger.due_work (work, due_window, due_at, done_at)
                values (:work, 'since', :at, clock_timestamp())
                on conflict do nothing
                """),
                {"work": work, "at": at},
            )

    def add(self, entries: list[DueWork]) -> int:
        """Note work that is due; returns how much of it was not known yet."""
        if not entries:
            return 0
        with self.engine.begin() as connection:
            added = connection.execute(
                text("""
                insert into ledger.due_work (work, due_window, due_at, detail)
                select work, due_window, due_at, detail
                from jsonb_to_recordset(cast(:entries as jsonb))
                    as given (work text, due_window text, due_at timestamptz, detail jsonb)
                on conflict do nothing
                """),
                {"entries": json.dumps([_row(entry) for entry in entries])},
            )
            return added.rowcount

    def take(self, kind: str, worker: str, limit: int = 100) -> list[DueWork]:
        """Take work of one kind (what precedes the colon of `work`) that nobody else is doing, oldest first."""
        with self.engine.begin() as connection:
            rows = connection.execute(
                text(f"""
                update ledger.due_work d set claimed_at = clock_timestamp(), claimed_by = :worker
                from (
                    select work, due_window from ledger.due_work
                    where done_at is null and split_part(work, ':', 1) = :kind
                        and (claimed_at is null or claimed_at < clock_timestamp() - interval '{_ABANDONED_AFTER}')
                    order by due_at, work limit :limit for update skip locked
                ) taken
                where d.work = taken.work and d.due_window = taken.due_window
                returning d.work, d.due_window, d.due_at, d.detail
                """),
                {"kind": kind, "worker": worker, "limit": limit},
            ).all()
        return sorted((DueWork(*row) for row in rows), key=lambda entry: (entry.due_at, entry.work))

    def finish(self, entry: DueWork) -> None:
        """The work was done; it will not be taken again."""
        with self.engine.begin() as connection:
            connection.execute(
                text(
                    "update ledger.due_work set done_at = clock_timestamp() where work = :work and due_window = :window"
                ),
                {"work": entry.work, "window": entry.window},
            )

    def give_back(self, entry: DueWork) -> None:
        """The work could not be done now; the next one to ask may take it."""
        with self.engine.begin() as connection:
            connection.execute(
                text(
                    "update ledger.due_work set claimed_at = null, claimed_by = null "
                    "where work = :work and due_window = :window and done_at is null"
                ),
                {"work": entry.work, "window": entry.window},
            )

    def last(self, work: str) -> datetime | None:
        """The latest instant at which this work was due, done or not; None where it never was."""
        with self.engine.connect() as connection:
            return connection.execute(
                text("select max(due_at) from ledger.due_work where work = :work"), {"work": work}
            ).scalar_one()

    def evaluated_between(self, since: datetime, until: datetime) -> set[str]:
        """The alerts that were last evaluated as of an instant from `since` to `until`, whatever came of it."""
        with self.engine.connect() as connection:
            found = connection.execute(
                text("select alert from ledger.definitions where last_evaluated_at between :since and :until"),
                {"since": since, "until": until},
            )
            return set(found.scalars())

    def is_any(self, kind: str) -> bool:
        """Is there work of this kind that nobody is doing?"""
        with self.engine.connect() as connection:
            return connection.execute(
                text(f"""
                select exists (
                    select from ledger.due_work
                    where done_at is null and split_part(work, ':', 1) = :kind
                        and (claimed_at is null or claimed_at < clock_timestamp() - interval '{_ABANDONED_AFTER}')
                )
                """),
                {"kind": kind},
            ).scalar_one()


def _row(entry: DueWork) -> dict[str, Any]:
    return {
        "work": entry.work,
        "due_window": entry.window,
        "due_at": entry.due_at.isoformat(),
        "detail": dict(entry.detail),
    }
