{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='day',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected('(' ~ corrections_in(ref('int_location_daily_visits')) ~ ' + ' ~ corrections_in(ref('int_subscription_payments')) ~ ')') }}",
    indexes=[{'columns': ['day', 'account_id'], 'unique': true}, {'columns': ['account_id']}],
) }}

-- Whole days are built: those that were not there yet, those that a visit reported late belongs to (also the two weeks
-- after it, whose trend it is part of), those of payments that came in, and, when one of the lists (accounts, locations,
-- tickets, subscriptions) was exported again, the last five weeks. What is older than that stays as it was known then.
with

accounts as (
    select * from {{ ref('stg_accounts') }}
),

locations as (
    select * from {{ ref('stg_locations') }}
),

tickets as (
    select * from {{ ref('stg_support_tickets') }}
),

subscriptions as (
    select * from {{ ref('stg_subscriptions') }}
),

payments as (
    select * from {{ ref('int_subscription_payments') }}
),

visits as (
    select * from {{ ref('int_location_daily_visits') }}
),

known as (
    select
        (select min(day) from visits) as first_day,
        {{ reported_until('visits', '(select max(day) from visits)') }} as last_day,
        (select max(load_id) from visits) as visit_load_id,
        (select max(load_id) from payments) as payment_load_id,
        greatest(
            (select max(load_id) from accounts),
            (select max(load_id) from locations),
            (select max(load_id) from tickets),
            (select max(load_id) from subscriptions)
        ) as list_load_id,
        greatest(
            (select max(loaded_at) from visits),
            (select max(loaded_at) from payments),
            (select max(loaded_at) from accounts),
            (select max(loaded_at) from locations),
            (select max(loaded_at) from tickets),
            (select max(loaded_at) from subscriptions)
        ) as loaded_at
),

spine as (
    select generate_series(known.first_day, known.last_day, interval '1 day')::date as day
    from known
),

{% if is_incremental() %}

touched as (
    select day from spine where day > (select coalesce(max(day), '-infinity') from {{ this }})

    union

    select spine.day
    from (select distinct day from visits where load_id > {{ last_load('visit_load_id') }}) as news
    inner join spine on spine.day between news.day and news.day + 13

    union

    select paid_on from payments where load_id > {{ last_load('payment_load_id') }}

    union

    select spine.day
    from spine
    cross join known
    where known.list_load_id > {{ last_load('list_load_id') }} and spine.day > known.last_day - 35
),

days as (
    select spine.day from spine inner join touched on touched.day = spine.day
),

{% else %}

days as (
    select day from spine
),

{% endif %}

location_days as (
    select
        days.day,
        visits.location_id,
        coalesce(sum(visits.visits) filter (where visits.day = days.day), 0) as visits,
        coalesce(sum(visits.hosts_not_notified) filter (where visits.day = days.day), 0) as hosts_not_notified,
        coalesce(sum(visits.visits) filter (where visits.day > days.day - 7), 0) as visits_7_days,
        coalesce(sum(visits.visits) filter (where visits.day <= days.day - 7), 0) as visits_7_days_before
    from days
    inner join visits on visits.day between days.day - 13 and days.day
    group by days.day, visits.location_id
),

used as (
    select
        location_days.day,
        locations.account_id,
        sum(location_days.visits)::bigint as visits,
        sum(location_days.hosts_not_notified)::bigint as hosts_not_notified,
        sum(location_days.visits_7_days)::bigint as visits_7_days,
        sum(location_days.visits_7_days_before)::bigint as visits_7_days_before,
        count(*) filter (where location_days.visits_7_days > 0) as active_locations
    from location_days
    inner join locations on locations.location_id = location_days.location_id
    group by location_days.day, locations.account_id
),

open_locations as (
    select
        days.day,
        locations.account_id,
        count(*) as locations
    from days
    inner join locations on locations.opened_on <= days.day and (locations.closed_on is null or locations.closed_on > days.day)
    group by days.day, locations.account_id
),

asked as (
    select
        days.day,
        tickets.account_id,
        count(*) filter (where tickets.closed_at is null or (tickets.closed_at at time zone 'UTC')::date > days.day) as open_tickets,
        count(*) filter (where (tickets.opened_at at time zone 'UTC')::date = days.day) as tickets_opened
    from days
    inner join tickets on (tickets.opened_at at time zone 'UTC')::date <= days.day
    group by days.day, tickets.account_id
),

sold as (
    select
        days.day,
        subscriptions.account_id,
        sum(subscriptions.monthly_price) as mrr
    from days
    inner join subscriptions
        on subscriptions.started_on <= days.day and (subscriptions.ended_on is null or subscriptions.ended_on > days.day)
    group by days.day, subscriptions.account_id
),

paid as (
    select
        days.day,
        subscriptions.account_id,
        sum(payments.amount) filter (where payments.status = 'paid') as paid
    from days
    inner join payments on payments.paid_on = days.day
    inner join subscriptions on subscriptions.subscription_id = payments.subscription_id
    group by days.day, subscriptions.account_id
)

select
    accounts.account_id,
    accounts.account_name,
    accounts.plan,
    accounts.owner_name,
    accounts.owner_email,
    days.day,
    coalesce(used.visits, 0) as visits,
    coalesce(used.visits_7_days, 0) as visits_7_days,
    coalesce(used.visits_7_days_before, 0) as visits_7_days_before,
    round(used.visits_7_days / nullif(used.visits_7_days_before, 0)::numeric - 1, 4) as trend,
    coalesce(used.hosts_not_notified, 0) as hosts_not_notified,
    coalesce(open_locations.locations, 0) as locations,
    coalesce(used.active_locations, 0) as active_locations,
    round(used.active_locations / nullif(open_locations.locations, 0)::numeric, 4) as active_share,
    coalesce(asked.open_tickets, 0) as open_tickets,
    coalesce(asked.tickets_opened, 0) as tickets_opened,
    coalesce(sold.mrr, 0) as mrr,
    coalesce(paid.paid, 0) as paid,
    known.loaded_at,
    known.visit_load_id,
    known.payment_load_id,
    known.list_load_id,
    {{ corrections_stamp(
        corrections_in(ref('int_location_daily_visits')) ~ ' + ' ~ corrections_in(ref('int_subscription_payments'))
    ) }} as corrections
from days
cross join known
cross join accounts
left join used on used.day = days.day and used.account_id = accounts.account_id
left join open_locations on open_locations.day = days.day and open_locations.account_id = accounts.account_id
left join asked on asked.day = days.day and asked.account_id = accounts.account_id
left join sold on sold.day = days.day and sold.account_id = accounts.account_id
left join paid on paid.day = days.day and paid.account_id = accounts.account_id
where
    (accounts.started_on <= days.day and (accounts.closed_on is null or accounts.closed_on > days.day))
    or used.visits > 0
    or sold.mrr > 0
    or paid.paid > 0
    or open_locations.locations > 0
