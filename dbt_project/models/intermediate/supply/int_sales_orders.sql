{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='order_id',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected(corrections_of(['sales_orders'])) }}",
    indexes=[{'columns': ['order_id'], 'unique': true}, {'columns': ['sold_on']}, {'columns': ['load_id']}],
) }}

-- A line sent again counts once, as sent last. Days are days in UTC.
select distinct on (order_id)
    order_id,
    product_id,
    warehouse,
    quantity,
    (ordered_at at time zone 'UTC')::date as sold_on,
    load_id,
    loaded_at,
    {{ corrections_stamp(corrections_of(['sales_orders'])) }} as corrections
from {{ ref('stg_sales_orders') }}
where
    order_id is not null
    {% if is_incremental() %}
    and load_id > {{ last_load('load_id') }}
    {% endif %}
order by order_id, load_id desc
