"""Parameter values on a timeline, and the requests that change them.

`valid_from` and `valid_to` are business instants, as incidents have them: an evaluation takes what holds at its
`as_of`, so a temporary value begins and ends by itself. `recorded_at` and `superseded_at` are the database's clock:
where the business clock stands still, they say which of two values an evaluation met. That a key has one value at a
time, in the future as well, is a constraint and no habit. Pairs of the same key are found through a range of text,
which GiST knows without an extension.
"""

from alembic import op

revision = "0018"
down_revision = "0017"

TABLES = """
alter table ledger.change_requests
    alter column new drop not null,
    add scope text not null default 'default' check (scope in ('default', 'segment', 'entity')),
    add scope_value text not null default '',
    add valid_from timestamptz,
    add valid_to timestamptz,
    add approvers text[] not null default '{}',
    add expires_at timestamptz,
    add change_hash text not null default '',
    add definition_version text,
    add reverts bigint references ledger.change_requests,
    add answer text,
    drop constraint change_requests_status_check,
    add constraint change_requests_status_check
        check (status in ('open', 'approved', 'rejected', 'expired', 'withdrawn', 'void')),
    add constraint change_requests_four_eyes
        check (status <> 'approved' or approvers = '{}' or decided_by is not null),
    add constraint change_requests_window check (valid_to is null or valid_from is null or valid_from < valid_to);
create index change_requests_open on ledger.change_requests (alert, parameter) where status = 'open';

drop index ledger.parameter_values_in_force;
create type ledger.key_range as range (subtype = text, collation = "C");
alter table ledger.parameter_values
    add recorded_at timestamptz not null default clock_timestamp(),
    add superseded_at timestamptz,
    add request_id bigint references ledger.change_requests,
    alter column valid_from set default timestamptz '1970-01-01 00:00:00+00';
update ledger.parameter_values set
    recorded_at = valid_from,
    superseded_at = valid_to,
    valid_from = timestamptz '1970-01-01 00:00:00+00',
    valid_to = case when valid_to is not null then timestamptz '1970-01-01 00:00:00+00' end;
alter table ledger.parameter_values
    add constraint parameter_values_four_eyes check (approved_by is distinct from changed_by),
    add constraint parameter_values_one_at_a_time exclude using gist (
        ledger.key_range(
            alert || chr(31) || parameter || chr(31) || scope || chr(31) || scope_value,
            alert || chr(31) || parameter || chr(31) || scope || chr(31) || scope_value, '[]'
        ) with &&,
        tstzrange(valid_from, valid_to) with &&
    );
create index parameter_values_by_alert on ledger.parameter_values (alert, parameter);
"""

VIEWS = """
create or replace view alerting.parameter_values as
select
    alert, parameter, case when scope = 'default' then null else scope_value end as segment, value,
    valid_from, valid_to, changed_by, approved_by, scope, recorded_at, superseded_at, request_id
from ledger.parameter_values;

create or replace view alerting.parameters_in_force as
select alert, parameter, type, scope, scope_value, value
from ledger.parameter_values
where valid_from <= clock_timestamp() and (valid_to is null or valid_to > clock_timestamp());

create view alerting.parameter_windows as
select alert, parameter, scope, scope_value, value, valid_from, valid_to from ledger.parameter_values;

create view alerting.parameters_of_evaluations as
select
    e.evaluation_id, e.alert, p.parameter, p.scope, p.scope_value, p.value, p.valid_from, p.valid_to, p.changed_by,
    p.approved_by, p.request_id
from ledger.evaluations as e
cross join lateral (
    select distinct on (v.parameter, v.scope, v.scope_value) v.*
    from ledger.parameter_values as v
    where v.alert = e.alert
        and v.recorded_at <= e.started_at
        and (v.superseded_at is null or v.superseded_at > e.started_at)
        and v.valid_from <= e.as_of
        and (v.superseded_at is not null or v.valid_to is null or v.valid_to > e.as_of)
    order by v.parameter, v.scope, v.scope_value, v.valid_from desc, v.value_id desc
) as p;

create or replace view alerting.change_requests as
select
    request_id, alert, parameter, old, new, requested_by, decided_by, status, impact, segment, reason,
    requested_at, decided_at, scope, valid_from, valid_to, approvers, expires_at, answer, change_hash, reverts
from ledger.change_requests;
"""

COMMENTS = {
    "parameter_values": {
        "valid_from": "Business instant since when it is in force; 1970-01-01 for what held from the start.",
        "valid_to": "Business instant until when it is in force; NULL for no end.",
        "recorded_at": "Database clock at which it was written.",
        "superseded_at": "Database clock at which another value took its place before its time was over; NULL if none.",
        "request_id": "The request that it came with; NULL for what a file states.",
    },
    "parameter_windows": {
        "alert": "Name of the alert definition.",
        "parameter": "Name of the parameter.",
        "scope": "default, segment or entity.",
        "scope_value": "The segment or entity; empty for the default.",
        "value": "The value, as text.",
        "valid_from": "Business instant since when it is in force; 1970-01-01 for what held from the start.",
        "valid_to": "Business instant until when it is in force; NULL for no end.",
    },
    "parameters_of_evaluations": {
        "evaluation_id": "Number of the evaluation.",
        "alert": "Name of the alert definition.",
        "parameter": "Name of the parameter.",
        "scope": "default, segment or entity; an entity's value goes before its segment's, that before the default.",
        "scope_value": "The segment or entity; empty for the default.",
        "value": "The value, as text.",
        "valid_from": "Business instant since when it is in force; 1970-01-01 for what held from the start.",
        "valid_to": "Business instant until when it is in force; NULL for no end.",
        "changed_by": "Person who changed it, or 'definition'.",
        "approved_by": "Person who approved it, where the definition asks for that.",
        "request_id": "The request that it came with; NULL for what a file states.",
    },
    "change_requests": {
        "old": "Value in force when it was asked for; NULL where the segment or entity had none of its own.",
        "new": "Value asked for; NULL to have no value of its own any more.",
        "status": "open, approved, rejected, expired, withdrawn, or void: no longer exact.",
        "scope": "default, segment or entity.",
        "valid_from": "Business instant from which it is to hold; NULL for at once.",
        "valid_to": "Business instant at which it ends by itself; NULL for no end.",
        "approvers": "Roles of which one must approve it; empty where none is asked for.",
        "expires_at": "Business instant after which it can't be approved any more.",
        "answer": "Why it was decided as it was, in a sentence.",
        "change_hash": "SHA-256 over what is to change: an approval holds for exactly that.",
        "reverts": "The request whose change it takes back.",
    },
}
SENTENCES = {
    "parameter_windows": "Every value with the time it is in force: what alert SQL reads beside the marts.",
    "parameters_of_evaluations": "Which parameter values held when an evaluation ran, a row per value.",
    "parameters_in_force": "The parameter values in force now, by the database's clock.",
}

GRANTS = (
    "grant select on alerting.parameter_windows to alerting_app, analyst, alert_reader",
    "grant select on alerting.parameters_of_evaluations to alerting_app, analyst",
    # What was asked for can't be edited afterwards, not even by the program: an approval is of what was asked.
    "revoke update on ledger.change_requests from alerting_app",
    "grant update (status, decided_by, decided_at, answer) on ledger.change_requests to alerting_app",
)


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(VIEWS)
    for view, sentence in SENTENCES.items():
        op.execute(f"comment on view alerting.{view} is {_literal(sentence)}")
    for view, columns in COMMENTS.items():
        for column, text in columns.items():
            op.execute(f"comment on column alerting.{view}.{column} is {_literal(text)}")
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
