"""What a definition lets people or the program do about an incident: buttons, write-back, automation, a pause."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from alerting_pipeline.domain.per_run import PerRun
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.written import Day, Strict, Text, Texts

Disposition = Literal["true_positive", "false_positive", "expected", "duplicate"]


class Write(Strict):
    """What an action writes: one row of an allow-listed table, found by its key."""

    table: Text = Field(description="The table in schema operations that the row is written to.")
    key: Texts = Field(min_length=1, description="The columns that identify the row.")
    values: dict[Text, Text] = Field(default_factory=dict, description="The other columns and what is written there.")


class Action(Strict):
    """A button: who may press it, what it says about the incident, what it writes."""

    label: Text = Field(description="What the button says.")
    roles: Texts = Field(default=(), description="Roles that may press it; empty: everybody who received the message.")
    disposition: Disposition | None = Field(default=None, description="The verdict on the incident that it gives.")
    write: Write | None = Field(default=None, description="The row that it writes.")


class WriteBack(Strict):
    """One row per incident, kept up to date, in a sheet or a table named in destinations.yaml."""

    sheet: Text | None = Field(default=None, description="A destination whose channel is sheet.")
    table: Text | None = Field(default=None, description="A destination whose channel is table.")

    at_most: PerRun = Field(
        default=None,
        description="So many rows of one run, such as 500 per run; above it none is written until somebody approves.",
    )

    @model_validator(mode="after")
    def _names_one(self) -> WriteBack:
        if (self.sheet is None) == (self.table is None):
            raise Mistake(
                "AP314", "write_back names a sheet or a table, one per entry; write {sheet: name} or {table: name}"
            )
        return self

    @property
    def destination(self) -> str:
        """The name in destinations.yaml."""
        return self.sheet or self.table or ""


class Automation(Strict):
    """The rung of the ladder that the definition stands on."""

    rung: Literal["notify", "ticket", "act"] = Field(
        default="notify", description="notify people, open a ticket for review, or act without asking."
    )


class Pause(Strict):
    """A definition that is deliberately not evaluated; never without a reason and an end."""

    until: Day = Field(description="The day on which it is evaluated again.")
    reason: Text = Field(min_length=1, description="Why it is paused, for whoever wonders.")
