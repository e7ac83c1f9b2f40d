"""The message as one flat row, for sheets and tables: one row per incident, the same columns at every transition."""

from __future__ import annotations

from alerting_pipeline.rendering import text
from alerting_pipeline.rendering.message import Message, Scalar

KEY = "incident_id"
OWN_COLUMNS = (
    KEY, "alert", "status", "severity", "title", "summary", "deviance", "owner", "opened_at", "due_at", "resolved_at",
    "link",
)  # fmt: skip
LONGEST_TEXT = 32_767  # what one spreadsheet cell holds


def record(message: Message) -> dict[str, Scalar]:
    """Our columns first, then those of the entity and of the fields; a column of the data that is called like one of
    ours gets `data_` in front. Absent values are None, so that an upsert empties what no longer holds.
    """
    row: dict[str, Scalar] = {
        KEY: message.incident_id,
        "alert": message.alert,
        "status": "resolved" if message.is_resolved else message.status,
        "severity": message.severity,
        "title": text.clean(message.title),
        "summary": text.clean(message.summary),
        "deviance": text.clean(message.deviance) or None,
        "owner": message.owner,
        "opened_at": message.opened_at or None,
        "due_at": message.due_at or None,
        "resolved_at": message.resolved_at or None,
        "link": text.web_link(message.link) or None,
    }
    for name, value in message.record.items():
        column = f"data_{name}" if name in OWN_COLUMNS else name
        row.setdefault(column, text.shorten(value, LONGEST_TEXT) if isinstance(value, str) else value)
    return row
