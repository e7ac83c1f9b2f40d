"""What could not be said while an incident of data or system stood: the evaluations that were held meanwhile."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from alerting_pipeline.rendering.postmortem import Waited

_HELD = """
    select alert, outcome, count(*) as evaluations, min(as_of) as first, max(as_of) as last
    from alerting.evaluations
    where outcome in ('data_failure', 'system_failure')
        and as_of >= %(since)s
        and (%(until)s::timestamptz is null or as_of <= %(until)s)
        and (%(alerts)s::text[] is null or alert = any(%(alerts)s))
    group by alert, outcome
    order by first, alert, outcome
"""


def held_evaluations(
    connection: Connection, since: datetime, until: datetime | None, alerts: list[str] | None
) -> list[Waited]:
    """By alert and outcome, between two instants (`until` None: until now); `alerts` None: of every alert."""
    rows = connection.exec_driver_sql(_HELD, {"since": since, "until": until, "alerts": alerts})
    return [Waited(row.alert, row.outcome, row.evaluations, row.first, row.last) for row in rows]
