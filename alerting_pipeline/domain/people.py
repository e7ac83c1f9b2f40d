"""People, roles and teams as people.yaml states them: who owns what, who may do what, who is reached how.

A role says what somebody may do, a team what they answer for. Rota, absences, hours and budgets are read here; who is
on call is decided in `domain.rota`, what counts as working time in `domain.working_hours`, and whose address a name
stands for in `domain.contact`.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from alerting_pipeline.domain.hours import WEEKDAYS, Hours, TimeOfDay, Weekday
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.written import Day, Duration, Integer, Strict, Text, Texts, TimeZone, day, instant, text

Audience = Literal["business", "engineering"]
"""Whom one may tell what: only engineers are told of data and system failures."""

_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_BUDGET = re.compile(r"([0-9]{1,4}) per (hour|day|week)")


def is_email(address: str) -> bool:
    """Is it one plain mail address, without a display name?"""
    return _EMAIL.fullmatch(address) is not None


def _address(value: str) -> str:
    if not is_email(value):
        raise Mistake("AP108", f'"{value}" is not a mail address; write one such as ada@example.com')
    return value


Email = Annotated[Text, AfterValidator(_address)]


class Budget(Strict):
    """How many messages a recipient wants at most; what is above comes as a daily digest, critical ones exempt."""

    messages: Integer = Field(ge=0, description="How many messages.")
    per: Text = Field(description="hour, day or week.")


def _budget(value: Any) -> Any:
    if value is None or isinstance(value, Budget | dict):
        return value
    match = _BUDGET.fullmatch(text(value))
    if match is None:
        raise Mistake("AP104", f'"{value}" is not a budget; write one such as 5 per week')
    return {"messages": match.group(1), "per": match.group(2)}


WrittenBudget = Annotated[
    Budget | None, BeforeValidator(_budget), WithJsonSchema({"type": "string", "pattern": _BUDGET.pattern})
]


class Absence(Strict):
    """A time in which somebody isn't reached, both days included."""

    from_: Day = Field(alias="from", description="The first day away.")
    to: Day = Field(description="The last day away.")
    substitute: Text | None = Field(default=None, description="The person who stands in.")

    @model_validator(mode="after")
    def _goes_forward(self) -> Absence:
        if self.from_ > self.to:
            raise Mistake("AP114", f"an absence from {self.from_} cannot end on {self.to}; swap the days")
        return self


class Person(Strict):
    """Somebody who receives or decides."""

    name: Text = Field(default="", description="The full name.")
    email: Email | None = Field(default=None, description="The mail address.")
    slack: Text | None = Field(default=None, description="The Slack member id, such as U012AB3CD.")
    user: Text | None = Field(default=None, description="The login name, which `--as` defaults to on the command line.")
    roles: Texts = Field(default=(), description="What the person may do: roles of this file.")
    absences: tuple[Absence, ...] = Field(default=(), description="Times in which the person isn't reached.")
    left: Day | None = Field(default=None, description="The first day on which the person is no longer here.")
    budget: WrittenBudget = Field(default=None, description="At most so many messages, such as 5 per week.")

    def has_left(self, on: date) -> bool:
        """Is the person no longer here on that day?"""
        return self.left is not None and self.left <= on

    def absence(self, on: date) -> Absence | None:
        """The absence that the day falls into."""
        return next((each for each in self.absences if each.from_ <= on <= each.to), None)


def _moment(value: Any) -> Any:
    """A day, or an instant with its offset."""
    if isinstance(value, datetime) or (isinstance(value, str) and ":" in value):
        return instant(value)
    return day(value)


Moment = Annotated[
    datetime | date,
    BeforeValidator(_moment),
    PlainSerializer(lambda value: value.isoformat(), return_type=str),
    WithJsonSchema({"type": "string"}),
]


class Override(Strict):
    """Somebody else is on call for a time: a swap, or a day taken over."""

    from_: Moment = Field(alias="from", description="The first day, or an instant such as 2026-02-03T18:00:00+01:00.")
    to: Moment = Field(description="The last day, which is included, or the instant at which it ends.")
    person: Text = Field(description="Who is on call instead.")

    @model_validator(mode="after")
    def _goes_forward(self) -> Override:
        is_same_kind = isinstance(self.from_, datetime) == isinstance(self.to, datetime)
        if is_same_kind and (self.from_ > self.to or (self.from_ == self.to and isinstance(self.from_, datetime))):
            raise Mistake("AP114", f"an override from {self.from_} cannot end at {self.to}; swap the two")
        return self


class HandOver(Strict):
    """When the duty goes from one person to the next."""

    day: Weekday | None = Field(default=None, description="The day of the week; default: that of `starts`.")
    at: TimeOfDay = Field(default=time(0), description="The time of day, by the clock of the rota's time zone.")


