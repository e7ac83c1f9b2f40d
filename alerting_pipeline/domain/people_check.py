"""What must hold within people.yaml, so that somebody is there for every incident: people, teams, rotas, stand-ins.

What depends on the day (who has left, who is away) is held against a day that the caller passes; without one it isn't
looked at. A file that was good becomes bad by itself when its rota runs into a gap: the last good version stays in
force, and its system incident is how one hears of the gap before it comes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerting_pipeline.domain.hours import local
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.people import Absence, People, Rota, Team
from alerting_pipeline.domain.problem import Finding
from alerting_pipeline.domain.rota import bounds, shifts, stand_in

WEEKS_AHEAD = 4
"""So far ahead nobody may be missing from a rota. Farther, people still plan; nearer, nobody would have time to."""
Way = tuple[str | int, ...]
_DAY = timedelta(days=1)


def check_people_file(people: People, today: date | None = None) -> Iterator[Finding]:
    """Everything that is wrong; `today` None leaves out what depends on the day."""
    yield from _check_persons(people, today)
    yield from _check_approvers(people, people.alerts_approved_by, ("alerts_approved_by",), today)
    for name, team in people.teams.items():
        checking = _Team(people, name, team, today)
        yield from checking.findings()


def _check_persons(people: People, today: date | None) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name, person in people.people.items():
        for index, role in enumerate(person.roles):
            if role not in people.known_roles:
                way: Way = ("people", name, "roles", index)
                what = f'role "{role}" is not under roles in this file'
                yield Finding(way, what, _instead(role, people.known_roles), code="AP206")
        for index, absence in enumerate(person.absences):
            yield from _check_substitute(
                people, name, absence, ("people", name, "absences", index, "substitute"), today
            )
        if person.user is not None and person.user in seen:
            what = f'user "{person.user}" already belongs to {seen[person.user]}'
            yield Finding(("people", name, "user"), what, "give each person their own", code="AP401")
        elif person.user is not None:
            seen[person.user] = name
        if name in people.teams:
            what = f'"{name}" is a person and a team, so @{name} could mean either'
            yield Finding(("people", name), what, "rename one of them", code="AP113")


def _check_approvers(people: People, roles: Collection[str], at: Way, today: date | None) -> Iterator[Finding]:
    """Roles that approve new alerts are roles of this file, and somebody has one of them."""
    for index, role in enumerate(roles):
        if role not in people.known_roles:
            what = f'role "{role}" is not under roles in this file'
            yield Finding((*at, index), what, _instead(role, people.known_roles), code="AP206")
    held = {
        name
        for name, person in people.people.items()
        if set(roles) & set(person.roles) and not (today is not None and person.has_left(today))
    }
    if roles and not held and set(roles) <= people.known_roles:
        what = f"nobody who is here has the role {' or '.join(roles)}, so no new alert could be approved"
        yield Finding(at, what, "give somebody the role, or name another one", code="AP206")


def _check_substitute(people: People, name: str, absence: Absence, at: Way, today: date | None) -> Iterator[Finding]:
    substitute = absence.substitute
    if substitute is None:
        return
    if substitute not in people.people:
        yield _unknown(at, substitute, people)
        return
    if substitute == name:
        yield Finding(
            at, f"{name} cannot stand in for {name}", "name somebody else, or leave substitute out", code="AP406"
        )
        return
    first = absence.from_ if today is None else max(absence.from_, today)
    days = (first + number * _DAY for number in range(min((absence.to - first).days + 1, 366)))
    missing = next((day for day in days if stand_in(people, name, day)[0] is None), None)
    if missing is not None:
        why = stand_in(people, name, missing)[1]
        what = f"nobody stands in for {name} on {missing}: {why}"
        yield Finding(at, what, "name a substitute who is there", code="AP406")


@dataclass(frozen=True, slots=True)
class _Team:
    people: People
    name: str
    team: Team
    today: date | None

    def findings(self) -> Iterator[Finding]:
        named: list[tuple[Way, str]] = [(("members", index), who) for index, who in enumerate(self.team.members)]
        if self.team.lead is not None:
            named.append((("lead",), self.team.lead))
        rota = self.team.rota
        if rota is not None:
            named += [(("rota", "weekly", index), who) for index, who in enumerate(rota.weekly)]
            named += [
                (("rota", "overrides", index, "person"), each.person) for index, each in enumerate(rota.overrides)
            ]
        for at, who in named:
            yield from self._person(at, who)
        approvers, at = self.team.alerts_approved_by or (), ("teams", self.name, "alerts_approved_by")
        yield from _check_approvers(self.people, approvers, at, self.today)
        yield from self._address()
        yield from self._escalation()
        if rota is not None:
            yield from self._overrides(rota)
            yield from self._gaps(rota)

    def _person(self, at: Way, who: str) -> Iterator[Finding]:
        person = self.people.people.get(who)
        if person is None:
            yield _unknown(("teams", self.name, *at), who, self.people)
            return
        if self.today is not None and person.has_left(self.today) and "overrides" not in at:
            what = f"{who} left on {person.left}, and is still {_place(at)} of {self.name}"
            yield Finding(
                ("teams", self.name, *at), what, f"take {who} out, or name whoever came instead", code="AP405"
            )
        elif at[0] != "members" and person.slack is None and person.email is None:
            what = f"{who} can't be reached when on call or as a lead: neither slack nor email is stated"
            yield Finding(("teams", self.name, *at), what, f"give {who} an address under people", code="AP407")

    def _address(self) -> Iterator[Finding]:
        if self.team.slack is not None or self.team.email is not None:
            return
        for who in self.team.everybody:
            person = self.people.people.get(who)
            if person is None or (self.today is not None and person.has_left(self.today)):
                continue
            if person.slack is not None or person.email is not None:
                return
        what = f"nobody can be reached for {self.name}: it has no address, and no member who has one"
        yield Finding(
            ("teams", self.name), what, "give the team slack or email, or a member with an address", code="AP407"
        )

    def _escalation(self) -> Iterator[Finding]:
        for key, needed, whom in (("on_call_after", "rota", "whoever is on call"), ("lead_after", "lead", "the lead")):
            if getattr(self.team.escalation, key) is not None and getattr(self.team, needed) is None:
                what = f"{self.name} has no {needed}, so its incidents can't climb to {whom}"
                yield Finding(
                    ("teams", self.name, "escalation", key), what, f"state {needed}, or leave {key} out", code="AP112"
                )

    def _overrides(self, rota: Rota) -> Iterator[Finding]:
        ends: list[tuple[datetime, datetime]] = []
        for index, override in enumerate(rota.overrides):
            at: Way = ("teams", self.name, "rota", "overrides", index)
            if override.person in self.people.people and override.person not in self.team.everybody:
                what = f"{override.person} takes over for {self.name}, and is outside the team"
                yield Finding((*at, "person"), what, f"add {override.person} to its members", code="AP409")
            begin, end = bounds(override, ZoneInfo(self.team.zone))
            if any(begin < other_end and other_begin < end for other_begin, other_end in ends):
                what = "two overrides of this rota overlap, so two people would be on call"
                yield Finding(at, what, "let one end before the other begins", code="AP409")
            ends.append((begin, end))

    def _gaps(self, rota: Rota) -> Iterator[Finding]:
        if self.today is None or any(who not in self.people.people for who in rota.weekly):
            return
        zone = ZoneInfo(self.team.zone)
        since = local(self.today, time(0), zone)
        for shift in shifts(self.people, self.name, since, since + timedelta(weeks=WEEKS_AHEAD)):
            if shift.person is None:
                first, last = (f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in (max(shift.since, since), shift.until))
                what = f"nobody is on call for {self.name} from {first} to {last} ({shift.why})"
                remedy = "name a substitute, or let somebody take over by overrides"
                yield Finding(("teams", self.name, "rota"), what, remedy, code="AP406")
                return


def _place(at: Way) -> str:
    return {"members": "a member", "lead": "the lead", "rota": "in the rota"}[str(at[0])]


def _unknown(at: Way, who: str, people: People) -> Finding:
    return Finding(at, f'"{who}" is not a person in this file', _instead(who, people.people), code="AP401")


def _instead(name: str, known: Collection[str]) -> str:
    return did_you_mean(name, known) or f"there are {', '.join(sorted(known)[:12]) or 'none'}"
