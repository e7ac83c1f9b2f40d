"""The two other kinds of definition: what is expected of data, and messages that open no incident.

Both are read, checked and shown with the same care as alerts; their evaluation comes later, which `validate` says.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from alerting_pipeline.domain.definition import AnyTrigger, Definition, Name, Trigger
from alerting_pipeline.domain.severity import SeverityLevel
from alerting_pipeline.domain.written import Duration, Strict, Text, Texts


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


class ReportDefinition(Definition):
    """A message per entity on a schedule. It opens no incident; its key is (report, entity, window)."""

    report: Name = Field(description="The unique name, in lower snake_case.")
    model: Text = Field(description="The dbt mart with one row per message.")
    entity: Texts = Field(min_length=1, description="The column or columns that one message is about.")
    trigger: AnyTrigger = Field(default_factory=Trigger, description="Usually {cron: …, timezone: …}.")
    to_column: Text = Field(description="The column with the recipient's e-mail address.")
    subject: Text = Field(min_length=1, description="The subject, as a template over the row.")
    template: Text = Field(min_length=1, description="The file with the body, under alert_definitions.")

    @property
    def name(self) -> str:
        return self.report
