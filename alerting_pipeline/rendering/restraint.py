"""Which letters leave at once, and which are held back: each for its reason, decided by what is known now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from alerting_pipeline.domain.event import Audience
from alerting_pipeline.domain.holding import ROWS, Hold, How, Why, hold_for_digest
from alerting_pipeline.domain.telling import next_digest
from alerting_pipeline.rendering.announcement import Letter
from alerting_pipeline.rendering.message import RESOLVING


@dataclass(slots=True)
class SortedOut:
    """Letters by what happens to them. What is in neither concerns nobody: nobody there has heard of it yet."""

    at_once: list[Letter] = field(default_factory=list)
    held: list[tuple[Letter, Hold]] = field(default_factory=list)


def sort_out(letters: Iterable[Letter], now: datetime) -> SortedOut:
    """Rows always leave at once; so does what people have a message about already, and what asks one of them to act."""
    found = SortedOut()
    for letter in letters:
        is_asked = letter.news.to in (Audience.OWNER, Audience.ON_CALL, Audience.LEAD)
        if letter.place.channel in ROWS or letter.how is How.ALONE or is_asked:
            found.at_once.append(letter)
            continue
        hold = _of_ending(letter, now) if letter.is_ending else _of_news(letter, now)
        if hold is not None:
            found.held.append((letter, hold))
        elif not letter.is_ending:
            found.at_once.append(letter)
    return found


def _of_news(letter: Letter, now: datetime) -> Hold | None:
    return hold_for_digest(letter.telling, letter.news.incident.severity, now)


def _of_ending(letter: Letter, now: datetime) -> Hold | None:
    """Whoever read of it in a digest reads of its end in the next one; whoever has not read of it yet never does."""
    if letter.how is not How.DIGEST or letter.news.transition.value not in RESOLVING:
        return None
    due_at = next_digest(letter.telling.digest or "daily", now)
    return Hold(Why.DIGEST, "its beginning was told in a digest", due_at)
