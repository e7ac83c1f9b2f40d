"""One message about many incidents: a digest of what was held back, by alert, the worst first.

However many there are, a person reads a bounded number of lines; what isn't listed is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from alerting_pipeline.domain.incident import Incident, Status
from alerting_pipeline.domain.severity import LEVELS
from alerting_pipeline.rendering import words
from alerting_pipeline.rendering.message import Line, Message, Section
from alerting_pipeline.rendering.notification import NAMESPACE, Addressed, Notification, Presentation

MOST_LINES = 10
MOST_SECTIONS = 15
DIGEST = "digest"
_SIGN = "🗞️"


@dataclass(frozen=True, slots=True)
class Member:
    """One incident of several, as it is now; `event_id` is what it is told because of."""

    incident: Incident
    presentation: Presentation
    event_id: int


def digest(place: Addressed, members: Sequence[Member], reasons: Iterable[str], public_url: str) -> Notification:
    """Everything that was held back for one destination until now, as one message."""
    standing = [member for member in members if not member.incident.is_resolved]
    ended = len(members) - len(standing)
    said = f"{_counted(len(standing))} to look at" if standing else "Nothing to look at"
    over = f"; {_counted(ended)} ended since" if ended else ""
    message = Message(
        alert=DIGEST,
        transition=DIGEST,
        title=f"Digest: {_counted(len(members))}",
        summary=f"{said}{over}.",
        severity=min((member.incident.severity for member in members), key=_rank),
        emoji=_SIGN,
        note="; ".join(reasons),
        incident_url=f"{public_url.rstrip('/')}/" if public_url else "",
        sections=sections(members, public_url),
    )
    return Notification(
        delivery_id=bundle_id(DIGEST, place.name, (member.event_id for member in members)),
        destination=place.name,
        channel=place.channel,
        message=message,
        incident_id=None,
        alert=DIGEST,
        transition=DIGEST,
    )


def bundle_id(kind: str, destination: str, events: Iterable[int]) -> UUID:
    """The idempotency key of one message about these events: told again, they make the same one."""
    return uuid5(NAMESPACE, f"{kind}/{destination}/{','.join(str(event) for event in sorted(events))}")


def sections(members: Sequence[Member], public_url: str) -> tuple[Section, ...]:
    """A section per alert: the severest first, and in each the severest and most deviating incidents."""
    by_alert: dict[str, list[Member]] = {}
    for member in sorted(members, key=_order):
        by_alert.setdefault(member.incident.alert, []).append(member)
    shown = [_section(group, public_url) for group in list(by_alert.values())[:MOST_SECTIONS]]
    left = list(by_alert.values())[MOST_SECTIONS:]
    if left:
        shown.append(Section(f"{len(left)} more alerts", more=sum(map(len, left))))
    return tuple(shown)


def _section(group: Sequence[Member], public_url: str) -> Section:
    presentation = group[0].presentation
    sign = f"{presentation.emoji} " if presentation.emoji else ""
    lines = tuple(_line(member.incident, public_url) for member in group[:MOST_LINES])
    return Section(f"{sign}{presentation.title}: {len(group):,}", lines, len(group) - len(lines))


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
        return f"{str(incident.resolution).replace('_', ' ')}{by}, {_instant(incident.resolved_at)}"
    taken = f", taken by {incident.acknowledged_by}" if incident.status is Status.ACKNOWLEDGED else ""
    return f"since {_instant(incident.opened_at)}{taken}"


def _order(member: Member) -> tuple[object, ...]:
    incident = member.incident
    deviance = incident.deviance
    return (incident.is_resolved, _rank(incident.severity), deviance is None, -(deviance or 0), incident.opened_at)


def _rank(severity: str) -> int:
    return LEVELS.index(severity) if severity in LEVELS else len(LEVELS)


def _counted(number: int) -> str:
    return f"{number:,} incident{'' if number == 1 else 's'}"


def _instant(value: datetime | None) -> str:
    return words.day_and_time(value) if value else ""
