"""The ledger: definitions, evaluations, incidents, outbox, loads, parameters, audit; and the views that analysts read.

Tables live in `ledger` (the program's own), documented views in `alerting` (a contract with analysts).
"""

from alembic import op

revision = "0001"
down_revision = None

TABLES = """
create table ledger.definition_versions (
    alert text not null,
    version text not null,
    kind text not null,
    path text not null,
    body jsonb not null,
    source text not null,
    git_revision text,
    stored_at timestamptz not null default clock_timestamp(),
    primary key (alert, version)
);

create table ledger.definitions (
    alert text primary key,
    version text not null,
    kind text not null,
    path text not null,
    published_at timestamptz not null default clock_timestamp(),
    removed_at timestamptz,
    baselined_at timestamptz,
    watermark text,
    read_key text,
    last_evaluated_at timestamptz,
    last_read_at timestamptz,
    foreign key (alert, version) references ledger.definition_versions
);

create table ledger.parameter_values (
    value_id bigint generated always as identity primary key,
    alert text not null,
    parameter text not null,
    type text not null,
    scope text not null check (scope in ('default', 'segment', 'entity')),
    scope_value text not null default '',
    value text not null,
    valid_from timestamptz not null default clock_timestamp(),
    valid_to timestamptz,
    changed_by text not null,
    approved_by text,
    check (valid_to is null or valid_to >= valid_from)
);
create unique index parameter_values_in_force on ledger.parameter_values (alert, parameter, scope, scope_value)
    where valid_to is null;

create table ledger.change_requests (
    request_id bigint generated always as identity primary key,
    alert text not null,
    parameter text not null,
    segment text,
    old text,
    new text not null,
    reason text,
    requested_by text not null,
    requested_at timestamptz not null default clock_timestamp(),
    decided_by text,
    decided_at timestamptz,
    status text not null default 'open' check (status in ('open', 'approved', 'rejected', 'expired', 'withdrawn')),
    impact jsonb,
    check (decided_by is distinct from requested_by)
);

create table ledger.evaluations (
    evaluation_id bigint generated always as identity primary key,
    alert text not null,
    definition_version text not null,
    materialization_id text not null,
    as_of timestamptz not null,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    outcome text not null check (outcome in ('firing', 'clear', 'no_data', 'data_failure', 'system_failure')),
    violations bigint not null default 0,
    opened bigint not null default 0,
    updated bigint not null default 0,
    cleared bigint not null default 0,
    withdrawn bigint not null default 0,
    held bigint not null default 0,
    null_rows bigint not null default 0,
    unknown_segments bigint not null default 0,
    rows_read bigint,
    sample jsonb not null default '[]',
    reason text,
    error text
);
-- A failed evaluation may be repeated; a finished one of the same materialization and version may not.
create unique index evaluations_once on ledger.evaluations (alert, materialization_id, definition_version)
    where outcome in ('firing', 'clear', 'no_data');
create index evaluations_by_alert on ledger.evaluations (alert, evaluation_id desc);

create table ledger.incidents (
    incident_id bigint generated always as identity primary key,
    alert text not null,
    fingerprint uuid not null,
    entity jsonb not null,
    kind text not null check (kind in ('business', 'data', 'system')),
    status text not null check (status in ('open', 'acknowledged', 'snoozed', 'resolved')),
    severity text not null,
    deviance numeric,
    notified_deviance numeric,
    summary text not null,
    fields jsonb not null default '{}',
    link text,
    owner text not null,
    labels jsonb not null default '{}',
    definition_version text not null,
    evaluation_id bigint,
    occurred_at timestamptz,
    opened_at timestamptz not null,
    last_seen_at timestamptz not null,
    held_since timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    due_at timestamptz,
    resolved_at timestamptz,
    resolved_by text,
    resolution text check (resolution in ('cleared', 'withdrawn', 'by_person', 'expired', 'definition_removed')),
    disposition text check (disposition in ('true_positive', 'false_positive', 'expected', 'duplicate')),
    check ((status = 'resolved') = (resolved_at is not null)),
    check ((status = 'resolved') = (resolution is not null))
);
create unique index incidents_one_open on ledger.incidents (fingerprint) where status <> 'resolved';
create index incidents_open_by_alert on ledger.incidents (alert) where status <> 'resolved';
create index incidents_by_alert on ledger.incidents (alert, incident_id desc);

create table ledger.incident_events (
    event_id bigint generated always as identity primary key,
    incident_id bigint not null references ledger.incidents,
    at timestamptz not null,
    event text not null,
    actor text not null,
    detail jsonb not null default '{}'
);
create index incident_events_by_incident on ledger.incident_events (incident_id, event_id);

-- Not to be raised although the condition holds: resolved by a person, expired, or there at the baseline.
create table ledger.known_fingerprints (
    alert text not null,
    fingerprint uuid not null,
    entity jsonb not null,
    why text not null check (why in ('by_person', 'expired', 'baseline')),
    since timestamptz not null,
    primary key (alert, fingerprint)
);

create table ledger.outbox (
    delivery_id uuid primary key,
    sequence bigint generated always as identity,
    incident_id bigint references ledger.incidents,
    alert text not null,
    transition text not null,
    destination text not null,
    channel text not null,
    message jsonb not null,
    status text not null default 'waiting' check (status in ('waiting', 'leased', 'sent', 'dead')),
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default clock_timestamp(),
    leased_until timestamptz,
    leased_by text,
    fence bigint not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    sent_at timestamptz,
    error text,
    receipt jsonb,
    check ((status = 'sent') = (sent_at is not null))
);
create index outbox_due on ledger.outbox (next_attempt_at, sequence) where status = 'waiting';
create index outbox_leased on ledger.outbox (leased_until) where status = 'leased';
create index outbox_thread on ledger.outbox (incident_id, destination, sequence);

create table ledger.delivery_attempts (
    delivery_id uuid not null references ledger.outbox,
    attempt integer not null,
    fence bigint not null,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    result text,
    error text,
    primary key (delivery_id, attempt)
);

create table ledger.loads (
    load_id bigint generated always as identity primary key,
    source text not null,
    file text not null,
    content_hash text not null,
    bytes bigint not null default 0,
    rows bigint not null default 0,
    mode text not null,
    period text,
    delivery text,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    status text not null check (status in ('loading', 'loaded', 'superseded', 'replaced', 'failed')),
    error text
);
create unique index loads_once on ledger.loads (source, file, content_hash) where status in ('loaded', 'superseded');
create index loads_by_source on ledger.loads (source, load_id desc);

-- Work that is due once: a cron window, a failed run to report. A repeated tick meets the key.
create table ledger.due_work (
    work text not null,
    due_window text not null,
    due_at timestamptz not null,
    claimed_at timestamptz,
    claimed_by text,
    done_at timestamptz,
    detail jsonb not null default '{}',
    primary key (work, due_window)
);

create table ledger.heartbeats (
    part text primary key,
    at timestamptz not null default clock_timestamp(),
    detail jsonb not null default '{}'
);

create table ledger.progress (
    progress_id bigint generated always as identity primary key,
    run text not null,
    at timestamptz not null default clock_timestamp(),
    step text not null,
    item text not null,
    done bigint not null,
    total bigint
);
create index progress_by_run on ledger.progress (run, progress_id);

create table ledger.decisions (
    decision_id uuid primary key,
    decision_point text not null,
    idempotency_key text not null,
    entity jsonb not null,
    outcome text not null check (outcome in ('approve', 'review', 'deny')),
    score numeric,
    reasons jsonb not null default '[]',
    ruleset_version text not null,
    feature_as_of timestamptz,
    decided_at timestamptz not null,
    unique (decision_point, idempotency_key)
);

create table ledger.audit_log (
    seq bigint primary key,
    at timestamptz not null,
    actor text not null,
    action text not null,
    object text not null,
    before jsonb,
    after jsonb,
    hash text not null
);

create function ledger.append_audit(actor text, action text, object text, before jsonb, after jsonb) returns bigint
language plpgsql security definer set search_path = ledger, pg_catalog, pg_temp as $body$
declare
    last record;
    next_seq bigint;
    at_instant timestamptz := clock_timestamp();
begin
    lock table ledger.audit_log in share row exclusive mode;
    select a.seq, a.hash into last from ledger.audit_log a order by a.seq desc limit 1;
    next_seq := coalesce(last.seq, 0) + 1;
    insert into ledger.audit_log (seq, at, actor, action, object, before, after, hash)
    values (next_seq, at_instant, actor, action, object, before, after,
        encode(sha256(convert_to(jsonb_build_array(coalesce(last.hash, ''), next_seq,
            extract(epoch from at_instant)::text, actor, action, object, before, after)::text, 'UTF8')), 'hex'));
    return next_seq;
end
$body$;
"""

