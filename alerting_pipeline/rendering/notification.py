"""From a change of an incident to one message per destination, each with the key that makes it happen once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID, uuid5

from alerting_pipeline.domain.build_trouble import RUNBOOK_OF_MODEL
from alerting_pipeline.domain.event import Audience
from alerting_pipeline.domain.incident import Incident, Kind, Transition
from alerting_pipeline.rendering import words
from alerting_pipeline.rendering.message import Field, Message, Scalar, scalar

NAMESPACE = UUID("5b0f6f52-7d0f-5c55-9a68-1f6a3c1d9e77")
# Mail can't be edited: who took an incident is worth a change of the Slack message, not another mail to all.
_NOT_TOLD = {"email": frozenset({Transition.ACKNOWLEDGED, Transition.ASSIGNED, Transition.SNOOZED})}
_SHAPES = {"data": "checks"}  # how far data are from what they should be: how many checks fail
_SILENT = frozenset({Transition.HELD, Transition.RELEASED, Transition.CALMED, Transition.RELAPSED})
_CODE_LIKE = re.compile(r"(^|_)(id|ids|no|number|code|year|zip|postcode)$")


class Addressed(Protocol):
    """A destination, as far as addressing goes (domain.destination.Destination is one)."""

    @property
    def name(self) -> str: ...

    @property
    def channel(self) -> str: ...


@dataclass(frozen=True, slots=True)
class News:
    """What happened to an incident. `event_id` is that of its row in ledger.incident_events: it makes the key unique.

    `note` is a sentence for people: what a person wrote, or why it changed. `at` is the business instant of it, `to`
    says who is told.
    """

    incident: Incident
    transition: Transition
    event_id: int
    note: str = ""
    at: datetime | None = None
    to: Audience = Audience.ROUTE


@dataclass(frozen=True, slots=True)
class Presentation:
    """What of a definition appears in its messages; `of` reads it from any kind of definition."""

    title: str
    emoji: str = ""
    system: str = ""
    description: str = ""
    runbook: str = ""
    fields: tuple[str, ...] = ()
    respond_within: Mapping[str, timedelta | None] | None = None
    deviance_shape: str = "ratio"
    deviance_direction: str = "above"
    deviance_unit: str | None = None
    deviance_of: tuple[str, ...] = ()

    @classmethod
    def of(cls, definition: Any) -> Presentation:
        """The presentation of an alert, data or built-in system definition; keys that a kind lacks stay empty."""
        name = getattr(definition, "name", "") or getattr(definition, "alert", "")
        deviance = getattr(definition, "deviance", None)
        limit = getattr(definition, "parameters", {}).get(deviance.limit) if deviance else None
        is_duration = getattr(limit, "type", None) == "duration"
        return cls(
            title=getattr(definition, "title", None) or name.replace("_", " ").capitalize(),
            emoji=getattr(definition, "emoji", "") or "",
            system=getattr(definition, "system", "") or "",
            description=getattr(definition, "description", "") or "",
            runbook=getattr(definition, "runbook", "") or "",
            fields=tuple(getattr(definition, "fields", ()) or ()),
            respond_within=_allowed(definition),
            deviance_shape=deviance.as_ if deviance else _SHAPES.get(getattr(definition, "kind", ""), "ratio"),
            deviance_direction=deviance.direction if deviance else "above",
            deviance_unit="duration" if is_duration else getattr(limit, "unit", None),
            deviance_of=(deviance.value, deviance.limit) if deviance else (),
        )


@dataclass(frozen=True, slots=True)
class Notification:
    """A message for one destination, ready for the outbox.

    `group_id` is that of a message about a group, which later ones of it change; `counted_for` names the recipient
    whose budget it uses, at the business instant `told_at`.
    """

    delivery_id: UUID
    destination: str
    channel: str
    message: Message
    incident_id: int | None
    alert: str
    transition: str
    group_id: int | None = None
    counted_for: str | None = None
    told_at: datetime | None = None


def notifications(
    news: News, presentation: Presentation, destinations: Iterable[Addressed], public_url: str
) -> list[Notification]:
    """One notification per destination, in the order given; a destination that is named twice gets one.

    The delivery id is a UUIDv5 of incident, event and destination: computing it again gives the same id.
    """
    if news.transition in _SILENT:
        return []
    content = message(news, presentation, public_url)
    wanted = {item.name: item.channel for item in destinations}
    return [
        Notification(
            delivery_id=delivery_id(news.incident.incident_id, news.event_id, name),
            destination=name,
            channel=channel,
            message=content,
            incident_id=news.incident.incident_id,
            alert=news.incident.alert,
            transition=news.transition.value,
        )
        for name, channel in wanted.items()
        if news.to is not Audience.ROUTE or news.transition not in _NOT_TOLD.get(channel, frozenset())
    ]


def delivery_id(incident_id: int | None, event_id: int | str, destination: str) -> UUID:
    """The idempotency key of one event of one incident at one destination."""
    return uuid5(NAMESPACE, f"{incident_id}/{event_id}/{destination}")


def message(news: News, presentation: Presentation, public_url: str) -> Message:
    """The neutral message of an incident as it is after the event."""
    incident = news.incident
    allowed = (presentation.respond_within or {}).get(incident.severity)
    return Message(
        alert=incident.alert,
        transition=news.transition.value,
        title=presentation.title,
        summary=incident.summary,
        incident_id=incident.incident_id,
        kind=incident.kind.value,
        status=incident.status.value,
        severity=incident.severity,
        emoji=presentation.emoji,
        system=presentation.system,
        description=presentation.description,
        deviance=_deviance(incident, presentation),
        owner=incident.owner,
        respond_within=words.duration(allowed) if allowed is not None else "",
        due_at=_instant(incident.due_at),
        opened_at=_instant(incident.opened_at),
        occurred_at=_instant(incident.occurred_at),
        resolved_at=_instant(incident.resolved_at),
        link=incident.link or "",
        runbook=_runbook(incident, presentation),
        incident_url=_page(public_url, incident.incident_id),
        note=_note(news),
        thread=f"{incident.alert}.{incident.fingerprint}.{incident.incident_id}",
        entity={column: "" if value is None else value for column, value in incident.entity.items()},
        fields=tuple(
            Field(_label(name), _value(name, incident.fields[name]))
            for name in presentation.fields
            if incident.fields.get(name) is not None
        ),
        record=_record(incident, presentation),
    )


def _runbook(incident: Incident, presentation: Presentation) -> str:
    """That of the model which failed, where it has one. Of a business incident, fields are data: none names a page."""
    own = incident.fields.get(RUNBOOK_OF_MODEL) if incident.kind is not Kind.BUSINESS else None
    return str(own) if own else presentation.runbook


def _page(public_url: str, incident_id: int | None) -> str:
    """The incident's page; nothing for one that is only previewed."""
    return f"{public_url.rstrip('/')}/incidents/{incident_id}" if public_url and incident_id is not None else ""


