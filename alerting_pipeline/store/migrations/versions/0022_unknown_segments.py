"""Say of unknown segments what is counted: the rows that fired with the default, for no other row leaves the gate."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.execute(
        "comment on column alerting.evaluations.unknown_segments is "
        "'Rows that fired by the default, because their segment is NULL or has no value of its own.'"
    )


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")
