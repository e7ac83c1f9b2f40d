"""What the ledger remembers of an alert, for a backtest to be held against: incidents, verdicts, evaluations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine

from alerting_pipeline.domain.backtest import Verdict, verdict_of
from alerting_pipeline.domain.replayed import Episode

_EPISODES = """
select fingerprint, entity, severity, deviance, summary, opened_at, resolved_at, resolution
from ledger.incidents where alert = %s and opened_at >= %s and opened_at <= %s order by incident_id
"""
_VERDICTS = """
select distinct on (fingerprint) fingerprint, disposition, resolved_at
from ledger.incidents where alert = %s and disposition is not null and resolved_at <= %s
order by fingerprint, incident_id desc
"""


@dataclass(frozen=True, slots=True)
class LedgerHistory:
    """The past of alerts."""

    engine: Engine

    def episodes(self, alert: str, start: datetime, end: datetime) -> list[Episode] | None:
        """The incidents opened in that time; None: the alert was never evaluated in it."""
        with self.engine.connect() as connection:
            was_evaluated = connection.exec_driver_sql(
                "select exists (select from ledger.evaluations where alert = %s and as_of > %s and as_of <= %s)",
                (alert, start, end),
            ).scalar()
            if not was_evaluated:
                return None
            return [Episode(*row) for row in connection.exec_driver_sql(_EPISODES, (alert, start, end))]

    def verdicts(self, alert: str, until: datetime) -> dict[UUID, Verdict]:
        """The newest verdict of people on each entity that was given by `until`."""
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(_VERDICTS, (alert, until)).all()
        found = (verdict_of(*row) for row in rows)
        return {each.fingerprint: each for each in found if each is not None}
