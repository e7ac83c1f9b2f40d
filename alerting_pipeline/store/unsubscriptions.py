"""Who wants no more messages of a report; each change is in the audit log, and repeating one changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text


@dataclass(frozen=True, slots=True)
class Unsubscriptions:
    """The list, by report and address. Every method is one transaction; True: it was changed."""

    engine: Engine

    def add(self, report: str, address: str, actor: str) -> bool:
        """From now on this address gets no message of the report."""
        with self.engine.begin() as connection:
            added = connection.execute(
                text("""
                insert into ledger.report_unsubscriptions (report, address, unsubscribed_by)
                values (:report, :address, :actor) on conflict do nothing
                """),
                {"report": report, "address": address.lower(), "actor": actor},
            ).rowcount
            if added:
                _audit(connection, actor, "unsubscribe", report, address)
        return bool(added)

    def remove(self, report: str, address: str, actor: str) -> bool:
        """It gets them again."""
        with self.engine.begin() as connection:
            removed = connection.execute(
                text("delete from ledger.report_unsubscriptions where report = :report and address = :address"),
                {"report": report, "address": address.lower()},
            ).rowcount
            if removed:
                _audit(connection, actor, "resubscribe", report, address)
        return bool(removed)

    def among(self, subscriptions: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those among these pairs of report and address (in lower case) that were ended."""
        if not subscriptions:
            return set()
        statement = text("""
        select u.report, u.address from ledger.report_unsubscriptions as u
        join unnest(cast(:reports as text[]), cast(:addresses as text[])) as a (report, address)
            using (report, address)
        """)
        reports, addresses = zip(*subscriptions, strict=True)
        with self.engine.connect() as connection:
            found = connection.execute(statement, {"reports": list(reports), "addresses": list(addresses)})
            return {(row.report, row.address) for row in found}


def _audit(connection: Connection, actor: str, action: str, report: str, address: str) -> None:
    connection.execute(
        text("select ledger.append_audit(:actor, :action, :object, null, null)"),
        {"actor": actor, "action": action, "object": f"report {report}: {address.lower()}"},
    )


def addresses(engine: Engine) -> dict[str, int]:
    """How many addresses have unsubscribed from each report."""
    statement = "select report, count(*) as number from ledger.report_unsubscriptions group by report"
    with engine.connect() as connection:
        return {row.report: row.number for row in connection.execute(text(statement))}
