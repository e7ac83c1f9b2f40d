"""Put written rows back as they were before, the newest first; one that somebody has changed since is left alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from alerting_pipeline.domain.ports import Undelivered
from alerting_pipeline.domain.written_row import NotUndone, Undoable, WrittenRow


class Audit(Protocol):
    """Where deeds of people are kept."""

    def audit(self, actor: str, action: str, what: str, before: Any, after: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of one row; `refused` says why it stands as it is."""

    delivery_id: str
    destination: str
    place: str
    incident_id: int | None
    refused: str = ""


ChannelOf = Callable[[str], object]
"""The channel of a destination by its name."""


def undo_rows(rows: Sequence[WrittenRow], channel_of: ChannelOf, audit: Audit, person: str) -> list[Undone]:
    """Undo each row for itself, and note who did it. What was refused once more recently keeps its older writings."""
    found: list[Undone] = []
    stuck: set[tuple[str, str]] = set()
    for row in rows:
        key = (row.destination, str(sorted(row.key.items())))
        about = (str(row.delivery_id), row.destination, row.place, row.incident_id)
        if key in stuck:
            found.append(Undone(*about, "what was written over it since was not undone"))
            continue
        try:
            channel = channel_of(row.destination)
            if not isinstance(channel, Undoable):
                raise NotUndone(f"{row.destination} takes no rows any more")
            channel.take_back(row, person)
        except NotUndone as error:
            stuck.add(key)
            found.append(Undone(*about, error.reason))
        except Undelivered as error:
            stuck.add(key)
            found.append(Undone(*about, error.reason))
        else:
            before, after = row.values
            audit.audit(person, "row_undone", f"delivery {row.delivery_id}", after, before)
            found.append(Undone(*about))
    return found