VIEWS = """
create view alerting.incidents as
select
    i.incident_id, i.alert, i.fingerprint, i.entity, i.kind, i.status, i.severity, i.deviance, i.summary, i.owner,
    i.opened_at,
    case
        when i.status <> 'resolved' and i.held_since is null
            then greatest(i.last_seen_at, coalesce(d.last_read_at, i.last_seen_at))
        else i.last_seen_at
    end as last_seen_at,
    i.acknowledged_at, i.due_at, i.resolved_at, i.resolution, i.disposition,
    i.acknowledged_by, i.resolved_by, i.held_since, i.occurred_at, i.labels, i.fields, i.link, i.definition_version
from ledger.incidents i
left join ledger.definitions d on d.alert = i.alert;

create view alerting.incident_events as
select event_id, incident_id, at, event, actor, detail from ledger.incident_events;

create view alerting.evaluations as
select
    evaluation_id, alert, definition_version, materialization_id, as_of, started_at, finished_at, outcome, violations,
    error, reason, opened, updated, cleared, withdrawn, held, null_rows, unknown_segments, rows_read
from ledger.evaluations;

create view alerting.deliveries as
select
    delivery_id, incident_id, destination, channel, status, attempts, next_attempt_at, sent_at, error,
    alert, transition, created_at
from ledger.outbox;

create view alerting.parameter_values as
select
    alert, parameter, case when scope = 'default' then null else scope_value end as segment, value,
    valid_from, valid_to, changed_by, approved_by, scope
from ledger.parameter_values;

create view alerting.parameters_in_force as
select alert, parameter, type, scope, scope_value, value from ledger.parameter_values where valid_to is null;

create view alerting.change_requests as
select
    request_id, alert, parameter, old, new, requested_by, decided_by, status, impact, segment, reason,
    requested_at, decided_at
from ledger.change_requests;

create view alerting.decisions as
select
    decision_id, decision_point, idempotency_key, entity, outcome, score, reasons, ruleset_version,
    feature_as_of, decided_at
from ledger.decisions;

create view alerting.audit_log as
select seq, at, actor, action, object, before, after, hash from ledger.audit_log;

create view alerting.loads as
select load_id, source, file, content_hash, bytes, rows, mode, period, delivery, started_at, finished_at, status, error
from ledger.loads;
"""

