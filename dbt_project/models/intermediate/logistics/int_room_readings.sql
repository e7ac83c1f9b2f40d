{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='reading_id',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected(corrections_of(['storage_readings'])) }}",
    indexes=[
        {'columns': ['reading_id'], 'unique': true},
        {'columns': ['room_id', 'measured_at']},
        {'columns': ['load_id']},
    ],
) }}

-- What a sensor reports without a temperature is kept as a reading without one: NULL, -999 and NaN are no warmth, and
-- no cold. NaN is greater than every number in Postgres, so the bounds leave it out.
with

arrived as (
    select distinct on (reading_id)
        reading_id,
        room_id,
        room_name,
        room_kind,
        measured_at,
        case when temperature_c between -60 and 60 then temperature_c end as temperature_c,
        load_id,
        loaded_at
    from {{ ref('stg_storage_readings') }}
    where
        reading_id is not null
        {% if is_incremental() %}
        and load_id > {{ last_load('load_id') }}
        {% endif %}
    order by reading_id, load_id desc
)

select
    reading_id,
    room_id,
    room_name,
    room_kind,
    measured_at,
    temperature_c,
    load_id,
    loaded_at,
    {{ corrections_stamp(corrections_of(['storage_readings'])) }} as corrections
from arrived
