"""Send a report: read its mart, leave out what was sent before, write the rest as messages; all in one transaction.

What is sent is decided by the key (report, entity, window) in the ledger, so a pass may be repeated, run twice at once
or end half-way. While the mart can't be believed nothing is read: the window is held, and sent when its mart is healthy
again, if it is still the current one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.evaluation import NOT_BUILT, Health
from alerting_pipeline.domain.letter import Fate, Judged, SendResult, WindowStatus
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.report_ports import ReportLedger, ReportRows, ReportTransaction
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.domain.warehouse_error import RelationMissing
from alerting_pipeline.domain.window import latest_window
from alerting_pipeline.rendering.letter import UnsubscribeUrl, judged

FAILURE, ROWS_SKIPPED = "report_failure", "report_rows_skipped"
_SHOWN = 3


class MartHealth(Protocol):
    """What the last build said of each mart."""

    def of(self, models: Iterable[str]) -> Health: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows a preview shows: the first few, or those of one entity (a value of it)."""

    entity: str | None = None
    most: int = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """What a report would come to now, and some of its rows. `result.sent` counts what would be sent."""

    result: SendResult
    shown: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class ReportSender:
    """Sends the reports in force. `url` gives the address that ends a report for a recipient."""

    definitions: Mapping[str, ReportDefinition]
    ledger: ReportLedger
    rows: ReportRows
    health: MartHealth
    public_url: str
    url: UnsubscribeUrl

    def send(self, report: str, now: datetime, *, is_dry_run: bool = False) -> SendResult | None:
        """The current window of a report, as far as it is not sent yet; None: its first window has not come.

        A dry run takes back everything. Raises BadCall for a report that is not in force.
        """
        definition = self.definition(report)
        window = self.current_window(definition, now)
        if window is None:
            return None
        failures = self.health.of([definition.model]).failures
        begin = self.ledger.rehearse if is_dry_run else self.ledger.begin
        with begin() as transaction:
            transaction.lock(report)
            if failures:
                return self._held(transaction, definition, SendResult(report, window, now), failures)
            return self.within(transaction, definition, window, now)

    def definition(self, report: str) -> ReportDefinition:
        """The definition in force of that name."""
        if report not in self.definitions:
            hint = did_you_mean(report, self.definitions) or "`alerting reports list` names them"
            raise BadCall(f'"{report}" is not a report in force; {hint}')
        return self.definitions[report]

    def current_window(self, definition: ReportDefinition, now: datetime) -> datetime | None:
        """The latest window of the report's schedule that has come."""
        if definition.trigger.cron is None:
            return None
        return latest_window(definition.trigger.cron, definition.trigger.timezone, now)

    def within(
        self, transaction: ReportTransaction, definition: ReportDefinition, window: datetime, now: datetime
    ) -> SendResult:
        """One pass within a transaction that the caller ends. A query that fails fails the window, and nothing else."""
        result = SendResult(definition.report, window, now)
        try:
            transaction.load(self.rows.stream(definition, window, now))
        except RelationMissing as error:
            if transaction.was_read(definition.report):
                return self._failed(transaction, definition, result, error)
            result.status, result.reason = WindowStatus.HELD, f"{definition.model} {NOT_BUILT}"
            transaction.record(definition, result)
            return result
        except (AlertingError, ValueError) as error:
            return self._failed(transaction, definition, result, error)
        transaction.settle(definition.report, result)
        for chunk in transaction.unsent(definition):
            decided = [judged(definition, due, now, self.public_url, self.url) for due in chunk]
            transaction.write(definition, [each for each in decided if each.fate != "waiting"], now)
            for each in decided:
                result.count(each)
        result.settle()
        transaction.record(definition, result)
        self._tell(transaction, result)
        return result

    def preview(
        self, transaction: ReportTransaction, definition: ReportDefinition, now: datetime, wanted: Wanted
    ) -> Preview:
        """What each row would come to at `now`, or what became of its message before; nothing is written."""
        window = self.current_window(definition, now) or now
        result, shown = SendResult(definition.report, window, now), []
        transaction.load(self.rows.stream(definition, window, now))
        for chunk in transaction.unsent(definition, with_known=True):
            for due in chunk:
                decided = judged(definition, due, now, self.public_url, self.url)
                if due.known and decided.letter is not None:
                    decided = replace(decided, fate=Fate.KNOWN, reason=due.known)
                result.count(decided)
                if len(shown) < wanted.most and wanted.entity in (None, *due.entity.values()):
                    shown.append(decided)
        transaction.settle(definition.report, result)
        return Preview(result, tuple(shown))

    def _held(
        self,
        transaction: ReportTransaction,
        definition: ReportDefinition,
        result: SendResult,
        failures: Sequence[str],
    ) -> SendResult:
        more = f" and {len(failures) - 1} more" if len(failures) > 1 else ""
        result.status, result.reason = WindowStatus.HELD, f"{definition.model} can't be believed: {failures[0]}{more}"
        transaction.record(definition, result)
        return result

    def _failed(
        self,
        transaction: ReportTransaction,
        definition: ReportDefinition,
        result: SendResult,
        error: Exception,
    ) -> SendResult:
        result.status, result.reason = WindowStatus.FAILED, str(error)
        transaction.record(definition, result)
        said = f"{definition.report} could not be sent: {error}"
        transaction.report([SystemFinding(FAILURE, {"report": definition.report}, said)], result.as_of)
        return result

    def _tell(self, transaction: ReportTransaction, result: SendResult) -> None:
        """What went wrong, or that it works again. Reasons name columns and templates, never values of rows."""
        about = {"report": result.report}
        transaction.clear(FAILURE, about, result.as_of)
        if not result.left_out:
            transaction.clear(ROWS_SKIPPED, about, result.as_of)
            return
        reasons = sorted(result.reasons.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
        said = [f"{count:,}: {reason}" for reason, count in reasons]
        if result.duplicates:
            said.append(f"{result.duplicates:,}: a second row about the same message")
        noun = "row was" if result.left_out == 1 else "rows were"
        summary = f"{result.left_out:,} {noun} not sent as {result.report} ({'; '.join(said)})"
        transaction.report([SystemFinding(ROWS_SKIPPED, about, summary)], result.as_of)
