"""Find the work of one destination without reading that of the others: a backlog at one must not slow down all."""

from alembic import op

revision = "0004"
down_revision = "0002"


def upgrade() -> None:
    op.execute(
        "create index outbox_lanes on ledger.outbox (destination, sequence) where status in ('waiting', 'leased')"
    )
    op.execute(
        "create index outbox_unfinished on ledger.outbox (incident_id, destination, sequence) "
        "where status in ('waiting', 'leased')"
    )
    # A queue's statistics are never right for long: rows are waiting for milliseconds, then history for ever.
    op.execute("alter table ledger.outbox set (autovacuum_vacuum_scale_factor = 0.02, fillfactor = 80)")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")
