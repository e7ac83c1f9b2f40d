"""What data definitions said last: what they hold until they pass again, and the columns that their models had."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from alerting_pipeline.domain.data_check import Seen
from alerting_pipeline.domain.data_ports import Standing
from alerting_pipeline.store.build_standing import make_due


def seen_columns(connection: Connection, alerts: Sequence[str]) -> dict[str, Seen]:
    """The columns at the last evaluation; a person who resolved the incident accepted what changed since."""
    rows = connection.exec_driver_sql(
        """
        select a.alert, h.detail -> 'columns' as columns,
            exists (
                select 1 from ledger.known_fingerprints as k where k.alert = a.alert and k.why = 'by_person'
            ) as is_accepted
        from unnest(%s::text[]) as a (alert)
        left join ledger.heartbeats as h on h.part = 'data:' || a.alert
        """,
        (list(alerts),),
    )
    return {row.alert: Seen(row.columns, row.is_accepted) for row in rows}


def stand(connection: Connection, standing: Mapping[str, Standing]) -> None:
    """Keep it, in place of what was known before; columns that are None leave the earlier ones.

    Where one holds no longer, the marts that stand on its model become due: their alerts were not evaluated meanwhile.
    """
    held = connection.exec_driver_sql(
        "select substr(part, 6) from ledger.heartbeats where part = any(%s) and detail -> 'failures' <> '[]'",
        ([f"data:{alert}" for alert in standing],),
    ).scalars()
    for alert in [alert for alert in held if not standing[alert].failures]:
        make_due(connection, standing[alert].marts, f"data:{alert}")
    for alert, each in standing.items():
        detail: dict[str, Any] = {"failures": list(each.failures), "marts": list(each.marts)}
        if each.columns is not None:
            detail["columns"] = dict(each.columns)
        connection.exec_driver_sql(
            """
            insert into ledger.heartbeats (part, at, detail)
            values ('data:' || %s, clock_timestamp(), %s::jsonb)
            on conflict (part) do update set at = excluded.at, detail = heartbeats.detail || excluded.detail
            """,
            (alert, json.dumps(detail)),
        )
