{{ config(materialized='table', indexes=[{'columns': ['account_id'], 'unique': true}]) }}

-- The last week from Monday to Sunday of which every day has been reported.
with

accounts as (
    select * from {{ ref('stg_accounts') }}
),

facts as (
    select * from {{ ref('company_facts') }}
),

weeks as (
    select date_trunc('week', max(day) - 6)::date as week
    from facts
),

in_week as (
    select
        facts.account_id,
        coalesce(sum(facts.visits) filter (where facts.day >= weeks.week), 0)::bigint as visits,
        coalesce(sum(facts.visits) filter (where facts.day < weeks.week), 0)::bigint as visits_before,
        coalesce(sum(facts.hosts_not_notified) filter (where facts.day >= weeks.week), 0)::bigint as hosts_not_notified,
        coalesce(sum(facts.tickets_opened) filter (where facts.day >= weeks.week), 0)::bigint as tickets_opened,
        max(facts.loaded_at) as loaded_at
    from weeks
    inner join facts on facts.day between weeks.week - 7 and weeks.week + 6
    group by facts.account_id
),

at_its_end as (
    select facts.*
    from weeks
    inner join facts on facts.day = weeks.week + 6
)

select
    accounts.account_id,
    accounts.account_name,
    accounts.plan,
    accounts.owner_name,
    accounts.owner_email,
    accounts.status = 'active' as is_active,
    weeks.week,
    coalesce(in_week.visits, 0) as visits,
    coalesce(in_week.visits_before, 0) as visits_before,
    coalesce(at_its_end.active_locations, 0) as active_locations,
    coalesce(at_its_end.locations, 0) as locations,
    coalesce(in_week.hosts_not_notified, 0) as hosts_not_notified,
    coalesce(in_week.tickets_opened, 0) as tickets_opened,
    coalesce(at_its_end.open_tickets, 0) as open_tickets,
    coalesce(at_its_end.mrr, 0) as mrr,
    accounts.renews_on,
    greatest(accounts.loaded_at, in_week.loaded_at) as loaded_at
from accounts
cross join weeks
left join in_week on in_week.account_id = accounts.account_id
left join at_its_end on at_its_end.account_id = accounts.account_id
where weeks.week is not null
