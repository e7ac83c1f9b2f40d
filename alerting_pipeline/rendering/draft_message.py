"""What people are told of new alerts that somebody asked for: approvers of the draft, the requester of the answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import uuid5

from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.draft_request import DraftRequest
from alerting_pipeline.rendering import words
from alerting_pipeline.rendering.message import Field, Message
from alerting_pipeline.rendering.notification import NAMESPACE, Notification

_SIGN = "📝"
REQUESTED, DECIDED = "alert_requested", "alert_decided"


def asked(request: DraftRequest, to: Iterable[str], book: AddressBook) -> list[Notification]:
    """To each of those who may approve it: what the alert is, what it would have done, and how to decide."""
    number = request.request_id
    message = Message(
        alert=request.file.alert,
        transition=REQUESTED,
        title=f"{request.requested_by} asks for a new alert: {request.file.alert}",
        summary=sentence(request),
        severity="",
        emoji=_SIGN,
        note=f"`alerting drafts show {number}` shows the file; decide with `alerting drafts approve {number}` or "
        f"`alerting drafts reject {number}`, until {words.day_and_time(request.expires_at)}.",
        fields=_fields(request),
    )
    return _to(request, message, to, book, request.requested_at)


def decided(request: DraftRequest, book: AddressBook, now: datetime) -> list[Notification]:
    """To the requester: what became of it, and why."""
    said = {"approved": "is approved and written", "void": "is void", "expired": "has expired"}.get(
        request.status, f"is {request.status}"
    )
    message = Message(
        alert=request.file.alert,
        transition=DECIDED,
        title=f"Your new alert {request.file.alert} {said}",
        summary=sentence(request),
        severity="",
        emoji=_SIGN,
        note=request.answer or "",
        fields=_fields(request),
    )
    return _to(request, message, [request.requested_by], book, now)


def sentence(request: DraftRequest) -> str:
    """What the alert would have done, in one line."""
    impact = request.impact or {}
    if "incidents_per_week" not in impact:
        return f"{request.file.alert} reads {request.file.definition.get('model')}; its past is not known"
    firing = impact.get("violations", 0)
    return (
        f"{request.file.alert} would fire for {firing:,} row{'' if firing == 1 else 's'} now, and opened "
        f"{impact['incidents_per_week']:.1f} incidents a week over the last {impact['days']} days"
    )


def _fields(request: DraftRequest) -> tuple[Field, ...]:
    said = request.file.definition
    found = {
        "Why": request.reason,
        "Asked for by": request.requested_by,
        "Decided by": request.decided_by or "",
        "Owner": request.file.owner,
        "Model": str(said.get("model") or ""),
        "Condition": str(said.get("condition") or ""),
        "File": request.file.path,
        "Commit": (request.commit or "")[:10],
    }
    return tuple(Field(label, value) for label, value in found.items() if value)


def _to(
    request: DraftRequest, message: Message, to: Iterable[str], book: AddressBook, now: datetime
) -> list[Notification]:
    places = {place.name: place for who in to for place in book.person(who, now).destinations}
    return [
        Notification(
            delivery_id=uuid5(NAMESPACE, f"draft/{request.request_id}/{request.status}/{name}"),
            destination=name,
            channel=place.channel,
            message=message,
            incident_id=None,
            alert=request.file.alert,
            transition=message.transition,
        )
        for name, place in places.items()
    ]
