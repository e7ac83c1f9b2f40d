"""Messages about many incidents, as `rendering.roundup` makes them: groups as they begin and go on, and a digest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from alerting_pipeline.domain.incident import Incident, Kind, Resolution, Status, fingerprint
from alerting_pipeline.rendering.announcement import Place
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.notification import Presentation
from alerting_pipeline.rendering.roundup import GroupState, Part, digest, group

NOW = datetime(2026, 1, 5, 5, tzinfo=UTC)
URL = "http://localhost:8080"
PLACE = Place("#logistics", "slack")
LATE = Presentation("Late delivery", "🚚", "logistics", "A delivery is late.", "docs/runbooks/late_delivery.md")
WARM = Presentation("Cold room too warm", "🌡️", "sensors", "A room is too warm.", "docs/runbooks/cold_room_too_warm.md")


def incident(alert: str, number: int, severity: str, said: str) -> Incident:
    entity = {"id": f"e{number}"}
    opened = NOW + timedelta(minutes=number)
    return Incident(
        alert=alert,
        fingerprint=fingerprint(alert, entity),
        entity=entity,
        kind=Kind.BUSINESS,
        severity=severity,
        summary=said,
        owner="logistics-ops",
        definition_version="v1",
        opened_at=opened,
        last_seen_at=opened,
        incident_id=number,
        deviance=Decimal(number),
    )


def ended(one: Incident) -> Incident:
    return replace(
        one, status=Status.RESOLVED, resolution=Resolution.CLEARED, resolved_at=one.opened_at + timedelta(hours=1)
    )


DELIVERIES = [
    incident("late_delivery", 1, "high", "Order D-7 for Marta & Sons is late"),
    incident("late_delivery", 2, "medium", "Order D-9 <express> is late"),
    incident("late_delivery", 3, "medium", "Order D-12 is late"),
]
ROOM = incident("cold_room_too_warm", 4, "medium", "Room CR-07 is at 9.1 °C, 8 °C are allowed")
BY_REGION = {"region": "north"}
SETTLED = [*DELIVERIES[:2], ended(DELIVERIES[2])]


def _group(parts: list[Part], messages: int = 0, fresh: int = 0) -> Message:
    return group(PLACE, GroupState(7, messages, fresh, 1, BY_REGION), parts, URL).message


TOGETHER: dict[str, Message] = {
    "group_of_one": _group([Part(LATE, 1, 0, DELIVERIES[:1])]),
    "group_of_one_alert": _group([Part(LATE, 3, 0, DELIVERIES)]),
    "group_of_two_alerts": _group([Part(LATE, 3, 0, DELIVERIES), Part(WARM, 1, 0, [ROOM])]),
    "group_with_additions": _group([Part(LATE, 30, 0, DELIVERIES)], messages=1, fresh=27),
    "group_after_an_end": _group([Part(LATE, 3, 1, SETTLED)], messages=1),
    "group_that_is_over": _group([Part(LATE, 3, 3, [ended(each) for each in DELIVERIES])], messages=2),
    "digest_of_a_budget": digest(
        PLACE,
        [Part(LATE, 12, 1, SETTLED), Part(WARM, 1, 0, [ROOM])],
        1,
        ["the budget of logistics-ops, 5 per week, is used up"],
        URL,
    ).message,
}
