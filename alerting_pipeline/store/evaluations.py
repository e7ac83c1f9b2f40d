"""Evaluations in the ledger: what was evaluated before, and the one transaction in which an evaluation takes effect.

Two evaluators of the same definition wait for each other at its row. Whoever comes second finds that its scan is older
than what was written meanwhile, or that its materialization was evaluated already, and writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Engine

from alerting_pipeline.domain.data_check import Seen as SeenColumns
from alerting_pipeline.domain.data_definition import OfIncidents
from alerting_pipeline.domain.data_ports import Standing
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.evaluation import EvaluationResult, Health
from alerting_pipeline.domain.incident import Incident
from alerting_pipeline.domain.lifecycle import Step
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.ports import Delivery
from alerting_pipeline.domain.snooze import StandingSnooze
from alerting_pipeline.domain.stored_value import StoredValue
from alerting_pipeline.domain.system_definitions import EVALUATION_ERROR, SystemFinding, is_over
from alerting_pipeline.domain.upstream import Upstream
from alerting_pipeline.domain.violation import Happened
from alerting_pipeline.rendering.announcement import Directory
from alerting_pipeline.rendering.notification import News
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.data_standing import seen_columns, stand
from alerting_pipeline.store.incidents import (
    carry_out,
    clear_finding,
    forget,
    incidents_where,
    known,
    record_findings,
)
from alerting_pipeline.store.mart_health import PostgresMartHealth
from alerting_pipeline.store.open_incidents import count_open
from alerting_pipeline.store.rare_collections import rare_collections
from alerting_pipeline.store.rehearsed_rows import rehearsed_rows
from alerting_pipeline.store.renaming import hand_over
from alerting_pipeline.store.seen import Seen
from alerting_pipeline.store.snoozes import standing_at
from alerting_pipeline.store.standing import JUDGEMENTS, Stands, prepare, values_in_force
from alerting_pipeline.store.upstream_changes import changed_since_judged, explain

_OPEN = "i.status <> 'resolved'"


class EvaluationLedger:
    """The ledger as evaluation sees it. `directory` says where messages go."""

    def __init__(self, engine: Engine, directory: Directory) -> None:
        self._engine = engine
        self._directory = directory
        self.rehearsed: list[tuple[Delivery, bool]] = []

    @property
    def public_url(self) -> str:
        return self._directory.public_url

    @property
    def people(self) -> People:
        return self._directory.people

    def keeps_rows(self, definition: AlertDefinition) -> bool:
        """Whether some incident of the definition may have a row in a sheet, table or file."""
        return self._directory.keeps_rows(definition)

    def prepare(self, alerts: Sequence[str], materialization_id: str, as_of: datetime) -> tuple[datetime, Stands]:
        """The database's clock, and where each definition stands. What the ledger never saw stands at its beginning."""
        with self._engine.connect() as connection:
            return prepare(connection, alerts, materialization_id, as_of)

    def values(self, versions: Mapping[str, str], as_of: datetime) -> dict[str, list[StoredValue]]:
        """The values that hold, of those alerts of which this version is in force."""
        with self._engine.connect() as connection:
            return values_in_force(connection, versions, as_of)

    def health_of(self, models: Iterable[str]) -> Health:
        """What the last build of each of these marts said."""
        return PostgresMartHealth(self._engine).of(models)

    def gather(self, alert: str, build: str, model: str, failures: Sequence[str]) -> dict[str, list[str]]:
        """Note that a model of a query is there in this build; returns those that are, each with what failed on it."""
        with self._engine.begin() as connection:
            connection.exec_driver_sql(
                "insert into ledger.due_work (work, due_window, due_at, done_at, detail) "
                "values (%s, %s, clock_timestamp(), clock_timestamp(), %s::jsonb) on conflict do nothing",
                (f"query:{alert}:{build}", model, json.dumps({"failures": list(failures)})),
            )
            rows = connection.exec_driver_sql(
                "select due_window, detail from ledger.due_work where work = %s", (f"query:{alert}:{build}",)
            )
            return {row.due_window: row.detail["failures"] for row in rows}

    @contextmanager
    def begin(self, definitions: Mapping[str, OfIncidents]) -> Iterator[EvaluationTransaction]:
        """One transaction; an error takes everything back."""
        with rare_collections(), self._engine.begin() as connection:
            yield EvaluationTransaction(connection, Announcer(self._directory, definitions))

    @contextmanager
    def rehearse(self, definitions: Mapping[str, OfIncidents]) -> Iterator[EvaluationTransaction]:
        """The same, always taken back at the end."""
        with rare_collections(), self._engine.connect() as connection, connection.begin() as transaction:
            try:
                yield EvaluationTransaction(connection, Announcer(self._directory, definitions))
                self.rehearsed += rehearsed_rows(connection)
            finally:
                transaction.rollback()


