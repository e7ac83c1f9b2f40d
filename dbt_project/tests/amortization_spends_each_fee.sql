{{ config(group='cloud_cost') }}

-- Over its whole term, each fee is spent to the last digit, on as many days as the term has.
with

spent as (
    select
        fee_billing_period,
        account_id,
        commitment_id,
        fee_type,
        term_start,
        term_days,
        currency,
        min(fee) as fee,
        sum(amortized_cost) as amortized_cost,
        count(*) as days
    from {{ ref('commitment_amortization') }}
    group by fee_billing_period, account_id, commitment_id, fee_type, term_start, term_days, currency
),

paid as (
    select coalesce(sum(cost), 0) as fees from {{ ref('int_account_daily_cost') }} where fee_type is not null
)

select fee_billing_period, commitment_id, fee, amortized_cost, days
from spent
where fee <> amortized_cost or days <> term_days

union all

select 'all', null, paid.fees, coalesce(sum(spent.amortized_cost), 0), count(*)
from paid
left join spent on true
group by paid.fees
having paid.fees <> coalesce(sum(spent.amortized_cost), 0)
