{{ config(materialized='table', indexes=[{'columns': ['location_id'], 'unique': true}]) }}

-- Measured on the last day that was reported, not by the clock: when the reports stop, nobody falls silent by that.
-- What is usual at a location is its own average week, over at most four whole weeks before the last seven days, and
-- only such as it was open and reported in. So the cost doesn't grow with history: five weeks are read, and one row per
-- location through an index for its last visit.
with

accounts as (
    select * from {{ ref('stg_accounts') }}
),

locations as (
    select * from {{ ref('stg_locations') }}
),

tickets as (
    select * from {{ ref('stg_support_tickets') }}
),

visits as (
    select * from {{ ref('int_location_daily_visits') }}
),

known as (
    select
        (select min(day) from visits) as first_day,
        {{ reported_until('visits', '(select max(day) from visits)') }} as measured_on
),

observed as (
    select
        locations.location_id,
        known.measured_on,
        least(
            4,
            greatest(0, (known.measured_on - 6 - greatest(locations.opened_on, known.first_day)) / 7)
        ) as weeks_observed
    from locations
    cross join known
    where known.measured_on is not null
),

counted as (
    select
        observed.location_id,
        coalesce(sum(visits.visits) filter (where visits.day > observed.measured_on - 7), 0)::bigint as visits_last_7_days,
        coalesce(sum(visits.hosts_not_notified) filter (where visits.day > observed.measured_on - 7), 0)::bigint as hosts_not_notified,
        sum(visits.visits) filter (where visits.day <= observed.measured_on - 7) as visits_before
    from observed
    left join visits
        on
            visits.location_id = observed.location_id
            and visits.day > observed.measured_on - 7 * (1 + observed.weeks_observed)
            and visits.day <= observed.measured_on
    group by observed.location_id
),

last_visits as (
    select
        observed.location_id,
        (
            select max(visits.day)
            from visits
            where visits.location_id = observed.location_id and visits.day <= observed.measured_on
        ) as last_visit_on
    from observed
),

open_tickets as (
    select
        location_id,
        count(*) as open_tickets
    from tickets
    where closed_at is null and location_id is not null
    group by location_id
),

measured as (
    select
        locations.*,
        observed.measured_on,
        observed.weeks_observed,
        case when observed.weeks_observed > 0 then round(coalesce(counted.visits_before, 0) / observed.weeks_observed, 1) end as usual_visits,
        counted.visits_last_7_days,
        counted.hosts_not_notified,
        last_visits.last_visit_on,
        observed.measured_on - last_visits.last_visit_on as days_since_last_visit,
        coalesce(open_tickets.open_tickets, 0) as open_tickets,
        coalesce(
            locations.closure_from <= observed.measured_on and locations.closure_until > observed.measured_on - 7,
            false
        ) as is_closed_lately
    from observed
    inner join locations on locations.location_id = observed.location_id
    inner join counted on counted.location_id = observed.location_id
    inner join last_visits on last_visits.location_id = observed.location_id
    left join open_tickets on open_tickets.location_id = observed.location_id
)

select
    measured.location_id,
    measured.location_name,
    measured.city,
    measured.account_id,
    coalesce(accounts.account_name, 'Account ' || measured.account_id) as account_name,
    accounts.plan,
    accounts.owner_name,
    accounts.owner_email,
    accounts.renews_on,
    coalesce(accounts.status = 'active', false) and coalesce(measured.closed_on > measured.measured_on, true) as is_active,
    measured.opened_on,
    measured.measured_on,
    measured.measured_on - measured.opened_on as days_open,
    accounts.renews_on - measured.measured_on as days_to_renewal,
    measured.weeks_observed,
    measured.usual_visits,
    measured.visits_last_7_days,
    round(1 - measured.visits_last_7_days / nullif(measured.usual_visits, 0), 4) as drop_share,
    measured.last_visit_on,
    measured.days_since_last_visit,
    measured.is_closed_lately,
    measured.closure_reason,
    measured.hosts_not_notified,
    measured.open_tickets,
    concat_ws(
        '; ',
        case when measured.last_visit_on is null then 'never had a visitor' end,
        case
            when measured.days_since_last_visit > 2
                then 'no visitor for ' || measured.days_since_last_visit || ' days'
        end,
        case
            when measured.visits_last_7_days < measured.usual_visits
                then measured.visits_last_7_days || ' in a week, ' || round(measured.usual_visits) || ' visitors are usual'
        end,
        case
            when measured.hosts_not_notified > 0
                then 'hosts got no message: ' || measured.hosts_not_notified
        end,
        case when measured.open_tickets > 0 then 'open tickets: ' || measured.open_tickets end
    ) as signals,
    greatest(
        (select max(loaded_at) from visits),
        (select max(loaded_at) from locations),
        accounts.loaded_at,
        (select max(loaded_at) from tickets)
    ) as loaded_at
from measured
left join accounts on accounts.account_id = measured.account_id
