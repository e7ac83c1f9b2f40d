"""What became of an entity that the scan did not return: clear, gone, still standing, or not to be judged."""

from __future__ import annotations

from typing import NamedTuple

from alerting_pipeline.domain.event import Cleared, Event, Gone, Reason, StillStanding, Unjudged


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
