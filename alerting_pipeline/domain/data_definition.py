"""What must hold for a model's data, so that the alerts that stand on it can be believed.

Four kinds of check: is the newest row recent (freshness), did as many rows come as usual (volume), are the columns as
they should be (schema), and whatever Great Expectations can say, by its own names. A definition that fails opens one
incident, for engineers, and holds the business alerts downstream of its model until it passes again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, field_validator, model_validator

from alerting_pipeline.domain.case import Outcome, Row
from alerting_pipeline.domain.definition import AlertDefinition, Definition, Name
from alerting_pipeline.domain.expectation import Expectation
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.severity import SeverityLevel
from alerting_pipeline.domain.system_definitions import DEFAULT_OWNER
from alerting_pipeline.domain.written import Duration, Instant, Integer, Strict, Text, Texts, TimeZone, text

FRESHNESS, VOLUME, SCHEMA = "freshness", "volume", "schema"
_SHARE = re.compile(r"(0|[1-9][0-9]{0,5})(\.[0-9]{1,4})?%")


def _share(value: Any) -> Decimal:
    """`50%` as 0.5."""
    written = text(value)
    if not _SHARE.fullmatch(written):
        raise Mistake("AP313", f'"{written}" is not a share of the usual; write one such as 50%')
    return Decimal(written[:-1]) / 100


def share_text(share: Decimal) -> str:
    """0.5 as `50%`."""
    return f"{(share * 100).normalize():f}%"


Share = Annotated[
    Decimal,
    BeforeValidator(_share),
    PlainSerializer(share_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_SHARE.pattern}$", "examples": ["50%", "200%"]}),
]


class Freshness(Strict):
    """How old the newest row may be."""

    within: Duration = Field(description="The greatest age of the newest row, such as 6h.")
    column: Text = Field(description="The column with the time at which a row arrived, or of which it speaks.")


class Volume(Strict):
    """How many rows came in the last complete day (or the newest load), against the median of those before it."""

    column: Text = Field(description="The column with the row's time (per day), or the number of its load (per load).")
    per: Literal["day", "load"] = Field(default="day", description="day: complete local days; load: values of column.")
    timezone: TimeZone = Field(default="UTC", description="The IANA time zone whose days are counted.")
    at_least: Share | None = Field(default=None, description="The least share of the usual number, such as 50%.")
    at_most: Share | None = Field(default=None, description="The greatest share of the usual number, such as 200%.")
    of_last: Integer = Field(default=7, ge=3, le=45, description="How many days or loads the usual is the median of.")

    @model_validator(mode="after")
    def _has_a_bound(self) -> Volume:
        if self.at_least is None and self.at_most is None:
            raise Mistake("AP313", "volume needs a bound; add at_least: 50%, or at_most: 200%")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise Mistake("AP313", "volume can't be at least more than it is at most; exchange the two")
        return self


class Schema(Strict):
    """Which columns the model must have, and whether another change of them is a failure."""

    columns: dict[Text, Text] = Field(
        default_factory=dict, description="Columns that must be there, each with its type (any: whatever it is)."
    )
    on_change: Literal["ignore", "warn", "fail"] = Field(
        default="ignore", description="What a column that came, went or changed since the last evaluation means."
    )

    @field_validator("columns", mode="before")
    @classmethod
    def _names_alone(cls, value: Any) -> Any:
        """A list of names is a map of names whose types don't matter."""
        return dict.fromkeys(value, "any") if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _says_something(self) -> Schema:
        if not self.columns and self.on_change == "ignore":
            raise Mistake("AP313", "schema expects nothing; add columns: {name: type}, or on_change: fail")
        return self


class DataCase(Strict):
    """An example: what the model holds, and what the checks should say of it."""

    name: Text = Field(min_length=1, description="What the example shows, as a fact.")
    at: Instant = Field(description="The instant of the evaluation.")
    rows: tuple[Row, ...] = Field(default=(), description="The rows of the model; absent columns are NULL.")
    outcome: Outcome = Field(description="The outcome: clear, firing (a check fails), or no_data.")
    failing: Texts = Field(default=(), description="The checks that fail: freshness, volume, schema, expect_….")


class DataDefinition(Definition):
    """What must hold for a model's data, so that alerts over it can be believed."""

    alert: Name = Field(description="The unique name, in lower snake_case.")
    kind: Literal["data"] = Field(description="data: about the data itself, for engineers.")
    emoji: Text = Field(default="🧪", max_length=40, description="A sign to skim by.")
    system: Text = Field(default="", description="The system of origin.")
    owner: Text = Field(
        default=DEFAULT_OWNER, min_length=1, description="A team in people.yaml; the data team if none."
    )
    model: Text = Field(description="The dbt model whose data is meant: staging, intermediate or mart.")
    runbook: Text | None = Field(default=None, description="What to do about it.")
    link: Text | None = Field(default=None, description="Where to look; default: the incident's page.")
    severity: tuple[SeverityLevel, ...] = Field(
        default=(SeverityLevel(level="high", respond_within="4h"),),  # pyright: ignore[reportArgumentType]
        min_length=1,
        max_length=1,
        description="The one level, with the time allowed.",
    )
    freshness: Freshness | None = Field(default=None, description="How old the newest row may be.")
    volume: Volume | None = Field(default=None, description="How many rows must have come, against the usual.")
    schema_: Schema | None = Field(default=None, alias="schema", description="Which columns must be there.")
    expectations: tuple[Expectation, ...] = Field(
        default=(), description="Great Expectations, by its own names: {expect_…: {column: …}}."
    )
    on_failure: Literal["hold", "tell"] = Field(
        default="hold", description="hold: business alerts downstream are held while it fails; tell: they are not."
    )
    cases: tuple[DataCase, ...] = Field(default=(), description="Examples that `alerting test` runs.")

    @model_validator(mode="after")
    def _level_has_no_condition(self) -> DataDefinition:
        if self.severity[0].when is not None:
            raise Mistake("AP308", "the severity of a data definition has no `when`; remove it")
        return self

    @property
    def name(self) -> str:
        return self.alert

    @property
    def heading(self) -> str:
        """The title, or the name as words."""
        return self.title or self.alert.replace("_", " ").capitalize()

    @property
    def entity(self) -> Mapping[str, str]:
        """What its one incident is about."""
        return {"model": self.model}

    @property
    def is_moved_by_time(self) -> bool:
        """Can it fail although its model doesn't change?"""
        return self.freshness is not None or (self.volume is not None and self.volume.per == "day")


OfIncidents = AlertDefinition | DataDefinition
"""The kinds of definition that open incidents."""
