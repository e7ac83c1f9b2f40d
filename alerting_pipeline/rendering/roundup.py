"""One message about many incidents: a digest of what was held back, or a group, by alert, the worst first.

However many there are, a person reads a bounded number of lines; what isn't listed is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import uuid5

from alerting_pipeline.domain.incident import Incident, Resolution, Status, Transition
from alerting_pipeline.domain.severity import rank
from alerting_pipeline.rendering import words
from alerting_pipeline.rendering.message import Line, Message, Section
from alerting_pipeline.rendering.notification import NAMESPACE, Addressed, News, Notification, Presentation, message

MOST_LINES = 10
MOST_SECTIONS = 15
MOST_NAMED = 3
DIGEST, GROUP = "digest", "group"
EDITED = "edited"
"""Fewer of a group are left: worth a change of its message, and no sound."""
_SIGN = "🗞️"
_ENDINGS = {
    Resolution.WITHDRAWN: Transition.WITHDRAWN,
    Resolution.EXPIRED: Transition.EXPIRED,
    Resolution.BY_PERSON: Transition.RESOLVED,
    Resolution.DEFINITION_REMOVED: Transition.DEFINITION_REMOVED,
}


@dataclass(frozen=True, slots=True)
class Part:
    """The incidents of one alert among many: how many there are, how many of them ended, and the worst as they are."""

    presentation: Presentation
    total: int
    ended: int
    worst: Sequence[Incident]

    @property
    def severity(self) -> str:
        """The worst level."""
        return self.worst[0].severity


@dataclass(frozen=True, slots=True)
class GroupState:
    """What is known of a group when it is told: how often it was before, and how many are new in it since."""

    group_id: int
    messages: int
    fresh: int
    event_id: int
    shared: Mapping[str, str] = field(default_factory=dict)


def digest(
    place: Addressed, parts: Sequence[Part], first_event: int, reasons: Iterable[str], public_url: str
) -> Notification:
    """Everything that was held back for one destination until now, as one message."""
    told = replace(
        _about_many(parts, public_url),
        alert=DIGEST,
        transition=DIGEST,
        title=f"Digest: {_counted(_total(parts))}",
        emoji=_SIGN,
        note="; ".join(reasons),
    )
    return Notification(
        delivery_id=uuid5(NAMESPACE, f"{DIGEST}/{place.name}/{first_event}"),
        destination=place.name,
        channel=place.channel,
        message=told,
        incident_id=None,
        alert=DIGEST,
        transition=DIGEST,
    )


def group(place: Addressed, state: GroupState, parts: Sequence[Part], public_url: str) -> Notification:
    """A group as it is now: its first message, or one that changes it. A group of one looks like its incident."""
    transition = _transition(state, parts)
    is_one_alert = len(parts) == 1
    alert = parts[0].worst[0].alert if is_one_alert else GROUP
    if _total(parts) == 1:
        told = _about_one(parts[0], state, transition, public_url)
    else:
        told = replace(
            _about_many(parts, public_url),
            alert=alert,
            transition=transition,
            title=f"{parts[0].presentation.title}: {_counted(_total(parts))}"
            if is_one_alert
            else f"{_counted(_total(parts))}: {_named(parts)}",
            note=", ".join(f"{name.replace('_', ' ')}: {value or 'unknown'}" for name, value in state.shared.items()),
            **(_of_alert(parts[0], public_url) if is_one_alert else {}),
        )
    return Notification(
        delivery_id=uuid5(NAMESPACE, f"{GROUP}/{state.group_id}/{state.messages}"),
        destination=place.name,
        channel=place.channel,
        message=replace(told, thread=f"{GROUP}.{state.group_id}"),
        incident_id=None,
        alert=alert,
        transition=transition,
        group_id=state.group_id,
    )


def sections(parts: Sequence[Part], public_url: str) -> tuple[Section, ...]:
    """A section per alert, the severest first."""
    ordered = sorted(parts, key=lambda part: (part.ended == part.total, rank(part.severity), -part.total))
    shown = [_section(part, public_url) for part in ordered[:MOST_SECTIONS]]
    left = ordered[MOST_SECTIONS:]
    if left:
        shown.append(Section(f"{len(left)} more alerts", more=_total(left)))
    return tuple(shown)


def _about_many(parts: Sequence[Part], public_url: str) -> Message:
    ended = sum(part.ended for part in parts)
    standing = _total(parts) - ended
    said = f"{_counted(standing)} to look at" if standing else "Nothing to look at"
    over = f"; {_counted(ended)} ended since" if ended else ""
    return Message(
        alert=GROUP,
        transition=GROUP,
        title="",
        summary=f"{said}{over}.",
        severity=min((part.severity for part in parts), key=rank),
        incident_url=f"{public_url.rstrip('/')}/" if public_url else "",
        sections=sections(parts, public_url),
    )


def _of_alert(part: Part, public_url: str) -> dict[str, str]:
    """What a message says where all of its incidents are of one alert."""
    presentation, incident = part.presentation, part.worst[0]
    return {
        "kind": incident.kind.value,
        "emoji": presentation.emoji,
        "system": presentation.system,
        "description": presentation.description,
        "runbook": presentation.runbook,
        "owner": incident.owner,
        "incident_url": f"{public_url.rstrip('/')}/?alert={incident.alert}" if public_url else "",
    }


def _about_one(part: Part, state: GroupState, transition: str, public_url: str) -> Message:
    incident = part.worst[0]
    happened = Transition.OPENED
    if incident.is_resolved:
        happened = _ENDINGS.get(incident.resolution or Resolution.CLEARED, Transition.CLEARED)
    told = message(News(incident, happened, state.event_id), part.presentation, public_url)
    return told if incident.is_resolved else replace(told, transition=transition)


def _transition(state: GroupState, parts: Sequence[Part]) -> str:
    if all(part.ended == part.total for part in parts):
        return Transition.CLEARED.value
    if state.messages == 0:
        return Transition.OPENED.value
    return Transition.UPDATED.value if state.fresh else EDITED


def _section(part: Part, public_url: str) -> Section:
    sign = f"{part.presentation.emoji} " if part.presentation.emoji else ""
    lines = tuple(_line(incident, public_url) for incident in part.worst[:MOST_LINES])
    return Section(f"{sign}{part.presentation.title}: {part.total:,}", lines, part.total - len(lines))


def _line(incident: Incident, public_url: str) -> Line:
    return Line(
        text=incident.summary,
        severity=incident.severity,
        note=_note(incident),
        url=f"{public_url.rstrip('/')}/incidents/{incident.incident_id}" if public_url else "",
        is_over=incident.is_resolved,
    )


def _note(incident: Incident) -> str:
    if incident.is_resolved:
        by = f" by {incident.resolved_by}" if incident.resolved_by else ""
        ended = "resolved" if incident.resolution is Resolution.BY_PERSON else str(incident.resolution)
        return f"{ended.replace('_', ' ')}{by}, {_instant(incident.resolved_at)}"
    taken = f", taken by {incident.acknowledged_by}" if incident.status is Status.ACKNOWLEDGED else ""
    return f"since {_instant(incident.opened_at)}{taken}"


def _total(parts: Iterable[Part]) -> int:
    return sum(part.total for part in parts)


def _named(parts: Sequence[Part]) -> str:
    """The alerts that say the most."""
    largest = sorted(parts, key=lambda part: (part.ended == part.total, -part.total))
    names = [part.presentation.title for part in largest[:MOST_NAMED]]
    return ", ".join([*names, f"{len(parts) - MOST_NAMED} more alerts"] if len(parts) > MOST_NAMED else names)


def _counted(number: int) -> str:
    return f"{number:,} incident{'' if number == 1 else 's'}"


def _instant(value: datetime | None) -> str:
    return words.day_and_time(value) if value else ""
