"""What the ledger knows of one incident, made up: a failing test that nobody took at first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from alerting_pipeline.rendering.notification import delivery_id
from alerting_pipeline.rendering.postmortem import Account, Waited

OPENED = datetime(2026, 3, 29, 0, 40, tzinfo=UTC)  # before the clocks change, an hour's sleep is lost
INCIDENT: dict[str, Any] = {
    "incident_id": 41,
    "alert": "dbt_test_failure",
    "entity": {"test": "unique_transactions_transaction_id"},
    "kind": "data",
    "severity": "high",
    "summary": "unique_transactions_transaction_id found 3 rows. Held until it passes: large_transaction.",
    "owner": "data-team",
    "opened_at": OPENED,
    "acknowledged_at": OPENED + timedelta(minutes=47),
    "acknowledged_by": "farah",
    "responded_at": OPENED + timedelta(minutes=47),
    "due_at": OPENED + timedelta(hours=4),
    "sla_breached_at": None,
    "resolved_at": OPENED + timedelta(hours=2, minutes=5),
    "resolved_by": None,
    "resolution": "cleared",
    "disposition": None,
    "fields": {"rows": 3, "alerts_held": "large_transaction"},
}
EVENTS: list[dict[str, Any]] = [
    {"at": OPENED, "event": "opened", "actor": "alerting", "detail": {"reason": "first violation", "severity": "high"}},
    {"event_id": 7, "at": OPENED + timedelta(minutes=30), "event": "escalated", "actor": "alerting",
     "detail": {"reason": "nobody responded in time", "to": "on_call"}},
    {"event_id": 8, "at": OPENED + timedelta(minutes=40), "event": "escalated", "actor": "alerting",
     "detail": {"reason": "nobody responded in time", "to": "lead"}},
    {"at": OPENED + timedelta(minutes=47), "event": "acknowledged", "actor": "farah", "detail": {"note": "looking"}},
    {"at": OPENED + timedelta(hours=2, minutes=5), "event": "cleared", "actor": "alerting",
     "detail": {"reason": "every check passed"}},
]  # fmt: skip
DELIVERIES: list[dict[str, Any]] = [
    {"transition": "opened", "destination": "#data-team", "status": "sent", "attempts": 1, "error": None},
    {"transition": "escalated", "destination": "@farah", "status": "sent", "attempts": 2, "error": None},
    {"transition": "escalated", "destination": "@ines", "status": "sent", "attempts": 1, "error": None,
     "delivery_id": delivery_id(41, 8, "@ines")},
    {"transition": "opened", "destination": "data-team-mail", "status": "dead", "attempts": 8,
     "error": "550 no such mailbox"},
]  # fmt: skip
HELD: list[dict[str, Any]] = [
    {"held_at": OPENED, "destination": "#risk", "transition": "opened", "why": "lineage", "reason": "upstream failed",
     "fate": "told"},
]  # fmt: skip
WAITED = [Waited("large_transaction", "data_failure", 3, OPENED, OPENED + timedelta(hours=2))]
ACCOUNT = Account(
    "A dbt test fails", "docs/runbooks/data_quality.md", "Europe/Berlin", INCIDENT, EVENTS, DELIVERIES, HELD, WAITED
)
