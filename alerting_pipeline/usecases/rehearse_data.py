"""Run the cases of data definitions: the production checks over the rows that a case states.

Nothing is written, so there is no ledger in it: what a case can show is which checks fail, and the outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alerting_pipeline.domain.case_verdict import CaseResult
from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.data_check import Seen, State
from alerting_pipeline.domain.data_definition import DataCase, DataDefinition
from alerting_pipeline.domain.data_definition_check import is_named
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.evaluation import Order
from alerting_pipeline.domain.ports import Progress
from alerting_pipeline.domain.relation import rows_relation
from alerting_pipeline.usecases.check_data import Checked, Inspector


def rehearse_data(
    definitions: Sequence[DataDefinition], catalog: Catalog, inspector: Inspector, progress: Progress
) -> list[CaseResult]:
    """Every case of these definitions, in order."""
    cases = [(definition, case) for definition in definitions for case in definition.cases]
    results = []
    for number, (definition, case) in enumerate(cases):
        progress.report("test", f"{definition.alert}: {case.name}", number, len(cases))
        found = tuple(_differences(definition, case, catalog, inspector))
        results.append(CaseResult(definition.alert, definition.path, case.name, found))
    return results


def _differences(definition: DataDefinition, case: DataCase, catalog: Catalog, inspector: Inspector) -> Iterator[str]:
    model = catalog.models.get(definition.model)
    if model is None or not model.columns:
        yield f"the columns of {definition.model} are described nowhere; give them in its YAML file, with data_type"
        return
    relation = rows_relation(model.columns, case.rows, is_packed=True)
    try:
        (found,) = inspector.inspect([definition], relation, {definition.alert: Seen()}, Order("case", case.at))
    except AlertingError as error:
        yield f"could not be evaluated: {error}"
        return
    yield from _compared(case, found)


def _compared(case: DataCase, found: Checked) -> Iterator[str]:
    if found.verdict.outcome != case.outcome:
        yield f"expected the outcome {case.outcome}, got {found.verdict.outcome.value} ({found.verdict.reason})"
    failed = [check for check in found.checks if check.state is State.FAILED]
    for written in case.failing:
        if not any(is_named(written, check.name) for check in failed):
            yield f"expected {written} to fail, and it did not"
    for check in failed:
        if not any(is_named(written, check.name) for written in case.failing):
            yield f"did not expect {check.name} to fail: {check.says}"
