{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='billing_period',
    on_schema_change='append_new_columns',
    indexes=[{'columns': ['billing_period']}, {'columns': ['hour']}],
) }}

-- Machine hours at the on-demand price: what a commitment could have covered, hour by hour, because a commitment is paid
-- for by the hour. What one covers already is charged as another type of line.
with

line_items as (
    select
        billing_period,
        usage_start as hour,
        account_id,
        usage_type,
        region,
        instance_type,
        currency,
        usage_amount,
        cost,
        usage_end,
        load_id,
        loaded_at
    from {{ ref('stg_cost_and_usage') }}
    where
        line_item_type = 'Usage'
        and pricing_term = 'OnDemand'
        and pricing_unit in ('Hrs', 'Hours')
        and instance_type is not null
    {% if is_incremental() %}
        and billing_period in {{ restated_periods() }}
    {% endif %}
)

select
    billing_period,
    hour,
    account_id,
    usage_type,
    region,
    instance_type,
    currency,
    sum(usage_amount) as hours,
    sum(cost) as cost,
    max(usage_end) as usage_until,
    max(load_id) as load_id,
    max(loaded_at) as loaded_at
from line_items
group by billing_period, hour, account_id, usage_type, region, instance_type, currency