COMMENTS = {
    "incidents": (
        "One row per incident: the lifetime of one fingerprint, from first violation to resolution.",
        {
            "incident_id": "Number of the incident.",
            "alert": "Name of the alert definition.",
            "fingerprint": "Stable id of (alert, entity): the dedupe key. At most one open incident has it.",
            "entity": "What the incident is about: the definition's entity columns and their values.",
            "kind": "business, data or system: what sort of failure was found.",
            "status": "open, acknowledged, snoozed or resolved.",
            "severity": "Level given by the definition's severity rules at the last notified change.",
            "deviance": "How far the value is from its limit, as a ratio or a difference; NULL where it can't be told.",
            "summary": "One line saying what is wrong.",
            "owner": "Team that answers for it.",
            "opened_at": "Business instant of the evaluation that found the first violation.",
            "last_seen_at": "Business instant of the last evaluation that still found it.",
            "acknowledged_at": "When a person took it; NULL while nobody has.",
            "due_at": "When a response is due: opened_at plus the severity's respond_within.",
            "resolved_at": "When it ended; NULL while it has not.",
            "resolution": "cleared, withdrawn, by_person, expired or definition_removed; NULL while it has not ended.",
            "disposition": "A person's verdict: true_positive, false_positive, expected or duplicate.",
            "acknowledged_by": "Who took it.",
            "resolved_by": "Who resolved it, where a person did.",
            "held_since": "Since when it can't be judged (data or system failure, NULL value); NULL while it can.",
            "occurred_at": "When the event behind it happened, for event-like models.",
            "labels": "Labels that routing and silences match on.",
            "fields": "Columns of the row that the definition shows, with their values.",
            "link": "Where to resolve or debug it.",
            "definition_version": "Version of the definition that opened it.",
        },
    ),
    "incident_events": (
        "One row per thing that happened to an incident, in order.",
        {
            "event_id": "Number of the event; grows with time.",
            "incident_id": "The incident it happened to.",
            "at": "Business instant of the event.",
            "event": "opened, updated, held, released, cleared, withdrawn, expired, acknowledged, resolved, …",
            "actor": "Person or part of the program that caused it.",
            "detail": "What changed, and the named reason.",
        },
    ),
    "evaluations": (
        "One row per run of one definition version against one materialization.",
        {
            "evaluation_id": "Number of the evaluation.",
            "alert": "Name of the alert definition.",
            "definition_version": "Version of the definition that was evaluated.",
            "materialization_id": "dbt invocation id and unique id of the node, or the tick of a schedule.",
            "as_of": "The instant that counted as now.",
            "started_at": "Database clock at the start.",
            "finished_at": "Database clock at the end.",
            "outcome": "firing, clear, no_data, data_failure or system_failure.",
            "violations": "Rows (entities) that met the condition among those read.",
            "error": "Why it failed, with values of data removed.",
            "reason": "Named reason of the outcome.",
            "opened": "Incidents opened.",
            "updated": "Incidents changed materially.",
            "cleared": "Incidents whose row was read and whose condition was false.",
            "withdrawn": "Incidents whose row is no longer there.",
            "held": "Open incidents that could not be judged.",
            "null_rows": "Rows whose condition was NULL: neither firing nor clear.",
            "unknown_segments": "Rows whose segment is NULL or has no value of its own, so that the default was taken.",
            "rows_read": "Rows that passed the gate, where known.",
        },
    ),
    "deliveries": (
        "One row per message for one destination.",
        {
            "delivery_id": "Idempotency key handed to the destination.",
            "incident_id": "The incident it tells about; NULL for a summary of several.",
            "destination": "Name of the destination.",
            "channel": "slack, email, sheet, table or file.",
            "status": "waiting, leased, sent or dead.",
            "attempts": "Attempts so far, the one under way included.",
            "next_attempt_at": "When it may be tried (again).",
            "sent_at": "When the destination took it.",
            "error": "Why the last attempt failed.",
            "alert": "Name of the alert definition.",
            "transition": "What it tells: opened, updated, cleared, …",
            "created_at": "When it was written, in the transaction that changed the incident.",
        },
    ),
    "parameter_values": (
        "Every value that a parameter ever had, with the time it was in force.",
        {
            "alert": "Name of the alert definition.",
            "parameter": "Name of the parameter.",
            "segment": "Value of the segment column (or entity) it holds for; NULL for the default.",
            "value": "The value, as text exactly as given.",
            "valid_from": "In force since.",
            "valid_to": "In force until; NULL while it is.",
            "changed_by": "Person who changed it, or 'definition'.",
            "approved_by": "Person who approved it, where the definition asks for that.",
            "scope": "default, segment or entity.",
        },
    ),
    "parameters_in_force": (
        "The parameter values in force now: all that alert SQL may read beside the marts.",
        {
            "alert": "Name of the alert definition.",
            "parameter": "Name of the parameter.",
            "type": "number, integer, duration, text, boolean, choice or list.",
            "scope": "default, segment or entity.",
            "scope_value": "The segment or entity; empty for the default.",
            "value": "The value, as text.",
        },
    ),
    "change_requests": (
        "One row per request to change a parameter.",
        {
            "request_id": "Number of the request.",
            "alert": "Name of the alert definition.",
            "parameter": "Name of the parameter.",
            "old": "Value in force when it was asked for.",
            "new": "Value asked for.",
            "requested_by": "Who asked.",
            "decided_by": "Who decided; never the one who asked.",
            "status": "open, approved, rejected, expired or withdrawn.",
            "impact": "What the change would have done, as shown to the one who decided.",
            "segment": "Segment it is for; NULL for the default.",
            "reason": "Why it was asked for.",
            "requested_at": "When it was asked for.",
            "decided_at": "When it was decided.",
        },
    ),
    "decisions": (
        "One row per answer to a live event.",
        {
            "decision_id": "Id of the decision.",
            "decision_point": "Where in the business the question was asked.",
            "idempotency_key": "Key of the question: the same key gets the same answer.",
            "entity": "What the decision is about.",
            "outcome": "approve, review or deny.",
            "score": "Score behind the outcome, where there is one.",
            "reasons": "Named reasons.",
            "ruleset_version": "Version of the rules that decided.",
            "feature_as_of": "How fresh the warehouse features were.",
            "decided_at": "When it was decided.",
        },
    ),
    "audit_log": (
        "Who did what, in order; each row's hash covers the one before it.",
        {
            "seq": "Number in the chain, without gaps.",
            "at": "Database clock.",
            "actor": "Person or part of the program.",
            "action": "What was done.",
            "object": "What it was done to.",
            "before": "State before.",
            "after": "State after.",
            "hash": "SHA-256 over the previous hash and this row.",
        },
    ),
    "loads": (
        "One row per file (or delivery) that was taken into a raw table, or refused.",
        {
            "load_id": "Number of the load; raw rows carry it as _load_id.",
            "source": "Name of the source: the raw table.",
            "file": "File, relative to the source's root.",
            "content_hash": "SHA-256 of the content.",
            "bytes": "Size as delivered.",
            "rows": "Rows taken.",
            "mode": "append, replace_period or snapshot.",
            "period": "Period that it restates, where it does.",
            "delivery": "Delivery it belongs to: the newest one of a period holds.",
            "started_at": "Database clock at the start.",
            "finished_at": "Database clock at the end.",
            "status": "loading, loaded, superseded, replaced or failed.",
            "error": "Why it was refused.",
        },
    ),
}

