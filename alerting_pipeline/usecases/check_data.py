"""Check the data of models: plain SQL and Great Expectations are asked, one incident per failing definition follows.

The checks are read before the transaction begins; what comes of them (evaluation, incident, messages, what is held) is
written in one. Each definition is judged by itself: an error in one is a system incident about that one alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from alerting_pipeline.domain.checked_build import failure_of
from alerting_pipeline.domain.data_check import (
    Check,
    Facts,
    Seen,
    State,
    checks,
    decide,
    fields,
    is_schema_accepted,
    summary,
    table,
)
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.data_ports import DataFacts, DataLedger, DataTransaction, Expects, Standing
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.downstream import alerts_on, marts_on
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.evaluation import NOT_BUILT, EvaluationResult, Order, Outcome, Verdict
from alerting_pipeline.domain.event import Cleared, Event, Memory, Reason, Unjudged, Violated
from alerting_pipeline.domain.expectation import is_of_table, label
from alerting_pipeline.domain.incident import fingerprint
from alerting_pipeline.domain.lifecycle import step
from alerting_pipeline.domain.relation import Relation, model_relation
from alerting_pipeline.domain.snooze import silenced
from alerting_pipeline.domain.system_definitions import evaluation_findings
from alerting_pipeline.domain.terms import terms_of
from alerting_pipeline.domain.upstream import CHANGED_UPSTREAM, Upstream
from alerting_pipeline.domain.warehouse_error import RelationMissing

HOLDING = (Outcome.FIRING, Outcome.SYSTEM_FAILURE)
"""A definition that can't be evaluated holds as a failing one does: what can't be checked can't be believed."""

