"""Evaluate definitions against what their models hold now: one scan per model, one transaction, the delta alone.

In order: read the model, lock the definitions, look up by key what the scan did not return, decide each outcome, write
what changed together with its messages. Whatever fails holds the incidents of the definition that failed, and of no
other.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.evaluation import (
    EvaluationResult,
    Health,
    Order,
    Prepared,
    Sight,
    Verdict,
    decide,
    not_built,
)
from alerting_pipeline.domain.evaluation_ports import Ledger, Read, Scans, Transaction
from alerting_pipeline.domain.event import Event, RemoveDefinition, Terms, TimePassed, Unjudged, Violated
from alerting_pipeline.domain.lifecycle import Step, step
from alerting_pipeline.domain.look_up import sort_out
from alerting_pipeline.domain.relation import models_read, read_together
from alerting_pipeline.domain.row_change import row_columns
from alerting_pipeline.domain.system_definitions import evaluation_findings
from alerting_pipeline.domain.terms import terms_of
from alerting_pipeline.domain.violation import Judged, Missing, Tally, Violation
from alerting_pipeline.domain.warehouse_error import WarehouseError
from alerting_pipeline.rendering.violation_text import violated


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates. `definitions` are all alert definitions in force, by name."""

    definitions: Mapping[str, AlertDefinition]
    ledger: Ledger
    scans: Scans

    def of_model(self, model: str, order: Order) -> list[EvaluationResult]:
        """Every definition that reads the model and waits for materializations.

        A query over several models waits for all of them, of the same build, unless it says `models: any`; then what
        the last build said of the others still counts.
        """
        waiting = {
            alert: definition
            for alert, definition in self.definitions.items()
            if model in models_read(definition) and not definition.trigger.is_cron
        }
        joined = {alert: definition for alert, definition in waiting.items() if len(models_read(definition)) > 1}
        gathered = {alert: definition for alert, definition in joined.items() if definition.trigger.models != "any"}
        results = self.evaluate([alert for alert in waiting if alert not in joined], order)
        for alert in [alert for alert in joined if alert not in gathered]:
            others = self.ledger.health_of(models_read(joined[alert]) - {model})
            failures = tuple(dict.fromkeys((*order.health.failures, *others.failures)))
            results += self.evaluate([alert], replace(order, health=Health(failures)))
        build = order.materialization_id.partition(":")[0]
        for alert, definition in gathered.items():
            there = self.ledger.gather(alert, build, model, order.health.failures)
            if models_read(definition) <= set(there):
                failures = tuple(dict.fromkeys(failure for each in there.values() for failure in each))
                results += self.evaluate([alert], Order(f"{build}:query.{alert}", order.as_of, Health(failures)))
        return results

    def evaluate(self, alerts: Iterable[str], order: Order, *, is_dry_run: bool = False) -> list[EvaluationResult]:
        """These definitions, in the order given. A dry run takes back everything that it wrote, messages included."""
        alerts = list(dict.fromkeys(alerts))
        unknown = [alert for alert in alerts if alert not in self.definitions]
        if unknown:
            raise BadCall(f'"{unknown[0]}" is not an alert in force; `alerting validate` says what is wrong with it')
        begin = self.ledger.rehearse if is_dry_run else self.ledger.begin
        with begin(self.definitions) as transaction:
            tidy(transaction, self.definitions, order.as_of)
        results: dict[str, EvaluationResult] = {}
        for group in read_together(self.definitions[alert] for alert in alerts):
            with begin(self.definitions) as transaction:
                results.update({result.alert: result for result in self.within(transaction, group, order)})
        return [results[alert] for alert in alerts]

    def within(
        self, transaction: Transaction, group: Sequence[AlertDefinition], order: Order
    ) -> list[EvaluationResult]:
        """Definitions that read the same relation, within a transaction that the caller ends."""
        definitions = dict(enumerate(group))
        alerts = [definition.alert for definition in group]
        versions = {ordinal: definition.version_id for ordinal, definition in definitions.items()}
        begun = time.monotonic()
        transaction.seen.clear()
        started_at, prepared = self.ledger.prepare(alerts, order.materialization_id)
        due = {
            ordinal: definition
            for ordinal, definition in definitions.items()
            if versions[ordinal] not in prepared[definition.alert].evaluated_versions
        }
        read = Read()
        if order.health.is_healthy and due:
            read = self.scans.read(due, prepared, order.as_of, transaction.seen)
        transaction.seen.settle()
        for alert, stands in transaction.lock(alerts, order.materialization_id).items():
            if stands.last_started_at is not None and stands.last_started_at > started_at:
                due = {ordinal: item for ordinal, item in due.items() if item.alert != alert}
        transaction.seen.take_back([ordinal for ordinal in definitions if ordinal not in due])
        judging = _Judging(transaction, self, order, due, read)
        results = judging.results(versions, time.monotonic() - begun)
        results = _Effect(judging, prepared, started_at).of(results)
        return [
            results.get(ordinal) or EvaluationResult.repeated(definition, versions[ordinal])
            for ordinal, definition in definitions.items()
        ]


