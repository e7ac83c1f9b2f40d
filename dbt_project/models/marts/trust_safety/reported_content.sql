{{ config(materialized='table', indexes=[{'columns': ['item_id'], 'unique': true}]) }}

-- Only reports since the last decision are open: what a moderator looked at and kept begins anew. A person counts once per
-- item, with the weight of the last report. The class of an item is the one that is nearest to what such reports usually
-- take: abuse counts double and everything else 0.6, which is what their bounds are to that of spam (1.5, 5 and 3).
with

reports as (
    select * from {{ ref('int_content_reports') }}
),

decisions as (
    select * from {{ ref('int_moderation_decisions') }}
),

items as (
    select distinct on (item_id)
        item_id,
        author_id,
        kind,
        audience,
        posted_at,
        load_id,
        loaded_at
    from {{ ref('stg_content_items') }}
    order by item_id, load_id desc
),

last_decisions as (
    select distinct on (item_id)
        item_id,
        decision,
        decided_at,
        loaded_at
    from decisions
    order by item_id, decided_at desc, decision_id
),

voices as (
    select distinct on (item_id, reporter_id)
        item_id,
        reporter_id,
        reason,
        reason_class,
        weight
    from reports
    where is_open
    order by item_id, reporter_id, reported_at desc, report_id
),

by_reason as (
    select
        item_id,
        reason,
        count(*) as reporters
    from voices
    group by item_id, reason
),

by_class as (
    select
        item_id,
        reason_class,
        sum(weight) * case reason_class when 'abuse' then 2 when 'spam' then 1 else 0.6 end as nearness
    from voices
    group by item_id, reason_class
),

classes as (
    select distinct on (item_id)
        item_id,
        reason_class
    from by_class
    order by item_id, nearness desc, reason_class
),

said as (
    select
        item_id,
        string_agg(reason || ' ' || reporters, ', ' order by reporters desc, reason) as reasons
    from by_reason
    group by item_id
),

weighed as (
    select
        item_id,
        count(*) as reporters,
        round(sum(weight), 2) as weighted_reports
    from voices
    group by item_id
),

filed as (
    select
        item_id,
        count(*) as all_reports,
        count(*) filter (where is_open) as open_reports,
        min(reported_at) as first_reported_at,
        max(reported_at) as last_reported_at,
        max(load_id) as load_id,
        max(loaded_at) as loaded_at
    from reports
    group by item_id
),

removals as (
    select
        items.author_id,
        count(distinct items.item_id) as removed_items
    from items
    inner join decisions on decisions.item_id = items.item_id and decisions.decision = 'removed'
    group by items.author_id
)

select
    filed.item_id,
    items.author_id,
    items.kind,
    case when last_decisions.decision = 'removed' then 'removed' else 'live' end as status,
    items.audience,
    items.posted_at,
    coalesce(weighed.reporters, 0) as reporters,
    filed.open_reports,
    filed.all_reports,
    coalesce(weighed.weighted_reports, 0) as weighted_reports,
    classes.reason_class,
    said.reasons,
    filed.first_reported_at,
    filed.last_reported_at,
    last_decisions.decided_at as last_decided_at,
    coalesce(removals.removed_items, 0) as author_removed_items,
    greatest(filed.loaded_at, items.loaded_at, last_decisions.loaded_at) as loaded_at,
    filed.load_id as report_load_id
from filed
left join items on items.item_id = filed.item_id
left join last_decisions on last_decisions.item_id = filed.item_id
left join weighed on weighed.item_id = filed.item_id
left join classes on classes.item_id = filed.item_id
left join said on said.item_id = filed.item_id
left join removals on removals.author_id = items.author_id
