"""What asking for a new alert takes: where requests are kept, and the folder that approved ones are written to."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from alerting_pipeline.domain.draft_request import DraftRequest, NewFile
from alerting_pipeline.domain.people import Person


class DraftDesk(Protocol):
    """Requests within one transaction that holds the lock of a name."""

    def waiting(self, alert: str) -> DraftRequest | None: ...

    def add(self, request: DraftRequest) -> DraftRequest: ...

    def lock(self, request_id: int) -> DraftRequest | None: ...

    def settle(self, request: DraftRequest) -> None: ...

    def tell(self, notifications: Sequence[Any]) -> None: ...

    def audit(self, actor: str, action: str, what: str, before: Any, after: Any) -> None: ...


class DraftBook(Protocol):
    """Where requests are kept."""

    def begin(self, alert: str) -> AbstractContextManager[DraftDesk]: ...

    def find(self, request_id: int) -> DraftRequest | None: ...

    def open(self) -> list[DraftRequest]: ...


@dataclass(frozen=True, slots=True)
class Signature:
    """Who stands behind a commit, by short name and as people.yaml knows them."""

    name: str
    person: Person


class NewFiles(Protocol):
    """The folder of definitions, for files that are not there yet."""

    def written(self, request: DraftRequest) -> str | None:
        """The commit that wrote exactly this request; None where there is none."""
        ...

    def staleness(self, file: NewFile) -> str | None:
        """Why the file would not be what was asked for; None where it would."""
        ...

    def write(self, request: DraftRequest, author: Signature, approver: Signature) -> str:
        """Write and commit it; returns the commit. Raises AlertingError, and leaves nothing behind then."""
        ...


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a request; `waits_for` are the people who may approve it."""

    request: DraftRequest
    waits_for: tuple[str, ...] = ()
