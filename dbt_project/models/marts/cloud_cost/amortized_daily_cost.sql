{{ config(materialized='table') }}

-- The bill with fees for a term taken out where they were paid and put in day by day where they are used up. Days after
-- the last one that a period's report covers have no share yet.
with

costs as (
    select * from {{ ref('int_account_daily_cost') }}
),

periods as (
    select
        billing_period,
        min(period_start) as period_start,
        coalesce(max(day) filter (where cost_category = 'usage'), max(day)) as last_day,
        max(delivery) as delivery,
        max(loaded_at) as loaded_at
    from costs
    group by billing_period
),

parts as (
    select
        billing_period,
        day,
        account_id,
        currency,
        cost as billed_cost,
        case when fee_type is not null then cost else 0 end as fees,
        0 as amortized_fees
    from costs
    union all
    select
        periods.billing_period,
        amortization.day,
        amortization.account_id,
        amortization.currency,
        0 as billed_cost,
        0 as fees,
        amortization.amortized_cost
    from {{ ref('commitment_amortization') }} as amortization
    inner join periods on amortization.day between periods.period_start and periods.last_day
)

select
    parts.billing_period,
    parts.day,
    parts.account_id,
    parts.currency,
    sum(parts.billed_cost) as billed_cost,
    sum(parts.fees) as fees,
    sum(parts.amortized_fees) as amortized_fees,
    sum(parts.billed_cost) - sum(parts.fees) + sum(parts.amortized_fees) as amortized_cost,
    max(periods.delivery) as delivery,
    max(periods.loaded_at) as loaded_at
from parts
inner join periods on periods.billing_period = parts.billing_period
group by parts.billing_period, parts.day, parts.account_id, parts.currency
