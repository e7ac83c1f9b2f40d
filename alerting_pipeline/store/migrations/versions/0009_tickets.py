"""Tickets: one per incident and destination, and up to where what people did with them was read."""

from alembic import op

revision = "0009"
down_revision = "0008"

TABLES = """
create table ledger.tickets (
    destination text not null,
    thread text not null,
    incident_id bigint references ledger.incidents,
    marker uuid not null default gen_random_uuid(),
    tried_at timestamptz,
    ticket text,
    url text,
    made_at timestamptz,
    primary key (destination, thread)
);
create unique index tickets_by_name on ledger.tickets (destination, ticket) where ticket is not null;
create index tickets_by_incident on ledger.tickets (incident_id);

create table ledger.ticket_readings (
    destination text primary key,
    mark text not null,
    read_at timestamptz not null
);
"""

VIEWS = """
create view alerting.tickets as
select destination, ticket, url, incident_id, tried_at, made_at from ledger.tickets;
"""

COMMENTS = {
    "tickets": (
        "One row per incident and ticket destination: the one ticket that there is about it.",
        {
            "destination": "Name of the destination in destinations.yaml.",
            "ticket": "Number or key of the ticket in its system; NULL: it is not known to be there yet.",
            "url": "Where people see it.",
            "incident_id": "The incident; NULL for a ticket about many at once.",
            "tried_at": "Real instant of the last attempt to make it.",
            "made_at": "Real instant at which it was known to be there.",
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
    op.execute("grant select, insert, update on ledger.tickets, ledger.ticket_readings to alerting_app")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
