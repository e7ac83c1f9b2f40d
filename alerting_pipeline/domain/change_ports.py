"""What changing a parameter takes and gives: a proposal, what became of it, where requests and rules are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from alerting_pipeline.domain.change_request import Change, Held, Key, Request
from alerting_pipeline.domain.definition import Definition
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.people import People

Impact = Callable[[Change], Mapping[str, Any] | None]
"""What a change would do, shown before it is decided; None where that can't be told."""


class Requests(Protocol):
    """Requests within one transaction that holds the lock of their alert."""

    def timeline(self, key: Key, now: datetime) -> list[Held]: ...

    def add(self, request: Request, impact: Mapping[str, Any] | None) -> Request: ...

    def lock(self, request_id: int) -> Request | None: ...

    def open(self, alert: str) -> list[Request]: ...

    def settle(self, request: Request) -> None: ...

    def apply(self, request: Request, value: Held | None, now: datetime) -> None: ...

    def tell(self, notifications: Sequence[Any]) -> None: ...

    def audit(self, actor: str, action: str, what: str, before: Any, after: Any) -> None: ...


class Book(Protocol):
    """Where requests are kept."""

    def begin(self, alert: str) -> AbstractContextManager[Requests]: ...

    def find(self, request_id: int) -> Request | None: ...

    def due(self) -> list[str]: ...


class Rules(Protocol):
    """What is in force now: definitions with their parameters, people, and where messages can go."""

    @property
    def definitions(self) -> Mapping[str, Definition]: ...

    @property
    def people(self) -> People: ...

    @property
    def destinations(self) -> Mapping[str, Destination]: ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody wants. `written` is the new value as it was written, None to have no value of its own any more.

    `expected` is the value that the person saw, where they say so. `starts_at` None: at once.
    """

    key: Key
    written: Any
    person: str
    reason: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class Tuned:
    """What became of it; `waits_for` are the people who may approve, `also_void` requests that it made inexact."""

    request: Request
    impact: Mapping[str, Any] | None = None
    waits_for: tuple[str, ...] = ()
    also_void: tuple[Request, ...] = ()

    @property
    def is_in_force(self) -> bool:
        """Is it approved? A planned one takes effect at its time."""
        return self.request.status == "approved"
