"""What became of an entity that the scan did not return: clear, gone, still standing, or not to be judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from alerting_pipeline.domain.event import Cleared, Event, Gone, Reason, StillStanding, Unjudged
from alerting_pipeline.domain.violation import Missing


class Answer(NamedTuple):
    """How the row of an entity was found: whether its condition holds, and whether the way out does; None is NULL."""

    hit: bool | None
    way_out: bool | None


def sighting(answer: Answer | None, *, has_way_out: bool) -> Event | None:
    """The event for an open incident; None: the condition holds, which is a violation like any other.

    An incident clears only if its row was read and its condition was FALSE, or `clear_when` TRUE. No row: withdrawn.
    """
    if answer is None:
        return Gone()
    if answer.hit:
        return None
    if has_way_out and answer.way_out:
        return Cleared(Reason.CLEAR_WHEN_TRUE)
    if answer.hit is None:
        return Unjudged(Reason.CONDITION_NULL)
    if not has_way_out:
        return Cleared(Reason.CONDITION_FALSE)
    return StillStanding() if answer.way_out is False else Unjudged(Reason.CLEAR_WHEN_NULL)


def has_left(answer: Answer | None) -> bool:
    """Has a known fingerprint left its condition, so that the next violation is a new issue?"""
    return answer is None or answer.hit is False


@dataclass(slots=True)
class Found:
    """What look-ups found: rows that still violate, what became of open incidents, fingerprints that were left."""

    violations: list[Mapping[str, Any]] = field(default_factory=list)
    events: list[tuple[Missing, Event]] = field(default_factory=list)
    left: list[Missing] = field(default_factory=list)


def sort_out(missing: Iterable[Missing], rows: Mapping[UUID, Mapping[str, Any]], *, has_way_out: bool) -> Found:
    """Each missing fingerprint by what its row says; `rows` has `hit` and `way_out` beside a scan's columns."""
    found = Found()
    for item in missing:
        row = rows.get(item.fingerprint)
        answer = Answer(row["hit"], row["way_out"]) if row is not None else None
        event = sighting(answer, has_way_out=has_way_out)
        if event is None and row is not None:
            found.violations.append(row)
        elif item.is_open and event is not None:
            found.events.append((item, event))
        elif has_left(answer):
            found.left.append(item)
    return found
