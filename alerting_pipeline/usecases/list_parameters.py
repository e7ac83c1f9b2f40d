"""Say which parameter values hold, in the order in which one goes before another, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from alerting_pipeline.domain.change_request import DEFINITION, Held, Key
from alerting_pipeline.domain.definition import Definition
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.list_entry import LEFT_OUT
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.parameters import Parameter, list_items

_PRECEDENCE = {"entity": 1, "segment": 2, "default": 3, "entry": 3}
_ORDER = ("entity", "segment", "default", "entry")


class Timelines(Protocol):
    """Where values are kept."""

    def standing(self, alert: str, now: datetime) -> Mapping[Key, Sequence[Held]]: ...


class Rules(Protocol):
    """The definitions in force."""

    @property
    def definitions(self) -> Mapping[str, Definition]: ...


def standing_values(timelines: Timelines, rules: Rules, alerts: Sequence[str], now: datetime) -> list[dict[str, Any]]:
    """Every value that holds or is planned, of these alerts or of all. Raises BadCall for an alert that isn't one."""
    for alert in alerts:
        if alert not in rules.definitions:
            hint = did_you_mean(alert, rules.definitions) or "`alerting parameters list` shows all"
            raise BadCall(f'"{alert}" is not in force; {hint}')
    found: list[dict[str, Any]] = []
    for alert, definition in sorted(rules.definitions.items()):
        parameters: Mapping[str, Parameter] = getattr(definition, "parameters", {})
        if parameters and (not alerts or alert in alerts):
            standing = timelines.standing(alert, now)
            for name, parameter in parameters.items():
                found += _of_parameter(definition, name, parameter, standing, now)
    return found


def _of_parameter(
    definition: Definition, name: str, parameter: Parameter, standing: Mapping[Key, Sequence[Held]], now: datetime
) -> Iterator[dict[str, Any]]:
    keys = sorted((key for key in standing if key.parameter == name), key=lambda key: (_ORDER.index(key.scope), key))
    for key in keys:
        for held in standing[key]:
            yield {
                "alert": key.alert,
                "parameter": name,
                "precedence": _PRECEDENCE[key.scope],
                "for": "everything else" if key.scope == "default" else f"{key.scope} {key.scope_value}",
                "scope": key.scope,
                "scope_value": key.scope_value,
                "value": _value(key, held, standing, now),
                "unit": parameter.unit,
                "minimum": parameter.minimum,
                "maximum": parameter.maximum,
                "step": None if parameter.step is None else parameter.write(parameter.step),
                "relative": None if parameter.relative is None else parameter.relative.described,
                "holds": held.covers(now),
                "from": held.valid_from,
                "until": held.valid_to,
                "where from": _origin(definition, parameter, key, held),
                "changed_by": held.changed_by,
                "approved_by": held.approved_by,
                "request_id": held.request_id,
                "reason": held.reason,
                "author": held.author or held.changed_by,
            }


def _value(key: Key, held: Held, standing: Mapping[Key, Sequence[Held]], now: datetime) -> str:
    """As the ledger keeps it; an entry is in the list or left out of it, and the list is what is in it now."""
    if key.scope == "entry":
        return "left out" if held.value == LEFT_OUT else "in the list"
    if key.scope != "default" or held.type != "list":
        return held.value
    found = [
        item
        for other, timeline in sorted(standing.items())
        if (other.parameter, other.scope) == (key.parameter, "entry")
        for each in timeline
        if each.covers(now)
        for item in list_items(each.value)
    ]
    return ", ".join((*list_items(held.value), *found)) or "empty"


def _origin(definition: Definition, parameter: Parameter, key: Key, held: Held) -> str:
    if held.changed_by == DEFINITION:
        return f"file {definition.path}" + (f", by {held.author}" if held.author else "")
    approved = f", approved by {held.approved_by}" if held.approved_by else ""
    if key.scope == "entry":
        states = "; the file states it" if parameter.entry(key.scope_value) is not None else ""
        return f"{held.changed_by}{approved}, request {held.request_id}{states}"
    stated = parameter.default if key.scope == "default" else parameter.values.get(key.scope_value)
    file = f"; the file says {parameter.write(stated)}" if stated is not None and key.scope != "entity" else ""
    return f"{held.changed_by}{approved}, request {held.request_id}{file}"
