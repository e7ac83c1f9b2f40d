"""Every attempt at a delivery for people to read: what may have arrived twice is told, not hidden."""

from alembic import op

revision = "0010"
down_revision = "0009"

VIEW = """
create view alerting.delivery_attempts as
select a.delivery_id, a.attempt, o.incident_id, o.destination, o.channel, a.started_at, a.finished_at, a.result, a.error
from ledger.delivery_attempts as a join ledger.outbox as o using (delivery_id);
"""

SENTENCE = "One row per attempt to hand a delivery over. The instants are the database's real clock."
COLUMNS = {
    "delivery_id": "The delivery; it is also the key by which the destination knows it.",
    "attempt": "Its number, from 1.",
    "incident_id": "The incident that the delivery is about; NULL for a report or a digest.",
    "destination": "Name of the destination.",
    "channel": "slack, email, sheet, table or another channel.",
    "started_at": "When a worker took it up.",
    "finished_at": "When its result was recorded; NULL while it runs.",
    "result": "sent, sent again (it may have arrived before, too), failed, uncertain (no answer, or the worker died), "
    "or released (a worker that stopped gave it back).",
    "error": "What the destination said, or what cut the attempt off.",
}


def upgrade() -> None:
    op.execute(VIEW)
    op.execute(f"comment on view alerting.delivery_attempts is {_literal(SENTENCE)}")
    for column, text in COLUMNS.items():
        op.execute(f"comment on column alerting.delivery_attempts.{column} is {_literal(text)}")
    op.execute("grant select on alerting.delivery_attempts to alerting_app, analyst")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
