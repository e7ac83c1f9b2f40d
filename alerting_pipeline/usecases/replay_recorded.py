"""Replay what the ledger recorded of an alert: the same evaluations and acts of people, at the same instants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from alerting_pipeline.domain.ports import Progress
from alerting_pipeline.domain.recorded import Did, Fidelity, Recorded, RecordedAct, RecordedEvaluation, compared
from alerting_pipeline.domain.replayed import Message, Replayed


class RecordedStage(Protocol):
    """A stage that evaluates and acts as it was recorded."""

    def evaluate_recorded(self, recorded: RecordedEvaluation, number: int) -> None: ...

    def act(self, fingerprint: UUID, did: Did, now: datetime) -> None: ...

    def pass_time(self, now: datetime) -> None: ...

    def happened(self) -> Replayed: ...


def replay_recorded(
    recorded: Sequence[Recorded],
    delivered: Sequence[Message],
    stage: Callable[[], AbstractContextManager[RecordedStage]],
    progress: Progress,
) -> Fidelity:
    """How what is told again differs from what was told. `recorded` goes forward in time, and begins with the alert."""
    with stage() as playing:
        for number, each in enumerate(recorded):
            progress.report("replay", f"{each.at:%Y-%m-%d %H:%M}", number, len(recorded))
            if isinstance(each, RecordedEvaluation):
                playing.evaluate_recorded(each, number)
            elif isinstance(each, RecordedAct):
                playing.act(each.fingerprint, each.did, each.at)
            else:
                playing.pass_time(each.at)
        progress.report("replay", "done", len(recorded), len(recorded))
        found = playing.happened()
    evaluations = sum(isinstance(each, RecordedEvaluation) for each in recorded)
    acts = sum(isinstance(each, RecordedAct) for each in recorded)
    return compared(delivered, found.messages, evaluations, acts)
