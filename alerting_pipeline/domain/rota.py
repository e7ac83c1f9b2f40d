"""Who is on call: the weekly rota of a team, with its overrides, absences and substitutes, at any instant.

Weeks are counted on the calendar of the rota's time zone, so a change of the clocks makes a week an hour longer or
shorter and moves no hand-over. At every instant one person is on call, or the gap has a reason: somebody who is away
is stood in for by their substitute, otherwise by the next in the rota, and a rota of which nobody is there has a gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerting_pipeline.domain.hours import WEEKDAYS, local
from alerting_pipeline.domain.people import Override, People, Person, Rota, Team

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_NOBODY = Person()


@dataclass(frozen=True, slots=True)
class Shift:
    """A time in which one person is on call for a team, from hand-over to hand-over at the longest; instants in UTC.

    `person` None: nobody is, and `why` says so. A team without a rota has a shift of no length.
    """

    team: str
    person: str | None
    since: datetime
    until: datetime
    why: str


def on_call(people: People, team: str, at: datetime) -> Shift:
    """Whose turn it is at that instant, since when, until when, and why. The team must be one of people.yaml."""
    of = people.teams[team]
    at = at.astimezone(UTC)
    if of.rota is None:
        return Shift(team, None, at, at, f"{team} has no rota")
    turns = _Turns(people, of, of.rota)
    week = turns.week_of(at)
    edges = turns.edges(week)
    here = max(place for place, edge in enumerate(edges[:-1]) if edge <= at)
    person, why = turns.duty(edges[here], week)
    first = last = here
    while first > 0 and turns.duty(edges[first - 1], week) == (person, why):
        first -= 1
    while last + 2 < len(edges) and turns.duty(edges[last + 1], week) == (person, why):
        last += 1
    return Shift(team, person, edges[first], edges[last + 1], why)


def shifts(people: People, team: str, since: datetime, until: datetime) -> Iterator[Shift]:
    """The shifts of a team one after the other, from the one at `since` to the one that ends at `until` or later."""
    at = since.astimezone(UTC)
    while at < until:
        shift = on_call(people, team, at)
        if shift.until <= at:
            return
        yield shift
        at = shift.until


def everybody_on_call(people: People, team: Team) -> list[str]:
    """Everybody whose turn it can be: those of the rota, those who take over, and who stands in for any of them."""
    if team.rota is None:
        return []
    names = list(dict.fromkeys((*team.rota.weekly, *(each.person for each in team.rota.overrides))))
    for name in names:
        person = people.people.get(name)
        stand_ins = [each.substitute for each in person.absences if each.substitute] if person else []
        names += [each for each in dict.fromkeys(stand_ins) if each not in names]
    return names


def stand_in(people: People, name: str, on: date) -> tuple[str | None, str]:
    """Who is there for a person on a day: the person, or whoever stands in; None where nobody does. And why."""
    said: list[str] = []
    asked: list[str] = []
    wanted: str | None = name
    while wanted is not None and wanted not in asked:
        asked.append(wanted)
        away, substitute = _away(people, wanted, on)
        if away is None:
            return wanted, "; ".join(said)
        said.append(f"{wanted} {away}")
        wanted = substitute
    return None, "; ".join(said)


def bounds(override: Override, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants at which an override begins and ends; days are whole ones by the zone's clock, the last included."""

    def instant(value: date, ahead: timedelta) -> datetime:
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return local(value + ahead, time(0), zone)

    return instant(override.from_, timedelta(0)), instant(override.to, _DAY)


def _away(people: People, name: str, on: date) -> tuple[str | None, str | None]:
    """Why a person isn't there on a day (None: is there), and who stands in."""
    person = people.people.get(name)
    if person is None:
        return "is not in people.yaml", None
    if person.has_left(on):
        return f"left on {person.left}", None
    absence = person.absence(on)
    return (None, None) if absence is None else (f"is away until {absence.to}", absence.substitute)


@dataclass(frozen=True, slots=True)
class _Turns:
    people: People
    team: Team
    rota: Rota

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.team.zone)

    @property
    def first_day(self) -> date:
        """The day of the first hand-over."""
        wanted = self.rota.hand_over.day
        ahead = 0 if wanted is None else (WEEKDAYS.index(wanted) - self.rota.starts.weekday()) % 7
        return self.rota.starts + timedelta(days=ahead)

    def hand_over(self, week: int) -> datetime:
        """The instant at which the week of that number begins; the first one has number 0."""
        return local(self.first_day + week * _WEEK, self.rota.hand_over.at, self.zone)

    def week_of(self, at: datetime) -> int:
        """The number of the week that holds the instant."""
        guess = (at.astimezone(self.zone).date() - self.first_day) // _WEEK
        return max(week for week in (guess - 1, guess, guess + 1) if self.hand_over(week) <= at)

    def edges(self, week: int) -> list[datetime]:
        """The instants of a week at which somebody else may be on call, its beginning and its end included."""
        begin, end = self.hand_over(week), self.hand_over(week + 1)
        found = {begin, end}
        for override in self.rota.overrides:
            found.update(bounds(override, self.zone))
        for name in everybody_on_call(self.people, self.team):
            person = self.people.people.get(name, _NOBODY)
            days = [bound for absence in person.absences for bound in (absence.from_, absence.to + _DAY)]
            found.update(local(day, time(0), self.zone) for day in (*days, *([person.left] if person.left else [])))
        return sorted(edge for edge in found if begin <= edge <= end)

    def duty(self, at: datetime, week: int) -> tuple[str | None, str]:
        """Who is on call at an instant of that week, and why."""
        on = at.astimezone(self.zone).date()
        turn = week % len(self.rota.weekly)
        override = next((each for each in self.rota.overrides if self._covers(each, at)), None)
        name = override.person if override is not None else self.rota.weekly[turn]
        whose = f"{name} takes over" if override is not None else f"the week of {name}"
        person, missing = stand_in(self.people, name, on)
        if person is not None:
            return person, f"{whose}; {missing}, {person} stands in" if missing else whose
        following = self.rota.weekly[turn + 1 :] + self.rota.weekly[:turn]
        for following_name in (self.rota.weekly[turn], *following) if override is not None else following:
            if _away(self.people, following_name, on)[0] is None:
                return following_name, f"{whose}; {missing}, {following_name} is next in the rota"
        return None, f"{whose}; {missing}, and nobody else of the rota is there"

    def _covers(self, override: Override, at: datetime) -> bool:
        begin, end = bounds(override, self.zone)
        return begin <= at < end
