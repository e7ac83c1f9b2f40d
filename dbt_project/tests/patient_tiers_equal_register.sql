-- Every patient of the newest export that the mart has seen is in it once, and nobody else.
with

expected as (
    select count(distinct patient_id) as patients
    from {{ source('raw', 'patients') }}
    where
        taken_on = (select max(taken_on) from {{ ref('patient_tiers') }})
        and _load_id <= (select max(load_id) from {{ ref('patient_tiers') }})
),

found as (
    select count(*) as patients from {{ ref('patient_tiers') }}
)

select
    expected.patients as patients_listed,
    found.patients as patients_in_mart
from expected
cross join found
where expected.patients <> found.patients
