"""What is held back: told later, in a digest, or never, because it ended before; each with the reason."""

from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = """
create table ledger.held_notifications (
    held_id bigint generated always as identity primary key,
    incident_id bigint not null references ledger.incidents,
    event_id bigint not null,
    transition text not null,
    note text not null default '',
    destination text not null,
    channel text not null,
    why text not null check (why in ('group', 'digest', 'budget', 'silence', 'inhibition')),
    reason text not null,
    held_at timestamptz not null,
    due_at timestamptz,
    settled_at timestamptz,
    fate text check (fate in ('told', 'ended')),
    delivery_id uuid references ledger.outbox,
    unique (event_id, destination),
    check ((settled_at is null) = (fate is null)),
    check ((fate is not distinct from 'told') = (delivery_id is not null))
);
create index held_notifications_due on ledger.held_notifications (due_at) where settled_at is null;
create index held_notifications_by_incident on ledger.held_notifications (incident_id, destination);
create index held_notifications_by_delivery on ledger.held_notifications (delivery_id);
"""

VIEWS = """
create view alerting.held_notifications as
select
    held_id, incident_id, transition, destination, channel, why, reason, held_at, due_at, settled_at, fate, delivery_id
from ledger.held_notifications;
"""

COMMENTS = {
    "held_notifications": (
        "One row per transition of an incident that was not told to a destination at once, and what became of it.",
        {
            "held_id": "Number of the row.",
            "incident_id": "The incident it tells about.",
            "transition": "What it tells: opened, updated, cleared, …",
            "destination": "Name of the destination that is not told yet.",
            "channel": "slack, email or another channel that reaches people.",
            "why": "group, digest, budget, silence or inhibition.",
            "reason": "The same in words: which digest, whose budget, which silence.",
            "held_at": "Business instant at which it happened and was held back.",
            "due_at": "Business instant at which it is told or looked at again; NULL: when what holds it back ends.",
            "settled_at": "Business instant at which that was done; NULL while it is held back.",
            "fate": "told, or ended: the incident was over before anybody was told; NULL while it is held back.",
            "delivery_id": "The delivery that told it, alone or together with others.",
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
    op.execute("grant select, insert, update on ledger.held_notifications to alerting_app")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
