"""The heartbeats of the parts, for people: which are heard of, and which are not any more."""

from alembic import op

revision = "0014"
down_revision = "0013"

VIEW = """
create view alerting.heartbeats as
select
    substr(part, 6) as part,
    at as last_beat_at,
    make_interval(secs => (detail ->> 'every_seconds')::double precision) as every,
    coalesce((detail ->> 'is_resting')::boolean, false) as is_resting,
    not coalesce((detail ->> 'is_resting')::boolean, false)
        and at < clock_timestamp() - 3 * make_interval(secs => (detail ->> 'every_seconds')::double precision)
        as is_overdue
from ledger.heartbeats
where part like 'beat:%';
"""

COMMENTS = {
    "part": "Name of the part: a worker, a sensor, a schedule, the pages.",
    "last_beat_at": "Database clock at which it was last heard of.",
    "every": "How often it means to be heard of.",
    "is_resting": "It was stopped in an orderly way, and is not expected.",
    "is_overdue": "It is expected, and was not heard of for three times as long as it means to be.",
}

GRANTS = ("grant select on alerting.heartbeats to alerting_app, analyst",)


def upgrade() -> None:
    op.execute(VIEW)
    op.execute("comment on view alerting.heartbeats is 'One row per part that was ever heard of.'")
    for column, text in COMMENTS.items():
        op.execute(f"comment on column alerting.heartbeats.{column} is '{text}'")
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")
