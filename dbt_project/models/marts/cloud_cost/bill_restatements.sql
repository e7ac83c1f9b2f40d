{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='billing_period',
    on_schema_change='append_new_columns',
    indexes=[{'columns': ['billing_period', 'delivery']}],
) }}

-- Each delivery against the one before it. Line-item ids change with every delivery, so what is compared are the sums of
-- an account's service on a day. What did not change has no row, and the first delivery of a period changes nothing.
with

sums as (
    select * from {{ ref('int_cost_deliveries') }}
    {% if is_incremental() %}
    where
        load_id > {{ last_load('load_id') }}
        or report_load_id > {{ last_load('report_load_id') }}
    {% endif %}
),

deliveries as (
    select
        billing_period,
        delivery,
        max(day) as last_day,
        lag(delivery) over (partition by billing_period order by delivery) as earlier,
        max(max(load_id)) over (partition by billing_period) as load_id,
        max(max(report_load_id)) over (partition by billing_period) as report_load_id,
        max(max(loaded_at)) over (partition by billing_period) as loaded_at
    from sums
    group by billing_period, delivery
),

-- Both sides as rows of the later delivery, so that what is on one side only is there as well.
compared as (
    select
        deliveries.billing_period,
        deliveries.delivery,
        sums.account_id,
        sums.service,
        sums.day,
        sums.currency,
        sum(sums.cost) filter (where sums.delivery = deliveries.earlier) as old_cost,
        sum(sums.cost) filter (where sums.delivery = deliveries.delivery) as new_cost,
        coalesce(sum(sums.line_items) filter (where sums.delivery = deliveries.earlier), 0)::bigint as old_line_items,
        coalesce(sum(sums.line_items) filter (where sums.delivery = deliveries.delivery), 0)::bigint as new_line_items
    from deliveries
    inner join sums
        on sums.billing_period = deliveries.billing_period
        and sums.delivery in (deliveries.delivery, deliveries.earlier)
    where deliveries.earlier is not null
    group by
        deliveries.billing_period,
        deliveries.delivery,
        sums.account_id,
        sums.service,
        sums.day,
        sums.currency
)

select
    compared.billing_period,
    compared.delivery,
    deliveries.earlier as earlier_delivery,
    compared.account_id,
    compared.service,
    compared.day,
    compared.currency,
    case
        when compared.old_line_items = 0 then 'added'
        when compared.new_line_items = 0 then 'withdrawn'
        else 'revised'
    end as change,
    coalesce(compared.old_cost, 0) as old_cost,
    coalesce(compared.new_cost, 0) as new_cost,
    coalesce(compared.new_cost, 0) - coalesce(compared.old_cost, 0) as difference,
    compared.old_line_items,
    compared.new_line_items,
    compared.day < earlier.last_day as was_closed,
    deliveries.loaded_at,
    deliveries.load_id,
    deliveries.report_load_id
from compared
inner join deliveries
    on deliveries.billing_period = compared.billing_period
    and deliveries.delivery = compared.delivery
inner join deliveries as earlier
    on earlier.billing_period = deliveries.billing_period
    and earlier.delivery = deliveries.earlier
where
    compared.old_cost is distinct from compared.new_cost
    or compared.old_line_items <> compared.new_line_items
