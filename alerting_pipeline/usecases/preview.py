"""What an alert would say now: its query, the rows that fire, whom they would reach, and the messages as they look.

Nothing is written or sent. What is open or known already counts as new here: a preview shows what a reader would get,
and an alert whose incidents are all open would otherwise show nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any, Protocol

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.evaluation import Prepared
from alerting_pipeline.domain.evaluation_ports import Scans, Transaction
from alerting_pipeline.domain.incident import Incident, Transition
from alerting_pipeline.domain.lifecycle import step
from alerting_pipeline.domain.reading import read
from alerting_pipeline.domain.routing import Facts, Routed, route
from alerting_pipeline.domain.scan import scan_sql
from alerting_pipeline.domain.severity import rank
from alerting_pipeline.domain.terms import terms_of
from alerting_pipeline.domain.violation import Judged, Tally, Violation
from alerting_pipeline.rendering.announcement import Directory, letters, notifications_of
from alerting_pipeline.rendering.notification import News, Notification
from alerting_pipeline.rendering.violation_text import violated

SUFFIX = "/preview"
"""Ends the name under which a preview reads: no file can have it, so the ledger holds nothing of it."""


class Rehearsals(Protocol):
    """The ledger, in transactions that are always taken back."""

    def prepare(
        self, alerts: list[str], materialization_id: str, as_of: datetime
    ) -> tuple[datetime, dict[str, Prepared]]: ...

    def rehearse(self, definitions: Mapping[str, AlertDefinition]) -> AbstractContextManager[Transaction]: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """One incident that would be opened, where it would go and why, and each message."""

    incident: Incident
    routed: Routed
    notifications: tuple[Notification, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """`violations` rows fire, of which `is_open` have an open incident already; `sample` are the worst of them."""

    alert: str
    sql: str
    violations: int
    null_rows: int
    is_open: int
    sample: tuple[Mapping[str, Any], ...]
    shown: tuple[Shown, ...]
    wrong: str | None = None


def preview(
    definition: AlertDefinition, directory: Directory, ledger: Rehearsals, scans: Scans, as_of: datetime, most: int = 1
) -> Preview:
    """The alert as it would fire at `as_of`, with the messages of the `most` worst incidents.

    `scans` knows the parameter values under the definition's name with SUFFIX. Raises AlertingError where the model
    can't be read.
    """
    trial = definition.model_copy(update={"alert": f"{definition.alert}{SUFFIX}"})
    _, prepared = ledger.prepare([trial.alert], "preview", as_of)
    with ledger.rehearse({trial.alert: trial}) as transaction:
        found = scans.read({0: trial}, prepared, as_of, transaction.seen)
        if found.errors:
            raise found.errors[0]
        if found.relation is None:
            raise AlertingError(f"{definition.model} was never built; `alerting run` builds it")
        transaction.seen.settle()
        tally = transaction.seen.tallies().get(0, Tally())
        transaction.seen.judge([Judged(0, trial.alert, None, None, (), None, None)])
        worst = heapq.nsmallest(most, chain.from_iterable(transaction.seen.fresh(as_of)), key=_worst_first)
        sample = tuple(transaction.seen.samples().get(0, ()))
        is_open = transaction.count_open([definition.alert]).get(definition.alert, 0)
    described = [_described(violation, definition, directory, as_of) for violation in worst]
    return Preview(
        alert=definition.alert,
        sql=scan_sql({0: read(definition, found.relation.columns, as_of)}, found.relation),
        violations=tally.violations,
        null_rows=tally.null_rows,
        is_open=is_open,
        sample=sample,
        shown=tuple(shown for shown, _ in described),
        wrong=next((wrong for _, wrong in described if wrong), None),
    )


def _worst_first(violation: Violation) -> tuple[int, bool, Any]:
    return (rank(violation.severity), violation.deviance is None, -(violation.deviance or 0))


def _described(
    violation: Violation, definition: AlertDefinition, directory: Directory, as_of: datetime
) -> tuple[Shown, str | None]:
    event, wrong = violated(violation, definition, terms_of(definition, directory.people), as_of, directory.public_url)
    opened = step(None, event, as_of).incident
    if opened is None:
        raise AlertingError(f"{definition.alert}: its first violation opens no incident; `alerting test` says why")
    incident = replace(opened, alert=definition.alert)
    routed = route(
        Facts.of(incident, as_of),
        directory.tree,
        directory.book,
        notify=definition.notify,
        write_back=[entry.destination for entry in definition.write_back],
    )
    news = [News(incident, Transition.OPENED, 0, at=as_of)]
    told = notifications_of(letters(news, {definition.alert: definition}, directory, {}), directory.public_url)
    return Shown(incident, routed, tuple(told)), wrong
