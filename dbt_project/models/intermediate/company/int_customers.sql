{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_id',
    on_schema_change='append_new_columns',
    full_refresh=false,
    indexes=[{'columns': ['customer_id'], 'unique': true}],
) }}

-- Every export names every customer; only those that are new or differ from what is known are written, so that
-- load_id tells which customers changed. One who left the list keeps the last name known, for the payments remain; as
-- raw holds the newest export alone, a full refresh must not make this model anew.
with

customers as (
    select distinct on (customer_id)
        customer_id,
        customer_name,
        segment,
        load_id,
        loaded_at
    from {{ ref('stg_customers') }}
    where customer_id is not null
    order by customer_id, load_id desc
)

select
    customers.customer_id,
    customers.customer_name,
    customers.segment,
    customers.load_id,
    customers.loaded_at
from customers
{% if is_incremental() %}
left join {{ this }} as known on known.customer_id = customers.customer_id
where
    known.customer_id is null
    or (customers.customer_name, customers.segment) is distinct from (known.customer_name, known.segment)
{% endif %}
