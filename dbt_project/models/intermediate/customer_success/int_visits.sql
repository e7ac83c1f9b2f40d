{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='visit_id',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected(corrections_of(['visits'])) }}",
    indexes=[
        {'columns': ['visit_id'], 'unique': true},
        {'columns': ['location_id', 'day']},
        {'columns': ['load_id']},
    ],
) }}

-- A sign-in never changes: the first report of it holds, and one that is reported again counts for nothing.
with

arrived as (
    select distinct on (visit_id)
        visit_id,
        location_id,
        signed_in_at,
        (signed_in_at at time zone 'UTC')::date as day,
        is_host_notified,
        device,
        load_id,
        loaded_at
    from {{ ref('stg_visits') }}
    where
        visit_id is not null
        {% if is_incremental() %}
        and load_id > {{ last_load('load_id') }}
        {% endif %}
    order by visit_id, load_id
)

select
    arrived.visit_id,
    arrived.location_id,
    arrived.signed_in_at,
    arrived.day,
    arrived.is_host_notified,
    arrived.device,
    arrived.load_id,
    arrived.loaded_at,
    {{ corrections_stamp(corrections_of(['visits'])) }} as corrections
from arrived
{% if is_incremental() %}
where not exists (select 1 from {{ this }} as known where known.visit_id = arrived.visit_id)
{% endif %}
