"""Alerts whose parameter values are others than those they were last read with, whatever made them so.

Asked of what holds and not of what happened: a change that was approved, one that begins or ends by itself, a file that
says another default, all show in the values in force, and one that nobody noticed at once is noticed at the next look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from alerting_pipeline.domain.window import TUNED, DueWork


@dataclass(frozen=True, slots=True)
class TunedAlerts:
    """Looks at the ledger; writes nothing."""

    engine: Engine

    def due(self, now: datetime) -> list[DueWork]:
        """An evaluation for each, due once for each change: its window names the values, and since when they hold."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                text("""
                select d.alert, p.key, p.since
                from ledger.definitions as d
                cross join lateral (
                    select
                        md5(string_agg(concat_ws('|', parameter, scope, scope_value, value), '|'
                            order by parameter, scope, scope_value)
                            filter (where valid_from <= :now and (valid_to is null or valid_to > :now))) as key,
                        max(greatest(recorded_at, superseded_at)) as written,
                        greatest(
                            max(valid_from) filter (where valid_from <= :now),
                            max(valid_to) filter (where valid_to <= :now)
                        ) as turned
                    from ledger.parameter_values where alert = d.alert
                ) as v
                cross join lateral (
                    select coalesce(v.key, '') as key, concat_ws(' ', v.turned, v.written) as since
                ) as p
                where d.removed_at is null and d.kind = 'business' and d.read_key is not null
                    and d.read_key not like '%:' || p.key
                order by d.alert
                """),
                {"now": now},
            )
            return [DueWork(f"{TUNED}:{row.alert}", f"{row.key} {row.since}".strip(), now) for row in rows]
