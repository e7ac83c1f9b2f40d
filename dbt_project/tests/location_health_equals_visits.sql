{{ config(group='customer_success') }}

-- The last seven days of all locations add up to the sign-ins of those days at locations that production knows.
with

measured as (
    select
        max(measured_on) as measured_on,
        sum(visits_last_7_days) as visits
    from {{ ref('location_health') }}
),

counted as (
    select coalesce(sum(visits.visits), 0) as visits
    from measured
    inner join {{ ref('int_location_daily_visits') }} as visits
        on visits.day > measured.measured_on - 7 and visits.day <= measured.measured_on
    inner join {{ ref('stg_locations') }} as locations on locations.location_id = visits.location_id
)

select
    measured.visits as visits_in_mart,
    counted.visits as visits_counted
from measured
cross join counted
where measured.visits <> counted.visits
