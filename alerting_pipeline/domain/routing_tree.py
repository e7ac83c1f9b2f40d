"""The format of routing.yaml: branches with what they match, their children and their destinations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from alerting_pipeline.domain.destination import INBOX, Destination, ad_hoc
from alerting_pipeline.domain.hours import Hours
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.severity import Level
from alerting_pipeline.domain.telling import Every, Telling
from alerting_pipeline.domain.written import Duration, Flag, Integer, Strict, Text, Texts, text_list

_LIST = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Levels = Annotated[tuple[Level, ...], BeforeValidator(text_list), WithJsonSchema(_LIST)]
Kinds = Annotated[tuple[Literal["business", "data", "system"], ...], BeforeValidator(text_list), WithJsonSchema(_LIST)]


class Match(Strict):
    """What an incident must be for a branch; everything named must hold, and a list means any of its values."""

    alert: Texts = Field(default=(), description="Names of alerts.")
    kind: Kinds = Field(default=(), description="business, data or system.")
    severity: Levels = Field(default=(), description="Levels of severity.")
    owner: Texts = Field(default=(), description="Teams that own the definition.")
    labels: dict[Text, Texts] = Field(default_factory=dict, description="Labels of the definition: {area: fraud}.")
    entity: dict[Text, Texts] = Field(default_factory=dict, description="Columns of the entity: {region: [north]}.")
    named: dict[Text, Texts] = Field(
        default_factory=dict, description="Labels or columns of the entity; may be written beside the other keys."
    )
    hours: Hours | None = Field(default=None, description="Only within these hours.")
    outside_hours: Hours | None = Field(default=None, description="Only outside these hours.")

    def described(self) -> str:
        """What it takes, in words."""
        parts = [
            f"{name} is {' or '.join(wanted)}"
            for name, wanted in (
                ("alert", self.alert),
                ("kind", self.kind),
                ("severity", self.severity),
                ("owner", self.owner),
            )
            if wanted
        ]
        parts += [f"label {name} is {' or '.join(wanted)}" for name, wanted in self.labels.items()]
        parts += [f"column {name} is {' or '.join(wanted)}" for name, wanted in self.entity.items()]
        parts += [f"{name} is {' or '.join(wanted)}" for name, wanted in self.named.items()]
        if self.hours is not None:
            parts.append(f"it is inside {self.hours.described()}")
        if self.outside_hours is not None:
            parts.append(f"it is outside {self.outside_hours.described()}")
        return " and ".join(parts) or "everything"


class Branch(Strict):
    """One branch of the tree."""

    name: Text = Field(default="", description="The name that `alerting route` shows; default: what it matches.")
    match: Match = Field(default_factory=Match, description="What it takes; nothing said: everything.")
    destinations: Texts = Field(
        default=(),
        description="Where it goes: names of destinations.yaml, @person, or @team for whoever is on call for it.",
    )
    to_column: Text | None = Field(
        default=None,
        description="A column of the row that says who hears of it, too: a mail address, or a person of people.yaml.",
    )
    children: tuple[Branch, ...] = Field(default=(), description="Narrower branches, asked first and in order.")
    continue_: Flag = Field(default=False, alias="continue", description="Ask the next siblings as well.")
    group_by: Texts | None = Field(
        default=None,
        description="Labels, columns of the entity, alert, severity, owner or kind: one message per value; []: one.",
    )
    group_wait: Duration | None = Field(default=None, description="How long a new group waits for more; default: 0m.")
    group_interval: Duration | None = Field(
        default=None, description="How long later additions to a group wait; default: 5m."
    )
    digest: Every | None = Field(default=None, description="Collect messages this long; critical ones don't wait.")

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Branch:
        if not self.leads_to and not self.children:
            raise Mistake("AP402", f'the branch "{self.title}" leads nowhere; name destinations or children')
        return self

    def columns(self) -> Iterator[str]:
        """The columns that it and its children look at, and labels that may be columns."""
        yield from (*self.match.entity, *self.match.named)
        if self.to_column is not None:
            yield self.to_column
        for child in self.children:
            yield from child.columns()

    def telling(self, inherited: Telling) -> Telling:
        """How its destinations are told, given what the branches above say."""
        return inherited.narrowed(self.digest, self.group_by, self.group_wait, self.group_interval)

    @property
    def leads_to(self) -> bool:
        """Does it name somebody itself, beside its children?"""
        return bool(self.destinations) or self.to_column is not None

    @property
    def title(self) -> str:
        """The name, or what it matches in words."""
        return self.name or self.match.described()


class Inhibition(Strict):
    """While an incident that matches `source` is open, those that match `target` are not told."""

    source: Match = Field(description="What silences.")
    target: Match = Field(description="What is silenced.")
    equal: Texts = Field(default=(), description="Labels or entity columns that both must share.")


class RoutingTree(Strict):
    """The whole of routing.yaml."""

    version: Integer = Field(default=1, ge=1, le=1, description="The version of the format: 1.")
    fallback: Texts = Field(
        default=(INBOX.name,),
        min_length=1,
        description="Destinations of what no branch takes, one of them for engineers; default: the local inbox.",
    )
    routes: tuple[Branch, ...] = Field(default=(), description="The branches, asked in order.")
    inhibit: tuple[Inhibition, ...] = Field(default=(), description="What silences what.")

    @property
    def columns(self) -> frozenset[str]:
        """Every column of a row that some branch looks at; two incidents that agree in them go the same way."""
        return frozenset(name for branch in self.routes for name in branch.columns())


def with_engineers(destinations: Mapping[str, Destination], tree: RoutingTree) -> dict[str, Destination]:
    """The destinations, those for engineers told apart.

    Where none states its audience, those are meant that branches for data and system failures alone lead to.
    """
    found = dict(destinations)
    if any(destination.audience == "engineering" for destination in found.values()):
        return found
    for name in _told_of_failures(tree.routes, False):
        destination = found.get(name) or ad_hoc(name)
        if destination is not None:
            found[name] = destination.model_copy(update={"audience": "engineering"})
    return found


def _told_of_failures(branches: Iterable[Branch], is_inside: bool) -> Iterator[str]:
    for branch in branches:
        is_for_failures = is_inside or (bool(branch.match.kind) and "business" not in branch.match.kind)
        yield from branch.destinations if is_for_failures else ()
        yield from _told_of_failures(branch.children, is_for_failures)
