"""Do what has become due: windows of schedules, what time alone changes, materializations from elsewhere.

Whoever is woken (by a schedule, a sensor, a person) notes what the clock made due and works off all that is there. So
a wake-up that comes twice does nothing, and one that never came is made up for by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.evaluation import HEALTHY, EvaluationResult, Health, Order
from alerting_pipeline.domain.letter import SendResult
from alerting_pipeline.domain.relation import models_read
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.window import (
    CLOCK,
    CRON,
    MATERIALIZATION,
    RECOVERED,
    REPORT,
    TUNED,
    DueWork,
    clock_window,
    depends_on_time,
    windows_between,
)


class DueLedger(Protocol):
    """Work that is due once, noted under its key."""

    def begin(self, work: str, at: datetime) -> None: ...

    def add(self, entries: list[DueWork]) -> int: ...

    def take(self, kind: str, worker: str) -> list[DueWork]: ...

    def finish(self, entry: DueWork) -> None: ...

    def give_back(self, entry: DueWork) -> None: ...

    def last(self, work: str) -> datetime | None: ...

    def evaluated_between(self, since: datetime, until: datetime) -> set[str]: ...


class Tuned(Protocol):
    """Alerts whose values are others than those they were read with."""

    def due(self, now: datetime) -> list[DueWork]: ...


class Evaluates(Protocol):
    """The evaluator, as far as due work needs it."""

    @property
    def definitions(self) -> Mapping[str, AlertDefinition]: ...

    def of_model(self, model: str, order: Order) -> list[EvaluationResult]: ...

    def evaluate(self, alerts: Iterable[str], order: Order) -> list[EvaluationResult]: ...


class MartHealth(Protocol):
    """What the last build said of each mart."""

    def of(self, models: Iterable[str]) -> Health: ...


class SendsReports(Protocol):
    """The sender of reports, as far as due work needs it."""

    @property
    def definitions(self) -> Mapping[str, ReportDefinition]: ...

    def send(self, report: str, now: datetime) -> SendResult | None: ...

    def current_window(self, definition: ReportDefinition, now: datetime) -> datetime | None: ...


class ChecksData(Protocol):
    """The data checks, as far as due work needs them."""

    @property
    def definitions(self) -> Mapping[str, DataDefinition]: ...

    def of_model(self, model: str, order: Order) -> list[EvaluationResult]: ...

    def evaluate(self, names: Iterable[str], order: Order) -> list[EvaluationResult]: ...

    def failures(self, results: Sequence[EvaluationResult]) -> tuple[str, ...]: ...


Told = Callable[[Sequence[EvaluationResult]], None]
ToldOfReport = Callable[[SendResult], None]


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Due work over one ledger."""

    ledger: DueLedger
    evaluator: Evaluates
    health: MartHealth
    reports: SendsReports | None = None
    data: ChecksData | None = None
    tuned: Tuned | None = None

    def note_windows(self, now: datetime) -> int:
        """Note every window up to `now` that is not noted yet; returns how many. A new definition owes none."""
        window = clock_window(now)
        due = [DueWork(CLOCK, window.isoformat(), window)]
        for definition in self.evaluator.definitions.values():
            if definition.trigger.cron is None:
                continue
            work = f"{CRON}:{definition.alert}"
            last = self.ledger.last(work)
            if last is None:
                self.ledger.begin(work, now)
                continue
            windows = windows_between(definition.trigger.cron, definition.trigger.timezone, last, now)
            due += [DueWork(work, each.isoformat(), each) for each in windows]
        changed = self.tuned.due(now) if self.tuned is not None else []
        return self.ledger.add([*due, *changed, *self._report_windows(now)])

    def _report_windows(self, now: datetime) -> Iterator[DueWork]:
        """The current window of each report. Earlier ones are not made up for: nobody wants last week's mail, too."""
        if self.reports is None:
            return
        for name, definition in self.reports.definitions.items():
            window, work = self.reports.current_window(definition, now), f"{REPORT}:{name}"
            last = self.ledger.last(work)
            if last is None:
                self.ledger.begin(work, now)
            elif window is not None and window > last:
                yield DueWork(work, window.isoformat(), window)

    def send_reports(self, now: datetime, worker: str, told: ToldOfReport) -> list[str]:
        """Send what is due of reports; returns what failed, a phrase each.

        A window that is held, or whose rows wait for their recipients' hours, is taken up again by each wake-up until
        the next window comes.
        """
        failures = []
        for entry in self.ledger.take(REPORT, worker):
            try:
                result = self._send(entry, now)
                if result is not None:
                    told(result)
                if result is None or result.is_finished:
                    self.ledger.finish(entry)
                else:
                    self.ledger.give_back(entry)
            except Exception as error:
                self.ledger.give_back(entry)
                failures.append(f"{entry.work} {entry.window}: {error}")
        return failures

    def _send(self, entry: DueWork, now: datetime) -> SendResult | None:
        """None: the window is no longer the current one, or the report is gone."""
        definition = self.reports.definitions.get(entry.name) if self.reports is not None else None
        if self.reports is None or definition is None:
            return None
        is_current = self.reports.current_window(definition, now) == entry.due_at
        return self.reports.send(entry.name, now) if is_current else None

    def work_off(self, now: datetime, worker: str, told: Told) -> list[str]:
        """Do all due work; `told` hears of each piece's results. Returns what failed, a phrase each.

        What fails is given back for the next wake-up, and keeps nothing else from being done.
        """
        failures = []
        for kind in (CRON, MATERIALIZATION, TUNED, CLOCK):
            for entry in self.ledger.take(kind, worker):
                try:
                    is_held = kind == CRON and not self._health_of(entry.name).is_healthy
                    told(self._evaluate(kind, entry, now))
                    # A window that is held is evaluated once its data can be believed again.
                    (self.ledger.give_back if is_held else self.ledger.finish)(entry)
                except Exception as error:
                    self.ledger.give_back(entry)
                    failures.append(f"{entry.work} {entry.window}: {error}")
        return failures

    def _evaluate(self, kind: str, entry: DueWork, now: datetime) -> list[EvaluationResult]:
        if kind == MATERIALIZATION:
            checked = self.data.of_model(entry.name, Order(entry.window, now)) if self.data is not None else []
            failed = self.data.failures(checked) if self.data is not None else ()
            # What recovered may not be all that was wrong; a build from elsewhere tells its own failures.
            standing = self.health.of([entry.name]).failures if entry.window.startswith(RECOVERED) else ()
            health = Health(tuple(dict.fromkeys((*entry.detail.get("failures", ()), *failed, *standing))))
            return [*checked, *self.evaluator.of_model(entry.name, Order(entry.window, now, health))]
        if kind == CLOCK:
            return self._evaluate_by_clock(entry, now)
        definition = self.evaluator.definitions.get(entry.name)
        if definition is None:
            return []
        health = self._health_of(entry.name)
        if kind == TUNED:  # a schedule says when its data are complete: values of such an alert wait for it
            is_due = not definition.trigger.is_cron
            return self.evaluator.evaluate([entry.name], Order(f"{kind}:{entry.window}", now, health)) if is_due else []
        key = f"{kind}:{entry.window}" if health.is_healthy else f"{kind}:{entry.window}:held"
        return self.evaluator.evaluate([entry.name], Order(key, entry.due_at, health))

    def _health_of(self, alert: str) -> Health:
        definition = self.evaluator.definitions.get(alert)
        return self.health.of(models_read(definition)) if definition is not None else HEALTHY

    def _evaluate_by_clock(self, entry: DueWork, now: datetime) -> list[EvaluationResult]:
        """What time alone changes, as of now: as of the window's start, it would undo what was seen since then.

        A definition that was evaluated in this window, by a build or by a person, has nothing to gain. Incidents of an
        unhealthy mart are held already, and the clock can't make them judgeable.
        """
        done = self.ledger.evaluated_between(entry.due_at, now)
        checked = self._check_by_clock(entry, done, now)
        moved = [name for name, each in self.evaluator.definitions.items() if self._is_moved_by_time(each)]
        alerts = [name for name in moved if name not in done]
        evaluated = self.evaluator.evaluate(alerts, Order(f"{CLOCK}:{entry.window}", now)) if alerts else []
        return [*checked, *evaluated]

    def _check_by_clock(self, entry: DueWork, done: set[str], now: datetime) -> list[EvaluationResult]:
        """Data that grow old without anything happening; before the alerts, which their failure holds."""
        if self.data is None:
            return []
        moved = [name for name, each in self.data.definitions.items() if each.is_moved_by_time and name not in done]
        return self.data.evaluate(moved, Order(f"{CLOCK}:{entry.window}", now))

    def _is_moved_by_time(self, definition: AlertDefinition) -> bool:
        if definition.trigger.is_cron or not depends_on_time(definition):
            return False
        return self.health.of(models_read(definition)).is_healthy
