-- Billed and effective cost of all providers and days are those of the bills, a charge sent again counted once.
with

charges as (
    select distinct on (id)
        id,
        billed_cost,
        effective_cost
    from {{ source('raw', 'focus_costs') }}
    where _loaded_at <= (select max(loaded_at) from {{ ref('provider_daily_cost') }})
    order by id, _load_id desc
),

expected as (
    select count(*) as charges, coalesce(sum(billed_cost), 0) as billed, coalesce(sum(effective_cost), 0) as effective from charges
),

found as (
    select
        coalesce(sum(charges), 0) as charges,
        coalesce(sum(billed_cost), 0) as billed,
        coalesce(sum(effective_cost), 0) as effective
    from {{ ref('provider_daily_cost') }}
)

select
    expected.billed as billed_in_bills,
    found.billed as billed_in_mart,
    expected.effective as effective_in_bills,
    found.effective as effective_in_mart
from expected
cross join found
where (expected.charges, expected.billed, expected.effective) is distinct from (found.charges, found.billed, found.effective)
