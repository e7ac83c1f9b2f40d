"""Who is told what: from what happened to incidents to notifications, a bounded number of them.

A new or changed incident goes where routing sends it now. An ending goes to whoever was told of the beginning, and to
nobody else: a route that changed meanwhile must not leave an alarm standing somewhere, nor calm people who never heard
of it. When one evaluation has more to say to one destination than a person can read, it says it in one message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from alerting_pipeline.domain.build_trouble import RUNBOOK_OF_MODEL
from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.data_definition import DataDefinition, OfIncidents
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.escalation import asked
from alerting_pipeline.domain.event import Audience
from alerting_pipeline.domain.holding import PROGRAMS, ROWS, How
from alerting_pipeline.domain.incident import Incident, Transition
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.reach import reachable
from alerting_pipeline.domain.routing import Facts, Routed, may_receive, route
from alerting_pipeline.domain.routing_tree import RoutingTree
from alerting_pipeline.domain.system_definitions import SYSTEM_DEFINITIONS, SystemDefinition
from alerting_pipeline.domain.telling import Telling
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
ENDINGS = frozenset(
    {"cleared", "withdrawn", "expired", "resolved", "acknowledged", "definition_removed", "snoozed", "assigned"}
)
"""What is told to whoever was told of the beginning: its end, and what a person made of it."""
_VERBS = {
    Transition.UPDATED: "changed in one evaluation",
    Transition.REMINDED: "still wait for a response",
    Transition.WOKEN: "are no longer snoozed",
    Transition.SLA_WARNED: "are soon due without a response",
    Transition.SLA_BREACHED: "are overdue without a response",
    Transition.ESCALATED: "were escalated, because nobody responded",
}


@dataclass(frozen=True, slots=True)
class Directory:
    """Where messages may go, the address that their links begin with, and the built-in definitions in force."""

    tree: RoutingTree
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    public_url: str = ""
    people: People = field(default_factory=People)
    built_in: Mapping[str, SystemDefinition] = field(default_factory=lambda: SYSTEM_DEFINITIONS)

    @property
    def book(self) -> AddressBook:
        """Whom names stand for: destinations, and people and teams by `@name`."""
        return AddressBook(self.destinations, self.people)

    def keeps_rows(self, definition: AlertDefinition) -> bool:
        """Whether some incident of the definition may have a row in a sheet, table or file."""
        return any(place.channel in ROWS for place in reachable(definition, self.tree, self.book))


@dataclass(frozen=True, slots=True)
class Place:
    """A destination that knows of an incident, and how; no file may name it any more."""

    name: str
    channel: str
    how: How = How.ALONE
    group_id: int | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """One piece of news for one destination, and how that wants to be told. `how` is None where it is news there.

    `counted_for` names the recipient whose budget it uses.
    """

    news: News
    presentation: Presentation
    place: Addressed
    telling: Telling = field(default_factory=Telling)
    how: How | None = None
    counted_for: str | None = None

    @property
    def is_ending(self) -> bool:
        """Does it concern only those who know of the incident?"""
        return self.news.transition.value in ENDINGS


@dataclass(slots=True)
class _Routes:
    """Where incidents of one transaction go. Those that agree in all that a branch looks at are routed once: a storm's
    differ in nothing else.
    """

    directory: Directory
    found: dict[tuple[object, ...], Routed] = field(default_factory=dict)
    columns: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.columns = self.directory.tree.columns

    def of(
        self,
        incident: Incident,
        definition: OfIncidents | SystemDefinition | None,
        known: Sequence[Place],
    ) -> list[tuple[Addressed, Telling]]:
        """Where routing sends it now, and where it is known."""
        facts = Facts.of(incident)
        looked_at = tuple(facts.entity.get(name) for name in self.columns)
        key = (facts.alert, facts.kind, facts.severity, facts.owner, facts.at, *facts.labels.items(), *looked_at)
        if key not in self.found:
            is_alert = isinstance(definition, AlertDefinition)
            self.found[key] = route(
                facts,
                self.directory.tree,
                self.directory.book,
                notify=definition.notify if isinstance(definition, AlertDefinition | SystemDefinition) else (),
                write_back=[entry.destination for entry in definition.write_back] if is_alert else (),
            )
        routed = self.found[key]
        places = {place.name: place for place in (*routed.destinations, *known)}.values()
        return [(place, routed.telling(place.name)) for place in places]


def letters(
    news: Sequence[News],
    definitions: Mapping[str, OfIncidents | SystemDefinition],
    directory: Directory,
    known: Mapping[int, Sequence[Place]],
) -> list[Letter]:
    """Who is to hear of everything that one transaction did. `known`: per incident, where it is known, and how.

    An incident whose definition is not among `definitions` is told in the words that it carries itself.
    """
    written: list[Letter] = []
    routes = _Routes(directory)
    presentations: dict[str, Presentation] = {}
    for item in news:
        definition = definitions.get(item.incident.alert)
        presentation = _presented(item.incident, definition, presentations)
        before = {place.name: place for place in known.get(item.incident.incident_id or 0, ())}
        for place, telling in _places(item, definition, routes, list(before.values())):
            how = before[place.name].how if place.name in before else None
            written.append(Letter(item, presentation, before.get(place.name, place), _own(telling, definition), how))
    return written


def notifications_of(letters: Sequence[Letter], public_url: str) -> list[Notification]:
    """The messages of letters that are told now: one each, or one for all where one evaluation has too many."""
    grouped: dict[tuple[str, str, str], list[Letter]] = {}
    for letter in letters:
        item = letter.news
        grouped.setdefault((item.incident.alert, item.transition.value, letter.place.name), []).append(letter)
    found: list[Notification] = []
    for group in grouped.values():
        # A removed definition is one piece of news, however many incidents it had.
        most = 0 if group[0].news.transition is Transition.DEFINITION_REMOVED else MOST_MESSAGES
        if len(group) > most and group[0].place.channel not in ROWS:
            found.append(_summary(group, public_url))
        else:
            for letter in group:
                made = notifications(letter.news, letter.presentation, [letter.place], public_url)
                found += [replace(each, counted_for=letter.counted_for, told_at=letter.news.at) for each in made]
    return found


def presentation_of(incident: Incident, definition: OfIncidents | SystemDefinition | None) -> Presentation:
    """How messages about the incident look; one that no definition describes goes by its name."""
    if definition is None:
        return Presentation(title=incident.alert.replace("_", " ").capitalize())
    presentation = Presentation.of(definition)
    if isinstance(definition, SystemDefinition | DataDefinition):
        shown = (name for name in incident.fields if name != RUNBOOK_OF_MODEL)  # that is the message's own
        return replace(presentation, fields=tuple(shown))
    return presentation


def _presented(
    incident: Incident,
    definition: OfIncidents | SystemDefinition | None,
    found: dict[str, Presentation],
) -> Presentation:
    """All incidents of an alert look alike; what a built-in or a data definition shows is each incident's own."""
    if not isinstance(definition, AlertDefinition):
        return presentation_of(incident, definition)
    if incident.alert not in found:
        found[incident.alert] = presentation_of(incident, definition)
    return found[incident.alert]


