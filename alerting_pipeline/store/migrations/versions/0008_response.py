"""What the clock and people do to an incident between its beginning and its end: snooze, assignee, reminders, SLA.

Everything that time changes is an instant of the incident's own row; `next_at` is the earliest of them, so that finding
what is due costs as much as is due, however many incidents there are.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

TABLES = """
alter table ledger.incidents
    add column reopened_at timestamptz,
    add column calm_since timestamptz,
    add column snoozed_until timestamptz,
    add column snoozed_by text,
    add column snooze_factor numeric check (snooze_factor > 1),
    add column snooze_deviance numeric,
    add column assignee text,
    add column responded_at timestamptz,
    add column warn_at timestamptz,
    add column sla_breached_at timestamptz,
    add column remind_at timestamptz,
    add column escalates_at timestamptz,
    add column escalation_level integer not null default 0,
    add column next_at timestamptz,
    add check ((status = 'snoozed') = (snoozed_until is not null));
create index incidents_due on ledger.incidents (next_at, incident_id)
    where next_at is not null and status <> 'resolved';
create index incidents_ended on ledger.incidents (fingerprint, resolved_at desc)
    where resolution in ('cleared', 'withdrawn');
"""

VIEW = """
create or replace view alerting.incidents as
select
    i.incident_id, i.alert, i.fingerprint, i.entity, i.kind, i.status, i.severity, i.deviance, i.summary, i.owner,
    i.opened_at,
    case
        when i.status <> 'resolved' and i.held_since is null
            then greatest(i.last_seen_at, coalesce(d.last_read_at, i.last_seen_at))
        else i.last_seen_at
    end as last_seen_at,
    i.acknowledged_at, i.due_at, i.resolved_at, i.resolution, i.disposition,
    i.acknowledged_by, i.resolved_by, i.held_since, i.occurred_at, i.labels, i.fields, i.link, i.definition_version,
    i.assignee, i.responded_at, i.snoozed_until, i.snoozed_by, i.snooze_factor, i.snooze_deviance, i.reopened_at,
    i.calm_since, i.warn_at, i.sla_breached_at, i.remind_at, i.escalates_at, i.escalation_level, i.next_at
from ledger.incidents i
left join ledger.definitions d on d.alert = i.alert
"""

COMMENTS = {
    "due_at": "When a response is due: opened_at (or reopened_at) plus the severity's respond_within.",
    "assignee": "The person who looks after it.",
    "responded_at": "When a person first acknowledged, assigned or snoozed it; it stops the clock of the time allowed.",
    "snoozed_until": "Until when it stays silent; NULL while it is not snoozed.",
    "snoozed_by": "Who snoozed it.",
    "snooze_factor": "It wakes earlier when the deviance is worse by this factor than snooze_deviance.",
    "snooze_deviance": "The deviance when it was snoozed.",
    "reopened_at": "When its condition last came back within reopen_within of its end.",
    "calm_since": "Since when its condition is over while keep_firing_for keeps it open.",
    "warn_at": "When 80 % of the time allowed have passed; NULL once that was told, or somebody responded.",
    "sla_breached_at": "When it was told that the time allowed had passed without a response.",
    "remind_at": "When its owner is reminded next.",
    "escalates_at": "When the next stage is told unless somebody responds.",
    "escalation_level": "Who was told beyond its route: 0 nobody, 1 the one on call, 2 the lead.",
    "next_at": "The earliest instant at which the clock matters to it; NULL where time alone changes nothing.",
}


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(VIEW)
    for column, text in COMMENTS.items():
        op.execute(f"comment on column alerting.incidents.{column} is {_literal(text)}")
    op.execute(
        "comment on column alerting.incident_events.event is 'opened, reopened, updated, held, released, calmed, "
        "relapsed, snoozed, woken, assigned, reminded, sla_warned, sla_breached, escalated, cleared, withdrawn, "
        "expired, acknowledged, resolved, definition_removed.'"
    )


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
