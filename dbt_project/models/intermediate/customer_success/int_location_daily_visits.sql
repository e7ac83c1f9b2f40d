{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['location_id', 'day'],
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected(corrections_in(ref('int_visits'))) }}",
    indexes=[
        {'columns': ['location_id', 'day'], 'unique': true},
        {'columns': ['day']},
        {'columns': ['load_id']},
    ],
) }}

-- A visit that is reported late touches the day on which it took place; that day of its location is counted again.
with

visits as (
    select * from {{ ref('int_visits') }}
),

{% if is_incremental() %}

touched as (
    select distinct location_id, day from visits where load_id > {{ last_load('load_id') }}
),

{% endif %}

counted as (
    select
        visits.location_id,
        visits.day,
        count(*) as visits,
        count(*) filter (where visits.is_host_notified is false) as hosts_not_notified,
        max(visits.load_id) as load_id,
        max(visits.loaded_at) as loaded_at
    from visits
    {% if is_incremental() %}
    inner join touched on touched.location_id = visits.location_id and touched.day = visits.day
    {% endif %}
    where visits.location_id is not null and visits.day is not null
    group by visits.location_id, visits.day
)

select
    location_id,
    day,
    visits,
    hosts_not_notified,
    load_id,
    loaded_at,
    {{ corrections_stamp(corrections_in(ref('int_visits'))) }} as corrections
from counted
