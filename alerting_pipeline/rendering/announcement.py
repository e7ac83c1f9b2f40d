"""Who is told what: from what happened to incidents to notifications, a bounded number of them.

A new or changed incident goes where routing sends it now. An ending goes to whoever was told of the beginning, and to
nobody else: a route that changed meanwhile must not leave an alarm standing somewhere, nor calm people who never heard
of it. When one evaluation has more to say to one destination than a person can read, it says it in one message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from alerting_pipeline.domain.data_definition import DataDefinition, OfIncidents
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.incident import Kind, Transition
from alerting_pipeline.domain.routing import Facts, route
from alerting_pipeline.domain.routing_tree import RoutingTree
from alerting_pipeline.domain.system_definitions import SystemDefinition
from alerting_pipeline.rendering.message import Field, Message
from alerting_pipeline.rendering.notification import (
    Addressed,
    News,
    Notification,
    Presentation,
    delivery_id,
    notifications,
)

MOST_MESSAGES = 20
"""More than that many of one alert for one destination in one evaluation become one message."""
_SHOWN = 10
_ROWS = frozenset(
    {"sheet", "table", "csv"}
)  # a row per incident is what they are for, and nobody is interrupted by one
ENDINGS = frozenset({"cleared", "withdrawn", "expired", "resolved", "acknowledged", "definition_removed"})


@dataclass(frozen=True, slots=True)
class Directory:
    """Where messages may go, and the address that their links begin with."""

    tree: RoutingTree
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    public_url: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A destination that was told before, known by name and channel although no file may name it any more."""

    name: str
    channel: str


def announcements(
    news: Sequence[News],
    definitions: Mapping[str, OfIncidents | SystemDefinition],
    directory: Directory,
    told: Mapping[int, Sequence[Place]],
) -> list[Notification]:
    """The notifications of everything that one transaction did. `told`: per incident, where it was told before.

    An incident whose definition is not among `definitions` is told in the words that it carries itself.
    """
    letters: list[tuple[News, Presentation, Addressed]] = []
    for item in news:
        definition = definitions.get(item.incident.alert)
        presentation = _presentation(item, definition)
        before = told.get(item.incident.incident_id or 0, ())
        letters += [(item, presentation, place) for place in _places(item, definition, directory, before)]
    grouped: dict[tuple[str, str, str], list[tuple[News, Presentation, Addressed]]] = {}
    for letter in letters:
        item, _, place = letter
        grouped.setdefault((item.incident.alert, item.transition.value, place.name), []).append(letter)
    found: list[Notification] = []
    for group in grouped.values():
        # A removed definition is one piece of news, however many incidents it had.
        most = 0 if group[0][0].transition is Transition.DEFINITION_REMOVED else MOST_MESSAGES
        if len(group) > most and group[0][2].channel not in _ROWS:
            found.append(_summary(group, directory.public_url))
        else:
            for item, presentation, place in group:
                found += notifications(item, presentation, [place], directory.public_url)
    return found


def _presentation(item: News, definition: OfIncidents | SystemDefinition | None) -> Presentation:
    if definition is None:
        return Presentation(title=item.incident.alert.replace("_", " ").capitalize())
    presentation = Presentation.of(definition)
    if isinstance(definition, SystemDefinition | DataDefinition):
        return replace(presentation, fields=tuple(item.incident.fields))
    return presentation


def _places(
    item: News,
    definition: OfIncidents | SystemDefinition | None,
    directory: Directory,
    told: Sequence[Place],
) -> Iterable[Addressed]:
    if item.transition.value in ENDINGS:
        return told
    incident = item.incident
    is_alert = isinstance(definition, AlertDefinition)
    facts = Facts(
        alert=incident.alert,
        kind=Kind(incident.kind),
        severity=incident.severity,
        owner=incident.owner,
        labels=incident.labels,
        entity={**{name: _text(value) for name, value in incident.fields.items()}, **incident.entity},
        at=incident.opened_at,
    )
    routed = route(
        facts,
        directory.tree,
        directory.destinations,
        notify=definition.notify if is_alert else (),
        write_back=[entry.destination for entry in definition.write_back] if is_alert else (),
    )
    return list({place.name: place for place in (*routed.destinations, *told)}.values())


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _summary(group: Sequence[tuple[News, Presentation, Addressed]], public_url: str) -> Notification:
    """One message for many: the number, and the worst of them."""
    first, presentation, place = group[0]
    incidents = [item.incident for item, _, _ in group]
    worst = sorted(incidents, key=lambda incident: (incident.deviance is None, -(incident.deviance or 0)))[:_SHOWN]
    number = min(item.event_id for item, _, _ in group)
    message = Message(
        alert=first.incident.alert,
        transition=first.transition.value,
        title=f"{presentation.title}: {len(group):,} incident{'' if len(group) == 1 else 's'}",
        summary=_said(len(group), len(worst), first.transition),
        kind=first.incident.kind.value,
        status=first.incident.status.value,
        severity=worst[0].severity,
        emoji=presentation.emoji,
        system=presentation.system,
        description=presentation.description,
        owner=first.incident.owner,
        runbook=presentation.runbook,
        link=f"{public_url.rstrip('/')}/?alert={first.incident.alert}" if public_url else "",
        thread=f"{first.incident.alert}.several.{number}",
        fields=tuple(Field(incident.entity_text, incident.summary) for incident in worst),
    )
    return Notification(
        delivery_id=delivery_id(None, f"{first.incident.alert}/{first.transition.value}/{number}", place.name),
        destination=place.name,
        channel=place.channel,
        message=message,
        incident_id=None,
        alert=first.incident.alert,
        transition=first.transition.value,
    )


def _said(number: int, shown: int, transition: Transition) -> str:
    many = f"{number:,} incidents" if number > 1 else "1 incident"
    if transition is Transition.DEFINITION_REMOVED:
        return f"The alert definition was removed; {many} of it ended with it."
    verb = "changed" if transition is Transition.UPDATED else transition.value
    return f"{many} {verb} in one evaluation; these are the worst {shown}."