def tidy(transaction: Transaction, definitions: Mapping[str, AlertDefinition], now: datetime) -> None:
    """Hand renamed definitions their incidents, and end those of removed ones."""
    for definition in definitions.values():
        if definition.renamed_from and definition.renamed_from not in definitions:
            transaction.rename(definition)
    orphans = transaction.orphans()
    transaction.announce(transaction.carry_out([step(item, RemoveDefinition(), now) for item in orphans], now))


@dataclass(slots=True)
class _Judging:
    """From what was read to an outcome for each definition, and to what became of incidents that were not seen."""

    transaction: Transaction
    evaluator: Evaluator
    order: Order
    definitions: Mapping[int, AlertDefinition]
    read: Read
    events: list[tuple[Missing, Event]] = field(default_factory=list)
    left: dict[str, list[Missing]] = field(default_factory=dict)

    def results(self, versions: Mapping[int, str], seconds: float) -> dict[int, EvaluationResult]:
        """The outcome of each definition, without what changes by it."""
        seen = self.transaction.seen
        verdicts = self._verdicts(seen.tallies())
        seen.judge(self._judged(verdicts))
        self._look_up()
        tallies = seen.tallies()
        verdicts = self._verdicts(tallies)
        samples = seen.samples() if any(tally.violations for tally in tallies.values()) else {}
        return {
            ordinal: replace(
                EvaluationResult.judged(
                    definition, versions[ordinal], verdicts[ordinal], tallies.get(ordinal, Tally()), seconds
                ),
                sample=tuple(samples.get(ordinal, ())),
                error=str(self.read.errors[ordinal]) if ordinal in self.read.errors else None,
            )
            for ordinal, definition in self.definitions.items()
        }

    def _verdicts(self, tallies: Mapping[int, Tally]) -> dict[int, Verdict]:
        return {
            ordinal: self._verdict(ordinal, definition, tallies.get(ordinal, Tally()))
            for ordinal, definition in self.definitions.items()
        }

    def _verdict(self, ordinal: int, definition: AlertDefinition, tally: Tally) -> Verdict:
        if ordinal in self.read.unbuilt:
            return not_built(" and ".join(sorted(models_read(definition))))
        is_judged = True
        reading, relation = self.read.readings.get(ordinal), self.read.relation
        if tally.null_rows and not tally.violations and reading and relation and ordinal not in self.read.errors:
            try:
                is_judged = self.evaluator.scans.is_judged(reading, relation)
            except WarehouseError as error:
                self._fail(ordinal, error)
        error = self.read.errors.get(ordinal)
        sight = Sight(self.read.is_empty, tally.violations, tally.null_rows, is_judged)
        return decide(
            None if error else sight,
            failures=self.order.health.failures,
            error=str(error) if error else None,
            on_empty=definition.on_empty,
        )

    def _judged(self, verdicts: Mapping[int, Verdict]) -> Iterator[Judged]:
        for ordinal, definition in self.definitions.items():
            if verdicts[ordinal].outcome.is_judgement:
                changes_by = definition.update_when.deviance_changes_by
                columns = self.row_columns(ordinal)
                yield Judged(ordinal, definition.alert, changes_by, definition.expire_after, columns)

    def row_columns(self, ordinal: int) -> tuple[str, ...]:
        """The columns whose change concerns the rows of the definition's incidents; none where it has no rows."""
        definition, reading = self.definitions[ordinal], self.read.readings.get(ordinal)
        if reading is None or not self.evaluator.ledger.keeps_rows(definition):
            return ()
        return row_columns(definition, reading.column_types)

    def terms(self, ordinal: int) -> Terms:
        """What the lifecycle needs of the definition, of the team that answers for it, and of how it was read."""
        terms = terms_of(self.definitions[ordinal], self.evaluator.ledger.people)
        reading = self.read.readings.get(ordinal)
        is_lower_worse = reading is not None and reading.is_lower_worse
        return replace(terms, row_columns=self.row_columns(ordinal), is_lower_worse=is_lower_worse)

    def _look_up(self) -> None:
        """Open and known fingerprints that the scan did not return, whatever gate or watermark it had."""
        missing: dict[int, list[Missing]] = defaultdict(list)
        for item in self.transaction.seen.missing():
            missing[item.ordinal].append(item)
        for ordinal, items in missing.items():
            reading, relation, definition = self.read.readings[ordinal], self.read.relation, self.definitions[ordinal]
            if relation is None:
                continue
            try:
                rows = self.evaluator.scans.look_up(reading, ordinal, relation, items)
            except WarehouseError as error:
                self._fail(ordinal, error)
                continue
            found = sort_out(items, rows, has_way_out=reading.way_out is not None)
            self.events += found.events
            self.left[definition.alert] = found.left
            if found.violations:
                self.transaction.seen.add(found.violations)

    def _fail(self, ordinal: int, error: WarehouseError) -> None:
        """Whenever the warehouse is lost: nothing that was seen or looked up of this definition counts."""
        self.read.errors[ordinal] = error
        self.transaction.seen.take_back([ordinal])
        self.events = [each for each in self.events if each[0].ordinal != ordinal]
        self.left.pop(self.definitions[ordinal].alert, None)


