{{ config(group='cloud_cost') }}

-- For each delivery, the differences add up to the difference between its total and that of the delivery before, to the
-- last digit; and so do the lines.
with

totals as (
    select
        billing_period,
        currency,
        delivery,
        sum(cost) as cost,
        sum(line_items) as line_items
    from {{ ref('int_cost_deliveries') }}
    group by billing_period, currency, delivery
),

expected as (
    select
        *,
        cost - lag(cost) over deliveries as difference,
        line_items - lag(line_items) over deliveries as more_lines
    from totals
    window deliveries as (partition by billing_period, currency order by delivery)
),

found as (
    select billing_period, currency, delivery, sum(difference) as difference, sum(new_line_items - old_line_items) as more_lines
    from {{ ref('bill_restatements') }}
    group by billing_period, currency, delivery
)

select
    expected.billing_period,
    expected.currency,
    expected.delivery,
    expected.difference as difference_of_totals,
    found.difference as sum_of_differences
from expected
left join found
    on found.billing_period = expected.billing_period
    and found.currency = expected.currency
    and found.delivery = expected.delivery
where
    coalesce(expected.difference, 0) <> coalesce(found.difference, 0)
    or coalesce(expected.more_lines, 0) <> coalesce(found.more_lines, 0)
