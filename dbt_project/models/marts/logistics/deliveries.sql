{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='delivery_id',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected('(' ~ corrections_of(['delivery_orders']) ~ ' + ' ~ corrections_in(ref('int_delivery_progress')) ~ ')') }}",
    indexes=[
        {'columns': ['delivery_id'], 'unique': true},
        {'columns': ['order_load_id']},
        {'columns': ['event_load_id']},
        {'columns': ['customer_load_id']},
    ],
) }}

with

progress as (
    select * from {{ ref('int_delivery_progress') }}
),

customers as (
    select * from {{ ref('int_customers') }}
),

arrived as (
    select distinct on (delivery_id)
        delivery_id,
        customer_id,
        region,
        carrier,
        ordered_at,
        promised_at,
        load_id as order_load_id,
        loaded_at as order_loaded_at
    from {{ ref('stg_delivery_orders') }}
    {% if is_incremental() %}
    where load_id > {{ last_load('order_load_id') }}
    {% endif %}
    order by delivery_id, load_id desc
),

{% if is_incremental() %}

-- Orders known before, of which something was reported since, or whose customer changed.
changed as (
    select delivery_id from progress where load_id > {{ last_load('event_load_id') }}

    union

    select known.delivery_id
    from customers
    inner join {{ this }} as known on known.customer_id = customers.customer_id
    where customers.load_id > {{ last_load('customer_load_id') }}
),

orders as (
    select * from arrived

    union all

    select
        known.delivery_id,
        known.customer_id,
        known.region,
        known.carrier,
        known.ordered_at,
        known.promised_at,
        known.order_load_id,
        known.loaded_at as order_loaded_at
    from changed
    inner join {{ this }} as known on known.delivery_id = changed.delivery_id
    where not exists (select 1 from arrived where arrived.delivery_id = known.delivery_id)
),

{% else %}

orders as (
    select * from arrived
),

{% endif %}

joined as (
    select
        orders.delivery_id,
        orders.customer_id,
        coalesce(customers.customer_name, 'Customer ' || orders.customer_id) as customer_name,
        customers.segment,
        orders.region,
        orders.carrier,
        case
            when progress.delivered_at is not null then 'delivered'
            when progress.cancelled_at is not null then 'cancelled'
            when progress.picked_up_at is not null then 'on_the_way'
            else 'ordered'
        end as status,
        orders.ordered_at,
        orders.promised_at,
        progress.delivered_at,
        progress.last_event_at,
        greatest(
            orders.order_loaded_at,
            progress.loaded_at,
            customers.loaded_at,
            {{ last_correction_of(['delivery_orders', 'delivery_events']) }}
        ) as loaded_at,
        orders.order_load_id,
        progress.load_id as event_load_id,
        customers.load_id as customer_load_id
    from orders
    left join progress on progress.delivery_id = orders.delivery_id
    left join customers on customers.customer_id = orders.customer_id
)

select
    delivery_id,
    customer_id,
    customer_name,
    segment,
    region,
    carrier,
    status,
    ordered_at,
    promised_at,
    delivered_at,
    last_event_at,
    loaded_at,
    order_load_id,
    event_load_id,
    customer_load_id,
    {{ corrections_stamp(
        corrections_of(['delivery_orders']) ~ ' + ' ~ corrections_in(ref('int_delivery_progress'))
    ) }} as corrections
from joined
