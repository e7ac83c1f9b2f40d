"""Groups, silences and noise budgets: what is told together, what is not told for a while, and what counts for whom.

Messages about a group have no incident of their own, and later ones still change the first: `conversation` is what both
have in common, the incident's number, or that of the group with a minus in front.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

TABLES = """
create table ledger.silences (
    silence_id bigint generated always as identity primary key,
    matchers jsonb not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    author text not null,
    comment text not null check (comment <> ''),
    added_at timestamptz not null default clock_timestamp(),
    ended_by text,
    check (ends_at >= starts_at)
);
create index silences_by_end on ledger.silences (ends_at);

create table ledger.message_groups (
    group_id bigint generated always as identity primary key,
    destination text not null,
    channel text not null,
    key text not null,
    shared jsonb not null default '{}',
    pace interval not null,
    opened_at timestamptz not null,
    told_at timestamptz,
    messages integer not null default 0,
    closed_at timestamptz
);
create unique index message_groups_open on ledger.message_groups (destination, key) where closed_at is null;

alter table ledger.held_notifications
    add group_id bigint references ledger.message_groups,
    add silence_id bigint references ledger.silences,
    add source_id bigint,
    add recipient text;
create index held_notifications_by_group on ledger.held_notifications (group_id) where group_id is not null;
create index held_notifications_by_silence on ledger.held_notifications (silence_id)
    where settled_at is null and silence_id is not null;
create index held_notifications_by_source on ledger.held_notifications (source_id)
    where settled_at is null and source_id is not null;

alter table ledger.outbox
    add group_id bigint,
    add counted_for text,
    add told_at timestamptz,
    add conversation bigint generated always as (coalesce(incident_id, -group_id)) stored;
create index outbox_counted on ledger.outbox (counted_for, told_at) where counted_for is not null;
drop index ledger.outbox_thread;
create index outbox_thread on ledger.outbox (conversation, destination, sequence);
drop index ledger.outbox_unfinished;
create index outbox_unfinished on ledger.outbox (conversation, sequence) where status in ('waiting', 'leased');
create index outbox_by_incident on ledger.outbox (incident_id) where incident_id is not null;
"""

VIEWS = """
create view alerting.silences as
select silence_id, matchers, starts_at, ends_at, author, comment, added_at, ended_by from ledger.silences;

create or replace view alerting.held_notifications as
select
    held_id, incident_id, transition, destination, channel, why, reason, held_at, due_at, settled_at, fate, delivery_id,
    group_id, silence_id, source_id, recipient
from ledger.held_notifications;
"""

COMMENTS = {
    "silences": (
        "One row per silence: for a while nobody is told of incidents that match; they open all the same.",
        {
            "silence_id": "Number of the silence.",
            "matchers": "What incidents must be: alert, kind, severity, owner, labels, columns of the entity.",
            "starts_at": "Business instant from which it holds.",
            "ends_at": "Business instant at which it ends; what is still open then is told.",
            "author": "Who wanted it.",
            "comment": "Why.",
            "added_at": "Database clock at which it was added.",
            "ended_by": "Who ended it early; NULL where nobody did.",
        },
    ),
    "held_notifications": (
        None,
        {
            "group_id": "The group that it is told with, the same in all of its rows; NULL where it has none.",
            "silence_id": "The silence that holds it back, or did.",
            "source_id": "The open incident that inhibits it, or did.",
            "recipient": "The team or person whose budget was used up.",
        },
    ),
}

GRANTS = (
    "grant select, insert, update on ledger.silences, ledger.message_groups to alerting_app",
    "grant select on alerting.silences to alerting_app, analyst",
)


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(VIEWS)
    for view, (sentence, columns) in COMMENTS.items():
        if sentence is not None:
            op.execute(f"comment on view alerting.{view} is {_literal(sentence)}")
        for column, text in columns.items():
            op.execute(f"comment on column alerting.{view}.{column} is {_literal(text)}")
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
