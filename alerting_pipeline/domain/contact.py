"""Whose address a name stands for: `@ada` is a person, `@data-team` whoever is on call for the team at that instant.

Such names may stand wherever a destination's name may. They are resolved when something is told: what is noted is the
person, so that an ending goes to whoever heard of the beginning, whoever is on call by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from alerting_pipeline.domain.destination import INBOX, Destination, ad_hoc
from alerting_pipeline.domain.people import Audience, People, Person, Team, is_email
from alerting_pipeline.domain.rota import everybody_on_call, on_call, stand_in

SIGN = "@"


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a name leads at an instant; `why` is empty for a destination that is simply named."""

    destinations: tuple[Destination, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Destinations by name, and people and teams by `@name`."""

    destinations: Mapping[str, Destination] = field(default_factory=dict)
    people: People = field(default_factory=People)

    def find(self, name: str, at: datetime | None) -> Reached:
        """Where a name leads at that instant; nowhere for a name that there isn't. None: without looking at a clock."""
        if (named := self.destinations.get(name) or ad_hoc(name)) is not None:
            return Reached((named,))
        who = name.removeprefix(SIGN)
        if name.startswith(SIGN) and who in self.people.people:
            return self.person(who, at)
        if name.startswith(SIGN) and who in self.people.teams:
            return self.on_call(who, at)
        return Reached(())

    def look_up(self, name: str) -> Destination | None:
        """A destination, or the address of one person: what the outbox hands messages to."""
        if (named := self.destinations.get(name) or ad_hoc(name)) is not None:
            return named
        who = name.removeprefix(SIGN)
        return self._address(who, self._audience(who)) if name.startswith(SIGN) else None

    def named_by(self, value: str | None) -> str | None:
        """The name that a cell of a row stands for: a person by short name, full name or mail address, or an address.

        Nothing else: data choose no Slack channel and no table.
        """
        wanted = (value or "").strip().casefold()
        if not wanted:
            return None
        people = self.people.people
        if wanted.removeprefix(SIGN) in people:
            return SIGN + wanted.removeprefix(SIGN)
        same = [who for who, each in people.items() if wanted in (each.name.casefold(), (each.email or "").casefold())]
        if len(same) == 1:
            return SIGN + same[0]
        return (value or "").strip() if is_email((value or "").strip()) else None

    def person(self, who: str, at: datetime | None) -> Reached:
        """A person; while away, whoever stands in; for somebody who left, their teams."""
        on = None if at is None else at.astimezone(ZoneInfo(self._zone(who))).date()
        there, why = (who, "") if on is None else stand_in(self.people, who, on)
        if there is not None and (address := self._address(there, self._audience(there))) is not None:
            return Reached((address,), f"{why}, {there} stands in" if why else "")
        has_left = on is not None and self.people.people[who].has_left(on)
        if not has_left and (address := self._address(who, self._audience(who))) is not None:
            return Reached((address,), f"{why}, and nobody stands in")
        found = tuple(place for name in self._teams(who) for place in self.team(name, at).destinations)
        return Reached(found, f"{why or f'{who} has no address'}; to the team instead")

    def on_call(self, team: str, at: datetime | None) -> Reached:
        """Whoever is on call for the team; the team itself where it has no rota, where nobody is, or without address.

        Whoever stands in for engineers is told what engineers are told. None: everybody whose turn it can be.
        """
        of = self.people.teams[team]
        if of.rota is None:
            return Reached(self.team(team, at).destinations, f"the team {team}, which has no rota")
        if at is None:
            everybody = [self._address(name, of.audience) for name in everybody_on_call(self.people, of)]
            return Reached(tuple(place for place in everybody if place is not None))
        shift = on_call(self.people, team, at)
        if shift.person is None:
            return Reached(self.team(team, at).destinations, f"nobody is on call for {team} ({shift.why}); to the team")
        until = shift.until.astimezone(ZoneInfo(of.zone))
        why = f"on call for {team} until {until:%a %Y-%m-%d %H:%M} {of.zone} ({shift.why})"
        if (address := self._address(shift.person, of.audience)) is not None:
            return Reached((address,), why)
        return Reached(self.team(team, at).destinations, f"{shift.person} has no address, is {why}; to the team")

    def lead(self, team: str, at: datetime | None) -> Reached:
        """The team's lead; the team itself where it has none."""
        of = self.people.teams.get(team)
        if of is None or of.lead is None or of.lead not in self.people.people:
            return Reached(self.team(team, at).destinations, f"the team {team}, which has no lead")
        found = self.person(of.lead, at)
        return Reached(found.destinations, f"{of.lead} leads {team}{f' ({found.why})' if found.why else ''}")

    def team(self, team: str, at: datetime | None = None) -> Reached:
        """A team as such: its Slack channel, or its mail address, or all of its members who haven't left by then."""
        of = self.people.teams.get(team)
        if of is None:
            return Reached((), f"{team} is not a team in people.yaml")
        address = of.slack or of.email
        if address is not None:
            place = self.destinations.get(address) or ad_hoc(address)
            if place is not None and address not in self.destinations:
                place = place.model_copy(update={"audience": of.audience})
            return Reached((place,) if place is not None else (), f"the team {team}")
        return Reached(tuple(self._members(of, at)), f"the members of {team}")

    def _members(self, team: Team, at: datetime | None) -> Iterator[Destination]:
        on = None if at is None else at.astimezone(ZoneInfo(team.zone)).date()
        for name in team.members:
            person = self.people.people.get(name)
            if person is None or (on is not None and person.has_left(on)):
                continue
            if (place := address_of(name, person, team.audience)) is not None:
                yield place

    def _teams(self, who: str) -> list[str]:
        return [name for name, team in self.people.teams.items() if who in team.everybody]

    def _zone(self, who: str) -> str:
        """By whose clock a person's days are counted: that of the first of their teams."""
        return next((self.people.teams[team].zone for team in self._teams(who)), "UTC")

    def _audience(self, who: str) -> Audience:
        """Somebody is an engineer who belongs to a team of engineers."""
        audiences = {self.people.teams[team].audience for team in self._teams(who)}
        return "engineering" if "engineering" in audiences else "business"

    def _address(self, who: str, audience: Audience) -> Destination | None:
        person = self.people.people.get(who)
        return None if person is None else address_of(who, person, audience)


def address_of(who: str, person: Person, audience: Audience) -> Destination | None:
    """A person's own destination: a direct message in Slack where the member id is known, otherwise mail."""
    if person.slack is not None:
        return Destination(name=SIGN + who, channel="slack", settings={"to": person.slack}, audience=audience)
    if person.email is not None:
        return Destination(name=SIGN + who, channel="email", settings={"to": [person.email]}, audience=audience)
    return None


NOWHERE = AddressBook({INBOX.name: INBOX})
"""The book that names the local inbox alone."""
