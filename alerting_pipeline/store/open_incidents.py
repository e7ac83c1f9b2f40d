"""How many incidents are open: of alerts that are previewed, or about to be removed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection


def count_open(connection: Connection, alerts: Sequence[str]) -> dict[str, int]:
    """The number by alert; those without any are left out."""
    rows = connection.exec_driver_sql(
        "select alert, count(*) as number from ledger.incidents "
        "where alert = any(%s) and status <> 'resolved' group by alert",
        (list(alerts),),
    )
    return {row.alert: row.number for row in rows}
