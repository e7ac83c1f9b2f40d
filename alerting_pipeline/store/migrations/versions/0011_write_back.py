"""Write-back: runs that wait because they have too many rows, and every row that was written, as it was before."""

from alembic import op

revision = "0011"
down_revision = "0010"

TABLES = """
alter table ledger.outbox drop constraint outbox_status_check;
alter table ledger.outbox add constraint outbox_status_check
    check (status in ('waiting', 'leased', 'sent', 'dead', 'halted', 'rejected'));

create table ledger.write_runs (
    run_id bigint generated always as identity primary key,
    alert text not null,
    destination text not null,
    at_most integer not null,
    halted_at timestamptz not null,
    decision text check (decision in ('approved', 'rejected')),
    decided_at timestamptz,
    decided_by text,
    reason text,
    check ((decision is null) = (decided_at is null) and (decision is null) = (decided_by is null))
);
-- What comes after a run that waits joins it, so there is one at most.
create unique index write_runs_waiting on ledger.write_runs (alert, destination) where decision is null;

alter table ledger.outbox add column write_run bigint references ledger.write_runs;
create index outbox_by_write_run on ledger.outbox (write_run) where write_run is not null;

create table ledger.written_rows (
    delivery_id uuid primary key,
    incident_id bigint,
    alert text not null,
    destination text not null,
    channel text not null,
    place text not null,
    key jsonb not null,
    before jsonb,
    after jsonb,
    kept text[] not null default '{}',
    written_at timestamptz not null default clock_timestamp(),
    undone_at timestamptz,
    undone_by text,
    check ((undone_at is null) = (undone_by is null))
);
create index written_rows_by_incident on ledger.written_rows (incident_id, destination, written_at);
create index written_rows_by_time on ledger.written_rows (destination, alert, written_at);
"""

VIEWS = """
create view alerting.write_runs as
select
    r.run_id, r.alert, r.destination, r.at_most, r.halted_at, r.decision, r.decided_at, r.decided_by, r.reason,
    (select count(*) from ledger.outbox as o where o.write_run = r.run_id) as rows
from ledger.write_runs as r;

create view alerting.written_rows as
select
    delivery_id, incident_id, alert, destination, channel, place, key, before, after, kept, written_at, undone_at,
    undone_by
from ledger.written_rows;
"""

COMMENTS = {
    "write_runs": (
        "Runs that had more rows for a sheet, table or file than it takes at once, and what was decided.",
        {
            "run_id": "Number of the run, for `alerting write-back approve`.",
            "alert": "The definition whose rows they are.",
            "destination": "Where they were to be written.",
            "at_most": "The cap then in force: rows of one run.",
            "halted_at": "Business instant at which the run was halted.",
            "decision": "approved or rejected; NULL while it waits.",
            "decided_at": "Business instant of the decision.",
            "decided_by": "Who decided.",
            "reason": "What they said about it.",
            "rows": "How many rows wait, waited or were rejected, those that came after them included.",
        },
    ),
    "written_rows": (
        "One row per row that was written to a sheet, table or file: as it was before, and as it is since.",
        {
            "delivery_id": "The delivery that wrote it.",
            "incident_id": "The incident that it is about.",
            "alert": "The definition of that incident.",
            "destination": "Name of the destination.",
            "channel": "sheet, table or csv.",
            "place": "The table, or the name of the file.",
            "key": "The columns that find the row, and their values.",
            "before": "The row before; NULL: there was none.",
            "after": "The row afterwards; NULL: it was removed.",
            "kept": "Our columns over which somebody had typed; they were left as they were.",
            "written_at": "Real instant of the writing.",
            "undone_at": "Real instant at which the row was put back as it was before; NULL: it was not.",
            "undone_by": "Who did that.",
        },
    ),
}


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(VIEWS)
    for view, (sentence, columns) in COMMENTS.items():
        op.execute(f"comment on view alerting.{view} is {_literal(sentence)}")
        for column, text in columns.items():
            op.execute(f"comment on column alerting.{view}.{column} is {_literal(text)}")
        op.execute(f"grant select on alerting.{view} to alerting_app, analyst")
    op.execute(
        "comment on column alerting.deliveries.status is 'waiting, leased, sent, dead, halted (its run has too many "
        "rows, see write_runs) or rejected (somebody decided against that run).'"
    )
    op.execute("grant select, insert, update on ledger.write_runs, ledger.written_rows to alerting_app")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
