"""From a violation to the event that opens or updates an incident: its summary, its link, the fields that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.event import Terms, Violated
from alerting_pipeline.domain.parameters import Parameter, list_items
from alerting_pipeline.domain.relative import AS_SET
from alerting_pipeline.domain.violation import Violation
from alerting_pipeline.domain.written import duration
from alerting_pipeline.rendering.template import BadTemplate, render, variables

LONGEST_SUMMARY = 1_000


def violated(
    violation: Violation, definition: AlertDefinition, terms: Terms, as_of: datetime, public_url: str
) -> tuple[Violated, str | None]:
    """The event, and what was wrong with its templates, if anything: a text that can't be filled in must not keep an
    incident from being opened.
    """
    fields = {name: typed(value, definition.parameters, name) for name, value in violation.record.items()}
    values = {**_named(violation, definition, as_of, public_url), **fields}
    summary, wrong = _filled(definition.summary, values)
    link, also_wrong = _filled(definition.link, values, is_address="urlencode" not in definition.link)
    event = Violated(
        terms=terms,
        fingerprint=violation.fingerprint,
        entity=violation.entity,
        severity=violation.severity,
        summary=summary or f"{definition.heading}: {_entity(violation)}",
        deviance=violation.deviance,
        fields=fields,
        link=link,
        occurred_at=violation.occurred_at,
    )
    return event, wrong or also_wrong


def typed(value: Any, parameters: Mapping[str, Parameter], name: str) -> Any:
    """A value of the record as a Python value: parameters come as stored text, columns as JSON has them."""
    parameter = parameters.get(name)
    base = parameters.get(name.removesuffix(AS_SET))  # its threshold for the row, or the value that it comes of
    if base is not None and base.relative is not None and isinstance(value, str):
        return Decimal(value)
    if parameter is not None and parameter.type == "duration" and isinstance(value, int | Decimal):
        return timedelta(seconds=float(value))
    if parameter is None or not isinstance(value, str):
        return value
    if parameter.type == "number":
        return Decimal(value)
    if parameter.type == "integer":
        return int(value)
    if parameter.type == "duration":
        return duration(value)
    if parameter.type == "list":
        return ", ".join(list_items(value))
    return value == "true" if parameter.type == "boolean" else value


def _named(violation: Violation, definition: AlertDefinition, as_of: datetime, public_url: str) -> dict[str, Any]:
    """What a template may name beside columns and parameters. An incident has no number yet when it is described."""
    return {
        "alert": definition.alert,
        "title": definition.heading,
        "entity": _entity(violation),
        "severity": violation.severity,
        "deviance": violation.deviance,
        "owner": definition.owner,
        "system": definition.system,
        "as_of": as_of,
        "opened_at": as_of,
        "occurred_at": violation.occurred_at,
        "incident_id": "",
        "public_url": public_url,
    }


def _entity(violation: Violation) -> str:
    return ", ".join(str(value) for value in violation.entity.values())


def _filled(template: str, values: Mapping[str, Any], *, is_address: bool = False) -> tuple[str | None, str | None]:
    try:
        used = {name: values[name] for name in _names(template) if name in values}
        return render(template, _encoded(used) if is_address else used)[:LONGEST_SUMMARY], None
    except BadTemplate as problem:
        return None, str(problem)


@lru_cache(maxsize=1024)
def _names(template: str) -> frozenset[str]:
    """The names of a template, so that a hundred thousand violations do not carry what none of them shows."""
    return variables(template)


def _encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they stand in a web address: a customer's name must not add a parameter, or end the address."""
    return {name: value if name == "public_url" else quote(_raw(value), safe="") for name, value in values.items()}


def _raw(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, timedelta):
        return str(int(value.total_seconds()))
    return value.isoformat() if isinstance(value, datetime) else str(value)
