{{ config(materialized='table') }}

with

-- An export may be sent again; the newest row of a charge counts.
charges as (
    select distinct on (charge_id) *
    from {{ ref('stg_focus_costs') }}
    order by charge_id, load_id desc
)

select
    provider,
    billing_account_id,
    service_category,
    day,
    currency,
    sum(billed_cost) as billed_cost,
    sum(effective_cost) as effective_cost,
    count(*) as charges,
    max(loaded_at) as loaded_at
from charges
group by provider, billing_account_id, service_category, day, currency
