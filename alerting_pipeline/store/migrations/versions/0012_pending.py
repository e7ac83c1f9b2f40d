"""What waits to become an incident, what may become one again, and snoozes of entities and definitions."""

from alembic import op

revision = "0012"
down_revision = "0011"

TABLES = """
-- Violations that have not held for long enough yet: `since` is the first evaluation that found them.
create table ledger.pending_violations (
    alert text not null,
    fingerprint uuid not null,
    entity jsonb not null,
    since timestamptz not null,
    primary key (alert, fingerprint)
);
-- Silence for an entity across alerts, or for a definition. Instants are business instants.
create table ledger.snoozes (
    snooze_id bigint generated always as identity primary key,
    alert text,
    entity jsonb,
    until timestamptz not null,
    reason text not null check (reason <> ''),
    created_by text not null,
    created_at timestamptz not null,
    check (alert is not null or entity is not null),
    check (until > created_at)
);
create index snoozes_by_end on ledger.snoozes (until);
alter table ledger.evaluations add column reopened bigint not null default 0;
drop index ledger.incidents_ended;
create index incidents_ended on ledger.incidents (fingerprint, incident_id desc) where status = 'resolved';
"""

VIEWS = """
create or replace view alerting.evaluations as
select
    evaluation_id, alert, definition_version, materialization_id, as_of, started_at, finished_at, outcome, violations,
    error, reason, opened, updated, cleared, withdrawn, held, null_rows, unknown_segments, rows_read, reopened
from ledger.evaluations;

create view alerting.pending_violations as
select alert, fingerprint, entity, since from ledger.pending_violations;

create view alerting.snoozes as
select snooze_id, alert, entity, until, reason, created_by, created_at from ledger.snoozes;
"""

COMMENTS = {
    "evaluations": ("", {"reopened": "Incidents reopened, whose condition came back within reopen_within."}),
    "pending_violations": (
        "One row per violation that has not held for as long as its definition's `for` yet.",
        {
            "alert": "Name of the alert definition.",
            "fingerprint": "Stable id of (alert, entity): the dedupe key.",
            "entity": "What it is about: the definition's entity columns and their values.",
            "since": "Business instant of the first evaluation that found it.",
        },
    ),
    "snoozes": (
        "One row per snooze of an entity across alerts, or of a definition; those of one incident stand with it.",
        {
            "snooze_id": "Number of the snooze.",
            "alert": "The definition that it silences; NULL for all.",
            "entity": "The columns and values that the entity of an incident has; NULL for all.",
            "until": "When it ends.",
            "reason": "Why, for whoever wonders.",
            "created_by": "Who snoozed it.",
            "created_at": "Business instant at which it began.",
        },
    ),
}

GRANTS = (
    "grant select, insert, update, delete on ledger.pending_violations to alerting_app",
    "grant select, insert on ledger.snoozes to alerting_app",
)


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(VIEWS)
    for view, (sentence, columns) in COMMENTS.items():
        if sentence:
            op.execute(f"comment on view alerting.{view} is {_literal(sentence)}")
        for column, text in columns.items():
            op.execute(f"comment on column alerting.{view}.{column} is {_literal(text)}")
        op.execute(f"grant select on alerting.{view} to alerting_app, analyst")
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
