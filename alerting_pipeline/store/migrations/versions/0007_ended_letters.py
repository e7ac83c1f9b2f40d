"""A report's message whose recipient unsubscribed before it left was never sent, and its view says so."""

from alembic import op

revision = "0007"
down_revision = "0006"

VIEW = """
create or replace view alerting.report_messages as
select
    m.report, m.entity, m.report_window, m.recipient,
    case when o.receipt ? 'unsubscribed' then 'unsubscribed' else coalesce(o.status, m.status) end as status,
    m.delivery_id, m.created_at,
    case when not coalesce(o.receipt ? 'unsubscribed', false) then o.sent_at end as sent_at,
    coalesce(o.receipt ->> 'unsubscribed', o.error, m.reason) as reason,
    m.as_of, m.definition_version
from ledger.report_messages as m
left join ledger.outbox as o on o.delivery_id = m.delivery_id
"""
STATUS = (
    "waiting, leased, sent or dead as in deliveries; skipped or unsubscribed where none was written, or where the "
    "recipient unsubscribed before it left."
)


def upgrade() -> None:
    op.execute(VIEW)
    op.execute(f"comment on column alerting.report_messages.status is '{STATUS}'")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")
