"""Run the cases of definitions: each step through the production query, lifecycle and ledger, then taken back.

A case sees an empty ledger of its own: its alert has a name that no file can have, so what is open in production is
neither read nor locked. Parameter values are those of the file, never the live ones, so a case says the same
everywhere. The transaction is rolled back whatever happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from alerting_pipeline.domain.case import Case, Step
from alerting_pipeline.domain.case_verdict import CaseResult, differences
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.evaluation import EvaluationResult
from alerting_pipeline.domain.evaluation_ports import Transaction
from alerting_pipeline.domain.ports import Progress


class Rehearsals(Protocol):
    """The ledger, in transactions that are always taken back."""

    def rehearse(self, definitions: Mapping[str, AlertDefinition]) -> AbstractContextManager[Transaction]: ...


class EvaluatesStep(Protocol):
    """One definition, evaluated against the rows and parameters of one step."""

    def __call__(
        self, transaction: Transaction, definition: AlertDefinition, step: Step, number: int
    ) -> EvaluationResult: ...


def rehearse(
    definitions: Sequence[AlertDefinition], ledger: Rehearsals, evaluate: EvaluatesStep, progress: Progress
) -> list[CaseResult]:
    """Every case of these definitions, in order."""
    cases = [(definition, case) for definition in definitions for case in definition.cases]
    results = []
    for number, (definition, case) in enumerate(cases):
        progress.report("test", f"{definition.alert}: {case.name}", number, len(cases))
        found = tuple(_differences(definition, case, ledger, evaluate))
        results.append(CaseResult(definition.alert, definition.path, case.name, found))
    progress.report("test", "all cases", len(cases), len(cases))
    return results


def _differences(definition: AlertDefinition, case: Case, ledger: Rehearsals, evaluate: EvaluatesStep) -> Iterator[str]:
    # `baseline` and `renamed_from` are about what was there before; a case begins with nothing.
    rehearsed = definition.model_copy(
        update={"alert": f"{definition.alert}/case", "baseline": "alert", "renamed_from": None}
    )
    with ledger.rehearse({rehearsed.alert: rehearsed}) as transaction:
        for number, step in enumerate(case.timeline):
            before = transaction.newest_event()
            result = evaluate(transaction, rehearsed, step, number)
            happened = transaction.happened(rehearsed.alert, before)
            for difference in differences(case, step, definition.entity, result, happened):
                yield f"step {number + 1}, {step.at:%Y-%m-%d %H:%M}: {difference}" if case.steps else difference
