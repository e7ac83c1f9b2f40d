"""The reports: what is sent on a schedule, its cases, and who wants no more of it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from alerting_pipeline.app.data import Data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alerting_pipeline.domain.case_verdict import CaseResult
    from alerting_pipeline.domain.letter import Judged
    from alerting_pipeline.domain.ports import Progress
    from alerting_pipeline.domain.report import ReportCase, ReportDefinition
    from alerting_pipeline.store.report_ledger import PostgresReportLedger
    from alerting_pipeline.store.unsubscriptions import Unsubscriptions
    from alerting_pipeline.usecases.rehearse_reports import CaseTransaction
    from alerting_pipeline.usecases.send_reports import ReportSender


class Reports(Data):
    """From marts to recipients."""

    @cached_property
    def signing_key(self) -> bytes:
        """The key of links in mails: that of the settings, or one made once and kept in the home."""
        from alerting_pipeline.adapters.signing_key import kept_key

        stated = self.settings.signing_key
        return stated.get_secret_value().encode() if stated is not None else kept_key(self.settings.kept_signing_key)

    @cached_property
    def unsubscriptions(self) -> Unsubscriptions:
        """Who wants no more messages of a report."""
        from alerting_pipeline.store.unsubscriptions import Unsubscriptions

        return Unsubscriptions(self.engine)

    @property
    def report_ledger(self) -> PostgresReportLedger:
        """Messages and windows of reports."""
        from alerting_pipeline.store.announcements import Announcer
        from alerting_pipeline.store.report_ledger import PostgresReportLedger

        held = self.definition_ledger.in_force()
        directory = held.directory(self.settings.public_url)
        return PostgresReportLedger(self.engine, Announcer(directory, held.alerts))

    def unsubscribe_url(self, report: str, address: str) -> str:
        """The link in a message that ends the report for its recipient."""
        from alerting_pipeline.domain.unsubscription import token_for

        return f"{self.settings.public_url}/unsubscribe/{token_for(report, address, self.signing_key)}"

    def report_sender(self, files: Mapping[str, ReportDefinition] | None = None) -> ReportSender:
        """Sends the reports that are in force now. `files`: these definitions instead, for a preview."""
        from alerting_pipeline.adapters.report_rows import SandboxedReportRows, from_marts
        from alerting_pipeline.domain.relation import IN_FORCE, parameters_or_file
        from alerting_pipeline.usecases.send_reports import ReportSender

        definitions = self.definition_ledger.in_force().reports if files is None else files
        parameters = IN_FORCE if files is None else parameters_or_file(files.values())
        rows = SandboxedReportRows(self.warehouse, from_marts(self.catalog), parameters)
        public_url, url = self.settings.public_url, self.unsubscribe_url
        return ReportSender(definitions, self.report_ledger, rows, self.mart_health, public_url, url)

    def rehearse_reports(self, definitions: Sequence[ReportDefinition], progress: Progress) -> list[CaseResult]:
        """Run the cases of these reports; nothing that they do is kept."""
        from alerting_pipeline.adapters.report_rows import SandboxedReportRows, from_case
        from alerting_pipeline.domain.relation import parameters_of
        from alerting_pipeline.usecases.rehearse_reports import rehearse_reports
        from alerting_pipeline.usecases.send_reports import ReportSender, Wanted

        ledger, public_url = self.report_ledger, self.settings.public_url

        def judge(transaction: CaseTransaction, definition: ReportDefinition, case: ReportCase) -> Sequence[Judged]:
            parameters = parameters_of(definition, case.parameters)
            rows = SandboxedReportRows(self.warehouse, from_case(self.catalog, case), parameters)
            known = {definition.report: definition}
            sender = ReportSender(known, ledger, rows, self.mart_health, public_url, _no_link)
            return sender.preview(transaction, definition, case.at, Wanted(most=len(case.rows))).shown

        return rehearse_reports(definitions, ledger, judge, progress)


def _no_link(report: str, address: str) -> str:
    """A case needs no key: its messages go to nobody."""
    return "https://example.com/unsubscribe"
