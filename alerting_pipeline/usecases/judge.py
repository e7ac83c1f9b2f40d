"""Judge what an evaluation read: an outcome for each definition, and what became of incidents that were not seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.evaluation import EvaluationResult, Order, Sight, Verdict, decide, not_built
from alerting_pipeline.domain.evaluation_ports import Ledger, Read, Scans, Transaction
from alerting_pipeline.domain.event import Event, Terms
from alerting_pipeline.domain.look_up import sort_out
from alerting_pipeline.domain.relation import models_read
from alerting_pipeline.domain.row_change import row_columns
from alerting_pipeline.domain.terms import terms_of
from alerting_pipeline.domain.violation import Judged, Missing, Tally
from alerting_pipeline.domain.warehouse_error import WarehouseError


@dataclass(slots=True)
class Judging:
    """From what was read to an outcome for each definition, and to what became of incidents that were not seen."""

    transaction: Transaction
    ledger: Ledger
    scans: Scans
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
                is_judged = self.scans.is_judged(reading, relation)
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
                times = (definition.hold_for or None, definition.reopen_within or None)
                yield Judged(ordinal, definition.alert, changes_by, definition.expire_after, columns, *times)

    def row_columns(self, ordinal: int) -> tuple[str, ...]:
        """The columns whose change concerns the rows of the definition's incidents; none where it has no rows."""
        definition, reading = self.definitions[ordinal], self.read.readings.get(ordinal)
        if reading is None or not self.ledger.keeps_rows(definition):
            return ()
        return row_columns(definition, reading.column_types)

    def terms(self, ordinal: int) -> Terms:
        """What the lifecycle needs of the definition, of the team that answers for it, and of how it was read."""
        terms = terms_of(self.definitions[ordinal], self.ledger.people)
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
                rows = self.scans.look_up(reading, ordinal, relation, items)
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
