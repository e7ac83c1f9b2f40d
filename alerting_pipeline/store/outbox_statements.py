"""The SQL of the outbox. Each statement is one short transaction's work over any number of deliveries."""

from sqlalchemy import text

INSERT = text("""
insert into ledger.outbox (
    delivery_id, incident_id, group_id, alert, transition, destination, channel, message, counted_for, told_at
)
select
    r.delivery_id, r.incident_id, r.group_id, r.alert, r.transition, r.destination, r.channel, r.message, r.counted_for,
    r.told_at
from rows from (jsonb_to_recordset(cast(:rows as jsonb)) as (
    delivery_id uuid, incident_id bigint, group_id bigint, alert text, transition text, destination text, channel text,
    message jsonb, counted_for text, told_at timestamptz
)) with ordinality as r (
    delivery_id, incident_id, group_id, alert, transition, destination, channel, message, counted_for, told_at, place
)
order by r.place
on conflict (delivery_id) do nothing
returning delivery_id
""")

SUPERSEDE = text("""
update ledger.outbox as earlier
set status = 'sent', sent_at = clock_timestamp(),
    receipt = jsonb_build_object('superseded_by', later.delivery_id)
from ledger.outbox as later
where later.delivery_id = any(cast(:ids as uuid[]))
    and earlier.conversation = later.conversation
    and earlier.destination = later.destination
    and earlier.sequence < later.sequence
    and earlier.status = 'waiting'
    and earlier.attempts = 0
    and earlier.transition in ('updated', 'edited', 'refreshed', 'acknowledged')
""")

# The loose index scan finds the destinations that have work without reading the work of each. `|| ''` keeps the planner
# from looking for earlier messages of an incident among all messages of the destination: a backlog of n cost n².
CLAIM = text("""
with recursive named as (
    select * from unnest(cast(:named as text[]), cast(:rooms as integer[])) as n (destination, room)
),
busy as (
    (select destination from ledger.outbox where status in ('waiting', 'leased') order by destination limit 1)
    union all
    select (
        select o.destination from ledger.outbox as o
        where o.status in ('waiting', 'leased') and o.destination > busy.destination
        order by o.destination limit 1
    )
    from busy where busy.destination is not null
),
lanes as (
    select busy.destination, least(coalesce(named.room, :each), :each) as room
    from busy left join named using (destination)
    where busy.destination is not null and coalesce(named.room, :each) > 0
),
picked as materialized (
    select p.delivery_id
    from lanes cross join lateral (
        select o.delivery_id
        from ledger.outbox as o
        where o.destination = lanes.destination
            and o.status in ('waiting', 'leased')
            and case o.status
                when 'waiting' then o.next_attempt_at <= clock_timestamp()
                else o.leased_until < clock_timestamp()
            end
            and not exists (
                select 1 from ledger.outbox as before
                where before.conversation = o.conversation and before.destination || '' = o.destination
                    and before.sequence < o.sequence and before.status in ('waiting', 'leased')
            )
        order by o.sequence
        limit lanes.room
        for update of o skip locked
    ) as p
),
unfinished as (
    update ledger.delivery_attempts as a
    set result = 'uncertain', error = 'the worker did not finish', finished_at = clock_timestamp()
    from picked
    where a.delivery_id = picked.delivery_id and a.finished_at is null
    returning a.delivery_id
),
leased as (
    update ledger.outbox as o
    set status = 'leased', attempts = o.attempts + 1, fence = o.fence + 1, leased_by = :worker,
        leased_until = clock_timestamp() + make_interval(secs => :lease)
    from picked
    where o.delivery_id = picked.delivery_id
    returning o.*
),
started as (
    insert into ledger.delivery_attempts (delivery_id, attempt, fence)
    select delivery_id, attempts, fence from leased
    on conflict (delivery_id, attempt) do update
    set fence = excluded.fence, started_at = clock_timestamp(), finished_at = null, result = null, error = null
)
select
    leased.delivery_id, leased.incident_id, leased.destination, leased.channel, leased.message, leased.attempts,
    leased.fence, leased.receipt as progress, previous.receipt as earlier,
    leased.attempts > 1 and (
        exists (select 1 from unfinished where unfinished.delivery_id = leased.delivery_id)
        or exists (
            select 1 from ledger.delivery_attempts as a
            where a.delivery_id = leased.delivery_id and a.result = 'uncertain'
        )
    ) as is_uncertain
from leased
left join lateral (
    select e.receipt from ledger.outbox as e
    where e.conversation = leased.conversation and e.destination = leased.destination
        and e.sequence < leased.sequence and e.status = 'sent' and not e.receipt ? 'superseded_by'
    order by e.sequence desc limit 1
) as previous on true
order by leased.sequence
""")

HELD = text("""
select o.delivery_id
from ledger.outbox as o
join jsonb_to_recordset(cast(:rows as jsonb)) as r (delivery_id uuid, fence bigint) using (delivery_id)
where o.fence = r.fence and o.status = 'leased'
order by o.sequence
for update of o
""")

