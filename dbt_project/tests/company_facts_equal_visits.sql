-- Every sign-in at a location that production knows, counted once, stands on its day, its account's and its location's
-- row; only loads that the mart has seen are compared.
with

signed_in as (
    select distinct on (visits.visit_id)
        visits.visit_id,
        locations.account_id,
        (visits.signed_in_at at time zone 'UTC')::date as day
    from {{ source('raw', 'visits') }} as visits
    inner join {{ source('raw', 'locations') }} as locations on locations.location_id = visits.location_id
    where
        visits._load_id <= (select max(visit_load_id) from {{ ref('company_facts') }})
        and locations._load_id <= (select max(list_load_id) from {{ ref('company_facts') }})
    order by visits.visit_id, visits._load_id
),

expected as (
    select
        signed_in.account_id,
        signed_in.day,
        count(*) as visits
    from signed_in
    where signed_in.day <= (select max(day) from {{ ref('company_facts') }})
    group by signed_in.account_id, signed_in.day
),

found as (
    select
        account_id,
        day,
        visits
    from {{ ref('company_facts') }}
    where visits > 0
)

select
    coalesce(expected.account_id, found.account_id) as account_id,
    coalesce(expected.day, found.day) as day,
    expected.visits as visits_reported,
    found.visits as visits_in_mart
from expected
full join found on found.account_id = expected.account_id and found.day = expected.day
where expected.visits is distinct from found.visits
