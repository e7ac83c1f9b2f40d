"""The neutral message: what there is to say about an incident, before any destination's way of saying it.

It is stored in the outbox as JSON and read back by the channels, so it holds plain data only: no markup, no template,
no secret. Everything that came from data is text here; each channel encodes it for itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from alerting_pipeline.domain.letter import Letter

Scalar = str | int | float | bool | None

VERSION = 1
SPOKEN = frozenset({"updated", "reopened", "woken", "assigned", "reminded", "sla_warned", "sla_breached", "escalated"})
"""What is worth a sound although the message about the incident is only edited."""
RESOLVING = frozenset({"cleared", "withdrawn", "expired", "resolved", "definition_removed"})


@dataclass(frozen=True, slots=True)
class Field:
    """A labelled value, both ready to be read."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Line:
    """One of several incidents: what is wrong, how badly, and the page that shows all of it."""

    text: str
    severity: str = ""
    note: str = ""
    url: str = ""
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Incidents of one alert within a message about many. `more` counts those that aren't listed."""

    title: str
    lines: tuple[Line, ...] = ()
    more: int = 0

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Section:
        """Read back what `asdict` made."""
        return cls(data["title"], tuple(Line(**line) for line in data.get("lines", ())), data.get("more", 0))


@dataclass(frozen=True, slots=True)
class Message:
    """One incident at one transition. Instants are ISO 8601 in UTC; an empty text means that there is nothing to say.

    `record` is the flat row for sheets and tables; where `row_key` names columns of it, it is not about the incident:
    an action wrote it, and these columns find it. `thread` names the conversation, the same for all messages of an
    incident; `test` marks what was sent to try a route out. `letter` is there where it is one recipient's report;
    `sections` where it is about several incidents: a digest, a group.
    """

    alert: str
    transition: str
    title: str
    summary: str
    incident_id: int | None = None
    kind: str = "business"
    status: str = "open"
    severity: str = "medium"
    emoji: str = ""
    system: str = ""
    description: str = ""
    deviance: str = ""
    owner: str = ""
    respond_within: str = ""
    due_at: str = ""
    opened_at: str = ""
    occurred_at: str = ""
    resolved_at: str = ""
    link: str = ""
    runbook: str = ""
    incident_url: str = ""
    note: str = ""
    thread: str = ""
    is_test: bool = False
    entity: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()
    record: Mapping[str, Scalar] = field(default_factory=dict)
    row_key: tuple[str, ...] = ()
    letter: Letter | None = None
    sections: tuple[Section, ...] = ()

    @property
    def is_resolved(self) -> bool:
        """Whether the incident has ended, so that the message calms instead of asking."""
        return self.status == "resolved" or self.transition in RESOLVING

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json(to_json())` gives the same message back."""
        return {
            **asdict(self),
            "version": VERSION,
            "fields": [asdict(item) for item in self.fields],
            "entity": dict(self.entity),
            "record": dict(self.record),
            "row_key": list(self.row_key),
            "letter": asdict(self.letter) if self.letter is not None else None,
            "sections": [asdict(section) for section in self.sections],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Message:
        """Read a stored message. Keys that this version does not know are ignored, absent ones take their default."""
        known = {key: value for key, value in data.items() if key in cls.__dataclass_fields__}
        known["fields"] = tuple(Field(item["label"], item["value"]) for item in data.get("fields", ()))
        known["row_key"] = tuple(data.get("row_key", ()))
        letter = data.get("letter")
        known["letter"] = Letter(**letter) if letter is not None else None
        known["sections"] = tuple(Section.from_json(section) for section in data.get("sections", ()))
        return cls(**known)


def scalar(value: object) -> Scalar:
    """A value of the warehouse as a JSON scalar: numbers stay numbers where a double holds them exactly."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def _number(value: Decimal) -> Scalar:
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value() and value.adjusted() < 15:
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else str(value)
