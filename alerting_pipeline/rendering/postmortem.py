"""The postmortem of an incident as Markdown: what the ledger knows is written, what only people know is left to them.

Instants stand in UTC and by the clock of the team that answers for it. Everything that comes from data, from errors or
from people is escaped: no value makes a heading, a link, a row or a mention of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerting_pipeline.domain.build_trouble import RUNBOOK_OF_MODEL
from alerting_pipeline.rendering import words
from alerting_pipeline.rendering.markdown import escape
from alerting_pipeline.rendering.notification import delivery_id

_LONGEST = 500
_TO_FILL_IN = """\
## Impact

_Who saw what, for how long, and what was decided on it?_

## Root cause

_What failed, and why was it possible?_

## What went well

-

## What went badly

-

## Actions

| what | who | until |
|---|---|---|
| | | |
"""


@dataclass(frozen=True, slots=True)
class Waited:
    """What an alert could not say meanwhile: how many of its evaluations were held, and between which instants."""

    alert: str
    outcome: str
    evaluations: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """What the ledger knows of an incident: its row, its history, its messages, what was held back, what waited.

    `incident`, `events`, `deliveries` and `held_back` are rows of the views of those names. `zone` is its team's.
    """

    title: str
    runbook: str
    zone: str
    incident: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]] = ()
    deliveries: Sequence[Mapping[str, Any]] = ()
    held_back: Sequence[Mapping[str, Any]] = ()
    waited: Sequence[Waited] = field(default_factory=tuple)


def postmortem(account: Account) -> str:
    """The whole document, ready to be filled in."""
    incident = account.incident
    parts = [
        f"# Postmortem: {_said(account.title)} (incident {incident['incident_id']})",
        _said(incident["summary"]),
        _table(("", ""), _facts(account)),
        "## Timeline",
        _table(("UTC", _said(account.zone), "what happened", "by", "told"), _timeline(account)),
    ]
    if account.waited:
        columns = ("alert", "why", "evaluations held", "first (UTC)", "last (UTC)")
        parts += ["## What could not be said meanwhile", _table(columns, [_waited(each) for each in account.waited])]
    if account.held_back:
        columns = ("held (UTC)", "for", "what", "why", "then")
        parts += ["## Messages held back", _table(columns, [_held(each) for each in account.held_back])]
    if failed := [each for each in account.deliveries if each["status"] != "sent"]:
        columns = ("for", "what", "status", "attempts", "error")
        parts += ["## Messages that did not arrive", _table(columns, [_undelivered(each) for each in failed])]
    return "\n\n".join([*parts, _TO_FILL_IN])


def _facts(account: Account) -> list[tuple[str, str]]:
    incident, opened = account.incident, account.incident["opened_at"]
    entity = ", ".join(f"{column} {value}" for column, value in incident["entity"].items())
    facts = [
        ("Alert", _said(incident["alert"])),
        ("About", _said(entity)),
        ("Kind, severity", _said(f"{incident['kind']}, {incident['severity']}")),
        ("Owner", _said(incident["owner"])),
        ("Opened", _both(opened, account.zone)),
        ("Taken", _taken(account)),
        ("Time allowed", _allowed(account)),
        ("Ended", _ended(account)),
        ("Runbook", _said(incident["fields"].get(RUNBOOK_OF_MODEL) or account.runbook)),
    ]
    fields = {name: value for name, value in incident["fields"].items() if name != RUNBOOK_OF_MODEL}
    facts += [(_said(name.replace("_", " ").capitalize()), _said(value)) for name, value in fields.items()]
    return [(name, value) for name, value in facts if value]


def _taken(account: Account) -> str:
    at, opened = account.incident["acknowledged_at"], account.incident["opened_at"]
    if at is None:
        return "by nobody"
    who = _said(account.incident["acknowledged_by"])
    return f"{_both(at, account.zone)} by {who}, after {_span(opened, at)}"


def _allowed(account: Account) -> str:
    incident = account.incident
    due, breached = incident["due_at"], incident["sla_breached_at"]
    if due is None:
        return ""
    answered = incident["responded_at"] or incident["resolved_at"]
    is_late = breached is not None or (answered is not None and answered > due)
    kept = "not kept" if is_late else "kept" if answered is not None else "nobody has responded yet"
    return f"until {_both(due, account.zone)}, {kept}"


def _ended(account: Account) -> str:
    incident, at = account.incident, account.incident["resolved_at"]
    if at is None:
        return "not yet"
    by = f" by {_said(incident['resolved_by'])}" if incident["resolved_by"] else ""
    verdict = f", {_said(incident['disposition'])}" if incident["disposition"] else ""
    after = f"after {_span(incident['opened_at'], at)}"
    return f"{_both(at, account.zone)} as {_said(incident['resolution'])}{by}{verdict}, {after}"


def _timeline(account: Account) -> list[tuple[str, ...]]:
    """One row an event."""
    told: dict[int, list[str]] = {}
    for each in account.deliveries:
        if each["status"] == "sent" and (number := _event_of(each, account)) is not None:
            told.setdefault(number, []).append(each["destination"])
    rows = []
    for number, event in enumerate(account.events):
        detail = "; ".join(f"{name}: {_inline(value)}" for name, value in event["detail"].items())
        what = f"{event['event']}{f' ({detail})' if detail else ''}"
        heard = ", ".join(dict.fromkeys(told.get(number, [])))
        utc, local = _clocks(event["at"], account.zone)
        rows.append((utc, local, _said(what), _said(event["actor"]), _said(heard)))
    return rows


def _event_of(delivery: Mapping[str, Any], account: Account) -> int | None:
    """The place of the event that a message tells. Its key is made of it; its instant is of another clock."""
    incident, name = account.incident["incident_id"], delivery["transition"]
    of_that_name = [number for number, event in enumerate(account.events) if event["event"] == name]
    for number in of_that_name:
        key = delivery_id(incident, account.events[number].get("event_id") or "", delivery["destination"])
        if delivery.get("delivery_id") == key:
            return number
    return of_that_name[0] if of_that_name else None


def _waited(each: Waited) -> tuple[str, ...]:
    first, last = (f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" for at in (each.first, each.last))
    return _said(each.alert), _said(each.outcome), f"{each.evaluations:,}", first, last


def _held(each: Mapping[str, Any]) -> tuple[str, ...]:
    at = f"{each['held_at'].astimezone(UTC):%Y-%m-%d %H:%M}"
    why = f"{each['why']}{': ' + str(each['reason']) if each['reason'] else ''}"
    return at, _said(each["destination"]), _said(each["transition"]), _said(why), _said(each["fate"] or "still held")


def _undelivered(each: Mapping[str, Any]) -> tuple[str, ...]:
    error = "" if each["error"] is None else each["error"]
    said = [_said(each[column]) for column in ("destination", "transition", "status")]
    return (*said, f"{each['attempts']}", _said(error))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in line)}|" for line in lines)


def _both(at: datetime, zone: str) -> str:
    utc, local = _clocks(at, zone)
    return f"{utc} UTC" if zone == "UTC" else f"{utc} UTC ({local} {_said(zone)})"


def _clocks(at: datetime, zone: str) -> tuple[str, str]:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}", f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def _span(since: datetime, until: datetime) -> str:
    return words.duration(until - since)


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_inline(item)}" for name, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _said(value: object) -> str:
    """One line of Markdown that shows as itself, of a bounded length."""
    shown = " ".join(str(value).split())
    return escape(shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…")
