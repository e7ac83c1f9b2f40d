"""What keeps people from being told at an instant, read from the ledger: silences, open sources, budgets used up."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from sqlalchemy import Connection, text

from alerting_pipeline.domain.inhibition import Inhibitors, Source
from alerting_pipeline.domain.noise_budget import Budgets
from alerting_pipeline.domain.recipient import Recipient, recipient_of
from alerting_pipeline.domain.routing import Facts
from alerting_pipeline.rendering.announcement import Directory
from alerting_pipeline.rendering.restraint import Restraint
from alerting_pipeline.store.silences import holding, sources_of

# Two transactions that tell the same recipient count one after the other: otherwise both would use the last message.
_LOCK = "select pg_advisory_xact_lock(hashtextextended('alerting noise budget ' || %s, 0))"
_USED = text("""
select count(*) from ledger.outbox where counted_for = :recipient and told_at > :since and told_at <= :now
""")


def restraint_at(connection: Connection, directory: Directory, now: datetime) -> Restraint:
    """Everything that holds messages back at `now`. Budgets are counted, and locked, when they are asked for."""

    @cache
    def whose(destination: str) -> Recipient | None:
        found = directory.book.look_up(destination)
        return None if found is None else recipient_of(found, directory.people)

    def used(recipient: Recipient) -> int:
        connection.exec_driver_sql(_LOCK, (recipient.name,))
        given = {"recipient": recipient.name, "since": now - recipient.window, "now": now}
        return connection.execute(_USED, given).scalar_one()

    return Restraint(now, holding(connection, now), _inhibitors(connection, directory), Budgets(whose, used))


def _inhibitors(connection: Connection, directory: Directory) -> Inhibitors | None:
    rules = directory.tree.inhibit
    if not rules:
        return None
    sources = (
        Source(incident.incident_id or 0, Facts.of(incident), incident.summary)
        for incident in sources_of(connection, [rule.source for rule in rules])
    )
    return Inhibitors(rules, sources)
