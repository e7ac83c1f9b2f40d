{{ config(materialized='table') }}

-- One line per bill, from which everybody can see that nothing was lost: the bill, the three ways in which it is told
-- again (given to teams, amortised, restated from its first delivery), and what each of them leaves unexplained: nothing.
with

bill as (
    select
        billing_period,
        currency,
        sum(cost) as billed,
        sum(line_items)::bigint as line_items,
        max(delivery) as delivery,
        max(loaded_at) as loaded_at
    from {{ ref('int_account_daily_cost') }}
    group by billing_period, currency
),

allocated as (
    select
        billing_period,
        currency,
        sum(cost) as allocated,
        coalesce(sum(cost) filter (where cost_category = 'direct'), 0) as direct,
        coalesce(sum(cost) filter (where cost_category <> 'direct'), 0) as shared
    from {{ ref('team_allocated_cost') }}
    group by billing_period, currency
),

amortized as (
    select
        billing_period,
        currency,
        sum(fees) as fees,
        sum(amortized_fees) as amortized_fees,
        sum(amortized_cost) as amortized
    from {{ ref('amortized_daily_cost') }}
    group by billing_period, currency
),

totals as (
    select billing_period, currency, delivery, sum(cost) as cost
    from {{ ref('int_cost_deliveries') }}
    group by billing_period, currency, delivery
),

restated as (
    select
        totals.billing_period,
        totals.currency,
        count(*) as deliveries,
        (array_agg(totals.cost order by totals.delivery))[1] as first_delivered,
        (array_agg(totals.cost order by totals.delivery desc))[1] as last_delivered
    from totals
    group by totals.billing_period, totals.currency
),

differences as (
    select billing_period, currency, sum(difference) as difference
    from {{ ref('bill_restatements') }}
    group by billing_period, currency
)

select
    bill.billing_period,
    bill.currency,
    bill.delivery,
    bill.line_items,
    bill.billed,
    allocated.direct,
    allocated.shared,
    bill.billed - coalesce(allocated.allocated, 0) as unallocated,
    coalesce(amortized.fees, 0) as fees,
    coalesce(amortized.amortized_fees, 0) as amortized_fees,
    amortized.amortized,
    bill.billed - coalesce(amortized.fees, 0) + coalesce(amortized.amortized_fees, 0) - amortized.amortized as unamortized,
    coalesce(restated.deliveries, 0) as deliveries,
    restated.first_delivered,
    coalesce(differences.difference, 0) as restated_by,
    restated.last_delivered - restated.first_delivered - coalesce(differences.difference, 0) as unexplained,
    bill.loaded_at
from bill
left join allocated on allocated.billing_period = bill.billing_period and allocated.currency = bill.currency
left join amortized on amortized.billing_period = bill.billing_period and amortized.currency = bill.currency
left join restated on restated.billing_period = bill.billing_period and restated.currency = bill.currency
left join differences on differences.billing_period = bill.billing_period and differences.currency = bill.currency
