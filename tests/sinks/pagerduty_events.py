"""PagerDuty's Events API v2 on loopback: its rules for events, its answers, and alerts by their key."""

from __future__ import annotations

import json
from typing import Any

from tests.sinks.http_sink import HttpSink, Reply, Request

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
_LARGEST = 512 * 1024


class PagerdutyEvents(HttpSink):
    """`alerts` holds the state of each key: triggered, acknowledged or resolved; `events` what was accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.alerts: dict[str, str] = {}
        self.events: list[Any] = []

    def answer(self, request: Request) -> Reply:
        if request.method != "POST" or request.path != "/v2/enqueue":
            return Reply(404)
        if len(request.body) > _LARGEST:
            return Reply(413, {"status": "invalid event", "message": "Event is too large", "errors": []})
        try:
            event = json.loads(request.body)
        except ValueError:
            return _invalid("Event object is not valid JSON")
        if errors := _errors(event):
            return _invalid(*errors)
        self.events.append(event)
        key, action = event["dedup_key"], event["event_action"]
        if action == "trigger":
            self.alerts[key] = "triggered" if self.alerts.get(key) != "acknowledged" else "acknowledged"
        elif self.alerts.get(key) in ("triggered", "acknowledged"):
            self.alerts[key] = "acknowledged" if action == "acknowledge" else "resolved"
        return Reply(202, {"status": "success", "message": "Event processed", "dedup_key": key})


def _errors(event: Any) -> list[str]:
    errors = []
    if len(str(event.get("routing_key", ""))) != 32:
        errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    elif event["routing_key"] != ROUTING_KEY:
        errors.append("Invalid routing key")
    if event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
        errors.append("'event_action' is invalid")
    if not 1 <= len(event.get("dedup_key", "")) <= 255:
        errors.append("'dedup_key' must be 1 to 255 characters")
    if event.get("event_action") == "trigger":
        payload = event.get("payload", {})
        errors += [f"'payload.{name}' is missing or blank" for name in ("summary", "source") if not payload.get(name)]
        if len(payload.get("summary", "")) > 1_024:
            errors.append("'payload.summary' is too long")
        if payload.get("severity") not in ("critical", "error", "warning", "info"):
            errors.append(
                "'payload.severity' is invalid (must be one of the following: critical, warning, error, info)"
            )
        if not isinstance(payload.get("custom_details", {}), dict):
            errors.append("'payload.custom_details' is not a valid object")
        errors += ["'links' must have an href" for link in event.get("links", []) if not link.get("href")]
    return errors


def _invalid(*errors: str) -> Reply:
    return Reply(400, {"status": "invalid event", "message": "Event object is invalid", "errors": list(errors)})
