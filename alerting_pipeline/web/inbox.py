"""The local inbox as it lies on disk: one JSON file per delivery, newest first."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.text import SEVERITY_EMOJI, clean, heading

LONGEST_FILE = 1_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivery, as it was handed to the inbox."""

    delivery_id: UUID
    written_at: datetime
    destination: str
    channel: str
    message: Message
    rendered: dict[str, Any] = field(default_factory=dict)
    to: str = ""
    sender: str = ""

    @property
    def heading(self) -> str:
        return heading(self.message)

    @property
    def severity_sign(self) -> str:
        return "✅" if self.message.is_resolved else SEVERITY_EMOJI.get(self.message.severity, "🔔")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries a page shows. `before` is the mark of the last one shown on the page before."""

    alert: str = ""
    channel: str = ""
    destination: str = ""
    incident: int | None = None
    before: str = ""
    most: int = 50

    def has(self, entry: Entry) -> bool:
        """Does it belong on the page?"""
        message = entry.message
        return (
            self.alert in ("", message.alert)
            and self.channel in ("", entry.channel)
            and self.destination in ("", entry.destination)
            and self.incident in (None, message.incident_id)
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Some deliveries, and where the next page begins (empty: there is none)."""

    entries: list[Entry]
    next_before: str = ""


class Inbox:
    """The folder. Files that are not deliveries, or not readable, are passed over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def page(self, wanted: Wanted) -> Page:
        """The newest deliveries that are wanted, at most `wanted.most`."""
        found: list[Entry] = []
        last = ""
        for mark, path in self._newest_first(wanted.before):
            if len(found) == wanted.most:
                return Page(found, last)
            entry = _read(path)
            if entry is not None and wanted.has(entry):
                found.append(entry)
                last = mark
        return Page(found)

    def entry(self, delivery_id: UUID) -> Entry | None:
        """One delivery, None if the inbox does not have it."""
        return _read(self._folder / f"{delivery_id}.json")

    def mail(self, delivery_id: UUID) -> str | None:
        """The HTML of a mail, None if there is none."""
        path = self._folder / f"{delivery_id}.html"
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def _newest_first(self, before: str) -> Iterator[tuple[str, Path]]:
        """Marks sort as time stamp, then name: many files may be written within one tick of the file system's clock."""
        try:
            with os.scandir(self._folder) as files:
                names = {
                    f"{item.stat().st_mtime_ns:020}-{item.name}": item.name
                    for item in files
                    if item.name.endswith(".json") and not item.name.startswith(".")
                }
        except FileNotFoundError:
            return
        for mark in sorted(names, reverse=True):
            if not before or mark < before:
                yield mark, self._folder / names[mark]


def _read(path: Path) -> Entry | None:
    try:
        if path.stat().st_size > LONGEST_FILE:
            return None
        document = json.loads(path.read_text(encoding="utf-8"))
        details = document.get("details", {})
        message = Message.from_json(document["message"])
        to = message.letter.to if message.letter is not None else details.get("to", "")
        return Entry(
            delivery_id=UUID(document["delivery_id"]),
            written_at=datetime.fromisoformat(document["written_at"]),
            destination=clean(document["destination"]),
            channel=clean(document["channel"]),
            message=message,
            rendered=document["rendered"],
            to=", ".join(to) if isinstance(to, list) else str(to),
            sender=str(details.get("sender", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
