"""What people typed in parameter sheets, and the request or the refusal that it became.

A row of a sheet has one content at a time (the index), so that a row that is read twice asks once. What was typed is
kept as it was read; a row that was emptied or typed anew closes it.
"""

from alembic import op

revision = "0021"
down_revision = "0020"

TABLES = """
create table ledger.sheet_proposals (
    proposal_id bigint generated always as identity primary key,
    sheet text not null,
    alert text not null,
    parameter text not null,
    scope text not null check (scope in ('default', 'segment', 'entity', 'entry')),
    scope_value text not null default '',
    content_hash text not null,
    person text not null,
    written text not null,
    request_id bigint references ledger.change_requests,
    refusal text,
    read_at timestamptz not null default clock_timestamp(),
    closed_at timestamptz,
    constraint sheet_proposals_one_answer check ((request_id is null) <> (refusal is null))
);
create unique index sheet_proposals_newest on ledger.sheet_proposals (sheet, alert, parameter, scope, scope_value)
    where closed_at is null;
create unique index sheet_proposals_request on ledger.sheet_proposals (request_id);
"""

VIEW = """
create view alerting.sheet_proposals as
select
    proposal_id, sheet, alert, parameter, scope, scope_value, person, written, request_id, refusal, read_at, closed_at
from ledger.sheet_proposals;
"""

COMMENTS = {
    "proposal_id": "Number of what was read.",
    "sheet": "The parameter sheet, by its name in destinations.yaml.",
    "alert": "Name of the alert that the row is about.",
    "parameter": "Name of the parameter.",
    "scope": "default, segment, entity, or entry: one entry of a list.",
    "scope_value": "The segment, the entity, or the entry of a list; empty for the default.",
    "person": "The name that was typed; anybody can type it, so it only ever asks.",
    "written": "What was typed as the new value.",
    "request_id": "The request that it became; NULL where it became none.",
    "refusal": "Why it became no request, in a sentence; NULL where it became one.",
    "read_at": "Database clock at which it was read.",
    "closed_at": "Database clock at which the row was found emptied or typed anew; NULL while it stands.",
}

GRANTS = (
    "grant select, insert on ledger.sheet_proposals to alerting_app",
    "grant update (closed_at) on ledger.sheet_proposals to alerting_app",
    "grant select on alerting.sheet_proposals to alerting_app, analyst",
)


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(VIEW)
    op.execute("comment on view alerting.sheet_proposals is 'One row per change that was typed in a parameter sheet.'")
    for column, text in COMMENTS.items():
        op.execute("comment on column alerting.sheet_proposals.{} is '{}'".format(column, text.replace("'", "''")))
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")
