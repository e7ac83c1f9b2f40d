"""A report: a message per entity on a schedule, which opens no incident.

Its key is (report, entity, window), so that nothing is sent twice, or swallowed because it was sent before.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from alerting_pipeline.domain.case import Entity, Row
from alerting_pipeline.domain.definition import AnyTrigger, Definition, Name, Trigger
from alerting_pipeline.domain.hours import Hours
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.domain.written import Flag, Instant, Integer, Strict, Text, Texts, TimeZone

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
