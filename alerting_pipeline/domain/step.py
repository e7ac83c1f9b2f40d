"""What a step of the lifecycle leads to, and how it is put on record: by the program, or by a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from alerting_pipeline.domain.event import Intent, Reason, Record
from alerting_pipeline.domain.incident import Incident, Transition

PROGRAM = "alerting"


class Step(NamedTuple):
    """What a step led to. The same incident and no intents: nothing is to be written."""

    incident: Incident | None
    intents: tuple[Intent, ...]
    reason: Reason


def by_program(transition: Transition, reason: Reason, detail: Mapping[str, Any] | None = None) -> Record:
    """The program's entry in the history, with the reason."""
    return Record(transition, PROGRAM, {"reason": reason.value, **(detail or {})})


def shown(**values: Any) -> dict[str, Any]:
    """The detail of an event, in JSON types; what is not there is left out."""
    kept = {name: value for name, value in values.items() if value not in (None, "")}
    return {name: _plain(value) for name, value in kept.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
