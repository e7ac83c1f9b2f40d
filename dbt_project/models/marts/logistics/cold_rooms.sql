-- The hour ends with the sensor's own last report, not with the clock: a room whose sensor fell silent keeps what was
-- last known of it, and the freshness of the readings is a data definition's matter.
with

readings as (
    select * from {{ ref('int_room_readings') }}
),

reported as (
    select
        room_id,
        max(measured_at) as reported_at,
        max(loaded_at) as loaded_at
    from readings
    group by room_id
),

measured as (
    select distinct on (room_id)
        room_id,
        measured_at,
        temperature_c
    from readings
    where temperature_c is not null
    order by room_id, measured_at desc
),

named as (
    select distinct on (room_id)
        room_id,
        room_name,
        room_kind
    from readings
    order by room_id, measured_at desc
),

last_hour as (
    select
        readings.room_id,
        min(readings.temperature_c) as coldest_of_hour,
        count(readings.temperature_c) as readings_of_hour,
        count(*) - count(readings.temperature_c) as unusable_of_hour
    from readings
    inner join reported on reported.room_id = readings.room_id
    where readings.measured_at > reported.reported_at - interval '1 hour'
    group by readings.room_id
)

select
    reported.room_id,
    named.room_name,
    named.room_kind,
    measured.measured_at,
    measured.temperature_c,
    last_hour.coldest_of_hour,
    last_hour.readings_of_hour,
    last_hour.unusable_of_hour,
    reported.reported_at,
    reported.loaded_at
from reported
inner join named on named.room_id = reported.room_id
inner join last_hour on last_hour.room_id = reported.room_id
left join measured on measured.room_id = reported.room_id
