"""How bad an incident is: the deviance from its limit, and the levels with the time allowed for each."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from alerting_pipeline.domain.written import DURATION_PATTERN, Duration, Strict, Text, duration, number

Level = Literal["critical", "high", "medium", "low", "info"]
LEVELS: tuple[Level, ...] = ("critical", "high", "medium", "low", "info")


def rank(level: str) -> int:
    """0 for critical, growing as it gets better; an unknown level comes last."""
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


NOW = ":as_of"
"""What a deviance may compare instead of a column: the evaluation's time, for what grows late by the clock alone."""


def _change(value: Any) -> Decimal:
    """A plain number, or a length of time in seconds."""
    is_length = isinstance(value, str) and value[-1:].isalpha()
    return Decimal(int(duration(value).total_seconds())) if is_length else number(value)


Change = Annotated[
    Decimal,
    BeforeValidator(_change),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": DURATION_PATTERN}]}),
]


class Deviance(Strict):
    """How far a value is from its limit. A zero limit or one of the opposite sign gives NULL, never a number."""

    value: Text = Field(description='The column whose value is compared, or ":as_of", the evaluation\'s time.')
    limit: Text = Field(description="The parameter or column that it is compared with.")
    direction: Literal["above", "below"] = Field(default="above", description="Which side of the limit is wrong.")
    as_: Literal["ratio", "difference"] = Field(
        default="ratio", alias="as", description="value / limit, or how far the value is beyond the limit."
    )


class SeverityLevel(Strict):
    """One level; `when` is SQL over the model's columns, the parameters and `deviance`."""

    level: Level = Field(description="The name of the level, from critical to info.")
    when: Text | None = Field(default=None, description="SQL that must hold for this level; the last level has none.")
    respond_within: Duration | None = Field(default=None, description="The time allowed (SLA), such as 4h.")
    remind_every: Duration | None = Field(default=None, description="How often to remind while nobody has acted.")


class UpdateWhen(Strict):
    """Which change of an open incident is material, so that its message is edited; anything less is silent."""

    deviance_changes_by: Change | None = Field(
        default=None,
        description="The least change of the deviance since the last message, such as 0.5; for times a length, as 1d.",
    )
