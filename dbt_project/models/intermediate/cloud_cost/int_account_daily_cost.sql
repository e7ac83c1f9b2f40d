{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='billing_period',
    on_schema_change='append_new_columns',
    indexes=[{'columns': ['billing_period']}],
) }}

-- The report restates a whole billing period with every delivery, under new line-item ids: the period is the unit that is
-- replaced, here as in raw, and the other months stay as they are.
-- A charge dated outside its period (a refund, a fee) is booked on the nearest day of the period, so that each day belongs
-- to one period and a restated period can be rebuilt alone.
with

line_items as (
    select
        billing_period,
        greatest(least(usage_day, period_end - 1), period_start) as day,
        account_id,
        app,
        {{ cost_category('line_item_type', 'service', 'commitment_id') }} as cost_category,
        currency,
        cost,
        usage_end,
        delivery,
        load_id,
        loaded_at
    from {{ ref('stg_cost_and_usage') }}
    {% if is_incremental() %}
    where billing_period in {{ restated_periods() }}
    {% endif %}
)

select
    billing_period,
    day,
    account_id,
    app,
    cost_category,
    currency,
    sum(cost) as cost,
    count(*) as line_items,
    max(usage_end) filter (where cost_category = 'usage') as usage_until,
    max(delivery) as delivery,
    max(load_id) as load_id,
    max(loaded_at) as loaded_at
from line_items
group by billing_period, day, account_id, app, cost_category, currency
