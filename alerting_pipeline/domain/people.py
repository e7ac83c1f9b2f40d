"""People, roles and teams as people.yaml states them: who owns what, who may do what, who is reached how.

A role says what somebody may do, a team what they answer for. Rota, absences and budgets are read and checked here;
who is on call and whose messages become a digest is decided elsewhere.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from alerting_pipeline.domain.written import Day, Integer, Strict, Text, Texts, text

_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_BUDGET = re.compile(r"([0-9]{1,4}) per (hour|day|week)")


def is_email(address: str) -> bool:
    """Is it one plain mail address, without a display name?"""
    return _EMAIL.fullmatch(address) is not None


def _address(value: str) -> str:
    if not is_email(value):
        raise ValueError(f'"{value}" is not a mail address; write one such as ada@example.com')
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
        raise ValueError(f'"{value}" is not a budget; write one such as 5 per week')
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
            raise ValueError(f"an absence from {self.from_} cannot end on {self.to}; swap the days")
        return self


class Person(Strict):
    """Somebody who receives or decides."""

    name: Text = Field(default="", description="The full name.")
    email: Email | None = Field(default=None, description="The mail address.")
    slack: Text | None = Field(default=None, description="The Slack member id, such as U012AB3CD.")
    user: Text | None = Field(default=None, description="The login name, which `--as` defaults to on the command line.")
    roles: Texts = Field(default=(), description="What the person may do: roles of this file.")
    absences: tuple[Absence, ...] = Field(default=(), description="Times in which the person isn't reached.")
    budget: WrittenBudget = Field(default=None, description="At most so many messages, such as 5 per week.")


class Rota(Strict):
    """Who is on call: one week each, in turn."""

    starts: Day = Field(
        default=date(1970, 1, 5), description="The first day of the first person's week; default: weeks from Monday."
    )
    weekly: Texts = Field(min_length=1, description="People, in the order of their weeks.")


class Team(Strict):
    """People who answer for something together."""

    description: Text = Field(default="", description="What the team answers for.")
    members: Texts = Field(default=(), description="People of this file.")
    rota: Rota | None = Field(default=None, description="Who is on call in which week.")
    email: Email | None = Field(default=None, description="The team's mail address.")
    slack: Text | None = Field(default=None, description="The team's Slack channel.")
    budget: WrittenBudget = Field(default=None, description="At most so many messages, such as 5 per week.")


class People(Strict):
    """The whole of people.yaml."""

    version: Integer = Field(default=1, ge=1, le=1, description="The version of the format: 1.")
    people: dict[Text, Person] = Field(default_factory=dict, description="People by a short name.")
    roles: dict[Text, Text | None] = Field(
        default_factory=dict, description="What roles are for; where it is stated, people may have only these."
    )
    teams: dict[Text, Team] = Field(default_factory=dict, description="Teams by name.")

    @property
    def known_roles(self) -> frozenset[str]:
        """The roles that somebody may have: those described, or where none is, those that somebody has."""
        held = {role for person in self.people.values() for role in person.roles}
        return frozenset(self.roles or held)

    def person_of(self, user: str) -> str | None:
        """The short name of whoever has this login name, or goes by that short name."""
        for name, person in self.people.items():
            if person.user == user:
                return name
        return user if user in self.people else None
