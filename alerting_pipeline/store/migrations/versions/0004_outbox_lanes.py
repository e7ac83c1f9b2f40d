"""Find the work of one destination without reading that of the others: a backlog at one must not slow down all."""

from alembic import op

revision = "0004"
down_revision = "0002"


INDEXES = (
    "outbox_lanes on ledger.outbox (destination, sequence) where status in ('waiting', 'leased')",
    "outbox_unfinished on ledger.outbox (incident_id, sequence) where status in ('waiting', 'leased')",
    "delivery_attempts_unfinished on ledger.delivery_attempts (delivery_id) where finished_at is null",
    "delivery_attempts_uncertain on ledger.delivery_attempts (delivery_id) where result = 'uncertain'",
)


def upgrade() -> None:
    for index in INDEXES:
        op.execute(f"create index {index}")
    # A queue's statistics are never right for long: rows are waiting for milliseconds, then history for ever.
    op.execute("alter table ledger.outbox set (autovacuum_vacuum_scale_factor = 0.02, fillfactor = 80)")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")
