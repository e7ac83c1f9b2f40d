"""Evaluate definitions against what their models hold now: one scan per model, one transaction, the delta alone.

In order: read the model, lock the definitions, look up by key what the scan did not return, decide each outcome, write
what changed together with its messages. Whatever fails holds the incidents of the definition that failed, and of no
other.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.evaluation import (
    EvaluationResult,
    Health,
    Order,
    Prepared,
)
from alerting_pipeline.domain.evaluation_ports import Ledger, Read, Scans, Transaction
from alerting_pipeline.domain.event import Cleared, Gone, RemoveDefinition, Terms, TimePassed, Unjudged, Violated
from alerting_pipeline.domain.lifecycle import Step, step
from alerting_pipeline.domain.relation import models_read, read_together
from alerting_pipeline.domain.snooze import silenced
from alerting_pipeline.domain.stored_value import wrong_value
from alerting_pipeline.domain.system_definitions import evaluation_findings
from alerting_pipeline.domain.violation import Violation
from alerting_pipeline.rendering.violation_text import violated
from alerting_pipeline.usecases.judge import Judging


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
            if model in models_read(definition)
            and not definition.trigger.is_cron
            and not definition.is_paused(order.as_of)
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
        asked = [self.definitions[alert] for alert in alerts]
        results = {item.alert: EvaluationResult.paused(item) for item in asked if item.is_paused(order.as_of)}
        for group in read_together(item for item in asked if item.alert not in results):
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
        started_at, prepared = self.ledger.prepare(alerts, order.materialization_id, order.as_of)
        due = {
            ordinal: definition
            for ordinal, definition in definitions.items()
            if versions[ordinal] not in prepared[definition.alert].evaluated_versions
        }
        read = Read()
        if order.health.is_healthy and due:
            wrong = self._wrong_values(due, prepared, order.as_of)
            good = {ordinal: item for ordinal, item in due.items() if ordinal not in wrong}
            if good:
                read = self.scans.read(good, prepared, order.as_of, transaction.seen)
            read.errors.update(wrong)
        transaction.seen.settle()
        for alert, stands in transaction.lock(alerts, order.materialization_id, order.as_of).items():
            if stands.last_started_at is not None and stands.last_started_at > started_at:
                due = {ordinal: item for ordinal, item in due.items() if item.alert != alert}
        transaction.seen.take_back([ordinal for ordinal in definitions if ordinal not in due])
        judging = Judging(transaction, self.ledger, self.scans, order, due, read)
        results = judging.results(versions, time.monotonic() - begun)
        results = _Effect(judging, prepared, started_at).of(results)
        return [
            results.get(ordinal) or EvaluationResult.repeated(definition, versions[ordinal])
            for ordinal, definition in definitions.items()
        ]

    def _wrong_values(
        self, due: Mapping[int, AlertDefinition], prepared: Mapping[str, Prepared], as_of: datetime
    ) -> dict[int, AlertingError]:
        """Those with a value that can't be in force. What was judged with the same values before is not asked again."""
        changed = {
            ordinal: item
            for ordinal, item in due.items()
            if item.parameters and prepared[item.alert].read_key != prepared[item.alert].key_for(item.version_id)
        }
        if not changed:
            return {}
        values = self.ledger.values({item.alert: item.version_id for item in changed.values()}, as_of)
        found = {ordinal: wrong_value(item, values.get(item.alert, ())) for ordinal, item in changed.items()}
        return {ordinal: error for ordinal, error in found.items() if error is not None}


def tidy(transaction: Transaction, definitions: Mapping[str, AlertDefinition], now: datetime) -> None:
    """Hand renamed definitions their incidents, and end those of removed ones."""
    for definition in definitions.values():
        if definition.renamed_from and definition.renamed_from not in definitions:
            transaction.rename(definition)
    orphans = transaction.orphans()
    transaction.announce(transaction.carry_out([step(item, RemoveDefinition(), now) for item in orphans], now))


_COUNTED = ("opened", "reopened", "updated", "cleared", "withdrawn", "expired", "held")


@dataclass(slots=True)
class _Effect:
    """Writes what an evaluation changes: evaluations, incidents, history, messages; each in its order."""

    judging: Judging
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
        seen = transaction.seen
        seen.pend(as_of)
        for pairs in seen.changed(as_of):
            steps = [step(incident, self._event(violation), as_of) for incident, violation in pairs]
            self._carry_out(steps, numbers)
        standing = transaction.snoozes(as_of)
        for pairs in seen.reopening(as_of):
            back = [(incident, silenced(self._event(violation), standing)) for incident, violation in pairs]
            self._carry_out([step(incident, event, as_of) for incident, event in back], numbers)
        for chunk in seen.fresh(as_of):
            events = [silenced(self._event(violation), standing) for violation in chunk]
            self._carry_out([step(None, event, as_of) for event in events], numbers)
        seen.settle_pending()

    def _close(self) -> None:
        """What was looked up, then what is left and whose time is over."""
        transaction, as_of = self.judging.transaction, self.judging.order.as_of
        incidents = transaction.open_incidents([item.fingerprint for item, _ in self.judging.events])
        steps = []
        for item, event in self.judging.events:
            incident = incidents.get(item.fingerprint)
            if incident is not None:
                keep_firing_for = self.judging.definitions[item.ordinal].keep_firing_for
                if isinstance(event, Cleared | Gone):
                    event = replace(event, keep_firing_for=keep_firing_for)
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
        public_url = self.judging.ledger.public_url
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
        named = {name: counts[name] for name in _COUNTED}
        return replace(result, evaluation_id=numbers.get(result.alert), **named)
