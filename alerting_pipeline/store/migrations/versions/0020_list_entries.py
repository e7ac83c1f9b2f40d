"""Entries of lists as values of their own, each with its time, reason and author.

A list was one value; now its default is empty and every entry stands beside it, so that one can end by itself and two
people can add different ones at once. Why a value was set, and who is behind it, stand with the value itself: a file
may name both for an entry, and a request has them already.
"""

from alembic import op

revision = "0020"
down_revision = "0019"

TABLES = r"""
alter table ledger.parameter_values
    add reason text,
    add author text,
    drop constraint parameter_values_scope_check,
    add constraint parameter_values_scope_check check (scope in ('default', 'segment', 'entity', 'entry'));
alter table ledger.change_requests
    drop constraint change_requests_scope_check,
    add constraint change_requests_scope_check check (scope in ('default', 'segment', 'entity', 'entry'));
update ledger.parameter_values as v set reason = r.reason
from ledger.change_requests as r where r.request_id = v.request_id;

insert into ledger.parameter_values (
    alert, parameter, type, scope, scope_value, value, valid_from, valid_to, changed_by, approved_by, recorded_at,
    superseded_at, request_id, reason
)
select distinct
    v.alert, v.parameter, v.type, 'entry', e.item,
    '{"' || replace(replace(e.item, '\', '\\'), '"', '\"') || '"}', v.valid_from, v.valid_to, v.changed_by,
    v.approved_by, v.recorded_at, v.superseded_at, v.request_id, v.reason
from ledger.parameter_values as v cross join lateral unnest(v.value::text[]) as e (item)
where v.type = 'list' and v.scope = 'default';
update ledger.parameter_values
set value = '{}', changed_by = 'definition', approved_by = null, request_id = null, reason = null
where type = 'list' and scope = 'default';
"""

VIEWS = """
create or replace view alerting.parameter_values as
select
    alert, parameter, case when scope = 'default' then null else scope_value end as segment, value,
    valid_from, valid_to, changed_by, approved_by, scope, recorded_at, superseded_at, request_id, reason,
    coalesce(author, changed_by) as author
from ledger.parameter_values;

create or replace view alerting.parameters_of_evaluations as
select
    e.evaluation_id, e.alert, p.parameter, p.scope, p.scope_value, p.value, p.valid_from, p.valid_to, p.changed_by,
    p.approved_by, p.request_id, p.reason, coalesce(p.author, p.changed_by) as author
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
"""

_SCOPE = "default, segment, entity, or entry: one entry of a list, which is all its entries together."
_KEY = "The segment, the entity, or the entry of a list; "
COMMENTS = {
    "parameter_values": {
        "segment": f"{_KEY}NULL for the default.",
        "value": "The value, as text exactly as given; {} for an entry that was taken out of what the file states.",
        "scope": _SCOPE,
        "reason": "Why it was set, where that was said.",
        "author": "Who is behind it: the person whom the file names for an entry, else who changed it.",
    },
    "parameters_of_evaluations": {
        "scope": "default, segment or entity, of which the last goes before the others; or entry, one of a list.",
        "scope_value": f"{_KEY}empty for the default.",
        "reason": "Why it was set, where that was said.",
        "author": "Who is behind it: the person whom the file names for an entry, else who changed it.",
    },
    "parameters_in_force": {"scope": _SCOPE, "scope_value": f"{_KEY}empty for the default."},
    "parameter_windows": {"scope": _SCOPE, "scope_value": f"{_KEY}empty for the default."},
    "change_requests": {"scope": _SCOPE, "segment": f"{_KEY}NULL for the default."},
}


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(VIEWS)
    for view, columns in COMMENTS.items():
        for column, text in columns.items():
            op.execute(f"comment on column alerting.{view}.{column} is {_literal(text)}")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
