"""A row that was written to a sheet, table or file: as it was before, and as it is since; so that it can be undone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from alerting_pipeline.domain.ports import Delivery


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """`before` and `after` are JSON objects as text, so that no digit is lost; None: there was, or is, no row.

    `kept` are our columns that somebody had typed over: they were left alone, and `after` says what we wrote last.
    """

    delivery_id: UUID
    incident_id: int | None
    alert: str
    destination: str
    channel: str
    place: str
    key: Mapping[str, Any]
    before: str | None
    after: str | None
    kept: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[str, ...]:
        """The columns whose value the writing changed, where there was a row before and is one since."""
        if self.before is None or self.after is None:
            return ()
        before, after = _read(self.before), _read(self.after)
        return tuple(name for name in after if name not in self.kept and before.get(name) != after[name])

    @property
    def values(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Before and after, for people."""
        return (
            None if self.before is None else json.loads(self.before),
            None if self.after is None else json.loads(self.after),
        )


class NotUndone(Exception):
    """A row could not be put back as it was, for a reason that is a sentence for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RowLedger(Protocol):
    """The ledger of written rows. With a `transaction`, it writes within that one."""

    def note(self, rows: Sequence[WrittenRow], transaction: Any = None) -> None:
        """Keep the rows; one whose delivery is known already stays as it was noted first."""
        ...

    def last(self, destination: str, incidents: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        """What was last written about each of these incidents."""
        ...

    def mark_undone(self, delivery_id: UUID, person: str, transaction: Any = None) -> None:
        """Raises NotUndone where somebody undid it already."""
        ...


@runtime_checkable
class Undoable(Protocol):
    """A channel that knows what it wrote: it can say beforehand, and take back afterwards."""

    def preview(self, deliveries: Sequence[Delivery]) -> list[WrittenRow]:
        """What handing these over would write; nothing is kept of it. Raises Undelivered where it can't be said."""
        ...

    def take_back(self, row: WrittenRow, person: str) -> None:
        """Put the row back as it was before. Raises NotUndone where somebody has changed it since."""
        ...


def is_same(one: Any, other: Any) -> bool:
    """Are two cells the same for people? Nothing and an empty text are; numbers are compared by their value."""
    if one in (None, "") or other in (None, ""):
        return one in (None, "") and other in (None, "")
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return one == other if numbers or type(one) is type(other) else str(one).strip() == str(other).strip()


def _read(written: str) -> dict[str, Any]:
    """Numbers stay the digits that they are."""
    return json.loads(written, parse_float=str, parse_int=str)
