"""What a file may say otherwise about a built-in definition: whose it is, how bad, and who hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from alerting_pipeline.domain.definition import Definition, Name
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.problem import Finding
from alerting_pipeline.domain.severity import SeverityLevel
from alerting_pipeline.domain.system_definitions import DEFAULT_OWNER, SYSTEM_DEFINITIONS
from alerting_pipeline.domain.written import Text, Texts


class SystemOverride(Definition):
    """Owner, severity and routing of one built-in definition; what it looks for stays built in."""

    alert: Name = Field(description="The name of a built-in definition, such as evaluation_error.")
    kind: Literal["system"] = Field(description="system: about the alerting itself, for engineers.")
    owner: Text = Field(default=DEFAULT_OWNER, min_length=1, description="A team in people.yaml, responsible for it.")
    severity: tuple[SeverityLevel, ...] = Field(default=(), description="The level and the time allowed.")
    notify: Texts = Field(default=(), description="Destinations beside those of routing.yaml, for engineers.")

    @property
    def name(self) -> str:
        return self.alert


def check_override(override: SystemOverride) -> Iterator[Finding]:
    """It must name a built-in definition."""
    if override.alert not in SYSTEM_DEFINITIONS:
        remedy = did_you_mean(override.alert, SYSTEM_DEFINITIONS) or f"there are {', '.join(SYSTEM_DEFINITIONS)}"
        yield Finding(("alert",), f'"{override.alert}" is not a built-in definition', remedy, code="AP209")


def check_name(definition: Definition) -> Iterator[Finding]:
    """A definition of another kind must not carry a built-in one's name: nobody could tell their incidents apart."""
    if definition.name in SYSTEM_DEFINITIONS:
        key = "report" if hasattr(definition, "report") else "alert"
        what = f'"{definition.name}" is the name of a built-in definition'
        yield Finding((key,), what, "choose another name, or write kind: system to override it", code="AP209")