def _allowed(definition: Any) -> dict[str, timedelta | None]:
    """Time allowed by severity level; a built-in definition has one level."""
    if level := getattr(definition, "severity_level", None):
        return {level: definition.respond_within}
    return {level.level: level.respond_within for level in getattr(definition, "severity", ())}


def _deviance(incident: Incident, presentation: Presentation) -> str:
    unit = presentation.deviance_unit
    compared = [incident.fields.get(name) for name in presentation.deviance_of]
    if any(words.is_instant(value) for value in compared):
        unit = "duration"
    name = presentation.deviance_of[-1].replace("_", " ") if presentation.deviance_of else "limit"
    limit = "the limit" if "limit" in name or "threshold" in name else f"the {name}"
    shape, direction = presentation.deviance_shape, presentation.deviance_direction
    return words.deviance(incident.deviance, shape, direction, unit, limit)


def _note(news: News) -> str:
    incident = news.incident
    said = {
        Transition.ACKNOWLEDGED: f"Taken by {incident.acknowledged_by}.",
        Transition.RESOLVED: f"Resolved by {incident.resolved_by}: {_spoken(incident.disposition)}.",
        Transition.CLEARED: "Every check passed." if incident.kind is Kind.DATA else "The condition no longer holds.",
        Transition.WITHDRAWN: "The row is no longer in the model.",
        Transition.EXPIRED: "Its time has passed.",
        Transition.DEFINITION_REMOVED: "The alert definition was removed.",
        Transition.REOPENED: "It is back soon after it had ended.",
        Transition.SNOOZED: f"Snoozed by {incident.snoozed_by} until {words.day_and_time(incident.snoozed_until)}.",
        Transition.WOKEN: "It is no longer snoozed.",
        Transition.ASSIGNED: f"{incident.assignee} looks after it.",
        Transition.REMINDED: f"Reminder: open since {words.day_and_time(incident.opened_at)}, {_taker(incident)}.",
        Transition.SLA_WARNED: f"A response is due {words.day_and_time(incident.due_at)}; nobody has responded.",
        Transition.SLA_BREACHED: f"A response was due {words.day_and_time(incident.due_at)}; nobody has responded.",
        Transition.ESCALATED: f"Escalated: nobody has responded since {words.day_and_time(_asked_at(incident))}.",
    }.get(news.transition, "")
    return " ".join(part for part in (said, news.note) if part)


def _taker(incident: Incident) -> str:
    return f"assigned to {incident.assignee}" if incident.assignee else "nobody has taken it"


def _asked_at(incident: Incident) -> datetime:
    return incident.reopened_at or incident.opened_at


def _spoken(value: object) -> str:
    return str(value or "no verdict").replace("_", " ")


def _record(incident: Incident, presentation: Presentation) -> dict[str, Scalar]:
    row: dict[str, Scalar] = dict(incident.entity)
    for name in presentation.fields:
        if name in incident.fields:
            row.setdefault(name, scalar(incident.fields[name]))
    return row


def _label(column: str) -> str:
    return column.replace("_", " ").strip().capitalize()


def _value(column: str, value: object) -> str:
    """Numbers that are names (ids, codes, years) keep their digits as they are; instants stored as JSON are read."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and _CODE_LIKE.search(column):
        return str(value)
    return words.stored(value)


def _instant(value: datetime | None) -> str:
    return value.astimezone(UTC).isoformat() if value else ""
