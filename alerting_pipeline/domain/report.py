"""The two other kinds of definition: what is expected of data, and messages that open no incident.

Both are read, checked and shown with the same care as alerts; their evaluation comes later, which `validate` says.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from alerting_pipeline.domain.case import Entity, Row
from alerting_pipeline.domain.definition import AnyTrigger, Definition, Name, Trigger
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.domain.routing_tree import Hours
from alerting_pipeline.domain.severity import SeverityLevel
from alerting_pipeline.domain.written import Duration, Flag, Instant, Integer, Strict, Text, Texts, TimeZone


class Freshness(Strict):
    """How old the newest row may be."""

    within: Duration = Field(description="The greatest age of the newest row, such as 6h.")
    column: Text = Field(description="The column with the time at which a row arrived.")


class DataDefinition(Definition):
    """What must hold for a model's data, so that alerts over it can be believed."""

    alert: Name = Field(description="The unique name, in lower snake_case.")
    kind: Literal["data"] = Field(description="data: about the data itself, for engineers.")
    model: Text = Field(description="The dbt model whose data is meant.")
    runbook: Text | None = Field(default=None, description="What to do about it.")
    link: Text | None = Field(default=None, description="Where to look, as a template.")
    severity: tuple[SeverityLevel, ...] = Field(default=(), description="The levels and the time allowed.")
    freshness: Freshness | None = Field(default=None, description="How old the newest row may be.")
    expectations: tuple[dict[str, Any], ...] = Field(
        default=(), description="Great Expectations, by its own names: {expect_…: {column: …}}."
    )

    @field_validator("expectations")
    @classmethod
    def _one_name_each(cls, expectations: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        for expectation in expectations:
            if len(expectation) != 1 or not next(iter(expectation)).startswith("expect_"):
                raise ValueError("each expectation is one name with its arguments: {expect_column_…: {column: name}}")
        return expectations

    @property
    def name(self) -> str:
        return self.alert


REPORT_TEMPLATE_NAMES = frozenset(
    {"report", "title", "entity", "owner", "as_of", "report_window", "recipient", "public_url"}
)
"""What subject and body may name beside the model's columns and the definition's parameters."""


class SendWithin(Hours):
    """The recipient's business hours; the end is not included."""

    timezone: TimeZone = Field(default="UTC", description="The zone of a row whose own is missing or unknown.")
    timezone_column: Text | None = Field(default=None, description="The column with the recipient's IANA time zone.")


class ExpectedMessage(Strict):
    """One message that a case expects; whatever isn't named isn't compared."""

    entity: Entity = Field(description="The entity's value; a list in the order of the entity columns, or a map.")
    to: Text | None = Field(default=None, description="The recipient.")
    subject: Text | None = Field(default=None, description="The rendered subject.")
    says: Texts = Field(default=(), description="Texts that stand in the message.")


class ReportCase(Strict):
    """A named example: what the mart holds at an instant, and which messages go to whom."""

    name: Text = Field(min_length=1, description="What the example shows, as a fact.")
    at: Instant = Field(description="The instant that counts as now, which :as_of has.")
    rows: tuple[Row, ...] = Field(description="The rows of the mart; absent columns are NULL.")
    parameters: dict[Text, Any] = Field(default_factory=dict, description="Parameter values other than the default.")
    unsubscribed: Texts = Field(default=(), description="Addresses that have unsubscribed.")
    expect: tuple[ExpectedMessage, ...] = Field(description="The messages; [] says that there is none.")
    skipped: Integer | None = Field(default=None, ge=0, description="How many rows could not be sent.")


class ReportDefinition(Definition):
    """A message per entity on a schedule. It opens no incident; its key is (report, entity, window).

    `template_text` is what the template's file holds: it is part of the version, so that what was sent can be told.
    """

    report: Name = Field(description="The unique name, in lower snake_case.")
    system: Text = Field(default="", description="The system of origin.")
    model: Text = Field(description="The dbt mart with one row per message.")
    entity: Texts = Field(min_length=1, description="The column or columns that one message is about.")
    trigger: AnyTrigger = Field(default_factory=Trigger, description="A cron schedule: {cron: …, timezone: …}.")
    condition: Text | None = Field(
        default=None, description="SQL that is true for a row with a message; default: every row. :as_of is now."
    )
    parameters: dict[Name, Parameter] = Field(
        default_factory=dict, description="Typed, bounded values that business users may change."
    )
    window: Text | None = Field(
        default=None, description="The column whose new value makes a new message; default: each window of the trigger."
    )
    send_within: SendWithin | None = Field(
        default=None, description="Only within these hours of the recipient; a row outside of them waits."
    )
    to_column: Text = Field(description="The column with the recipient's e-mail address.")
    from_name: Text | None = Field(default=None, max_length=100, description="The sender's name beside the address.")
    subject: Text = Field(min_length=1, max_length=500, description="The subject, as a template over the row.")
    template: Text = Field(min_length=1, description="The HTML file with the body, under alert_definitions.")
    unsubscribe: Flag = Field(default=True, description="May recipients end it by a link in each message?")
    cases: tuple[ReportCase, ...] = Field(default=(), description="Examples that `alerting test` runs.")
    template_text: str = Field(default="", json_schema_extra={"internal": True})

    @property
    def name(self) -> str:
        return self.report

    @property
    def heading(self) -> str:
        """The title, or the name as words."""
        return self.title or self.report.replace("_", " ").capitalize()
