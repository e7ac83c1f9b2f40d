-- On the last day, the accounts' locations add up to those that are open, their open tickets to those of the help desk,
-- and their revenue to the prices of the subscriptions that run. A list that came since the build is left to the next.
with

last_day as (
    select
        max(day) as day,
        max(list_load_id) as list_load_id
    from {{ ref('company_facts') }}
),

found as (
    select
        sum(facts.locations) as locations,
        sum(facts.open_tickets) as open_tickets,
        sum(facts.mrr) as mrr
    from last_day
    inner join {{ ref('company_facts') }} as facts on facts.day = last_day.day
),

expected as (
    select
        (
            select count(*)
            from {{ source('raw', 'locations') }} as locations
            where locations.opened_on <= last_day.day and (locations.closed_on is null or locations.closed_on > last_day.day)
        ) as locations,
        (
            select count(*)
            from {{ source('raw', 'support_tickets') }} as tickets
            where
                (tickets.opened_at at time zone 'UTC')::date <= last_day.day
                and (tickets.closed_at is null or (tickets.closed_at at time zone 'UTC')::date > last_day.day)
        ) as open_tickets,
        (
            select coalesce(sum(subscriptions.monthly_price), 0)
            from {{ source('raw', 'subscriptions') }} as subscriptions
            where
                subscriptions.started_on <= last_day.day
                and (subscriptions.ended_on is null or subscriptions.ended_on > last_day.day)
        ) as mrr
    from last_day
    where
        last_day.list_load_id >= greatest(
            (select max(_load_id) from {{ source('raw', 'locations') }}),
            (select max(_load_id) from {{ source('raw', 'support_tickets') }}),
            (select max(_load_id) from {{ source('raw', 'subscriptions') }}),
            (select max(_load_id) from {{ source('raw', 'accounts') }})
        )
)

select
    expected.locations as locations_listed,
    found.locations as locations_in_mart,
    expected.open_tickets as tickets_open,
    found.open_tickets as tickets_in_mart,
    expected.mrr as mrr_sold,
    found.mrr as mrr_in_mart
from expected
cross join found
where (expected.locations, expected.open_tickets, expected.mrr) is distinct from (found.locations, found.open_tickets, found.mrr)
