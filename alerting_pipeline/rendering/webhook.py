"""The message as JSON for a program: one incident at one transition, the same bytes at every attempt.

The body is versioned: keys are only ever added within a version. Texts are as they are in the data; whoever shows them
encodes them.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from alerting_pipeline.rendering.message import Message

VERSION = 1


def payload(delivery_id: UUID, message: Message) -> dict[str, Any]:
    """What is sent. Instants are ISO 8601 in UTC; what is not known is null."""
    return {
        "version": VERSION,
        "type": f"incident.{message.transition}",
        "delivery_id": str(delivery_id),
        "test": message.is_test,
        "data": {
            "incident_id": message.incident_id,
            "alert": message.alert,
            "kind": message.kind,
            "status": "resolved" if message.is_resolved else message.status,
            "severity": message.severity,
            "title": message.title,
            "summary": message.summary,
            "description": message.description or None,
            "note": message.note or None,
            "system": message.system or None,
            "owner": message.owner or None,
            "deviance": message.deviance or None,
            "opened_at": message.opened_at or None,
            "occurred_at": message.occurred_at or None,
            "due_at": message.due_at or None,
            "resolved_at": message.resolved_at or None,
            "entity": dict(message.entity),
            "fields": dict(message.record),
            "link": message.link or None,
            "incident_url": message.incident_url or None,
            "thread": message.thread or None,
        },
    }


def body(delivery_id: UUID, message: Message) -> bytes:
    """The payload's bytes: what is signed is what is sent."""
    return json.dumps(payload(delivery_id, message), ensure_ascii=True, separators=(",", ":")).encode()
