"""The rows for sheets, tables and files that a transaction put into the outbox, read before it is taken back."""

from __future__ import annotations

from sqlalchemy import Connection

from alerting_pipeline.domain.ports import Delivery
from alerting_pipeline.domain.row_cap import CAPPED

_MOST = 2_000


def rehearsed_rows(connection: Connection) -> list[tuple[Delivery, bool]]:
    """The deliveries in their order, and whether each would wait because its run has too many."""
    found = connection.exec_driver_sql(
        "select delivery_id, incident_id, destination, channel, message, status = 'halted' from ledger.outbox "
        "where xmin = pg_current_xact_id()::xid and channel = any(%s) order by sequence limit %s",
        (sorted(CAPPED), _MOST),
    )
    return [(Delivery(*row[:5]), bool(row[5])) for row in found]
