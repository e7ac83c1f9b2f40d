{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='delivery_id',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected(corrections_of(['delivery_events'])) }}",
    indexes=[{'columns': ['delivery_id'], 'unique': true}, {'columns': ['load_id']}],
) }}

-- Least and greatest of instants, so that an event reported twice, or late, changes nothing that it should not.
with

arrived as (
    select
        delivery_id,
        min(happened_at) filter (where event = 'picked_up') as picked_up_at,
        min(happened_at) filter (where event = 'delivered') as delivered_at,
        min(happened_at) filter (where event = 'cancelled') as cancelled_at,
        max(happened_at) as last_event_at,
        max(load_id) as load_id,
        max(loaded_at) as loaded_at
    from {{ ref('stg_delivery_events') }}
    where
        delivery_id is not null
        {% if is_incremental() %}
        and load_id > {{ last_load('load_id') }}
        {% endif %}
    group by delivery_id
)

select
    arrived.delivery_id,
{% if is_incremental() %}
    least(arrived.picked_up_at, known.picked_up_at) as picked_up_at,
    least(arrived.delivered_at, known.delivered_at) as delivered_at,
    least(arrived.cancelled_at, known.cancelled_at) as cancelled_at,
    greatest(arrived.last_event_at, known.last_event_at) as last_event_at,
{% else %}
    arrived.picked_up_at,
    arrived.delivered_at,
    arrived.cancelled_at,
    arrived.last_event_at,
{% endif %}
    arrived.load_id,
    arrived.loaded_at,
    {{ corrections_stamp(corrections_of(['delivery_events'])) }} as corrections
from arrived
{% if is_incremental() %}
left join {{ this }} as known on known.delivery_id = arrived.delivery_id
{% endif %}
