{{ config(group='logistics') }}

-- Every room that ever reported is in the mart once, with all of its last hour's readings counted.
with

expected as (
    select
        count(distinct room_id) as rooms,
        max(measured_at) as reported_at
    from {{ ref('int_room_readings') }}
),

found as (
    select
        count(*) as rooms,
        max(reported_at) as reported_at
    from {{ ref('cold_rooms') }}
)

select
    expected.rooms as rooms_reporting,
    found.rooms as rooms_in_mart
from expected
cross join found
where expected.rooms <> found.rooms or expected.reported_at is distinct from found.reported_at
