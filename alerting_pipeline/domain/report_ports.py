"""What sending reports needs of the warehouse and the ledger, as Protocols; adapters and store fulfil them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from alerting_pipeline.domain.letter import DueLetter, Judged, SendResult
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.system_definitions import SystemFinding


class ReportRows(Protocol):
    """The warehouse, read for a report."""

    def stream(self, definition: ReportDefinition, window: datetime, as_of: datetime) -> Iterator[bytes]:
        """The rows, as lines of COPY's text format with the columns of LETTER_COLUMNS. Raises AlertingError."""
        ...


class ReportTransaction(Protocol):
    """The ledger within one transaction, for one report."""

    def lock(self, report: str) -> None:
        """Wait for whoever is sending this report, and keep others waiting until the end."""
        ...

    def load(self, lines: Iterable[bytes]) -> None:
        """Take in the rows; if the stream breaks off, nothing of it stays."""
        ...

    def settle(self, report: str, result: SendResult) -> None:
        """Keep one row per message, leave out what was queued before, and count all that in the result."""
        ...

    def unsent(self, definition: ReportDefinition, *, with_known: bool = False) -> Iterator[list[DueLetter]]:
        """What is left, some hundred rows at a time, each with whether its recipient has unsubscribed.

        `with_known`: and with what became of the message that was written of it before.
        """
        ...

    def write(self, definition: ReportDefinition, judged: Sequence[Judged], as_of: datetime) -> int:
        """The rows' fates, with the outbox rows of those that are queued; returns how many of those are new."""
        ...

    def was_read(self, report: str) -> bool:
        """Could the report's mart be read in some earlier pass?"""
        ...

    def record(self, definition: ReportDefinition, result: SendResult) -> None:
        """How the window stands after this look."""
        ...

    def report(self, findings: Sequence[SystemFinding], now: datetime) -> None:
        """Open system incidents, as far as they don't stand already."""
        ...

    def clear(self, alert: str, entity: Mapping[str, str], now: datetime) -> None:
        """End a system incident: what was wrong works again."""
        ...


class ReportLedger(Protocol):
    """The ledger as sending reports sees it."""

    def begin(self) -> AbstractContextManager[ReportTransaction]: ...

    def rehearse(self) -> AbstractContextManager[ReportTransaction]:
        """The same, always taken back."""
        ...