def _own(telling: Telling, definition: OfIncidents | SystemDefinition | None) -> Telling:
    """How the definition itself wants it told. Its groups are of its own incidents: it knows no other's columns."""
    if not isinstance(definition, AlertDefinition):
        return telling
    return telling.narrowed(definition.digest, ("alert", *definition.group_by) if definition.group_by else None)


def _places(
    item: News,
    definition: OfIncidents | SystemDefinition | None,
    routes: _Routes,
    known: Sequence[Place],
) -> list[tuple[Addressed, Telling]]:
    """Where it is told, and how. Whoever is asked beyond the route and can't be reached leaves it to the route."""
    is_ending = item.transition.value in ENDINGS
    as_known: list[tuple[Addressed, Telling]] = [(place, Telling()) for place in known]
    if item.to is Audience.RECORD or item.transition is Transition.REFRESHED:
        # A ticket or a page that is closed disturbs nobody, and one that stays open after its incident does.
        followers = ROWS | PROGRAMS | {"slack"} if is_ending else ROWS
        places = as_known if is_ending else routes.of(item.incident, definition, known)
        return [(place, telling) for place, telling in places if place.channel in followers]
    if item.to is not Audience.ROUTE:
        found: list[tuple[Addressed, Telling]] = [(place, Telling()) for place in _asked(item, routes.directory)]
        routed = [] if found else routes.of(item.incident, definition, known)
        return [*found, *((place, telling) for place, telling in routed if place.channel not in ROWS)]
    return as_known if is_ending else routes.of(item.incident, definition, known)


def _asked(item: News, directory: Directory) -> list[Addressed]:
    """The assignee or the owner, whoever is on call, or the lead: those of them who may hear of it."""
    reached = asked(item.to, item.incident, directory.book, item.at)
    return [place for place in reached.destinations if may_receive(place, item.incident.kind)]


def _summary(group: Sequence[Letter], public_url: str) -> Notification:
    """One message for many: the number, and the worst of them."""
    first, presentation, place = group[0].news, group[0].presentation, group[0].place
    incidents = [letter.news.incident for letter in group]
    worst = sorted(incidents, key=lambda incident: (incident.deviance is None, -(incident.deviance or 0)))[:_SHOWN]
    number = min(letter.news.event_id for letter in group)
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
    said = _VERBS.get(transition, f"{transition.value} in one evaluation")
    return f"{many} {said}; these are the worst {shown}."
