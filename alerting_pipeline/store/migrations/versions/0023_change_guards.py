"""What the program may not write of changes, however it comes to it: the database refuses it with the reason.

The use case checks all of this first. These triggers bind the program's own role, so that a slip of the program, or
SQL in its name, can neither put a value into force that nobody asked for, nor one out of its bounds, nor approve a
request twice, late, or when another value is in force. Owner and superuser are not bound: they could drop the triggers.
"""

from alembic import op

revision = "0023"
down_revision = "0022"

FUNCTIONS = r"""
create function ledger.value_refusal(alert text, parameter text, scope text, value text) returns text
language plpgsql stable set search_path = pg_catalog as $$
declare
    stated jsonb;
    kind text;
begin
    select v.body -> 'parameters' -> value_refusal.parameter into stated
    from ledger.definitions as d join ledger.definition_versions as v using (alert, version)
    where d.alert = value_refusal.alert and d.removed_at is null;
    if stated is null then
        return null;  -- no evaluation reads it
    end if;
    kind := coalesce(stated ->> 'type', 'number');
    if kind in ('number', 'integer') then
        if value !~ (case kind
            when 'number' then '^-?(0|[1-9][0-9]{0,29})(\.[0-9]{1,18})?$' else '^-?(0|[1-9][0-9]{0,17})$'
        end) then
            return 'it is not a plain decimal number';
        end if;
        if value::numeric < (stated ->> 'minimum')::numeric then
            return 'it is under the minimum of ' || (stated ->> 'minimum');
        end if;
        if value::numeric > (stated ->> 'maximum')::numeric then
            return 'it is over the maximum of ' || (stated ->> 'maximum');
        end if;
        if mod(value::numeric - coalesce(stated ->> 'minimum', '0')::numeric, (stated ->> 'step')::numeric) <> 0 then
            return 'it is off the step of ' || (stated ->> 'step');
        end if;
    elsif kind = 'duration' then
        if value !~ '^(0|([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?)$' or value = '' then
            return 'it is not a duration';
        end if;
        if value::interval < (stated ->> 'minimum')::interval then
            return 'it is under the minimum of ' || (stated ->> 'minimum');
        end if;
        if value::interval > (stated ->> 'maximum')::interval then
            return 'it is over the maximum of ' || (stated ->> 'maximum');
        end if;
    elsif kind = 'boolean' and value not in ('true', 'false') then
        return 'it is not true or false';
    elsif kind = 'choice' and not (stated -> 'choices') ? value then
        return 'it is not one of the choices';
    elsif kind = 'list' and value !~ '^\{.*\}$' then
        return 'it is not a list';
    end if;
    return null;
end $$;

create function ledger.guard_request() returns trigger language plpgsql set search_path = pg_catalog as $$
declare
    standing text;
    refusal text;
    begins timestamptz;
begin
    if tg_op = 'INSERT' then
        if new.status <> 'open' then
            raise exception 'a request begins open; it is approved by an update of its own' using errcode = '23514';
        end if;
        return new;
    end if;
    if old.status <> 'open' then
        raise exception 'request % is % already', old.request_id, old.status using errcode = '23514';
    end if;
    if new.status <> 'approved' then
        return new;
    end if;
    if new.decided_at is null or new.decided_at >= old.expires_at then
        raise exception 'request % has expired', old.request_id using errcode = '23514';
    end if;
    if old.new is not null then
        refusal := ledger.value_refusal(old.alert, old.parameter, old.scope, old.new);
        if refusal is not null then
            raise exception 'request % can''t be approved: %', old.request_id, refusal using errcode = '23514';
        end if;
    end if;
    begins := greatest(old.valid_from, new.decided_at);
    select p.value into standing from ledger.parameter_values as p
    where p.alert = old.alert and p.parameter = old.parameter and p.scope = old.scope
        and p.scope_value = old.scope_value and p.valid_from <= begins and (p.valid_to is null or p.valid_to > begins);
    if old.scope = 'entry' then
        standing := coalesce(standing, '{}');
    end if;
    if standing is distinct from old.old and not (
        standing ~ '^-?[0-9]+(\.[0-9]+)?$' and old.old ~ '^-?[0-9]+(\.[0-9]+)?$'
        and standing::numeric = old.old::numeric
    ) is true then
        raise exception 'request % is stale: % was in force, and % is now', old.request_id, old.old, standing
            using errcode = '23514';
    end if;
    return new;
end $$;

create function ledger.guard_value() returns trigger language plpgsql set search_path = pg_catalog as $$
declare
    request ledger.change_requests;
    refusal text;
begin
    refusal := ledger.value_refusal(new.alert, new.parameter, new.scope, new.value);
    if refusal is not null then
        raise exception '%.% can''t be %: %', new.alert, new.parameter, new.value, refusal using errcode = '23514';
    end if;
    if new.changed_by = 'definition' then
        return new;
    end if;
    select r.* into request from ledger.change_requests as r where r.request_id = new.request_id;
    if request.status is distinct from 'approved' or request.requested_by <> new.changed_by
        or request.decided_by is distinct from new.approved_by or request.parameter <> new.parameter
        or (request.scope = new.scope and (request.scope_value <> new.scope_value
            or request.new is distinct from new.value)) then
        raise exception '%.% can''t be %: no approved request asks for it', new.alert, new.parameter, new.value
            using errcode = '23514';
    end if;
    return new;
end $$;

create trigger change_requests_guard before insert or update on ledger.change_requests
    for each row when (current_user = 'alerting_app') execute function ledger.guard_request();
create trigger parameter_values_guard before insert or update of value, type, alert, parameter, scope, scope_value
    on ledger.parameter_values for each row when (current_user = 'alerting_app') execute function ledger.guard_value();
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)
    op.execute("grant execute on function ledger.value_refusal to alerting_app")


def downgrade() -> None:
    raise NotImplementedError("The ledger is never taken back; restore a backup instead.")
