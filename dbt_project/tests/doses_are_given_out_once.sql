-- Tier 1 of a clinic holds as many patients as it has doses, or all that it has: no dose is promised twice, or lost.
select
    clinic,
    max(doses) as doses,
    count(*) filter (where tier = 1) as promised,
    count(*) as patients
from {{ ref('patient_tiers') }}
where doses is not null
group by clinic
having count(*) filter (where tier = 1) <> least(max(doses), count(*))
