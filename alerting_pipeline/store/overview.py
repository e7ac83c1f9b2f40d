"""What a pass did and how the ledger stands, counted: for the table at the end of a run and for `alerting doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text

from alerting_pipeline.domain.evaluation import NOT_BUILT


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the ledger; what came after it is one pass's work."""

    load: int
    evaluation: int
    delivery: int
    event: int
    progress: int


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass in numbers. `deduped` counts violations that were already known and so told to nobody again."""

    files_loaded: int
    rows_loaded: int
    models_built: int
    definitions_evaluated: int
    fired: int
    opened: int
    deduped: int
    cleared: int
    held: int
    sent: int
    waiting: int
    failed: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The ledger as it stands. Ages are in seconds; None where there is nothing to be old."""

    open_incidents: dict[str, int]
    waiting_deliveries: int
    oldest_due_seconds: float | None
    dead_deliveries: int
    failing_definitions: list[str]
    unbuilt_definitions: list[str]
    definitions_in_force: int
    newest_load_seconds: float | None
    newest_evaluation_seconds: float | None


def mark(engine: Engine) -> Mark:
    """The place that the ledger is at now."""
    with engine.connect() as connection:
        row = connection.execute(
            text("""
            select
                (select coalesce(max(load_id), 0) from ledger.loads),
                (select coalesce(max(evaluation_id), 0) from ledger.evaluations),
                (select coalesce(max(sequence), 0) from ledger.outbox),
                (select coalesce(max(event_id), 0) from ledger.incident_events),
                (select coalesce(max(progress_id), 0) from ledger.progress)
            """)
        ).one()
    return Mark(*row)


def summarize(engine: Engine, since: Mark) -> Pass:
    """What was done since the mark."""
    with engine.connect() as connection:
        row = connection.execute(
            text("""
            with
            loads as (
                select count(*) as files, coalesce(sum(rows), 0) as rows from ledger.loads
                where load_id > :load and status in ('loaded', 'superseded', 'replaced')
            ),
            built as (
                select coalesce(sum(done), 0) as models from (
                    select max(done) as done from ledger.progress
                    where progress_id > :progress and step = 'build' group by run
                ) runs
            ),
            evaluations as (
                select
                    count(distinct alert) as definitions,
                    coalesce(sum(violations), 0) as fired,
                    coalesce(sum(opened), 0) as opened,
                    coalesce(sum(cleared), 0) as cleared,
                    coalesce(sum(held), 0) as held
                from ledger.evaluations where evaluation_id > :evaluation
            ),
            deliveries as (
                select
                    count(*) filter (where status = 'sent') as sent,
                    count(*) filter (where status in ('waiting', 'leased')) as waiting,
                    count(*) filter (where status = 'dead') as failed
                from ledger.outbox where sequence > :delivery
            )
            select loads.*, built.*, evaluations.*, deliveries.* from loads, built, evaluations, deliveries
            """),
            {
                "load": since.load,
                "progress": since.progress,
                "evaluation": since.evaluation,
                "delivery": since.delivery,
            },
        ).one()
    return Pass(
        files_loaded=int(row.files),
        rows_loaded=int(row.rows),
        models_built=int(row.models),
        definitions_evaluated=int(row.definitions),
        fired=int(row.fired),
        opened=int(row.opened),
        deduped=int(row.fired - row.opened),
        cleared=int(row.cleared),
        held=int(row.held),
        sent=int(row.sent),
        waiting=int(row.waiting),
        failed=int(row.failed),
    )


def standing(engine: Engine) -> Standing:
    """How the ledger stands now."""
    with engine.connect() as connection:
        kinds = connection.execute(
            text("select kind, count(*) from ledger.incidents where status <> 'resolved' group by kind order by kind")
        ).all()
        row = connection.execute(
            text("""
            select
                (select count(*) from ledger.outbox where status in ('waiting', 'leased')) as waiting,
                (select extract(epoch from clock_timestamp() - min(next_attempt_at))::float8 from ledger.outbox
                    where status = 'waiting' and next_attempt_at <= clock_timestamp()) as oldest_due,
                (select count(*) from ledger.outbox where status = 'dead') as dead,
                (select count(*) from ledger.definitions where removed_at is null) as definitions,
                (select extract(epoch from clock_timestamp() - max(finished_at))::float8 from ledger.loads) as load_age,
                (select extract(epoch from clock_timestamp() - max(finished_at))::float8 from ledger.evaluations)
                    as evaluation_age
            """)
        ).one()
        newest = connection.execute(
            text("""
            select distinct on (e.alert) e.alert, e.outcome, strpos(e.reason, :not_built) > 0 as is_unbuilt
            from ledger.evaluations e
            join ledger.definitions d on d.alert = e.alert and d.removed_at is null
            order by e.alert, e.evaluation_id desc
            """),
            {"not_built": NOT_BUILT},
        ).all()
        return Standing(
            open_incidents={kind: count for kind, count in kinds},  # noqa: C416  (rows, not pairs)
            waiting_deliveries=row.waiting,
            oldest_due_seconds=row.oldest_due,
            dead_deliveries=row.dead,
            failing_definitions=[each.alert for each in newest if each.outcome == "system_failure"],
            unbuilt_definitions=[each.alert for each in newest if each.outcome == "no_data" and each.is_unbuilt],
            definitions_in_force=row.definitions,
            newest_load_seconds=row.load_age,
            newest_evaluation_seconds=row.evaluation_age,
        )


def outbox_since(engine: Engine, sequence: int) -> tuple[int, int]:
    """How many messages were written after this sequence number, and how many of them are sent or dead."""
    with engine.connect() as connection:
        row = connection.execute(
            text("""
            select count(*) as total, count(*) filter (where status in ('sent', 'dead')) as settled
            from ledger.outbox where sequence > :sequence
            """),
            {"sequence": sequence},
        ).one()
    return row.total, row.settled


def raised(engine: Engine) -> list[dict[str, Any]]:
    """`alert`, `entity` and `told` of every incident there ever was, in order, and of every message of a report.

    `told`: the destinations that took the message of its opening, one about several incidents included; of a
    report, whose name stands as `alert`, the recipient.
    """
    with engine.connect() as connection:
        rows = connection.execute(
            text("""
            select
                i.alert, i.entity,
                array(
                    select o.destination from ledger.outbox o
                    where o.incident_id = i.incident_id and o.status = 'sent' and o.transition = 'opened'
                    union
                    select o.destination from ledger.held_notifications h join ledger.outbox o using (delivery_id)
                    where h.incident_id = i.incident_id and o.status = 'sent' and h.transition = 'opened'
                ) as told
            from (select * from ledger.incidents order by incident_id) i
            union all
            select report, entity, array[recipient] from alerting.report_messages where status = 'sent'
            """)
        )
        return [dict(row) for row in rows.mappings()]
