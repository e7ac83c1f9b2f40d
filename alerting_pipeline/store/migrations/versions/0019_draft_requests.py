"""Requests for new alerts: the file to the letter, who may approve it, and the commit that came of it.

That nobody approves their own, that an approval has a commit, and that the hash is that of this very text are
constraints: they hold whatever program writes here.
"""

from alembic import op

revision = "0019"
down_revision = "0018"

TABLES = """
create table ledger.draft_requests (
    request_id bigint generated always as identity primary key,
    alert text not null,
    path text not null,
    text text not null,
    version text not null,
    definition jsonb not null,
    owner text not null,
    requested_by text not null,
    reason text not null check (reason <> ''),
    requested_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > requested_at),
    approvers text[] not null check (approvers <> '{}'),
    draft_hash text not null,
    impact jsonb,
    status text not null default 'open'
        check (status in ('open', 'approved', 'rejected', 'expired', 'withdrawn', 'void')),
    decided_by text check (decided_by is distinct from requested_by),
    decided_at timestamptz,
    answer text,
    git_commit text,
    constraint draft_requests_exact check (
        draft_hash = encode(sha256(convert_to(concat_ws(chr(10), alert, path, version, text), 'UTF8')), 'hex')
    ),
    constraint draft_requests_four_eyes check (
        status <> 'approved' or (decided_by is not null and git_commit is not null)
    )
);
create unique index draft_requests_waiting on ledger.draft_requests (alert) where status = 'open';
"""

VIEW = """
create view alerting.draft_requests as
select
    request_id, alert, path, text, owner, requested_by, reason, requested_at, expires_at, approvers, impact, status,
    decided_by, decided_at, answer, git_commit, draft_hash, version, definition
from ledger.draft_requests;
"""

COMMENTS = {
    "request_id": "Number of the request.",
    "alert": "Name of the alert that was asked for.",
    "path": "File that it would be, relative to the folder of definitions.",
    "text": "The file to the letter.",
    "owner": "Team that would answer for it.",
    "requested_by": "Who asked.",
    "reason": "Why it was asked for.",
    "requested_at": "Business instant at which it was asked for.",
    "expires_at": "Business instant after which it can't be approved any more.",
    "approvers": "Roles of which one must approve it.",
    "impact": "What it would have done, as shown to the one who decided.",
    "status": "open, approved, rejected, expired, withdrawn, or void: no longer exact.",
    "decided_by": "Who decided; never the one who asked.",
    "decided_at": "Business instant at which it was decided.",
    "answer": "Why it was decided as it was, in a sentence.",
    "git_commit": "Commit that wrote the file; NULL where none did.",
    "draft_hash": "SHA-256 over name, path, version and text: an approval holds for exactly that.",
    "version": "Version that the definition would have, with what it inherits.",
    "definition": "The whole of it as it was asked for, defaults included.",
}

GRANTS = (
    "grant select, insert on ledger.draft_requests to alerting_app",
    # What was asked for can't be edited afterwards, not even by the program: an approval is of what was asked.
    "grant update (status, decided_by, decided_at, answer, git_commit) on ledger.draft_requests to alerting_app",
    "grant select on alerting.draft_requests to alerting_app, analyst",
)


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(VIEW)
    op.execute("comment on view alerting.draft_requests is 'One row per new alert that somebody asked for.'")
    for column, text in COMMENTS.items():
        op.execute("comment on column alerting.draft_requests.{} is '{}'".format(column, text.replace("'", "''")))
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")