GRANTS = """
grant usage on schema ledger, alerting to alerting_app;
grant select, insert, update on all tables in schema ledger to alerting_app;
revoke insert, update on ledger.audit_log from alerting_app;
revoke update on ledger.incident_events, ledger.definition_versions from alerting_app;
grant delete on ledger.known_fingerprints, ledger.progress to alerting_app;
grant select on all tables in schema alerting to alerting_app;
revoke execute on function ledger.append_audit from public;
grant execute on function ledger.append_audit to alerting_app;
grant usage, create on schema operations to alerting_app;

grant usage on schema alerting to analyst, alert_reader;
grant select on all tables in schema alerting to analyst;
grant select on alerting.parameters_in_force to alert_reader;
grant usage on schema raw, staging, intermediate, marts, operations to analyst;
grant usage on schema marts to alert_reader;
alter default privileges in schema raw grant select on tables to analyst;
alter default privileges in schema staging grant select on tables to analyst;
alter default privileges in schema intermediate grant select on tables to analyst;
alter default privileges in schema marts grant select on tables to analyst;
"""


def upgrade() -> None:
    for schema in ("raw", "staging", "intermediate", "marts", "operations", "alerting"):
        op.execute(f"create schema if not exists {schema}")
    op.execute(TABLES)
    op.execute(VIEWS)
    for view, (sentence, columns) in COMMENTS.items():
        op.execute(f"comment on view alerting.{view} is {_literal(sentence)}")
        for column, text in columns.items():
            op.execute(f"comment on column alerting.{view}.{column} is {_literal(text)}")
    for statement in GRANTS.strip().split(";"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
