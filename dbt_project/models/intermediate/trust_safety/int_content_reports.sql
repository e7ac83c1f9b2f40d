{{ config(materialized='table', indexes=[{'columns': ['report_id'], 'unique': true}, {'columns': ['item_id']}]) }}

-- How much a report weighs is what its reporter's earlier reports were worth, as far as that was known when it was made:
-- the outcome of a report is the first decision after it, and only outcomes that had come by then count. Of (upheld + 1)
-- / (decided + 2) a reporter without a past has a half (Laplace's rule of succession), one of eight hits 0.9, of eight
-- misses 0.1. An item counts once in a person's past, however often that person reported it.
with

reports as (
    select distinct on (report_id)
        report_id,
        item_id,
        reporter_id,
        reason,
        reported_at,
        load_id,
        loaded_at
    from {{ ref('stg_content_reports') }}
    order by report_id, load_id desc
),

decisions as (
    select * from {{ ref('int_moderation_decisions') }}
),

outcomes as (
    select
        reports.*,
        outcome.decision,
        outcome.decided_at
    from reports
    left join lateral (
        select decisions.decision, decisions.decided_at
        from decisions
        where decisions.item_id = reports.item_id and decisions.decided_at > reports.reported_at
        order by decisions.decided_at
        limit 1
    ) as outcome on true
),

pasts as (
    select
        outcomes.report_id,
        count(distinct earlier.item_id) as earlier_decided,
        count(distinct earlier.item_id) filter (where earlier.decision = 'removed') as earlier_upheld
    from outcomes
    left join outcomes as earlier
        on earlier.reporter_id = outcomes.reporter_id and earlier.decided_at < outcomes.reported_at
    group by outcomes.report_id
)

select
    outcomes.report_id,
    outcomes.item_id,
    outcomes.reporter_id,
    outcomes.reason,
    case
        when outcomes.reason in ('abuse', 'threat') then 'abuse'
        when outcomes.reason in ('spam', 'scam') then 'spam'
        else 'other'
    end as reason_class,
    outcomes.reported_at,
    outcomes.decided_at is null as is_open,
    pasts.earlier_decided,
    pasts.earlier_upheld,
    (pasts.earlier_upheld + 1)::numeric / (pasts.earlier_decided + 2) as weight,
    outcomes.load_id,
    outcomes.loaded_at
from outcomes
inner join pasts on pasts.report_id = outcomes.report_id
