-- For each billing period, the cost of all teams and days is the report's sum to the last digit: nothing is lost in the
-- allocation or counted for two teams. Periods restated since the build are left to the next build.
with

report as (
    select
        _period as billing_period,
        sum(line_item_unblended_cost) as cost,
        count(*) as line_items,
        max(_load_id) as load_id
    from {{ source('raw', 'cost_and_usage') }}
    group by _period
    having max(_load_id) <= (select max(load_id) from {{ ref('team_daily_cost') }})
),

allocated as (
    select
        billing_period,
        sum(cost) as cost,
        sum(line_items) as line_items
    from {{ ref('team_daily_cost') }}
    group by billing_period
)

select
    report.billing_period,
    report.cost as cost_in_report,
    allocated.cost as cost_in_mart,
    report.line_items as line_items_in_report,
    allocated.line_items as line_items_in_mart
from report
left join allocated on allocated.billing_period = report.billing_period
where (report.cost, report.line_items) is distinct from (allocated.cost, allocated.line_items)
