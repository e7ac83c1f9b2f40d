"""What was above a budget, found by its instant: asked at every look, and nearly always with nothing to find."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute(
        "create index held_notifications_over_budget on ledger.held_notifications (held_at, recipient) "
        "where recipient is not null"
    )


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")