@dataclass(slots=True)
class _Effect:
    """Writes what an evaluation changes: evaluations, incidents, history, messages; each in its order."""

    judging: _Judging
    prepared: Mapping[str, Prepared]
    started_at: datetime
    news: list[Any] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    untold: dict[str, str] = field(default_factory=dict)
    described: set[str] = field(default_factory=set)
    terms: dict[str, Terms] = field(default_factory=dict)

    def of(self, results: Mapping[int, EvaluationResult]) -> dict[int, EvaluationResult]:
        """The results with what changed by them."""
        transaction, order = self.judging.transaction, self.judging.order
        self.terms = {item.alert: self.judging.terms(ordinal) for ordinal, item in self.judging.definitions.items()}
        listed = list(results.values())
        numbers = transaction.record(listed, order.materialization_id, order.as_of, self.started_at)
        self._open_and_update(numbers)
        self._close()
        self._hold([item.alert for item in listed if not item.outcome.is_judgement], results)
        transaction.announce(self.news)
        self._report(results)
        finished = {ordinal: self._counted(item, numbers) for ordinal, item in results.items()}
        transaction.finish(list(finished.values()))
        keys = {
            item.alert: self.prepared[item.alert].key_for(item.version) if item.outcome.is_judgement else None
            for item in listed
        }
        transaction.advance(keys, order.as_of, self.judging.read.newest)
        return finished

    def _open_and_update(self, numbers: Mapping[str, int]) -> None:
        transaction, as_of = self.judging.transaction, self.judging.order.as_of
        silent = [
            ordinal
            for ordinal, item in self.judging.definitions.items()
            if item.baseline == "silent" and not self.prepared[item.alert].is_baselined
        ]
        if silent:
            transaction.take_as_known(silent, as_of)
        for chunk in transaction.seen.fresh():
            self._carry_out([step(None, self._event(violation), as_of) for violation in chunk], numbers)
        for pairs in transaction.seen.changed(as_of):
            self._carry_out([step(incident, self._event(violation), as_of) for incident, violation in pairs], numbers)

    def _close(self) -> None:
        """What was looked up, then what is left and whose time is over."""
        transaction, as_of = self.judging.transaction, self.judging.order.as_of
        incidents = transaction.open_incidents([item.fingerprint for item, _ in self.judging.events])
        steps = []
        for item, event in self.judging.events:
            incident = incidents.get(item.fingerprint)
            if incident is not None:
                steps.append(step(incident, event, as_of))
                self.counts[incident.alert]["held"] += isinstance(event, Unjudged)
        self._carry_out(steps)
        for alert, items in self.judging.left.items():
            transaction.forget(alert, [item.fingerprint for item in items])
        self._carry_out(
            [
                step(incident, TimePassed(self.terms[incident.alert]), as_of)
                for _, incident in transaction.seen.expiring(as_of)
            ]
        )

    def _hold(self, alerts: Sequence[str], results: Mapping[int, EvaluationResult]) -> None:
        """An outcome that is no judgement resolves nothing and reopens nothing."""
        transaction, as_of = self.judging.transaction, self.judging.order.as_of
        reasons = {item.alert: item.outcome.holding_reason for item in results.values() if item.alert in set(alerts)}
        for alert, number in transaction.count_open(alerts).items():
            self.counts[alert]["held"] = number
        self._carry_out([step(item, Unjudged(reasons[item.alert]), as_of) for item in transaction.unheld(alerts)])

    def _report(self, results: Mapping[int, EvaluationResult]) -> None:
        """Tell those who look after the alerting what failed, and that it works again; never the business."""
        errors = {results[ordinal].alert: error for ordinal, error in self.judging.read.errors.items()}
        findings = evaluation_findings(errors, self.untold, {item.alert: item.version for item in results.values()})
        transaction, as_of = self.judging.transaction, self.judging.order.as_of
        if findings:
            transaction.report(findings, as_of)
        fine = {item.alert: item.version for item in results.values() if item.outcome.is_judgement}
        if fine:
            transaction.works_again(fine, self.described - self.untold.keys(), as_of)

    def _event(self, violation: Violation) -> Violated:
        definition = self.judging.definitions[violation.ordinal]
        public_url = self.judging.evaluator.ledger.public_url
        event, wrong = violated(
            violation, definition, self.terms[definition.alert], self.judging.order.as_of, public_url
        )
        self.described.add(definition.alert)
        if wrong:
            self.untold.setdefault(definition.alert, wrong)
        return event

    def _carry_out(self, steps: Sequence[Step], numbers: Mapping[str, int] | None = None) -> None:
        for item in self.judging.transaction.carry_out(steps, self.judging.order.as_of, numbers):
            self.counts[item.incident.alert][item.transition.value] += 1
            self.news.append(item)

    def _counted(self, result: EvaluationResult, numbers: Mapping[str, int]) -> EvaluationResult:
        counts = self.counts[result.alert]
        named = {name: counts[name] for name in ("opened", "updated", "cleared", "withdrawn", "expired", "held")}
        return replace(result, evaluation_id=numbers.get(result.alert), **named)
