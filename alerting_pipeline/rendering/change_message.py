"""What people are told of changes of parameters: approvers of a request, the requester of what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid5

from alerting_pipeline.domain.change_request import Request
from alerting_pipeline.domain.change_request import sentence as change_sentence
from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.rendering import words
from alerting_pipeline.rendering.impact_text import impact_lines
from alerting_pipeline.rendering.message import Field, Message
from alerting_pipeline.rendering.notification import NAMESPACE, Notification

_SIGN = "🎚️"
REQUESTED, DECIDED, NAMED = "change_requested", "change_decided", "change_in_your_name"


def asked(
    request: Request,
    parameter: Parameter,
    to: Iterable[str],
    book: AddressBook,
    impact: Mapping[str, Any] | None = None,
) -> list[Notification]:
    """To each of those who may approve it: what would change, what it would have done, and how to decide."""
    shown = tuple(Field(label, text) for label, text in impact_lines(impact).items())
    number = request.request_id
    message = Message(
        alert=request.change.key.alert,
        transition=REQUESTED,
        title=_title(request),
        summary=sentence(request, parameter),
        severity="",
        emoji=_SIGN,
        note=f"Decide with `alerting parameters approve {number}` or `alerting parameters reject {number}`, "
        f"until {words.day_and_time(request.expires_at)}.",
        fields=(*_fields(request, parameter), *shown),
    )
    return _to(request, message, to, book, request.requested_at)


def in_your_name(request: Request, sheet: str, book: AddressBook) -> list[Notification]:
    """To whom a sheet names as the requester: anybody can type a name, so they are to know."""
    number = request.request_id
    message = Message(
        alert=request.change.key.alert,
        transition=NAMED,
        title=f"A request in your name, typed in the sheet {sheet}",
        summary=sentence(request, None),
        severity="",
        emoji=_SIGN,
        note=f"If it wasn't you, withdraw it: `alerting parameters reject {number}`.",
        fields=_fields(request, None),
    )
    return _to(request, message, [request.requested_by], book, request.requested_at)


def decided(request: Request, parameter: Parameter | None, book: AddressBook, now: datetime) -> list[Notification]:
    """To the requester: what became of it, and why."""
    said = {"approved": "is approved", "void": "is void", "expired": "has expired"}.get(
        request.status, f"is {request.status}"
    )
    message = Message(
        alert=request.change.key.alert,
        transition=DECIDED,
        title=f"Your change of {request.change.key} {said}",
        summary=sentence(request, parameter),
        severity="",
        emoji=_SIGN,
        note=request.answer or "",
        fields=_fields(request, parameter),
    )
    return _to(request, message, [request.requested_by], book, now)


def sentence(request: Request, parameter: Parameter | None) -> str:
    """What is to change, in one line: from which value to which, and when."""
    change, unit = request.change, parameter.unit if parameter is not None else None
    begins = f", from {words.day_and_time(change.starts_at)}" if change.starts_at else ""
    ends = f", until {words.day_and_time(change.ends_at)}" if change.ends_at else ""
    return f"{change_sentence(change, unit)}{begins}{ends}"


def _title(request: Request) -> str:
    key = request.change.key
    if key.scope == "entry":
        return f"{request.requested_by} asks to change the list {key.alert}.{key.parameter}"
    return f"{request.requested_by} asks for another value of {key}"


def _fields(request: Request, parameter: Parameter | None) -> tuple[Field, ...]:
    about = parameter.description if parameter is not None else None
    found = {
        "Why": request.reason,
        "Asked for by": request.requested_by,
        "Decided by": request.decided_by or "",
        "What it is": about or "",
    }
    return tuple(Field(label, value) for label, value in found.items() if value)


def _to(request: Request, message: Message, to: Iterable[str], book: AddressBook, now: datetime) -> list[Notification]:
    places = {place.name: place for who in to for place in book.person(who, now).destinations}
    return [
        Notification(
            delivery_id=uuid5(NAMESPACE, _delivery(request, message, name)),
            destination=name,
            channel=place.channel,
            message=message,
            incident_id=None,
            alert=request.change.key.alert,
            transition=message.transition,
        )
        for name, place in places.items()
    ]


def _delivery(request: Request, message: Message, name: str) -> str:
    kind = NAMED if message.transition == NAMED else request.status
    return f"change/{request.request_id}/{kind}/{name}"
