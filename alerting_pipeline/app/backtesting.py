"""Backtests, wired: production's evaluation, clock and flush on a ledger of the replay's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from alerting_pipeline.domain.errors import AlertingError, BadCall

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from alerting_pipeline.adapters.scanner import Scanner
    from alerting_pipeline.app import App
    from alerting_pipeline.domain.backtest import Addressee, Report, Span, Summing, Verdict
    from alerting_pipeline.domain.change_request import Change
    from alerting_pipeline.domain.definition import AlertDefinition
    from alerting_pipeline.domain.evaluation import EvaluationResult
    from alerting_pipeline.domain.history import History
    from alerting_pipeline.domain.ports import Progress
    from alerting_pipeline.domain.replayed import Replayed
    from alerting_pipeline.domain.sweep import Axis
    from alerting_pipeline.domain.sweep_points import Swept
    from alerting_pipeline.store.definitions import InForce
    from alerting_pipeline.store.scratch_ledger import ScratchLedger
    from alerting_pipeline.usecases.backtest import Variant

IMPACT_DAYS = 90


def backtest(
    app: App,
    alert: str,
    span: Span,
    progress: Progress,
    *,
    changes: Mapping[str, Any] | None = None,
    proposed: AlertDefinition | None = None,
) -> Report:
    """Replay an alert with what is in force, and with other values (`changes`), another definition, or both.

    Nothing of it is kept and nobody is told. Raises BadCall for an alert or a value that there can't be, AlertingError
    where its past can't be read.
    """
    from alerting_pipeline.domain.history import history_of
    from alerting_pipeline.usecases.backtest import Backtest
    from alerting_pipeline.usecases.backtest import backtest as replay_both

    replays = Replays(app, app.definition_ledger.in_force())
    current = replays.in_force(alert, proposed)
    variant = replays.variant(current, changes, proposed)
    history = history_of((variant or current).definition, app.catalog)
    asked = Backtest(
        in_force=current,
        proposed=variant,
        summing=replays.summing(alert, span, history),
        source=history.source,
        reads=history.described,
        recorded=replays.recorded(alert, span),
    )
    return replay_both(asked, lambda each: replays.stage(each, span), progress)


def impact(
    app: App,
    alert: str,
    progress: Progress,
    *,
    changes: Mapping[str, Any] | None = None,
    proposed: AlertDefinition | None = None,
    days: int = IMPACT_DAYS,
) -> Report:
    """What other values, or another definition, would have done in the last days, evaluated once a day."""
    from alerting_pipeline.domain.backtest import Span

    now = app.clock.now()
    span = Span(now - timedelta(days=days), now)
    return backtest(app, alert, span, progress, changes=changes or {}, proposed=proposed)


def check_target(path: Path) -> None:
    """Raises BadCall for a file that no picture can be written to."""
    from alerting_pipeline.adapters.plot import check_target as check

    check(path)


def draw(found: Report | Swept | None, path: Path) -> None:
    """The picture of a backtest or of a sweep."""
    from alerting_pipeline.adapters.plot import draw_report, draw_sweep
    from alerting_pipeline.domain.sweep_points import Swept

    if isinstance(found, Swept):
        draw_sweep(found, path)
    elif found is not None:
        draw_report(found, path)


def sweep(app: App, alert: str, span: Span, axes: Sequence[Axis], progress: Progress) -> Swept:
    """What each of many values of one or two parameters would have done. Nothing of it is kept."""
    from alerting_pipeline.domain.history import history_of
    from alerting_pipeline.usecases.sweep import Sweeping
    from alerting_pipeline.usecases.sweep import sweep as sweep_over

    replays = Replays(app, app.definition_ledger.in_force())
    variant = replays.in_force(alert)
    history = history_of(variant.definition, app.catalog)
    asked = Sweeping(
        variant=variant,
        history=history,
        summing=replays.summing(alert, span, history),
        rows=app.warehouse.rows,
        stages=lambda each: replays.stage(each, span),
        budget_per_week=replays.budget_per_week(variant.definition.owner),
    )
    return sweep_over(asked, axes, progress)


def impact_of_change(app: App, change: Change, progress: Progress, days: int = IMPACT_DAYS) -> Report:
    """What a requested value would have done in the last days, in place of the one in force."""
    from alerting_pipeline.domain.backtest import Span
    from alerting_pipeline.domain.history import history_of
    from alerting_pipeline.usecases.backtest import Backtest, Variant
    from alerting_pipeline.usecases.backtest import backtest as replay_both

    key, now = change.key, app.clock.now()
    replays = Replays(app, app.definition_ledger.in_force())
    current = replays.in_force(key.alert)
    values = current.values.replaced(key.parameter, key.scope, key.scope_value, change.new)
    history, span = history_of(current.definition, app.catalog), Span(now - timedelta(days=days), now)
    asked = Backtest(
        in_force=current,
        proposed=Variant(current.definition, values),
        summing=replays.summing(key.alert, span, history),
        source=history.source,
        reads=history.described,
    )
    return replay_both(asked, lambda each: replays.stage(each, span), progress)


@dataclass(frozen=True, slots=True)
class Replays:
    """Makes what a backtest needs. `held` is what is in force."""

    app: App
    held: InForce

    def in_force(self, alert: str, proposed: AlertDefinition | None = None) -> Variant:
        """The alert as it is in force; as its file says where it never was."""
        from alerting_pipeline.domain.value_set import ValueSet
        from alerting_pipeline.store.scratch_ledger import values_at
        from alerting_pipeline.usecases.backtest import Variant

        definition = self.held.alerts.get(alert) or proposed or self.app.loaded_definitions.alerts.get(alert)
        if definition is None:
            from alerting_pipeline.domain.nearest import did_you_mean

            hint = did_you_mean(alert, self.held.alerts) or "`alerting validate` lists what is wrong"
            raise BadCall(f'"{alert}" is not an alert definition; {hint}')
        is_held = alert in self.held.alerts
        values = values_at(self.app.engine, alert, self.app.clock.now()) if is_held else ValueSet()
        return Variant(definition, values.completed(definition, self.app.clock.now()))

    def variant(
        self, current: Variant, changes: Mapping[str, Any] | None, proposed: AlertDefinition | None
    ) -> Variant | None:
        """What is proposed; None where nothing is."""
        from alerting_pipeline.usecases.backtest import Variant

        if changes is None and proposed is None:
            return None
        definition = proposed or current.definition
        return Variant(
            definition, current.values.completed(definition, self.app.clock.now()).changed(definition, changes or {})
        )

    def summing(self, alert: str, span: Span, history: History) -> Summing:
        """Who reads what, what people said of this alert, and since when there is data."""
        from alerting_pipeline.domain.backtest import Summing
        from alerting_pipeline.store.history import LedgerHistory

        verdicts = LedgerHistory(self.app.engine).verdicts(alert, span.end)
        labels = self._labels(history, span)
        known = {**verdicts, **(labels or {})}  # what turned out goes before what somebody thought at the time
        population = None if labels is None else frozenset(key for key, each in labels.items() if each.is_true)
        return Summing(span, self.addressee, known, population, self._data_from(history, span))

    def _labels(self, history: History, span: Span) -> dict[UUID, Verdict] | None:
        """What turned out to be true, as far as it was known; None: no mart says where that is kept."""
        from alerting_pipeline.adapters.labels import LabelReader
        from alerting_pipeline.domain.labels import labels_of

        labels = labels_of(history.definition, history, self.app.catalog)
        return None if labels is None else LabelReader(self.app.owner_url).known(labels, span)

    def _data_from(self, history: History, span: Span) -> datetime | None:
        """Since when there is data, where that is later than the time asked for."""
        try:
            begin = self.app.warehouse.rows(history.begin_sql(), None)[0]["begin"]
        except AlertingError:
            return None  # what can't be read is said by the replay, in its words
        return begin if begin is not None and begin > span.start else None

    def recorded(self, alert: str, span: Span) -> Any:
        """The incidents that there were."""
        from alerting_pipeline.store.history import LedgerHistory

        return LedgerHistory(self.app.engine).episodes(alert, span.start, span.end)

    def addressee(self, destination: str) -> Addressee:
        """Who reads a destination; a destination that nobody's address is goes by its own name."""
        from alerting_pipeline.domain.backtest import Addressee
        from alerting_pipeline.domain.recipient import recipient_of

        found = self.held.book.look_up(destination)
        recipient = recipient_of(found, self.held.people) if found is not None else None
        if recipient is None:
            return Addressee(destination)
        budget = recipient.budget
        return Addressee(recipient.name, f"{budget.messages} per {budget.per}" if budget is not None else None)

    def budget_per_week(self, team: str) -> Decimal | None:
        """How many messages a week a team wants at most; None: it does not say."""
        from alerting_pipeline.domain.recipient import recipients_with_budget

        recipient = recipients_with_budget(self.held.people).get(team)
        if recipient is None or recipient.budget is None:
            return None
        return recipient.budget.messages * Decimal(timedelta(weeks=1) / recipient.window)

    @contextmanager
    def stage(self, variant: Variant, span: Span) -> Iterator[PostgresStage]:
        """A replay's own ledger, with production's code around it."""
        from alerting_pipeline.adapters.past import Past
        from alerting_pipeline.adapters.scanner import Scanner
        from alerting_pipeline.domain.history import history_of
        from alerting_pipeline.store.scratch_ledger import scratch_ledger

        # A pause is about now, an earlier name about incidents that are not here.
        definition = variant.definition.model_copy(update={"pause": None, "renamed_from": None})
        history = history_of(definition, self.app.catalog)
        past = Past(history, span.start)
        scanner = Scanner(self.app.warehouse, past, variant.values.sql(definition.alert))
        with scratch_ledger(self.app.engine) as ledger:
            ledger.put_in_force(definition)
            ledger.set_values(definition, variant.values)
            held = type(self.held)({definition.alert: definition}, self.held.people, self.held.routing,
                                   self.held.destinations)  # fmt: skip
            yield PostgresStage(ledger, held, definition, scanner, self.app.settings.public_url)


