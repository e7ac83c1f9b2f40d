"""Run the cases of reports: each through the production query, the hours and the templates, then taken back.

As with alerts, a case sees a ledger of its own, parameter values are those of the file, and nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from alerting_pipeline.domain.case_verdict import CaseResult, is_meant
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.letter import Fate, Judged
from alerting_pipeline.domain.ports import Progress
from alerting_pipeline.domain.report import ExpectedMessage, ReportCase, ReportDefinition
from alerting_pipeline.domain.report_ports import ReportTransaction
from alerting_pipeline.rendering.letter import mail


class CaseTransaction(ReportTransaction, Protocol):
    """The ledger in a transaction that is always taken back."""

    def unsubscribe(self, report: str, addresses: Iterable[str]) -> None: ...


class Rehearsals(Protocol):
    """Where cases run."""

    def rehearse(self) -> AbstractContextManager[CaseTransaction]: ...


class JudgesCase(Protocol):
    """What the rows of a case come to."""

    def __call__(
        self, transaction: CaseTransaction, definition: ReportDefinition, case: ReportCase
    ) -> Sequence[Judged]: ...


def rehearse_reports(
    definitions: Sequence[ReportDefinition], ledger: Rehearsals, judge: JudgesCase, progress: Progress
) -> list[CaseResult]:
    """Every case of these definitions, in order."""
    cases = [(definition, case) for definition in definitions for case in definition.cases]
    results = []
    for number, (definition, case) in enumerate(cases):
        progress.report("test", f"{definition.report}: {case.name}", number, len(cases))
        rehearsed = definition.model_copy(update={"report": f"{definition.report}/case"})
        with ledger.rehearse() as transaction:
            transaction.unsubscribe(rehearsed.report, case.unsubscribed)
            try:
                found = tuple(_differences(case, definition.entity, judge(transaction, rehearsed, case)))
            except (AlertingError, ValueError) as error:
                found = (f"could not be read: {error}",)
        results.append(CaseResult(definition.report, definition.path, case.name, found))
    return results


def _differences(case: ReportCase, columns: Sequence[str], judged: Sequence[Judged]) -> Iterator[str]:
    left = {id(each): each for each in judged if each.fate is Fate.QUEUED}
    for expected in case.expect:
        match = next((each for each in left.values() if is_meant(expected.entity, columns, each.due.entity)), None)
        if match is None:
            others = [each for each in judged if is_meant(expected.entity, columns, each.due.entity)]
            why = "its row does not meet the condition"
            if others:
                why = f"it is {others[0].fate.value} ({others[0].reason})"
            yield f"expected a message about {_shown(expected.entity)}, but {why}"
            continue
        del left[id(match)]
        yield from _compared(expected, match)
    for each in left.values():
        yield f"did not expect a message about {_shown(each.due.entity)}, but it would go to {each.due.recipient}"
    skipped = sum(each.fate is Fate.SKIPPED for each in judged)
    if case.skipped is not None and skipped != case.skipped:
        reasons = sorted({each.reason for each in judged if each.fate is Fate.SKIPPED})
        yield f"expected {case.skipped} rows to be skipped, got {skipped}{f' ({reasons[0]})' if reasons else ''}"


def _compared(expected: ExpectedMessage, found: Judged) -> Iterator[str]:
    letter, name = found.letter, _shown(expected.entity)
    if letter is None:
        return
    if expected.to is not None and letter.to != expected.to:
        yield f"expected the message about {name} to go to {expected.to}, got {letter.to}"
    if expected.subject is not None and letter.subject != expected.subject:
        yield f'expected the subject "{expected.subject}" for {name}, got "{letter.subject}"'
    text = " ".join(mail(letter).text.split()) if expected.says else ""
    for said in expected.says:
        if " ".join(said.split()) not in text:
            yield f'expected the message about {name} to say "{said}"; it says "{text[:300]}"'


def _shown(entity: Mapping[str, str | None] | Sequence[str]) -> str:
    values = entity.values() if isinstance(entity, Mapping) else entity
    return ", ".join("NULL" if value is None else value for value in values)