def _hand_over(value: Any) -> Any:
    if isinstance(value, HandOver | dict):
        return value
    *days, last = text(value).split()
    if last in WEEKDAYS and not days:
        return {"day": last}
    if len(days) > 1 or (days and days[0] not in WEEKDAYS):
        raise Mistake("AP109", f'"{value}" is not a time of hand-over; write one such as mon 09:00')
    return {"day": days[0] if days else None, "at": last}


WrittenHandOver = Annotated[
    HandOver, BeforeValidator(_hand_over), WithJsonSchema({"type": "string", "examples": ["mon 09:00"]})
]


class Rota(Strict):
    """Who is on call: one week each, in turn."""

    starts: Day = Field(
        default=date(1970, 1, 5),
        description="The first person's first week begins with the first hand-over from this day on.",
    )
    weekly: Texts = Field(min_length=1, description="People, in the order of their weeks.")
    hand_over: WrittenHandOver = Field(
        default_factory=HandOver,
        description="Day and hour of the change, such as mon 09:00; default: the day of `starts`, at midnight.",
    )
    timezone: TimeZone | None = Field(default=None, description="Its clock; default: that of the team's hours, or UTC.")
    overrides: tuple[Override, ...] = Field(default=(), description="Times for which somebody else takes over.")


class Escalation(Strict):
    """Who hears of an incident that nobody has taken, each after a time since it was told."""

    on_call_after: Duration | None = Field(default=None, description="After that, whoever is on call: 30m.")
    lead_after: Duration | None = Field(default=None, description="After that, the lead: 2h.")

    @model_validator(mode="after")
    def _climbs(self) -> Escalation:
        if self.on_call_after is not None and self.lead_after is not None and self.lead_after < self.on_call_after:
            raise Mistake("AP114", "the lead is told after whoever is on call; let lead_after be the longer one")
        return self


class Team(Strict):
    """People who answer for something together."""

    description: Text = Field(default="", description="What the team answers for.")
    members: Texts = Field(default=(), description="People of this file.")
    lead: Text | None = Field(default=None, description="Who hears of it in the end: a person of this file.")
    rota: Rota | None = Field(default=None, description="Who is on call in which week.")
    hours: Hours | None = Field(default=None, description="When the team works; default: at all hours.")
    holidays: tuple[Day, ...] = Field(default=(), description="Days on which the team does not work.")
    escalation: Escalation = Field(
        default_factory=Escalation, description="Who is told when nobody takes an incident of the team, and when."
    )
    audience: Audience = Field(
        default="business", description="engineering: its people may be told of data and system failures as well."
    )
    email: Email | None = Field(default=None, description="The team's mail address.")
    slack: Text | None = Field(default=None, description="The team's Slack channel.")
    budget: WrittenBudget = Field(default=None, description="At most so many messages, such as 5 per week.")
    alerts_approved_by: Texts | None = Field(
        default=None,
        description="Roles of which somebody else approves what `alerting new` writes for the team; "
        "default: those named beside `teams`; [] for none.",
    )

    @property
    def zone(self) -> str:
        """The time zone of the team's rota, or else of its hours."""
        if self.rota is not None and self.rota.timezone is not None:
            return self.rota.timezone
        return self.hours.timezone if self.hours is not None else "UTC"

    @property
    def everybody(self) -> tuple[str, ...]:
        """Members, lead and rota, each once."""
        rota = self.rota.weekly if self.rota is not None else ()
        return tuple(dict.fromkeys((*self.members, *((self.lead,) if self.lead else ()), *rota)))


class People(Strict):
    """The whole of people.yaml."""

    version: Integer = Field(default=1, ge=1, le=1, description="The version of the format: 1.")
    people: dict[Text, Person] = Field(default_factory=dict, description="People by a short name.")
    roles: dict[Text, Text | None] = Field(
        default_factory=dict, description="What roles are for; where it is stated, people may have only these."
    )
    teams: dict[Text, Team] = Field(default_factory=dict, description="Teams by name.")
    alerts_approved_by: Texts = Field(
        default=(),
        description="Roles of which somebody else approves what `alerting new` writes, where the team says nothing.",
    )

    @property
    def known_roles(self) -> frozenset[str]:
        """The roles that somebody may have: those described, or where none is, those that somebody has."""
        held = {role for person in self.people.values() for role in person.roles}
        return frozenset(self.roles or held)

    def alert_approvers(self, owner: str) -> tuple[str, ...]:
        """Roles of which one approves new alerts of a team; none: nobody has to."""
        team = self.teams.get(owner)
        own = team.alerts_approved_by if team is not None else None
        return self.alerts_approved_by if own is None else own

    def person_of(self, user: str) -> str | None:
        """The short name of whoever has this login name, or goes by that short name."""
        for name, person in self.people.items():
            if person.user == user:
                return name
        return user if user in self.people else None