@dataclass(frozen=True, slots=True)
class PostgresStage:
    """One replay. Every part is production's own, on the scratch ledger."""

    ledger: ScratchLedger
    held: InForce
    definition: AlertDefinition
    scanner: Scanner
    public_url: str

    def evaluate(self, at: datetime, number: int) -> EvaluationResult:
        from alerting_pipeline.domain.evaluation import Order
        from alerting_pipeline.store.evaluations import EvaluationLedger
        from alerting_pipeline.usecases.evaluate import Evaluator

        evaluations = EvaluationLedger(self.ledger.engine, self.held.directory(self.public_url))
        evaluator = Evaluator({self.definition.alert: self.definition}, evaluations, self.scanner)
        return evaluator.evaluate([self.definition.alert], Order(f"backtest:{number}", at))[0]

    def pass_time(self, now: datetime) -> None:
        pass_time(self.ledger, self.held, self.public_url, now)

    def next_due(self, after: datetime) -> datetime | None:
        return self.ledger.next_due(after)

    def happened(self) -> Replayed:
        return self.ledger.happened()


def pass_time(ledger: ScratchLedger, held: InForce, public_url: str, now: datetime) -> None:
    """What the clock's job does, on the scratch ledger."""
    from alerting_pipeline.store.announcements import Announcer
    from alerting_pipeline.store.due_incidents import DueIncidents
    from alerting_pipeline.store.held_ledger import HeldLedger
    from alerting_pipeline.usecases.flush import flush
    from alerting_pipeline.usecases.remind import remind

    engine = ledger.engine
    remind(DueIncidents(engine, lambda: held, public_url), now)
    announcer = Announcer(held.directory(public_url), held.of_incidents)
    failed = flush(HeldLedger(engine, lambda: announcer), now).failed
    if failed:
        from alerting_pipeline.domain.errors import AlertingError

        raise AlertingError(f"what was held back could not be told: {failed[0]}")
    ledger.send(now)
