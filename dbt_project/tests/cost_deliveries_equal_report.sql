{{ config(group='cloud_cost') }}

-- The sums kept of the delivery that holds are the report itself, to the last digit: nothing is lost in summing.
-- Periods restated since the build are left to the next build.
with

report as (
    select billing_period, delivery, currency, sum(cost) as cost, count(*) as line_items, max(load_id) as load_id
    from {{ ref('stg_cost_and_usage') }}
    group by billing_period, delivery, currency
),

sums as (
    select billing_period, delivery, currency, sum(cost) as cost, sum(line_items) as line_items, max(report_load_id) as load_id
    from {{ ref('int_cost_deliveries') }}
    group by billing_period, delivery, currency
)

select
    report.billing_period,
    report.delivery,
    report.cost as cost_in_report,
    sums.cost as cost_in_sums
from report
inner join sums
    on sums.billing_period = report.billing_period
    and sums.delivery = report.delivery
    and sums.currency = report.currency
where
    report.load_id = sums.load_id
    and (report.cost, report.line_items) is distinct from (sums.cost, sums.line_items)
