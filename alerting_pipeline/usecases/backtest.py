"""Replay history through the production path, once with what is in force and once with what is proposed.

A stage is a ledger of the replay's own with production's evaluation, clock and flush wired to it; this use case only
says at which virtual instants they happen, and sums up. Whatever comes due between two evaluations (a reminder, a
digest, a snooze's end) is done at its own instant, so the order of events is that of the time replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from alerting_pipeline.domain.backtest import Report, Span, Summing, difference
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.evaluation import EvaluationResult
from alerting_pipeline.domain.ports import Progress
from alerting_pipeline.domain.replayed import Episode, Replayed
from alerting_pipeline.domain.value_set import ValueSet
from alerting_pipeline.domain.written import duration_text

_SHOWN_FAILURES = 3


@dataclass(frozen=True, slots=True)
class Variant:
    """A definition with its parameter values."""

    definition: AlertDefinition
    values: ValueSet


class Stage(Protocol):
    """One replay's ledger and what works on it."""

    def evaluate(self, at: datetime, number: int) -> EvaluationResult:
        """Evaluate what the model held at `at`."""
        ...

    def pass_time(self, now: datetime) -> None:
        """Do what the clock made due, and take what is waiting in the outbox as sent."""
        ...

    def next_due(self, after: datetime) -> datetime | None:
        """When the clock next makes something due."""
        ...

    def happened(self) -> Replayed: ...


Stages = Callable[[Variant], AbstractContextManager[Stage]]


@dataclass(frozen=True, slots=True)
class Backtest:
    """What is asked. `recorded`: the incidents that there were; None: the alert was not in force at that time."""

    in_force: Variant
    proposed: Variant | None
    summing: Summing
    source: str
    reads: str
    recorded: Sequence[Episode] | None = None
    notes: tuple[str, ...] = ()

    @property
    def span(self) -> Span:
        """The time that is replayed."""
        return self.summing.span


def backtest(asked: Backtest, stages: Stages, progress: Progress) -> Report:
    """The report. Raises BadCall for a time that can't be replayed, AlertingError where nothing could be evaluated."""
    span, sides = asked.span, asked.summing.side
    before = replay(asked.in_force, span, stages, progress, "in force")
    after = None if asked.proposed is None else replay(asked.proposed, span, stages, progress, "proposed")
    definition = (asked.proposed or asked.in_force).definition
    return Report(
        alert=definition.alert,
        start=span.start,
        end=span.end,
        every=span.cron or duration_text(span.every),
        source=asked.source,
        reads=asked.reads,
        in_force=sides(asked.in_force.values.shown, before),
        proposed=None if after is None or asked.proposed is None else sides(asked.proposed.values.shown, after),
        change=None if after is None else difference(before.episodes, after.episodes),
        against_ledger=None if asked.recorded is None else difference(asked.recorded, before.episodes),
        expected_per_week=definition.expected_per_week,
        notes=asked.notes,
        weeks=asked.summing.weeks,
        data_from=asked.summing.data_from,
    )


def replay(variant: Variant, span: Span, stages: Stages, progress: Progress, label: str) -> Replayed:
    """One pass over the time."""
    instants = span.instants
    failures: list[str] = []
    with stages(variant) as stage:
        now = span.start
        for number, at in enumerate(instants):
            progress.report("backtest", f"{label}, {at:%Y-%m-%d %H:%M}", number, len(instants))
            while (due := stage.next_due(now)) is not None and due < at:
                stage.pass_time(due)
                now = due
            result = stage.evaluate(at, number)
            if not result.outcome.is_judgement:
                failures.append(f"{at:%Y-%m-%d %H:%M}: {result.reason}")
            stage.pass_time(at)
            now = at
        progress.report("backtest", f"{label}, done", len(instants), len(instants))
        found = stage.happened()
    return replace(found, evaluations=len(instants), failures=tuple(failures[:_SHOWN_FAILURES]))
