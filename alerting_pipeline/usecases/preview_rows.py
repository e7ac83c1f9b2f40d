"""What a dry run would write to sheets, tables and files: each row as it is, and as it would be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alerting_pipeline.domain.ports import Delivery, Undelivered
from alerting_pipeline.domain.written_row import Undoable


@dataclass(frozen=True, slots=True)
class RowPreview:
    """One row. `before` None: it would be new; `after` None: it would go. `kept`: columns that people typed over."""

    place: str
    alert: str
    incident_id: int | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    kept: tuple[str, ...] = ()

    @property
    def change(self) -> str:
        """The change in words."""
        if self.after is None:
            return "the row would go"
        if self.before is None:
            shown = {name: value for name, value in self.after.items() if value not in (None, "")}
            return f"new: {', '.join(f'{name} {value}' for name, value in shown.items())}"
        changed = [
            f"{name}: {self.before.get(name)} → {value}"
            for name, value in self.after.items()
            if name not in self.kept and self.before.get(name) != value
        ]
        return ", ".join(changed) or "unchanged"


@dataclass(frozen=True, slots=True)
class DestinationPreview:
    """The rows for one destination. `failure` says why they can't be told; halted ones would wait for approval."""

    destination: str
    rows: Sequence[RowPreview] = field(default_factory=list)
    halted: int = 0
    failure: str = ""


def preview_rows(
    rehearsed: Sequence[tuple[Delivery, bool]], channel_of: Callable[[str], object]
) -> list[DestinationPreview]:
    """One preview for each destination, in the order in which they come up."""
    grouped: dict[str, list[tuple[Delivery, bool]]] = {}
    for delivery, is_halted in rehearsed:
        grouped.setdefault(delivery.destination, []).append((delivery, is_halted))
    return [_preview(name, rows, channel_of) for name, rows in grouped.items()]


def _preview(
    name: str, rows: Sequence[tuple[Delivery, bool]], channel_of: Callable[[str], object]
) -> DestinationPreview:
    halted = sum(is_halted for _, is_halted in rows)
    try:
        channel = channel_of(name)
        if not isinstance(channel, Undoable):
            return DestinationPreview(name, halted=halted, failure="its channel can't say beforehand what it writes")
        written = channel.preview([delivery for delivery, _ in rows])
    except Undelivered as error:
        return DestinationPreview(name, halted=halted, failure=error.reason)
    shown = [RowPreview(row.place, row.alert, row.incident_id, *row.values, row.kept) for row in written]
    return DestinationPreview(name, shown, halted)
