"""Do what has become due: windows of schedules, what time alone changes, materializations from elsewhere.

Whoever is woken (by a schedule, a sensor, a person) notes what the clock made due and works off all that is there. So
a wake-up that comes twice does nothing, and one that never came is made up for by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.evaluation import EvaluationResult, Health, Order
from alerting_pipeline.domain.window import (
    CLOCK,
    CRON,
    MATERIALIZATION,
    DueWork,
    clock_window,
    depends_on_time,
    windows_between,
)


class DueLedger(Protocol):
    """Work that is due once, noted under its key."""

    def add(self, entries: list[DueWork]) -> int: ...

    def take(self, kind: str, worker: str) -> list[DueWork]: ...

    def finish(self, entry: DueWork) -> None: ...

    def give_back(self, entry: DueWork) -> None: ...

    def last(self, work: str) -> datetime | None: ...


class Evaluates(Protocol):
    """The evaluator, as far as due work needs it."""

    @property
    def definitions(self) -> Mapping[str, AlertDefinition]: ...

    def of_model(self, model: str, order: Order) -> list[EvaluationResult]: ...

    def evaluate(self, alerts: Iterable[str], order: Order) -> list[EvaluationResult]: ...


Told = Callable[[Sequence[EvaluationResult]], None]


def note_windows(ledger: DueLedger, definitions: Iterable[AlertDefinition], now: datetime) -> int:
    """Note every window up to `now` that is not noted yet; returns how many. A new definition owes none of the past."""
    window = clock_window(now)
    due = [DueWork(CLOCK, window.isoformat(), window)]
    for definition in definitions:
        if definition.trigger.cron is None:
            continue
        work = f"{CRON}:{definition.alert}"
        last = ledger.last(work)
        if last is None:
            mark = DueWork(work, "since", now)
            ledger.add([mark])
            ledger.finish(mark)
            continue
        windows = windows_between(definition.trigger.cron, definition.trigger.timezone, last, now)
        due += [DueWork(work, each.isoformat(), each) for each in windows]
    return ledger.add(due)


def catch_up(ledger: DueLedger, evaluator: Evaluates, now: datetime, worker: str, told: Told) -> list[str]:
    """Do all due work; `told` hears of each piece's results. Returns what failed, a phrase each.

    What fails is given back for the next wake-up, and keeps nothing else from being done.
    """
    failures = []
    for kind in (CRON, MATERIALIZATION, CLOCK):
        for entry in ledger.take(kind, worker):
            try:
                told(_evaluate(evaluator, kind, entry, now))
                ledger.finish(entry)
            except Exception as error:
                ledger.give_back(entry)
                failures.append(f"{entry.work} {entry.window}: {error}")
    return failures


def _evaluate(evaluator: Evaluates, kind: str, entry: DueWork, now: datetime) -> list[EvaluationResult]:
    if kind == MATERIALIZATION:
        health = Health(tuple(entry.detail.get("failures", ())))
        return evaluator.of_model(entry.name, Order(entry.window, now, health))
    if kind == CRON:
        alerts = [entry.name] if entry.name in evaluator.definitions else []
    else:
        definitions = evaluator.definitions.values()
        alerts = [each.alert for each in definitions if each.trigger.cron is None and depends_on_time(each)]
    return evaluator.evaluate(alerts, Order(f"{kind}:{entry.window}", entry.due_at)) if alerts else []
