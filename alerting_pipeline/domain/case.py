"""Cases: examples inside a definition that run through the production query, alone or as a timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.severity import Level
from alerting_pipeline.domain.written import Cell, Instant, Number, Strict, Text, text

Outcome = Literal["firing", "clear", "no_data", "data_failure", "system_failure"]
Event = Literal[
    "pending", "opened", "reopened", "updated", "unchanged", "calmed", "relapsed", "cleared", "withdrawn", "held",
    "expired",
]  # fmt: skip
Row = dict[Text, Cell]


def _entity(value: Any) -> tuple[str, ...] | dict[str, str]:
    if isinstance(value, Mapping):
        return {text(key): text(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(text(item) for item in value)
    return (text(value),)


Entity = Annotated[
    tuple[str, ...] | dict[str, str],
    BeforeValidator(_entity),
    WithJsonSchema({"type": ["string", "number", "boolean", "array", "object"]}),
]


class Expected(Strict):
    """What should have happened to one entity; whatever isn't named isn't compared."""

    entity: Entity = Field(description="The entity's value; a list in the order of the entity columns, or a map.")
    event: Event | None = Field(default=None, description="What happened to its incident.")
    severity: Level | None = Field(default=None, description="The level that it has.")
    deviance: Number | None = Field(default=None, description="The deviance, compared to the digits written.")
    summary: Text | None = Field(default=None, description="The rendered summary.")


class Step(Strict):
    """One evaluation: what the model held then, and what should have come of it."""

    at: Instant = Field(description="The instant of the evaluation, which :as_of has.")
    rows: tuple[Row, ...] | None = Field(default=None, description="The rows of the model; absent columns are NULL.")
    given: dict[Text, tuple[Row, ...]] = Field(
        default_factory=dict, description="For a query over several models: the rows of each."
    )
    parameters: dict[Text, Any] = Field(default_factory=dict, description="Parameter values other than the default.")
    expect: tuple[Expected, ...] = Field(default=(), description="The entities that something happened to; [] is none.")
    outcome: Outcome | None = Field(default=None, description="The outcome of the evaluation.")

    @property
    def deviances(self) -> tuple[Decimal | None, ...]:
        """The expected deviances, in order."""
        return tuple(expected.deviance for expected in self.expect)


class Case(Strict):
    """A named example: one evaluation, or `steps` of several on one timeline."""

    name: Text = Field(min_length=1, description="What the example shows, as a fact.")
    at: Instant | None = Field(default=None, description="The instant of the evaluation, which :as_of has.")
    rows: tuple[Row, ...] | None = Field(default=None, description="The rows of the model; absent columns are NULL.")
    given: dict[Text, tuple[Row, ...]] = Field(
        default_factory=dict, description="For a query over several models: the rows of each."
    )
    parameters: dict[Text, Any] = Field(default_factory=dict, description="Parameter values other than the default.")
    expect: tuple[Expected, ...] | None = Field(
        default=None, description="What should fire; [] says that nothing does."
    )
    outcome: Outcome | None = Field(default=None, description="The outcome of the evaluation.")
    steps: tuple[Step, ...] = Field(default=(), description="A timeline of evaluations, instead of a single one.")

    @model_validator(mode="after")
    def _is_one_or_a_timeline(self) -> Case:
        single = [key for key in ("at", "rows", "expect", "outcome") if getattr(self, key) is not None]
        if self.steps and (single or self.given):
            raise Mistake(
                "AP310", f"a case with steps has {', '.join(single or ['given'])} inside its steps; move it there"
            )
        if not self.steps:
            if self.at is None:
                raise Mistake("AP310", "a case needs at: the instant of its evaluation, or steps")
            if self.expect is None and self.outcome is None:
                raise Mistake("AP310", "a case needs expect: what should fire; write [] if nothing should")
        instants = [step.at for step in self.steps]
        if instants != sorted(instants):
            raise Mistake("AP310", "the steps of a case go forward in time; sort them by at")
        return self

    @property
    def timeline(self) -> tuple[Step, ...]:
        """The case as steps, a single evaluation being a timeline of one; parameters of the case hold in each step."""
        if self.steps:
            shared = self.parameters
            return tuple(s.model_copy(update={"parameters": {**shared, **s.parameters}}) for s in self.steps)
        if self.at is None:
            return ()
        return (
            Step(
                at=self.at,
                rows=self.rows,
                given=self.given,
                parameters=self.parameters,
                expect=self.expect or (),
                outcome=self.outcome,
            ),
        )
