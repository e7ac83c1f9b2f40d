"""What the ledger recorded of an alert's time: evaluations, what people did, and what was told.

Replayed in the same order at the same instants, on the marts as they were, it has to tell the same. Where it does not,
something is not a function of what was recorded, and the difference says what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from alerting_pipeline.domain.event import Acknowledge, Assign, Resolve, Snooze
from alerting_pipeline.domain.incident import Disposition
from alerting_pipeline.domain.replayed import Message
from alerting_pipeline.domain.value_set import ValueSet

EXAMPLES = 10
Did = Acknowledge | Assign | Resolve | Snooze


@dataclass(frozen=True, slots=True)
class RecordedEvaluation:
    """One evaluation. `failures`: why its model could not be believed then. `state_at`: the last instant before the
    next evaluation, by when a snapshot had seen what this one saw; a mart is evaluated whenever it is built.
    """

    at: datetime
    version: str
    values: ValueSet
    failures: tuple[str, ...] = ()
    state_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordedAct:
    """What a person did to the incident that the fingerprint had then."""

    at: datetime
    fingerprint: UUID
    did: Did


@dataclass(frozen=True, slots=True)
class RecordedLook:
    """An instant at which the clock did what was due: production looks when it is woken, which may be later."""

    at: datetime


Recorded = RecordedEvaluation | RecordedAct | RecordedLook


@dataclass(frozen=True, slots=True)
class Fidelity:
    """The delivered log against the one of the replay, as counts and the first examples of what only one has."""

    evaluations: int
    acts: int
    same: int
    only_delivered: int
    only_replayed: int
    examples: tuple[Message, ...] = ()

    @property
    def is_exact(self) -> bool:
        """The replay told what was told, and nothing else."""
        return not self.only_delivered and not self.only_replayed


def act_of(event: str, person: str, detail: Mapping[str, Any]) -> Did | None:
    """What a row of the history says that a person did; None: it is a standing snooze's work, or nobody's."""
    note = str(detail.get("note") or "")
    if event == "acknowledged":
        return Acknowledge(person, note)
    if event == "assigned":
        return Assign(person, str(detail["assignee"]), note)
    if event == "resolved":
        verdict = detail.get("disposition")
        return Resolve(person, Disposition(verdict) if verdict else None, note)
    if event == "snoozed" and "reason" not in detail:
        factor = detail.get("factor")
        return Snooze(
            person, datetime.fromisoformat(str(detail["until"])), None if factor is None else Decimal(str(factor)), note
        )
    return None


def compared(delivered: Sequence[Message], replayed: Iterable[Message], evaluations: int, acts: int) -> Fidelity:
    """Message by message: when, where, what, about whom, in which words."""
    there, here = Counter(map(_key, delivered)), Counter(map(_key, replayed))
    only_there, only_here = there - here, here - there
    first = [each for each in delivered if _key(each) in only_there]
    return Fidelity(
        evaluations, acts, (there & here).total(), only_there.total(), only_here.total(), tuple(first[:EXAMPLES])
    )


def _key(message: Message) -> tuple[Any, ...]:
    entity = None if message.entity is None else tuple(sorted(message.entity.items()))
    return message.told_at, message.destination, message.transition, entity, message.summary
