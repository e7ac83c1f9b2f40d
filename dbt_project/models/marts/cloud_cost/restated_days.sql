{{ config(materialized='table') }}

-- The newest delivery of each period against the one before, whole days of an account. Days that did not change are there
-- too: an incident about a restated day ends when a further delivery leaves that day as it is.
with

ranked as (
    select
        *,
        dense_rank() over (partition by billing_period order by delivery desc) as age,
        max(day) over (partition by billing_period, delivery) as last_day
    from {{ ref('int_cost_deliveries') }}
),

days as (
    select
        billing_period,
        account_id,
        day,
        currency,
        max(delivery) filter (where age = 1) as delivery,
        coalesce(sum(cost) filter (where age = 2), 0) as old_cost,
        coalesce(sum(cost) filter (where age = 1), 0) as new_cost,
        max(load_id) as load_id,
        max(loaded_at) as loaded_at
    from ranked
    where age <= 2
    group by billing_period, account_id, day, currency
),

periods as (
    select
        billing_period,
        max(delivery) filter (where age = 1) as delivery,
        max(delivery) filter (where age = 2) as earlier_delivery,
        max(last_day) filter (where age = 2) as earlier_last_day,
        max(loaded_at) as loaded_at
    from ranked
    where age <= 2
    group by billing_period
)

select
    days.billing_period,
    days.account_id,
    days.day,
    days.currency,
    periods.delivery,
    periods.earlier_delivery,
    coalesce(days.day < periods.earlier_last_day, false) as was_closed,
    days.old_cost,
    days.new_cost,
    days.new_cost - days.old_cost as difference,
    abs(days.new_cost - days.old_cost) as moved_by,
    abs(days.new_cost - days.old_cost) / nullif(abs(days.old_cost), 0) as moved_share,
    periods.loaded_at,
    days.load_id
from days
inner join periods on periods.billing_period = days.billing_period
