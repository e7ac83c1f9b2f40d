"""What a definition is: the whole format of one YAML file, with every key's meaning, type and default.

A value of these types is *resolved*: the file's own values and the inherited ones are in it, so that whoever evaluates,
routes or shows a definition never asks where a value came from. What must hold between a definition and the world (its
model's columns, the people, the destinations) is checked in definition_check.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from alerting_pipeline.domain.action import Action, Automation, Pause, WriteBack
from alerting_pipeline.domain.case import Case
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.severity import Deviance, SeverityLevel, UpdateWhen
from alerting_pipeline.domain.written import (
    NAME_PATTERN,
    Duration,
    Integer,
    Number,
    Strict,
    Text,
    Texts,
    TimeZone,
    text,
)

__all__ = [
    "TEMPLATE_NAMES",
    "AlertDefinition",
    "Automation",
    "Deviance",
    "Parameter",
    "SeverityLevel",
    "Trigger",
    "UpdateWhen",
    "WriteBack",
]

TEMPLATE_NAMES = frozenset(
    {
        "alert", "title", "entity", "severity", "deviance", "owner", "system", "as_of", "opened_at",
        "occurred_at", "incident_id", "public_url",
    }
)  # fmt: skip
"""What a template may name beside the model's columns and the definition's parameters."""

Name = Annotated[Text, Field(pattern=NAME_PATTERN)]


def _cron(value: Any) -> str:
    from datetime import UTC, datetime

    from cronsim import CronSim, CronSimError

    written = text(value)
    try:
        if len(written.split()) != 5:
            raise CronSimError("not five fields")
        next(CronSim(written, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        raise Mistake(
            "AP109", f'"{written}" is not a cron schedule that ever comes; write five fields, such as 0 9 * * 1'
        ) from None
    return written


Cron = Annotated[str, BeforeValidator(_cron)]


class Trigger(Strict):
    """When a definition is evaluated: as its model materializes (all fields empty), or by the clock."""

    cron: Cron | None = Field(default=None, description="Five cron fields, such as 0 9 * * 1.")
    timezone: TimeZone = Field(default="UTC", description="The IANA time zone that the cron fields are meant in.")
    models: Literal["all", "any"] | None = Field(
        default=None, description="For a query over several models: when all, or any of them, have materialized."
    )

    @property
    def is_cron(self) -> bool:
        """Is it evaluated by the clock rather than by materializations?"""
        return self.cron is not None

    @model_validator(mode="after")
    def _is_one_kind(self) -> Trigger:
        if self.cron is not None and self.models is not None:
            raise Mistake("AP112", "a trigger is by cron or by models, not both; remove one of them")
        if self.cron is None and self.timezone != "UTC":
            raise Mistake("AP112", "timezone belongs to a cron trigger; add cron: or remove it")
        return self


def _trigger(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value != "materialization":
        raise Mistake(
            "AP109", f'"{value}" is not a trigger; write materialization, or {{cron: "0 9 * * 1", timezone: UTC}}'
        )
    return {}


AnyTrigger = Annotated[
    Trigger,
    BeforeValidator(_trigger),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "materialization"},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "cron": {"type": "string", "description": "Five cron fields, such as 0 9 * * 1."},
                        "timezone": {"type": "string", "description": "An IANA time zone, such as Europe/Berlin."},
                        "models": {
                            "enum": ["all", "any"],
                            "description": "For a query over several models: when all, or any, have materialized.",
                        },
                    },
                },
            ]
        }
    ),
]


class Definition(Strict):
    """What alert, data and report definitions have in common."""

    version: Integer = Field(default=1, ge=1, le=1, description="The version of the format: 1.")
    title: Text | None = Field(
        default=None, max_length=150, description="The title in messages; default: from the name."
    )
    description: Text = Field(default="", description="What is wrong, in a sentence that its reader understands.")
    owner: Text = Field(min_length=1, description="A team in people.yaml, responsible for what it finds.")
    labels: dict[Text, Text] = Field(
        default_factory=dict, description="Routing, silences and inhibition match on labels; inherited ones are added."
    )
    visible_to: Texts = Field(default=(), description="Teams that may see it; empty: everybody who may sign in.")
    pause: Pause | None = Field(default=None, description="Not evaluated until a day, for a reason.")
    path: str = Field(default="", exclude=True, json_schema_extra={"internal": True})

    @property
    def name(self) -> str:
        """The unique name, whatever the kind."""
        raise NotImplementedError

    def is_paused(self, at: datetime) -> bool:
        """Is it neither evaluated nor told at that instant? A pause ends by itself, at midnight UTC of its last day."""
        return self.pause is not None and at.astimezone(UTC).date() < self.pause.until

    @property
    def version_id(self) -> str:
        """12 hex digits that change when anything that evaluation or its messages depend on changes.

        Cases are left out: a new example does not make a new version.
        """
        content = self.model_dump(mode="json", by_alias=True, exclude={"cases"})
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


class AlertDefinition(Definition):
    """One alert: which rows of a mart are wrong, how wrong, for whom, and what happens then."""

    alert: Name = Field(description="The unique name, in lower snake_case.")
    kind: Literal["business"] = Field(default="business", description="business: what a person must act on.")
    emoji: Text = Field(default="", max_length=40, description="A sign to skim by.")
    system: Text = Field(default="", description="The system of origin.")
    runbook: Text = Field(
        min_length=1, description="What to do about it: a file of this repository, or an http(s) link."
    )
    model: Text | None = Field(default=None, description="The dbt mart that it reads.")
    query: Text | None = Field(default=None, description="Instead of model: one SELECT over {{ ref('…') }}.")
    entity: Texts = Field(min_length=1, description="The column or columns that one incident is about.")
    worst_by: Text | None = Field(
        default=None, description="Where there may be several rows per entity: the column whose greatest value counts."
    )
    occurred_at: Text | None = Field(default=None, description="Event-like models: the column with the event's time.")
    trigger: AnyTrigger = Field(default_factory=Trigger, description="materialization (default), or a cron schedule.")
    condition: Text = Field(
        min_length=1, description="SQL that is true for a violation; :as_of is the evaluation's time."
    )
    clear_when: Text | None = Field(
        default=None, description="SQL that ends the incident; default: condition is false."
    )
    hold_for: Duration = Field(
        default="0m", alias="for", validate_default=True, description="How long it must hold first."
    )
    keep_firing_for: Duration = Field(
        default="0m", validate_default=True, description="How long an incident stays open after its condition ended."
    )
    reopen_within: Duration = Field(
        default="0m",
        validate_default=True,
        description="An incident that ended by itself is reopened by a violation within this time, not opened anew.",
    )
    expire_after: Duration | None = Field(default=None, description="One-off events: the incident closes after this.")
    on_empty: Literal["clear", "no_data"] = Field(
        default="clear", description="no_data: an empty model is a data failure."
    )
    parameters: dict[Name, Parameter] = Field(
        default_factory=dict, description="Typed, bounded values that business users may change."
    )
    deviance: Deviance | None = Field(
        default=None, description="How far from the limit; derived where the condition is one comparison."
    )
    severity: tuple[SeverityLevel, ...] = Field(
        min_length=1, description="The first level whose `when` holds; the last has no `when`."
    )
    update_when: UpdateWhen = Field(
        default_factory=UpdateWhen, description="Which change of an open incident edits its message."
    )
    summary: Text = Field(min_length=1, max_length=2000, description="One sentence, as a template over the row.")
    fields: Texts = Field(default=(), description="Columns shown beside the summary.")
    link: Text = Field(min_length=1, max_length=2000, description="Where to resolve or debug it, as a template.")
    notify: Texts = Field(default=(), description="Destinations beside those of routing.yaml: #channel, a@b or a name.")
    group_by: Texts = Field(default=(), description="Columns; one message per value.")
    digest: Literal["hourly", "daily", "weekly"] | None = Field(default=None, description="Collect messages this long.")
    baseline: Literal["alert", "silent"] = Field(
        default="alert", description="silent: what is there at the first evaluation is taken as known."
    )
    expected_per_week: Number | None = Field(
        default=None,
        ge=0,
        description="How many incidents a week are normal; a change that would open more fails `alerting plan`.",
    )
    actions: dict[Name, Action] = Field(default_factory=dict, description="Buttons on the message.")
    write_back: tuple[WriteBack, ...] = Field(default=(), description="Sheets and tables with one row per incident.")
    automation: Automation = Field(default_factory=Automation, description="The rung: notify, ticket or act.")
    renamed_from: Name | None = Field(default=None, description="The earlier name; its incidents are kept.")
    cases: tuple[Case, ...] = Field(default=(), description="Examples that `alerting test` runs on the real engine.")

    @model_validator(mode="before")
    @classmethod
    def _one_source(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and (values.get("model") is None) == (values.get("query") is None):
            raise Mistake("AP112", "a definition reads either a model or a query; write model: name of a dbt mart")
        return values

    @model_validator(mode="after")
    def _severity_ends_without_condition(self) -> AlertDefinition:
        *earlier, last = self.severity
        if last.when is not None:
            raise Mistake(
                "AP308", "severity ends with a level without `when`, so that every violation has one; add such a level"
            )
        if any(level.when is None for level in earlier):
            raise Mistake(
                "AP308", "severity has a level without `when` before its end; the levels after it could never hold"
            )
        return self

    @property
    def name(self) -> str:
        return self.alert

    @property
    def heading(self) -> str:
        """The title, or the name as words."""
        return self.title or self.alert.replace("_", " ").capitalize()
