"""Reports: what was sent to whom in which window, how each window stands, and who has unsubscribed.

The key (report, entity, window) is what keeps a report from being sent twice; its row is written together with the one
of the outbox. A row that was left out may be looked at again while its window is current, one that was queued never.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

TABLES = """
create table ledger.report_messages (
    report text not null,
    fingerprint uuid not null,
    entity jsonb not null,
    report_window text not null,
    recipient text,
    status text not null check (status in ('queued', 'skipped', 'unsubscribed')),
    reason text,
    delivery_id uuid references ledger.outbox,
    definition_version text not null,
    created_at timestamptz not null default clock_timestamp(),
    as_of timestamptz not null,
    primary key (report, fingerprint, report_window),
    check ((status = 'queued') = (delivery_id is not null))
);
create index report_messages_by_delivery on ledger.report_messages (delivery_id);

create table ledger.report_windows (
    report text not null,
    due_at timestamptz not null,
    status text not null check (status in ('done', 'waiting', 'held', 'failed')),
    reason text,
    as_of timestamptz not null,
    looked_at timestamptz not null default clock_timestamp(),
    definition_version text not null,
    due bigint not null default 0,
    sent bigint not null default 0,
    waiting bigint not null default 0,
    skipped bigint not null default 0,
    unsubscribed bigint not null default 0,
    duplicates bigint not null default 0,
    null_rows bigint not null default 0,
    unknown_zones bigint not null default 0,
    primary key (report, due_at)
);

create table ledger.report_unsubscriptions (
    report text not null,
    address text not null,
    unsubscribed_at timestamptz not null default clock_timestamp(),
    unsubscribed_by text not null,
    primary key (report, address),
    check (address = lower(address))
);
"""

VIEWS = """
create view alerting.report_messages as
select
    m.report, m.entity, m.report_window, m.recipient, coalesce(o.status, m.status) as status, m.delivery_id,
    m.created_at, o.sent_at, coalesce(o.error, m.reason) as reason, m.as_of, m.definition_version
from ledger.report_messages as m
left join ledger.outbox as o on o.delivery_id = m.delivery_id;

create view alerting.report_windows as
select
    report, due_at, status, reason, as_of, looked_at, due, sent, waiting, skipped, unsubscribed, duplicates, null_rows,
    unknown_zones, definition_version
from ledger.report_windows;

create view alerting.report_unsubscriptions as
select report, address, unsubscribed_at, unsubscribed_by from ledger.report_unsubscriptions;
"""

COMMENTS = {
    "report_messages": (
        "One row per message of a report: its key is (report, entity, report_window), so that none is sent twice.",
        {
            "report": "Name of the report definition.",
            "entity": "What the message is about: the definition's entity columns and their values.",
            "report_window": "What makes it a new message: the definition's window column, or the schedule's window.",
            "recipient": "The address it goes to; NULL where the row has none.",
            "status": "waiting, leased, sent or dead as in deliveries; skipped or unsubscribed where none was written.",
            "delivery_id": "The delivery that hands it over; NULL where none was written.",
            "created_at": "When it was written, together with its delivery, or left out.",
            "sent_at": "When the mail server (or the local inbox) took it.",
            "reason": "Why it was left out, or why the last attempt failed.",
            "as_of": "Business instant that counted as now.",
            "definition_version": "Version of the definition that wrote it.",
        },
    ),
    "report_windows": (
        "One row per window of a report that was looked at, with what came of it.",
        {
            "report": "Name of the report definition.",
            "due_at": "The window: the instant of its schedule.",
            "status": "done; waiting for hours of recipients; held, because the mart can't be believed; or failed.",
            "reason": "Why it is not done.",
            "as_of": "Business instant of the last look.",
            "looked_at": "Database clock of the last look.",
            "due": "Rows that met the condition at the last look.",
            "sent": "Messages written in this window, all looks together.",
            "waiting": "Rows outside of their recipients' hours at the last look.",
            "skipped": "Rows without a usable address, or whose texts could not be filled in, at the last look.",
            "unsubscribed": "Rows whose recipient has unsubscribed, at the last look.",
            "duplicates": "Rows beyond the first of their entity and window, at the last look.",
            "null_rows": "Rows whose condition was NULL, at the last look.",
            "unknown_zones": "Rows whose time zone is missing or unknown, so that the declared one was taken.",
            "definition_version": "Version of the definition that looked last.",
        },
    ),
    "report_unsubscriptions": (
        "One row per recipient who wants no more messages of a report.",
        {
            "report": "Name of the report definition.",
            "address": "The address, in lower case.",
            "unsubscribed_at": "Since when.",
            "unsubscribed_by": "The recipient (by the link in a message), or the person who did it for them.",
        },
    ),
}

GRANTS = (
    "grant select, insert, update on ledger.report_messages, ledger.report_windows to alerting_app",
    "grant select, insert, delete on ledger.report_unsubscriptions to alerting_app",
)


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(VIEWS)
    for view, (sentence, columns) in COMMENTS.items():
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
