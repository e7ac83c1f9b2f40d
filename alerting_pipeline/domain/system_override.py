"""What a file may say otherwise about a built-in definition: whose it is, how bad, and who hears of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from pydantic import Field

from alerting_pipeline.domain.definition import Definition, Name
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.problem import Finding
from alerting_pipeline.domain.severity import SeverityLevel
from alerting_pipeline.domain.system_definitions import DEFAULT_OWNER, SYSTEM_DEFINITIONS, SystemDefinition
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


def built_in(definitions: Iterable[Definition]) -> dict[str, SystemDefinition]:
    """All built-in definitions by name, as those of `definitions` that override one say otherwise."""
    overrides = {each.alert: each for each in definitions if isinstance(each, SystemOverride)}
    return {name: _overridden(each, overrides) for name, each in SYSTEM_DEFINITIONS.items()}


def _overridden(definition: SystemDefinition, overrides: Mapping[str, SystemOverride]) -> SystemDefinition:
    override = overrides.get(definition.alert)
    if override is None:
        return definition
    said = replace(definition, owner=override.owner, notify=override.notify)
    if not override.severity:
        return said
    only = override.severity[-1]
    within = only.respond_within or definition.respond_within
    return replace(said, level=only.level, respond_within=within, remind_every=only.remind_every)


def check_override(override: SystemOverride) -> Iterator[Finding]:
    """It must name a built-in definition, and say one level: there is nothing that several could be told apart by."""
    if len(override.severity) > 1 or any(level.when is not None for level in override.severity):
        what = "a built-in definition has one level of severity, without `when`"
        yield Finding(("severity",), what, "keep one level", code="AP308")
    if override.pause is not None:
        what = "what is wrong with the alerting itself can't be paused: it happens whether anybody looks or not"
        remedy = "remove pause; `alerting silences add kind=system` keeps it quiet for a while"
        yield Finding(("pause",), what, remedy, code="AP112")
    if override.alert not in SYSTEM_DEFINITIONS:
        remedy = did_you_mean(override.alert, SYSTEM_DEFINITIONS) or f"there are {', '.join(SYSTEM_DEFINITIONS)}"
        yield Finding(("alert",), f'"{override.alert}" is not a built-in definition', remedy, code="AP209")


def check_name(definition: Definition) -> Iterator[Finding]:
    """A definition of another kind must not carry a built-in one's name: nobody could tell their incidents apart."""
    if definition.name in SYSTEM_DEFINITIONS:
        key = "report" if hasattr(definition, "report") else "alert"
        what = f'"{definition.name}" is the name of a built-in definition'
        yield Finding((key,), what, "choose another name, or write kind: system to override it", code="AP209")
