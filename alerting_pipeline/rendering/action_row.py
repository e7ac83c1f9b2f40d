"""The row that an action writes, as a message for its table: the declared columns, and who did what, when.

The row leaves through the outbox like any message, written in the transaction that ends the incident: a decision that
was taken is carried out, and one that wasn't is not.
"""

from __future__ import annotations

from collections.abc import Mapping

from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.event import PutRow
from alerting_pipeline.rendering.message import Message, Scalar
from alerting_pipeline.rendering.notification import News, Notification, delivery_id

ACTED_AT = "acted_at"
TRANSITION = "action"


def action_row(news: News, row: PutRow, destinations: Mapping[str, Destination]) -> Notification:
    """The row for its table. A declared column that is called like one of ours stands; ours is left out."""
    incident = news.incident
    known = destinations.get(row.table)
    ours: dict[str, Scalar] = {
        "incident_id": incident.incident_id,
        "acted_by": incident.resolved_by,
        ACTED_AT: incident.resolved_at.isoformat() if incident.resolved_at else None,
        "note": news.note or None,
    }
    message = Message(
        alert=incident.alert,
        transition=TRANSITION,
        title=incident.alert,
        summary=incident.summary,
        incident_id=incident.incident_id,
        status=incident.status.value,
        severity=incident.severity,
        record={
            **row.key,
            **row.values,
            **{name: each for name, each in ours.items() if name not in {**row.key, **row.values}},
        },
        row_key=tuple(row.key),
    )
    return Notification(
        delivery_id=delivery_id(incident.incident_id, f"{news.event_id}/{TRANSITION}", row.table),
        destination=row.table,
        channel=known.channel if known else "table",
        message=message,
        incident_id=incident.incident_id,
        alert=incident.alert,
        transition=TRANSITION,
    )
