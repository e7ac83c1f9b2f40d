"""Who reads what goes to a destination: the team or person whose channel or address it is, with their budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.people import Budget, People, Person, Team
from alerting_pipeline.domain.telling import Mornings

_LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Recipient:
    """A team or a person. `budget` None: as many messages as there are."""

    name: str
    budget: Budget | None = None
    mornings: Mornings = field(default_factory=Mornings)

    @property
    def window(self) -> timedelta:
        """The length of time that the budget is for."""
        return _LENGTHS[self.budget.per] if self.budget is not None else timedelta(0)


def recipient_of(destination: Destination, people: People) -> Recipient | None:
    """Whose Slack channel, member id or mail address the destination leads to; a team's comes before a person's."""
    addresses = _addresses(destination)
    for known in (people.teams, people.people):
        for name, each in known.items():
            if addresses & {each.slack, each.email}:
                return recipient_named(name, people)
    return None


def recipients_with_budget(people: People) -> dict[str, Recipient]:
    """Everybody who wants at most so many messages, by name."""
    everybody: Mapping[str, Team | Person] = {**people.people, **people.teams}
    return {name: recipient_named(name, people) for name, each in everybody.items() if each.budget is not None}


def recipient_named(name: str, people: People) -> Recipient:
    """The team or person of that name, by the clock of the team, or of the first that the person belongs to."""
    team = people.teams.get(name)
    if team is not None:
        return Recipient(name, team.budget, Mornings.of(team.hours, team.zone))
    teams = (team for team in people.teams.values() if name in team.everybody)
    mornings = next((Mornings.of(team.hours, team.zone) for team in teams), Mornings())
    return Recipient(name, people.people[name].budget, mornings)


def _addresses(destination: Destination) -> set[str]:
    if destination.channel not in ("slack", "email"):
        return set()
    to = destination.settings.get("to", destination.name)
    return {to} if isinstance(to, str) else {str(each) for each in to}
