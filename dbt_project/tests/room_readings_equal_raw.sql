{{ config(group='logistics') }}

-- One reading for every one delivered to us, among the loads that the model has seen.
with

expected as (
    select count(distinct reading_id) as readings
    from {{ source('raw', 'storage_readings') }}
    where _load_id <= (select max(load_id) from {{ ref('int_room_readings') }})
),

found as (
    select count(*) as readings from {{ ref('int_room_readings') }}
)

select
    expected.readings as readings_delivered,
    found.readings as readings_in_model
from expected
cross join found
where expected.readings <> found.readings
