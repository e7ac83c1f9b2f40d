"""A parameter sheet as destinations.yaml declares it. It is read, and never written to by the outbox."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered


class ParameterSheetSettings(BaseModel):
    """Settings of a sheet in which people type new values for parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,100}\.xlsx$",
        description="The file in the home's folder sheets; default: the destination's name.",
    )
    worksheet: str = Field(
        default="Parameters", pattern=r"^[^\[\]:*?/\\']{1,31}$", description="The worksheet that is ours."
    )
    alerts: tuple[str, ...] = Field(
        default=(), description="Alerts and reports whose parameters stand in the sheet; default: all."
    )
    without_approval: bool = Field(
        default=False,
        description="true: may change parameters that nobody has to approve, too, although a name in a cell proves "
        "nothing.",
    )
    most_rows: int = Field(default=20_000, ge=1, le=200_000, description="A longer worksheet is not read.")


class NoMessages:
    """Where a message would go that names a parameter sheet: back, for good."""

    pace = Pace()

    def __init__(self, name: str) -> None:
        self._name = name

    def deliver(self, delivery: Delivery) -> Receipt:
        """Raises Undelivered, for good."""
        reason = f'"{self._name}" is a parameter sheet: people write there; send messages to another destination'
        raise Undelivered(reason, retryable=False)
