"""What of their budgets recipients used, read from the ledger: messages counted, and those kept for a digest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from alerting_pipeline.domain.budget_use import WEEK, BudgetUse
from alerting_pipeline.domain.recipient import Recipient

_TOLD = text("""
select w.recipient, o.alert, count(*) as told,
    count(*) filter (where o.told_at > cast(:now as timestamptz) - make_interval(secs => w.seconds)) as used
from jsonb_to_recordset(cast(:windows as jsonb)) as w (recipient text, seconds double precision)
join ledger.outbox as o on o.counted_for = w.recipient and o.told_at > :since and o.told_at <= :now
group by w.recipient, o.alert
""")
_KEPT = text("""
select h.recipient, i.alert, count(*) as kept
from ledger.held_notifications as h join ledger.incidents as i using (incident_id)
where h.recipient = any(:recipients) and h.held_at > :since and h.held_at <= :now
group by h.recipient, i.alert
""")
_OVER = text("""
select distinct recipient from ledger.held_notifications
where recipient is not null and held_at > :since and held_at <= :now order by recipient
""")


@dataclass(frozen=True, slots=True)
class BudgetUses:
    """Each question is one short transaction. `now` is the business instant up to which is counted."""

    engine: Engine

    def over(self, now: datetime) -> list[str]:
        """Who was over budget within a week, by name: one look at an index, while nobody is."""
        with self.engine.connect() as connection:
            return list(connection.execute(_OVER, {"since": now - WEEK, "now": now}).scalars())

    def of(self, recipients: Iterable[Recipient], now: datetime) -> list[BudgetUse]:
        """What each of these used, in their order."""
        wanted = list(recipients)
        windows = [{"recipient": each.name, "seconds": each.window.total_seconds()} for each in wanted]
        given = {"since": now - WEEK, "now": now}
        with self.engine.connect() as connection:
            told = connection.execute(_TOLD, {**given, "windows": json.dumps(windows)}).all()
            kept = connection.execute(_KEPT, {**given, "recipients": [each.name for each in wanted]}).all()
        return [
            BudgetUse(
                recipient=each,
                used=sum(row.used for row in told if row.recipient == each.name),
                told={row.alert: row.told for row in told if row.recipient == each.name},
                kept={row.alert: row.kept for row in kept if row.recipient == each.name},
            )
            for each in wanted
        ]
