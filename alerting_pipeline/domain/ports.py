"""What the use cases need from the outside world, as Protocols; adapters and store fulfil them without importing them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The business clock. Stored instants come from here, so that a story can be told at any instant."""

    def now(self) -> datetime:
        """The instant that counts as now, timezone-aware, in UTC."""
        ...


class Progress(Protocol):
    """Where long work says how far it is; shells show it as a bar, a line or a log entry."""

    def report(self, step: str, item: str, done: int, total: int | None = None) -> None:
        """`done` of `total` items of `step` are finished; `item` is the one in hand. total None: not known."""
        ...
