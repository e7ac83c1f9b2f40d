{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='billing_period',
    on_schema_change='append_new_columns',
    indexes=[{'columns': ['billing_period', 'delivery']}],
) }}

-- A delivery that came late changes what the next one is compared with: the period is worked out again, the others stay.
-- A delivery of several files is complete once the report itself was loaded from it (or passed over for a newer one), so
-- deliveries newer than the one that holds are left out until then.
with

held as (
    select billing_period, max(delivery) as delivery, max(load_id) as load_id
    from {{ ref('int_account_daily_cost') }}
    group by billing_period
),

sums as (
    select * from {{ ref('stg_cost_deliveries') }}
),

{% if is_incremental() %}

to_rebuild as (
    select held.billing_period
    from held
    inner join (select billing_period, max(load_id) as load_id from sums group by billing_period) as arrived
        on arrived.billing_period = held.billing_period
    left join (
        select billing_period, max(report_load_id) as report_load_id, max(load_id) as load_id
        from {{ this }}
        group by billing_period
    ) as known on known.billing_period = held.billing_period
    where
        held.load_id is distinct from known.report_load_id
        or arrived.load_id is distinct from known.load_id
),

{% endif %}

complete as (
    select
        sums.*,
        held.load_id as report_load_id,
        max(sums.load_id) over (partition by sums.billing_period) as newest_load_id
    from sums
    inner join held on held.billing_period = sums.billing_period
    where
        sums.delivery <= held.delivery
    {% if is_incremental() %}
        and held.billing_period in (select billing_period from to_rebuild)
    {% endif %}
)

select
    billing_period,
    delivery,
    account_id,
    service,
    day,
    currency,
    sum(cost) as cost,
    sum(line_items)::bigint as line_items,
    max(report_load_id) as report_load_id,
    max(newest_load_id) as load_id,
    max(loaded_at) as loaded_at
from complete
group by billing_period, delivery, account_id, service, day, currency