Relations = Callable[[DataDefinition], Relation]


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks of one definition came to, before anything is written; `facts` None: they could not be read."""

    definition: DataDefinition
    checks: tuple[Check, ...]
    columns: Mapping[str, str] | None
    verdict: Verdict
    seconds: float = 0.0

    @property
    def error(self) -> str | None:
        """Why it could not be evaluated."""
        broken = [f"{check.name}: {check.says}" for check in self.checks if check.state is State.BROKEN]
        return "; ".join(broken) or None


@dataclass(frozen=True, slots=True)
class Inspector:
    """Asks the warehouse; decides nothing and writes nothing."""

    facts: DataFacts
    expects: Expects

    def inspect(
        self, definitions: Sequence[DataDefinition], relation: Relation, seen: Mapping[str, Seen], order: Order
    ) -> list[Checked]:
        """The checks of definitions that are about the same relation."""
        begun = time.monotonic()
        read = self.facts.read(definitions, relation, order.as_of)
        found = []
        for definition in definitions:
            facts = read[definition.alert]
            if isinstance(facts, RelationMissing) and seen.get(definition.alert, Seen()).columns is None:
                judged: tuple[Check, ...] = (Check("warehouse", State.UNJUDGED, f"{definition.model} {NOT_BUILT}"),)
                columns = None
            elif isinstance(facts, AlertingError):
                judged = (Check("warehouse", State.BROKEN, str(facts)),)
                columns = None
            else:
                judged = (
                    *checks(definition, facts, seen.get(definition.alert, Seen()), order.as_of),
                    *self._expected(definition, relation, facts),
                )
                columns = facts.columns
            found.append(Checked(definition, judged, columns, decide(judged), time.monotonic() - begun))
        return found

    def _expected(self, definition: DataDefinition, relation: Relation, facts: Facts) -> list[Check]:
        """Great Expectations is not asked about rows where there are none: it would say that all of them are fine."""
        asked = [each for each in definition.expectations if not facts.is_empty or is_of_table(each)]
        try:
            answers = iter(self.expects.judge(relation, asked))
        except AlertingError as error:
            answers = iter([Check(label(each), State.BROKEN, str(error)) for each in asked])
        return [
            next(answers)
            if not facts.is_empty or is_of_table(each)
            else Check(label(each), State.UNJUDGED, "the model is empty")
            for each in definition.expectations
        ]


@dataclass(frozen=True, slots=True)
class DataChecker:
    """Evaluates data definitions. `downstream` gives the marts and the business alerts that stand on a model;
    `upstream` what a definition's data stand on.
    """

    definitions: Mapping[str, DataDefinition]
    relations: Relations
    inspector: Inspector
    ledger: DataLedger
    downstream: Callable[[str], tuple[tuple[str, ...], tuple[str, ...]]]
    upstream: Callable[[DataDefinition], Upstream] = lambda _: Upstream()

    @property
    def models(self) -> frozenset[str]:
        """Names of the models that some definition is about."""
        return frozenset(definition.model for definition in self.definitions.values())

    @property
    def needs_expectations(self) -> bool:
        """Will Great Expectations be asked for anything?"""
        return any(definition.expectations for definition in self.definitions.values())

    def failures(self, results: Sequence[EvaluationResult]) -> tuple[str, ...]:
        """What of these results holds the alerts downstream, a sentence each."""
        return tuple(
            failure_of(each)
            for each in results
            if each.outcome in HOLDING and self.definitions[each.alert].on_failure == "hold"
        )

    def of_model(self, model: str, order: Order) -> list[EvaluationResult]:
        """Every definition about the model."""
        about = [name for name, each in self.definitions.items() if each.model == model]
        return self.evaluate([name for name in about if not self.definitions[name].is_paused(order.as_of)], order)

    def evaluate(self, names: Iterable[str], order: Order, *, is_dry_run: bool = False) -> list[EvaluationResult]:
        """These definitions, in the order given. A dry run takes back everything that it wrote, messages included."""
        names = list(dict.fromkeys(names))
        if unknown := [name for name in names if name not in self.definitions]:
            raise BadCall(f'"{unknown[0]}" is not a data definition in force; `alerting validate` says what is wrong')
        asked = [self.definitions[name] for name in names]
        results = {each.alert: EvaluationResult.paused(each) for each in asked if each.is_paused(order.as_of)}
        by_model: dict[str, list[DataDefinition]] = {}
        for name in names:
            if name in results:
                continue
            by_model.setdefault(self.definitions[name].model, []).append(self.definitions[name])
        for group in by_model.values():
            results.update({each.alert: each for each in self._together(group, order, is_dry_run)})
        return [results[name] for name in names]

    def _together(self, group: Sequence[DataDefinition], order: Order, is_dry_run: bool) -> list[EvaluationResult]:
        alerts = [each.alert for each in group]
        started_at, _ = self.ledger.prepare(alerts, order.materialization_id, order.as_of)
        begin = self.ledger.rehearse if is_dry_run else self.ledger.begin
        with begin(self.definitions) as transaction:
            seen = transaction.seen_columns(alerts)
        try:
            found = self.inspector.inspect(group, self.relations(group[0]), seen, order)
        except AlertingError as error:
            found = [_unread(each, error) for each in group]
        with begin(self.definitions) as transaction:
            prepared = transaction.lock(alerts, order.materialization_id, order.as_of)
            due, results = [], {}
            for each in found:
                stands, version = prepared[each.definition.alert], each.definition.version_id
                is_late = stands.last_started_at is not None and stands.last_started_at > started_at
                if is_late or version in stands.evaluated_versions:
                    results[each.definition.alert] = _result(each, is_repeated=True)
                else:
                    due.append(each)
            effect = _Effect(self, transaction, order)
            results.update({each.alert: each for each in effect.of(due, started_at)})
        return [results[alert] for alert in alerts]


@dataclass(frozen=True, slots=True)
class _Effect:
    """Writes what checks lead to, within a transaction that the caller ends."""

    checker: DataChecker
    transaction: DataTransaction
    order: Order

    def of(self, found: Sequence[Checked], started_at: Any) -> list[EvaluationResult]:
        if not found:
            return []
        transaction, order = self.transaction, self.order
        results = [_result(each) for each in found]
        numbers = transaction.record(results, order.materialization_id, order.as_of, started_at)
        keys = {each.definition.alert: fingerprint(each.definition.alert, each.definition.entity) for each in found}
        standing, known = transaction.open_incidents(list(keys.values())), transaction.known(list(keys.values()))
        snoozes = transaction.snoozes(order.as_of)
        steps = []
        for each in found:
            key = keys[each.definition.alert]
            event = self._event(each, Memory.BY_PERSON if key in known else None)
            if isinstance(event, Violated) and key not in standing:
                event = silenced(event, snoozes)
            steps.append(step(standing.get(key), event, order.as_of))
            if isinstance(event, Cleared):
                transaction.forget(each.definition.alert, [key])
        news = transaction.carry_out(steps, order.as_of, numbers)
        transaction.announce(news)
        self._tell_errors(found)
        transaction.stand({each.definition.alert: self._standing(each) for each in found})
        changed = {item.incident.alert: item.transition.value for item in news}
        finished = [
            replace(
                result,
                evaluation_id=numbers.get(result.alert),
                held=int(not result.outcome.is_judgement and keys[result.alert] in standing),
                **{changed[result.alert]: 1} if result.alert in changed else {},
            )
            for result in results
        ]
        transaction.finish(finished)
        transaction.advance(dict.fromkeys(keys), order.as_of, None)
        return finished

    def _event(self, found: Checked, memory: Memory | None) -> Event:
        definition, outcome = found.definition, found.verdict.outcome
        if outcome is Outcome.CLEAR:
            return Cleared(Reason.CHECKS_PASSED)
        if outcome is not Outcome.FIRING:
            return Unjudged(outcome.holding_reason)
        held = self._held(definition)
        level = definition.severity[0]
        return Violated(
            terms=terms_of(definition, self.checker.ledger.people),
            fingerprint=fingerprint(definition.alert, definition.entity),
            entity=definition.entity,
            severity=level.level,
            summary=summary(definition, found.checks, held),
            deviance=Decimal(sum(check.state is State.FAILED for check in found.checks)),
            fields={**fields(found.checks, held), CHANGED_UPSTREAM: self._changed(definition)},
            link=definition.link,
            memory=memory,
        )

    def _changed(self, definition: DataDefinition) -> str:
        return self.transaction.changed(definition.alert, self.checker.upstream(definition), (Outcome.CLEAR.value,))

    def _held(self, definition: DataDefinition) -> tuple[str, ...]:
        return self.checker.downstream(definition.model)[1] if definition.on_failure == "hold" else ()

    def _standing(self, found: Checked) -> Standing:
        definition, outcome = found.definition, found.verdict.outcome
        holds = definition.on_failure == "hold" and outcome in HOLDING
        failures = (failure_of(_result(found)),) if holds else ()
        is_accepted = is_schema_accepted(definition, found.checks)
        return Standing(failures, self.checker.downstream(definition.model)[0], found.columns if is_accepted else None)

    def _tell_errors(self, found: Sequence[Checked]) -> None:
        """Tell those who look after the alerting what could not be evaluated, and that it works again."""
        versions = {each.definition.alert: each.definition.version_id for each in found}
        errors = {each.definition.alert: AlertingError(each.error) for each in found if each.error}
        findings = evaluation_findings(errors, {}, versions)
        if findings:
            self.transaction.report(findings, self.order.as_of)
        fine = {name: version for name, version in versions.items() if name not in errors}
        if fine:
            self.transaction.works_again(fine, fine.keys(), self.order.as_of)


def downstream_of(
    catalog: Any, alerts: Mapping[str, AlertDefinition]
) -> Callable[[str], tuple[tuple[str, ...], tuple[str, ...]]]:
    """The marts and the alerts that stand on a model."""
    return lambda model: (marts_on(model, catalog), alerts_on(model, catalog, alerts))


def relations_of(catalog: Any) -> Relations:
    """Models by their names in the warehouse."""

    def relation(definition: DataDefinition) -> Relation:
        model = catalog.models.get(definition.model)
        if model is None:
            raise AlertingError(f'the dbt project has no model "{definition.model}", which {definition.alert} is about')
        return model_relation(model)

    return relation


def _unread(definition: DataDefinition, error: AlertingError) -> Checked:
    found = (Check("warehouse", State.BROKEN, str(error)),)
    return Checked(definition, found, None, decide(found))


def _result(found: Checked, *, is_repeated: bool = False) -> EvaluationResult:
    return EvaluationResult(
        alert=found.definition.alert,
        version=found.definition.version_id,
        model=found.definition.model,
        outcome=found.verdict.outcome,
        reason=found.verdict.reason,
        violations=sum(check.state is State.FAILED for check in found.checks),
        null_rows=sum(check.state is State.UNJUDGED for check in found.checks),
        sample=tuple(table(found.checks)),
        seconds=found.seconds,
        error=found.error,
        is_repeated=is_repeated,
    )
