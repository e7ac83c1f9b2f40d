"""An entry of a list: a text, and where it is said, until when it belongs to the list, why, and who put it there.

An exception that nobody remembers is how alerts go silent, so an entry can end by itself, and says its reason. Each
entry is a value with a timeline of its own: two people who add different ones at once both get what they asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.written import instant, is_null, text, text_list

LEFT_OUT = "{}"
"""What the ledger keeps of an entry that somebody took out although the file states it: it adds nothing."""

_KEYS = ("value", "until", "reason", "author")


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One entry; `until` is the first instant at which it is no longer in the list, None: it stays."""

    value: str
    until: datetime | None = None
    reason: str | None = None
    author: str | None = None

    @property
    def written(self) -> str | dict[str, str]:
        """A form that `list_entries` takes back."""
        said = {"until": self.until and self.until.isoformat(), "reason": self.reason, "author": self.author}
        more = {key: value for key, value in said.items() if value is not None}
        return {"value": self.value, **more} if more else self.value

    def is_in(self, at: datetime) -> bool:
        """Does it belong to the list at that instant?"""
        return self.until is None or at < self.until


def list_entries(written: Any) -> tuple[ListEntry, ...]:
    """The entries as a file states them: texts, or {value, until, reason, author}. Mistake is a sentence."""
    if isinstance(written, Mapping):
        written = (written,)
    if isinstance(written, str | bytes | bytearray) or not isinstance(written, Sequence):
        return tuple(ListEntry(each) for each in text_list(written))
    found: dict[str, ListEntry] = {}
    for item in written:
        entry = _entry(item) if isinstance(item, Mapping) else ListEntry(text(item))
        if entry.value in found:
            raise Mistake("AP113", f'has the entry "{entry.value}" twice; keep one of them')
        found[entry.value] = entry
    return tuple(found.values())


def _entry(written: Mapping[Any, Any]) -> ListEntry:
    for key in written:
        if key not in _KEYS:
            hint = did_you_mean(str(key), _KEYS) or f"an entry has {', '.join(_KEYS)}"
            raise Mistake("AP102", f'has an entry with the key "{key}", which there is not; {hint}')
    said = {key: None if is_null(value) else value for key, value in written.items()}
    if said.get("value") is None:
        raise Mistake("AP103", "has an entry without a value; write {value: …, until: …, reason: …}")
    until, reason, author = said.get("until"), said.get("reason"), said.get("author")
    return ListEntry(
        value=text(said["value"]),
        until=None if until is None else _end(until),
        reason=None if reason is None else text(reason),
        author=None if author is None else text(author),
    )


def _end(written: Any) -> datetime:
    """An instant, or a day: then the entry ends as that day begins, in UTC."""
    day = None
    if isinstance(written, date) and not isinstance(written, datetime):
        day = written
    elif isinstance(written, str) and len(written) == len("2026-03-01"):
        try:
            day = date.fromisoformat(written)
        except ValueError:
            raise Mistake("AP109", f'until "{written}" is not a day; write one such as 2026-12-01') from None
    if day is not None:
        return datetime.combine(day, time(), UTC)
    try:
        return instant(written)
    except Mistake as problem:
        raise Mistake(problem.code, f"until {problem}") from None