# An answer that comes after its attempt was given up still counts while the fence is the same: nobody has claimed the
# delivery since. If somebody has, it may have arrived twice, and the attempt says so.
SENT = text("""
with finished as (
    select * from jsonb_to_recordset(cast(:rows as jsonb))
        as r (delivery_id uuid, fence bigint, receipt jsonb, result text)
),
recorded as (
    update ledger.outbox as o
    set status = 'sent', sent_at = clock_timestamp(), receipt = finished.receipt,
        error = finished.receipt ->> 'warning',
        leased_until = null, leased_by = null
    from finished
    where o.delivery_id = finished.delivery_id and o.fence = finished.fence and o.status <> 'sent'
    returning o.delivery_id
),
noted as (
    update ledger.delivery_attempts as a
    set result = case when recorded.delivery_id is null then 'sent again' else finished.result end,
        finished_at = clock_timestamp()
    from finished left join recorded using (delivery_id)
    where a.delivery_id = finished.delivery_id and a.fence = finished.fence
)
select count(*) from recorded
""")

FAILED = text("""
with finished as (
    select * from jsonb_to_recordset(cast(:rows as jsonb))
        as r (delivery_id uuid, fence bigint, error text, retry_in float8, progress jsonb, result text)
),
recorded as (
    update ledger.outbox as o
    set status = case when finished.retry_in is null then 'dead' else 'waiting' end,
        next_attempt_at = clock_timestamp() + make_interval(secs => coalesce(finished.retry_in, 0)),
        error = finished.error, receipt = coalesce(finished.progress, o.receipt), leased_until = null, leased_by = null
    from finished
    where o.delivery_id = finished.delivery_id and o.fence = finished.fence and o.status = 'leased'
    returning o.delivery_id
),
noted as (
    update ledger.delivery_attempts as a
    set result = finished.result, error = finished.error, finished_at = clock_timestamp()
    from finished
    where a.delivery_id = finished.delivery_id and a.fence = finished.fence
)
select delivery_id from recorded
""")

RELEASE = text("""
with given as (
    select * from jsonb_to_recordset(cast(:rows as jsonb)) as r (delivery_id uuid, fence bigint)
),
released as (
    update ledger.outbox as o
    set status = 'waiting', attempts = o.attempts - 1, leased_until = null, leased_by = null,
        next_attempt_at = clock_timestamp()
    from given
    where o.delivery_id = given.delivery_id and o.fence = given.fence and o.status = 'leased'
    returning o.delivery_id
),
noted as (
    update ledger.delivery_attempts as a
    set result = 'released', finished_at = clock_timestamp()
    from given
    where a.delivery_id = given.delivery_id and a.fence = given.fence
),
told as (
    select pg_notify('alerting_outbox', '') from released limit 1
)
select count(*) from released where (select count(*) from told) >= 0
""")

NEXT = text("""
select extract(epoch from least(
    (select min(next_attempt_at) from ledger.outbox where status = 'waiting'),
    (select min(leased_until) from ledger.outbox where status = 'leased')
) - clock_timestamp())
""")

LIST = text("""
select delivery_id, incident_id, alert, transition, destination, channel, status, attempts, created_at, next_attempt_at,
    sent_at, error, message ->> 'summary' as summary
from ledger.outbox
where cast(:status as text) is null or status = :status
order by sequence desc
limit :limit
""")

RETRY = text("""
with dead as (
    select o.delivery_id, (
        select later.delivery_id from ledger.outbox as later
        where later.conversation = o.conversation and later.destination = o.destination
            and later.sequence > o.sequence and later.status = 'sent'
        order by later.sequence desc limit 1
    ) as covered_by
    from ledger.outbox as o
    where o.status = 'dead' and (cast(:id as uuid) is null or o.delivery_id = cast(:id as uuid))
    for update of o
),
changed as (
    update ledger.outbox as o
    set status = case when dead.covered_by is null then 'waiting' else 'sent' end,
        sent_at = case when dead.covered_by is not null then clock_timestamp() end,
        receipt = case when dead.covered_by is not null then jsonb_build_object('superseded_by', dead.covered_by) end,
        next_attempt_at = clock_timestamp()
    from dead
    where o.delivery_id = dead.delivery_id
    returning o.delivery_id, o.destination, o.alert, o.status, dead.covered_by
),
told as (
    select pg_notify('alerting_outbox', '') from changed limit 1
)
select changed.* from changed where (select count(*) from told) >= 0
""")

COUNTS = text("""
select status, count(*) from ledger.outbox group by status
union all
select 'resent', count(distinct delivery_id) from ledger.delivery_attempts where result = 'sent again'
""")

RECOVERED = text("""
select entity ->> 'destination' from ledger.incidents
where alert = :alert and status <> 'resolved' and entity ->> 'destination' = any(cast(:destinations as text[]))
""")