class EvaluationTransaction:
    """What one evaluation reads and writes. `seen` is the temporary table of its scan."""

    def __init__(self, connection: Connection, announcer: Announcer) -> None:
        self._connection = connection
        self._announcer = announcer
        self.seen = Seen(connection)

    def lock(self, alerts: Sequence[str], materialization_id: str, as_of: datetime) -> Stands:
        """Where each definition stands, while nobody else can evaluate it until the transaction ends."""
        self._connection.exec_driver_sql(
            "select 1 from ledger.definitions where alert = any(%s) order by alert for update", (list(alerts),)
        )
        return prepare(self._connection, alerts, materialization_id, as_of)[1]

    def record(
        self, results: Sequence[EvaluationResult], materialization_id: str, as_of: datetime, started_at: datetime
    ) -> dict[str, int]:
        """Write evaluations; returns their numbers. One that is missing was recorded by somebody else meanwhile."""
        rows = [
            {"alert": item.alert, "version": item.version, "outcome": item.outcome, "violations": item.violations,
             "null_rows": item.null_rows, "unknown_segments": item.unknown_segments, "sample": item.sample,
             "reason": item.reason, "error": item.error}
            for item in results
        ]  # fmt: skip
        written = self._connection.exec_driver_sql(
            f"""
            insert into ledger.evaluations (alert, definition_version, materialization_id, as_of, started_at,
                finished_at, outcome, violations, null_rows, unknown_segments, sample, reason, error)
            select alert, version, %(materialization)s, %(as_of)s, %(started_at)s, clock_timestamp(), outcome,
                violations, null_rows, unknown_segments, sample, reason, error
            from jsonb_to_recordset(%(rows)s::jsonb) as x (alert text, version text, outcome text, violations bigint,
                null_rows bigint, unknown_segments bigint, sample jsonb, reason text, error text)
            order by alert
            on conflict (alert, materialization_id, definition_version) where outcome in {JUDGEMENTS} do nothing
            returning alert, evaluation_id
            """,
            {
                "rows": json.dumps(rows, default=str, ensure_ascii=False),
                "materialization": materialization_id,
                "as_of": as_of,
                "started_at": started_at,
            },
        )
        return {row.alert: row.evaluation_id for row in written}

    def finish(self, results: Sequence[EvaluationResult]) -> None:
        """Write the counts of what changed, which are known only at the end."""
        rows = [
            (item.opened, item.reopened, item.updated, item.cleared, item.withdrawn, item.held, item.evaluation_id)
            for item in results
            if item.evaluation_id is not None and (item.is_changed or item.held)
        ]
        if rows:
            self._connection.exec_driver_sql(
                "update ledger.evaluations set opened = %s, reopened = %s, updated = %s, cleared = %s, withdrawn = %s, "
                "held = %s, finished_at = clock_timestamp() where evaluation_id = %s",
                rows,
            )

    def advance(self, read_keys: Mapping[str, str | None], as_of: datetime, newest: datetime | None) -> None:
        """Note how far each definition has been read, and by which version and parameter values; None: not judged."""
        self._connection.exec_driver_sql(
            """
            update ledger.definitions as d set
                last_evaluated_at = greatest(d.last_evaluated_at, %(as_of)s),
                last_read_at = case when x.read_key is null then d.last_read_at
                    else greatest(d.last_read_at, %(as_of)s) end,
                baselined_at = case when x.read_key is null then d.baselined_at
                    else coalesce(d.baselined_at, %(as_of)s) end,
                watermark = case when x.read_key is null then d.watermark else %(newest)s end,
                read_key = coalesce(x.read_key, d.read_key)
            from unnest(%(alerts)s::text[], %(keys)s::text[]) as x (alert, read_key)
            where d.alert = x.alert
            """,
            {
                "alerts": list(read_keys),
                "keys": list(read_keys.values()),
                "as_of": as_of,
                "newest": newest.isoformat() if newest else None,
            },
        )

    def open_incidents(self, fingerprints: Sequence[UUID]) -> dict[UUID, Incident]:
        """The open incidents among these fingerprints."""
        found = incidents_where(self._connection, f"i.fingerprint = any(%s) and {_OPEN}", [list(fingerprints)])
        return {incident.fingerprint: incident for incident in found}

    def known(self, fingerprints: Sequence[UUID]) -> set[UUID]:
        """Those among these fingerprints that are not to be raised again."""
        return known(self._connection, fingerprints)

    def seen_columns(self, alerts: Sequence[str]) -> dict[str, SeenColumns]:
        """The columns that each data definition's model had at its last evaluation."""
        return seen_columns(self._connection, alerts)

    def stand(self, standing: Mapping[str, Standing]) -> None:
        """Keep what data definitions hold from now on, and the columns that they saw."""
        stand(self._connection, standing)

    def unheld(self, alerts: Sequence[str]) -> list[Incident]:
        """The open incidents of these alerts that are not held yet."""
        return incidents_where(
            self._connection, f"i.alert = any(%s) and {_OPEN} and i.held_since is null", [list(alerts)]
        )

    def count_open(self, alerts: Sequence[str]) -> dict[str, int]:
        """How many open incidents each of these alerts has."""
        return count_open(self._connection, alerts)

    def take_as_known(self, ordinals: Sequence[int], now: datetime) -> None:
        """`baseline: silent`: what is there at the first evaluation is not raised while its condition stays true."""
        self._connection.exec_driver_sql(
            """
            insert into ledger.known_fingerprints (alert, fingerprint, entity, why, since)
            select j.alert, s.fingerprint, s.entity, 'baseline', %s from seen as s join judged as j using (ordinal)
            where s.fingerprint is not null and s.ordinal = any(%s)
                and not exists (
                    select 1 from ledger.incidents as i where i.fingerprint = s.fingerprint and i.status <> 'resolved')
            order by s.fingerprint
            on conflict do nothing
            """,
            (now, list(ordinals)),
        )

    def carry_out(
        self, steps: Sequence[Step], now: datetime, evaluations: Mapping[str, int] | None = None
    ) -> list[News]:
        """Write what steps led to; what is returned is to be announced. `evaluations`: their numbers, by alert."""
        return carry_out(self._connection, steps, now, evaluations)

    def snoozes(self, as_of: datetime) -> list[StandingSnooze]:
        """Snoozes of entities and definitions that hold at that instant."""
        return standing_at(self._connection, as_of)

    def announce(self, news: Sequence[News]) -> int:
        """Put the messages into the outbox; returns how many."""
        return self._announcer(self._connection, news)

    def forget(self, alert: str, fingerprints: Sequence[UUID]) -> None:
        """These left their condition."""
        forget(self._connection, alert, fingerprints)

    def report(self, findings: Sequence[SystemFinding], now: datetime) -> None:
        """Open system incidents. Of an alert that can't be evaluated any more, they name what changed of it."""
        explained = explain(self._connection, findings)
        record_findings(self._connection, explained, now=now, announce=self._announcer)

    def changed(self, alert: str, upstream: Upstream, outcomes: Collection[str]) -> str:
        """What changed upstream since this definition was last judged so."""
        return changed_since_judged(self._connection, alert, upstream, outcomes)

    def works_again(self, versions: Mapping[str, str], described: Collection[str], now: datetime) -> None:
        """End what was said of these alerts, which were judged, and of the warehouse; see `is_over`.

        One that a person resolved is forgotten, too: the same error is news again when it comes back.
        """
        rows = self._connection.exec_driver_sql(
            f"""
            select i.entity from ledger.incidents as i where i.alert = %(alert)s and {_OPEN}
            union
            select k.entity from ledger.known_fingerprints as k where k.alert = %(alert)s
            order by entity
            """,
            {"alert": EVALUATION_ERROR},
        )
        for entity in rows.scalars().all():
            if is_over(entity, versions, described):
                clear_finding(self._connection, EVALUATION_ERROR, entity, now=now, announce=self._announcer)

    def rename(self, definition: AlertDefinition) -> int:
        """Hand the open incidents and known fingerprints of the earlier name over; returns how many incidents."""
        return hand_over(self._connection, definition)

    def orphans(self) -> list[Incident]:
        """Open incidents of alerts whose definition was removed, and those that said that it can't be evaluated."""
        removed = "(select d.alert from ledger.definitions as d where d.removed_at is not null)"
        self._connection.exec_driver_sql(f"delete from ledger.pending_violations where alert in {removed}")
        return incidents_where(
            self._connection,
            f"{_OPEN} and (i.kind in ('business', 'data') and i.alert in {removed} "
            f"or i.alert = %s and i.entity ->> 'alert' in {removed})",
            [EVALUATION_ERROR],
        )

    def newest_event(self) -> int:
        """The number of the newest event of any incident."""
        return self._connection.exec_driver_sql(
            "select coalesce(max(event_id), 0) from ledger.incident_events"
        ).scalar_one()

    def happened(self, alert: str, after: int) -> list[Happened]:
        """How the newest incident of each entity stands, with what happened to it after that event; and what waits to
        become one.
        """
        rows = self._connection.exec_driver_sql(
            """
            select distinct on (i.fingerprint) i.entity, i.status <> 'resolved', i.held_since is not null, i.severity,
                i.deviance, i.summary, array(
                    select e.event from ledger.incident_events as e
                    where e.incident_id = i.incident_id and e.event_id > %s order by e.event_id)
            from ledger.incidents as i where i.alert = %s order by i.fingerprint, i.incident_id desc
            """,
            (after, alert),
        )
        waiting = self._connection.exec_driver_sql(
            "select entity from ledger.pending_violations where alert = %s order by fingerprint", (alert,)
        )
        pending = [Happened(entity, ("pending",), False, False, "", None, "") for entity in waiting.scalars()]
        return pending + [
            Happened(entity, tuple(events), is_open, is_held, severity, deviance, summary)
            for entity, is_open, is_held, severity, deviance, summary, events in rows
        ]
