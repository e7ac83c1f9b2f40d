-- Every report that was delivered is counted for exactly one item, among the loads that the mart has seen.
with

expected as (
    select count(distinct report_id) as reports, count(distinct item_id) as items
    from {{ source('raw', 'content_reports') }}
    where _load_id <= (select max(report_load_id) from {{ ref('reported_content') }})
),

found as (
    select coalesce(sum(all_reports), 0) as reports, count(*) as items from {{ ref('reported_content') }}
)

select
    expected.reports as reports_delivered,
    found.reports as reports_in_mart,
    expected.items as items_reported,
    found.items as items_in_mart
from expected
cross join found
where (expected.reports, expected.items) is distinct from (found.reports, found.items)
