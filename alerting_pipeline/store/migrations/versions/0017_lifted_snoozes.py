"""Snoozes of entities and definitions that a person lifted early: by whom, when and why."""

from alembic import op

revision = "0017"
down_revision = "0016"

TABLE = "alter table ledger.snoozes add ended_at timestamptz, add ended_by text, add end_reason text"
VIEW = """
create or replace view alerting.snoozes as
select
    snooze_id, alert, entity, until, reason, created_by, created_at, ended_at, ended_by, end_reason
from ledger.snoozes;
"""
COMMENTS = {
    "ended_at": "Business instant at which a person lifted it early; NULL where nobody did.",
    "ended_by": "Who lifted it.",
    "end_reason": "Why.",
}


def upgrade() -> None:
    op.execute(TABLE)
    op.execute(VIEW)
    for column, text in COMMENTS.items():
        op.execute(f"comment on column alerting.snoozes.{column} is '{text}'")
    op.execute("grant update on ledger.snoozes to alerting_app")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")
