"""The message as an event of PagerDuty's Events API v2: trigger, acknowledge or resolve, one alert per incident."""

from __future__ import annotations

import hashlib
from typing import Any

from alerting_pipeline.rendering import text
from alerting_pipeline.rendering.message import Message

LONGEST_KEY = 255
_LONGEST_SUMMARY = 1_024
_LONGEST_VALUE = 1_000  # 60 values of 4 bytes a sign stay below the 512 KB that are taken
_MOST_VALUES = 60
_SEVERITIES = {"critical": "critical", "high": "error", "medium": "warning"}
_TAKEN = frozenset({"acknowledged", "assigned", "snoozed"})


def dedup_key(message: Message) -> str:
    """What all events of one incident share: the name of its conversation."""
    key = message.thread or f"{message.alert}.{message.incident_id}"
    return key if len(key) <= LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()


def action(message: Message) -> str:
    """What PagerDuty is to do: an ending resolves, somebody who took it acknowledges, all else triggers."""
    if message.is_resolved:
        return "resolve"
    return "acknowledge" if message.transition in _TAKEN else "trigger"


def event(message: Message) -> dict[str, Any]:
    """The event without its routing key, which is a secret."""
    shown: dict[str, Any] = {"event_action": action(message), "dedup_key": dedup_key(message)}
    if shown["event_action"] != "trigger":
        return shown
    summary = f"{text.heading(message)}: {text.clean(message.summary)}"
    payload = {
        "summary": text.shorten(summary, _LONGEST_SUMMARY),
        "source": text.clean(message.system, 255) or "alerting-pipeline",
        "severity": _SEVERITIES.get(message.severity, "info"),
        "timestamp": message.occurred_at or message.opened_at or None,
        "component": text.clean(message.alert, 255),
        "group": text.clean(message.owner, 255) or None,
        "class": message.kind,
        "custom_details": {
            text.clean(fact.label, 80): text.shorten(fact.value, _LONGEST_VALUE)
            for fact in text.facts(message)[:_MOST_VALUES]
        },
    }
    return {
        **shown,
        "payload": {name: value for name, value in payload.items() if value is not None},
        "client": "alerting-pipeline",
        **({"client_url": address} if (address := text.web_link(message.incident_url)) else {}),
        "links": [{"href": link.value, "text": link.label} for link in text.links(message)],
    }
