-- For each billing period, and each day of it, what was given to teams is the bill to the last digit, whatever the keys.
-- Periods restated since the build are left to the next build.
with

bill as (
    select
        billing_period,
        greatest(least(usage_day, period_end - 1), period_start) as day,
        currency,
        sum(cost) as cost,
        max(load_id) as load_id
    from {{ ref('stg_cost_and_usage') }}
    group by 1, 2, 3
),

settled as (
    select billing_period
    from bill
    group by billing_period
    having max(load_id) <= (select max(load_id) from {{ ref('team_allocated_cost') }})
),

compared as (
    select billing_period, day, currency, cost as billed, 0 as allocated from bill
    union all
    select billing_period, day, currency, 0, cost from {{ ref('team_allocated_cost') }}
)

select
    billing_period,
    day,
    currency,
    sum(billed) as cost_in_bill,
    sum(allocated) as cost_allocated
from compared
where billing_period in (select billing_period from settled)
group by grouping sets ((billing_period, day, currency), (billing_period, currency))
having sum(billed) <> sum(allocated)
