"""What the ledger knows of one incident: for the page that messages link to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alerting_pipeline.rendering import words
from alerting_pipeline.rendering.text import web_link

if TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the history: when, what, who, and the details in words."""

    at: str
    event: str
    actor: str
    detail: str


@dataclass(frozen=True, slots=True)
class IncidentView:
    """An incident, its facts in words, its history, and where it was told."""

    incident_id: int
    alert: str
    status: str
    severity: str
    summary: str
    link: str
    facts: list[tuple[str, str]]
    history: list[Happened]
    deliveries: list[dict[str, Any]]


def incident_view(engine: Engine, incident_id: int) -> IncidentView | None:
    """None if there is no such incident."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("select * from alerting.incidents where incident_id = %s", (incident_id,))
        row = rows.mappings().first()
        if row is None:
            return None
        events = connection.exec_driver_sql(
            "select at, event, actor, detail from alerting.incident_events where incident_id = %s order by event_id",
            (incident_id,),
        ).mappings()
        history = [
            Happened(words.day_and_time(item["at"]), _spoken(item["event"]), item["actor"], _detail(item["detail"]))
            for item in events
        ]
        deliveries = connection.exec_driver_sql(
            "select delivery_id, destination, channel, transition, status, attempts, sent_at, error "
            "from alerting.deliveries where incident_id = %s order by created_at, delivery_id",
            (incident_id,),
        ).mappings()
        told = [
            {**item, "sent_at": words.day_and_time(item["sent_at"]) if item["sent_at"] else ""} for item in deliveries
        ]
    return IncidentView(
        incident_id=incident_id,
        alert=row["alert"],
        status=row["status"],
        severity=row["severity"],
        summary=row["summary"],
        link=web_link(row["link"] or ""),
        facts=_facts(row),
        history=history,
        deliveries=told,
    )


def _facts(row: Any) -> list[tuple[str, str]]:
    named = [
        ("Deviance", words.number(row["deviance"]) if row["deviance"] is not None else ""),
        ("Owner", row["owner"]),
        ("Opened", words.day_and_time(row["opened_at"])),
        ("Respond by", words.day_and_time(row["due_at"]) if row["due_at"] else ""),
        ("Last seen", words.day_and_time(row["last_seen_at"])),
        ("Held since", words.day_and_time(row["held_since"]) if row["held_since"] else ""),
        ("Taken by", row["acknowledged_by"] or ""),
        ("Resolved", words.day_and_time(row["resolved_at"]) if row["resolved_at"] else ""),
        ("How", _spoken(row["resolution"] or "")),
        ("Verdict", _spoken(row["disposition"] or "")),
    ]
    entity = [(str(name), words.stored(value)) for name, value in row["entity"].items()]
    fields = [(str(name), words.stored(value)) for name, value in row["fields"].items() if name not in row["entity"]]
    return [(label, value) for label, value in [*named, *entity, *fields] if value]


def _detail(detail: dict[str, Any]) -> str:
    return "; ".join(f"{_spoken(name)}: {_said(value)}" for name, value in detail.items())


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_spoken(name)} {_said(item)}" for name, item in value.items())
    return words.stored(value)


def _spoken(name: str) -> str:
    return name.replace("_", " ")
