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
-- A fee that is paid for a term at once keeps its term: an upfront fee that of the commitment, a monthly one (RIFee) the
-- days that the line is for. AWS ends a term with its last second, so its length in days is rounded.
with

line_items as (
    select
        billing_period,
        period_start,
        period_end,
        greatest(least(usage_day, period_end - 1), period_start) as day,
        account_id,
        app,
        {{ cost_category('line_item_type', 'service', 'commitment_id') }} as cost_category,
        line_item_type,
        commitment_id,
        case when line_item_type = 'RIFee' then usage_start else commitment_start end as term_start,
        case when line_item_type = 'RIFee' then usage_end else commitment_end end as term_end,
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
),

fees_told_apart as (
    select
        *,
        cost_category = 'commitment'
        and line_item_type <> 'SavingsPlanRecurringFee'
        and term_start is not null
        and term_end is not null as is_for_a_term
    from line_items
),

described as (
    select
        *,
        case when is_for_a_term then line_item_type end as fee_type,
        case when is_for_a_term then commitment_id end as fee_commitment_id,
        case when is_for_a_term then (term_start at time zone 'UTC')::date end as fee_start,
        case when is_for_a_term then greatest(round(extract(epoch from term_end - term_start) / 86400), 1)::integer end as fee_days
    from fees_told_apart
)

select
    billing_period,
    day,
    account_id,
    app,
    cost_category,
    fee_type,
    fee_commitment_id,
    fee_start,
    fee_days,
    currency,
    sum(cost) as cost,
    count(*) as line_items,
    min(period_start) as period_start,
    max(period_end) as period_end,
    max(usage_end) filter (where cost_category = 'usage') as usage_until,
    max(delivery) as delivery,
    max(load_id) as load_id,
    max(loaded_at) as loaded_at
from described
group by
    billing_period,
    day,
    account_id,
    app,
    cost_category,
    fee_type,
    fee_commitment_id,
    fee_start,
    fee_days,
    currency
